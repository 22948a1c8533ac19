"""Times as spreadsheets carry them, to aware UTC."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
import warnings
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from geo.errors import InputError

UTC = "UTC"

# Excel counts days from here (its day 60, 1900-02-29, never was; from March 1900 on the count is right).
_EXCEL_EPOCH = pd.Timestamp("1899-12-30")
# Serial numbers of 1954 to 2119; seconds and milliseconds since 1970, of 2001 to 2096.
_EXCEL_DAYS = (20_000, 80_000)
_UNIX_S = (1e9, 4e9)
_UNIX_MS = (1e12, 4e12)

_USUAL = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d"
_CHINESE = re.compile(r"^(\d{4})年(\d{1,2})月(\d{1,2})[日号](.*)$")
# Clock of twelve hours in Chinese; the hour after it.
_HALF_DAY = re.compile(r"(凌晨|早上|早晨|上午|中午|下午|傍晚|晚上)\s*(\d{1,2})")
_LATER = ("中午", "下午", "傍晚", "晚上")
# The year last, as American and European exports have it: which of the others is the month, the whole column has to say.
_YEAR_LAST = re.compile(r"^(\d{1,2})([/.-])(\d{1,2})\2(\d{4})(?=\D|$)")
_MONTH_NAMED = re.compile(
    r"^(?:[A-Za-z]{3,9}[,.]?\s+)?(?:[A-Za-z]{3,9}\.?\s+\d{1,2}|\d{1,2}[ -][A-Za-z]{3,9})[, -]+\d{4}\b"
)
_COMPACT = re.compile(r"^(\d{4})(\d{2})(\d{2})(?:(\d{2})(\d{2})(\d{2})?)?$")
_NUMBER = re.compile(r"^\d+(\.\d+)?$")


def parse_times(values: pd.Series[Any], zone: str) -> pd.Series[Any]:
    """Read times of any usual form.

    Parameters
    ----------
    values
        Text (ISO 8601, ``2026/3/5 14:30``, ``2026年3月5日 下午2点30分``, ``20260305143000``, ``Mar 5, 2026 2:30 PM``), dates,
        Excel serial days, seconds or milliseconds since 1970; aware or not. ``03/18/2026`` where the column tells days from
        months: some number over 12 in one place and none in the other.
    zone
        IANA name of the zone that times without one are in.

    Returns
    -------
    Series of datetime64[us, UTC]
        Same index. NaT where nothing is there, where it cannot be read, and where the local time does not exist or stands
        twice on the day that clocks change.

    Raises
    ------
    InputError
        If the zone is not known.

    >>> given = pd.Series(["2026年3月5日 14时30分", "46086.5", "2026-03-05T06:30:00Z", "soon"])
    >>> parse_times(given, "Asia/Shanghai").dt.hour.tolist()
    [6.0, 4.0, 6.0, nan]
    """
    require_zone(zone)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        return pd.Series(values.dt.tz_convert(UTC).dt.as_unit("us"))
    if pd.api.types.is_datetime64_dtype(values.dtype):
        return _localize(values, zone)
    naive = _in_usual_form(values)
    open_ = (naive.isna() & values.notna()).to_numpy()
    rest = values[open_]
    result = _localize(naive, zone)
    if len(rest):
        result.iloc[np.flatnonzero(open_)] = _one_by_one(rest, zone).array
    return result


def _in_usual_form(values: pd.Series[Any]) -> pd.Series[Any]:
    """Text like ``2026-03-05 14:30:00``, as most exports have it, all at once; NaT where it is anything else."""
    if not (isinstance(values.dtype, pd.StringDtype) or values.dtype == object):
        return pd.Series(pd.NaT, index=values.index, dtype="datetime64[us]")
    text = (
        values if isinstance(values.dtype, pd.StringDtype) else values.where(values.map(lambda v: isinstance(v, str)))
    )
    usual = text.astype("str").str.fullmatch(_USUAL).fillna(False).to_numpy(dtype=bool)
    parsed = pd.to_datetime(text.astype("str").where(usual), format="%Y-%m-%d %H:%M:%S", errors="coerce")
    return pd.Series(parsed.dt.as_unit("us"))


def _one_by_one(values: pd.Series[Any], zone: str) -> pd.Series[Any]:
    # Exports repeat times (whole minutes, whole days): each different one is read once.
    codes, different = pd.factorize(values.astype(object), use_na_sentinel=True)
    month = _month_place(different)
    parsed = [_parse_one(_year_first(value, month)) for value in different]
    aware = pd.Series([t.tz_convert(UTC) if t.tzinfo else pd.NaT for t in parsed], dtype=f"datetime64[us, {UTC}]")
    naive = pd.Series([pd.NaT if t.tzinfo else t for t in parsed], dtype="datetime64[us]")
    read = aware.fillna(_localize(naive, zone))
    return pd.Series(read.reindex(codes).array, index=values.index)  # code -1 (missing) has no row: NaT


def _month_place(values: Any) -> int | None:
    """Where the month stands in texts like 03/18/2026: 1 first, 2 second, None if nothing says so or both do."""
    found = [match for match in (_YEAR_LAST.match(str(value).strip()) for value in values) if match]
    second = any(int(match[1]) > 12 for match in found)
    first = any(int(match[3]) > 12 for match in found)
    return None if first == second else 1 if first else 2


def _year_first(value: Any, month: int | None) -> Any:
    """Text with the year last, turned; anything else, and what cannot be told, as it is."""
    match = _YEAR_LAST.match(str(value).strip())
    if match is None or month is None:
        return value
    ends = (match[1], match[3])
    return f"{match[4]}-{ends[month - 1]}-{ends[2 - month]}{str(value).strip()[match.end() :]}"


def join_clock(days: pd.Series[Any], clocks: pd.Series[Any]) -> pd.Series[Any]:
    """Join a date and a clock time that stand in two columns; where there is no clock, the date stays as it is."""
    both = days.notna() & clocks.notna()
    if not both.any():
        return days
    pairs = pd.DataFrame({"day": days[both].astype(object), "clock": clocks[both].astype(object)})
    number = pairs.groupby(["day", "clock"], sort=False).ngroup().to_numpy()
    _, first = np.unique(number, return_index=True)
    joined = np.array([_joined(*pairs.iloc[i]) for i in first], dtype=object)
    result = days.astype(object)
    result[both] = joined[number]
    return result


def _joined(day: Any, clock: Any) -> Any:
    """Text of a day with a clock, or the day where the clock cannot be read."""
    begin = _parse_one(day)
    if begin is pd.NaT or begin != begin.normalize():
        return day
    if isinstance(clock, dt.datetime | dt.time):
        text = clock.strftime("%H:%M:%S")
    elif re.fullmatch(r"0?\.\d+|0|0\.0", str(clock).strip()):
        # A share of a day, as Excel keeps clock times.
        text = str((pd.Timestamp(0) + pd.Timedelta(days=float(clock))).round("s").time())
    else:
        text = unicodedata.normalize("NFKC", str(clock)).strip()
        text = re.sub(r"[时点分]", ":", text).replace("秒", "").rstrip(":")
        text = f"{text}:00" if text.isdigit() else text
    text = _of_24_hours(text)
    found = re.fullmatch(r"(\d{1,2}):(\d{1,2})(?::(\d{1,2})(?:\.\d+)?)?", text)
    if found is None and _parse_one(text) is not pd.NaT and _parse_one(text).normalize() == begin:
        return text  # the clock's column has the day too
    if found is None:
        return f"{day} {clock}"  # told as unread, with both
    hour, minute, second = (int(part or 0) for part in found.groups())
    return f"{begin:%Y-%m-%d} {hour:02d}:{minute:02d}:{second:02d}"


def _of_24_hours(text: str) -> str:
    """Text whose hour counts from midnight: 下午2 is 14, 中午12 is 12, 凌晨12 is 0."""
    found = _HALF_DAY.search(text)
    if found is None:
        return text
    hour = int(found[2])
    if found[1] in _LATER:
        hour += 12 if hour < (11 if found[1] == "中午" else 12) else 0
    elif hour == 12:
        hour = 0
    return f"{text[: found.start()]}{hour}{text[found.end() :]}"


def require_zone(zone: str) -> None:
    """Raise InputError if `zone` is not the IANA name of a time zone."""
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise InputError(f"'{zone}' is not a time zone: use an IANA name such as Asia/Shanghai") from error


def _localize(naive: pd.Series[Any], zone: str) -> pd.Series[Any]:
    local = naive.dt.as_unit("us").dt.tz_localize(zone, ambiguous="NaT", nonexistent="NaT")
    return pd.Series(local.dt.tz_convert(UTC))


def _parse_one(value: Any) -> Any:
    """Read one value as a Timestamp, aware if it says its offset, or NaT."""
    if isinstance(value, (dt.datetime, dt.date, np.datetime64)):
        return pd.Timestamp(value)
    if isinstance(value, (bool, np.bool_)):
        return pd.NaT
    text = unicodedata.normalize("NFKC", str(value)).strip()
    compact = _COMPACT.match(text)
    if compact:
        return _from_parts([int(part or 0) for part in compact.groups()])
    if _NUMBER.match(text):
        return _from_number(float(text))
    chinese = _CHINESE.match(text)
    if chinese:
        year, month, day, clock = chinese.groups()
        clock = re.sub(r"[时点分]", ":", _of_24_hours(clock).replace("半", "30")).replace("秒", "").strip().rstrip(":")
        text = f"{year}-{month}-{day} {clock + ':00' if clock.isdigit() else clock}"
    if _MONTH_NAMED.match(text):
        return _by_name(text)
    # A year must lead, so that 3/5/2026 is not read as one of two days by luck.
    if not re.match(r"^\d{4}[-/.]\d{1,2}[-/.]\d{1,2}", text):
        return pd.NaT
    head, _, tail = re.sub(r"^(\d{4})[/.](\d{1,2})[/.](\d{1,2})", r"\1-\2-\3", text).partition(" ")
    year, month, day = re.sub(r"T.*", "", head).split("-")[:3]
    rest = head[head.index("T") :] if "T" in head else f" {tail.strip()}" if tail.strip() else ""
    return _by_name(f"{year}-{int(month):02d}-{int(day):02d}{_of_24_hours(rest)}")


def _by_name(text: str) -> Any:
    """Read by the rules of pandas what leaves nothing to them: the year or the month's name says which is which."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")  # of a zone that is not known: the time is not read then
            return pd.Timestamp(text)
    except (ValueError, OverflowError, Warning):
        return pd.NaT


def _from_parts(parts: list[int]) -> Any:
    try:
        return pd.Timestamp(dt.datetime(*parts))  # type: ignore[arg-type]
    except ValueError:
        return pd.NaT


def _from_number(number: float) -> Any:
    if _EXCEL_DAYS[0] <= number < _EXCEL_DAYS[1]:
        # Serial days are binary fractions: whole seconds are what was meant.
        return (_EXCEL_EPOCH + pd.Timedelta(days=number)).round("s")
    if _UNIX_S[0] <= number < _UNIX_S[1]:
        return pd.Timestamp(number, unit="s", tz=UTC)
    if _UNIX_MS[0] <= number < _UNIX_MS[1]:
        return pd.Timestamp(number, unit="ms", tz=UTC)
    return pd.NaT
