"""Converts eastings and northings of tables to degrees: zone prefixes, swapped axes, values outside the declared CRS."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyproj

from geo.arrays import Bools, Floats, Objects
from geo.errors import CrsError
from geo.layers.crs import WGS84, parse_crs
from geo.layers.transformers import transformer
from geo.tables.refused import are_good, mark
from geo.texts import Text

BEYOND = Text("坐标超出所声明坐标系的范围", "has coordinates beyond the declared CRS")
ZONE_PREFIX = Text("东坐标带有带号{zone}", "has an easting with the zone prefix {zone}")
NO_PREFIX = Text("东坐标缺少带号", "has an easting without the zone prefix that the CRS has")
EXCHANGED = Text("东坐标与北坐标颠倒", "has easting and northing exchanged")

# Formulas of a CRS remain usable for a while outside its area of use; a place farther away is a mistake. Degrees.
_MARGIN_DEG = 3.0
# Zones of 6 degrees (13 to 23) and of 3 degrees (24 to 45) of China; the first codes of CGCS2000 with zone prefix.
_ZONES = (13, 45)
_FIRST_OF_6, _FIRST_OF_3 = (13, 4491), (25, 4513)


class Placed(NamedTuple):
    """Degrees on WGS-84 (NaN if missing), and the reason why a row has none, otherwise None. Each shape (n,)."""

    lon: Floats
    lat: Floats
    reason: Objects


def to_lon_lat(x: Floats, y: Floats, crs: object, what: str) -> Placed:
    """Convert coordinates of a table from a declared CRS to degrees; rows that cannot be in it get a reason.

    Parameters
    ----------
    x, y
        Easting and northing in units of `crs`, or longitude and latitude; NaN stays NaN without a reason. Shape (n,).
    crs
        Declared CRS.
    what
        File and columns, for messages.

    Raises
    ------
    CrsError
        If easting and northing are swapped in most rows, or most eastings have a zone prefix that the CRS does not have.
    """
    known = parse_crs(crs)
    there = np.isfinite(x) & np.isfinite(y)
    lon, lat, sound = _moved(x, y, known)
    reason = np.full(len(x), None, dtype=object)
    wrong = there & ~sound
    if not wrong.any():
        return Placed(lon, lat, reason)
    exchanged = wrong & _moved(y, x, known)[2]
    prefix = np.where(wrong & ~exchanged, zone_prefix(x), 0)
    if exchanged.sum() > there.sum() / 2:
        row = int(np.flatnonzero(exchanged)[0])
        raise CrsError(
            f"{what}: easting and northing are exchanged ({x[row]:.9g}, {y[row]:.9g}): the axes are swapped; "
            "name the columns the other way round"
        )
    if (prefix > 0).sum() > there.sum() / 2:
        zone = int(prefix[prefix > 0][0])
        raise CrsError(
            f"{what}: the eastings have the zone prefix {zone} (such as {x[prefix > 0][0]:.9g}); declare {crs_with_prefix(zone)}"
        )
    for zone in np.unique(prefix[prefix > 0]):
        mark(reason, prefix == zone, ZONE_PREFIX.fill(zone=int(zone)))
    mark(reason, exchanged, EXCHANGED)
    mark(reason, wrong & (zone_prefix(x) == 0) & (np.abs(x) < 1e6) & has_zone_prefix(known), NO_PREFIX)
    mark(reason, wrong, BEYOND)
    bad = ~are_good(reason)
    return Placed(np.where(bad, np.nan, lon), np.where(bad, np.nan, lat), reason)


def _moved(x: Floats, y: Floats, crs: pyproj.CRS) -> tuple[Floats, Floats, Bools]:
    """Degrees, and whether they are plausible: finite, and in or near the area of use of the CRS."""
    lon, lat = (np.asarray(values, dtype=float) for values in transformer(crs, WGS84).transform(x, y))
    finite = np.isfinite(lon) & np.isfinite(lat)
    area = crs.area_of_use
    if area is None:
        return np.where(finite, lon, np.nan), np.where(finite, lat, np.nan), finite
    with np.errstate(invalid="ignore"):
        inside = (lat >= area.south - _MARGIN_DEG) & (lat <= area.north + _MARGIN_DEG)
        east = area.east + (360.0 if area.east < area.west else 0.0)
        inside &= np.mod(lon - (area.west - _MARGIN_DEG), 360.0) <= east - area.west + 2 * _MARGIN_DEG
    return np.where(finite, lon, np.nan), np.where(finite, lat, np.nan), finite & inside


def zone_prefix(x: Floats) -> Floats:
    """Zone prefix of eastings such as 40387929.765 (here 40), 0 for none; shape (n,)."""
    with np.errstate(invalid="ignore"):
        zone = np.floor(x / 1e6)
        rest = x - zone * 1e6
        fits = (zone >= _ZONES[0]) & (zone <= _ZONES[1]) & (rest >= 1e5) & (rest <= 9e5)
    return np.where(fits, zone, 0.0)


def crs_with_prefix(zone: int) -> str:
    """The CGCS2000 CRS with the given zone prefix.

    >>> crs_with_prefix(40), crs_with_prefix(20)
    ('EPSG:4528', 'EPSG:4498')
    """
    first, code = _FIRST_OF_3 if zone >= _FIRST_OF_3[0] else _FIRST_OF_6
    return f"EPSG:{code + zone - first}"


def has_zone_prefix(crs: pyproj.CRS) -> bool:
    """Whether eastings of a CRS start with the number of its zone, according to its false easting."""
    operation = crs.coordinate_operation
    params = operation.params if operation is not None else []
    return any("false easting" in p.name.lower() and float(p.value) >= 1e6 for p in params)
