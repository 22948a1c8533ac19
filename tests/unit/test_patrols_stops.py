"""Stops: walks with known stays, and the kernel compared with all labellings."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Transformer

from geo.errors import ColumnError
from geo.patrols import stop_of, stops
from geo.tracks.stop_detection import MOST_S, STAY_SCALE_M_S, WALK_M_S, _label_chains, _net_speed, _odds

TO_DEGREES = Transformer.from_crs(4549, 4326, always_xy=True)
NINE = pd.Timestamp("2026-11-23T01:00:00Z")


def track(seconds, x, y=None, device="D1"):
    lon, lat = TO_DEGREES.transform(
        387_000.0 + np.asarray(x), 3_553_000.0 + (np.zeros(len(x)) if y is None else np.asarray(y))
    )
    times = NINE + pd.to_timedelta(np.asarray(seconds, dtype=float), unit="s")
    return gpd.GeoDataFrame({"device": device, "time": times}, geometry=shapely.points(lon, lat), crs=4326)


def walk_stay_walk(every_s=10):
    """400 m in five minutes, ten minutes at one place, 400 m on."""
    seconds = np.arange(0, 1201, every_s)
    return seconds, np.interp(seconds, [0, 300, 900, 1200], [0, 400, 400, 800])


@pytest.mark.parametrize("every_s", [1, 10, 30, 60])
def test_a_stay_between_two_walks(every_s):
    seconds, x = walk_stay_walk(every_s)
    rng = np.random.default_rng(3)
    found = stops(track(seconds, x + rng.normal(0, 3, len(x)), rng.normal(0, 3, len(x))))
    assert len(found) == 1
    assert abs((found["start"].iloc[0] - NINE).total_seconds() - 300) <= max(30, every_s)
    assert abs((found["end"].iloc[0] - NINE).total_seconds() - 900) <= max(30, every_s)
    place = found.to_crs(4549).geometry.iloc[0]
    assert np.hypot(place.x - 387_400, place.y - 3_553_000) < 5
    assert found["radius_m"].iloc[0] < 8


def test_a_stay_that_is_still_going_on_is_told():
    seconds, x = walk_stay_walk()
    here = seconds <= 700
    found = stops(track(seconds[here], x[here]))
    assert found["end"].tolist() == [NINE + pd.Timedelta(700, "s")]


def test_labels_and_rows_agree_on_any_index_and_order():
    seconds, x = walk_stay_walk()
    fixes = pd.concat([track(seconds, x), track(seconds, x + 50, device="D2")], ignore_index=True)
    mixed = fixes.sample(frac=1.0, random_state=1).set_index(np.arange(len(fixes)) + 1000)
    before = mixed.copy()
    found, label = stops(mixed), stop_of(mixed)
    assert label.index.equals(mixed.index)
    assert mixed.equals(before)
    assert found["device"].tolist() == ["D1", "D2"]
    for number, row in found.iterrows():
        own = mixed[label == number]
        assert (own["device"] == row["device"]).all()
        assert (own["time"].min(), own["time"].max(), len(own)) == (row["start"], row["end"], row["fixes"])
    pd.testing.assert_series_equal(label.sort_index(), stop_of(mixed.sort_index()))


def test_fixes_that_are_not_used_have_no_label():
    fixes = track(*walk_stay_walk())
    fixes["mark"] = ""
    fixes.loc[5, "mark"] = "mock"
    assert stop_of(fixes).isna().tolist() == [i == 5 for i in range(len(fixes))]


def test_silence_parts_stops_unless_the_device_is_where_it_was():
    stay = np.arange(0, 601, 10)
    back = track(np.r_[stay, stay + 2000], np.zeros(2 * len(stay)))
    found = stops(back)
    assert found[["duration_s", "silent_s", "fixes"]].to_numpy().tolist() == [[2600.0, 1400.0, 122]]
    beside = track(np.r_[stay, stay + 2000], np.r_[np.zeros(len(stay)), np.full(len(stay), 49.0)])
    assert stops(beside)["duration_s"].tolist() == [2600.0]
    elsewhere = track(np.r_[stay, stay + 2000], np.r_[np.zeros(len(stay)), np.full(len(stay), 51.0)])
    assert stops(elsewhere)["duration_s"].tolist() == [600.0, 600.0]
    assert stops(elsewhere)["silent_s"].tolist() == [0.0, 0.0]


def test_a_phone_that_repeats_one_place_stays():
    assert len(stops(track(np.arange(0, 600, 10), np.zeros(60)))) == 1


def test_nothing_and_one_fix_are_no_stop():
    fixes = track([0.0], [0.0])
    assert stops(fixes).empty
    assert stops(fixes.iloc[:0]).empty
    assert stop_of(fixes).tolist() == [-1]
    assert stops(fixes).columns.tolist() == stops(track(*walk_stay_walk())).columns.tolist()
    with pytest.raises(ColumnError, match="device"):
        stops(fixes.drop(columns="device"))


def test_the_labels_collect_the_most_evidence():
    """The kernel compared with every labelling of short chains."""
    rng = np.random.default_rng(7)
    for _ in range(30):
        n = int(rng.integers(2, 10))
        time = np.cumsum(rng.uniform(5, 40, n))
        x, y = np.cumsum(rng.normal(0, 12, (2, n)), axis=1)
        change = float(rng.uniform(2, 20))
        ends = np.array([0]), np.array([n])
        found = _label_chains(time, x, y, *ends, (30.0, 90.0), change)
        odds = [np.mean([slow_odds(slow_speed(time, x, y, i, w)) for w in (30.0, 90.0)]) for i in range(n)]
        before, after = np.r_[time[0], time[:-1]], np.r_[time[1:], time[-1]]
        weight = np.minimum((after - before) / 2, MOST_S) / 2

        def worth(label, odds=odds, weight=weight, change=change):
            label = np.array(label)
            return float(
                (np.where(label, odds, np.negative(odds)) * weight).sum() - change * (label[1:] != label[:-1]).sum()
            )

        best = max(worth(label) for label in itertools.product([False, True], repeat=n))
        assert worth(found) == pytest.approx(best, abs=1e-9)


def slow_speed(time, x, y, i, window_s):
    ends = np.clip([time[i] - window_s / 2, time[i] + window_s / 2], time[0], time[-1])
    return float(np.hypot(*(np.diff(np.interp(ends, time, v))[0] for v in (x, y))) / np.diff(ends)[0])


def slow_odds(speed):
    v = max(speed, STAY_SCALE_M_S)
    stay = np.log(v / STAY_SCALE_M_S**2 * np.exp(-(v**2) / (2 * STAY_SCALE_M_S**2)) + 1e-300)
    going = 0.03 + np.exp(-((v - WALK_M_S) ** 2) / (2 * 0.25)) / np.sqrt(2 * np.pi * 0.25)
    return float(np.clip(stay - np.log(going), -2, 2) / 2)


def test_the_evidence_is_that_of_the_formula():
    for speed in (0.0, 0.1, 0.28, 0.5, 0.7, 1.2, 3.0):
        assert _odds(speed) == pytest.approx(slow_odds(speed), abs=1e-9)
    rng = np.random.default_rng(2)
    time, x, y = np.cumsum(rng.uniform(1, 30, 40)), *rng.normal(0, 50, (2, 40))
    for i in range(40):
        assert _net_speed(time, x, y, 0, 40, i, 90.0) == pytest.approx(slow_speed(time, x, y, i, 90.0), rel=1e-9)
