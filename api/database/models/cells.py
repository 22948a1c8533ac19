"""Cells of versions, with their geometries.

GeoAlchemy2 passes geometries to SQLite as WKT, and the WKT written by GEOS does not preserve every bit of a coordinate
(0.000944 loses its last digits). :class:`ExactGeometry` passes EWKB instead.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import JSON, Date, Dialect, Double, ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.database.models.base import Base


class ExactGeometry(Geometry):
    """Geometry column whose values are preserved bit by bit, on SQLite and PostGIS."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """Function that converts a value for the driver."""
        usual: Callable[[Any], Any] = super().bind_processor(dialect)  # type: ignore[no-untyped-call]

        def as_bytes(value: Any) -> Any:
            return bytes(value.data) if isinstance(value, WKBElement) else usual(value)

        return as_bytes if dialect.name == "sqlite" else usual


class CellRow(Base):
    """One cell of one version; additional columns of the source are stored in ``extra``."""

    __tablename__ = "cell"
    __table_args__ = (UniqueConstraint("version_id", "level", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("division_version.id"), index=True)
    level: Mapped[int]
    position: Mapped[int]
    code: Mapped[str]
    name: Mapped[str | None]
    parent: Mapped[str | None]
    area_m2: Mapped[float | None] = mapped_column(Double)
    population: Mapped[float | None] = mapped_column(Double)
    households: Mapped[float | None] = mapped_column(Double)
    units: Mapped[float | None] = mapped_column(Double)
    workload: Mapped[float | None] = mapped_column(Double)
    leader: Mapped[str | None]
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    extra: Mapped[dict[str, Any]] = mapped_column(JSON)
    # No SRID in the column type: streets lie in different 3-degree zones, and every value has its own SRID.
    geometry: Mapped[WKBElement] = mapped_column(ExactGeometry("GEOMETRY", srid=-1), nullable=False)
