"""Notices (上情下达) from the street to communities, leaders and bodies, with receipts."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from fastapi import Path as InPath

from api.access import Right
from api.database import session
from api.database.events import add_event, audit
from api.duty.staff_schemas import NoticeIn, NoticeOut, NoticesOut, ReachedIn
from api.routes.dependencies import CallerOf, CaseNow, EngineOf, SettingsOf, SnapshotOf
from api.routes.guard import Guarded, needs
from geo.errors import InputError

router = APIRouter(prefix="/api", route_class=Guarded, tags=["duty"])

Number = Annotated[str, InPath(max_length=40)]


@router.get("/notices")
@needs(Right.SEE_ROSTER)
def notices(caller: CallerOf, engine: EngineOf, settings: SettingsOf, snapshot: SnapshotOf) -> NoticesOut:
    """The last hundred notices that concern the caller's cells, each with the persons reached and not reached."""
    from api.duty.notice_lists import notices_of

    with session(engine) as opened:
        return NoticesOut(notices=notices_of(opened, caller, snapshot, settings.zone))


@router.post("/notices", status_code=201)
@needs(Right.SEND_NOTICES)
def new_notice(
    body: NoticeIn, caller: CallerOf, engine: EngineOf, settings: SettingsOf, snapshot: SnapshotOf, now: CaseNow
) -> NoticeOut:
    """Send a notice to those responsible for cells, or to the holders of given duties there. Refused if it has no recipient."""
    from api.database.duty.notices import add_notice
    from api.database.duty.rosters import read_stored_roster
    from api.duty.desk import actor_name
    from api.duty.notice_lists import notice_out, require_cells
    from geo.duty import Notice, levels_of

    known = levels_of(snapshot.division)
    if unknown := [cell for cell in body.cells if cell not in known]:
        raise InputError(f"there is no cell '{unknown[0]}' in the division")
    require_cells(caller, body.cells)
    with session(engine, write=True) as opened:
        actor = actor_name(opened, caller)
        cells, duties, levels = tuple(body.cells), tuple(body.duties), tuple(sorted(set(body.levels)))
        notice = Notice("", now, actor, body.title, body.text, cells, duties, levels)
        stored = add_notice(opened, caller.street, notice, zone=settings.zone)
        roster = read_stored_roster(opened, caller.street, cells=known)
        shown = notice_out(stored, [], roster, settings.zone, None)
        if not shown.recipients:
            raise InputError("no person of the roster has these duties for these cells, so the notice has no recipient")
        audit(opened, caller.street, caller.actor, "send notice", stored.notice_id, at=now)
        add_event(opened, caller.street, "notice", "", {"notice": stored.notice_id}, at=now)
    return shown


@router.post("/notices/{number}/receipts", status_code=201)
@needs(Right.SEE_ROSTER)
def reached(
    number: Number,
    body: ReachedIn,
    caller: CallerOf,
    engine: EngineOf,
    settings: SettingsOf,
    snapshot: SnapshotOf,
    now: CaseNow,
) -> NoticeOut:
    """Record the persons reached by a notice, and how: at a meeting, by telephone, in person, on paper. Repeated calls are
    harmless.
    """
    from api.database.duty.notices import add_receipt, get_notice
    from api.database.duty.rosters import Recorder, read_stored_roster
    from api.duty.desk import actor_name
    from api.duty.notice_lists import notice_out, require_telling
    from geo.duty import Receipt, levels_of

    with session(engine, write=True) as opened:
        require_telling(opened, caller, snapshot, number, body.persons, settings.zone)
        recorder = Recorder(actor_name(opened, caller), now)
        for person in body.persons:
            add_receipt(opened, caller.street, Receipt(number, person, now, body.way), recorder)
        notice, receipts = get_notice(opened, caller.street, number)
        roster = read_stored_roster(opened, caller.street, cells=levels_of(snapshot.division))
        return notice_out(notice, receipts, roster, settings.zone, None)
