"""Lower bounds: the tolerance that no division of a parent can beat, and which cell is to blame.

The tolerance of a parent is the largest share by which a grid is off the mean of the parent's grids. Cells are not cut, so

* a cell that is heavier than the mean is off by itself (*heavy*);
* what is left when the h heaviest cells are taken away has to do for at least k - h grids (*rest*);
* of the k + 1 heaviest cells two lie in one grid (*pair*);
* a cell lies in some connected set of cells, and the set that comes nearest to the mean is still off (*hemmed*): all
  connected sets round the cell are tried that a better one could be among;
* a piece that a cell cuts off from the rest either does for grids of its own or goes with that cell (*gate*).

Each of the five is proven; the largest is reported. The true optimum may be higher. Where a small parent is still off by more,
all its divisions are searched (*tried*, :mod:`geo.divide.partitioning.search`), and then the bound is the optimum.
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

# Off by less than this is no obstacle worth a search.
_GOOD = 0.02
# Cells lighter than this share of a grid are not looked at as gates.
_GATE = 0.25
# Connected sets that are tried for one cell; where they do not suffice the cell proves nothing.
_LIMIT = 20_000
# Tolerances that differ by less are equal.
_NOISE = 1e-6


@dataclass(frozen=True)
class Bound:
    """What no division of a parent into so many grids can beat.

    Attributes
    ----------
    tolerance
        Largest share by which some grid is off the mean in every division, at least.
    over, under
        The same for grids above and below the mean, where proven; 0 if nothing is.
    reason
        'heavy', 'rest', 'pair', 'hemmed', 'gate', 'tried', or '' where nothing stands in the way.
    cell
        Position of the cell to blame, -1 if there is none.
    """

    tolerance: float
    over: float
    under: float
    reason: str
    cell: int


def fair_share(weight: Floats, parts: int) -> float:
    """Weight of a part if the cells that are heavier than that are parts of their own: the best that any split can reach.

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
    """Bound the tolerance of a parent from below.

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
    At most 20,000 sets are tried for a cell; cost is about 10 ns a set. Nothing is searched where every cell is lighter than
    4 % of a grid, for then connected sets within 2 % of the mean always exist.

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
    """Bound the tolerance of a parent whose grids are off by `reached`: by search too, if that is above bound and tolerance.

    The cell to blame is then the heaviest.
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
    """Largest deviation, above `good`, of the best connected set round a cell, and that cell."""
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
    """Deviation of the connected set round `root` that is nearest to the mean; 0 if that was not found out.

    Sets are enumerated once each: a set grows by cells that follow in the list of those met, and by what they add to it.
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
    """Put the neighbours of `v` that were not met yet on the list; returns its new length."""
    for j in range(graph.indptr[v], graph.indptr[v + 1]):
        u = graph.neighbour[j]
        if u >= 0 and graph.length_m[j] > 0.0 and inside[u] and not seen[u]:
            seen[u] = True
            met[count] = u
            count += 1
    return count
