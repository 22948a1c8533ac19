"""``GET /api/layers/{level}.geojson``."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Header, Response

from api.routes.dependencies import SnapshotOf
from geo.layers import Level

router = APIRouter(prefix="/api")

LevelName = Literal["street", "community", "second", "third"]


@router.get("/layers/{level}.geojson")
def layer(level: LevelName, snapshot: SnapshotOf, if_none_match: Annotated[str | None, Header()] = None) -> Response:
    """One layer of the current division, in degrees on WGS-84 (RFC 7946)."""
    # Weak: the same content goes out compressed and plain. The version id is in it since attributes are not in the digest.
    tag = f'W/"{snapshot.version.id}-{snapshot.version.digest[:16]}-{level}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache", "Vary": "Accept-Encoding"}
    if if_none_match is not None and tag in (part.strip() for part in if_none_match.split(",")):
        return Response(status_code=304, headers=headers)
    return Response(snapshot.geojson(Level[level.upper()]), media_type="application/geo+json", headers=headers)
