"""Shifts (值班) of offices and community stations, swaps of shifts, and uncovered hours."""

from __future__ import annotations

import dataclasses
import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pandas as pd

from geo.errors import ImpossibleError, InputError
from geo.texts import Text


@dataclass(frozen=True)
class Shift:
    """A person is on duty at a place in ``[start, end)``; `swapped_from` is the person planned before a swap."""

    place: str
    start: dt.datetime
    end: dt.datetime
    person: str
    swapped_from: str = ""
    reason: str = ""

    def __post_init__(self) -> None:
        if self.start.tzinfo is None or self.end.tzinfo is None:
            raise InputError(f"shift of '{self.person}' at '{self.place}': begin and end need a time zone")
        if self.end <= self.start:
            raise InputError(
                f"shift of '{self.person}' at '{self.place}': ends at {self.end}, before it begins at {self.start}"
            )
        if not self.person:
            raise InputError(f"shift at '{self.place}' from {self.start}: no person is named")


@dataclass(frozen=True)
class ShiftPlan:
    """Shifts of all places.

    >>> at = dt.datetime(2026, 3, 2, 8, tzinfo=dt.timezone(dt.timedelta(hours=8)))
    >>> plan = ShiftPlan((Shift("万寿村", at, at + dt.timedelta(hours=8), "张三"),))
    >>> plan.on_duty("万寿村", at), plan.on_duty("万寿村", at + dt.timedelta(hours=8))
    (('张三',), ())
    """

    shifts: tuple[Shift, ...]

    def on_duty(self, place: str, at: dt.datetime) -> tuple[str, ...]:
        """Persons on duty at a place at a given time."""
        return tuple(s.person for s in self.shifts if s.place == place and s.start <= at < s.end)

    def swapped(self, one: Shift, two: Shift, *, reason: str) -> ShiftPlan:
        """The plan with the persons of two shifts exchanged.

        Raises
        ------
        InputError
            If a shift is not in the plan, or no reason is given.
        ImpossibleError
            If a person would be on duty twice at once.
        """
        if one not in self.shifts or two not in self.shifts:
            raise InputError("a shift to be swapped is not in the plan; another user may have swapped it")
        if not reason.strip():
            raise InputError("a swap needs a reason")
        new = {
            one: dataclasses.replace(one, person=two.person, swapped_from=one.person, reason=reason),
            two: dataclasses.replace(two, person=one.person, swapped_from=two.person, reason=reason),
        }
        plan = ShiftPlan(tuple(new.get(shift, shift) for shift in self.shifts))
        for shift in new.values():
            if double := plan.doubles(shift.person):
                raise ImpossibleError(
                    f"'{shift.person}' would be on duty twice at {double[0][1].start}: at {double[0][0].place} and at "
                    f"{double[0][1].place}"
                )
        return plan

    def doubles(self, person: str) -> list[tuple[Shift, Shift]]:
        """Pairs of shifts of a person that overlap."""
        mine = sorted((s for s in self.shifts if s.person == person), key=lambda s: s.start)
        return [(one, two) for k, one in enumerate(mine) for two in mine[k + 1 :] if two.start < one.end]

    def findings(self, required: Iterable[tuple[str, dt.datetime, dt.datetime]]) -> pd.DataFrame:
        """Uncovered hours, and persons with overlapping shifts.

        Parameters
        ----------
        required
            Place, start and end of each period to be covered.

        Returns
        -------
        DataFrame
            `kind` (``empty`` or ``double``), `place`, `person`, `start`, `end`, `explanation_zh`, `explanation`.
        """
        rows: list[tuple[str, str, str, dt.datetime, dt.datetime]] = []
        for place, start, end in required:
            mine = sorted(
                (s for s in self.shifts if s.place == place and s.end > start and s.start < end), key=lambda s: s.start
            )
            rows += [("empty", place, "", a, b) for a, b in _uncovered(mine, start, end)]
        for person in sorted({shift.person for shift in self.shifts}):
            rows += [
                ("double", two.place, person, two.start, min(one.end, two.end)) for one, two in self.doubles(person)
            ]
        texts = [_explained(*row) for row in rows]
        return pd.DataFrame(
            [(*row, *text) for row, text in zip(rows, texts, strict=True)],
            columns=["kind", "place", "person", "start", "end", "explanation_zh", "explanation"],
        )


def required_hours(
    places: Iterable[str], days: Iterable[dt.date], hours: Sequence[tuple[dt.time, dt.time]], zone: dt.tzinfo
) -> list[tuple[str, dt.datetime, dt.datetime]]:
    """Periods to be covered, by place and day; an end not after the start is on the next day."""
    found = []
    for place in places:
        for day in days:
            for begin, end in hours:
                last = day + dt.timedelta(days=end <= begin)
                found.append((place, dt.datetime.combine(day, begin, zone), dt.datetime.combine(last, end, zone)))
    return found


def _uncovered(shifts: list[Shift], start: dt.datetime, end: dt.datetime) -> list[tuple[dt.datetime, dt.datetime]]:
    found = []
    reached = start
    for shift in shifts:
        if shift.start > reached:
            found.append((reached, shift.start))
        reached = max(reached, shift.end)
    if reached < end:
        found.append((reached, end))
    return found


def _explained(kind: str, place: str, person: str, start: dt.datetime, end: dt.datetime) -> Text:
    span = (
        f"{start:%Y-%m-%d %H:%M}—{end:%H:%M}"
        if start.date() == end.date()
        else f"{start:%Y-%m-%d %H:%M}—{end:%m-%d %H:%M}"
    )
    if kind == "empty":
        return Text(f"{place} {span}无人值班", f"{place} {span}: nobody is on duty")
    return Text(f"{person} {span}在两处值班，一处为{place}", f"{person} {span}: on duty at two places, one is {place}")
