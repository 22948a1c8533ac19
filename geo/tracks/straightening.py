r"""Straight legs through noisy fixes: streets are straight for a while, errors are not.

A leg is a run of fixes that lie on one line, give or take an error that is new in every fix. Of all ways to cut a track into
legs the likeliest is taken, found exactly by dynamic programming. A fix :math:`d` metres off the line of its leg costs
:math:`d^2 / 2s^2`, and all but two fixes of a leg cost :math:`\log s` (two lie on a line anyhow). A leg costs what it is worth
to know its line, and that a corner comes there. The error :math:`s` is the one of a few with which the whole costs least, so the
track itself says how far its fixes scatter. An error that lasts moves neighbouring fixes alike: it looks like a street with
bends, and is followed. A path that winds would look like an error too; but errors scatter fixes along the way as much as across
it, and winding only across. So no error is tried that is larger than what is seen along the way.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geo.arrays import Floats, Ints
from geo.kernels import kernel

#: Errors that are tried, metres.
ERRORS_M = (1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0)
#: Share of the fixes that scatter along the way by less than the error bids, and where a normal distribution has that share, in
#: standard deviations: a low share, because a device that goes at changing speeds scatters more than its error.
ALONG_SHARE, ALONG_SIGMAS = 0.3, 0.3853
#: Within how many metres a line is thought to be found before it is seen, and how many lie between corners. Chosen on simulated
#: walks and rides in the streets of Nanjing; a third or three times as much changes F1 of the cells by up to 0.01.
FOUND_M, CORNER_EVERY_M = 50.0, 100.0
#: Fixes of the longest leg. A longer street is several legs on nearly one line.
MOST_FIXES = 100


class Legs(NamedTuple):
    """A track cut into legs.

    Attributes
    ----------
    cuts
        First fix of each leg, and the number of fixes, shape (legs + 1,).
    error_m
        How far fixes scatter about their legs, standard deviation, metres.
    """

    cuts: Ints
    error_m: float


def legs_of(time_s: Floats, xy: Floats) -> Legs:
    """Cut a track into straight legs.

    Parameters
    ----------
    time_s
        Seconds, rising, shape (n,), n at least 1.
    xy
        Fixes, metres, shape (n, 2).

    Notes
    -----
    Cost: O(n · 100) for each of up to eight errors that are tried; about 3 µs a fix.
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
    """How far fixes scatter along the way, metres: each against where the two beside it say, of at least three fixes."""
    chord = xy[2:] - xy[:-2]
    share = ((time_s[1:-1] - time_s[:-2]) / np.maximum(time_s[2:] - time_s[:-2], 1e-9))[:, None]
    off = ((xy[1:-1] - xy[:-2] - share * chord) * chord).sum(axis=1) / np.maximum(np.hypot(*chord.T), 1e-9)
    each = np.abs(off) / np.sqrt(1.0 + share**2 + (1.0 - share) ** 2)[:, 0]
    return float(np.quantile(each, ALONG_SHARE) / ALONG_SIGMAS)


def on_legs(legs: Legs, xy: Floats, along: Floats) -> Floats:
    """Places on the legs that the fixes `xy` fit best, as far along each as `along` says; a leg of two fixes is left as it is."""
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
    """The least cost of a track for one error, and where it is cut."""
    n = len(x)
    least, before = np.full(n + 1, np.inf), np.zeros(n + 1, np.int64)
    least[0] = 0.0
    weight, each = 0.5 / (error_m * error_m), np.log(error_m)
    for j in range(1, n + 1):
        sx = sy = sxx = sxy = syy = 0.0
        for i in range(j - 1, max(-1, j - 1 - MOST_FIXES), -1):
            # The fixes i to j - 1; the smaller eigenvalue of their scatter is the sum of squares about the best line.
            dx, dy, m = x[i] - x[j - 1], y[i] - y[j - 1], j - i
            sx, sy, sxx, sxy, syy = sx + dx, sy + dy, sxx + dx * dx, sxy + dx * dy, syy + dy * dy
            a, b, c = sxx - sx * sx / m, sxy - sx * sy / m, syy - sy * sy / m
            off = max((a + c) / 2.0 - np.sqrt((a - c) ** 2 / 4.0 + b * b), 0.0) * weight
            cost = least[i] + off + max(m - 2, 0) * each + price
            if cost < least[j]:
                least[j], before[j] = cost, i
            # No longer leg can win: its fixes alone cost more than the corners that would do without it.
            if off > price * (m // 2 + 2):
                break
    cuts = [n]
    while cuts[-1] > 0:
        cuts.append(before[cuts[-1]])
    return least[n], np.array(cuts[::-1])
