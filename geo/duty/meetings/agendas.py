"""The agenda of a regular meeting: open problems that need a decision, with reasons, at most twelve lines."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from geo.duty.facts import Facts
from geo.errors import InputError
from geo.texts import Text, joined

#: Tuesday, Thursday and Saturday, independent of the working day calendar.
MEETING_DAYS = (1, 3, 5)
#: Maximum number of lines; further lines are counted and left to the next meeting.
MOST_LINES = 12
#: Initial number of lines per rule, so that one rule does not fill the page; remaining lines follow in the order of the rules.
FIRST_OF_RULE = 3


class Rule(StrEnum):
    """Reasons for an agenda line, in the order of the agenda."""

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
        The rule, and its result as text with figures.
    about
        Place and problem, or the decision.
    question
        Question for the meeting.
    owner
        Proposed person or body to act, for the meeting to confirm.
    cases
        Numbers of all cases of the line.
    cell
        The finest cell that contains it, for the map; empty if there is none.
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
    """An agenda: day of the meeting and of the next one, lines, and the number of lines left to the next meeting."""

    day: dt.date
    next_day: dt.date
    lines: tuple[Line, ...]
    left_over: int

    @property
    def needed(self) -> bool:
        """Whether there are any lines."""
        return bool(self.lines)

    @property
    def note(self) -> Text:
        """Note below the lines."""
        if not self.needed:
            return Text("本次无需开会", "no meeting needed")
        if self.left_over:
            return Text("另有{n}项留待下次例会审议", "{n} more wait for the next time").fill(n=self.left_over)
        return Text("", "")


def agenda(facts: Facts, day: dt.date, *, scope: str = "", most: int = MOST_LINES) -> Agenda:
    """Compose the agenda of a meeting day.

    Parameters
    ----------
    facts
        The facts; `as_of` is the time of composing, usually the morning of the day.
    day
        A Tuesday, Thursday or Saturday.
    scope
        Code of a community; empty for the complete street.
    most
        Maximum number of lines.

    Raises
    ------
    InputError
        If there is no meeting on that day of the week.

    Notes
    -----
    A case is in one line, that of its first rule; reasons of further rules are added to it. There are no weights: lines are
    sorted by rule, and within a rule by deadline or number.
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
    """The last meeting day up to and including a day.

    >>> last_meeting(dt.date(2026, 3, 8))
    datetime.date(2026, 3, 7)
    """
    return next(earlier for k in range(8) if (earlier := day - dt.timedelta(days=k)).weekday() in MEETING_DAYS)


def _days_after(day: dt.date) -> Iterator[dt.date]:
    for k in range(1, 8):
        yield day + dt.timedelta(days=k)


def _merged(lines: Iterable[Line]) -> list[Line]:
    """One line for each case: cases of an earlier line are removed from later ones, whose reason is added to the earlier line."""
    kept: list[Line] = []
    home: dict[str, int] = {}
    for line in lines:
        fresh = tuple(number for number in line.cases if number not in home)
        # The reason of a line with many cases does not apply to a single one, except that it lies in a cluster.
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
    """The lines shown, in the order of the rules."""
    first: list[int] = []
    rest: list[int] = []
    of_rule: dict[Rule, int] = {}
    for place, line in enumerate(lines):
        of_rule[line.rule] = of_rule.get(line.rule, 0) + 1
        (first if of_rule[line.rule] <= FIRST_OF_RULE else rest).append(place)
    places = sorted([*first, *rest][:most])
    return [lines[place] for place in places]
