"""Dead ends: cells that are reachable through a single neighbour, the gate.

A simple move never separates a dead end from its gate, so a part that contains one stays stretched to reach it. So a dead end
that is too light to be a part is assigned with its gate: its weight and area are added to the gate, and it is left out.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.divide.partitioning.adjacency import Graph
from geo.kernels import kernel

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


class Rows(NamedTuple):
    """Rows of a :class:`~geo.divide.partitioning.adjacency.Graph`, as arguments of the kernels."""

    indptr: Ints
    neighbour: Ints
    length_m: Floats


def gates(graph: Graph, members: Ints, weight: Floats, parts: int) -> Ints:
    """The cell that each cell of a parent is assigned with: the gate for the cells of a light dead end, else the cell itself.

    Parameters
    ----------
    graph
        Neighbours of all cells.
    members
        Positions of the parent's cells, which are connected; int64 (m,).
    weight
        Weight of each member, float64 (m,).
    parts
        Number of parts that the parent is to be split into.

    Returns
    -------
    ndarray of int64, shape (m,)
        Position among the members. A gate is assigned with itself. If fewer than `parts` cells would remain, no dead end is
        joined to a gate.

    Notes
    -----
    A dead end is joined to its gate if their total weight is nearer to the mean of the parts than that of the gate alone.
    Cost: O(m), two depth-first walks.
    """
    place = np.full(len(graph), -1, dtype=np.int64)
    place[members] = np.arange(len(members))
    rows = Rows(graph.indptr, graph.neighbour, graph.length_m)
    head = _gates(rows, members, place, weight, float(weight.sum()) / parts)
    alone = np.arange(len(members))
    return head if int((head == alone).sum()) >= parts else alone


@kernel(nogil=True)
def _gates(graph: Rows, members: Ints, place: Ints, weight: Floats, mean: float) -> Ints:
    """Find the cells that separate others, and join light dead ends to them."""
    n = len(members)
    order, number, after, apart, below = _walk(graph, members, place, weight)
    head = np.arange(n)
    piece, load = np.empty(n, dtype=np.int64), np.empty(n)
    first, child = np.full(n + 1, -1, dtype=np.int64), np.full(n, -1, dtype=np.int64)
    for k in range(n - 1, 0, -1):
        c = order[k]
        if apart[c] >= 0:
            child[c], first[apart[c]] = first[apart[c]], c
    for v in range(n):
        count, rest = 0, below[order[0]] - weight[v]
        c = first[v]
        while c >= 0:
            piece[count], load[count] = c, below[c]
            rest -= below[c]
            count += 1
            c = child[c]
        if v != order[0]:  # what lies above
            piece[count], load[count] = -1, rest
            count += 1
        joined = weight[v]
        for k in np.argsort(load[:count])[: count - 1]:
            joined += load[k]
            if joined + load[k] > 2.0 * mean:
                break
            _assign_with(v, piece[k], order, number, after, first, child, head)
    for x in range(n):
        while head[head[x]] != head[x]:
            head[x] = head[head[x]]
    return head


@kernel(nogil=True)
def _assign_with(
    v: int, piece: int, order: Ints, number: Ints, after: Ints, first: Ints, child: Ints, head: Ints
) -> None:
    """Assign a component with `v`: that reached through `piece`, or with -1 everything not separated below `v`."""
    if piece >= 0:
        for k in range(number[piece], after[piece]):
            head[order[k]] = v
        return
    mine = np.zeros(len(order), dtype=np.bool_)
    c = first[v]
    while c >= 0:
        mine[number[c] : after[c]] = True
        c = child[c]
    for k in range(len(order)):
        if not mine[k] and order[k] != v:
            head[order[k]] = v


@kernel(nogil=True)
def gate_bound(graph: Rows, members: Ints, place: Ints, weight: Floats, mean: float, least: float) -> tuple[float, int]:
    """Bound the tolerance by the components that single cells separate: the largest bound, and the position of its cell.

    A separated component either gets grids of its own, of at most its weight, or is assigned completely with that cell. Lighter
    components are assigned first, so there are as many cases as components. Cells lighter than `least` are skipped. Returns
    (0, -1) if there is no bound, or if the members are not connected.
    """
    n = len(members)
    order, number, _, apart, below = _walk(graph, members, place, weight)
    if (number < 0).any():
        return 0.0, -1
    first, child = np.full(n, -1, dtype=np.int64), np.full(n, -1, dtype=np.int64)
    for k in range(n - 1, 0, -1):
        c = order[k]
        if apart[c] >= 0:
            child[c], first[apart[c]] = first[apart[c]], c
    total, load = below[order[0]], np.empty(n)
    best, gate = 0.0, -1
    for v in range(n):
        if weight[v] <= least:
            continue
        count, rest, c = 0, total - weight[v], first[v]
        while c >= 0:
            load[count] = below[c]
            rest -= below[c]
            count += 1
            c = child[c]
        if v != order[0]:
            load[count] = rest
            count += 1
        if count < 2:
            continue
        cut_off = np.sort(load[:count])
        joined, bound = weight[v], np.inf
        for k in range(count + 1):
            alone = 1.0 - cut_off[k] / mean if k < count else 0.0
            bound = min(bound, max(joined / mean - 1.0, alone))
            joined += cut_off[k] if k < count else 0.0
        if bound > best:
            best, gate = bound, v
    return best, gate


@kernel(nogil=True)
def _walk(graph: Rows, members: Ints, place: Ints, weight: Floats) -> tuple[Ints, Ints, Ints, Ints, Floats]:
    """Depth-first search (Tarjan 1972): `v` separates its descendants if none of them reaches a cell before `v`.

    Returns the cells in order of discovery, the number of each, the number after its last descendant, the cell that
    separates it and its descendants (-1: none), and their weight.
    """
    indptr, neighbour, length_m = graph.indptr, graph.neighbour, graph.length_m
    n = len(members)
    order, number, after = np.zeros(n, dtype=np.int64), np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.int64)
    above, apart, low = np.full(n, -1, dtype=np.int64), np.full(n, -1, dtype=np.int64), np.zeros(n, dtype=np.int64)
    below, at, stack = weight.copy(), indptr[members], np.zeros(n, dtype=np.int64)
    number[0], count, depth = 0, 1, 0
    while depth >= 0:
        v = stack[depth]
        if at[v] < indptr[members[v] + 1]:
            j = at[v]
            at[v] += 1
            u = place[neighbour[j]] if neighbour[j] >= 0 and length_m[j] > 0.0 else -1
            if u < 0 or u == above[v]:
                continue
            if number[u] >= 0:
                low[v] = min(low[v], number[u])
                continue
            above[u], number[u], low[u], order[count] = v, count, count, u
            count += 1
            depth += 1
            stack[depth] = u
        else:
            after[v] = count
            depth -= 1
            if depth >= 0:
                u = stack[depth]
                low[u] = min(low[u], low[v])
                below[u] += below[v]
                if low[v] >= number[u]:
                    apart[v] = u
    return order, number, after, apart, below
