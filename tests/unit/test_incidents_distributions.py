"""Distribution functions against scipy.stats."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.stats

from geo.incidents.statistics import distributions as ours
from geo.incidents.statistics.multiple_testing import benjamini_hochberg

COUNTS = np.r_[0:40, 75, 200, 1000].astype(float)


@pytest.mark.parametrize("mean", [0.01, 0.7, 12.0, 300.0])
@pytest.mark.parametrize("size", [0.3, 5.0, 1e5])
def test_negative_binomial(mean, size):
    law = scipy.stats.nbinom(size, size / (size + mean))
    np.testing.assert_allclose(
        ours.negative_binomial_upper(COUNTS, mean, size), law.sf(COUNTS - 1), rtol=1e-6, atol=1e-300
    )
    np.testing.assert_allclose(ours.negative_binomial_lower(COUNTS, mean, size), law.cdf(COUNTS), rtol=1e-9)
    both = ours.negative_binomial_upper(COUNTS[1:], mean, size) + ours.negative_binomial_lower(
        COUNTS[1:] - 1, mean, size
    )
    np.testing.assert_allclose(both, 1.0, rtol=1e-10)


def test_negative_binomial_without_a_mean_and_below_zero():
    assert np.isnan(ours.negative_binomial_upper([2.0], [0.0], [1.0])).all()
    assert np.isnan(ours.negative_binomial_lower([2.0], [0.0], [1.0])).all()
    assert ours.negative_binomial_upper(-1.0, 2.0, 1.0) == 1.0
    assert ours.negative_binomial_lower(-1.0, 2.0, 1.0) == 0.0


@pytest.mark.parametrize("skew", [-2.5, -0.3, 0.0, 1e-6, 0.4, 3.0])
def test_pearson3(skew):
    z = np.r_[np.linspace(-6, 12, 91), np.nan]
    law = scipy.stats.pearson3(skew)
    np.testing.assert_allclose(ours.pearson3_upper(z, skew), law.sf(z), rtol=1e-8, atol=1e-14)
    np.testing.assert_allclose(ours.pearson3_lower(z, skew), law.cdf(z), rtol=1e-8, atol=1e-14)


def test_fair_coin_is_the_binomial_test():
    for tosses in (1, 2, 7, 40):
        heads = np.arange(tosses + 1)
        expected = [scipy.stats.binomtest(int(k), tosses).pvalue for k in heads]
        np.testing.assert_allclose(ours.fair_coin_two_sided(heads, np.full(len(heads), tosses)), expected, rtol=1e-10)
        upper = [scipy.stats.binomtest(int(k), tosses, alternative="greater").pvalue for k in heads]
        np.testing.assert_allclose(ours.fair_coin_upper(heads, np.full(len(heads), tosses)), upper, rtol=1e-10)
    assert np.isnan(ours.fair_coin_two_sided([0], [0])).all()


@pytest.mark.parametrize("confidence", [0.9, 0.95])
def test_intervals(confidence):
    tail = (1 - confidence) / 2
    low, high = ours.poisson_mean_interval(COUNTS, confidence)
    np.testing.assert_allclose(low[1:], scipy.stats.gamma.ppf(tail, COUNTS[1:]), rtol=1e-10)
    np.testing.assert_allclose(high, scipy.stats.gamma.isf(tail, COUNTS + 1), rtol=1e-10)
    assert low[0] == 0.0
    for k, n in ((0, 5), (2, 5), (5, 5), (17, 40)):
        expected = scipy.stats.binomtest(k, n).proportion_ci(confidence, method="exact")
        found = ours.binomial_share_interval([k], [n], confidence)
        np.testing.assert_allclose([found[0][0], found[1][0]], [expected.low, expected.high], rtol=1e-10)


def test_normal_two_sided():
    z = np.linspace(-8, 8, 33)
    np.testing.assert_allclose(ours.normal_two_sided(z), 2 * scipy.stats.norm.sf(np.abs(z)), rtol=1e-12)


@pytest.mark.parametrize("n", [1, 2, 200])
def test_benjamini_hochberg_is_scipys_and_passes_over_missing_values(n):
    p = np.random.default_rng(n).uniform(0, 0.2, n).round(2)  # rounded, so that some are equal
    expected = scipy.stats.false_discovery_control(p)
    np.testing.assert_allclose(benjamini_hochberg(p), expected, rtol=1e-12)
    with_gaps = np.full(2 * n, np.nan)
    with_gaps[::2] = p
    found = benjamini_hochberg(with_gaps)
    np.testing.assert_allclose(found[::2], expected, rtol=1e-12)
    assert np.isnan(found[1::2]).all()
    assert benjamini_hochberg(np.full(3, np.nan)).shape == (3,)
