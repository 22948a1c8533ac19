"""Faults at the outline and at the limits of detection: inlets and strips, slivers, vertices of one side only."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.coverage import check, plan_repair
from geo.coverage.edges import directed_rings, without_precision_grid
from geo.coverage.repairing.plan import _moved_m

WEST, SOUTH = 387000.0, 3553000.0


def layer(*wkt_local: str) -> gpd.GeoDataFrame:
    shapes = [shapely.transform(shapely.from_wkt(w), lambda xy: np.add(xy, [WEST, SOUTH])) for w in wkt_local]
    return gpd.GeoDataFrame({"code": [f"c{i}" for i in range(len(shapes))]}, geometry=shapes, crs=4549)


def halves() -> gpd.GeoDataFrame:
    """Two adjacent cells of 100 × 100 m, whose outline is slanted so that no point lies exactly on it."""
    return layer("POLYGON ((0 0, 100 7, 100 100, 0 100, 0 0))", "POLYGON ((100 7, 200 14, 200 100, 100 100, 100 7))")


def outline() -> gpd.GeoDataFrame:
    """Without the vertex between the two cells in the south: it lies on a long edge."""
    return layer("POLYGON ((0 0, 200 14, 200 100, 100 100, 0 100, 0 0))")


def without(cells: gpd.GeoDataFrame, *wkt_local: str) -> gpd.GeoDataFrame:
    hole = shapely.union_all(layer(*wkt_local).geometry.array)
    return cells.set_geometry(cells.geometry.difference(hole))


@pytest.mark.parametrize(
    ("kind", "wkt"),
    [
        ("inlet", "POLYGON ((49 80, 51 80, 51 101, 49 101, 49 80))"),
        ("inlet", "POLYGON ((40 90, 60 90, 60 101, 40 101, 40 90))"),  # as deep as half its opening, like half a disc
        ("outline_uncovered", "POLYGON ((35 90, 65 90, 65 101, 35 101, 35 90))"),  # a third
        ("outline_uncovered", "POLYGON ((20 99, 80 99, 80 101, 20 101, 20 99))"),
        ("inlet", "POLYGON ((99.5 40, 100.5 40, 100.5 101, 99.5 101, 99.5 40))"),  # along the border of both
    ],
)
def test_an_inlet_reaches_in_and_a_strip_does_not(kind: str, wkt: str) -> None:
    assert check(without(halves(), wkt), outline=outline()).counts() == {kind: 1}


def test_an_inlet_that_passes_many_cells_is_one_still() -> None:
    cells = layer(*[f"POLYGON ((0 {y}, 100 {y}, 100 {y + 20}, 0 {y + 20}, 0 {y}))" for y in range(0, 100, 20)])
    area = layer("POLYGON ((0 0, 100 0, 100 100, 0 100, 0 0))")
    cut = "POLYGON ((50 10, 51 10, 51 101, 50 101, 50 10))"
    broken = without(cells, cut)
    assert check(broken, outline=area).counts() == {"inlet": 1, "detached_part": 4}


def test_a_vertex_between_cells_that_the_outline_lacks_is_no_fault_and_is_left_alone() -> None:
    cells = halves()
    assert check(cells, outline=outline()).counts() == {}
    plan = plan_repair(cells, outline=outline())
    assert plan.changes.empty
    assert shapely.to_wkb(plan.cells.geometry.array).tolist() == shapely.to_wkb(cells.geometry.array).tolist()


@pytest.mark.parametrize(
    "wkt", ["POLYGON ((20 1.3, 70 4.8, 70 9, 20 9, 20 1.3))", "POLYGON ((20 -5, 70 -5, 70 20, 20 20, 20 -5))"]
)
def test_a_second_repair_at_a_slanted_outline_changes_no_bit(wkt: str) -> None:
    for broken in (without(halves(), wkt), halves().set_geometry(halves().geometry.union(layer(wkt).geometry[0]))):
        once = plan_repair(broken, outline=outline()).cells
        assert check(once, outline=outline()).counts() == {}
        again = plan_repair(once, outline=outline()).cells
        assert shapely.to_wkb(again.geometry.array).tolist() == shapely.to_wkb(once.geometry.array).tolist()


def test_vertices_on_either_side_of_a_slanted_edge_by_rounding_are_left_alone() -> None:
    """On the lattice the border through both crosses the outline's edge between them, which would add a vertex."""
    a, b = (387046.455, 3553087.017), (387044.262, 3553108.212)
    v, w = (387045.51254828507, 3553096.1256475593), (387045.2044517149, 3553099.103352441)
    area = gpd.GeoDataFrame(geometry=[shapely.Polygon([a, b, (386900, 3553100)])], crs=4549)
    cells = gpd.GeoDataFrame({"code": ["c"]}, geometry=[shapely.Polygon([a, v, w, b, (386900, 3553100)])], crs=4549)
    mended = plan_repair(cells, outline=area).cells
    assert shapely.to_wkb(mended.geometry.array).tolist() == shapely.to_wkb(cells.geometry.array).tolist()


def test_a_part_that_hangs_on_by_a_corner_is_told_from_one_that_lies_apart() -> None:
    beside = "MULTIPOLYGON (((0 0, 9 0, 9 9, 0 9, 0 0)), ((9 9, 15 9, 15 15, 9 15, 9 9)), ((30 0, 33 0, 33 3, 30 0)))"
    assert check(layer(beside)).counts() == {"corner_contact": 1, "detached_part": 1}


def test_a_declared_area_may_differ_by_a_thousandth() -> None:
    cells = halves()
    assert check(cells.assign(area_m2=cells.geometry.area * 1.0005)).counts() == {}
    assert check(cells.assign(area_m2=cells.geometry.area * 1.002)).counts() == {"area_mismatch": 2}


def test_an_inlet_of_the_outline_itself_is_no_fault_of_the_cells_beside_it() -> None:
    """The outline has a crack of 0.5 mm between two cells; one has a vertex in it that the other lacks."""
    west = "POLYGON ((0 0, 50 0, 50 50, 49.9995 70, 49.9995 100, 0 100, 0 0))"
    cells = layer(west, "POLYGON ((50 0, 100 0, 100 100, 50 100, 50 50, 50 0))")
    street = gpd.GeoDataFrame(geometry=[shapely.union_all(cells.geometry.array)], crs=4549)
    assert check(cells, outline=street).counts() == {}
    assert check(cells).counts() == {"unmatched_edge": 1}


def test_a_cell_over_the_whole_outline_with_vertices_of_its_own_is_not_passed_over() -> None:
    whole = layer("POLYGON ((0 0, 100 7, 200 14, 200 50, 200 100, 100 100, 0 100, 0 50, 0 0))").assign(code="all")
    cells = gpd.GeoDataFrame({"code": ["c0", "c1", "all"]}, geometry=[*halves().geometry, *whole.geometry], crs=4549)
    assert check(cells, outline=outline()).counts() == {"overlap": 2}
    with pytest.raises(Exception, match="lose all"):
        plan_repair(cells, outline=outline())


def test_an_island_of_the_outline_without_cells_is_bare() -> None:
    both = layer("POLYGON ((0 0, 10 0, 10 10, 0 10, 0 0))", "POLYGON ((20 0, 30 0, 30 10, 20 10, 20 0))")
    report = check(both.iloc[:1], outline=both)
    assert report.counts() == {"outline_uncovered": 1}
    assert report.levels[0].covered == pytest.approx(0.5)


def test_allowed_ground_may_come_in_another_crs() -> None:
    pond = layer("POLYGON ((20 60, 40 60, 40 80, 20 80, 20 60))")
    cells = without(halves(), "POLYGON ((20 60, 40 60, 40 80, 20 80, 20 60))")
    # The pond's corners have 1e-9 m of noise after conversion to degrees, which is not a finding either.
    findings = check(cells, outline=outline(), allowed=pond.to_crs(4490)).findings
    assert findings["severity"].tolist() == ["allowed"]
    assert findings["area_m2"].tolist() == pytest.approx([400.0])


def test_hairs_are_counted_and_not_told() -> None:
    hair = "POLYGON ((300 0, 300.0000001 0, 300.0000001 50, 300 50, 300 0))"
    cells = halves()
    cells.loc[0, "geometry"] = shapely.MultiPolygon([cells.geometry[0], layer(hair).geometry[0]])
    report = check(cells)
    assert report.counts() == {}
    assert report.levels[0].below_tolerance["parts"] == 1
    assert "1 分离部分 parts" in report.levels[0].fine()
    assert check(cells, tolerance_m=0.0).counts() == {"detached_part": 1}


def test_an_invalid_polygon_explains_nothing_that_lies_away_from_its_crossing() -> None:
    bow_tie = "POLYGON ((0 0, 100 100, 100 7, -10 60, 0 0))"
    cells = layer(bow_tie, "POLYGON ((100 7, 200 14, 200 100, 100 100, 100 7))")
    assert set(check(cells, outline=outline()).counts()) == {
        "invalid_geometry",
        "outline_uncovered",
        "outside_outline",
    }


@pytest.mark.parametrize("apart_m", [0.0003, 0.0007, 0.00095])
def test_a_strait_too_narrow_to_be_ground_is_closed(apart_m: float) -> None:
    """A headland comes within 1 mm of a shore, with open water on both sides."""
    west = "POLYGON ((0 0, 40 0, 50 50, 40 100, 0 100, 0 0))"
    east = f"POLYGON (({50 + apart_m} 0, 100 0, 100 100, {50 + apart_m} 100, {50 + apart_m} 0))"
    cells = layer(west, east)
    assert check(cells).counts() == {"unmatched_edge": 1}
    plan = plan_repair(cells)
    assert check(plan.cells).counts() == {}
    moved = shapely.hausdorff_distance(
        shapely.boundary(cells.geometry.array), shapely.boundary(plan.cells.geometry.array)
    )
    assert moved.max() < 0.1


def test_rings_are_turned_and_kept_as_the_slow_way_does() -> None:
    rng = np.random.default_rng(3)
    shapes = [shapely.reverse(c) if rng.random() < 0.5 else c for c in halves().geometry]
    shapes += [shapely.Polygon(), shapely.Point(5, 5).buffer(3).difference(shapely.Point(5, 5).buffer(1))]
    shapes += [shapely.MultiPolygon([shapely.box(0, 0, 1, 1), shapely.box(3, 3, 3 + 1e-9, 4)])]
    shapes += [shapely.Polygon([(0, 0), (1e6, 1e6 + 1e-9), (2e6, 2e6), (0, 0)])]  # A ring whose area is rounding noise.
    xy, start, cell = directed_rings(np.array(shapes, dtype=object))
    fast = sorted((int(c), xy[a:b].tolist()) for c, a, b in zip(cell, start[:-1], start[1:], strict=True))
    slow = []
    for i, shape in enumerate(shapes):
        for part in shapely.get_parts(shape):
            for ring, outer in [(part.exterior, True), *((hole, False) for hole in part.interiors)]:
                if not ring.is_empty:
                    left = ring if shapely.is_ccw(ring) == outer else shapely.reverse(ring)
                    slow.append((i, shapely.get_coordinates(left).tolist()))
    assert fast == sorted(slow)


def test_how_far_a_border_moves_is_the_hausdorff_distance_of_vertices() -> None:
    rng = np.random.default_rng(0)
    came, went, away = [], [], []
    for _ in range(20):
        before = shapely.MultiPoint(rng.uniform(0, 100, (12, 2))).convex_hull
        after = before.union(shapely.Point(rng.uniform(0, 100, 2)).buffer(rng.uniform(1, 9), quad_segs=2))
        if after.geom_type == "Polygon":
            came.append(before)
            went.append(after)
            away.append(shapely.hausdorff_distance(before.boundary, after.boundary))
    assert _moved_m(np.array(came), np.array(went)) == pytest.approx(away, abs=1e-9)
    assert _moved_m(np.array(came), np.array(came)).tolist() == [0.0] * len(came)


def test_a_grid_that_a_geometry_carries_is_taken_off() -> None:
    shapes = np.array([shapely.set_precision(shapely.box(0, 0, 1, 1), 0.5), shapely.box(0, 0, 2, 2)], dtype=object)
    free = without_precision_grid(shapes)
    assert shapely.get_precision(free).tolist() == [0.0, 0.0]
    assert shapely.get_precision(shapes).tolist() == [0.5, 0.0]
    assert shapely.equals_exact(free, shapes).all()


@pytest.mark.parametrize("seed", [8, 78, 229])
def test_small_cells_off_the_lattice_along_slanted_edges_of_the_outline_are_repaired(seed: int) -> None:
    """On the lattice, a vertex on a slanted edge of the outline may lie one square beside the rounded edge."""
    rng = np.random.default_rng(seed)
    turn = np.linspace(0, 2 * np.pi, 7)[:-1] + rng.uniform(0, 0.7, 6)
    area = shapely.Polygon(np.column_stack([WEST + 100 * np.cos(turn), SOUTH + 100 * np.sin(turn)]))
    points = shapely.MultiPoint(rng.uniform([WEST - 100, SOUTH - 100], [WEST + 100, SOUTH + 100], (120, 2)))
    cells = shapely.get_parts(shapely.voronoi_polygons(points, extend_to=area))
    cells = shapely.get_parts(shapely.intersection(cells, area))
    cells = cells[shapely.area(cells) > 1]  # the others leave gaps
    frame = gpd.GeoDataFrame({"code": [f"c{i}" for i in range(len(cells))]}, geometry=cells, crs=4549)
    plan = plan_repair(frame, outline=area)
    repaired = plan.cells.geometry.array
    assert repaired.is_valid.all()
    assert shapely.coverage_is_valid(repaired)
    assert shapely.symmetric_difference(shapely.union_all(repaired), area).area < 1e-6
    assert check(plan.cells, outline=area, tolerance_m=0).counts() == {}
