"""Shares with intervals, a funnel with overdispersion, and percentages that add up."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.errors import InputError

Floats = npt.NDArray[np.float64]

#: Quantiles of the normal distribution for two-sided limits of 95 % and 99.8 %.
Z_95, Z_998 = 1.959963984540054, 3.090232306167813
#: Share of the areas at each end that is winsorised when overdispersion is estimated.
WINSORISED = 0.1
#: Minimum number of cases of an area for the comparison.
LEAST_COMPARED = 30
#: Minimum number of areas for the estimate of overdispersion.
LEAST_AREAS = 5

#: Columns of :func:`funnel`, in order.
FUNNEL_COLUMNS = ("value", "expected", "low_95", "high_95", "low_998", "high_998", "z", "phi", "band")


def wilson(numerator: npt.ArrayLike, denominator: npt.ArrayLike, *, z: float = Z_95) -> tuple[Floats, Floats]:
    """Interval of a share (Wilson 1927): low and high, NaN where the denominator is 0.

    Raises
    ------
    InputError
        If a numerator is negative or above its denominator.

    >>> low, high = wilson([8], [10])
    >>> round(float(low[0]), 4), round(float(high[0]), 4)
    (0.4902, 0.9433)
    """
    k, n = np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float)
    if ((k < 0) | (k > n)).any():
        raise InputError("a share needs 0 <= numerator <= denominator")
    with np.errstate(divide="ignore", invalid="ignore"):
        p = k / n
        middle = (p + z * z / (2 * n)) / (1 + z * z / n)
        half = z / (1 + z * z / n) * np.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    # At 0 of n and n of n the bound is exactly 0 or 1; correct rounding errors.
    low = np.where(k == 0, np.where(n > 0, 0.0, np.nan), middle - half)
    high = np.where((k == n) & (n > 0), 1.0, middle + half)
    return low, high


def funnel(
    numerator: npt.ArrayLike,
    denominator: npt.ArrayLike,
    *,
    expected: npt.ArrayLike | None = None,
    variance: npt.ArrayLike | None = None,
) -> pd.DataFrame:
    """Compare shares of areas with their expected values, with limits widened for overdispersion.

    Parameters
    ----------
    numerator, denominator
        Counts of each area.
    expected, variance
        Expected numerator of each area from its mix of cases, and its binomial variance; by default from the common share.

    Returns
    -------
    DataFrame
        One row for each area, in the order given: `value`, `expected` (shares), limits at 95 % and 99.8 %, `z`, `phi`, `band`:
        ``within``, ``outside_95``, ``outside_998``, ``few`` (fewer than :data:`LEAST_COMPARED` cases) or ``none`` (no case).

    Notes
    ----- phi is the mean squared z of the areas that are compared, after the :data:`WINSORISED` part at each end has been set to
    the quantile there; where it is above 1 the limits are widened by its root (Spiegelhalter 2005, multiplicative). With fewer
    than :data:`LEAST_AREAS` areas phi is 1. A large phi can hide an area that really differs, so the area's own trend should be
    shown, too.

    >>> funnel([45, 50, 5], [50, 60, 10])["band"].tolist()
    ['within', 'within', 'few']
    """
    k, n = np.asarray(numerator, dtype=float), np.asarray(denominator, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        common = k.sum() / n.sum() if n.sum() else np.nan
        hoped = common * n if expected is None else np.asarray(expected, dtype=float)
        spread = n * common * (1 - common) if variance is None else np.asarray(variance, dtype=float)
        deviation = np.sqrt(spread)
        z = np.where(deviation > 0, (k - hoped) / deviation, 0.0)
        value, target = k / n, hoped / n
        compared = n >= LEAST_COMPARED
        phi = _overdispersion(z[compared])
        half = deviation * math.sqrt(phi) / n
    limits = {
        f"{side}_{name}": np.clip(target + sign * quantile * half, 0.0, 1.0)
        for name, quantile in (("95", Z_95), ("998", Z_998))
        for side, sign in (("low", -1), ("high", 1))
    }
    strength = np.abs(z) / math.sqrt(phi)
    band = np.select(
        [n == 0, ~compared, strength > Z_998, strength > Z_95], ["none", "few", "outside_998", "outside_95"], "within"
    )
    table = pd.DataFrame({"value": value, "expected": target, **limits, "z": z, "phi": phi, "band": band})
    return table[list(FUNNEL_COLUMNS)]


def _overdispersion(z: Floats) -> float:
    """Factor of overdispersion, at least 1."""
    if len(z) < LEAST_AREAS:
        return 1.0
    low, high = np.quantile(z, [WINSORISED, 1 - WINSORISED])
    return max(float(np.mean(np.clip(z, low, high) ** 2)), 1.0)


def percentages(counts: Sequence[int], *, decimals: int = 2) -> list[float]:
    """Shares of a whole in percent, rounded so that they add up to 100 (largest remainder; equal ones in the order given).

    >>> percentages([1, 1, 1])
    [33.34, 33.33, 33.33]
    """
    total = sum(counts)
    if total == 0:
        return [0.0] * len(counts)
    steps = 100 * 10**decimals
    whole = [count * steps // total for count in counts]
    order = sorted(range(len(counts)), key=lambda i: (-(counts[i] * steps % total), i))
    for i in order[: steps - sum(whole)]:
        whole[i] += 1
    return [value / 10**decimals for value in whole]
