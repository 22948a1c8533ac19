"""Finds incidents whose coordinates appear to be on another datum than declared."""

from __future__ import annotations

from itertools import pairwise

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.incidents.columns import ADDRESS, LAT, LON, SOURCE, SOURCE_ROW
from geo.incidents.statistics.distributions import fair_coin_upper
from geo.layers import Area, Datum, area_frame, convert, lon_lat
from geo.layers.crs import GEOD
from geo.prepared import prepared_copy

Floats = npt.NDArray[np.float64]

# Maximum difference between the distance of two positions of one address and the shift of a datum, metres.
_SAME_M = 60.0
# A source is doubted as a whole if another datum puts this share more of its incidents, of at least this number, into the
# street.
_SOURCE_REPORTS, _SOURCE_GAIN = 20, 0.02
# Significance level of the test whether incidents on one side of the street are shifted.
_BY_CHANCE = 0.001
# Number of incidents of a source tested on each datum: their share is then known to 1 %.
_SAMPLE = 5_000

DOUBT_COLUMNS = (SOURCE_ROW, "datum", "evidence")


def datum_doubts(incidents: gpd.GeoDataFrame, outline: Area | None = None) -> pd.DataFrame:
    """Find incidents that another datum would explain better.

    Parameters
    ----------
    incidents
        From :func:`geo.incidents.read_incidents`: `lon`, `lat`, `source_row`, and optionally `address`, `source`.
    outline
        Polygons of the street, any declared CRS.

    Returns
    -------
    DataFrame
        One row per incident and kind of evidence, by row: `source_row`, `datum` that would explain it, `evidence`: ``address``
        (the same address occurs at another place, exactly the shift of that datum away), ``outside`` (outside the street,
        inside on that datum, and more often than by chance), or ``source`` (more of all incidents of its source would be
        inside). Nothing is moved: the owner of the file has to decide.

    Notes
    -----
    An incident inside the street with a unique address, from a source that is otherwise correct, cannot be doubted.
    """
    frame = pd.DataFrame(incidents.drop(columns=incidents.geometry.name)).reset_index(drop=True)
    found = []
    if ADDRESS in frame:
        found.append(_by_address(frame))
    ground = area_frame(outline, incidents.crs, "outline")
    if ground is not None:
        area = prepared_copy(shapely.union_all(lon_lat(ground.geometry).array))
        found += [_by_outline(frame, area), _by_source(frame, area)]
    table = pd.concat(found, ignore_index=True) if found else pd.DataFrame(columns=list(DOUBT_COLUMNS))
    return table.sort_values([SOURCE_ROW, "evidence", "datum"], kind="stable", ignore_index=True)[list(DOUBT_COLUMNS)]


def _told(frame: pd.DataFrame, rows: npt.ArrayLike, datum: Datum, evidence: str) -> pd.DataFrame:
    numbers = frame[SOURCE_ROW].to_numpy()[np.asarray(rows)]
    return pd.DataFrame({SOURCE_ROW: numbers, "datum": datum.value, "evidence": evidence})


def _none() -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(dtype=object) for name in DOUBT_COLUMNS})


def _by_address(frame: pd.DataFrame) -> pd.DataFrame:
    """Pairs of positions of one address, adjacent by longitude, whose distance is the shift of a datum."""
    several = frame[frame[ADDRESS].notna() & frame[ADDRESS].duplicated(keep=False)]
    several = several.drop_duplicates([ADDRESS, LON, LAT]).sort_values([ADDRESS, LON], kind="stable")
    pairs = [
        (i, j)
        for rows in several.groupby(ADDRESS, sort=False).indices.values()
        if 1 < len(rows) <= 50  # a vague address such as the street's name has many places
        for i, j in pairwise(rows)
    ]
    if not pairs:
        return _none()
    first, second = (several.iloc[[pair[k] for pair in pairs]] for k in (0, 1))
    tables = []
    for datum in (Datum.GCJ02, Datum.BD09):
        # Either of the two may be the shifted one.
        for here, there in ((first, second), (second, first)):
            moved = convert(here[LON].to_numpy(float), here[LAT].to_numpy(float), Datum.WGS84, datum)
            close = _apart_m(*moved, there[LON].to_numpy(float), there[LAT].to_numpy(float)) <= _SAME_M
            tables.append(_told(frame, there.index[close], datum, "address"))
    return pd.concat(tables, ignore_index=True)


def _by_outline(frame: pd.DataFrame, area: shapely.Geometry) -> pd.DataFrame:
    """Incidents outside that a datum would move inside, if they are more than its inverse shift would move inside.

    Correct incidents outside are on all sides; those on a wrong datum are on the side of its shift.
    """
    away = frame[~_inside(frame, area, Datum.WGS84)]
    lon, lat = away[LON].to_numpy(float), away[LAT].to_numpy(float)
    tables = [_none()]
    for datum in (Datum.GCJ02, Datum.BD09):
        to_lon, to_lat = convert(lon, lat, datum, Datum.WGS84)
        there = shapely.contains_xy(area, to_lon, to_lat)
        mirrored = shapely.contains_xy(area, 2 * lon - to_lon, 2 * lat - to_lat)
        number, chance = int((there & ~mirrored).sum()), int((mirrored & ~there).sum())
        if number and fair_coin_upper(number, number + chance) <= _BY_CHANCE:
            tables.append(_told(frame, away.index[there], datum, "outside"))
    return pd.concat(tables, ignore_index=True)


def _by_source(frame: pd.DataFrame, area: shapely.Geometry) -> pd.DataFrame:
    if SOURCE not in frame or frame[SOURCE].isna().all():
        return _none()
    tables = [_none()]
    for rows in frame.groupby(SOURCE, sort=True).indices.values():
        sample = frame.iloc[rows[:: max(1, len(rows) // _SAMPLE)]]
        shares = {d: float(_inside(sample, area, d).mean()) for d in (Datum.WGS84, Datum.GCJ02, Datum.BD09)}
        best = max(shares, key=lambda datum: shares[datum])
        if len(rows) >= _SOURCE_REPORTS and shares[best] > shares[Datum.WGS84] + _SOURCE_GAIN:
            tables.append(_told(frame, rows, best, "source"))
    return pd.concat(tables, ignore_index=True)


def _inside(frame: pd.DataFrame, area: shapely.Geometry, datum: Datum) -> npt.NDArray[np.bool_]:
    lon, lat = frame[LON].to_numpy(float), frame[LAT].to_numpy(float)
    return np.asarray(shapely.contains_xy(area, *convert(lon, lat, datum, Datum.WGS84)), dtype=bool)


def _apart_m(lon: Floats, lat: Floats, other_lon: Floats, other_lat: Floats) -> Floats:
    return np.asarray(GEOD.inv(lon, lat, other_lon, other_lat)[2])
