"""Partition of given cells: exact, nested, around holes, with locks; and the bounds."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.divide import limits, partition
from geo.divide.partitioning.adjacency import build_graph, pieces
from geo.divide.partitioning.bounds import least_tolerance
from geo.divide.partitioning.merging import dissolve
from geo.divide.partitioning.objective import Cells, Rules
from geo.divide.partitioning.split import Splitter
from geo.errors import ColumnError, CrsError, ImpossibleError, InputError


def squares(columns: int, rows: int, side: float = 50.0) -> np.ndarray:
    x, y = np.meshgrid(np.arange(columns) * side, np.arange(rows) * side)
    x, y = x.ravel() + 388_000, y.ravel() + 3_554_000
    return shapely.box(x, y, x + side, y + side)


def layer(shapes: np.ndarray, seed: int = 0) -> gpd.GeoDataFrame:
    load = np.random.default_rng(seed).lognormal(0, 0.5, len(shapes))
    index = [f"c{k}" for k in range(len(shapes))]
    return gpd.GeoDataFrame({"workload": load}, index=index, geometry=list(shapes), crs=4549)


def require_sound(cells: gpd.GeoDataFrame, groups: pd.DataFrame, counts: tuple[int, ...]) -> None:
    assert groups.index.equals(cells.index)
    above = None
    for level, count in zip(groups.columns, counts, strict=True):
        label = groups[level].to_numpy()
        shapes = dissolve(np.asarray(cells.geometry.array), label)
        assert len(shapes) == count
        assert (shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON).all()
        assert (shapely.get_num_interior_rings(shapes) == 0).all()
        if above is not None:
            assert (groups.groupby(level)[above].nunique() == 1).all()
        above = level


def test_three_levels_are_exact_nested_and_even():
    cells = layer(squares(30, 24))
    before = cells.copy()
    groups = partition(cells, (3, 12, 96))
    require_sound(cells, groups, (3, 12, 96))
    load = cells["workload"].groupby(groups["second"]).sum()
    mean = load.groupby(groups.groupby("second")["community"].first()).transform("mean")
    assert (load / mean - 1).abs().max() <= 0.05
    pd.testing.assert_frame_equal(pd.DataFrame(before), pd.DataFrame(cells))


def test_same_seed_same_groups():
    cells = layer(squares(14, 12))
    pd.testing.assert_frame_equal(partition(cells, (2, 9), rng=3), partition(cells, (2, 9), rng=3))


@pytest.mark.parametrize("parts", [2, 3, 7])
def test_a_street_round_an_enclave_gets_no_ring(parts):
    shapes = squares(12, 12)
    x, y = shapely.get_coordinates(shapely.centroid(shapes)).T
    hole = (np.abs(x - x.mean()) < 80) & (np.abs(y - y.mean()) < 80)
    cells = layer(shapes[~hole])
    assert len(shapely.coverage_union_all(np.asarray(cells.geometry.array)).interiors) == 1
    require_sound(cells, partition(cells, (1, parts))[["second"]], (parts,))


def test_a_block_in_a_block_goes_with_it():
    shapes = squares(8, 8)
    inner = shapes[27]
    middle = inner.buffer(-10, join_style="mitre")
    shapes = np.append(shapes, middle)
    shapes[27] = inner.difference(middle)
    cells = layer(shapes)
    groups = partition(cells, (2, 6))
    assert groups["second"].iloc[27] == groups["second"].iloc[-1]
    require_sound(cells, groups, (2, 6))


def test_parts_of_one_cell_are_joined_by_what_lies_between():
    shapes = squares(8, 8)
    shapes[10] = shapely.MultiPolygon([shapes[10], shapes[12]])
    cells = layer(np.delete(shapes, 12))
    require_sound(cells, partition(cells, (2, 5)), (2, 5))


def test_given_communities_are_kept():
    cells = layer(squares(12, 10))
    west = pd.Series(np.where(shapely.get_x(shapely.centroid(cells.geometry.array)) < 388_200, "西", "东"), cells.index)
    groups = partition(cells, (2, 8), communities=west)
    assert (pd.crosstab(groups["community"], west) > 0).to_numpy().sum() == 2


def test_a_locked_grid_comes_out_as_it_is():
    cells = layer(squares(12, 12))
    x, y = shapely.get_coordinates(shapely.centroid(cells.geometry.array)).T
    block = (np.abs(x - x.mean()) < 60) & (np.abs(y - y.mean()) < 60)
    locked = pd.DataFrame({"second": pd.Series(np.where(block, "A", None), cells.index)})
    groups = partition(cells, (1, 6), locked=locked)
    require_sound(cells, groups, (1, 6))
    assert groups["second"][block].nunique() == 1
    assert not groups["second"][~block].isin(groups["second"][block].unique()).any()


def test_todays_grids_are_kept_where_they_are_fair():
    cells = layer(squares(16, 16)).assign(workload=1.0)
    current = partition(cells, (1, 8), rng=1)
    again = partition(cells, (1, 8), current=current[["second"]], keep=20.0, rng=2)
    shared = pd.crosstab(current["second"], again["second"]).max(axis=1).sum()
    assert shared >= 0.97 * len(cells)


def test_necks_are_as_wide_as_asked():
    shapes = squares(16, 12)
    cells = layer(shapes)
    groups = partition(cells, (1, 9), min_border_m=40.0)
    graph = build_graph(shapes)
    for k in range(9):
        assert pieces(graph, np.flatnonzero(groups["second"].to_numpy() == k), border_m=40.0).max() == 0


def test_bounds_name_the_cell_to_blame():
    graph = build_graph(squares(5, 1))
    everything = np.arange(5)
    heavy = least_tolerance(graph, np.array([10.0, 1, 1, 1, 1]), everything, 5)
    assert (heavy.reason, heavy.cell) == ("heavy", 0)
    assert heavy.tolerance == pytest.approx(10 / 2.8 - 1)
    assert heavy.under == pytest.approx(1 - 1 / 2.8)
    # Of three cells of 4 two lie in one of two grids.
    pair = least_tolerance(graph, np.array([4.0, 4, 4, 0.1, 0.1]), everything, 2)
    assert pair.reason == "pair"
    assert pair.tolerance == pytest.approx(8 / 6.1 - 1)
    # The end of the row is too light alone and too heavy with its neighbour.
    hemmed = least_tolerance(graph, np.array([1.0, 5, 1, 3, 2]), everything, 3)
    assert (hemmed.reason, hemmed.cell) == ("hemmed", 0)
    assert hemmed.tolerance == pytest.approx(0.5)
    # Two cells are connected only through the second: with it too heavy, without it too light.
    gate = least_tolerance(graph, np.array([2.0, 2, 13, 13, 13]), everything, 3)
    assert gate.tolerance >= 1 - 4 / (43 / 3) - 1e-9 or gate.tolerance >= 17 / (43 / 3) - 1 - 1e-9
    assert least_tolerance(graph, np.ones(5), everything, 5).tolerance == 0


def test_bounds_are_below_the_best_of_all_splits():
    rng = np.random.default_rng(11)
    shapes = squares(4, 2)
    graph = build_graph(shapes)
    for _ in range(20):
        load = rng.lognormal(0, 1, 8)
        best = np.inf
        for code in range(3**8):
            label = (code // 3 ** np.arange(8)) % 3
            sums = np.bincount(label, load, minlength=3)
            off = np.abs(sums / sums.mean() - 1).max()
            if off < best and all(
                len(m) and pieces(graph, m).max() == 0 for m in (np.flatnonzero(label == k) for k in range(3))
            ):
                best = off
        assert least_tolerance(graph, load, np.arange(8), 3).tolerance <= best + 1e-9


def test_limits_stand_beside_what_was_reached():
    cells = layer(squares(12, 10))
    cells.loc["c50", "workload"] = 200.0
    table = limits(cells, partition(cells, (1, 6)))
    row = table[table["level"] == "second"].iloc[0]
    assert (row["reason"], row["cell"]) == ("heavy", "c50")
    assert row["reached"] >= row["bound"]


def test_a_net_says_what_has_no_home():
    shapes = squares(3, 3)
    net = Cells(build_graph(shapes), np.ones(9), shapely.area(shapes), np.zeros((9, 2)), np.ones(9)).net()
    assert (net.home == -1).all()
    assert not net.fixed.any()
    assert (
        Splitter(
            Cells(build_graph(shapes), np.ones(9), shapely.area(shapes), np.zeros((9, 2)), np.ones(9)),
            Rules(),
            np.random.default_rng(0),
        )
        .split(np.arange(9), 1, "x")
        .tolist()
        == [0] * 9
    )


@pytest.mark.parametrize(
    ("change", "error", "text"),
    [
        (lambda c: (c, (3, 2)), ImpossibleError, "at least as many"),
        (lambda c: (c, (1, 500)), ImpossibleError, "at most"),
        (lambda c: (c, (0, 5)), InputError, "whole numbers"),
        (lambda c: (c.assign(workload=0.0), (1, 5)), InputError, "0 everywhere"),
        (lambda c: (c.assign(workload=-1.0), (1, 5)), InputError, "negative"),
        (lambda c: (c.drop(columns="workload"), (1, 5)), ColumnError, "workload"),
        (lambda c: (c.to_crs(4326), (1, 5)), CrsError, "metres|metric"),
        (lambda c: (c.drop(index=[f"c{5 + 12 * r}" for r in range(10)]), (1, 5)), ImpossibleError, "not connected"),
    ],
)
def test_what_cannot_be_is_refused(change, error, text):
    cells, counts = change(layer(squares(12, 10)))
    with pytest.raises(error, match=text):
        partition(cells, counts)


def coast() -> gpd.GeoDataFrame:
    """Four columns of land; an island of two rows 130 m off the coast, and one in the far south."""
    shapes = [shapely.box(100 * x, 100 * y, 100 * x + 100, 100 * y + 100) for x in range(4) for y in range(4)]
    shapes += [shapely.box(530, 0, 630, 100), shapely.box(630, 0, 730, 100), shapely.box(0, -300, 100, -200)]
    codes = [f"B{k:02d}" for k in range(len(shapes))]
    return gpd.GeoDataFrame({"code": codes, "workload": 1.0}, geometry=shapes, crs=4549, index=range(10, 29))


def test_rows_that_are_cut_off_are_named_by_code_and_place():
    cells = coast()
    with pytest.raises(ImpossibleError) as caught:
        partition(cells, (1, 4))
    text = str(caught.value)
    assert text.startswith(
        "cells: not connected, 3 of 19 rows are cut off in 2 pieces: row 26 (code B16) at 580, 50, 130 m from row 22 (code B12)"
    )
    for choice in (
        "join it to its neighbour",
        "add the water or ground between as a row with workload 0",
        "on its own",
    ):
        assert choice in text
    assert caught.value.ids == (26, 27, 28)
    assert caught.value.geometry.area == pytest.approx(30_000)


def test_what_the_message_offers_works():
    cells = coast()
    # Join each to its neighbour.
    owner = cells.index.to_series().replace({26: 22, 27: 22, 28: 10}).to_numpy()
    with pytest.raises(InputError, match=r"row \d+ \(code .*consists of parts that no other rows connect") as caught:
        partition(cells.dissolve(owner), (1, 4))
    assert caught.value.ids == (10, 22)
    # Water as rows of workload 0.
    water = gpd.GeoDataFrame(
        {"code": ["W1", "W2"], "workload": 0.0},
        geometry=[
            shapely.Polygon([(400, 0), (530, 0), (530, 100), (400, 100)]),
            shapely.Polygon([(0, -200), (100, -200), (100, 0), (0, 0)]),
        ],
        crs=4549,
        index=[90, 91],
    )
    both = pd.concat([cells, water])
    assert partition(both, (1, 4), rng=1)["second"].nunique() == 4
    # Each on its own.
    assert partition(cells.loc[[26, 27]], (1, 2), rng=1)["second"].nunique() == 2


def test_a_community_that_is_cut_off_is_named():
    cells = coast().iloc[:16]
    # Community 1 is the first and the last column.
    community = pd.Series(np.repeat([1, 2, 2, 1], 4), index=cells.index)
    with pytest.raises(ImpossibleError, match=r"^community 1: not connected, 4 of 8 rows .* row 22 \(code B12\)"):
        partition(cells, (2, 4), communities=community)


def test_enclaves_stay_with_the_cell_round_them():
    cells = coast().iloc[:16]
    hole = shapely.box(140, 140, 160, 160)
    shapes = cells.geometry.to_numpy().copy()
    shapes[5] = shapes[5].difference(hole)
    inner = gpd.GeoDataFrame({"code": ["E"], "workload": 1.0}, geometry=[hole], crs=4549, index=[50])
    found = partition(
        pd.concat([cells.set_geometry(gpd.GeoSeries(shapes, cells.index, crs=4549)), inner]), (1, 4), rng=1
    )
    assert found["second"][50] == found["second"][15]
