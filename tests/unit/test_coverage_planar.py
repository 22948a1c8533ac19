"""Primitives of the repair: faces on the lattice, routing of borders, cells cut although no edge shows it."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.coverage import check, plan_repair
from geo.coverage.arcs import lexsort_pairs, unique_rows, unique_vertices
from geo.coverage.edges import Network, on_lattice_units, rim
from geo.coverage.faults import reaching_into, uncovered_and_outside
from geo.coverage.repairing.assignment import CUT_OFF
from geo.coverage.repairing.outline import snap_to_outline
from geo.coverage.repairing.planar_graph import bounded_regions, find_edges
from geo.coverage.repairing.selection import find_faulty, select_for_overlay
from geo.coverage.repairing.zones import UNKNOWN, labels, trace_borders
from geo.coverage.rings import polygons
from geo.layers.crs import PER_METRE

WEST, SOUTH = 387000.0, 3553000.0


def noded(lines: list[shapely.Geometry]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices and edges of lines cut at each other on the lattice."""
    cut = shapely.get_parts(shapely.union_all(lines, grid_size=1 / PER_METRE))
    xy, line = shapely.get_coordinates(cut, return_index=True)
    same = line[1:] == line[:-1]
    ends = np.stack([xy[:-1][same], xy[1:][same]], axis=1)
    vertices, number = unique_vertices(on_lattice_units(ends.reshape(-1, 2)))
    a, b = np.unique(np.sort(number.reshape(-1, 2), axis=1), axis=0).T
    return vertices, a, b


def none_of(dtype: type) -> np.ndarray:
    return np.empty(0, dtype=dtype)


def none() -> np.ndarray:
    return none_of(np.int64)


@pytest.mark.parametrize("seed", range(25))
def test_faces_are_those_that_geos_makes(seed: int) -> None:
    """Rings in rings, separate rings, dangling lines, and lines between rings."""
    rng = np.random.default_rng(seed)
    rings = [
        shapely.Point(rng.uniform(0, 60, 2)).buffer(rng.uniform(1, 25), quad_segs=int(rng.integers(1, 5))).exterior
        for _ in range(int(rng.integers(1, 9)))
    ]
    loose = [shapely.LineString(rng.uniform(0, 60, (2, 2))) for _ in range(int(rng.integers(0, 4)))]
    vertices, a, b = noded(rings + loose)
    arcs, side, n = bounded_regions(vertices, a, b, none())
    mine = shapely.normalize(polygons(arcs, n))
    lines = shapely.linestrings(np.stack([vertices[a], vertices[b]], axis=1) / PER_METRE)
    slow = shapely.normalize(shapely.get_parts(shapely.polygonize(lines)))
    assert sorted(mine.tolist(), key=shapely.to_wkt) == sorted(slow.tolist(), key=shapely.to_wkt)
    assert side.min() >= -1
    assert side.max() == n - 1


def test_a_face_with_sound_ground_beside_one_of_its_edges_is_none() -> None:
    outer, inner, other = (shapely.box(x, x, x + s, x + s).exterior for x, s in ((0, 10), (2, 2), (6, 1)))
    vertices, a, b = noded([outer, inner, other])
    _, side, n = bounded_regions(vertices, a, b, none())
    assert n == 3
    # An edge of the inner ring, seen from outside: the ground between all three is valid.
    corner = {tuple(v): i for i, v in enumerate(vertices.tolist())}
    seen = find_edges(a, b, np.array([corner[2000, 2000]]), np.array([corner[2000, 4000]]))
    assert side[seen[0]] not in (-1, side[seen[0] ^ 1])
    arcs, _, n = bounded_regions(vertices, a, b, seen)
    assert sorted(shapely.area(polygons(arcs, n)).tolist()) == [1.0, 4.0]


def test_an_edge_that_is_not_there_is_not_found() -> None:
    a, b = np.array([0, 0, 1]), np.array([1, 2, 2])
    assert find_edges(a, b, np.array([0, 2, 1, 3, -1]), np.array([1, 0, 1, 0, 2])).tolist() == [0, 3, -1, -1, -1]
    assert find_edges(none(), none(), np.array([0]), np.array([1])).tolist() == [-1]


def test_rows_and_pairs_are_numbered_like_numpy_does() -> None:
    rng = np.random.default_rng(1)
    for n in (0, 1, 40, 500):
        rows = rng.integers(-4, 4, (n, 2)) / 3
        number, first = unique_rows(rows)
        distinct, slow = np.unique(rows, axis=0, return_inverse=True)
        assert len(first) == len(distinct)
        assert (rows[first][number] == rows).all()
        assert (np.diff(first) > 0).all()
        assert len(np.unique(np.column_stack([number, slow.ravel()]), axis=0)) == len(distinct)
        a, b = rng.integers(0, 5, (2, n))
        assert lexsort_pairs(a, b).tolist() == np.lexsort((b, a)).tolist()


def test_the_zone_of_a_strip_narrower_than_the_lattice_moves_is_told_by_the_border() -> None:
    """The strip is uncovered ground of the zone, 0.6 mm wide; on the lattice a point in it lies outside the zone."""
    zone = shapely.Polygon([(0, 0), (10, 0.0004), (20, 0), (20, 10), (0, 10)])
    cell = shapely.Polygon([(0, 0), (10, 0.0012), (20, 0), (20, 10), (0, 10)])
    vertices, a, b = noded([zone.exterior, cell.exterior])
    arcs, side, n = bounded_regions(vertices, a, b, none())
    way = trace_borders(vertices, a, b, np.array([zone], dtype=object))
    assert n == 2
    assert labels(side, n, way.edge, way.area).tolist() == [0, 0]
    middle = way.vertex[(vertices[way.vertex] == [10_000, 0]).all(axis=1)]
    assert len(middle) == 1
    assert polygons(arcs, n)[np.argmin(shapely.area(polygons(arcs, n)))].area == pytest.approx(0.01)


@pytest.mark.parametrize("beside_m", [0.001, -0.001])
def test_a_border_of_45_degrees_touches_the_corners_of_squares_beside_it(beside_m: float) -> None:
    """On one side it is routed through the vertex at 1 mm, on the other not; in both cases its faces are distinguished."""
    zone = shapely.Polygon([(0, 0), (40, 40), (0, 40)])
    cell = shapely.Polygon([(0, 0), (20 + beside_m, 20), (40, 40), (0, 40)])
    vertices, a, b = noded([zone.exterior, cell.exterior])
    arcs, side, n = bounded_regions(vertices, a, b, none())
    way = trace_borders(vertices, a, b, np.array([zone], dtype=object))
    faces = polygons(arcs, n)
    # Within the area that the routing of the border may change by half a lattice square along it.
    assert shapely.area(faces[labels(side, n, way.edge, way.area) == 0]).sum() == pytest.approx(800, abs=0.03)
    loop = np.bincount(np.concatenate([a[way.edge >> 1], b[way.edge >> 1]]))
    assert set(loop.tolist()) <= {0, 2}
    assert (labels(side, n, way.edge, way.area) != UNKNOWN).all()


def test_where_no_border_tells_the_label_is_open() -> None:
    vertices, a, b = noded([shapely.box(0, 0, 1, 1).exterior])
    _, side, n = bounded_regions(vertices, a, b, none())
    assert labels(side, n, none(), none()).tolist() == [UNKNOWN]


def grid(k: int) -> list[shapely.Polygon]:
    return [
        shapely.box(WEST + x, SOUTH + y, WEST + x + 10, SOUTH + y + 10)
        for x in range(0, 10 * k, 10)
        for y in range(0, 10 * k, 10)
    ]


def frame(shapes: list[shapely.Geometry]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"code": [f"c{i}" for i in range(len(shapes))]}, geometry=shapes, crs=4549)


def test_cells_deep_in_another_one_are_found_though_all_their_edges_are_answered() -> None:
    around = shapely.box(WEST - 30, SOUTH - 30, WEST + 80, SOUTH + 80)
    cells, outline = frame([*grid(5), around]), frame([around])
    assert check(cells, outline=outline).counts()["overlap"] == 25
    plan = plan_repair(cells, outline=outline)
    after = check(plan.cells, outline=outline)
    assert set(after.counts()) <= {"ring_shaped"}
    assert shapely.area(plan.cells.geometry.array).sum() == pytest.approx(around.area)


def test_cells_deep_in_another_one_are_cut_at_once() -> None:
    shapes = np.array([*grid(5), shapely.box(WEST - 30, SOUTH - 30, WEST + 80, SOUTH + 80)], dtype=object)
    zone_of_cell = np.zeros(26, dtype=np.int64)
    fault = find_faulty(shapes, shapes[25:], zone_of_cell, shapes[25])
    what = select_for_overlay(shapes, shapely.STRtree(shapes), fault, none_of(object), none_of(object), none(), none())
    assert what.cells.tolist() == list(range(26))


def test_sound_ground_in_borders_with_vertices_of_their_own_is_no_gap() -> None:
    """The outline has a second part, with a cell that has an additional vertex on each edge."""
    far = local("500 0, 525 0, 550 0, 550 25, 550 50, 525 50, 500 50, 500 25, 500 0").geometry[0]
    shapes = [*grid(2), far]
    parts = [shapely.box(WEST, SOUTH, WEST + 20, SOUTH + 20), shapely.box(WEST + 500, SOUTH, WEST + 550, SOUTH + 50)]
    outline = frame([shapely.MultiPolygon(parts)])
    shapes[0] = shapely.difference(shapes[0], shapely.box(WEST + 4, SOUTH + 4, WEST + 5, SOUTH + 5))
    plan = plan_repair(frame(shapes), outline=outline, largest_gap_m2=100.0)
    assert plan.open_gaps.empty
    assert plan.changes["cell"].tolist() == ["c0"]


def test_a_cell_deep_in_another_one_without_a_common_vertex_is_found() -> None:
    big = shapely.box(WEST, SOUTH, WEST + 100, SOUTH + 100)
    cells, outline = frame([big, shapely.box(WEST + 40, SOUTH + 40, WEST + 50, SOUTH + 50)]), frame([big])
    plan = plan_repair(cells, outline=outline)
    assert shapely.area(plan.cells.geometry.array).sum() == pytest.approx(10_000)
    assert set(check(plan.cells, outline=outline).counts()) <= {"ring_shaped"}


def test_cells_far_from_a_fault_keep_every_bit_and_are_not_cut() -> None:
    shapes = [shapely.transform(s, lambda xy: xy + 1e-4 / 3) for s in grid(8)]  # off the lattice
    outline = frame([shapely.union_all(shapes)])
    shapes[0] = shapely.difference(shapes[0], shapely.box(WEST + 9, SOUTH + 3, WEST + 12, SOUTH + 5))
    plan = plan_repair(frame(shapes), outline=outline)
    changed = [i for i, (one, two) in enumerate(zip(shapes, plan.cells.geometry, strict=True)) if one.wkb != two.wkb]
    assert changed == [0, 8]  # The piece was returned to the first; its corners are now vertices of both.
    assert check(plan.cells, outline=outline, tolerance_m=0.0).counts() == {}


def test_a_cell_follows_an_outline_that_is_finer_than_the_lattice() -> None:
    tooth = [(10, 0), (10.0004, 0.0006), (10.0007, 0)]
    outline = shapely.Polygon([(0, 0), *tooth, (20, 0), (20, 10), (0, 10)])
    lacking = shapely.Polygon([(0, 0), (10, 0), (10.0007, 0), (20, 0), (20, 10), (0, 10)])
    shapes = np.array([lacking], dtype=object)
    followed = snap_to_outline(shapes, rim(shapes, outline), np.array([0]), outline)
    assert shapely.equals_exact(shapely.normalize(followed[0]), shapely.normalize(outline))
    # A tooth of 5 cm is not caused by the lattice, and is left to the repair.
    broad = shapely.Polygon([(0, 0), (10, 0), (10.02, 0.05), (10.04, 0), (20, 0), (20, 10), (0, 10)])
    short = np.array([shapely.Polygon([(0, 0), (10, 0), (10.04, 0), (20, 0), (20, 10), (0, 10)])], dtype=object)
    assert shapely.equals_exact(snap_to_outline(short, rim(short, broad), np.array([0]), broad), short).all()


@pytest.mark.parametrize("seed", range(24))
def test_bare_and_outer_ground_are_what_the_difference_with_the_outline_gives(seed: int) -> None:
    rng = np.random.default_rng(seed)
    outline = shapely.coverage_union_all(grid(5)) if seed % 2 else shapely.box(WEST, SOUTH, WEST + 50, SOUTH + 50)
    shapes = np.array(grid(5), dtype=object)
    for i in rng.choice(25, 6, replace=False):
        moved = shapely.Polygon(shapely.get_coordinates(shapes[i])[:-1] + rng.normal(0, 2, (4, 2)))
        shapes[i] = moved if moved.is_valid else shapes[i]
    bare, beyond = uncovered_and_outside(shapes, Network.of(shapes, outline), outline)
    ground = shapely.union_all(shapes)
    wrong = shapely.symmetric_difference(shapely.union_all(bare), shapely.difference(outline, ground))
    assert wrong.area < 1e-6
    assert shapely.symmetric_difference(shapely.union_all(beyond), shapely.difference(ground, outline)).area < 1e-6
    told = {place.cells[0]: place.area_m2 for place in reaching_into(shapes, beyond, 0.001)}
    slow = {i: area for i, area in enumerate(shapely.area(shapely.difference(shapes, outline))) if area > 1e-6}
    assert told == pytest.approx(slow)


def test_a_cell_beyond_the_outline_over_another_one_that_follows_it() -> None:
    """The edge of the outline is matched, and so is no edge of the doubly covered ground."""
    outline = shapely.coverage_union_all(grid(5))  # With all vertices of the cells.
    shapes = np.array([*grid(5), shapely.box(WEST + 43, SOUTH + 22, WEST + 55, SOUTH + 28)], dtype=object)
    found = check(frame(list(shapes)), outline=frame([outline])).findings
    outside = found[found["kind"] == "outside_outline"]
    assert outside["cells"].tolist() == [("c25",)]
    assert outside["area_m2"].tolist() == pytest.approx([30.0])


def test_an_outline_of_many_vertices_costs_no_overlay() -> None:
    turn = np.linspace(0, 2 * np.pi, 200_001)[:-1]
    disc = shapely.Polygon(np.column_stack([WEST + 3000 * np.cos(turn), SOUTH + 3000 * np.sin(turn)]))
    network = Network.of(np.array([disc], dtype=object), disc)
    assert uncovered_and_outside(np.array([disc], dtype=object), network, disc) == ([], [])
    hole = shapely.difference(disc, shapely.Point(WEST, SOUTH).buffer(5))
    cells = np.array([hole], dtype=object)
    bare, beyond = uncovered_and_outside(cells, Network.of(cells, disc), disc)
    assert [round(piece.area, 6) for piece in bare] == [round(disc.area - hole.area, 6)]
    assert beyond == []


def local(*rings: str) -> gpd.GeoDataFrame:
    shapes = [shapely.from_wkt(f"POLYGON (({ring}))") for ring in rings]
    return frame([shapely.transform(shape, lambda xy: np.add(xy, [WEST, SOUTH])) for shape in shapes])


def test_a_piece_that_is_cut_off_goes_to_the_longest_border_though_no_wrong_edge_comes_near_it() -> None:
    strip = "-200 0, 200 0, 200 10, 100 10, 70 10, 60 10, -200 10, -200 0"
    across = "60 0, 70 0, 70 10, 70 30, 60 30, 60 10, 60 0"
    near, far = "70 10, 100 10, 100 30, 70 30, 70 10", "100 10, 200 10, 200 30, 100 30, 100 10"
    cells = local(strip, across, near, far, "-200 10, 60 10, 60 30, -200 30, -200 10")
    outline = local("-200 0, 200 0, 200 10, 200 30, 100 30, 70 30, 60 30, -200 30, -200 10, -200 0")
    plan = plan_repair(cells, outline=outline, protected=["c1"])
    assert check(plan.cells, outline=outline).counts() == {}
    assert (shapely.get_num_geometries(plan.cells.geometry.array) == 1).all()
    moved = plan.transfers[plan.transfers["area_m2"] > 1000]
    assert moved[["from_cell", "to_cell", "reason"]].to_numpy().tolist() == [["c0", "c3", CUT_OFF]]
    assert moved["area_m2"].tolist() == pytest.approx([1300.0])


@pytest.mark.parametrize(("away_m", "kinds"), [(0.005, {"gap": 1}), (0.02, {"gap": 1, "unmatched_edge": 1})])
def test_a_gap_explains_unmatched_vertices_up_to_ten_tolerances_beside_it(away_m: float, kinds: dict[str, int]) -> None:
    west = "0 0, 50 0, 50 40, 45 40, 45 60, 50 60, 50 100, 0 100, 0 0"
    east = f"50 0, 100 0, 100 100, 50 100, 50 {60 + away_m}, 50 60, 50 40, 50 0"
    assert check(local(west, east)).counts() == kinds


@pytest.mark.parametrize(("width_m", "zh", "en"), [(5.0, "一块地", "ground"), (0.1, "一条窄缝", "a strip")])
def test_a_hole_in_one_cell_alone_is_told_so(width_m: float, zh: str, en: str) -> None:
    square = shapely.box(WEST, SOUTH, WEST + 100, SOUTH + 100)
    hole = shapely.box(WEST + 40, SOUTH + 40, WEST + 60, SOUTH + 40 + width_m)
    told = check(frame([shapely.difference(square, hole)])).findings["explanation"].tolist()
    assert told == [f"c0 内部有{zh}不属于任何网格 / {en} inside c0 belongs to no cell"]
