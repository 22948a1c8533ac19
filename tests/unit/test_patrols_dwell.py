"""Times in cells under errors: places between fixes, variances, rides; and visits that follow each other, by hand."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.locate import GridIndex
from geo.patrols import REASONS, Rules
from geo.patrols.stays.dwell import Shares, Spans, _place, _spread, spans_of
from geo.patrols.stays.moments import hours
from geo.patrols.stays.place_masks import count_places
from geo.patrols.stays.spacing import space_visits
from geo.patrols.stays.sparse_rides import ridden_share
from geo.tracks.path import SECOND, Path

LEFT_HALF, ALL = np.uint64(2**32 - 1), np.uint64(2**64 - 1)
CELLS = GridIndex(
    gpd.GeoDataFrame(
        {"code": list("ABC")}, geometry=[shapely.box(300 * k, 0, 300 * k + 300, 300) for k in range(3)], crs=4549
    )
)


def path(t_s, x, y=150.0, stand=None, sigma=5.0):
    n = len(t_s)
    people = pd.DataFrame({"device": ["D1"], "officer": ["S1"]})
    zeros = np.zeros(n, dtype=np.int64)
    stands = zeros - 1 if stand is None else np.asarray(stand)
    times = (np.asarray(t_s) * SECOND).astype(np.int64)
    places = np.asarray(x, dtype=float), np.full(n, float(y))
    return Path(zeros, times, *places, np.full(n, sigma), stands, people, zeros > 0, zeros > 0)


def test_a_place_between_two_fixes_has_their_errors_and_that_of_a_detour():
    """A quarter of a minute: half the short axis of the ellipse of reachable places is 42 m, a third of it one deviation."""
    time, x = np.array([0, 60 * SECOND]), np.array([0.0, 40.0])
    sigma = np.array([10.0, 20.0])
    room_m2 = ((1.4 * 60) ** 2 - 40**2) / 4
    wander = 4 * 0.25 * 0.75 * room_m2 / 9
    spread2 = 0.75 * 100 + 0.25 * 400 + wander
    lasts_s = 1000 + (60 - 1000) * wander / spread2
    found = _place(time, x, np.zeros(2), sigma, 0, 1, 15 * SECOND, -1)
    assert found == pytest.approx((10.0, 0.0, np.sqrt(spread2), lasts_s))
    standing = _place(time, x, np.zeros(2), sigma, 0, 1, 15 * SECOND, 3)
    assert standing == pytest.approx((10.0, 0.0, np.sqrt(175.0), 1000.0))


@pytest.mark.parametrize(
    ("apart_s", "walked", "one", "two", "share"),
    [
        (600.0, 1.0, LEFT_HALF, LEFT_HALF, 0.5),
        (600.0, 1.0, LEFT_HALF, ALL ^ LEFT_HALF, 0.0),
        (600.0, 0.6, LEFT_HALF, LEFT_HALF, 0.3),
        (2_999.0, 1.0, LEFT_HALF, LEFT_HALF, 0.5),
        (3_001.0, 1.0, LEFT_HALF, LEFT_HALF, None),
    ],
)
def test_two_times_beside_one_border_are_inside_together_and_beside_two_in_turn(apart_s, walked, one, two, share):
    """Half a minute each, half of the places inside; an error lasts a thousand seconds, and nothing of it three times that."""
    chance = np.full(2, 0.5 * walked)
    zeros = np.zeros(2, dtype=np.int64)
    times = np.array([0.0, apart_s]), np.full(2, 1000.0), np.full(2, 30.0)
    found = _spread((zeros, zeros), times, (chance, np.full(2, walked)), np.array([one, two]))
    alone = 900 * chance[0] * (1 - chance[0])
    both = 0.0 if share is None else 900 * (share - chance[0] ** 2) * np.exp(-apart_s / 1000)
    assert found.tolist() == pytest.approx([alone + both] * 2)


def test_each_possible_place_has_a_bit_of_its_own():
    row, value, number, places = count_places(np.array([[7, 8, 7, -1]], dtype=np.int32))
    assert (row.tolist(), value.tolist(), number.tolist()) == ([0, 0, 0], [7, 8, -1], [2, 1, 1])
    assert places.tolist() == [0b0101, 0b0010, 0b1000]


def test_certain_times_are_in_doubt_by_their_crossings_and_are_not_sure():
    ones, zeros = np.ones(2), np.zeros(2)
    none, whole = np.zeros(2, dtype=bool), np.array([0, 1])
    start = np.array([0, 30 * SECOND])
    spans = Spans(
        *(whole, whole * 0, start, start + 30 * SECOND, zeros, zeros, ones, 1000 * ones, zeros, none, ones, none, none),
        np.array([0.0, 12.5]),
    )
    found = Shares(whole, whole * 0, ones, np.array([ALL, ALL])).times(spans, 4.0)
    assert found.likely_s.tolist() == [30.0, 30.0]
    assert found.spread_s2.tolist() == [0.0, 12.5]
    assert found.sure_s.tolist() == [30.0, 0.0]


@pytest.mark.parametrize(
    ("x", "lasts_s", "here", "ridden"),
    [
        ((20, 188), 120.0, 0, 0.0),  # 168 m within a cell, at a walker's pace
        ((20, 278), 120.0, 0, 6 * (2.15 - 1.4) / (2.15 * 4.6) * (1 - 2.15 / 6)),
        ((20, 278), 60.0, 0, 6 * (4.3 - 1.4) / (4.3 * 4.6) * (1 - 4.3 / 6) / 2),
        ((150, 750), 60.0, 1, 0.9),  # through the cell between those of the fixes
        ((150, 750), 60.0, 0, 0.0),  # faster than a ride: no part of the time was waited or walked
        ((150, 750), 29.0, 1, 0.0),  # a short step
    ],
)
def test_what_of_a_step_was_ridden(x, lasts_s, here, ridden):
    """A step of mean speed v, ridden at 6 m/s and walked at 1.4 m/s inside a cell, in full from two minutes on."""
    way = path([0, lasts_s], x)
    found = ridden_share(way, np.array([0]), np.array([1]), np.array([here], dtype=np.int32), CELLS)
    assert found.tolist() == pytest.approx([ridden])


def test_a_stand_is_one_span_without_a_pace_and_a_walk_one_for_each_half_minute():
    t = np.arange(0, 301, 10.0)
    runs = np.array([0]), np.array([0]), np.array([300 * SECOND])
    pace, fast = np.full(30, 9.0), np.ones(30, dtype=bool)
    stood = spans_of(path(t, 100 + 0 * t, stand=np.zeros(31, dtype=np.int64)), pace, fast, runs, CELLS)
    assert (stood.start.tolist(), stood.end.tolist()) == ([0], [300 * SECOND])
    assert (stood.pace_m_s.tolist(), stood.fast.tolist()) == ([0.0], [False])
    walked = spans_of(path(t, 100 + t / 10), pace, fast, runs, CELLS)
    assert np.diff(np.r_[walked.start, walked.end[-1]]).tolist() == [30 * SECOND] * 10
    assert set(walked.pace_m_s.tolist()) == {9.0}
    assert walked.fast.all()


# -- visits that follow each other ---------------------------------------------------------------------------------------

NINE = pd.Timestamp("2026-11-23T01:00:00Z").as_unit("us")


def reasons(*stays):
    """Reasons of stays given as device, start and end in seconds, and earliest start in seconds."""
    rows = [
        {
            "code": "A",
            "device": device,
            "officer": "S",
            "day": dt.date(2026, 11, 23),
            "start": NINE + pd.Timedelta(seconds=start),
            "end": NINE + pd.Timedelta(seconds=end),
            "earliest": NINE + pd.Timedelta(seconds=earliest),
            "latest": NINE + pd.Timedelta(seconds=end),
        }
        for device, start, end, earliest in stays
    ]
    found = np.full(len(rows), "", dtype=object)
    space_visits(pd.DataFrame(rows), found, Rules())
    return found.tolist()


@pytest.mark.parametrize(
    ("start", "earliest", "reason"),
    [
        (599, 599, "same_time"),
        (600, 600, "too_soon"),
        (2_399, 2_399, "too_soon"),
        (2_400, 2_400, ""),
        (2_400, 2_399, "silence"),
    ],
)
def test_a_visit_of_another_counts_half_an_hour_after_the_first(start, earliest, reason):
    assert reasons(("D1", 0, 600, 0), ("D2", start, start + 600, earliest)) == ["", reason]


@pytest.mark.parametrize(("again", "reason"), [(2_699, "silence"), (2_700, "")])
def test_who_was_present_during_a_visit_must_leave_for_half_an_hour(again, reason):
    """The second device stays through the visit of the first until 900 s."""
    found = reasons(("D1", 0, 600, 0), ("D2", 100, 900, 100), ("D2", again, again + 600, again))
    assert found == ["", "same_time", reason]


def test_hours_of_duty_are_local():
    days = pd.Series([dt.date(2026, 11, 23), dt.date(2026, 11, 24)])
    at = hours(days, dt.time(6, 0), Rules())
    six = (int(NINE.timestamp()) - 3 * 3600) * SECOND
    assert at.tolist() == [six, six + 86_400 * SECOND]


@pytest.mark.parametrize(
    ("key", "zh", "en"),
    [
        ("too_short", "停留时间不足", "too short"),
        ("off_hours", "不在规定时段", "outside the hours"),
        ("vehicle", "驾车通过", "driven"),
        ("same_time", "同时", "same time"),
        ("too_soon", "间隔过短", "too soon"),
        ("not_leader", "非本网格格长", "not by the leader"),
        ("unnamed", "持机人未登记", "holder is not known"),
    ],
)
def test_reasons_say_the_same_in_both_languages(key, zh, en):
    assert zh in REASONS[key][0]
    assert en in REASONS[key][1]
