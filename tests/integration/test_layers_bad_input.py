"""Damaged files of all kinds found in practice: refused in one line, or rows reported by the check."""

from __future__ import annotations

import json
import signal
import sqlite3
import struct
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import pytest
import shapely

from api.cli import run
from geo.coverage import check
from geo.errors import FileError, GeometryError, InputError, WanggeError
from geo.layers import as_cells, layers_of, read_layer, write_layer
from geo.notices import WanggeWarning

E, N = 387000.0, 3553000.0
SOUND = [[[118.80, 32.10], [118.81, 32.10], [118.81, 32.11], [118.80, 32.11], [118.80, 32.10]]]


def cells(n: int = 3) -> gpd.GeoDataFrame:
    boxes = [shapely.box(E + 100 * i, N, E + 100 * i + 100, N + 100) for i in range(n)]
    return gpd.GeoDataFrame({"code": [str(i) for i in range(n)], "name": "长营"}, geometry=boxes, crs=4549)


def geojson(path: Path, *coordinates: object, kind: str = "Polygon") -> Path:
    features = [
        {
            "type": "Feature",
            "properties": {"code": str(k)},
            "geometry": None if c is None else {"type": kind, "coordinates": c},
        }
        for k, c in enumerate([*coordinates, SOUND])
    ]
    path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
    return path


def gpkg_of(path: Path, wkb: bytes, kind: str = "POLYGON") -> Path:
    """GeoPackage whose only geometry is given as bytes."""
    write_layer(cells(1), path, layer="cells")
    with sqlite3.connect(path) as database:
        triggers = database.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for (name,) in triggers:
            database.execute(f'DROP TRIGGER "{name}"')
        database.execute("UPDATE cells SET geom = ?", (b"GP\x00\x01" + struct.pack("<i", 4549) + wkb,))
        database.execute("UPDATE gpkg_geometry_columns SET geometry_type_name = ?", (kind,))
    database.close()
    return path


def polygon(*xy: tuple[float, float]) -> bytes:
    return struct.pack("<BIII", 1, 3, 1, len(xy)) + b"".join(struct.pack("<dd", *p) for p in xy)


def circle() -> bytes:
    xy = [(E + 100, N), (E, N + 100), (E - 100, N), (E, N - 100), (E + 100, N)]
    arc = struct.pack("<BII", 1, 8, 5) + b"".join(struct.pack("<dd", *p) for p in xy)
    return struct.pack("<BII", 1, 10, 1) + arc


def cut(path: Path, share: float, part: str | None = None) -> Path:
    write_layer(cells(200), path)
    cut_part = path if part is None else path.with_suffix(part)
    cut_part.write_bytes(cut_part.read_bytes()[: int(cut_part.stat().st_size * share)])
    return path


def without(path: Path, *parts: str) -> Path:
    write_layer(cells(), path)
    for part in parts:
        path.with_suffix(part).unlink()
    return path


def text(path: Path, content: str | bytes) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def plain_sqlite(path: Path) -> Path:
    with sqlite3.connect(path) as database:
        database.execute("CREATE TABLE cells (code TEXT)")
    database.close()
    return path


def renamed(path: Path, source: str) -> Path:
    write_layer(cells(), path.with_name(source))
    return path.with_name(source).rename(path)


def topology(path: Path, used: list[list[object]], places: int = 4) -> Path:
    """A TopoJSON with one arc, a triangle rounded to some decimals, and one cell that uses the arcs."""
    ring = [[118.8, 32.1], [118.81, 32.1], [118.81, 32.11], [118.8, 32.1]][:places]
    cell = {"type": "Polygon", "arcs": used, "properties": {"code": "a"}}
    objects = {"cells": {"type": "GeometryCollection", "geometries": [cell]}}
    return text(path, json.dumps({"type": "Topology", "arcs": [ring], "objects": objects}))


def zipped(path: Path, members: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


BOMB = """<?xml version="1.0"?><!DOCTYPE k [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>
<kml xmlns="http://www.opengis.net/kml/2.2"><Document><Placemark><name>&b;</name></Placemark></Document></kml>"""
KML = 'xmlns="http://www.opengis.net/kml/2.2"'
NO_CLOSE = [[[118.80, 32.10], [118.81, 32.10], [118.81, 32.11], [118.80, 32.11]]]

#: The fault, its construction, and the expected message.
REFUSED: dict[str, tuple[Callable[[Path], Path], str]] = {
    "truncated GeoPackage": (lambda d: cut(d / "a.gpkg", 0.6), "cannot be read"),
    "truncated GeoJSON": (lambda d: cut(d / "a.geojson", 0.6), "not JSON .*line"),
    "truncated FlatGeobuf": (lambda d: cut(d / "a.fgb", 0.6), "cannot be read"),
    "truncated GeoParquet": (lambda d: cut(d / "a.parquet", 0.6), "cannot be read as GeoParquet"),
    "truncated KML": (lambda d: cut(d / "a.kml", 0.6), "cannot be read"),
    "truncated shp": (lambda d: cut(d / "a.shp", 0.6), "cut off, .* bytes"),
    "truncated shx": (lambda d: cut(d / "a.shp", 0.6, ".shx"), "cut off, .* bytes"),
    "truncated dbf": (lambda d: cut(d / "a.shp", 0.6, ".dbf"), "cut off, shorter than the 200 rows"),
    "truncated zip": (lambda d: cut(d / "a.shp.zip", 0.6), "not a zip archive"),
    "no shx": (lambda d: without(d / "a.shp", ".shx"), "its index a.shx is missing"),
    "no prj": (lambda d: without(d / "a.shp", ".prj"), r"declares no coordinate .*six digits.*EPSG:4549"),
    "rings not closed": (lambda d: geojson(d / "a.geojson", NO_CLOSE), r"1 of 2 rows .*not closed: row 0"),
    "rings of two points": (lambda d: geojson(d / "a.geojson", [SOUND[0][:2]]), "row 0"),
    "NaN at the end of a ring": (
        lambda d: gpkg_of(d / "a.gpkg", polygon((np.nan, 0), (E, N), (E, N + 1), (np.nan, 0))),
        "row 0",
    ),
    "NaN inside a ring": (
        lambda d: gpkg_of(d / "a.gpkg", polygon((E, N), (np.nan, N), (E + 9, N), (E, N + 9), (E, N))),
        "not finite.*row 0",
    ),
    "infinite": (
        lambda d: gpkg_of(d / "a.gpkg", polygon((E, N), (np.inf, N), (E + 9, N), (E, N + 9), (E, N))),
        "not finite.*row 0",
    ),
    "huge in one row": (
        lambda d: geojson(d / "a.geojson", [[[1e300, 1], [118, 32], [119, 33], [1e300, 1]]], SOUND),
        "1 of 3 rows has coordinates .*row 0",
    ),
    "empty layer": (lambda d: text(d / "a.geojson", '{"type":"FeatureCollection","features":[]}'), "no geometry|empty"),
    "only null geometries": (
        lambda d: text(d / "a.geojson", '{"type":"Feature","properties":{"code":"1"},"geometry":null}'),
        "empty|no geometry",
    ),
    "points": (lambda d: points(d / "a.gpkg"), "must be polygons"),
    "mixed types": (lambda d: mixed(d / "a.gpkg"), r"must be polygons, but 1 of 4 rows .*1 Point"),
    "plain SQLite": (lambda d: plain_sqlite(d / "a.gpkg"), "cannot be read"),
    "0 bytes": (lambda d: text(d / "a.gpkg", ""), "0 bytes"),
    "0 bytes in a zip": (lambda d: zipped(d / "a.zip", {"a.geojson": b""}), "0 bytes"),
    "path out of a zip": (lambda d: zipped(d / "a.zip", {"../../a.geojson": b"{}"}), "leads out of the archive"),
    "path from the root in a zip": (lambda d: zipped(d / "a.zip", {"/b/a.geojson": b"{}"}), "leads out of the archive"),
    "TopoJSON with an arc too many": (lambda d: topology(d / "a.topojson", [[1]]), "object 'cells' uses arc 1"),
    "TopoJSON with an arc too few": (lambda d: topology(d / "a.topojson", [[-2]]), "object 'cells' uses arc -2"),
    "TopoJSON with an arc that is no number": (lambda d: topology(d / "a.topojson", [["x"]]), "uses arc 'x'"),
    "TopoJSON with an arc of one place": (lambda d: topology(d / "a.topojson", [[0]], 1), "arc 0 is not a line"),
    "zip of text": (lambda d: zipped(d / "a.zip", {"a.txt": b"x"}), "no vector file"),
    "a folder": (lambda d: d, "is a folder"),
    "GeoPackage called GeoJSON": (lambda d: renamed(d / "a.geojson", "b.gpkg"), "content is a GeoPackage.*rename"),
    "GeoJSON called shp": (lambda d: renamed(d / "a.shp", "b.geojson"), "content is JSON.*rename"),
    "GeoParquet called GeoPackage": (lambda d: renamed(d / "a.gpkg", "b.parquet"), "content is GeoParquet"),
    "GBK in GeoJSON": (lambda d: text(d / "a.geojson", '{"type":"长营"}'.encode("gbk")), "not UTF-8"),
    "JSON of something else": (lambda d: text(d / "a.json", '{"a": 1}'), "no member 'type'"),
    "deep JSON": (lambda d: text(d / "a.json", "[" * 100_000), "nested too deep"),
    "XML bomb": (lambda d: text(d / "a.kml", BOMB), "DOCTYPE"),
    "XML bomb in UTF-16": (lambda d: text(d / "a.kml", BOMB.encode("utf-16")), "DOCTYPE|content|cannot"),
    "XML bomb in a kmz": (lambda d: zipped(d / "a.kmz", {"doc.kml": BOMB.encode()}), "DOCTYPE"),
    "KML without places": (lambda d: text(d / "a.kml", f"<kml {KML}></kml>"), "cannot|empty|layers"),
}


def mixed(path: Path) -> Path:
    frame = cells(4)
    frame.loc[2, "geometry"] = shapely.Point(E, N)
    write_layer(frame, path)
    return path


def points(path: Path) -> Path:
    write_layer(cells(1).set_geometry([shapely.Point(E, N)], crs=4549), path)
    return path


@pytest.mark.parametrize("name", list(REFUSED))
def test_refused_in_one_line(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make, message = REFUSED[name]
    path = make(tmp_path)
    with pytest.raises(WanggeError, match=message) as caught:
        as_cells(read_layer(path), path.name)
    assert "\n" not in str(caught.value)
    assert run(["check", str(path)]) == 2
    assert run(["convert", str(path), str(tmp_path / "out.gpkg"), "--layer", "x"]) == 2
    told = capfd.readouterr()
    assert "Traceback" not in told.err + told.out
    assert all(line.startswith(("错误 error:", "注意 notice:")) for line in told.err.strip().splitlines())
    assert not (tmp_path / "out.gpkg").exists()
    assert not list(tmp_path.glob(".wangge-*"))


#: The fault, its construction, and the expected kind of finding; None if the file is as good as valid.
READ: dict[str, tuple[Callable[[Path], Path], str | None, str | None]] = {
    "null geometry": (lambda d: geojson(d / "a.geojson", None), "empty_geometry", None),
    "wrong ring order": (lambda d: geojson(d / "a.geojson", [SOUND[0][::-1]]), "duplicate_polygon", None),
    "bow tie": (
        lambda d: geojson(
            d / "a.geojson", [[[118.9, 32.1], [118.91, 32.11], [118.91, 32.1], [118.9, 32.11], [118.9, 32.1]]]
        ),
        "invalid_geometry",
        None,
    ),
    "3D": (lambda d: geojson(d / "a.geojson", [[[*p, 5.0] for p in SOUND[0]]]), "duplicate_polygon", "heights"),
    "curves": (lambda d: gpkg_of(d / "a.gpkg", circle(), "CURVEPOLYGON"), None, None),
    "no dbf": (lambda d: without(d / "a.shp", ".dbf"), None, "no attributes"),
    "zipped Shapefile in GBK": (lambda d: renamed(d / "a.zip", "b.shp.zip"), None, None),
}


@pytest.mark.parametrize("name", list(READ))
def test_read_and_left_to_the_check(name: str, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    make, kind, remark = READ[name]
    path = make(tmp_path)
    if remark is None:
        frame = read_layer(path)
    else:
        with pytest.warns(WanggeWarning, match=remark):
            frame = read_layer(path)
    assert not frame.has_z.any()
    report = check(as_cells(frame, path.name))
    assert kind is None or kind in set(report.findings["kind"])
    assert run(["check", str(path)]) in (0, 1)
    assert "Traceback" not in capfd.readouterr().err


def test_a_ring_of_a_million_vertices(tmp_path: Path) -> None:
    angle = np.linspace(0, 2 * np.pi, 1_000_000, endpoint=False)
    ring = np.column_stack([E + 2000 * np.cos(angle), N + 2000 * np.sin(angle)])
    frame = gpd.GeoDataFrame({"code": ["1"]}, geometry=[shapely.Polygon(ring)], crs=4549)
    write_layer(frame, tmp_path / "a.gpkg")
    back = read_layer(tmp_path / "a.gpkg")
    assert shapely.get_num_coordinates(back.geometry.array)[0] == 1_000_001
    assert back.geometry.iloc[0].equals(frame.geometry.iloc[0])


def test_a_sound_topology_is_read(tmp_path: Path) -> None:
    assert len(read_layer(topology(tmp_path / "a.topojson", [[0]]))) == 1
    assert len(read_layer(topology(tmp_path / "b.topojson", [[-1]]))) == 1


def test_a_layer_among_several_is_named_by_its_path(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    for name in ("roads", "water"):
        cells = gpd.GeoDataFrame({"code": [name]}, geometry=[shapely.box(0, 0, 1, 1)], crs=3857)
        pyogrio.write_dataframe(cells, path, layer=name, append=path.exists())
    with pytest.raises(FileError, match=r"has 2 layers \(roads, water\); name one, as in a\.gpkg/roads"):
        read_layer(path)
    assert read_layer(path / "water")["code"].tolist() == read_layer(path, layer="water")["code"].tolist() == ["water"]
    assert layers_of(path / "water") == ["water"]
    with pytest.raises(FileError, match=r"a\.gpkg: has no layer 'rails'; it has roads, water"):
        read_layer(path / "rails")
    with pytest.raises(FileError, match="no such file"):
        read_layer(path / "roads" / "water")


def test_two_layers_of_one_name_are_told_apart(tmp_path: Path) -> None:
    place = "<Placemark><name>a</name><Point><coordinates>118.8,32.1</coordinates></Point></Placemark>"
    folder = f"<Folder><name>网格</name>{place}</Folder>"
    kml = f'<kml xmlns="http://www.opengis.net/kml/2.2"><Document>{folder}{folder}</Document></kml>'
    text(tmp_path / "a.kml", kml)
    assert layers_of(tmp_path / "a.kml") == ["网格", "网格 (#2)"]
    with pytest.raises(InputError, match=r"2 layers .*a\.kml/网格 \(or --layer\)"):
        read_layer(tmp_path / "a.kml")
    assert len(read_layer(tmp_path / "a.kml", layer="网格 (#2)")) == 1


def test_rows_that_cannot_be_read_are_marked_if_asked(tmp_path: Path) -> None:
    huge = [[[1e300, 1], [118, 32], [119, 33], [1e300, 1]]]
    path = geojson(tmp_path / "a.geojson", NO_CLOSE, SOUND, huge)
    with pytest.raises(GeometryError, match="row 0") as caught:
        read_layer(path)
    assert caught.value.ids == (0,)
    with pytest.warns(WanggeWarning, match="left empty"):
        frame = read_layer(path, on_invalid="mark")
    assert frame.geometry.is_empty.tolist() == [True, False, True, False]
    assert frame["code"].tolist() == ["0", "1", "2", "3"]


def test_the_raw_map_of_nanjing(shared_data: Path) -> None:
    path = shared_data / "nanjing-osm" / "nanjing_osm_raw.geojson"
    with pytest.raises(GeometryError, match=r"6 of 3,942 rows .*row 24") as caught:
        read_layer(path)
    assert len(caught.value.ids) == 6
    with pytest.warns(WanggeWarning, match="6 of 3,942"):
        frame = read_layer(path, on_invalid="mark")
    assert len(frame) == 3942
    assert frame.geometry.is_empty.sum() == 6


def test_a_field_called_geometry_and_fields_of_one_name(tmp_path: Path) -> None:
    write_layer(cells().assign(a="x", b="y"), tmp_path / "a.shp")
    raw = bytearray((tmp_path / "a.dbf").read_bytes())
    for name in (b"a\x00", b"b\x00"):
        at = raw.index(name, 32)
        raw[at : at + 9] = b"geometry\x00"
    (tmp_path / "a.dbf").write_bytes(raw)
    with pytest.warns(WanggeWarning, match="more than once"):
        frame = read_layer(tmp_path / "a.shp")
    assert list(frame.columns) == ["code", "name", "geometry_2", "geometry_3", "geometry"]
    assert frame["geometry_3"].tolist() == ["y"] * 3


def test_what_is_no_number_is_not_written(tmp_path: Path) -> None:
    frame = cells()
    with np.errstate(invalid="ignore"):
        frame.loc[1, "geometry"] = shapely.Polygon([(E, N), (np.nan, N), (E, N + 1), (E, N)])
    for ending in ("gpkg", "geojson", "shp", "kml", "parquet", "fgb"):
        with pytest.raises(GeometryError, match=r"1 of 3 rows .*row 1"):
            write_layer(frame, tmp_path / f"a.{ending}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("ending", ["gpkg", "geojson", "fgb", "parquet", "kml", "shp", "shp.zip"])
def test_a_killed_write_leaves_the_old_file(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"a.{ending}"
    write_layer(cells(), path)
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    code = f"""
import sys, time
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.integration.test_layers_bad_input import cells
from geo.layers.files import writing
inner = writing._write
def write_and_wait(*arguments):
    inner(*arguments)
    print("written aside", flush=True)
    time.sleep(60)
writing._write = write_and_wait
writing.write_layer(cells(300), {str(path)!r})
"""
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "written aside"
        process.send_signal(signal.SIGKILL)
        process.wait()
    after = {p.name: p.read_bytes() for p in tmp_path.iterdir() if p.is_file()}
    assert after == before
    assert len(read_layer(path)) == 3
