"""Edits, their preview, undo and redo."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter, Request, Response

from api.access import Right
from api.database import session
from api.database.drafts.log import get_draft
from api.database.drafts.presence import DONE, replay_of_key
from api.errors import NotStoredError
from api.plans.bodies import Edited, EditsIn, Previewed, Replayed, Sent, UndoIn
from api.routes.dependencies import CallerOf, EngineOf, Now
from api.routes.guard import Guarded, needs
from api.routes.plans.using import DraftNumber, plain, sender, using

router = APIRouter(prefix="/api/drafts/{number}", route_class=Guarded, tags=["editor"])

_EDITED: dict[int | str, dict[str, Any]] = {200: {"model": Edited, "description": "accepted, after the commit"}}


@router.post("/edits", response_class=Response, responses=_EDITED)
@needs(Right.PLAN)
def new_edits(
    request: Request, number: DraftNumber, body: EditsIn, caller: CallerOf, engine: EngineOf, now: Now
) -> Response:
    """Apply edits as one transaction. Answered after the commit; a repeated id returns the same answer."""
    from api.plans.editing import Edits, edit, read_edits

    sent = Edits(read_edits(body.edits), body.base, body.accept)
    with using(request, number) as opened:
        return plain(edit(opened, engine, sender(caller, now, body), sent))


@router.post(
    "/consequences", response_class=Response, responses={200: {"model": Previewed, "description": "what would follow"}}
)
@needs(Right.PLAN)
def consequences(
    request: Request, number: DraftNumber, body: EditsIn, caller: CallerOf, engine: EngineOf, now: Now
) -> Response:
    """Effects of edits without applying them. Incidents and verdicts follow as an event."""
    from api.plans.editing import Edits, preview, read_edits

    sent = Edits(read_edits(body.edits), body.base, body.accept)
    with using(request, number) as opened:
        return plain(preview(opened, engine, sender(caller, now, body), sent))


@router.get("/consequences/{key}")
@needs(Right.PLAN)
def replayed(number: DraftNumber, key: str, caller: CallerOf, engine: EngineOf) -> Replayed:
    """Incidents and verdicts changed by an edit or a preview, by the id of its request; 404 until they are computed."""
    with session(engine) as opened:
        get_draft(opened, caller.street, number)
        found = replay_of_key(opened, number, key[:100])
    if found is None or found.state != DONE or found.result is None:
        raise NotStoredError("nothing is known (yet) about an edit of this id")
    return Replayed.model_validate_json(found.result)


@router.post("/undo", response_class=Response, responses=_EDITED)
@needs(Right.PLAN)
def new_undo(
    request: Request, number: DraftNumber, body: UndoIn, caller: CallerOf, engine: EngineOf, now: Now
) -> Response:
    """Undo the caller's last edit in force, or that of a revision."""
    from api.plans.editing import undo

    with using(request, number) as opened:
        return plain(undo(opened, engine, sender(caller, now, body), body.of))


@router.post("/redo", response_class=Response, responses=_EDITED)
@needs(Right.PLAN)
def new_redo(
    request: Request, number: DraftNumber, body: Sent, caller: CallerOf, engine: EngineOf, now: Now
) -> Response:
    """Redo the edit that the caller undid last."""
    from api.plans.editing import redo

    with using(request, number) as opened:
        return plain(redo(opened, engine, sender(caller, now, body)))
