"""Routes of incidents: photos, corrections and candidates for duplicates."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np
from fastapi import APIRouter, Query, Response
from fastapi import Path as InPath
from sqlalchemy import Engine

from api.access import Caller, Right, allowed
from api.database import session
from api.database.events import add_event, audit
from api.database.incidents import (
    add_incident,
    add_photo,
    correct,
    duplicates,
    get_incident,
    get_photo,
    list_incidents,
)
from api.errors import DeniedError
from api.ingest.decode import datum_id, to_wgs84
from api.routes.dependencies import CallerOf, EngineOf, Now, PhotoOf, SnapshotOf, photo_response
from api.routes.guard import Guarded, needs
from api.schemas import Correction, IncidentIn, IncidentOut, IncidentStored, PhotoStored
from geo.errors import InputError

if TYPE_CHECKING:
    from api.snapshot import Snapshot

router = APIRouter(prefix="/api", route_class=Guarded, tags=["incidents"])

Number = Annotated[int, InPath(ge=1, le=2**31 - 1)]


@router.post("/incidents", status_code=201)
@needs(Right.SEND_INCIDENTS)
def new_incident(
    body: IncidentIn, caller: CallerOf, engine: EngineOf, snapshot: SnapshotOf, now: Now, response: Response
) -> IncidentStored:
    """Store an incident. A repeated number stores nothing and is answered with 200. Duplicates are only suggested."""
    number, new, found, near = receive(engine, snapshot, caller, body, now)
    response.status_code = 201 if new else 200
    return IncidentStored.model_validate({"id": number, **found, "duplicates": near})


def receive(
    engine: Engine, snapshot: Snapshot, caller: Caller, body: IncidentIn, now: datetime
) -> tuple[int, bool, dict[str, Any], list[dict[str, Any]]]:
    """Store an incident; returns its number, whether it is new, its cells, and candidates for duplicates.

    Raises
    ------
    InputError
        If the time has no zone or is out of range.
    DeniedError
        If the caller may not send incidents of its place.
    """
    if body.reported_at.tzinfo is None or not 1990 <= body.reported_at.year < 2100:
        raise InputError("reported_at needs a time zone and a year from 1990 to 2099")
    place = snapshot.locate(body.lon, body.lat, body.datum)
    cells = {level.layer: cell["code"] for level, cell in place.cells.items()}
    if not allowed(caller, Right.SEND_INCIDENTS, [code for code in cells.values() if code] or [""]):
        raise DeniedError(f"'{caller.name}' may not send incidents of this place")
    lons, lats = to_wgs84(datum_id(body.datum), np.array([body.lon]), np.array([body.lat]))
    lon, lat = float(lons[0]), float(lats[0])
    values = {
        "street": caller.street,
        "number": body.number,
        "reported_at": body.reported_at,
        "received_at": now,
        "lon": lon,
        "lat": lat,
        "datum": body.datum,
        "kind": body.kind,
        "text": body.text,
        "address": body.address,
        "version_id": snapshot.version.id,
        "account_id": caller.account,
        **{name: cells.get(name) for name in ("third", "second", "community")},
    }
    with session(engine, write=True) as opened:
        number, new = add_incident(opened, values)
        if new:
            audit(opened, caller.street, caller.actor, "add incident", body.number, at=now)
            add_event(opened, caller.street, "incident", cells.get("third") or "", {"id": number}, at=now)
        near = duplicates(opened, caller.street, number)
    return number, new, {name: cells.get(name) for name in ("third", "second", "community")}, near


@router.get("/incidents")
@needs(Right.SEE_INCIDENTS)
def incidents(
    caller: CallerOf,
    engine: EngineOf,
    start: Annotated[datetime, Query(description="first moment, with a time zone")],
    end: Annotated[datetime, Query(description="moment after the last, at most a year later")],
) -> list[IncidentOut]:
    """Incidents of ``[start, end)``, corrections applied; at most 1,000."""
    if start.tzinfo is None or end.tzinfo is None or not start < end <= start + timedelta(days=366):
        raise InputError("start and end need a time zone, start before end and at most a year apart")
    with session(engine) as opened:
        rows = list_incidents(opened, caller.street, start, end)
    return [IncidentOut.model_validate(row) for row in rows if _may_see(caller, row)]


@router.get("/incidents/{number}")
@needs(Right.SEE_INCIDENTS)
def incident(number: Number, caller: CallerOf, engine: EngineOf) -> IncidentOut:
    """One incident, corrections applied."""
    with session(engine) as opened:
        row = get_incident(opened, caller.street, number)
    _require(caller, row)
    return IncidentOut.model_validate(row)


@router.post("/incidents/{number}/corrections", status_code=204)
@needs(Right.CORRECT_INCIDENTS)
def new_correction(number: Number, body: Correction, caller: CallerOf, engine: EngineOf, now: Now) -> Response:
    """Correct kind, text or address; the received record is kept."""
    changes = body.model_dump(exclude={"reason"}, exclude_none=True)
    if not changes:
        raise InputError("a correction changes kind, text or address")
    with session(engine, write=True) as opened:
        _require(caller, get_incident(opened, caller.street, number))
        correct(opened, caller.street, number, changes, at=now, actor=caller.actor, reason=body.reason)
        audit(opened, caller.street, caller.actor, "correct incident", str(number), at=now, fields=sorted(changes))
    return Response(status_code=204)


@router.post("/incidents/{number}/photos", status_code=201)
@needs(Right.SEND_INCIDENTS)
def new_photo(number: Number, caller: CallerOf, engine: EngineOf, now: Now, photo: PhotoOf) -> PhotoStored:
    """Add a photo. Its type is determined by its content, not by its name."""
    with session(engine, write=True) as opened:
        _require(caller, get_incident(opened, caller.street, number))
        key, _ = add_photo(opened, caller.street, number, *photo, at=now)
        audit(opened, caller.street, caller.actor, "add photo", str(number), at=now, sha256=key)
    return PhotoStored(sha256=key)


@router.get("/incidents/{number}/photos/{sha256}", response_class=Response, include_in_schema=False)
@needs(Right.SEE_INCIDENTS)
def photo(number: Number, sha256: str, caller: CallerOf, engine: EngineOf) -> Response:
    """A photo as received."""
    with session(engine) as opened:
        _require(caller, get_incident(opened, caller.street, number))
        return photo_response(*get_photo(opened, caller.street, number, sha256))


def _may_see(caller: Caller, row: dict[str, object]) -> bool:
    codes = [str(row[name]) for name in ("third", "second", "community") if row[name]]
    return allowed(caller, Right.SEE_INCIDENTS, codes or [""])


def _require(caller: Caller, row: dict[str, object]) -> None:
    if not _may_see(caller, row):
        raise DeniedError(f"'{caller.name}' may not see incident {row['id']}")
