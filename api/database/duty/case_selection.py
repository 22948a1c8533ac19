"""Selects the cases whose events a ledger, an agenda or a brief needs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Select, String, cast, exists, or_, select
from sqlalchemy.orm import Session, aliased

from api.database.models import CaseEventRow, CaseRow, DecisionRow
from geo.duty import Action, Clock
from geo.duty.events import ENDED
from geo.duty.ledgers.periodic import CLOSINGS
from geo.duty.meetings.outcomes import DECIDING

#: Maximum delay between a report and its storing; cases opened this much later than a period are read with it.
LATE = timedelta(days=7)
#: A deadline of a former round is looked for in cases that have changed since so long before its day.
_FORMER_ROUNDS = timedelta(days=100)
#: Steps that set the deadline of handling.
_SETTING = tuple(
    action.value
    for action in (Action.ASSIGN, Action.DECIDE_ASSIGN, Action.EXTEND, Action.RESUME, Action.TAKE_IN, Action.RECKON)
)
_REDOING = tuple(action.value for action in (Action.VERIFY_BAD, Action.VISIT_UNSOLVED, Action.REOPEN))


def open_or_changed(session: Session, street: int, window: tuple[datetime, datetime], scope: str) -> list[str]:
    """Numbers of the cases in a cell that were opened before the end, and are open or have changed since the start."""
    start, end = window
    ended = [state.value for state in ENDED]
    query = select(CaseRow.number).where(
        CaseRow.street == street,
        CaseRow.opened_at < end,
        or_(CaseRow.state.not_in(ended), CaseRow.changed_at >= start),
    )
    return sorted(session.scalars(_within(query, scope)))


def of_service(session: Session, street: int, numbers: list[str], service: str) -> list[str]:
    """Those of some cases that belong to one of the five services."""
    return sorted(_narrowed(session, street, numbers, lambda query: query.where(CaseRow.service == service)))


def with_decisions(session: Session, street: int, window: tuple[datetime, datetime], scope: str) -> list[str]:
    """Those of :func:`open_or_changed` about which a meeting has decided since the start, in a step or in a stored decision."""
    steps = select(CaseEventRow.case_number).where(
        CaseEventRow.street == street,
        CaseEventRow.at >= window[0],
        CaseEventRow.action.in_(action.value for action in DECIDING),
    )
    stored = select(DecisionRow.case_id).where(DecisionRow.street == street)
    return sorted(set(open_or_changed(session, street, window, scope)) & {*session.scalars(steps.union(stored))})


def closings_by_grid(
    session: Session, street: int, window: tuple[datetime, datetime], as_of: datetime
) -> dict[str, int]:
    """Closings that happened in ``[start, end)``, without undone ones, by the second-level grid of the case."""
    start, end = window
    undo = aliased(CaseEventRow)
    undone = exists().where(
        undo.street == CaseEventRow.street,
        undo.case_number == CaseEventRow.case_number,
        undo.seq == CaseEventRow.seq + 1,
        undo.action == Action.UNDO.value,
        undo.at < as_of,
    )
    query = (
        select(CaseRow.second, CaseEventRow.at, CaseEventRow.payload)
        .join(CaseRow, (CaseRow.street == CaseEventRow.street) & (CaseRow.number == CaseEventRow.case_number))
        .where(
            CaseEventRow.street == street,
            CaseEventRow.at >= start,
            CaseEventRow.at < min(end + LATE, as_of),
            CaseEventRow.action.in_(action.value for action in CLOSINGS),
            ~undone,
        )
    )
    counts: Counter[str] = Counter()
    for second, at, payload in session.execute(query):
        said = payload.get("happened_at")
        if start <= (datetime.fromisoformat(said) if said else at) < end:
            counts[second] += 1
    return dict(counts)


def of_day(
    session: Session, street: int, window: tuple[datetime, datetime, datetime], scope: str, *, deadlines: bool
) -> list[str]:
    """Numbers of the cases in a cell with a step that happened on a day.

    Parameters
    ----------
    window
        Start and end of the day, and the time until which events are known.
    deadlines
        Also cases with a deadline of handling on the day, whether or not it was kept.
    """
    start, end, as_of = window
    events = CaseEventRow.street == street
    same_day = select(CaseEventRow.case_number).where(events, CaseEventRow.at >= start, CaseEventRow.at < end)
    stored_later = select(CaseEventRow.case_number).where(
        events,
        CaseEventRow.at >= end,
        CaseEventRow.at < min(end + LATE, as_of),
        cast(CaseEventRow.payload, String).like('%"happened_at"%'),
    )
    found = set(session.scalars(same_day)) | set(session.scalars(stored_later))
    if deadlines:
        found |= set(_due_on(session, street, start, end))
    return sorted(found & _inside(session, street, found, scope)) if scope else sorted(found)


def _due_on(session: Session, street: int, start: datetime, end: datetime) -> Iterator[str]:
    """Cases whose deadline of handling, in the last round or in a former one, lies in ``[start, end)``."""
    last = select(CaseRow.number).where(CaseRow.street == street, CaseRow.due >= start, CaseRow.due < end)
    yield from session.scalars(last)
    former = (
        select(CaseEventRow.case_number, CaseEventRow.payload)
        .join(CaseRow, (CaseRow.street == CaseEventRow.street) & (CaseRow.number == CaseEventRow.case_number))
        .where(
            CaseRow.street == street,
            CaseRow.round > 1,
            CaseRow.opened_at < end,
            CaseRow.changed_at >= start - _FORMER_ROUNDS,
            CaseEventRow.action.in_((*_SETTING, *_REDOING)),
            or_(*(cast(CaseEventRow.payload, String).contains(f"{day}T") for day in _written_days(start, end))),
        )
    )
    for number, payload in session.execute(former):
        if any(start <= due < end for due in _deadlines(payload)):
            yield number


def _written_days(start: datetime, end: datetime) -> list[date]:
    """Days that the text of a moment in ``[start, end)`` may begin with, whatever its zone."""
    zones = timedelta(hours=14)
    first, last = (start.astimezone(UTC) - zones).date(), (end.astimezone(UTC) + zones).date()
    return [first + timedelta(days=k) for k in range((last - first).days + 1)]


def _deadlines(payload: Mapping[str, Any]) -> Iterator[datetime]:
    clocks = payload.get("clocks") or {}
    for clock in (Clock.HANDLE.value, Clock.REDO.value):
        due = (clocks.get(clock) or {}).get("due")
        if due:
            yield datetime.fromisoformat(due)


def _within(query: Select[str], scope: str) -> Select[str]:
    if not scope:
        return query
    return query.where(or_(CaseRow.community == scope, CaseRow.second == scope, CaseRow.third == scope))


def _inside(session: Session, street: int, numbers: set[str], scope: str) -> set[str]:
    """Those of some cases that lie in a cell."""
    return _narrowed(session, street, sorted(numbers), lambda query: _within(query, scope))


def _narrowed(
    session: Session, street: int, numbers: list[str], condition: Callable[[Select[str]], Select[str]]
) -> set[str]:
    """Those of some cases that satisfy a condition."""
    found: set[str] = set()
    for k in range(0, len(numbers), 500):
        query = select(CaseRow.number).where(CaseRow.street == street, CaseRow.number.in_(numbers[k : k + 500]))
        found.update(session.scalars(condition(query)))
    return found
