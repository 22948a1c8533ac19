"""Mending: parts that are off by too much are divided anew together with one to three neighbours, by search.

Where parts hold a handful of cells, annealing seldom meets the one division in a thousand that is even; but a few parts
have so few cells that all their divisions can be tried (:mod:`geo.divide.partitioning.search`). Empty cells that hang together count as one,
and where there are many cells only those beside the other parts move.
Parts of several families may be mended together: then cells change family too, as long as families stay whole and even.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.divide.partitioning.adjacency import Graph, borders, pieces
from geo.divide.partitioning.hole_cuts import ringed
from geo.divide.partitioning.search import MOST_CELLS, search

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# Share of a part below which a cell counts as empty.
_EMPTY = 0.01
# Sets that are tried for one cluster: about 10 ms.
_LIMIT = 20_000
# Parts of a cluster, at most.
_MOST_PARTS = 4
# What is aimed at, over what is enough: means of families move a little.
_AIM = 0.99
# Gains that are none, and the gain that a search has to promise.
_NOISE = 1e-9
_GAIN = 0.002


@dataclass
class _Case:
    """A partition in the making: arrays over the members, pairs of neighbours as places among them."""

    graph: Graph
    members: Ints
    load: Floats
    label: Ints
    family: Ints
    enough: Floats
    apart: float
    border_m: float
    a: Ints
    b: Ints

    def off(self, label: Ints) -> Floats:
        """Share by which each part is off its family's mean."""
        load = np.bincount(label, self.load, minlength=len(self.family))
        off: Floats = load / self.mean(label)[self.family] - 1
        return off

    def mean(self, label: Ints) -> Floats:
        """Mean load of the parts of each family."""
        load = np.bincount(self.family[label], self.load, minlength=len(self.enough))
        mean: Floats = load / np.bincount(self.family, minlength=len(self.enough))
        return mean

    def beyond(self, label: Ints) -> Floats:
        """Share by which each part is off beyond what is enough."""
        over: Floats = np.maximum(np.abs(self.off(label)) - self.enough[self.family], 0.0)
        return over


def mended(
    graph: Graph,
    members: Ints,
    load: Floats,
    label: Ints,
    *,
    family: Ints,
    enough: Floats,
    apart: float,
    border_m: float,
) -> Ints:
    """Divide parts that are off by too much anew, together with their neighbours.

    Parameters
    ----------
    graph
        Neighbours of all cells.
    members
        Positions of the cells; int64 (m,).
    load
        Workload of each member, float64 (m,).
    label
        Part of each member, int64 (m,); parts are in one piece and without holes.
    family
        Family of each part; int64 (parts,).
    enough
        For each family, the share by which its parts may be off their mean.
    apart
        Share by which families may be off their mean, if they are not now.
    border_m
        Borders that are shorter do not hold parts together.

    Returns
    -------
    ndarray of int64, shape (m,)
        Part of each member: never worse than before, and as whole.
    """
    narrow = max(border_m, 0.0) * (1 - _NOISE)
    case = _Case(graph, members, load, label, family, enough, apart, narrow, *borders(graph, members, border_m=narrow))
    known: set[bytes] = set()
    while _step(case, known):
        pass
    return case.label


def _step(case: _Case, known: set[bytes]) -> bool:
    """Mend one cluster, the worst part first; False if there is none that can be."""
    beyond = case.beyond(case.label)
    for bad in np.argsort(-beyond, kind="stable"):
        if beyond[bad] <= _NOISE:
            break
        for cluster in _clusters(case, int(bad)):
            new = _anew(case, cluster, known)
            if (
                new is None
                or (case.beyond(new) ** 2).sum() > (beyond**2).sum() - _NOISE
                or not _whole(case, new, cluster)
            ):
                continue
            case.label = new
            return True
    return False


def _clusters(case: _Case, bad: int) -> Iterator[Ints]:
    """The part with one, two and three others that hang together with it."""
    count = len(case.family)
    p, q = case.label[case.a], case.label[case.b]
    pairs = np.unique((p * count + q)[p != q])
    beside: dict[int, list[int]] = {}
    for pair in pairs.tolist():
        beside.setdefault(pair // count, []).append(pair % count)
    grown = [frozenset([bad])]
    for _ in range(_MOST_PARTS - 1):
        grown = list(
            dict.fromkeys(
                one | {other}
                for one in grown
                for part in sorted(one)
                for other in beside.get(part, [])
                if other not in one
            )
        )
        yield from (np.array(sorted(one)) for one in grown)


def _anew(case: _Case, cluster: Ints, known: set[bytes]) -> Ints | None:
    """Divide a cluster; None if it was tried before, is too large, or nothing better was found."""
    inside = np.flatnonzero(np.isin(case.label, cluster))
    key = inside.tobytes()
    if key in known:
        return None
    known.add(key)
    below = float(np.abs(case.off(case.label)[cluster]).max())
    share = case.load[inside] / float(case.mean(case.label)[case.family[cluster]].mean())
    if abs(share.sum() / len(cluster) - 1) > below - _GAIN:
        return None
    unit, beside = _units(case, inside, share)
    if not len(cluster) <= len(beside) <= MOST_CELLS:
        return None
    enough = _AIM * float(case.enough[case.family[cluster]].min())
    found = search(
        np.bincount(unit, share).astype(np.float64), beside, len(cluster), below, enough=enough, limit=_LIMIT
    )[1]
    if found is None:
        return None
    label = case.label.copy()
    label[inside] = cluster[found[unit]]
    return label


def _units(case: _Case, inside: Ints, share: Floats) -> tuple[Ints, Bools]:
    """What is moved as one, and which of it are neighbours.

    That is cells, and empty cells of one part that hang together; where these are too many, also the inside of a part, as far
    as it hangs together.
    """
    place = np.full(len(case.members), -1, dtype=np.int64)
    place[inside] = np.arange(len(inside))
    a, b = place[case.a], place[case.b]
    a, b = a[(a >= 0) & (b >= 0)], b[(a >= 0) & (b >= 0)]
    part = case.label[inside]
    one = part[a] == part[b]
    rim = np.zeros(len(inside), dtype=np.bool_)
    rim[a[~one]] = True
    for still in (share < _EMPTY, (share < _EMPTY) | ~rim):
        joined = one & still[a] & still[b]
        matrix = coo_array((np.ones(int(joined.sum())), (a[joined], b[joined])), shape=(len(inside),) * 2)
        unit = connected_components(matrix, directed=False)[1].astype(np.int64)
        if int(unit.max()) < MOST_CELLS:
            break
    beside = np.zeros((int(unit.max()) + 1,) * 2, dtype=np.bool_)
    beside[unit[a], unit[b]] = True
    np.fill_diagonal(beside, False)
    return unit, beside


def _whole(case: _Case, label: Ints, cluster: Ints) -> bool:
    """Tell whether parts and families are as they should be: no holes, and families in one piece each and even."""
    if ringed(case.graph, case.members, label, cluster):
        return False
    families = np.unique(case.family[cluster])
    if len(families) < 2:
        return True
    load = np.bincount(case.family[label], case.load, minlength=len(case.enough))
    was = np.bincount(case.family[case.label], case.load, minlength=len(case.enough))
    mean = load.mean()
    if (np.abs(load / mean - 1) > np.maximum(case.apart, np.abs(was / mean - 1)) + _NOISE).any():
        return False
    return whole(case.graph, case.members, case.family[label], families, case.border_m)


def whole(graph: Graph, members: Ints, label: Ints, which: Ints, border_m: float) -> bool:
    """Tell whether parts are in one piece each, through borders longer than `border_m`, and without holes."""
    if ringed(graph, members, label, which):
        return False
    return all(pieces(graph, members[label == one], border_m=border_m).max() == 0 for one in which.tolist())
