"""Measures of spatial association: Gi and Gi*, G, Moran's I, local Moran, Geary's C.

Weights are sparse matrices whose rows are the cells. All variances are exact under permutation of the values over the cells
("randomisation"). Results agree with R's spdep to rounding (tests hold that on the worked example of Getis and Ord and on the
counties of North Carolina).
"""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse

Floats = npt.NDArray[np.float64]


class Association(NamedTuple):
    """A global measure: `value`, its `expected` value and `variance` under permutation, and `z`."""

    value: float
    expected: float
    variance: float

    @property
    def z(self) -> float:
        """Standardised value; NaN where the variance is 0."""
        return float((self.value - self.expected) / np.sqrt(self.variance)) if self.variance > 0 else float("nan")


def gi_star(values: Floats, weights: scipy.sparse.csr_array[Any], *, variance: Literal["n", "n-1"] = "n") -> Floats:
    """Standardised Gi* of each cell.

    Parameters
    ----------
    values
        float64, shape (n,).
    weights
        Sparse (n, n); the diagonal is that of the statistic: 1 for Gi* with binary weights.
    variance
        Divisor of the variance of the values.

    Returns
    -------
    ndarray of float64, shape (n,)
        ``(sum w x - mean W) / (s sqrt((n S - W²) / (n - 1)))`` with W the sum and S the sum of squares of a row's weights;
        NaN where the divisor is 0.

    Notes
    -----
    Source: Ord and Getis (1995), Geographical Analysis 27, equation 14.
    """
    n = len(values)
    total = np.asarray(weights.sum(axis=1), dtype=float)
    squares = np.asarray(weights.power(2).sum(axis=1), dtype=float)
    spread = values.std(ddof=0 if variance == "n" else 1) if n > 1 else 0.0
    # Rounding leaves a constant with a spread of some units of the last place.
    if spread <= 1e-12 * np.abs(values).max(initial=0.0):
        return np.full(n, np.nan)
    room = np.maximum(n * squares - total**2, 0.0) / (n - 1)
    divisor = np.where(room > 1e-9, spread * np.sqrt(room), np.nan)
    return np.asarray((weights @ values - values.mean() * total) / divisor)


def gi(values: Floats, weights: scipy.sparse.csr_array[Any]) -> Floats:
    """Standardised Gi of each cell: like Gi*, but the cell itself counts neither in the sum nor in mean and spread.

    Source: Ord and Getis (1995), equation 14 without the cell.
    """
    n = len(values)
    if n < 3:
        return np.full(n, np.nan)
    mean = (values.sum() - values) / (n - 1)
    spread = np.sqrt(np.maximum(((values**2).sum() - values**2) / (n - 1) - mean**2, 0.0))
    total, squares = _row_sums(weights)
    room = np.maximum((n - 1) * squares - total**2, 0.0) / (n - 2)
    divisor = spread * np.sqrt(room)
    return np.asarray((weights @ values - mean * total) / np.where(divisor > 0, divisor, np.nan))


def moran(values: Floats, weights: scipy.sparse.csr_array[Any]) -> Association:
    """Moran's I with its variance under randomisation (Cliff and Ord 1981, equation 2.42)."""
    n, (s0, s1, s2) = len(values), _sums(weights)
    d = values - values.mean()
    m2, m4 = float((d**2).mean()), float((d**4).mean())
    value = float(d @ (weights @ d)) / s0 / m2
    b2 = m4 / m2**2
    expected = -1.0 / (n - 1)
    first = n * ((n**2 - 3 * n + 3) * s1 - n * s2 + 3 * s0**2) - b2 * ((n**2 - n) * s1 - 2 * n * s2 + 6 * s0**2)
    return Association(value, expected, first / ((n - 1) * (n - 2) * (n - 3) * s0**2) - expected**2)


def geary(values: Floats, weights: scipy.sparse.csr_array[Any]) -> Association:
    """Geary's C with its variance under randomisation (Cliff and Ord 1981).

    `z` as printed by spdep has the other sign: there a C under 1, alike neighbours, is positive.
    """
    n, (s0, s1, s2) = len(values), _sums(weights)
    d = values - values.mean()
    m2, m4 = float((d**2).mean()), float((d**4).mean())
    k = m4 / m2**2
    pairs = weights.tocoo()
    row, column = pairs.coords
    value = (n - 1) / (2 * s0) * float((pairs.data * (values[row] - values[column]) ** 2).sum()) / (n * m2)
    variance = (n - 1) * s1 * (n**2 - 3 * n + 3 - k * (n - 1))
    variance -= 0.25 * (n - 1) * s2 * (n**2 + 3 * n - 6 - k * (n**2 - n + 2))
    variance += s0**2 * (n**2 - 3 - k * (n - 1) ** 2)
    return Association(value, 1.0, variance / (n * (n - 2) * (n - 3) * s0**2))


def general_g(values: Floats, weights: scipy.sparse.csr_array[Any]) -> Association:
    """General G of Getis and Ord (1992), for values of 0 or more and weights without a diagonal."""
    n, (s0, s1, s2) = len(values), _sums(weights)
    power = [float((values**k).sum()) for k in range(5)]
    pairs_sum = power[1] ** 2 - power[2]
    value = float(values @ (weights @ values)) / pairs_sum
    expected = s0 / (n * (n - 1))
    b0 = (n**2 - 3 * n + 3) * s1 - n * s2 + 3 * s0**2
    b1 = -((n**2 - n) * s1 - 2 * n * s2 + 6 * s0**2)
    b2 = -(2 * n * s1 - (n + 3) * s2 + 6 * s0**2)
    b3 = 4 * (n - 1) * s1 - 2 * (n + 1) * s2 + 8 * s0**2
    b4 = s1 - s2 + s0**2
    total = (
        b0 * power[2] ** 2
        + b1 * power[4]
        + b2 * power[1] ** 2 * power[2]
        + b3 * power[1] * power[3]
        + b4 * power[1] ** 4
    )
    return Association(value, expected, total / (pairs_sum**2 * n * (n - 1) * (n - 2) * (n - 3)) - expected**2)


def local_moran(values: Floats, weights: scipy.sparse.csr_array[Any]) -> tuple[Floats, Floats, Floats]:
    """Local Moran of each cell: value, expected value, and variance, given the value of the cell.

    Parameters
    ----------
    values
        float64, shape (n,).
    weights
        Without a diagonal; binary or with rows that sum to one.

    Returns
    -------
    (value, expected, variance)
        float64, shape (n,); value divides by the mean square deviation with n, as spdep does; that of esda is n / (n - 1)
        times less. Expected value and variance hold while the cell keeps its value and the others are dealt at random
        ("conditional randomisation", Sokal, Oden and Thomson 1998).
    """
    n = len(values)
    d = values - values.mean()
    m2 = float((d**2).mean())
    if m2 <= 0.0 or n < 3:
        return tuple(np.full(n, np.nan) for _ in range(3))  # type: ignore[return-value]
    total, squares = _row_sums(weights)
    others_mean = -d / (n - 1)
    others_var = (n * m2 - d**2) / (n - 1) - others_mean**2
    spread = others_var * ((n - 1) * squares - total**2) / (n - 2)
    return d / m2 * (weights @ d), d / m2 * others_mean * total, (d / m2) ** 2 * spread


def _row_sums(weights: scipy.sparse.csr_array[Any]) -> tuple[Floats, Floats]:
    return np.asarray(weights.sum(axis=1), dtype=float), np.asarray(weights.power(2).sum(axis=1), dtype=float)


def _sums(weights: scipy.sparse.csr_array[Any]) -> tuple[float, float, float]:
    """S0, S1 and S2 of Cliff and Ord."""
    both = weights + weights.T
    ends = np.asarray(weights.sum(axis=1)) + np.asarray(weights.sum(axis=0))
    return float(weights.sum()), float(both.power(2).sum()) / 2.0, float((ends**2).sum())
