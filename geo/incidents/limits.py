"""Time limits of matters: emergency hours, working hours, working days and calendar days, with the public holidays of China.

The units are those used in urban management (处置时限):

紧急工作时, emergency hour
    Continues through nights and holidays, like 自然小时 and 小时; 紧急工作日 is 24 of them.
工作时, working hour
    Counts office hours of working days only.
工作日, working day
    Ends with the office hours of the n-th working day after the day of the incident, which is not counted.
自然日, 天, calendar day
    24 consecutive hours.

Each city decides the limits of its matters. The included table is the example of one city (运城), to be replaced. The
calendar lists public holidays and weekends worked in exchange, as announced by the State Council each November for the
following year; it must be verified and extended every year. In a year that is not listed Monday to Friday count as working
days, and results that depend on such days are provisional (:meth:`Calendar.provisional`).
"""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.errors import ColumnError, FileError, InputError
from geo.incidents.catalogue import data_rows, plain
from geo.tables.encodings import decode

Unit = Literal["emergency_hour", "working_hour", "working_day", "calendar_day"]

# Longest first: 紧急工作时 contains 工作时.
_UNITS: tuple[tuple[str, Unit, float], ...] = (
    ("紧急工作时", "emergency_hour", 1.0),
    ("紧急工作小时", "emergency_hour", 1.0),
    ("紧急工作日", "emergency_hour", 24.0),
    ("自然小时", "emergency_hour", 1.0),
    ("工作小时", "working_hour", 1.0),
    ("工作时", "working_hour", 1.0),
    ("个工作日", "working_day", 1.0),
    ("工作日", "working_day", 1.0),
    ("自然日", "calendar_day", 1.0),
    ("个小时", "emergency_hour", 1.0),
    ("小时", "emergency_hour", 1.0),
    ("天", "calendar_day", 1.0),
    ("日", "calendar_day", 1.0),
)
_LIMIT = re.compile(r"^(\d+(?:\.\d+)?)(\D+)$")

#: Start and end of a part of the working day, local.
Hours = tuple[dt.time, dt.time]

#: Office hours, local: 8 to 12 and 14 to 18.
OFFICE_HOURS = ((dt.time(8), dt.time(12)), (dt.time(14), dt.time(18)))

_DAY_S = 86_400


@dataclass(frozen=True)
class Limit:
    """A time limit: an amount of a unit.

    >>> Limit.parse("2紧急工作时"), Limit.parse("4工作时").unit, Limit.parse("5天").amount
    (Limit(amount=2.0, unit='emergency_hour'), 'working_hour', 5.0)
    """

    amount: float
    unit: Unit

    @classmethod
    def parse(cls, text: str) -> Limit:
        """Parse a limit as written in tables.

        Raises
        ------
        InputError
            If it is not a number with a known unit.
        """
        found = _LIMIT.match(plain(text))
        if found:
            for name, unit, times in _UNITS:
                if found[2] == name:
                    return cls(float(found[1]) * times, unit)
        raise InputError(
            f"'{text}' is not a time limit; write a number and 紧急工作时, 工作时, 工作日 or 自然日, like 2紧急工作时"
        )


class Calendar:
    """Working days: weekdays except public holidays, and weekends worked in exchange.

    Parameters
    ----------
    days
        Public holidays (False) and working weekend days (True).
    office_hours
        Local start and end of each part of the working day, in order.
    hours_from
        Other office hours from given days on (summer and winter hours), in order of the days.
    names
        Names of the listed days.
    zone
        IANA name of the zone of days and hours.

    Attributes
    ----------
    version
        Eight hexadecimal digits that change with any day or hour of the calendar; stored with each deadline.
    years
        First and last listed year.
    """

    def __init__(
        self,
        days: Mapping[dt.date, bool],
        *,
        office_hours: Sequence[Hours] = OFFICE_HOURS,
        hours_from: Sequence[tuple[dt.date, Sequence[Hours]]] = (),
        names: Mapping[dt.date, str] | None = None,
        zone: str = "Asia/Shanghai",
    ) -> None:
        self.days = dict(days)
        self.office_hours = tuple(office_hours)
        self.hours_from = tuple((day, tuple(hours)) for day, hours in sorted(hours_from))
        self.names = dict(names or {})
        self.zone = ZoneInfo(zone)
        years = {day.year for day in self.days}
        if not years:
            raise InputError("the calendar lists no days; it needs the public holidays of each year")
        self.years = (min(years), max(years))
        self._announced = frozenset(years)
        facts = (sorted(self.days.items()), self.office_hours, self.hours_from, zone)
        self.version = hashlib.sha256(repr(facts).encode()).hexdigest()[:8]

    @classmethod
    def china(cls) -> Calendar:
        """The included calendar: 2024, 2025 and 2026, from the notices of the General Office of the State Council."""
        rows = {dt.date.fromisoformat(r["day"]): r for r in data_rows("holidays_cn.csv")}
        return cls(
            {day: row["kind"] == "workday" for day, row in rows.items()},
            names={day: row["name"] for day, row in rows.items()},
        )

    @classmethod
    def read(cls, path: str | os.PathLike[str]) -> Calendar:
        """Read a calendar: CSV with ``day`` (2026-10-01), ``kind`` (``holiday`` or ``workday``) and optionally ``name``.

        Raises
        ------
        FileError
            If the file is missing.
        ColumnError
            If a row cannot be read, or is contradicted by an earlier one.
        """
        path = Path(path)
        if not path.is_file():
            raise FileError(f"{path}: no such file")
        days: dict[dt.date, bool] = {}
        names: dict[dt.date, str] = {}
        text = decode(path.read_bytes(), path.name).text
        for number, row in enumerate(csv.DictReader(text.splitlines()), start=2):
            try:
                day = dt.date.fromisoformat((row.get("day") or "").strip())
                working = {"holiday": False, "workday": True}[(row.get("kind") or "").strip()]
            except (ValueError, KeyError) as error:
                raise ColumnError(
                    f"{path.name}: row {number} is no day like 2026-10-01 with the kind holiday or workday"
                ) from error
            if days.setdefault(day, working) is not working:
                raise ColumnError(
                    f"{path.name}: row {number} says that {day} is a {row['kind']}, an earlier row the opposite"
                )
            names[day] = (row.get("name") or "").strip()
        return cls(days, names=names)

    def working(self, day: dt.date) -> bool:
        """Whether a day is a working day."""
        return self.days.get(day, day.weekday() < 5)

    def announced(self, year: int) -> bool:
        """Whether the calendar lists the holidays of a year."""
        return year in self._announced

    def hours_on(self, day: dt.date) -> tuple[Hours, ...]:
        """Office hours of a day, whether it is a working day or not."""
        found = self.office_hours
        for since, hours in self.hours_from:
            if since <= day:
                found = hours
        return found

    def provisional(self, start: pd.Series[Any], due: pd.Series[Any]) -> pd.Series[bool]:
        """Whether deadlines depend on a year whose holidays are not listed, and so may change when they are announced.

        Parameters
        ----------
        start, due
            Aware times with one index; NaT gives False.
        """
        first, last = (times.dt.tz_convert(self.zone).dt.year for times in (start, due))
        unknown = [year for year in range(*_year_range(first, last)) if not self.announced(year)]
        found = pd.Series(False, index=start.index)
        for year in unknown:
            found |= (first <= year) & (last >= year)
        return found

    def due(self, reported_at: pd.Series[Any], limit: Limit) -> pd.Series[Any]:
        """End of a limit that starts with the incident.

        Parameters
        ----------
        reported_at
            Aware times; NaT gives NaT.
        limit
            The limit.

        Returns
        -------
        Series of datetime64[us, UTC]
            Same index.

        Notes
        -----
        In a year that is not listed Monday to Friday are working days; see :meth:`provisional`.
        """
        if limit.unit in ("emergency_hour", "calendar_day"):
            hours = limit.amount * (24 if limit.unit == "calendar_day" else 1)
            begin = reported_at.dt.tz_convert("UTC").dt.as_unit("us")
            return pd.Series(begin + pd.Timedelta(hours=hours))
        result = pd.Series(pd.NaT, index=reported_at.index, dtype="datetime64[us, UTC]")
        given = reported_at.dropna().dt.tz_convert(self.zone)
        if given.empty:
            return result
        # Twice the working days plus three weeks covers any sequence of holidays.
        reach = int(limit.amount * (2 if limit.unit == "working_day" else 0.3)) + 21
        first = given.min().date()
        days = [first + dt.timedelta(days=k) for k in range((given.max().date() - first).days + reach)]
        wall_s = _wall_s(given, first)
        ends_s = (
            self._days_on(wall_s, limit, days) if limit.unit == "working_day" else self._hours_on(wall_s, limit, days)
        )
        midnight = pd.Timestamp(first)
        local = pd.Series(midnight + pd.to_timedelta(ends_s, unit="s"), index=given.index).dt.as_unit("us")
        result.loc[given.index] = local.dt.tz_localize(self.zone, ambiguous="NaT", nonexistent="NaT").dt.tz_convert(
            "UTC"
        )
        return result

    def _days_on(self, wall_s: npt.NDArray[np.float64], limit: Limit, days: list[dt.date]) -> npt.NDArray[np.float64]:
        if limit.amount != int(limit.amount) or limit.amount < 1:
            raise InputError(f"{limit.amount:g} working days: a whole number, at least 1, is expected")
        working = np.flatnonzero([self.working(day) for day in days])
        today = (wall_s // _DAY_S).astype(int)
        due_day = working[np.searchsorted(working, today, side="right") + int(limit.amount) - 1]
        closing = np.array([_of_day_s(self.hours_on(day)[-1][1]) for day in days])
        return np.asarray(due_day * _DAY_S + closing[due_day], dtype=np.float64)

    def _hours_on(self, wall_s: npt.NDArray[np.float64], limit: Limit, days: list[dt.date]) -> npt.NDArray[np.float64]:
        """Follow the office hours: seconds worked up to the incident, plus the limit, converted back to clock time."""
        spans = [
            (k * _DAY_S + _of_day_s(a), k * _DAY_S + _of_day_s(b))
            for k, day in enumerate(days)
            if self.working(day)
            for a, b in self.hours_on(day)
        ]
        start, end = np.array(spans, dtype=float).reshape(-1, 2).T
        before = np.r_[0.0, np.cumsum(end - start)]
        span = np.searchsorted(end, wall_s, side="right")
        worked = before[span] + np.maximum(wall_s - start[np.minimum(span, len(start) - 1)], 0.0)
        goal = worked + limit.amount * 3600.0
        last = np.searchsorted(before, goal, side="left") - 1
        return np.asarray(start[last] + goal - before[last])


def time_limits(path: str | os.PathLike[str] | None = None) -> pd.DataFrame:
    """Table of time limits: `standard_ref, code, condition, limit, amount, unit`.

    Parameters
    ----------
    path
        CSV with `code` and `limit`, and optionally `standard_ref` and `condition`. By default the example of one city.

    Raises
    ------
    FileError, ColumnError, InputError
        If the file is missing, lacks a column, or contains an unreadable limit (named by its row).
    """
    if path is None:
        rows = data_rows("time_limits_example.csv")
    else:
        if not Path(path).is_file():
            raise FileError(f"{path}: no such file")
        rows = list(csv.DictReader(Path(path).read_text(encoding="utf-8-sig").splitlines()))
    if not rows or not {"code", "limit"} <= set(rows[0]):
        raise ColumnError(f"{path}: a table of time limits has the columns code and limit, and rows")
    table = []
    for number, row in enumerate(rows, start=2):
        try:
            limit = Limit.parse(row["limit"] or "")
        except InputError as error:
            raise InputError(f"time limits, row {number}: {error}") from error
        table.append(
            {
                "standard_ref": row.get("standard_ref") or None,
                "code": row["code"].strip(),
                "condition": row.get("condition") or "",
                "limit": row["limit"],
                "amount": limit.amount,
                "unit": limit.unit,
            }
        )
    return pd.DataFrame(table)


def due_times(incidents: pd.DataFrame, limits: pd.DataFrame, calendar: Calendar) -> pd.Series[Any]:
    """Deadline of each incident by its kind; NaT if its kind has no limit.

    Parameters
    ----------
    incidents
        Columns `reported_at`, `kind_code`, `standard_ref`.
    limits
        From :func:`time_limits`. If a kind has several conditions, the longest limit is used, because the condition is unknown.
    calendar
        Working days.

    Returns
    -------
    Series of datetime64[us, UTC]
        Same index.
    """
    result = pd.Series(pd.NaT, index=incidents.index, dtype="datetime64[us, UTC]")
    for (ref, code), rows in limits.groupby(["standard_ref", "code"], dropna=False):
        mine = incidents["kind_code"] == code
        if isinstance(ref, str):
            mine &= incidents["standard_ref"] == ref
        if mine.any():
            each = [calendar.due(incidents.loc[mine, "reported_at"], Limit.parse(text)) for text in rows["limit"]]
            result.loc[mine] = pd.concat(each, axis=1).max(axis=1)
    return result


def _year_range(first: pd.Series[int], last: pd.Series[int]) -> tuple[int, int]:
    low, high = first.min(), last.max()
    return (0, 0) if pd.isna(low) or pd.isna(high) else (int(low), int(high) + 1)


def _of_day_s(time: dt.time) -> int:
    return time.hour * 3600 + time.minute * 60 + time.second


def _wall_s(local: pd.Series[Any], first: dt.date) -> npt.NDArray[np.float64]:
    """Seconds of local clock time since midnight of `first`."""
    naive = local.dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    return np.asarray((naive - np.datetime64(first, "us")).astype(np.int64) / 1e6)
