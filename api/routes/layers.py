"""``GET /api/layers/{level}.geojson``."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Response

from api.access import Right
from api.routes.dependencies import SnapshotOf
from api.routes.guard import Guarded, needs

router = APIRouter(prefix="/api", route_class=Guarded, tags=["division"])

LevelName = Literal["street", "community", "second", "third"]


@router.get(
    "/layers/{level}.geojson",
    response_class=Response,
    responses={200: {"content": {"application/geo+json": {}}}, 304: {"description": "not changed"}},
)
@needs(Right.SEE_DIVISION)
def layer(level: LevelName, snapshot: SnapshotOf, if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """One layer of the current division, in WGS-84 degrees (RFC 7946)."""
    from geo.layers import Level

    # Weak, as the same content is sent compressed and uncompressed. Includes the version's number, because the digest does not
    # cover attributes.
    tag = f'W/"{snapshot.version.id}-{snapshot.version.digest[:16]}-{level}"'
    headers = {"ETag": tag, "Cache-Control": "private, no-cache", "Vary": "Accept-Encoding"}
    if if_none_match is not None and tag in (part.strip() for part in if_none_match.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(snapshot.geojson(Level[level.upper()]), media_type="application/geo+json", headers=headers)
