"""Finds the faces bounded by edges that meet only in their end points.

Every edge is followed once in each direction, turning at each vertex so as to stay on the same face; the resulting cycles are
the borders of faces. A counter-clockwise cycle (a shell) is the outer border of a face. A clockwise cycle is the outer side of
connected edges, which lie in a face of other edges or in the unbounded face. All values are integers, so results are exact.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from geo.coverage.arcs import OUTSIDE, Arcs, Cells, Edges, Ints, chain, lexsort_pairs
from geo.kernels import kernel


def bounded_regions(vertices: Ints, a: Ints, b: Ints, sound: Ints) -> tuple[Arcs, Cells, int]:
    """Arcs between the faces bounded by edges.

    Parameters
    ----------
    vertices
        Distinct vertices in lattice units, shape (m, 2).
    a, b
        Edges from vertex a to vertex b > a, without duplicates, in order of a and b; they meet in vertices only.
    sound
        Directed edges whose left side is not to become a face: edge i is 2 i from a to b, and 2 i + 1 from b to a.

    Returns
    -------
    (arcs, side, n)
        Arcs with the faces, 0 to n - 1, on their sides; and the face on the left of each directed edge. ``OUTSIDE`` stands
        for the unbounded face and for regions that are not faces.

    Notes
    -----
    Cost: O(n log n) in the number of edges, plus the edges of a shell for each component that lies in it.
    """
    if len(a) == 0:
        nothing = np.empty(0, dtype=np.int32)
        return chain(vertices, Edges(a, b, nothing, nothing)), nothing, 0
    u, v = np.column_stack([a, b]).ravel(), np.column_stack([b, a]).ravel()  # half-edges h and h ^ 1 are opposite
    order = lexsort_pairs(u, v)
    start = np.searchsorted(u[order], np.arange(len(vertices) + 1))
    cycle, area = _cycles(vertices, u, v, order, start)
    marked = np.zeros(len(area), dtype=bool)
    marked[cycle[sound]] = True
    inner, outer = _lying_in(vertices, u, v, cycle, area, marked)
    # A face is a shell with all components inside it; it is discarded if sound ground lies on one of its edges.
    piece = np.arange(len(area))
    piece[inner] = outer
    none = area <= 0
    np.logical_or.at(none, piece, marked)
    number = np.where(none, OUTSIDE, np.cumsum(~none) - 1).astype(np.int32)
    side = number[piece][cycle]
    return chain(vertices, Edges(a, b, side[0::2], side[1::2])), side, int((~none).sum())


def find_edges(a: Ints, b: Ints, u: Ints, v: Ints) -> Ints:
    """Number of the directed edge from each u to its v, as for :func:`bounded_regions`; -1 if there is no such edge."""
    if len(a) == 0:
        return np.full(len(u), -1, dtype=np.int64)
    n = int(b.max()) + 1
    low, high = np.minimum(u, v), np.maximum(u, v)
    key, keys = low * n + high, a * n + b
    at = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
    return np.where((keys[at] == key) & (low >= 0) & (high < n), 2 * at + (u > v), -1)


def _lying_in(
    vertices: Ints, u: Ints, v: Ints, cycle: Ints, area: Ints, marked: npt.NDArray[np.bool_]
) -> tuple[Ints, Ints]:
    """Outer sides of connected edges inside a shell of other edges, and the smallest such shell of each.

    Components whose both sides are sound are left out.
    """
    order = np.argsort(cycle, kind="stable")
    start = np.searchsorted(cycle[order], np.arange(len(area) + 1))
    somewhere = u[order[start[:-1]]]  # a vertex of each cycle
    _, part = connected_components(coo_matrix((np.ones(len(u), np.int8), (u, v)), shape=(len(vertices),) * 2))
    shells, holes = np.flatnonzero(area > 0), np.flatnonzero(area <= 0)
    x, y = vertices[u[order]].T
    box = [f.reduceat(xy, start[:-1])[shells] for f in (np.minimum, np.maximum) for xy in (x, y)]
    tree = shapely.STRtree(shapely.points(vertices[somewhere[holes]]))
    shell, hole = tree.query(shapely.box(*box), predicate="intersects")
    shell, hole = shells[shell], holes[hole]
    foreign = part[somewhere[shell]] != part[somewhere[hole]]
    shell, hole = shell[foreign], hole[foreign]
    matters = np.zeros(len(area), dtype=bool)
    matters[hole[~(marked[shell] & marked[hole])]] = True
    shell, hole = shell[matters[hole]], hole[matters[hole]]
    within = _winding(vertices, u[order], v[order], start, somewhere[hole], shell)
    shell, hole = shell[within], hole[within]
    smallest = np.lexsort((area[shell], hole))
    shell, hole = shell[smallest], hole[smallest]
    first = np.r_[True, hole[1:] != hole[:-1]] if len(hole) else np.empty(0, dtype=bool)
    return hole[first], shell[first]


@kernel()
def _cycles(xy, u, v, order, start):  # type: ignore[no-untyped-def]
    """Cycle of each half-edge, the face on its left, and twice the area of each cycle in squared lattice units.

    Partial sums may overflow, but wrap around: the result is correct for areas below 2 million km².
    """
    n = len(u)
    place = np.empty(n, dtype=np.int64)
    for w in range(len(start) - 1):  # the half-edges that leave a vertex, counter-clockwise
        for i in range(start[w] + 1, start[w + 1]):
            h = order[i]
            k = i
            while k > start[w] and _turns_before(xy, w, v[h], v[order[k - 1]]):
                order[k] = order[k - 1]
                k -= 1
            order[k] = h
        for i in range(start[w], start[w + 1]):
            place[order[i]] = i
    cycle = np.full(n, -1, dtype=np.int64)
    area = np.zeros(n, dtype=np.int64)
    count = 0
    for first in range(n):
        if cycle[first] >= 0:
            continue
        h = first
        x0, y0 = xy[u[h], 0], xy[u[h], 1]
        while cycle[h] < 0:
            cycle[h] = count
            p, q = u[h], v[h]
            area[count] += (xy[p, 0] - x0) * (xy[q, 1] - y0) - (xy[q, 0] - x0) * (xy[p, 1] - y0)
            i = place[h ^ 1]  # next one clockwise from the reverse direction
            h = order[i - 1] if i > start[q] else order[start[q + 1] - 1]
        count += 1
    return cycle, area[:count].copy()


@kernel()
def _turns_before(xy, w, p, q):  # type: ignore[no-untyped-def]
    """Whether direction w-p comes before w-q, counter-clockwise from east; exact for edges below 1,500 km."""
    px, py = xy[p, 0] - xy[w, 0], xy[p, 1] - xy[w, 1]
    qx, qy = xy[q, 0] - xy[w, 0], xy[q, 1] - xy[w, 1]
    lower_p = py < 0 or (py == 0 and px < 0)
    lower_q = qy < 0 or (qy == 0 and qx < 0)
    if lower_p != lower_q:
        return lower_q
    return px * qy - py * qx > 0


@kernel()
def _winding(xy, u, v, start, vertex, shell):  # type: ignore[no-untyped-def]
    """Whether each vertex is inside a shell, by counting the shell's edges to its east; it lies on none of them."""
    within = np.empty(len(vertex), dtype=np.bool_)
    for k in range(len(vertex)):
        x, y = xy[vertex[k], 0], xy[vertex[k], 1]
        turns = 0
        for i in range(start[shell[k]], start[shell[k] + 1]):
            px, py = xy[u[i], 0] - x, xy[u[i], 1] - y
            qx, qy = xy[v[i], 0] - x, xy[v[i], 1] - y
            if (py <= 0) != (qy <= 0):
                cross = px * qy - py * qx
                if py <= 0 and cross > 0:
                    turns += 1
                elif py > 0 and cross < 0:
                    turns -= 1
        within[k] = turns != 0
    return within
