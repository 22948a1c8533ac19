"""Re-partitions unbalanced parts together with one to three neighbours, by search.

If parts have only a few cells, annealing rarely finds the one division in a thousand that is balanced; but a few parts have
so few cells that all their divisions can be enumerated (:mod:`geo.divide.partitioning.search`). Connected empty cells count
as one, and with many cells only those on the border of another part move. Parts of several families may be re-partitioned
together: then cells change family too, as long as families stay connected, without holes and balanced.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.divide.partitioning.adjacency import Graph, borders, pieces
from geo.divide.partitioning.hole_cuts import has_ring, ringed
from geo.divide.partitioning.search import MOST_CELLS, search
from geo.kernels import kernel

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# A cell below this share of a part counts as empty.
_EMPTY = 0.01
# Maximum number of sets enumerated for one cluster: about 10 ms.
_LIMIT = 20_000
# Maximum number of parts of a cluster.
_MOST_PARTS = 4
# Aim of a search relative to the sufficient tolerance, because the means of families change slightly.
_AIM = 0.99
# Numerical noise threshold, and the minimum gain that a search has to promise.
_NOISE = 1e-9
_GAIN = 0.002


class _Case(NamedTuple):
    """The cells of a partition. Members are numbered by their position in `members`.

    Attributes
    ----------
    graph_indptr, graph_neighbour, members, place
        The graph of all cells, the members, and the position of each cell among them (-1: none).
    indptr, near
        Members adjacent to each member through sufficiently wide borders, as compressed rows.
    load
        Workload of each member.
    family, enough
        Family of each part, and for each family the permitted deviation of its parts from their mean.
    apart
        Permitted deviation of families from their mean, unless they exceed it at present.
    """

    graph_indptr: Ints
    graph_neighbour: Ints
    members: Ints
    place: Ints
    indptr: Ints
    near: Ints
    load: Floats
    family: Ints
    enough: Floats
    apart: float


def repartitioned(
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
    """Re-partition unbalanced parts together with their neighbours.

    Parameters
    ----------
    graph
        Neighbours of all cells.
    members
        Positions of the cells; int64 (m,).
    load
        Workload of each member, float64 (m,).
    label
        Part of each member, int64 (m,); parts are connected and without holes.
    family
        Family of each part; int64 (parts,).
    enough
        For each family, the permitted deviation of its parts from their mean.
    apart
        Permitted deviation of families from their mean, unless they exceed it at present.
    border_m
        Shorter borders do not connect parts.

    Returns
    -------
    ndarray of int64, shape (m,)
        Part of each member: never worse than before, connected and without holes.

    Notes
    -----
    Releases the GIL. Cost: up to 20,000 sets (10 ms) for each cluster of two to four parts around an unbalanced one.
    """
    place = np.full(len(graph), -1, dtype=np.int64)
    place[members] = np.arange(len(members))
    a, b = borders(graph, members, border_m=max(border_m, 0.0) * (1 - _NOISE))
    indptr = np.searchsorted(a, np.arange(len(members) + 1)).astype(np.int64)
    case = _Case(
        graph.indptr, graph.neighbour, members, place, indptr, b.astype(np.int64), load, family, enough, float(apart)
    )
    result = label.astype(np.int64)
    _improve_all(case, result)
    return result


def all_intact(graph: Graph, members: Ints, label: Ints, which: Ints, border_m: float) -> bool:
    """Whether parts are connected through borders longer than `border_m`, and without holes."""
    if ringed(graph, members, label, which):
        return False
    return all(pieces(graph, members[label == one], border_m=border_m).max() == 0 for one in which.tolist())


@kernel(nogil=True)
def _improve_all(case: _Case, label: Ints) -> None:
    """Improve clusters one after the other while possible; changes `label`."""
    known = {np.uint64(0)}
    while _improve_one(case, label, known):
        pass


@kernel(nogil=True)
def _improve_one(case: _Case, label: Ints, known: set[np.uint64]) -> bool:
    """Improve one cluster, starting with the worst part; False if none can be improved."""
    total, off, beyond = _judge(case, label)
    first, cells = _cells_of_parts(label, len(case.family))
    start, beside = _parts_beside(case, label)
    for bad in np.argsort(-beyond, kind="mergesort"):
        if beyond[bad] <= _NOISE:
            break
        grown = np.full((1, _MOST_PARTS), bad, dtype=np.int64)
        for size in range(2, _MOST_PARTS + 1):
            grown = _clusters(grown, size, start, beside)
            for row in range(len(grown)):
                cluster = grown[row, :size]
                inside = _promising(case, cluster, total, off, first, cells, known)
                if len(inside) and _repartition_cluster(case, label, cluster, inside, off, beyond):
                    return True
    return False


@kernel(nogil=True)
def _judge(case: _Case, label: Ints) -> tuple[Floats, Floats, Floats]:
    """Load of each part, its deviation from the mean of its family, and the excess over the sufficient tolerance."""
    total = np.zeros(len(case.family))
    for k in range(len(label)):
        total[label[k]] += case.load[k]
    mean = _family_means(case, total)
    off, beyond = np.empty(len(total)), np.empty(len(total))
    for p in range(len(total)):
        off[p] = total[p] / mean[case.family[p]] - 1.0 if mean[case.family[p]] > 0.0 else 0.0
        beyond[p] = max(abs(off[p]) - case.enough[case.family[p]], 0.0)
    return total, off, beyond


@kernel(nogil=True)
def _family_means(case: _Case, total: Floats) -> Floats:
    """Mean load of the parts of each family."""
    load, count = np.zeros(len(case.enough)), np.zeros(len(case.enough))
    for p in range(len(total)):
        load[case.family[p]] += total[p]
        count[case.family[p]] += 1.0
    return load / count


@kernel(nogil=True)
def _cells_of_parts(label: Ints, count: int) -> tuple[Ints, Ints]:
    """Members of each part, in order, as compressed rows."""
    first = np.zeros(count + 1, dtype=np.int64)
    for p in label:
        first[p + 1] += 1
    first = np.cumsum(first)
    at, cells = first.copy(), np.empty(len(label), dtype=np.int64)
    for k in range(len(label)):
        cells[at[label[k]]] = k
        at[label[k]] += 1
    return first, cells


@kernel(nogil=True)
def _parts_beside(case: _Case, label: Ints) -> tuple[Ints, Ints]:
    """Parts adjacent to each part through sufficiently wide borders, in order, as compressed rows."""
    count, used = len(case.family), 0
    pairs = np.empty(len(case.near), dtype=np.int64)
    for k in range(len(label)):
        for j in range(case.indptr[k], case.indptr[k + 1]):
            if label[case.near[j]] != label[k]:
                pairs[used] = label[k] * count + label[case.near[j]]
                used += 1
    pairs = np.unique(pairs[:used])
    return np.searchsorted(pairs, np.arange(count + 1) * count), pairs % count


@kernel(nogil=True)
def _clusters(grown: Ints, size: int, start: Ints, beside: Ints) -> Ints:
    """Clusters of `size` parts: clusters of one part less, each extended by an adjacent part; rows are sorted and distinct."""
    found, known = [], {np.int64(-1)}
    count = len(start)
    for row in range(len(grown)):
        for one in grown[row, : size - 1]:
            for other in beside[start[one] : start[one + 1]]:
                cluster = grown[row].copy()
                if (cluster[: size - 1] == other).any():
                    continue
                cluster[size - 1] = other
                cluster[:size].sort()
                key = np.int64(0)
                for p in cluster[:size]:
                    key = key * count + p
                if key not in known:
                    known.add(key)
                    found.append(cluster)
    out = np.empty((len(found), _MOST_PARTS), dtype=np.int64)
    for row in range(len(found)):
        out[row] = found[row]
    return out


@kernel(nogil=True)
def _promising(
    case: _Case, cluster: Ints, total: Floats, off: Floats, first: Ints, cells: Ints, known: set[np.uint64]
) -> Ints:
    """Sorted members of a cluster; empty if its mean is too far off for a gain, or if the same cells were searched before."""
    none = np.empty(0, dtype=np.int64)
    count = 0
    for p in cluster:
        count += first[p + 1] - first[p]
    inside, at = np.empty(count, dtype=np.int64), 0
    for p in cluster:
        size = first[p + 1] - first[p]
        inside[at : at + size] = cells[first[p] : first[p + 1]]
        at += size
    inside.sort()
    key = np.uint64(1)
    for k in inside:  # FNV-1a (Fowler, Noll, Vo 1991) over integers
        key = (key ^ np.uint64(k + 1)) * np.uint64(0x100000001B3) + np.uint64(0x9E3779B97F4A7C15)
    if key in known:
        return none
    known.add(key)
    below, mean = np.abs(off[cluster]).max(), _cluster_mean(case, cluster, total)
    if mean <= 0.0 or abs(total[cluster].sum() / len(cluster) / mean - 1.0) > below - _GAIN:
        return none
    return inside


@kernel(nogil=True)
def _cluster_mean(case: _Case, cluster: Ints, total: Floats) -> float:
    """Mean over the parts of a cluster of the mean load of their families."""
    mean = _family_means(case, total)
    return float(mean[case.family[cluster]].mean())


@kernel(nogil=True)
def _repartition_cluster(case: _Case, label: Ints, cluster: Ints, inside: Ints, off: Floats, beyond: Floats) -> bool:
    """Re-partition a cluster by search; returns False if no better one was found, otherwise changes `label`."""
    total = np.zeros(len(case.family))
    for k in range(len(label)):
        total[label[k]] += case.load[k]
    share = case.load[inside] / _cluster_mean(case, cluster, total)
    unit, beside = _units(case, label, inside, share)
    if not len(cluster) <= len(beside) <= MOST_CELLS:
        return False
    weight = np.zeros(len(beside))
    for k in range(len(inside)):
        weight[unit[k]] += share[k]
    enough = _AIM * case.enough[case.family[cluster]].min()
    found = search(weight, beside, len(cluster), np.abs(off[cluster]).max(), enough, _LIMIT)[1]
    if found[0] < 0:
        return False
    new = label.copy()
    for k in range(len(inside)):
        new[inside[k]] = cluster[found[unit[k]]]
    if (_judge(case, new)[2] ** 2).sum() > (beyond**2).sum() - _NOISE or not _intact(case, label, new, cluster):
        return False
    label[:] = new
    return True


@kernel(nogil=True)
def _units(case: _Case, label: Ints, inside: Ints, share: Floats) -> tuple[Ints, Bools]:
    """Unit of each cell of a cluster, and which units are adjacent; a unit moves as a whole.

    Units are cells, and connected empty cells of one part; if there are too many, also the connected interior of a part.
    """
    n = len(inside)
    local = np.full(len(label), -1, dtype=np.int64)
    for k in range(n):
        local[inside[k]] = k
    still = share < _EMPTY
    unit = _joined(case, label, inside, local, still)
    if unit.max() >= MOST_CELLS:
        for k in range(n):
            inner = True
            for u in case.near[case.indptr[inside[k]] : case.indptr[inside[k] + 1]]:
                inner = inner and (local[u] < 0 or label[u] == label[inside[k]])
            still[k] = still[k] or inner
        unit = _joined(case, label, inside, local, still)
    count = unit.max() + 1
    if count > MOST_CELLS:
        return unit, np.zeros((count, 1), dtype=np.bool_)
    beside = np.zeros((count, count), dtype=np.bool_)
    for k in range(n):
        for u in case.near[case.indptr[inside[k]] : case.indptr[inside[k] + 1]]:
            if local[u] >= 0 and unit[local[u]] != unit[k]:
                beside[unit[k], unit[local[u]]] = True
    return unit, beside


@kernel(nogil=True)
def _joined(case: _Case, label: Ints, inside: Ints, local: Ints, still: Bools) -> Ints:
    """Number of each cell, equal for connected cells of one part that are all `still`; in order of first cells."""
    unit, count = np.full(len(inside), -1, dtype=np.int64), 0
    queue = np.empty(len(inside), dtype=np.int64)
    for root in range(len(inside)):
        if unit[root] >= 0:
            continue
        unit[root] = count
        queue[0] = root
        at, end = 0, int(still[root])
        while at < end:
            v = inside[queue[at]]
            at += 1
            for u in case.near[case.indptr[v] : case.indptr[v + 1]]:
                k = local[u]
                if k >= 0 and unit[k] < 0 and still[k] and label[u] == label[v]:
                    unit[k] = count
                    queue[end] = k
                    end += 1
        count += 1
    return unit


@kernel(nogil=True)
def _intact(case: _Case, label: Ints, new: Ints, cluster: Ints) -> bool:
    """Whether the parts of a cluster have no holes, and families are connected, without holes and balanced."""
    if has_ring(case.graph_indptr, case.graph_neighbour, case.members, case.place, new, cluster):
        return False
    families = np.unique(case.family[cluster])
    if len(families) < 2:
        return True
    was, load = np.zeros(len(case.enough)), np.zeros(len(case.enough))
    for k in range(len(new)):
        was[case.family[label[k]]] += case.load[k]
        load[case.family[new[k]]] += case.load[k]
    mean = load.mean()
    for f in range(len(load)):
        if abs(load[f] / mean - 1.0) > max(case.apart, abs(was[f] / mean - 1.0)) + _NOISE:
            return False
    house = case.family[new]
    if has_ring(case.graph_indptr, case.graph_neighbour, case.members, case.place, house, families):
        return False
    return bool(_connected(case, house, families))


@kernel(nogil=True)
def _connected(case: _Case, house: Ints, families: Ints) -> bool:
    """Whether each of the families is connected through sufficiently wide borders."""
    met, queue = np.zeros(len(house), dtype=np.bool_), np.empty(len(house), dtype=np.int64)
    for family in families:
        count = at = held = 0
        for k in range(len(house)):
            if house[k] == family:
                held += 1
                if count == 0:
                    met[k], queue[0], count = True, k, 1
        while at < count:
            v = queue[at]
            at += 1
            for u in case.near[case.indptr[v] : case.indptr[v + 1]]:
                if house[u] == family and not met[u]:
                    met[u] = True
                    queue[count] = u
                    count += 1
        if count < held:
            return False
    return True
