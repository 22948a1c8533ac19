"""Kernels of the partition: growing a part, and annealing all parts of one parent.

A part without holes stays one piece and without holes when a cell leaves or joins it, if in the walk round the cell the
part's cells are one unbroken run (the "simple point" of digital topology). Only such moves are made, so a partition that
starts contiguous and hole-free ends so, whatever the numbers do. Where two cells of the run that is left behind share less
border than the least width, there has to be a way round near by, so no part comes to hang by a narrow neck.

Labels: `group` says which parent a cell belongs to; cells of other parents count as outside (-1). `part` is the part inside
the parent. All kernels change `part` in place; they are called from this package only.
"""

from __future__ import annotations

import heapq
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.kernels import kernel

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# Entries of `rules`, the numbers that the kernels share.
BALANCE, CUT, SHAPE, BORDER_M, HOT, COLD, TOLERANCE, EXCESS, STEEP, SCALE, LIMIT, PAIRS = range(12)
#: What a metre costs where a locked border runs; the two sides of one never share a part.
LOCKED_COST = -1000.0
_LOCKED = -10.0
# Cells that are looked through for a way round a narrow border.
_NEAR = 24
# How much dearer it is to be off by more than what is proven to be in the way than to miss the tolerance.
_BEYOND = 10.0
# What a border between families costs, over what it costs as one between parts.
_FAMILY = 2.0
# Steps from a cell that has moved to the one that moves in return, at most.
_STRIDES = 3


class Net(NamedTuple):
    """What the kernels know of the cells: the rows of :class:`geo.divide.partitioning.adjacency.Graph`, and one entry per cell.

    Attributes
    ----------
    indptr, neighbour, length_m, link_m, cost_m
        The graph.
    weight, area, xy
        Workload that counts towards a target, square metres, centroids.
    load
        Workload in full: more than `weight` in a cell that is heavier than a fair part.
    fixed
        bool: cells that never move.
    home, stay
        Part that a cell belongs to today (-1: none), and what it costs if it is in another.
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


@kernel(nogil=True)
def _label(v: int, parent: int, part: Ints, group: Ints) -> int:
    return part[v] if v >= 0 and group[v] == parent else -1


@kernel(nogil=True)
def _goes_round(net: Net, a: int, b: int, v: int, p: int, parent: int, part: Ints, group: Ints, least_m: float) -> bool:
    """Tell whether `a` and `b` hang together near by in part `p` without `v`, through borders of at least `least_m`."""
    met = np.empty(_NEAR, dtype=np.int64)
    met[0] = a
    count, at = 1, 0
    while at < count:
        w = met[at]
        at += 1
        for j in range(net.indptr[w], net.indptr[w + 1]):
            u = net.neighbour[j]
            if u == v or net.length_m[j] < least_m or _label(u, parent, part, group) != p:
                continue
            if u == b:
                return True
            known = False
            for k in range(count):
                known = known or met[k] == u
            if not known and count < _NEAR:
                met[count] = u
                count += 1
    return False


@kernel(nogil=True)
def simple(net: Net, v: int, p: int, q: int, parent: int, part: Ints, group: Ints, least_m: float) -> bool:
    """Tell whether `v` may go from part `p` to part `q`: each is one run in the walk round `v`, and `q` at least `least_m`."""
    start, stop = net.indptr[v], net.indptr[v + 1]
    runs_p = runs_q = 0
    seen_p = narrow = False
    widest = 0.0
    before = _label(net.neighbour[stop - 1], parent, part, group)
    for j in range(start, stop):
        here = _label(net.neighbour[j], parent, part, group)
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
    # A corner joins nothing.
    if widest <= 0.0 or widest < least_m or runs_p > 1 or runs_q > 1 or not seen_p:
        return False
    if narrow and least_m > 0.0:
        for j in range(start, stop):
            k = j - 1 if j > start else stop - 1
            a, b = net.neighbour[k], net.neighbour[j]
            if (
                a != b
                and net.link_m[k] < least_m
                and _label(a, parent, part, group) == p
                and _label(b, parent, part, group) == p
                and not _goes_round(net, a, b, v, p, parent, part, group, least_m)
            ):
                return False
    return True


@kernel(nogil=True)
def grow(
    net: Net,
    members: Ints,
    key: Floats,
    aim: float,
    need_a: int,
    need_b: int,
    parent: int,
    part: Ints,
    group: Ints,
    least_m: float,
) -> bool:
    """Split a parent in two by letting part 0 grow from nothing, least `key` first, until it weighs `aim`.

    `key` has one entry per cell of the net. Returns False if part 0 got stuck before both parts had the cells they need.
    Cost: O(n log n).
    """
    n = len(members)
    for v in members:
        part[v] = 1
    queue = [(0.0, np.int64(0)) for _ in range(0)]
    for i in np.argsort(key[members]):
        if simple(net, int(members[i]), 1, -1, parent, part, group, 0.0):
            queue.append((key[members[i]], members[i]))
            break
    held, load = 0, 0.0
    while len(queue) > 0 and n - held > need_b:
        _, v = heapq.heappop(queue)
        if part[v] == 0:
            continue
        if held > 0 and not simple(net, int(v), 1, 0, parent, part, group, least_m):
            continue  # it comes again when a neighbour changes
        if held >= need_a and load + 0.5 * net.weight[v] > aim:
            return True
        part[v] = 0
        held += 1
        load += net.weight[v]
        for j in range(net.indptr[v], net.indptr[v + 1]):
            u = net.neighbour[j]
            if _label(u, parent, part, group) == 1:
                heapq.heappush(queue, (key[u], u))
    return held >= need_a


@kernel(nogil=True)
def _random(state: npt.NDArray[np.uint64]) -> float:
    """Next number in [0, 1) of splitmix64 (Steele, Lea, Flood 2014)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return float(z >> np.uint64(11)) / 9007199254740992.0


@kernel(nogil=True)
def _roundness(area: float, sx: float, sy: float, second: float) -> float:
    """Moment of inertia over that of a disc of the same area, less one; 0 for a disc, 0.047 for a square."""
    if area <= 0.0:
        return 0.0
    return 2.0 * np.pi * (second - (sx * sx + sy * sy) / area) / (area * area) - 1.0


@kernel(nogil=True)
def tally(net: Net, members: Ints, part: Ints, count: int) -> Floats:
    """Sums of each part: weight, cells, area, and the first and second moments of area, and load; shape (count, 7)."""
    sums = np.zeros((count, 7))
    for v in members:
        _shift(net, sums[part[v]], v, 1.0)
    return sums


@kernel(nogil=True)
def _shift(net: Net, row: Floats, v: int, sign: float) -> None:
    x, y, a = net.xy[v, 0], net.xy[v, 1], net.area[v]
    row[0] += sign * net.weight[v]
    row[1] += sign
    row[2] += sign * a
    row[3] += sign * a * x
    row[4] += sign * a * y
    row[5] += sign * (a * (x * x + y * y) + a * a / (2.0 * np.pi))
    row[6] += sign * net.load[v]


@kernel(nogil=True)
def _part_energy(row: Floats, target: float, rules: Floats) -> float:
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
def energy(
    net: Net,
    members: Ints,
    part: Ints,
    group: Ints,
    parent: int,
    sums: Floats,
    target: Floats,
    unit_m: float,
    rules: Floats,
) -> float:
    """What a partition of one parent costs: imbalance, cut borders, shape, and cells away from home."""
    total = 0.0
    for v in members:
        if net.home[v] >= 0 and net.home[v] != part[v]:
            total += net.stay[v]
        for j in range(net.indptr[v], net.indptr[v + 1]):
            other = _label(net.neighbour[j], parent, part, group)
            if other >= 0 and other != part[v]:
                total += 0.5 * rules[CUT] * net.cost_m[j] / unit_m
    for k in range(len(target)):
        total += _part_energy(sums[k], target[k], rules)
    return total


@kernel(nogil=True)
def _on_border(net: Net, v: int, parent: int, part: Ints, group: Ints) -> bool:
    for j in range(net.indptr[v], net.indptr[v + 1]):
        other = _label(net.neighbour[j], parent, part, group)
        if other >= 0 and other != part[v]:
            return True
    return False


@kernel(nogil=True)
def _list_border(v: int, on: bool, border: Ints, place: Ints, count: int) -> int:
    """Keep the list of cells on borders: put `v` in or take it out; the new length."""
    at = place[v]
    if on and at < 0:
        border[count] = v
        place[v] = count
        return count + 1
    if not on and at >= 0:
        last = border[count - 1]
        border[at] = last
        place[last] = at
        place[v] = -1
        return count - 1
    return count


@kernel(nogil=True)
def _cost_m(net: Net, v: int, p: int, q: int, parent: int, label: Ints, group: Ints) -> float:
    """What the borders of `v` cost more, in metres, if it moves from `p` to `q`."""
    change = 0.0
    for j in range(net.indptr[v], net.indptr[v + 1]):
        other = _label(net.neighbour[j], parent, label, group)
        if other == p:
            change += net.cost_m[j]
        elif other == q:
            change -= net.cost_m[j]
    return change


@kernel(nogil=True)
def _change(
    net: Net, v: int, p: int, q: int, parent: int, part: Ints, group: Ints, unit_m: float, rules: Floats
) -> float:
    """What a move changes in borders and in being at home."""
    change = _cost_m(net, v, p, q, parent, part, group) * (rules[CUT] / unit_m)
    if net.home[v] == p:
        change += net.stay[v]
    elif net.home[v] == q:
        change -= net.stay[v]
    return float(change)


@kernel(nogil=True)
def anneal(
    net: Net,
    members: Ints,
    part: Ints,
    group: Ints,
    parent: int,
    place: Ints,
    target: Floats,
    least: Ints,
    unit_m: float,
    rules: Floats,
    tries: int,
    state: npt.NDArray[np.uint64],
    family: Ints,
    house: Ints,
) -> None:
    """Improve a partition of one parent by random simple moves of cells on borders at falling temperature.

    `target` and `least` give the wanted weight and the least number of cells of each part; `unit_m` is the length that a cut
    is measured in; `place` is -1 everywhere and is so again at the end. `tries` counts per cell on a border at the start.
    `family` is the family of each part and `house` that of each cell: families stay as whole as parts do, and a metre of their
    borders costs three times as much.
    Cost: about 0.2 to 1 µs per try.
    """
    sums = tally(net, members, part, len(target))
    border = np.empty(len(members), dtype=np.int64)
    count = 0
    for v in members:
        count = _list_border(v, _on_border(net, v, parent, part, group) and not net.fixed[v], border, place, count)
    steps = tries * count
    for step in range(steps):
        if count == 0:
            break
        v = border[int(_random(state) * count)]
        p = part[v]
        q = _label(_beside(net, v, state), parent, part, group)
        if q < 0 or q == p or sums[p, 1] <= least[p]:
            continue
        if not simple(net, v, p, q, parent, part, group, rules[BORDER_M]):
            continue
        extra = _moves_house(net, v, family[p], family[q], parent, house, group, unit_m, rules)
        if extra == np.inf:
            continue
        change = extra + _move(net, v, p, q, parent, part, group, sums, target, unit_m, rules)
        u, r = -1, -1
        if rules[PAIRS] > 0.0 and _random(state) < rules[PAIRS]:
            u, r = _second(net, v, q, parent, part, group, rules[BORDER_M], state)
            if u >= 0:
                extra = _moves_house(net, u, family[q], family[r], parent, house, group, unit_m, rules)
                u = u if extra < np.inf else -1
            if u >= 0:
                change += extra
                change += _move(net, u, q, r, parent, part, group, sums, target, unit_m, rules)
        heat = rules[HOT] * (rules[COLD] / rules[HOT]) ** (step / steps)
        if change > 0.0 and _random(state) >= np.exp(-change / heat):
            if u >= 0:
                _put(net, u, r, q, part, sums)
                house[u] = family[q]
            _put(net, v, q, p, part, sums)
            house[v] = family[p]
            continue
        count = _list_round(net, v, parent, part, group, border, place, count)
        if u >= 0:
            count = _list_round(net, u, parent, part, group, border, place, count)
    for i in range(count):
        place[border[i]] = -1


@kernel(nogil=True)
def _moves_house(
    net: Net, v: int, p: int, q: int, parent: int, house: Ints, group: Ints, unit_m: float, rules: Floats
) -> float:
    """Move `v` from family `p` to family `q`, if both stay whole: what that changes in their borders; else infinity."""
    if p == q:
        return 0.0
    if not simple(net, v, p, q, parent, house, group, rules[BORDER_M]):
        return np.inf
    change = _cost_m(net, v, p, q, parent, house, group)
    house[v] = q
    return float(_FAMILY * change * rules[CUT] / unit_m)


@kernel(nogil=True)
def _beside(net: Net, v: int, state: npt.NDArray[np.uint64]) -> int:
    """What lies beside `v` at a random place of the walk round it."""
    start = net.indptr[v]
    return int(net.neighbour[start + int(_random(state) * (net.indptr[v + 1] - start))])


@kernel(nogil=True)
def _second(
    net: Net, v: int, q: int, parent: int, part: Ints, group: Ints, least_m: float, state: npt.NDArray[np.uint64]
) -> tuple[int, int]:
    """A cell near `v` that may leave part `q`, which `v` has just joined, and the part that it may go to; -1 if none is met.

    What `q` gains and gives away may then nearly cancel out, which single moves of heavy cells cannot reach.
    """
    u = v
    for _ in range(1 + int(_random(state) * _STRIDES)):
        w = _beside(net, u, state)
        if _label(w, parent, part, group) == q:
            u = w
    if u == v or net.fixed[u]:
        return -1, -1
    r = _label(_beside(net, u, state), parent, part, group)
    if r < 0 or r == q or not simple(net, u, q, r, parent, part, group, least_m):
        return -1, -1
    return u, r


@kernel(nogil=True)
def _put(net: Net, v: int, p: int, q: int, part: Ints, sums: Floats) -> None:
    _shift(net, sums[p], v, -1.0)
    _shift(net, sums[q], v, 1.0)
    part[v] = q


@kernel(nogil=True)
def _move(
    net: Net,
    v: int,
    p: int,
    q: int,
    parent: int,
    part: Ints,
    group: Ints,
    sums: Floats,
    target: Floats,
    unit_m: float,
    rules: Floats,
) -> float:
    """Move `v` from part `p` to part `q`; what that changes in energy."""
    change = _change(net, v, p, q, parent, part, group, unit_m, rules)
    change -= _part_energy(sums[p], target[p], rules) + _part_energy(sums[q], target[q], rules)
    _put(net, v, p, q, part, sums)
    return change + _part_energy(sums[p], target[p], rules) + _part_energy(sums[q], target[q], rules)


@kernel(nogil=True)
def _list_round(net: Net, v: int, parent: int, part: Ints, group: Ints, border: Ints, place: Ints, count: int) -> int:
    """Keep the list of cells on borders after `v` has moved; the new length."""
    count = _list_border(v, _on_border(net, v, parent, part, group), border, place, count)
    for j in range(net.indptr[v], net.indptr[v + 1]):
        u = net.neighbour[j]
        if _label(u, parent, part, group) >= 0 and not net.fixed[u]:
            count = _list_border(u, _on_border(net, u, parent, part, group), border, place, count)
    return count
