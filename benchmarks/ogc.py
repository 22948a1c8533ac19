"""Answers of ``/ogc`` on the model street: CPU and time of a collection, a window, a tile, and of what follows a publish.

``python -m benchmarks.ogc [--tipg URL --tipg-pid N] [--pygeoapi URL --pygeoapi-pid N]``: other servers that run on a PostGIS
with the same layers are asked the same. CPU is that of a server process per request; that of PostgreSQL comes on top for the
others.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path

import httpx

from api.database import open_store, session, upgrade
from api.database.divisions import add_version, publish
from geo.layers import Level, read_division

ROOT = Path(__file__).resolve().parents[1]
DIVISION = ROOT / "data" / "boundaries" / "division.gpkg"
NOW = datetime(2026, 1, 1, tzinfo=UTC)
_ITEMS = "/ogc/collections/third/items?limit=5000"
_WINDOW = "/ogc/collections/third/items?bbox=118.80,32.10,118.81,32.11"
_TICK_S = 1.0 / os.sysconf("SC_CLK_TCK")


def main(words: list[str]) -> None:
    """Measure and print a table."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.ogc")
    options.add_argument("--tipg", help="address of a running tipg, with --tipg-pid")
    options.add_argument("--tipg-pid", type=int, default=0)
    options.add_argument("--pygeoapi", help="address of a running pygeoapi, with --pygeoapi-pid")
    options.add_argument("--pygeoapi-pid", type=int, default=0)
    options.add_argument("--repeat", type=int, default=50)
    given = options.parse_args(words)
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder) / "store.sqlite"
        _make_store(store)
        with _served(store) as (base, pid):
            _wait_for(base)
            tile = _busiest_tile(base)
            print("| | CPU of the server, ms | time, ms | bytes |\n|---|---|---|---|")
            for name, address in (("3,052 cells", _ITEMS), ("window of 0.01°", _WINDOW), ("z14 tile", tile)):
                _print_row(f"wangge, {name}", base + address, pid, given.repeat)
            for other, number, paths in _others(given):
                for name, address in paths:
                    _print_row(f"{name}", other + address, number, max(3, given.repeat // 10))
            _after_publish(store, base)


def _others(given: argparse.Namespace) -> Iterator[tuple[str, int, list[tuple[str, str]]]]:
    if given.tipg:
        here = "/collections/public.third/items"
        yield (
            given.tipg,
            given.tipg_pid,
            [
                ("tipg, 3,052 cells", f"{here}?limit=5000"),
                ("tipg, window", f"{here}?limit=5000&bbox=118.80,32.10,118.81,32.11"),
                ("tipg, z14 tile", "/collections/public.third/tiles/WebMercatorQuad/14/13599/6647"),
            ],
        )
    if given.pygeoapi:
        here = "/collections/third/items?f=json"
        yield (
            given.pygeoapi,
            given.pygeoapi_pid,
            [
                ("pygeoapi, 3,052 cells", f"{here}&limit=5000"),
                ("pygeoapi, window", f"{here}&limit=5000&bbox=118.80,32.10,118.81,32.11"),
            ],
        )


def _make_store(path: Path) -> None:
    engine = open_store(path, must_exist=False)
    upgrade(engine)
    _publish(path, "first")
    engine.dispose()


def _publish(path: Path, note: str) -> None:
    """Publish the model division, with a name that tells the version."""
    division = read_division(DIVISION)
    third = division.third.copy()
    third.loc[0, "name"] = note
    engine = open_store(path)
    with session(engine, write=True) as opened:
        stored = add_version(
            opened, division.with_layer(Level.THIRD, third), valid_from=date(2026, 1, 1), created_at=NOW, note=note
        )
        publish(opened, stored.id, published_at=datetime.now(UTC))
    engine.dispose()


@contextmanager
def _served(store: Path) -> Iterator[tuple[str, int]]:
    words = [sys.executable, "-m", "api.cli", "serve", "--port", "0"]
    environment = {**os.environ, "WANGGE_DATABASE": str(store), "WANGGE_FOLLOW": "false", "WANGGE_LOG": "warning"}
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


def _wait_for(base: str) -> None:
    """Wait until the first version and its tiles are made."""
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        try:
            if httpx.get(base + _ITEMS, timeout=60).status_code == 200:
                break
        except httpx.HTTPError:
            pass
        time.sleep(0.3)
    time.sleep(8)


def _busiest_tile(base: str) -> str:
    described = httpx.get(base + "/ogc/collections/third/tiles/WebMercatorQuad", timeout=60).json()
    limits = described["tileMatrixSetLimits"][4]
    best = (0, "")
    for row in range(limits["minTileRow"], limits["maxTileRow"] + 1):
        for column in range(limits["minTileCol"], limits["maxTileCol"] + 1):
            address = f"/ogc/collections/third/tiles/WebMercatorQuad/14/{row}/{column}"
            best = max(best, (len(httpx.get(base + address).content), address))
    return best[1]


def _print_row(name: str, address: str, pid: int, repeat: int) -> None:
    with httpx.Client(timeout=300, trust_env=False) as client:
        size = _raw_size(client, address)
        started, before = time.perf_counter(), _cpu_s(pid)
        for _ in range(repeat):
            _raw_size(client, address)
        cpu, wall = _cpu_s(pid) - before, time.perf_counter() - started
    print(f"| {name} | {cpu / repeat * 1000:.2f} | {wall / repeat * 1000:.1f} | {size:,} |", flush=True)


def _raw_size(client: httpx.Client, address: str) -> int:
    """Read an answer without unpacking it; its bytes."""
    with client.stream("GET", address) as answer:
        return sum(len(part) for part in answer.iter_raw())


def _after_publish(store: Path, base: str) -> None:
    """How long until the new version is answered, its first answer, and until all its tiles are there."""
    _publish(store, "second")
    started = time.perf_counter()
    with httpx.Client(timeout=300, trust_env=False) as client:

        def until(done: Callable[[], bool]) -> float:
            while not done():
                time.sleep(0.02)
            return time.perf_counter() - started

        one = "/ogc/collections/third/items?limit=1"
        switched = until(lambda: "second" in client.get(base + one).text)
        before = time.perf_counter()
        _raw_size(client, base + _ITEMS)
        first_ms = (time.perf_counter() - before) * 1000
        made = until(lambda: (store.parent / "published.gpkg").is_file() and _version_in(store) == 2)
    print(
        f"\nAfter a publish: answered after {switched:.2f} s, the first whole answer took {first_ms:.0f} ms, "
        f"tiles of z10 to z16 and published.gpkg after {made:.2f} s"
    )


def _version_in(store: Path) -> int | None:
    from api.ogc.publication.published_file import version_of

    return version_of(store.parent / "published.gpkg")


def _cpu_s(pid: int) -> float:
    """CPU that a process and its threads have used."""
    if not pid:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * _TICK_S


if __name__ == "__main__":
    main(sys.argv[1:])
