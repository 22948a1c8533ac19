"""Merges cases by links that keep all reporters, and follows such links.

A merge writes two events: ``merge`` on the merged case, and ``take_in`` on the main case with the reports added to it. Unmerging
writes ``unmerge`` on the merged case, and ``release`` on each case of the chain that had taken in its reports. Nothing is moved
or deleted: the reports of the merged case remain its own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from geo.duty.case import Case
from geo.duty.events import ENDED, Action, Clock, Event, Role
from geo.errors import InputError, RefusedStep

_WORK = (Clock.HANDLE, Clock.REDO)


def linked_steps(event: Event, case_of: Callable[[str], Case]) -> list[Event]:
    """All events written by one step, its own first.

    Parameters
    ----------
    event
        The step.
    case_of
        Returns the current state of a case by its number.

    Raises
    ------
    RefusedStep
        If a case is to be merged into one that is not open.
    InputError
        If the chain of merges is circular (from :func:`live_case`).
    """
    if event.action in (Action.TAKE_IN, Action.RELEASE):
        raise RefusedStep(
            "merge",
            "该步骤由并入或解除并入自动产生，不能单独办理",
            "this step is written by merging and unmerging only",
            case=case_of(event.case_id),
        )
    if event.action is Action.MERGE and event.payload.get("main_case"):
        return [event, _take_in(event, case_of(event.case_id), case_of(str(event.payload["main_case"])))]
    if event.action is Action.UNMERGE:
        return [event, *_releases(event, case_of)]
    return [event]


def live_case(case_id: str, merged_into: Mapping[str, str | None] | Callable[[str], str | None]) -> str:
    """The case into which another one was finally merged: the end of its chain of merges.

    Raises
    ------
    InputError
        If the chain is circular.

    >>> live_case("C", {"C": "B", "B": "A", "A": None})
    'A'
    """
    look = merged_into if callable(merged_into) else merged_into.get
    seen = {case_id}
    while (following := look(case_id)) is not None:
        if following in seen:
            raise InputError(f"the merges of case {case_id} are circular: it leads back to {following}")
        seen.add(following)
        case_id = following
    return case_id


def to_be_answered(case: Case) -> tuple[str, ...]:
    """Reports of an ended case whose reporters still wait for a reply; for a merged case its main case replies."""
    if case.state not in ENDED or case.merged_into is not None:
        return ()
    return tuple(report for report in case.wants_reply if report not in case.answered and report in case.reports)


def _take_in(event: Event, case: Case, main: Case) -> Event:
    if main.state in ENDED or main.state is None:
        where = f"，它已并入{main.merged_into}" if main.merged_into else ""
        raise RefusedStep(
            "merge",
            f"主件{main.case_id}不在办理中{where}，不能并入",
            f"nothing can be merged into case {main.case_id}, which is not open"
            f"{f', but merged into {main.merged_into}' if main.merged_into else ''}",
            case=case,
        )
    payload: dict[str, object] = {
        "case": case.case_id,
        "reports": list(case.reports),
        "wants_reply": list(case.wants_reply),
    }
    # The earliest deadline applies to all reporters.
    for clock in _WORK:
        mine, theirs = main.running.get(clock), case.running.get(clock)
        if mine is not None and theirs is not None and mine.due and theirs.due and theirs.due < mine.due:
            payload["clocks"] = {clock.value: {"due": theirs.due.isoformat(), "limit": theirs.limit}}
    return Event(
        main.case_id, main.seq + 1, event.at, event.actor, Role.SYSTEM, Action.TAKE_IN, event.reason, payload=payload
    )


def _releases(event: Event, case_of: Callable[[str], Case]) -> list[Event]:
    case = case_of(event.case_id)
    payload = {"case": case.case_id, "reports": list(case.reports)}
    found = []
    main = case.merged_into
    seen = {case.case_id}
    while main is not None:
        if main in seen:
            raise InputError(f"the merges of case {case.case_id} are circular: it leads back to {main}")
        seen.add(main)
        above = case_of(main)
        found.append(
            Event(
                main, above.seq + 1, event.at, event.actor, Role.SYSTEM, Action.RELEASE, event.reason, payload=payload
            )
        )
        main = above.merged_into
    return found
