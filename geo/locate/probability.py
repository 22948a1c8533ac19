r"""Kernel for positions with an error circle: probability that the true place lies in each cell.

The true place is normally distributed around the position, with the same σ east and north, under a uniform prior. The mass of a
polygon follows from its edges: with the position as origin and σ as unit,

.. math:: P(\text{cell}) = [\text{position in cell}] - \sum_{\text{edges}} \pm F, \quad
   F = \frac{1}{2\pi} \Bigl(\theta - (a \times b) \int_0^1 g(|a + t(b - a)|^2)\, dt\Bigr), \quad g(q) = \frac{1 - e^{-q/2}}{q}

F is the mass beyond the edge within its angle θ; it vanishes for distant edges, so those beyond `REACH` σ are ignored. g is
smooth, so a Gauss rule with five points per σ suffices. Derived by Green's theorem from the polar form of the density.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geo.kernels import kernel
from geo.locate.predicates import side
from geo.locate.results import Floats, Ints

#: Edges beyond this many σ are ignored. They could change a probability by at most exp(-REACH² / 2) = 1.5e-8.
REACH = 6.0

# Gauss-Legendre, five points on [0, 1].
_NODES = (0.04691007703066802, 0.23076534494715845, 0.5, 0.7692346550528415, 0.9530899229693319)
_WEIGHTS = (0.11846344252809454, 0.23931433524968324, 0.28444444444444444, 0.23931433524968324, 0.11846344252809454)


class Circles(NamedTuple):
    """Positions with error circles.

    Attributes
    ----------
    x, y, sigma
        Position and standard deviation along each axis, metres; float64 (n,).
    inside
        Cell of each position, by the rule of the index; int32 (n,), -1 outside.
    """

    x: Floats
    y: Floats
    sigma: Floats
    inside: Ints


@kernel(nogil=True)
def cell_masses(circles, least, first, stamp, raster, rows):  # type: ignore[no-untyped-def]
    """Write the cells of each position with their mass, and -1 with the mass outside; returns positions done, rows written.

    Parameters
    ----------
    circles
        :class:`Circles`.
    least
        Smaller masses are not written.
    first
        Number of the first position; `stamp` has one number per edge, initially -1, and marks edges already processed.
    rows
        :class:`geo.locate.results.Chances` to write to; the kernel stops before a position that does not fit.
    """
    x, y, sigma, inside = circles.x, circles.y, circles.sigma, circles.inside
    pixels, ends, sides, lists = raster.pixels, raster.ends, raster.sides, raster.lists
    height, width = pixels.shape
    local, mass = np.empty(64, dtype=np.int32), np.empty(64)
    n = 0
    for i in range(first, len(x)):
        if not (np.isfinite(x[i]) and np.isfinite(y[i]) and np.isfinite(sigma[i])):
            continue
        found = 1
        local[0], mass[0] = -1, 1.0
        if inside[i] >= 0:
            local[1], mass[1], found = inside[i], 1.0, 2
            mass[0] = 0.0
        reach = max(REACH * sigma[i], 1e-9) * raster.inverse
        u, v = (x[i] - raster.x0) * raster.inverse, (y[i] - raster.y0) * raster.inverse
        south, north = int(max(min(v - reach, height), 0.0)), int(max(min(v + reach, height - 1.0), -1.0))
        west, east = int(max(min(u - reach, width), 0.0)), int(max(min(u + reach, width - 1.0), -1.0))
        for row in range(south, north + 1):
            for column in range(west, east + 1):
                if pixels[row, column] >= 0:
                    continue
                k = -1 - pixels[row, column]
                for j in range(k + 2, k + 2 + lists[k + 1]):
                    e = lists[j]
                    if stamp[e] == i:
                        continue
                    stamp[e] = i
                    behind = _behind(x[i], y[i], sigma[i], ends[e, 0], ends[e, 1], ends[e, 2], ends[e, 3])
                    for s in range(2):
                        other = sides[e, s] - 1
                        at = 0
                        while at < found and local[at] != other:
                            at += 1
                        if at == found:
                            if found == len(local):
                                local, mass = _longer(local), _longer(mass)
                            local[found], mass[found] = other, 0.0
                            found += 1
                        mass[at] += -behind if s == 0 else behind
        if n + found > len(rows.cell):
            return i, n
        for at in range(found):
            if mass[at] >= least:
                rows.point[n], rows.cell[n], rows.probability[n] = i, local[at], min(mass[at], 1.0)
                n += 1
    return len(x), n


@kernel(nogil=True)
def _behind(px, py, sigma, ax, ay, bx, by):  # type: ignore[no-untyped-def]
    """F of an edge, positive if the point is on its left."""
    ux, uy, vx, vy = (ax - px) / sigma, (ay - py) / sigma, (bx - px) / sigma, (by - py) / sigma
    cross, dot = ux * vy - uy * vx, ux * vx + uy * vy
    length = np.hypot(vx - ux, vy - uy)
    if ux * ux + uy * uy > (REACH + length) ** 2:
        return 0.0
    angle = np.arctan2(abs(cross), dot)
    # For a point on an end of the edge, shifted east by the border rule, that end lies in the west.
    if ux == 0.0 and uy == 0.0:
        angle = np.arctan2(abs(vy), -vx)
    elif vx == 0.0 and vy == 0.0:
        angle = np.arctan2(abs(uy), -ux)
    left = side(ax, ay, bx, by, px, py)
    pieces = max(int(np.ceil(min(length, 1e6))), 1)
    total = 0.0
    for piece in range(pieces):
        for node in range(5):
            t = (piece + _NODES[node]) / pieces
            q = (ux + t * (vx - ux)) ** 2 + (uy + t * (vy - uy)) ** 2
            total += _WEIGHTS[node] * (0.5 - 0.125 * q if q < 1e-7 else -np.expm1(-0.5 * q) / q)
    return left * (angle - abs(cross) * total / pieces) / (2.0 * np.pi)


@kernel(nogil=True)
def _longer(array):  # type: ignore[no-untyped-def]
    longer = np.empty(2 * len(array), dtype=array.dtype)
    longer[: len(array)] = array
    return longer
