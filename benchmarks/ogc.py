"""Response times of ``/ogc`` on the model street, and delays after a publication; compared with tipg and pygeoapi on the same
PostGIS.

``python -m benchmarks.ogc [--others FOLDER]``: without `--others` the database is a SQLite file and ``/ogc`` is measured alone.
FOLDER is a virtual environment with tipg, uvicorn, pygeoapi, geoalchemy2 and psycopg2; then a PostgreSQL cluster is started with
the database and a table of the third level, and all three servers get the same requests, one after the other. CPU is that of the
server process and of all processes of PostgreSQL per warm request, without the client. The others are asked for uncompressed
answers, which cost them less.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import httpx

from api.database import open_store, session, upgrade
from api.database.divisions import add_version, publish
from benchmarks.ogc_others import Server, others_on
from benchmarks.report import machine, write
from geo.layers import Level, read_division
from tools.postgres import Cluster, cluster

ROOT = Path(__file__).resolve().parents[1]
DIVISION = ROOT / "data" / "boundaries" / "division.gpkg"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
_ITEMS = "/ogc/collections/third/items?limit=5000"
_WINDOW = "/ogc/collections/third/items?bbox=118.80,32.10,118.81,32.11"
#: Number of publications measured.
_PUBLISHES = 3
_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")


def main(words: list[str]) -> None:
    """Measure and print the tables; with ``--write`` they are also written into docs/ogc.md."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.ogc")
    options.add_argument("--others", type=Path, help="virtual environment with tipg and pygeoapi")
    options.add_argument("--repeat", type=int, default=300)
    options.add_argument("--write", action="store_true", help="put the tables into docs/ogc.md")
    given = options.parse_args(words)
    lines: list[str] = []
    begun = machine("httpx")
    _measure(given, _Lines(lines))
    lines += ["", begun]
    print(lines[-1])
    if given.write:
        write("ogc.md", "ogc-cost", "\n".join(lines))


class _Lines:
    """Prints lines, and keeps them."""

    def __init__(self, kept: list[str]) -> None:
        self._kept = kept

    def __call__(self, line: str) -> None:
        self._kept.append(line)
        print(line, flush=True)


def _measure(given: argparse.Namespace, tell: _Lines) -> None:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = stack.enter_context(cluster()) if given.others else None
        store = database.create("store") if database else str(folder / "store.sqlite")
        _make_store(store)
        pids = database.pids if database else list
        base, pid = stack.enter_context(_served(store, folder))
        _wait_for(base, folder)
        tile = _busiest_tile(base)
        server = Server("wangge", base, pid, {"3,052 cells": _ITEMS, "window of 0.01°": _WINDOW, "z14 tile": tile})
        tell("| | CPU, ms | time, ms | bytes |\n|---|---|---|---|")
        for encoding in ("gzip", "identity"):
            _print_rows(server, given.repeat, pids, encoding, tell)
        if database:
            _print_others(given, database, folder, tile.rpartition("WebMercatorQuad/")[2], tell)
        _print_publishes(store, folder, server, tell)


def _print_others(given: argparse.Namespace, database: Cluster, folder: Path, place: str, tell: _Lines) -> None:
    for other in others_on(database, given.others, folder, read_division(DIVISION).third, place):
        with other as server:
            _print_rows(server, max(5, given.repeat // 30), database.pids, "identity", tell)


def _make_store(store: str) -> None:
    engine = open_store(store, must_exist=False)
    upgrade(engine)
    engine.dispose()
    _publish(store, "first")


def _publish(store: str, note: str) -> float:
    """Publish the model division with a name that identifies the version; returns the time of publication."""
    division = read_division(DIVISION)
    third = division.third.copy()
    third.loc[0, "name"] = note
    engine = open_store(store)
    with session(engine, write=True) as opened:
        stored = add_version(
            opened, division.with_layer(Level.THIRD, third), valid_from=date(2026, 1, 1), created_at=NOW, note=note
        )
        publish(opened, stored.id, published_at=datetime.now(UTC))
    engine.dispose()
    return time.perf_counter()


@contextmanager
def _served(store: str, folder: Path) -> Iterator[tuple[str, int]]:
    words = [sys.executable, "-m", "api.cli", "serve", "--port", "0"]
    environment = {**os.environ, "WANGGE_DATABASE": store, "WANGGE_PAGES": str(folder), "WANGGE_FOLLOW": "false"}
    environment["WANGGE_LOG"] = "warning"
    server = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert server.stdout is not None
    try:
        address = ""
        for line in server.stdout:
            found = next((word for word in line.split() if word.startswith("http://")), "")
            if found:
                address = found.rstrip("/")
                break
        yield address, server.pid
    finally:
        server.terminate()
        server.wait(30)


def _wait_for(base: str, folder: Path) -> None:
    """Wait until the first version is prepared: ``published.gpkg`` is written last."""
    deadline = time.monotonic() + 300
    while not (folder / "published.gpkg").is_file():
        assert time.monotonic() < deadline, "the first version was not prepared"
        time.sleep(0.3)
    httpx.get(base + _ITEMS, timeout=60).raise_for_status()


def _busiest_tile(base: str) -> str:
    described = httpx.get(base + "/ogc/collections/third/tiles/WebMercatorQuad", timeout=60).json()
    limits = described["tileMatrixSetLimits"][4]
    best = (0, "")
    for row in range(limits["minTileRow"], limits["maxTileRow"] + 1):
        for column in range(limits["minTileCol"], limits["maxTileCol"] + 1):
            address = f"/ogc/collections/third/tiles/WebMercatorQuad/14/{row}/{column}"
            best = max(best, (len(httpx.get(base + address).content), address))
    return best[1]


def _print_rows(server: Server, repeat: int, pids: Callable[[], Sequence[int]], encoding: str, tell: _Lines) -> None:
    for name, path in server.paths.items():
        address = server.base + path
        head = {"Accept-Encoding": encoding}
        with httpx.Client(timeout=300, trust_env=False, headers=head) as client:
            size = _raw_size(client, address)
            processes = [*_family(server.pid), *pids()]
            started, before = time.perf_counter(), sum(map(_cpu_s, processes))
            for _ in range(repeat):
                _raw_size(client, address)
            cpu, wall = sum(map(_cpu_s, processes)) - before, time.perf_counter() - started
        row = (
            f"| {server.name}, {name}, {encoding} | {cpu / repeat * 1000:.2f} | {wall / repeat * 1000:.1f} | {size:,} |"
        )
        tell(row)


def _raw_size(client: httpx.Client, address: str) -> int:
    """Read an answer without decompressing it; returns its size in bytes."""
    with client.stream("GET", address) as answer:
        answer.raise_for_status()
        return sum(len(part) for part in answer.iter_raw())


def _print_publishes(store: str, folder: Path, server: Server, tell: _Lines) -> None:
    """Time until a new version is served, time of its first answer, and time until all its tiles and the file are complete."""
    tell(
        "\n| publish | answered after, s | first answer, ms | all tiles after, s | CPU until then, s | published.gpkg after, s |"
    )
    tell("|---|---|---|---|---|---|")
    tiles = "/ogc/collections/third/tiles/WebMercatorQuad"
    with httpx.Client(base_url=server.base, timeout=300, trust_env=False) as client:
        limits = client.get(tiles).json()["tileMatrixSetLimits"]
        places = [f"{tiles}/{one['tileMatrix']}/{one['minTileRow']}/{one['minTileCol']}" for one in limits]
        for k in range(_PUBLISHES):
            before = (folder / "published.gpkg").stat().st_mtime_ns
            started = _publish(store, f"publish {k}")
            cpu = _cpu_s(server.pid)
            while f"publish {k}" not in client.get("/ogc/collections/third/items?limit=1").text:
                time.sleep(0.02)
            answered = time.perf_counter()
            _raw_size(client, _ITEMS)
            first = time.perf_counter()
            # The tiles of a zoom are built together, and the new version is served by now.
            for place in places:
                client.get(place)
            made, spent = time.perf_counter(), _cpu_s(server.pid) - cpu
            while (folder / "published.gpkg").stat().st_mtime_ns == before:
                time.sleep(0.02)
            written = time.perf_counter()
            waits = f"{answered - started:.2f} | {(first - answered) * 1000:.0f} | {made - started:.2f} | {spent:.2f}"
            tell(f"| {k + 1} | {waits} | {written - started:.2f} |")


def _family(pid: int) -> list[int]:
    """A process and all its descendants."""
    found = [pid]
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in path.read_text(encoding="ascii").split():
            found += _family(int(child))
    return found


def _cpu_s(pid: int) -> float:
    """CPU time of a process and its threads; 0 for one that has ended."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="ascii")
    except OSError:
        return 0.0
    fields = text.rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


if __name__ == "__main__":
    main(sys.argv[1:])
