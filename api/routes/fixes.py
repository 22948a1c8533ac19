"""Receives fixes from programs and phones, and returns the track of a device.

``POST /api/fixes``, ``/osmand`` and ``/owntracks`` are in :mod:`api.ingest.reception`.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, File, Form, Query, Request, UploadFile
from starlette.concurrency import run_in_threadpool

from api.access import Right
from api.database import session
from api.database.events import audit
from api.database.fixes import track
from api.database.people import device_id
from api.ingest.fix import microseconds
from api.ingest.reception import devices_of, store_rows
from api.ingest.rows import Rows
from api.routes.dependencies import CallerOf, EngineOf, Now
from api.routes.guard import Guarded, needs
from api.schemas import DatumName, FixOut, RefusedFix, Stored
from geo.errors import InputError

router = APIRouter(prefix="/api", route_class=Guarded, tags=["fixes"])

_ENCODER = msgspec.json.Encoder()
_JSON = "application/json"
#: Maximum number of rows of a track in one answer.
MOST_ROWS = 100_000


@router.post("/fixes/files")
@needs(Right.SEND_FIXES)
async def upload(
    request: Request,
    caller: CallerOf,
    file: Annotated[UploadFile, File(description="GPX, CSV, Excel, GeoJSON, NMEA; also gzipped")],
    datum: Annotated[DatumName | None, Form()] = None,
    zone: Annotated[str | None, Form(max_length=50)] = None,
    device: Annotated[str | None, Form(max_length=100)] = None,
) -> Stored:
    """Store the fixes of a file. With a device's token all fixes belong to it; a program gives the device, or the file
    contains it.
    """
    content = await file.read()
    name = Path(file.filename or "upload").name[-100:]
    devices = await devices_of(request, caller)
    only = caller.name if caller.device is not None else device
    now_us = microseconds(request.app.state.clock())
    times = now_us, now_us + request.app.state.settings.future_after_s * 1_000_000
    rows, refused = await run_in_threadpool(_read_file, content, name, datum, zone, only, devices, caller.street, times)
    outcome = await store_rows(request, rows)
    return Stored(
        stored=outcome.stored,
        repeated=outcome.repeated,
        conflicting=outcome.conflicting,
        refused=[RefusedFix(**row) for row in refused[:1000]],
    )


@router.get("/tracks/{device}")
@needs(Right.SEE_TRACKS)
def get_track(
    device: str,
    caller: CallerOf,
    engine: EngineOf,
    now: Now,
    start: Annotated[datetime, Query(description="first moment, with a time zone")],
    end: Annotated[datetime, Query(description="moment after the last, at most 31 days later")],
) -> list[FixOut]:
    """The fixes of a device in ``[start, end)``. Each access is recorded in the audit."""
    if start.tzinfo is None or end.tzinfo is None or not start < end <= start + timedelta(days=31):
        raise InputError("start and end need a time zone, start before end and at most 31 days apart")
    with session(engine, write=True) as opened:
        number = device_id(opened, caller.street, device)
        audit(opened, caller.street, caller.actor, "look at track", device, at=now, start=str(start), end=str(end))
        rows = track(opened, caller.street, number, microseconds(start), microseconds(end), limit=MOST_ROWS)
    return [FixOut(device=device, **row) for row in rows]


def _read_file(
    content: bytes,
    name: str,
    datum: str | None,
    zone: str | None,
    only: str | None,
    devices: dict[str, int],
    street: int,
    times: tuple[int, int],
) -> tuple[Rows, list[dict[str, Any]]]:
    """Fixes of an uploaded file, and refused rows; `times` are the current time and the latest time that is not future, µs.

    The file is stored in a temporary folder readable only by this process.
    """
    from api.ingest.uploads import read_upload

    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        return read_upload(path, datum=datum, zone=zone, only=only, devices=devices, street=street, times=times)
