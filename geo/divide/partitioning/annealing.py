"""Annealing kernel: improves all parts of one parent together by random simple moves at falling temperature."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geo.divide.partitioning.moves import (
    BORDER_M,
    COLD,
    CUT,
    HOT,
    PAIRS,
    Goal,
    Net,
    Scope,
    energy_of,
    is_simple,
    label_of,
    shift,
    tally,
)
from geo.kernels import kernel

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
State = npt.NDArray[np.uint64]

# Cost of a border between families, relative to its cost as a border between parts.
_FAMILY = 2.0
# Maximum number of steps from a moved cell to the cell moved in return.
_STRIDES = 3


@kernel(nogil=True)
def anneal(net: Net, members: Ints, scope: Scope, goal: Goal, place: Ints, tries: int, state: State) -> None:
    """Improve a partition of one parent by random simple moves of cells on borders at falling temperature.

    `place` is -1 everywhere, also at the end. `tries` is the number of steps per cell on a border at the start; `state` is the
    random number state. Families stay connected and without holes like parts, and a metre of their borders costs three times as
    much. Cost: about 0.1 µs per try.
    """
    part, rules = scope.part, goal.rules
    sums = tally(net, members, part, len(goal.target))
    border = np.empty(len(members), dtype=np.int64)
    count = 0
    for v in members:
        count = _list_border(v, _on_border(net, v, scope) and not net.fixed[v], border, place, count)
    steps = tries * count
    for step in range(steps):
        if count == 0:
            break
        v = border[int(_random(state) * count)]
        p = part[v]
        q = label_of(_beside(net, v, state), scope)
        if q < 0 or q == p or sums[p, 1] <= goal.least[p]:
            continue
        if not is_simple(net, v, p, q, scope, rules[BORDER_M]):
            continue
        extra = _change_family(net, v, goal.family[p], goal.family[q], scope, goal)
        if extra == np.inf:
            continue
        change = extra + _move(net, v, p, q, scope, sums, goal)
        u, r = -1, -1
        if rules[PAIRS] > 0.0 and _random(state) < rules[PAIRS]:
            u, r, extra = _return_move(net, v, q, scope, sums, goal, state)
            change += extra
        if change > 0.0:
            heat = rules[HOT] * (rules[COLD] / rules[HOT]) ** (step / steps)
            if _random(state) >= np.exp(-change / heat):
                if u >= 0:
                    _put(net, u, r, q, part, sums)
                    goal.house[u] = goal.family[q]
                _put(net, v, q, p, part, sums)
                goal.house[v] = goal.family[p]
                continue
        count = _list_around(net, v, scope, border, place, count)
        if u >= 0:
            count = _list_around(net, u, scope, border, place, count)
    for i in range(count):
        place[border[i]] = -1


@kernel(nogil=True, allocates=False)
def _random(state: State) -> float:
    """Next number in [0, 1) of splitmix64 (Steele, Lea, Flood 2014)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    z = z ^ (z >> np.uint64(31))
    return float(z >> np.uint64(11)) / 9007199254740992.0


@kernel(nogil=True, allocates=False)
def _on_border(net: Net, v: int, scope: Scope) -> bool:
    for j in range(net.indptr[v], net.indptr[v + 1]):
        other = label_of(net.neighbour[j], scope)
        if other >= 0 and other != scope.part[v]:
            return True
    return False


@kernel(nogil=True, allocates=False)
def _list_border(v: int, on: bool, border: Ints, place: Ints, count: int) -> int:
    """Add `v` to the list of cells on borders or remove it; returns the new length."""
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


@kernel(nogil=True, allocates=False)
def _list_around(net: Net, v: int, scope: Scope, border: Ints, place: Ints, count: int) -> int:
    """Update the list of cells on borders after `v` has moved; returns the new length."""
    count = _list_border(v, _on_border(net, v, scope), border, place, count)
    for j in range(net.indptr[v], net.indptr[v + 1]):
        u = net.neighbour[j]
        if label_of(u, scope) >= 0 and not net.fixed[u]:
            count = _list_border(u, _on_border(net, u, scope), border, place, count)
    return count


@kernel(nogil=True, allocates=False)
def _border_change_m(net: Net, v: int, p: int, q: int, scope: Scope) -> float:
    """Change in the weighted length of borders if `v` moves from `p` to `q`."""
    change = 0.0
    for j in range(net.indptr[v], net.indptr[v + 1]):
        other = label_of(net.neighbour[j], scope)
        if other == p:
            change += net.cost_m[j]
        elif other == q:
            change -= net.cost_m[j]
    return change


@kernel(nogil=True, allocates=False)
def _change_family(net: Net, v: int, p: int, q: int, scope: Scope, goal: Goal) -> float:
    """Move `v` from family `p` to family `q`; returns the change in cost, infinity if a family would be disconnected."""
    if p == q:
        return 0.0
    families = Scope(goal.house, scope.group, scope.parent)
    if not is_simple(net, v, p, q, families, goal.rules[BORDER_M]):
        return np.inf
    change = _border_change_m(net, v, p, q, families)
    goal.house[v] = q
    return float(_FAMILY * change * goal.rules[CUT] / goal.unit_m)


@kernel(nogil=True, allocates=False)
def _beside(net: Net, v: int, state: State) -> int:
    """A random entry among the neighbours of `v`; -1 outside."""
    start = net.indptr[v]
    return int(net.neighbour[start + int(_random(state) * (net.indptr[v + 1] - start))])


@kernel(nogil=True, allocates=False)
def _return_move(
    net: Net, v: int, q: int, scope: Scope, sums: Floats, goal: Goal, state: State
) -> tuple[int, int, float]:
    """Move a cell near `v` out of part `q`, which `v` has just joined: the cell, its new part, and the change in cost.

    The gain and loss of `q` may then nearly cancel, which single moves of heavy cells cannot achieve. The cell is -1 if none
    was found.
    """
    u, r = _return_candidate(net, v, q, scope, goal.rules[BORDER_M], state)
    if u < 0:
        return -1, r, 0.0
    extra = _change_family(net, u, goal.family[q], goal.family[r], scope, goal)
    if extra == np.inf:
        return -1, r, 0.0
    return u, r, extra + _move(net, u, q, r, scope, sums, goal)


@kernel(nogil=True, allocates=False)
def _return_candidate(net: Net, v: int, q: int, scope: Scope, least_m: float, state: State) -> tuple[int, int]:
    """A cell near `v` that may leave part `q`, and the part that it may move to; -1 if none is met."""
    u = v
    for _ in range(1 + int(_random(state) * _STRIDES)):
        w = _beside(net, u, state)
        if label_of(w, scope) == q:
            u = w
    if u == v or net.fixed[u]:
        return -1, -1
    r = label_of(_beside(net, u, state), scope)
    if r < 0 or r == q or not is_simple(net, u, q, r, scope, least_m):
        return -1, -1
    return u, r


@kernel(nogil=True, allocates=False)
def _put(net: Net, v: int, p: int, q: int, part: Ints, sums: Floats) -> None:
    shift(net, sums[p], v, -1.0)
    shift(net, sums[q], v, 1.0)
    part[v] = q


@kernel(nogil=True, allocates=False)
def _move(net: Net, v: int, p: int, q: int, scope: Scope, sums: Floats, goal: Goal) -> float:
    """Move `v` from part `p` to part `q`; returns the change in energy."""
    rules, target = goal.rules, goal.target
    change = _border_change_m(net, v, p, q, scope) * (rules[CUT] / goal.unit_m)
    if net.home[v] == p:
        change += net.stay[v]
    elif net.home[v] == q:
        change -= net.stay[v]
    change -= energy_of(sums[p], target[p], rules) + energy_of(sums[q], target[q], rules)
    _put(net, v, p, q, scope.part, sums)
    return float(change + energy_of(sums[p], target[p], rules) + energy_of(sums[q], target[q], rules))
