"""Reports from any usual file, as points on WGS-84 with named columns."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.errors import ColumnError, GeometryError, some
from geo.incidents.catalogue import Catalogue
from geo.incidents.columns import (
    ADDRESS,
    CLOCK,
    DATUM,
    DEFAULT_POINT,
    INCIDENT_ID,
    KIND_CODE,
    KIND_CONFIDENCE,
    KIND_MATCH,
    KIND_NAME,
    LAT,
    LAT_LON,
    LON,
    LON_LAT,
    REPEAT,
    REPORTED_AT,
    SOURCE,
    SOURCE_ROW,
    STANDARD_REF,
    guess_columns,
)
from geo.incidents.kinds import match_kinds
from geo.incidents.quality_flags import mark_default_points, mark_repeats
from geo.incidents.reading.positions import positions, to_wgs84
from geo.incidents.reading.row_notices import Records
from geo.incidents.reading.tables import SHEET_SUFFIXES, TEXT_SUFFIXES, read_table
from geo.incidents.reading.times import join_clock, parse_times, require_zone
from geo.layers import Datum, lon_lat, read_layer

Floats = npt.NDArray[np.float64]

_TEXT = (INCIDENT_ID, KIND_CODE, KIND_NAME, STANDARD_REF, SOURCE, ADDRESS)

#: Columns that every frame of incidents has, in order; what else the file brings stands behind them.
INCIDENT_COLUMNS = (
    INCIDENT_ID,
    REPORTED_AT,
    KIND_CODE,
    KIND_NAME,
    STANDARD_REF,
    KIND_CONFIDENCE,
    KIND_MATCH,
    SOURCE,
    ADDRESS,
    LON,
    LAT,
    REPEAT,
    DEFAULT_POINT,
    SOURCE_ROW,
)


def read_incidents(
    path: str | os.PathLike[str],
    *,
    datum: Datum | str | None = None,
    columns: Mapping[str, str] | None = None,
    zone: str = "Asia/Shanghai",
    layer: str | None = None,
    crs: object = None,
    catalogue: Catalogue | None = None,
) -> gpd.GeoDataFrame:
    """Read reported incidents.

    Parameters
    ----------
    path
        CSV (UTF-8, UTF-16 or GBK), Excel (``.xlsx``, ``.xls``, or an HTML table under that name), or any vector file of points.
    datum
        Datum of the coordinates. Must be said for a table without `crs`, unless a column of it says the datum row by row; rows
        that say their own are read in it. For a vector file only where it is not that of the declared CRS.
    columns
        Which header holds what, e.g. ``{"lon": "东经", "lat": "北纬"}``; the rest is guessed. The map that was used stands in
        ``frame.attrs["columns"]``.
    zone
        IANA name of the zone that times without an offset are in.
    layer
        Layer or sheet, where the file has several.
    crs
        CRS of a table's coordinates where they are not degrees (``"EPSG:4549"``), or of a vector file that declares none.
    catalogue
        A customer's own kinds, asked before the national ones.

    Returns
    -------
    GeoDataFrame
        One row per report that has a usable position, in file order, fresh index, WGS-84 points; columns
        :data:`INCIDENT_COLUMNS`, then those of the file as they are. `lon` and `lat` are on WGS-84. `kind_confidence` and
        `kind_match` say how the kind was found (:func:`geo.incidents.match_kinds`). `repeat` marks the second and later rows of
        one number, `default_point` reports at a coordinate that stands for "somewhere"
        (:func:`geo.incidents.quality_flags.mark_default_points`).

        ``attrs``: `columns` (the map), `datums` (rows by datum) and `datum` (their names), `refused` (rows without a usable
        position: `row`, `reason`, `values`), `swapped` (rows whose longitude and latitude were exchanged and have been turned
        back), `unread_times` (rows whose time is NaT although one is given), `default_points`, `source` (how it was read).

    Raises
    ------
    FileError, CrsError
        If the file cannot be read, or its CRS is missing.
    DatumError
        If a table's datum is not declared.
    ColumnError
        If no columns of coordinates are found, or the map names what is not there.
    GeometryError
        If no row has a usable position.
    InputError
        If the zone is not known.

    Notes
    -----
    Cost: O(n). Text is kept as text and never evaluated; formulas in a sheet give the value stored with them.
    """
    require_zone(zone)
    path = Path(path)
    if path.suffix.lower() in (*TEXT_SUFFIXES, *SHEET_SUFFIXES):
        frame = _from_table(path, datum, columns, layer, crs)
    else:
        frame = _from_vector(path, datum, columns, layer, crs)
    attrs = frame.attrs
    frame, unread = _named(frame, attrs["columns"], zone)
    frame = mark_repeats(match_kinds(frame, own=catalogue))
    frame, default_points = mark_default_points(frame)
    extra = [c for c in frame.columns if c not in INCIDENT_COLUMNS and c != frame.geometry.name]
    frame = frame[[*INCIDENT_COLUMNS, *extra, frame.geometry.name]]
    frame.attrs = {**attrs, "unread_times": unread, "default_points": default_points}
    return frame


def _from_table(
    path: Path, datum: Datum | str | None, columns: Mapping[str, str] | None, sheet: str | None, crs: object
) -> gpd.GeoDataFrame:
    known = None if datum is None else Datum.parse(datum)
    table = read_table(path, sheet=sheet, wanted=list((columns or {}).values()))
    headers = [c for c in table.rows.columns if c != SOURCE_ROW]
    used = guess_columns(headers, columns)
    if not ((LON in used and LAT in used) or LON_LAT in used or LAT_LON in used):
        raise ColumnError(
            f"{path.name}: no columns of longitude and latitude among {some(headers, 30)}; name them in the "
            "column map (--columns): lon and lat, or lon_lat or lat_lon where both stand in one field"
        )
    found = positions(table.rows, used, known, crs, path.name)
    refused = [*table.refused, *_refusals(table.rows, found.reason)]
    good = found.reason == ""
    if not good.any():
        raise GeometryError(
            f"{path.name}: no row has a usable position; row {refused[0]['row']}: {refused[0]['reason']}"
        )
    rows = table.rows if good.all() else table.rows[good].reset_index(drop=True)
    swapped = Records({"row": int(row)} for row in rows.loc[found.swapped[good], SOURCE_ROW])
    result = _placed(rows, found.lon[good], found.lat[good])
    result.attrs = _attrs(used, found.datums, refused, table.note) | {"swapped": swapped}
    return result


def _from_vector(
    path: Path, datum: Datum | str | None, columns: Mapping[str, str] | None, layer: str | None, crs: object
) -> gpd.GeoDataFrame:
    known = None if datum is None else Datum.parse(datum)
    frame = read_layer(path, layer=layer, crs=crs)
    number = pd.Series(range(1, len(frame) + 1), index=frame.index)
    shapes = np.asarray(frame.geometry.array, dtype=object)
    single = np.isin(shapely.get_type_id(shapes), [0, 4]) & (shapely.get_num_geometries(shapes) == 1)
    there = ~(shapely.is_missing(shapes) | shapely.is_empty(shapes))
    points = np.where(single & there, shapely.get_geometry(shapes, 0), None)
    reason = np.where(single, "", "is not one point").astype(object)
    reason[~there] = "has no position"
    finite = np.isfinite(shapely.get_x(points)) & np.isfinite(shapely.get_y(points))
    reason[(reason == "") & ~finite] = "has a coordinate that is not a number"
    good = reason == ""
    bare = pd.DataFrame(frame.drop(columns=frame.geometry.name)).assign(**{SOURCE_ROW: number})
    refused = _refusals(bare, reason)
    if not good.any():
        raise GeometryError(f"{path.name}: no row is a point; row {refused[0]['row']} {refused[0]['reason']}")
    headers = [c for c in frame.columns if c not in (frame.geometry.name, SOURCE_ROW)]
    used = {n: h for n, h in guess_columns(headers, columns).items() if n not in (LON, LAT, LON_LAT, LAT_LON, DATUM)}
    place = gpd.GeoSeries(points[good], crs=frame.crs)
    degrees = lon_lat(place)
    lon, lat = to_wgs84(degrees.x.to_numpy(), degrees.y.to_numpy(), known or Datum.WGS84)
    result = _placed(bare[good].reset_index(drop=True), lon, lat)
    datums = {str(known or place.crs.to_string()): len(place)}
    result.attrs = _attrs(used, datums, refused, {"layer": layer or path.stem}) | {"swapped": Records()}
    return result


def _attrs(
    used: dict[str, str], datums: dict[str, int], refused: list[dict[str, Any]], note: dict[str, str]
) -> dict[str, Any]:
    told = Records(sorted(refused, key=lambda r: r["row"]))
    return {"columns": used, "datum": " + ".join(datums), "datums": datums, "refused": told, "source": note}


def _refusals(rows: pd.DataFrame, reason: npt.NDArray[np.object_]) -> list[dict[str, Any]]:
    """Rows that are not in the frame, with all that they hold, so that nothing is lost."""
    bad = np.flatnonzero(reason != "")
    fields = [c for c in rows.columns if c != SOURCE_ROW]
    values = rows[fields].iloc[bad].astype(object).to_dict("records")
    return [
        {
            "row": int(rows[SOURCE_ROW].iloc[i]),
            "reason": str(reason[i]),
            "values": {str(k): None if _is_nothing(v) else str(v) for k, v in row.items()},
        }
        for i, row in zip(bad, values, strict=True)
    ]


def _is_nothing(value: object) -> bool:
    return value is None or value != value or value is pd.NaT


def _placed(frame: pd.DataFrame, lon: Floats, lat: Floats) -> gpd.GeoDataFrame:
    """Set geometry, `lon` and `lat` on WGS-84; columns of the file under these names are kept as `lon_as_read`, `lat_as_read`."""
    result = frame.rename(columns={name: f"{name}_as_read" for name in (LON, LAT) if name in frame})
    return gpd.GeoDataFrame(
        result.assign(**{LON: lon, LAT: lat}), geometry=gpd.points_from_xy(lon, lat), crs="EPSG:4326"
    )


def _named(frame: gpd.GeoDataFrame, used: Mapping[str, str], zone: str) -> tuple[gpd.GeoDataFrame, Records]:
    """Add the named columns from those of the file, which stay; times are parsed."""
    new: dict[str, Any] = {}
    for name in _TEXT:
        new[name] = _text(frame[used[name]]) if name in used else pd.Series(None, index=frame.index, dtype=object)
    unread = Records()
    if REPORTED_AT in used:
        given = frame[used[REPORTED_AT]]
        if CLOCK in used:
            given = join_clock(given, frame[used[CLOCK]])
        new[REPORTED_AT] = parse_times(given, zone)
        lost = (new[REPORTED_AT].isna() & given.notna()).to_numpy()
        unread = Records(
            {"row": int(row), "value": str(value)[:80]}
            for row, value in zip(frame.loc[lost, SOURCE_ROW], given[lost], strict=True)
        )
    else:
        new[REPORTED_AT] = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us, UTC]")
    return frame.assign(**new), unread


def _text(values: pd.Series[Any]) -> pd.Series[Any]:
    """Text of each value, None where there is none; whole numbers that a sheet holds as 5.0 lose the point."""
    if isinstance(values.dtype, pd.StringDtype):
        # Sources, kinds and streets repeat: each different text is made once.
        codes, different = pd.factorize(values, use_na_sentinel=True)
        stripped = pd.Series(different, dtype=values.dtype).str.strip()
        texts = np.full(len(different) + 1, None, dtype=object)  # the last one is what is missing
        texts[:-1] = stripped.to_numpy(dtype=object)
        texts[:-1][(stripped == "").to_numpy(dtype=bool)] = None
        return pd.Series(texts[codes], index=values.index, dtype=object)
    if pd.api.types.is_float_dtype(values.dtype) and (values.dropna() % 1 == 0).all():
        values = values.astype("Int64")
    codes, different = pd.factorize(values.astype(object), use_na_sentinel=True)
    texts = np.array([_one_text(value) for value in different] + [None], dtype=object)
    return pd.Series(texts[codes], index=values.index, dtype=object)


def _one_text(value: object) -> str | None:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    return str(value).strip() or None
