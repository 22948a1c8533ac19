"""Boundary cases not covered elsewhere: gaps of several faces, protected cells, hashes, counts, borders of invalid polygons."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.coverage import Mesh, check, plan_repair
from geo.coverage.arcs import neighbours
from geo.coverage.repairing.assignment import assign_ground
from geo.coverage.repairing.original_vertices import OriginalCoordinates
from geo.coverage.repairing.overlay import Overlay

E, N = 380000.0, 3550000.0


def frame(*shapes: shapely.Geometry) -> gpd.GeoDataFrame:
    moved = [shapely.transform(shape, lambda xy: xy + np.array([E, N])) for shape in shapes]
    return gpd.GeoDataFrame({"code": [f"c{i}" for i in range(len(shapes))]}, geometry=moved, crs=4549)


def test_ground_at_a_crossing_counts_as_overlap_though_it_is_not_listed() -> None:
    loop = "POLYGON ((0 0, 100 0, 100 48, 106 58, 106 42, 100 52, 100 100, 0 100, 0 0))"
    cells = frame(shapely.from_wkt(loop), shapely.box(100, 0, 200, 100))
    report = check(cells)
    assert report.counts() == {"invalid_geometry": 1}
    level = report.levels[0]
    twin = shapely.make_valid(cells.geometry.iloc[0]).intersection(cells.geometry.iloc[1]).area
    assert level.overlap_m2 == pytest.approx(twin)
    assert (level.not_listed["overlaps"], level.not_listed["overlap_m2"]) == (1, pytest.approx(twin))


def test_a_pinched_cell_explains_no_vertex_elsewhere_on_its_border() -> None:
    pinched = "POLYGON ((0 0, 100 0, 100 100, 50 100, 60 90, 40 90, 50 100, 0 100, 0 0))"
    east = shapely.from_wkt("POLYGON ((100 0, 200 0, 200 100, 100 100, 100 50, 100 0))")
    assert check(frame(shapely.from_wkt(pinched), east)).counts()["unmatched_edge"] == 1


@pytest.mark.parametrize(("expected", "wrong"), [(1, True), (2, False), (3, True)])
def test_more_cells_are_as_wrong_as_fewer(expected: int, wrong: bool) -> None:
    cells = frame(shapely.box(0, 0, 9, 9), shapely.box(9, 0, 18, 9))
    assert ("wrong_count" in check(cells, expected=expected).counts()) is wrong


def test_each_missing_parent_is_a_thing_of_its_own() -> None:
    cells = frame(*(shapely.box(10 * i, 0, 10 * i + 10, 10) for i in range(6))).assign(
        parent=["a", "b", "b", "x", "x", "c"]
    )
    parents = frame(shapely.box(0, 0, 60, 10)).assign(code=["c"])
    groups = [group for group in check(cells, parents=parents).groups() if group.cause == "missing_parent"]
    assert [(dict(group.parents), group.count) for group in groups] == [({"b": 2}, 2), ({"x": 2}, 2), ({"a": 1}, 1)]


def test_by_place_a_cell_over_three_parents_reaches_out_and_is_in_no_wrong_one() -> None:
    cells = frame(shapely.box(0, 0, 100, 10)).drop(columns="code")
    parents = frame(shapely.box(0, 0, 40, 10), shapely.box(40, 0, 75, 10), shapely.box(75, 0, 100, 10))
    report = check(cells, parents=parents)
    assert report.levels[0].parent_rule == "place"
    assert report.counts() == {"not_nested": 1}
    assert report.findings["area_m2"].iloc[0] == pytest.approx(600)


def test_the_hash_of_a_mesh_knows_the_crs() -> None:
    cells = frame(shapely.box(0, 0, 10, 10))
    here, there = Mesh.from_layer(cells).hash(), Mesh.from_layer(cells.set_crs(4548, allow_override=True)).hash()
    assert here != there
    assert here == Mesh.from_layer(cells.assign(population=5)).hash()


def overlay(*faces: shapely.Geometry, held: dict[int, int]) -> Overlay:
    """Faces in one zone, some of them owned by cells."""
    polygons = np.array(frame(*faces).geometry.array, dtype=object)
    arcs = Mesh.from_layer(frame(*faces)).arcs
    cells = np.array(sorted(set(held.values())), dtype=np.int64)
    nothing = OriginalCoordinates(np.empty((0, 2), dtype=np.int64), np.empty((0, 2)), np.empty(0, dtype=bool))
    face, cell = (np.array(values, dtype=np.int64) for values in zip(*sorted(held.items()), strict=True))
    zone = np.zeros(len(faces), dtype=np.int64)
    return Overlay(
        cells, polygons, arcs, nothing, zone, np.zeros(len(cells), dtype=np.int64), face, cell, neighbours(arcs)
    )


@pytest.mark.parametrize(("limit", "open_faces"), [(99.0, [1, 2]), (119.0, [1, 2]), (120.0, []), (500.0, [])])
def test_faces_of_one_gap_count_together(limit: float, open_faces: list[int]) -> None:
    faces = [
        shapely.box(0, 0, 10, 10),
        shapely.box(10, 0, 16, 10),
        shapely.box(16, 0, 22, 10),
        shapely.box(22, 0, 32, 10),
    ]
    made = overlay(*faces, held={0: 0, 3: 1})
    shapes = np.array(frame(faces[0], faces[3]).geometry.array, dtype=object)
    choice = assign_ground(made, shapes, np.zeros(2, dtype=bool), limit)
    assert choice.open_gaps.tolist() == open_faces
    assert np.flatnonzero(choice.owner < 0).tolist() == open_faces


def test_a_protected_cell_gains_nothing() -> None:
    cells = frame(shapely.box(0, 0, 100, 100), shapely.box(101, 0, 200, 100), shapely.box(0, 100, 200, 200))
    outline = shapely.transform(shapely.box(0, 0, 200, 200), lambda xy: xy + np.array([E, N]))
    free = plan_repair(cells, outline=outline).changes.set_index("cell")
    assert free["gained_m2"].get("c0", 0) == pytest.approx(100)
    kept = plan_repair(cells, outline=outline, protected=["c0"]).changes.set_index("cell")
    assert "c0" not in kept.index
    assert kept["gained_m2"]["c1"] == pytest.approx(100)


def test_the_number_of_gaps_is_that_of_separate_holes() -> None:
    holed = shapely.box(0, 0, 100, 100).difference(
        shapely.MultiPolygon([shapely.box(10, 10, 20, 20), shapely.box(50, 50, 60, 60)])
    )
    report = check(frame(holed, shapely.box(100, 0, 200, 100)))
    assert report.counts() == {"gap": 2}
    assert report.levels[0].below_tolerance["gaps"] == 0
    hair = shapely.box(0, 0, 100, 100).difference(shapely.box(10, 10, 20, 10.0005))
    fine = check(frame(hair, shapely.box(100, 0, 200, 100)))
    assert fine.counts() == {}
    assert fine.levels[0].below_tolerance["gaps"] == 1
