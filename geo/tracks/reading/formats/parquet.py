"""Fixes in Parquet: with columns of longitude and latitude, with points as WKT, or GeoParquet."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import shapely

from geo.errors import CrsError, FileError
from geo.layers.transformers import transformer
from geo.tables.refused import RefusedRow, refuse
from geo.texts import Text
from geo.tracks.columns import LAT, LON
from geo.tracks.reading.format import FixTable, Format

#: Maximum number of rows: a few bytes can encode any number of equal rows.
MOST_ROWS = 100_000_000

_NO_POINT = Text("不是点，而是 {kind}", "is not a point but {kind}")
_NOTHING = Text("没有位置", "has no position")

#: EPSG codes of longitude and latitude that need no conversion, and their datum.
_DATUMS = {4326: "WGS-84", 4979: "WGS-84", 4490: "CGCS2000", 4480: "CGCS2000"}


def read_parquet(raw: bytes, name: str) -> FixTable:
    """Read a Parquet file with its own headers; rows are counted from 1.

    Points of a GeoParquet file are converted to longitude and latitude from its CRS (default CRS84); points in a WKT column are
    read unchanged, on a datum that the caller has to declare.

    Raises
    ------
    FileError
        If it cannot be decoded, or is too large.
    CrsError
        If its CRS is unknown.
    """
    try:
        file = pq.ParquetFile(pa.BufferReader(raw))
        if file.metadata.num_rows > MOST_ROWS:
            raise FileError(f"{name}: has {file.metadata.num_rows:,} rows, more than {MOST_ROWS:,}")
        table = file.read().to_pandas(ignore_metadata=True)
        stated = (file.schema_arrow.metadata or {}).get(b"geo")
    except FileError:
        raise
    except (pa.ArrowException, OSError, ValueError, OverflowError, MemoryError) as error:
        raise FileError(f"{name}: is not a Parquet file that can be read ({str(error).splitlines()[0]})") from error
    table.columns = [str(column) for column in table.columns]
    numbers = np.arange(1, len(table) + 1, dtype=np.int64)
    column, meta = _geometry_column(table, stated, name)
    if column is None:
        return FixTable(_plain(table), numbers, named=False)
    shapes = _shapes(table[column])
    refused, good = _refused(shapes, numbers, name)
    lon, lat = shapely.get_coordinates(shapes[good]).T
    lon, lat, datum = _on_degrees(lon, lat, meta, name)
    rows = _plain(table[good].drop(columns=[column, *{LON, LAT} & set(table.columns)])).assign(**{LON: lon, LAT: lat})
    return FixTable(rows, numbers[good], named=False, refused=refused, fixed={LON: LON, LAT: LAT}, datum=datum)


def _geometry_column(table: pd.DataFrame, stated: bytes | None, name: str) -> tuple[str | None, dict[str, Any] | None]:
    """The point column and its GeoParquet metadata; None if there is no such column, or no GeoParquet."""
    if stated is not None:
        try:
            meta = json.loads(stated)
            column = str(meta["primary_column"])
            found = dict(meta["columns"][column])
            if column not in table:
                raise KeyError(column)
            return column, found
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise FileError(f"{name}: is GeoParquet without a usable description of its geometry ({error})") from error
    for column in table.columns:
        values = table[column]
        if values.dtype != object and not isinstance(values.dtype, pd.StringDtype):
            continue
        first = next((value for value in values if value is not None and value is not pd.NA), None)
        if isinstance(first, str) and first.lstrip().upper().rpartition(";")[2].startswith("POINT"):
            return column, None
        if isinstance(first, bytes) and first[:1] in (b"\x00", b"\x01") and _shapes(pd.Series([first]))[0] is not None:
            return column, None
    return None, None


def _shapes(values: pd.Series) -> Any:
    """Geometries from WKT or WKB; None for other values."""
    text = [v.rpartition(";")[2] if isinstance(v, str) else v for v in values]
    read = shapely.from_wkt if any(isinstance(v, str) for v in text) else shapely.from_wkb
    wanted = str if read is shapely.from_wkt else bytes
    return read(np.array([v if isinstance(v, wanted) else None for v in text], dtype=object), on_invalid="ignore")


def _refused(shapes: Any, numbers: Any, name: str) -> tuple[list[RefusedRow], Any]:
    """Rows whose geometry is not a point with coordinates, as refused rows and as a mask."""
    good = (shapely.get_type_id(shapes) == 0) & ~shapely.is_empty(shapes)
    reasons = [
        _NOTHING if shape is None or shape.is_empty else _NO_POINT.fill(kind=shape.geom_type) for shape in shapes[~good]
    ]
    return [refuse(name, int(row), why) for row, why in zip(numbers[~good], reasons, strict=True)], good


def _on_degrees(lon: Any, lat: Any, meta: dict[str, Any] | None, name: str) -> tuple[Any, Any, str | None]:
    """Longitude, latitude and their datum; coordinates of another CRS are converted to WGS-84."""
    if meta is None:
        return lon, lat, None
    if meta.get("crs") is None:
        return lon, lat, "WGS-84"
    try:
        crs = pyproj.CRS.from_user_input(meta["crs"])
        code = crs.to_epsg() or (4326 if "CRS84" in crs.srs or crs.to_authority() == ("OGC", "CRS84") else None)
        if code in _DATUMS:
            return lon, lat, _DATUMS[code]
        moved = transformer(crs, 4326).transform(lon, lat)
    except pyproj.exceptions.ProjError as error:
        raise CrsError(f"{name}: states a CRS that is not known ({error}); write it in WGS-84") from error
    return *moved, "WGS-84"


def _plain(table: pd.DataFrame) -> pd.DataFrame:
    """Convert times to ISO 8601 text, and leave other columns unchanged."""
    return table.assign(
        **{
            column: _iso(table[column])
            for column in table.columns
            if pd.api.types.is_datetime64_any_dtype(table[column])
        }
    ).reset_index(drop=True)


def _iso(times: pd.Series) -> pd.Series:
    aware = times.dt.tz is not None
    plain = times.dt.tz_convert("UTC").dt.tz_localize(None) if aware else times
    text = pd.Series(
        np.datetime_as_string(plain.to_numpy(dtype="datetime64[us]"), unit="us"), index=times.index, dtype=object
    )
    return (text + "Z" if aware else text).where(times.notna(), None)


FORMAT = Format("Parquet", (".parquet", ".geoparquet"), lambda raw: raw[:4] == b"PAR1", read_parquet)
