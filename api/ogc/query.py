"""Strict parsing of query parameters; errors contain the position."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from api.errors import QueryError
from api.ogc.coordinate_systems import Crs
from api.ogc.properties import Property

Box = tuple[float, float, float, float]

#: Maximum number of parameters, and maximum `offset`.
MOST_PARAMETERS, MOST_OFFSET = 100, 2**31 - 1
_EARLIEST, _LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)


@dataclass(frozen=True)
class Interval:
    """Closed interval from `start` to `end`, timezone-aware; None for an open end."""

    start: datetime | None
    end: datetime | None

    def holds(self, moment: datetime) -> bool:
        """Whether an instant lies in the interval."""
        return (self.start is None or moment >= self.start) and (self.end is None or moment <= self.end)


def parameters(query: bytes, known: Collection[str]) -> dict[str, str]:
    """Parameters of a request by name.

    Raises
    ------
    QueryError
        If a parameter is unknown or repeated, a value contains a control character, or there are too many.
    """
    try:
        pairs = parse_qsl(
            query.decode("ascii", "replace"), keep_blank_values=True, max_num_fields=MOST_PARAMETERS, errors="strict"
        )
    except UnicodeDecodeError as error:
        raise QueryError(
            f"the query is not UTF-8 (byte {error.start} of a value)", parameter="", position=error.start
        ) from error
    except ValueError as error:
        raise QueryError(f"the query has over {MOST_PARAMETERS} parameters", parameter="") from error
    found: dict[str, str] = {}
    for name, value in pairs:
        if name not in known:
            raise QueryError(
                f"unknown parameter '{name[:80]}'; known are {', '.join(sorted(known))}", parameter=name[:80]
            )
        if name in found:
            raise QueryError(f"{name}: is given twice", parameter=name)
        bad = next((k for k, letter in enumerate(value) if letter < " " or letter == "\x7f"), None)
        if bad is not None:
            raise QueryError(f"{name}: control character at position {bad}", parameter=name, position=bad)
        found[name] = value
    return found


def integer_of(text: str, parameter: str, *, least: int, most: int | None = None) -> int:
    """Integer value of a parameter.

    Raises
    ------
    QueryError
        If it is not an integer, or out of range.
    """
    span = f"from {least} to {most:,}" if most is not None else f"of at least {least}"
    if not (text.isascii() and text.isdecimal()):
        bad = next((k for k, letter in enumerate(text) if not "0" <= letter <= "9"), 0)
        raise QueryError(f"{parameter}: '{text[:40]}' is not a whole number {span}", parameter=parameter, position=bad)
    number = int(text[:40])
    if number < least or (most is not None and number > most):
        raise QueryError(f"{parameter}: {text[:40]} is not a whole number {span}", parameter=parameter, position=0)
    return number


def boxes(text: str, crs: Crs) -> list[Box]:
    """Boxes of a ``bbox`` parameter, x first; two if it crosses the antimeridian.

    Six numbers are a box with heights, which are ignored: no feature has a height.

    Raises
    ------
    QueryError
        If there are not four or six finite numbers, or a lower bound is above its upper bound.
    """
    numbers = _numbers(text)
    if len(numbers) == 6:
        numbers = [*numbers[:2], *numbers[3:5]]
    low_x, low_y, high_x, high_y = numbers if not crs.swapped else [numbers[k] for k in (1, 0, 3, 2)]
    if low_y > high_y or (low_x > high_x and crs.metric):
        raise QueryError("bbox: the lower bound of an axis is above its upper bound", parameter="bbox", position=0)
    if not crs.metric and (max(abs(low_y), abs(high_y)) > 90 or max(abs(low_x), abs(high_x)) > 180):
        order = "latitude, longitude" if crs.swapped else "longitude, latitude"
        raise QueryError(f"bbox: out of range; the order of axes is {order}", parameter="bbox", position=0)
    if low_x > high_x:
        return [(low_x, low_y, 180.0, high_y), (-180.0, low_y, high_x, high_y)]
    return [(low_x, low_y, high_x, high_y)]


def _numbers(text: str) -> list[float]:
    numbers, position = [], 0
    for part in text.split(","):
        try:
            number = float(part) if part.strip("+-.0123456789eE ") == "" else math.nan
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise QueryError(
                f"bbox: '{part[:40]}' at position {position} is not a number", parameter="bbox", position=position
            )
        numbers.append(number)
        position += len(part) + 1
    if len(numbers) not in (4, 6):
        raise QueryError(f"bbox: 4 or 6 numbers are expected, not {len(numbers)}", parameter="bbox", position=0)
    return numbers


def interval(text: str, zone: ZoneInfo, parameter: str = "datetime") -> Interval:
    """Interval of a ``datetime`` parameter: a date, an instant, or two of them separated by a slash, ``..`` or empty if open.

    A date is the whole local day.

    Raises
    ------
    QueryError
        If it cannot be parsed, or ends before it starts.
    """
    first, slash, last = text.partition("/")
    if not slash:
        if first in ("", ".."):
            raise QueryError(f"{parameter}: a day or a time is expected", parameter=parameter, position=0)
        return _moment(first, zone, parameter, 0)
    start = None if first in ("", "..") else _moment(first, zone, parameter, 0).start
    end = None if last in ("", "..") else _moment(last, zone, parameter, len(first) + 1).end
    if start is not None and end is not None and start > end:
        raise QueryError(
            f"{parameter}: the interval ends before it starts", parameter=parameter, position=len(first) + 1
        )
    return Interval(start, end)


def day_text(text: str) -> date | None:
    """Parse ``YYYY-MM-DD``; None if invalid."""
    try:
        return date.fromisoformat(text) if len(text) == 10 and text.isascii() else None
    except ValueError:
        return None


def instant(text: str) -> datetime | None:
    """Parse an RFC 3339 time with zone; None if invalid."""
    if len(text) < 20 or not text.isascii() or text[10] not in "Tt":
        return None
    try:
        moment = datetime.fromisoformat(text.upper())
    except ValueError:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None and _EARLIEST <= moment <= _LATEST else None


def local_day(day: date, zone: ZoneInfo) -> Interval:
    """A local day as a closed interval that ends a microsecond before the next day."""
    if not _EARLIEST.date() <= day <= _LATEST.date():
        return Interval(_EARLIEST, _EARLIEST)
    start = datetime.combine(day, time(), zone)
    end = datetime.combine(day + timedelta(days=1), time(), zone) - timedelta(microseconds=1)
    return Interval(start.astimezone(UTC), end.astimezone(UTC))


def _moment(text: str, zone: ZoneInfo, parameter: str, position: int) -> Interval:
    day = day_text(text)
    if day is not None:
        return local_day(day, zone)
    moment = instant(text)
    if moment is None:
        raise QueryError(
            f"{parameter}: '{text[:40]}' at position {position} is no day (2026-03-02) and no time with a zone "
            "(2026-03-02T08:00:00+08:00)",
            parameter=parameter,
            position=position,
        )
    return Interval(moment, moment)


def equal_value(entry: Property, text: str) -> Any:
    """Value of a property's query parameter, converted for comparison.

    Raises
    ------
    QueryError
        If the text is not a value of the property's kind.
    """
    if entry.kind == "string":
        return text
    if entry.kind in ("integer", "number"):
        try:
            number = float(text) if text.strip("+-.0123456789eE") == "" else math.nan
        except ValueError:
            number = math.nan
        if math.isfinite(number):
            return number
    elif entry.kind == "boolean":
        if text in ("true", "false"):
            return text == "true"
    elif entry.kind == "date":
        if (day := day_text(text)) is not None:
            return day
    elif (moment := instant(text)) is not None:
        return moment
    raise QueryError(f"{entry.name}: '{text[:40]}' is no {entry.kind}", parameter=entry.name, position=0)


def among(names: Iterable[str], text: str, parameter: str) -> str:
    """A value out of a list of allowed names.

    Raises
    ------
    QueryError
        If it is not in the list.
    """
    known = list(names)
    if text not in known:
        raise QueryError(
            f"{parameter}: '{text[:40]}' is not one of {', '.join(known)}", parameter=parameter, position=0
        )
    return text
