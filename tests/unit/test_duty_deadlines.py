"""Deadlines, their explanation, and the calendar, compared with an independent one."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import chinese_calendar
import numpy as np
import pandas as pd
import pytest

from geo.duty import deadline
from geo.duty.clocks.deadlines import after_pause, work_seconds
from geo.errors import InputError
from geo.incidents import Calendar, Limit

CHINA = Calendar.china()
ZONE = ZoneInfo("Asia/Shanghai")
LAST = dt.date(2026, 12, 31)


def at(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=ZONE)


def said(moment: dt.datetime | None) -> str:
    assert moment is not None
    return f"{moment.astimezone(ZONE):%Y-%m-%d %H:%M}"


def days(first: dt.date, last: dt.date) -> list[dt.date]:
    return [first + dt.timedelta(days=k) for k in range((last - first).days + 1)]


def test_every_day_of_three_years_agrees_with_an_independent_calendar() -> None:
    for day in days(dt.date(2024, 1, 1), LAST):
        assert CHINA.working(day) == chinese_calendar.is_workday(day), day


def test_every_deadline_of_five_working_days_from_2024_to_2026() -> None:
    plain_wrong = {2024: 0, 2025: 0, 2026: 0}
    for day in days(dt.date(2024, 1, 1), LAST):
        found = deadline(dt.datetime.combine(day, dt.time(10, 30), ZONE), Limit(5, "working_day"), CHINA)
        expected, left, known = day, 5, True
        while left:
            expected += dt.timedelta(days=1)
            known &= expected <= LAST
            left -= chinese_calendar.is_workday(expected) if expected <= LAST else expected.weekday() < 5
        assert said(found.due) == f"{expected} 18:00", day
        assert found.provisional == (not known), day
        plain = np.busday_offset(np.datetime64(day) + 1, 4, roll="forward")
        plain_wrong[day.year] += known and plain != np.datetime64(expected)
    # A plain Monday-to-Friday calendar is wrong for about one in five.
    assert 0.18 < plain_wrong[2026] / 360 < 0.24


@pytest.mark.parametrize(
    ("limit", "reckoning"),
    [
        ("1工作日", "day_after_end"),
        ("5工作日", "day_after_end"),
        ("15工作日", "day_after_end"),
        ("4工作时", "day_after_end"),
        ("23工作时", "day_after_end"),
        ("2紧急工作时", "day_after_end"),
        ("3天", "day_after_end"),
    ],
)
def test_one_deadline_equals_the_column_of_them(limit: str, reckoning: str) -> None:
    rng = np.random.default_rng(19)
    minutes = rng.integers(0, 3 * 365 * 1440, 300)
    starts = [dt.datetime(2024, 1, 1, tzinfo=ZONE) + dt.timedelta(minutes=int(m)) for m in minutes]
    each = [deadline(start, Limit.parse(limit), CHINA) for start in starts]
    column = CHINA.due(pd.Series(pd.to_datetime(starts, utc=True)), Limit.parse(limit))
    assert [found.due for found in each] == list(column)
    for start, found in zip(starts, each, strict=True):
        assert found.segments[0].start >= start
        assert all(one.end <= two.start for one, two in zip(found.segments, found.segments[1:], strict=False))


def test_eight_hours_a_day_are_another_reckoning() -> None:
    start = at("2026-09-30 15:00")
    assert said(deadline(start, Limit(1, "working_day"), CHINA).due) == "2026-10-08 18:00"
    assert said(deadline(start, Limit(1, "working_day"), CHINA, reckoning="work_hours_8").due) == "2026-10-08 15:00"
    assert said(deadline(start, Limit(0.5, "working_day"), CHINA, reckoning="work_hours_8").due) == "2026-10-08 09:00"


def test_the_explanation_names_each_day_and_why() -> None:
    found = deadline(at("2026-09-30 10:00"), Limit(2, "working_day"), CHINA)
    lines = [text.zh for text in found.explanation()]
    assert lines[0] == "自2026-09-30 10:00起2个工作日"
    assert lines[1] == "2026-09-30 10:00-24:00　星期三　不计：起始当日不计，次日起算"
    assert lines[2] == "2026-10-01 00:00-24:00　星期四　不计：法定节假日（国庆节）"
    assert lines[-2] == "2026-10-09 00:00-18:00　星期五　计入：第2个工作日，共2个"
    assert lines[-1] == "截止时间为2026-10-09 18:00"
    late = deadline(at("2026-12-30 10:00"), Limit(3, "working_day"), CHINA)
    assert not deadline(at("2026-12-31 23:00"), Limit(2, "emergency_hour"), CHINA).provisional
    assert not deadline(at("2027-01-05 09:00"), Limit(3, "calendar_day"), CHINA).provisional, (
        "holidays do not matter to it"
    )
    assert "provisional" in late.explanation()[-1].en
    saturday = deadline(at("2026-10-09 10:00"), Limit(1, "working_day"), CHINA)
    assert saturday.explanation()[-2].en.endswith("worked for a holiday (国庆节调休上班)")


@pytest.mark.parametrize(
    ("unit", "paused", "resumed", "due"),
    [
        # Five days from Monday 2 March are due on Monday 9.
        ("working_day", "2026-03-04 09:00", "2026-03-04 17:00", "2026-03-09 18:00"),
        ("working_day", "2026-03-04 09:00", "2026-03-11 09:00", "2026-03-16 18:00"),
        ("working_day", "2026-03-09 09:00", "2026-03-11 09:00", "2026-03-11 18:00"),
        ("working_day", "2026-03-09 09:00", "2026-03-14 09:00", "2026-03-16 18:00"),
        ("working_day", "2026-03-10 09:00", "2026-03-14 09:00", "2026-03-09 18:00"),
        # On the last day nothing but its rest is left; a pause that begins at the due time changes nothing.
        ("working_day", "2026-03-09 09:00", "2026-03-11 18:00", "2026-03-11 18:00"),
        ("working_day", "2026-03-09 18:00", "2026-03-11 09:00", "2026-03-09 18:00"),
        ("working_hour", "2026-03-02 10:00", "2026-03-03 10:00", "2026-03-03 12:00"),
        ("emergency_hour", "2026-03-02 10:00", "2026-03-07 10:00", "2026-03-07 13:00"),
    ],
)
def test_what_was_left_is_left_after_a_pause(unit: str, paused: str, resumed: str, due: str) -> None:
    limit = Limit({"working_day": 5, "working_hour": 3, "emergency_hour": 4}[unit], unit)  # type: ignore[arg-type]
    before = deadline(at("2026-03-02 09:00"), limit, CHINA).due
    assert said(after_pause((before, limit), at(paused), at(resumed), CHINA)) == due


def test_adding_and_measuring_working_time_are_inverse() -> None:
    rng = np.random.default_rng(4)
    for _ in range(200):
        start = dt.datetime(2026, 1, 1, tzinfo=ZONE) + dt.timedelta(minutes=int(rng.integers(0, 300 * 1440)))
        hours = int(rng.integers(1, 40))
        due = deadline(start, Limit(hours, "working_hour"), CHINA).due
        assert work_seconds(start, due, CHINA) == hours * 3600


@pytest.mark.parametrize("amount", [0, -1, 1.5, 5000])
def test_limits_that_cannot_be(amount: float) -> None:
    with pytest.raises(InputError):
        deadline(at("2026-03-02 09:00"), Limit(amount, "working_day"), CHINA)
    if amount <= 0:
        with pytest.raises(InputError, match="not above 0"):
            deadline(at("2026-03-02 09:00"), Limit(amount, "working_hour"), CHINA)


def test_a_naive_start_is_refused() -> None:
    with pytest.raises(InputError, match="no zone"):
        deadline(dt.datetime(2026, 3, 2), Limit(1, "working_day"), CHINA)


def test_office_hours_that_are_over_are_no_segment() -> None:
    """At the end of the morning the hours begin in the afternoon."""
    ends = {one.end for one in deadline(at("2026-03-02 08:00"), Limit(9, "working_hour"), CHINA).segments}
    for end in sorted(ends):
        segments = deadline(end, Limit(2, "working_hour"), CHINA).segments
        assert all(one.start < one.end for one in segments)
