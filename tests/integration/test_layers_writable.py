"""Rows of kinds that GDAL refuses or loses are written, or what is lost is told; read back by geopandas alone."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.layers import write_layer
from geo.notices import WanggeWarning

FORMATS = ["a.gpkg", "a.fgb", "a.geojson", "a.shp", "a.parquet", "a.kml"]
TWO = [shapely.box(118 + k, 32, 118.001 + k, 32.001) for k in range(2)]


@pytest.fixture
def silent() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("error", WanggeWarning)
        yield


def back(frame: gpd.GeoDataFrame, path: Path) -> gpd.GeoDataFrame:
    write_layer(frame, path)
    return gpd.read_parquet(path) if path.suffix == ".parquet" else gpd.read_file(path)


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    ("values", "texts"),
    [
        (np.array([2**63 + 5, 1], dtype="uint64"), ["9223372036854775813", "1"]),
        (pd.to_timedelta([60, 3600], unit="s"), ["0 days 00:01:00", "0 days 01:00:00"]),
        ([7, "a"], ["7", "a"]),
    ],
    ids=["unsigned", "durations", "mixed"],
)
def test_values_of_other_types_are_texts(tmp_path: Path, name: str, values: object, texts: list[str]) -> None:
    frame = gpd.GeoDataFrame({"v": values}, geometry=TWO, crs=4326)
    assert back(frame, tmp_path / name)["v"].astype(str).tolist() == texts
    assert list(frame.columns) == ["v", "geometry"]


@pytest.mark.usefixtures("silent")
@pytest.mark.parametrize("name", FORMATS)
def test_numbers_are_names_of_columns(tmp_path: Path, name: str) -> None:
    assert back(gpd.GeoDataFrame({5: [1, 2], "a": ["x", "y"]}, geometry=TWO, crs=4326), tmp_path / name)[
        "5"
    ].tolist() == [1, 2]


def test_columns_that_a_geopackage_reserves_or_merges_get_other_names(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"A": [1, 2], "a": [3, 4], "fid": ["x", "x"], "geom": ["p", "q"]}, geometry=TWO, crs=4326)
    with pytest.warns(WanggeWarning, match="a.gpkg: columns are renamed, .* a → a_2, fid → fid_2$"):
        found = back(frame, tmp_path / "a.gpkg")
    assert found.drop(columns="geometry").to_dict("list") == {
        "A": [1, 2],
        "a_2": [3, 4],
        "fid_2": ["x", "x"],
        "geom": ["p", "q"],
    }
    assert found.geometry.geom_equals(frame.geometry).all()


@pytest.mark.usefixtures("silent")
def test_distinct_integers_called_fid_are_the_key(tmp_path: Path) -> None:
    write_layer(gpd.GeoDataFrame({"fid": [7, 3]}, geometry=TWO, crs=4326), tmp_path / "a.gpkg")
    assert gpd.read_file(tmp_path / "a.gpkg", fid_as_index=True).index.tolist() == [3, 7]


def test_infinite_numbers_are_told_in_geojson(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"v": [np.inf, 1.5], "w": [-np.inf, np.nan]}, geometry=TWO, crs=4326)
    with pytest.warns(WanggeWarning, match="a.geojson: 2 numbers are infinite and left out"):
        assert back(frame, tmp_path / "a.geojson")["v"].tolist()[1] == 1.5


@pytest.mark.usefixtures("silent")
def test_points_and_multipoints_are_written_to_one_shapefile(tmp_path: Path) -> None:
    both = [shapely.MultiPoint([(0, 0), (1, 1)]), shapely.Point(3, 3)]
    found = back(gpd.GeoDataFrame({"a": [1, 2]}, geometry=both, crs=4326), tmp_path / "a.shp")
    assert [shapely.get_coordinates(shape).tolist() for shape in found.geometry] == [[[0, 0], [1, 1]], [[3, 3]]]


@pytest.mark.usefixtures("silent")
def test_empty_geometries_are_rows_of_kml(tmp_path: Path) -> None:
    found = back(gpd.GeoDataFrame({"a": [1, 2]}, geometry=[shapely.Polygon(), TWO[1]], crs=4326), tmp_path / "a.kml")
    assert found["a"].tolist() == [1, 2]
    assert found.geometry.isna().tolist() == [True, False]
