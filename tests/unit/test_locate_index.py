from __future__ import annotations

import geopandas as gpd
import numpy as np
import pytest
import shapely

from geo.errors import CrsError, GeometryError
from geo.locate import GridIndex


def cells(*wkt: str, **columns: list[object]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(shapely.from_wkt(wkt)), crs=4549)


def grid(n: int = 3) -> gpd.GeoDataFrame:
    boxes = [shapely.box(i * 10, j * 10, i * 10 + 10, j * 10 + 10) for j in range(n) for i in range(n)]
    return gpd.GeoDataFrame(geometry=boxes, crs=4549)


def at(index: GridIndex, x: float, y: float) -> int:
    return int(index.locate([x], [y])[0])


def test_inside_outside_and_nan() -> None:
    index = GridIndex(grid())
    found = index.locate([5.0, 25.0, -0.1, 30.1, np.nan, np.inf, 5.0], [5.0, 25.0, 5.0, 5.0, 5.0, 5.0, np.nan])
    assert found.tolist() == [0, 8, -1, -1, -1, -1, -1]
    assert found.dtype == np.int32


def test_border_rule() -> None:
    index = GridIndex(grid())
    assert at(index, 10.0, 5.0) == 1  # A border running north: the cell in the east.
    assert at(index, 5.0, 10.0) == 3  # A border running east: the cell in the north.
    assert at(index, 10.0, 10.0) == 4  # A node: north-east.
    assert at(index, 0.0, 5.0) == 0  # the outline belongs to the street, on all four sides
    assert at(index, 30.0, 5.0) == 2
    assert at(index, 5.0, 0.0) == 0
    assert at(index, 5.0, 30.0) == 6
    assert [at(index, x, y) for x, y in ((0, 0), (30, 0), (0, 30), (30, 30))] == [0, 2, 6, 8]
    assert (
        at(index, 30.0, 10.0) == 5
    )  # A node of the outline: the first cell counter-clockwise from the east-north-east.
    assert at(index, 10.0, 30.0) == 6


def test_one_ulp_beside_a_border() -> None:
    index = GridIndex(grid())
    assert at(index, np.nextafter(10.0, 0), 5.0) == 0
    assert at(index, np.nextafter(10.0, 20), 5.0) == 1
    assert at(index, np.nextafter(30.0, 40), 5.0) == -1


def test_the_order_of_cells_does_not_matter() -> None:
    layer = grid(5)
    shuffled = layer.sample(frac=1, random_state=1)
    x, y = np.meshgrid(np.arange(0, 50.1, 2.5), np.arange(0, 50.1, 2.5))
    one = GridIndex(layer).locate(x.ravel(), y.ravel())
    two = shuffled.index.to_numpy()[GridIndex(shuffled).locate(x.ravel(), y.ravel())]
    assert (one == two).all()


def test_a_hole_that_is_nobodys() -> None:
    index = GridIndex(cells("POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (3 3, 3 6, 6 6, 6 3, 3 3))"))
    assert at(index, 4.5, 4.5) == -1
    assert [at(index, x, y) for x, y in ((3, 4), (6, 4), (4, 3), (4, 6), (3, 3), (6, 6))] == [0] * 6


def test_overlapping_cells_by_code_and_all() -> None:
    index = GridIndex(
        cells("POLYGON ((0 0, 6 0, 6 6, 0 6, 0 0))", "POLYGON ((4 0, 9 0, 9 6, 4 6, 4 0))", code=["b", "a"])
    )
    assert index.locate([5.0, 1.0, 8.0], [3.0, 3.0, 3.0]).tolist() == [1, 0, 1]
    point, cell = index.locate_all([5.0, 1.0, 20.0], [3.0, 3.0, 3.0])
    assert list(zip(point, cell, strict=True)) == [(0, 1), (0, 0), (1, 0)]
    with pytest.raises(GeometryError, match="overlap"):
        index.cross([0.0], [0.0], [1.0], [1.0])


def test_nearest() -> None:
    index = GridIndex(grid())
    cell, distance = index.nearest([5.0, -2.0, -9.0, np.nan], [5.0, 5.0, 5.0, 0.0], within_m=3.0)
    assert cell.tolist() == [0, 0, -1, -1]
    assert distance[:2].tolist() == [0.0, 2.0]
    assert np.isnan(distance[2:]).all()


def test_cross_pieces_abut_and_tell_the_cell() -> None:
    index = GridIndex(grid())
    pieces = index.cross([-5.0, 5.0, 5.0], [5.0, 5.0, 5.0], [35.0, 5.0, 6.0], [5.0, 5.0, 5.0])
    first = pieces.segment == 0
    assert pieces.cell[first].tolist() == [-1, 0, 1, 2, -1]
    assert pieces.t_in[first].tolist() == [0.0, 0.125, 0.375, 0.625, 0.875]
    assert pieces.t_out[first].tolist() == [0.125, 0.375, 0.625, 0.875, 1.0]
    assert pieces.cell[pieces.segment == 1].tolist() == [0]  # No length.
    assert pieces.cell[pieces.segment == 2].tolist() == [0]


def test_segments_without_length_are_in_the_cell_of_their_point() -> None:
    """A device at rest gives the same segment again and again; one coordinate may be that of the segment before."""
    index = GridIndex(grid())
    rng = np.random.default_rng(4)
    at_x, at_y = rng.choice([5.0, 10.0, 15.0, 25.0, 40.0, np.nan], (2, 400)).repeat(rng.integers(1, 4, 400), axis=1)
    moves = rng.random(len(at_x)) < 0.2
    to_x, to_y = np.where(moves, 25.0, at_x), np.where(moves, 25.0, at_y)
    pieces = index.cross(at_x, at_y, to_x, to_y)
    still = (to_x == at_x) & (to_y == at_y)
    of_still = still[pieces.segment]
    assert pieces.segment[of_still].tolist() == np.flatnonzero(still).tolist()
    assert pieces.cell[of_still].tolist() == index.locate(at_x[still], at_y[still]).tolist()


def test_cross_through_nodes_and_along_borders() -> None:
    index = GridIndex(grid())
    pieces = index.cross([0.0, 10.0], [0.0, 0.0], [30.0, 10.0], [30.0, 30.0])
    assert pieces.cell[pieces.segment == 0].tolist() == [0, 4, 8]
    assert pieces.cell[pieces.segment == 1].tolist() == [1, 4, 7]  # Along a border: the cells in the east.


def test_many_crossings_of_one_segment() -> None:
    strips = gpd.GeoDataFrame(geometry=[shapely.box(i, 0, i + 1, 10) for i in range(1000)], crs=4549)
    pieces = GridIndex(strips).cross([0.5], [5.0], [999.5], [5.0])
    assert pieces.cell.tolist() == list(range(1000))
    assert (np.diff(pieces.t_in) > 0).all()


def test_not_finite_segments_are_outside() -> None:
    pieces = GridIndex(grid()).cross([5.0, np.nan], [5.0, 5.0], [np.inf, 5.0], [5.0, 5.0])
    assert pieces.cell.tolist() == [-1, -1]


@pytest.mark.parametrize(
    ("layer", "error", "message"),
    [
        (grid().set_crs(4326, allow_override=True), CrsError, "metres"),
        (grid().iloc[:0], GeometryError, "no cells"),
        (cells("POLYGON ((0 0, 4 4, 4 0, 0 4, 0 0))"), GeometryError, "invalid"),
        (cells("POINT (0 0)"), GeometryError, "polygons"),
    ],
)
def test_what_cannot_be_indexed(layer: gpd.GeoDataFrame, error: type[Exception], message: str) -> None:
    with pytest.raises(error, match=message):
        GridIndex(layer)


def test_shapes_of_arguments() -> None:
    with pytest.raises(ValueError, match="one shape"):
        GridIndex(grid()).locate([1.0, 2.0], [1.0])


def test_a_pixel_with_thousands_of_edges() -> None:
    # The border of two cells has 12,000 vertices within a square of a metre: more edges than are paired at once.
    n = 6000
    x = np.where(np.arange(2 * n) % 2 == 0, 500.0, 501.0)
    y = 500.0 + np.arange(2 * n) / (2 * n)
    comb = [(500.0, 0.0), *zip(x.tolist(), y.tolist(), strict=True), (500.0, 1000.0)]
    west = shapely.Polygon([(0.0, 1000.0), (0.0, 0.0), *comb])
    east = shapely.Polygon([(1000.0, 0.0), (1000.0, 1000.0), *reversed(comb)])
    index = GridIndex(gpd.GeoDataFrame(geometry=[west, east], crs=4549))
    rng = np.random.default_rng(1)
    px, py = rng.uniform(499.9, 501.1, 60), rng.uniform(499.9, 501.1, 60)
    inside = shapely.contains_xy(west, px, py)
    assert 10 < inside.sum() < 50
    assert index.locate(px, py).tolist() == np.where(inside, 0, 1).tolist()
