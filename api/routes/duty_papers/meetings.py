"""Meetings: who met, what was discussed, what was decided, and what was carried out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request, Response
from fastapi import Path as InPath

from api.access import Right
from api.database import session
from api.database.duty.view_records import add_decision, add_meeting, carry_out
from api.database.events import audit
from api.routes.dependencies import CallerOf, CaseNow, EngineOf, SnapshotOf
from api.routes.duty_papers.bodies import DecisionIn, DecisionStored, MeetingIn, MeetingStored
from api.routes.duty_papers.places import require_begun, require_place, source_of
from api.routes.guard import Guarded, needs
from geo.errors import InputError
from geo.wording import counted

router = APIRouter(prefix="/api/duty", route_class=Guarded, tags=["duty"])


@router.post("/meetings", status_code=201)
@needs(Right.WRITE_LEDGERS)
def record_meeting(
    request: Request, body: MeetingIn, snapshot: SnapshotOf, caller: CallerOf, now: CaseNow
) -> MeetingStored:
    """Record who met, where, and which lines of the agenda were discussed. Ledger E shows it."""
    from api.commands.duty_papers import made_agenda
    from geo.duty import Meeting

    require_place(caller, body.scope, Right.WRITE_LEDGERS)
    require_begun(body.day, request, now)
    if both := sorted({*body.present} & {*body.absent}):
        raise InputError(f"'{both[0]}' is among the present and the absent")
    number = body.day.isoformat()
    with source_of(request, snapshot, write=True) as source:
        lines = made_agenda(source, body.day, body.scope)[0].lines if body.discussed else ()
        if wrong := [line for line in body.discussed if not 1 <= line <= len(lines)]:
            raise InputError(
                f"the agenda of {number} has {counted(len(lines), 'line')}, not {wrong[0]}; load the page again"
            )
        asked = [lines[line - 1] for line in sorted(set(body.discussed))]
        items = tuple((line.about, line.cases[0] if len(line.cases) == 1 else "") for line in asked)
        meeting = Meeting(number, body.day, body.place, body.chair, tuple(body.present), tuple(body.absent), items)
        add_meeting(source.session, caller.street, meeting, at=now, actor=caller.actor)
        audit(source.session, caller.street, caller.actor, "record meeting", number, at=now)
    return MeetingStored(meeting_id=number, items=[about for about, _ in items])


@router.post("/decisions", status_code=201)
@needs(Right.WRITE_LEDGERS)
def decide(request: Request, body: DecisionIn, engine: EngineOf, caller: CallerOf, now: CaseNow) -> DecisionStored:
    """Record a decision of a meeting: task, owner and due day. It heads the next agendas until it is carried out."""
    from api.database.duty.cases import get_case
    from geo.duty import Decision

    require_begun(body.day, request, now)
    if body.due < body.day:
        raise InputError(f"the decision is due on {body.due}, before its meeting on {body.day}")
    made = (body.day.isoformat(), body.text, body.owner, body.due, tuple(body.helpers))
    decision = Decision("", *made, case_id=body.case_id)
    with session(engine, write=True) as opened:
        if body.case_id:
            get_case(opened, caller.street, body.case_id)
        number = add_decision(opened, caller.street, decision, at=now, actor=caller.actor)
        audit(opened, caller.street, caller.actor, "record decision", number, at=now)
    return DecisionStored(decision_id=number)


@router.post("/decisions/{number}/done", status_code=204)
@needs(Right.WRITE_LEDGERS)
def decision_done(
    number: Annotated[str, InPath(max_length=40)], engine: EngineOf, caller: CallerOf, now: CaseNow
) -> Response:
    """Record that a decision was carried out."""
    with session(engine, write=True) as opened:
        carry_out(opened, caller.street, number, at=now, actor=caller.actor)
        audit(opened, caller.street, caller.actor, "decision carried out", number, at=now)
    return Response(status_code=204)
