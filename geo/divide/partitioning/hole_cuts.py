"""Cuts open parents that enclose a hole: an enclave of another street, or a community inside another.

Parts grow compactly, so a ring would stay a ring around its hole. It is cut open along a ray from the hole: cells on different
sides of the ray are treated as not adjacent. Both parts of the first split end at this seam, one on each side, so neither of
them surrounds the hole.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geo.divide.partitioning.adjacency import Graph
from geo.divide.partitioning.moves import Net
from geo.kernels import kernel

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# Number of directions of the ray that are tried.
_RAYS = 12


def severed(net: Net, xy: Floats, members: Ints, holes: Floats) -> list[tuple[Net, Floats, Ints]]:
    """Ways to cut a ring open.

    Parameters
    ----------
    net
        The cells.
    xy
        Their centroids.
    members
        Cells of the parent.
    holes
        A point in each hole, shape (h, 2).

    Returns
    -------
    list of (Net, ndarray of float64, ndarray of int64)
        The net without borders across the seam; the direction of each member, from 0 to 2 pi, as growth order; and the
        pairs of cells on both sides of the seam. Empty if the members surround none of the holes.
    """
    inside = np.zeros(len(net.weight), dtype=bool)
    inside[members] = True
    row = np.repeat(np.arange(len(net.weight)), np.diff(net.indptr))
    across = net.neighbour
    inner = np.flatnonzero((across >= 0) & inside[row] & inside[np.maximum(across, 0)])
    found = []
    for hole in holes:
        away = xy - hole
        angle = np.arctan2(away[:, 1], away[:, 0])
        if not _runs_round(angle[members]):
            continue
        for start in np.arange(_RAYS) * (2 * np.pi / _RAYS):
            turned = np.mod(angle - start, 2 * np.pi)
            wraps = inner[np.abs(turned[row[inner]] - turned[across[inner]]) > np.pi]
            neighbour, length = net.neighbour.copy(), net.length_m.copy()
            neighbour[wraps] = -1
            seam = np.column_stack([row[wraps], across[wraps]])[net.length_m[wraps] > 0]
            found.append((net._replace(neighbour=neighbour, length_m=length), turned[members], seam))
    return found


def _runs_round(angle: Floats) -> bool:
    """Whether directions leave no gap wider than a quarter turn."""
    ordered = np.sort(angle)
    return bool(np.diff(np.r_[ordered, ordered[0] + 2 * np.pi]).max() < np.pi / 2)


def ringed(graph: Graph, members: Ints, label: Ints, which: Ints | None = None) -> bool:
    """Whether some part of a parent, or of those in `which`, completely surrounds cells of others, with no exit even at a
    corner.
    """
    place = np.full(len(graph), -1, dtype=np.int64)
    place[members] = np.arange(len(members))
    asked = np.unique(label) if which is None else which
    return bool(has_ring(graph.indptr, graph.neighbour, members, place, label, asked))


@kernel(nogil=True)
def has_ring(indptr: Ints, neighbour: Ints, members: Ints, place: Ints, label: Ints, which: Ints) -> bool:
    """Whether one of the parts `which` encloses cells of others, which are unreachable from outside without crossing it."""
    n = len(members)
    for part in which:
        met, queue = np.zeros(n, dtype=np.bool_), np.empty(n, dtype=np.int64)
        count = others = 0
        for k in range(n):
            if label[k] == part:
                continue
            others += 1
            for j in range(indptr[members[k]], indptr[members[k] + 1]):
                if not met[k] and (neighbour[j] < 0 or place[neighbour[j]] < 0):
                    met[k] = True
                    queue[count] = k
                    count += 1
        at = 0
        while at < count:
            v = members[queue[at]]
            at += 1
            for j in range(indptr[v], indptr[v + 1]):
                k = place[neighbour[j]] if neighbour[j] >= 0 else -1
                if k >= 0 and label[k] != part and not met[k]:
                    met[k] = True
                    queue[count] = k
                    count += 1
        if count < others:
            return True
    return False
