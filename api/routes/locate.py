"""``GET /locate``."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query

from api.routes.dependencies import SnapshotOf
from api.schemas import Located
from geo.layers import Datum

router = APIRouter()


@router.get("/locate")
async def locate(
    snapshot: SnapshotOf,
    lon: Annotated[float, Query(ge=-180, le=180, allow_inf_nan=False)],
    lat: Annotated[float, Query(ge=-90, le=90, allow_inf_nan=False)],
    datum: str = "WGS-84",
) -> Located:
    """Which cells of the three levels is a point in?"""
    known = Datum.parse(datum)
    return Located.of(lon, lat, known.value, snapshot.locate(lon, lat, known))
