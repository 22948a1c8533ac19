"""What goes over the wire."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pydantic import BaseModel

from api.current import Place, Snapshot
from geo.layers import Level, area_m2
from geo.layers.columns import POPULATION


class Health(BaseModel):
    """Whether the server can answer."""

    status: str
    division: int | None


class DivisionSummary(BaseModel):
    """A version of a division in figures."""

    version: int
    street_code: str
    street_name: str | None
    valid_from: date
    published_at: datetime | None
    crs: str
    communities: int
    seconds: int
    thirds: int
    area_km2: float
    population: int | None
    digest: str
    note: str | None

    @classmethod
    def of(cls, snapshot: Snapshot) -> DivisionSummary:
        """Figures of a snapshot; the area is ellipsoidal."""
        version, street = snapshot.version, snapshot.division.street
        people = street[POPULATION].sum() if POPULATION in street.columns and street[POPULATION].notna().any() else None
        communities, seconds, thirds = version.counts
        return cls(
            version=version.id,
            street_code=version.street_code,
            street_name=version.street_name,
            valid_from=version.valid_from,
            published_at=version.published_at,
            crs=f"EPSG:{version.srid}",
            communities=communities,
            seconds=seconds,
            thirds=thirds,
            area_km2=round(float(area_m2(street.geometry).sum()) / 1e6, 6),
            population=None if people is None else round(float(people)),
            digest=version.digest,
            note=version.note,
        )


class CellName(BaseModel):
    """One cell that a point is in."""

    code: str
    name: str | None
    leader: str | None


class Located(BaseModel):
    """Where a point is; the three cells are null outside the street."""

    lon: float
    lat: float
    datum: str
    inside: bool
    community: CellName | None
    second: CellName | None
    third: CellName | None

    @classmethod
    def of(cls, lon: float, lat: float, datum: str, place: Place) -> Located:
        """Answer for one point."""
        cells: dict[str, Any] = {level.layer: place.cells.get(level) for level in Level if level is not Level.STREET}
        return cls(lon=lon, lat=lat, datum=datum, inside=place.inside, **cells)
