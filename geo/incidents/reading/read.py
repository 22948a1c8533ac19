"""Reads incidents from all usual files, as points on WGS-84 with named columns."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypedDict, Unpack

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.arrays import Floats, Objects
from geo.errors import ColumnError, GeometryError, first_labels
from geo.incidents.catalogue import Catalogue
from geo.incidents.columns import (
    ADDRESS,
    ASSIGNED_COLUMNS,
    CLOCK,
    DATUM,
    DEFAULT_POINT,
    HEADERS,
    INCIDENT_ID,
    KIND_CODE,
    KIND_CONFIDENCE,
    KIND_MATCH,
    KIND_NAME,
    KNOWN_HEADERS,
    LAT,
    LON,
    NAMES,
    REPEAT,
    REPORTED_AT,
    SOURCE,
    SOURCE_ROW,
    STANDARD_REF,
    clock_for_datum,
    guess_columns,
)
from geo.incidents.kinds import match_kinds
from geo.incidents.quality_flags import mark_default_points, mark_repeats
from geo.incidents.reading.positions import positions
from geo.incidents.reading.texts import texts_of
from geo.layers import Datum, lon_lat, read_layer
from geo.layers.crs import is_projected
from geo.layers.row_datums import to_wgs84
from geo.options import with_defaults
from geo.tables.coordinates import FIELDS, choose_place
from geo.tables.headers import check_given
from geo.tables.local_time import require_zone
from geo.tables.refused import Records, RefusedRow, are_good, mark, refuse
from geo.tables.relative_times import RESOLVED, days_in, is_written_day, resolve_relative
from geo.tables.table import SHEET_SUFFIXES, TEXT_SUFFIXES, Table, content_of, free_name, read_table, split_sheet
from geo.tables.times import join_clock, read_times, unread_kind
from geo.texts import Text, listed

_AS_READ = "_as_read"
_NO_POSITION = Text("没有位置", "has no position")
_NOT_ONE = Text("不是单个点", "is not one point")
_NOT_FINITE = Text("坐标不是数", "has a coordinate that is not a number")
_DATUM_USED = Text("按表头（{headers}）取坐标基准 {datum}", "read on {datum}, as the headers {headers} say")
_RENAMED = Text(
    "文件中的列{columns}与本程序的列同名，已保留为{new}",
    "columns {columns} of the file have reserved names; kept as {new}",
)
_TEXT = (INCIDENT_ID, KIND_CODE, KIND_NAME, STANDARD_REF, SOURCE, ADDRESS)

#: Columns of every frame of incidents, in order, before the columns of the file.
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


class ReadOptions(TypedDict, total=False):
    """Further options of :func:`read_incidents`.

    Attributes
    ----------
    need_position
        Whether a table without a usable position is an error, as by default. Otherwise the frame is empty, and all rows are in
        `refused`.
    dates
        Whether dates like 05/06/2026 are ``"month-first"`` or ``"day-first"``; by default their column, or a zone of the United
        States, decides.
    cells
        Cells of the place: the error for a missing CRS then names the one in which the coordinates lie there.
    """

    need_position: bool
    dates: str | None
    cells: gpd.GeoDataFrame | None


_DEFAULTS: ReadOptions = {"need_position": True, "dates": None, "cells": None}


def read_incidents(
    path: str | os.PathLike[str],
    *,
    datum: Datum | str | None = None,
    columns: Mapping[str, str] | None = None,
    zone: str = "Asia/Shanghai",
    layer: str | None = None,
    crs: object = None,
    catalogue: Catalogue | None = None,
    **options: Unpack[ReadOptions],
) -> gpd.GeoDataFrame:
    """Read reported incidents.

    Parameters
    ----------
    path
        CSV (UTF-8, UTF-16 or GBK), Excel (``.xlsx``, ``.xls``, or an HTML table under that name), or any vector file of points.
    datum
        Datum of the coordinates. Required for a table without `crs`, unless a column contains the datum of each row, which then
        takes precedence. For a vector file only if it is not that of the declared CRS.
    columns
        Headers of columns, e.g. ``{"lon": "东经", "lat": "北纬"}``; the others are guessed. The map used is returned in
        ``frame.attrs["columns"]``.
    zone
        IANA name of the zone of times without an offset.
    layer
        Layer or sheet, if the file has several.
    crs
        CRS of a table's coordinates if they are not degrees (``"EPSG:4549"``), or of a vector file that declares none.
    catalogue
        A customer's own kinds, searched before the national ones.
    **options
        See :class:`ReadOptions`.

    Returns
    -------
    GeoDataFrame
        One row per incident with a usable position, in file order, fresh index, WGS-84 points; columns
        :data:`INCIDENT_COLUMNS`, then those of the file unchanged. `lon` and `lat` are on WGS-84. `kind_confidence` and
        `kind_match` describe how the kind was found (:func:`geo.incidents.match_kinds`). `repeat` marks the second and later
        rows of one number, `default_point` incidents at a coordinate used for unknown places
        (:func:`geo.incidents.quality_flags.mark_default_points`). A column of the file with the name of one of our columns, or
        of one added by assignment, gets the suffix ``_as_read``.

        ``attrs``: `columns` (the map), `datums` (rows by datum) and `datum` (their names), `refused` (rows without a usable
        position, see :class:`geo.tables.refused.RefusedRow`), `notices` (notices for the user), `swapped` (rows whose longitude
        and latitude were swapped and have been corrected), `unread_times` (rows with an unreadable time, which is NaT, with
        `kind` if it is a month, or a date with two readings), `title` and `days` (of a table: its title, and the days that
        title, sheet or file name give; times such as 昨天 are resolved if there is one),
        `default_points`, `source` (how it was read).

    Raises
    ------
    FileError, CrsError
        If the file cannot be read, or its CRS is missing.
    DatumError
        If a table's datum is not declared.
    ColumnError
        If no columns of coordinates are found, or the map names a missing one.
    GeometryError
        If no row has a usable position.
    InputError
        If the zone is not known.

    Notes
    -----
    Cost: O(n). Text is kept as text and never evaluated; for formulas in a sheet the stored value is used.
    """
    chosen = with_defaults("read_incidents", _DEFAULTS, options)
    require_zone(zone)
    path, sheet = split_sheet(Path(path))
    layer = layer or sheet
    if path.suffix.lower() in (*TEXT_SUFFIXES, *SHEET_SUFFIXES):
        frame = _from_table(path, datum, columns, layer, crs, chosen)
    else:
        frame = _from_vector(path, datum, columns, layer, crs)
    frame = _keep_own(frame, frame.attrs["columns"])
    attrs = frame.attrs
    frame, unread, notices = _named(frame, attrs["columns"], zone, chosen["dates"])
    attrs = attrs | {"notices": Records([*attrs["notices"], *notices])}
    frame = mark_repeats(match_kinds(frame, own=catalogue))
    frame, default_points = mark_default_points(frame)
    extra = [c for c in frame.columns if c not in INCIDENT_COLUMNS and c != frame.geometry.name]
    frame = frame[[*INCIDENT_COLUMNS, *extra, frame.geometry.name]]
    frame.attrs = {**attrs, "unread_times": unread, "default_points": default_points}
    return frame


def _from_table(
    path: Path,
    datum: Datum | str | None,
    columns: Mapping[str, str] | None,
    sheet: str | None,
    crs: object,
    options: ReadOptions,
) -> gpd.GeoDataFrame:
    known = None if datum is None else Datum.parse(datum)
    wanted = list((columns or {}).values())
    table = read_table(content_of(path), path.name, known=KNOWN_HEADERS, sheet=sheet, wanted=wanted)
    headers = list(table.rows.columns)
    check_given(columns or {}, headers, HEADERS, path.name, NAMES.subject)
    place = choose_place(
        headers,
        columns or {},
        path.name,
        datum=None if known is None else known.value,
        crs=None if crs is None else str(crs),
        is_projected=is_projected(crs),
    )
    if place is None and not options["need_position"]:
        return _without_positions(table, guess_columns(headers, columns, file=path.name), path.name)
    if place is None:
        raise ColumnError(
            f"{path.name}: no columns of longitude and latitude among {first_labels(headers, 30)}; name them in the "
            "column map (--columns): lon and lat, or lon_lat or lat_lon where both stand in one field"
        )
    rows = _numbered(table)
    used = _with_dates(guess_columns(headers, columns, file=path.name, place=place), rows, columns or {})
    found = positions(rows, used, place, known, crs, path.name, options["cells"])
    notices = list(table.notices)
    if place.datum is not None and known is None and crs is None:
        notices.append(_DATUM_USED.fill(datum=place.datum, headers=", ".join(place.columns.values())))
    refused = [*table.refused, *_refusals(rows, found.reason, path.name)]
    good = are_good(found.reason)
    if not good.any() and options["need_position"]:
        first = min(refused, key=lambda record: record["row"] or 0)
        raise GeometryError(f"{path.name}: no row has a usable position; row {first['row']}: {first['reason']}")
    rows = rows if good.all() else rows[good].reset_index(drop=True)
    swapped = Records({"row": int(row)} for row in rows.loc[found.swapped[good], SOURCE_ROW])
    result = _placed(rows, found.lon[good], found.lat[good])
    result.attrs = _attrs(used, found.datums, refused, table.source)
    result.attrs |= {"swapped": swapped, "notices": notices, **_heading_of(table, path.name)}
    return result


def _heading_of(table: Table, name: str) -> dict[str, Any]:
    """Title of a table, with the name of its file, and the days named by the title, otherwise by the file."""
    title = " ".join(str(value) for value in (*table.above, Path(name).stem))
    return {"title": title, "days": days_in(table.above) or days_in([Path(name).stem])}


def _with_dates(used: dict[str, str], rows: pd.DataFrame, given: Mapping[str, str]) -> dict[str, str]:
    """A column ``Datum`` with dates (German) is no datum of coordinates, and the time if there is no other."""
    if DATUM not in used or DATUM in given or not read_times(rows[used[DATUM]].head(20), "UTC").utc.notna().any():
        return used
    rest = {name: header for name, header in used.items() if name != DATUM}
    return {REPORTED_AT: used[DATUM]} | clock_for_datum(rows.columns, rest) | rest


def _without_positions(table: Table, used: dict[str, str], name: str) -> gpd.GeoDataFrame:
    """An empty frame for a table without columns of coordinates; its rows are refused with their values."""
    rows = _numbered(table)
    reason = np.full(len(rows), None, dtype=object)
    mark(reason, np.ones(len(rows), dtype=bool), _NO_POSITION)
    nobody = np.empty(0, dtype=np.float64)
    result = _placed(rows.iloc[:0], nobody, nobody)
    result.attrs = _attrs(used, {}, [*table.refused, *_refusals(rows, reason, name)], table.source)
    result.attrs |= {"swapped": Records(), "notices": list(table.notices), **_heading_of(table, name)}
    return result


def _numbered(table: Table) -> pd.DataFrame:
    """Rows with their numbers, also if the file has a column with that name."""
    if SOURCE_ROW not in table.rows:
        return table.rows.assign(**{SOURCE_ROW: table.numbers})
    own = table.rows.rename(columns={SOURCE_ROW: free_name(f"{SOURCE_ROW}{_AS_READ}", list(table.rows.columns))})
    return own.assign(**{SOURCE_ROW: table.numbers})


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
    reason = np.full(len(frame), None, dtype=object)
    mark(reason, ~there, _NO_POSITION)
    mark(reason, ~single, _NOT_ONE)
    mark(reason, ~(np.isfinite(shapely.get_x(points)) & np.isfinite(shapely.get_y(points))), _NOT_FINITE)
    good = are_good(reason)
    bare = pd.DataFrame(frame.drop(columns=frame.geometry.name)).assign(**{SOURCE_ROW: number})
    refused = _refusals(bare, reason, path.name)
    if not good.any():
        raise GeometryError(f"{path.name}: no row is a point; row {refused[0]['row']} {refused[0]['reason']}")
    headers = [c for c in frame.columns if c not in (frame.geometry.name, SOURCE_ROW)]
    used = {n: h for n, h in guess_columns(headers, columns, file=path.name).items() if n not in (*FIELDS, DATUM)}
    place = gpd.GeoSeries(points[good], crs=frame.crs)
    degrees = lon_lat(place)
    lon, lat = to_wgs84(degrees.x.to_numpy(), degrees.y.to_numpy(), known or Datum.WGS84)
    result = _placed(bare[good].reset_index(drop=True), lon, lat)
    datums = {str(known or place.crs.to_string()): len(place)}
    result.attrs = _attrs(used, datums, refused, {"layer": layer or path.stem}) | {"swapped": Records(), "notices": []}
    return result


def _attrs(
    used: dict[str, str], datums: dict[str, int], refused: list[RefusedRow], how: dict[str, str]
) -> dict[str, Any]:
    rows = Records(sorted(refused, key=lambda record: record["row"] or 0))
    return {"columns": used, "datum": " + ".join(datums), "datums": datums, "refused": rows, "source": how}


def _refusals(rows: pd.DataFrame, reason: Objects, name: str) -> list[RefusedRow]:
    """Rows that are not in the frame, with all of their values, so that nothing is lost."""
    bad = np.flatnonzero(~are_good(reason))
    fields = [c for c in rows.columns if c != SOURCE_ROW]
    values = rows[fields].iloc[bad].astype(object).to_dict("records")
    return [
        refuse(
            name,
            int(rows[SOURCE_ROW].iloc[i]),
            reason[i],
            values={str(k): None if _is_nothing(v) else str(v) for k, v in row.items()},
        )
        for i, row in zip(bad, values, strict=True)
    ]


def _is_nothing(value: object) -> bool:
    return value is None or value != value or value is pd.NaT


def _keep_own(frame: gpd.GeoDataFrame, used: dict[str, str]) -> gpd.GeoDataFrame:
    """Rename columns of the file that have a reserved name but another meaning, such as ``cell_as_read``, with a notice."""
    ours = {*INCIDENT_COLUMNS, *ASSIGNED_COLUMNS} - {LON, LAT, SOURCE_ROW}
    new = {name: f"{name}{_AS_READ}" for name in frame.columns if name in ours and used.get(name) != name}
    if not new:
        return frame
    notices = [*frame.attrs["notices"], _RENAMED.fill(columns=listed(list(new)), new=listed(list(new.values())))]
    for name, header in used.items():
        used[name] = new.get(header, header)
    renamed = frame.rename(columns=new)
    renamed.attrs = frame.attrs | {"notices": notices}
    return renamed


def _placed(frame: pd.DataFrame, lon: Floats, lat: Floats) -> gpd.GeoDataFrame:
    """Set geometry, `lon` and `lat` on WGS-84; such columns of the file are renamed `lon_as_read`, `lat_as_read`."""
    result = frame.rename(columns={name: f"{name}{_AS_READ}" for name in (LON, LAT) if name in frame})
    return gpd.GeoDataFrame(
        result.assign(**{LON: lon, LAT: lat}), geometry=gpd.points_from_xy(lon, lat), crs="EPSG:4326"
    )


def _named(
    frame: gpd.GeoDataFrame, used: Mapping[str, str], zone: str, dates: str | None
) -> tuple[gpd.GeoDataFrame, Records, list[Text]]:
    """Add the named columns, derived from those of the file, which are kept; times are parsed."""
    new: dict[str, Any] = {}
    notices: list[Text] = []
    for name in _TEXT:
        new[name] = texts_of(frame[used[name]]) if name in used else pd.Series(None, index=frame.index, dtype=object)
    unread = Records()
    if REPORTED_AT in used:
        given = frame[used[REPORTED_AT]]
        if CLOCK in used:
            given = join_clock(given, frame[used[CLOCK]])
        written = frame[[name for name in frame if _is_day_of_row(str(name), used)]]
        resolved = resolve_relative(given, set(frame.attrs.get("days", ())), written)
        if resolved.changed.any():
            rows = listed([int(row) for row in frame.loc[resolved.changed, SOURCE_ROW]], unit="")
            notices.append(RESOLVED.fill(value=given[resolved.changed].iloc[0]).fill(rows=rows))
        read = read_times(resolved.values, zone, order=dates)
        new[REPORTED_AT] = read.utc
        unread = Records(
            _unread(int(frame[SOURCE_ROW].iloc[at]), given.iloc[at], resolved.reasons.get(at), read.reason[at])
            for at in np.flatnonzero((read.utc.isna() & given.notna()).to_numpy()).tolist()
        )
    else:
        new[REPORTED_AT] = pd.Series(pd.NaT, index=frame.index, dtype="datetime64[us, UTC]")
    return frame.assign(**new), unread, notices


def _is_day_of_row(header: str, used: Mapping[str, str]) -> bool:
    """Whether a column contains the day on which its row was written."""
    return header not in used.values() and is_written_day(header)


def _unread(row: int, value: object, relative: Text | None, why: Text) -> dict[str, Any]:
    """A row with an unreadable time: its reason, if there is a special one."""
    kind = unread_kind(value)
    reason = relative or (why if kind else None)
    found: dict[str, Any] = {"row": row, "value": str(value)[:80]}
    found |= {} if reason is None else {"reason": reason.en, "reason_zh": reason.zh}
    return found | ({"kind": kind} if kind and relative is None else {})
