"""Intervals, funnel and percentages compared with slow implementations or published values."""

from __future__ import annotations

import math

import numpy as np
import pytest
import scipy.optimize
from hypothesis import given
from hypothesis import strategies as st

from geo.duty.briefs.proportions import LEAST_AREAS, LEAST_COMPARED, Z_95, Z_998, funnel, percentages, wilson
from geo.errors import InputError


def slow_wilson(k: int, n: int) -> tuple[float, float]:
    """The shares not rejected by the score test at 95 %, found by root search."""

    def score(p: float) -> float:
        return (k / n - p) ** 2 - Z_95**2 * p * (1 - p) / n

    low = 0.0 if k == 0 else scipy.optimize.brentq(score, 1e-12, k / n - 1e-9)
    high = 1.0 if k == n else scipy.optimize.brentq(score, k / n + 1e-9, 1 - 1e-12)
    return float(low), float(high)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_is_the_inverted_score_test(pair: tuple[int, int]) -> None:
    k, n = pair
    low, high = wilson([k], [n])
    assert (float(low[0]), float(high[0])) == pytest.approx(slow_wilson(k, n), abs=1e-7)
    assert low[0] <= k / n <= high[0]


def test_no_cases_have_no_interval_and_impossible_counts_are_refused() -> None:
    low, high = wilson([0], [0])
    assert math.isnan(low[0])
    assert math.isnan(high[0])
    with pytest.raises(InputError):
        wilson([3], [2])
    with pytest.raises(InputError):
        wilson([-1], [2])


def test_a_fair_street_is_within_its_limits_and_a_bad_area_is_not() -> None:
    n = np.full(13, 200)
    k = np.full(13, 170)
    k[4] = 110
    table = funnel(k, n)
    assert table["band"].tolist() == ["within"] * 4 + ["outside_998"] + ["within"] * 8
    assert table["value"].tolist() == pytest.approx((k / n).tolist())


def test_overdispersion_widens_the_limits() -> None:
    rng = np.random.default_rng(3)
    n = np.full(100, 400)
    k = rng.binomial(n, np.clip(rng.normal(0.8, 0.08, 100), 0, 1))
    table = funnel(k, n)
    phi = float(table["phi"].iloc[0])
    common = k.sum() / n.sum()
    z = (k - n * common) / np.sqrt(n * common * (1 - common))
    low, high = np.quantile(z, [0.1, 0.9])
    assert phi == pytest.approx(float(np.mean(np.clip(z, low, high) ** 2)))
    assert phi > 5
    half = Z_998 * math.sqrt(phi * common * (1 - common) / 400)
    assert table["high_998"].iloc[0] == pytest.approx(min(1.0, common + half))
    assert table["low_998"].iloc[0] == pytest.approx(common - half)
    # Raw limits would mark dozens of areas.
    assert (np.abs(z) > Z_998).sum() > 20
    assert (table["band"] == "outside_998").sum() <= 2


def test_small_areas_are_not_compared_and_few_areas_give_no_factor() -> None:
    table = funnel([0, 25, 26, 0], [LEAST_COMPARED - 1, LEAST_COMPARED, 30, 0])
    assert table["band"].tolist()[:2] == ["few", "outside_95"]
    assert table["band"].tolist()[3] == "none"
    assert (table["phi"] == 1.0).all()
    n = np.full(LEAST_AREAS, 100)
    assert funnel([10, 90, 10, 90, 50], n)["phi"].iloc[0] > 1.0


def test_expected_by_mix_moves_the_centre() -> None:
    table = funnel([40], [50], expected=[40.0], variance=[8.0])
    assert table["expected"].iloc[0] == 0.8
    assert table["z"].iloc[0] == 0.0


@given(st.lists(st.integers(0, 10_000), min_size=1, max_size=30), st.integers(0, 3))
def test_percentages_add_up(counts: list[int], decimals: int) -> None:
    shown = percentages(counts, decimals=decimals)
    if sum(counts):
        assert sum(round(value * 10**decimals) for value in shown) == 100 * 10**decimals
        for value, count in zip(shown, counts, strict=True):
            assert abs(value - 100 * count / sum(counts)) < 10**-decimals
    else:
        assert shown == [0.0] * len(counts)
