"""Shifts (值班): the plan with unstaffed hours, single shifts, swaps, import of tables, and duty posts."""

from __future__ import annotations

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, File, Response, UploadFile
from fastapi import Path as InPath

from api.access import Right, allowed
from api.database import session
from api.database.events import audit
from api.duty.staff_schemas import PostIn, SheetStored, ShiftIn, ShiftsOut, ShiftStored, Stored, SwapIn
from api.errors import DeniedError
from api.routes.dependencies import CallerOf, CaseNow, EngineOf, SettingsOf, SnapshotOf
from api.routes.guard import Guarded, needs
from geo.errors import InputError

router = APIRouter(prefix="/api", route_class=Guarded, tags=["duty"])

Number = Annotated[int, InPath(ge=1, le=2**31 - 1)]


@router.get("/shifts")
@needs(Right.SEE_ROSTER)
def shifts(caller: CallerOf, engine: EngineOf, settings: SettingsOf, first: date, last: date) -> ShiftsOut:
    """Shifts from `first` to `last`, with duty posts, unstaffed hours, and persons at two places at once."""
    from api.duty.shift_plans import shifts_of

    with session(engine) as opened:
        return shifts_of(opened, caller.street, first, last, settings)


@router.post("/shifts", status_code=201)
@needs(Right.MANAGE_ROSTER)
def new_shift(body: ShiftIn, caller: CallerOf, engine: EngineOf, snapshot: SnapshotOf, now: CaseNow) -> ShiftStored:
    """Add a shift to the plan. Refused if the person is on duty elsewhere at that time; names in no list are told."""
    from api.database.duty.shifts import add_shift
    from api.duty.shift_plans import code_of, unlisted
    from geo.duty import Shift

    with session(engine, write=True) as opened:
        recorder = _recorder(opened, caller, snapshot, {body.place}, now)
        shift = Shift(body.place, body.start, body.end, code_of(opened, caller.street, body.person))
        told = unlisted(opened, caller.street, shift, [str(name) for name in snapshot.division.community["name"]])
        number = add_shift(opened, caller.street, shift, recorder)
        audit(opened, caller.street, caller.actor, "add shift", str(number), at=now)
    return ShiftStored(ids=[number], notices=told)


@router.delete("/shifts/{number}", status_code=204)
@needs(Right.MANAGE_ROSTER)
def remove_shift(number: Number, caller: CallerOf, engine: EngineOf, snapshot: SnapshotOf, now: CaseNow) -> Response:
    """Withdraw a shift from the plan; it is kept in the database."""
    from api.database.duty.shifts import get_shift, withdraw_shift

    with session(engine, write=True) as opened:
        place = get_shift(opened, caller.street, number).place
        recorder = _recorder(opened, caller, snapshot, {place}, now)
        withdraw_shift(opened, caller.street, number, recorder)
        audit(opened, caller.street, caller.actor, "remove shift", str(number), at=now)
    return Response(status_code=204)


@router.post("/shifts/swaps", status_code=201)
@needs(Right.MANAGE_ROSTER)
def swap(body: SwapIn, caller: CallerOf, engine: EngineOf, snapshot: SnapshotOf, now: CaseNow) -> Stored:
    """Exchange the persons of two shifts. 409 if one of them has changed meanwhile."""
    from api.database.duty.shifts import places_of_shifts, swap_shifts

    if body.one == body.two:
        raise InputError("name two different shifts")
    with session(engine, write=True) as opened:
        places = places_of_shifts(opened, caller.street, (body.one, body.two))
        recorder = _recorder(opened, caller, snapshot, places, now)
        numbers = swap_shifts(opened, caller.street, (body.one, body.two), recorder, reason=body.reason)
        audit(opened, caller.street, caller.actor, "swap shifts", f"{body.one} {body.two}", at=now)
    return Stored(ids=list(numbers))


@router.post("/shifts/files", status_code=201)
@needs(Right.MANAGE_ROSTER)
async def sheet(
    caller: CallerOf,
    engine: EngineOf,
    settings: SettingsOf,
    snapshot: SnapshotOf,
    now: CaseNow,
    file: Annotated[UploadFile, File(description="Excel or CSV: 值班点, 日期, 时段, 值班人员")],
) -> SheetStored:
    """Replace the shifts of the same places and days by those of a table; invalid rows are listed."""
    from pathlib import Path
    from tempfile import TemporaryDirectory

    from starlette.concurrency import run_in_threadpool

    content = await file.read()
    name = Path(file.filename or "").name or "shifts.xlsx"

    def store() -> SheetStored:
        from api.commands.duty.imports import import_shifts

        with TemporaryDirectory() as folder, session(engine, write=True) as opened:
            path = Path(folder, f"sheet{Path(name).suffix[:6]}")
            path.write_bytes(content)

            def recorder(places: set[str]) -> Any:
                return _recorder(opened, caller, snapshot, places, now)

            names = [str(name) for name in snapshot.division.community["name"]]
            done = import_shifts(opened, caller.street, path, zone=settings.zone, recorder=recorder, communities=names)
            audit(opened, caller.street, caller.actor, "import shifts", name[:100], at=now, **done.stored)
        refused = [{key: row[key] for key in ("row", "reason_zh", "reason")} for row in done.refused]
        notices = [{"zh": text.zh, "en": text.en} for text in done.notices]
        return SheetStored.model_validate({"rows": done.rows, **done.stored, "refused": refused, "notices": notices})

    return await run_in_threadpool(store)


@router.post("/shifts/posts", status_code=201)
@needs(Right.MANAGE_ROSTER)
def set_duty_post(body: PostIn, caller: CallerOf, engine: EngineOf, snapshot: SnapshotOf, now: CaseNow) -> Stored:
    """Set the hours in which a place must be staffed; unstaffed hours are then findings."""
    from api.database.duty.shifts import read_posts, set_post
    from geo.duty import DutyPost, levels_of, read_hours

    post = DutyPost(body.place, read_hours(body.hours), body.cell, body.days)
    if body.cell and levels_of(snapshot.division).get(body.cell) != 1:
        raise InputError(f"'{body.cell}' is no community of the division; an office of the street has no cell")
    if not allowed(caller, Right.MANAGE_ROSTER, [body.cell]):
        raise DeniedError(f"'{caller.name}' may not plan the shifts of this place")
    with session(engine, write=True) as opened:
        # A post with this name at another place is not overwritten.
        known = {one.post.place for one in read_posts(opened, caller.street)}
        recorder = _recorder(opened, caller, snapshot, {body.place} & known, now)
        number = set_post(opened, caller.street, post, recorder)
        audit(opened, caller.street, caller.actor, "set duty post", body.place, at=now)
    return Stored(ids=[number])


@router.delete("/shifts/posts/{number}", status_code=204)
@needs(Right.MANAGE_ROSTER)
def remove_duty_post(
    number: Number, caller: CallerOf, engine: EngineOf, snapshot: SnapshotOf, now: CaseNow
) -> Response:
    """Withdraw a duty post."""
    from api.database.duty.shifts import read_posts, withdraw_post

    with session(engine, write=True) as opened:
        places = {one.post.place for one in read_posts(opened, caller.street) if one.id == number}
        withdraw_post(opened, caller.street, number, _recorder(opened, caller, snapshot, places, now))
        audit(opened, caller.street, caller.actor, "remove duty post", str(number), at=now)
    return Response(status_code=204)


def _recorder(opened: Any, caller: Any, snapshot: Any, places: set[str], now: Any) -> Any:
    """The recorder for shifts of the given places; refused if the caller may not plan them."""
    from api.database.duty.rosters import Recorder
    from api.duty.desk import actor_name
    from api.duty.shift_plans import cells_of_places, require_places

    require_places(caller, cells_of_places(opened, caller.street, snapshot), places)
    return Recorder(actor_name(opened, caller), now)
