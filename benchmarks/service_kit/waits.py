"""Waiting times of users: start of a server, verdicts of a day, and a verdict on the page after a fix was accepted."""

from __future__ import annotations

import json
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from api.database import open_store
from benchmarks.report import ROOT
from benchmarks.service_kit.clients import Client, request
from benchmarks.service_kit.processes import Server, children, cpu_s, serving, start, wait_for
from benchmarks.service_kit.stores import DAY, DIVISION, Store, fill_day
from geo.layers import lon_lat, read_division

#: Interval of the fixes of a phone, so that 255 officers send 1.5 million a day.
INTERVAL_S = 5.0
#: Number of measured verdicts, and maximum waiting time of each, seconds.
VISITS, MOST_S = 8, 30.0


def starts(store: Store, runs: int = 3) -> Iterator[list[object]]:
    """Time and CPU time from the start of the process to the first stored fix, and to ready."""
    found = []
    for run in range(runs):
        began = time.perf_counter()
        server = start(store.url)
        try:
            stamp = int(datetime(2026, 3, 20, run, tzinfo=UTC).timestamp())
            wait_for(server, f"/osmand?token={store.phones[0]}&lat=32.1&lon=118.8&timestamp={stamp}")
            fix = time.perf_counter() - began, cpu_s(children(server.process.pid))
            wait_for(server, "/ready")
            found.append((*fix, time.perf_counter() - began, cpu_s(children(server.process.pid))))
        finally:
            server.process.terminate()
            server.process.wait()
    wall, cpu, ready, ready_cpu = (statistics.median(column) for column in zip(*found, strict=True))
    yield ["start to the first fix stored", store.kind, f"{cpu:.2f} s", f"{wall:.2f} s"]
    yield ["start to ready", store.kind, f"{ready_cpu:.2f} s", f"{ready:.2f} s"]


_JUDGE = """
import resource, sys, time
from datetime import date
from api.database import open_store
from api.verdicts.day import basis_of, judge_tracks, rules_of
from api.verdicts.reading import as_tracks, read_rows, span_of

def cpu():
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime

engine = open_store(sys.argv[1])
rules = rules_of(engine, 1)
for run in range(2):  # the first loads compiled code
    day = date.fromisoformat(sys.argv[2])
    basis = basis_of(engine, 1, day, rules=rules)
    basis.cells
    begun, wall = cpu(), time.perf_counter()
    rows = read_rows(engine, 1, span_of(day, rules.zone))
    read = cpu()
    tracks = as_tracks(engine, 1, rows)
    judged = judge_tracks(basis, day, tracks)
    done = cpu()
print(len(rows), len(judged.verdicts), read - begun, done - begun, time.perf_counter() - wall)
"""


def day_of_verdicts(store: Store) -> Iterator[list[object]]:
    """Verdicts of a day from the database, without writing; reading is measured separately."""
    engine = open_store(store.url)
    fill_day(engine, interval_s=INTERVAL_S)
    engine.dispose()
    before = cpu_s(store.cluster.pids()) if store.cluster else 0.0
    words = [sys.executable, "-c", _JUDGE, store.url, DAY.isoformat()]
    done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True)
    after = cpu_s(store.cluster.pids()) if store.cluster else 0.0
    rows, verdicts, read, both, wall = done.stdout.split()
    database = (after - before) / 2
    yield [
        f"reading a day, {int(rows):,} fixes",
        store.kind,
        f"{float(read) + database:.2f} s ({database:.2f} s of it database)",
        "",
    ]
    yield [
        f"its {verdicts} verdicts with the reading",
        store.kind,
        f"{float(both) + database:.2f} s",
        f"{float(wall):.2f} s",
    ]


def verdict_on_the_page(store: Store) -> list[object]:
    """Time from the answer to a batch that completes a visit to the event on the stream, while 255 phones send."""
    grids = read_division(DIVISION).second
    places = lon_lat(grids.geometry.representative_point())
    today = datetime.now(UTC) - timedelta(minutes=40)
    waits = []
    with serving(store.url, follow=True) as server:
        stop = threading.Event()
        crowd = threading.Thread(target=_phones, args=(store, server, stop))
        crowd.start()
        try:
            time.sleep(15)  # The follower has loaded its compiled code.
            waits += [_wait(store, server, str(grids["code"].iloc[k]), places.iloc[k], k, today) for k in range(VISITS)]
        finally:
            stop.set()
            crowd.join()
    return [
        "fix accepted to verdict on the page, 255 phones",
        store.kind,
        "",
        f"median {statistics.median(waits):.2f} s, longest {max(waits):.2f} s of {VISITS}",
    ]


def _wait(store: Store, server: Server, code: str, place: object, device: int, begin: datetime) -> float:
    fixes = [
        {
            "device": f"D{device:03d}",
            "time": (begin + timedelta(seconds=10 * n)).isoformat(),
            "lon": round(place.x + (n % 5) * 2e-5, 7),  # type: ignore[attr-defined]
            "lat": round(place.y, 7),  # type: ignore[attr-defined]
            "accuracy_m": 5,
        }
        for n in range(120)
    ]
    with socket.create_connection(("127.0.0.1", server.port), timeout=MOST_S) as stream, server.client() as client:
        stream.sendall(request("GET", "/api/events", token=store.program))
        received = stream.recv(1 << 16)
        body = {"datum": "WGS-84", "fixes": fixes}
        client.exchange(request("POST", "/api/fixes", body=body, token=store.program))
        accepted = time.perf_counter()
        while not _told(received, code):
            received += stream.recv(1 << 16)
        return time.perf_counter() - accepted


def _told(received: bytes, code: str) -> bool:
    """Whether the stream has sent a verdict of a grid."""
    for block in received.decode("utf-8", "replace").replace("\r\n", "\n").split("\n\n"):
        if "event: verdict" in block and json.dumps(code) in block:
            return True
    return False


def _phones(store: Store, server: Server, stop: threading.Event) -> None:
    """255 phones with a fix every ten seconds each."""
    with Client(server.port) as client:
        k = 0
        while not stop.wait(10 / 255):
            stamp = int(time.time())
            token = store.phones[10 + k % 245]
            path = f"/osmand?token={token}&lat={32.10 + k % 50 / 1e3:.4f}&lon={118.80 + k % 60 / 1e3:.4f}&timestamp={stamp}"
            client.exchange(request("GET", path))
            k += 1
