"""Intersections of edges on the lattice, against exact fractions."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from geo.redraw.working.lattice import CROSSES, NONE, TOUCHES, Edges, first_conflict

Edge = tuple[int, int, int, int]


def slow_conflict(first: Edge, second: Edge) -> int:
    """Kind of intersection from the parameters of the common point on both edges."""
    ax, ay, bx, by = map(Fraction, first)
    cx, cy, dx, dy = map(Fraction, second)
    ux, uy, vx, vy, wx, wy = bx - ax, by - ay, dx - cx, dy - cy, cx - ax, cy - ay
    turn = ux * vy - uy * vx
    if turn:
        t, u = (wx * vy - wy * vx) / turn, (wx * uy - wy * ux) / turn
        if not (0 <= t <= 1 and 0 <= u <= 1):
            return NONE
        if t in (0, 1) and u in (0, 1):
            return NONE
        return CROSSES if 0 < t < 1 and 0 < u < 1 else TOUCHES
    if wx * uy - wy * ux:
        return NONE
    along = sorted(((x - ax) * ux + (y - ay) * uy) / (ux * ux + uy * uy) for x, y in ((cx, cy), (dx, dy)))
    return TOUCHES if max(along[0], 0) < min(along[1], 1) else NONE


def _random_edges(rng: np.random.Generator, count: int, size: int) -> Edges:
    edges = rng.integers(0, size, (count, 4))
    return edges[(edges[:, 0] != edges[:, 2]) | (edges[:, 1] != edges[:, 3])]


def test_intersections_equal_those_of_exact_fractions() -> None:
    rng = np.random.default_rng(5)
    counts = {NONE: 0, CROSSES: 0, TOUCHES: 0}
    for size, far in ((5, 0), (12, 2_000_000_000)):
        ones, others = _random_edges(rng, 4000, size), _random_edges(rng, 4000, size)
        for one, other in zip(ones + far, others + far, strict=False):
            expected = slow_conflict(tuple(one.tolist()), tuple(other.tolist()))
            assert first_conflict(one[None], other[None])[0] == expected, (one, other)
            assert first_conflict(np.stack([other, one]), np.empty((0, 4), np.int64))[0] == expected
            counts[expected] += 1
    assert min(counts.values()) > 400


def test_the_first_pair_is_named() -> None:
    new = np.array([[0, 0, 10, 0], [20, 0, 20, 10]])
    other = np.array([[0, 5, 10, 5], [15, 5, 25, 5]])
    assert first_conflict(new, other) == (CROSSES, 1, 1)
    assert first_conflict(np.array([[0, 0, 10, 0], [5, -5, 5, 3]]), other[:1]) == (CROSSES, 1, -1)
