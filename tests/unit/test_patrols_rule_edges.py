"""Edges of the rules of visits and verdicts, each in one small situation."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.patrols import Rules, verify, visits
from geo.patrols.stays.counted_visits import _alone, _summed
from geo.patrols.stays.day_visits import DayVisits
from geo.patrols.stays.pace import paced
from geo.patrols.stays.silences import Silence, parted_rate, unobserved_rate
from geo.patrols.stays.stay_probability import own_probability
from geo.patrols.verdicts import _left_unobserved, _verdict
from geo.tracks.path import SECOND, Path
from geo.tracks.trajectory import steps_of

DAY = dt.date(2026, 11, 23)
MIDNIGHT = pd.Timestamp("2026-11-22T16:00:00Z").as_unit("us")


def at(clock):
    return MIDNIGHT + pd.Timedelta(f"{clock}:00" if clock.count(":") == 1 else clock)


def presence(start, end, *, officer="S1", likely=1.0):
    lasts_s = (at(end) - at(start)).total_seconds()
    return {
        "device": "D1",
        "officer": officer,
        "cell": "A",
        "start": at(start),
        "end": at(end),
        "duration_s": lasts_s,
        "fixes": int(lasts_s / 10),
        "kind": "inside",
        "day": DAY,
        "likely_s": likely * lasts_s,
        "spread_s2": likely * (1 - likely) * lasts_s**2,
        "sure_s": 0.0,
        "length_m": lasts_s,
    }


def test_a_stay_of_exactly_the_least_time_within_the_hours_is_not_off_duty():
    """A minute that was most likely spent next door; and the same with its last second after the hours."""
    in_time = visits(pd.DataFrame([presence("21:59:00", "22:00:00", likely=0.01)]))
    late = visits(pd.DataFrame([presence("21:59:01", "22:00:01", likely=0.01)]))
    assert in_time["stay_s"].tolist() == late["stay_s"].tolist() == [60.0]
    assert in_time["reason"].tolist() == ["next_door"]
    assert late["reason"].tolist() == ["off_hours"]


def test_rounds_by_a_device_without_a_known_holder_are_not_the_leaders():
    """Two clear rounds of twenty minutes, hours apart, in a cell of which only the leader counts."""
    rules = Rules(who="leader")
    layer = gpd.GeoDataFrame({"code": ["A"], "leader": ["S1"]}, geometry=[shapely.box(0, 0, 200, 200)], crs=4549)

    def verdict(officer):
        found = pd.DataFrame([presence(a, b, officer=officer) for a, b in (("08:30", "08:50"), ("15:00", "15:20"))])
        return verify(visits(found, rules=rules), layer, presences=found, rules=rules, day=DAY).iloc[0]

    assert verdict("S1")[["verdict", "visits"]].tolist() == ["met", 2]
    assert verdict(None)[["verdict", "visits"]].tolist() == ["unknown", 0]
    assert "持机人未登记" in verdict(None)["reason_zh"]
    assert verdict("S2")[["verdict", "visits"]].tolist() == ["not_visited", 0]


# -- numbers of the rules, each with the situation at which it decides -----------------------------------------------------


@pytest.mark.parametrize(
    ("step_s", "power"),
    [(10.0, 0.5), (60.0, 0.5), (np.sqrt(60 * 300), 0.85), (285.0, 1.177691), (300.0, 1.2), (900.0, 1.2)],
)
def test_odds_of_a_leaders_stay_are_those_of_the_fixes_to_a_power_between_a_half_and_six_fifths(step_s, power):
    """Odds of 9; the power grows with the logarithm of the interval between fixes, from one minute to five."""
    stays = pd.DataFrame({"sure_fixes": [0]})
    odds = 9.0**power
    found = own_probability(np.array([0.9]), np.array([step_s]), stays, Rules())
    assert found == pytest.approx(odds / (odds + 1), abs=1e-6)


@pytest.mark.parametrize(
    ("one", "two", "found"), [(100, -99.7, 1.0), (0.9, -5.0, 1.0), (100, -98.8, 1.2), (0.0, 0.0, 0.0)]
)
def test_a_time_in_doubt_has_a_variance_of_a_square_second_though_its_parts_nearly_cancel(one, two, found):
    rows = pd.DataFrame([presence("09:00", "09:05"), presence("09:05", "09:10")])
    quantities = ("ridden_s", "ridden_m", "near_ride_s", "near_ride_m", "detached_s", "sure_fixes", "absence_s")
    quantities += ("ride_in_s", "ride_out_s")
    rows = rows.assign(spread_s2=[one, two], **dict.fromkeys(quantities, 0.0))
    sums = _summed(rows, np.arange(2), np.zeros(2, dtype=np.int64), Rules())
    assert sums["spread_s2"].tolist() == pytest.approx([found])


@pytest.mark.parametrize(
    ("chance", "ridden", "reason"),
    [
        (0.5, 0.199, "border"),
        (0.5, 0.201, "ridden"),
        (0.01, 0.499, "too_short"),
        (0.01, 0.501, "vehicle"),
        (0.96, 0.9, ""),
    ],
)
def test_a_stay_is_partly_ridden_from_a_fifth_and_a_ride_from_half_of_its_time(chance, ridden, reason):
    stays = {
        "paced": 1.0,
        "ridden_s": 100 * ridden,
        "likely_s": 100.0,
        "detached_s": 0.0,
        "stay_s": 50.0,
        "hours_s": 50.0,
    }
    assert _alone(pd.DataFrame([stays]), pd.Series([chance]), Rules()).tolist() == [reason]


@pytest.mark.parametrize(("detached", "reason"), [(0.199, "border"), (0.201, "detached")])
def test_a_fifth_of_a_stay_between_impossible_steps_leaves_it_unproven(detached, reason):
    stays = {
        "paced": 1.0,
        "ridden_s": 0.0,
        "likely_s": 100.0,
        "detached_s": 100 * detached,
        "stay_s": 90.0,
        "hours_s": 90.0,
    }
    assert _alone(pd.DataFrame([stays]), pd.Series([0.5]), Rules()).tolist() == [reason]


@pytest.mark.parametrize(("ridden_s", "walked"), [(19.9, 1.0), (20.1, 0.5)])
def test_sparse_fixes_do_not_show_when_a_stay_was_walked_if_a_fifth_was_ridden(ridden_s, walked):
    stays = {
        "length_m": 100.0,
        "spent_s": 100.0,
        "likely_s": 100.0,
        "ridden_m": 60.0,
        "ridden_s": ridden_s,
        "near_ride_s": 0.0,
        "near_ride_m": 0.0,
        "speed_m_s": 1.0,
    }
    assert paced(pd.DataFrame([stays]), np.array([600.0]), Rules()).tolist() == [walked]
    assert paced(pd.DataFrame([stays]), np.array([10.0]), Rules()).tolist() == [1.0]


def day_visits(*rows, **columns):
    stays = visits(pd.DataFrame(list(rows)))
    for name, value in columns.items():
        stays[name] = value
    return DayVisits.of(stays, Rules())


@pytest.mark.parametrize(("outside", "chance"), [(0.149, 0.0), (0.151, 0.25 * 0.151), (0.6, 0.25 * 0.6)])
def test_a_long_stay_with_fifteen_percent_outside_may_have_been_left_by_a_quarter_of_that_share(outside, chance):
    stay = day_visits(presence("09:00", "12:00"), likely_s=(1 - outside) * 10_800.0, absence_s=0.0)
    assert _left_unobserved(stay, [], Rules()) == pytest.approx(chance)


@pytest.mark.parametrize(
    ("absence_s", "outside_s", "chance"), [(224.0, 1_200, 0.0), (225.0, 1_200, 0.4), (225.0, 1_199, 0.0)]
)
def test_an_absence_of_three_quarters_of_the_limit_parts_a_long_stay_with_two_fifths(absence_s, outside_s, chance):
    """If twenty minutes were outside: twice two absences of five minutes; that is 11 % of three hours."""
    stay = day_visits(presence("09:00", "12:00"), likely_s=10_800.0 - outside_s, absence_s=absence_s)
    assert _left_unobserved(stay, [], Rules()) == chance


def verdict(rows, chances, *, silent=(), interval_s=10.0):
    """`chances`: of one visit, of two, of two if each stay ended early, of two if those that count are uncertain."""
    return _verdict(day_visits(*rows), list(silent), None, list(chances), (np.array([60.0]), interval_s), Rules())


ONE = presence("08:00", "08:20")
TWO = (ONE, presence("15:00", "15:20"))


@pytest.mark.parametrize(
    ("apart", "found", "chance"), [(0.449, "short", 0.0), (0.45, "unknown", 0.09), (0.9, "unknown", 0.18)]
)
def test_stays_that_may_have_ended_early_leave_a_verdict_open_from_forty_five_percent(apart, found, chance):
    result = verdict([ONE], (1.0, 0.0, apart, 1.0))
    assert (result["verdict"], result["probability"]) == (found, pytest.approx(chance))


@pytest.mark.parametrize(("together", "found"), [(0.9701, "met"), (0.9699, "unknown")])
def test_counted_stays_together_need_ninety_seven_percent(together, found):
    assert verdict(TWO, (1.0, 1.0, 1.0, together))["verdict"] == found


@pytest.mark.parametrize(
    ("chance", "interval_s", "found"),
    [
        (0.0399, 10.0, "short"),
        (0.0401, 10.0, "unknown"),
        (0.0399, 239.0, "short"),
        (0.0041, 240.0, "unknown"),
        (0.0039, 240.0, "short"),
    ],
)
def test_stays_leave_a_verdict_open_from_four_percent_and_sparse_ones_from_a_tenth_of_that(chance, interval_s, found):
    assert verdict([ONE], (1.0, chance, 0.0, 1.0), interval_s=interval_s)["verdict"] == found


@pytest.mark.parametrize(("lasts_s", "found"), [(1_002, "short"), (1_003, "unknown")])
def test_silences_leave_a_verdict_open_from_thirteen_percent(lasts_s, found):
    """Two visits in eight hours with odds of two are one in 7,200 s of silence: 1 - exp(-1,002.7 / 7,200) is 13 %."""
    start = at("13:00").timestamp()
    silence = Silence(start, start + lasts_s, "D1", 0.0, False)
    result = verdict([ONE], (1.0, 0.0, 0.0, 1.0), silent=[silence])
    assert result["verdict"] == found
    assert result["probability"] == pytest.approx(1 - np.exp(-lasts_s / 7200), abs=1e-6)


@pytest.mark.parametrize(
    ("moved", "beside_s", "more"),
    [
        (False, 31.0, 0.0),
        (False, 30.0, -np.log(0.5)),
        (True, 31.0, -2 * np.log(0.65)),
        (True, 0.0, -np.log(0.5 * 0.65**2)),
    ],
)
def test_a_silence_of_who_was_out_or_beside_a_stay_hides_more(moved, beside_s, more):
    """An hour: room for two visits of a minute half an hour apart."""
    silence = Silence(10_000.0, 13_600.0, "D1", 0.0, moved)
    stay = (9_000.0, 10_000.0 - beside_s)
    found = unobserved_rate([silence], [stay], np.array([60.0]), Rules())
    assert found == pytest.approx(3600 / 7200 + more)


@pytest.mark.parametrize(
    ("stay_s", "silent_s", "chance"),
    [(7_200, 1_800, 0.3), (7_201, 1_800, 0.05), (7_200, 1_799, 0.0), (20_000, 5_000, 0.3)],
)
def test_a_stay_around_a_silence_of_half_an_hour_may_have_been_two(stay_s, silent_s, chance):
    """Less likely if it is more than four times as long as the silence: a phone at a desk."""
    assert parted_rate([(0.0, stay_s)], [(600.0, 600.0 + silent_s)], Rules()) == pytest.approx(-np.log1p(-chance))


@pytest.mark.parametrize(("lasts_s", "is_gap"), [(301, True), (35_999, True), (36_000, False)])
def test_a_silence_of_ten_hours_is_the_rest_between_two_shifts(lasts_s, is_gap):
    start = int(at("06:00").timestamp()) * SECOND
    two = np.zeros(2)
    people = pd.DataFrame({"device": ["D1"], "officer": ["S1"]})
    times = np.array([start, start + lasts_s * SECOND])
    none = np.zeros(2, dtype=bool)
    way = Path(np.zeros(2, dtype=np.int64), times, two, two, two + 10, np.full(2, -1), people, none, none)
    steps = steps_of(way, Rules())
    assert (steps.known.tolist(), steps.gap.tolist()) == ([False], [is_gap])
