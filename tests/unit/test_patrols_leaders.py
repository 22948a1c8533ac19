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
    rules = Rules(id="once", version="1", visits_per_day=1, who="leader")
    found = presences(walk_near_the_border(officer), CELLS, rules=rules)
    made = visits(found, rules=rules)
    own = made[made["code"] == "B"].iloc[0]
    assert own["probability"] < 0.9 < 0.95 < own["own_probability"] < 1
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
    x = np.array([0.0, 95.0, 225.0, 225.0])
    fast = ridden(time, x, np.zeros(4), np.full(4, 10.0), np.array([1.6, 2.2, 0.0]), 4.0)
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


@pytest.mark.parametrize(("outside_s", "verdict"), [(160, "short"), (200, "unknown")])
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
    made = visits(presences(track(t, np.where(away, 260.0, 100.0)), CELLS))
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
    own = own_probability(plain, stays, Rules())
    assert own.tolist() == pytest.approx([0.0, 0.1338, 0.5, 0.8662, 0.9803, 1.0], abs=5e-5)
    # Three isolated fixes well inside prove the stay.
    assert own_probability(plain[:1], stays[:1] + 3, Rules()).tolist() == [0.99]
