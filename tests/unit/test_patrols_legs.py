"""Straight legs through noisy fixes, compared with all possible cuts of a short track."""

from __future__ import annotations

from itertools import combinations, pairwise

import numpy as np
import pytest

from geo.tracks.smoothing import Motion, best_path
from geo.tracks.straightening import CORNER_EVERY_M, ERRORS_M, FOUND_M, legs_of, on_legs, scatter_along

MOTION = Motion(speed_m_s=1.2, turn_s=20.0, lasting_m=5.0, fresh_m=1.0)


def street(every_m, error_m, rng, corners=((0, 0), (300, 0), (300, 240), (620, 240))):
    """Places on a path with right angles, and fixes with independent errors."""
    corners = np.array(corners, dtype=float)
    along = np.r_[0.0, np.cumsum(np.hypot(*np.diff(corners, axis=0).T))]
    at = np.arange(0.0, along[-1], every_m)
    true = np.column_stack([np.interp(at, along, corners[:, i]) for i in (0, 1)])
    return true, true + rng.normal(0.0, error_m, true.shape)


def clock(xy):
    return np.arange(len(xy)) * 10.0


def cost(xy, cuts, error_m):
    """The cost of a cut, as defined in the docstring of the module."""
    step_m = max(np.median(np.hypot(*np.diff(xy, axis=0).T)), 1.0)
    total = 0.0
    for a, b in pairwise(cuts):
        off = np.linalg.svd(xy[a:b] - xy[a:b].mean(axis=0), compute_uv=False)[-1] ** 2 if b - a > 2 else 0.0
        total += off / (2 * error_m**2) + max(b - a - 2, 0) * np.log(error_m)
        total += np.log(FOUND_M**2 * CORNER_EVERY_M / step_m)
    return total


@pytest.mark.parametrize("seed", range(6))
def test_no_way_to_cut_a_track_costs_less(seed):
    rng = np.random.default_rng(seed)
    xy = street(60.0, rng.choice([1.0, 4.0, 15.0]), rng)[1][:11]
    legs = legs_of(clock(xy), xy)
    allowed = [error_m for error_m in ERRORS_M if error_m <= max(scatter_along(clock(xy), xy), 1.0)]
    inner = range(1, len(xy))
    every = ([0, *cuts, len(xy)] for k in range(len(xy)) for cuts in combinations(inner, k))
    least = min((cost(xy, cuts, error_m), error_m) for cuts in every for error_m in allowed)
    assert cost(xy, legs.cuts.tolist(), legs.error_m) == pytest.approx(least[0], abs=1e-6)


@pytest.mark.parametrize(("every_m", "error_m"), [(6.0, 3.0), (13.0, 5.0), (13.0, 8.0), (40.0, 5.0)])
def test_the_track_tells_its_error_and_the_path_lies_nearer(every_m, error_m):
    found, before, after = [], [], []
    for seed in range(12):
        true, xy = street(every_m, error_m, np.random.default_rng(seed))
        legs = legs_of(clock(xy), xy)
        found.append(legs.error_m)
        before.append(np.abs(xy - true).mean())
        after.append(np.abs(on_legs(legs, xy, xy) - true).mean())
    assert np.mean(found) == pytest.approx(error_m, rel=0.4)
    # Only the direction across the street can be corrected.
    assert np.mean(after) < 0.8 * np.mean(before)


def test_an_error_that_all_fixes_share_moves_nothing():
    true, _ = street(13.0, 0.0, np.random.default_rng(0))
    moved = true + np.array([7.0, -4.0])
    legs = legs_of(clock(moved), moved)
    np.testing.assert_allclose(on_legs(legs, moved, moved), moved, atol=0.5)
    assert legs.error_m == ERRORS_M[0]


def test_few_fixes_and_equal_ones():
    two = np.array([[0.0, 0.0], [30.0, 40.0]])
    for xy in (two[:1], two, np.repeat(two, 4, axis=0), np.zeros((9, 2))):
        legs = legs_of(clock(xy), xy)
        assert legs.cuts[0] == 0
        assert legs.cuts[-1] == len(xy)
        np.testing.assert_allclose(on_legs(legs, xy, xy), xy, atol=1e-9)
        path = best_path(clock(xy), xy, MOTION)
        assert np.isfinite(path).all()
        assert (np.abs(path - np.clip(path, xy.min(axis=0), xy.max(axis=0))) < 1.0).all()


def test_a_street_walked_to_and_fro_stays_as_long():
    there = np.column_stack([np.arange(0.0, 200.0, 10.0), np.zeros(20)])
    xy = np.concatenate([there, there[::-1]]) + np.random.default_rng(3).normal(0.0, 3.0, (40, 2))
    path = on_legs(legs_of(clock(xy), xy), xy, xy)
    assert np.ptp(path[:, 0]) > 180.0
    assert np.abs(path[:, 1]).mean() < 0.8 * np.abs(xy[:, 1]).mean()


def test_a_path_that_winds_is_no_error():
    along = np.arange(0.0, 2000.0, 13.0)
    winding = np.column_stack([along, 25.0 * np.sin(along / 30.0)])
    assert legs_of(clock(winding), winding).error_m < 2.0
    noisy = winding + np.random.default_rng(1).normal(0.0, 6.0, winding.shape)
    assert scatter_along(clock(noisy), noisy) == pytest.approx(6.0, rel=0.35)
