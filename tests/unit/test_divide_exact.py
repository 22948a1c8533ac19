"""Results of small partitions as recorded in `EXPECTED`, and the terms of their costs computed by hand."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.divide import partition
from geo.divide.partitioning.adjacency import borders, build_graph, segments
from geo.divide.partitioning.annealing import _change_family, anneal
from geo.divide.partitioning.community_exchange import exchange_between_communities
from geo.divide.partitioning.indivisible import SeparatePartsError, units
from geo.divide.partitioning.merging import absorb, without_hairlines
from geo.divide.partitioning.moves import LOCKED_COST, Goal, Scope, energy, energy_of, is_simple, tally
from geo.divide.partitioning.nested import RULES, border_costs, weights
from geo.divide.partitioning.objective import Cells, Rules, grain
from geo.divide.partitioning.search import best_division
from geo.divide.partitioning.split import Splitter
from geo.errors import GeometryError, ImpossibleError
from geo.layers import Level


def grid(
    columns: int, rows: int, *, without: tuple[int, int, int, int] = (0, 0, 0, 0), side: float = 50.0
) -> np.ndarray:
    """Squares row by row, without those of a rectangle of columns and rows."""
    left, low, right, high = without
    places = [(x, y) for y in range(rows) for x in range(columns) if not (left <= x < right and low <= y < high)]
    return np.array([shapely.box(x * side, y * side, (x + 1) * side, (y + 1) * side) for x, y in places])


def loads(n: int, seed: int = 1) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(0, 0.8, n).round(2)


def digest(values: object) -> str:
    return hashlib.sha256(np.ascontiguousarray(values, dtype=np.int64).tobytes()).hexdigest()[:12]


def cells_of(shapes: np.ndarray, load: np.ndarray, factor: np.ndarray | None = None) -> Cells:
    area, xy = shapely.area(shapes), shapely.get_coordinates(shapely.centroid(shapes))
    return Cells(build_graph(shapes, factor), weights(load, area), area, xy - xy.mean(axis=0), load)


def frame(shapes: np.ndarray, load: np.ndarray) -> gpd.GeoDataFrame:
    moved = shapely.transform(shapes, lambda q: q + np.array([388_000, 3_554_000]))
    return gpd.GeoDataFrame({"workload": load}, geometry=moved, crs=4549)


CASES = {
    "even": (grid(12, 9), loads(108), (2, 4, 20)),
    "ring": (grid(11, 9, without=(4, 3, 7, 6)), loads(90, 2), (1, 3, 10)),
    "ring of the third level": (grid(9, 9, without=(3, 3, 6, 6)), loads(72, 9), (1, 1, 6)),
    "heavy": (grid(9, 8), np.where(np.arange(72) == 40, 60.0, loads(72, 3)), (2, 5, 18)),
    "three communities": (grid(12, 8), loads(96, 4) ** 2, (3, 9)),
    "few cells": (grid(6, 4), loads(24, 5) ** 2, (1, 4, 9)),
    "empty cells": (grid(9, 9), np.where(np.arange(81) % 3 > 0, 0.0, loads(81, 6)), (2, 6, 15)),
    "yards": (
        np.concatenate(
            [
                grid(8, 7),
                shapely.box(*(50.0 * np.array([[0, -1, 1, 0], [4, -1, 5, 0], [4, -2, 5, -1], [7, 7, 8, 8]]).T)),
            ]
        ),
        loads(60, 7),
        (1, 3, 9),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_the_same_cells_give_the_same_grids(name: str) -> None:
    shapes, load, counts = CASES[name]
    found = partition(frame(shapes, load), counts, rng=3)
    assert {level: digest(found[level]) for level in found} == EXPECTED[name]


EXPECTED: dict[str, dict[str, str]] = {
    "even": {"community": "7b367ee9d071", "second": "fab79ad8eab1", "third": "6fe2b7ee3dec"},
    "ring": {"community": "fe2f74a1e0b1", "second": "b87635d984f6", "third": "6141c70f5937"},
    "ring of the third level": {"community": "1a0295f4bf59", "second": "1a0295f4bf59", "third": "4ec8d341fbba"},
    "heavy": {"community": "9b04ee099095", "second": "1ed038a31788", "third": "af82c060f3b5"},
    "three communities": {"community": "a1ecdb10f11b", "second": "fd4c0775f212"},
    "few cells": {"community": "5d89f0568650", "second": "adab21575f3f", "third": "a4902e92f29e"},
    "empty cells": {"community": "f0689b7ecb5f", "second": "b269d77be539", "third": "01151bc85c4f"},
    "yards": {"community": "4b48f21a4b7a", "second": "71439a5ea2f5", "third": "1b06b1a33eae"},
}


def test_costs_of_borders_locks_and_present_grids_decide_the_split() -> None:
    shapes, load = grid(10, 8), loads(80, 8)
    seg = segments(shapes)
    x, y = seg.middle.T
    factor = np.where(x == 200.0, -0.8, np.where(y == 150.0, 0.15, 1.0))
    factor[(x == 350.0) & (seg.other_cell >= 0)] = LOCKED_COST
    rules = replace(RULES[Level.SECOND], tries=40)
    split = Splitter(cells_of(shapes, load, factor), rules, np.random.default_rng(5)).split(np.arange(80), 6, "street")
    east = shapely.get_x(shapely.centroid(shapes)) > 350
    assert not set(split[east]) & set(split[~east])
    assert digest(split) == SPLIT
    present = np.arange(80) % 10 // 4 * 2 + np.arange(80) // 40
    kept = Splitter(cells_of(shapes, load), rules, np.random.default_rng(5)).split(
        np.arange(80), 6, "street", current=present, stay=np.full(80, 0.5)
    )
    assert digest(kept) == KEPT


SPLIT, KEPT = "6588b00f21fa", "9d5575833b17"


def test_exchanges_between_communities_are_exact() -> None:
    shapes, load = grid(12, 6), np.where(np.arange(72) % 12 < 4, 3.0, loads(72, 11))
    community = (np.arange(72) % 12 >= 4).astype(np.int64) + (np.arange(72) % 12 >= 8)
    second = community * 2 + np.arange(72) // 36
    rules = replace(RULES[Level.SECOND], border_m=1.0, tries=40)
    label, above = exchange_between_communities(
        cells_of(shapes, load), second, community, rules, apart=0.3, rng=np.random.default_rng(2)
    )
    assert (digest(label), digest(above)) == EXCHANGED


EXCHANGED = ("0098a9499158", "17f6da0bd13e")


def test_the_energy_of_two_squares() -> None:
    shapes = grid(2, 1, side=100.0)
    net = (
        cells_of(shapes, np.array([1.0, 3.0]))
        .net()
        ._replace(weight=np.array([1.0, 3.0]), home=np.array([1, -1]), stay=np.array([0.25, 9.0]))
    )
    scope = Scope(np.array([0, 1]), np.zeros(2, dtype=np.int64), 0)
    rules = replace(Rules(balance=10.0, tolerance=0.4, excess=2.0, steep=3.0, cut=0.5, shape=0.0)).numbers(1.0, 0.5)
    assert rules.tolist() == pytest.approx([10.0, 0.5, 0.0, 3.0, 0.5, 0.005, 0.36, 2.0, 3.0, 1.0, np.inf, 0.0])
    assert Rules().numbers(0.1, 0.5, least_heat=0.7)[4] == 0.7
    assert grain(100, 25) == 0.5
    goal = Goal(
        np.array([2.0, 2.0]),
        np.ones(2, dtype=np.int64),
        50.0,
        rules,
        np.zeros(2, dtype=np.int64),
        np.zeros(2, dtype=np.int64),
    )
    sums = tally(net, np.arange(2), scope.part, 2)
    assert sums[:, 6].tolist() == [1.0, 3.0]
    # Stay 0.25; one border of 100 m at cut 0.5 over 50 m; each part is off by a half, 0.14 above the tolerance.
    each = 10 * 0.25 + (2.0 + 3.0 * 0.14) * 0.14
    assert energy(net, np.arange(2), scope, sums, goal) == pytest.approx(0.25 + 1.0 + 2 * each)
    # Beyond a limit of 0.1 the excess costs ten times as much.
    bounded = rules.copy()
    bounded[10] = 0.1
    assert energy_of(sums[0], 2.0, bounded) == pytest.approx(each + 10 * 2.0 * 0.4)
    round_ = Rules(balance=0.0, shape=1.0).numbers(1.0, 1.0)
    assert energy_of(sums[0], 2.0, round_) == pytest.approx(0.0, abs=1e-9)


def test_borders_of_families_cost_three_times_as_much_in_all() -> None:
    shapes = grid(3, 2, side=100.0)
    net = cells_of(shapes, np.ones(6)).net()
    house = np.array([0, 0, 1, 0, 1, 1])
    scope = Scope(house.copy(), np.zeros(6, dtype=np.int64), 0)
    rules = Rules(cut=0.5).numbers(1.0, 1.0)
    goal = Goal(np.ones(2), np.ones(2, dtype=np.int64), 50.0, rules, np.array([0, 1]), house)
    # Cell 1 leaves family 0: of its borders, 100 m with cell 0 are added and 200 m with family 1 are lost.
    assert _change_family(net, 1, 0, 1, scope, goal) == pytest.approx(2.0 * (100 - 200) * 0.5 / 50)
    assert house.tolist() == [0, 1, 1, 0, 1, 1]
    assert _change_family(net, 1, 1, 1, scope, goal) == 0.0


def test_fixed_cells_and_last_cells_stay() -> None:
    shapes, load = grid(6, 3), np.r_[np.full(9, 9.0), np.ones(9)]
    for seed in range(4):
        net = cells_of(shapes, load).net()
        net.fixed[[6, 7, 12]] = True
        part = np.r_[np.zeros(9, dtype=np.int64), np.ones(8, dtype=np.int64), 2]
        goal = Goal(
            np.array([30.0, 30.0, 0.5]),
            np.ones(3, dtype=np.int64),
            150.0,
            Rules(balance=50.0, shape=0.0).numbers(2.0, 0.4, pairs=0.5),
            np.zeros(3, dtype=np.int64),
            np.zeros(18, dtype=np.int64),
        )
        scope = Scope(part, np.zeros(18, dtype=np.int64), 0)
        anneal(net, np.arange(18), scope, goal, np.full(18, -1), 60, np.array([seed], dtype=np.uint64))
        assert part[[6, 7, 12]].tolist() == [0, 0, 1]
        assert np.bincount(part, minlength=3).min() == 1
        # Nor does a fixed cell move in return for one that has joined its part.
        net.fixed[9:17] = True
        part[:] = np.r_[np.zeros(9, dtype=np.int64), np.ones(8, dtype=np.int64), 2]
        anneal(net, np.arange(18), scope, goal, np.full(18, -1), 60, np.array([seed], dtype=np.uint64))
        assert (part[9:17] == 1).all()
        net.fixed[9:17] = False
        # Part 0 is too heavy, but may not have fewer cells than it needs.
        part[:] = np.r_[np.zeros(9, dtype=np.int64), np.ones(8, dtype=np.int64), 2]
        least = np.array([8, 1, 1])
        anneal(
            net,
            np.arange(18),
            scope,
            goal._replace(least=least),
            np.full(18, -1),
            60,
            np.array([seed], dtype=np.uint64),
        )
        assert np.bincount(part)[0] == 8


def test_locked_and_narrow_borders() -> None:
    shapes = grid(2, 1, side=100.0)
    three = np.concatenate([shapes, [shapely.box(0, 100, 100, 200)]])
    free, locked = cells_of(three, np.ones(3)).net(), cells_of(three, np.ones(3), np.full(12, LOCKED_COST)).net()
    scope = Scope(np.array([0, 1, 0]), np.zeros(3, dtype=np.int64), 0)
    assert is_simple(free, 0, 0, 1, scope, 3.0)
    assert not is_simple(locked, 0, 0, 1, scope, 3.0)
    assert is_simple(free, 0, 0, 1, scope, 100.0)
    assert not is_simple(free, 0, 0, 1, scope, 100.001)
    graph = build_graph(shapes)
    assert borders(graph, np.arange(2), border_m=99.9)[0].tolist() == [0, 1]
    assert borders(graph, np.arange(2), border_m=100.0)[0].tolist() == []


def test_a_stretch_over_the_start_of_a_ring_is_one() -> None:
    # The ring of the middle square starts on the side of the lower cell, which has an additional vertex there.
    middle = shapely.Polygon([(50, 0), (100, 0), (100, 100), (0, 100), (0, 0)])
    lower = shapely.Polygon([(0, -50), (100, -50), (100, 0), (50, 0), (0, 0)])
    for turn in range(5):
        ring = np.roll(shapely.get_coordinates(middle)[:-1], turn, axis=0)
        shapes = np.array([shapely.Polygon(ring), lower])
        graph = build_graph(shapes, np.full(10, 0.5))
        row = slice(graph.indptr[0], graph.indptr[1])
        order = np.argsort(graph.neighbour[row])
        assert graph.length_m[row][order].tolist() == [300.0, 100.0]
        assert graph.cost_m[row][order].tolist() == [150.0, 50.0]
    with pytest.raises(GeometryError, match="more than two cells"):
        segments(
            np.array(
                [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1), shapely.box(1, 0, 3, 1), shapely.box(0, 5, 1, 6)]
            )
        )


def test_ties_prices_and_rounds_of_merging() -> None:
    row = np.array([shapely.box(0, 0, 10, 5), shapely.box(10, 0, 12, 5), shapely.box(12, 0, 22, 5)])
    assert absorb(row, np.array([False, True, False]), np.zeros(3, dtype=np.int64)).tolist() == [0, 0, 1]
    seg = segments(row)
    price = np.where(seg.middle[:, 0] == 10.0, 50.0, 1.0)
    assert absorb(row, np.array([False, True, False]), np.zeros(3, dtype=np.int64), price=price).tolist() == [0, 1, 1]
    # A chain of small cells waits for the large one at its end.
    chain = np.array(
        [shapely.box(k, 0, k + 1, 5) for k in range(4)] + [shapely.box(4, 0, 40, 5), shapely.box(-40, 0, 0, 1)]
    )
    chain[0] = shapely.Polygon([(0, 0), (1, 0), (1, 5), (0, 5), (0, 1)])
    small = np.array([True] * 4 + [False] * 2)
    assert absorb(chain, small, np.array([0, 0, 0, 0, 0, 1])).tolist() == [0, 0, 0, 0, 0, 1]
    edge = 0.003
    pair = np.array(
        [
            shapely.Polygon([(0, 0), (5, 0), (5, edge), (5, 5), (0, 5)]),
            shapely.Polygon([(5, 0), (9, 0), (9, 5), (5, 5), (5, edge)]),
        ]
    )
    for keep, stays in ((shapely.Point(5, 0), 0.0), (shapely.Point(5, edge), edge)):
        found = without_hairlines(pair, np.array([keep]))
        assert stays in shapely.get_coordinates(found[0])[:, 1].tolist()
        assert [shapely.get_num_coordinates(one) for one in found] == [5, 5]
    wide = shapely.transform(pair, lambda q: np.where(q == edge, 0.0036, q))
    assert without_hairlines(wide, np.array([shapely.Point(5, 0)])) is wide


def test_parts_without_a_chain_are_shown_by_the_smaller_one() -> None:
    apart = np.array(
        [shapely.MultiPolygon([shapely.box(0, 0, 9, 9), shapely.box(20, 0, 21, 1)]), shapely.box(9, 0, 12, 9)]
    )
    with pytest.raises(SeparatePartsError) as caught:
        units(apart)
    assert caught.value.geometry.area == 1.0
    # Two chains of one cell: the first cell joins the parts.
    joined = np.array(
        [
            shapely.MultiPolygon([shapely.box(0, 0, 10, 10), shapely.box(20, 0, 30, 10)]),
            shapely.box(10, 0, 20, 5),
            shapely.box(10, 5, 20, 10),
        ]
    )
    joined[0] = shapely.MultiPolygon(
        [
            shapely.Polygon([(0, 0), (10, 0), (10, 5), (10, 10), (0, 10)]),
            shapely.Polygon([(20, 0), (30, 0), (30, 10), (20, 10), (20, 5)]),
        ]
    )
    assert units(joined)[1].tolist() == [0, 0, 1]


def test_weights_and_costs_of_levels() -> None:
    assert weights(np.array([1000.0, 0.0]), np.array([1.0, 3.0])).tolist() == [999.0 + 0.25, 0.75]
    graph = build_graph(grid(2, 1, side=100.0))
    one = np.array([-0.6, 0.15, 1.0, 0.75])[: len(graph.cost_m)]
    given = replace(graph, length_m=np.ones(len(one)), cost_m=one)
    expected = {
        Level.COMMUNITY: [0.05, 0.15, 1.0, 0.75],
        Level.SECOND: [-0.6, 0.15, 6.0, 3.25],
        Level.THIRD: [-0.6, 0.15, 1.0, 0.75],
    }
    for level, cost in expected.items():
        assert border_costs(given, level).cost_m.tolist() == pytest.approx(cost[: len(one)])


def test_the_search_is_complete_for_forty_cells_and_says_when_it_ended_early() -> None:
    shapes = grid(20, 2)
    load = np.zeros(40)
    load[[0, 19]] = 1.0
    graph = build_graph(shapes)
    tolerance, label, finished = best_division(graph, load, np.arange(40), 2, 0.9)
    assert (tolerance, finished) == (0.0, False)
    assert label is not None
    assert label[0] != label[19]
    small, weight = build_graph(grid(3, 1)), np.array([1.0, 2.0, 2.0])
    assert best_division(small, weight, np.arange(3), 2, 0.9)[::2] == (pytest.approx(0.2), True)
    assert best_division(small, weight, np.arange(3), 2, 0.9, enough=0.3)[::2] == (pytest.approx(0.2), False)


def test_a_present_division_is_kept_to_the_cell() -> None:
    shapes, load = grid(8, 6), loads(48, 12)
    cells = frame(shapes, load)
    now = pd.DataFrame({"second": np.arange(48) % 8 // 2, "third": np.arange(48) % 8 // 2 * 2 + np.arange(48) // 24})
    locked = pd.DataFrame({"second": np.where(np.arange(48) % 8 < 2, 0.0, np.nan)})
    found = partition(cells, (1, 4, 8), current=now, rng=1)
    held = partition(cells, (1, 4, 8), locked=locked, rng=1)
    assert held["second"][np.arange(48) % 8 < 2].nunique() == 1
    assert (digest(found), digest(held)) == PRESENT


PRESENT = ("c943938c2b00", "87b3ccd5673d")


def test_links_join_consecutive_neighbours_all_around() -> None:
    graph = build_graph(grid(3, 3))
    assert graph.link_m[graph.indptr[4] : graph.indptr[5]].tolist() == [50.0] * 8
    corner = slice(graph.indptr[0], graph.indptr[1])
    links = dict(zip(graph.neighbour[corner].tolist(), graph.link_m[corner].tolist(), strict=True))
    assert sorted(links.items()) == [(-1, 0.0), (1, 50.0), (3, 0.0), (4, 50.0)]


def test_more_grids_than_locks_leave_ground_for_are_refused() -> None:
    locked = pd.DataFrame({"second": np.arange(12) // 6})
    with pytest.raises(ImpossibleError, match="2 are locked and leave 0 pieces"):
        partition(frame(grid(6, 2), loads(12)), (1, 3, 6), locked=locked)


def test_many_uneven_parents_give_the_same_grids() -> None:
    found = []
    for seed in range(5):
        load = loads(80, 20 + seed) ** 2
        found.append(partition(frame(grid(10, 8), load), (2, 6, 20), rng=seed).to_numpy())
        found.append(partition(frame(grid(10, 8), load * np.arange(1, 81)), (3, 9), rng=seed).to_numpy())
    assert digest(np.concatenate([one.ravel() for one in found])) == MANY


MANY = "3f472fbcc34d"


def test_many_exchanges_give_the_same_grids() -> None:
    found = []
    community = np.arange(96) % 12 // 4
    second = community * 3 + np.arange(96) // 12 * 3 // 8
    rules = replace(RULES[Level.SECOND], border_m=1.0, tries=12)
    for seed in range(2):
        load = loads(96, 50 + seed) ** 2
        given = cells_of(grid(12, 8), load)
        rng = np.random.default_rng(seed)
        found.append(exchange_between_communities(given, second, community, rules, apart=0.4, rng=rng))
    assert digest(found) == EXCHANGES


EXCHANGES = "f11488ad70ea"


def test_stars_are_split_the_same_way() -> None:
    teeth = [shapely.box(10 * i, 10, 10 * i + 10, 20) for i in range(10)]
    bar = shapely.Polygon([(0, 0), (100, 0), *((10.0 * i, 10.0) for i in range(10, -1, -1))])
    given = cells_of(np.array([bar, *teeth]), loads(11, 80))
    found = [
        Splitter(given, Rules(), np.random.default_rng(0)).split(np.arange(11), parts, "street")
        for parts in range(2, 11)
    ]
    assert [len(np.unique(one)) for one in found] == list(range(2, 11))
    assert digest(found) == STARS


STARS = "85145d285a32"
