"""The roster: who answers for a cell on a day, where nobody does, and leave with hand-over."""

from __future__ import annotations

from datetime import date

from fastapi import APIRouter

from api.access import Right
from api.access.rights import scopes
from api.database import session
from api.database.events import audit
from api.duty.schemas import AbsenceIn, AnswerableOut, FindingOut, HandedOver
from api.routes.dependencies import CallerOf, CaseNow, EngineOf, SettingsOf, SnapshotOf
from api.routes.guard import Guarded, needs
from geo.errors import InputError

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


@router.post("/roster/absences", status_code=201)
@needs(Right.MANAGE_ROSTER)
def absence(
    body: AbsenceIn, caller: CallerOf, engine: EngineOf, settings: SettingsOf, snapshot: SnapshotOf, now: CaseNow
) -> HandedOver:
    """Record an absence and hand over the person's open cases, in one transaction."""
    from api.database.duty.cases import add_step, open_cases_of
    from api.database.duty.rosters import Recorder, add_absence, read_stored_roster
    from api.duty import desk
    from geo.duty import Absence, levels_of

    with session(engine, write=True) as opened:
        actor = desk.actor_name(opened, caller)
        away = Absence(body.person, body.first, body.last, body.deputy, body.reason)
        add_absence(opened, caller.street, away, Recorder(actor, now))
        found = read_stored_roster(opened, caller.street, cells=levels_of(snapshot.division))
        owned = open_cases_of(opened, caller.street, body.person)
        steps = found.hand_over(owned, body.person, at=now, day=body.first, by=actor)
        for event in steps:
            add_step(opened, caller.street, event, desk.standing_of(settings))
        audit(opened, caller.street, caller.actor, "add absence", body.person, at=now, cases=len(steps))
    return HandedOver(cases={event.case_id: str(event.payload["to"]) for event in steps})
