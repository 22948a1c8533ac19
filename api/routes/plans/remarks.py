"""Comments and presence."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Request
from fastapi import Path as InPath

from api.access import Right
from api.database import session
from api.database.drafts.log import get_draft
from api.database.drafts.presence import be_there, who_is_there
from api.plans.bodies import Added, CommentIn, CommentOut, Here, PresenceIn, ReplyIn, ResolveIn
from api.routes.dependencies import CallerOf, EngineOf, Now
from api.routes.guard import Guarded, needs
from api.routes.plans.using import DraftNumber, sender, using

router = APIRouter(prefix="/api/drafts/{number}", route_class=Guarded, tags=["editor"])

CommentNumber = Annotated[int, InPath(ge=1, le=2**31 - 1)]


@router.get("/comments")
@needs(Right.PLAN)
def all_comments(request: Request, number: DraftNumber, engine: EngineOf) -> list[CommentOut]:
    """Comments with their replies, oldest first."""
    from api.plans.annotating import comments

    with using(request, number) as opened:
        return [CommentOut.model_validate(one) for one in comments(opened, engine)]


@router.post("/comments")
@needs(Right.PLAN)
def new_comment(
    request: Request, number: DraftNumber, body: CommentIn, caller: CallerOf, engine: EngineOf, now: Now
) -> Added:
    """Add a comment at a place."""
    from api.plans.annotating import annotate

    data = {"at": list(body.at), "text": body.text}
    with using(request, number) as opened:
        return Added.model_validate(annotate(opened, engine, sender(caller, now, body), "comment", data))


@router.post("/comments/{comment}/replies")
@needs(Right.PLAN)
def new_reply(
    request: Request,
    number: DraftNumber,
    comment: CommentNumber,
    body: ReplyIn,
    caller: CallerOf,
    engine: EngineOf,
    now: Now,
) -> Added:
    """Reply to a comment."""
    from api.plans.annotating import annotate

    with using(request, number) as opened:
        answer = annotate(opened, engine, sender(caller, now, body), "reply", {"text": body.text}, of=comment)
        return Added.model_validate(answer)


@router.post("/comments/{comment}/resolve")
@needs(Right.PLAN)
def settle(
    request: Request,
    number: DraftNumber,
    comment: CommentNumber,
    body: ResolveIn,
    caller: CallerOf,
    engine: EngineOf,
    now: Now,
) -> Added:
    """Mark a comment as resolved or unresolved."""
    from api.plans.annotating import annotate

    with using(request, number) as opened:
        answer = annotate(opened, engine, sender(caller, now, body), "resolve", {"resolved": body.resolved}, of=comment)
        return Added.model_validate(answer)


@router.post("/presence")
@needs(Right.PLAN)
def presence(number: DraftNumber, body: PresenceIn, caller: CallerOf, engine: EngineOf, now: Now) -> Here:
    """Record that a client has opened the draft, and the cells being edited; a client is removed after 30 s without a message."""
    data = {"holds": body.holds, "at": body.at, "tool": body.tool}
    with session(engine, write=True) as opened:
        get_draft(opened, caller.street, number)
        be_there(opened, number, body.client, caller.name, data, at=now)
        return Here(here=who_is_there(opened, number, at=now))
