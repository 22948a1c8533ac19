"""The best division of a small parent, by trying all that could be it.

Parts are filled one after the other: the heaviest cell that has none yet gets one, with every connected set of free cells round
it that is near enough to the mean; what is left over has to consist of pieces that do for the parts that are left. A third-level
parent of two dozen buildings takes some thousand such sets.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geo.divide.partitioning.adjacency import Graph
from geo.kernels import kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: Most cells of a parent that is searched.
MOST_CELLS = 40
# Sets that are tried before the search is given up: about 0.1 s.
_LIMIT = 100_000
# Gains that are none.
_NOISE = 1e-9


def best_division(
    graph: Graph,
    weight: Floats,
    members: Ints,
    parts: int,
    below: float,
    *,
    enough: float = 0.0,
    border_m: float = 0.0,
) -> tuple[float, Ints | None, bool]:
    """Search for a division whose parts are all off the mean by less than `below`.

    Parameters
    ----------
    graph, weight
        Neighbours and workload of all cells.
    members
        Positions of the parent's cells.
    parts
        Number of parts, at most as many as cells.
    below
        Tolerance to beat.
    enough
        Tolerance at which the search ends.
    border_m
        Borders that are shorter do not hold parts together.

    Returns
    -------
    tolerance, label, finished
        The least tolerance found (`below` if none is better), the part of each member (None if none is better), and whether
        everything was tried, so that no division into connected parts is better than the tolerance found.
    """
    mine, n = weight[members], len(members)
    if n > MOST_CELLS or parts < 2 or mine.sum() <= 0:
        return below, None, False
    place = np.full(len(graph), -1, dtype=np.int64)
    place[members] = np.arange(n)
    beside = np.zeros((n, n), dtype=np.bool_)
    for k, v in enumerate(members.tolist()):
        row = slice(graph.indptr[v], graph.indptr[v + 1])
        near = graph.neighbour[row][
            (graph.length_m[row] > max(border_m, 0.0) * (1 - _NOISE)) & (graph.neighbour[row] >= 0)
        ]
        beside[k, place[near][place[near] >= 0]] = True
    tolerance, label, tried = search(mine / (mine.sum() / parts), beside, parts, below, enough=enough, limit=_LIMIT)
    return tolerance, label, tried <= _LIMIT and tolerance > enough


def search(
    share: Floats, beside: Bools, parts: int, below: float, *, enough: float, limit: int
) -> tuple[float, Ints | None, int]:
    """Search for a division of cells whose parts are all off 1 by less than `below`.

    Parameters
    ----------
    share
        Weight of each cell, in parts; float64 (n,).
    beside
        Which cells hold together; bool (n, n).
    parts
        Number of parts, at least 2 and at most n.
    below, enough
        Tolerance to beat, and the one at which the search ends.
    limit
        Connected sets that are tried before the search is given up.

    Returns
    -------
    tolerance, label, tried
        The least tolerance found (`below` if none is better), the part of each cell (None if none is better), and how many sets
        were tried: above `limit` if it was given up.
    """
    n = len(share)
    order = np.argsort(-share, kind="stable").astype(np.int64)
    best, tried = np.array([below - _NOISE]), np.zeros(1, dtype=np.int64)
    owner, label = np.full(n, -1, dtype=np.int64), np.full(n, -1, dtype=np.int64)
    _fill(0, parts, share, beside, order, owner, label, best, tried, limit, enough)
    if label[0] < 0:
        return below, None, int(tried[0])
    return float(best[0]), label, int(tried[0])


@kernel(nogil=True)
def _rest_will_do(left: int, share: Floats, beside: Bools, owner: Ints, best: float) -> bool:
    """Tell whether the pieces of free ground might be divided among `left` parts."""
    n = len(owner)
    seen, queue = np.zeros(n, dtype=np.bool_), np.empty(n, dtype=np.int64)
    fewest = most = 0
    for s in range(n):
        if owner[s] >= 0 or seen[s]:
            continue
        seen[s] = True
        queue[0] = s
        count, at, load = 1, 0, 0.0
        while at < count:
            v = queue[at]
            at += 1
            load += share[v]
            for u in range(n):
                if beside[v, u] and owner[u] < 0 and not seen[u]:
                    seen[u] = True
                    queue[count] = u
                    count += 1
        low = max(1, int(np.ceil(load / (1.0 + best) - 1e-9)))
        high = count if best >= 1.0 else min(count, int(np.floor(load / (1.0 - best) + 1e-9)))
        if low > high:
            return False
        fewest += low
        most += high
    return fewest <= left <= most


@kernel(nogil=True)
def _fill(
    part: int,
    parts: int,
    share: Floats,
    beside: Bools,
    order: Ints,
    owner: Ints,
    label: Ints,
    best: Floats,
    tried: Ints,
    limit: int,
    enough: float,
) -> None:
    """Fill part `part` and those after it in every way; `best` and `label` keep the best division met.

    Connected sets are enumerated once each: a set grows by cells that follow in the list of those met.
    """
    n = len(owner)
    root = -1
    for v in order:
        if owner[v] < 0:
            root = v
            break
    if root < 0:
        return
    met, stack = np.empty(n + 1, dtype=np.int64), np.empty(n + 1, dtype=np.int64)
    at, end = np.zeros(n + 2, dtype=np.int64), np.zeros(n + 2, dtype=np.int64)
    load = np.zeros(n + 2)
    seen = np.zeros(n, dtype=np.bool_)
    seen[root] = True
    depth, count = -1, 0
    u = root
    while tried[0] <= limit and best[0] > enough:
        now = share[u] + (load[depth] if depth >= 0 else 0.0)
        # The heaviest cell has to go somewhere, so its set is tried whatever it weighs; others only while there is room.
        if now - 1.0 < best[0]:
            tried[0] += 1
            begin = at[depth] if depth >= 0 else 0
            count = end[depth] if depth >= 0 else 0
            depth += 1
            stack[depth], load[depth], at[depth] = u, now, begin
            owner[u] = part
            for w in range(n):
                if beside[u, w] and owner[w] < 0 and not seen[w]:
                    seen[w] = True
                    met[count] = w
                    count += 1
            end[depth] = count
            if abs(now - 1.0) < best[0] and _rest_will_do(parts - part - 1, share, beside, owner, best[0]):
                if part == parts - 1:
                    worst = np.zeros(parts)
                    for v in range(n):
                        worst[owner[v]] += share[v]
                    best[0] = np.abs(worst - 1.0).max()
                    label[:] = owner
                else:
                    _fill(part + 1, parts, share, beside, order, owner, label, best, tried, limit, enough)
        while depth >= 0 and at[depth] >= end[depth]:
            for t in range(end[depth - 1] if depth > 0 else 0, end[depth]):
                seen[met[t]] = False
            owner[stack[depth]] = -1
            depth -= 1
        if depth < 0:
            return
        u = met[at[depth]]
        at[depth] += 1
    for k in range(depth + 1):
        owner[stack[k]] = -1
