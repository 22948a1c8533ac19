"""Lower bounds compared with all possible divisions, and the search compared with the best one, on small instances."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.divide.partitioning.adjacency import Graph, build_graph
from geo.divide.partitioning.bounds import least_tolerance
from geo.divide.partitioning.hole_cuts import ringed
from geo.divide.partitioning.nested import RULES
from geo.divide.partitioning.objective import Cells
from geo.divide.partitioning.search import best_division
from geo.divide.partitioning.split import Splitter
from geo.layers import Level


@st.composite
def grounds(draw):
    """Squares of a lattice of three by three, some joined to bars, with very different weights, and a number of parts."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    label = np.arange(9)
    for _ in range(draw(st.integers(0, 3))):
        a = int(rng.integers(9))
        b = a + 1 if a % 3 < 2 else a - 1
        if (label == label[a]).sum() == 1 and (label == label[b]).sum() == 1:
            label[b] = label[a]
    boxes = np.array([shapely.box(x, y, x + 10, y + 10) for y in (0, 10, 20) for x in (0, 10, 20)])
    shapes = np.array([shapely.union_all(boxes[label == k]) for k in np.unique(label)])
    weight = np.round(rng.lognormal(0, draw(st.sampled_from([0.3, 1.0, 2.0])), len(shapes)), 3)
    weight[rng.random(len(shapes)) < draw(st.sampled_from([0.0, 0.3]))] = 0.0
    weight[int(rng.integers(len(shapes)))] += 0.5
    return shapes, weight, draw(st.integers(2, len(shapes) - 1))


def _neighbours(graph: Graph) -> list[set[int]]:
    rows = graph.row_of()
    met = (graph.neighbour >= 0) & (graph.length_m > 0)
    beside: list[set[int]] = [set() for _ in range(len(graph))]
    for a, b in zip(rows[met].tolist(), graph.neighbour[met].tolist(), strict=True):
        beside[a].add(b)
    return beside


def _in_one_piece(cells: set[int], beside: list[set[int]]) -> bool:
    met, todo = set(), [next(iter(cells))]
    while todo:
        at = todo.pop()
        if at not in met:
            met.add(at)
            todo += list(beside[at] & cells)
    return met == cells


def _best(graph: Graph, weight: np.ndarray, parts: int) -> float:
    """Tolerance of the best division, by exhaustive search."""
    beside, mean, n = _neighbours(graph), weight.sum() / parts, len(weight)
    best = np.inf

    def place(cell: int, label: list[int], used: int) -> None:
        nonlocal best
        if used + n - cell < parts:
            return
        if cell == n:
            groups = [{v for v in range(n) if label[v] == k} for k in range(parts)]
            off = max(abs(sum(weight[v] for v in group) / mean - 1) for group in groups)
            if off < best and all(_in_one_piece(group, beside) for group in groups):
                best = off
            return
        for k in range(min(used + 1, parts)):
            place(cell + 1, [*label, k], max(used, k + 1))

    place(0, [], 0)
    return float(best)


@settings(max_examples=30, deadline=None)
@given(grounds())
def test_no_division_beats_the_bound_and_the_search_comes_near_the_best(ground):
    shapes, weight, parts = ground
    graph, members = build_graph(shapes), np.arange(len(shapes))
    best = _best(graph, weight, parts)
    least, found, finished = best_division(graph, weight, members, parts, 1e9)
    assert finished
    assert abs(least - best) < 1e-6
    assert abs(np.abs(np.bincount(found, weight, minlength=parts) / weight.sum() * parts - 1).max() - best) < 1e-6
    bound = least_tolerance(graph, weight, members, parts)
    assert bound.tolerance <= best + 1e-9
    assert max(bound.over, bound.under) <= bound.tolerance + 1e-9
    xy = shapely.get_coordinates(shapely.centroid(shapes))
    cells = Cells(graph, weight + 1e-6, shapely.area(shapes), xy, weight)
    label = Splitter(cells, RULES[Level.SECOND], np.random.default_rng(0)).split(members, parts, "ground")
    load = np.bincount(label, weight, minlength=parts)
    off = np.abs(load / load.mean() - 1).max()
    # The search finds what annealing misses, unless the best division has a ring.
    assert off >= best - 1e-9
    assert off <= max(best, 0.05) + 1e-4 or ringed(graph, members, found)
