"""Formats, encodings, field names, wrong CRS, and the notice on confidentiality."""

from __future__ import annotations

import json
import re
import struct
import warnings
import zipfile
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from api.cli import run
from geo.errors import CrsError, FileError
from geo.layers import area_m2, read_layer, write_layer
from geo.layers.alignment.plausibility import readings
from geo.layers.files.dbf import REAL_FROM_DIGITS
from geo.layers.files.shapefile import guess_encoding, short_names
from geo.notices import WanggeWarning

E, N = 387000.0, 3553000.0
NAMES = ["长营村社区", "合班村", "迈皋桥街道办事处"]


def cells(crs: object = 4549) -> gpd.GeoDataFrame:
    boxes = [shapely.box(E + 100 * i, N, E + 100 * i + 100, N + 100) for i in range(3)]
    codes = ["320113003001001", "320113003001002", "320113003001003"]
    columns = {"code": codes, "name": NAMES, "level": 2, "area_m2": 1e4, "population": [1, 2, 3], "leader": "欧阳娜娜"}
    return gpd.GeoDataFrame(columns, geometry=boxes, crs=4549).to_crs(crs)


@pytest.mark.parametrize(
    "ending", ["gpkg", "geojson", "fgb", "shp", "kml", "parquet", "shp.zip", "geojson.zip", "fgb.zip"]
)
@pytest.mark.parametrize("crs", [4549, 4490, 4528, 32650, 3857])
def test_there_and_back(tmp_path: Path, ending: str, crs: int) -> None:
    frame = cells(crs)
    write_layer(frame, tmp_path / f"方案.{ending}")
    back = read_layer(tmp_path / f"方案.{ending}")
    assert back[frame.columns[:-1]].astype(str).eq(frame[frame.columns[:-1]].astype(str)).all(axis=None)
    assert back["population"].sum() == 6
    one, two = (f.geometry.to_crs(4549).array for f in (frame, back))
    assert max(shapely.hausdorff_distance(one, two)) < 1e-3
    in_degrees = ending.startswith(("geojson", "kml"))
    assert back.crs == (4326 if in_degrees else crs)


def test_same_rows_same_bytes(tmp_path: Path) -> None:
    for ending in ("gpkg", "geojson", "fgb", "kml", "parquet", "shp.zip"):
        for folder in ("a", "b"):
            (tmp_path / folder).mkdir(exist_ok=True)
            write_layer(cells(), tmp_path / folder / f"x.{ending}")
        assert (tmp_path / "a" / f"x.{ending}").read_bytes() == (tmp_path / "b" / f"x.{ending}").read_bytes(), ending


def test_a_shapefile_has_the_names_of_the_standard_in_gbk(tmp_path: Path) -> None:
    write_layer(cells(), tmp_path / "a.shp")
    assert (tmp_path / "a.cpg").read_text() == "GBK"
    raw = (tmp_path / "a.dbf").read_bytes()
    assert "长营村社区".encode("gbk") in raw
    fields = [raw[32 + 32 * k : 43 + 32 * k].split(b"\0")[0].decode() for k in range(6)]
    assert fields == ["SZDYWGBSM", "DYWGMC", "level", "MJ", "population", "leader"]
    other = pyogrio.read_dataframe(tmp_path / "a.shp")  # As read by another library.
    assert other["DYWGMC"].tolist() == NAMES


@pytest.mark.parametrize("cpg", ["as written", "none", "GB2312", "936", "ANSI 936", "UTF-8", "1252 is no Chinese"])
@pytest.mark.parametrize("encoding", ["GBK", "UTF-8", "GB18030"])
def test_text_is_read_whatever_the_cpg_says(tmp_path: Path, encoding: str, cpg: str) -> None:
    write_layer(cells(), tmp_path / "a.shp", encoding=encoding)
    if cpg == "none":
        (tmp_path / "a.cpg").unlink()
    elif cpg != "as written":
        (tmp_path / "a.cpg").write_text(cpg)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", WanggeWarning)
        back = read_layer(tmp_path / "a.shp")
    assert back["name"].tolist() == NAMES
    assert back["leader"].tolist() == ["欧阳娜娜"] * 3


def test_a_guessed_encoding_is_told_and_a_named_one_is_taken(tmp_path: Path) -> None:
    write_layer(cells(), tmp_path / "a.shp")
    (tmp_path / "a.cpg").unlink()
    with pytest.warns(WanggeWarning, match="read as GBK.*--encoding"):
        read_layer(tmp_path / "a.shp")
    assert read_layer(tmp_path / "a.shp", encoding="gbk")["name"].tolist() == NAMES
    with pytest.raises(FileError, match="not a known text encoding"):
        read_layer(tmp_path / "a.shp", encoding="klingon")


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("迈皋桥", "utf-8"),
        ("迈皋桥", "gbk"),
        ("联通", "gbk"),
        ("联通", "utf-8"),
        ("Straße Köln", "utf-8"),
        ("陆", "gbk"),
    ],
)
def test_encodings_are_told_apart(text: str, encoding: str) -> None:
    assert text.encode(encoding).decode(guess_encoding([text.encode(encoding)])) == text


def test_field_names_of_ten_bytes(tmp_path: Path) -> None:
    frame = (
        cells().rename(columns={"leader": "网格负责人姓名", "level": "网格负责人电话"}).assign(网格负责人电话="5550100")
    )
    with pytest.warns(WanggeWarning, match="网格负责人电话 → 网格负责人, 网格负责人姓名 → 网格负责_1"):
        write_layer(frame, tmp_path / "a.shp")
    assert {"网格负责人", "网格负责_1"} <= set(read_layer(tmp_path / "a.shp").columns)
    with pytest.warns(WanggeWarning, match="网格负责人电话 → 网格负"):
        write_layer(frame, tmp_path / "u.shp", encoding="UTF-8")
    assert {"网格负", "网格_1"} <= set(read_layer(tmp_path / "u.shp").columns)
    # A name that another program truncated inside a character.
    raw = bytearray((tmp_path / "u.dbf").read_bytes())
    at = raw.index("网格负".encode())
    raw[at : at + 10] = "网格负责".encode()[:10]
    (tmp_path / "u.dbf").write_bytes(raw)
    assert "网格负" in read_layer(tmp_path / "u.shp").columns
    with pytest.warns(WanggeWarning):
        assert short_names(["a" * 11, "a" * 12, "A" * 13], "GBK", "x") == ["a" * 10, "a" * 8 + "_1", "A" * 8 + "_2"]


def test_text_that_does_not_fit(tmp_path: Path) -> None:
    with pytest.raises(FileError, match=r"GBK lacks.*UTF-8"):
        write_layer(cells().assign(name="\U00020000村"), tmp_path / "a.shp")
    with pytest.warns(WanggeWarning, match="cut to 254 bytes"):
        write_layer(cells().assign(name="长" * 200), tmp_path / "a.shp")
    assert read_layer(tmp_path / "a.shp")["name"][0] == "长" * 127


def test_numbers_of_a_shapefile_that_are_read_in_part_are_told(tmp_path: Path) -> None:
    frame = cells()
    count = len(frame)
    pyogrio.write_dataframe(
        frame.assign(n=range(count), r=np.arange(count) + 0.5)[["n", "r", "geometry"]], tmp_path / "a.shp"
    )
    raw = bytearray((tmp_path / "a.dbf").read_bytes())
    header, row = struct.unpack("<HH", raw[8:12])
    n, r = raw[48], raw[80]
    assert (raw[49], n < REAL_FROM_DIGITS, raw[81] > 0) == (0, True, True)

    def put(at: int, number: str, real: str) -> None:
        start = header + at * row + 1
        raw[start : start + n + r] = number.rjust(n).encode() + real.rjust(r).encode()

    for at, pair in enumerate([("-1", "-1.5E+01"), ("1e3", "1.0D+02"), ("12.5", "2")]):
        put(at, *pair)
    raw[32:43] = "户数".encode("gbk").ljust(11, b"\0")
    (tmp_path / "a.dbf").write_bytes(raw)
    (tmp_path / "a.cpg").write_text("GBK")
    with pytest.warns(WanggeWarning) as told:
        back = read_layer(tmp_path / "a.shp")
    assert [str(one.message) for one in told] == [
        "a.dbf: 2 numbers of the field 户数 are read only in part (first: row 2, '1e3'); correct them in the source",
        "a.dbf: 1 number of the field r is read only in part (first: row 2, '1.0D+02'); correct them in the source",
    ]
    assert (back["户数"].tolist()[:3], back["r"].tolist()[:3]) == ([-1, 1, 12], [-15.0, 1.0, 2.0])


def test_old_parts_of_a_shapefile_do_not_stay(tmp_path: Path) -> None:
    write_layer(cells(), tmp_path / "a.shp")
    for ending in (".qix", ".sbn"):
        (tmp_path / f"a{ending}").write_bytes(b"old index")
    write_layer(cells().iloc[:1], tmp_path / "a.shp")
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".cpg", ".dbf", ".prj", ".shp", ".shx"]


def test_an_archive_with_names_in_gbk(tmp_path: Path) -> None:
    write_layer(cells(), tmp_path / "网格.shp")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for part in tmp_path.glob("网格.*"):
            archive.writestr(f"AAAA/BBBB{part.suffix}", part.read_bytes())
    raw = (tmp_path / "a.zip").read_bytes()
    (tmp_path / "a.zip").write_bytes(raw.replace(b"AAAA/BBBB", "目录/网格".encode("gbk")))
    assert read_layer(tmp_path / "a.zip")["name"].tolist() == NAMES
    assert len(read_layer(tmp_path / "a.zip" / "目录" / "网格.shp")) == 3


def test_topojson(tmp_path: Path) -> None:
    arc = [[118.80, 32.10], [118.81, 32.10], [118.81, 32.11], [118.80, 32.10]]
    polygon = {"type": "Polygon", "arcs": [[0]], "properties": {"name": "长营"}}
    topology = {
        "type": "Topology",
        "objects": {"cells": {"type": "GeometryCollection", "geometries": [polygon]}},
        "arcs": [arc],
    }
    for name in ("a.topojson", "a.json"):
        (tmp_path / name).write_text(json.dumps(topology), encoding="utf-8")
        frame = read_layer(tmp_path / name)
        assert frame.crs == 4326
        assert frame["name"].tolist() == ["长营"]
        assert area_m2(frame.geometry)[0] == pytest.approx(523_000, rel=0.01)


@pytest.mark.parametrize(
    ("made_in", "declared", "swap", "message"),
    [
        (4528, 4549, False, r"prefix 40 .*EPSG:4528 fits"),
        (4527, 4528, False, r"prefix 39 .*EPSG:4527 fits"),
        (4549, 4528, False, r"EPSG:4549 has the same central meridian 120"),
        (4549, 4549, True, r"northing first.*--crs EPSG:4549 --swap-xy"),
        (4528, 4549, True, r"northing first.*prefix 40.*--crs EPSG:4528 --swap-xy"),
        (4549, 4326, False, r"not degrees.*six digits.*EPSG:4549"),
        (4528, 4326, False, r"not degrees.*EPSG:4528 fits"),
        (4498, 4326, False, r"prefix 20 \(6-degree zones\).*EPSG:4498"),
        (4326, 4326, True, r"not degrees.*latitude first.*--swap-xy"),
        (4326, 4549, False, r"do not fit.*degrees, EPSG:4490"),
        (4326, 3857, False, r"do not fit.*degrees, EPSG:4490"),
        (3857, 4549, False, r"EPSG:3857"),
        (4528, None, False, r"declares no .*EPSG:4528 fits"),
        (4549, None, True, r"declares no .*northing first"),
        (4326, None, False, r"declares no .*degrees, EPSG:4490"),
    ],
)
def test_a_crs_that_does_not_fit_is_told_with_the_one_that_does(
    tmp_path: Path, made_in: int, declared: int | None, swap: bool, message: str
) -> None:
    frame = cells(made_in)
    if swap:
        frame = frame.set_geometry(
            gpd.GeoSeries(shapely.transform(frame.geometry.array, lambda xy: xy[:, ::-1]), crs=made_in)
        )
    frame.set_crs(declared, allow_override=True).to_parquet(tmp_path / "a.parquet")
    with pytest.raises(CrsError, match=message) as caught:
        read_layer(tmp_path / "a.parquet")
    assert "\n" not in str(caught.value)
    options = ["--crs", f"EPSG:{made_in}", *(["--swap-xy"] if swap else [])]
    assert (
        run(["convert", str(tmp_path / "a.parquet"), str(tmp_path / "b.gpkg"), *options, "--to-crs", "EPSG:4549"]) == 0
    )
    moved = shapely.hausdorff_distance(read_layer(tmp_path / "b.gpkg").geometry.array, cells().geometry.array)
    assert moved.max() < 1e-3


def test_reading_of_coordinates() -> None:
    assert [r.crs for r in readings(387929.8, 3553835.6)] == ["EPSG:4549"]
    assert [r.crs for r in readings(387929.8, 3553835.6, meridian=117)] == ["EPSG:4548"]
    assert [r.crs for r in readings(13_225_000, 3_770_000)] == ["EPSG:4491", "EPSG:3857"]
    assert readings(-71.4, 41.8) == []


def test_a_crs_that_is_given_is_taken_only_where_it_is_needed(tmp_path: Path) -> None:
    write_layer(cells(), tmp_path / "a.gpkg")
    assert read_layer(tmp_path / "a.gpkg", crs=4548).crs == 4549
    with pytest.warns(WanggeWarning, match="declares EPSG:4549 but is read as EPSG:4548"):
        assert read_layer(tmp_path / "a.gpkg", crs=4548, override_crs=True).crs == 4548
    cells(4528).set_crs(4549, allow_override=True).to_parquet(tmp_path / "b.parquet")
    with pytest.warns(WanggeWarning, match="does not fit"):
        assert read_layer(tmp_path / "b.parquet", crs=4528).crs == 4528


@pytest.mark.parametrize(("side_m", "east_m", "told"), [(4990, E, False), (5010, E, True), (9000, -6e6, False)])
def test_more_than_25_km2_in_china_is_told(tmp_path: Path, side_m: float, east_m: float, told: bool) -> None:
    whole = gpd.GeoDataFrame({"level": [0]}, geometry=[shapely.box(E, N, E + side_m, N + side_m)], crs=4549)
    if east_m < 0:
        whole = whole.set_crs(32618, allow_override=True)
    frame = gpd.GeoDataFrame(np.repeat(whole.to_numpy(), 2, axis=0), columns=whole.columns, crs=whole.crs).assign(
        level=[0, 1]
    )
    with warnings.catch_warnings(record=True) as given:
        warnings.simplefilter("always")
        write_layer(frame.set_geometry("geometry"), tmp_path / "a.gpkg")
    assert [("25 km²" in str(w.message) and "国家秘密" in str(w.message)) for w in given] == ([True] if told else [])


def test_the_command_prints_notices_and_converts_encodings(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    write_layer(cells(), tmp_path / "a.shp")
    (tmp_path / "a.cpg").unlink()
    assert run(["convert", str(tmp_path / "a.shp"), str(tmp_path / "b.shp"), "--to-encoding", "UTF-8"]) == 0
    assert re.search("注意 notice: a.shp：文字按 GBK 读取.*a.shp: text is read as GBK", capfd.readouterr().err)
    assert (tmp_path / "b.cpg").read_text() == "UTF-8"
    assert run(["convert", str(tmp_path / "a.shp"), str(tmp_path / "c.kml"), "--encoding", "GBK"]) == 0
    assert capfd.readouterr().err == ""
    assert read_layer(tmp_path / "c.kml")["name"].tolist() == NAMES
    there = ["--from-datum", "wgs84", "--to-datum", "gcj02"]
    assert run(["convert", str(tmp_path / "b.shp"), str(tmp_path / "d.geojson"), *there]) == 0
    assert "GCJ-02" in capfd.readouterr().err
