"""Speeds along a path: the kernel compared with a slow twin, rides back and forth, subtraction of noise."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from geo.tracks.path import SECOND
from geo.tracks.speed import BRISK_M_S, noise_of, paces_m_s, ridden


def _slow(time, x, y, known, noise_m, k):
    """Speed on one step, as defined in the docstring."""
    if not known[k]:
        return 0.0
    first, last, half = k, k + 1, 15 * SECOND
    middle = (time[k] + time[k + 1]) // 2
    while first > 0 and known[first - 1] and time[first - 1] >= middle - half:
        first -= 1
    while last < len(time) - 1 and known[last] and time[last + 1] <= middle + half:
        last += 1
    net = np.hypot(x[last] - x[first], y[last] - y[first]) / (time[last] - time[first]) * 1e6
    stops = [first]
    for j in range(first + 1, last + 1):
        if time[j] - time[stops[-1]] >= 8 * SECOND:
            stops.append(j)
    squares = [(x[b] - x[a]) ** 2 + (y[b] - y[a]) ** 2 - 4 * noise_m**2 for a, b in pairwise(stops)]
    along = 0.0
    if squares:
        along = np.sqrt(max(sum(squares), 0.0) * len(squares)) / (time[stops[-1]] - time[first]) * 1e6
    return along if along > max(net, BRISK_M_S) else net


def test_paces_are_those_of_a_slow_twin():
    rng = np.random.default_rng(3)
    n = 300
    time = np.cumsum(rng.integers(1, 25, n)) * SECOND
    x, y = np.cumsum(rng.normal(0, 20, (2, n)), axis=1)
    known = rng.random(n - 1) > 0.1
    found = paces_m_s(np.zeros(n, dtype=np.int64), time, x, y, known, np.array([4.0]))
    assert found == pytest.approx([_slow(time, x, y, known, 4.0, k) for k in range(n - 1)])
    assert (found[known] > 0).all()
    assert (found[~known] == 0).all()


def _to_and_fro(speed_m_s, step_s, noise_m, rng, turn_m=80.0):
    t = np.arange(0, 900, step_s)
    at = np.abs((speed_m_s * t / turn_m + 1) % 2 - 1) * turn_m
    return (t * SECOND).astype(np.int64), at + rng.normal(0, noise_m, len(t)), rng.normal(0, noise_m, len(t))


@pytest.mark.parametrize("step_s", [1.0, 5.0, 10.0])
@pytest.mark.parametrize("noise_m", [0.5, 3.0])
def test_a_ride_to_and_fro_is_as_fast_as_it_is_and_a_walk_too(step_s, noise_m):
    rng = np.random.default_rng(5)
    for speed, least, most in ((5.5, 3.5, 6.2), (1.2, 0.3, 1.7)):
        time, x, y = _to_and_fro(speed, step_s, noise_m, rng)
        walker, known = np.zeros(len(time), dtype=np.int64), np.ones(len(time) - 1, dtype=bool)
        pace = paces_m_s(walker, time, x, y, known, np.array([noise_m]))
        assert least < np.mean(pace) < most, (speed, np.mean(pace))


def test_noise_is_that_of_the_independent_error_and_unknown_where_fixes_are_far_apart():
    rng = np.random.default_rng(7)
    walker, moving = np.zeros(2000, dtype=np.int64), np.ones(2000, dtype=bool)
    for step, expected in ((10, 6.0), (16, 0.0)):
        time = np.arange(2000) * step * SECOND
        x, y = 1.2 * step * np.arange(2000) + rng.normal(0, 6, 2000), rng.normal(0, 6, 2000)
        assert noise_of(walker, time, x, y, moving, 1)[0] == pytest.approx(expected, rel=0.1)
    assert noise_of(walker[:19], time[:19], x[:19], y[:19], moving[:19], 1).tolist() == [0.0]


def test_over_a_long_step_only_what_nobody_walks_is_a_ride():
    time = np.array([0, 60, 120, 180]) * SECOND
    # 1.7 m/s for a minute and one standard deviation of both errors: 102 + 2.83 m.
    x, sigma = np.array([0.0, 104.8, 209.7, 314.6]), np.full(4, 2.0)
    known = np.ones(3, dtype=bool)
    fast = ridden(time, x, np.zeros(4), sigma, np.array([1.7, 1.8, 1.8]), known, 4.0)
    assert fast.tolist() == [False, True, True]
    known = np.array([True, True, False])
    assert ridden(time, x, np.zeros(4), sigma, np.full(3, 1.8), known, 4.0).tolist() == [False, True, False]
    known = np.ones(3, dtype=bool)
    dense = ridden(time // 6, x, np.zeros(4), sigma, np.array([1.7, 2.1, 4.01]), known, 4.0)
    assert dense.tolist() == [False, False, True]
    at_the_limit = ridden(time // 6, x, np.zeros(4), sigma, np.array([1.7, 4.0, 1.7]), known, 4.0)
    assert at_the_limit.tolist() == [False, False, False]


def test_a_ride_includes_its_edges_and_short_pauses_but_no_walk():
    def rides(paces, known=None, step_s=10):
        n = len(paces)
        time = np.arange(n + 1) * step_s * SECOND
        known = np.ones(n, dtype=bool) if known is None else known
        found = ridden(time, np.zeros(n + 1), np.zeros(n + 1), np.full(n + 1, 5.0), np.array(paces), known, 4.0)
        return "".join(".R"[int(one)] for one in found)

    # Slower at both ends, down to 2.2 m/s; a walk is not part of it.
    assert rides([1.2, 2.2, 2.3, 3.0, 4.1, 3.9, 2.3, 2.2, 2.3]) == "..RRRRR.."
    # A pause of 40 s belongs to it, one of 50 s does not.
    assert rides([5.0, *[0.5] * 4, 5.0]) == "RRRRRR"
    assert rides([5.0, *[0.5] * 5, 5.0]) == "R.....R"
    # 45 s exactly.
    assert rides([5.0, *[0.5] * 5, 5.0], step_s=9) == "RRRRRRR"
    # Not across a silence, and over long steps only what nobody walks.
    known = np.array([True, True, False, True, True])
    assert rides([5.0, 0.5, 0.5, 0.5, 5.0], known) == "R...R"
    assert rides([5.0, 3.0, 1.0], step_s=20) == "R.."
    assert rides([5.0, 3.0, 1.0], step_s=15) == "RR."
