"""Parses one text as a date and time, in the Chinese and English forms written by people and programs.

The complete text has to match: trailing characters, a range, or an hour outside its part of the day (凌晨13点) is an error.
Ambiguous dates are not guessed: 3/5/2026 is parsed only if other rows determine which number is the month, or the caller does.
"""

from __future__ import annotations

import datetime as dt
import re
import unicodedata
from typing import NamedTuple

#: Range of numbers accepted as seconds since 1970 (1973 to 2100), and the units in which they occur, per second.
EPOCH_S = (1e8, 4.1e9)
EPOCH_UNITS = (1, 1_000, 1_000_000, 1_000_000_000)
#: Range of numbers accepted as Excel serial days, counted from 1899-12-30: 1954 to 2119.
EXCEL_DAYS = (20_000, 80_000)
# Excel counts a 29 February 1900, which did not exist; with this epoch, dates from March 1900 on are correct.
_EXCEL_EPOCH = dt.datetime(1899, 12, 30)
_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)

_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan january",
            "feb february",
            "mar march",
            "apr april",
            "may",
            "jun june",
            "jul july",
            "aug august",
            "sep sept september",
            "oct october",
            "nov november",
            "dec december",
        ),
        start=1,
    )
    for name in names.split()
}

_DATES = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        r"(?P<y>\d{4})\s*年\s*(?P<m>\d{1,2})\s*月\s*(?P<d>\d{1,2})\s*[日号]?",
        r"(?P<y>\d{4})([-/.])(?P<m>\d{1,2})\2(?P<d>\d{1,2})(?:[日号](?!\d))?",
        r"(?P<y>(?:19|20)\d\d)(?P<m>\d\d)(?P<d>\d\d)(?!\d)",
        r"(?P<a>\d{1,2})(?P<sign>[/.-])(?P<b>\d{1,2})(?P=sign)(?P<y>\d{4})(?!\d)",
        r"(?:[a-z]{3,9},?\s+)?(?P<n>[a-z]{3,9})\.?\s+(?P<d>\d{1,2})(?:st|nd|rd|th)?,?\s+(?P<y>\d{4})(?!\d)",
        r"(?:[a-z]{3,9},?\s+)?(?P<d>\d{1,2})(?:st|nd|rd|th)?[\s-]+(?P<n>[a-z]{3,9})\.?,?[\s-]+(?P<y>\d{4}|\d\d)(?!\d)",
        # Years of Taiwan's calendar: 115/03/01, 1150301, 民國115年3月1日.
        r"(?P<roc>1[0-4]\d)([/.-])(?P<m>\d{1,2})\2(?P<d>\d{1,2})(?!\d)",
        r"(?P<roc>1[0-4]\d)(?P<m>\d\d)(?P<d>\d\d)(?!\d)",
        r"(?:民[国國]\s*)?(?P<roc>1[0-4]\d)\s*年\s*(?P<m>\d{1,2})\s*月\s*(?P<d>\d{1,2})\s*日",
        r"民[国國]\s*(?P<roc>\d{1,3})\s*年\s*(?P<m>\d{1,2})\s*月\s*(?P<d>\d{1,2})\s*日",
    )
)
_MONTH = re.compile(
    r"\d{4}\s*[-/.]\s*(?:0?[1-9]|1[0-2])|\d{4}\s*年\s*(?:0?[1-9]|1[0-2])\s*月份?|(?:19|20)\d\d(?:0[1-9]|1[0-2])"
    r"|(?:0?[1-9]|1[0-2])\s*[-/.]\s*\d{4}|(?P<n>[a-z]{3,9})\.?(?:[\s,-]*\d{4}|-\d\d)"
    r"|\d{4}\s*-?\s*Q[1-4]|Q[1-4]\s*-?\s*\d{4}|\d{4}\s*年\s*(?:第?[1-4一二三四]季度|[上下]半年)",
    re.IGNORECASE,
)
_WEEKDAY = re.compile(r"\s*[(]?\s*(?:星期|周|礼拜)[一二三四五六日天]\s*[)]?")
# Years before the first one of Taiwan's calendar.
_BEFORE_ROC = 1911
#: Parts of the day that may stand before a clock time.
DAY_PARTS = (
    *("凌晨", "清晨", "清早", "早上", "早晨", "上午", "中午"),
    *("下午", "傍晚", "晚上", "夜里", "夜间", "深夜", "半夜"),
    *("午前", "午後", "오전", "오후"),
)
_HALVES = "|".join(DAY_PARTS)
_CLOCK = re.compile(
    rf"(?P<half>{_HALVES}|[ap]\.?m\.?)?\s*"
    r"(?:(?P<h>\d{1,2}):(?P<mi>\d{1,2})(?::(?P<s>\d{1,2})(?P<f>[.,]\d{1,9})?)?"
    r"|(?P<h2>\d{1,2})-(?P<mi2>\d{2})-(?P<s2>\d{2})"
    r"|(?P<h3>\d{1,2})\s*[时時点點]\s*(?:(?P<half_hour>半)|(?P<mi3>\d{1,2})\s*分?\s*(?:(?P<s3>\d{1,2})(?P<f3>\.\d{1,9})?\s*秒?)?)?"
    r"|(?P<h4>\d{2})(?P<mi4>\d{2})(?P<s4>\d{2})(?P<f4>\.\d{1,9})?(?!\d)"
    r"|(?P<h5>\d{1,2})(?=\s*[ap]\.?m))"
    r"\s*(?P<after>[ap]\.?m\.?)?",
    re.IGNORECASE,
)
_OFFSET = re.compile(
    r"\s*(?:(?P<utc>utc|gmt)?\s*(?P<sign>[+-])(?P<oh>\d{1,2})(?::?(?P<om>\d{2}))?|z|utc|gmt)"
    # The name of a zone in brackets (RFC 9557, java.time) says where the offset comes from; the offset decides.
    # JavaScript writes it in parentheses: GMT+0800 (China Standard Time).
    r"(?:\[[a-z_]+(?:/[a-z0-9_+-]+)*\]|\s*\([^()]{1,60}\))?",
    re.IGNORECASE,
)

# For each part of the day: ranges (first hour, last hour, hours to add) on the 12-hour clock.
_HOURS: dict[str, tuple[tuple[int, int, int], ...]] = {
    "凌晨": ((0, 6, 0), (12, 12, -12)),
    "清晨": ((4, 9, 0),),
    "清早": ((4, 9, 0),),
    "早上": ((4, 11, 0),),
    "早晨": ((4, 11, 0),),
    "上午": ((0, 11, 0), (12, 12, -12)),
    "中午": ((11, 12, 0), (1, 2, 12)),
    "下午": ((1, 11, 12), (12, 12, 0)),
    "傍晚": ((4, 8, 12),),
    "晚上": ((5, 11, 12),),
    "夜里": ((9, 11, 12),),
    "夜间": ((6, 11, 12),),
    "深夜": ((10, 11, 12),),
    "半夜": ((11, 11, 12),),
    "午前": ((0, 11, 0), (12, 12, -12)),
    "午後": ((0, 11, 12), (12, 12, 0)),
    "오전": ((0, 11, 0), (12, 12, -12)),
    "오후": ((1, 11, 12), (12, 12, 0)),
    "am": ((1, 11, 0), (12, 12, -12), (0, 0, 0)),
    "pm": ((1, 11, 12), (12, 12, 0)),
}


class Moment(NamedTuple):
    """A parsed time: `at` is naive if the text has no UTC offset, otherwise aware; `has_clock` is False for a date only."""

    at: dt.datetime
    has_clock: bool


def read_moment(text: str, month_place: int | None = None) -> Moment | None:
    """Parse a text as date or date and time; None if it is neither.

    Parameters
    ----------
    text
        Folded to half width (:func:`fold`).
    month_place
        Position of the month in dates like 03/18/2026: 1 or 2, None if unknown; such dates are then not parsed.

    >>> read_moment("2026年3月5日 下午2点半").at
    datetime.datetime(2026, 3, 5, 14, 30)
    >>> read_moment("2026-03-05 14:30(周四)").at, read_moment("2026-03-05T14:30+08:00[Asia/Shanghai]").at.hour
    (datetime.datetime(2026, 3, 5, 14, 30), 14)
    >>> read_moment("2026-03-01 09:05-10:05") is None, read_moment("2026-03-01 凌晨13点") is None
    (True, True)
    """
    for pattern in _DATES:
        found = pattern.match(text)
        if found is not None:
            day = _day(found.groupdict(), month_place)
            return None if day is None else _with_clock(day, text[found.end() :])
    return None


def _day(parts: dict[str, str | None], month_place: int | None) -> dt.datetime | None:
    year = _BEFORE_ROC + int(parts["roc"] or 0) if "roc" in parts else int(parts["y"] or 0)
    year += 2000 if year < 100 else 0
    if parts.get("n"):
        month = _MONTHS.get(str(parts["n"]).lower(), 0)
        day = int(parts["d"] or 0)
    elif parts.get("a"):
        ends = (int(parts["a"] or 0), int(parts["b"] or 0))
        if ends[0] == ends[1]:
            month_place = 1
        if month_place is None and parts["sign"] == ".":  # with dots, the day is first
            month_place = 2
        if month_place is None:
            return None
        month, day = ends[month_place - 1], ends[2 - month_place]
    else:
        month, day = int(parts["m"] or 0), int(parts["d"] or 0)
    try:
        return dt.datetime(year, month, day)
    except ValueError:
        return None


def _with_clock(day: dt.datetime, rest: str) -> Moment | None:
    """Combine a day with the text after it; None if that text is not entirely a clock time."""
    weekday = _WEEKDAY.match(rest)
    if weekday is not None:
        rest = rest[weekday.end() :]
    if not rest.strip():
        return Moment(day, False)
    lead = re.match(r"\s*[T_,]\s*|\s+[-–]\s+|\s+", rest, re.IGNORECASE)
    if lead is not None:
        rest = rest[lead.end() :]
    elif not re.match(rf"(?:{_HALVES})|\d{{1,2}}\s*[时時点點:]", rest):
        return None  # characters directly after the date
    clock = _CLOCK.match(rest)
    if clock is None:
        return None
    since = clock_of(clock)
    if since is None:
        return None
    rest, seconds_given = rest[clock.end() :], _group(clock, "s") is not None
    if not rest.strip() or (weekday is None and _WEEKDAY.fullmatch(rest.rstrip())):
        return Moment(day + since, True)
    offset = _OFFSET.fullmatch(rest.rstrip())
    if offset is None:
        return None
    return _at_offset(
        day + since, offset, is_range=lead is not None and "t" not in lead[0].lower() and not seconds_given
    )


def _at_offset(local: dt.datetime, offset: re.Match[str], *, is_range: bool) -> Moment | None:
    """Apply a UTC offset; None for offsets that do not exist, and for ``09:05-10:00`` after a blank, which may be a range."""
    if offset["sign"] is None:
        return Moment(local.replace(tzinfo=dt.UTC), True)
    hours, minutes = int(offset["oh"]), int(offset["om"] or 0)
    if hours > 14 or minutes not in (0, 15, 30, 45) or (is_range and offset["sign"] == "-" and offset["utc"] is None):
        return None
    shift = dt.timedelta(hours=hours, minutes=minutes) * (-1 if offset["sign"] == "-" else 1)
    return Moment(local.replace(tzinfo=dt.timezone(shift)), True)


def _group(clock: re.Match[str], name: str) -> str | None:
    return next(
        (
            clock[f"{name}{n}"]
            for n in ("", "2", "3", "4", "5")
            if f"{name}{n}" in clock.re.groupindex and clock[f"{name}{n}"]
        ),
        None,
    )


def clock_of(clock: re.Match[str]) -> dt.timedelta | None:
    """Time since midnight of a matched clock time; None if there is no such time."""
    hour = int(_group(clock, "h") or 0)
    minute = 30 if clock["half_hour"] else int(_group(clock, "mi") or 0)
    second = int(_group(clock, "s") or 0)
    fraction = (_group(clock, "f") or "")[1:7].ljust(6, "0")
    before, after = clock["half"], clock["after"]
    if before and after:
        return None
    if before or after:
        # Programs write 上午12:05 for five past midnight, but 上午12点 written by people may mean noon.
        if before == "上午" and hour == 12 and clock["h3"]:
            return None
        half = str(before or after).replace(".", "").lower()
        add = next((add for low, high, add in _HOURS[half] if low <= hour <= high), None)
        if add is None:
            return None
        hour += add
    if minute > 59 or second > 59 or hour > 24 or (hour == 24 and (minute or second or int(fraction))):
        return None
    return dt.timedelta(hours=hour, minutes=minute, seconds=second, microseconds=int(fraction))


def read_clock(text: str) -> dt.timedelta | None:
    """Parse a clock time without a date to time since midnight: ``14:30``, ``下午2点``, ``143000``, ``1430``, ``0.6041667``.

    >>> read_clock("下午2点半"), read_clock("0.5"), read_clock("935"), read_clock("25:00")
    (datetime.timedelta(seconds=52200), datetime.timedelta(seconds=43200), datetime.timedelta(seconds=34500), None)
    """
    text = text.strip()
    if re.fullmatch(r"0?\.\d+|0\.0*", text):
        return dt.timedelta(seconds=round(float(text) * 86_400))  # fraction of a day: Excel's clock times
    if re.fullmatch(r"\d{1,4}", text):  # hhmm without leading zeros, from database exports; one or two digits are hours
        hour, minute = (int(text), 0) if len(text) <= 2 else (int(text[:-2]), int(text[-2:]))
        return dt.timedelta(hours=hour, minutes=minute) if hour < 24 and minute < 60 else None
    clock = _CLOCK.fullmatch(text)
    return None if clock is None else clock_of(clock)


def parse_numeric(text: str, *, compact_hours: bool) -> Moment | None:
    """Parse a number: compact date, Excel serial day, or seconds to nanoseconds since 1970.

    Parameters
    ----------
    compact_hours
        Whether ten digits are parsed as ``YYYYMMDDhh`` if possible, instead of as seconds since 1970.

    >>> parse_numeric("20260305143000", compact_hours=False).at, parse_numeric("46086.5", compact_hours=False).at
    (datetime.datetime(2026, 3, 5, 14, 30), datetime.datetime(2026, 3, 5, 12, 0))
    """
    if text.isdigit() and len(text) in (8, 10, 12, 14, 17) and (compact_hours or len(text) != 10):
        compact = _compact(text)
        if compact is not None or len(text) == 8:
            return compact
    if text.isdigit() and len(text) == 7:  # Taiwan's calendar
        return read_moment(text)
    number = float(text)
    if EXCEL_DAYS[0] <= number < EXCEL_DAYS[1]:
        whole = dt.timedelta(seconds=round((number % 1) * 86_400)) + dt.timedelta(days=int(number))
        return Moment(_EXCEL_EPOCH + whole, number % 1 != 0)
    for unit in EPOCH_UNITS:
        if EPOCH_S[0] * unit <= number < EPOCH_S[1] * unit:
            micro = int(text) * 1_000_000 // unit if text.isdigit() else round(number * 1_000_000 / unit)
            return Moment(_EPOCH + dt.timedelta(microseconds=micro), True)
    return None


def _compact(text: str) -> Moment | None:
    fields = [int(text[:4]), *(int(text[at : at + 2]) for at in range(4, min(len(text), 14), 2))]
    if not 1900 <= fields[0] < 2100:
        return None
    try:
        return Moment(dt.datetime(*fields, microsecond=int(text[14:] or 0) * 1000), len(text) > 8)  # type: ignore[misc,arg-type]
    except ValueError:
        return None


def is_compact_hour(text: str) -> bool:
    """Whether ten digits can be ``YYYYMMDDhh``."""
    return len(text) == 10 and text.isdigit() and _compact(text) is not None


def fold(value: object) -> str:
    """Convert to half width, strip blanks, and remove the leading apostrophe that marks text in spreadsheets."""
    return unicodedata.normalize("NFKC", str(value)).strip().removeprefix("'").strip()


def two_readings(text: str) -> tuple[dt.date, dt.date] | None:
    """Both days that a date like 05/06/2026 can mean, month first and day first; None for other texts.

    >>> two_readings("05/06/2026 14:30"), two_readings("05/18/2026")
    ((datetime.date(2026, 5, 6), datetime.date(2026, 6, 5)), None)
    """
    match = _DATES[3].match(text)
    if match is None or match["a"] == match["b"] or match["sign"] == ".":
        return None
    year, one, other = int(match["y"]), int(match["a"]), int(match["b"])
    try:
        return dt.date(year, one, other), dt.date(year, other, one)
    except ValueError:
        return None


def is_month(text: str) -> bool:
    """Whether a text is a month or a quarter without a day: ``2026-05``, ``2026年5月``, ``202605``, ``05/2026``, ``May 2026``.

    >>> [is_month(text) for text in ("2026-05", "2026年5月份", "202605", "May-26", "2026 Q2", "2026-13", "2026-05-01")]
    [True, True, True, True, True, False, False]
    """
    found = _MONTH.fullmatch(text.strip())
    return found is not None and (found["n"] is None or found["n"].lower() in _MONTHS)


def month_place(texts: list[str]) -> int | None:
    """Position of the month in dates like 03/18/2026: 1 or 2; None if no row determines it, or rows contradict each other.

    >>> month_place(["03/05/2026", "03/18/2026"]), month_place(["03/05/2026"])
    (1, None)
    """
    found = [match for match in (_DATES[3].match(text) for text in texts) if match]
    second = any(int(match["a"]) > 12 for match in found)
    first = any(int(match["b"]) > 12 for match in found)
    return None if first == second else 1 if first else 2
