"""The frontier between balance and change."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.divide import partition, rebalance, require_budget
from geo.divide.balancing.rebalancing import _best_by_parent, _Case
from geo.divide.partitioning.merging import dissolve
from geo.errors import ImpossibleError, InputError


@pytest.fixture(scope="module")
def case() -> tuple[gpd.GeoDataFrame, pd.DataFrame, pd.Series]:
    x, y = np.meshgrid(np.arange(28) * 30.0, np.arange(24) * 30.0)
    x, y = x.ravel() + 388_000, y.ravel() + 3_554_000
    cells = gpd.GeoDataFrame({"workload": np.ones(x.size)}, geometry=shapely.box(x, y, x + 30, y + 30), crs=4549)
    groups = partition(cells, (2, 16))
    hot = np.hypot(x - x.mean() + 150, y - y.mean()) < 110
    return cells, groups, pd.Series(np.where(hot, 3.0, 1.0), cells.index)


def test_the_frontier_falls_and_every_point_is_a_division(case):
    cells, groups, load = case
    found = rebalance(cells, groups["second"], workload=load, residents=cells["workload"], parents=groups["community"])
    table = found.table()
    assert table["moved"].iloc[0] == 0
    assert table["moved"].is_monotonic_increasing
    assert table["imbalance"].is_monotonic_decreasing
    assert table["imbalance"].iloc[-1] < 0.1 < table["imbalance"].iloc[0]
    assert (table["proven"] <= table["moved"] + 1e-9).all()
    for point in found.points:
        shapes = dissolve(np.asarray(cells.geometry.array), point.grids.to_numpy())
        assert len(shapes) == 16
        assert (shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON).all()
        assert (pd.crosstab(point.grids, groups["community"]) > 0).sum(axis=1).eq(1).all()
        mean = load.groupby(point.grids).sum()
        mean = mean / mean.groupby(groups.groupby("second")["community"].first()).transform("mean")
        assert (mean - 1).abs().max() == pytest.approx(point.imbalance)
        assert (point.grids != groups["second"]).mean() == pytest.approx(point.moved)


def test_a_budget_is_kept_or_refused(case):
    cells, groups, load = case
    found = rebalance(cells, groups["second"], workload=load, tolerances=(0.5, 0.2, 0.1))
    assert found.within(0.0).moved == 0
    assert found.within(0.05).moved <= 0.05
    with pytest.raises(ImpossibleError, match="the best found"):
        require_budget(found, 0.0, 0.05)


def test_locked_grids_do_not_change(case):
    cells, groups, load = case
    kept = groups["second"].iloc[300]
    found = rebalance(cells, groups["second"], workload=load, locked=[kept], tolerances=(0.2, 0.1))
    for point in found.points:
        assert ((point.grids == kept) == (groups["second"] == kept)).all()


def test_nothing_to_do_is_one_point(case):
    cells, groups, _ = case
    assert len(rebalance(cells, groups["second"], workload=cells["workload"], tolerances=(0.5,)).points) == 1


def test_what_is_wrong_is_named(case):
    cells, groups, load = case
    with pytest.raises(InputError, match="no grids Z"):
        rebalance(cells, groups["second"], workload=load, locked=["Z"])
    with pytest.raises(InputError, match="several parents"):
        rebalance(cells, groups["second"], workload=load, parents=pd.Series(range(len(cells)), cells.index))
    with pytest.raises(InputError, match="several parts"):
        rebalance(cells, pd.Series(np.arange(len(cells)) % 2, cells.index), workload=load)


def test_parents_within_the_tolerance_stay_as_they_are():
    # Two parents of four columns each, two grids a parent; only the right one is uneven.
    shapes = [shapely.box(100 * x, 100 * y, 100 * x + 100, 100 * y + 100) for x in range(8) for y in range(4)]
    cells = gpd.GeoDataFrame(geometry=shapes, crs=4549)
    column = pd.Series(np.repeat(np.arange(8), 4))
    load = pd.Series(np.where(column < 6, 1.0, 3.0))
    found = rebalance(cells, column // 2, workload=load, parents=column // 4, tolerances=(0.3, 0.1), rng=1)
    assert len(found.points) > 1
    for point in found.points:
        assert (point.grids[column < 4] == (column // 2)[column < 4]).all()


def test_each_parent_keeps_its_own_best_try():
    # Two parents of two grids and four cells each; each of three tries is best for at most one of them.
    current = np.array([0, 0, 1, 1, 2, 2, 3, 3])
    load = np.array([5.0, 1.0, 1.0, 1.0, 5.0, 1.0, 1.0, 1.0])
    case = _Case(None, current, np.array([0, 0, 1, 1]), load, np.arange(1.0, 9.0), np.zeros(8, dtype=bool))
    left, right = current.copy(), current.copy()
    left[1], right[5] = 1, 3
    assert _best_by_parent(case, [current, left, right], 0.1).tolist() == [0, 1, 1, 1, 2, 3, 3, 3]
    # Within the tolerance all are equal, so nobody moves, whatever the order.
    assert _best_by_parent(case, [left, right, current], 0.6).tolist() == current.tolist()
    # At equal imbalance the try that moves fewer residents is kept.
    swapped = np.array([1, 0, 1, 0, 2, 2, 3, 3])
    assert _best_by_parent(case, [swapped, current], 0.1).tolist() == current.tolist()
