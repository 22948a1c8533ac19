"""Kernels for moving single cells: permitted moves, and the cost of a partition.

A part without holes stays contiguous and without holes when a cell leaves or joins it, if the part's cells around that cell are
consecutive (a "simple point" of digital topology). Only such moves are made, so these properties are preserved regardless of the
costs. If two of the remaining cells share a border narrower than the minimum width, a nearby detour must exist, so that no
part depends on a narrow neck.

`Scope.group` is the parent of each cell; cells of other parents count as outside (-1). `Scope.part` is the part inside the
parent. Kernels change `part` in place; they are called from this package only.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.kernels import kernel

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# Indices of `rules`, the parameters shared by the kernels.
BALANCE, CUT, SHAPE, BORDER_M, HOT, COLD, TOLERANCE, EXCESS, STEEP, SCALE, LIMIT, PAIRS = range(12)
#: Cost of a metre of locked border; its two sides are never in one part.
LOCKED_COST = -1000.0
_LOCKED = -10.0
#: Maximum number of cells searched for a detour around a narrow border.
NEAR = 24
# Penalty factor for exceeding the proven lower bound, relative to exceeding the tolerance.
_BEYOND = 10.0


class Net(NamedTuple):
    """Cell data for the kernels: the rows of :class:`geo.divide.partitioning.adjacency.Graph`, and one entry per cell.

    Attributes
    ----------
    indptr, neighbour, length_m, link_m, cost_m
        The graph.
    weight, area, xy
        Workload counted towards a target, area in square metres, centroids.
    load
        Full workload: more than `weight` in a cell heavier than a fair part.
    fixed
        bool: cells that never move.
    home, stay
        Present part of a cell (-1: none), and the cost of another part.
    met
        Working memory for the search of a detour, :data:`NEAR` long; one for each thread.
    """

    indptr: Ints
    neighbour: Ints
    length_m: Floats
    link_m: Floats
    cost_m: Floats
    weight: Floats
    area: Floats
    xy: Floats
    load: Floats
    fixed: npt.NDArray[np.bool_]
    home: Ints
    stay: Floats
    met: Ints


class Scope(NamedTuple):
    """The cells of one parent and their parts; arrays have one entry per cell of the net.

    Attributes
    ----------
    part
        Part of each cell.
    group
        Parent of each cell.
    parent
        The parent being processed.
    """

    part: Ints
    group: Ints
    parent: int


class Goal(NamedTuple):
    """Objective of the parts of one parent.

    Attributes
    ----------
    target
        Target weight of each part.
    least
        Minimum number of cells of each part.
    unit_m
        Unit length of borders: the side of a mean part.
    rules
        Parameters of :meth:`geo.divide.partitioning.objective.Rules.numbers`.
    family
        Family of each part.
    house
        Family of each cell of the net; changed in place.
    """

    target: Floats
    least: Ints
    unit_m: float
    rules: Floats
    family: Ints
    house: Ints


@kernel(nogil=True, allocates=False)
def label_of(v: int, scope: Scope) -> int:
    """Part of a cell, -1 outside the parent."""
    return scope.part[v] if v >= 0 and scope.group[v] == scope.parent else -1


@kernel(nogil=True, allocates=False)
def _has_detour(net: Net, a: int, b: int, v: int, p: int, scope: Scope, least_m: float) -> bool:
    """Whether `a` and `b` are connected nearby in part `p` without `v`, through borders of at least `least_m`."""
    met = net.met
    met[0] = a
    count, at = 1, 0
    while at < count:
        w = met[at]
        at += 1
        for j in range(net.indptr[w], net.indptr[w + 1]):
            u = net.neighbour[j]
            if u == v or net.length_m[j] < least_m or label_of(u, scope) != p:
                continue
            if u == b:
                return True
            known = False
            for k in range(count):
                known = known or met[k] == u
            if not known and count < NEAR:
                met[count] = u
                count += 1
    return False


@kernel(nogil=True, allocates=False)
def is_simple(net: Net, v: int, p: int, q: int, scope: Scope, least_m: float) -> bool:
    """Whether `v` may move from part `p` to part `q`.

    The cells of each of the two parts must be consecutive around `v`, and the border with `q` at least `least_m` long.
    """
    start, stop = net.indptr[v], net.indptr[v + 1]
    # Without neighbours there is no last one to begin the walk with: kernels do not check their indices.
    if start == stop:
        return False
    runs_p = runs_q = 0
    seen_p = narrow = False
    widest = 0.0
    before = label_of(net.neighbour[stop - 1], scope)
    for j in range(start, stop):
        here = label_of(net.neighbour[j], scope)
        if here == p:
            seen_p = True
            runs_p += before != p
            narrow = narrow or (before == p and net.link_m[j - 1 if j > start else stop - 1] < least_m)
        elif here == q:
            widest = max(widest, net.length_m[j])
            runs_q += before != q
            if net.cost_m[j] < _LOCKED * net.length_m[j]:
                return False
        before = here
    # A contact at a corner does not connect.
    if widest <= 0.0 or widest < least_m or runs_p > 1 or runs_q > 1 or not seen_p:
        return False
    return not (narrow and least_m > 0.0) or _keeps_width(net, v, p, scope, least_m)


@kernel(nogil=True, allocates=False)
def _keeps_width(net: Net, v: int, p: int, scope: Scope, least_m: float) -> bool:
    """Whether every narrow border between neighbours of `v` in part `p` has a detour without `v`."""
    start, stop = net.indptr[v], net.indptr[v + 1]
    for j in range(start, stop):
        k = j - 1 if j > start else stop - 1
        a, b = net.neighbour[k], net.neighbour[j]
        if (
            a != b
            and net.link_m[k] < least_m
            and label_of(a, scope) == p
            and label_of(b, scope) == p
            and not _has_detour(net, a, b, v, p, scope, least_m)
        ):
            return False
    return True


@kernel(nogil=True)
def grow(
    net: Net, members: Ints, key: Floats, aim: float, needed: tuple[int, int], scope: Scope, least_m: float
) -> bool:
    """Split a parent in two: part 0 grows by cells in order of `key`, smallest first, until it weighs `aim`.

    `key` has one entry per cell of the net; `needed` is the minimum number of cells of each part. Returns False if part 0 could
    not grow before both parts had the required cells. Cost: O(n log n).
    """
    part, n = scope.part, len(members)
    for v in members:
        part[v] = 1
    queue = [(0.0, np.int64(0)) for _ in range(0)]
    for i in np.argsort(key[members]):
        if is_simple(net, int(members[i]), 1, -1, scope, 0.0):
            queue.append((key[members[i]], members[i]))
            break
    held, load = 0, 0.0
    while len(queue) > 0 and n - held > needed[1]:
        _, v = heapq.heappop(queue)
        if part[v] == 0:
            continue
        if held > 0 and not is_simple(net, int(v), 1, 0, scope, least_m):
            continue  # it is queued again when a neighbour changes
        if held >= needed[0] and load + 0.5 * net.weight[v] > aim:
            return True
        part[v] = 0
        held += 1
        load += net.weight[v]
        for j in range(net.indptr[v], net.indptr[v + 1]):
            u = net.neighbour[j]
            if label_of(u, scope) == 1:
                heapq.heappush(queue, (key[u], u))
    return held >= needed[0]


@kernel(nogil=True, allocates=False)
def _roundness(area: float, sx: float, sy: float, second: float) -> float:
    """Moment of inertia over that of a disc of the same area, minus one; 0 for a disc, 0.047 for a square."""
    if area <= 0.0:
        return 0.0
    return 2.0 * np.pi * (second - (sx * sx + sy * sy) / area) / (area * area) - 1.0


@kernel(nogil=True)
def tally(net: Net, members: Ints, part: Ints, count: int) -> Floats:
    """Sums of each part: weight, cells, area, the first and second moments of area, and load; shape (count, 7)."""
    sums = np.zeros((count, 7))
    for v in members:
        shift(net, sums[part[v]], v, 1.0)
    return sums


@kernel(nogil=True, allocates=False)
def shift(net: Net, row: Floats, v: int, sign: float) -> None:
    """Add a cell to the sums of a part, or remove it (`sign` -1)."""
    x, y, a = net.xy[v, 0], net.xy[v, 1], net.area[v]
    row[0] += sign * net.weight[v]
    row[1] += sign
    row[2] += sign * a
    row[3] += sign * a * x
    row[4] += sign * a * y
    row[5] += sign * (a * (x * x + y * y) + a * a / (2.0 * np.pi))
    row[6] += sign * net.load[v]


@kernel(nogil=True, allocates=False)
def energy_of(row: Floats, target: float, rules: Floats) -> float:
    """Cost of the weight and the shape of one part."""
    off = (row[0] - target) / target
    over = max(abs(off) - rules[TOLERANCE], 0.0)
    beyond = max(abs(row[6] / (target * rules[SCALE]) - 1.0) - rules[LIMIT], 0.0)
    return float(
        rules[BALANCE] * off * off
        + (rules[EXCESS] + rules[STEEP] * over) * over
        + _BEYOND * rules[EXCESS] * beyond
        + rules[SHAPE] * _roundness(row[2], row[3], row[4], row[5])
    )


@kernel(nogil=True)
def energy(net: Net, members: Ints, scope: Scope, sums: Floats, goal: Goal) -> float:
    """Cost of a partition of one parent: imbalance, cut borders, shape, and cells that left their present part."""
    total = 0.0
    for v in members:
        if net.home[v] >= 0 and net.home[v] != scope.part[v]:
            total += net.stay[v]
        for j in range(net.indptr[v], net.indptr[v + 1]):
            other = label_of(net.neighbour[j], scope)
            if other >= 0 and other != scope.part[v]:
                total += 0.5 * goal.rules[CUT] * net.cost_m[j] / goal.unit_m
    for k in range(len(goal.target)):
        total += energy_of(sums[k], goal.target[k], goal.rules)
    return total
