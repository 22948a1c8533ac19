"""Times as files write them, to aware UTC."""

from __future__ import annotations

import zoneinfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.errors import InputError

#: The first day of GPS: no receiver can have an earlier time, and clocks that were never set show one.
GPS_BEGAN = pd.Timestamp("1980-01-06", tz="UTC")

_ISO = r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}:\d{2}(?:\.\d+)?(?:[zZ]|[+-]\d{2}:?\d{2})?"
_ZONED = r"(?:[zZ]|[+-]\d{2}:?\d{2})$"
# 2026年11月23日 08时05分09秒 and 2026/11/23 8:5:9 become 2026-11-23 08:05:09.
_SPELLINGS = (
    (r"^(\d{4})[年/.-](\d{1,2})[月/.-](\d{1,2})", r"\1-\2-\3"),
    (r"日\s*", " "),
    (r"[时時点分](?=\s*\d)", ":"),
    (r"[秒分时時]$", ""),
)


def parse_times(text: pd.Series, zone: str | None) -> tuple[pd.Series, npt.NDArray[np.object_]]:
    """Read times in any usual spelling.

    Parameters
    ----------
    text
        Text: ISO 8601 with or without a zone, ``2026/11/23 8:05:09``, ``2026年11月23日 8时5分``, ``20261123080509``, or seconds,
        milliseconds or microseconds since 1970.
    zone
        Zone of the times that name none. Without it they are left out.

    Returns
    -------
    (Series, ndarray)
        Times (aware UTC, microseconds; NaT where there is none), and the reason for each NaT, ``''`` elsewhere. The reason
        ``no zone`` is for times that would be good if `zone` were given.

    Raises
    ------
    InputError
        If `zone` is not a time zone.
    """
    if zone is not None:
        try:
            zoneinfo.ZoneInfo(zone)
        except (zoneinfo.ZoneInfoNotFoundError, ValueError) as error:
            raise InputError(f"'{zone}' is not a time zone; use a name such as Asia/Shanghai") from error
    clean = _respelled(text)
    reason = np.where(clean.isna() | (clean == ""), "has no time", "").astype(object)
    times = pd.Series(pd.NaT, index=text.index, dtype="datetime64[us, UTC]")
    number = clean.str.fullmatch(r"\d{9,17}(?:\.\d+)?").fillna(False).to_numpy(dtype=bool)
    times[number] = _epoch(clean[number])
    rest = ~number & (reason == "")
    zoned = rest & clean.str.contains(_ZONED).fillna(False).to_numpy(dtype=bool)
    times[zoned] = pd.to_datetime(clean[zoned], format="ISO8601", utc=True, errors="coerce").dt.as_unit("us")
    naive = pd.to_datetime(clean[rest & ~zoned], format="ISO8601", errors="coerce").dt.as_unit("us")
    if zone is None:
        reason[np.flatnonzero(rest & ~zoned)[naive.notna().to_numpy()]] = "no zone"
    else:
        local = naive.dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT").dt.tz_convert("UTC")
        shifted = (naive.notna() & local.isna()).to_numpy()
        reason[np.flatnonzero(rest & ~zoned)[shifted]] = "has a local time that does not exist or is double"
        times[rest & ~zoned] = local
    unread = times.isna().to_numpy() & (reason == "")
    shown = clean.where(clean.notna(), "").astype(str).str.slice(0, 40)
    reason[unread] = [f"time '{value}' is not understood; write it as 2026-11-23 08:05:09" for value in shown[unread]]
    early = (times < GPS_BEGAN).to_numpy(dtype=bool)
    reason[early] = [f"time {value} is before GPS began (1980-01-06): the clock was not set" for value in shown[early]]
    return times.where(~early, pd.NaT), reason


def _respelled(text: pd.Series) -> pd.Series:
    clean = text.astype("string").str.strip()
    odd = ~clean.str.fullmatch(_ISO).fillna(True).to_numpy(dtype=bool)
    if not odd.any():
        return clean
    rest = clean[odd]
    for pattern, replacement in _SPELLINGS:
        rest = rest.str.replace(pattern, replacement, regex=True)
    # One digit where ISO wants two, but not in a fraction.
    rest = rest.str.replace(r"(?<![\d.])(\d)(?!\d)", r"0\1", regex=True)
    rest = rest.str.replace(r"\s+(?=[+-]\d{2}:?\d{2}$|[zZ]$)", "", regex=True)
    rest = rest.str.replace(r"^(\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})$", r"\1-\2-\3 \4:\5:\6", regex=True)
    clean[odd] = rest
    return clean


def _epoch(text: pd.Series) -> pd.Series:
    """Times since 1970: the number of digits tells seconds, milliseconds and microseconds."""
    digits = text.str.extract(r"^(\d+)", expand=False).str.len().to_numpy(dtype=int, na_value=0)
    # 13 digits of milliseconds begin in 2001, 11 digits of seconds only in 5138.
    scale = np.where(digits <= 11, 1e6, np.where(digits <= 14, 1e3, 1.0))
    micro = np.rint(pd.to_numeric(text).to_numpy(dtype=float) * scale)
    return pd.Series(pd.to_datetime(micro.astype(np.int64), unit="us", utc=True).as_unit("us"), index=text.index)
