"""The complete division of a small street, and refused input."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.divide import Weights, balance, divide
from geo.errors import CrsError, GeometryError, ImpossibleError, InputError
from geo.layers import ADDITIVE_COLUMNS, LAYER_COLUMNS, Division, Level

CRS = "EPSG:4549"
X, Y = 388_000.0, 3_554_000.0
COUNTS = (2, 6, 30)


def at(shape: shapely.Geometry) -> shapely.Geometry:
    return shapely.transform(shape, lambda xy: xy + np.array([X, Y]))


def frame(shapes: list[shapely.Geometry], **columns: object) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=[at(s) for s in shapes], crs=CRS)


STREET = frame([shapely.box(0, 0, 600, 400)], code=["320113003"], name=["测试街道"])
ROADS = frame(
    [
        shapely.LineString([(300, -5), (300, 405)]),
        shapely.LineString([(0, 200), (600, 200)]),
        shapely.LineString([(150, 0), (150, 395)]),
    ],
    highway=["primary", "secondary", "residential"],
)
LEGAL = frame(
    [shapely.box(300, 0, 600, 400), shapely.box(0, 0, 300, 400)],
    code=["320113003002", "320113003601"],
    name=["东社区", "园区"],
)


@pytest.fixture(scope="module")
def town() -> gpd.GeoDataFrame:
    rng = np.random.default_rng(4)
    x, y = np.meshgrid(np.arange(12) * 48.0 + 15, np.arange(9) * 43.0 + 12)
    x, y = x.ravel() + rng.uniform(0, 8, x.size), y.ravel() + rng.uniform(0, 6, x.size)
    boxes = [shapely.box(a, b, a + 22, b + 12) for a, b in zip(x, y, strict=True)]
    return frame(boxes, building="apartments", levels=rng.integers(3, 9, len(boxes)))


@pytest.fixture(scope="module")
def division(town) -> Division:
    return divide(STREET, roads=ROADS, buildings=town, communities=LEGAL, counts=COUNTS, valid_from=dt.date(2026, 7, 1))


def test_counts_are_exact_and_codes_nest(division):
    assert division.counts == COUNTS
    for upper, lower in ((Level.STREET, Level.COMMUNITY), (Level.COMMUNITY, Level.SECOND), (Level.SECOND, Level.THIRD)):
        assert set(division.layer(lower)["parent"]) == set(division.layer(upper)["code"])
        assert division.layer(lower)["code"].is_unique
    assert (division.third["code"].str[:-3] == division.third["parent"]).all()


def test_the_order_of_buildings_and_roads_makes_no_difference(town, division):
    again = divide(
        STREET,
        roads=ROADS.iloc[[2, 0, 1]],
        buildings=town.sample(frac=1, random_state=3),
        communities=LEGAL,
        counts=COUNTS,
        valid_from=dt.date(2026, 7, 1),
    )
    for level in Level:
        one, other = division.layer(level), again.layer(level)
        assert other["code"].tolist() == one["code"].tolist()
        assert other.geometry.geom_equals(one.geometry).all()
        assert np.allclose(other["workload"], one["workload"], rtol=1e-9)


def test_every_level_is_a_coverage_of_the_street_in_single_polygons(division):
    for level in Level:
        shapes = np.asarray(division.layer(level).geometry.array)
        assert (shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON).all()
        assert (shapely.get_num_interior_rings(shapes) == 0).all()
        assert shapely.coverage_is_valid(shapes)
        assert shapely.area(shapes).sum() == pytest.approx(240_000, abs=0.5)


def test_children_lie_in_their_parent_to_the_last_digit(division):
    for upper, lower in ((division.community, division.second), (division.second, division.third)):
        for _, cell in upper.iterrows():
            children = lower.geometry[lower["parent"] == cell["code"]]
            assert shapely.coverage_union_all(np.asarray(children.array)).symmetric_difference(cell.geometry).area == 0


def test_given_communities_keep_name_code_and_vertices(division):
    found = division.community.set_index("code")
    assert found["name"].to_dict() == {"320113003002": "东社区", "320113003601": "园区"}
    for code, shape in zip(LEGAL["code"], LEGAL.geometry, strict=True):
        assert found.geometry[code].equals(shape)
    assert division.third["name"].str.match(r"^(东社区|园区)第\d网格-\d\d$").all()


def test_sums_are_conserved(division, town):
    for column in (*ADDITIVE_COLUMNS, "buildings"):
        sums = [float(division.layer(level)[column].sum()) for level in Level]
        assert sums == pytest.approx([sums[0]] * 4)
    assert division.street["buildings"].iloc[0] == len(town)
    assert division.third["workload"].sum() == pytest.approx(division.third.filter(like="from_").sum().sum())


def test_columns_are_those_of_a_layer(division):
    for level in Level:
        assert list(division.layer(level).columns[: len(LAYER_COLUMNS)]) == list(LAYER_COLUMNS)
    assert set(division.third["valid_from"]) == {"2026-07-01"}


def test_no_building_is_cut(division, town):
    line = shapely.union_all(shapely.boundary(np.asarray(division.third.geometry.array)))
    core = shapely.buffer(np.asarray(town.geometry.array), -0.05)
    assert not shapely.intersects(core, line).any()


def test_second_level_is_balanced(division):
    assert (balance(division, Level.SECOND) - 1).abs().max() < 0.15


def test_same_seed_same_bytes_and_inputs_unchanged(division, town):
    before = town.copy()
    again = divide(
        STREET, roads=ROADS, buildings=town, communities=LEGAL, counts=COUNTS, valid_from=dt.date(2026, 7, 1)
    )
    for level in Level:
        assert division.layer(level).to_wkb().equals(again.layer(level).to_wkb())
    pd.testing.assert_frame_equal(pd.DataFrame(before), pd.DataFrame(town))


def test_other_crs_gives_the_same_street(town):
    found = divide(STREET.to_crs(4326), roads=ROADS.to_crs(3857), buildings=town.to_crs(4326), counts=COUNTS)
    assert found.crs.to_epsg() == 4549
    assert found.counts == COUNTS
    assert shapely.area(np.asarray(found.third.geometry.array)).sum() == pytest.approx(240_000, abs=1)
    assert list(found.community["name"]) == ["第一社区", "第二社区"]


def test_outline_alone_is_enough():
    found = divide(STREET, counts=(1, 3, 12))
    assert found.counts == (1, 3, 12)
    assert shapely.coverage_is_valid(np.asarray(found.third.geometry.array))


def test_progress_rises_to_one(town):
    seen: list[float] = []
    divide(STREET, buildings=town, counts=(1, 2, 4), progress=lambda step, done: seen.append(done))
    assert seen == sorted(seen)
    assert seen[-1] == 1.0


def test_more_grids_than_ground_is_impossible():
    with pytest.raises(ImpossibleError, match="pieces at most; request fewer"):
        divide(frame([shapely.box(0, 0, 30, 30)]), counts=(1, 2, 500))


def test_counts_must_rise():
    with pytest.raises(ImpossibleError, match="at least as many grids"):
        divide(STREET, counts=(3, 2, 10))


def test_counts_must_fit_the_communities():
    with pytest.raises(InputError, match="2 are given, but 3"):
        divide(STREET, communities=LEGAL, counts=(3, 6, 30))


def test_no_workload_at_all_is_refused(town):
    with pytest.raises(InputError, match="0 everywhere"):
        divide(STREET, buildings=town, counts=(1, 2, 4), workload=Weights(household=0, unit=0, floor=0, ground=0))


def test_detached_street_is_refused_with_its_parts():
    apart = frame([shapely.MultiPolygon([shapely.box(0, 0, 100, 100), shapely.box(200, 0, 300, 100)])])
    with pytest.raises(InputError, match="2 detached parts"):
        divide(apart, counts=(1, 1, 1))


def test_roads_elsewhere_are_refused():
    far = ROADS.set_geometry(ROADS.translate(50_000, 0))
    with pytest.raises(InputError, match="none lies in the street"):
        divide(STREET, roads=far, counts=(1, 2, 4))


def test_roads_that_are_none_are_refused():
    with pytest.raises(InputError, match="footway"):
        divide(STREET, roads=ROADS.assign(highway="footway"), counts=(1, 2, 4))


def test_missing_crs_is_refused_by_layer(town):
    with pytest.raises(CrsError, match="buildings"):
        divide(STREET, buildings=town.set_crs(None, allow_override=True), counts=(1, 2, 4))


def test_empty_layer_is_refused_by_name():
    with pytest.raises(GeometryError, match="roads: the layer is empty"):
        divide(STREET, roads=ROADS.iloc[:0], counts=(1, 2, 4))


def test_rounding_of_the_outline_is_reported(town, division):
    assert division.third.attrs["outline_rounding"] == {"missing_m2": 0.0, "beyond_m2": 0.0}
    # The same street rotated by seven degrees: corners and road ends deviate from the given line by less than 1 mm.
    turned = [
        layer.set_geometry(layer.geometry.rotate(7.3, origin=(X + 1 / 3, Y + 1 / 7))) for layer in (STREET, ROADS, town)
    ]
    drawn = divide(turned[0], roads=turned[1], buildings=turned[2], counts=COUNTS)
    reported = drawn.third.attrs["outline_rounding"]
    given, made = turned[0].geometry.iloc[0], drawn.third.geometry.union_all()
    assert reported["missing_m2"] == pytest.approx(given.difference(made).area, abs=1e-3)
    assert reported["beyond_m2"] == pytest.approx(made.difference(given).area, abs=1e-3)
    assert 0 < reported["missing_m2"] + reported["beyond_m2"] < 0.001 * given.length
