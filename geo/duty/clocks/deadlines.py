"""Computes deadlines, with the days and hours that count, those that do not, and the reasons.

Working days are counted in one of two ways, which a city has to choose:

``day_after_end``
    n working days end with the office hours of the n-th working day after the day of the start (次日起算). The default.
``work_hours_8``
    n working days are n times 8 working hours, from the minute of the start.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from geo.errors import InputError
from geo.incidents.limits import Calendar, Limit, Unit
from geo.texts import Text
from geo.wording import form

Reckoning = Literal["day_after_end", "work_hours_8"]

#: Hours of a working day if working days are counted in hours.
HOURS_OF_A_DAY = 8
#: Maximum number of days of a limit; limits in practice are shorter than a year.
MOST_DAYS = 1500

_NATURAL: tuple[Unit, ...] = ("emergency_hour", "calendar_day")
_UNITS = {
    "emergency_hour": Text("个紧急工作小时（连续计时）", "hours, running on"),
    "working_hour": Text("个工作小时", "working hours"),
    "working_day": Text("个工作日", "working days"),
    "calendar_day": Text("个自然日（连续计时）", "calendar days, running on"),
}
_WEEKDAYS = (
    Text("星期一", "Monday"),
    Text("星期二", "Tuesday"),
    Text("星期三", "Wednesday"),
    Text("星期四", "Thursday"),
    Text("星期五", "Friday"),
    Text("星期六", "Saturday"),
    Text("星期日", "Sunday"),
)


@dataclass(frozen=True)
class Segment:
    """A period between start and deadline: local day, local begin and end, whether it counts, and why."""

    day: dt.date
    start: dt.datetime
    end: dt.datetime
    counted: bool
    why: Text


@dataclass(frozen=True)
class Deadline:
    """A due time with its derivation.

    Attributes
    ----------
    due
        Timezone-aware, UTC.
    provisional
        Whether a day before it lies in a year whose public holidays are not announced.
    segments
        The days or periods from start to deadline, in order, without gaps between days.
    start, limit, calendar_version
        Its inputs.
    """

    due: dt.datetime
    provisional: bool
    segments: tuple[Segment, ...]
    start: dt.datetime
    limit: Limit
    calendar_version: str

    def explanation(self) -> tuple[Text, ...]:
        """Derivation of the deadline, one line per period."""
        zone = self.segments[0].start.tzinfo if self.segments else dt.UTC
        first = Text(
            f"自{_clock(self.start.astimezone(zone))}起{words(self.limit).zh}",
            f"{words(self.limit).en} from {_clock(self.start.astimezone(zone))}",
        )
        lines = [_line(segment) for segment in self.segments]
        due = _clock(self.due.astimezone(zone))
        last = Text(f"截止时间为{due}", f"so it is due at {due}")
        if self.provisional:
            last = Text(
                f"{last.zh}（暂定：涉及的年份尚未公布放假安排，公布后重算）",
                f"{last.en} (provisional: the holidays of a year on the way are not announced yet)",
            )
        return (first, *lines, last)


def words(limit: Limit) -> Text:
    """A limit in words.

    >>> words(Limit(5, "working_day")).zh
    '5个工作日'
    """
    unit = _UNITS[limit.unit]
    return Text(f"{limit.amount:g}{unit.zh}", f"{limit.amount:g} {unit.en}")


def deadline(
    start: dt.datetime, limit: Limit, calendar: Calendar, *, reckoning: Reckoning = "day_after_end"
) -> Deadline:
    """Compute the deadline of a limit that begins at a given time.

    Parameters
    ----------
    start
        Timezone-aware.
    limit
        The limit; working days are a whole number unless counted in hours.
    calendar
        Working days and office hours.
    reckoning
        Method of counting working days.

    Returns
    -------
    Deadline
        Cost: O(days from start to deadline), about 2 µs each.

    Raises
    ------
    InputError
        If the start is naive, or the limit is not above 0, not whole, or longer than about four years.

    Examples
    --------
    Five working days over the National Day of 2026, with the Saturday worked for it:

    >>> zone = dt.timezone(dt.timedelta(hours=8))
    >>> found = deadline(dt.datetime(2026, 9, 30, 10, tzinfo=zone), Limit(5, "working_day"), Calendar.china())
    >>> found.due.astimezone(zone).isoformat(), found.provisional
    ('2026-10-13T18:00:00+08:00', False)
    >>> print(found.segments[-4].day, found.segments[-4].why.en)
    2026-10-10 working day 3 of 5, worked for a holiday (国庆节调休上班)
    """
    if start.tzinfo is None:
        raise InputError(f"the time {start} has no zone; give one")
    if not limit.amount > 0:
        raise InputError(f"a limit of {limit.amount:g} is not above 0")
    local = start.astimezone(calendar.zone)
    if limit.unit in _NATURAL:
        segments = _running_on(local, limit)
    elif limit.unit == "working_day" and reckoning == "day_after_end":
        segments = _working_days(local, limit, calendar)
    else:
        hours = limit.amount * (HOURS_OF_A_DAY if limit.unit == "working_day" else 1)
        segments = _working_hours(local, hours, calendar)
    due = segments[-1].end.astimezone(dt.UTC)
    provisional = limit.unit not in _NATURAL and any(not calendar.announced(s.day.year) for s in segments)
    return Deadline(due, provisional, tuple(segments), start.astimezone(dt.UTC), limit, calendar.version)


def after_pause(
    run: tuple[dt.datetime | None, Limit], paused_at: dt.datetime, resumed_at: dt.datetime, calendar: Calendar
) -> dt.datetime | None:
    """Due time of a limit after a pause: the remaining time before the pause remains after it.

    Parameters
    ----------
    run
        Due time before the pause, and the limit (its unit says what is counted).
    paused_at, resumed_at
        Begin and end of the pause.
    calendar
        Working days and office hours.

    Returns
    -------
    datetime or None
        None if there was no due time; the old due time if it had passed before the pause.
    """
    due, limit = run
    if due is None or paused_at >= due:
        return due
    if limit.unit in _NATURAL:
        return due + (resumed_at - paused_at)
    closing = due.astimezone(calendar.zone)
    if limit.unit == "working_day" and closing.time() == calendar.hours_on(closing.date())[-1][1]:
        left = sum(calendar.working(day) for day in _days_between(paused_at, due, calendar))
        if left:
            return deadline(resumed_at, Limit(left, "working_day"), calendar).due
        return _end_of_duty(resumed_at, calendar)
    left_s = work_seconds(paused_at, due, calendar)
    if not left_s:
        return _end_of_duty(resumed_at, calendar)
    return _working_hours(resumed_at.astimezone(calendar.zone), left_s / 3600, calendar)[-1].end.astimezone(dt.UTC)


def work_seconds(start: dt.datetime, end: dt.datetime, calendar: Calendar) -> float:
    """Office hours between two times, in seconds."""
    total = 0.0
    first, last = (moment.astimezone(calendar.zone) for moment in (start, end))
    for day in _days_from(first.date(), (last.date() - first.date()).days + 1):
        for begin, until in _office_spans(day, calendar):
            total += max(0.0, (min(until, last) - max(begin, first)).total_seconds())
    return total


def _running_on(local: dt.datetime, limit: Limit) -> list[Segment]:
    hours = limit.amount * (24 if limit.unit == "calendar_day" else 1)
    end = (local.astimezone(dt.UTC) + dt.timedelta(hours=hours)).astimezone(local.tzinfo)
    return [
        Segment(
            local.date(), local, end, True, Text("连续计时，夜间和节假日不停", "runs on through nights and holidays")
        )
    ]


def _working_days(local: dt.datetime, limit: Limit, calendar: Calendar) -> list[Segment]:
    wanted = int(limit.amount)
    if wanted != limit.amount:
        raise InputError(f"{limit.amount:g} working days: a whole number, at least 1, is expected")
    segments = [
        Segment(
            local.date(),
            local,
            _midnight(local.date() + dt.timedelta(days=1), calendar),
            False,
            Text("起始当日不计，次日起算", "the day of the start; counting begins the day after"),
        )
    ]
    done = 0
    for day in _days_from(local.date() + dt.timedelta(days=1), MOST_DAYS):
        start = _midnight(day, calendar)
        if not calendar.working(day):
            segments.append(
                Segment(day, start, _midnight(day + dt.timedelta(days=1), calendar), False, why_rest(day, calendar))
            )
            continue
        done += 1
        why = Text(f"第{done}个工作日，共{wanted}个", f"working day {done} of {wanted}")
        if day.weekday() >= 5:
            name = calendar.names.get(day, "")
            label = f"（{name}）" if name else ""
            why = Text(f"{why.zh}，调休上班{label}", f"{why.en}, worked for a holiday{f' ({name})' if name else ''}")
        if done == wanted:
            segments.append(Segment(day, start, _at(day, calendar.hours_on(day)[-1][1], calendar), True, why))
            return segments
        segments.append(Segment(day, start, _midnight(day + dt.timedelta(days=1), calendar), True, why))
    raise InputError(
        f"{limit.amount:g} working {form(limit.amount, 'day is', 'days are')} not over after {MOST_DAYS} days; "
        "give a shorter limit"
    )


def _working_hours(local: dt.datetime, hours: float, calendar: Calendar) -> list[Segment]:
    left = dt.timedelta(hours=hours)
    segments: list[Segment] = []
    office = Text("办公时间", "office hours")
    for day in _days_from(local.date(), MOST_DAYS):
        if not calendar.working(day):
            start = max(_midnight(day, calendar), local)
            segments.append(
                Segment(day, start, _midnight(day + dt.timedelta(days=1), calendar), False, why_rest(day, calendar))
            )
            continue
        for begin, until in _office_spans(day, calendar):
            start = max(begin, local)
            if start >= until:
                continue
            span = min(until - start, left)
            left -= span
            segments.append(Segment(day, start, start + span, True, office))
            if not left:
                return segments
    raise InputError(
        f"{hours:g} working {form(hours, 'hour is', 'hours are')} not over after {MOST_DAYS} days; give a shorter limit"
    )


def why_rest(day: dt.date, calendar: Calendar) -> Text:
    """Reason why a day is not a working day."""
    name = calendar.names.get(day, "")
    if day in calendar.days:
        return Text(f"法定节假日{f'（{name}）' if name else ''}", f"public holiday{f' ({name})' if name else ''}")
    return Text("周末", "weekend")


def _line(segment: Segment) -> Text:
    weekday = _WEEKDAYS[segment.day.weekday()]
    counts = Text("计入", "counts") if segment.counted else Text("不计", "does not count")
    return Text(
        f"{_span(segment)}　{weekday.zh}　{counts.zh}：{segment.why.zh}",
        f"{_span(segment)} {weekday.en}: {counts.en}, {segment.why.en}",
    )


def _end_of_duty(moment: dt.datetime, calendar: Calendar) -> dt.datetime:
    """End of the office hours of a day if they are not over, else of the next working day."""
    local = moment.astimezone(calendar.zone)
    for day in _days_from(local.date(), MOST_DAYS):
        end = _at(day, calendar.hours_on(day)[-1][1], calendar)
        if calendar.working(day) and end >= local:
            return end.astimezone(dt.UTC)
    raise InputError(f"the calendar has no working day within {MOST_DAYS} days of {local.date()}")


def _days_between(start: dt.datetime, end: dt.datetime, calendar: Calendar) -> Iterator[dt.date]:
    """Days after that of the start up to that of the end."""
    first, last = (moment.astimezone(calendar.zone).date() for moment in (start, end))
    return _days_from(first + dt.timedelta(days=1), (last - first).days)


def _days_from(first: dt.date, count: int) -> Iterator[dt.date]:
    return (first + dt.timedelta(days=k) for k in range(count))


def _office_spans(day: dt.date, calendar: Calendar) -> list[tuple[dt.datetime, dt.datetime]]:
    if not calendar.working(day):
        return []
    return [(_at(day, begin, calendar), _at(day, until, calendar)) for begin, until in calendar.hours_on(day)]


def _midnight(day: dt.date, calendar: Calendar) -> dt.datetime:
    return _at(day, dt.time(), calendar)


def _at(day: dt.date, time: dt.time, calendar: Calendar) -> dt.datetime:
    return dt.datetime.combine(day, time, calendar.zone)


def _clock(moment: dt.datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _span(segment: Segment) -> str:
    if segment.start.date() == segment.end.date():
        return f"{segment.day} {segment.start:%H:%M}-{segment.end:%H:%M}"
    if segment.end - segment.start <= dt.timedelta(days=1):
        return f"{segment.day} {segment.start:%H:%M}-24:00"
    return f"{_clock(segment.start)} - {_clock(segment.end)}"
