"""Outputs that are devices, pipes, links, or full: written in place or refused, never partially written."""

from __future__ import annotations

import os
import resource
import stat
import subprocess
import sys
import threading
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from geo.errors import FileError
from geo.layers import aside, read_layer, write_layer


def boxes(n: int = 4) -> gpd.GeoDataFrame:
    shapes = [shapely.box(387000 + 100 * i, 3553000, 387100 + 100 * i, 3553100) for i in range(n)]
    return gpd.GeoDataFrame({"code": [f"c{i}" for i in range(n)]}, geometry=shapes, crs=4549)


def full_device(folder: Path) -> Path:
    """A device node that reports a full disk, like the system's ``full``."""
    path = folder / "full"
    try:
        os.mknod(path, stat.S_IFCHR | 0o666, os.makedev(1, 7))
        path.open("wb").close()
    except OSError as error:
        pytest.skip(f"device nodes cannot be made here ({error})")
    return path


def wangge(
    *words: object, limit_bytes: int | None = None, stdout: object = subprocess.PIPE
) -> subprocess.CompletedProcess:
    # With a limit Python would store compiled modules that end after so many bytes, and fail to import them from then on.
    env = os.environ if limit_bytes is None else {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}

    def limit() -> None:
        if limit_bytes is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (limit_bytes, limit_bytes))

    return subprocess.run(
        [sys.executable, "-m", "api.cli", *map(str, words)],
        stdout=stdout,
        stderr=subprocess.PIPE,
        text=True,
        preexec_fn=limit,
        env=env,
        timeout=300,
    )


def assert_one_line(done: subprocess.CompletedProcess) -> None:
    lines = [line for line in done.stderr.splitlines() if not line.startswith("注意 notice")]
    assert done.returncode == 2, done.stderr
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("错误 error:")


def test_a_device_is_written_in_place_and_stays_one(tmp_path: Path) -> None:
    path = full_device(tmp_path)
    with pytest.raises(FileError, match="cannot be written"), aside(path) as temporary:
        temporary.write_bytes(b"x" * 100_000)
    assert stat.S_ISCHR(path.stat().st_mode)
    assert sorted(p.name for p in tmp_path.iterdir()) == ["full"]


def test_a_pipe_gets_the_finished_file(tmp_path: Path) -> None:
    pipe = tmp_path / "out.geojson"
    os.mkfifo(pipe)
    got: list[bytes] = []
    reader = threading.Thread(target=lambda: got.append(pipe.read_bytes()))
    reader.start()
    write_layer(boxes(), pipe)
    reader.join(30)
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    whole = tmp_path / "whole.geojson"
    whole.write_bytes(got[0])
    assert read_layer(whole)["code"].tolist() == ["c0", "c1", "c2", "c3"]


def test_a_pipe_does_not_take_the_several_files_of_a_shapefile(tmp_path: Path) -> None:
    pipe = tmp_path / "out.shp"
    os.mkfifo(pipe)
    with pytest.raises(FileError, match=r"out\.shp.*\.shp\.zip"):
        write_layer(boxes(), pipe)
    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("ending", [".gpkg", ".shp", ".geojson", ".geojson.zip"])
def test_a_link_stays_and_the_file_behind_it_is_replaced(tmp_path: Path, ending: str) -> None:
    (tmp_path / "store").mkdir()
    real, link = tmp_path / "store" / f"real{ending}", tmp_path / f"link{ending}"
    write_layer(boxes(2), real)
    link.symlink_to(real)
    write_layer(boxes(4), link)
    assert link.is_symlink()
    assert len(read_layer(real)) == 4
    assert {p.name.split(".")[0] for p in (tmp_path / "store").iterdir()} == {"real"}
    assert {p.name for p in tmp_path.iterdir()} == {"store", link.name}


def test_a_link_that_leads_nowhere_yet_or_in_a_circle(tmp_path: Path) -> None:
    link = tmp_path / "link.geojson"
    link.symlink_to(tmp_path / "new.geojson")
    write_layer(boxes(), link)
    assert link.is_symlink()
    assert len(read_layer(tmp_path / "new.geojson")) == 4
    one, two = tmp_path / "one.geojson", tmp_path / "two.geojson"
    one.symlink_to(two)
    two.symlink_to(one)
    with pytest.raises(FileError, match=r"one\.geojson"):
        write_layer(boxes(), one)


@pytest.mark.parametrize("ending", [".gpkg", ".geojson", ".shp", ".fgb", ".parquet", ".kml", ".shp.zip"])
def test_a_disk_that_is_full_leaves_the_old_file(tmp_path: Path, ending: str) -> None:
    source, target = tmp_path / "in.gpkg", tmp_path / "out" / f"old{ending}"
    target.parent.mkdir()
    write_layer(boxes(2400), source)
    write_layer(boxes(2), target)
    before = {p.name: p.read_bytes() for p in target.parent.iterdir()}
    done = wangge("convert", source, target, limit_bytes=20_000)
    assert_one_line(done)
    assert {p.name: p.read_bytes() for p in target.parent.iterdir()} == before


@pytest.mark.parametrize(
    "words",
    [
        ("check", "CELLS", "--map", "OUT/map.html"),
        ("repair", "CELLS", "-o", "OUT/cells.gpkg", "--report", "OUT/changes.csv"),
        ("incidents", "POINTS", "--cells", "CELLS", "--datum", "WGS-84", "-o", "OUT/new"),
        ("map", "check", "CELLS", "-o", "OUT/map.html"),
    ],
    ids=lambda words: words[0],
)
def test_commands_on_a_full_disk_say_so_in_one_line(tmp_path: Path, words: tuple[str, ...]) -> None:
    cells, points, out = tmp_path / "cells.gpkg", tmp_path / "points.csv", tmp_path / "out"
    write_layer(boxes(4), cells)
    x, y = boxes(4).to_crs(4326).geometry.iloc[0].centroid.coords[0]
    points.write_text(f"id,lon,lat,time\n1,{x},{y},2026-03-01 10:00\n", encoding="utf-8")
    out.mkdir()
    named = {"CELLS": str(cells), "POINTS": str(points)}
    done = wangge(*(named.get(word, word.replace("OUT", str(out))) for word in words), limit_bytes=200)
    assert_one_line(done)
    assert list(out.iterdir()) == []


def test_a_map_for_a_device_that_is_full(tmp_path: Path) -> None:
    path = full_device(tmp_path)
    write_layer(boxes(), tmp_path / "cells.gpkg")
    done = wangge("map", "check", tmp_path / "cells.gpkg", "-o", path)
    assert_one_line(done)
    assert stat.S_ISCHR(path.stat().st_mode)


@pytest.mark.parametrize("more", [[], ["--json"]])
def test_a_reader_that_has_gone_and_a_full_standard_output(tmp_path: Path, more: list[str]) -> None:
    write_layer(boxes(), tmp_path / "cells.gpkg")
    read, write = os.pipe()
    os.close(read)
    try:
        assert_one_line(wangge("check", tmp_path / "cells.gpkg", *more, stdout=write))
    finally:
        os.close(write)
    with full_device(tmp_path).open("wb") as device:
        assert_one_line(wangge("check", tmp_path / "cells.gpkg", *more, stdout=device))
