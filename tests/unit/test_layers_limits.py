"""Layers on their limits: feet, the middle of a layer, datums of frames, codes, digests, and what a file of a layer holds."""

from __future__ import annotations

import warnings
import zipfile

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.errors import CrsError, FileError, GeometryError, ImpossibleError
from geo.layers import (
    Datum,
    Division,
    child_codes,
    convert,
    digest_of,
    is_code,
    read_layer,
    to_datum,
    write_layer,
    write_layers,
)
from geo.layers.cells import as_area, as_cells, code_column, code_text
from geo.layers.crs import centre_lon_lat, is_metric
from geo.layers.row_values import values_of_rows

BOXES = [shapely.box(387000 + 100 * k, 3553000, 387100 + 100 * k, 3553100) for k in range(3)]


def cells(**columns):
    return gpd.GeoDataFrame(columns, geometry=BOXES, crs=4549)


def test_feet_are_not_metres():
    assert not is_metric("EPSG:2263")
    assert is_metric("EPSG:4549")
    assert not is_metric("EPSG:4326")


def test_the_centre_of_a_layer_lies_in_its_middle():
    frame = gpd.GeoDataFrame(geometry=[shapely.box(118.0, 32.0, 119.0, 33.0)], crs=4326)
    assert centre_lon_lat(frame) == (118.5, 32.5)


def test_a_frame_is_moved_from_its_datum_to_the_other():
    frame = gpd.GeoDataFrame(geometry=[shapely.Point(118.8127, 32.1025)], crs=4326)
    lon, lat = convert([118.8127], [32.1025], "WGS-84", "GCJ-02")
    moved = to_datum(frame, Datum.WGS84, Datum.GCJ02).geometry.iloc[0]
    assert (moved.x, moved.y) == pytest.approx((lon[0], lat[0]), abs=1e-9)


def test_nothing_is_shifted_outside_china():
    for lon, lat in ((118.8, 56.0), (118.8, 0.5), (71.0, 32.0), (138.0, 32.0)):
        assert [value[0] for value in convert([lon], [lat], "WGS-84", "GCJ-02")] == [lon, lat]


def test_datums_in_the_spelling_of_their_services():
    assert Datum.parse("bd-09ll") is Datum.BD09
    assert Datum.parse("GCJ02") is Datum.GCJ02


def test_three_digits_number_999_children_from_one():
    x = np.arange(999.0)
    codes = child_codes("320113003001", x, np.zeros(999))
    assert (codes[0], codes[-1]) == ("320113003001001", "320113003001999")
    with pytest.raises(ImpossibleError, match="would have 1000 children"):
        child_codes("320113003001", np.arange(1000.0), np.zeros(1000))
    assert not is_code("３２０１１３００３００１")


def test_a_digest_knows_geometries_of_equal_length():
    moved = cells(code=list("abc")).set_geometry(gpd.GeoSeries(BOXES).translate(0, 1).set_crs(4549))
    assert digest_of(cells(code=list("abc"))) != digest_of(moved)


def test_cells_without_codes_are_numbered_from_one_and_a_few_equal_codes_are_codes():
    assert as_cells(cells(), "a")["code"].tolist() == ["1", "2", "3"]
    many = gpd.GeoDataFrame({"code": [f"c{k}" for k in (0, *range(19))]}, geometry=[BOXES[0]] * 20, crs=4549)
    assert code_column(many) == "code"
    assert code_column(many.assign(code="c")) is None


def test_an_area_of_other_geometries_names_their_row():
    shapes = gpd.GeoSeries([BOXES[0], shapely.Point(0, 0), BOXES[1]], crs=4549)
    with pytest.raises(GeometryError, match=r"not Point \(row 1\)"):
        as_area(shapes, 4549, "outline")


def test_only_codes_that_all_end_in_a_decimal_lose_it():
    assert code_text(pd.Series(["1.0", "2.0"]), "a").tolist() == ["1", "2"]
    assert code_text(pd.Series(["1.0", "A"]), "a").tolist() == ["1.0", "A"]


def test_values_in_another_order_go_to_their_rows():
    values = pd.Series([1, 2, 3], index=["c", "b", "a"])
    assert values_of_rows(values, pd.Index(["a", "b", "c"]), "workload").tolist() == [3, 2, 1]
    partial = values_of_rows(values[:1], pd.Index(["a", "b", "c"]), "locked", partial=True)
    assert partial.isna().tolist() == [True, True, False]


def test_geojson_holds_one_layer_in_degrees_and_flatgeobuf_keeps_the_order(tmp_path):
    mixed = cells(code=list("abc")).iloc[[2, 0, 1]]
    write_layer(mixed, tmp_path / "a.geojson")
    found = read_layer(tmp_path / "a.geojson")
    assert found.crs.to_epsg() == 4326
    assert found.total_bounds[0] == pytest.approx(118.803, abs=0.001)
    write_layer(mixed, tmp_path / "a.fgb")
    assert read_layer(tmp_path / "a.fgb")["code"].tolist() == ["c", "a", "b"]
    with pytest.raises(FileError, match="holds one layer, 2 were given"):
        write_layers({"a": mixed, "b": mixed}, tmp_path / "b.geojson")
    with pytest.raises(CrsError):
        write_layer(gpd.GeoDataFrame(geometry=BOXES), tmp_path / "c.geojson")


def test_a_coordinate_that_is_infinite_on_one_axis_is_not_written(tmp_path):
    points = gpd.GeoDataFrame(geometry=[shapely.Point(1, 2), shapely.Point(np.inf, 2)], crs=4549)
    with pytest.raises(GeometryError, match="1 of 2 rows has coordinates that are not finite"):
        write_layer(points, tmp_path / "a.gpkg")


def test_packed_files_have_a_fixed_time(tmp_path):
    write_layer(cells(code=list("abc")), tmp_path / "a.shp.zip")
    with zipfile.ZipFile(tmp_path / "a.shp.zip") as packed:
        assert {part.date_time for part in packed.infolist()} == {(2000, 1, 1, 0, 0, 0)}


@pytest.mark.parametrize(
    ("side_m", "crs", "levels", "told"),
    [(5_100, 4549, 1, True), (4_900, 4549, 1, False), (5_100, 32633, 1, False), (4_900, 4549, 2, False)],
)
def test_more_than_25_square_kilometres_of_china_are_named(tmp_path, side_m, crs, levels, told):
    square = shapely.box(387000, 3553000, 387000 + side_m, 3553000 + side_m)
    frame = gpd.GeoDataFrame({"level": range(levels)}, geometry=[square] * levels, crs=crs)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        write_layer(frame, tmp_path / "a.gpkg")
    assert any("25 km²" in str(each.message) for each in caught) is told


def test_shifts_are_those_of_other_implementations():
    """Values that the README of the library coordtransform states."""
    gcj, bd = (
        [v[0] for v in convert([116.404], [39.915], *way)] for way in (("WGS-84", "GCJ-02"), ("GCJ-02", "BD-09"))
    )
    assert gcj == pytest.approx([116.41024449916938, 39.91640428150164], abs=1e-9)
    assert bd == pytest.approx([116.41036949371029, 39.92133699351021], abs=1e-9)


def test_all_layers_of_a_division_have_one_crs():
    names = ["street", "community", "second", "third"]
    for name in names:
        frames = {each: cells(code=list("abc")) for each in names}
        frames[name] = frames[name].to_crs(4548)
        with pytest.raises(CrsError, match="must share one CRS"):
            Division(**frames)
