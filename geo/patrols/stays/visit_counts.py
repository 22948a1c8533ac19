"""Distribution of the number of visits, if each stay is a visit only with some probability.

The number of proven visits is too low, because it excludes all visits at borders; the number of observed stays is too high.
Each stay of a cell is treated as a visit with its probability, independently of the others; of these, the largest number
that is far enough apart counts (earliest end first, as in :mod:`geo.patrols.stays.counted_visits`). The distribution of
this number is computed exactly. Visits hidden by silences are not included.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geo.arrays import Floats, Ints
from geo.kernels import kernel

#: Minimum probability of the range from `low` to `high`.
RANGE = 0.9
#: Sequences of stays with a smaller probability are ignored.
_NEGLIGIBLE = 1e-12


class VisitCount(NamedTuple):
    """Number of visits per group of stays: mean, limits of a 90 % range, and the probability of reaching a number."""

    expected: Floats
    low: Ints
    high: Ints
    p_required: Floats


def visit_count(
    group: Ints, start: Ints, end: Ints, probability: Floats, *, groups: int, apart: float, required: int
) -> VisitCount:
    """Compute the distribution of the number of counted visits for each group.

    Parameters
    ----------
    group
        Group of each stay, 0 to `groups` - 1: a cell, on one day.
    start, end
        Of each stay, in any unit.
    probability
        Probability that each stay is a visit, on its own.
    apart
        Minimum time between the end of a counted visit and the start of the next one, in the same unit.
    required
        Number for which the probability of reaching it is computed.

    Notes
    -----
    Between consecutive counted visits, no stay that could have counted was a visit. The probability that stay k is the c-th
    counted one is therefore a sum over its predecessor. Cost: O(n²) in the stays of a group; a stay is followed only while its
    probability exceeds 1e-12.
    """
    some = np.flatnonzero(probability > 0)
    order = some[np.lexsort((start[some], end[some], group[some]))]
    first = np.searchsorted(group[order], np.arange(groups + 1))
    chance = np.minimum(probability[order], 1.0)
    expected, low, high, enough = _numbers(first, start[order], end[order], chance, apart, required)
    return VisitCount(expected, low, high, enough)


@kernel(nogil=True)
def _numbers(
    first: Ints, start: Ints, end: Ints, chance: Floats, apart: float, required: int
) -> tuple[Floats, Ints, Ints, Floats]:
    """The figures of all groups; the stays of a group are consecutive, sorted by end."""
    groups = len(first) - 1
    expected, enough = np.zeros(groups), np.zeros(groups)
    low, high = np.zeros(groups, np.int64), np.zeros(groups, np.int64)
    for g in range(groups):
        a, b = first[g], first[g + 1]
        final = _distribution(start[a:b], end[a:b], chance[a:b], apart)
        below, k_low, k_high = 0.0, -1, 0
        for c in range(len(final)):
            expected[g] += c * final[c]
            if c >= required:
                enough[g] += final[c]
            below += final[c]
            if k_low < 0 and below > (1 - RANGE) / 2:
                k_low = c
            if below - final[c] < (1 + RANGE) / 2:
                k_high = c
        low[g], high[g] = max(k_low, 0), k_high
    return expected, low, high, enough


@kernel(nogil=True)
def _distribution(start: Ints, end: Ints, chance: Floats, apart: float) -> Floats:
    """Probability of each number of visits, from 0."""
    n = len(start)
    most = _most(start, end, apart)
    # reached[j + 1, c]: stay j is the c-th to count; row 0: none has counted yet.
    reached, final = np.zeros((n + 1, most + 1)), np.zeros(most + 1)
    reached[0, 0] = 1.0
    for j in range(n + 1):
        none, likely = 1.0, reached[j].sum()
        if likely < _NEGLIGIBLE:
            continue
        for k in range(j, n):
            if j > 0 and start[k] < end[j - 1] + apart:
                continue
            for c in range(most):
                reached[k + 1, c + 1] += none * chance[k] * reached[j, c]
            none *= 1.0 - chance[k]
            if none * likely < _NEGLIGIBLE:
                break
        final += none * reached[j]
    return final


@kernel(nogil=True)
def _most(start: Ints, end: Ints, apart: float) -> int:
    """Number of visits if every stay is a visit."""
    number, last = 0, -1
    for k in range(len(start)):
        if last < 0 or start[k] >= end[last] + apart:
            number, last = number + 1, k
    return number
