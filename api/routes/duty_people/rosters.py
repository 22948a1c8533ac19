"""The roster: responsible persons by cell and day, gaps, and absences with hand-over."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Query
from fastapi import Path as InPath

from api.access import Right
from api.access.rights import scopes
from api.database import session
from api.database.events import audit
from api.duty.schemas import AbsenceIn, AnswerableOut, DepartureIn, FindingOut, HandedOver
from api.duty.staff_schemas import GapsOut
from api.errors import DeniedError
from api.routes.dependencies import CallerOf, CaseNow, EngineOf, SettingsOf, SnapshotOf
from api.routes.guard import Guarded, needs
from geo.errors import InputError, RefusedStep

router = APIRouter(prefix="/api", route_class=Guarded, tags=["duty"])


@router.get("/roster")
@needs(Right.SEE_ROSTER)
def roster(caller: CallerOf, engine: EngineOf, snapshot: SnapshotOf, day: date, cell: str = "") -> list[AnswerableOut]:
    """Person responsible for each cell on a day; `person` is empty if there is none."""
    from api.database.duty.rosters import read_stored_roster
    from geo.duty import levels_of

    with session(engine) as opened:
        found = read_stored_roster(opened, caller.street, cells=levels_of(snapshot.division))
    limits = scopes(caller, Right.SEE_ROSTER)
    rows = []
    for code, level in found.cells.items():
        if not code.startswith(cell) or not (limits is None or any(code.startswith(limit) for limit in limits)):
            continue
        who = found.answerable(code, day)
        person = None if who is None else found.persons.get(who.person)
        rows.append(
            AnswerableOut(
                cell=code,
                level=level,
                person=None if who is None else who.person,
                name=None if person is None else person.name,
                post=None if person is None else person.post,
                office_phone=None if person is None else person.office_phone,
                instead_of="" if who is None else who.instead_of,
            )
        )
    return rows


@router.get("/roster/findings")
@needs(Right.SEE_ROSTER)
def roster_findings(
    caller: CallerOf, engine: EngineOf, snapshot: SnapshotOf, first: date, last: date
) -> list[FindingOut]:
    """Days on which a cell has no responsible person or several."""
    from api.database.duty.rosters import read_stored_roster
    from geo.duty import levels_of

    if (last - first).days > 3660:
        raise InputError("ask for at most ten years")
    with session(engine) as opened:
        found = read_stored_roster(opened, caller.street, cells=levels_of(snapshot.division))
    limits = scopes(caller, Right.SEE_ROSTER)
    rows = found.findings(first, last).to_dict("records")
    return [
        FindingOut.model_validate(row)
        for row in rows
        if limits is None or any(str(row["cell"]).startswith(limit) for limit in limits)
    ]


@router.get("/roster/gaps")
@needs(Right.SEE_ROSTER)
def gaps(
    caller: CallerOf,
    engine: EngineOf,
    settings: SettingsOf,
    snapshot: SnapshotOf,
    now: CaseNow,
    cell: Annotated[str, Query(max_length=40)] = "",
) -> GapsOut:
    """Communities and grids of the caller without a responsible person today, and unstaffed hours of today."""
    from api.duty.roster_lists import gaps_on

    limits = scopes(caller, Right.SEE_ROSTER)
    if cell and limits is not None and not any(cell.startswith(limit) for limit in limits):
        raise DeniedError(f"'{caller.name}' may not see the roster of cell {cell}")
    today = now.astimezone(ZoneInfo(settings.zone)).date()
    with session(engine) as opened:
        return gaps_on(opened, caller, snapshot, settings, today, cell)


@router.post("/roster/absences", status_code=201)
@needs(Right.MANAGE_ROSTER)
def absence(
    body: AbsenceIn, caller: CallerOf, engine: EngineOf, settings: SettingsOf, snapshot: SnapshotOf, now: CaseNow
) -> HandedOver:
    """Record an absence and hand over the person's open cases, in one transaction."""
    from api.database.duty.rosters import Recorder, add_absence, read_stored_roster
    from api.duty import desk
    from api.duty.departments import require_manager
    from api.duty.shift_plans import code_of
    from geo.duty import Absence, levels_of

    with session(engine, write=True) as opened:
        actor = desk.actor_name(opened, caller)
        person, deputy = (code_of(opened, caller.street, text) for text in (body.person, body.deputy))
        away = Absence(person, body.first, body.last, deputy, body.reason)
        levels = levels_of(snapshot.division)
        before = read_stored_roster(opened, caller.street, cells=levels)
        require_manager(caller, person, before.duties(person, body.first))
        number = add_absence(opened, caller.street, away, Recorder(actor, now))
        steps = read_stored_roster(opened, caller.street, cells=levels).hand_over(
            _open_cases(opened, caller, person), person, at=now, day=body.first, by=actor
        )
        _write(opened, caller, steps, settings)
        audit(opened, caller.street, caller.actor, "add absence", person, at=now, cases=len(steps))
    return HandedOver(cases={event.case_id: str(event.payload["to"]) for event in steps}, absence=number)


@router.delete("/roster/absences/{number}")
@needs(Right.MANAGE_ROSTER)
def remove_absence(
    number: Annotated[int, InPath(ge=1, le=2**31 - 1)],
    caller: CallerOf,
    engine: EngineOf,
    settings: SettingsOf,
    snapshot: SnapshotOf,
    now: CaseNow,
) -> HandedOver:
    """Withdraw an absence; cases that it handed over and that nobody has worked on since go back, in one transaction."""
    from api.database.duty.cases import handed_over_since
    from api.database.duty.rosters import Recorder, read_stored_roster, withdraw_absence
    from api.duty import desk
    from api.duty.departments import require_manager
    from geo.duty import levels_of

    with session(engine, write=True) as opened:
        actor = desk.actor_name(opened, caller)
        away, recorded = withdraw_absence(opened, caller.street, number, Recorder(actor, now))
        roster = read_stored_roster(opened, caller.street, cells=levels_of(snapshot.division))
        require_manager(caller, away.person, roster.duties(away.person, away.first))
        steps = roster.hand_back(
            handed_over_since(opened, caller.street, away.person, recorded), away.person, at=now, by=actor
        )
        _write(opened, caller, steps, settings)
        audit(opened, caller.street, caller.actor, "remove absence", away.person, at=now, cases=len(steps))
    return HandedOver(cases={event.case_id: away.person for event in steps})


@router.post("/roster/departures", status_code=201)
@needs(Right.MANAGE_ROSTER)
def departure(
    body: DepartureIn, caller: CallerOf, engine: EngineOf, settings: SettingsOf, snapshot: SnapshotOf, now: CaseNow
) -> HandedOver:
    """End all duties of a person who leaves, and hand over the open cases, in one transaction."""
    from api.database.duty.rosters import Recorder, end_assignments, read_stored_roster
    from api.duty import desk
    from api.duty.departments import require_manager
    from api.duty.shift_plans import code_of
    from geo.duty import levels_of

    with session(engine, write=True) as opened:
        person, successor = (code_of(opened, caller.street, text) for text in (body.person, body.successor))
        if person == successor:
            raise InputError(f"'{person}' cannot succeed themselves; name another person or none")
        actor = desk.actor_name(opened, caller)
        levels = levels_of(snapshot.division)
        before = read_stored_roster(opened, caller.street, cells=levels)
        mine = [one for one in before.assignments if one.person == person and one.until > body.last]
        require_manager(caller, person, mine)
        end_assignments(opened, caller.street, person, body.last, Recorder(actor, now), successor=successor)
        day = body.last + timedelta(days=1)
        steps = read_stored_roster(opened, caller.street, cells=levels).hand_over(
            _open_cases(opened, caller, person), person, at=now, day=day, by=actor, to=successor
        )
        _write(opened, caller, steps, settings)
        audit(opened, caller.street, caller.actor, "end duties", person, at=now, cases=len(steps))
    return HandedOver(cases={event.case_id: str(event.payload["to"]) for event in steps})


def _open_cases(opened: Any, caller: Any, person: str) -> Any:
    from api.database.duty.cases import open_cases_of

    return open_cases_of(opened, caller.street, person)


def _write(opened: Any, caller: Any, steps: Any, settings: Any) -> None:
    from api.database.duty.cases import add_step
    from api.duty import desk

    for event in steps:
        try:
            add_step(opened, caller.street, event, desk.standing_of(settings))
        except RefusedStep as refusal:
            raise desk.refused(refusal, caller) from refusal
