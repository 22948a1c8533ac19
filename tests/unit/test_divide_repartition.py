"""Dead ends, rebalancing by search, and rebalancing across community borders."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.divide import partition
from geo.divide.partitioning.adjacency import build_graph, pieces
from geo.divide.partitioning.community_exchange import exchange_between_communities
from geo.divide.partitioning.dead_ends import Rows, gate_bound, gates
from geo.divide.partitioning.hole_cuts import ringed
from geo.divide.partitioning.objective import Cells, Rules
from geo.divide.partitioning.repartition import repartitioned


def cut_off(graph, members: np.ndarray, without: int) -> list[np.ndarray]:
    """Slow twin: the pieces that remain without one member, as positions among the members."""
    rest = np.delete(np.arange(len(members)), without)
    piece = pieces(graph, members[rest])
    return [rest[piece == k] for k in range(int(piece.max()) + 1)]


def squares(places: list[tuple[int, int]]) -> np.ndarray:
    return np.array([shapely.box(x * 100, y * 100, x * 100 + 100, y * 100 + 100) for x, y in places])


def off(label: np.ndarray, load: np.ndarray) -> float:
    sums = np.bincount(label, load)
    return float(np.abs(sums / sums.mean() - 1).max())


def test_a_light_lane_goes_with_the_cell_it_hangs_on():
    # A block of nine, and a lane of three cells at its corner.
    places = [(x, y) for x in range(3) for y in range(3)] + [(3, 0), (4, 0), (5, 0)]
    graph = build_graph(squares(places))
    head = gates(graph, np.arange(12), np.array([1.0] * 9 + [0.1] * 3), 2)
    assert head.tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 8, 6, 6, 6]
    # Regardless of the start of the walk.
    turned = np.arange(12)[::-1]
    assert turned[gates(graph, turned, np.array([0.1] * 3 + [1.0] * 9), 2)].tolist() == [
        6,
        6,
        6,
        8,
        7,
        6,
        5,
        4,
        3,
        2,
        1,
        0,
    ]


def test_a_lane_that_does_for_a_part_of_its_own_stays_apart():
    places = [(x, y) for x in range(3) for y in range(3)] + [(3, 0), (4, 0), (5, 0)]
    graph = build_graph(squares(places))
    head = gates(graph, np.arange(12), np.array([1.0] * 9 + [3.0] * 3), 2)
    assert head.tolist() == [6] * 9 + [9] * 3


def test_nothing_goes_with_anything_if_too_few_cells_would_be_left():
    graph = build_graph(squares([(x, 0) for x in range(5)]))
    assert gates(graph, np.arange(5), np.array([0.1, 1.0, 1.0, 1.0, 0.1]), 4).tolist() == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("seed", range(20))
def test_only_what_one_cell_cuts_off_goes_with_it(seed):
    rng = np.random.default_rng(seed)
    # A tree of squares with some loops.
    places = [(0, 0)]
    while len(places) < 40:
        x, y = places[int(rng.integers(len(places)))]
        step = [(1, 0), (0, 1), (-1, 0), (0, -1)][int(rng.integers(4))]
        if (x + step[0], y + step[1]) not in places:
            places.append((x + step[0], y + step[1]))
    graph = build_graph(squares(places))
    members, weight, parts = np.arange(40), rng.lognormal(0, 1, 40), int(rng.integers(2, 8))
    head = gates(graph, members, weight, parts)
    mean = weight.sum() / parts
    assert (head[head] == head).all()
    assert pieces(graph, np.flatnonzero(head == members)).max() == 0
    for gate in np.unique(head[head != members]):
        mine = np.flatnonzero((head == gate) & (members != gate))
        within = [p for p in cut_off(graph, members, int(gate)) if np.isin(p, mine).all()]
        assert sorted(np.concatenate(within)) == mine.tolist()
        assert weight[mine].sum() + weight[gate] < 2 * mean
    if (head == members).all():
        for gate in range(40):
            loads = sorted(weight[p].sum() for p in cut_off(graph, members, gate))
            assert len(loads) < 2 or weight[gate] + 2 * loads[0] > 2 * mean


def test_mending_evens_out_what_single_moves_cannot():
    # 3 | 3 3 | 1 1 1: two parts of 6 and 6 require a cell of 3 to move, and only ones can move back.
    load = np.array([5.0, 4.0, 3.0, 3.0, 2.0, 1.0])
    graph = build_graph(squares([(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)]))
    label = np.array([0, 0, 0, 1, 1, 1])
    found = repartitioned(
        graph,
        np.arange(6),
        load,
        label,
        family=np.zeros(2, dtype=np.int64),
        enough=np.array([0.0]),
        apart=np.inf,
        border_m=1.0,
    )
    assert off(found, load) == 0
    assert label.tolist() == [0, 0, 0, 1, 1, 1]


@pytest.mark.parametrize("seed", range(12))
def test_mending_keeps_parts_and_families_whole(seed):
    rng = np.random.default_rng(seed)
    n = 10
    shapes = squares([(x, y) for x in range(n) for y in range(n)])
    load = np.where(rng.random(n * n) < 0.3, 0.0, rng.lognormal(0, 0.8, n * n))
    x, y = np.divmod(np.arange(n * n), n)
    community, second = x // 5, x // 5 * 10 + x % 5 // 1 * 2 + y // 5
    graph = build_graph(shapes)
    family = np.repeat([0, 1], 10)
    apart = off(community, load)
    before = [off(second[community == k] - 10 * k, load[community == k]) for k in (0, 1)]
    found = repartitioned(
        graph, np.arange(n * n), load, second, family=family, enough=np.array([0.05, 0.05]), apart=apart, border_m=1.0
    )
    after = [off(found[family[found] == k] - 10 * k, load[family[found] == k]) for k in (0, 1)]
    assert max(after) < max(before)
    assert off(family[found], load) <= apart + 1e-9
    assert not ringed(graph, np.arange(n * n), found)
    assert not ringed(graph, np.arange(n * n), family[found])
    for part in range(20):
        assert pieces(graph, np.flatnonzero(found == part), border_m=1.0).max() == 0
    for one in (0, 1):
        assert pieces(graph, np.flatnonzero(family[found] == one), border_m=1.0).max() == 0


def test_what_one_community_cannot_share_its_neighbour_takes():
    # The upper community is a row with two heavy cells at its tip: 3 and 3, then 1s; the lower one has only 1s.
    shapes = squares([(x, y) for y in range(4) for x in range(8)])
    load = np.ones(32)
    load[[24, 25]] = 3.5
    second = np.array([x // 4 + 2 * (y // 2) for y in range(4) for x in range(8)])
    community = second // 2
    graph, xy = build_graph(shapes), shapely.get_coordinates(shapely.centroid(shapes))
    cells = Cells(graph, load + 1e-6, shapely.area(shapes), xy, load)
    label, above = exchange_between_communities(
        cells, second, community, Rules(border_m=1.0), apart=0.2, rng=np.random.default_rng(1)
    )
    assert sorted(np.unique(label)) == [0, 1, 2, 3]
    assert len(np.unique(np.column_stack([label, above]), axis=0)) == 4
    for one in (0, 1):
        mine = above == one
        assert off(np.unique(label[mine], return_inverse=True)[1], load[mine]) <= 0.05 + 1e-9
        assert pieces(graph, np.flatnonzero(mine)).max() == 0


def test_no_tentacles_where_lanes_end_at_the_outline():
    # A town of blocks; every second one at the edge has a yard connected only to it.
    n = 12
    places = [(x, y) for x in range(n) for y in range(n)]
    yards = [(x, -1) for x in range(0, n, 2)] + [(x, n) for x in range(0, n, 2)] + [(-1, y) for y in range(1, n, 2)]
    shapes = squares(places + yards)
    load = np.r_[np.ones(n * n), np.full(len(yards), 0.05)]
    cells = gpd.GeoDataFrame(
        {"workload": load}, geometry=shapely.transform(shapes, lambda q: q + np.array([388_000, 3_554_000])), crs=4549
    )
    groups = partition(cells, (6,))
    merged = cells.dissolve(groups["community"].to_numpy()).geometry
    assert (4 * np.pi * merged.area / merged.length**2).min() > 0.35
    assert off(groups["community"].to_numpy(), load) <= 0.05


@pytest.mark.parametrize("seed", range(6))
def test_the_bound_of_a_gate_is_that_of_a_plain_search(seed):
    rng = np.random.default_rng(seed)
    # A random tree-like set of squares with many articulation points.
    places = [(0, 0)]
    while len(places) < 14:
        x, y = places[rng.integers(len(places))]
        step = [(1, 0), (-1, 0), (0, 1), (0, -1)][rng.integers(4)]
        if (x + step[0], y + step[1]) not in places:
            places.append((x + step[0], y + step[1]))
    graph, weight, parts = build_graph(squares(places)), rng.uniform(0.1, 3.0, 14), 4
    members, mean, least = np.arange(14), weight.sum() / parts, 0.25 * weight.sum() / parts
    slow, gate = 0.0, -1
    for v in range(14):
        behind = sorted(float(weight[piece].sum()) for piece in cut_off(graph, members, v))
        if weight[v] <= least or len(behind) < 2:
            continue
        # This many of the lightest pieces are assigned with the gate; the lightest remaining one must be enough for separate
        # grids.
        choices = [
            max((weight[v] + sum(behind[:k])) / mean - 1, 1 - behind[k] / mean if k < len(behind) else 0.0)
            for k in range(len(behind) + 1)
        ]
        if min(choices) > slow:
            slow, gate = min(choices), v
    rows = Rows(graph.indptr, graph.neighbour, graph.length_m)
    found = gate_bound(rows, members, members, weight, mean, least)
    assert found[0] == pytest.approx(slow)
    assert found[1] == gate


def test_there_is_no_gate_bound_where_members_are_not_connected():
    graph = build_graph(squares([(0, 0), (1, 0), (2, 0), (9, 0)]))
    rows = Rows(graph.indptr, graph.neighbour, graph.length_m)
    assert gate_bound(rows, np.arange(4), np.arange(4), np.ones(4), 1.0, 0.0) == (0.0, -1)


def test_a_gate_has_to_weigh_more_than_the_least() -> None:
    graph = build_graph(squares([(0, 0), (1, 0), (2, 0)]))
    rows = Rows(graph.indptr, graph.neighbour, graph.length_m)
    weight, three = np.array([1.0, 2.0, 1.0]), np.arange(3)
    assert gate_bound(rows, three, three, weight, 2.0, 1.99) == (0.5, 1)
    assert gate_bound(rows, three, three, weight, 2.0, 2.0) == (0.0, -1)


def test_borders_of_exactly_the_minimum_width_connect() -> None:
    load = np.array([5.0, 4.0, 3.0, 3.0, 2.0, 1.0])
    graph = build_graph(squares([(0, 0), (1, 0), (0, 1), (1, 1), (0, 2), (1, 2)]))
    start, family = np.array([0, 0, 0, 1, 1, 1]), np.zeros(2, dtype=np.int64)
    for border_m, reached in ((100.0, 0.0), (100.001, 1 / 3)):
        found = repartitioned(
            graph, np.arange(6), load, start, family=family, enough=np.zeros(1), apart=np.inf, border_m=border_m
        )
        assert off(found, load) == pytest.approx(reached)
