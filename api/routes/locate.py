"""``GET /api/locate`` and ``POST /api/locate``: the cells that contain a point, with their leaders."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Request
from fastapi.responses import RedirectResponse
from starlette.concurrency import run_in_threadpool

from api.access.admission import ANYBODY
from api.database import session, street_of
from api.database.people import office_phone
from api.routes.dependencies import EngineOf, SettingsOf, SnapshotOf
from api.routes.guard import Guarded, needs
from api.schemas import CellName, DatumName, Located, LocateMany, Resident

router = APIRouter(route_class=Guarded, tags=["locate"])

Longitude = Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False, examples=[118.8])]
Latitude = Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False, examples=[32.1])]


@router.get("/api/locate")
@needs(ANYBODY)
async def locate(snapshot: SnapshotOf, lon: Longitude, lat: Latitude, datum: DatumName = "WGS-84") -> Located:
    """The cells of the three levels that contain a point."""
    return Located.of(lon, lat, datum, snapshot.locate(lon, lat, datum))


@router.post("/api/locate")
@needs(ANYBODY)
def locate_many(snapshot: SnapshotOf, body: LocateMany) -> list[CellName | None]:
    """Third-level cells of up to 10,000 points, in the order of the points; null outside the street."""
    places = [(lon, lat) for lon, lat in body.points]
    return [None if row is None else CellName(**row) for row in snapshot.locate_many(places, body.datum)]


@router.get("/api/resident")
@needs(ANYBODY)
async def resident(
    snapshot: SnapshotOf,
    engine: EngineOf,
    settings: SettingsOf,
    lon: Longitude,
    lat: Latitude,
    datum: DatumName = "WGS-84",
) -> Resident:
    """Leader of the grid that contains a point, with the office telephone, never a private one."""
    place = snapshot.locate(lon, lat, datum)
    names = {level.layer: cell for level, cell in place.cells.items()}
    leader = (names.get("second") or {}).get("leader")

    def look() -> tuple[str, str | None] | None:
        with session(engine) as opened:
            return office_phone(opened, street_of(opened, settings.street or None), leader or "")

    found = await run_in_threadpool(look) if leader else None
    return Resident(
        inside=place.inside,
        grid=names["second"]["name"] or names["second"]["code"] if place.inside else None,
        community=names["community"]["name"] or names["community"]["code"] if place.inside else None,
        leader=found[0] if found else leader,
        office_phone=found[1] if found else None,
    )


async def _moved(request: Request) -> RedirectResponse:
    query = f"?{request.url.query}" if request.url.query else ""
    return RedirectResponse(f"/api{request.url.path}{query}", status_code=308)


for old in ("/locate", "/layers/{level}.geojson", "/divisions/current"):
    router.add_api_route(old, needs(ANYBODY)(_moved), methods=["GET"], include_in_schema=False)
