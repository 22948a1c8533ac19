"""Layers as found in practice: names in KML, local and old coordinate systems, style tables, damaged text, numeric codes."""

from __future__ import annotations

import sqlite3
import warnings
import xml.etree.ElementTree as ET
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import pytest
import shapely

from api.commands.convert import Change, convert_file
from geo.errors import CrsError, GeometryError
from geo.layers import area_frame, as_area, as_cells, layers_of, read_layer, write_layer
from geo.layers.cells import code_text
from geo.layers.files.shapefile import guess_encoding
from geo.layers.old_datums import change_crs, old_datum
from geo.notices import WanggeWarning

NAMES = ["编码", "名称", "负责人", "网格 长", "name", "plain"]


def boxes(n: int = 3) -> gpd.GeoDataFrame:
    shapes = [shapely.box(387000 + 100 * i, 3553000, 387100 + 100 * i, 3553100) for i in range(n)]
    return gpd.GeoDataFrame({"code": [f"c{i}" for i in range(n)]}, geometry=shapes, crs=4549)


def kml(path: Path, names: list[str], *, folders: bool = False) -> Path:
    ring = "118.80,32.09 118.81,32.09 118.81,32.10 118.80,32.09"
    marks = [
        f"<Placemark><name>p{i}</name><ExtendedData>"
        + "".join(f'<Data name="{name}"><value>{name}={i}</value></Data>' for name in names)
        + f"</ExtendedData><Polygon><outerBoundaryIs><LinearRing><coordinates>{ring}"
        "</coordinates></LinearRing></outerBoundaryIs></Polygon></Placemark>"
        for i in range(2)
    ]
    body = "".join(marks)
    if folders:
        notes = "<Folder><name>notes</name><Placemark><name>x</name></Placemark></Folder>"
        body = f"<Folder><name>cells</name>{body}</Folder>{notes}"
    path.write_text(f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{body}</Document></kml>', encoding="utf-8")
    return path


def test_every_name_of_kml_data_is_kept(tmp_path: Path) -> None:
    path = kml(tmp_path / "a.kml", NAMES)
    frame = read_layer(path)
    twin = {
        data.get("name"): data[0].text
        for data in ET.parse(path).getroot().iter("{http://www.opengis.net/kml/2.2}Data")
        if data[0].text.endswith("=1")
    }
    for name, value in twin.items():
        assert frame[name].iloc[1] == value
    assert frame["Name"].tolist() == ["p0", "p1"]


def test_a_folder_without_geometry_is_no_layer(tmp_path: Path) -> None:
    path = kml(tmp_path / "a.kml", ["编码"], folders=True)
    assert layers_of(path) == ["cells"]
    assert len(read_layer(path)) == 2


def test_a_table_of_styles_is_no_layer(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    write_layer(boxes(), path, layer="cells")
    pyogrio.write_dataframe(pd.DataFrame({"styleQML": ["<qgis/>"]}), path, layer="layer_styles", append=True)
    assert {name for name, _ in pyogrio.list_layers(path)} == {"cells", "layer_styles"}
    assert layers_of(path) == ["cells"]
    assert read_layer(path)["code"].tolist() == ["c0", "c1", "c2"]


@pytest.mark.parametrize(
    "wkt",
    [
        'LOCAL_CS["地方坐标系",UNIT["Meter",1.0]]',
        'LOCAL_CS["Undefined Cartesian SRS",UNIT["Meter",1],AXIS["Easting",EAST],AXIS["Northing",NORTH]]',
    ],
)
def test_a_local_system_is_no_usable_crs(tmp_path: Path, wkt: str) -> None:
    path = tmp_path / "a.shp"
    write_layer(boxes(), path)
    path.with_suffix(".prj").write_text(wkt, encoding="utf-8")
    with pytest.raises(CrsError, match=r"no usable coordinate reference system.*EPSG:4549"):
        read_layer(path)
    assert read_layer(path, crs="EPSG:4549").crs.to_epsg() == 4549


def test_an_undefined_system_of_a_geopackage(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    write_layer(boxes(), path)
    with sqlite3.connect(path) as database:
        database.execute("UPDATE gpkg_geometry_columns SET srs_id = -1")
        database.execute("UPDATE gpkg_contents SET srs_id = -1")
    with pytest.raises(CrsError, match="usable"):
        read_layer(path)


@pytest.mark.parametrize(("epsg", "name"), [(2437, "Beijing 1954"), (2385, "Xian 1980"), (4214, "Beijing 1954")])
def test_an_old_datum_is_never_changed_by_guess(tmp_path: Path, epsg: int, name: str) -> None:
    assert old_datum(epsg) == name
    frame = (
        boxes().to_crs(4490).set_crs(epsg, allow_override=True)
        if epsg == 4214
        else boxes().set_crs(epsg, allow_override=True)
    )
    write_layer(frame, tmp_path / "old.gpkg")
    for target, change in ((tmp_path / "a.geojson", Change()), (tmp_path / "b.gpkg", Change(to_crs="EPSG:4490"))):
        with pytest.raises(CrsError, match=rf"{name} and CGCS2000"):
            convert_file(tmp_path / "old.gpkg", target, change=change)
        assert not target.exists()


def test_an_old_datum_with_parameters_is_changed_with_its_accuracy() -> None:
    """In the Ordos basin there are public parameters from Beijing 1954; compared with the operation of PROJ itself."""
    place = gpd.GeoSeries([shapely.Point(108.5, 37.0)], crs=4214)
    with pytest.warns(WanggeWarning, match=r"about \d+ m"):
        moved = change_crs(place, 4490)
    area = pyproj.aoi.AreaOfInterest(108.4, 36.9, 108.6, 37.1)
    twin = pyproj.transformer.TransformerGroup(4214, 4326, always_xy=True, area_of_interest=area).transformers[0]
    assert moved.iloc[0].coords[0] == pytest.approx(twin.transform(108.5, 37.0), abs=1e-9)
    assert moved.to_crs(4545).distance(place.set_crs(4490, allow_override=True).to_crs(4545)).iloc[0] > 30.0


def test_new_datums_are_changed_as_ever() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pd.testing.assert_series_equal(change_crs(boxes().geometry, 4326), boxes().geometry.to_crs(4326))


@pytest.mark.parametrize("codec", ["gbk", "utf-8"])
def test_text_with_one_damaged_byte_is_still_chinese(tmp_path: Path, codec: str) -> None:
    frame = boxes(12).assign(社区=[f"迈皋桥社区第{i}网格" for i in range(12)])
    path = tmp_path / "a.shp"
    write_layer(frame, path, encoding=codec)
    path.with_suffix(".cpg").unlink()
    raw = bytearray(path.with_suffix(".dbf").read_bytes())
    at = raw.find("第7网格".encode(codec))
    raw[at] = 0xFF
    raw[29] = 0
    path.with_suffix(".dbf").write_bytes(bytes(raw))
    with pytest.warns(WanggeWarning) as told:
        read = read_layer(path)
    assert read["社区"].drop(7).tolist() == frame["社区"].drop(7).tolist()
    assert "�" in read["社区"][7]
    assert any("1 of" in str(w.message) and "�" in str(w.message) for w in told)


def test_western_text_is_not_taken_for_chinese() -> None:
    texts = [
        text.encode("cp1252") for text in ("Müllerstraße", "Kölln", "São Paulo", "Besançon", "naïve façade", "Åre")
    ]
    assert guess_encoding([*texts, b"\xff\xfe x"]) == "cp1252"


def test_codes_stored_as_numbers() -> None:
    frame = boxes().drop(columns="code").assign(网格编号=[320113001.0, 320113002.0, np.nan])
    frame = frame.assign(其他=["a", "b", "c"])
    cells = as_cells(frame.iloc[:2], "layer", code="网格编号")
    assert cells["code"].tolist() == ["320113001", "320113002"]
    assert as_cells(frame.iloc[:2], "layer")["code"].tolist() == ["320113001", "320113002"]
    assert code_text(pd.Series(["320113001.0", "320113002.0"]), "c").tolist() == ["320113001", "320113002"]
    assert code_text(pd.Series(["1.0", "x"]), "c").tolist() == ["1.0", "x"]
    assert code_text(pd.Series([1.5, 2.0]), "c").tolist() == ["1.5", "2"]
    assert code_text(pd.Series([7, 8]), "c").tolist() == ["7", "8"]
    with pytest.warns(WanggeWarning, match="code was stored as floating numbers, .* without the last digits"):
        code_text(pd.Series([320113001001001001.0]), "c")


def test_one_area_as_frame_series_and_geometry() -> None:
    shape = shapely.box(387000, 3553000, 387300, 3553100)
    frame = boxes()
    for given in (frame, frame.geometry, shape, frame.to_crs(4326), shapely.MultiPolygon([shape])):
        made = as_area(given, frame.crs, "outline")
        assert made.symmetric_difference(shape).area < 0.01
        assert area_frame(given, frame.crs, "outline").crs == frame.crs
    assert as_area(None, frame.crs, "outline") is None
    for wrong, message in (
        (shape.boundary, "polygons are needed, not LineString"),
        ("POLYGON", "not str"),
        (shapely.Polygon(), "no polygon"),
        (gpd.GeoSeries([shape.centroid], crs=4549), "not Point"),
    ):
        with pytest.raises(GeometryError, match=message):
            as_area(wrong, frame.crs, "outline")
    with pytest.raises(CrsError, match="outline"):
        as_area(gpd.GeoSeries([shape]), frame.crs, "outline")


#: Columns that the KML driver takes for elements, merges or writes so that no program reads the file.
HARD_COLUMNS = {
    "id": ["A-1", "A-2"],
    "begin": ["早", "晚"],
    "end": ["x", "y"],
    "visibility": ["good", "poor"],
    "model": [7, 8],
    "tilt": ["1", "2"],
    "icon": ["a", "b"],
    "drawOrder": ["c", "d"],
    "altitudeMode": ["low", "high"],
    "Street": ["Main", "High"],
    "street": ["1", "2"],
    'Nr. "a" & <b>': ["p", "q"],
    "text": ["a]]>b", "&amp; <i>"],
    "long": [2**53 + 1, 2**60],
}


def test_kml_keeps_columns_that_are_named_like_its_elements(tmp_path: Path) -> None:
    shapes = [shapely.box(118.8 + i, 32, 118.801 + i, 32.001) for i in range(2)]
    frame = gpd.GeoDataFrame({"name": ["甲", "乙"], **HARD_COLUMNS}, geometry=shapes, crs=4326)
    write_layer(frame, tmp_path / "a.kml")
    space = "{http://www.opengis.net/kml/2.2}"
    marks = list(ET.parse(tmp_path / "a.kml").iter(f"{space}Placemark"))
    assert [mark.findtext(f"{space}name") for mark in marks] == ["甲", "乙"]
    for k, mark in enumerate(marks):  # by the XML alone, without GDAL
        data = {one.get("name"): one.text for one in mark.iter(f"{space}SimpleData")}
        assert data == {column: str(values[k]) for column, values in HARD_COLUMNS.items()}
    back = read_layer(tmp_path / "a.kml")
    for column, values in HARD_COLUMNS.items():
        assert [str(value) for value in back[column]] == [str(value) for value in values], column


def test_kml_leaves_out_what_xml_cannot_hold_and_says_so(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame(
        {"a": ["x\x0by", "z"], "name": [3, 4]}, geometry=[shapely.Point(118.8, 32.1)] * 2, crs=4326
    )
    with pytest.warns(WanggeWarning, match="1 value has control characters, which XML cannot hold"):
        write_layer(frame, tmp_path / "a.kml")
    back = read_layer(tmp_path / "a.kml")
    assert back["a"].tolist() == ["xy", "z"]
    assert back["name"].tolist() == [3, 4]  # a number is no label


def test_kml_times_stay_times_of_the_placemark(tmp_path: Path) -> None:
    times = pd.to_datetime(["2026-03-02T01:00:00", "2026-03-03T01:00:00"])
    write_layer(
        gpd.GeoDataFrame({"begin": times}, geometry=[shapely.Point(118.8, 32.1)] * 2, crs=4326), tmp_path / "a.kml"
    )
    assert (tmp_path / "a.kml").read_text().count("<TimeSpan>") == 2


def test_a_second_geometry_is_left_out_and_told(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(118.8, 32.1)], crs=4326)
    frame["centre"] = frame.geometry.to_crs(4549)
    for name in ("a.geojson", "a.gpkg", "a.kml", "a.shp", "a.fgb"):
        with pytest.warns(WanggeWarning, match=f"{name}: holds one geometry per row; the columns centre are left out"):
            write_layer(frame, tmp_path / name)
        assert "centre" not in gpd.read_file(tmp_path / name)
    write_layer(frame, tmp_path / "a.parquet")
    assert gpd.read_parquet(tmp_path / "a.parquet")["centre"].crs == "EPSG:4549"


DISTRICTS = ["臺北市大安區", "新北市板橋區", "高雄市三民區", "九龍城區", "油尖旺區", "荃灣區", "觀塘區", "屯門區"]
WESTERN = ["Müller", "Straße", "Größe", "École", "Øster", "Ålesund", "über", "Besançon"]


@pytest.mark.parametrize(("names", "encoding", "read"), [(DISTRICTS, "cp950", "CP950"), (WESTERN, "cp1252", "CP1252")])
def test_text_of_taiwan_and_of_the_west_is_no_gbk_although_it_decodes(tmp_path: Path, names, encoding, read) -> None:
    gpd.GeoDataFrame({"name": names}, geometry=[shapely.Point(k, 1) for k in range(8)], crs=3857).to_file(
        tmp_path / "a.shp", encoding=encoding
    )
    (tmp_path / "a.cpg").unlink(missing_ok=True)
    with (tmp_path / "a.dbf").open("r+b") as file:  # no language in the header either
        file.seek(29)
        file.write(b"\x00")
    with pytest.warns(WanggeWarning, match=f"text is read as {read}"):
        assert read_layer(tmp_path / "a.shp")["name"].tolist() == names
