"""Series arguments: their order does not matter, and another index is refused by name."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.coverage import Mesh
from geo.divide import apportion, limits, partition, rebalance
from geo.divide.workload import weigh
from geo.errors import InputError
from geo.layers.row_values import values_of_rows


def cells() -> gpd.GeoDataFrame:
    shapes = [shapely.box(100 * x, 100 * y, 100 * x + 100, 100 * y + 100) for y in range(6) for x in range(8)]
    return gpd.GeoDataFrame(
        {"workload": np.arange(1.0, 49.0)}, geometry=shapes, crs=4549, index=[f"c{k}" for k in range(48)]
    )


def elsewhere(values: pd.Series) -> pd.Series:
    return values.set_axis([f"320113{k:03d}" for k in range(len(values))])


def shuffled(values: pd.Series) -> pd.Series:
    return values.sample(frac=1.0, random_state=3)


def given() -> tuple[gpd.GeoDataFrame, dict[str, pd.Series]]:
    frame = cells()
    column = pd.Series(np.arange(48) % 8, index=frame.index)
    return frame, {
        "current": column // 2,
        "workload": frame["workload"],
        "residents": frame["workload"] + 1,
        "parents": column // 4,
    }


def test_rebalance_takes_series_in_any_order():
    frame, series = given()
    one = rebalance(frame, tolerances=(0.3,), rng=1, **series)
    two = rebalance(frame, tolerances=(0.3,), rng=1, **{name: shuffled(values) for name, values in series.items()})
    assert one.table().equals(two.table())
    assert all(a.grids.equals(b.grids) for a, b in zip(one.points, two.points, strict=True))


@pytest.mark.parametrize("name", ["current", "workload", "residents", "parents"])
def test_rebalance_names_the_series_on_another_index(name):
    frame, series = given()
    series[name] = elsewhere(series[name])
    with pytest.raises(InputError, match=rf"^{name}: no value for 48 of 48 cells \(c0, c1, .*its index has 320113000"):
        rebalance(frame, tolerances=(0.3,), rng=1, **series)


def test_rebalance_names_cells_without_a_parent():
    frame, series = given()
    series["parents"] = series["parents"].astype(float).mask(frame.index == "c5")
    with pytest.raises(InputError, match="parents: missing for cells c5;") as caught:
        rebalance(frame, tolerances=(0.3,), rng=1, **series)
    assert caught.value.ids == ("c5",)


@pytest.mark.parametrize("name", ["workload", "communities"])
def test_partition_names_the_series_on_another_index(name):
    frame, series = given()
    wrong = elsewhere(series["parents"] + 1)
    with pytest.raises(InputError, match=f"^{name}: no value for 48 of 48 cells"):
        partition(frame, (2, 4), **{name: wrong})


@pytest.mark.parametrize("name", ["locked", "current"])
def test_partition_names_labels_that_are_no_cells(name):
    frame, _ = given()
    wrong = pd.DataFrame({"second": [1, 1]}, index=["c0", "x7"])
    with pytest.raises(
        InputError, match=rf"^{name}: labels x7 are not in the index of the cells \(c0, c1 and 46 more\)"
    ):
        partition(frame, (2, 4), **{name: wrong})


@pytest.mark.parametrize(
    "wrong", [pd.Series([1] * 48), np.ones(48), pd.DataFrame({"grid": [1] * 48})], ids=["s", "a", "t"]
)
def test_what_is_no_table_of_levels_is_named(wrong):
    frame, _ = given()
    if not isinstance(wrong, np.ndarray):
        wrong.index = frame.index
    for name in ("locked", "current"):
        with pytest.raises(InputError, match=f"^{name}: a table with columns second, third is expected"):
            partition(frame, (2, 4), rng=1, **{name: wrong})
    with pytest.raises(InputError, match=r"^groups: a table with columns community, second, third is expected"):
        limits(frame, wrong)


def test_limits_names_groups_on_another_index():
    frame, _ = given()
    groups = partition(frame, (2, 4), rng=1)
    assert limits(frame, groups.sample(frac=1.0, random_state=1)).equals(limits(frame, groups))
    with pytest.raises(InputError, match=r"^groups: no value for 48 of 48 cells"):
        limits(frame, groups.reset_index(drop=True))


def test_apportion_names_most_on_another_index():
    with pytest.raises(InputError, match=r"^most: no value for 1 of 2 parents"):
        apportion(pd.Series({"a": 1.0, "b": 2.0}), 2, most=pd.Series({"a": 1, "c": 1}))


def test_workload_of_buildings_on_another_index_is_named():
    buildings = cells().head(2)
    shapes = np.asarray(buildings.geometry.array)
    with pytest.raises(InputError, match=r"^workload: no value for 2 of 2 buildings"):
        weigh(shapes, np.array([0, 1]), buildings, workload=pd.Series([1.0, 2.0]))


def test_labels_that_stand_twice_and_other_types_are_refused():
    rows = pd.Index(["a", "b"])
    with pytest.raises(InputError, match=r"^w: index labels a occur more than once"):
        values_of_rows(pd.Series([1, 2], index=["a", "a"]), rows, "w")
    with pytest.raises(InputError, match=r"^cells: index labels b occur more than once"):
        values_of_rows(pd.Series([1, 2], index=["a", "b"]), pd.Index(["b", "b"]), "w")
    with pytest.raises(InputError, match="is expected, not ndarray"):
        values_of_rows(np.ones(2), rows, "w")  # type: ignore[arg-type]
    twice = pd.Series([1, 2], index=["a", "a"])
    assert values_of_rows(twice, twice.index, "w").tolist() == [1, 2]


def test_values_by_label_are_those_of_a_plain_loop():
    rng = np.random.default_rng(5)
    rows = pd.Index(rng.permutation(50))
    values = pd.Series(rng.normal(size=70), index=rng.permutation(70))
    assert values_of_rows(values, rows, "w").tolist() == [values[label] for label in rows]
    part = values_of_rows(values.loc[rows[:7]], rows, "w", partial=True)
    assert part.index.equals(rows)
    assert part.notna().tolist() == [True] * 7 + [False] * 43


def test_groups_of_a_mesh_go_by_label():
    frame = cells()
    mesh = Mesh.from_layer(frame)
    group = pd.Series(np.arange(48) // 8, index=frame.index)
    one, two = mesh.dissolve(group.to_numpy()), mesh.dissolve(shuffled(group))
    assert shapely.equals_exact(one.polygons().array, two.polygons().array).all()
    with pytest.raises(InputError, match=r"^groups: no value for 48 of 48 cells"):
        mesh.dissolve(elsewhere(group))
