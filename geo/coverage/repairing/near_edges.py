"""Pairs of straight edges that are close to each other."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from geo.kernels import kernel

Floats = npt.NDArray[np.float64]
Positions = npt.NDArray[np.int64]

# With fewer edges GEOS takes less time than loading the compiled code.
_FEW_EDGES = 2000


def near_pairs(lines: Floats, edges: Floats, reach_m: float) -> tuple[Positions, Positions]:
    """Pairs of a line and an edge that are within some distance of each other.

    Parameters
    ----------
    lines, edges
        Both ends of each line and each edge, metres, shapes (n, 2, 2) and (m, 2, 2).
    reach_m
        The distance, metres.

    Returns
    -------
    (line, edge)
        Positions, in order of line, then edge.

    Notes
    -----
    Cost: O(n log n), plus the pairs that overlap in x.

    Examples
    --------
    >>> near_pairs(np.array([[[0.0, 0.0], [9.0, 0.0]]]), np.array([[[5.0, 1.0], [5.0, 4.0]], [[5.0, 3.0], [9.0, 3.0]]]), 1.5)
    (array([0]), array([0]))
    """
    if len(lines) == 0 or len(edges) == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    if len(lines) + len(edges) <= _FEW_EDGES:
        line, edge = _near_pairs_by_geos(lines, edges, reach_m)
    else:
        one, two = np.argsort(lines[:, :, 0].min(axis=1)), np.argsort(edges[:, :, 0].min(axis=1))
        line, edge = _near_pairs(np.ascontiguousarray(lines[one]), np.ascontiguousarray(edges[two]), reach_m)
        line, edge = one[line], two[edge]
    order = np.lexsort((edge, line))
    return line[order], edge[order]


def _near_pairs_by_geos(lines: Floats, edges: Floats, reach_m: float) -> tuple[Positions, Positions]:
    tree = shapely.STRtree(shapely.linestrings(edges))
    line, edge = tree.query(shapely.linestrings(lines), predicate="dwithin", distance=reach_m)
    return line, edge


@kernel(nogil=True)
def _near_pairs(lines, edges, reach):  # type: ignore[no-untyped-def]
    """Pairs of edges of two sets, each sorted by smallest x; the one that begins further west is compared with the other set."""
    n, m = len(lines), len(edges)
    room = 4 * (n + m)
    one, two = np.empty(room, np.int64), np.empty(room, np.int64)
    count = 0
    i = j = 0
    while i < n and j < m:
        line_first = min(lines[i, 0, 0], lines[i, 1, 0]) <= min(edges[j, 0, 0], edges[j, 1, 0])
        here, others = (lines[i], edges) if line_first else (edges[j], lines)
        high_x = max(here[0, 0], here[1, 0]) + reach
        low_y, high_y = min(here[0, 1], here[1, 1]) - reach, max(here[0, 1], here[1, 1]) + reach
        for k in range(j if line_first else i, len(others)):
            other = others[k]
            if min(other[0, 0], other[1, 0]) > high_x:
                break
            if min(other[0, 1], other[1, 1]) > high_y or max(other[0, 1], other[1, 1]) < low_y:
                continue
            if not _within(here, other, reach):
                continue
            if count == room:
                longer = np.empty((2, 2 * room), np.int64)
                longer[0, :room], longer[1, :room] = one, two
                one, two = longer[0], longer[1]
                room *= 2
            one[count], two[count] = (i, k) if line_first else (k, j)
            count += 1
        if line_first:
            i += 1
        else:
            j += 1
    return one[:count].copy(), two[:count].copy()


@kernel(nogil=True)
def _within(one, two, reach):  # type: ignore[no-untyped-def]
    """Whether two edges are at most so far apart."""
    square = reach * reach
    for k in range(2):
        if (
            _square_distance(one, two[k, 0], two[k, 1]) <= square
            or _square_distance(two, one[k, 0], one[k, 1]) <= square
        ):
            return True
    a, b = _side(one, two[0, 0], two[0, 1]), _side(one, two[1, 0], two[1, 1])
    c, d = _side(two, one[0, 0], one[0, 1]), _side(two, one[1, 0], one[1, 1])
    return (a > 0) != (b > 0) and (c > 0) != (d > 0)


@kernel(nogil=True)
def _side(edge, x, y):  # type: ignore[no-untyped-def]
    return (edge[1, 0] - edge[0, 0]) * (y - edge[0, 1]) - (edge[1, 1] - edge[0, 1]) * (x - edge[0, 0])


@kernel(nogil=True)
def _square_distance(edge, x, y):  # type: ignore[no-untyped-def]
    """Squared distance of a point from an edge."""
    dx, dy = edge[1, 0] - edge[0, 0], edge[1, 1] - edge[0, 1]
    px, py = x - edge[0, 0], y - edge[0, 1]
    square = dx * dx + dy * dy
    share = min(max((px * dx + py * dy) / square, 0.0), 1.0) if square > 0 else 0.0
    qx, qy = px - share * dx, py - share * dy
    return qx * qx + qy * qy
