"""Correction for many tests.

scipy.stats.false_discovery_control does the same, and the tests compare both. It is not used, because importing scipy.stats
costs 1.1 s of CPU (geopandas: 1.0 s), and a command on a small file should end after 2.2 s.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

#: Accepted share of false discoveries among all discoveries (Benjamini and Hochberg 1995).
FALSE_DISCOVERY_RATE = 0.05


def benjamini_hochberg(p: Floats) -> Floats:
    """Adjust p-values so that accepting those up to a level limits the false discovery rate to that level.

    Parameters
    ----------
    p
        float64, shape (n,); NaN for cells that were not tested, which stays NaN and does not count as a test.

    Notes
    -----
    Holds for independent and positively dependent tests; sums over overlapping neighbourhoods are the latter (Benjamini and
    Yekutieli 2001).

    >>> benjamini_hochberg(np.array([0.01, 0.04, np.nan, 0.03])).round(3).tolist()
    [0.03, 0.04, nan, 0.04]
    """
    q = np.full(len(p), np.nan)
    tested = np.flatnonzero(~np.isnan(p))
    order = tested[np.argsort(p[tested], kind="stable")]
    raised = p[order] * len(order) / np.arange(1, len(order) + 1)
    q[order] = np.minimum(np.minimum.accumulate(raised[::-1])[::-1], 1.0)
    return q
