"""Applies an event to a case. Conditions are not checked here; :mod:`geo.duty.cases.steps` checks them before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

from geo.duty.case import Case, ExtensionRequest
from geo.duty.cases.clock_moves import Values, due_of, move_clocks, note_lateness
from geo.duty.cases.transitions import TRANSITIONS, Transition
from geo.duty.events import ENDED, Action, Event, Outcome, Role, State

#: Next actor if no person or body is named: the desk of the service centre, or an officer or unit not yet known.
DESKS: Mapping[State, str] = {
    State.REPORTED: Role.CLERK.value,
    State.CHECKING: Role.OFFICER.value,
    State.FILED: Role.CLERK.value,
    State.ASSIGNED: Role.UNIT.value,
    State.HANDLING: Role.UNIT.value,
    State.HANDLED: Role.OFFICER.value,
    State.VERIFIED: Role.CLERK.value,
}

# The owner is unchanged.
_KEEPS_OWNER = frozenset({State.JOINT, State.SHELVED})
_REDONE = frozenset({Action.VERIFY_BAD, Action.VISIT_UNSOLVED, Action.REOPEN})


def applied(case: Case, event: Event) -> Case:
    """The case after a permitted event."""
    values: Values = dict(case.__dict__)
    values["last"] = event
    values["before"] = case
    values["seq"] = event.seq
    values["changed_at"] = event.at
    if event.client_id is not None:
        values["client_ids"] = {**case.client_ids, event.client_id: (event.actor, event.action)}
    if case.running:
        note_lateness(values, event.at)
    if event.action is Action.UNDO:
        return _undone(case, values)
    row = TRANSITIONS[event.action]
    move_clocks(values, case, row, event)
    _change_state(values, case, row, event)
    change = _CHANGES.get(event.action)
    if change is not None:
        change(values, case, event)
    if values["state"] is not case.state or "owner" in event.payload or "to" in event.payload:
        values["owner"] = _owner(values, case, event)
    values["due"] = due_of(values)
    new = object.__new__(Case)
    object.__setattr__(new, "__dict__", values)
    return new


def _undone(case: Case, values: Values) -> Case:
    """The case before its last event, keeping what is never removed: reports, photos, lateness, client ids."""
    former: Values = dict((case.before or case).__dict__)
    for name in ("seq", "last", "changed_at", "client_ids", "reports", "attachments", "late", "late_steps", "answered"):
        former[name] = values[name]
    former["before"] = None
    new = object.__new__(Case)
    object.__setattr__(new, "__dict__", former)
    return new


def _change_state(values: Values, case: Case, row: Transition, event: Event) -> None:
    if row.target == "same":
        return
    if row.target == "former":
        values["state"] = case.former
        return
    values["state"] = row.target
    if event.action in _REDONE:
        values["round"] = case.round + 1


def _owner(values: Values, case: Case, event: Event) -> str | None:
    state = values["state"]
    if state in ENDED:
        return None
    payload = event.payload
    named = payload.get("owner") or payload.get("to")
    if named:
        return str(named)
    if event.action is Action.UNMERGE:
        return None if case.unmerged is None else case.unmerged.owner
    if event.action in (Action.ASSIGN, Action.DECIDE_ASSIGN, Action.REASSIGN):
        return values["unit"] or DESKS[state]
    if event.action is Action.SIGN:
        return event.actor
    if state in _KEEPS_OWNER:
        return case.owner
    if state is State.HANDLING:
        return values["unit"] or (case.doers[-1] if case.doers else case.owner) or DESKS[state]
    return DESKS.get(state, case.owner)


def day_of(value: Any) -> dt.date | None:
    """A day from a payload: ISO text, date or time; None for other values."""
    if isinstance(value, dt.datetime):
        return value.date()
    if isinstance(value, dt.date):
        return value
    try:
        return dt.date.fromisoformat(str(value)[:10])
    except ValueError:
        return None


def _reports(payload: Mapping[str, Any]) -> tuple[str, ...]:
    many = payload.get("reports")
    if many is not None:
        return tuple(str(one) for one in many)
    one = payload.get("report") or payload.get("report_id")
    return () if one is None else (str(one),)


def reports_in(event: Event) -> tuple[str, ...]:
    """Numbers of the reports in an event; a report without a number is named after the event."""
    return _reports(event.payload) or (f"{event.case_id}/{event.seq}",)


def _joined(old: tuple[str, ...], new: tuple[str, ...]) -> tuple[str, ...]:
    return (*old, *(one for one in new if one not in old))


_COPIED = (
    *("standard_ref", "kind", "service", "summary", "channel", "urgency", "third", "second", "community"),
    *("division_version", "limit", "rule", "recurrence_of"),
)


def _copy(values: Values, payload: Mapping[str, Any]) -> None:
    for name in _COPIED:
        if payload.get(name):
            values[name] = str(payload[name])


def _on_report(values: Values, _: Case, event: Event) -> None:
    _copy(values, event.payload)
    values["opened_at"] = event.at
    values["reports"] = reports_in(event)
    _add_photos(values, event)
    if event.payload.get("wants_reply"):
        values["wants_reply"] = values["reports"]


def _on_add_report(values: Values, case: Case, event: Event) -> None:
    added = reports_in(event)
    values["reports"] = _joined(case.reports, added)
    _add_photos(values, event)
    if event.payload.get("wants_reply"):
        values["wants_reply"] = _joined(case.wants_reply, added)


def _add_photos(values: Values, event: Event) -> None:
    values["attachments"] += len(event.payload.get("photos") or ())


def _on_file(values: Values, _: Case, event: Event) -> None:
    _copy(values, event.payload)
    values["rules_version"] = event.rules_version
    values["calendar_version"] = event.calendar_version
    values["filed_at"] = event.at


def _on_assign(values: Values, case: Case, event: Event) -> None:
    payload = event.payload
    values["unit"] = payload.get("unit") or payload.get("to") or payload.get("party") or case.unit
    if "helpers" in payload:
        values["helpers"] = tuple(payload["helpers"])
    if case.assigned_at is None:
        values["assigned_at"] = event.at


def _on_return(values: Values, case: Case, _: Event) -> None:
    values["returns"] = case.returns + 1


def _on_joint(values: Values, case: Case, _: Event) -> None:
    values["joints"] = case.joints + 1


def _on_ask_extend(values: Values, _: Case, event: Event) -> None:
    values["extension_request"] = ExtensionRequest(float(event.payload["asked"]), event.reason, event.actor)


def _on_extend(values: Values, case: Case, event: Event) -> None:
    if float(event.payload["granted"]) > 0:
        values["extensions"] = case.extensions + 1
    values["extension_request"] = None


def _on_shelve(values: Values, case: Case, event: Event) -> None:
    values["former"] = case.state
    values["shelvings"] = case.shelvings + 1
    values["plan"] = str(event.payload.get("plan") or event.reason)
    values["review_date"] = day_of(event.payload["review_date"])


def _on_merge(values: Values, case: Case, event: Event) -> None:
    values["former"] = case.state
    values["merged_into"] = str(event.payload["main_case"])
    values["unmerged"] = case


def _on_unmerge(values: Values, case: Case, _: Event) -> None:
    values["merged_into"] = None
    if case.unmerged is not None:
        for name in ("running", "suspended", "paused", "former", "due"):
            values[name] = case.unmerged.__dict__[name]


def _on_done(values: Values, case: Case, event: Event) -> None:
    values["handled_at"] = event.at
    values["doers"] = _joined(case.doers, (event.actor,))
    _add_photos(values, event)


def _on_visit_solved(values: Values, case: Case, event: Event) -> None:
    # Solved in the grid: by its leader, never dispatched.
    _on_close(values, case, event, Outcome.SOLVED if case.assigned_at else Outcome.SOLVED_IN_GRID)


def _on_explain(values: Values, case: Case, event: Event) -> None:
    payload = event.payload
    _on_close(values, case, event, Outcome.EXPLAINED)
    values["outcome_detail"] = str(payload.get("detail") or "other")
    values["opinion"] = str(payload.get("opinion") or "")
    listed = payload.get("told") or ()
    values["informed"] = (listed,) if isinstance(listed, str) else tuple(str(one) for one in listed)


def _on_close(values: Values, case: Case, event: Event, outcome: Outcome) -> None:
    values["outcome"] = outcome
    values["closed_at"] = event.at
    values["first_closed_at"] = case.first_closed_at or event.at


def _on_reopen(values: Values, _: Case, __: Event) -> None:
    values["outcome"] = None
    values["outcome_detail"] = ""
    values["closed_at"] = None


def _on_supervise(values: Values, case: Case, event: Event) -> None:
    values["supervised"] = case.supervised + 1
    if event.payload.get("rectification"):
        values["rectifications"] = _joined(case.rectifications, (str(event.payload["rectification"]),))


def _on_take_in(values: Values, case: Case, event: Event) -> None:
    reports = _reports(event.payload)
    values["taken_in"] = (*case.taken_in, (str(event.payload["case"]), reports))
    values["reports"] = _joined(case.reports, reports)
    values["wants_reply"] = _joined(case.wants_reply, tuple(event.payload.get("wants_reply") or ()))


def _on_release(values: Values, case: Case, event: Event) -> None:
    """Remove the reports of an unmerged case, unless another merged case contains them, too."""
    gone = str(event.payload["case"])
    reports = set(_reports(event.payload))
    left = tuple(
        (name, tuple(one for one in held if one not in reports)) for name, held in case.taken_in if name != gone
    )
    values["taken_in"] = left
    values["reports"] = tuple(one for one in case.reports if one not in reports)
    values["wants_reply"] = tuple(one for one in case.wants_reply if one not in reports)


def _on_answer(values: Values, case: Case, event: Event) -> None:
    values["answered"] = _joined(case.answered, _reports(event.payload) or case.reports)


def _on_exempt(values: Values, _: Case, event: Event) -> None:
    values["exempt"] = event.reason or str(event.payload.get("text", ""))


_CHANGES: Mapping[Action, Callable[[Values, Case, Event], None]] = {
    Action.REPORT: _on_report,
    Action.ADD_REPORT: _on_add_report,
    Action.FILE: _on_file,
    Action.ASSIGN: _on_assign,
    Action.REASSIGN: _on_assign,
    Action.DECIDE_ASSIGN: _on_assign,
    Action.RETURN_UP: _on_return,
    Action.CALL_JOINT: _on_joint,
    Action.ASK_EXTEND: _on_ask_extend,
    Action.EXTEND: _on_extend,
    Action.SHELVE: _on_shelve,
    Action.DECIDE_SHELVE: _on_shelve,
    Action.MERGE: _on_merge,
    Action.UNMERGE: _on_unmerge,
    Action.DONE: _on_done,
    Action.SELF_SOLVE: _on_done,
    Action.VISIT_SOLVED: _on_visit_solved,
    Action.EXPLAIN_FILE: _on_explain,
    Action.REOPEN: _on_reopen,
    Action.SUPERVISE: _on_supervise,
    Action.TAKE_IN: _on_take_in,
    Action.RELEASE: _on_release,
    Action.ANSWER: _on_answer,
    Action.EXEMPT: _on_exempt,
}
