"""Edges, faults and repairs in cases small enough to be seen."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.coverage import plan_repair
from geo.coverage.edges import Network, directed_rings, rim
from geo.coverage.faults import unmatched_vertices, width_m
from geo.coverage.repairing.planar_graph import bounded_regions
from geo.coverage.repairing.selection import find_faulty

E0, N0 = 380_000.0, 3_550_000.0
NO_ZONES, NO_ZONE = np.empty(0, dtype=object), np.zeros(9, dtype=np.int64)


def moved(*shapes):
    return np.array([shapely.transform(shape, lambda xy: xy + np.array([E0, N0])) for shape in shapes], dtype=object)


def frame(*shapes, **columns):
    codes = [f"c{i}" for i in range(len(shapes))]
    return gpd.GeoDataFrame({"code": codes, **columns}, geometry=moved(*shapes), crs=4549)


def repaired(*shapes, **options):
    plan = plan_repair(frame(*shapes), **options)
    return plan, np.array(shapely.transform(plan.cells.geometry.array, lambda xy: xy - [E0, N0]), dtype=object)


@pytest.mark.parametrize(
    "needle",
    [
        [(1.6, 3.49), (5.7532291495451835, 15.542875249151413), (11.752190147147527, 32.952155095062146), (26.0, 74.3)],
        [(2.53, 6.58), (27.94959979813847, 41.87909291024749), (29.921795436853756, 44.61779523605256), (62.3, 89.58)],
    ],
)
def test_rings_of_needles_run_counter_clockwise_though_rounded_sums_say_otherwise(needle):
    """Areas of the size of rounding errors: their sign is that of the exact area."""
    for corners in (needle, needle[::-1]):
        xy, _, _ = directed_rings(np.array([shapely.Polygon(corners)]))
        assert shapely.is_ccw(shapely.LinearRing(xy))


def test_the_rim_of_cells_that_fill_a_border_is_empty_and_doubled_edges_belong_to_it():
    west, east = moved(shapely.box(0, 0, 10, 10), shapely.box(10, 0, 20, 10))
    whole = moved(shapely.from_wkt("POLYGON ((0 0, 10 0, 20 0, 20 10, 10 10, 0 10, 0 0))"))[0]
    assert rim(np.array([west, east]), whole).cells.tolist() == []
    assert rim(np.array([west, east])).cells.tolist() == [0, 1]
    assert len(rim(np.array([west, east])).owner) == 6
    assert len(Network.of(np.array([west, east]), whole).conflicts) == 0
    twice = rim(np.array([west, east, east]), whole)
    assert twice.cells.tolist() == [2]
    assert len(twice.owner) == 4


def test_width_is_that_of_the_widest_piece():
    strip, square = shapely.box(0, 0, 100, 2), shapely.box(0, 50, 10, 60)
    assert width_m(strip) == pytest.approx(2)
    assert width_m(square) == pytest.approx(10)
    assert width_m(shapely.union_all([strip, square])) == pytest.approx(10)
    assert width_m(shapely.Point(0, 0)) == 0.0


def test_a_vertex_a_rounding_error_beside_the_other_border_is_found_with_tolerance_zero():
    """The western cell has a vertex on the common border, 1e-8 m beside it, which the eastern one lacks."""
    west = shapely.from_wkt("POLYGON ((0 0, 100 0, 100.00000001 50, 100 100, 0 100, 0 0))")
    shapes = moved(west, shapely.box(100, 0, 200, 100))
    found = unmatched_vertices(shapes, rim(shapes), 0.0)
    assert [place.cells for place in found] == [[0, 1]]
    assert shapely.get_coordinates(found[0].geometry).round(6).tolist() == [[E0 + 100, N0 + 50]]


def test_only_cells_at_a_gap_are_faulty():
    """A row of five cells with a hole of 2 × 2 m between the first two."""
    notched = shapely.from_wkt("POLYGON ((0 0, 50 0, 50 20, 48 20, 48 22, 50 22, 50 50, 0 50, 0 0))")
    second = shapely.from_wkt("POLYGON ((50 0, 100 0, 100 50, 50 50, 50 22, 50 20, 50 0))")
    shapes = moved(notched, second, *(shapely.box(50 * k, 0, 50 * (k + 1), 50) for k in (2, 3, 4)))
    assert find_faulty(shapes, NO_ZONES, NO_ZONE[:5], None).cells.tolist() == [0, 1]


def test_a_border_of_two_parents_is_restored_though_their_cells_match():
    """Both cells meet half a metre east of the border of their parents; all have the same vertices on the outline."""
    wide = shapely.from_wkt("POLYGON ((0 0, 100 0, 100.5 0, 100.5 100, 100 100, 0 100, 0 0))")
    shapes = wide, shapely.box(100.5, 0, 200, 100)
    parents = gpd.GeoDataFrame(
        {"code": ["p", "q"]},
        geometry=moved(
            shapely.box(0, 0, 100, 100),
            shapely.from_wkt("POLYGON ((100 0, 100.5 0, 200 0, 200 100, 100.5 100, 100 100, 100 0))"),
        ),
        crs=4549,
    )
    plan = plan_repair(frame(*shapes, parent=["p", "q"]), parents=parents)
    assert shapely.area(plan.cells.geometry.array).tolist() == pytest.approx([10_000, 10_000], abs=1e-6)
    assert plan.changes["cell"].tolist() == ["c0", "c1"]
    np.testing.assert_allclose(plan.changes[["gained_m2", "lost_m2"]], [[0, 50], [50, 0]], atol=1e-6)
    np.testing.assert_allclose(plan.changes["moved_m"], 0.5, atol=1e-6)


@pytest.mark.parametrize(("width_mm", "listed"), [(1, True), (0, False)])
def test_changes_of_a_millimetre_are_listed(width_mm, listed):
    """An overlap of 1 mm × 50 m, .05 m²."""
    plan, _ = repaired(shapely.box(0, 0, 50 + width_mm / 1000, 50), shapely.box(50, 0, 100, 50))
    changed = plan.changes
    assert changed["lost_m2"].sum() == pytest.approx(0.05 if listed else 0.0, abs=1e-6)
    assert len(plan.transfers) == (1 if listed else 0)


RING = shapely.box(0, 0, 90, 90).difference(shapely.box(30, 30, 60, 60))


def test_a_ring_of_the_input_stays_closed():
    """An arm of the eastern cell overlaps the ring up to the inner cell; the ring keeps the ground, as the longer neighbour."""
    arm = shapely.union_all([shapely.box(90, 0, 120, 90), shapely.box(60, 40, 90, 50)])
    _, found = repaired(RING, shapely.box(30, 30, 60, 60), arm)
    assert shapely.area(found).tolist() == pytest.approx([8100 - 900, 900, 30 * 90], abs=1e-3)
    assert shapely.get_num_interior_rings(found).tolist() == [1, 0, 0]


def test_a_ring_that_a_repair_would_close_is_opened_over_ground_of_the_inner_cell():
    """A gap in the west, 5 m wide, and an arm of the inner cell in the east, 10 m wide, which the ring holds, too."""
    ring = RING.difference(shapely.box(0, 40, 30, 45))
    inner = shapely.union_all([shapely.box(30, 30, 60, 60), shapely.box(60, 40, 90, 50)])
    _, found = repaired(ring, inner, shapely.box(-30, 0, 0, 90))
    assert shapely.get_num_interior_rings(found).tolist() == [0, 0, 0]
    assert shapely.area(found).tolist() == pytest.approx([8100 - 900 - 300, 900 + 300, 2700], abs=1e-3)


def test_a_shell_in_a_shell_in_a_shell_bounds_the_ground_next_to_it():
    corners = [(x, x + s) for x, s in ((0, 30), (5, 20), (10, 10), (14, 2))]
    vertices, a, b = [], [], []
    for low, high in corners:
        first = len(vertices)
        vertices += [(low, low), (high, low), (high, high), (low, high)]
        a += [first, first + 1, first + 2, first]
        b += [first + 1, first + 2, first + 3, first + 3]
    order = np.lexsort((b, a))
    _, side, n = bounded_regions(
        np.array(vertices), np.array(a)[order], np.array(b)[order], np.empty(0, dtype=np.int64)
    )
    assert n == 4
    table = pd.DataFrame({"edge": np.arange(16) // 4, "left": side[0::2], "right": side[1::2]})
    pairs = [set(part[["left", "right"]].to_numpy().ravel().tolist()) for _, part in table.groupby("edge")]
    # Each ring of edges parts the ground around it from that inside; consecutive rings share one face.
    assert pairs[0] & pairs[1]
    assert pairs[1] & pairs[2]
    assert pairs[2] & pairs[3]
    assert len(set.union(*pairs)) == 5
    assert all(len(pair) == 2 for pair in pairs)
    assert not pairs[0] & pairs[2]
    assert not pairs[1] & pairs[3]
