"""Cases as lists show them: where, what, in which state, with whom, and when it is due, in a word and a class for its colour."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from geo.duty.case import Case
from geo.duty.events import State
from geo.duty.facts import Facts
from geo.duty.ledgers.wording import channel_text, moment_text, place_text, problem_text, state_text
from geo.texts import Text

#: A deadline nearer than this is marked as soon.
SOON = dt.timedelta(hours=24)


@dataclass(frozen=True)
class DueMark:
    """How near a deadline is: ``late``, ``soon``, ``fine`` or ``none``, and the words for it."""

    level: str
    text: Text


@dataclass(frozen=True)
class ListedCase:
    """One line of a list of cases."""

    number: str
    seq: int
    place: str
    problem: str
    channel: str
    state: str
    state_text: str
    owner: str
    due: str
    mark: DueMark
    reports: int
    returns: int
    round: int
    service: str


def due_mark(case: Case, now: dt.datetime) -> DueMark:
    """How near the deadline of a case is. Colour is never alone: the words say the same.

    >>> case = Case("A-1", State.HANDLING, due=dt.datetime(2026, 3, 2, 10, tzinfo=dt.UTC))
    >>> due_mark(case, dt.datetime(2026, 3, 4, 12, tzinfo=dt.UTC)).text.zh
    '逾期2天2小时'
    """
    if not case.open or case.due is None or case.state is State.SHELVED:
        return DueMark("none", Text("无时限", "no deadline"))
    left = case.due - now
    span = _span(abs(left))
    if left < dt.timedelta():
        return DueMark("late", Text("逾期{zh}", "{en} late").fill(zh=span.zh, en=span.en))
    level = "soon" if left <= SOON else "fine"
    return DueMark(level, Text("还剩{zh}", "{en} left").fill(zh=span.zh, en=span.en))


def _span(span: dt.timedelta) -> Text:
    hours = int(span.total_seconds() // 3600)
    if hours < 1:
        minutes = int(span.total_seconds() // 60)
        return Text(f"{minutes}分钟", f"{minutes} min")
    days, hours = divmod(hours, 24)
    if not days:
        return Text(f"{hours}小时", f"{hours} h")
    return Text(f"{days}天{hours}小时" if hours else f"{days}天", f"{days} d {hours} h" if hours else f"{days} d")


def listed_case(facts: Facts, case: Case, now: dt.datetime) -> ListedCase:
    """A case as a line of a list."""
    return ListedCase(
        number=case.case_id,
        seq=case.seq,
        place=place_text(facts, case),
        problem=problem_text(facts, case),
        channel=channel_text(facts, case),
        state=str(case.state or ""),
        state_text=state_text(case),
        owner=facts.name_of(case.owner or ""),
        due=moment_text(facts, case.due, year=facts.local(now).year),
        mark=due_mark(case, now),
        reports=len(case.reports),
        returns=case.returns,
        round=case.round,
        service=case.service,
    )


def by_urgency(cases: list[ListedCase]) -> list[ListedCase]:
    """Late ones first, then those due soon, each by deadline and number."""
    order = {"late": 0, "soon": 1, "fine": 2, "none": 3}
    return sorted(cases, key=lambda one: (order[one.mark.level], one.due, one.number))
