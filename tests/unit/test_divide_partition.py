"""Graph, simple moves and the split of a parent."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.divide import partition
from geo.divide.partitioning.adjacency import build_graph, segments
from geo.divide.partitioning.bounds import fair_share
from geo.divide.partitioning.merging import absorb, dissolve
from geo.divide.partitioning.moves import Scope, is_simple
from geo.divide.partitioning.objective import Cells, Rules
from geo.divide.partitioning.split import Splitter
from geo.errors import GeometryError, ImpossibleError
from geo.kernels import uncompiled


def squares(columns: int, rows: int, side: float = 50.0) -> np.ndarray:
    x, y = np.meshgrid(np.arange(columns) * side, np.arange(rows) * side)
    return shapely.box(x.ravel(), y.ravel(), x.ravel() + side, y.ravel() + side)


def splitter(shapes: np.ndarray, weight: np.ndarray, seed: int = 1) -> Splitter:
    xy = shapely.get_coordinates(shapely.centroid(shapes))
    cells = Cells(build_graph(shapes), weight, shapely.area(shapes), xy, weight)
    return Splitter(cells, Rules(), np.random.default_rng(seed))


def net(shapes: np.ndarray, graph):
    n = len(shapes)
    return Cells(graph, np.ones(n), shapely.area(shapes), np.zeros((n, 2)), np.ones(n)).net()


def pieces(shapes: np.ndarray, label: np.ndarray) -> list[int]:
    """Connected pieces of each part, through borders of positive length."""
    graph = build_graph(shapes)
    a, b = graph.row_of(), graph.neighbour
    kept = (b >= 0) & (graph.length_m > 0)
    a, b = a[kept], b[kept]
    same = label[a] == label[b]
    matrix = coo_array((np.ones(same.sum()), (a[same], b[same])), shape=(len(shapes),) * 2)
    _, piece = connected_components(matrix, directed=False)
    return [len(np.unique(piece[label == k])) for k in np.unique(label)]


def test_graph_of_four_squares_walks_round_with_corners():
    graph = build_graph(squares(2, 2))
    first = graph.neighbour[graph.indptr[0] : graph.indptr[1]].tolist()
    assert sorted(first) == [-1, 1, 2, 3]
    assert graph.length_m[graph.indptr[0] : graph.indptr[1]][first.index(3)] == 0.0
    assert graph.length_m[graph.indptr[0] : graph.indptr[1]][first.index(-1)] == pytest.approx(100.0)


def test_segments_know_who_is_across():
    seg = segments(squares(2, 1))
    assert (seg.other_cell >= 0).sum() == 2
    assert seg.length_m.sum() == pytest.approx(400.0)


def test_overlapping_cells_are_refused():
    with pytest.raises(GeometryError, match="same side"):
        segments(np.array([shapely.box(0, 0, 1, 1), shapely.box(0, 0, 1, 1)]))


def test_a_move_that_would_cut_a_part_is_not_simple():
    shapes = squares(3, 2)
    graph = build_graph(shapes)
    part, group = np.array([0, 0, 0, 1, 1, 1]), np.zeros(6, dtype=np.int64)
    args = (Scope(part, group, 0), 3.0)
    assert not is_simple(net(shapes, graph), 1, 0, 1, *args)
    assert is_simple(net(shapes, graph), 0, 0, 1, *args)


def test_a_move_that_would_close_a_ring_is_not_simple():
    # Part 1 is a ring of eight around the middle with one opening; closing it would create a hole.
    shapes = squares(3, 3)
    graph = build_graph(shapes)
    part = np.array([1, 0, 1, 1, 0, 1, 1, 1, 1])
    args = (Scope(part, np.zeros(9, dtype=np.int64), 0), 3.0)
    assert not is_simple(net(shapes, graph), 1, 0, 1, *args)


@pytest.mark.parametrize("parts", [2, 5, 13, 40])
def test_split_is_exact_contiguous_and_hole_free(parts):
    rng = np.random.default_rng(parts)
    shapes = squares(20, 16)
    weight = rng.lognormal(0, 0.7, len(shapes))
    label = splitter(shapes, weight).split(np.arange(len(shapes)), parts, "street")
    assert len(np.unique(label)) == parts
    assert pieces(shapes, label) == [1] * parts
    for k in range(parts):
        assert shapely.get_num_interior_rings(shapely.coverage_union_all(shapes[label == k])) == 0


def test_split_balances_where_units_permit():
    rng = np.random.default_rng(3)
    shapes = squares(24, 20)
    weight = rng.uniform(0.5, 1.5, len(shapes))
    label = splitter(shapes, weight).split(np.arange(len(shapes)), 12, "street")
    load = np.bincount(label, weight)
    assert np.abs(load / load.mean() - 1).max() < 0.05


def test_cheap_borders_are_cut():
    shapes = squares(12, 12)
    seg = segments(shapes)
    on_road = np.abs(seg.middle[:, 0] - 250.0) < 1e-6
    graph = build_graph(shapes, np.where(on_road, 0.05, 1.0), seg)
    xy, ones = shapely.get_coordinates(shapely.centroid(shapes)), np.ones(len(shapes))
    cells = Cells(graph, ones, shapely.area(shapes), xy, ones)
    rules = Rules(balance=1.0, tolerance=0.2)
    label = Splitter(cells, rules, np.random.default_rng(0)).split(np.arange(len(shapes)), 2, "street")
    west = shapely.get_x(shapely.centroid(shapes)) < 250
    assert len(np.unique(label[west])) == 1
    assert len(np.unique(label[~west])) == 1


def test_same_seed_same_split():
    shapes = squares(15, 15)
    weight = np.random.default_rng(8).lognormal(0, 1, len(shapes))
    one = splitter(shapes, weight, 5).split(np.arange(len(shapes)), 20, "street")
    two = splitter(shapes, weight, 5).split(np.arange(len(shapes)), 20, "street")
    assert np.array_equal(one, two)


def test_as_many_parts_as_cells():
    shapes = squares(4, 3)
    label = splitter(shapes, np.ones(12)).split(np.arange(12), 12, "street")
    assert sorted(label) == list(range(12))


def test_a_star_of_cells_can_be_split():
    # A long bar with teeth on it: only one cell touches all others.
    teeth = [shapely.box(10 * i, 10, 10 * i + 10, 20) for i in range(10)]
    xs = [(10.0 * i, 10.0) for i in range(11)]
    shapes = np.array([shapely.Polygon([(0, 0), (100, 0), *reversed(xs)]), *teeth])
    label = splitter(shapes, np.ones(11)).split(np.arange(11), 6, "street")
    assert len(np.unique(label)) == 6
    assert pieces(shapes, label) == [1] * 6


def test_more_parts_than_cells_is_impossible():
    with pytest.raises(ImpossibleError, match="community 3: 5 grids"):
        splitter(squares(2, 2), np.ones(4)).split(np.arange(4), 5, "community 3")


def test_ground_that_does_not_hang_together_is_impossible():
    shapes = np.array(
        [shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10), shapely.box(50, 0, 60, 10), shapely.box(60, 0, 70, 10)]
    )
    with pytest.raises(ImpossibleError, match="is not connected"):
        splitter(shapes, np.array([100.0, 1.0, 1.0, 1.0])).split(np.arange(4), 3, "street")


def test_what_one_cell_has_too_much_does_not_starve_the_others():
    shapes = squares(10, 10)
    weight = np.ones(100)
    weight[44] = 500.0
    label = splitter(shapes, weight).split(np.arange(100), 10, "street")
    load = np.sort(np.bincount(label, weight))
    assert fair_share(weight, 10) == pytest.approx(11.0)
    assert load[-1] <= 503
    assert load[:-1] == pytest.approx(11.0, abs=1.5)


def test_small_cells_go_to_the_longest_border_that_stays():
    cells = np.array(
        [shapely.box(0, 0, 10, 10), shapely.box(10, 0, 11, 10), shapely.box(11, 0, 20, 10), shapely.box(0, 10, 11, 20)]
    )
    cells[0] = shapely.Polygon([(0, 0), (10, 0), (10, 10), (0, 10)])
    cells[3] = shapely.Polygon([(0, 10), (10, 10), (11, 10), (11, 20), (0, 20)])
    small = np.array([False, True, False, False])
    group = absorb(cells, small, np.array([0, 0, 1, 0]))
    assert group.tolist() == [0, 0, 1, 2]
    merged = dissolve(cells, group)
    assert len(merged) == 3
    assert merged[0].area == pytest.approx(110)


def test_a_small_cell_alone_in_its_family_stays():
    cells = np.array([shapely.box(0, 0, 10, 10), shapely.box(10, 0, 11, 10)])
    assert absorb(cells, np.array([False, True]), np.array([0, 1])).tolist() == [0, 1]


def test_neighbours_round_a_crowded_corner_stand_in_the_order_of_the_walk():
    # Six triangles meet in the middle; the fan of each surrounds all others.
    ring = [(100 * np.cos(k * np.pi / 3), 100 * np.sin(k * np.pi / 3)) for k in range(6)]
    shapes = np.array([shapely.Polygon([(0, 0), ring[k], ring[(k + 1) % 6]]) for k in range(6)])
    graph = build_graph(shapely.set_precision(shapes, 0.001))
    for v in range(6):
        walk = graph.neighbour[graph.indptr[v] : graph.indptr[v + 1]].tolist()
        turned = walk[walk.index(-1) + 1 :] + walk[: walk.index(-1)]
        assert turned == [(v + k) % 6 for k in range(1, 6)]
    # So a corner cell can leave a part that contains all others but one.
    part = np.array([0, 0, 0, 0, 0, 1])
    assert is_simple(net(shapes, graph), 0, 0, 1, Scope(part, np.zeros(6, dtype=np.int64), 0), 3.0)


def test_a_cell_without_neighbours_is_not_looked_up():
    shapes = squares(1, 1)
    alone = net(shapes, build_graph(shapes))._replace(
        indptr=np.zeros(2, dtype=np.int64), neighbour=np.zeros(0, dtype=np.int64)
    )
    with uncompiled(when=True):
        assert not is_simple(alone, 0, 1, -1, Scope(np.array([1]), np.zeros(1, dtype=np.int64), 0), 0.0)


def test_a_crowded_corner_on_the_outline_is_open_there():
    ring = [(100 * np.cos(k * np.pi / 3), 100 * np.sin(k * np.pi / 3)) for k in range(6)]
    shapes = np.array([shapely.Polygon([(0, 0), ring[k], ring[k + 1]]) for k in range(5)])
    graph = build_graph(shapely.set_precision(shapes, 0.001))
    assert graph.neighbour[graph.indptr[1] : graph.indptr[2]].tolist() == [2, 3, 4, -1, 0, -1]


def test_a_division_does_not_depend_on_the_order_of_rows():
    rng = np.random.default_rng(4)
    cells = gpd.GeoDataFrame({"workload": rng.lognormal(0, 0.7, 300)}, geometry=squares(20, 15), crs=4549)
    one = partition(cells, (2, 8, 60), rng=1)
    two = partition(cells.iloc[rng.permutation(300)], (2, 8, 60), rng=1)
    assert two.reindex(cells.index).equals(one)
