"""Cases in the database: their events, lists computed from them, and steps executed under a lock."""

from __future__ import annotations

import dataclasses
import itertools
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import Select, func, insert, or_, select
from sqlalchemy.orm import Session

from api.database.connections import lock
from api.database.models import CaseEventRow, CaseRow
from api.errors import NotStoredError
from geo.duty import (
    Action,
    Case,
    CaseRules,
    Event,
    State,
    advance,
    broken_links,
    event_hash,
    fold,
    linked_steps,
    prepared,
)
from geo.duty.events import ENDED, stored_event
from geo.duty.garbage_collection import collection_paused
from geo.errors import InputError
from geo.incidents import Calendar

_EVENT_COLUMNS = (
    *("case_number", "seq", "at", "actor", "role", "action", "reason", "payload", "client_id"),
    *("rules_version", "calendar_version", "prev_hash"),
)
# Columns of the table instead of attributes of the class, in conditions and order too: a single attribute makes the rows of a
# query pass through the object mapper, which takes a fifth more time.
_EVENT = CaseEventRow.__table__.c
_EVENT_QUERY = tuple(_EVENT[name] for name in _EVENT_COLUMNS)
#: Number of rows in memory when events are read in blocks.
BLOCK = 5_000


@dataclass(frozen=True)
class Standing:
    """Calendar and rules for new deadlines."""

    calendar: Calendar
    rules: CaseRules


@dataclass(frozen=True)
class CaseFilter:
    """Filter of a list of cases; `scopes` are code prefixes for a cell of the case, None for all."""

    states: tuple[str, ...] = ()
    open_only: bool = False
    owner: str = ""
    service: str = ""
    kind: str = ""
    cell: str = ""
    due_before: datetime | None = None
    scopes: tuple[str, ...] | None = None


def add_step(session: Session, street: int, event: Event, standing: Standing) -> tuple[Case, bool]:
    """Execute one step of a case and its consequences for other cases.

    Parameters
    ----------
    session
        A write session. The step waits for the lock of the street's cases.
    event
        With the sequence number that its sender expects to be the next one.

    Returns
    -------
    (Case, bool)
        The case after the step, and whether something was written: a repeated event writes nothing.

    Raises
    ------
    RefusedStep
        If the step is not allowed; the error contains the current case. Nothing is written.
    """
    lock(session, f"duty cases {street}")
    present: dict[str, Case] = {}

    def case_of(number: str) -> Case:
        if number not in present:
            present[number] = find_case(session, street, number) or Case(number)
        return present[number]

    plain = dataclasses.replace(event, payload=msgspec.to_builtins(event.payload))
    written: list[tuple[Event, Case]] = []
    for step in linked_steps(plain, case_of):
        before = case_of(step.case_id)
        ready = prepared(before, step, calendar=standing.calendar, rules=standing.rules)
        after = advance(before, ready)
        if after is before:
            return after, False
        written.append((ready, after))
    for ready, after in written:
        session.add(CaseEventRow(**_event_values(street, ready)))
        _keep(session, street, after)
    session.flush()
    return written[0][1], True


def add_logs(session: Session, street: int, logs: Mapping[str, Sequence[Event]]) -> list[str]:
    """Store complete logs of cases created elsewhere by the state machine; cases with known numbers are unchanged.

    Returns
    -------
    list of str
        Numbers of the cases that were stored.

    Raises
    ------
    InputError
        If a log is not one chain of hashes from its first event on. Nothing is written.
    """
    lock(session, f"duty cases {street}")
    known = set(session.scalars(select(CaseRow.number).where(CaseRow.street == street)))
    fresh = {number: list(log) for number, log in logs.items() if number not in known}
    for number, log in fresh.items():
        if broken := broken_links(log):
            raise InputError(f"case {number}: event {broken[0]} does not follow the one before it; nothing was stored")
    events = sorted((event for log in fresh.values() for event in log), key=lambda e: (e.at, e.case_id, e.seq))
    for k in range(0, len(events), BLOCK):
        session.execute(insert(CaseEventRow), [_event_values(street, event) for event in events[k : k + BLOCK]])
    rows = [{"street": street, **_values(fold(log))} for log in fresh.values()]
    for k in range(0, len(rows), BLOCK):
        session.execute(insert(CaseRow), rows[k : k + BLOCK])
    return sorted(fresh)


def newest_step(session: Session, street: int, *, until: datetime) -> datetime | None:
    """Time of the newest step before a moment; None if there is none."""
    return session.scalar(
        select(func.max(CaseEventRow.at)).where(CaseEventRow.street == street, CaseEventRow.at < until)
    )


def find_case(session: Session, street: int, number: str) -> Case | None:
    """A case computed from its events; None if there is none."""
    events = case_events(session, street, number)
    return fold(events) if events else None


def get_case(session: Session, street: int, number: str) -> Case:
    """A case computed from its events.

    Raises
    ------
    NotStoredError
        If there is none.
    """
    case = find_case(session, street, number)
    if case is None:
        raise NotStoredError(f"there is no case {number[:50]}")
    return case


def case_events(session: Session, street: int, number: str) -> list[Event]:
    """Events of a case, in order."""
    query = select(*_EVENT_QUERY).where(_EVENT.street == street, _EVENT.case_number == number)
    return [stored_event(row) for row in session.execute(query.order_by(_EVENT.seq))]


def events_between(session: Session, street: int, start: datetime, end: datetime) -> list[Event]:
    """Events of all cases in ``[start, end)``, in chronological order."""
    query = select(*_EVENT_QUERY).where(_EVENT.street == street, _EVENT.at >= start, _EVENT.at < end)
    return [stored_event(row) for row in session.execute(query.order_by(_EVENT.at, _EVENT.id))]


def logs_of(session: Session, street: int, numbers: Sequence[str] | None = None) -> Iterator[tuple[str, list[Event]]]:
    """Log of each case, of the given or of all, ordered by number and read in one query."""
    query = select(*_EVENT_QUERY).where(_EVENT.street == street)
    if numbers is not None:
        logs: dict[str, list[Event]] = defaultdict(list)
        for k in range(0, len(numbers), BLOCK // 10):
            part = query.where(_EVENT.case_number.in_(numbers[k : k + BLOCK // 10]))
            for row in session.execute(part.order_by(_EVENT.case_number, _EVENT.seq)).all():
                logs[row[0]].append(stored_event(row))
        yield from sorted(logs.items())
        return
    log: list[Event] = []
    ordered = query.order_by(_EVENT.case_number, _EVENT.seq)
    blocks = session.execute(ordered, execution_options={"yield_per": BLOCK}).partitions()
    for row in itertools.chain.from_iterable(blocks):
        if log and log[0].case_id != row[0]:
            yield log[0].case_id, log
            log = []
        log.append(stored_event(row))
    if log:
        yield log[0].case_id, log


def list_cases(
    session: Session, street: int, wanted: CaseFilter, *, limit: int = 200, offset: int = 0
) -> tuple[int, list[dict[str, Any]]]:
    """Total number of cases, and one page of them, sorted by due time."""
    query = _filtered(select(CaseRow), street, wanted)
    total = session.scalar(_filtered(select(func.count(CaseRow.id)), street, wanted)) or 0
    ordered = query.order_by(CaseRow.step_due.is_(None), CaseRow.step_due, CaseRow.opened_at, CaseRow.id)
    rows = session.scalars(ordered.limit(limit).offset(offset))
    return total, [_listed(row) for row in rows]


def open_cases_of(session: Session, street: int, owner: str) -> list[Case]:
    """Open cases owned by a person or body."""
    query = select(CaseRow.number).where(
        CaseRow.street == street, CaseRow.owner == owner, CaseRow.state.not_in([state.value for state in ENDED])
    )
    numbers = sorted(session.scalars(query))
    return [fold(log) for _, log in logs_of(session, street, numbers)]


def handed_over_since(session: Session, street: int, person: str, since: datetime) -> list[Case]:
    """Open cases of which nothing happened since they were handed over by a person, at a moment or later."""
    query = select(CaseEventRow.case_number).where(
        CaseEventRow.street == street, CaseEventRow.action == Action.HAND_OVER.value, CaseEventRow.at >= since
    )
    cases = [fold(log) for _, log in logs_of(session, street, sorted(set(session.scalars(query))))]
    return [
        case
        for case in cases
        if case.open
        and case.last is not None
        and case.last.action is Action.HAND_OVER
        and case.last.payload.get("from") == person
    ]


def next_case_id(session: Session, street: int, day: str) -> str:
    """Number for a new case: local day and a running number of four digits; requires the lock of the cases."""
    last = session.scalar(
        select(func.max(CaseRow.number)).where(CaseRow.street == street, CaseRow.number.like(f"{day}-%"))
    )
    return f"{day}-{int(last.rsplit('-', 1)[1]) + 1 if last else 1:04d}"


@collection_paused()
def make_lists_again(session: Session, street: int) -> list[str]:
    """Recompute the lists from all events; returns the numbers of cases whose row differed."""
    kept = {row.number: row for row in session.scalars(select(CaseRow).where(CaseRow.street == street))}
    changed = []
    for number, log in logs_of(session, street):
        case = fold(log)
        values = _values(case)
        row = kept.get(number)
        if row is None or any(getattr(row, name) != value for name, value in values.items()):
            changed.append(number)
            _keep(session, street, case)
    session.flush()
    return changed


def _filtered(query: Select[Any], street: int, wanted: CaseFilter) -> Select[Any]:
    query = query.where(CaseRow.street == street)
    if wanted.states:
        query = query.where(CaseRow.state.in_(wanted.states))
    if wanted.open_only:
        query = query.where(CaseRow.state.in_([state.value for state in State if state not in ENDED]))
    for column, value in (
        (CaseRow.owner, wanted.owner),
        (CaseRow.service, wanted.service),
        (CaseRow.kind, wanted.kind),
    ):
        if value:
            query = query.where(column == value)
    if wanted.due_before is not None:
        query = query.where(CaseRow.step_due < wanted.due_before)
    if wanted.cell:
        query = query.where(in_scopes((wanted.cell,)))
    if wanted.scopes is not None:
        query = query.where(in_scopes(wanted.scopes))
    return query


def in_scopes(codes: Sequence[str]) -> Any:
    """Condition that a case lies in a cell with one of these codes or below; all levels are compared, as parks have codes of
    their own.
    """
    return or_(
        False,
        *(
            condition
            for code in codes
            for condition in (
                CaseRow.second.startswith(code, autoescape=True),
                CaseRow.third.startswith(code, autoescape=True),
                CaseRow.community.startswith(code, autoescape=True),
            )
        ),
    )


def _event_values(street: int, event: Event) -> dict[str, Any]:
    values = {name: getattr(event, "case_id" if name == "case_number" else name) for name in _EVENT_COLUMNS}
    return {"street": street, **values, "role": event.role.value, "action": event.action.value}


def _keep(session: Session, street: int, case: Case) -> None:
    row = session.scalar(select(CaseRow).where(CaseRow.street == street, CaseRow.number == case.case_id))
    if row is None:
        session.add(CaseRow(street=street, **_values(case)))
        return
    for name, value in _values(case).items():
        setattr(row, name, value)


def _values(case: Case) -> dict[str, Any]:
    return {
        "number": case.case_id,
        "seq": case.seq,
        "state": None if case.state is None else case.state.value,
        "owner": case.owner,
        "unit": case.unit,
        "outcome": None if case.outcome is None else case.outcome.value,
        "due": case.due,
        "step_due": case.step_due,
        "late": case.late,
        "round": case.round,
        **{
            name: getattr(case, name)
            for name in (
                *("standard_ref", "kind", "service", "summary", "channel", "third", "second", "community"),
                *("merged_into", "opened_at", "changed_at", "closed_at"),
            )
        },
        "reports": len(case.reports),
        "head_hash": "" if case.last is None else event_hash(case.last),
    }


def _listed(row: CaseRow) -> dict[str, Any]:
    names = [column.name for column in CaseRow.__table__.columns if column.name not in ("id", "street", "head_hash")]
    return {name: getattr(row, name) for name in names}
