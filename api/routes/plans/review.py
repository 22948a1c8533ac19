"""Review, publication, and the merging of drafts."""

from __future__ import annotations

from contextlib import ExitStack
from typing import Any

from fastapi import APIRouter, Request, Response

from api.access import Right
from api.database import get_version, session
from api.database.drafts.log import get_draft, lineage_of
from api.plans.bodies import Added, DraftOut, Edited, LineageStep, MergeIn, NoteIn, PublishedOut, PublishIn
from api.routes.dependencies import CallerOf, EngineOf, Now
from api.routes.guard import Guarded, needs
from api.routes.plans.using import DraftNumber, plain, sender, using

router = APIRouter(prefix="/api", route_class=Guarded, tags=["editor"])

_EDITED: dict[int | str, dict[str, Any]] = {200: {"model": Edited, "description": "merged, after the commit"}}


@router.post("/drafts/{number}/review")
@needs(Right.PLAN)
def send_to_review(
    request: Request, number: DraftNumber, body: NoteIn, caller: CallerOf, engine: EngineOf, now: Now
) -> Added:
    """Send the draft to review; edits are refused until it is sent back."""
    from api.plans.annotating import change_state

    with using(request, number) as opened:
        return Added.model_validate(change_state(opened, engine, sender(caller, now, body), "review", body.note))


@router.post("/drafts/{number}/reopen")
@needs(Right.PLAN)
def send_back(
    request: Request, number: DraftNumber, body: NoteIn, caller: CallerOf, engine: EngineOf, now: Now
) -> Added:
    """Send the draft back from review, so that it can be edited."""
    from api.plans.annotating import change_state

    with using(request, number) as opened:
        return Added.model_validate(change_state(opened, engine, sender(caller, now, body), "reopen", body.note))


@router.post("/drafts/{number}/publish")
@needs(Right.PUBLISH)
def publish(
    request: Request, number: DraftNumber, body: PublishIn, caller: CallerOf, engine: EngineOf, now: Now
) -> PublishedOut:
    """Publish the draft as a version that is valid from a day on."""
    from api.plans.publishing import publish_draft

    with using(request, number) as opened:
        made = publish_draft(opened, engine, sender(caller, now, body), body.valid_from, body.note, body.revision)
    with session(engine) as store:
        info = get_draft(store, caller.street, number)
        version = get_version(store, info.version_id)
    out = DraftOut.of(info, version.street_code, version.counts)
    return PublishedOut(version=made["version"], valid_from=made["valid_from"], draft=out)


@router.post("/drafts/{number}/merge", response_class=Response, responses=_EDITED)
@needs(Right.PLAN)
def merge(
    request: Request, number: DraftNumber, body: MergeIn, caller: CallerOf, engine: EngineOf, now: Now
) -> Response:
    """Apply the edits of another draft on the same version, as one transaction."""
    from api.plans.editing import Edits, answered, edit
    from api.plans.merging import merged_edits, reasons_of

    with ExitStack() as stack:
        # Locked in the order of their numbers, because two crosswise merges would deadlock.
        held = {one: stack.enter_context(using(request, one)) for one in sorted({number, body.draft})}
        opened, other = held[number], held[body.draft]
        sent = sender(caller, now, body)
        if known := answered(opened, engine, sent.id):
            return plain(known)
        edits = Edits(merged_edits(opened, other), None, reasons_of(other))
        return plain(edit(opened, engine, sent, edits))


@router.get("/divisions/{version}/lineage")
@needs(Right.SEE_DIVISION)
def version_lineage(version: DraftNumber, engine: EngineOf) -> list[LineageStep]:
    """Lineage of the cells of a published version from those of its base version."""
    with session(engine) as opened:
        get_version(opened, version)
        return [LineageStep.model_validate(step) for step in lineage_of(opened, version)]
