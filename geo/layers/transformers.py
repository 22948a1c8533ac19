"""Transformations between coordinate reference systems; the only place that makes them.

WGS-84 and CGCS2000 are treated as equal. PROJ comes to the same result, since no parameters between them are published, but only
after a search through its database that takes 0.13 s of CPU for each pair of systems. So the equality is stated here: the
coordinates are transformed between a system and the degrees of its own datum, for which there is nothing to search.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, TypeVar

import pyproj
from pyproj import CRS

if TYPE_CHECKING:
    import geopandas as gpd

    Frame = TypeVar("Frame", gpd.GeoDataFrame, gpd.GeoSeries)

_WGS84 = "World Geodetic System 1984"
_CGCS2000 = "China 2000"


def transformer(source: object, target: object) -> pyproj.Transformer:
    """Transformation of coordinates between two systems; x, or longitude, comes first on both sides.

    Made once for each pair. Threads may share it.

    Raises
    ------
    pyproj.exceptions.ProjError
        If a system is not known, or there is no transformation.

    >>> x, y = transformer("EPSG:4326", "EPSG:4549").transform(118.81, 32.10)
    >>> round(x, 3), round(y, 3)
    (387671.833, 3553561.131)
    """
    return _made(CRS.from_user_input(source).srs, CRS.from_user_input(target).srs)


@lru_cache(maxsize=64)
def _made(source: str, target: str) -> pyproj.Transformer:
    """By definition, because hashing a CRS takes a millisecond."""
    return pyproj.Transformer.from_crs(*_on_one_datum(CRS(source), CRS(target)), always_xy=True)


def to_crs(frame: Frame, target: object) -> Frame:
    """Convert a frame or a series of geometries to another system; its coordinates are those of ``frame.to_crs``.

    Raises
    ------
    ValueError
        If the frame declares no CRS.
    """
    if frame.crs is None:
        return frame.to_crs(target)
    source, target = CRS.from_user_input(frame.crs), CRS.from_user_input(target)
    near_source, near_target = _on_one_datum(source, target)
    if near_source is not source:
        frame = frame.set_crs(near_source, allow_override=True)
    if near_target is target:
        return frame.to_crs(target)
    return frame.to_crs(near_target).set_crs(target, allow_override=True)


def _on_one_datum(source: CRS, target: CRS) -> tuple[CRS, CRS]:
    """The two systems; degrees on WGS-84 or CGCS2000 are replaced by degrees on the datum of the other system."""
    if {_datum(source), _datum(target)} == {_WGS84, _CGCS2000}:
        if _is_degrees(target):
            return source, _degrees(source)
        if _is_degrees(source):
            return _degrees(target), target
    return source, target


def _datum(crs: CRS) -> str | None:
    """Name of the datum of a system in two dimensions."""
    base = crs.geodetic_crs
    if crs.is_bound or base is None or len(crs.axis_info) != 2 or len(base.axis_info) != 2:
        return None
    name = str(base.datum.name if base.datum is not None else "").removesuffix(" ensemble")
    return name if name in (_WGS84, _CGCS2000) else None


def _is_degrees(crs: CRS) -> bool:
    return crs.is_geographic and not crs.is_derived


def _degrees(crs: CRS) -> CRS:
    """Degrees on the datum of a system."""
    base = crs.geodetic_crs
    assert base is not None
    return base
