"""The command line: results, exit codes, and invalid input."""

from __future__ import annotations

import gc
import json
import os
import re
import resource
import signal
import subprocess
import sys
import time
import zipfile
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely
from geopandas.testing import assert_geodataframe_equal
from rich.cells import cell_len

from api.translations import FALLBACK
from geo.layers import Level, lon_lat, read_division, read_layer, write_layer

ROOT = Path(__file__).resolve().parents[3]

# Rows of third-level cells that touch neither the outline of the street nor each other.
_INNER, _OTHER = 8, 27


@pytest.fixture
def points_csv(division, tmp_path):
    """A point in each third-level grid, two far away, one without coordinates."""
    inside = lon_lat(division.third.geometry.representative_point())
    table = pd.DataFrame(
        {
            "编号": [f"P{i:02d}" for i in range(len(inside))],
            "经度": inside.x,
            "纬度": inside.y,
            "expected": division.third["code"],
        }
    )
    far = pd.DataFrame(
        {"编号": ["F1", "F2", "F3"], "经度": [118.0, 119.5, None], "纬度": [32.1, 32.1, None], "expected": ["", "", ""]}
    )
    path = tmp_path / "points.csv"
    pd.concat([table, far]).to_csv(path, index=False, encoding="utf-8")
    return path


# ------------------------------------------------------------------------------------------------------------ check


def test_check_of_a_sound_division(wangge, division_file):
    code, out, err = wangge("check", division_file, "--counts", "2,4,36")
    assert (code, err) == (0, "")
    for level in Level:
        assert level.zh in out
    assert "100 %" in out
    assert "0.37" in out or "0.36" in out


def test_check_counts_that_do_not_hold(wangge, division_file):
    code, out, _ = wangge("check", division_file, "--counts", "2,4,37", "--json")
    document = json.loads(out)
    assert code == 1
    assert document["ok"] is False
    assert [f["kind"] for f in document["findings"]] == ["wrong_count"]


def test_check_finds_a_hole_and_an_overlap(wangge, division, tmp_path):
    third = division.third.copy()
    third.loc[_INNER, "geometry"] = third.geometry[_INNER].buffer(-3.0)
    third.loc[_OTHER, "geometry"] = third.geometry[_OTHER].buffer(3.0, join_style="mitre")
    write_layer(third, tmp_path / "dirty.gpkg")
    write_layer(division.street, tmp_path / "street.gpkg")
    code, out, _ = wangge("check", tmp_path / "dirty.gpkg", "--outline", tmp_path / "street.gpkg", "--json")
    kinds = {finding["kind"] for finding in json.loads(out)["findings"]}
    assert code == 1
    assert "overlap" in kinds
    assert kinds & {"gap", "sliver"}
    code, out, _ = wangge("check", tmp_path / "dirty.gpkg", "--outline", tmp_path / "street.gpkg")
    assert code == 1
    assert "重叠" in out


def test_repair_mends_what_check_found(wangge, division, tmp_path):
    third = division.third.copy()
    third.loc[14, "geometry"] = third.geometry[14].buffer(-3.0)
    write_layer(third, tmp_path / "dirty.gpkg")
    write_layer(division.street, tmp_path / "street.gpkg")
    outline = ("--outline", tmp_path / "street.gpkg")
    code, out, _ = wangge(
        "repair",
        tmp_path / "dirty.gpkg",
        "-o",
        tmp_path / "clean.gpkg",
        *outline,
        "--report",
        tmp_path / "changes.csv",
        "--json",
    )
    done = json.loads(out)
    assert code == 0
    assert done["errors_before"] > 0
    assert done["errors_after"] == 0
    assert wangge("check", tmp_path / "clean.gpkg", *outline)[0] == 0
    changes = pd.read_csv(tmp_path / "changes.csv", dtype={"cell": str})
    assert len(changes) == done["cells_changed"] > 0


def test_a_foreign_layer_is_checked_as_a_coverage(wangge, tmp_path):
    squares = gpd.GeoDataFrame(
        {"WARD_ID": ["a", "b"]}, geometry=[shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], crs="EPSG:4326"
    )
    write_layer(squares, tmp_path / "wards.geojson")
    code, out, _ = wangge("check", tmp_path / "wards.geojson")
    assert code == 0
    assert "未发现问题" in out


# ----------------------------------------------------------------------------------------------------------- locate


def test_locate_csv(wangge, points_csv, division_file, tmp_path):
    target, counts = tmp_path / "out.csv", tmp_path / "counts.csv"
    code, out, _ = wangge(
        "locate", points_csv, "--cells", division_file, "--datum", "wgs84", "-o", target, "--counts", counts, "--json"
    )
    assert code == 0
    assert json.loads(out) == {"points": 39, "located": 36, "outside": 2, "unusable": 1, "cells": 36, "cells_hit": 36}
    found = pd.read_csv(target, dtype=str, keep_default_na=False)
    assert list(found.columns) == ["编号", "经度", "纬度", "expected", "cell"]
    assert (found["cell"] == found["expected"]).all()
    assert pd.read_csv(counts, dtype={"code": str})["count"].tolist() == [1] * 36


def test_locate_keeps_the_text_of_every_column(wangge, points_csv, division_file, tmp_path):
    before = pd.read_csv(points_csv, dtype=str, keep_default_na=False)
    wangge("locate", points_csv, "--cells", division_file, "--datum", "WGS-84", "-o", tmp_path / "out.csv")
    after = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False)
    pd.testing.assert_frame_equal(after[list(before.columns)], before)


def test_locate_in_chunks_gives_the_same(wangge, points_csv, division_file, tmp_path, monkeypatch):
    words = ("locate", points_csv, "--cells", division_file, "--datum", "WGS-84", "-o")
    wangge(*words, tmp_path / "whole.csv")
    monkeypatch.setattr("geo.locate.batches.parts.PART_BYTES", 400)
    wangge(*words, tmp_path / "parts.csv")
    wangge(*words, tmp_path / "parts.parquet")
    assert (tmp_path / "parts.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    whole = pd.read_csv(tmp_path / "whole.csv", dtype=str, keep_default_na=False)
    parts = pd.read_parquet(tmp_path / "parts.parquet").fillna("")
    assert parts.astype(str).to_numpy().tolist() == whole.to_numpy().tolist()


def test_locate_of_another_datum_lands_elsewhere(wangge, points_csv, division_file, tmp_path):
    """GCJ-02 is off by 540 m here: in a street of 600 m nearly all points fall outside, or in another cell."""
    wangge("locate", points_csv, "--cells", division_file, "--datum", "GCJ-02", "-o", tmp_path / "out.csv")
    found = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False).iloc[:36]
    assert (found["cell"] != found["expected"]).all()


def test_locate_vector_points_in_their_own_crs(wangge, division, division_file, tmp_path):
    points = gpd.GeoDataFrame(
        {"n": range(36)}, geometry=division.third.geometry.representative_point(), crs=division.crs
    )
    write_layer(points.to_crs(32650), tmp_path / "points.gpkg")
    for target in ("out.gpkg", "out.parquet"):
        assert wangge("locate", tmp_path / "points.gpkg", "--cells", division_file, "-o", tmp_path / target)[0] == 0
        assert read_layer(tmp_path / target)["cell"].tolist() == division.third["code"].tolist()
    wangge(
        "locate", tmp_path / "points.gpkg", "--cells", division_file, "--layer", "second", "-o", tmp_path / "out.csv"
    )
    table = pd.read_csv(tmp_path / "out.csv", dtype={"cell": str})
    assert list(table.columns) == ["n", "cell", "x", "y"] or list(table.columns) == ["n", "x", "y", "cell"]
    assert table["cell"].tolist() == division.third["parent"].tolist()


# ---------------------------------------------------------------------------------------------------------- convert


@pytest.mark.parametrize("suffix", [".geojson", ".parquet"])
def test_convert_a_division_there_and_back(wangge, division_file, tmp_path, suffix):
    assert wangge("convert", division_file, tmp_path / f"d{suffix}")[0] == 0
    assert wangge("convert", tmp_path / f"d{suffix}", tmp_path / "back.gpkg")[0] == 0
    first, back = read_division(division_file), read_division(tmp_path / "back.gpkg")
    for level in Level:
        columns = ["code", "name", "geometry"]
        assert_geodataframe_equal(back.layer(level)[columns], first.layer(level)[columns], check_crs=False)


def test_convert_changes_the_datum(wangge, division_file, tmp_path):
    code, *_ = wangge(
        "convert",
        division_file,
        tmp_path / "gcj.gpkg",
        "--from-datum",
        "WGS-84",
        "--to-datum",
        "GCJ-02",
        "--layer",
        "street",
    )
    assert code == 0
    before, after = read_division(division_file).street, read_layer(tmp_path / "gcj.gpkg")
    assert 500 < before.geometry[0].centroid.distance(after.to_crs(before.crs).geometry[0].centroid) < 580


# --------------------------------------------------------------------------------------------------------------- db


def test_store_from_the_command_line(wangge, division_file, tmp_path):
    database = ("--database", tmp_path / "store.sqlite")
    assert wangge("db", "import", division_file, *database)[0] == 2
    assert wangge("db", "upgrade", *database)[0] == 0
    code, out, _ = wangge("db", "import", division_file, *database, "--publish", "--valid-from", "2026-03-02", "--json")
    assert (code, json.loads(out)["version"]) == (0, 1)
    assert wangge("db", "export", tmp_path / "out.gpkg", *database)[0] == 0
    first, back = read_division(division_file), read_division(tmp_path / "out.gpkg")
    for level in Level:
        assert_geodataframe_equal(back.layer(level), first.layer(level))
    code, _, err = wangge("db", "export", tmp_path / "out.gpkg", *database, "--version", 9)
    assert code == 2
    assert "no division version 9" in err


def test_a_division_with_errors_is_not_published(wangge, division, tmp_path):
    from geo.layers import write_division

    write_division(division.with_layer(Level.THIRD, division.third.iloc[1:]), tmp_path / "hole.gpkg")
    database = ("--database", tmp_path / "store.sqlite")
    wangge("db", "upgrade", *database)
    code, _, err = wangge("db", "import", tmp_path / "hole.gpkg", *database, "--publish")
    assert code == 2
    assert "cannot be published" in err
    assert wangge("db", "import", tmp_path / "hole.gpkg", *database)[0] == 0


# -------------------------------------------------------------------------------------------------------- bad input


def _bad_inputs(folder: Path, division, division_file: Path, points_csv: Path) -> dict[str, tuple[list[object], str]]:
    empty, text, latin = folder / "empty.geojson", folder / "text.gpkg", folder / "latin.geojson"
    empty.write_bytes(b"")
    text.write_text("no geopackage")
    latin.write_bytes('{"type": "FeatureCollection", "name": "迈皋桥", "features": []}'.encode("gbk"))
    (folder / "none.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    (folder / "notes.docx").write_text("x")
    (folder / "broken.zip").write_bytes(b"PK no zip")
    (folder / "zero.csv").write_bytes(b"")
    (folder / "heading.csv").write_text("lon,lat\n")
    (folder / "words.csv").write_text("lon,lat\na,b\n")
    (folder / "ragged.csv").write_text('lon,lat\n1,2\n1,2,3,"4\n')
    (folder / "gbk.csv").write_bytes("经度,纬度,地址\n118.8,32.1,迈皋桥\n".encode("gbk"))
    (folder / "swapped.csv").write_text("lon,lat\n32.1,118.8\n")
    points = gpd.GeoDataFrame({"code": ["1"]}, geometry=[shapely.Point(118.8, 32.1)], crs="EPSG:4326")
    write_layer(points, folder / "points.geojson")
    metres = gpd.GeoDataFrame(
        {"code": ["1"]}, geometry=[shapely.box(388000, 3554000, 388100, 3554100)], crs="EPSG:4549"
    )
    write_layer(metres, folder / "nocrs.shp")
    (folder / "nocrs.prj").unlink()
    metres.set_crs(4326, allow_override=True).to_parquet(folder / "wrong.parquet")
    with zipfile.ZipFile(folder / "two.zip", "w") as archive:
        archive.write(folder / "points.geojson", "a.geojson")
        archive.write(folder / "points.geojson", "b.geojson")
    cells = ["--cells", division_file]
    to = ["-o", folder / "out.csv"]
    return {
        "missing file": (["check", folder / "absent.gpkg"], "no such file"),
        "a folder": (["check", folder], "is a folder"),
        "0-byte file": (["check", empty], "0 bytes"),
        "not a GeoPackage": (["check", text], "cannot be read"),
        "not UTF-8": (["check", latin], "not UTF-8"),
        "empty layer": (["check", folder / "none.geojson"], "empty"),
        "unknown format": (["check", folder / "notes.docx"], "unknown format"),
        "broken archive": (["check", folder / "broken.zip"], "zip"),
        "archive of two": (["check", folder / "two.zip"], "name one"),
        "points as cells": (["check", folder / "points.geojson"], "polygons"),
        "no CRS": (["check", folder / "nocrs.shp"], "--crs"),
        "wrong CRS": (["check", folder / "wrong.parquet"], "not degrees"),
        "unknown CRS": (["check", folder / "nocrs.shp", "--crs", "EPSG:99999999"], "EPSG:99999999"),
        "unknown layer": (["check", division_file, "--layer", "fourth"], "fourth"),
        "unknown code column": (["check", division_file, "--layer", "third", "--code", "nope"], "nope"),
        "bad counts": (["check", division_file, "--counts", "3,2,1"], "fewer"),
        "a level without grids": (["check", division_file, "--counts", "0,1,2"], "number of communities is 0"),
        "a number below zero": (["check", division_file, "--counts", "1,-1,2"], "second-level grids is -1"),
        "two numbers": (["check", division_file, "--counts", "1,2"], "three whole numbers"),
        "a word for a number": (["check", division_file, "--counts", "1,2,many"], "'many' is not a whole number"),
        "a picture of a check": (["check", division_file, "--map", folder / "x.jpg"], "written as .html"),
        "counts as a workbook": (
            ["locate", points_csv, *cells, "--counts", folder / "x.xlsx", "--datum", "WGS-84"],
            "written as .csv",
        ),
        "changes as a workbook": (
            ["repair", division_file, "-o", folder / "x.gpkg", "--report", folder / "x.xlsx"],
            "written as .csv",
        ),
        "bad tolerance": (["check", division_file, "--tolerance-m", "-1"], "--tolerance-m"),
        "unknown verb": (["chekc", division_file], "chekc"),
        "unknown option": (["check", division_file, "--nope"], "--nope"),
        "missing option": (["locate", points_csv, *to], "--cells"),
        "no datum": (["locate", points_csv, *cells, *to], "--datum"),
        "unknown datum": (["locate", points_csv, *cells, *to, "--datum", "mars"], "mars"),
        "unknown CRS of a table": (["locate", points_csv, *cells, *to, "--crs", "EPSG:99999999"], "EPSG:99999999"),
        "0-byte table": (["locate", folder / "zero.csv", *cells, *to, "--datum", "WGS-84"], "0 bytes"),
        "heading only": (["locate", folder / "heading.csv", *cells, *to, "--datum", "WGS-84"], "no rows"),
        "words for numbers": (["locate", folder / "words.csv", *cells, *to, "--datum", "WGS-84"], "no numbers"),
        "ragged table": (["locate", folder / "ragged.csv", *cells, *to, "--datum", "WGS-84"], "cannot be read"),
        "not UTF-8 table": (
            ["locate", folder / "gbk.csv", *cells, *to, "--datum", "WGS-84", "--encoding", "utf-8"],
            "--encoding",
        ),
        "unknown encoding": (
            ["locate", folder / "gbk.csv", *cells, *to, "--datum", "WGS-84", "--encoding", "klingon"],
            "klingon",
        ),
        "swapped columns": (["locate", folder / "swapped.csv", *cells, *to, "--datum", "WGS-84"], "swap"),
        "no such column": (["locate", points_csv, *cells, *to, "--datum", "WGS-84", "--x", "a", "--y", "b"], "'a'"),
        "polygons as points": (
            ["locate", division_file, "--points-layer", "third", *cells, *to],
            "points are expected",
        ),
        "no folder to write to": (
            ["locate", points_csv, *cells, "-o", folder / "no" / "out.csv", "--datum", "WGS-84"],
            "does not exist",
        ),
        "table to GeoPackage": (
            ["locate", points_csv, *cells, "-o", folder / "out.gpkg", "--datum", "WGS-84"],
            "table",
        ),
        "half a datum change": (["convert", division_file, folder / "x.gpkg", "--from-datum", "GCJ-02"], "--to-datum"),
        "four layers to one": (["convert", division_file, folder / "x.txt"], "unknown format"),
        "no database": (["serve", "--database", folder / "absent.sqlite"], "no such database"),
        "no such port": (["serve", "--port", "70000"], "--port"),
        "bad day": (["db", "import", division_file, "--valid-from", "yesterday"], "yesterday"),
        "not a division": (
            ["db", "import", folder / "points.geojson", "--database", folder / "s.sqlite"],
            "not a division",
        ),
    }


def test_bad_input_gets_one_line_and_exit_2(wangge, division, division_file, points_csv, tmp_path):
    faults = []
    for name, (words, hint) in _bad_inputs(tmp_path, division, division_file, points_csv).items():
        code, out, err = wangge(*words)
        lines = err.strip().splitlines()
        chinese, _, english = err.removeprefix("错误 error: ").partition("。 ")
        whole = re.search("[\u4e00-\u9fff]", chinese) and hint in english and FALLBACK[:8] not in chinese
        if code != 2 or out or len(lines) != 1 or not whole or not err.startswith("错误 error: "):
            faults.append(f"{name}: exit {code}, stdout {out!r}, stderr {err!r}, expected {hint!r}")
    assert not faults, "\n".join(faults)
    assert gc.isenabled(), "a server that did not start leaves the process as it was"


def test_a_failed_locate_leaves_no_file(wangge, division_file, tmp_path):
    (tmp_path / "late.csv").write_bytes(
        b"lon,lat,note\n" + b"118.8,32.1,ok\n" * 400_000 + "118.8,32.1,迈皋桥\n".encode("gbk")
    )
    code, _, err = wangge(
        "locate", tmp_path / "late.csv", "--cells", division_file, "--datum", "WGS-84", "-o", tmp_path / "out.csv"
    )
    assert code == 2
    assert "--encoding" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == ["late.csv"]


# ------------------------------------------------------------------------------------------------- as a real process


def _process(*words: object, **options) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "api.cli", *map(str, words)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        **options,
    )


def test_help_is_quick_and_complete():
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = _process("--help")
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0
    # The goal is half a second. CPU time is measured, as other processes may use the machine.
    assert after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime < 1.0
    for verb in (
        "demo",
        "check",
        "repair",
        "divide",
        "locate",
        "patrols",
        "incidents",
        "map",
        "convert",
        "serve",
        "db",
    ):
        assert f" {verb} " in done.stdout
    assert _process().returncode == 2


def test_no_word_of_the_help_is_cut(wangge, monkeypatch):
    for width in (80, 81, 100):
        monkeypatch.setenv("COLUMNS", str(width))
        for verb in (("patrols",), ("divide",), ("incidents",), ("map", "coverage"), ("check",)):
            code, out, _ = wangge(*verb, "--help")
            assert code == 0
            # The frame of the options has the width of the terminal, so it is that width which was tried.
            assert max(cell_len(line) for line in out.splitlines()) == width, (verb, width)
            assert "…" not in out, (verb, width)


def test_no_heavy_library_is_loaded_for_help():
    heavy = "'geopandas', 'pandas', 'numpy', 'sqlalchemy', 'fastapi', 'numba'"
    code = f"import sys, api.cli; print([m for m in ({heavy}) if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_process_ends_with_the_same_codes_and_no_traceback(division_file, tmp_path):
    assert _process("check", division_file).returncode == 0
    failed = _process("check", tmp_path / "absent.gpkg")
    assert (failed.returncode, failed.stdout) == (2, "")
    assert failed.stderr.count("\n") == 1
    assert "Traceback" not in failed.stderr


@pytest.mark.parametrize("words", [("--json",), ()])
def test_a_reader_that_goes_away_gets_one_line_and_exit_2(division_file, words):
    """More than the capacity of a pipe, written to a reader that closes at once; and a small amount, which fails when flushed."""
    command = [sys.executable, "-m", "api.cli", "check", str(division_file), *words]
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(command, cwd=ROOT, stdout=writer, stderr=subprocess.PIPE, text=True, timeout=300)
    os.close(writer)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
    assert "Broken pipe" in done.stderr


def test_a_standard_output_that_is_full_or_closed_gets_one_line_and_exit_2(division_file):
    command = f"{sys.executable} -m api.cli check {division_file}"
    for where, hint in ((">/dev/full", "No space left"), (">&-", "standard output cannot be written")):
        done = subprocess.run(
            f"{command} {where}", shell=True, cwd=ROOT, stderr=subprocess.PIPE, text=True, timeout=300
        )
        assert (done.returncode, done.stderr.count("\n")) == (2, 1), done.stderr
        assert hint in done.stderr


def test_an_interrupt_ends_the_server_cleanly(division_file, tmp_path):
    database = ("--database", str(tmp_path / "store.sqlite"))
    assert _process("db", "upgrade", *database).returncode == 0
    server = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "serve", *database, "--port", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    assert "http://127.0.0.1:" in server.stdout.readline()
    time.sleep(0.3)
    server.send_signal(signal.SIGINT)
    _, err = server.communicate(timeout=20)
    assert "Traceback" not in err
    assert server.returncode in (0, 130)
