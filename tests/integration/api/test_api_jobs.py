"""Incidents, maps and division from the command line, on a small street with known answers."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from api.files.outputs import staged_folder
from geo.errors import FileError
from geo.layers import read_division, write_layer

DAY = "2026-03-02"


# ------------------------------------------------------------------------------------------------------- incidents


def test_incidents_are_assigned_counted_and_drawn(wangge, division, division_file, incidents_csv, tmp_path):
    out_dir = tmp_path / "incidents"
    code, out, _ = wangge(
        "incidents", incidents_csv, "--cells", division_file, "--datum", "WGS-84", "-o", out_dir, "--json"
    )
    assert code == 0
    figures = json.loads(out)
    assert (figures["incidents"], figures["inside"], figures["outside"], figures["refused_rows"]) == (78, 77, 1, 1)
    assert {name: level["incidents"] for name, level in figures["levels"].items()} == {
        "community": 77,
        "second": 77,
        "third": 77,
    }
    counted = pd.read_csv(out_dir / "counts.csv", dtype={"code": str})
    third = counted[counted["level"] == 3].set_index("code")["incidents"]
    assert third.loc[division.third["code"]].tolist() == [2] * 35 + [7]
    assigned = pd.read_csv(out_dir / "assigned.csv", dtype=str, keep_default_na=False)
    assert {"案件编号", "备注", "cell", "second", "community"} <= set(assigned.columns)
    assert assigned["cell"].tolist()[:36] == division.third["code"].tolist()
    assert json.loads((out_dir / "summary.json").read_text(encoding="utf-8"))["inside"] == 77
    assert (out_dir / "heat.html").stat().st_size > 50_000


def test_incidents_of_a_foreign_layer_take_its_code(wangge, division, incidents_csv, tmp_path):
    wards = division.community[["name", "geometry"]].assign(WARD_ID=["W1", "W2"])
    write_layer(wards, tmp_path / "wards.geojson")
    code, out, _ = wangge(
        "incidents",
        incidents_csv,
        "--cells",
        tmp_path / "wards.geojson",
        "--datum",
        "WGS-84",
        "-o",
        tmp_path / "i",
        "--json",
    )
    assert code == 0
    assert json.loads(out)["levels"]["cells"] == {"cells": 2, "cells_with_incidents": 2, "incidents": 77}
    assert set(pd.read_csv(tmp_path / "i" / "assigned.csv")["cell"].dropna()) == {"W1", "W2"}


# ------------------------------------------------------------------------------------------------------------ maps


def test_maps_from_stored_results(wangge, division_file, tracks_csv, incidents_csv, tmp_path):
    wangge("patrols", tracks_csv, "--cells", division_file, "--datum", "WGS-84", "-o", tmp_path / "p")
    results = (tmp_path / "p" / "verdicts.csv", "--visits", tmp_path / "p" / "visits.csv")
    code, out, _ = wangge("map", "coverage", *results, "--division", division_file, "-o", tmp_path / "c.html", "--json")
    assert (code, json.loads(out)["day"]) == (0, DAY)
    # The map drawn from files equals the one drawn from memory.
    assert (tmp_path / "c.html").read_bytes() == (tmp_path / "p" / "coverage.html").read_bytes()
    code, out, _ = wangge(
        "map",
        "incidents",
        incidents_csv,
        "--datum",
        "WGS-84",
        "--division",
        division_file,
        "-o",
        tmp_path / "h.html",
        "--title",
        "<b>热",
        "--json",
    )
    assert (code, json.loads(out)["incidents"]) == (0, 77)
    assert "<b>热" not in (tmp_path / "h.html").read_text(encoding="utf-8")


# ---------------------------------------------------------------------------------------------------------- divide


def test_divide_writes_what_check_finds_sound(wangge, tmp_path, monkeypatch):
    """A street of 600 by 400 m with four roads and a house every 25 m."""
    west, south = 388_000.0, 3_554_000.0
    street = gpd.GeoDataFrame(
        {"code": ["320113003"], "name": ["测试街道"]},
        geometry=[shapely.box(west, south, west + 600, south + 400)],
        crs=4549,
    )
    lines = [shapely.LineString([(west + x, south - 5), (west + x, south + 405)]) for x in (150, 300, 450)]
    lines.append(shapely.LineString([(west - 5, south + 200), (west + 605, south + 200)]))
    roads = gpd.GeoDataFrame({"highway": ["residential"] * 3 + ["tertiary"]}, geometry=lines, crs=4549)
    houses = [
        shapely.box(west + x - 5, south + y - 4, west + x + 5, south + y + 4)
        for x in range(25, 600, 25)
        for y in range(25, 400, 25)
        if x % 150 and y % 200
    ]
    buildings = gpd.GeoDataFrame({"building": ["apartments"] * len(houses), "levels": 6}, geometry=houses, crs=4549)
    for name, frame in (("street", street), ("roads", roads), ("buildings", buildings)):
        write_layer(frame, tmp_path / f"{name}.gpkg")
    sources = (
        "--street",
        tmp_path / "street.gpkg",
        "--roads",
        tmp_path / "roads.gpkg",
        "--buildings",
        tmp_path / "buildings.gpkg",
    )
    code, out, err = wangge("divide", *sources, "--counts", "2,6,40", "-o", tmp_path / "d.gpkg", "--json")
    told = json.loads(out)
    assert (code, told["ok"]) == (0, True), err
    assert [level["count"] for level in told["division"]["levels"].values()] == [2, 6, 40]
    assert told["division"]["origin"]["buildings_cut"] == []
    assert read_division(tmp_path / "d.gpkg").counts == (2, 6, 40)
    assert wangge("check", tmp_path / "d.gpkg", "--counts", "2,6,40")[0] == 0
    monkeypatch.chdir(tmp_path)
    printed = wangge("divide", *sources, "--counts", "2,6,40")[1]
    assert "二级网格 second" in printed
    assert "max off" in printed
    assert Path("out/divide/division.gpkg").read_bytes() == (tmp_path / "d.gpkg").read_bytes()


def test_divide_tells_what_it_was_not_given_and_refuses_buildings_of_another_place(wangge, tmp_path):
    here, far = shapely.box(388_000, 3_554_000, 388_300, 3_554_300), shapely.box(398_000, 3_554_000, 398_020, 3_554_020)
    house = shapely.box(388_100, 3_554_100, 388_120, 3_554_115)
    for name, shapes in (("street", [here]), ("mixed", [house, far]), ("far", [far])):
        frame = gpd.GeoDataFrame({"building": ["apartments"] * len(shapes)}, geometry=shapes, crs=4549)
        write_layer(frame, tmp_path / f"{name}.gpkg")
    common = ("divide", "--street", tmp_path / "street.gpkg", "--counts", "1,2,5", "-o", tmp_path / "d.gpkg")
    code, _, err = wangge(*common, "--buildings", tmp_path / "mixed.gpkg")
    assert code == 0, err
    assert "1 building lies outside the street" in err
    assert "no roads were given" in err
    code, _, err = wangge(*common, "--buildings", tmp_path / "far.gpkg")
    assert code == 2
    assert "buildings: none lies in the street" in err


# ------------------------------------------------------------------------------------------------------- bad input


def test_bad_input_of_the_jobs_gets_one_line_and_exit_2(wangge, division_file, tracks_csv, incidents_csv, tmp_path):
    (tmp_path / "zero.gpx").write_bytes(b"")
    (tmp_path / "zero.csv").write_bytes(b"")
    (tmp_path / "text.gpx").write_text("no gpx")
    (tmp_path / "bad.toml").write_text("id = ")
    (tmp_path / "heading.csv").write_text("lon,lat,time\n")
    (tmp_path / "file").write_text("x")
    absent, page = tmp_path / "absent.gpkg", tmp_path / "c.html"
    cells, wgs = ("--cells", division_file), ("--datum", "WGS-84")
    to = ("-o", tmp_path / "out")
    cases = {
        "missing tracks": (["patrols", tmp_path / "absent.csv", *cells, *wgs, *to], "no such file"),
        "0-byte GPX": (["patrols", tmp_path / "zero.gpx", *cells, *wgs, *to], "zero.gpx"),
        "no GPX": (["patrols", tmp_path / "text.gpx", *cells, *wgs, *to], "text.gpx"),
        "tracks without datum": (["patrols", tracks_csv, *cells, *to], "datum"),
        "bad rules": (["patrols", tracks_csv, *cells, *wgs, *to, "--rules", tmp_path / "bad.toml"], "TOML"),
        "bad day": (["patrols", tracks_csv, *cells, *wgs, *to, "--day", "Monday"], "Monday"),
        "days turned round": (
            ["patrols", tracks_csv, *cells, *wgs, *to, "--from", "2026-03-03", "--to", "2026-03-01"],
            "after",
        ),
        "two ways of days": (["patrols", tracks_csv, *cells, *wgs, *to, "--day", DAY, "--from", DAY], "--day"),
        "missing incidents": (["incidents", tmp_path / "absent.csv", *cells, *wgs, *to], "absent.csv"),
        "0-byte incidents": (["incidents", tmp_path / "zero.csv", *cells, *wgs, *to], "zero.csv"),
        "incidents without rows": (["incidents", tmp_path / "heading.csv", *cells, *wgs, *to], "heading.csv"),
        "incidents without datum": (["incidents", incidents_csv, *cells, *to], "datum"),
        "bad zone": (["incidents", incidents_csv, *cells, *wgs, *to, "--zone", "Mars/Base"], "Mars/Base"),
        "a file for a folder": (["incidents", incidents_csv, *cells, *wgs, "-o", tmp_path / "file"], "is a file"),
        "no verdicts": (["map", "coverage", incidents_csv, "--division", division_file, "-o", page], "no column"),
        "map of a foreign layer": (
            ["map", "incidents", incidents_csv, *wgs, "--division", absent, "-o", page],
            "no such",
        ),
        "missing street": (["divide", "--street", absent, "-o", tmp_path / "d.gpkg"], "no such file"),
        "coverage as JPEG": (
            ["map", "coverage", incidents_csv, "--division", division_file, "-o", tmp_path / "x.jpg"],
            ".html",
        ),
        "incidents as JPEG": (
            ["map", "incidents", incidents_csv, *wgs, "--division", division_file, "-o", tmp_path / "x.jpg"],
            ".html",
        ),
        "checkpoints without a route": (
            ["patrols", tracks_csv, *cells, *wgs, *to, "--checkpoints", tracks_csv],
            "--route",
        ),
        "device without a route": (["patrols", tracks_csv, *cells, *wgs, *to, "--device", "A"], "--route"),
        "division to CSV": (["divide", "--street", division_file, "-o", tmp_path / "d.csv"], "d.csv"),
    }
    faults = []
    for name, (words, hint) in cases.items():
        code, out, err = wangge(*words)
        # Notices of the reader precede; the error is one line.
        lines = [line for line in err.strip().splitlines() if not line.startswith("注意 notice")]
        if code != 2 or out or len(lines) != 1 or hint not in lines[0]:
            faults.append(f"{name}: exit {code}, stdout {out!r}, stderr {err!r}, expected {hint!r}")
    assert not faults, "\n".join(faults)


# --------------------------------------------------------------------------------------------- what the system refuses


class FullDisk:
    """Writing fails, as on a full disk, from the n-th file that is moved into place or written as text."""

    def __init__(self, monkeypatch, allowed: int) -> None:
        self.left = allowed
        usual = Path.write_text

        def write_text(path, *words, **options):
            self.left -= 1
            if self.left < 0:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
            return usual(path, *words, **options)

        monkeypatch.setattr(Path, "write_text", write_text)


@pytest.mark.parametrize("verb", ["map coverage", "map incidents", "check", "incidents", "patrols"])
def test_a_full_disk_gets_one_line_and_exit_2_and_leaves_nothing(
    wangge, division_file, tracks_csv, incidents_csv, tmp_path, monkeypatch, verb
):
    wgs = ("--datum", "WGS-84")
    verdicts = tmp_path / "verdicts.csv"
    codes = read_division(division_file).second["code"]
    pd.DataFrame({"code": codes, "day": DAY, "verdict": "met"}).to_csv(verdicts, index=False)
    words, target = {
        "map coverage": (("map", "coverage", verdicts, "--division", division_file, "-o"), tmp_path / "x.html"),
        "map incidents": (
            ("map", "incidents", incidents_csv, *wgs, "--division", division_file, "-o"),
            tmp_path / "x.html",
        ),
        "check": (("check", division_file, "--map"), tmp_path / "x.html"),
        "incidents": (("incidents", incidents_csv, "--cells", division_file, *wgs, "-o"), tmp_path / "a" / "b"),
        "patrols": (("patrols", tracks_csv, "--cells", division_file, *wgs, "-o"), tmp_path / "a" / "b"),
    }[verb]
    before = sorted(path.name for path in tmp_path.iterdir())
    FullDisk(monkeypatch, 0)
    code, out, err = wangge(*words, target)
    errors = [line for line in err.splitlines() if line.startswith("错误")]
    assert (code, len(errors)) == (2, 1), err
    # These tell their result before they write it.
    assert (out != "") == (verb in ("incidents", "patrols"))
    assert "已写出" not in out
    assert "No space left" in err
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def _write(folder, *names, fails=False):
    with staged_folder(folder) as inside:
        for name in names:
            (inside / name).write_text("new")
        if fails:
            raise KeyError


def test_a_set_of_files_replaces_the_old_one_at_the_end_only(tmp_path):
    (tmp_path / "a.csv").write_text("old")
    (tmp_path / "other").write_text("kept")
    with pytest.raises(KeyError):
        _write(tmp_path, "a.csv", fails=True)
    assert (tmp_path / "a.csv").read_text() == "old"
    _write(tmp_path, "a.csv", "b.csv")
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "a.csv": "new",
        "b.csv": "new",
        "other": "kept",
    }


def test_a_set_of_files_does_not_replace_what_is_no_plain_file(tmp_path):
    (tmp_path / "a.csv").write_text("elsewhere")
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "b.csv").symlink_to(tmp_path / "a.csv")
    os.mkfifo(folder / "c.csv")
    for name in ("b.csv", "c.csv"):
        with pytest.raises(FileError, match="not a plain file"):
            _write(folder, "a.csv", name)
    assert sorted(path.name for path in folder.iterdir()) == ["b.csv", "c.csv"]
    assert (tmp_path / "a.csv").read_text() == "elsewhere"


def test_folders_that_were_made_go_when_the_work_fails(tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(KeyError), staged_folder(tmp_path / "there" / "new" / "newer"):
        raise KeyError
    assert list((tmp_path / "there").iterdir()) == []
    (tmp_path / "file").write_text("x")
    with pytest.raises(FileError, match="is a file"), staged_folder(tmp_path / "file" / "below"):
        pass
