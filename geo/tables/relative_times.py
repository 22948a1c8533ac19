"""Resolves times that people write relative to the day of a table: 昨天下午3点, 今早, 14:30, 3月5日 9点."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeVar

import numpy as np
import pandas as pd

from geo.tables.clock_texts import DAY_PARTS, fold, read_clock, read_moment
from geo.tables.headers import plain_header
from geo.texts import Text

#: Reasons why such a time cannot be resolved.
NO_DAY = Text(
    "“{value}”须按填表日期推算，而表内标题、文件名和本行都没有日期，请写成2026-11-23 08:05",
    "'{value}' depends on the day of the table, and neither its title, its name nor the row has one; "
    "write it as 2026-11-23 08:05",
)
SEVERAL_DAYS = Text(
    "“{value}”须按填表日期推算，而表内有几个日期（{days}），请写成2026-11-23 08:05",
    "'{value}' depends on the day of the table, which names several ({days}); write it as 2026-11-23 08:05",
)
VAGUE = Text(
    "“{value}”不能确定是哪一天，请写成2026-11-23 08:05",
    "'{value}' is not one certain day; write it as 2026-11-23 08:05",
)

#: Notice about resolved times; `rows` is filled last.
RESOLVED = Text(
    "第{{rows}}行的时间（“{value}”）按填表日期推算",
    "rows {{rows}}: the time '{value}' was derived from the day of the table",
)

# Headers of columns with the day on which a row was written.
_WRITTEN = re.compile(r"(填表|填报|填写|登记|录入|制表|导出|上报|受理|接单|记录)(时间|日期|日)$")
#: Days before the day of the table.
_WORDS = {
    word: days
    for days, words in enumerate(
        ("今天 今日 本日 今 刚才 刚刚 方才 现在 today now", "昨天 昨日 昨 yesterday", "前天 前日", "大前天 大前日")
    )
    for word in words.split()
}
#: Short forms that have a part of the day only: 今早, 昨晚.
_SHORT = {"早": "早上", "晨": "早晨", "晚": "晚上", "夜": "夜里"}
_NUMERALS = {word: value for value, word in enumerate("零一二三四五六七八九十")} | {"两": 2}
_DAY = re.compile(rf"({'|'.join(sorted(map(re.escape, _WORDS), key=len, reverse=True))})", re.IGNORECASE)
_AGO = re.compile(r"(\d{1,2}|[一二两三四五六七八九十])\s*天(?:以)?前|(\d{1,2}) days? ago", re.IGNORECASE)
_WITHOUT_YEAR = re.compile(r"(\d{1,2})\s*月\s*(\d{1,2})\s*[日号]")
_VAGUE = re.compile(
    r"前几天|前些天|前一?阵|前两天|近日|近期|最近|日前|不久前|当天|当日|同日|次日|[上本这下]个?(?:周|星期|礼拜|月|旬)|去年|今年|前年"
    r"|月初|月底|月末|年初|年底|(?:周|星期|礼拜)[一二三四五六日天]|小时(?:以)?前|分钟(?:以)?前|多天前|hours? ago|minutes? ago"
    r"|(?:last|this) (?:week|month|night)|recently",
    re.IGNORECASE,
)
_FULL_DAYS = re.compile(
    r"(?<!\d)(?P<y>(?:19|20)\d\d)\s*(?:年\s*(?P<m>\d{1,2})\s*月\s*(?P<d>\d{1,2})\s*[日号]?"
    r"|(?P<by>[-/._])(?P<m2>\d{1,2})(?P=by)(?P<d2>\d{1,2})|(?P<m3>\d\d)(?P<d3>\d\d))(?!\d)"
)
# Longest text that is taken for a time; a longer one is prose.
_LONGEST = 30


_Ago = TypeVar("_Ago", int, tuple[int, int], int | tuple[int, int])


class Resolved(NamedTuple):
    """Result of :func:`resolve_relative`: the values with resolved texts, which ones were, and why others cannot be."""

    values: pd.Series
    changed: Any
    reasons: dict[int, Text]


def days_in(texts: Iterable[object]) -> set[dt.date]:
    """All days that are written with year, month and day in some texts.

    >>> sorted(map(str, days_in(["12345工单日报（2026年3月2日）", "工单_20260302.xlsx", "3月1日"])))
    ['2026-03-02']
    """
    found = set()
    for value in texts:
        if isinstance(value, dt.date):
            found.add(value.date() if isinstance(value, dt.datetime) else value)
            continue
        for match in _FULL_DAYS.finditer(fold(value)):
            parts = match.groupdict()
            month, day = (
                next(int(parts[f"{name}{n}"]) for n in ("", "2", "3") if parts[f"{name}{n}"]) for name in "md"
            )
            try:
                found.add(dt.date(int(parts["y"]), month, day))
            except ValueError:
                continue
    return found


def is_written_day(header: str) -> bool:
    """Whether the header of a column says that it contains the day on which the row was written.

    >>> is_written_day("登记时间"), is_written_day("发生时间")
    (True, False)
    """
    return _WRITTEN.search(plain_header(header)) is not None


def is_relative(text: str) -> bool:
    """Whether a text is a time without a complete date: relative to another day, without a year, or a clock time only.

    >>> [is_relative(text) for text in ("昨晚8点", "14:30", "上周三", "3月5日", "2026-03-05", "路灯")]
    [True, True, True, True, False, False]
    """
    return bool(text) and len(text) <= _LONGEST and (_offset(text) is not None or _VAGUE.search(text) is not None)


def resolve_text(text: str, days: set[dt.date]) -> dt.datetime | Text | None:
    """A relative time on the one day of a table: the local time, or why it is unknown; None if the text is not relative.

    Parameters
    ----------
    text
        Folded to half width.
    days
        The days that the table and its row name; a time is resolved only if it is one day.

    >>> day = {dt.date(2026, 3, 2)}
    >>> resolve_text("昨天下午3点", day), resolve_text("2月28日", day), resolve_text("2026-03-02", day)
    (datetime.datetime(2026, 3, 1, 15, 0), datetime.datetime(2026, 2, 28, 0, 0), None)
    """
    if not is_relative(text):
        return None
    found = _offset(text)
    if found is None or _VAGUE.search(text) is not None:
        return VAGUE.fill(value=text)
    if len(days) != 1:
        if not days:
            return NO_DAY.fill(value=text)
        return SEVERAL_DAYS.fill(value=text, days="、".join(str(day) for day in sorted(days)[:4]))
    (day,) = days
    ago, since = found
    if isinstance(ago, tuple):
        return _latest(day, ago, since) or VAGUE.fill(value=text)
    return dt.datetime.combine(day - dt.timedelta(days=ago), dt.time()) + since


def _latest(day: dt.date, month_day: tuple[int, int], since: dt.timedelta) -> dt.datetime | None:
    """The last such day of a year that is not after the day of the table."""
    for year in (day.year, day.year - 1):
        try:
            found = dt.date(year, *month_day)
        except ValueError:
            continue
        if found <= day:
            return dt.datetime.combine(found, dt.time()) + since
    return None


def _offset(text: str) -> tuple[int | tuple[int, int], dt.timedelta] | None:
    """Days before the day of the table, or month and day, and the time since midnight; None if the text is something else."""
    ago: int | tuple[int, int]
    rest = text.strip()
    if (match := _WITHOUT_YEAR.match(rest)) is not None:
        ago = (int(match[1]), int(match[2]))
    elif (match := _AGO.match(rest)) is not None:
        number = match[1] or match[2]
        ago = int(number) if number.isdigit() else _NUMERALS[number]
    elif (match := _DAY.match(rest)) is not None:
        ago = _WORDS[match[1].lower()]
        if len(match[1]) == 1:
            return _with_short(ago, rest[match.end() :])
    else:
        return _with_clock(0, rest) if _is_clock(rest) else None
    return _with_clock(ago, rest[match.end() :])


def _with_short(ago: int, rest: str) -> tuple[int, dt.timedelta] | None:
    """今 and 昨 stand before a part of the day only: 今早, 昨晚8点, 昨下午."""
    if not rest.startswith(DAY_PARTS):
        rest = _SHORT.get(rest[:1], "") + rest[1:]
    return _with_clock(ago, rest) if rest.startswith(DAY_PARTS) else None


def _is_clock(text: str) -> bool:
    """A clock time with minutes or the word for hour, or a part of the day: numbers alone are something else."""
    return text in DAY_PARTS or (bool(re.search(r"[:时點点]", text)) and read_clock(text) is not None)


def _with_clock(ago: _Ago, rest: str) -> tuple[_Ago, dt.timedelta] | None:
    rest = rest.strip().lstrip(",，的 ").strip()
    if not rest or rest in DAY_PARTS:
        return ago, dt.timedelta()
    since = read_clock(rest) if re.search(r"[:时點点]", rest) else None
    return None if since is None else (ago, since)


def resolve_relative(values: pd.Series, days: set[dt.date], others: pd.DataFrame) -> Resolved:
    """Resolve the relative times of a column.

    Parameters
    ----------
    values
        Times as read; other values are unchanged.
    days
        Days named by the table itself: its title, the sheet and the file.
    others
        Columns with the day on which a row was written (登记时间, 填表日期), same index; the day of a row takes precedence.

    Returns
    -------
    Resolved
        `values` with resolved texts as ``2026-03-01 15:00:00``; `changed` for each row, shape (n,); `reasons` by position.
    """
    codes, different = pd.factorize(values.astype(object), use_na_sentinel=True)
    relative = [isinstance(value, str) and is_relative(fold(value)) for value in different]
    changed = np.zeros(len(values), dtype=bool)
    reasons: dict[int, Text] = {}
    if not any(relative):
        return Resolved(values, changed, reasons)
    result = values.astype(object)
    for at in np.flatnonzero(np.append(relative, False)[codes]).tolist():
        found = resolve_text(fold(different[codes[at]]), days_of(others.iloc[at]) or days)
        if isinstance(found, dt.datetime):
            result.iloc[at] = found.isoformat(sep=" ") if found.time() != dt.time() else found.date().isoformat()
            changed[at] = True
        elif found is not None:
            reasons[at] = found
    return Resolved(result, changed, reasons)


def days_of(values: Iterable[object]) -> set[dt.date]:
    """Days of the cells of a row that say when it was written."""
    found = set()
    for value in values:
        if isinstance(value, dt.date):
            found |= days_in([value])
        elif isinstance(value, str) and (moment := read_moment(fold(value))) is not None:
            found.add(moment.at.date())
    return found
