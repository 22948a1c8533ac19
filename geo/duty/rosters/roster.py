"""The roster (责任人名册): persons responsible for cells by day, gaps and conflicts, and hand-over of cases."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import pandas as pd

from geo.duty.case import Case
from geo.duty.events import Action, Duty, Event, Role
from geo.duty.rosters.assignments import ANSWERABLE, FOREVER, STAFF, Absence, Assignment, Person
from geo.errors import ImpossibleError, InputError
from geo.texts import Text
from geo.wording import counted, form

DAY = dt.timedelta(days=1)

#: Kinds of findings.
KINDS: Mapping[str, Text] = {
    "gap": Text("无人负责", "nobody answers for the cell"),
    "absent": Text("责任人不在岗且无代理", "the person is away and nobody stands in"),
    "overlap": Text("同日多人负责", "more than one person answers for the cell"),
    "several_cells": Text("一人兼任多个二级网格格长", "one person leads more than one second-level grid"),
    "unknown_cell": Text("网格编码不存在", "no such cell"),
    "unknown_person": Text("人员未登记", "no such person"),
}


class Answerable(NamedTuple):
    """Person responsible for a cell on a day; `instead_of` is the person they substitute, or empty."""

    person: str
    instead_of: str = ""


class Roster:
    """Assignments of persons to cells by dates.

    Parameters
    ----------
    assignments
        In any order.
    persons
        Known persons; if empty, all codes in the assignments are known.
    absences
        Absences, each with its deputy.
    cells
        Level (1, 2, 3) of each cell by code; these are checked for gaps. If empty, the cells in the assignments are checked, as
        second-level grids.

    Examples
    --------
    >>> day = dt.date(2026, 3, 2)
    >>> roster = Roster(
    ...     [Assignment("320113003001001", "张三", Duty.LEADER, day), Assignment("320113003001001", "李四", Duty.DEPUTY, day)],
    ...     absences=[Absence("张三", day + DAY, day + DAY)],
    ...     cells={"320113003001001": 2},
    ... )
    >>> roster.answerable("320113003001001", day)
    Answerable(person='张三', instead_of='')
    >>> roster.answerable("320113003001001", day + DAY)
    Answerable(person='李四', instead_of='张三')
    >>> roster.findings(day - DAY, day)["kind"].tolist()
    ['gap']
    """

    def __init__(
        self,
        assignments: Iterable[Assignment],
        *,
        persons: Iterable[Person] = (),
        absences: Iterable[Absence] = (),
        cells: Mapping[str, int] | None = None,
    ) -> None:
        self.assignments = tuple(sorted(assignments, key=lambda a: (a.cell, a.duty, a.valid_from, a.until, a.person)))
        self.persons = {person.code: person for person in persons}
        self.absences = tuple(sorted(absences, key=lambda a: (a.person, a.first)))
        self.cells = dict.fromkeys(sorted({a.cell for a in self.assignments}), 2) if cells is None else dict(cells)
        self._by_cell: dict[str, list[Assignment]] = defaultdict(list)
        self._by_person: dict[str, list[Assignment]] = defaultdict(list)
        for assignment in self.assignments:
            self._by_cell[assignment.cell].append(assignment)
            self._by_person[assignment.person].append(assignment)
        self._absences: dict[str, list[Absence]] = defaultdict(list)
        for absence in self.absences:
            self._absences[absence.person].append(absence)

    def holders(self, cell: str, day: dt.date, duty: Duty | str | None = None) -> list[Assignment]:
        """Assignments for a cell on a day, of one duty or of all."""
        return [a for a in self._by_cell.get(cell, ()) if a.holds_on(day) and (duty is None or a.duty == duty)]

    def duties(self, person: str, day: dt.date) -> list[Assignment]:
        """Assignments of a person on a day."""
        return [a for a in self._by_person.get(person, ()) if a.holds_on(day)]

    def away(self, person: str, day: dt.date) -> Absence | None:
        """The absence of a person on a day."""
        return next((a for a in self._absences.get(person, ()) if a.holds_on(day)), None)

    def answerable(self, cell: str, day: dt.date) -> Answerable | None:
        """Person responsible for a cell on a day: the assigned person, or a substitute if they are away; None if there is none.

        The deputy of the absence has priority, then deputies of the cell in the order of their assignment. Deputies who are away
        are skipped.
        """
        holders = self.holders(cell, day, ANSWERABLE[self.cells.get(cell, 2)])
        for holder in holders:
            if self.away(holder.person, day) is None:
                return Answerable(holder.person)
        for holder in holders:
            absence = self.away(holder.person, day)
            named = [absence.deputy] if absence is not None and absence.deputy else []
            deputies = [a.person for a in self.holders(cell, day, Duty.DEPUTY)]
            for deputy in (*named, *deputies):
                if self.away(deputy, day) is None and deputy != holder.person:
                    return Answerable(deputy, holder.person)
        return None

    def leaders(self, day: dt.date) -> pd.DataFrame:
        """Leader and deputies of each second-level grid on a day, for patrol verdicts.

        Returns
        -------
        DataFrame
            Index: code of the cell; `leader` (None if there is none) and `deputies` (a tuple, including substitutes of an absent
            leader).
        """
        rows = {}
        for cell, level in self.cells.items():
            if level != 2:
                continue
            leaders = [a.person for a in self.holders(cell, day, Duty.LEADER)]
            deputies = [a.person for a in self.holders(cell, day, Duty.DEPUTY)]
            for leader in leaders:
                absence = self.away(leader, day)
                if absence is not None and absence.deputy:
                    deputies.append(absence.deputy)
            rows[cell] = {
                "leader": leaders[0] if leaders else None,
                "deputies": tuple(dict.fromkeys([*leaders[1:], *deputies])),
            }
        return pd.DataFrame.from_dict(rows, orient="index", columns=["leader", "deputies"])

    def staff(self, day: dt.date) -> dict[str, int]:
        """Number of second-level grids led by each kind of staff on a day.

        >>> Roster([]).staff(dt.date(2026, 3, 2))
        {'official': 0, 'community_worker': 0, '': 0}
        """
        counts = dict.fromkeys((*STAFF, ""), 0)
        for cell, level in self.cells.items():
            for holder in self.holders(cell, day, Duty.LEADER) if level == 2 else ():
                person = self.persons.get(holder.person)
                counts[person.kind if person is not None and person.kind in STAFF else ""] += 1
        return counts

    def findings(self, first: dt.date, last: dt.date) -> pd.DataFrame:
        """Gaps and conflicts of the roster between two days, both included.

        Returns
        -------
        DataFrame
            By cell and day: `kind` (:data:`KINDS`), `cell`, `person`, `first`, `last`, `explanation_zh`, `explanation`.
            Consecutive days with the same finding are one row. Cost: O(assignments + cells).

        Raises
        ------
        InputError
            If `last` is before `first`.
        """
        if last < first:
            raise InputError(f"the days {first} to {last} are in the wrong order")
        rows = [*self._strangers(), *self._crowded_persons(first, last)]
        for cell in self.cells:
            rows.extend(self._cell_findings(cell, first, last))
        rows.sort(key=lambda row: (row[1], row[3], row[0], row[2]))
        return pd.DataFrame(
            [(*row, *_explained(*row)) for row in rows],
            columns=["kind", "cell", "person", "first", "last", "explanation_zh", "explanation"],
        )

    def _cell_findings(self, cell: str, first: dt.date, last: dt.date) -> list[tuple[str, str, str, dt.date, dt.date]]:
        """Periods without a responsible person or with several; evaluated only on days of change."""
        found: list[tuple[str, str, str, dt.date, dt.date]] = []
        marks = sorted(day for day in self._changes(cell) if first < day <= last)
        for start, following in zip([first, *marks], [*marks, last + DAY], strict=True):
            holders = self.holders(cell, start, ANSWERABLE[self.cells[cell]])
            persons = "、".join(dict.fromkeys(a.person for a in holders))
            if not holders:
                kind = "gap"
            elif self.answerable(cell, start) is None:
                kind = "absent"
            elif len({a.person for a in holders}) > 1:
                kind = "overlap"
            else:
                continue
            if found and found[-1][:3] == (kind, cell, persons) and found[-1][4] + DAY == start:
                found[-1] = (*found[-1][:4], following - DAY)
            else:
                found.append((kind, cell, persons, start, following - DAY))
        return found

    def _changes(self, cell: str) -> set[dt.date]:
        """Days on which the responsible person of a cell may change."""
        marks: set[dt.date] = set()
        persons = set()
        for assignment in self._by_cell.get(cell, ()):
            marks.add(assignment.valid_from)
            if assignment.until < FOREVER:
                marks.add(assignment.until + DAY)
            persons.add(assignment.person)
        named = {absence.deputy for person in persons for absence in self._absences.get(person, ())}
        for person in persons | named:
            for absence in self._absences.get(person, ()):
                marks |= {absence.first, absence.last + DAY}
        return marks

    def _strangers(self) -> Iterable[tuple[str, str, str, dt.date, dt.date]]:
        for a in self.assignments:
            if a.cell not in self.cells:
                yield "unknown_cell", a.cell, a.person, a.valid_from, a.until
            if self.persons and a.person not in self.persons:
                yield "unknown_person", a.cell, a.person, a.valid_from, a.until

    def _crowded_persons(self, first: dt.date, last: dt.date) -> Iterable[tuple[str, str, str, dt.date, dt.date]]:
        for person, assignments in self._by_person.items():
            led = [a for a in assignments if a.duty is Duty.LEADER and self.cells.get(a.cell) == 2]
            led.sort(key=lambda a: a.valid_from)
            for k, one in enumerate(led):
                for two in led[k + 1 :]:
                    start, end = max(one.valid_from, two.valid_from, first), min(one.until, two.until, last)
                    if start <= end and one.cell != two.cell:
                        yield "several_cells", two.cell, person, start, end

    def hand_over(
        self, cases: Iterable[Case], person: str, *, at: dt.datetime, day: dt.date, by: str, to: str = ""
    ) -> list[Event]:
        """Hand over all open cases of a person who is away or has left.

        Parameters
        ----------
        cases
            All open cases; those of other persons are ignored.
        at, day
            Time of the events, and the local day of the roster that determines the successors.
        by
            Actor of the hand-over.
        to
            Successor for all cases; by default the person responsible for the cell of each case on `day`.

        Returns
        -------
        list of Event
            One ``hand_over`` for each case, to be written together.

        Raises
        ------
        ImpossibleError
            If a case has no successor; then none is handed over.
        """
        events, orphans = [], []
        for case in cases:
            if not case.open or case.owner != person:
                continue
            successor = to or self._successor(case, person, day)
            if not successor or successor == person:
                orphans.append(case.case_id)
                continue
            reason = f"{person}不在岗，移交{successor}"
            events.append(_hand_over(case, person, successor, reason=reason, at=at, by=by))
        if orphans:
            raise ImpossibleError(
                f"{counted(len(orphans), 'open case')} of {person} {form(len(orphans), 'has', 'have')} no successor on {day} "
                f"({', '.join(orphans[:5])}); name one",
                ids=orphans,
            )
        return events

    def hand_back(self, cases: Iterable[Case], person: str, *, at: dt.datetime, by: str) -> list[Event]:
        """Hand back the open cases that a person handed over last, because the absence was withdrawn.

        Returns
        -------
        list of Event
            One ``hand_over`` for each case whose last step is the hand-over by the person; other cases stay where they are.
        """
        found = []
        for case in cases:
            last = case.last
            if (
                not case.open
                or last is None
                or last.action is not Action.HAND_OVER
                or last.payload.get("from") != person
            ):
                continue
            reason = f"{person}请假已撤回，移交回{person}"
            found.append(_hand_over(case, case.owner, person, reason=reason, at=at, by=by))
        return found

    def _successor(self, case: Case, person: str, day: dt.date) -> str:
        absence = self.away(person, day)
        if absence is not None and absence.deputy and self.away(absence.deputy, day) is None:
            return absence.deputy
        for cell in (case.second, case.community):
            found = self.answerable(cell, day) if cell else None
            if found is not None and found.person != person:
                return found.person
        return ""


def _explained(kind: str, cell: str, person: str, first: dt.date, last: dt.date) -> Text:
    days = f"{first}" if first == last else f"{first}—{'' if last == FOREVER else last}"
    who = f"（{person}）" if person else ""
    return Text(
        f"{cell} {days}：{KINDS[kind].zh}{who}", f"{cell} {days}: {KINDS[kind].en}{f' ({person})' if person else ''}"
    )


def _hand_over(case: Case, giver: str | None, taker: str, *, reason: str, at: dt.datetime, by: str) -> Event:
    """The next event of a case: it passes from one person to another."""
    payload = {"to": taker, "from": giver}
    return Event(case.case_id, case.seq + 1, at, by, Role.LEVEL1, Action.HAND_OVER, reason=reason, payload=payload)
