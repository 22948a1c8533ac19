"""``convert``: requests that a format or a place cannot meet are told."""

from __future__ import annotations

import warnings
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from api.commands.convert import Change, convert_file
from geo.layers import read_layer, write_layer
from geo.notices import WanggeWarning


def written(path: Path, lon: float, lat: float) -> Path:
    write_layer(gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(lon, lat)], crs=4326), path)
    return path


@pytest.mark.parametrize("name", ["a.geojson", "a.kml", "a.geojson.zip"])
def test_a_format_in_degrees_says_that_it_takes_no_other_crs(tmp_path: Path, name: str) -> None:
    source = written(tmp_path / "in.gpkg", 118.8, 32.1)
    with pytest.warns(WanggeWarning, match=f"{name}: .* converted to degrees, not to EPSG:4549"):
        convert_file(source, tmp_path / name, change=Change(to_crs="EPSG:4549"))
    with warnings.catch_warnings():
        warnings.simplefilter("error", WanggeWarning)
        for crs in ("4326", "OGC:CRS84", "EPSG:4490"):
            convert_file(source, tmp_path / name, change=Change(to_crs=crs))
        convert_file(source, tmp_path / "b.gpkg", change=Change(to_crs="EPSG:4549"))


def test_a_datum_that_changes_nothing_outside_china_is_told(tmp_path: Path) -> None:
    change = Change(from_datum="WGS-84", to_datum="GCJ-02")
    berlin, street = written(tmp_path / "b.gpkg", 13.4, 52.5), written(tmp_path / "s.gpkg", 118.8, 32.1)
    with pytest.warns(WanggeWarning) as said:
        convert_file(berlin, tmp_path / "o.gpkg", change=change)
    assert any("No coordinates lie in China" in str(one.message) for one in said)
    assert gpd.read_file(tmp_path / "o.gpkg").geometry[0] == shapely.Point(13.4, 52.5)
    with pytest.warns(WanggeWarning) as said:
        convert_file(street, tmp_path / "o.gpkg", change=change)
    assert [str(one.message) for one in said] == [
        "o.gpkg: 坐标为 GCJ-02，但文件无法声明；交付时请注明。"
        "The coordinates are on GCJ-02, but no CRS says so: tell whoever gets the file"
    ]


def test_times_with_a_zone_in_a_geopackage_are_no_news(tmp_path: Path) -> None:
    times = pd.to_datetime(["2026-03-02T08:15:00"]).tz_localize("Europe/Berlin")
    gpd.GeoDataFrame({"at": times}, geometry=[shapely.Point(13.4, 52.5)], crs=4326).to_file(tmp_path / "a.gpkg")
    with warnings.catch_warnings():
        warnings.simplefilter("error", WanggeWarning)
        convert_file(tmp_path / "a.gpkg", tmp_path / "b.gpkg")
        assert read_layer(tmp_path / "b.gpkg")["at"][0] == times[0]
