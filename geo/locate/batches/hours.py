"""Hours of fixes, for counts per cell and hour."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geo.errors import ColumnError

#: Lengths of the intervals that can be counted by, in seconds.
INTERVALS_S = {"hour": 3_600, "day": 86_400}

#: Stands for a missing time.
NO_TIME = np.iinfo(np.int64).min


def require_zone(zone: str) -> ZoneInfo:
    """Zone of a name.

    Raises
    ------
    ColumnError
        If it is not known.
    """
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ColumnError(f"'{zone}' is not a known time zone; write it like Asia/Shanghai") from error


def starts_of(column: pa.ChunkedArray, zone: str, by: str) -> npt.NDArray[np.int64]:
    """Begin of the local hour or day of each time, as seconds since 1970 (UTC); `NO_TIME` for none.

    Numbers are taken for Unix time, in seconds, or in milliseconds from 10¹¹ on. Intervals are [start, end).
    """
    seconds = _seconds(column, zone)
    there = seconds != NO_TIME
    out = np.full(len(seconds), NO_TIME, dtype=np.int64)
    # The shift of the zone changes at whole quarters of an hour only, so one look per quarter is enough.
    quarters, back = np.unique(seconds[there] // 900, return_inverse=True)
    shift = _shifts(quarters * 900, zone)[back]
    local = seconds[there] + shift
    out[there] = local - local % INTERVALS_S[by] - shift
    if by == "day":  # midnight may have had another shift
        midnight = out[there]
        unique, back = np.unique(midnight, return_inverse=True)
        out[there] = midnight + shift - _shifts(unique, zone)[back]
    return out


def text_of(start: int, zone: str) -> str:
    """Begin of an interval as text, with its shift from UTC; empty for a missing time."""
    if start == NO_TIME:
        return ""
    return dt.datetime.fromtimestamp(start, require_zone(zone)).isoformat(timespec="minutes")


def first_bad_time(column: pa.ChunkedArray, zone: str) -> tuple[int, str]:
    """First row whose text is no time, and that text; (-1, "") for none.

    Raises
    ------
    ColumnError
        If the column holds neither times nor text nor numbers, or the zone is not known.
    """
    require_zone(zone)
    text = _text(column)
    if text is None:
        _seconds(column, zone)
        return -1, ""
    bad = np.flatnonzero((_stamps(text, zone).isna() & (text != "")).to_numpy())
    return (int(bad[0]), str(text.iloc[int(bad[0])])) if len(bad) else (-1, "")


def _seconds(column: pa.ChunkedArray, zone: str) -> npt.NDArray[np.int64]:
    text = _text(column)
    if text is not None:
        return _of_stamps(_stamps(text, zone))
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


def _text(column: pa.ChunkedArray) -> pd.Series | None:
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind)):
        return None
    text: pd.Series = column.cast(pa.string()).to_pandas().fillna("").str.strip()
    return text


def _stamps(text: pd.Series, zone: str) -> pd.Series:
    if bool((text.str.fullmatch(r"\d{9,14}(\.\d+)?") | (text == "")).all()):
        numbers = pd.to_numeric(text, errors="coerce")
        return pd.to_datetime(numbers.where(numbers < 1e11, numbers / 1000.0), unit="s", utc=True)
    zoned = text.str.contains(r"(?:Z|[+-]\d\d:?\d\d)$", regex=True)
    out = pd.Series(pd.NaT, index=text.index, dtype="datetime64[ns, UTC]")
    for marked in (True, False):
        rows = (zoned == marked) & (text != "")
        if rows.any():
            stamps = pd.to_datetime(text[rows].str.replace("/", "-"), errors="coerce", format="ISO8601", utc=marked)
            out[rows] = _aware(stamps, zone).astype("datetime64[ns, UTC]")
    return out


def _aware(stamps: pd.Series, zone: str) -> pd.Series:
    """Times on UTC; those without a zone are taken for local ones. Of an hour that comes twice, the first is meant."""
    if stamps.dt.tz is None:
        first = np.ones(len(stamps), dtype=bool)
        stamps = stamps.dt.tz_localize(require_zone(zone), ambiguous=first, nonexistent="shift_forward")
    utc: pd.Series = stamps.dt.tz_convert("UTC")
    return utc


def _of_stamps(stamps: pd.Series) -> npt.NDArray[np.int64]:
    out = np.full(len(stamps), NO_TIME, dtype=np.int64)
    there = stamps.notna().to_numpy()
    out[there] = stamps[there].astype("datetime64[ns, UTC]").astype("int64").to_numpy() // 10**9
    return out


def _shifts(seconds: npt.NDArray[np.int64], zone: str) -> npt.NDArray[np.int64]:
    """Seconds that local time is ahead of UTC at some moments."""
    known = require_zone(zone)
    moments = (dt.datetime.fromtimestamp(int(second), known).utcoffset() for second in seconds)
    return np.array([int(shift.total_seconds()) if shift else 0 for shift in moments], dtype=np.int64)
