"""The smoother compared with the equivalent multivariate normal distribution, written as one matrix."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Transformer

from geo.patrols import smoothed
from geo.tracks.smoothing import Motion, best_path, drawn_paths, likelihood, motion_of, smoothed_path, with_corners

MOTION = Motion(speed_m_s=1.2, turn_s=15.0, lasting_m=5.0, fresh_m=3.0, lasts_s=120.0)
TO_DEGREES = Transformer.from_crs(4549, 4326, always_xy=True)


def place_covariance(time, motion):
    """Covariance of integrated Ornstein-Uhlenbeck positions from the first time on, with a diffuse start."""
    s, t = np.meshgrid(time - time[0], time - time[0])
    v2, tau = motion.speed_m_s**2, motion.turn_s
    low = np.minimum(s, t)
    grown = 2 * low / tau - 1 + np.exp(-s / tau) + np.exp(-t / tau) - np.exp(-np.abs(s - t) / tau)
    return v2 * tau**2 * grown + 1e8


def dense(time, seen, fixes, motion):
    """Mean and covariance of the positions given the fixes, by conditioning one multivariate normal distribution."""
    at = np.flatnonzero(seen)
    prior = place_covariance(time, motion)
    gap = np.abs(np.subtract.outer(time[at], time[at]))
    error = motion.lasting_m**2 * np.exp(-gap / motion.lasts_s) + motion.fresh_m**2 * np.eye(len(at))
    gain = np.linalg.solve(prior[np.ix_(at, at)] + error, prior[at]).T
    return gain @ fixes[at], prior - gain @ prior[at]


@pytest.fixture
def walk():
    rng = np.random.default_rng(5)
    time = np.cumsum(rng.uniform(1, 25, 25))
    seen = rng.random(25) < 0.6
    seen[[0, -1]] = True
    fixes = np.cumsum(rng.normal(0, 10, (25, 2)), axis=0)
    fixes -= fixes[0]
    return time, seen, fixes


def test_means_and_doubts_are_those_of_the_normal_distribution(walk):
    time, seen, fixes = walk
    mean, covariance = dense(time, seen, fixes, MOTION)
    found, doubt = smoothed_path(time, seen, fixes, MOTION)
    np.testing.assert_allclose(found, mean, atol=0.02)
    np.testing.assert_allclose(doubt, np.sqrt(np.diag(covariance)), atol=0.02)


def test_drawn_paths_are_as_uncertain_as_they_should_be(walk):
    time, seen, fixes = walk
    mean, covariance = dense(time, seen, fixes, MOTION)
    drawn = drawn_paths(time, seen, fixes, MOTION, count=20_000, rng=np.random.default_rng(1))
    assert drawn.shape == (25, 2, 20_000)
    np.testing.assert_allclose(drawn.mean(axis=2), mean, atol=0.3)
    np.testing.assert_allclose(np.cov(drawn[:, 0]), covariance, atol=0.05 * covariance.max())


def test_the_likelihood_is_that_of_all_fixes_but_the_first(walk):
    time, _, fixes = walk
    gap = np.abs(np.subtract.outer(time, time))
    whole = (
        place_covariance(time, MOTION)
        + MOTION.lasting_m**2 * np.exp(-gap / MOTION.lasts_s)
        + MOTION.fresh_m**2 * np.eye(25)
    )
    value = 0.0
    for column in (fixes[:, 0], fixes[:, 1]):
        value += -0.5 * (np.linalg.slogdet(2 * np.pi * whole)[1] + column @ np.linalg.solve(whole, column))
        value -= -0.5 * (np.log(2 * np.pi * whole[0, 0]) + column[0] ** 2 / whole[0, 0])
    assert likelihood(time, fixes, MOTION) == pytest.approx(value, abs=0.01)


def test_the_motion_of_a_jittering_walker_has_a_large_new_error():
    rng = np.random.default_rng(4)
    time = np.arange(400.0)
    straight = np.column_stack([1.3 * time, np.zeros(400)])
    assert motion_of(time, straight + rng.normal(0, 0.5, (400, 2)), np.full(400, 5.0)).fresh_m <= 2.0
    assert motion_of(time, straight + rng.normal(0, 8.0, (400, 2)), np.full(400, 5.0)).fresh_m == 8.0


def test_smoothing_brings_near_fixes_nearer_to_the_way():
    rng = np.random.default_rng(6)
    time = np.arange(600.0)
    noise = rng.normal(0, 6, (2, 600))
    lon, lat = TO_DEGREES.transform(387_000 + 1.3 * time + noise[0], 3_553_000 + noise[1])
    times = pd.Timestamp("2026-11-23T01:00:00Z") + pd.to_timedelta(time, unit="s")
    fixes = gpd.GeoDataFrame(
        {"device": "D1", "time": times}, geometry=shapely.points(lon, lat), crs=4326, index=time + 7
    )
    fixes["mark"] = ""
    fixes.iloc[9, fixes.columns.get_loc("mark")] = "jump"
    before = fixes.copy()
    moved = smoothed(fixes)
    assert fixes.equals(before)
    assert moved.index.equals(fixes.index)
    assert moved.geometry.iloc[9] == fixes.geometry.iloc[9]
    assert np.isnan(moved["sigma_m"].iloc[9])
    off = [np.abs(frame.to_crs(4549).geometry.y - 3_553_000).drop(frame.index[9]).mean() for frame in (fixes, moved)]
    assert off[1] < off[0] / 2
    assert smoothed(fixes.iloc[:0]).empty


def test_a_corner_is_cut_less():
    turn = np.array([[0.0, 0], [100, 0], [200, 100], [200, 200]])
    corner = with_corners(turn)
    assert corner.tolist() == [[0, 0], [100, 0], [185, 15], [200, 100], [200, 200]]
    straight = np.column_stack([np.arange(0.0, 500, 100), np.zeros(5)])
    assert with_corners(straight).tolist() == straight.tolist()
    back = np.array([[0.0, 0], [100, 0], [100, 1], [0, 1]])
    assert with_corners(back).tolist() == back.tolist()
    assert best_path(np.array([0.0]), turn[:1], MOTION).tolist() == [[0, 0]]
