"""Duty posts (值班点): places of the street office and of community stations, and the hours in which they must be staffed."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from geo.duty.rosters.shifts import required_hours
from geo.errors import InputError
from geo.tables.clock_texts import fold
from geo.texts import Text

Hours = tuple[dt.time, dt.time]

#: Days on which a post must be staffed.
DAYS: Mapping[str, Text] = {
    "every": Text("每日", "every day"),
    "working": Text("工作日", "working days"),
    "resting": Text("休息日和节假日", "rest days and holidays"),
}
_SPAN = re.compile(r"^(\d{1,2}):(\d{2})\s*[-—–~至]+\s*(?:次日)?(\d{1,2}):(\d{2})$")


@dataclass(frozen=True)
class DutyPost:
    """A place that must be staffed.

    Attributes
    ----------
    place
        Name, as used by the shifts.
    hours
        Start and end of each part of a day; an end not after its start is on the next day.
    cell
        Code of the community to which the station belongs; empty for an office of the street.
    days
        ``every``, ``working`` or ``resting`` days; the day on which a part starts decides.

    Examples
    --------
    >>> post = DutyPost("万寿村", read_hours("08:30-17:30、17:30-08:30"), days="resting")
    >>> [f"{start:%d %H:%M}—{end:%d %H:%M}" for _, start, end in spans_to_hold(
    ...     [post], dt.date(2026, 3, 6), dt.date(2026, 3, 7), working=lambda day: day.weekday() < 5, zone=dt.UTC)]
    ['07 08:30—07 17:30', '07 17:30—08 08:30']
    """

    place: str
    hours: tuple[Hours, ...]
    cell: str = ""
    days: str = "every"

    def __post_init__(self) -> None:
        if not self.place.strip():
            raise InputError("a duty post needs a name")
        if not self.hours:
            raise InputError(f"duty post '{self.place}': say in which hours it is held, as 08:30-17:30")
        if self.days not in DAYS:
            raise InputError(f"duty post '{self.place}': '{self.days}' are no days; use {', '.join(DAYS)}")

    @property
    def hours_text(self) -> str:
        """The hours in the format of :func:`read_hours`."""
        return "、".join(f"{start:%H:%M}-{end:%H:%M}" for start, end in self.hours)


def read_hours(text: str) -> tuple[Hours, ...]:
    """Parse hours such as ``08:30-17:30、17:30-次日08:30``.

    Raises
    ------
    InputError
        If a part is not a start and an end.

    >>> read_hours("8:30—12:00；14:00至17:30")[1]
    (datetime.time(14, 0), datetime.time(17, 30))
    """
    found = []
    joined = re.sub(r"\s*([-—–~至])\s*", r"\1", fold(text))
    for part in re.split(r"[、,;\s]+", joined.strip("、,; ")):
        match = _SPAN.match(part)
        try:
            if match is None:
                raise ValueError(part)
            first, minute, last, other = (int(number) for number in match.groups())
            # 24:00 is the end of the day.
            found.append((dt.time(first, minute), dt.time(0 if (last, other) == (24, 0) else last, other)))
        except ValueError as error:
            raise InputError(f"'{part[:40]}' are no hours; write them as 08:30-17:30") from error
    return tuple(found)


def spans_to_hold(
    posts: Iterable[DutyPost],
    first: dt.date,
    last: dt.date,
    *,
    working: Callable[[dt.date], bool],
    zone: dt.tzinfo,
) -> list[tuple[str, dt.datetime, dt.datetime]]:
    """Place, start and end of each period to be staffed from `first` to `last`, both included.

    Parameters
    ----------
    working
        Whether a day is a working day, see :meth:`geo.incidents.Calendar.working`.
    zone
        Time zone of days and hours.
    """
    wanted = {"every": (True, False), "working": (True,), "resting": (False,)}
    days = [first + dt.timedelta(days=k) for k in range((last - first).days + 1)]
    return [
        span
        for post in posts
        for span in required_hours(
            [post.place], [day for day in days if working(day) in wanted[post.days]], post.hours, zone
        )
    ]
