"""Stays of leaders in their own cells, desks to which they return, and stays that may have been several."""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Transformer

from geo.patrols import Rules, presences, verify, visits
from geo.patrols.stays.stay_probability import own_probability
from geo.tracks.speed import ridden
from geo.tracks.trajectory import path_of

X0, Y0 = 387_000.0, 3_553_000.0
TO_DEGREES = Transformer.from_crs(4549, 4326, always_xy=True)
DAY = dt.date(2026, 11, 23)
CELLS = gpd.GeoDataFrame(
    {"code": ["A", "B"], "leader": ["L", "M"]},
    geometry=[shapely.box(X0 + 200 * i, Y0, X0 + 200 * (i + 1), Y0 + 200) for i in range(2)],
    crs=4549,
)


def track(t_s, x_m, y_m=100.0, *, officer="L", start="2026-11-23T00:00:00Z", accuracy_m=10.0):
    """Fixes at `t_s` seconds after 08:00 local time, `x_m` east and `y_m` north of the corner of A."""
    t, x = np.asarray(t_s, dtype=float), np.asarray(x_m, dtype=float)
    lon, lat = TO_DEGREES.transform(X0 + x, Y0 + np.broadcast_to(np.asarray(y_m, dtype=float), x.shape))
    time = pd.Timestamp(start).as_unit("us") + pd.to_timedelta(t, unit="s").as_unit("us")
    return gpd.GeoDataFrame(
        {"device": f"D-{officer}", "officer": officer, "time": time, "accuracy_m": accuracy_m},
        geometry=shapely.points(lon, lat),
        crs=4326,
    )


def walk_near_the_border(officer):
    """Three minutes in B, along the border with A and 13 m from it."""
    t = np.arange(0, 181, 10.0)
    return pd.concat(
        [track([-60, -50], [-400, -400], officer=officer), track(t, 213 + 0 * t, 20 + 0.8 * t, officer=officer)],
        ignore_index=True,
    )


@pytest.mark.parametrize(("officer", "counted"), [("M", 1), ("L", 0)])
def test_a_stay_at_the_border_counts_more_easily_for_the_leader_than_for_others(officer, counted):
    rules = Rules(id="once", version="1", visits_per_day=1, who="leader", confidence=0.85)
    found = presences(walk_near_the_border(officer), CELLS, rules=rules)
    made = visits(found, rules=rules)
    own = made[made["code"] == "B"].iloc[0]
    assert own["probability"] < 0.85 < own["own_probability"] < 0.9
    assert (own["reason"], own["own_reason"]) == ("border", "")
    result = verify(made, CELLS, presences=found, rules=rules, day=DAY).set_index("code")
    assert result.loc["B", "visits"] == counted


def rests(places, hours=(0, 3, 6)):
    """An hour and a half at each place, a walk far away after each; errors that last minutes."""
    parts, rng = [], np.random.default_rng(3)
    for hour, x in zip(hours, places, strict=True):
        t = hour * 3600 + np.arange(0, 5400, 10.0)
        parts.append(track(t, x + rng.normal(0, 4, len(t)), 100 + rng.normal(0, 4, len(t))))
        away = hour * 3600 + 5400 + np.arange(0, 1800, 10.0)
        swing = 80 * np.sin((away - away[0]) / 60.0)
        parts.append(track(away, 60 + swing, 100 + 80 * np.cos((away - away[0]) / 60.0)))
    return pd.concat(parts, ignore_index=True)


def centres(path):
    rows = [np.flatnonzero(path.stand == k)[0] for k in np.unique(path.stand[path.stand >= 0])]
    return np.round(path.x[rows] - X0, 2), path.sigma[rows]


def test_rests_at_one_desk_on_one_day_share_a_centre_and_its_error():
    once, sigma_once = centres(path_of(rests([195.0], hours=(0,)), CELLS.crs, Rules()))
    again, sigma = centres(path_of(rests([195.0, 195.3, 194.8]), CELLS.crs, Rules()))
    assert len(once) == 1
    assert len(again) == 3
    assert len(set(again)) == 1
    assert again[0] == pytest.approx(195.03, abs=0.6)
    assert sigma.max() < 0.7 * sigma_once[0]


def test_rests_apart_and_rests_of_other_days_keep_their_own_centre():
    apart, _ = centres(path_of(rests([195.0, 240.0, 195.0]), CELLS.crs, Rules()))
    assert len(set(apart)) == 2
    # 26 hours later it is 10:00 of the next day.
    days, _ = centres(path_of(rests([195.0, 195.3], hours=(0, 26)), CELLS.crs, Rules()))
    assert len(set(days)) == 2


def test_a_step_of_a_minute_faster_than_a_walk_is_a_ride():
    time = np.array([0, 60, 120, 180]) * 1_000_000
    x, known = np.array([0.0, 95.0, 225.0, 225.0]), np.ones(3, dtype=bool)
    fast = ridden(time, x, np.zeros(4), np.full(4, 10.0), np.array([1.6, 2.2, 0.0]), known, 4.0)
    assert fast.tolist() == [False, True, False]


def at_the_border_for_hours(outside_s, every_s=3600):
    """Seven hours in A with absences of this length, 20 m into B, at equal distances for five of them."""
    t = np.arange(0, 25_200, 10.0)
    gone = (t >= 3600) & (t % every_s < outside_s) & (t < 21_600)
    return track(t, np.where(gone, 215.0, 150.0) + 10 * np.sin(t / 40), 100 + 60 * np.sin(t / 90))


@pytest.mark.parametrize(("outside_s", "verdict"), [(60, "short"), (290, "unknown")])
def test_a_long_stay_with_absences_near_the_limit_may_have_been_several(outside_s, verdict):
    rules = Rules(who="leader")
    found = presences(at_the_border_for_hours(outside_s), CELLS, rules=rules)
    made = visits(found, rules=rules)
    result = verify(made, CELLS, presences=found, rules=rules, day=DAY).set_index("code").loc["A"]
    assert (result["visits"], result["verdict"]) == (1, verdict)


@pytest.mark.parametrize(("outside_s", "verdict"), [(200, "short"), (250, "unknown")])
def test_many_short_absences_do_not_make_a_long_stay_several(outside_s, verdict):
    """Both are outside for more than half an hour in all; errors shorten only the longer ones from five minutes."""
    rules = Rules(who="leader")
    found = presences(at_the_border_for_hours(outside_s, every_s=1200), CELLS, rules=rules)
    made = visits(found, rules=rules)
    stay = made[made["code"] == "A"].iloc[0]
    assert stay["absence_s"] == pytest.approx(outside_s, abs=15)
    result = verify(made, CELLS, presences=found, rules=rules, day=DAY).set_index("code").loc["A"]
    assert (result["visits"], result["verdict"]) == (1, verdict)


def test_the_longest_absence_of_a_stay_is_without_silence():
    t = np.r_[np.arange(0, 600, 10.0), np.arange(1800, 2400, 10.0)]
    away = (t >= 300) & (t < 400)
    made = visits(presences(track(t, np.where(away, 215.0, 185.0), 100 + 60 * np.sin(t / 60), accuracy_m=3.0), CELLS))
    assert made.loc[made["code"] == "A", "absence_s"].round(-1).tolist() == [100.0]


@pytest.mark.parametrize(
    ("width_m", "step_s", "reason"),
    [(85, 60, "border"), (85, 10, "border"), (125, 10, ""), (125, 60, "border"), (400, 60, "")],
)
def test_a_crossing_little_longer_than_the_shortest_stay_is_not_proven(width_m, step_s, reason):
    """Across a cell at 1.25 m/s: the middle of each part is certain, but the times at the two borders are not."""
    edges = np.cumsum([0, 600, width_m, 600])
    three = gpd.GeoDataFrame(
        {"code": ["W", "X", "E"], "leader": ["M", "L", "M"]},
        geometry=[shapely.box(X0 + a, Y0, X0 + b, Y0 + 200) for a, b in pairwise(edges)],
        crs=4549,
    )
    t = np.arange(0, 800, step_s) + 5.0
    made = visits(presences(track(t, 100 + 1.25 * t, accuracy_m=4.0), three))
    stay = made[made["code"] == "X"].iloc[0]
    assert stay["stay_s"] == pytest.approx(width_m / 1.25, abs=0.1)
    assert stay["own_reason"] == reason
    assert (stay["own_probability"] >= 0.95) == (reason == "")


def test_the_odds_of_a_leaders_stay_are_a_power_of_those_that_the_fixes_give():
    plain = np.array([0.0, 0.1, 0.5, 0.9, 0.99, 1.0])
    stays = pd.DataFrame({"sure_fixes": np.zeros(6)})
    for step_s, expected in (
        (10.0, [0.0, 0.25, 0.5, 0.75, 0.9087, 1.0]),
        (60.0, [0.0, 0.25, 0.5, 0.75, 0.9087, 1.0]),
        # The square root of 60 x 300: half of the way by the logarithm, so a power of 0.85.
        (134.16, [0.0, 0.1338, 0.5, 0.8662, 0.9803, 1.0]),
        (300.0, [0.0, 0.0668, 0.5, 0.9332, 0.996, 1.0]),
        (900.0, [0.0, 0.0668, 0.5, 0.9332, 0.996, 1.0]),
    ):
        own = own_probability(plain, np.full(6, step_s), stays, Rules())
        assert own.tolist() == pytest.approx(expected, abs=5e-5)
    # Three isolated fixes well inside prove the stay.
    assert own_probability(plain[:1], np.array([10.0]), stays[:1] + 3, Rules()).tolist() == [0.99]


def around_a_cell(offset_m, *, corners=4, accuracy_m=12.0):
    """Along the first borders of A in turn, ten minutes in all, this far inside them."""
    inner = 200.0 - offset_m
    ring = np.array([[offset_m, offset_m], [inner, offset_m], [inner, inner], [offset_m, inner], [offset_m, offset_m]])
    t = np.arange(0, 601, 10.0)
    at_corner = np.linspace(0.0, 600.0, corners + 1)
    x, y = (np.interp(t, at_corner, ring[: corners + 1, k]) for k in (0, 1))
    return track(t, x, y, accuracy_m=accuracy_m)


def test_one_error_cannot_move_a_walk_around_a_cell_out_of_it():
    """Beside all four borders an error that moves one side out moves the opposite one in; beside one it moves out all of it."""
    alone = CELLS.iloc[:1]

    def stay(table):
        return visits(presences(table, alone)).iloc[0]

    around, beside = stay(around_a_cell(6.0)), stay(around_a_cell(6.0, corners=1))
    assert around["likely_s"] == pytest.approx(beside["likely_s"], rel=0.05)
    assert around["own_probability"] > 0.97
    assert 0.6 < beside["own_probability"] < 0.9
    # It cannot be proven for anyone either if it is not for the leader.
    assert beside["probability"] <= beside["own_probability"]


def ride_and_walk(walk_s, *, ride_s=300, step_s=10.0):
    """Through A to and fro at 5 m/s, then on foot there, then away to the north at a walk."""
    t = np.arange(0, ride_s + walk_s + 301, step_s)
    ridden_m = 5.0 * np.minimum(t, ride_s)
    x = 100 + 60 * (2 / np.pi) * np.arcsin(np.sin(ridden_m / 60 * np.pi / 2))
    walked_s = np.clip(t - ride_s, 0, walk_s)
    away_s = np.maximum(t - ride_s - walk_s, 0)
    return track(t, x, 100 + 40 * np.sin(walked_s / 40) + 5.0 * away_s, accuracy_m=5.0)


@pytest.mark.parametrize(
    ("walk_s", "reason", "verdict"),
    [(0, "vehicle", "not_visited"), (90, "ridden", "unknown"), (240, "", "met")],
)
def test_time_on_foot_after_a_ride_counts_and_the_ride_does_not(walk_s, reason, verdict):
    rules = Rules(id="once", version="1", visits_per_day=1, who="leader")
    found = presences(ride_and_walk(walk_s), CELLS, rules=rules)
    made = visits(found, rules=rules)
    assert made.loc[made["code"] == "A", "own_reason"].tolist() == [reason]
    result = verify(made, CELLS, presences=found, rules=rules, day=DAY).set_index("code").loc["A"]
    assert result["verdict"] == verdict
    if reason == "ridden":
        assert "部分路段骑行" in result["reason_zh"]
        assert "asking which part was ridden and which walked" in result["settle_en"]


def test_with_a_fix_each_minute_a_stay_partly_ridden_stays_in_doubt():
    made = visits(presences(ride_and_walk(240, step_s=20.0), CELLS))
    stay = made[made["code"] == "A"].iloc[0]
    assert stay["own_probability"] <= 0.5
    assert stay["own_reason"] == "pace"


def ride_between_walks(ride_s, far_m, step_s=10.0):
    """Ten minutes on foot in A, 180 m from B, rides there and back, `far_m` each, and ten minutes on foot in A."""
    t = np.arange(0, 1_200 + ride_s + 1, step_s)
    ridden_m = 5.0 * np.clip(t - 600, 0, ride_s)
    walked_s = np.minimum(t, 600) + np.maximum(t - 600 - ride_s, 0)
    x = 20 + far_m - np.abs(ridden_m % (2 * far_m) - far_m)
    return track(t, x, 100 + 40 * np.sin(walked_s / 40), accuracy_m=5.0)


@pytest.mark.parametrize(
    ("ride_s", "far_m", "step_s", "stays"),
    [(240, 600, 10, 1), (340, 850, 10, 2), (384, 240, 10, 2), (384, 96, 10, 1), (340, 850, 16, 1)],
)
def test_a_ride_out_and_back_of_more_than_the_merge_gap_parts_two_stays(ride_s, far_m, step_s, stays):
    """Rides in A count, too; of 340 s the phone is outside for 268. A ride that never leaves the cell is part of the stay."""
    found = presences(ride_between_walks(ride_s, far_m, step_s), CELLS)
    made = visits(found)
    own = made[(made["code"] == "A") & (made["own_reason"] != "vehicle")]
    assert len(own) == stays
    eight = pd.Timestamp("2026-11-23T00:00:00Z")
    if stays == 2:
        assert (own["end"].iloc[0] - eight).total_seconds() == pytest.approx(600, abs=20)
        assert (own["start"].iloc[1] - eight).total_seconds() == pytest.approx(600 + ride_s, abs=20)
        assert visits(found, rules=Rules(id="any", version="1", mode="any"))["code"].tolist().count("A") == 1


def a_minute_apart(speed_m_s, minutes, *, arrives_m_s=5.0):
    """Into A from the south, around in it on a circle, and away to the north, with a fix each minute."""
    turn = 1.5 * speed_m_s * np.arange(minutes + 1) - np.pi / 2
    x, y = 100 + 40 * np.cos(turn), 100 + 40 * np.sin(turn)
    way_m = 60.0 * arrives_m_s * np.arange(4, 0, -1)
    return track(
        60.0 * np.arange(minutes + 9),
        np.r_[x[0] + 0 * way_m, x, x[-1] + 0 * way_m],
        np.r_[y[0] - way_m, y, y[-1] + way_m[::-1]],
        accuracy_m=5.0,
    )


@pytest.mark.parametrize(
    ("how", "reason"),
    [
        # Steps of 0.91 and 0.89 m/s: the chord of 60 s on a circle of 40 m.
        ({"speed_m_s": 1.0, "minutes": 6}, "pace"),
        ({"speed_m_s": 0.975, "minutes": 6}, ""),
        ({"speed_m_s": 1.2, "minutes": 6, "arrives_m_s": 1.2}, ""),
        # Steps up to 200 s after and before a ride are near it; 174 and 268 s are not.
        ({"speed_m_s": 1.2, "minutes": 11}, "pace"),
        ({"speed_m_s": 1.2, "minutes": 12}, ""),
    ],
)
def test_a_brisk_stay_near_a_ride_may_have_been_ridden_if_fixes_are_a_minute_apart(how, reason):
    made = visits(presences(a_minute_apart(**how), CELLS))
    stay = made[made["code"] == "A"].iloc[0]
    assert stay["own_reason"] == reason
    if reason:
        assert stay["own_probability"] == pytest.approx(0.8, abs=1e-6)
    else:
        assert stay["own_probability"] > 0.99


def silent_at_the_office(minutes):
    """The leader of A in B all day, once silent there for so long."""
    t = np.arange(0, 28_800, 30.0)
    keep = (t < 10_000) | (t >= 10_000 + 60 * minutes)
    return track(t[keep], 320 + 0 * t[keep], accuracy_m=5.0)


def test_a_silence_leaves_a_grid_open_from_a_probability_of_thirteen_per_cent():
    rules = Rules(id="once", version="1", visits_per_day=1, who="leader", reach_m=1.0)
    far = CELLS.assign(geometry=[CELLS.geometry.iloc[0].buffer(-60), CELLS.geometry.iloc[1]])
    stated = {}
    for minutes in range(25, 75, 1):
        found = presences(silent_at_the_office(minutes), far, rules=rules)
        result = (
            verify(visits(found, rules=rules), far, presences=found, rules=rules, day=DAY).set_index("code").loc["A"]
        )
        stated[float(result["probability"])] = result["verdict"]
    decided = [p for p, verdict in stated.items() if verdict == "not_visited"]
    assert 0.12 < max(decided) < 0.13
    left = [p for p, verdict in stated.items() if verdict == "unknown"]
    assert 0.13 <= min(left) < 0.14


def test_a_desk_beside_the_border_was_two_stays_with_a_quarter_of_the_share_outside():
    """Walks well inside before and after eight hours at 2 m from the border."""
    t = np.arange(0, 30_000, 30.0)
    at_desk = (t >= 600) & (t < 29_400)
    x, y = np.where(at_desk, 198.0, 100.0), 100 + np.where(at_desk, 0.0, 40 * np.sin(t / 60))
    rules = Rules(who="leader")
    found = presences(track(t, x, y, accuracy_m=10.0), CELLS, rules=rules)
    stay = visits(found, rules=rules).set_index("code").loc["A"]
    result = verify(visits(found, rules=rules), CELLS, presences=found, rules=rules, day=DAY).set_index("code").loc["A"]
    share = 1.0 - stay["likely_s"] / stay["stay_s"]
    assert 0.15 < share < 0.3
    assert result["probability"] == pytest.approx(0.25 * share, abs=1e-6)
    assert result["verdict"] == "short"
