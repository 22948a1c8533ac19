"""Conversion between the frames of a division and database rows."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from geoalchemy2 import WKBElement
from pandas.api.types import pandas_dtype
from pyproj import CRS

from geo.errors import CrsError
from geo.layers import ADDITIVE_COLUMNS, LAYER_COLUMNS, Division, Level
from geo.layers.columns import CODE, GEOMETRY, LEADER, NAME, PARENT, VALID_FROM, VALID_TO

TEXT = (CODE, NAME, PARENT, LEADER)
DATES = (VALID_FROM, VALID_TO)


def srid_of(division: Division) -> int:
    """EPSG code of a division's CRS.

    Raises
    ------
    CrsError
        If the CRS has none; only the code is stored.
    """
    number = division.crs.to_epsg()
    if number is None:
        raise CrsError(
            f"the CRS {division.crs.name} has no EPSG number, so it cannot be stored; convert the division first"
        )
    return int(number)


def schema(division: Division) -> dict[str, list[list[str]]]:
    """Columns of each layer, in order, with their dtypes."""
    return {
        level.layer: [[str(c), str(division.layer(level)[c].dtype)] for c in division.layer(level).columns]
        for level in Level
    }


def to_rows(division: Division, version_id: int) -> list[dict[str, Any]]:
    """Rows of all cells of a division, for one insert."""
    srid = srid_of(division)
    return [row for level in Level for row in _layer_rows(division.layer(level), level, version_id, srid)]


def _layer_rows(frame: gpd.GeoDataFrame, level: Level, version_id: int, srid: int) -> list[dict[str, Any]]:
    geometries = shapely.set_srid(np.asarray(frame.geometry.array, dtype=object), srid)
    ewkb = shapely.to_wkb(geometries, include_srid=True, byte_order=1)
    plain = frame.drop(columns=frame.geometry.name)
    known = [c for c in plain.columns if c in LAYER_COLUMNS]
    extra = [c for c in plain.columns if c not in LAYER_COLUMNS]
    rows = []
    for position, (record, data) in enumerate(zip(plain.to_dict("records"), ewkb, strict=True)):
        row: dict[str, Any] = dict.fromkeys([*TEXT, *ADDITIVE_COLUMNS, *DATES])
        row.update({str(c): _value(record[c], c) for c in known})
        row.update(
            version_id=version_id,
            level=int(level),
            position=position,
            extra={str(c): _plain(record[c]) for c in extra},
            geometry=WKBElement(data, srid=srid, extended=True),
        )
        rows.append(row)
    return rows


def _value(value: Any, column: str) -> Any:
    """Value for one of the known columns."""
    value = _plain(value)
    if value is None:
        return None
    if column in DATES:
        return date.fromisoformat(str(value)[:10])
    if column in TEXT:
        return str(value)
    return value


def _plain(value: Any) -> Any:
    """JSON value; missing values become None."""
    if value is None or value is pd.NaT or value is pd.NA or (isinstance(value, float) and np.isnan(value)):
        return None
    if isinstance(value, np.generic):
        return _plain(value.item())
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, bool | int | float | str):
        return value
    return str(value)


def from_rows(rows: Sequence[Any], columns: dict[str, list[list[str]]], srid: int) -> Division:
    """Build a division from its stored cells, ordered by level and position."""
    crs = CRS.from_epsg(srid)
    frames = {
        level.layer: _layer_frame([row for row in rows if row.level == level], columns[level.layer], crs)
        for level in Level
    }
    return Division(**frames)


def _layer_frame(rows: list[Any], columns: list[list[str]], crs: CRS) -> gpd.GeoDataFrame:
    ewkb = [bytes(row.geometry.data) if not isinstance(row.geometry.data, str) else row.geometry.data for row in rows]
    geometries = shapely.set_srid(shapely.from_wkb(ewkb), 0)
    values: dict[str, Any] = {}
    for name, dtype in columns:
        if dtype == "geometry":
            values[name] = gpd.GeoSeries(geometries, crs=crs)
        else:
            raw = [getattr(row, name) if name in LAYER_COLUMNS else row.extra.get(name) for row in rows]
            values[name] = _series(raw, dtype)
    geometry = next((name for name, dtype in columns if dtype == "geometry"), GEOMETRY)
    return gpd.GeoDataFrame(values, geometry=geometry, crs=crs)


def _series(raw: list[Any], dtype: str) -> pd.Series[Any]:
    """Series with its original dtype."""
    if dtype == "object":
        return pd.Series(raw, dtype=object)
    if dtype.startswith("datetime64"):
        return pd.Series(pd.to_datetime(pd.Series(raw, dtype=object)), dtype=pandas_dtype(dtype))
    if dtype == "str":
        return pd.Series(raw, dtype="str")
    return pd.Series(raw, dtype=pandas_dtype(dtype))
