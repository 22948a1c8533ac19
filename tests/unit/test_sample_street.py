from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import shapely

from geo.layers import area_m2
from geo.sample import ModelStreet, model_street
from geo.sample.town.plan import STREET_AREA_M2

NAMES = {
    "320113003001": "长营社区",
    "320113003002": "南塑社区",
    "320113003003": "合班村社区",
    "320113003004": "金宁新村社区",
    "320113003005": "十字街社区",
    "320113003006": "东井村社区",
    "320113003007": "晓庄社区",
    "320113003008": "华电社区",
    "320113003009": "迈皋桥街社区",
    "320113003011": "万寿村社区",
    "320113003012": "兴卫村社区",
    "320113003013": "奋斗社区",
    "320113003601": "创业园",
}


@pytest.fixture(scope="module")
def other() -> ModelStreet:
    """The street of another seed."""
    return model_street(np.random.default_rng(5))


@pytest.fixture(params=["published", "other seed"])
def any_street(request: pytest.FixtureRequest, street: ModelStreet, other: ModelStreet) -> ModelStreet:
    return street if request.param == "published" else other


def test_outline_has_the_area_of_the_street_to_the_square_metre(any_street):
    outline = any_street.outline
    assert outline[["code", "name", "level"]].to_numpy().tolist() == [["320113003", "迈皋桥街道", 0]]
    assert abs(area_m2(outline.geometry)[0] - 12_460_000) < 1
    assert outline["area_m2"].iloc[0] == area_m2(outline.geometry)[0]
    assert STREET_AREA_M2 == 12_460_000


def test_outline_lies_in_north_nanjing_and_is_no_blob(any_street):
    west, south, east, north = any_street.outline.to_crs(4326).total_bounds
    assert 118.79 < west < east < 118.86
    assert 32.09 < south < north < 32.13
    outline = any_street.outline.geometry.iloc[0]
    assert 0.80 < outline.area / outline.convex_hull.area < 0.97


def test_communities_have_the_public_names_and_codes(any_street):
    communities = any_street.communities
    assert dict(zip(communities["code"], communities["name"], strict=True)) == NAMES
    assert (communities["level"] == 1).all()
    assert (communities["parent"] == "320113003").all()
    assert communities.set_index("code")["kind"].eq("park").to_dict() == {c: c == "320113003601" for c in NAMES}


def test_communities_are_an_exact_coverage_of_the_outline(any_street):
    cells = any_street.communities.geometry.array
    outline = any_street.outline.geometry.iloc[0]
    assert shapely.coverage_is_valid(cells)
    assert shapely.equals(shapely.coverage_union_all(cells), outline)
    assert {g.geom_type for g in cells} == {"Polygon"}
    assert sum(len(g.interiors) for g in cells) == 0
    corners = {tuple(xy) for xy in shapely.get_coordinates(outline)}
    assert corners <= {tuple(xy) for xy in shapely.get_coordinates(cells)}


def test_borders_between_communities_run_along_roads_river_and_railway(any_street):
    cells = any_street.communities.geometry.array
    inner = shapely.difference(shapely.union_all(shapely.boundary(cells)), any_street.outline.geometry.iloc[0].exterior)
    roads = any_street.roads
    main = roads[roads["width_m"] >= 20].geometry.array
    river = any_street.water[any_street.water["name"] == "长沟河"].geometry.array
    along = shapely.union_all(
        [shapely.union_all(main).buffer(0.01), *river, any_street.railways.geometry.iloc[0].buffer(0.01)]
    )
    assert inner.length > 10_000
    assert shapely.difference(inner, along).length < 1.0


def test_every_coordinate_lies_on_the_millimetre_lattice(any_street):
    for name, frame in any_street.layers().items():
        xy = shapely.get_coordinates(frame.geometry.array)
        assert (np.round(xy * 1000) / 1000 == xy).all(), name
        assert frame.crs.to_epsg() == 4549, name
        assert frame.is_valid.all(), name
        assert frame.index.equals(pd.RangeIndex(len(frame))), name


def test_buildings_are_about_ten_thousand_and_do_not_overlap(any_street):
    shapes = any_street.buildings.geometry.array
    assert 9_500 <= len(shapes) <= 10_500
    a, b = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    assert (a == b).all()


def test_no_building_crosses_the_outline_a_road_water_or_the_railway(any_street):
    shapes = any_street.buildings.geometry.array
    assert shapely.contains_properly(any_street.outline.geometry.iloc[0], shapes).all()
    tree = shapely.STRtree(shapes)
    for name in ("roads", "water", "railways"):
        hits = tree.query(getattr(any_street, name).geometry.array, predicate="intersects")
        assert hits.shape[1] == 0, name


def test_residents_sum_to_the_total_on_every_level(any_street):
    assert any_street.buildings["population"].sum() == 180_000
    assert any_street.communities["population"].sum() == 180_000
    assert any_street.outline["population"].iloc[0] == 180_000
    for column in ("population", "households", "units"):
        sums = any_street.buildings.groupby("community")[column].sum()
        told = any_street.communities.set_index("code")[column]
        assert (told == sums.reindex(told.index, fill_value=0)).all(), column
        inside = any_street.buildings.query("compound >= 0").groupby("compound")[column].sum()
        assert (any_street.compounds[column] == inside.reindex(any_street.compounds.index, fill_value=0)).all(), column


def test_households_are_of_a_plausible_size(any_street):
    homes = any_street.buildings.query("population > 0")
    assert 2.5 < homes["population"].sum() / homes["households"].sum() < 2.7
    assert (homes["households"] >= 1).all()
    assert (homes["households"] <= homes["population"]).all()
    assert (any_street.buildings.query("population == 0")["households"] == 0).all()
    assert set(homes["building"]) == {"apartments", "residential"}
    floor_m2 = (homes.area * homes["levels"]).sum() / 180_000
    assert 25 < floor_m2 < 60


def test_a_building_lies_in_its_compound_or_in_none(any_street):
    buildings, grounds = any_street.buildings, any_street.compounds.geometry.array
    inside = buildings[buildings["compound"] >= 0]
    assert shapely.covers(grounds[inside["compound"].to_numpy()], inside.geometry.array).all()
    on_street = buildings[buildings["compound"] == -1]
    assert set(on_street["building"]) == {"retail"}
    assert shapely.STRtree(grounds).query(on_street.geometry.array, predicate="intersects").size == 0


def test_compounds_do_not_overlap_and_stay_in_one_community(any_street):
    compounds = any_street.compounds
    grounds = compounds.geometry.array
    a, b = shapely.STRtree(grounds).query(grounds, predicate="intersects")
    assert (shapely.area(shapely.intersection(grounds[a[a < b]], grounds[b[a < b]])) == 0).all()
    cells = any_street.communities.set_index("code").geometry
    assert shapely.covers(cells[compounds["community"]].array, grounds).all()
    assert set(compounds["landuse"]) == {"residential", "education", "industrial", "commercial", "office"}
    assert compounds["name"].is_unique


def test_roads_meet_in_shared_vertices_and_hang_together(any_street):
    roads = any_street.roads
    lines = roads.geometry.array
    a, b = shapely.STRtree(lines).query(lines, predicate="intersects")
    a, b = a[a < b], b[a < b]
    vertices = [{tuple(xy) for xy in shapely.get_coordinates(line)} for line in lines]
    for i, j in zip(a, b, strict=True):
        meeting = shapely.get_coordinates(shapely.intersection(lines[i], lines[j]))
        assert {tuple(xy) for xy in meeting} <= vertices[i] & vertices[j]
    reached, waiting = {0}, [0]
    while waiting:
        here = waiting.pop()
        for there in [*b[a == here], *a[b == here]]:
            if int(there) not in reached:
                reached.add(int(there))
                waiting.append(int(there))
    assert len(reached) >= 0.99 * len(roads)


def test_roads_look_like_those_of_openstreetmap(any_street):
    roads = any_street.roads
    assert set(roads["highway"]) == {"primary", "secondary", "tertiary", "residential", "service", "footway"}
    main = roads[roads["highway"].isin(["primary", "secondary", "tertiary", "residential"])]
    assert main["name"].notna().all()
    assert roads.loc[roads["highway"] == "service", "name"].isna().all()
    assert (roads.groupby("name")["highway"].nunique() == 1).all()
    assert 150_000 < roads.length.sum() < 300_000


def test_streets_stand_at_many_angles(street):
    """A town of several districts, not one lattice: no 5-degree sector holds a third of the street length."""
    lines = street.roads.query("highway == 'residential'").geometry.array
    xy, owner = shapely.get_coordinates(lines, return_index=True)
    step = np.diff(xy, axis=0)[owner[1:] == owner[:-1]]
    angle = np.degrees(np.arctan2(step[:, 1], step[:, 0])) % 90
    share, _ = np.histogram(angle, bins=np.arange(0, 91, 5), weights=np.hypot(*step.T))
    assert share.max() / share.sum() < 0.33
    assert (share > 0.02 * share.sum()).sum() >= 6


def test_there_is_a_river_a_lake_a_hill_and_a_park(street):
    assert street.water["name"].tolist() == ["长沟河", "万寿湖"]
    river, lake = street.water.geometry
    assert 20 < 2 * river.area / (river.length - 44) < 24
    assert lake.area > 30_000
    parks = street.green.query("leisure == 'park'")
    assert parks.loc[parks["name"] == "幕燕山公园"].area.sum() > 800_000
    assert parks.geometry.intersects(lake.buffer(5)).any()
    assert not parks.geometry.buffer(-0.01).intersects(lake).any()
    assert (street.green["leisure"] == "pitch").sum() >= 5


def test_towers_slabs_village_houses_and_shops_are_all_there(street):
    buildings = street.buildings
    flats = buildings.query("building == 'apartments'")
    assert (flats["levels"] >= 18).sum() > 150
    assert flats["levels"].between(5, 7).sum() > 600
    assert (buildings["building"] == "residential").sum() > 2_500
    shops = buildings.query("building == 'retail'")
    assert len(shops) > 1_500
    assert (shops["units"] >= 1).all()
    works = buildings.query("building == 'industrial'")
    assert works.area.max() > 2_000


def test_same_seed_gives_the_same_bytes(street):
    again = model_street()
    for name, frame in street.layers().items():
        twin = again.layers()[name]
        assert (shapely.to_wkb(frame.geometry.array) == shapely.to_wkb(twin.geometry.array)).all(), name
        pd.testing.assert_frame_equal(
            pd.DataFrame(frame.drop(columns="geometry")), pd.DataFrame(twin.drop(columns="geometry"))
        )


def test_another_seed_gives_another_town(street, other):
    assert not street.buildings.geometry.iloc[0].equals(other.buildings.geometry.iloc[0])
    assert not street.outline.geometry.iloc[0].equals(other.outline.geometry.iloc[0])


def test_villages_have_lanes_and_houses_keep_off_lanes_and_drives(street):
    drives = street.roads[street.roads["highway"] == "service"]
    villages = street.compounds[(street.compounds["landuse"] == "residential") & ~street.compounds["walled"]]
    ground = shapely.union_all(villages.geometry.array)
    lanes = shapely.intersects(drives.geometry.array, ground)
    assert lanes.sum() > 50
    near = shapely.STRtree(street.buildings.geometry.array)
    for some, free_m in ((lanes, 0.69), (~lanes, 2.49)):
        mine = drives[some]
        _, metres = near.query_nearest(mine.geometry.array, return_distance=True, all_matches=False)
        assert (metres - mine["width_m"].to_numpy() / 2).min() >= free_m


def test_shops_stand_at_roads_of_all_classes(street):
    shops = street.buildings[street.buildings["building"] == "retail"]
    roads = street.roads[street.roads["highway"].isin(["primary", "secondary", "tertiary", "residential"])]
    _, road = shapely.STRtree(roads.geometry.array).query_nearest(shops.geometry.array, all_matches=False)
    share = roads["highway"].iloc[road].value_counts(normalize=True)
    assert set(share.index) == {"primary", "secondary", "tertiary", "residential"}
    # Edges at residential streets, which are the most by far, have shops three times less often than those at main roads.
    assert share["residential"] < 0.6
    assert 2_000 < len(shops) < 3_000
