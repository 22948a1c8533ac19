"""Files of points: streamed, counted, resumed after a kill, distributed over a cluster; invalid input is reported before any
work.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import psutil
import pyarrow.parquet as pq
import pytest
import shapely

from api.commands.locate import LocateOptions, PointColumns, locate_points
from geo.errors import WanggeError
from geo.layers import Datum, convert, read_layer, write_layer
from geo.locate.batches.parts import open_source, read_chunk
from geo.notices import WanggeWarning

DEGREES = PointColumns(datum="WGS-84", time="time")
N = 6_000


@pytest.fixture(scope="module")
def cells_file(tmp_path_factory) -> Path:
    boxes = [
        shapely.box(388_000 + i * 200, 3_554_000 + j * 200, 388_200 + i * 200, 3_554_200 + j * 200)
        for i in range(10)
        for j in range(10)
    ]
    frame = gpd.GeoDataFrame({"code": [f"c{i:02d}" for i in range(100)]}, geometry=boxes, crs=4549)
    path = tmp_path_factory.mktemp("cells") / "cells.gpkg"
    write_layer(frame, path)
    return path


def fixes(n: int = N, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    xy = rng.uniform([387_900, 3_553_900], [390_100, 3_556_100], (n, 2))
    points = gpd.GeoSeries(shapely.points(xy), crs=4549).to_crs(4326)
    start = pd.Timestamp("2026-03-01 00:00:00")
    times = start + pd.to_timedelta(rng.integers(0, 48 * 3600, n), unit="s")
    return pd.DataFrame(
        {
            "id": np.arange(n),
            "lon": points.x,
            "lat": points.y,
            "time": times.strftime("%Y-%m-%d %H:%M:%S"),
            "note": rng.choice(["", "巡查", 'a "quoted" one', "two\nlines", "x,y"], n),
            "east": xy[:, 0],
            "north": xy[:, 1],
        }
    )


@pytest.fixture(scope="module")
def points_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("points") / "points.csv"
    fixes().to_csv(path, index=False)
    return path


def run(points: Path, cells: Path, target: Path | None, columns: PointColumns = DEGREES, **options):
    return locate_points(points, cells, target, LocateOptions(columns=columns, **options))


def expected_cells(table: pd.DataFrame) -> np.ndarray:
    i, j = ((table["east"] - 388_000) // 200).astype(int), ((table["north"] - 3_554_000) // 200).astype(int)
    inside = (i >= 0) & (i < 10) & (j >= 0) & (j < 10)
    return np.where(inside, "c" + (i * 10 + j).astype(str).str.zfill(2), "")


def test_parts_are_whole_rows_whatever_is_quoted(points_file, tmp_path):
    table = pd.read_csv(points_file, dtype=str, keep_default_na=False)
    # A part takes a millisecond, whatever its size: of the smallest, fewer rows.
    for part_bytes, rows in ((100, N // 10), (1_000, N // 2), (77_777, N)):
        whole = table[:rows]
        whole.to_csv(tmp_path / "points.csv", index=False)
        source = open_source(tmp_path / "points.csv", part_bytes=part_bytes)
        assert len(source.parts) > rows * 20 / part_bytes
        tables = [read_chunk(source, part).to_pandas() for part in source.parts]
        pd.testing.assert_frame_equal(pd.concat(tables, ignore_index=True), whole, check_dtype=False)


def test_the_cut_does_not_change_the_result(points_file, cells_file, tmp_path):
    table = fixes()
    done = run(points_file, cells_file, tmp_path / "one.csv", counts_path=tmp_path / "one_hours.csv", by="hour")
    assert (done.points, done.unusable) == (N, 0)
    for name in ("csv", "parquet"):
        run(points_file, cells_file, tmp_path / f"one.{name}")
        run(points_file, cells_file, tmp_path / f"many.{name}", part_bytes=5_000)
        assert (tmp_path / f"one.{name}").read_bytes() == (tmp_path / f"many.{name}").read_bytes()
    found = pd.read_csv(tmp_path / "one.csv", dtype=str, keep_default_na=False)
    assert (found["cell"] == expected_cells(table)).all()
    assert found["note"].tolist() == table["note"].tolist()
    assert found["lon"].tolist() == pd.read_csv(points_file, dtype=str)["lon"].tolist()


def test_counts_by_hour_and_day_without_writing_the_points(points_file, cells_file, tmp_path):
    table = fixes().assign(cell=lambda t: expected_cells(t))
    table = table[table["cell"] != ""]
    for by, length in (("hour", 13), ("day", 10)):
        done = run(points_file, cells_file, None, counts_path=tmp_path / "c.csv", by=by, part_bytes=20_000)
        counts = pd.read_csv(tmp_path / "c.csv", dtype={"code": str})
        assert list(counts.columns) == ["code", by, "count"]
        assert counts[by].str.endswith("+08:00").all()
        key = table["time"].str.replace(" ", "T").str[:length]
        expected = table.groupby(["cell", key]).size()
        got = counts.set_index(["code", counts[by].str[:length]])["count"]
        assert got.sort_index().tolist() == expected.sort_index().tolist()
        assert counts["count"].sum() == done.located
    assert [path.name for path in tmp_path.iterdir()] == ["c.csv"]


def test_parquet_geoparquet_and_folders_give_the_same(points_file, cells_file, tmp_path):
    table = fixes()
    run(points_file, cells_file, tmp_path / "csv.csv")
    expected = pd.read_csv(tmp_path / "csv.csv", dtype=str, keep_default_na=False)["cell"].tolist()
    plain = table.assign(time=pd.to_datetime(table["time"]))
    plain.to_parquet(tmp_path / "plain.parquet", row_group_size=1_000)
    folder = tmp_path / "folder"
    folder.mkdir()
    for i, piece in enumerate((plain[:1_500], plain[1_500:1_600], plain[1_600:])):
        piece.to_parquet(folder / f"{i}.parquet")
    points = gpd.GeoDataFrame(plain[["id"]], geometry=gpd.points_from_xy(table["lon"], table["lat"]), crs=4326)
    points.to_parquet(tmp_path / "wkb.parquet", row_group_size=700)
    multipoints = gpd.GeoSeries([shapely.MultiPoint([point]) for point in points.geometry], crs=4326)
    points.set_geometry(multipoints).to_parquet(tmp_path / "multi.parquet")
    points.to_parquet(tmp_path / "arrow.parquet", geometry_encoding="geoarrow", schema_version="1.1.0")
    vectors = [tmp_path / f"{kind}.parquet" for kind in ("wkb", "multi", "arrow")]
    for source in (tmp_path / "plain.parquet", folder, *vectors):
        columns = PointColumns(datum="WGS-84") if source in vectors else DEGREES
        run(source, cells_file, tmp_path / "out.parquet", columns)
        assert pq.read_table(tmp_path / "out.parquet")["cell"].to_pandas().fillna("").tolist() == expected
    assert gpd.read_parquet(tmp_path / "out.parquet").crs == "EPSG:4326"


def wangge(*words: object) -> list[str]:
    return [sys.executable, "-m", "api.cli", *map(str, words)]


def test_a_killed_run_goes_on_without_loss_or_repetition(cells_file, tmp_path):
    """SIGKILL in the middle of the work, twice; the third run finishes. The output is identical to that of an uninterrupted
    run.
    """
    table = pd.concat([fixes(50_000, seed) for seed in range(4)], ignore_index=True)
    table.to_parquet(tmp_path / "points.parquet", row_group_size=4_000)
    run(tmp_path / "points.parquet", cells_file, tmp_path / "whole.csv", counts_path=tmp_path / "w.csv", by="hour")
    words = wangge(
        "locate",
        tmp_path / "points.parquet",
        "--cells",
        cells_file,
        "--datum",
        "WGS-84",
        "-o",
        tmp_path / "out.csv",
        "--counts",
        tmp_path / "c.csv",
        "--by",
        "hour",
        "--time",
        "time",
    )
    parts = tmp_path / ".out.csv.parts"
    for killed_after in (3, 9):
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        while len(list(parts.glob("*.npz"))) < killed_after:
            assert process.poll() is None, "the run ended before it could be killed"
            time.sleep(0.002)
        process.send_signal(signal.SIGKILL)
        process.wait()
        assert not (tmp_path / "out.csv").exists()
    last = subprocess.run(words, check=True, capture_output=True, text=True)
    assert "续做" in last.stdout
    assert (tmp_path / "out.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()
    assert (tmp_path / "c.csv").read_bytes() == (tmp_path / "w.csv").read_bytes()
    assert not parts.exists()


def test_parts_of_another_job_are_not_taken(points_file, cells_file, tmp_path):
    stale = tmp_path / ".out.csv.parts"
    stale.mkdir()
    (stale / "job").write_text("another")
    (stale / "000000.npz").write_bytes(b"nonsense")
    assert run(points_file, cells_file, tmp_path / "out.csv").resumed_parts == 0
    assert not stale.exists()


@pytest.fixture(scope="module")
def processes() -> Iterator[Any]:
    """A cluster of two processes; one that is killed is started anew."""
    from distributed import LocalCluster

    with LocalCluster(n_workers=2, threads_per_worker=1, processes=True, dashboard_address=":0") as cluster:
        yield cluster


def test_a_cluster_of_processes_gives_the_same_bytes(points_file, cells_file, tmp_path, processes):
    """One that the job starts and ends, and one that is there."""
    run(points_file, cells_file, tmp_path / "here.csv", counts_path=tmp_path / "here_c.csv", by="hour")
    for part_bytes, cluster in ((20_000, "local"), (200_000, processes.scheduler_address)):
        run(
            points_file,
            cells_file,
            tmp_path / "there.csv",
            counts_path=tmp_path / "there_c.csv",
            by="hour",
            cluster=cluster,
            workers=2 if cluster == "local" else None,
            part_bytes=part_bytes,
        )
        assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()
        assert (tmp_path / "there_c.csv").read_bytes() == (tmp_path / "here_c.csv").read_bytes()


def test_a_killed_worker_costs_only_its_part(cells_file, tmp_path, processes):
    fixes(20_000).to_csv(tmp_path / "points.csv", index=False)
    run(tmp_path / "points.csv", cells_file, tmp_path / "here.csv")
    killed = []

    def kill_one() -> None:
        while len(list((tmp_path / ".there.csv.parts").glob("*.npz"))) < 5:
            time.sleep(0.002)
        pid = next(iter(processes.workers.values())).pid
        os.kill(pid, signal.SIGKILL)
        killed.append(pid)

    thread = threading.Thread(target=kill_one, daemon=True)
    thread.start()
    done = run(
        tmp_path / "points.csv",
        cells_file,
        tmp_path / "there.csv",
        cluster=processes.scheduler_address,
        part_bytes=30_000,
    )
    thread.join(timeout=30)
    assert killed
    assert not psutil.pid_exists(killed[0]) or psutil.Process(killed[0]).status() == psutil.STATUS_ZOMBIE
    assert done.points == 20_000
    assert (tmp_path / "there.csv").read_bytes() == (tmp_path / "here.csv").read_bytes()


def faults() -> dict[str, tuple[pd.DataFrame, PointColumns, str]]:
    good = fixes(3_000)
    inner = good[expected_cells(good) != ""]
    inner_gcj = inner.assign(
        **dict(zip(("lon", "lat"), convert(inner["lon"], inner["lat"], Datum.WGS84, Datum.GCJ02), strict=True))
    )
    metres = PointColumns(x="lon", y="lat", crs="EPSG:4549")
    return {
        "column missing": (good, PointColumns(x="lonn", y="lat", datum="WGS-84"), "'lonn'"),
        "degrees where metres are needed": (good, metres, "these are degrees"),
        "metres where degrees are needed": (
            good,
            PointColumns(x="east", y="north", datum="WGS-84"),
            "row FIRST: .*longitude and latitude",
        ),
        "swapped": (good, PointColumns(x="lat", y="lon", datum="WGS-84"), "row FIRST: .*swap --x and --y"),
        "swapped metres": (good, PointColumns(x="north", y="east", crs="EPSG:4549"), "axes are swapped"),
        "another datum": (inner_gcj, DEGREES, r"row \d+: .*--datum GCJ-02"),
        "zone prefix": (
            good.assign(east=good["east"] + 40e6),
            PointColumns(x="east", y="north", crs="EPSG:4549"),
            r"row FIRST: .*zone prefix 40: .*declare EPSG:4528",
        ),
        "another zone": (good, PointColumns(x="east", y="north", crs="EPSG:4543"), "over 200 km"),
        "no such zone": (good, PointColumns(datum="WGS-84", time="time", zone="Mars/Base"), "Mars/Base"),
    }


@pytest.mark.parametrize("name", list(faults()))
@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_bad_input_is_named_with_its_row_before_any_work(name, suffix, cells_file, tmp_path):
    table, columns, message = faults()[name]
    first_row = 2 if suffix == ".csv" else 1  # a CSV file has a heading
    message = message.replace("FIRST", str(first_row))
    text = {c: str for c in ("lon", "lat") if table[c].dtype == object}
    table.to_csv(tmp_path / "in.csv", index=False) if suffix == ".csv" else table.astype(text).to_parquet(
        tmp_path / "in.parquet"
    )
    by = "hour" if columns.time is not None and ("time" in name or "zone" in name) else None
    with pytest.raises(WanggeError, match=message):
        run(
            tmp_path / f"in{suffix}",
            cells_file,
            tmp_path / "out.csv",
            columns,
            by=by,
            counts_path=tmp_path / "c.csv",
            part_bytes=9_999,
        )
    assert [path.name for path in tmp_path.iterdir()] == [f"in{suffix}"]


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("part_bytes", [9_999, 1 << 20])
def test_rows_that_cannot_be_read_are_counted_and_named_and_the_rest_is_located(
    suffix, part_bytes, cells_file, tmp_path
):
    table = fixes(3_000).astype({"lon": object, "lat": object})
    for at in range(100, 112):
        table.loc[at, "lon"] = "somewhere"
    table.loc[1_234, "lat"] = 95.5
    table.loc[10, "time"] = "noon"
    path = tmp_path / f"in{suffix}"
    first = 2 if suffix == ".csv" else 1
    table.to_csv(path, index=False) if suffix == ".csv" else table.astype({"lon": str, "lat": str}).to_parquet(path)
    with pytest.warns(WanggeWarning) as told:
        done = run(
            path, cells_file, tmp_path / "out.csv", counts_path=tmp_path / "c.csv", by="hour", part_bytes=part_bytes
        )
    assert (done.points, done.unusable) == (3_000, 13)
    written = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False)
    expected = expected_cells(table)
    expected[[*range(100, 112), 1_234]] = ""
    assert written["cell"].tolist() == expected.tolist()
    sentences = " ".join(str(each.message) for each in told)
    assert (
        f"12 rows get no cell, a row has a coordinate that is missing or not a number: rows {100 + first}, "
        in sentences
    )
    assert f"{109 + first} and 2 more (lon='somewhere'" in sentences
    assert f"1 row gets no cell, a row has coordinates that are not degrees: rows {1_234 + first}" in sentences
    assert f"rows {10 + first} ('noon' in column 'time')" in sentences


def test_the_users_own_column_cell_is_kept(cells_file, tmp_path):
    table = fixes(50).assign(cell=[f"mine-{i}" for i in range(50)])
    table.to_csv(tmp_path / "in.csv", index=False)
    with pytest.warns(WanggeWarning, match="the added column is 'cell_2'"):
        run(tmp_path / "in.csv", cells_file, tmp_path / "out.csv")
    written = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False)
    assert written["cell"].tolist() == table["cell"].tolist()
    assert written["cell_2"].tolist() == expected_cells(table).tolist()


@pytest.mark.parametrize("encoding", ["utf-8-sig", "gb18030", "utf-16"])
@pytest.mark.parametrize("delimiter", [",", ";"])
def test_points_in_the_encodings_and_delimiters_of_offices(encoding, delimiter, cells_file, tmp_path):
    table = fixes(400)
    (tmp_path / "in.csv").write_bytes(table.to_csv(index=False, sep=delimiter).encode(encoding))
    run(tmp_path / "in.csv", cells_file, tmp_path / "out.csv", part_bytes=5_000)
    written = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False)
    assert written["cell"].tolist() == expected_cells(table).tolist()
    assert written["note"].tolist() == table["note"].tolist()


@pytest.mark.parametrize("part_bytes", [2_000, 1 << 20])
def test_a_quotation_mark_that_is_never_closed_costs_no_row(part_bytes, cells_file, tmp_path):
    table = fixes(300).drop(columns="note")
    lines = table.assign(note="ok").to_csv(index=False).splitlines()
    lines[7] = lines[7].removesuffix("ok") + '"open'
    lines[200] = lines[200].removesuffix("ok") + '"closed, and quoted"'
    (tmp_path / "in.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")
    with pytest.warns(WanggeWarning, match="rows 8 have a quotation mark that is never closed"):
        done = run(tmp_path / "in.csv", cells_file, tmp_path / "out.csv", part_bytes=part_bytes)
    assert done.points == 300
    written = pd.read_csv(tmp_path / "out.csv", dtype=str, keep_default_na=False)
    assert written["cell"].tolist() == expected_cells(table).tolist()
    assert written["note"].tolist()[199] == "closed, and quoted"


@pytest.mark.parametrize(
    ("file", "published", "equal"),
    [
        ("robbery", "Robbery", 577),
        ("vandalism", "Vandalism", 578),
        ("drugs", "Drugs", 578),
        ("cartheft", "CarTheft", 557),
    ],
)
def test_published_counts_of_san_francisco(shared_data, tmp_path, file, published, equal):
    """Points and polygons are compared in the published coordinates, degrees or feet."""
    archive = shared_data / "sf-2012" / "SFCrime_July_Dec2012.zip" / "SFCrime_July_Dec2012 2"
    blocks = archive / "SF PD Plots" / "SFCrime_blocks.shp"
    points = archive / "Crime Events" / f"sf_{file}.shp"
    locate_points(points, blocks, None, LocateOptions(code="GEO_ID", counts_path=tmp_path / "c.csv"))
    counted = pd.read_csv(tmp_path / "c.csv", dtype={"code": str}).set_index("code")["count"]
    layer = read_layer(blocks)
    assert (counted[layer["GEO_ID"].astype(str)].to_numpy() == layer[published].to_numpy()).sum() == equal
