"""Figures, codes, names and refusals of a division, each in a case small enough to compute by hand."""

from __future__ import annotations

import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.divide import bounds_of_communities, compactness, limits, measures_of, partition
from geo.divide.assemble import _SUMS, assemble
from geo.divide.frontier import Frontier, Point, require_budget
from geo.divide.inputs import prepare
from geo.divide.naming import community_name
from geo.divide.report import balance_plot, fingerprint
from geo.divide.workload import describe_buildings
from geo.errors import ImpossibleError, InputError
from geo.layers import Division, Level

CRS = "EPSG:4549"
E0, N0 = 388_000, 3_554_000


def boxes(count, side=100):
    return [shapely.box(E0 + k * side, N0, E0 + (k + 1) * side, N0 + side) for k in range(count)]


def layer(codes, parents, shapes, loads):
    columns = {"code": codes, "name": codes, "parent": parents, "workload": loads, "area_m2": shapely.area(shapes)}
    return gpd.GeoDataFrame(columns, geometry=list(shapes), crs=CRS)


@pytest.fixture
def two_communities():
    """Two communities of two grids of one cell each; the heaviest grid is in the first, the most uneven pair in the second."""
    cells = boxes(4)
    pairs = [shapely.union_all(cells[:2]), shapely.union_all(cells[2:])]
    load = [9.0, 11.0, 1.0, 4.0]
    return Division(
        street=layer(["S"], [""], [shapely.union_all(cells)], [25.0]),
        community=layer(["C", "D"], ["S", "S"], pairs, [20.0, 5.0]),
        second=layer(list("1234"), list("CCDD"), cells, load),
        third=layer(list("5678"), list("1234"), cells, load),
    )


def test_grids_reached_and_bound_are_those_of_each_community(two_communities):
    table = bounds_of_communities(two_communities)
    assert table["grids"].tolist() == [2, 2]
    assert table["reached"].tolist() == pytest.approx([0.1, 0.6])
    assert table["bound"].tolist() == pytest.approx([0.1, 0.6])


def test_the_largest_deviation_may_be_below_the_mean(two_communities):
    """Loads 1, 7 and 7: the first is .8 below the mean of 5, the others .4 above."""
    cells = boxes(3)
    second = layer(list("123"), list("CCC"), cells, [1.0, 7.0, 7.0])
    row = two_communities.with_layer(Level.COMMUNITY, two_communities.community.iloc[:1])
    row = row.with_layer(Level.SECOND, second).with_layer(
        Level.THIRD, layer(list("567"), list("123"), cells, [1, 7, 7])
    )
    assert bounds_of_communities(row)["reached"].tolist() == pytest.approx([0.8])
    frame = gpd.GeoDataFrame({"workload": [1.0, 7.0, 7.0]}, geometry=cells, crs=CRS)
    groups = pd.DataFrame({"second": [0, 1, 2]}, index=frame.index)
    assert limits(frame, groups)["reached"].tolist() == pytest.approx([0.8])


def test_a_column_without_values_is_no_measure(two_communities):
    second = two_communities.second.assign(population=np.nan)
    assert "population" not in measures_of(two_communities.with_layer(Level.SECOND, second), Level.SECOND)
    some = second.assign(population=[1.0, np.nan, np.nan, np.nan])
    assert "population" in measures_of(two_communities.with_layer(Level.SECOND, some), Level.SECOND)


def test_a_square_is_less_compact_than_a_disc():
    shapes = [shapely.box(0, 0, 10, 10), shapely.Point(0, 0).buffer(10, quad_segs=256)]
    found = compactness(gpd.GeoDataFrame(geometry=shapes, crs=CRS, index=["a", "b"]))
    assert found["a"] == pytest.approx(np.pi / 4)
    assert found["b"] == pytest.approx(1.0, abs=1e-4)


def test_exactly_the_tolerance_is_within_it():
    frontier = Frontier((Point(0.3, 0.0, 0.0, 0.0, pd.Series([0])), Point(0.1, 0.05, 0.0, 0.0, pd.Series([1]))))
    assert require_budget(frontier, 0.05, 0.1).imbalance == 0.1
    with pytest.raises(ImpossibleError, match=r"best found is 10\.0% off, not 9%"):
        require_budget(frontier, 0.05, 0.09)
    with pytest.raises(ImpossibleError, match=r"best found is 30\.0% off"):
        require_budget(frontier, 0.04, 0.1)


@pytest.mark.parametrize(
    ("code", "name"), [("320113003010", "第十社区"), ("320113003099", "第九十九社区"), ("320113003100", "第100社区")]
)
def test_communities_have_numerals_below_a_hundred(code, name):
    assert community_name(code) == name


def test_the_fingerprint_tells_crs_geometry_attributes_and_index_apart():
    frame = gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.box(0, 0, 1, 1)], crs=CRS)
    others = [
        frame.set_crs(4547, allow_override=True),
        frame.assign(a=2),
        frame.rename(columns={"a": "b"}),
        frame.set_axis([1]),
        frame.set_geometry([shapely.box(0, 0, 1, 2)], crs=CRS),
    ]
    assert len({fingerprint(one) for one in (frame, *others)}) == 6
    assert fingerprint(frame) == fingerprint(frame.copy())
    assert fingerprint(None) is None


def test_the_histogram_has_light_grids_on_the_left(two_communities):
    """Of each community one grid is below and one above the mean; both are as far off, so the chart is symmetric in x only."""
    cells = boxes(3)
    second = layer(list("123"), list("CCC"), cells, [4.0, 4.0, 7.0])  # -20 %, -20 %, +40 %
    drawn = balance_plot(two_communities.with_layer(Level.SECOND, second), Level.SECOND)
    bars = [(float(x), float(h)) for x, h in re.findall(r'<rect x="([\d.]+)"[^>]*height="([\d.]+)"', drawn)]
    tall = [(x, h) for x, h in bars if h > 0][-2:]
    assert len(tall) == 2
    assert tall[0][0] < tall[1][0]
    assert tall[0][1] == pytest.approx(2 * tall[1][1])


def test_a_building_without_storeys_has_its_ground_and_an_unknown_one_the_usual_floors():
    shapes = boxes(3, 10)
    frame = gpd.GeoDataFrame({"building": "office", "levels": [0, 1, 4]}, geometry=shapes, crs=CRS)
    assert describe_buildings(frame)["floor_m2"].tolist() == [100.0, 100.0, 400.0]


@pytest.mark.parametrize(("side", "kept"), [(0.7, 0), (0.75, 1), (5.0, 1)])
def test_footprints_of_half_a_square_metre_are_buildings(side, kept):
    street = gpd.GeoDataFrame(geometry=boxes(1), crs=CRS)
    corner = shapely.box(E0 + 50, N0 + 50, E0 + 50 + side, N0 + 50 + side)
    built = gpd.GeoDataFrame({"building": ["yes"]}, geometry=[corner], crs=CRS)
    given = prepare(street, roads=None, buildings=built, barriers=None, communities=None)
    assert len(given.buildings) == kept


def atoms(count):
    return gpd.GeoDataFrame({name: np.ones(count) for name in _SUMS}, geometry=boxes(count), crs=CRS)


def assembled(street, communities=None, groups=((0, 0, 1, 1),) * 3):
    levels = dict(zip((Level.COMMUNITY, Level.SECOND, Level.THIRD), map(np.array, groups), strict=True))
    given = gpd.GeoDataFrame({"code": [street]}, geometry=[shapely.union_all(boxes(4))], crs=CRS)
    return assemble(atoms(4), levels, street=given, communities=communities, valid_from=None)[0]


def named(*codes):
    return gpd.GeoDataFrame({"code": list(codes)}, geometry=boxes(2, 200), crs=CRS)


def test_the_code_of_the_street_is_the_given_one_or_the_prefix_of_all_communities():
    assert assembled("320113003").street["code"].tolist() == ["320113003"]
    assert assembled(None, named("320113003001", "320113003002")).street["code"].tolist() == ["320113003"]
    mixed = assembled(None, named("320113003001", "320113004002"))
    assert mixed.street["code"].tolist() == ["000000001"]
    assert mixed.community["code"].str.startswith("000000001").all()


def test_codes_of_communities_are_kept_if_all_are_of_the_street_and_different():
    kept = assembled("320113003", named("320113003007", "320113003004"))
    assert kept.community["code"].tolist() == ["320113003004", "320113003007"]
    twice = assembled("320113003", named("320113003007", "320113003007"))
    assert twice.community["code"].tolist() == ["320113003001", "320113003002"]
    foreign = assembled("320113003", named("320113003007", "320113004001"))
    assert foreign.community["code"].tolist() == ["320113003001", "320113003002"]


@pytest.mark.parametrize(
    ("groups", "low"),
    [(((0, 0, 1, 1), (0, 0, 1, 1), (0, 1, 1, 2)), "third"), (((0, 1, 1, 1), (0, 0, 1, 1), (0, 1, 2, 3)), "second")],
)
def test_groups_that_do_not_nest_are_refused(groups, low):
    with pytest.raises(ImpossibleError, match=f"{low}: some grids lie in more than one"):
        assembled("320113003", groups=groups)


def test_communities_of_cells_have_the_requested_number_and_keep_inner_cells():
    """A cell inside a cell of another community could not be reached from its own."""
    around = shapely.box(E0, N0, E0 + 300, N0 + 300)
    inner = shapely.box(E0 + 100, N0 + 100, E0 + 200, N0 + 200)
    shapes = [around.difference(inner), inner, shapely.box(E0 + 300, N0, E0 + 600, N0 + 300)]
    cells = gpd.GeoDataFrame({"workload": 1.0}, geometry=shapes, crs=CRS, index=["ring", "hole", "east"])
    with pytest.raises(InputError, match="2 are given, but 1 are requested; request 2"):
        partition(cells, (1, 2), communities=pd.Series(["x", "x", "y"], cells.index))
    with pytest.raises(InputError, match="cells hole lie inside a cell of another community"):
        partition(cells, (2, 2), communities=pd.Series(["x", "y", "y"], cells.index))
    assert partition(cells, (2, 2), communities=pd.Series(["x", "x", "y"], cells.index))["community"].nunique() == 2
