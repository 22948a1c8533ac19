"""Drafts: list, create, snapshot, and layers."""

from __future__ import annotations

import threading
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Header, Query, Request, Response

from api.access import Caller, Right
from api.database import current_version, get_version, session, street_of
from api.database.drafts.log import DraftInfo, get_draft, list_drafts, new_draft
from api.database.events import audit
from api.errors import ConflictError, NotStoredError
from api.plans.bodies import DraftOut, NewDraft
from api.routes.dependencies import CallerOf, EngineOf, Now, SettingsOf
from api.routes.guard import Guarded, needs
from api.routes.plans.using import DraftNumber, keeper_of, using

router = APIRouter(prefix="/api/drafts", route_class=Guarded, tags=["editor"])

_JSON: dict[int | str, dict[str, Any]] = {
    200: {"content": {"application/json": {"schema": {"type": "object"}}}},
    304: {"description": "not changed"},
}
#: Past snapshots are rebuilt from the log, which takes seconds of CPU, so only one is built at a time.
_PAST = threading.BoundedSemaphore(1)
IfNoneMatch = Annotated[str | None, Header()]


@router.get("")
@needs(Right.PLAN)
def drafts(engine: EngineOf, caller: CallerOf) -> list[DraftOut]:
    """Drafts of the street, last changed first; at most 500."""
    with session(engine) as opened:
        infos = list_drafts(opened, caller.street)
        versions = {number: get_version(opened, number) for number in {info.version_id for info in infos}}
    return [_out(info, versions[info.version_id]) for info in infos]


@router.post("", status_code=201)
@needs(Right.PLAN)
def begin(
    request: Request, body: NewDraft, engine: EngineOf, caller: CallerOf, settings: SettingsOf, now: Now
) -> DraftOut:
    """Create a draft based on a published version; a repeated id returns the same draft."""
    with session(engine, write=True) as opened:
        if body.version is None:
            version = current_version(opened, street_code=settings.street or None)
        else:
            version = get_version(opened, body.version)
        if street_of(opened, version.street_code) != caller.street:
            raise NotStoredError(f"the street has no division version {version.id}", ids=[version.id])
        if version.published_at is None:
            raise ConflictError(
                f"version {version.id} is not published; a draft is based on a published one", kind="base"
            )
        info = new_draft(
            opened,
            street=caller.street,
            key=body.id,
            name=body.name,
            note=body.note,
            version_id=version.id,
            created_at=now,
            created_by=caller.name,
        )
        if info.street != caller.street:
            raise ConflictError("the id was used for a draft before", kind="id")
        audit(opened, caller.street, caller.actor, "begin draft", str(info.id), at=now, version=version.id)
    refused = _carry_over(request, body.edits_of, info.id, caller, now) if body.edits_of is not None else []
    with session(engine) as opened:
        out = _out(get_draft(opened, caller.street, info.id), version)
    return out.model_copy(update={"refused": refused})


def _carry_over(request: Request, source: int, target: int, caller: Caller, now: Any) -> list[Any]:
    from api.plans.merging import carry_over

    with using(request, source) as old:
        changes = list(old.draft.changes)
    with using(request, target) as new:
        return carry_over(new, request.app.state.engine, caller, now, changes)


@router.get("/{number}")
@needs(Right.PLAN)
def draft(number: DraftNumber, engine: EngineOf, caller: CallerOf) -> DraftOut:
    """One draft."""
    with session(engine) as opened:
        info = get_draft(opened, caller.street, number)
        return _out(info, get_version(opened, info.version_id))


def _out(info: DraftInfo, version: Any) -> DraftOut:
    return DraftOut.of(info, version.street_code, version.counts)


@router.get("/{number}/snapshot", response_class=Response, responses=_JSON)
@needs(Right.PLAN)
def snapshot(
    request: Request,
    number: DraftNumber,
    caller: CallerOf,
    revision: Annotated[int | None, Query(ge=0, le=2**31 - 1, description="the draft as it was")] = None,
    if_none_match: IfNoneMatch = None,
    accept_encoding: Annotated[str, Header()] = "",
) -> Response:
    """All cells and borders of the draft."""
    from api.plans.viewing import past, present

    if revision is None:
        with using(request, number) as opened:
            tag, document = present(opened, caller.name)
    else:
        with _PAST:
            tag, document = past(keeper_of(request), caller.street, number, revision)
    return _cached(document, tag, if_none_match, accept_encoding, "private, no-cache")


@router.get("/{number}/layers/{name}", response_class=Response, responses=_JSON)
@needs(Right.PLAN)
def layer(
    request: Request,
    number: DraftNumber,
    name: Literal["roads", "buildings", "water", "base-map"],
    if_none_match: IfNoneMatch = None,
    accept_encoding: Annotated[str, Header()] = "",
) -> Response:
    """Roads, buildings or water under the draft, or the description of the base map."""
    from api.plans.viewing import base_map_document, layer_document

    keeper, settings = keeper_of(request), request.app.state.settings
    with using(request, number) as opened:
        if name == "base-map":
            tag, document = base_map_document(keeper, opened, settings.base_map, settings.base_map_credit)
        else:
            tag, document = layer_document(keeper, opened, name)
    return _cached(document, tag, if_none_match, accept_encoding, "private, max-age=86400")


def _cached(document: bytes, tag: str, if_none_match: str | None, accepted: str, kept: str) -> Response:
    """A compressed document, or 304 if the client has it; decompressed for the few clients without gzip."""
    headers = {"ETag": tag, "Cache-Control": kept, "Vary": "Accept-Encoding"}
    if if_none_match is not None and tag in (part.strip() for part in if_none_match.split(",")):
        return Response(status_code=304, headers=headers)
    if "gzip" in accepted:
        return Response(document, media_type="application/json", headers={**headers, "Content-Encoding": "gzip"})
    import gzip

    return Response(gzip.decompress(document), media_type="application/json", headers=headers)
