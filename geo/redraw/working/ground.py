"""Ground that changes its cell when borders are redrawn: its area between any two cells, and the points on it.

Both use horizontal scan lines from west to east. West of all changed borders a point is in the same cell before and after; each
old border that is crossed changes the cell before, each new one the cell after. Only the changed edges are processed, not
the cells, regardless of their size.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.kernels import kernel
from geo.redraw.working.arcs import NO_CELL, Arc
from geo.redraw.working.lattice import Vertex

#: An edge with ordered ends, and the codes on its left and right.
Labelled = tuple[Vertex, Vertex, str, str]


class ChangedBorders(NamedTuple):
    """Edges that exist in only one of two states of the borders, or have another cell on a side.

    Attributes
    ----------
    edges
        x and y of the southern and of the northern end, lattice units from `corner`, int64, shape (n, 4); the old ones first.
    west, east
        Position in `codes` of the cell on either side, int64, shape (n,).
    n_old
        Number of the old edges.
    codes
        Codes of the adjacent cells, sorted; ground outside the street included.
    corner
        Least x and y of all ends, lattice units.
    """

    edges: npt.NDArray[np.int64]
    west: npt.NDArray[np.int64]
    east: npt.NDArray[np.int64]
    n_old: int
    codes: list[str]
    corner: Vertex

    def box(self) -> tuple[Vertex, Vertex]:
        """Lower left and upper right corner of all edges, lattice units."""
        x, y = self.corner
        return self.corner, (x + int(self.edges[:, 0::2].max()), y + int(self.edges[:, 1::2].max()))

    def moved_areas(self) -> list[tuple[str, str, float]]:
        """Ground that changed its cell: (cell before, cell after, area in square lattice units)."""
        areas = _areas(self.edges, self.west, self.east, self.n_old, len(self.codes))
        return [
            (before, after, area)
            for before, row in zip(self.codes, areas.tolist(), strict=True)
            for after, area in zip(self.codes, row, strict=True)
            if area > 0.0 and before != after and before != NO_CELL and after != NO_CELL
        ]

    def cells_at(self, x: npt.NDArray[np.float64], y: npt.NDArray[np.float64]) -> list[tuple[str, str]]:
        """Cell before and cell after for points in lattice units, shape (n,); both empty if the cell is not known to change."""
        if len(x) == 0:
            return []
        found = _cells_at(x - self.corner[0], y - self.corner[1], self.edges, self.west, self.east, self.n_old)
        names = [*self.codes, NO_CELL]
        return [(names[i], names[j]) for i, j in found.tolist()]


class ChangedEdges(NamedTuple):
    """Edges that exist in only one of two states of the borders, or have another cell on a side."""

    old: set[Labelled]
    new: set[Labelled]

    def fresh(self) -> set[tuple[Vertex, Vertex]]:
        """The new edges where no border was before."""
        known = {(a, b) for a, b, _, _ in self.old}
        return {(a, b) for a, b, _, _ in self.new if (a, b) not in known}


def changed_edges(before: Iterable[Arc], after: Iterable[Arc]) -> ChangedEdges:
    """The edges in which two states of the same borders differ."""
    old, new = _labelled(before), _labelled(after)
    return ChangedEdges(old - new, new - old)


def changed_borders(changed: ChangedEdges) -> ChangedBorders | None:
    """The edges that are not horizontal as arrays; None if there are none."""
    old, new = (sorted(edge for edge in state if edge[0][1] != edge[1][1]) for state in changed)
    upright = [*old, *new]
    if not upright:
        return None
    codes = sorted({code for edge in upright for code in edge[2:]})
    place = {code: k for k, code in enumerate(codes)}
    # The lesser end of an edge comes first.
    x = min(a[0] for a, _, _, _ in upright)
    y = min(min(a[1], b[1]) for a, b, _, _ in upright)
    rows = [
        # The left side of an edge directed northwards is west.
        (a[0] - x, a[1] - y, b[0] - x, b[1] - y, place[left], place[right])
        if a[1] < b[1]
        else (b[0] - x, b[1] - y, a[0] - x, a[1] - y, place[right], place[left])
        for a, b, left, right in upright
    ]
    table = np.array(rows, dtype=np.int64)
    west, east = table[:, 4].copy(), table[:, 5].copy()
    return ChangedBorders(table[:, :4].copy(), west, east, len(old), codes, (x, y))


def _labelled(arcs: Iterable[Arc]) -> set[Labelled]:
    return {
        (a, b, arc.left, arc.right) if a < b else (b, a, arc.right, arc.left)
        for arc in arcs
        for a, b in pairwise(arc.points)
    }


@kernel(nogil=True)
def _heights(edges: npt.NDArray[np.int64], n_old: int) -> npt.NDArray[np.float64]:
    """Sorted heights between which no edge ends or crosses one of the other state."""
    n = len(edges)
    heights = np.empty(2 * n + n_old * (n - n_old), dtype=np.float64)
    for i in range(n):
        heights[2 * i], heights[2 * i + 1] = edges[i, 1], edges[i, 3]
    count = 2 * n
    for i in range(n_old):
        ax, ay, bx, by = edges[i]
        ux, uy = float(bx - ax), float(by - ay)
        for j in range(n_old, n):
            cx, cy, dx, dy = edges[j]
            vx, vy = float(dx - cx), float(dy - cy)
            cross = ux * vy - uy * vx
            if cross == 0.0:
                continue
            t = ((cx - ax) * vy - (cy - ay) * vx) / cross
            s = ((cx - ax) * uy - (cy - ay) * ux) / cross
            if 0.0 < t < 1.0 and 0.0 < s < 1.0:
                heights[count] = ay + t * uy
                count += 1
    return np.unique(heights[:count])


@kernel(nogil=True)
def _areas(
    edges: npt.NDArray[np.int64],
    west: npt.NDArray[np.int64],
    east: npt.NDArray[np.int64],
    n_old: int,
    n_cells: int,
) -> npt.NDArray[np.float64]:
    """Area by cell before and cell after, shape (n_cells, n_cells), summed over trapezia between two heights and two edges."""
    areas = np.zeros((n_cells, n_cells))
    heights = _heights(edges, n_old)
    active = np.empty(len(edges), dtype=np.int64)
    middle = np.empty(len(edges))
    for k in range(len(heights) - 1):
        low, high = heights[k], heights[k + 1]
        y = 0.5 * (low + high)
        n = 0
        for e in range(len(edges)):
            if edges[e, 1] < y and edges[e, 3] > y:
                slope = (edges[e, 2] - edges[e, 0]) / (edges[e, 3] - edges[e, 1])
                x = edges[e, 0] + slope * (y - edges[e, 1])
                i = n
                while i > 0 and middle[i - 1] > x:
                    middle[i], active[i] = middle[i - 1], active[i - 1]
                    i -= 1
                middle[i], active[i] = x, e
                n += 1
        if n == 0:
            continue
        before = after = west[active[0]]
        for i in range(n - 1):
            if active[i] < n_old:
                before = east[active[i]]
            else:
                after = east[active[i]]
            # The mean width of a trapezium is the width at its middle.
            areas[before, after] += (middle[i + 1] - middle[i]) * (high - low)
    return areas


@kernel(nogil=True)
def _cells_at(
    x: npt.NDArray[np.float64],
    y: npt.NDArray[np.float64],
    edges: npt.NDArray[np.int64],
    west: npt.NDArray[np.int64],
    east: npt.NDArray[np.int64],
    n_old: int,
) -> npt.NDArray[np.int64]:
    """Position of the cell before and after for each point, shape (n, 2); -1 if no changed border lies west of it."""
    found = np.full((len(x), 2), -1, dtype=np.int64)
    for p in range(len(x)):
        first, first_x = -1, np.inf
        nearest = np.full(2, -1, dtype=np.int64)
        nearest_x = np.full(2, -np.inf)
        for e in range(len(edges)):
            if not edges[e, 1] <= y[p] < edges[e, 3]:
                continue
            slope = (edges[e, 2] - edges[e, 0]) / (edges[e, 3] - edges[e, 1])
            at = edges[e, 0] + slope * (y[p] - edges[e, 1])
            if at < first_x:
                first, first_x = e, at
            state = 0 if e < n_old else 1
            if nearest_x[state] < at <= x[p]:
                nearest[state], nearest_x[state] = e, at
        if nearest[0] < 0 and nearest[1] < 0:
            continue
        for state in range(2):
            found[p, state] = east[nearest[state]] if nearest[state] >= 0 else west[first]
    return found
