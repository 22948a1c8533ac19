"""Coordinates of table rows on WGS-84, and the reason why a row has none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.arrays import Bools, Floats, Objects, repeated
from geo.errors import CrsError, DatumError
from geo.incidents.columns import ADDRESS, DATUM
from geo.layers import Datum, parse_crs
from geo.layers.alignment.plausibility import fitting_crs, readings
from geo.layers.plane import to_lon_lat
from geo.layers.row_datums import datums_of_rows, rows_to_wgs84, to_wgs84
from geo.tables.coordinates import NO_COORDINATES, Place, read_coordinates
from geo.tables.refused import are_good, mark
from geo.texts import Text

# Rows that decide whether the coordinates are metres.
_SAMPLE = 1000

# The CRS suggested for eastings without zone prefix, whose central meridian cannot be told from the numbers.
_WITHOUT_PREFIX = "EPSG:4549"

# Metres of web maps are more common than those of the zone in the far west of Xinjiang that they resemble.
_WEB_MAP = "EPSG:3857"

_ONLY_ADDRESS = Text("只有地址，没有坐标", "has an address but no coordinates")


class Positions(NamedTuple):
    """Positions of rows.

    Attributes
    ----------
    lon, lat
        Degrees on WGS-84; NaN where there is no usable position.
    reason
        Reason why a row has no position; None if it has one.
    swapped
        Rows whose longitude and latitude were swapped, and have been corrected.
    datums
        Number of usable rows by datum (or CRS) on which they were read.
    """

    lon: Floats
    lat: Floats
    reason: Objects
    swapped: Bools
    datums: dict[str, int]


def positions(
    rows: pd.DataFrame,
    used: Mapping[str, str],
    place: Place,
    datum: Datum | None,
    crs: object,
    name: str,
    cells: gpd.GeoDataFrame | None = None,
) -> Positions:
    """Read the coordinates of a table.

    Parameters
    ----------
    rows
        The table as text.
    used
        Headers of the columns.
    place
        Columns of the coordinates, with the datum or CRS named by their headers.
    datum
        Datum of rows that name none.
    crs
        CRS of the coordinates, if declared.
    name
        File, for messages.
    cells
        Cells of the place, for messages.

    Raises
    ------
    DatumError
        If neither `datum`, `crs`, the headers nor a column of the file declares the datum of the coordinates.
    CrsError
        If the coordinates are metres and no CRS is declared, the axes are swapped, or the eastings have a zone prefix.
    """
    crs = crs if crs is not None else place.crs
    if datum is None and crs is None and place.datum is not None:
        datum = Datum.parse(place.datum)
    if crs is None:
        _require_degrees(rows, place, name, cells)
    if datum is None and crs is None and DATUM not in used:
        raise DatumError(
            f"{name}: the datum of its coordinates is not declared; say whether they are WGS-84, CGCS2000, GCJ-02 "
            "or BD-09 (--datum)"
        )
    in_degrees = crs is None or parse_crs(crs).is_geographic
    found = read_coordinates(rows, place, in_degrees=in_degrees)
    x, y = np.where(found.swapped, found.y, found.x), np.where(found.swapped, found.x, found.y)
    reason = found.reason
    if ADDRESS in used:
        bare = np.fromiter((why is NO_COORDINATES for why in reason), dtype=bool, count=len(reason))
        reason[bare] = None
        mark(reason, bare & rows[used[ADDRESS]].notna().to_numpy(dtype=bool), _ONLY_ADDRESS)
        mark(reason, bare, NO_COORDINATES)
    if crs is not None:
        good = are_good(reason)
        placed = to_lon_lat(np.where(good, x, np.nan), np.where(good, y, np.nan), crs, f"{name}: {_shown(place)}")
        x, y = placed.lon, placed.lat
        reason = np.where(good, placed.reason, reason)
    if crs is None:
        which = datums_of_rows(rows[used[DATUM]] if DATUM in used else None, datum, reason)
        lon, lat = rows_to_wgs84(x, y, which, reason)
    else:
        which = repeated(str(crs), len(x))
        good = are_good(reason)
        lon, lat = np.where(good, x, np.nan), np.where(good, y, np.nan)
        if datum is not None:
            lon, lat = to_wgs84(lon, lat, datum)
    good = are_good(reason)
    datums = {
        kind: int((which[good] == kind).sum()) for kind in sorted({str(value) for value in pd.unique(which[good])})
    }
    return Positions(lon, lat, reason, found.swapped & good, datums)


def _require_degrees(rows: pd.DataFrame, place: Place, name: str, cells: gpd.GeoDataFrame | None) -> None:
    """Refuse coordinates that are no degrees although no CRS is declared; the message suggests one.

    These are coordinates that lie at the cells in some CRS, and metres of a grid of China.
    """
    found = read_coordinates(rows.iloc[:_SAMPLE], place, in_degrees=False)
    good = are_good(found.reason)
    if not good.any():
        return
    x, y = float(np.median(found.x[good])), float(np.median(found.y[good]))
    fits = fitting_crs(x, y, cells) if cells is not None and (abs(x) > 360 or abs(y) > 360) else None
    if fits is not None:
        raise CrsError(
            f"{name}: the coordinates in {_shown(place)} are no degrees ({x:.10g}, {y:.10g}) and no CRS is declared; "
            f"in {fits} they lie at the cells: --crs {fits}"
        )
    codes = [reading.crs for reading in readings(x, y) if not parse_crs(reading.crs).is_geographic]
    if not codes:
        return
    if codes[0] == _WITHOUT_PREFIX:
        raise CrsError(
            f"{name}: the coordinates in {_shown(place)} are metres ({x:.10g}, {y:.10g}) and no CRS is declared; declare it, "
            "--crs EPSG:4549 if the central meridian is 120 E, otherwise another one of EPSG:4534 to 4554"
        )
    raise CrsError(
        f"{name}: the coordinates in {_shown(place)} are metres ({x:.10g}, {y:.10g}) and no CRS is declared; declare it, "
        f"--crs {_WEB_MAP if _WEB_MAP in codes else codes[0]}"
    )


def _shown(place: Place) -> str:
    return ", ".join(place.columns.values())
