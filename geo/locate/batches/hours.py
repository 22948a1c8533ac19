"""Assigns times to local hours or days, for counts per cell and interval."""

from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geo.errors import ColumnError
from geo.tables.delimited import STRING
from geo.tables.local_time import require_zone, to_utc
from geo.tables.times import NO_TIME as NO_TEXT
from geo.tables.times import read_times

#: Interval lengths that can be requested, in seconds.
INTERVALS_S = {"hour": 3_600, "day": 86_400}

#: Value for a missing time.
NO_TIME = np.iinfo(np.int64).min


def starts_of(column: pa.ChunkedArray, zone: str, by: str) -> npt.NDArray[np.int64]:
    """Start of the local hour or day of each time, as seconds since 1970 (UTC); `NO_TIME` for missing times.

    Numbers are interpreted as Unix time, in seconds, or in milliseconds from 10¹¹ on. Intervals are [start, end).
    """
    seconds = _seconds(column, zone)
    there = seconds != NO_TIME
    out = np.full(len(seconds), NO_TIME, dtype=np.int64)
    # The UTC offset of a zone changes at full quarters of an hour only, so one lookup per quarter is enough.
    quarters, back = np.unique(seconds[there] // 900, return_inverse=True)
    shift = _utc_offsets_s(quarters * 900, zone)[back]
    local = seconds[there] + shift
    out[there] = local - local % INTERVALS_S[by] - shift
    if by == "day":  # the offset at midnight may differ
        midnight = out[there]
        unique, back = np.unique(midnight, return_inverse=True)
        out[there] = midnight + shift - _utc_offsets_s(unique, zone)[back]
    return out


def text_of(start: int, zone: str) -> str:
    """Start of an interval as text, with its UTC offset; empty for a missing time."""
    if start == NO_TIME:
        return ""
    return dt.datetime.fromtimestamp(start, require_zone(zone)).isoformat(timespec="minutes")


def bad_times(column: pa.ChunkedArray, zone: str) -> npt.NDArray[np.int64]:
    """Rows with text that is not a time; empty text counts as missing.

    Raises
    ------
    InputError
        If the zone is not known.
    ColumnError
        If the column holds neither times nor text nor numbers.
    """
    require_zone(zone)
    text = _text(column)
    if text is None:
        _seconds(column, zone)
        return np.empty(0, dtype=np.int64)
    reason = read_times(text, zone).reason
    return np.flatnonzero([why is not None and why is not NO_TEXT for why in reason])


def _seconds(column: pa.ChunkedArray, zone: str) -> npt.NDArray[np.int64]:
    text = _text(column)
    if text is not None:
        return _of_stamps(read_times(text, zone).utc)
    if pa.types.is_timestamp(column.type):
        stamps = pd.Series(column.to_pandas())
        return _of_stamps(_aware(stamps, zone))
    if pa.types.is_integer(column.type) or pa.types.is_floating(column.type):
        numbers = column.cast(pa.float64(), safe=False).to_numpy()
        out = np.full(len(numbers), NO_TIME, dtype=np.int64)
        there = np.isfinite(numbers)
        out[there] = np.floor(np.where(np.abs(numbers[there]) >= 1e11, numbers[there] / 1000.0, numbers[there]))
        return out
    raise ColumnError(f"the column of times holds {column.type}; times, text or Unix seconds are needed")


def series_of(column: pa.ChunkedArray) -> pd.Series:
    """A column of text as a Series that shares its memory."""
    text = column.cast(pa.large_string())
    return pd.Series(text.to_pandas(types_mapper={pa.large_string(): STRING}.get))


def _text(column: pa.ChunkedArray) -> pd.Series | None:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return None
    return series_of(column)


def _aware(stamps: pd.Series, zone: str) -> pd.Series:
    """Times in UTC; times without a zone are interpreted as local."""
    return to_utc(stamps, zone) if stamps.dt.tz is None else stamps.dt.tz_convert("UTC")


def _of_stamps(stamps: pd.Series) -> npt.NDArray[np.int64]:
    out = np.full(len(stamps), NO_TIME, dtype=np.int64)
    there = stamps.notna().to_numpy()
    out[there] = stamps[there].astype("datetime64[ns, UTC]").astype("int64").to_numpy() // 10**9
    return out


def _utc_offsets_s(seconds: npt.NDArray[np.int64], zone: str) -> npt.NDArray[np.int64]:
    """UTC offset of local time at the given moments, in seconds."""
    known = require_zone(zone)
    moments = (dt.datetime.fromtimestamp(int(second), known).utcoffset() for second in seconds)
    return np.array([int(shift.total_seconds()) if shift else 0 for shift in moments], dtype=np.int64)
