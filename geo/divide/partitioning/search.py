"""Optimal division of a few cells, by enumeration.

Parts are filled one after the other: the heaviest unassigned cell gets a part with every connected set of free cells around it
that is near enough to the mean; the remaining components must be able to form the remaining parts. A third-level parent of two
dozen buildings requires some thousand such sets.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.divide.partitioning.adjacency import Graph
from geo.kernels import kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: Maximum number of cells for a search.
MOST_CELLS = 40
# Maximum number of sets before the search is abandoned: about 0.1 s.
_LIMIT = 100_000
# Numerical noise threshold.
_NOISE = 1e-9


class _Task(NamedTuple):
    """Search problem: weight of each cell in parts, adjacency, cells in descending order of weight, number of parts.

    `free` and `queue` are working memory, one entry per cell.
    """

    share: Floats
    beside: Bools
    order: Ints
    parts: int
    free: Bools
    queue: Ints


class _Levels(NamedTuple):
    """State of the enumeration for each part being filled, shape (parts, ...).

    `stack` holds the cells of the part, `load` their sum, `met` the visited cells, marked in `seen`; `at` and `end` are the
    next candidate and the end of the list at each depth. `depth` is that of the part, -1 while it is empty.
    """

    stack: Ints
    load: Floats
    met: Ints
    seen: Bools
    at: Ints
    end: Ints
    depth: Ints


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
    """Search for a division in which all parts deviate from the mean by less than `below`.

    Parameters
    ----------
    graph, weight
        Neighbours and workload of all cells.
    members
        Positions of the parent's cells.
    parts
        Number of parts, at most as many as cells.
    below
        Tolerance to improve on.
    enough
        Tolerance at which the search ends.
    border_m
        Shorter borders do not connect.

    Returns
    -------
    tolerance, label, finished
        The smallest tolerance found (`below` if none is better), the part of each member (None if none is better), and
        whether the enumeration was complete, so that no division into connected parts is better than the tolerance found.
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
    tolerance, label, tried = search(mine / (mine.sum() / parts), beside, parts, below, enough, _LIMIT)
    found = None if label[0] < 0 else label
    return (below if found is None else tolerance), found, tried <= _LIMIT and tolerance > enough


@kernel(nogil=True)
def search(
    share: Floats, beside: Bools, parts: int, below: float, enough: float, limit: int
) -> tuple[float, Ints, int]:
    """Search for a division of cells in which all parts deviate from 1 by less than `below`.

    Parameters
    ----------
    share
        Weight of each cell, in parts; float64 (n,).
    beside
        Which cells are connected; bool (n, n).
    parts
        Number of parts, at least 2 and at most n.
    below, enough
        Tolerance to improve on, and the one at which the search ends.
    limit
        Maximum number of connected sets before the search is abandoned.

    Returns
    -------
    tolerance, label, tried
        The smallest tolerance found (just under `below` if none is better), the part of each cell (-1 if none is better), and
        the number of sets tried: above `limit` if the search was abandoned.
    """
    n = len(share)
    order = np.argsort(-share, kind="mergesort").astype(np.int64)
    task = _Task(share, beside, order, parts, np.empty(n, dtype=np.bool_), np.empty(n, dtype=np.int64))
    levels = _Levels(
        np.empty((parts, n + 1), dtype=np.int64),
        np.zeros((parts, n + 2)),
        np.empty((parts, n + 1), dtype=np.int64),
        np.zeros((parts, n), dtype=np.bool_),
        np.zeros((parts, n + 2), dtype=np.int64),
        np.zeros((parts, n + 2), dtype=np.int64),
        np.full(parts, -1, dtype=np.int64),
    )
    owner, label = np.full(n, -1, dtype=np.int64), np.full(n, -1, dtype=np.int64)
    best, tried = below - _NOISE, 0
    part, u = 0, int(order[0])
    levels.seen[0, u] = True
    while part >= 0 and tried <= limit and best > enough:
        depth = levels.depth[part]
        now = share[u] + (levels.load[part, depth] if depth >= 0 else 0.0)
        # The heaviest cell must be in some part, so it is tried regardless of its weight; others only while there is room.
        if now - 1.0 < best:
            tried += 1
            _add(part, u, now, task, levels, owner)
            left = parts - part - 1
            if abs(now - 1.0) < best and _rest_suffices(left, task, owner, best):
                if left == 0:
                    best = _largest_deviation(task, owner)
                    label[:] = owner
                else:
                    u = _heaviest_free(task, owner)
                    part += 1
                    levels.seen[part, :] = False
                    levels.seen[part, u] = True
                    continue
        part, u = _next(part, levels, owner)
    return float(best), label, tried


@kernel(nogil=True, allocates=False)
def _add(part: int, u: int, now: float, task: _Task, levels: _Levels, owner: Ints) -> None:
    """Add a cell to a part that then weighs `now`, and append its free neighbours to the list."""
    depth = levels.depth[part]
    begin = levels.at[part, depth] if depth >= 0 else 0
    count = levels.end[part, depth] if depth >= 0 else 0
    depth += 1
    levels.stack[part, depth], levels.load[part, depth], levels.at[part, depth] = u, now, begin
    owner[u] = part
    for w in range(len(owner)):
        if task.beside[u, w] and owner[w] < 0 and not levels.seen[part, w]:
            levels.seen[part, w] = True
            levels.met[part, count] = w
            count += 1
    levels.end[part, depth] = count
    levels.depth[part] = depth


@kernel(nogil=True, allocates=False)
def _next(part: int, levels: _Levels, owner: Ints) -> tuple[int, int]:
    """The next cell to try, and its part; connected sets are enumerated once each; (-1, -1) when finished.

    A set grows by cells later in the list of visited ones. If a part has no further set, the previous part continues.
    """
    while part >= 0:
        depth = levels.depth[part]
        while depth >= 0 and levels.at[part, depth] >= levels.end[part, depth]:
            for t in range(levels.end[part, depth - 1] if depth > 0 else 0, levels.end[part, depth]):
                levels.seen[part, levels.met[part, t]] = False
            owner[levels.stack[part, depth]] = -1
            depth -= 1
        levels.depth[part] = depth
        if depth >= 0:
            u = levels.met[part, levels.at[part, depth]]
            levels.at[part, depth] += 1
            return part, u
        part -= 1
    return -1, -1


@kernel(nogil=True, allocates=False)
def _rest_suffices(left: int, task: _Task, owner: Ints, best: float) -> bool:
    """Whether the components of free cells could be divided among `left` parts."""
    n, seen, queue = len(owner), task.free, task.queue
    for s in range(n):
        seen[s] = False
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
            load += task.share[v]
            for u in range(n):
                if task.beside[v, u] and owner[u] < 0 and not seen[u]:
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


@kernel(nogil=True, allocates=False)
def _heaviest_free(task: _Task, owner: Ints) -> int:
    for v in task.order:
        if owner[v] < 0:
            return int(v)
    return -1


@kernel(nogil=True)
def _largest_deviation(task: _Task, owner: Ints) -> float:
    """Largest share by which a part of a complete division is off the mean."""
    sums = np.zeros(task.parts)
    for v in range(len(owner)):
        sums[owner[v]] += task.share[v]
    return float(np.abs(sums - 1.0).max())
