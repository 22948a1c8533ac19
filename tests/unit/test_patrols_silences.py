"""Silences of a day by hand: travel, the visits that fit, the rest beside counted visits, and rows cut at midnight."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.patrols import Rules
from geo.patrols.days import split_days
from geo.patrols.stays.silences import (
    CUT_P,
    MADE_ODDS,
    MOVED_M,
    OUT_P,
    PARTED_P,
    RIDE_M_S,
    USUAL_VISITS_S,
    WORKDAY_S,
    Silence,
    joined,
    parted_rate,
    silences_of,
    unobserved_rate,
    usable,
    visit_lengths_s,
    without,
)

DAY = dt.date(2026, 11, 23)
MIDNIGHT = pd.Timestamp("2026-11-22T16:00:00Z").as_unit("us")  # local midnight in Nanjing
RULES = Rules()


def at(hours):
    return MIDNIGHT + pd.Timedelta(hours=hours)


def silent(start, end, *, cell="A", officer="S1", moved_m=0.0):
    return {
        "cell": cell,
        "device": "D1",
        "officer": officer,
        "start": at(start),
        "end": at(end),
        "length_m": moved_m,
    }


def cells(**columns):
    boxes = [shapely.box(x, 0, x + 200, 200) for x in (0, 200, 1000)]
    return gpd.GeoDataFrame({"code": list("ABC"), **columns}, geometry=boxes, crs=4549)


def test_a_leader_needs_time_to_ride_to_the_cell_and_back():
    rows = pd.DataFrame([silent(9, 10), silent(9, 10, cell="B")])
    found = silences_of(rows, cells(leader=["S2", "S2", "S1"]), DAY, RULES)
    # From B, the nearer of the two, C is 600 m away.
    assert [silence.travel_s for silence in found["C"]] == [2 * 600.0 / RIDE_M_S]
    assert [silence.travel_s for silence in found["A"]] == [0.0]
    assert [silence.moved for silence in found["A"]] == [True]
    assert [silence.moved for silence in found["C"]] == [False]
    moved = silences_of(pd.DataFrame([silent(9, 10, moved_m=MOVED_M)]), cells(leader=["S2", "S2", "S1"]), DAY, RULES)
    assert [silence.moved for silence in moved["C"]] == [True]
    less = silences_of(pd.DataFrame([silent(9, 10, moved_m=99.9)]), cells(leader=["S2", "S2", "S1"]), DAY, RULES)
    assert [silence.moved for silence in less["C"]] == [False]


def test_silences_end_with_the_hours_of_duty():
    rows = pd.DataFrame([silent(5, 7), silent(21, 23), silent(22, 23)])
    found = silences_of(rows, cells(), DAY, RULES)["A"]
    hour = 3600.0
    assert [silence.end - silence.start for silence in found] == [hour, hour]


@pytest.mark.parametrize(("lasts_s", "extra"), [(1800.0, -np.log1p(-PARTED_P)), (1799.9, 0.0)])
def test_a_silence_as_long_as_the_time_between_visits_may_part_a_stay(lasts_s, extra):
    # A minute has to be observed on either side.
    assert parted_rate([(0.0, lasts_s + 120.0)], [(0.0, lasts_s + 120.0)], RULES) == pytest.approx(extra)


@pytest.mark.parametrize(("lasts_s", "kept"), [(60.0, 1), (59.9, 0)])
def test_a_rest_of_exactly_the_shortest_stay_may_hide_a_visit(lasts_s, kept):
    silence = Silence(0.0, 1800.0 + lasts_s, "D1", 40.0, False)
    found = usable([silence], [(-100.0, 0.0)], RULES)
    assert len(found) == kept
    for rest in found:
        assert (rest.start, rest.end) == (1800.0, 1800.0 + lasts_s)
        # Of the ride there and back, one may have been in the time that is not usable.
        assert rest.travel_s == 20.0
    assert usable([silence], [], RULES) == [silence]


@pytest.mark.parametrize(("lasts_s", "slots"), [(60.0, 1), (60.0 + 1859.0, 1), (60.0 + 1860.0, 2)])
def test_each_visit_that_fits_into_a_silence_may_have_been_made(lasts_s, slots):
    lengths = np.array([60.0])
    out = unobserved_rate([Silence(0.0, lasts_s, "D1", 0.0, True)], [], lengths, RULES)
    at_rest = unobserved_rate([Silence(0.0, lasts_s, "D1", 0.0, False)], [], lengths, RULES)
    assert out - at_rest == pytest.approx(-slots * np.log1p(-OUT_P))
    assert at_rest == pytest.approx(MADE_ODDS * 2 / WORKDAY_S * lasts_s)


@pytest.mark.parametrize(("apart_s", "cut"), [(30.0, True), (30.1, False)])
def test_a_silence_beside_an_uncounted_stay_may_have_cut_a_visit(apart_s, cut):
    silence = Silence(1000.0, 1100.0, "D1", 0.0, False)
    alone = unobserved_rate([silence], [], np.array([60.0]), RULES)
    for stay in ((900.0, 1000.0 - apart_s), (1100.0 + apart_s, 1300.0)):
        extra = unobserved_rate([silence], [stay], np.array([60.0]), RULES) - alone
        assert extra == pytest.approx(-np.log1p(-CUT_P) if cut else 0.0)


def test_lengths_of_visits_are_the_usual_ones_until_twenty_were_counted():
    def made(count):
        return pd.DataFrame({"start": [at(9)] * count, "end": [at(9.5)] * count, "counted": True})

    assert visit_lengths_s(made(19)).tolist() == list(USUAL_VISITS_S)
    lengths = visit_lengths_s(made(20))
    assert (lengths == 1800.0).sum() == 54 + 1
    assert len(lengths) == 54 + len(USUAL_VISITS_S)


def test_intervals_that_touch_are_one_and_what_is_taken_is_cut_out():
    assert joined([(3, 4), (0, 1), (1, 2)]) == [(0, 2), (3, 4)]
    assert without([(0.0, 10.0)], [(2.0, 3.0), (9.0, 12.0)]) == [(0.0, 2.0), (3.0, 9.0)]


def test_at_midnight_every_quantity_is_divided_by_time():
    quantities = ["length_m", "likely_s", "spread_s2", "sure_s", "ridden_s", "ridden_m", "detached_s"]
    quantities += ["near_ride_s", "near_ride_m", "resting_s"]
    row = {"start": at(23), "end": at(24.5), "duration_s": 5400.0, "fixes": 90, "sure_fixes": 9}
    # Rides at its beginning and end stay where they are.
    row |= {"ride_in_s": 4000.0, "ride_out_s": 1500.0}
    table = split_days(pd.DataFrame([row | dict.fromkeys(quantities, 300.0)]), "Asia/Shanghai")
    assert table["day"].tolist() == [DAY, DAY + dt.timedelta(days=1)]
    assert table["duration_s"].tolist() == [3600.0, 1800.0]
    assert table[["fixes", "sure_fixes"]].to_numpy().tolist() == [[60, 6], [30, 3]]
    for name in quantities:
        assert table[name].tolist() == [200.0, 100.0], name
    assert table["ride_in_s"].tolist() == [3600.0, 400.0]
    assert table["ride_out_s"].tolist() == [0.0, 1500.0]
    once = pd.DataFrame([row | {"end": at(23), "duration_s": 0.0, "fixes": 1} | dict.fromkeys(quantities, 0.0)])
    assert split_days(once, "Asia/Shanghai")["fixes"].tolist() == [1]
