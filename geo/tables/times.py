"""Parses columns of times in files to UTC."""

from __future__ import annotations

import datetime as dt
import re
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from geo.arrays import Objects
from geo.errors import InputError
from geo.notices import notice
from geo.tables.clock_texts import (
    fold,
    is_compact_hour,
    is_month,
    month_place,
    parse_numeric,
    read_clock,
    read_moment,
    two_readings,
)
from geo.tables.local_time import UTC, require_zone, to_utc
from geo.tables.refused import mark
from geo.texts import Text

#: Reasons why a row has no time.
NO_TIME = Text("没有时间", "has no time")
NO_ZONE = Text("时间没有时区", "no zone")
NOT_READ = Text(
    "时间“{value}”无法识别，请写成 2026-11-23 08:05:09",
    "time '{value}' is not understood; write it as 2026-11-23 08:05:09",
)
TWO_READINGS = Text(
    "日期“{value}”可读作{one}或{other}，本列不能说明月在前还是日在前；请写成 2026-11-23",
    "'{value}' is {one} or {other}: the column does not tell whether the month comes first; write it as 2026-11-23",
)
ONLY_MONTH = Text(
    "“{value}”是月份，没有日；请改用含日期的列，或写成 2026-11-23",
    "'{value}' is a month without a day; use a column with days, or write it as 2026-11-23",
)
MISSING_HOUR = Text(
    "当地时间“{value}”不存在（夏令时拨快的一小时）",
    "local time '{value}' does not exist: clocks were set forward over it",
)

_ISO = r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d{1,9})?"
_OFFSET = r"(Z|[+-](0\d|1[0-4]):?(00|15|30|45))"
_NUMBER = re.compile(r"\d+(\.\d+)?")
_USUAL = (
    r"^\s*(?P<y>\d{4})[-/.年](?P<m>\d{1,2})[-/.月](?P<d>\d{1,2})日?[ T]+(?P<h>\d{1,2})[:时](?P<mi>\d{1,2})"
    r"(?:[:分](?P<s>\d{1,2})(?P<f>\.\d{1,9})?秒?|分)?\s*(?P<o>[zZ]|[+-]\d{2}(?::?\d{2})?)?\s*$"
)
#: Order of the numbers in dates like 05/06/2026, and the position of the month in it.
ORDERS = {"month-first": 1, "day-first": 2}
# Zones of the United States, where such dates are always written month first.
_US_ZONE = re.compile(
    r"US/.+|America/(?:Indiana|Kentucky|North_Dakota)/.+|Pacific/Honolulu|America/(?:New_York|Detroit|Chicago"
    r"|Menominee|Denver|Boise|Phoenix|Los_Angeles|Anchorage|Juneau|Sitka|Metlakatla|Yakutat|Nome|Adak|Louisville"
    r"|Indianapolis|Fort_Wayne|Knox_IN)"
)
_CLOCK_AFTER = re.compile(r"\s+\d{1,2}:\d\d.*")
# Maximum length of a text quoted in a message, characters.
_SHOWN = 40


class Times(NamedTuple):
    """Times of a column.

    Attributes
    ----------
    utc
        datetime64[us, UTC], index of the input; NaT if there is no time.
    reason
        Text why a row has no time, otherwise None. Shape (n,).
    """

    utc: pd.Series
    reason: Objects


def read_times(values: pd.Series, zone: str | None, *, order: str | None = None) -> Times:
    """Parse times in all common forms.

    Parameters
    ----------
    values
        Text (ISO 8601, ``2026/3/5 14:30``, ``2026年3月5日 下午2点30分``, ``20260305143000``, ``Mar 5, 2026 2:30 PM``), dates,
        Excel serial days, seconds to nanoseconds since 1970; with or without UTC offset. ``03/18/2026`` if `order` or the column
        determines the position of the month (numbers over 12 occur in one position only); where no row does, the month is first
        in a zone of the United States, with a notice, and elsewhere the reason is :data:`TWO_READINGS`.
    zone
        IANA name of the zone of times without an offset; if None, such times are refused with the reason :data:`NO_ZONE`.
    order
        A key of :data:`ORDERS`.

    Raises
    ------
    InputError
        If zone or order are not known.

    Notes
    -----
    Fractions beyond microseconds are truncated. Cost: O(n); uncommon forms are parsed once per different text.

    >>> given = pd.Series(["2026年3月5日 14时30分", "46086.5", "2026-03-05T06:30:00Z", "soon"])
    >>> read_times(given, "Asia/Shanghai").utc.dt.hour.tolist()
    [6.0, 4.0, 6.0, nan]
    """
    if zone is not None:
        require_zone(zone)
    if order is not None and order not in ORDERS:
        raise InputError(f"order of dates '{order}' is not known; it is {' or '.join(ORDERS)}")
    aware = pd.Series(pd.NaT, index=values.index, dtype="datetime64[us, UTC]")
    naive = pd.Series(pd.NaT, index=values.index, dtype="datetime64[us]")
    missing = _is_missing(values)
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        aware = values.dt.tz_convert(UTC).dt.as_unit("us")
    elif pd.api.types.is_datetime64_dtype(values.dtype):
        naive = values.dt.as_unit("us")
    else:
        at = np.flatnonzero(~missing)
        for read in (_iso, _usual, partial(_one_by_one, zone=zone, order=order)):
            if len(at) == 0:
                break
            texts = values.iloc[at]
            one, other, left = read(texts)
            naive.iloc[at[~left]], aware.iloc[at[~left]] = one[~left].array, other[~left].array
            at = at[left]
    return _joined(values, naive, aware, missing, zone)


def _joined(values: pd.Series, naive: pd.Series, aware: pd.Series, missing: Any, zone: str | None) -> Times:
    """Convert local times to UTC; set the reason where that is impossible."""
    reason = np.full(len(values), None, dtype=object)
    local = naive.notna().to_numpy()
    utc = aware if zone is None else aware.where(~local, to_utc(naive, zone))
    lost = utc.isna().to_numpy()
    mark(reason, missing, NO_TIME)
    for at in np.flatnonzero(lost & ~missing):
        if local[at] and zone is None:
            reason[at] = NO_ZONE
        else:
            value = str(values.iloc[at])
            reason[at] = MISSING_HOUR.fill(value=value[:_SHOWN]) if local[at] else _why_not(value)
    return Times(utc, reason)


def _why_not(value: str) -> Text:
    """Why a value is not a time."""
    kind, shown = unread_kind(value), value[:_SHOWN]
    if kind == "two readings" and (days := two_readings(fold(value))):
        return TWO_READINGS.fill(value=shown, one=days[0], other=days[1])
    return (ONLY_MONTH if kind == "month" else NOT_READ).fill(value=shown)


def unread_kind(value: object) -> str | None:
    """Kind of a value that is not read as a time: ``month``, ``two readings``, or None."""
    text = fold(value)
    if two_readings(text) and read_moment(text, 1) is not None:
        return "two readings"
    return "month" if is_month(_CLOCK_AFTER.sub("", text).removesuffix(".0")) else None


def _is_missing(values: pd.Series) -> Any:
    missing = values.isna().to_numpy(dtype=bool)
    if isinstance(values.dtype, pd.StringDtype):
        return missing | (values.str.strip() == "").to_numpy(dtype=bool, na_value=False)
    if values.dtype == object:
        return missing | np.fromiter(
            (isinstance(v, str) and not v.strip() for v in values), dtype=bool, count=len(values)
        )
    return missing


def _is_text(values: pd.Series) -> bool:
    return isinstance(values.dtype, pd.StringDtype) or (
        values.dtype == object and all(isinstance(v, str) for v in values)
    )


def _nothing(index: pd.Index) -> tuple[pd.Series, pd.Series, Any]:
    empty = pd.Series(pd.NaT, index=index, dtype="datetime64[us]")
    return empty, empty.dt.tz_localize(UTC), np.ones(len(index), dtype=bool)


def _iso(texts: pd.Series) -> tuple[pd.Series, pd.Series, Any]:
    """Parse texts like ``2026-03-05 14:30:00`` or ``2026-03-05T14:30:00+08:00``; also returns which do not match.

    Ten times as fast as :func:`_usual`, with the same result.
    """
    naive, aware, left = _nothing(texts.index)
    if not _is_text(texts):
        return naive, aware, left
    array = pa.array(texts, type=pa.large_string(), from_pandas=True)
    for offset, series in ((_OFFSET, aware), ("", naive)):
        fits = pc.match_substring_regex(array, f"^{_ISO}{offset}$").to_numpy(zero_copy_only=False).astype(bool)
        if fits.any():
            read = _iso_moments(array if fits.all() else array.filter(pa.array(fits)), zoned=bool(offset))
            series[fits] = (read.tz_localize(UTC) if offset else read).array
            left[np.flatnonzero(fits)[read.notna()]] = False
        if not left.any():
            break
    return naive, aware, left


def _iso_moments(texts: pa.Array, *, zoned: bool) -> pd.DatetimeIndex:
    """Moments of texts in ISO 8601, UTC if they have an offset; NaT for those that do not exist, such as February 30."""
    try:
        # A third of the time of pandas. More than six decimals and times that do not exist are errors here.
        found = texts.cast(pa.timestamp("us", "UTC" if zoned else None)).cast(pa.int64())
        return pd.DatetimeIndex(found.to_numpy(zero_copy_only=False).view("datetime64[us]"))
    except pa.ArrowInvalid:
        read = pd.DatetimeIndex(pd.to_datetime(texts.to_pandas(), format="ISO8601", utc=zoned, errors="coerce"))
        return read.tz_localize(None).as_unit("us")


def _usual(texts: pd.Series) -> tuple[pd.Series, pd.Series, Any]:
    """Parse texts like ``2026/3/5 14:30`` or ``2026年3月5日 14时30分``, with or without offset, and which do not match."""
    index = texts.index
    if not _is_text(texts):
        return _nothing(index)
    parts = pc.extract_regex(pa.array(texts, type=pa.string(), from_pandas=True), _USUAL)
    fits = parts.is_valid().to_numpy(zero_copy_only=False).astype(bool)
    year, month, day, hour, minute, second = (
        _whole(pc.struct_field(parts, name)) for name in ("y", "m", "d", "h", "mi", "s")
    )
    has_seconds = _there(pc.struct_field(parts, "s"))
    micro = _micro(pc.struct_field(parts, "f"))
    months = (year - 1970) * 12 + month - 1  # any year for texts that do not match; not used
    days = months.astype("datetime64[M]").astype("datetime64[D]") + (day - 1)
    # Days beyond the end of the month are invalid.
    fits &= (month >= 1) & (month <= 12) & (day >= 1) & (days.astype("datetime64[M]").astype("int64") == months)
    fits &= (hour <= 23) & (minute <= 59) & (second <= 59)
    shift, sound, zoned = _offsets(pc.struct_field(parts, "o"), has_seconds)
    fits &= sound
    at = days.astype("datetime64[us]") + ((hour * 60 + minute) * 60 + second) * np.timedelta64(1_000_000, "us")
    at = at + micro.astype("timedelta64[us]") - shift.astype("timedelta64[us]")
    stamps = pd.Series(at, index=index)
    naive = stamps.where(fits & ~zoned)
    aware = stamps.where(fits & zoned).dt.tz_localize(UTC)
    return naive, aware, ~fits


def _there(texts: pa.Array) -> Any:
    """Groups that matched: an optional group that did not is an empty text."""
    return pc.fill_null(pc.not_equal(texts, ""), False).to_numpy(zero_copy_only=False).astype(bool)


def _whole(texts: pa.Array) -> Any:
    """Integers of a group; 0 if it did not match (not used)."""
    there = pc.if_else(pc.fill_null(pc.not_equal(texts, ""), False), texts, "0")
    return there.cast(pa.int64()).to_numpy(zero_copy_only=False)


def _micro(fraction: pa.Array) -> Any:
    if not _there(fraction).any():
        return np.zeros(len(fraction), dtype=np.int64)
    digits = pc.utf8_slice_codeunits(pc.fill_null(fraction, ""), 1, 7)
    return pc.utf8_rpad(digits, 6, padding="0").cast(pa.int64()).to_numpy(zero_copy_only=False)


def _offsets(given: pa.Array, has_seconds: Any) -> tuple[Any, Any, Any]:
    """Offset in microseconds, whether it is valid, and whether one is given. Parsed once per different text."""
    given = pd.Series(given.to_pandas()).where(_there(given), None)
    codes, different = pd.factorize(given, use_na_sentinel=True)
    shift = np.zeros(len(different) + 1, dtype=np.int64)
    sound = np.ones(len(different) + 1, dtype=bool)
    negative = np.zeros(len(different) + 1, dtype=bool)
    for at, text in enumerate(different):
        moment = read_moment(f"2026-01-01T00:00:00{text}")
        sound[at] = moment is not None
        negative[at] = str(text).startswith("-")
        if moment is not None and (offset := moment.at.utcoffset()) is not None:
            shift[at] = int(offset.total_seconds()) * 1_000_000
    # 09:05-10:00 after a blank may be a range: left to the slow parser, which refuses it.
    doubtful = negative[codes] & ~has_seconds
    return shift[codes], sound[codes] & ~doubtful, codes >= 0


def _one_by_one(
    values: pd.Series, *, zone: str | None = None, order: str | None = None
) -> tuple[pd.Series, pd.Series, Any]:
    # Times repeat in exports (full minutes, full days): each different text is parsed once.
    codes, different = pd.factorize(values.astype(object), use_na_sentinel=True)
    texts = [fold(value) if isinstance(value, str) else "" for value in different]
    place = ORDERS[order] if order is not None else month_place(texts) or _of_zone(texts, zone)
    hours = all(is_compact_hour(_digits(value)) for value in different if len(_digits(value)) == 10)
    moments = [_one(value, text, place, hours) for value, text in zip(different, texts, strict=True)]
    naive = pd.Series([m if m is not None and m.tzinfo is None else None for m in moments], dtype="datetime64[us]")
    zoned = [m.astimezone(dt.UTC) if m is not None and m.tzinfo is not None else None for m in moments]
    aware = pd.Series(zoned, dtype="datetime64[us, UTC]")
    return naive.reindex(codes), aware.reindex(codes), np.zeros(len(codes), dtype=bool)


def _of_zone(texts: list[str], zone: str | None) -> int | None:
    """Position of the month in dates like 05/06/2026 if every one of them can be read in two ways, by the zone."""
    if zone is None or not _US_ZONE.fullmatch(zone):
        return None
    both = [(text, days[0]) for text in texts if (days := two_readings(text))]
    if not both or any(read_moment(text, 1) is None and read_moment(text, 2) is not None for text in texts):
        return None
    text, day = both[0]
    notice(
        f"“{text[:_SHOWN]}”一类日期按美国写法读作月/日/年（时区 {zone}），即{day}。"
        f"Dates such as '{text[:_SHOWN]}' are read month first, as in the US (zone {zone}): {day}"
    )
    return ORDERS["month-first"]


def _digits(value: object) -> str:
    text = fold(value)
    return text if text.isdigit() else text.removesuffix(".0") if text.removesuffix(".0").isdigit() else ""


def _one(value: Any, text: str, place: int | None, hours: bool) -> dt.datetime | None:
    """Parse one value; aware if it has an offset; None if it is not a time."""
    if value is None or value is pd.NaT or isinstance(value, bool | np.bool_):
        return None
    if isinstance(value, pd.Timestamp | np.datetime64):
        return pd.Timestamp(value).to_pydatetime(warn=False)
    if isinstance(value, dt.datetime):
        return value
    if isinstance(value, dt.date):
        return dt.datetime(value.year, value.month, value.day)
    if isinstance(value, int | float | np.integer | np.floating):
        text = str(int(value)) if float(value).is_integer() else repr(float(value))
    moment = parse_numeric(text, compact_hours=hours) if _NUMBER.fullmatch(text) else read_moment(text, place)
    try:
        return None if moment is None else moment.at
    except OverflowError:
        return None


def join_clock(days: pd.Series, clocks: pd.Series) -> pd.Series:
    """Join a date and a clock time that stand in two columns to texts ``2026-03-05 14:30:00``.

    A date without a clock time is unchanged; a complete time in the clock column has priority; texts that cannot be joined are
    concatenated with a blank and later refused as not understood.
    """
    both = days.notna().to_numpy() & clocks.notna().to_numpy()
    result = days.astype(object)
    if not both.any():
        return result
    day_codes, different_days = pd.factorize(days[both].astype(object))
    clock_codes, different_clocks = pd.factorize(clocks[both].astype(object))
    place = month_place([fold(day) for day in pd.unique(days.dropna().astype(object))])
    starts = [_start(day, place) for day in different_days]
    since = [_since(clock) for clock in different_clocks]
    texts = np.empty(int(both.sum()), dtype=object)
    whole: dict[int, bool] = {}
    for at, (i, j) in enumerate(zip(day_codes.tolist(), clock_codes.tolist(), strict=True)):
        start, after, clock = starts[i], since[j], different_clocks[j]
        if start is not None and after is not None:
            texts[at] = (start + after).isoformat(sep=" ")
        else:
            if j not in whole:
                whole[j] = _one(clock, fold(clock), place, False) is not None
            texts[at] = clock if whole[j] else f"{different_days[i]} {clock}"
    result[both] = texts
    return result


def _start(day: Any, place: int | None) -> dt.datetime | None:
    """Midnight of a date; None if it is not a date or has a clock time."""
    moment = _one(day, fold(day), place, False)
    if moment is None or moment.tzinfo is not None or moment.time() != dt.time(0):
        return None
    return moment


def _since(clock: Any) -> dt.timedelta | None:
    if isinstance(clock, dt.datetime):
        clock = clock.time() if clock.date() <= dt.date(1900, 1, 1) else None
    if isinstance(clock, dt.time):
        return dt.timedelta(
            hours=clock.hour, minutes=clock.minute, seconds=clock.second, microseconds=clock.microsecond
        )
    if isinstance(clock, float) and clock >= 1:
        clock = int(clock)
    return None if clock is None else read_clock(fold(clock))
