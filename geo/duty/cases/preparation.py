"""Completes an event for the log: sequence number, hash of the previous event, versions, and the deadlines it sets.

This is the only place where deadlines of cases are computed. They are stored in the event and read from there.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from geo.duty.case import Case, Running
from geo.duty.cases.case_rules import CaseRules, limit_text
from geo.duty.cases.folding import applied
from geo.duty.cases.transitions import TRANSITIONS
from geo.duty.chain import event_hash
from geo.duty.clocks.deadlines import after_pause, deadline
from geo.duty.events import Action, Clock, Event, Role
from geo.duty.intake.services import service_of
from geo.incidents.limits import Calendar, Limit

_WORK = (Clock.REDO, Clock.HANDLE)


def prepared(case: Case | None, event: Event, *, calendar: Calendar, rules: CaseRules) -> Event:
    """Complete an event before :func:`geo.duty.advance`.

    Parameters
    ----------
    case
        Current state; None before the first event.
    event
        With the sequence number expected by its sender; a wrong number is kept, so that the event is refused.
    calendar, rules
        Current working days and limits.

    Returns
    -------
    Event
        With `prev_hash`, both versions, and ``payload["clocks"]`` for each clock that it starts, moves or resumes. Clocks already
        in the payload are kept. An event that is not possible is returned unchanged.
    """
    present = Case(event.case_id) if case is None else case
    row = TRANSITIONS[event.action]
    if (
        event.seq != present.seq + 1
        or present.state not in row.sources
        or any(n not in event.payload for n in row.values)
    ):
        return event
    event = dataclasses.replace(
        event,
        prev_hash="" if present.last is None else event_hash(present.last),
        rules_version=rules.version,
        calendar_version=calendar.version,
        payload=_with_matter(present, event, rules),
    )
    if event.action is Action.UNDO:
        return event
    clocks = _clocks(present, event, calendar, rules)
    given = dict(event.payload.get("clocks") or {})
    if not clocks and not given:
        return event
    return dataclasses.replace(event, payload={**event.payload, "clocks": {**clocks, **given}})


def reckoned_again(case: Case, calendar: Calendar, rules: CaseRules, *, at: dt.datetime) -> Event | None:
    """The event that updates a provisional deadline after its calendar was announced; None if nothing changes.

    Parameters
    ----------
    case
        With a provisional deadline.
    calendar
        The newer calendar.
    at
        Time of the event.
    """
    clock = next((clock for clock in _WORK if clock in case.running), None)
    if not case.provisional or clock is None or calendar.version == case.calendar_version:
        return None
    run = case.running[clock]
    found = deadline(run.since, Limit.parse(run.limit), calendar, reckoning=rules.reckoning)
    if found.provisional:
        return None
    event = Event(
        case.case_id,
        case.seq + 1,
        at,
        Role.SYSTEM.value,
        Role.SYSTEM,
        Action.RECKON,
        reason="放假安排已公布，按新日历重算时限",
        payload={"clocks": {clock.value: _value(found.due, run.limit, False)}},
    )
    return prepared(case, event, calendar=calendar, rules=rules)


def _with_matter(case: Case, event: Event, rules: CaseRules) -> dict[str, Any]:
    """The payload with what follows from the matter: its service, and for a filing the limit of handling, fixed by it."""
    payload = dict(event.payload)
    if event.action in (Action.REPORT, Action.FILE) and not payload.get("service"):
        given = payload.get("kind")
        if given or not case.service:
            payload["service"] = service_of(str(given or case.kind), rules.services).value
    if event.action is Action.FILE and not payload.get("limit"):
        kind = str(payload.get("kind") or case.kind)
        limit, rule = rules.handling(str(payload.get("standard_ref") or case.standard_ref), kind)
        payload["limit"] = limit_text(limit)
        payload.setdefault("rule", rule)
    return payload


def _clocks(case: Case, event: Event, calendar: Calendar, rules: CaseRules) -> dict[str, dict[str, Any]]:
    after = applied(case, event)
    found: dict[str, dict[str, Any]] = {}
    for clock, run in after.running.items():
        if clock in case.suspended and clock not in case.running:
            found[clock.value] = _resumed(case.suspended[clock], event.at, calendar)
        elif run.since == event.at and run.due is None:
            value = _started(after, clock, event.at, calendar, rules)
            if value is not None:
                found[clock.value] = value
    if event.action is Action.EXTEND:
        found.update(_extended(case, float(event.payload["granted"]), calendar, rules))
    return found


def _started(case: Case, clock: Clock, at: dt.datetime, calendar: Calendar, rules: CaseRules) -> dict[str, Any] | None:
    if clock is Clock.REVIEW:
        day = case.review_date
        if day is None:
            return None
        closing = dt.datetime.combine(day, calendar.hours_on(day)[-1][1], calendar.zone)
        return _value(closing.astimezone(dt.UTC), str(day), False)
    if clock is Clock.HANDLE:
        limit = Limit.parse(case.limit) if case.limit else rules.default
    elif clock in rules.steps:
        limit = rules.steps[clock]
    else:
        return None
    found = deadline(at, limit, calendar, reckoning=rules.reckoning)
    return _value(found.due, limit_text(limit), found.provisional)


def _resumed(held: tuple[Running, dt.datetime], at: dt.datetime, calendar: Calendar) -> dict[str, Any]:
    run, since = held
    limit = Limit.parse(run.limit) if run.limit else Limit(1, "working_day")
    due = after_pause((run.due, limit), since, at, calendar)
    year = None if due is None else due.astimezone(calendar.zone).year
    return _value(due, run.limit, year is not None and not calendar.announced(year))


def _extended(case: Case, granted: float, calendar: Calendar, rules: CaseRules) -> dict[str, dict[str, Any]]:
    """The deadline, extended by working days."""
    clock = next((clock for clock in _WORK if clock in case.running), None)
    if clock is None or not granted:
        return {}
    run = case.running[clock]
    if run.due is None:
        return {}
    found = deadline(run.due, Limit(granted, "working_day"), calendar, reckoning=rules.reckoning)
    return {clock.value: _value(found.due, run.limit, found.provisional)}


def _value(due: dt.datetime | None, limit: str, provisional: bool) -> dict[str, Any]:
    return {"due": None if due is None else due.isoformat(), "limit": limit, "provisional": provisional}
