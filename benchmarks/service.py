"""Cost of the service: CPU time of server and database per request, and waiting times of pages and workers.

``python -m benchmarks.service`` writes the tables in docs/service.md. CPU time is user and system time of the server's
process and of all PostgreSQL processes, read from /proc before and after; the client is a separate process and is not
included. All traffic goes to 127.0.0.1. Commits wait for the disk.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from time import perf_counter

from benchmarks.report import machine, table, write
from benchmarks.service_kit.clients import request, send_all
from benchmarks.service_kit.processes import Server, cpu_of, serving, settle
from benchmarks.service_kit.stores import Store, batches, made
from benchmarks.service_kit.waits import day_of_verdicts, starts, verdict_on_the_page

START = datetime(2026, 3, 2, tzinfo=UTC)
#: Requests of one measurement; the median of several measurements is reported.
BATCHES, SINGLES, QUESTIONS, RUNS = 100, 1500, 3000, 3


def per_request_ms(
    store: Store, server: Server, requests: list[bytes], *, connections: int
) -> tuple[float, float, float]:
    """CPU time of server and of database per request, ms, and requests per second."""
    before, started = cpu_of(server, store.cluster), perf_counter()
    statuses = send_all(server.port, requests, connections=connections)
    wall = perf_counter() - started
    after = cpu_of(server, store.cluster)
    if set(statuses) != {200}:
        raise SystemExit(f"answers with {sorted(set(statuses))}")
    one = 1000 / len(requests)
    return (after[0] - before[0]) * one, (after[1] - before[1]) * one, len(requests) / wall


def repeated(measure: Callable[[int], tuple[float, float, float]]) -> tuple[float, float, float]:
    """Median of several measurements, each on other data."""
    found = [measure(k) for k in range(RUNS)]
    server, database, rate = (statistics.median(column) for column in zip(*found, strict=True))
    return server, database, rate


def ingest(store: Store, server: Server) -> Iterator[list[object]]:
    """Batches of 500 fixes, and one fix per request."""
    for name, devices in (("one device", [0]), ("250 devices", list(range(1, 251)))):
        send_all(
            server.port,
            list(batches(store, 4, devices=devices, start=datetime(2026, 2, 28, tzinfo=UTC))),
            connections=2,
        )

        def batch(run: int, devices: list[int] = devices) -> tuple[float, float, float]:
            start = START.replace(day=3 + run)
            sent = list(batches(store, BATCHES, devices=devices, start=start))
            return per_request_ms(store, server, sent, connections=4)

        mine, database, rate = repeated(batch)
        yield [f"500 fixes of {name}, 4 connections", store.kind, *_ms(mine, database), f"{rate * 500:,.0f} fixes/s"]

    def single(run: int) -> tuple[float, float, float]:
        stamp = int(START.timestamp()) + 86_400 * (10 + run)
        sent = [
            request("GET", f"/osmand?token={store.phones[k % 255]}&lat=32.1&lon=118.8&timestamp={stamp + k // 255}")
            for k in range(SINGLES)
        ]
        return per_request_ms(store, server, sent, connections=16)

    mine, database, rate = repeated(single)
    yield ["one fix (`/osmand`), 16 connections", store.kind, *_ms(mine, database), f"{rate:,.0f} requests/s"]


def locate(store: Store, server: Server) -> list[object]:
    """One point over HTTP."""

    def questions(run: int) -> tuple[float, float, float]:
        sent = [
            request("GET", f"/api/locate?lon={118.83 + (k % 97) / 5e3:.5f}&lat={32.12 + (k % 89 + run) / 5e3:.5f}")
            for k in range(QUESTIONS)
        ]
        return per_request_ms(store, server, sent, connections=4)

    questions(9)
    mine, database, rate = repeated(questions)
    return ["locate one point", store.kind, *_ms(mine, database), f"{rate:,.0f} requests/s"]


def _ms(server: float, database: float) -> list[str]:
    return [f"{server:.2f} ms", f"{database:.2f} ms", f"{server + database:.2f} ms"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--no-write", action="store_true", help="print the table only")
    given = parser.parse_args()
    rows: list[list[object]] = []
    waited: list[list[object]] = []
    for kind in [given.only] if given.only else ["sqlite", "postgresql"]:
        with made(kind) as store:
            with serving(store.url) as server:
                settle(server)
                rows += _shown([*ingest(store, server), locate(store, server)])
            waited += _shown([*starts(store), verdict_on_the_page(store), *day_of_verdicts(store)])
    head = ["request", "store", "server", "database", "together", "rate"]
    text = f"{table(head, rows)}\n\n{table(['what is waited for', 'store', 'processor time', 'time'], waited)}"
    if not given.no_write:
        write("service.md", "cost", f"{text}\n\n{machine('fastapi', 'uvicorn', 'msgspec', 'psycopg')}")


def _shown(rows: list[list[object]]) -> list[list[object]]:
    for row in rows:
        print(row, flush=True)
    return rows


if __name__ == "__main__":
    main()
