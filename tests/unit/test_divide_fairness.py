"""Balance of cells among their siblings, and the lower bound of the second level."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.divide import balance, bounds_of_communities, measures_of
from geo.divide.fairness import fairness
from geo.errors import InputError
from geo.layers import Division, Level


@pytest.fixture
def row() -> Division:
    """One community of two second-level grids, a row of five third-level cells of workload 6, 1, 1, 1, 1."""
    boxes = [shapely.box(k * 100, 0, k * 100 + 100, 100) for k in range(5)]
    crs = "EPSG:4549"

    def layer(codes, parents, shapes, loads):
        columns = {
            "code": codes,
            "name": codes,
            "parent": parents,
            "workload": loads,
            "area_m2": [s.area for s in shapes],
        }
        return gpd.GeoDataFrame(columns, geometry=shapes, crs=crs)

    whole = shapely.union_all(boxes)
    return Division(
        street=layer(["S"], [""], [whole], [10.0]),
        community=layer(["C"], ["S"], [whole], [10.0]),
        second=layer(["A", "B"], ["C", "C"], [boxes[0], shapely.union_all(boxes[1:])], [6.0, 4.0]),
        third=layer(list("12345"), ["A", "B", "B", "B", "B"], boxes, [6.0, 1.0, 1.0, 1.0, 1.0]),
    )


def test_shares_are_those_of_the_siblings(row) -> None:
    table = fairness(row, Level.SECOND)
    assert table["off"].tolist() == pytest.approx([0.2, -0.2])
    assert table["mean"].tolist() == [5.0, 5.0]
    np.testing.assert_allclose(table["off"] + 1, balance(row, Level.SECOND))
    assert fairness(row, Level.SECOND, "area_m2")["off"].tolist() == pytest.approx([-0.6, 0.6])
    assert fairness(row, 3)["off"].tolist() == pytest.approx([0.0] * 5)


def test_a_missing_value_and_a_mean_of_zero_are_no_number(row) -> None:
    second = row.second.assign(workload=[None, 4.0])
    assert fairness(row.with_layer(Level.SECOND, second), 2)["off"].isna().tolist() == [True, False]
    empty = row.with_layer(Level.SECOND, row.second.assign(workload=0.0))
    assert fairness(empty, 2)["off"].isna().all()


def test_the_bound_is_that_of_the_heaviest_cell(row) -> None:
    found = bounds_of_communities(row).iloc[0]
    assert (found["grids"], found["reason"], found["cell"]) == (2, "heavy", "1")
    assert found["bound"] == pytest.approx(0.2)
    assert found["reached"] == pytest.approx(0.2)


def test_what_cannot_be_compared_is_refused(row) -> None:
    assert measures_of(row, 2) == ["workload", "area_m2"]
    with pytest.raises(InputError, match="street has no siblings"):
        fairness(row, Level.STREET)
    with pytest.raises(InputError, match="'leader'; use workload, area_m2"):
        fairness(row, 2, "leader")
    with pytest.raises(InputError, match="bounds are those of the workload"):
        bounds_of_communities(row.with_layer(Level.THIRD, row.third.drop(columns="workload")))
