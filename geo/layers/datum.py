"""Datums: WGS-84, CGCS2000, GCJ-02 and BD-09.

GCJ-02 is the obfuscated datum of Chinese web maps; BD-09 is Baidu's datum derived from it. Both shift longitude and latitude by
closed formulas whose constants are known by reverse engineering only; these are used here. At 迈皋桥 the shift of
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import shapely

from geo.errors import DatumError
from geo.layers.crs import WGS84, lon_lat, require_frame
from geo.layers.transformers import to_crs

if TYPE_CHECKING:
    import geopandas as gpd

FloatArray = npt.NDArray[np.float64]


class Datum(StrEnum):
    """Datums of coordinates in China."""

    WGS84 = "WGS-84"
    CGCS2000 = "CGCS2000"
    GCJ02 = "GCJ-02"
    BD09 = "BD-09"

    @classmethod
    def parse(cls, text: str) -> Datum:
        """Parse a datum name in any usual spelling (``wgs84``, ``GCJ02``, ``bd-09ll``).

        Raises
        ------
        DatumError
            If the name is not known.
        """
        key = "".join(ch for ch in text.lower() if ch.isalnum()).removesuffix("ll")
        for datum in cls:
            if key == datum.value.lower().replace("-", ""):
                return datum
        raise DatumError(f"'{text}' is not a known datum: use one of {', '.join(cls)}")


# Krasovsky 1940: the ellipsoid used by the obfuscation.
_A = 6378245.0
_EE = 0.00669342162296594323
_BD_PI = np.pi * 3000.0 / 180.0
# The obfuscation is defined inside this box only and is the identity outside.
_BOX = (72.004, 0.8293, 137.8347, 55.8271)


def to_datum(frame: gpd.GeoDataFrame, source: Datum | str, target: Datum | str) -> gpd.GeoDataFrame:
    """Convert a frame from one datum to another.

    Parameters
    ----------
    frame
        Geometries in any declared CRS; their coordinates are on `source`, regardless of the datum of the CRS.
    source, target
        Datum of the coordinates before and after.

    Returns
    -------
    GeoDataFrame
        Same rows, columns and CRS. A round trip is exact to less than 1 mm.

    Raises
    ------
    InputError
        If it is not a frame with geometries.
    DatumError
        If a datum is not known, or the frame declares no CRS.
    """
    require_frame(frame, "the layer")
    source, target = Datum.parse(source), Datum.parse(target)
    if frame.crs is None:
        raise DatumError("no coordinate reference system is declared, so degrees cannot be told from metres")
    if (_is_unshifted(source) and _is_unshifted(target)) or source is target:
        return frame.copy()
    degrees = lon_lat(frame.geometry)

    def move(xy: FloatArray) -> FloatArray:
        return np.column_stack(convert(xy[:, 0], xy[:, 1], source, target))

    moved = type(degrees)(shapely.transform(degrees.array, move), index=frame.index, crs=WGS84)
    return frame.set_geometry(to_crs(moved, frame.crs))


def convert(
    lon: npt.ArrayLike, lat: npt.ArrayLike, source: Datum | str, target: Datum | str
) -> tuple[FloatArray, FloatArray]:
    """Convert longitudes and latitudes, in degrees, from one datum to another.

    >>> lon, lat = convert([118.8127], [32.1025], "WGS-84", "GCJ-02")
    >>> f"{lon[0]:.4f} {lat[0]:.4f}"
    '118.8179 32.1004'
    """
    source, target = Datum.parse(source), Datum.parse(target)
    x, y = np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
    if source is target or (_is_unshifted(source) and _is_unshifted(target)):
        return x, y
    if source is Datum.BD09:
        x, y = _bd_to_gcj(x, y)
    elif _is_unshifted(source):
        x, y = _wgs_to_gcj(x, y)
    # From here on x, y are on GCJ-02.
    if target is Datum.BD09:
        return _gcj_to_bd(x, y)
    return _invert(_wgs_to_gcj, x, y) if _is_unshifted(target) else (x, y)


def _is_unshifted(datum: Datum) -> bool:
    return datum in (Datum.WGS84, Datum.CGCS2000)


def _wgs_to_gcj(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    x, y = lon - 105.0, lat - 35.0
    root = np.sqrt(np.abs(x))
    common = (20.0 * np.sin(6.0 * np.pi * x) + 20.0 * np.sin(2.0 * np.pi * x)) * 2.0 / 3.0

    def wave(v: FloatArray, terms: tuple[tuple[float, float], ...]) -> FloatArray:
        return sum((a * np.sin(np.pi * v / d) for a, d in terms), np.zeros_like(v)) * 2.0 / 3.0

    d_lat = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * root + common
    d_lat = d_lat + wave(y, ((20.0, 1.0), (40.0, 3.0))) + wave(y, ((160.0, 12.0), (320.0, 30.0)))
    d_lon = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * root + common
    d_lon = d_lon + wave(x, ((20.0, 1.0), (40.0, 3.0))) + wave(x, ((150.0, 12.0), (300.0, 30.0)))
    phi = np.radians(lat)
    w = 1.0 - _EE * np.sin(phi) ** 2
    d_lat = np.degrees(d_lat / (_A * (1.0 - _EE) / (w * np.sqrt(w))))
    d_lon = np.degrees(d_lon / (_A / np.sqrt(w) * np.cos(phi)))
    west, south, east, north = _BOX
    inside = (lon >= west) & (lon <= east) & (lat >= south) & (lat <= north)
    return np.where(inside, lon + d_lon, lon), np.where(inside, lat + d_lat, lat)


def _gcj_to_bd(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    radius = np.hypot(lon, lat) + 0.00002 * np.sin(lat * _BD_PI)
    angle = np.arctan2(lat, lon) + 0.000003 * np.cos(lon * _BD_PI)
    return radius * np.cos(angle) + 0.0065, radius * np.sin(angle) + 0.006


def _bd_to_gcj(lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    return _invert(_gcj_to_bd, lon, lat)


# Two units in the last place of a longitude; smaller steps are rounding.
_LAST_BIT_DEG = 3e-14


def _invert(forward, lon: FloatArray, lat: FloatArray) -> tuple[FloatArray, FloatArray]:  # type: ignore[no-untyped-def]
    """Solve forward(p) = (lon, lat) by fixed-point iteration.

    The shift changes by less than 1 % of a step, so each iteration gains two digits; about seven reach full precision.
    """
    x, y = lon.copy(), lat.copy()
    for _ in range(12):
        fx, fy = forward(x, y)
        dx, dy = lon - fx, lat - fy
        x, y = x + dx, y + dy
        if max(np.abs(dx).max(initial=0.0), np.abs(dy).max(initial=0.0)) < _LAST_BIT_DEG:
            break
    return x, y
