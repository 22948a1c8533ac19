"""The agenda of a regular meeting: open problems that need one, each with why it is here, twelve lines at most."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from geo.duty.facts import Facts
from geo.errors import InputError
from geo.texts import Text, joined

#: Tuesday, Thursday and Saturday, whatever the calendar of working days says.
MEETING_DAYS = (1, 3, 5)
#: More lines than these nobody reads; the rest is counted and waits for the next meeting.
MOST_LINES = 12
#: First so many lines of a rule, so that one rule does not fill the page; what room is left is filled in the order of the rules.
FIRST_OF_RULE = 3


class Rule(StrEnum):
    """Why something comes before a meeting, in the order in which it is taken up."""

    DECISION_OVERDUE = "decision_overdue"
    DUE_SOON = "due_soon"
    OLD = "old"
    RETURNED = "returned"
    CLUSTER = "cluster"
    RECURRED = "recurred"
    REVIEW = "review"
    JOINT = "joint"
    SHORT_OF_PATROLS = "short_of_patrols"
    UNRESOLVED = "unresolved"


@dataclass(frozen=True)
class Line:
    """One line of an agenda.

    Attributes
    ----------
    rule, why
        The rule that puts it here, and what it found, in words with its figures.
    about
        Place and problem, or what was decided.
    question
        What the meeting has to answer.
    owner
        Who would have to act: a proposal, for the meeting to confirm.
    cases
        Numbers of the cases; a line that stands for several names them all.
    cell
        The finest cell that holds it, for the map; empty where there is none.
    """

    rule: Rule
    why: Text
    about: str
    question: Text
    owner: str = ""
    cases: tuple[str, ...] = ()
    cell: str = ""


@dataclass(frozen=True)
class Agenda:
    """What a meeting takes up: its day, the next one, the lines, and how many more wait for the next time."""

    day: dt.date
    next_day: dt.date
    lines: tuple[Line, ...]
    left_over: int

    @property
    def needed(self) -> bool:
        """Whether there is anything to meet about."""
        return bool(self.lines)

    @property
    def note(self) -> Text:
        """What stands below the lines."""
        if not self.needed:
            return Text("本次无需开会", "no meeting needed")
        if self.left_over:
            return Text("另有{n}项下次再议", "{n} more wait for the next time").fill(n=self.left_over)
        return Text("", "")


def agenda(facts: Facts, day: dt.date, *, scope: str = "", most: int = MOST_LINES) -> Agenda:
    """Make the agenda of a meeting day.

    Parameters
    ----------
    facts
        What is known; the moment `as_of` is that of the making, usually the morning of the day.
    day
        A Tuesday, Thursday or Saturday.
    scope
        Code of a community; empty for the whole street.
    most
        Most lines.

    Raises
    ------
    InputError
        If there is no meeting on that day of the week.

    Notes
    -----
    A case stands in one line, that of its first rule; the reasons of the others are added to it. Nothing is weighed: the order is
    that of the rules, and within a rule that of the deadlines or numbers.
    """
    from geo.duty.meetings.rules import all_lines

    if day.weekday() not in MEETING_DAYS:
        raise InputError(f"{day} is no meeting day; meetings are on Tuesday, Thursday and Saturday")
    after = next_meeting(day)
    lines = _merged(all_lines(facts, day, after, scope))
    chosen = _chosen(lines, most)
    return Agenda(day, after, tuple(chosen), len(lines) - len(chosen))


def next_meeting(day: dt.date) -> dt.date:
    """The first meeting day after a day.

    >>> next_meeting(dt.date(2026, 3, 5)), next_meeting(dt.date(2026, 3, 7))
    (datetime.date(2026, 3, 7), datetime.date(2026, 3, 10))
    """
    return next(later for later in _days_after(day) if later.weekday() in MEETING_DAYS)


def last_meeting(day: dt.date) -> dt.date:
    """The last meeting day up to a day, itself included.

    >>> last_meeting(dt.date(2026, 3, 8))
    datetime.date(2026, 3, 7)
    """
    return next(earlier for k in range(8) if (earlier := day - dt.timedelta(days=k)).weekday() in MEETING_DAYS)


def _days_after(day: dt.date) -> Iterator[dt.date]:
    for k in range(1, 8):
        yield day + dt.timedelta(days=k)


def _merged(lines: Iterable[Line]) -> list[Line]:
    """One line for each case: the cases of an earlier line are taken out of later ones, whose reason is added to the first."""
    kept: list[Line] = []
    home: dict[str, int] = {}
    for line in lines:
        fresh = tuple(number for number in line.cases if number not in home)
        # What a line says of many cases together says nothing of one of them, but that it lies in a cluster.
        tells = len(line.cases) == 1 or line.rule is Rule.CLUSTER
        for place in sorted({home[number] for number in line.cases if number in home}):
            if tells and len(kept[place].cases) == 1:
                kept[place] = replace(kept[place], why=joined([kept[place].why, line.why]))
        if line.cases and not fresh:
            continue
        home.update(dict.fromkeys(fresh, len(kept)))
        kept.append(replace(line, cases=fresh))
    return kept


def _chosen(lines: Sequence[Line], most: int) -> list[Line]:
    """The lines that are shown, in the order of the rules."""
    first: list[int] = []
    rest: list[int] = []
    of_rule: dict[Rule, int] = {}
    for place, line in enumerate(lines):
        of_rule[line.rule] = of_rule.get(line.rule, 0) + 1
        (first if of_rule[line.rule] <= FIRST_OF_RULE else rest).append(place)
    places = sorted([*first, *rest][:most])
    return [lines[place] for place in places]
