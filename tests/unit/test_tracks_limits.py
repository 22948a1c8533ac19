"""Cleaning, sorting, stops, legs and noise of tracks: values on a limit, ties, and names that are missing."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import CRS

from geo.errors import ColumnError
from geo.tracks import clean, stops
from geo.tracks.fix_values import ground_m
from geo.tracks.limits import DEFAULT_LIMITS
from geo.tracks.path import SECOND
from geo.tracks.sorting import by_time
from geo.tracks.speed import capped, noise_of
from geo.tracks.stop_detection import MOST_S, _weight
from geo.tracks.straightening import Legs, on_legs
from geo.tracks.trajectory import metric_of, raw_path

START = pd.Timestamp("2026-11-23T01:00:00Z")
M = 1 / 111_194.9  # degrees of latitude in a metre on the sphere


def track(t_s, north_m=None, *, device="D1", **columns):
    """Fixes at seconds after nine, at 1 m/s to the north unless `north_m` states their places."""
    t = np.asarray(t_s, dtype=float)
    lat = 32.1 + M * (t if north_m is None else np.asarray(north_m, dtype=float))
    time = (START + pd.to_timedelta(t, unit="s")).as_unit("us")
    points = shapely.points(np.full(len(t), 118.8), lat)
    return gpd.GeoDataFrame({"device": device, "time": time, **columns}, geometry=points, crs=4326)


def recorded(t_s, north_m=None, **columns):
    """Fixes with their order in a file."""
    return track(t_s, north_m, source="a.csv", row=np.arange(len(t_s)), **columns)


def marks(tracks):
    return clean(tracks)["mark"].tolist()


@pytest.mark.parametrize(
    ("radius_m", "mark"), [(50.0, ""), (50.1, "poor_accuracy"), (0.0, ""), (-0.1, "poor_accuracy")]
)
def test_an_error_radius_of_exactly_the_limit_is_used(radius_m, mark):
    assert set(marks(track(10.0 * np.arange(8), accuracy_m=radius_m))) == {mark}


def test_a_fifth_of_steps_back_in_time_is_still_an_order():
    ordered = [0, 10, 20, 15, 30, 40, 35, 50, 60, 70]
    assert marks(recorded(ordered)) == [*[""] * 3, "time_back", "", "", "time_back", "", "", ""]
    # Three of ten: a fleet's unordered export.
    assert set(marks(recorded([0, 10, 20, 15, 30, 40, 35, 50, 60, 55]))) == {""}


def test_the_order_in_a_file_is_that_of_each_device():
    both = pd.concat([recorded(10.0 * np.arange(9), device=name) for name in ("D1", "D2")], ignore_index=True)
    both["row"] = np.arange(18)
    assert "time_back" not in marks(both)


@pytest.mark.parametrize(("apart_m", "expected"), [(49.0, ["", "duplicate"]), (51.0, ["conflict", "conflict"])])
def test_two_places_at_one_time_are_one_up_to_fifty_metres(apart_m, expected):
    t, north = [0, 10, 20, 30, 30, 40, 50], [0, 10, 20, 30, 30 + apart_m, 40, 50]
    assert marks(track(t, north))[3:5] == expected


def test_of_equal_fixes_the_one_without_a_note_is_kept():
    t = [0, 10, 20, 30, 40, 50, 60, 70, 80, 10]
    assert marks(recorded(t).iloc[::-1])[::-1] == [*[""] * 9, "duplicate"]


def test_a_degree_of_longitude_is_half_as_long_at_sixty_degrees():
    at_60 = ground_m(*(np.array([value]) for value in (10.0, 60.0, 11.0, 60.0)))
    assert at_60 == pytest.approx(111_194.9 / 2, rel=1e-4)


def test_tracks_without_places_are_refused():
    plain = pd.DataFrame(track([0, 10]).drop(columns="geometry"))
    with pytest.raises(ColumnError, match="neither points nor a column lon and lat"):
        clean(plain)


def test_times_too_far_apart_for_one_number_are_sorted_too():
    owner, time = np.array([2, 0, 1]), np.array([2**62, 0, 5])
    assert by_time(owner, time).tolist() == [1, 2, 0]


def test_fixes_at_one_time_are_sorted_by_place_although_they_are_in_order_of_time():
    owner, time = np.zeros(4, dtype=np.int64), np.array([1, 5, 5, 9])
    assert by_time(owner, time, np.array([0.0, 2.0, 1.0, 0.0])).tolist() == [0, 2, 1, 3]
    assert by_time(owner, time).tolist() == [0, 1, 2, 3]


def test_a_device_without_officer_is_another_walker_than_the_next_device_with_one():
    both = pd.concat([track([0, 10], officer=None), track([0, 10], device="D2", officer="S1")], ignore_index=True)
    path, _ = raw_path(both, CRS.from_epsg(4549), DEFAULT_LIMITS)
    assert path.walkers.to_numpy().tolist() == [["D1", None], ["D2", "S1"]]
    assert path.walker.tolist() == [0, 0, 1, 1]


def test_the_metric_crs_is_that_of_the_middle_of_the_fixes_and_there_is_one_without_any():
    across = gpd.GeoDataFrame(
        {"device": "D1", "time": [START, START]}, geometry=shapely.points([10.0, 10.0], [-1.0, 3.0]), crs=4326
    )
    assert metric_of(across).to_epsg() == 32632
    assert metric_of(across.iloc[:0]).to_epsg() == 4549


@pytest.mark.parametrize(("gap_s", "silent_s"), [(300.0, 0.0), (301.0, 301.0)])
def test_silence_in_a_stop_begins_above_the_longest_gap(gap_s, silent_s):
    t = np.r_[np.arange(0, 601, 10.0), 600 + gap_s + np.arange(0, 601, 10.0)]
    found = stops(track(t, np.zeros(len(t))))
    assert found["duration_s"].tolist() == [1200.0 + gap_s]
    assert found["silent_s"].tolist() == [silent_s]


def test_a_fix_stands_for_half_of_the_time_to_its_neighbours_but_not_for_more_than_a_minute():
    assert _weight(np.array([0.0, 50.0, 100.0]), 0, 3, 1) == 50.0
    assert _weight(np.array([0.0, 200.0, 400.0]), 0, 3, 1) == MOST_S
    assert _weight(np.array([0.0, 50.0, 100.0]), 0, 3, 0) == 25.0


def test_a_leg_of_two_fixes_stays_where_it_is():
    along = np.array([[3.0, 4.0], [5.0, 7.0]])
    fixed = on_legs(Legs(np.array([0, 2]), 1.0), np.array([[0.0, 0.0], [10.0, 0.0]]), along)
    assert fixed.tolist() == along.tolist()


def test_fixes_of_less_than_two_strides_have_no_measured_noise():
    n = 150
    time, still = (0.1 * np.arange(n) * SECOND).astype(np.int64), np.zeros(n)
    walker = np.zeros(n, dtype=np.int64)
    assert noise_of(walker, time, still, still, np.ones(n, dtype=bool), 1).tolist() == [0.0]


def test_noise_is_at_most_the_median_of_the_stated_errors():
    walker, sigma = np.array([0, 0, 0, 1]), np.array([1.0, 2.0, 9.0, 3.0])
    assert capped(np.array([5.0, 0.0]), walker, sigma).tolist() == [2.0, 0.0]
    assert capped(np.array([1.5, 4.0]), walker, sigma).tolist() == [1.5, 3.0]


def test_a_clock_that_is_set_forward_twice_has_no_outlier_between():
    t = [0, 10, 20, 7220, 14420, 14430, 14440, 14450]
    assert "clock" not in marks(recorded(t, np.zeros(8)))
    assert marks(recorded([0, 10, 20, 7230, 40, 50, 60, 70], np.zeros(8)))[3] == "clock"


def test_a_fix_at_the_time_of_the_one_before_it_did_not_go_back():
    assert marks(recorded([0, 10, 10, 20, 30, 40], [0, 15, 5, 20, 30, 40])) == ["", "duplicate", "", "", "", ""]
