"""Converts the texts of fixes to times, positions and numbers, with a reason for each unusable row."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from geo.arrays import Floats, Objects, repeated
from geo.errors import DatumError, InputError
from geo.layers.datum import Datum
from geo.layers.plane import to_lon_lat
from geo.layers.row_datums import datums_of_rows, rows_to_wgs84
from geo.tables.coordinates import SWAPPED, Place, read_coordinates
from geo.tables.numbers import Kind, read_numbers, unit_of_header
from geo.tables.refused import RefusedRow, are_good, mark, refuse
from geo.tables.times import NO_ZONE, join_clock, read_times
from geo.texts import Text
from geo.tracks.columns import (
    ACCURACY_M,
    DATUM,
    DECLARED_DATUM,
    DEVICE,
    LAT,
    LON,
    MOCK,
    OFFICER,
    ROW,
    SOURCE,
    SPEED,
    TIME,
    TRACK_COLUMNS,
)
from geo.tracks.reading.format import FixTable
from geo.tracks.reading.headers import DAY

#: First day of GPS time: earlier times are impossible, and clocks that were never set show one.
GPS_BEGAN = pd.Timestamp("1980-01-06", tz="UTC")

_BEFORE_GPS = Text(
    "时间{value}早于GPS启用（1980-01-06），设备时钟未校准",
    "time {value} is before GPS began (1980-01-06): the clock was not set",
)
_NO_DEVICE = Text("没有设备号", "has no device")

_TRUE = ("1", "true", "yes", "y", "t", "是", "真")
_FALSE = ("0", "false", "no", "n", "f", "否", "假")


def typed_fixes(
    fixes: FixTable, used: dict[str, Any], place: Place, *, name: str, datum: Datum | None, zone: str | None
) -> tuple[pd.DataFrame, list[RefusedRow]]:
    """Convert the fixes of a file to typed columns, on WGS-84.

    Parameters
    ----------
    fixes
        The table; its columns have the headers named in `used`.
    used, place
        Our names and headers, and the columns of the coordinates.
    name
        File.
    datum, zone
        Declared for the file, or None.

    Returns
    -------
    (DataFrame, list)
        The columns of a track (:data:`~geo.tracks.columns.TRACK_COLUMNS`) of the usable rows, and the refused rows.

    Raises
    ------
    InputError
        If times have no zone and none is declared.
    DatumError
        If the datum of the coordinates is not declared anywhere.
    """
    rows = fixes.rows
    texts = {ours: rows[theirs] for ours, theirs in used.items() if theirs in rows}
    times, reason = _times(texts, len(rows), name, zone)
    lon, lat, declared = _positions(rows, texts, place, reason, name, datum)
    stem = name.removesuffix(".gz").rsplit(".", 1)[0]
    device = _words(texts.get(DEVICE), len(rows), stem)
    mark(reason, are_good(device), _NO_DEVICE)  # None: nothing there
    typed = pd.DataFrame(
        {
            DEVICE: pd.Series(device, dtype=object),
            OFFICER: pd.Series(_words(texts.get(OFFICER), len(rows), None), dtype=object),
            TIME: times.reset_index(drop=True),
            LON: lon,
            LAT: lat,
            ACCURACY_M: _measures(texts, used, ACCURACY_M, "length", len(rows)),
            SPEED: _measures(texts, used, SPEED, "speed", len(rows)),
            MOCK: _flags(texts.get(MOCK), len(rows)),
            SOURCE: pd.Series(repeated(name, len(rows)), dtype=object),
            ROW: np.asarray(fixes.numbers, dtype=np.int64),
            DECLARED_DATUM: pd.Series(declared, dtype=object),
        }
    )
    good = are_good(reason)
    refused = [refuse(name, int(fixes.numbers[at]), reason[at]) for at in np.flatnonzero(~good)]
    return typed.loc[good, list(TRACK_COLUMNS)].reset_index(drop=True), refused


def _times(texts: dict[str, pd.Series], count: int, name: str, zone: str | None) -> tuple[pd.Series, Objects]:
    given = texts.get(TIME, pd.Series(np.full(count, None, dtype=object)))
    if DAY in texts:
        given = join_clock(texts[DAY], given)
    times, reason = read_times(given, zone)
    if NO_ZONE in reason.tolist():
        first = next(value for value, why in zip(given, reason, strict=True) if why is NO_ZONE)
        raise InputError(f"{name}: times such as '{first}' have no zone; say which", give={"zone": "Asia/Shanghai"})
    for at in np.flatnonzero((times < GPS_BEGAN).to_numpy(dtype=bool)):
        reason[at] = _BEFORE_GPS.fill(value=str(given.iloc[at])[:40])
    return times, reason


def _positions(
    rows: pd.DataFrame, texts: dict[str, pd.Series], place: Place, reason: Objects, name: str, datum: Datum | None
) -> tuple[Floats, Floats, Objects]:
    """Degrees on WGS-84 and the datum of each row; adds to `reason`."""
    if datum is None and place.datum is not None:
        datum = Datum.parse(place.datum)
    if datum is None and DATUM not in texts and place.crs is None:
        raise DatumError(
            f"{name}: the datum of its coordinates is not declared; say which, WGS-84, CGCS2000, GCJ-02 or BD-09",
            give={"datum": "WGS-84"},
        )
    found = read_coordinates(rows, place, in_degrees=place.crs is None or place.crs == "EPSG:4326")
    mark(found.reason, found.swapped, SWAPPED)
    reason[:] = np.where(are_good(reason), found.reason, reason)
    x, y = found.x, found.y
    if place.crs is not None:
        placed = to_lon_lat(
            np.where(are_good(reason), x, np.nan), np.where(are_good(reason), y, np.nan), place.crs, name
        )
        x, y = placed.lon, placed.lat
        reason[:] = np.where(are_good(reason), placed.reason, reason)
        datum = datum or Datum.WGS84
    which = datums_of_rows(texts.get(DATUM), datum, reason)
    lon, lat = rows_to_wgs84(x, y, which, reason)
    return lon, lat, which


def _measures(texts: dict[str, pd.Series], used: dict[str, Any], column: str, kind: Kind, count: int) -> Floats:
    """Metres or metres per second; NaN if missing or negative, which phones write for unknown values."""
    if column not in texts:
        return np.full(count, np.nan)
    values = read_numbers(texts[column], kind, unit_of_header(used[column], kind))
    with np.errstate(invalid="ignore"):
        return np.where(values < 0, np.nan, values)


def _words(text: pd.Series | None, count: int, default: str | None) -> Objects:
    """Text without surrounding blanks, None if empty; `default` if the file has no such column."""
    if text is None:
        return repeated(default, count)
    plain = (
        text.map(_whole, na_action="ignore")
        if pd.api.types.is_float_dtype(text.dtype) or text.dtype == object
        else text
    )
    words = np.full(count, None, dtype=object)
    # Equal words share one object: a street's fixes have a few hundred.
    codes, different = pd.factorize(plain, use_na_sentinel=True)
    known = [str(word).strip() or None for word in different]
    words[:] = np.array([*known, None], dtype=object)[codes]
    return words


def _whole(value: object) -> object:
    """Device numbers stored in a sheet as 7.0 become 7."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _flags(text: pd.Series | None, count: int) -> pd.Series:
    """Yes and no in the usual spellings; NA for missing or other values."""
    flags = pd.Series(pd.NA, index=range(count), dtype="boolean")
    if text is None:
        return flags
    plain = text.reset_index(drop=True).astype("string").str.strip().str.lower()
    flags[plain.isin(_TRUE).to_numpy(dtype=bool)] = True
    flags[plain.isin(_FALSE).to_numpy(dtype=bool)] = False
    return flags
