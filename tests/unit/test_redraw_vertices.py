"""Vertices of cells that were edited in a GIS: identified with those of the base, moved, or set back as jitter."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely

from geo.redraw.importing.findings import ERROR, MENDED, Findings
from geo.redraw.importing.vertices import BaseVertices, Moves, compare_rings, lattice_ring, settle_moves
from geo.redraw.working.lattice import Vertex

#: Two squares of 100 m that share the border x = 100 m.
WEST, EAST = shapely.box(0, 0, 100, 100), shapely.box(100, 0, 200, 100)
CORNER = (100_000, 100_000)


@pytest.fixture
def base() -> BaseVertices:
    return BaseVertices(gpd.GeoDataFrame({"code": ["w", "e"]}, geometry=[WEST, EAST], crs="EPSG:4549"))


def moved(by_mm: int, cells: tuple[str, ...]) -> tuple[Moves, Vertex]:
    """The upper end of the border moved to the east in some of its cells."""
    moves, to = Moves(), (CORNER[0] + by_mm, CORNER[1])
    for code, shape in (("w", WEST), ("e", EAST)):
        ring = lattice_ring(shapely.get_coordinates(shape))
        compare_rings(code, ring, [to if v == CORNER and code in cells else v for v in ring], moves)
    return moves, to


@pytest.mark.parametrize(("by_mm", "same"), [(1, True), (9, True), (12, False), (60, False)])
def test_vertices_within_ten_millimetres_are_those_of_the_base(base: BaseVertices, by_mm: int, same: bool) -> None:
    ring = [(0, 0), (CORNER[0] + by_mm, CORNER[1]), (100_000, 0), (0, 0)]
    expected = CORNER if same else (CORNER[0] + by_mm, CORNER[1])
    assert base.snapped(ring) == [(0, 0), expected, (100_000, 0), (0, 0)]


@pytest.mark.parametrize("by_mm", [11, 50])
def test_a_small_move_in_one_cell_is_jitter_and_set_back(base: BaseVertices, by_mm: int) -> None:
    moves, _ = moved(by_mm, ("w",))
    findings = Findings()
    assert settle_moves(moves, base, {"w", "e"}, findings) == {}
    assert [(row["kind"], row["severity"], row["cells"]) for row in findings.rows] == [("jitter", MENDED, ("w",))]


def test_a_larger_move_in_one_cell_is_proposed_for_all(base: BaseVertices) -> None:
    moves, to = moved(51, ("w",))
    findings = Findings()
    assert settle_moves(moves, base, {"w", "e"}, findings) == {CORNER: to}
    assert [(row["kind"], row["severity"], row["cells"]) for row in findings.rows] == [
        ("moved_in_one_owner", ERROR, ("e", "w"))
    ]


@pytest.mark.parametrize("by_mm", [20, 51])
def test_a_move_in_all_its_cells_is_a_move(base: BaseVertices, by_mm: int) -> None:
    moves, to = moved(by_mm, ("w", "e"))
    findings = Findings()
    assert settle_moves(moves, base, {"w", "e"}, findings) == {CORNER: to}
    assert findings.rows == []
