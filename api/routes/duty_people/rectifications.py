"""Supervision notes and rectification items (督办、整改): recorded with a due day, rectified, re-checked by another person."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Response
from fastapi import Path as InPath

from api.access import Right
from api.database import session
from api.database.events import add_event, audit
from api.duty.staff_schemas import ItemOut, ItemsOut, ItemStepIn, NoteIn
from api.routes.dependencies import CallerOf, CaseNow, EngineOf, PhotoOf, SettingsOf, SnapshotOf, photo_response
from api.routes.guard import Guarded, needs
from api.schemas import PhotoStored
from geo.errors import InputError, RefusedStep

router = APIRouter(prefix="/api", route_class=Guarded, tags=["duty"])

Number = Annotated[str, InPath(max_length=40)]


@router.get("/rectifications")
@needs(Right.SEE_LEDGERS)
def items(caller: CallerOf, engine: EngineOf, settings: SettingsOf, now: CaseNow) -> ItemsOut:
    """Rectification items of the caller's cells, last recorded first, each with its steps."""
    from api.duty.rectification_lists import items_of

    with session(engine) as opened:
        return ItemsOut(items=items_of(opened, caller, now, settings.zone))


@router.post("/rectifications", status_code=201)
@needs(Right.WRITE_LEDGERS)
def new_note(
    body: NoteIn, caller: CallerOf, engine: EngineOf, settings: SettingsOf, snapshot: SnapshotOf, now: CaseNow
) -> ItemsOut:
    """Create a supervision note with its items, or, with `self_found`, record the findings of a unit itself."""
    from api.database.duty.rectifications import add_item_step, next_note
    from api.duty.desk import actor_name, refused
    from api.duty.rectification_lists import cell_of_case, item_out, require_finder
    from geo.duty import ItemAction, ItemStep, levels_of

    zone = ZoneInfo(settings.zone)
    today: date = now.astimezone(zone).date()
    known = levels_of(snapshot.division)
    for item in body.items:
        if item.cell and item.cell not in known:
            raise InputError(f"there is no cell '{item.cell}' in the division")
        if item.due < today:
            raise InputError(f"the limit {item.due} lies in the past; the earliest is {today}")
    made = []
    with session(engine, write=True) as opened:
        actor = actor_name(opened, caller)
        note = next_note(opened, caller.street, "ZC" if body.self_found else "DB", today)
        for k, item in enumerate(body.items, start=1):
            values: dict[str, Any] = item.model_dump(exclude={"text"})
            of_case = cell_of_case(opened, caller, item.case_id)
            values["cell"] = item.cell or of_case
            require_finder(caller, values["cell"], self_found=body.self_found)
            number = f"{note}-{k:02d}"
            step = ItemStep(
                number, 1, now, actor, ItemAction.FIND, item.text, note=note, self_found=body.self_found, **values
            )
            try:
                found = add_item_step(opened, caller.street, step, zone)
            except RefusedStep as refusal:
                raise refused(refusal, caller) from refusal
            made.append(item_out(found, [step], caller, actor, today))
        audit(opened, caller.street, caller.actor, "add rectification", note, at=now, items=len(made))
        add_event(opened, caller.street, "rectification", "", {"note": note}, at=now)
    return ItemsOut(items=made)


@router.post("/rectifications/{number}/steps", status_code=201)
@needs(Right.WRITE_LEDGERS)
def step(
    number: Number, body: ItemStepIn, caller: CallerOf, engine: EngineOf, settings: SettingsOf, now: CaseNow
) -> ItemOut:
    """Take a step of an item. Whoever rectified it cannot re-check it; if another step was taken in between, the answer is
    409.
    """
    from api.database.duty.rectifications import add_item_step, item_steps
    from api.duty.desk import actor_name, refused
    from api.duty.rectification_lists import item_out, require_step
    from geo.duty import ItemAction, ItemStep

    zone = ZoneInfo(settings.zone)
    with session(engine, write=True) as opened:
        actor = actor_name(opened, caller)
        before = item_steps(opened, caller.street, number)
        require_step(caller, before, number, ItemAction(body.action))
        new = ItemStep(number, body.seq, now, actor, ItemAction(body.action), body.text)
        try:
            found = add_item_step(opened, caller.street, new, zone)
        except RefusedStep as refusal:
            raise refused(refusal, caller) from refusal
        audit(opened, caller.street, caller.actor, body.action, number, at=now)
        add_event(opened, caller.street, "rectification", found.cell, {"item": number}, at=now)
    return item_out(found, [*before, new], caller, actor, now.astimezone(zone).date())


@router.post("/rectifications/{number}/steps/{seq}/photos", status_code=201)
@needs(Right.WRITE_LEDGERS)
def new_item_photo(
    number: Number,
    seq: Annotated[int, InPath(ge=1, le=10_000)],
    caller: CallerOf,
    engine: EngineOf,
    now: CaseNow,
    photo: PhotoOf,
) -> PhotoStored:
    """Add a photo to a finding or to a self-check. Only the person who took the step may add it."""
    from api.database.duty.rectifications import add_item_photo
    from api.duty.rectification_lists import require_photo

    with session(engine, write=True) as opened:
        cell = require_photo(opened, caller, number, seq, right=Right.WRITE_LEDGERS)
        key, new = add_item_photo(opened, caller.street, (number, seq), *photo, at=now)
        if new:
            audit(opened, caller.street, caller.actor, "add photo", number, at=now, sha256=key)
            add_event(opened, caller.street, "rectification", cell, {"item": number}, at=now)
    return PhotoStored(sha256=key)


@router.get("/rectifications/{number}/photos/{sha256}", response_class=Response, include_in_schema=False)
@needs(Right.SEE_LEDGERS)
def item_photo(number: Number, sha256: str, caller: CallerOf, engine: EngineOf) -> Response:
    """A photo of a rectification item as it was received, for those who may see the item."""
    from api.database.duty.rectifications import get_item_photo
    from api.duty.rectification_lists import require_photo

    with session(engine) as opened:
        require_photo(opened, caller, number)
        return photo_response(*get_item_photo(opened, caller.street, number, sha256))
