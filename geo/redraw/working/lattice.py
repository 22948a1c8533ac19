"""Exact arithmetic on the lattice: crossings of edges, areas of rings, points in rings.

Coordinates are integers in lattice units (1 mm). Differences stay below 2^31, so products stay below 2^62 and sums of two of them
fit into int64: all signs are exact.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise
from operator import mul

import numpy as np
import numpy.typing as npt

from geo.kernels import kernel

#: A vertex: easting and northing in lattice units.
Vertex = tuple[int, int]
Edges = npt.NDArray[np.int64]

#: Results of :func:`first_conflict`.
NONE, CROSSES, TOUCHES = 0, 1, 2


@kernel(nogil=True)
def _side(ax: int, ay: int, bx: int, by: int, px: int, py: int) -> int:
    """Orientation of a, b, p: 1 left, -1 right, 0 collinear."""
    turn = (bx - ax) * (py - ay) - (by - ay) * (px - ax)
    if turn > 0:
        return 1
    return -1 if turn < 0 else 0


@kernel(nogil=True)
def _between(ax: int, ay: int, bx: int, by: int, px: int, py: int) -> bool:
    """Whether p, on the line through a and b, lies strictly between them."""
    along = (px - ax) * (bx - ax) + (py - ay) * (by - ay)
    return 0 < along < (bx - ax) * (bx - ax) + (by - ay) * (by - ay)


@kernel(nogil=True)
def edge_conflict(ax: int, ay: int, bx: int, by: int, cx: int, cy: int, dx: int, dy: int) -> int:
    """Kind of intersection of edge a-b with edge c-d, other than in a common end."""
    if max(ax, bx) < min(cx, dx) or max(cx, dx) < min(ax, bx) or max(ay, by) < min(cy, dy) or max(cy, dy) < min(ay, by):
        return NONE
    c, d = _side(ax, ay, bx, by, cx, cy), _side(ax, ay, bx, by, dx, dy)
    a, b = _side(cx, cy, dx, dy, ax, ay), _side(cx, cy, dx, dy, bx, by)
    if c * d < 0 and a * b < 0:
        return CROSSES
    same = (ax == cx and ay == cy and bx == dx and by == dy) or (ax == dx and ay == dy and bx == cx and by == cy)
    if same:
        return TOUCHES
    if c == 0 and _between(ax, ay, bx, by, cx, cy):
        return TOUCHES
    if d == 0 and _between(ax, ay, bx, by, dx, dy):
        return TOUCHES
    if a == 0 and _between(cx, cy, dx, dy, ax, ay):
        return TOUCHES
    if b == 0 and _between(cx, cy, dx, dy, bx, by):
        return TOUCHES
    return NONE


@kernel(nogil=True)
def first_conflict(new: Edges, other: Edges) -> tuple[int, int, int]:
    """Find the first edge of `new` that intersects another new edge or an edge of `other` except at a common end.

    Parameters
    ----------
    new, other
        Edges as rows of x and y of both ends, lattice units, int64, shapes (k, 4) and (m, 4).

    Returns
    -------
    (conflict, row, partner)
        ``NONE``, ``CROSSES`` or ``TOUCHES``; the row of `new`; the row of `other`, or -1 - row for a row of `new`.
    """
    for i in range(len(new)):
        ax, ay, bx, by = new[i]
        for j in range(len(other)):
            found = edge_conflict(ax, ay, bx, by, other[j, 0], other[j, 1], other[j, 2], other[j, 3])
            if found != NONE:
                return found, i, j
        for j in range(i):
            found = edge_conflict(ax, ay, bx, by, new[j, 0], new[j, 1], new[j, 2], new[j, 3])
            if found != NONE:
                return found, i, -1 - j
    return NONE, -1, -1


def as_edges(lines: Sequence[Sequence[Vertex]]) -> Edges:
    """Edges of lines as rows of both ends, int64, shape (n, 4)."""
    xy = np.array([vertex for line in lines for vertex in line], dtype=np.int64).reshape(-1, 2)
    edges = np.concatenate([xy[:-1], xy[1:]], axis=1)
    if len(lines) > 1:
        ends = np.fromiter(map(len, lines), dtype=np.intp, count=len(lines)).cumsum()[:-1]
        edges = np.delete(edges, ends - 1, axis=0)
    return edges


def doubled_area(ring: Sequence[Vertex]) -> int:
    """Twice the signed area of a closed ring (last vertex equal to the first), square lattice units; exact."""
    x, y = zip(*ring, strict=True)
    doubled: int = sum(map(mul, x, y[1:])) - sum(map(mul, x[1:], y))
    return doubled


def in_ring(ring: Sequence[Vertex], point: Vertex) -> bool:
    """Whether a point lies strictly inside a closed ring, or on its border; exact."""
    x, y = point
    odd = False
    for (ax, ay), (bx, by) in pairwise(ring):
        turn = (bx - ax) * (y - ay) - (by - ay) * (x - ax)
        if turn == 0 and min(ax, bx) <= x <= max(ax, bx) and min(ay, by) <= y <= max(ay, by):
            return True
        if (ay > y) != (by > y) and (turn > 0) == (by > ay):
            odd = not odd
    return odd


def distance_to_edge(place: tuple[float, float], a: Vertex, b: Vertex) -> float:
    """Distance of a place to an edge, lattice units."""
    ux, uy = b[0] - a[0], b[1] - a[1]
    vx, vy = place[0] - a[0], place[1] - a[1]
    length = ux * ux + uy * uy
    f = min(1.0, max(0.0, (vx * ux + vy * uy) / length)) if length else 0.0
    return math.hypot(vx - f * ux, vy - f * uy)


def direction_key(start: Vertex, end: Vertex) -> tuple[int, float, int]:
    """Key that sorts directions counter-clockwise from east, exact for directions on the lattice.

    The quadrant comes first; inside a quadrant the slopes are compared as exact fractions by :class:`_Slope`.
    """
    dx, dy = end[0] - start[0], end[1] - start[1]
    if dx == dy == 0:
        raise ValueError("a direction needs two different vertices")
    quadrant = 0
    while not (dx > 0 and dy >= 0):
        dx, dy = dy, -dx
        quadrant += 1
    return quadrant, _Slope(dy, dx), 0  # type: ignore[return-value]


class _Slope:
    """A fraction of integers with exact comparison."""

    __slots__ = ("rise", "run")

    def __init__(self, rise: int, run: int) -> None:
        self.rise, self.run = rise, run

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Slope) and self.rise * other.run == other.rise * self.run

    def __lt__(self, other: _Slope) -> bool:
        return self.rise * other.run < other.rise * self.run

    def __hash__(self) -> int:
        return hash((self.rise, self.run))
