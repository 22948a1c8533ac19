"""Local measures of spatial association: Gi* and local Moran.

Weights are sparse matrices with one row per cell. Variances are exact under permutation of the values over the cells
("randomisation"). The tests compare the results with esda, and with the values of R's spdep for the worked example of Getis and
Ord and for the counties of North Carolina.

esda is not used, because it needs scikit-learn, libpysal and numba, takes 2.5 s of CPU to import, and expects weights as a
graph object that would have to be built from the sparse matrix; the two formulas are a dozen lines.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import scipy.sparse

Floats = npt.NDArray[np.float64]


def gi_star(values: Floats, weights: scipy.sparse.csr_array[Any], *, variance: Literal["n", "n-1"] = "n") -> Floats:
    """Standardised Gi* of each cell.

    Parameters
    ----------
    values
        float64, shape (n,).
    weights
        Sparse, shape (n, n), with the diagonal of the statistic: 1 for Gi* with binary weights.
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
    if spread <= _constant_to(values):
        return np.full(n, np.nan)
    scale = np.maximum(n * squares - total**2, 0.0) / (n - 1)
    divisor = np.where(scale > 1e-9, spread * np.sqrt(scale), np.nan)
    return np.asarray((weights @ values - values.mean() * total) / divisor)


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
        float64, shape (n,). The value divides by the mean square deviation with divisor n, as spdep does; esda divides by n
        - 1, so its values are n / (n - 1) times smaller. Expected value and variance are those under permutation of the other
        cells' values while the cell keeps its own ("conditional randomisation", Sokal, Oden and Thomson 1998).
    """
    n = len(values)
    d = values - values.mean()
    m2 = float((d**2).mean())
    if np.sqrt(m2) <= _constant_to(values) or n < 3:
        return tuple(np.full(n, np.nan) for _ in range(3))  # type: ignore[return-value]
    total, squares = _row_sums(weights)
    others_mean = -d / (n - 1)
    others_var = (n * m2 - d**2) / (n - 1) - others_mean**2
    spread = others_var * ((n - 1) * squares - total**2) / (n - 2)
    return d / m2 * (weights @ d), d / m2 * others_mean * total, (d / m2) ** 2 * spread


def _constant_to(values: Floats) -> float:
    """Standard deviation up to which values are treated as constant: rounding alone gives a few units in the last place."""
    return 1e-12 * float(np.abs(values).max(initial=0.0))


def _row_sums(weights: scipy.sparse.csr_array[Any]) -> tuple[Floats, Floats]:
    return np.asarray(weights.sum(axis=1), dtype=float), np.asarray(weights.power(2).sum(axis=1), dtype=float)
