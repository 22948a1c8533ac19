"""The model street divided into 13, 255 and 3,052."""

from __future__ import annotations

import numpy as np
import pytest
import shapely

from geo.coverage import check_division
from geo.divide import balance
from geo.layers import Division, Level, area_m2, read_division, write_division

# The street and its division take a minute of one core, and more on a busy machine.
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def division(model_division) -> Division:
    return model_division


def test_counts_are_exact(division):
    assert division.counts == (13, 255, 3052)


def test_it_passes_the_check(division):
    report = check_division(division, expected=(13, 255, 3052))
    assert report.ok, report.summary()


def test_cells_are_single_polygons_without_holes(division):
    for level in Level:
        shapes = np.asarray(division.layer(level).geometry.array)
        assert (shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON).all()
        assert (shapely.get_num_interior_rings(shapes) == 0).all()
        assert shapely.coverage_is_valid(shapes)


def test_people_are_conserved(division, street):
    for level in Level:
        assert division.layer(level)["population"].sum() == 180_000
        assert division.layer(level)["households"].sum() == street.buildings["households"].sum()
        assert division.layer(level)["buildings"].sum() == len(street.buildings)
    assert area_m2(division.street.geometry)[0] == pytest.approx(12_460_000, abs=3)


def test_communities_are_the_legal_ones(division, street):
    found = division.community.set_index("code")
    for code, name, shape in zip(
        street.communities["code"], street.communities["name"], street.communities.geometry, strict=True
    ):
        assert found.loc[code, "name"] == name
        # Every given vertex is kept; where a road meets the border a vertex is added, at most half a millimetre off.
        kept = set(map(tuple, shapely.get_coordinates(found.geometry[code]).tolist()))
        assert set(map(tuple, shapely.get_coordinates(shape).tolist())) <= kept
        assert shapely.hausdorff_distance(found.geometry[code], shape) < 0.0015


def test_no_building_is_cut(division, street):
    assert division.third.attrs["buildings_cut"] == []
    cells, footprints = np.asarray(division.third.geometry.array), np.asarray(street.buildings.geometry.array)
    core = shapely.buffer(footprints, -0.05)
    building, _ = shapely.STRtree(cells).query(core, predicate="intersects")
    assert (np.bincount(building, minlength=len(core)) == 1).all()


def test_second_level_is_fair(division):
    off = (balance(division, Level.SECOND) - 1).abs()
    assert off.max() < 0.15
    assert (off < 0.05).mean() > 0.9


def test_a_leader_for_each_grid(division):
    staffed = division.second
    assert staffed["staff_kind"].value_counts().to_dict() == {"official": 111, "community_worker": 144}
    assert sorted(staffed["leader"]) == [f"G{n:03d}" for n in range(1, 112)] + [f"S{n:03d}" for n in range(1, 145)]


def test_it_survives_the_way_to_a_file_and_back(division, tmp_path):
    write_division(division, tmp_path / "division.gpkg")
    again = read_division(tmp_path / "division.gpkg")
    for level in Level:
        assert again.layer(level)["code"].tolist() == division.layer(level)["code"].tolist()
        assert again.layer(level).geometry.geom_equals(division.layer(level).geometry).all()
