"""Effects of an event on the clocks of a case: stop, start, suspend, resume, and record lateness."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from geo.duty.case import ClockRun, Running
from geo.duty.cases.transitions import Transition
from geo.duty.events import Action, Clock, Event

Values = dict[str, Any]

_WORK = (Clock.HANDLE, Clock.REDO)
_CLOCKS = {clock.value: clock for clock in Clock}
# Placeholder for a clock started by this event, until its limit is read from the payload.
_PENDING = Running(dt.datetime.min, None)
_NONE: Mapping[str, Any] = {}
_SUSPENDING = frozenset({Action.RETURN_UP, Action.SHELVE, Action.DECIDE_SHELVE})
_RESUMING = frozenset({Action.ASSIGN, Action.DECIDE_ASSIGN, Action.RESUME})
_ENDING = frozenset({Action.VOID, Action.MERGE, Action.REJECT, Action.EXPLAIN_FILE})


def note_lateness(values: Values, at: dt.datetime) -> None:
    """Record lateness of work that continues past its limit; later changes of the limit do not reset it."""
    running = values["running"]
    for clock in _WORK:
        if clock in running:
            due = running[clock].due
            if due is not None and at > due:
                values["late"] = True


def move_clocks(values: Values, row: Transition, event: Event) -> bool:
    """Stop and start the clocks of a step; whether there was anything to do."""
    action = event.action
    given: Mapping[str, Any] = event.payload.get("clocks") or _NONE
    if not (row.stops or row.starts or given or action in _RESUMING):
        return False
    running = dict(values["running"])
    stops = row.stops
    if stops:
        for clock in values["running"]:
            if clock in stops:
                _stop(values, clock, running.pop(clock), event.at)
    if action in _SUSPENDING:
        _suspend(values, running, event.at)
    elif action in _RESUMING:
        _resume(values, running, event.at)
    elif action in _ENDING:
        _end_suspended(values, event.at)
    for clock in row.starts:
        if clock is not Clock.HANDLE or not (Clock.HANDLE in running or Clock.REDO in running):
            if clock in running:
                _stop(values, clock, running[clock], event.at)
            running[clock] = _running(event.at, None, "") if clock not in given else _PENDING
    for name, value in given.items():
        clock = _CLOCKS[name]
        if clock in running:
            before = running[clock]
            since = event.at if before is _PENDING else before.since
            running[clock] = _running(since, _time(value.get("due")), value.get("limit", ""))
            if clock in _WORK:
                values["provisional"] = bool(value.get("provisional"))
    values["running"] = running
    return True


def _running(since: dt.datetime, due: dt.datetime | None, limit: str) -> Running:
    """A running limit; half the time of its constructor, which counts when all cases are folded."""
    return tuple.__new__(Running, (since, due, limit))


def _stop(values: Values, clock: Clock, run: Running, at: dt.datetime) -> None:
    since, due, _ = run
    late = due is not None and at > due
    values["runs"] = (*values["runs"], tuple.__new__(ClockRun, (clock, since, due, at, late)))
    if late:
        if clock in _WORK:
            values["late"] = True
        else:
            values["late_steps"] = (*values["late_steps"], clock)


def _suspend(values: Values, running: dict[Clock, Running], at: dt.datetime) -> None:
    held = {clock: (running.pop(clock), at) for clock in _WORK if clock in running}
    values["suspended"] = {**values["suspended"], **held}
    if not (values["paused"] and values["paused"][-1][1] is None):
        values["paused"] = (*values["paused"], (at, None))


def _resume(values: Values, running: dict[Clock, Running], at: dt.datetime) -> None:
    for clock, (run, _) in values["suspended"].items():
        running[clock] = run
    _end_pause(values, at)


def _end_suspended(values: Values, at: dt.datetime) -> None:
    """End suspended limits when the case ends: they count as kept or missed at the time of suspension."""
    for clock, (run, since) in values["suspended"].items():
        _stop(values, clock, run, since)
    _end_pause(values, at)


def _end_pause(values: Values, at: dt.datetime) -> None:
    values["suspended"] = {}
    if values["paused"] and values["paused"][-1][1] is None:
        values["paused"] = (*values["paused"][:-1], (values["paused"][-1][0], at))


def due_of(values: Values) -> dt.datetime | None:
    """Deadline of handling if the case was dispatched or has to be redone; otherwise that of the current step."""
    running = values["running"]
    for clock in (Clock.REDO, Clock.HANDLE):
        if clock in running:
            return _known(running[clock])
    for clock in (Clock.REDO, Clock.HANDLE):
        if clock in values["suspended"]:
            return _known(values["suspended"][clock][0])
    kept: dt.datetime | None = values["due"]
    for run in values["runs"]:
        if run.clock in _WORK:
            return kept
    soonest = None
    for run in running.values():
        if run.due is not None and (soonest is None or run.due < soonest):
            soonest = run.due
    return kept if soonest is None else soonest


def _known(run: Running) -> dt.datetime | None:
    return run.due


def _time(value: Any) -> dt.datetime | None:
    return dt.datetime.fromisoformat(value) if type(value) is str else value
