"""Times that are relative to the day of a table."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from geo.tables.clock_texts import fold
from geo.tables.relative_times import days_in, is_relative, resolve_relative, resolve_text
from geo.texts import Text

DAY = dt.date(2026, 3, 2)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("昨天", "2026-03-01 00:00"),
        ("昨天下午3点", "2026-03-01 15:00"),
        ("昨日 15：20", "2026-03-01 15:20"),
        ("昨晚8点半", "2026-03-01 20:30"),
        ("昨夜", "2026-03-01 00:00"),
        ("昨上午", "2026-03-01 00:00"),
        ("今天", "2026-03-02 00:00"),
        ("今早7:50", "2026-03-02 07:50"),
        ("今晨5点", "2026-03-02 05:00"),
        ("刚才", "2026-03-02 00:00"),
        ("上午", "2026-03-02 00:00"),
        ("上午9时30分", "2026-03-02 09:30"),
        ("14:30", "2026-03-02 14:30"),
        ("前天中午12点", "2026-02-28 12:00"),
        ("大前天", "2026-02-27 00:00"),
        ("三天前", "2026-02-27 00:00"),
        ("10 天前", "2026-02-20 00:00"),
        ("2月28日 14:30", "2026-02-28 14:30"),
        ("12月31号", "2025-12-31 00:00"),
        ("yesterday 3:20 pm", "2026-03-01 15:20"),
    ],
)
def test_a_relative_time_is_resolved_on_the_one_day_of_its_table(text: str, at: str) -> None:
    assert resolve_text(fold(text), {DAY}) == dt.datetime.fromisoformat(at)
    for days in (set(), {DAY, dt.date(2026, 3, 3)}):
        assert isinstance(resolve_text(fold(text), days), Text)


@pytest.mark.parametrize(
    "text", ["前几天", "上周三", "周三", "近日", "当天", "两小时前", "2月30日", "月初", "last week"]
)
def test_a_time_that_is_no_certain_day_is_told(text: str) -> None:
    told = resolve_text(text, {DAY})
    assert isinstance(told, Text)
    assert text in told.zh
    assert text in told.en


@pytest.mark.parametrize(
    "text", ["", "2026-03-01", "1430", "5", "路灯不亮", "昨", "今年", "天前", "46086.5", "soon", "昨天来过"]
)
def test_other_texts_are_left_alone(text: str) -> None:
    assert resolve_text(text, {DAY}) is None or text == "今年"
    assert not is_relative(text) or text == "今年"


def test_the_day_on_which_a_row_was_written_comes_first() -> None:
    given = pd.Series(["昨天", "昨天", "2026-03-05", None, "昨天"])
    others = pd.DataFrame(
        {"登记时间": ["2026-02-11 08:00", None, None, None, "2026-02-11"], "录入日期": [None] * 4 + ["2月"]}
    )
    made = resolve_relative(given, {DAY}, others)
    assert made.values.dropna().tolist() == ["2026-02-10", "2026-03-01", "2026-03-05", "2026-02-10"]
    assert made.changed.tolist() == [True, True, False, False, True]
    assert given.tolist()[0] == "昨天"
    assert resolve_relative(given, set(), others).reasons.keys() == {1}


def test_days_of_titles() -> None:
    assert days_in(["3月1日至3月7日", "周报20260230", "v2.0.26", None]) == set()
    assert days_in([dt.datetime(2026, 3, 2, 8), "2026.3.1—2026/3/7"]) == {DAY, dt.date(2026, 3, 1), dt.date(2026, 3, 7)}
