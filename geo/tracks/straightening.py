r"""Fits straight legs to noisy fixes: streets are straight over some distance, errors are not.

A leg is a run of fixes on one line, with an error independent for every fix. The most likely division of a track into legs is
found exactly by dynamic programming. A fix :math:`d` metres off the line of its leg costs :math:`d^2 / 2s^2`, and all but
two fixes of a leg cost :math:`\log s` (two are always on a line). Each leg has a further cost for its line and its corner.
The error :math:`s` is the candidate with the smallest total cost, so it is estimated from the scatter of the track itself.
Correlated errors move consecutive fixes alike; they look like bends of the street and are followed. A winding path would
look like an error too; but errors scatter fixes along the path as much as across it, and winding only across. Errors larger
than the scatter along the path are therefore excluded.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geo.arrays import Floats, Ints
from geo.kernels import kernel

#: Candidate errors, metres.
ERRORS_M = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
#: Share of the fixes with the smallest scatter along the path, and the corresponding quantile of a normal distribution in
#: standard deviations: a low share, because changing speeds scatter fixes more than the error.
ALONG_SHARE, ALONG_SIGMAS = 0.3, 0.3853
#: Prior accuracy of a line, metres, and prior distance between corners. Chosen on simulated walks and rides in the streets of
#: Nanjing; a third or three times as much changes F1 of the cells by up to 0.01.
FOUND_M, CORNER_EVERY_M = 50.0, 100.0
#: Maximum number of fixes of a leg. A longer street becomes several legs on nearly one line.
MOST_FIXES = 100


class Legs(NamedTuple):
    """A track divided into legs.

    Attributes
    ----------
    cuts
        First fix of each leg, and the number of fixes, shape (legs + 1,).
    error_m
        Scatter of fixes around their legs, standard deviation, metres.
    """

    cuts: Ints
    error_m: float


def legs_of(time_s: Floats, xy: Floats) -> Legs:
    """Divide a track into straight legs.

    Parameters
    ----------
    time_s
        Seconds, increasing, shape (n,), n at least 1.
    xy
        Fixes, metres, shape (n, 2).

    Notes
    -----
    Cost: O(n · 100) for each of up to eight candidate errors; about 3 µs per fix.
    """
    if len(xy) < 3:
        return Legs(np.array([0, len(xy)]), ERRORS_M[0])
    step_m = max(float(np.median(np.hypot(*np.diff(xy, axis=0).T))), 1.0)
    price = 2.0 * np.log(FOUND_M) + np.log(CORNER_EVERY_M / step_m)
    x, y, most = xy[:, 0].copy(), xy[:, 1].copy(), scatter_along(time_s, xy)
    tried = [(*_cut(x, y, error_m, price), error_m) for error_m in ERRORS_M if error_m <= max(most, ERRORS_M[0])]
    _, cuts, error_m = min(tried, key=lambda one: one[0])
    return Legs(cuts, error_m)


def scatter_along(time_s: Floats, xy: Floats) -> float:
    """Scatter of at least three fixes along the path, metres: each compared with its two neighbours."""
    chord = xy[2:] - xy[:-2]
    share = ((time_s[1:-1] - time_s[:-2]) / np.maximum(time_s[2:] - time_s[:-2], 1e-9))[:, None]
    off = ((xy[1:-1] - xy[:-2] - share * chord) * chord).sum(axis=1) / np.maximum(np.hypot(*chord.T), 1e-9)
    each = np.abs(off) / np.sqrt(1.0 + share**2 + (1.0 - share) ** 2)[:, 0]
    return float(np.quantile(each, ALONG_SHARE) / ALONG_SIGMAS)


def on_legs(legs: Legs, xy: Floats, along: Floats) -> Floats:
    """Places on the legs nearest to the fixes `xy`, at the positions `along` along each leg; legs of two fixes are unchanged."""
    first, n = legs.cuts[:-1], np.diff(legs.cuts)
    middle = np.add.reduceat(xy, first, axis=0) / n[:, None]
    off = xy - np.repeat(middle, n, axis=0)
    xx, yy, both = (np.add.reduceat(v, first) for v in (off[:, 0] ** 2, off[:, 1] ** 2, off[:, 0] * off[:, 1]))
    angle = 0.5 * np.arctan2(2.0 * both, xx - yy)
    way = np.repeat(np.column_stack([np.cos(angle), np.sin(angle)]), n, axis=0)
    centre = np.repeat(middle, n, axis=0)
    far = ((along - centre) * way).sum(axis=1)
    return np.where(np.repeat(n > 2, n)[:, None], centre + far[:, None] * way, along)


@kernel(nogil=True)
def _cut(x: Floats, y: Floats, error_m: float, price: float) -> tuple[float, Ints]:
    """Minimum cost of a track for one error, and the divisions that give it."""
    n = len(x)
    least, before = np.full(n + 1, np.inf), np.zeros(n + 1, np.int64)
    least[0] = 0.0
    weight, each = 0.5 / (error_m * error_m), np.log(error_m)
    for j in range(1, n + 1):
        sx = sy = sxx = sxy = syy = 0.0
        for i in range(j - 1, max(-1, j - 1 - MOST_FIXES), -1):
            # Fixes i to j - 1; the smaller eigenvalue of their scatter matrix is the sum of squares around the best line.
            dx, dy, m = x[i] - x[j - 1], y[i] - y[j - 1], j - i
            sx, sy, sxx, sxy, syy = sx + dx, sy + dy, sxx + dx * dx, sxy + dx * dy, syy + dy * dy
            a, b, c = sxx - sx * sx / m, sxy - sx * sy / m, syy - sy * sy / m
            off = max((a + c) / 2.0 - np.sqrt((a - c) ** 2 / 4.0 + b * b), 0.0) * weight
            cost = least[i] + off + max(m - 2, 0) * each + price
            if cost < least[j]:
                least[j], before[j] = cost, i
            # No longer leg can be better: its fixes alone cost more than the additional corners would.
            if off > price * (m // 2 + 2):
                break
    cuts = [n]
    while cuts[-1] > 0:
        cuts.append(before[cuts[-1]])
    return least[n], np.array(cuts[::-1])
