"""``kill -9`` at random moments of ingest, import, publishing, draft edits and migration, on SQLite and PostgreSQL.

``python -m benchmarks.kills --kills 200`` writes the table in docs/service.md. A child process is forked for each kill, which
avoids imports. It is killed at a random, seeded moment: a number of acknowledged records and a time after them; a migration,
which only acknowledges its end, within its usual duration. Then the database is inspected. A kill hits if the operation had
acknowledged a record and was still running.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.report import machine, table, write
from benchmarks.service_kit import killed
from benchmarks.service_kit.clients import Client
from benchmarks.service_kit.killed import Counts, Target
from benchmarks.service_kit.processes import free_port
from benchmarks.service_kit.stores import Store, made

#: Every operation is killed equally often.
OPERATIONS = ("ingest", "import", "publish", "edit", "migrate")
#: Maximum number of acknowledged records before a kill, and maximum time after them, in seconds.
MOST_RECORDS, MOST_S = 6, 0.15
#: Without an acknowledged record after this time, in seconds, the child is killed anyway, which is no hit.
PATIENCE_S = 60.0


@dataclass(frozen=True)
class Moment:
    """Moment of a kill: a number of acknowledged records, and a time after them."""

    records: int
    after_s: float

    def wait(self, records: Callable[[], int]) -> None:
        """Wait for the moment; `records` returns the number acknowledged."""
        deadline = time.monotonic() + PATIENCE_S
        while records() < self.records and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(self.after_s)


class Child:
    """A forked process that executes an operation, and reports through a pipe."""

    def __init__(self, work: Callable[[Callable[[str], None]], None]) -> None:
        reading, writing = os.pipe()
        self._number = os.fork()
        if self._number == 0:
            os.close(reading)
            try:
                # A line is written atomically: it is shorter than the pipe's buffer.
                work(lambda text: os.write(writing, f"{text}\n".encode()) and None)
            finally:
                # Clean-up and buffers of the parent must not run in the child.
                if sys.exc_info()[0] is not None:
                    traceback.print_exc(file=sys.stderr)
                os._exit(0)
        os.close(writing)
        self._told, self._reading = b"", reading
        while b"up\n" not in self._told:
            if not self._read():
                raise SystemExit("the child ended before it was ready")

    def _read(self) -> bool:
        block = os.read(self._reading, 1 << 16)
        self._told += block
        return bool(block)

    def records(self) -> int:
        """Number of records acknowledged so far."""
        while select.select([self._reading], [], [], 0)[0] and self._read():
            pass
        return self._told.count(b"\n") - 1

    def kill(self) -> list[str]:
        """Kill it; returns its reports."""
        os.kill(self._number, signal.SIGKILL)
        os.waitpid(self._number, 0)
        while self._read():
            pass
        os.close(self._reading)
        return [line for line in self._told.decode().split("\n")[:-1] if line != "up"]


@dataclass
class Run:
    """Kills on one database."""

    store: Store
    folder: str
    base: Target
    drafts: Target
    migration_s: float

    def once(self, name: str, number: int, rng: np.random.Generator, counts: Counts) -> None:
        """Kill an operation once, and inspect the database."""
        moment = Moment(int(rng.integers(1, MOST_RECORDS + 1)), float(rng.uniform(0, MOST_S)))
        before = counts.acknowledged
        if name == "ingest":
            acknowledged = _kill_server(self.base, killed.send_fixes, _takes_fixes, number, moment)
            killed.check_fixes(self.base, number, acknowledged, counts)
        elif name == "edit":
            acknowledged = _kill_server(self.drafts, killed.send_edits, _answers, number, moment)
            killed.check_draft(self.drafts, number, acknowledged, counts)
        elif name == "migrate":
            new = Target(_fresh(self.store, self.folder, f"m{number}", empty=True))
            told = _killed(partial(killed.migrate, new), Moment(0, float(rng.uniform(0, self.migration_s))))
            killed.check_migration(new, told, counts)
            _drop(self.store, new, f"m{number}")
        else:
            work = killed.import_versions if name == "import" else killed.publish_versions
            told = _killed(partial(work, self.base), moment)
            killed.check_versions(self.base, told, counts, published=name == "publish")
        counts.kills += 1
        if name != "migrate":
            counts.hit += counts.acknowledged > before


def run(kind: str, kills: int, seed: int) -> dict[str, Counts]:
    """Kill every operation equally often; returns counts by operation."""
    rng = np.random.default_rng(seed)
    counts = {name: Counts() for name in OPERATIONS}
    with made(kind) as store, TemporaryDirectory() as folder:
        drafts = Target(_fresh(store, folder, "drafts"))
        killed.prepare_draft(drafts)
        running = Run(store, folder, Target(store.url, store.program, base=1), drafts, _migration_s(store, folder))
        for name in OPERATIONS:
            for number in range(-(-kills // len(OPERATIONS))):
                running.once(name, number, rng, counts[name])
            print(kind, name, counts[name], flush=True)
    return counts


def _killed(work: Callable[[Callable[[str], None]], None], moment: Moment) -> list[str]:
    """Run a child until a moment; returns its reports."""
    child = Child(work)
    moment.wait(child.records)
    return child.kill()


def _kill_server(
    target: Target,
    send: Callable[[Target, int, int, dict[str, bool]], None],
    probe: Callable[[Client, Target], bool],
    number: int,
    moment: Moment,
) -> dict[str, bool]:
    """Kill a server while requests are sent; returns its requests, and whether each was acknowledged."""
    port, acknowledged = free_port(), dict[str, bool]()
    child = Child(lambda tell: killed.serve(target, tell, port))
    for _ in range(3000):
        with contextlib.suppress(OSError), Client(port, timeout_s=60) as client:
            if probe(client, target):
                break
        time.sleep(0.01)
    else:
        raise SystemExit("the server does not answer")
    sender = threading.Thread(target=send, args=(target, port, number, acknowledged))
    sender.start()
    moment.wait(lambda: sum(list(acknowledged.values())))
    child.kill()
    sender.join()
    return acknowledged


def _takes_fixes(client: Client, target: Target) -> bool:
    path = f"/osmand?token={target.token}&id=D200&lat=32.1&lon=118.8&timestamp=1772323200"
    return client.get(path)[0] == 200


def _answers(client: Client, target: Target) -> bool:
    return client.get("/api/drafts/1", token=target.token)[0] == 200


def _migration_s(store: Store, folder: str) -> float:
    """Duration of a complete migration."""
    target = Target(_fresh(store, folder, "whole", empty=True))
    child, started = Child(partial(killed.migrate, target)), time.monotonic()
    while child.records() < 1:
        time.sleep(0.001)
    took = time.monotonic() - started
    child.kill()
    _drop(store, target, "whole")
    return took


def _fresh(store: Store, folder: str, name: str, *, empty: bool = False) -> str:
    """Address of a new database."""
    if store.cluster is not None:
        url = store.cluster.create(name)
    else:
        url = str(Path(folder) / f"{name}.sqlite")
    if not empty:
        from api.database import open_store, upgrade

        engine = open_store(url, must_exist=False)
        upgrade(engine)
        engine.dispose()
    return url


def _drop(store: Store, target: Target, name: str) -> None:
    if store.cluster is not None:
        store.cluster.drop(name)
    else:
        for end in ("", "-wal", "-shm"):
            Path(f"{target.url}{end}").unlink(missing_ok=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=200, help="on each database")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--no-write", action="store_true")
    given = parser.parse_args()
    rows = []
    for kind in [given.only] if given.only else ["sqlite", "postgresql"]:
        for name, counts in run(kind, given.kills, given.seed).items():
            rows.append([kind, name, *astuple(counts)])
    head = [
        "database",
        "operation",
        "kills",
        "acknowledged",
        "stored, not acknowledged",
        "lost",
        "half",
        "kills that hit",
    ]
    made_table = table(head, rows)
    print(made_table)
    if not given.no_write:
        write("service.md", "kills", f"{made_table}\n\nSeed {given.seed}; {machine('sqlalchemy', 'psycopg')}")
    if any(row[5] or row[6] for row in rows):
        raise SystemExit("something acknowledged is lost, or something half is visible")


if __name__ == "__main__":
    main()
