"""Kernels of map matching: shortest paths, cost of each step, the cheapest sequence of states, and sampled sequences.

State of a fix: on one of its candidate roads, moving in one of the two directions (``2 k`` along the line of candidate ``k``,
``2 k + 1`` against it), or off all roads (the last state). The cost of a step from a state to one of the next fix follows
Newson and Krumm (2009): the difference between the path along roads and the straight line. A reversal costs extra, so that
an error towards a side street does not create a walk into it.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geo.arrays import Floats, Ints
from geo.kernels import kernel

#: Cost of impossible states and steps.
NEVER = 1e9


class Graph(NamedTuple):
    """Arrays of a :class:`geo.tracks.matching.network.Network` for the kernels; vertices of edges as compressed rows."""

    head: Ints
    tail: Ints
    length_m: Floats
    indptr: Ints
    neighbour: Ints
    along: Ints
    first: Ints
    x: Floats
    y: Floats
    at_m: Floats


class Places(NamedTuple):
    """Candidate places of the fixes of one chain, as compressed rows: road, metres along it, and metres from the fix."""

    first: Ints
    edge: Ints
    at_m: Floats
    away_m: Floats


class Steps(NamedTuple):
    """Fixes of one chain: place in metres, seconds to the next fix, and where the costs of the step to it begin."""

    x: Floats
    y: Floats
    lasts_s: Floats
    first: Ints


class CostParameters(NamedTuple):
    """Cost parameters in units of the negative logarithm of a probability; chosen in `benchmarks/routes.py`.

    Attributes
    ----------
    error_m
        Standard deviation of a fix around the place of its device, along one axis.
    slack_m, slack_share
        Difference between path and straight line that costs 1: a length in metres plus a share of the line.
    turn
        Cost of a reversal.
    off_road
        Cost of a fix off the roads.
    leave_road
        Cost of leaving or joining a road where no road connects.
    """

    error_m: float
    slack_m: float
    slack_share: float
    turn: float
    off_road: float
    leave_road: float


class Heap(NamedTuple):
    """Work arrays of one search: distance to and last edge before each junction, visited junctions, and the queue."""

    reached_m: Floats
    previous: Ints
    visited: Ints
    key_m: Floats
    node: Ints


def room(nodes: int, edges: int) -> Heap:
    """Allocate work arrays for searches on a network."""
    return Heap(
        np.full(nodes, np.inf),
        np.full(nodes, -1, dtype=np.int64),
        np.empty(nodes, dtype=np.int64),
        np.empty(2 * edges + 1),
        np.empty(2 * edges + 1, dtype=np.int64),
    )


@kernel(nogil=True)
def _search(graph, start, limit_m, goal, heap):  # type: ignore[no-untyped-def]
    """Dijkstra from a junction up to a distance, or until `goal` is settled; returns the number of visited junctions."""
    reached, previous, visited = heap.reached_m, heap.previous, heap.visited
    reached[start], previous[start], visited[0] = 0.0, -1, start
    count, size = 1, 1
    heap.key_m[0], heap.node[0] = 0.0, start
    while size > 0:
        key, node = heap.key_m[0], heap.node[0]
        size -= 1
        _sift_down(heap, size)
        if key > reached[node]:
            continue
        if node == goal:
            break
        for k in range(graph.indptr[node], graph.indptr[node + 1]):
            other, edge = graph.neighbour[k], graph.along[k]
            further = key + graph.length_m[edge]
            if further <= limit_m and further < reached[other]:
                if reached[other] == np.inf:
                    visited[count] = other
                    count += 1
                reached[other], previous[other] = further, edge
                _sift_up(heap, size, further, other)
                size += 1
    return count


@kernel(nogil=True)
def _sift_up(heap, at, key, node):  # type: ignore[no-untyped-def]
    while at > 0:
        above = (at - 1) // 2
        if heap.key_m[above] <= key:
            break
        heap.key_m[at], heap.node[at] = heap.key_m[above], heap.node[above]
        at = above
    heap.key_m[at], heap.node[at] = key, node


@kernel(nogil=True)
def _sift_down(heap, size):  # type: ignore[no-untyped-def]
    """Fill the vacant top of the heap with the last entry, at index `size`."""
    key, node = heap.key_m[size], heap.node[size]
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and heap.key_m[child + 1] < heap.key_m[child]:
            child += 1
        if heap.key_m[child] >= key:
            break
        heap.key_m[at], heap.node[at] = heap.key_m[child], heap.node[child]
        at = child
    heap.key_m[at], heap.node[at] = key, node


@kernel(nogil=True)
def _clear(heap, count):  # type: ignore[no-untyped-def]
    for k in range(count):
        heap.reached_m[heap.visited[k]] = np.inf


@kernel(nogil=True)
def _end_of(graph, edge, way):  # type: ignore[no-untyped-def]
    """Junction reached by following an edge along its line (way 0) or against it (1)."""
    return graph.tail[edge] if way == 0 else graph.head[edge]


@kernel(nogil=True)
def _rest_of(graph, edge, at_m, way):  # type: ignore[no-untyped-def]
    """Distance to that junction, metres."""
    return graph.length_m[edge] - at_m if way == 0 else at_m


@kernel(nogil=True)
def step_costs(graph, places, steps, parameters, fastest_m_s, heap, costs):  # type: ignore[no-untyped-def]
    """Write the cost of each step of a chain: ``costs[first[t]:]`` is a matrix of states at ``t`` by states at ``t + 1``."""
    x, y, lasts_s, first = steps.x, steps.y, steps.lasts_s, steps.first
    for t in range(len(x) - 1):
        a0, a1, b0, b1 = places.first[t], places.first[t + 1], places.first[t + 1], places.first[t + 2]
        here, there = 2 * (a1 - a0) + 1, 2 * (b1 - b0) + 1
        cost = costs[first[t] : first[t] + here * there].reshape(here, there)
        line = np.hypot(x[t + 1] - x[t], y[t + 1] - y[t])
        # Paths longer than twice the straight line and 300 m are not searched; the off-road state describes them better.
        limit = min(2.0 * line + 300.0, fastest_m_s * lasts_s[t] + 100.0)
        cost[:] = NEVER
        cost[here - 1, :] = parameters.leave_road
        cost[:, there - 1] = parameters.leave_road
        cost[here - 1, there - 1] = 0.0
        for a in range(here - 1):
            edge, way = places.edge[a0 + a // 2], a % 2
            at = places.at_m[a0 + a // 2]
            rest, exit_ = _rest_of(graph, edge, at, way), _end_of(graph, edge, way)
            count = _search(graph, exit_, limit - rest, -1, heap) if limit > rest else 0
            for b in range(there - 1):
                arrival = (places.edge[b0 + b // 2], b % 2, places.at_m[b0 + b // 2])
                cost[a, b] = _transition_cost(graph, (edge, way, rest, exit_), arrival, line, limit, parameters, heap)
            _clear(heap, count)


@kernel(nogil=True)
def _transition_cost(graph, departure, arrival, line, limit, parameters, heap):  # type: ignore[no-untyped-def]
    """Cost of one step from a departure (edge, direction, metres to the junction ahead, that junction) to an arrival (edge,
    direction, metres along it); `line` is the straight line, metres.
    """
    edge, way, rest, exit_ = departure
    goal, goes, to = arrival
    slack = parameters.slack_m + parameters.slack_share * line
    if edge == goal and way == goes:
        ahead = rest - _rest_of(graph, goal, to, goes)
        if ahead >= 0.0:
            return abs(ahead - line) / slack
        if -ahead <= 2.0 * parameters.error_m:  # the error moved the fix backwards; the device stands still
            return (line - ahead) / slack
    entry = _end_of(graph, goal, 1 - goes)
    reached = heap.reached_m[entry]
    into = graph.length_m[goal] - _rest_of(graph, goal, to, goes)
    if edge == goal and way != goes:
        # A reversal between the two places or beyond: turning at the farther of the two is shortest.
        apart = abs(rest - (graph.length_m[edge] - _rest_of(graph, goal, to, goes)))
        return parameters.turn + abs(apart - line) / slack
    way_m = rest + reached + into
    if way_m > limit:
        return NEVER
    turns = 0
    if exit_ != entry:
        if heap.previous[entry] == goal:
            turns += 1
        node = entry
        while True:
            last = heap.previous[node]
            before = graph.head[last] if graph.tail[last] == node else graph.tail[last]
            if before == exit_:
                if last == edge:
                    turns += 1
                break
            node = before
    return abs(way_m - line) / slack + turns * parameters.turn


@kernel(nogil=True)
def fix_costs(places, parameters, t, states):  # type: ignore[no-untyped-def]
    """Cost of each state of a fix, without steps."""
    cost = np.empty(states)
    for a in range(states - 1):
        cost[a] = 0.5 * (places.away_m[places.first[t] + a // 2] / parameters.error_m) ** 2
    cost[states - 1] = parameters.off_road
    return cost


@kernel(nogil=True)
def best_chain(places, parameters, first, costs, n):  # type: ignore[no-untyped-def]
    """Viterbi: the state of each fix in the cheapest sequence."""
    chain = np.zeros(n, dtype=np.int64)
    most = 0
    for t in range(n):
        most = max(most, 2 * (places.first[t + 1] - places.first[t]) + 1)
    came = np.zeros((n, most), dtype=np.int32)
    states = 2 * (places.first[1] - places.first[0]) + 1
    total = fix_costs(places, parameters, 0, states)
    for t in range(1, n):
        there = 2 * (places.first[t + 1] - places.first[t]) + 1
        step = costs[first[t - 1] : first[t - 1] + states * there].reshape(states, there)
        own = fix_costs(places, parameters, t, there)
        new = np.empty(there)
        for b in range(there):
            best, previous = np.inf, 0
            for a in range(states):
                cost = total[a] + step[a, b]
                if cost < best:
                    best, previous = cost, a
            new[b], came[t, b] = best + own[b], previous
        total, states = new, there
    chain[n - 1] = np.argmin(total)
    for t in range(n - 1, 0, -1):
        chain[t - 1] = came[t, chain[t]]
    return chain


@kernel(nogil=True)
def drawn_chains(places, parameters, first, costs, uniform):  # type: ignore[no-untyped-def]
    """Sample sequences by their probability: forward filtering, backward sampling; `uniform` is (count, n)."""
    count, n = uniform.shape
    most = 0
    for t in range(n):
        most = max(most, 2 * (places.first[t + 1] - places.first[t]) + 1)
    ahead, weight = np.zeros((n, most)), np.zeros(most)
    for t in range(n):
        states = 2 * (places.first[t + 1] - places.first[t]) + 1
        own = fix_costs(places, parameters, t, states)
        here = 2 * (places.first[t] - places.first[t - 1]) + 1 if t > 0 else 0
        top = -np.inf
        for b in range(states):
            for a in range(here):
                weight[a] = ahead[t - 1, a] - costs[first[t - 1] + a * states + b]
            ahead[t, b] = (_log_sum(weight, here) if t > 0 else 0.0) - own[b]
            top = max(top, ahead[t, b])
        for b in range(states):
            ahead[t, b] -= top
    drawn = np.zeros((count, n), dtype=np.int64)
    for s in range(count):
        for t in range(n - 1, -1, -1):
            here = 2 * (places.first[t + 1] - places.first[t]) + 1
            there = 2 * (places.first[t + 2] - places.first[t + 1]) + 1 if t < n - 1 else 0
            for a in range(here):
                step = costs[first[t] + a * there + drawn[s, t + 1]] if t < n - 1 else 0.0
                weight[a] = ahead[t, a] - step
            drawn[s, t] = _pick(weight, here, uniform[s, t])
    return drawn


@kernel(nogil=True)
def _log_sum(values, n):  # type: ignore[no-untyped-def]
    top, total = values[0], 0.0
    for k in range(1, n):
        top = max(top, values[k])
    for k in range(n):
        total += np.exp(values[k] - top)
    return top + np.log(total)


@kernel(nogil=True)
def _pick(log_weight, n, uniform):  # type: ignore[no-untyped-def]
    """Sample one of the first `n` entries by weight."""
    total, left = _log_sum(log_weight, n), uniform
    for k in range(n):
        left -= np.exp(log_weight[k] - total)
        if left < 0.0:
            return k
    return n - 1


@kernel(nogil=True)
def trace(graph, places, t, a, b, error_m, heap):  # type: ignore[no-untyped-def]
    """Vertices of the path from state `a` of fix `t` to state `b` of the next; both on roads."""
    edge, way, at = places.edge[places.first[t] + a // 2], a % 2, places.at_m[places.first[t] + a // 2]
    goal, goes, to = places.edge[places.first[t + 1] + b // 2], b % 2, places.at_m[places.first[t + 1] + b // 2]
    if edge == goal:
        ahead = to - at if way == 0 else at - to
        if way != goes or ahead >= -2.0 * error_m:
            return _stretch(graph, edge, at, to)
    exit_, entry = _end_of(graph, edge, way), _end_of(graph, goal, 1 - goes)
    count = _search(graph, exit_, np.inf, entry, heap)
    edges = np.empty(count, dtype=np.int64)
    node, n = entry, 0
    while node != exit_:
        edges[n] = heap.previous[node]
        node = graph.head[edges[n]] if graph.tail[edges[n]] == node else graph.tail[edges[n]]
        n += 1
    _clear(heap, count)
    parts = _stretch(graph, edge, at, graph.length_m[edge] if way == 0 else 0.0)
    for k in range(n - 1, -1, -1):
        e = edges[k]
        forward = graph.head[e] == node
        parts = np.concatenate(
            (
                parts,
                _stretch(graph, e, 0.0, graph.length_m[e]) if forward else _stretch(graph, e, graph.length_m[e], 0.0),
            )
        )
        node = graph.tail[e] if forward else graph.head[e]
    last = _stretch(graph, goal, 0.0, to) if goes == 0 else _stretch(graph, goal, graph.length_m[goal], to)
    return np.concatenate((parts, last))


@kernel(nogil=True)
def _stretch(graph, edge, start_m, end_m):  # type: ignore[no-untyped-def]
    """Vertices of an edge between two places on it, (n, 2)."""
    low, high = min(start_m, end_m), max(start_m, end_m)
    a, b = graph.first[edge], graph.first[edge + 1]
    out = np.empty((b - a + 2, 2))
    n = 0
    for k in range(a, b):
        if k > a and n == 0 and (graph.at_m[k] > low or k == b - 1):
            n = _put(graph, k - 1, low, out, n)
        if low < graph.at_m[k] < high:
            out[n, 0], out[n, 1] = graph.x[k], graph.y[k]
            n += 1
        if k > a and graph.at_m[k] >= high:
            n = _put(graph, k - 1, high, out, n)
            break
    out = out[:n]
    return out if start_m <= end_m else out[::-1].copy()


@kernel(nogil=True)
def _put(graph, k, at_m, out, n):  # type: ignore[no-untyped-def]
    span = graph.at_m[k + 1] - graph.at_m[k]
    share = (at_m - graph.at_m[k]) / span if span > 0.0 else 0.0
    out[n, 0] = graph.x[k] + share * (graph.x[k + 1] - graph.x[k])
    out[n, 1] = graph.y[k] + share * (graph.y[k + 1] - graph.y[k])
    return n + 1
