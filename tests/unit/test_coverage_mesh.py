from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.coverage import Mesh
from geo.coverage.arcs import unique_vertices
from geo.errors import CodeError, CrsError, GeometryError, ImpossibleError
from geo.layers import Level


def layer(*wkt: str, **columns: list[object]) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(columns, geometry=list(shapely.from_wkt(wkt)), crs=4549)


def grid(n: int) -> gpd.GeoDataFrame:
    boxes = [shapely.box(i * 10, j * 10, i * 10 + 10, j * 10 + 10) for i in range(n) for j in range(n)]
    return gpd.GeoDataFrame(geometry=boxes, crs=4549)


SHAPES = {
    "one square": ["POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))"],
    "two neighbours": ["POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))", "POLYGON ((4 0, 8 0, 8 4, 4 4, 4 0))"],
    "ring and island": [
        "POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (3 3, 3 6, 6 6, 6 3, 3 3))",
        "POLYGON ((3 3, 6 3, 6 6, 3 6, 3 3))",
    ],
    "a hole that is nobody's": ["POLYGON ((0 0, 9 0, 9 9, 0 9, 0 0), (3 3, 3 6, 6 6, 6 3, 3 3))"],
    "hole touching the shell": ["POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0), (0 0, 1 2, 2 1, 0 0))"],
    "two holes touching": ["POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0), (1 1, 1 2, 2 2, 2 1, 1 1), (2 2, 2 3, 3 3, 3 2, 2 2))"],
    "parts touching in a corner": ["MULTIPOLYGON (((0 0, 1 0, 1 1, 0 1, 0 0)), ((1 1, 2 1, 2 2, 1 2, 1 1)))"],
    "a part inside the hole of another": [
        "MULTIPOLYGON (((0 0, 9 0, 9 9, 0 9, 0 0), (1 1, 1 8, 8 8, 8 1, 1 1)), ((3 3, 6 3, 6 6, 3 6, 3 3)))"
    ],
    "corner contact of two cells": ["POLYGON ((0 0, 1 0, 1 1, 0 1, 0 0))", "POLYGON ((1 1, 2 1, 2 2, 1 2, 1 1))"],
}


@pytest.mark.parametrize("wkt", SHAPES.values(), ids=SHAPES.keys())
def test_there_and_back(wkt: list[str]) -> None:
    cells = layer(*wkt)
    back = Mesh.from_layer(cells).polygons()
    assert back.is_valid.all()
    assert (shapely.normalize(back.array) == shapely.normalize(cells.geometry.array)).all()


@pytest.mark.parametrize("wkt", SHAPES.values(), ids=SHAPES.keys())
def test_polygons_have_one_form(wkt: list[str]) -> None:
    once = Mesh.from_layer(layer(*wkt)).polygons()
    twice = Mesh.from_layer(gpd.GeoDataFrame(geometry=once)).polygons()
    assert shapely.to_wkb(once.array).tolist() == shapely.to_wkb(twice.array).tolist()
    shells = shapely.get_exterior_ring(shapely.get_parts(once.array))
    assert shapely.is_ccw(shells).all()
    assert all(ring.coords[0] == min(ring.coords) for ring in shells)


def test_the_order_of_rows_does_not_matter() -> None:
    cells = grid(5)
    shuffled = cells.sample(frac=1, random_state=4)
    one, two = Mesh.from_layer(cells), Mesh.from_layer(shuffled)
    assert np.array_equal(one.arcs.xy, two.arcs.xy)
    label = np.r_[shuffled.index.to_numpy(), -1]
    assert np.array_equal(one.arcs.left, label[two.arcs.left])
    assert shapely.to_wkb(one.polygons().array).tolist() == shapely.to_wkb(two.polygons().sort_index().array).tolist()


def test_neighbours_and_outline_lengths() -> None:
    mesh = Mesh.from_layer(grid(3))
    pairs = mesh.neighbours()
    assert len(pairs) == 12
    assert (pairs["length_m"] == 10.0).all()
    assert (pairs["a"] < pairs["b"]).all()
    assert sorted(mesh.outline_m().tolist()) == [0.0] + [10.0] * 4 + [20.0] * 4


def test_areas_are_exact() -> None:
    assert Mesh.from_layer(grid(4)).areas_m2().tolist() == [100.0] * 16


def test_dissolve_uses_the_same_vertices_and_sums() -> None:
    cells = grid(4).assign(population=range(16))
    mesh = Mesh.from_layer(cells)
    groups = np.array([(i // 4 // 2) * 2 + (i % 4) // 2 for i in range(16)])
    merged = mesh.dissolve(groups)
    assert merged.n_cells == 4
    assert merged.cells["population"].sum() == 120
    assert merged.areas_m2().tolist() == [400.0] * 4
    fine = {tuple(xy) for xy in mesh.arcs.xy.tolist()}
    assert {tuple(xy) for xy in merged.arcs.xy.tolist()} <= fine
    # Vertices on the common border of two groups are kept, so that levels are bitwise equal.
    assert shapely.get_num_coordinates(merged.polygons()[0]) == 9


def test_dissolve_can_leave_cells_out() -> None:
    merged = Mesh.from_layer(grid(3)).dissolve([0, 0, 0, 0, -1, 0, 0, 0, 0])
    assert merged.polygons()[0].equals(shapely.box(0, 0, 30, 30).difference(shapely.box(10, 10, 20, 20)))


def test_layer_of_each_level_by_code() -> None:
    codes = ["320113003001001001", "320113003001001002", "320113003001002001", "320113003002001001"]
    cells = grid(2).assign(code=codes, population=[1, 2, 3, 4])
    mesh = Mesh.from_layer(cells)
    assert mesh.layer(Level.COMMUNITY)["code"].tolist() == ["320113003001", "320113003002"]
    assert mesh.layer(Level.COMMUNITY)["population"].tolist() == [6, 4]
    assert mesh.layer(Level.STREET).geometry[0].area == 400.0


@pytest.mark.parametrize(
    ("cells", "message"),
    [
        (layer("POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))", "POLYGON ((3 0, 8 0, 8 4, 3 4, 3 0))"), "overlap"),
        (
            layer("POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))", "POLYGON ((4 0, 8 0, 8 4, 4 4, 4 2, 4 0))"),
            "lack vertices",
        ),
        (layer("POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))", "POLYGON ((0 0, 4 0, 4 4, 0 4, 0 0))"), "same ground"),
        (layer("POLYGON ((0 0, 4 4, 4 0, 0 4, 0 0))"), "invalid"),
        (layer("POLYGON EMPTY"), "no geometry"),
        (layer("POINT (0 0)"), "must be polygons"),
    ],
)
def test_what_is_no_coverage_is_refused(cells: gpd.GeoDataFrame, message: str) -> None:
    with pytest.raises(GeometryError, match=message):
        Mesh.from_layer(cells)


def test_degrees_are_refused() -> None:
    with pytest.raises(CrsError, match="metres"):
        Mesh.from_layer(grid(2).set_crs(4326, allow_override=True))


def test_the_input_is_not_changed() -> None:
    cells = grid(3).assign(population=1)
    before = cells.copy(deep=True)
    Mesh.from_layer(cells).dissolve(np.zeros(9, dtype=int))
    pd.testing.assert_frame_equal(pd.DataFrame(cells), pd.DataFrame(before))


def test_vertices_more_than_two_thousand_kilometres_apart_are_refused() -> None:
    near = np.array([[5, 7], [5 + 2**31 - 1, 7]])
    assert unique_vertices(near)[1].tolist() == [0, 1]
    with pytest.raises(OverflowError, match="2,147 km"):
        unique_vertices(near + np.array([[0, 0], [1, 0]]))


def test_a_mesh_gives_no_level_below_its_own_and_none_if_its_codes_are_of_two() -> None:
    shapes = SHAPES["two neighbours"]
    mesh = Mesh.from_layer(layer(*shapes, code=["320113003001001", "320113003001002"]))
    with pytest.raises(ImpossibleError, match="cannot give the third level"):
        mesh.layer(Level.THIRD)
    assert mesh.layer(Level.COMMUNITY)["code"].tolist() == ["320113003001"]
    mixed = Mesh.from_layer(layer(*shapes, code=["320113003001001", "320113003001"]))
    with pytest.raises(CodeError, match=r"of several \(community, second\)"):
        mixed.layer(Level.STREET)


def test_a_mesh_of_an_invalid_cell_names_its_own_reason() -> None:
    bow = "POLYGON ((10 0, 14 4, 14 0, 10 4, 10 0))"
    with pytest.raises(GeometryError, match="1 cell is an invalid polygon") as caught:
        Mesh.from_layer(layer(SHAPES["one square"][0], bow))
    assert "Self-intersection[12 2]" in str(caught.value)
