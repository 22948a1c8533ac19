"""Workload, names, roster, balance."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.divide import Weights, assign_leaders, balance, staff_needed
from geo.divide.measures import compactness
from geo.divide.naming import community_name, second_name, third_name
from geo.divide.workload import PARTS, describe_buildings, weigh
from geo.errors import ColumnError, InputError
from geo.layers import Division, Level

CRS = "EPSG:4549"


def houses(**columns: object) -> gpd.GeoDataFrame:
    n = len(next(iter(columns.values())))  # type: ignore[arg-type]
    boxes = shapely.box(np.arange(n) * 100.0, 0, np.arange(n) * 100.0 + 20, 10)
    return gpd.GeoDataFrame(columns, geometry=boxes, crs=CRS, index=[f"b{i}" for i in range(n)])


def test_what_buildings_say_is_taken_as_it_is():
    facts = describe_buildings(houses(building=["apartments"], levels=[6], households=[24], population=[60], units=[3]))
    assert facts.loc["b0", ["households", "population", "units"]].tolist() == [24, 60, 3]
    assert facts.loc["b0", "floor_m2"] == pytest.approx(1200)
    assert not facts["estimated"].any()


def test_what_they_do_not_say_is_estimated_and_marked():
    frame = houses(building=["apartments", "retail", "school", None], building_levels=["6", None, "4", "x"])
    facts = describe_buildings(frame)
    assert facts["estimated"].all()
    assert facts.loc["b0", "households"] == 11  # 1,200 m2 at 110 m2
    assert facts.loc["b0", "population"] == 29
    assert facts.loc["b1", "units"] == 5  # two storeys of 200 m2 at 80 m2
    assert facts.loc["b2", ["households", "units"]].tolist() == [0, 1]
    assert list(frame.columns) == ["building", "building_levels", "geometry"]


def test_negative_numbers_are_refused_by_row():
    with pytest.raises(ColumnError, match="'units' is negative in rows b1"):
        describe_buildings(houses(building=["yes", "yes"], units=[1, -1]))


def test_workload_is_the_sum_of_its_named_parts():
    frame = houses(building=["apartments", "shed"], levels=[6, 1], households=[24, 0], population=[60, 0], units=[3, 0])
    ground = np.array([shapely.box(-100, 0, 60, 100), shapely.box(60, 0, 260, 100)])
    facts = weigh(ground, np.array([0, 1]), frame, workload=Weights(household=1, unit=2, floor=5, ground=4))
    assert facts.loc[0, list(PARTS)].tolist() == pytest.approx([24, 6, 0, 0, (16_000 - 200) / 10_000 * 4])
    assert facts.loc[1, "from_floor"] == pytest.approx(1.0)
    assert np.allclose(facts["workload"], facts[list(PARTS)].sum(axis=1))
    assert facts["buildings"].tolist() == [1, 1]
    assert facts["estimated"].sum() == 0


def test_workload_may_be_given_per_building():
    frame = houses(building=["yes", "yes"], levels=[1, 1])
    ground = np.array([shapely.box(0, 0, 200, 50)])
    facts = weigh(ground, np.array([0, 0]), frame, workload=pd.Series([3.0, 4.0], index=["b1", "b0"]))
    assert facts["workload"].tolist() == [7.0]
    with pytest.raises(ColumnError, match="b1"):
        weigh(ground, np.array([0, 0]), frame, workload=pd.Series([3.0], index=["b0"]))


def test_negative_weights_are_refused():
    with pytest.raises(ColumnError, match="unit"):
        Weights(unit=-1)


def test_names_are_those_of_the_town_hall():
    assert community_name("320113003012") == "第十二社区"
    second = second_name("长营社区", "320113003001003")
    assert second == "长营社区第3网格"
    assert third_name(second, "320113003001003005") == "长营社区第3网格-05"


@pytest.fixture
def small() -> Division:
    def layer(codes: list[str], level: int, workload: list[float]) -> gpd.GeoDataFrame:
        boxes = shapely.box(np.arange(len(codes)) * 10.0, 0, np.arange(len(codes)) * 10.0 + 10, 10)
        data = {"code": codes, "name": codes, "level": level, "parent": [c[:-3] for c in codes], "workload": workload}
        return gpd.GeoDataFrame(data, geometry=boxes, crs=CRS)

    second = [f"320113003{c:03d}{s:03d}" for c, n in ((1, 4), (2, 6)) for s in range(1, n + 1)]
    return Division(
        street=layer(["320113003"], 0, [100.0]),
        community=layer(["320113003001", "320113003002"], 1, [30.0, 70.0]),
        second=layer(second, 2, [1.0, 2.0, 3.0, 4.0, 6.0, 5.0, 4.0, 3.0, 2.0, 1.0]),
        third=layer([second[0] + "001"], 3, [1.0]),
    )


def test_balance_is_relative_to_siblings(small):
    found = balance(small, Level.SECOND)
    assert list(found.index) == list(small.second["code"])
    assert found.iloc[:4].tolist() == pytest.approx([0.4, 0.8, 1.2, 1.6])
    assert found.groupby(found.index.str[:12]).mean().tolist() == pytest.approx([1.0, 1.0])
    with pytest.raises(InputError, match="no siblings"):
        balance(small, Level.STREET)


def test_staff_is_shared_out_in_proportion(small):
    staffed = assign_leaders(small)
    kinds = staffed.second.groupby("parent")["staff_kind"].value_counts().unstack()
    assert kinds["official"].tolist() == [2, 2] or kinds["official"].tolist() == [1, 3]
    assert kinds["official"].sum() == 4
    assert staffed.second["leader"].is_unique
    assert set(staffed.second["leader"].str[0]) == {"G", "S"}
    assert "leader" not in small.second.columns


def test_officials_take_the_heaviest_grids(small):
    staffed = assign_leaders(small, officials=4, community_workers=6).second
    for _, mine in staffed.groupby("parent"):
        official = mine["staff_kind"] == "official"
        assert mine.loc[official, "workload"].min() > mine.loc[~official, "workload"].max()
    assert sorted(staffed["leader"])[:4] == ["G001", "G002", "G003", "G004"]


def test_fewer_officials_than_communities_still_fit(small):
    staffed = assign_leaders(small, officials=1).second
    assert (staffed["staff_kind"] == "official").sum() == 1


def test_staff_that_does_not_fit_is_refused(small):
    with pytest.raises(InputError, match="10 second-level grids"):
        assign_leaders(small, officials=4, community_workers=7)


def test_compactness_of_a_square_and_a_bar():
    frame = gpd.GeoDataFrame(geometry=[shapely.box(0, 0, 1, 1), shapely.box(0, 0, 10, 1)], crs=CRS, index=["a", "b"])
    found = compactness(frame)
    assert found["a"] == pytest.approx(np.pi / 4)
    assert found["b"] < 0.3


def test_officials_are_rounded_to_the_nearest_and_needed_staff_up(small):
    # 4 grids times 111 of 255 staff are 1.74 officials.
    few = small.with_layer(Level.SECOND, small.second.head(4))
    assert (assign_leaders(few).second["staff_kind"] == "official").sum() == 2
    needed = staff_needed(small, workload_per_leader=9.0)
    # 30 / 9 = 3.33 and 70 / 9 = 7.78, rounded up to a tenth.
    assert needed["needed"].tolist() == pytest.approx([3.4, 7.8])
    assert needed["leaders"].tolist() == [4, 6]
    assert needed["short"].tolist() == pytest.approx([-0.6, 1.8])
    # Exact values are not rounded up.
    assert staff_needed(small)["needed"].tolist() == pytest.approx([3.0, 7.0])
    with pytest.raises(InputError, match="cannot handle a workload of 0"):
        staff_needed(small, workload_per_leader=0.0)


def test_officials_take_equal_grids_in_order_of_codes(small):
    even = small.with_layer(Level.SECOND, small.second.assign(workload=1.0))
    staffed = assign_leaders(even, officials=4, community_workers=6).second
    for _, mine in staffed.groupby("parent"):
        kinds = mine.sort_values("code")["staff_kind"].tolist()
        assert kinds == sorted(kinds, key=["official", "community_worker"].index)


def test_all_officials_or_none_and_negative_staff(small):
    assert (assign_leaders(small, officials=10).second["staff_kind"] == "official").all()
    assert (assign_leaders(small, officials=0).second["staff_kind"] == "community_worker").all()
    with pytest.raises(InputError, match="-1 officials"):
        assign_leaders(small, community_workers=11)


def test_floors_and_dwellings_are_counted_by_use():
    facts = describe_buildings(houses(building=["yes", "hotel", "office"], levels=[5, 5, 5]))
    # 1,000 m² of floor each: 70 % residential at 110 m², 2.6 persons per household.
    assert facts["households"].tolist() == [6, 0, 0]
    assert facts["population"].tolist() == [16, 0, 0]
    assert facts["units"].tolist() == [0, 1, 4]


def test_incidents_on_a_border_count_once_and_those_outside_not():
    frame = houses(building=["shed"])
    ground = np.array([shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)])
    happened = np.array([shapely.Point(50, 50), shapely.Point(100, 50), shapely.Point(150, 50), shapely.Point(500, 50)])
    facts = weigh(ground, np.array([0]), frame, workload=Weights(incident=0.5), incidents=happened)
    assert facts["incidents"].sum() == 3
    assert facts["from_incidents"].sum() == pytest.approx(1.5)


def test_a_building_with_known_people_and_estimated_units_is_estimated():
    boxes = [shapely.box(20 * k, 0, 20 * k + 10, 10) for k in range(3)]
    facts = {"building": "retail", "households": [3, 3, None], "units": [1, None, 1]}
    found = describe_buildings(gpd.GeoDataFrame(facts, geometry=boxes, crs=4549))
    assert found["estimated"].tolist() == [False, True, True]
