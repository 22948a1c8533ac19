"""The background: distribution of counts without hot spots, fitted to data that contain hot spots.

Incidents are unevenly distributed even without hot spots: large cells and cells with many residents have more of them, by
unknown factors. The expected count of a cell is therefore a sum of a constant per cell, a term for its area and a term for
its residents, with fitted factors. A few extreme cells would hide all others if they were included in the background (on
the model street one cell has 170 incidents where the mean is 11), so only the calmest 85 % of neighbourhoods are used for
the fit.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse
from scipy.special import betainc, gammaln

from geo.incidents.statistics.distributions import negative_binomial_lower, negative_binomial_upper

Floats = npt.NDArray[np.float64]

#: Share of the neighbourhoods, lowest first, used for the fit of the background.
CALM_SHARE = 0.85

# With fewer cells, or fewer incidents in the median neighbourhood, the calm part is too small for a fit.
_MIN_CELLS = 30
_MIN_MEDIAN = 1.0
# The spread is estimated from as many independent values as there are disjoint neighbourhoods; it is increased by this many
# of its standard errors, relative to its square root.
_MARGIN = 2.0
_SPREAD = (1e-5, 400.0)
# The set of calm neighbourhoods depends on the fit, and the fit on the set; after this many rounds neither changes noticeably.
_ROUNDS = 3
# Convergence threshold of the mean loss: 0.0003 of the loss of 3,000 neighbourhoods.
_PRECISION = 1e-7
# Bounds of each factor, relative to an equal share of all incidents.
_FACTOR_BOUNDS = (1e-6, 30.0)
# Hot spots only add to the background, so its total is at most the total count plus this many standard errors of a Poisson
# total. Without this limit the likelihood has no maximum for counts more even than chance (quotas): it increases with the mean.
_EXCESS = 3.0


class Background(NamedTuple):
    """Negative binomial distributions of the count of a cell, and of the sum over a cell and its neighbours.

    Attributes
    ----------
    expected
        Mean of each cell, float64, shape (n,).
    sums
        Mean of each neighbourhood.
    spread
        Variance of a cell beyond that of a Poisson count, relative to its squared mean.
    pieces
        Effective number of equal cells in each neighbourhood: the spread of a sum is that of a cell divided by it.
    """

    expected: Floats
    sums: Floats
    spread: float
    pieces: Floats

    def upper(self, sums: Floats) -> Floats:
        """Probability of a sum as large over each neighbourhood; NaN where nothing is expected."""
        return negative_binomial_upper(sums, self.sums, self.pieces / self.spread)

    def lower(self, sums: Floats) -> Floats:
        """Probability of a sum as small over each neighbourhood; NaN where nothing is expected."""
        return negative_binomial_lower(sums, self.sums, self.pieces / self.spread)

    def upper_of_cells(self, values: Floats) -> Floats:
        """Probability of a count as large in each cell without its neighbours."""
        return negative_binomial_upper(values, self.expected, 1.0 / self.spread)


def estimate_background(values: Floats, weights: scipy.sparse.csr_array[Any], measures: Floats) -> Background | None:
    """Fit the background to the sums over neighbourhoods.

    Parameters
    ----------
    values
        Incidents of each cell, float64, shape (n,).
    weights
        Neighbours of each cell and the cell itself, 0 or 1, shape (n, n).
    measures
        Terms of the expected count, float64 of 0 or more, shape (n, k): 1 for each cell, its area, its residents.

    Returns
    -------
    Background or None
        None if there are too few cells or incidents for a fit.

    Notes
    -----
    Maximum likelihood of a negative binomial distribution truncated at the upper end of the calm part, so that larger
    values have no influence. The total of the background is limited by the total count, which matters if counts are more
    even than chance; the result is then a Poisson distribution, which is wider than the data, so p-values are too large
    rather than too small. The fitted spread is increased because it is an estimate: in 200 months of very uneven counts
    (negative binomial, mean 1, size 0.5) on 255 cells without a hot spot, one was found in 9.5 % without the increase and
    in 5.0 % with it.
    """
    use = np.asarray(weights @ measures).sum(axis=1) > 0
    if use.sum() < _MIN_CELLS:
        return None
    around = _Neighbourhoods(np.asarray(weights @ values), weights, measures, use)
    equal = around.equal_share()
    logs = np.r_[np.log(equal), 0.0]
    for _ in range(_ROUNDS):
        loss = around.calm_loss(np.exp(logs[:-1]))
        if loss is None:
            return None
        logs = _minimum(loss, logs, np.log(equal), around.total_limit())
    factors, spread = np.exp(logs[:-1]), float(np.exp(logs[-1]))
    mean_cells = float(weights.sum(axis=1).mean())
    widened = spread * (1.0 + _MARGIN / np.sqrt(len(values) / mean_cells))
    sums, pieces = around.means(factors)
    return Background(measures @ factors, sums, widened, pieces)


def _minimum(loss: Any, start: Floats, log_equal: Floats, limit: tuple[Floats, float]) -> Floats:
    """Logarithms of factors and spread that minimise the loss within the limit of the total."""
    from scipy.optimize import minimize  # imported here: it takes 0.3 s of CPU and is not needed for small files

    per_factor, most = limit
    low, high = (log_equal + np.log(bound) for bound in _FACTOR_BOUNDS)
    total = {
        "type": "ineq",
        "fun": lambda logs: 1.0 - per_factor @ np.exp(logs[:-1]) / most,
        "jac": lambda logs: np.r_[-per_factor * np.exp(logs[:-1]) / most, 0.0],
    }
    # Of SciPy's methods the fastest here: a third of the time of L-BFGS-B, a fifth of that of Nelder and Mead.
    found = minimize(
        loss,
        start,
        method="SLSQP",
        bounds=[*zip(low, high, strict=True), tuple(np.log(_SPREAD))],
        constraints=[total],
        options={"ftol": _PRECISION},
    )
    return np.asarray(found.x, dtype=float)


class _Neighbourhoods:
    """Sums over neighbourhoods, and their expected values for given factors, without another pass over the cells."""

    def __init__(
        self, sums: Floats, weights: scipy.sparse.csr_array[Any], measures: Floats, use: npt.NDArray[np.bool_]
    ) -> None:
        self.sums, self.use = sums, use
        self.measured = np.asarray(weights @ measures)
        k = measures.shape[1]
        self.products = np.stack([np.asarray(weights @ (measures[:, [i]] * measures)) for i in range(k)], axis=1)
        self.cells = weights.sum() / len(sums)

    def equal_share(self) -> Floats:
        """Factors for which each term explains an equal part of all incidents."""
        whole: Floats = self.measured.sum(axis=0)
        return np.asarray(max(float(self.sums.sum()), 1.0) / len(whole) / whole)

    def total_limit(self) -> tuple[Floats, float]:
        """Total of all neighbourhoods per unit of each factor, and the maximum total of the background."""
        total = max(float(self.sums.sum()), 1.0)
        incidents = max(total / self.cells, 1.0)  # each is counted in every neighbourhood of its cell
        return np.asarray(self.measured.sum(axis=0)), total * (1.0 + _EXCESS / np.sqrt(incidents))

    def means(self, factors: Floats) -> tuple[Floats, Floats]:
        """Mean of each neighbourhood, and its effective number of equal cells."""
        mean = self.measured @ factors
        squares = np.einsum("nij,i,j->n", self.products, factors, factors)
        return mean, np.divide(mean**2, squares, out=np.ones(len(mean)), where=squares > 0)

    def calm_loss(self, factors: Floats) -> Any:
        """Loss as a function of the logarithms of factors and spread, over the part that is calm under these factors.

        None if that part is too small.
        """
        mean = self.means(factors)[0][self.use]
        sums = self.sums[self.use]
        edge = np.floor(float(np.quantile(sums / mean, CALM_SHARE)) * mean + 1e-9)
        calm = sums <= edge
        if np.median(edge[calm]) < _MIN_MEDIAN:
            return None
        rows = np.flatnonzero(self.use)[calm]
        s, top = self.sums[rows], edge[calm]
        measured, products = self.measured[rows], self.products[rows]

        def loss(logs: Floats) -> float:
            tried, spread = np.exp(logs[:-1]), np.exp(logs[-1])
            m = measured @ tried
            size = m**2 / np.einsum("nij,i,j->n", products, tried, tried) / spread
            p = size / (size + m)
            own = gammaln(s + size) - gammaln(size) + size * np.log(p) + s * np.log1p(-p)
            below = np.maximum(betainc(size, top + 1.0, p), 1e-300)
            return float(np.log(below).mean() - own.mean())

        return loss
