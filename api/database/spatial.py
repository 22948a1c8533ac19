"""SQL functions that GeoAlchemy2 emits on SQLite, made from shapely.

mod_spatialite is never loaded: beside pyogrio, pyproj and geopandas it corrupts memory. Geometries are stored as
little-endian EWKB, so each value carries its SRID. The functions that administer SpatiaLite's own tables have nothing
to do here and answer 1, SpatiaLite's word for success.

GeoAlchemy2 hands geometries to SQLite as WKT, and the WKT that GEOS writes does not keep every bit of a coordinate
(0.000944 loses its last digits). :class:`ExactGeometry` hands over EWKB instead.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from typing import Any

import shapely
from geoalchemy2 import Geometry, WKBElement
from sqlalchemy import Dialect

_EWKT = re.compile(r"\s*SRID=(-?\d+);(.*)", re.IGNORECASE | re.DOTALL)


class ExactGeometry(Geometry):
    """Geometry column whose values come back bit by bit, on SQLite as on PostGIS."""

    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Callable[[Any], Any]:
        """Give the function that turns a value into what the driver takes."""
        usual: Callable[[Any], Any] = super().bind_processor(dialect)  # type: ignore[no-untyped-call]

        def as_bytes(value: Any) -> Any:
            return bytes(value.data) if isinstance(value, WKBElement) else usual(value)

        return as_bytes if dialect.name == "sqlite" else usual


def register(connection: sqlite3.Connection) -> None:
    """Register the functions on one connection."""
    for name, arguments, function in (
        ("GeomFromEWKT", 1, from_ewkt),
        ("GeomFromEWKB", 1, from_ewkb),
        ("AsEWKB", 1, as_ewkb),
        ("AsBinary", 1, as_wkb),
        ("ST_SRID", 1, srid),
    ):
        connection.create_function(name, arguments, function, deterministic=True)
    for name in ("RecoverGeometryColumn", "CreateSpatialIndex", "DisableSpatialIndex", "DiscardGeometryColumn"):
        connection.create_function(name, -1, _done)
    connection.create_function("CheckSpatialIndex", -1, _no_index)


def from_ewkt(value: str | bytes | None) -> bytes | None:
    """Parse EWKT to EWKB. What is EWKB already passes, as PostGIS has it under the same name."""
    if value is None or isinstance(value, bytes):
        return from_ewkb(value)
    match = _EWKT.match(value)
    number, wkt = (int(match[1]), match[2]) if match else (0, value)
    return _ewkb(shapely.set_srid(shapely.from_wkt(wkt), max(number, 0)))


def from_ewkb(value: bytes | str | None) -> bytes | None:
    """Bring WKB, EWKB or its hexadecimal text to the stored form."""
    return None if value is None else _ewkb(shapely.from_wkb(value))


def as_ewkb(value: bytes | None) -> bytes | None:
    """Give a stored geometry as EWKB, which it is."""
    return value


def as_wkb(value: bytes | None) -> bytes | None:
    """Give a stored geometry as WKB without SRID."""
    return None if value is None else bytes(shapely.to_wkb(shapely.from_wkb(value), byte_order=1))


def srid(value: bytes | None) -> int | None:
    """SRID of a stored geometry, 0 if it has none."""
    return None if value is None else int(shapely.get_srid(shapely.from_wkb(value)))


def _ewkb(geometry: shapely.Geometry) -> bytes:
    return bytes(shapely.to_wkb(geometry, include_srid=bool(shapely.get_srid(geometry)), byte_order=1))


def _done(*_: object) -> int:
    return 1


def _no_index(*_: object) -> None:
    return None
