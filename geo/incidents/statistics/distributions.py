"""Distribution functions of counts, from the special functions of SciPy.

scipy.stats has the same functions, and the tests compare both. Importing scipy.stats costs 1.1 s of CPU, as much as
geopandas and half of the time allowed for a command on a small file; scipy.special costs 0.3 s.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy import special

Floats = npt.NDArray[np.float64]

# Below this skewness a Pearson curve equals a normal one in double precision.
_SYMMETRIC = 1.6e-5


def negative_binomial_upper(count: npt.ArrayLike, mean: npt.ArrayLike, size: npt.ArrayLike) -> Floats:
    """Probability of `count` or more, for a count with variance ``mean + mean² / size``; NaN if the mean is not positive.

    >>> round(float(negative_binomial_upper(3, 1.0, 1.0)), 4)
    0.125
    """
    k, m, n = (np.asarray(a, dtype=float) for a in (count, mean, size))
    p = special.betainc(np.maximum(k, 1.0), n, m / (n + m))
    return np.asarray(np.where(m > 0, np.where(k > 0, p, 1.0), np.nan))


def negative_binomial_lower(count: npt.ArrayLike, mean: npt.ArrayLike, size: npt.ArrayLike) -> Floats:
    """Probability of `count` or less; see :func:`negative_binomial_upper`."""
    k, m, n = (np.asarray(a, dtype=float) for a in (count, mean, size))
    p = special.betainc(n, np.maximum(k, 0.0) + 1.0, n / (n + m))
    return np.asarray(np.where(m > 0, np.where(k >= 0, p, 0.0), np.nan))


def pearson3_upper(z: npt.ArrayLike, skew: npt.ArrayLike) -> Floats:
    """Probability of a value over `z` of a standardised Pearson curve of type III with this skewness."""
    value, skewed = np.broadcast_arrays(np.asarray(z, dtype=float), np.asarray(skew, dtype=float))
    symmetric = np.abs(skewed) < _SYMMETRIC
    beta = 2.0 / np.where(symmetric, 1.0, skewed)
    shape = beta**2
    at = np.maximum(beta * (value + beta), 0.0)  # the curve ends where this is 0
    p = np.where(beta > 0, special.gammaincc(shape, at), special.gammainc(shape, at))
    p = np.where(np.isnan(value), np.nan, p)
    return np.asarray(np.where(symmetric, special.ndtr(-value), p))


def pearson3_lower(z: npt.ArrayLike, skew: npt.ArrayLike) -> Floats:
    """Probability of a value of at most `z`; see :func:`pearson3_upper`."""
    return pearson3_upper(-np.asarray(z, dtype=float), -np.asarray(skew, dtype=float))


def fair_coin_upper(heads: npt.ArrayLike, tosses: npt.ArrayLike) -> Floats:
    """Probability of `heads` or more in `tosses` of a fair coin."""
    k, n = np.asarray(heads, dtype=float), np.asarray(tosses, dtype=float)
    return np.asarray(np.where(k > 0, special.betainc(np.maximum(k, 1.0), n - np.maximum(k, 1.0) + 1.0, 0.5), 1.0))


def fair_coin_two_sided(heads: npt.ArrayLike, tosses: npt.ArrayLike) -> Floats:
    """Exact two-sided p-value of a number of heads, by doubling the smaller tail; NaN without tosses.

    >>> fair_coin_two_sided([9, 6, 0], [12, 12, 0]).round(4).tolist()
    [0.146, 1.0, nan]
    """
    k, n = np.asarray(heads, dtype=float), np.asarray(tosses, dtype=float)
    p = fair_coin_upper(np.maximum(k, n - k), n)  # both tails of a fair coin are alike
    return np.asarray(np.where(n > 0, np.minimum(2.0 * p, 1.0), np.nan))


def poisson_mean_interval(count: npt.ArrayLike, confidence: float) -> tuple[Floats, Floats]:
    """Exact interval of the mean of a Poisson count (Garwood 1936)."""
    k = np.asarray(count, dtype=float)
    tail = (1.0 - confidence) / 2.0
    low = np.where(k > 0, special.gammaincinv(np.maximum(k, 1.0), tail), 0.0)
    return low, np.asarray(special.gammainccinv(k + 1.0, tail))


def binomial_share_interval(count: npt.ArrayLike, of: npt.ArrayLike, confidence: float) -> tuple[Floats, Floats]:
    """Exact interval of a share, observed as `count` of `of` (Clopper and Pearson 1934)."""
    k, n = np.asarray(count, dtype=float), np.asarray(of, dtype=float)
    tail = (1.0 - confidence) / 2.0
    low = np.where(k > 0, special.betaincinv(np.maximum(k, 1.0), n - k + 1.0, tail), 0.0)
    high = np.where(k < n, special.betaincinv(k + 1.0, np.maximum(n - k, 1.0), 1.0 - tail), 1.0)
    return low, high


def normal_two_sided(z: npt.ArrayLike) -> Floats:
    """Probability of a standard normal value at least as far from 0 as `z`."""
    return np.asarray(2.0 * special.ndtr(-np.abs(np.asarray(z, dtype=float))))
