"""Lower bounds: the tolerance that no division of a parent can be below, and the obstructing cell.

The tolerance of a parent is the largest deviation of a grid from the mean of its grids, as a share. Cells are not cut, so

* a cell heavier than the mean deviates by itself (*heavy*);
* the cells without the h heaviest ones must fill at least k - h grids (*rest*);
* two of the k + 1 heaviest cells are in one grid (*pair*);
* a cell is in some connected set of cells, and even the set nearest to the mean deviates (*hemmed*): all connected sets around
  the cell that could be better are enumerated;
* cells separated from the rest by one cell either form grids of their own or are assigned with that cell (*gate*).

Each of the five is proven; the largest is reported. The true optimum may be higher. If a small parent still deviates by
more, all its divisions are searched (*tried*, :mod:`geo.divide.partitioning.search`), and the bound is then the optimum.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo.divide.partitioning.adjacency import Graph
from geo.divide.partitioning.dead_ends import Rows, gate_bound
from geo.divide.partitioning.search import best_division
from geo.kernels import kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# A smaller deviation does not justify a search.
_GOOD = 0.02
# Cells lighter than this share of a grid are not considered as gates.
_GATE = 0.25
# Maximum number of connected sets enumerated for one cell; if exceeded, the cell proves nothing.
_LIMIT = 20_000
# Tolerances that differ by less are treated as equal.
_NOISE = 1e-6


@dataclass(frozen=True)
class Bound:
    """Lower bound of the tolerance of a parent with a given number of grids.

    Attributes
    ----------
    tolerance
        In every division some grid deviates from the mean by at least this share.
    over, under
        The same for grids above and below the mean, if proven; otherwise 0.
    reason
        'heavy', 'rest', 'pair', 'hemmed', 'gate', 'tried', or '' without an obstruction.
    cell
        Position of the obstructing cell, -1 if there is none.
    """

    tolerance: float
    over: float
    under: float
    reason: str
    cell: int


def fair_share(weight: Floats, parts: int) -> float:
    """Weight of a part if all heavier cells are parts of their own: the best value for any split.

    Parameters
    ----------
    weight
        Weights of the cells, shape (n,).
    parts
        Number of parts, at most n.

    >>> fair_share(np.array([70.0, 10.0, 10.0, 10.0]), 4), fair_share(np.array([2.0, 1.0, 1.0]), 2)
    (10.0, 2.0)
    """
    ordered = np.sort(weight)[::-1]
    rest = ordered.sum() - np.r_[0.0, np.cumsum(ordered)][:parts]
    fair = rest / (parts - np.arange(parts))
    heavy = int(np.argmax(ordered[:parts] <= fair)) if (ordered[:parts] <= fair).any() else parts - 1
    return float(fair[heavy])


def least_tolerance(graph: Graph, weight: Floats, members: Ints, parts: int) -> Bound:
    """Lower bound of the tolerance of a parent.

    Parameters
    ----------
    graph
        Neighbours of all cells.
    weight
        Workload of all cells.
    members
        Positions of the parent's cells.
    parts
        Number of grids, at most as many as cells.

    Notes
    -----
    At most 20,000 sets are enumerated per cell, at about 10 ns each. If every cell is lighter than 4 % of a grid, no search
    is made, because connected sets within 2 % of the mean then always exist.

    >>> from geo.divide.partitioning.adjacency import build_graph
    >>> import shapely
    >>> row = build_graph(np.array([shapely.box(i, 0, i + 1, 1) for i in range(4)]))
    >>> least_tolerance(row, np.array([70.0, 10.0, 10.0, 10.0]), np.arange(4), 4).reason
    'heavy'
    """
    mine = weight[members]
    mean = float(mine.sum()) / parts
    if parts < 2 or mean <= 0:
        return Bound(0.0, 0.0, 0.0, "", -1)
    order = np.argsort(-mine, kind="stable")
    first = int(members[order[0]])
    over, cell_over, why = max(float(mine[order[0]]) / mean - 1, 0.0), first, "heavy"
    if len(mine) > parts:
        pair = float(mine[order[parts - 1]] + mine[order[parts]]) / mean - 1
        if pair > over:
            over, cell_over, why = pair, int(members[order[parts - 1]]), "pair"
    rest = (mine.sum() - np.r_[0.0, np.cumsum(mine[order])[: parts - 1]]) / (parts - np.arange(parts))
    under = max(1 - float(rest.min()) / mean, 0.0)
    best, reason, cell = (over, why, cell_over) if over >= under else (under, "rest", first)
    if mine.max() > 2 * _GOOD * mean:
        inside = np.zeros(len(weight), dtype=np.bool_)
        inside[members] = True
        rows = Rows(graph.indptr, graph.neighbour, graph.length_m)
        hemmed, at = _hemmed(rows, members, inside, weight, mean, max(best, _GOOD))
        if hemmed > best and at >= 0:
            best, reason, cell = float(hemmed), "hemmed", int(at)
        place = np.full(len(weight), -1, dtype=np.int64)
        place[members] = np.arange(len(members))
        gate, at = gate_bound(rows, members, place, mine, mean, _GATE * mean)
        if gate > best and at >= 0:
            best, reason, cell = float(gate), "gate", int(members[at])
    return Bound(best, over, under, reason if best > 0 else "", cell if best > 0 else -1)


def proven(graph: Graph, weight: Floats, members: Ints, parts: int, reached: float, tolerance: float) -> Bound:
    """Lower bound for a parent whose grids deviate by `reached`; also by search, if that exceeds both bound and tolerance.

    The obstructing cell is then the heaviest.
    """
    bound = least_tolerance(graph, weight, members, parts)
    if reached <= max(bound.tolerance, tolerance) + _NOISE:
        return bound
    least, _, finished = best_division(graph, weight, members, parts, reached, enough=max(bound.tolerance, tolerance))
    if not finished:
        return bound
    return Bound(least, bound.over, bound.under, "tried", int(members[np.argmax(weight[members])]))


@kernel(nogil=True)
def _hemmed(
    graph: Rows, members: Ints, inside: npt.NDArray[np.bool_], weight: Floats, mean: float, good: float
) -> tuple[float, int]:
    """Largest deviation, above `good`, of the best connected set around a cell, and that cell."""
    seen, share = np.zeros(len(weight), dtype=np.bool_), weight / mean
    worst, blamed = good, -1
    for v in members:
        off = _nearest_set(v, graph, inside, share, worst, seen, len(members))
        if off > worst:
            worst, blamed = off, v
    return worst, blamed


@kernel(nogil=True)
def _nearest_set(
    root: int,
    graph: Rows,
    inside: npt.NDArray[np.bool_],
    share: Floats,
    good: float,
    seen: npt.NDArray[np.bool_],
    most: int,
) -> float:
    """Deviation of the connected set around `root` that is nearest to the mean; 0 if the enumeration was not finished.

    Every set is enumerated once: a set grows by cells later in the list of visited ones, and by their new neighbours.
    """
    best = abs(share[root] - 1.0)
    if best <= good or share[root] >= 1.0:
        return float(best)
    met = np.empty(most + 1, dtype=np.int64)
    at = np.zeros(most + 1, dtype=np.int64)
    end = np.zeros(most + 1, dtype=np.int64)
    load = np.zeros(most + 1)
    seen[root] = True
    end[0] = _meet(root, graph, inside, seen, met, 0)
    load[0] = share[root]
    depth, tried = 0, 0
    while depth >= 0 and best > good and tried <= _LIMIT:
        if at[depth] >= end[depth]:
            for t in range(end[depth - 1] if depth > 0 else 0, end[depth]):
                seen[met[t]] = False
            depth -= 1
            continue
        u = met[at[depth]]
        at[depth] += 1
        now = load[depth] + share[u]
        if now >= 1.0 + best:
            continue
        tried += 1
        best = min(best, abs(now - 1.0))
        added = _meet(u, graph, inside, seen, met, end[depth])
        depth += 1
        at[depth], end[depth], load[depth] = at[depth - 1], added, now
    finished = depth < 0 or best <= good
    seen[root] = False
    while depth >= 0:
        for t in range(end[depth]):
            seen[met[t]] = False
        depth -= 1
    return float(best) if finished else 0.0


@kernel(nogil=True)
def _meet(
    v: int, graph: Rows, inside: npt.NDArray[np.bool_], seen: npt.NDArray[np.bool_], met: Ints, count: int
) -> int:
    """Append unvisited neighbours of `v` to the list; returns its new length."""
    for j in range(graph.indptr[v], graph.indptr[v + 1]):
        u = graph.neighbour[j]
        if u >= 0 and graph.length_m[j] > 0.0 and inside[u] and not seen[u]:
            seen[u] = True
            met[count] = u
            count += 1
    return count
