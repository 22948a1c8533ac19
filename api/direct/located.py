"""Answers ``GET /api/locate`` without FastAPI."""

from __future__ import annotations

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api.direct.dispatch import Answer, query_fields
from api.ingest.fix import DATUMS


async def locate_direct(request: Request) -> Response | None:
    """Answer ``GET /api/locate`` from memory; None if the request needs the full route."""
    snapshot = request.app.state.current.fresh
    if snapshot is None or any(name in (b"authorization", b"cookie") for name, _ in request.scope["headers"]):
        return None
    try:
        fields = query_fields(request.scope)
        lon, lat, datum = float(fields.pop("lon")), float(fields.pop("lat")), fields.pop("datum", "WGS-84")
    except (KeyError, ValueError):
        return None
    if fields or datum not in DATUMS or not (-180 <= lon <= 180 and -90 <= lat <= 90):
        return None
    place = snapshot.locate(lon, lat, datum)
    answer = {"lon": lon, "lat": lat, "datum": datum, "inside": place.inside, **_NOWHERE}
    answer |= {level.layer: cell for level, cell in place.cells.items()}
    return Response(_ENCODER.encode(answer), media_type="application/json")


_NOWHERE = dict.fromkeys(("community", "second", "third"))
_ENCODER = msgspec.json.Encoder()
DIRECT: dict[tuple[str, str], Answer] = {("GET", "/api/locate"): locate_direct}
