"""Makes rows fit for GDAL's drivers, which refuse or silently lose what a format cannot hold."""

from __future__ import annotations

from collections.abc import Hashable

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.notices import notice
from geo.wording import counted, form

# Name of the geometry column of a GeoPackage, unless a column of the rows has it.
_GEOMETRY, _KEY = "geom", "fid"


def with_plain_columns(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Rows whose columns have texts as names, and values of types that every writer supports.

    Text columns become objects. Durations, integers beyond 64 bits and columns of texts and numbers become text.
    """
    columns = [c for c in frame.columns if c != frame.geometry.name]
    changed = {c: frame[c].astype(object) for c in columns if isinstance(frame[c].dtype, pd.StringDtype)}
    changed |= {c: _as_text(frame[c]) for c in columns if _needs_text(frame[c])}
    frame = frame.assign(**{str(c): values for c, values in changed.items() if isinstance(c, str)})
    for column, values in changed.items():
        if not isinstance(column, str):
            frame[column] = values
    return frame.rename(columns={c: str(c) for c in columns if not isinstance(c, str)})


def _needs_text(values: pd.Series) -> bool:
    if values.dtype == object:
        return pd.api.types.infer_dtype(values, skipna=True) in ("mixed", "mixed-integer") and all(
            value is None or isinstance(value, (str, int, float)) for value in values
        )
    kind = getattr(values.dtype, "kind", "O")
    return kind == "m" or (kind == "u" and len(values) > 0 and bool((values > np.iinfo(np.int64).max).any()))


def _as_text(values: pd.Series) -> pd.Series:
    missing = values.isna()
    return values.map(str).astype(object).where(~missing, None)


def with_one_geometry(frame: gpd.GeoDataFrame, name: str) -> gpd.GeoDataFrame:
    """Leave out further geometry columns, which only GeoParquet holds."""
    further = [
        c for c in frame.columns if c != frame.geometry.name and isinstance(frame[c].dtype, type(frame.geometry.dtype))
    ]
    if further:
        notice(
            f"{name}: holds one geometry per row; the columns {', '.join(map(str, further))} are left out; use .parquet"
        )
    return frame.drop(columns=further)


def for_geopackage(frame: gpd.GeoDataFrame, name: str) -> tuple[gpd.GeoDataFrame, str]:
    """Rows with names that differ not in case only, and the name of the geometry column in the file.

    A column ``fid`` of distinct integers is the key of the table; any other gets another name.
    """
    columns = [str(c) for c in frame.columns if c != frame.geometry.name]
    taken: set[str] = set()
    new: dict[Hashable, str] = {}
    for column in columns:
        wanted, number = column, 1
        while wanted.lower() in taken or (wanted.lower() == _KEY and not _is_key(frame[column])):
            number += 1
            wanted = f"{column}_{number}"
        taken.add(wanted.lower())
        if wanted != column:
            new[column] = wanted
    if new:
        shown = ", ".join(f"{old} → {later}" for old, later in new.items())
        notice(f"{name}: columns are renamed, because a GeoPackage ignores case and has its own fid: {shown}")
    geometry, number = _GEOMETRY, 1
    while geometry in taken:
        number += 1
        geometry = f"{_GEOMETRY}_{number}"
    return frame.rename(columns=new), geometry


def _is_key(values: pd.Series) -> bool:
    return (
        pd.api.types.is_integer_dtype(values.dtype)
        and bool(values.notna().all())
        and values.is_unique
        and bool((values >= 0).all())
    )


def for_geojson(frame: gpd.GeoDataFrame, name: str) -> gpd.GeoDataFrame:
    """Say how many numbers are infinite: JSON has none, and they are left out."""
    columns = [c for c in frame.columns if c != frame.geometry.name and pd.api.types.is_float_dtype(frame[c].dtype)]
    infinite = sum(int(np.isinf(frame[c].to_numpy(dtype=np.float64, na_value=np.nan)).sum()) for c in columns)
    if infinite:
        notice(
            f"{name}: {counted(infinite, 'number')} {form(infinite, 'is', 'are')} infinite and left out, as JSON has none"
        )
    return frame


def without_empty(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Rows whose empty geometries are missing ones; KML has no empty ones."""
    shapes = np.array(frame.geometry.array, dtype=object)
    shapes[shapely.is_empty(shapes)] = None
    return frame.set_geometry(gpd.GeoSeries(shapes, frame.index, crs=frame.crs))


def with_one_kind_of_points(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Rows whose points are multipoints if some are; GDAL does this for lines and polygons only."""
    kinds = set(frame.geom_type.dropna())
    if kinds != {"Point", "MultiPoint"}:
        return frame
    shapes = np.array(
        [shapely.MultiPoint([s]) if isinstance(s, shapely.Point) and not s.is_empty else s for s in frame.geometry],
        dtype=object,
    )
    return frame.set_geometry(gpd.GeoSeries(shapes, frame.index, crs=frame.crs))
