"""SQL functions that GeoAlchemy2 emits on SQLite, implemented with shapely.

mod_spatialite is never loaded: in one process with pyogrio, pyproj and geopandas it corrupts memory. Geometries are stored as
little-endian EWKB, so each value has its SRID. Functions that administer SpatiaLite's own tables do nothing and return 1,
SpatiaLite's value for success.
"""

from __future__ import annotations

import re
import sqlite3

import shapely

_EWKT = re.compile(r"\s*SRID=(-?\d+);(.*)", re.IGNORECASE | re.DOTALL)


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
    """Convert EWKT to EWKB. EWKB is returned unchanged, as by the PostGIS function of the same name."""
    if value is None or isinstance(value, bytes):
        return from_ewkb(value)
    match = _EWKT.match(value)
    number, wkt = (int(match[1]), match[2]) if match else (0, value)
    return _ewkb(shapely.set_srid(shapely.from_wkt(wkt), max(number, 0)))


def from_ewkb(value: bytes | str | None) -> bytes | None:
    """Convert WKB, EWKB or its hexadecimal text to the stored form."""
    return None if value is None else _ewkb(shapely.from_wkb(value))


def as_ewkb(value: bytes | None) -> bytes | None:
    """A stored geometry as EWKB, which is the stored form."""
    return value


def as_wkb(value: bytes | None) -> bytes | None:
    """A stored geometry as WKB without SRID."""
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
