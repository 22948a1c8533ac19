"""``kill -9`` at random moments of ingest, import, publishing, draft edits and migration, on SQLite and PostgreSQL.

``python -m benchmarks.kills --kills 200`` writes the table in docs/service.md. A child process is forked for each kill, so that
no time goes into imports; it is killed between its start and a moment drawn from the seed, and the store is looked at.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import astuple
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

#: Share of each operation, and the longest time that it is left alive, in seconds.
OPERATIONS = {
    "ingest": (0.3, 1.0),
    "import": (0.2, 1.2),
    "publish": (0.2, 1.2),
    "edit": (0.15, 0.5),
    "migrate": (0.15, 5.0),
}


def kill(
    work: Callable[[Callable[[str], None]], None],
    alive_s: float,
    ready: Callable[[], None] | None = None,
    beside: Callable[[], None] | None = None,
) -> list[str]:
    """Fork a child that works, kill it after a time, and give what it told.

    The time runs from the moment when the child is ready and `ready` has returned. `beside` runs in this process from then on,
    until it ends by itself.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reading)
        try:
            # A line is written at once or not at all: it is shorter than the pipe's buffer.
            work(lambda text: os.write(writing, f"{text}\n".encode()) and None)
        finally:
            # Nothing of the parent's may run in the child: no cleaning up, no writing of its buffers.
            if sys.exc_info()[0] is not None:
                traceback.print_exc(file=sys.stderr)
            os._exit(0)
    os.close(writing)
    told = b""
    while b"up\n" not in told:
        block = os.read(reading, 4096)
        if not block:
            raise SystemExit("the child ended before it was ready")
        told += block
    if ready:
        ready()
    other = threading.Thread(target=beside) if beside else None
    if other:
        other.start()
    time.sleep(alive_s)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    if other:
        other.join()
    while block := os.read(reading, 1 << 16):
        told += block
    os.close(reading)
    return [line for line in told.decode().split("\n")[:-1] if line != "up"]


def run(kind: str, kills: int, seed: int) -> dict[str, Counts]:
    """Kill every operation its share of times; counts by operation."""
    rng = np.random.default_rng(seed)
    counts = {name: Counts() for name in OPERATIONS}
    with made(kind) as store, TemporaryDirectory() as folder:
        base = Target(store.url, store.program, base=1)
        drafts = Target(_fresh(store, folder, "drafts"))
        killed.prepare_draft(drafts)
        for name, (share, longest_s) in OPERATIONS.items():
            for number in range(max(1, round(kills * share))):
                one, alive_s = counts[name], float(rng.uniform(0, longest_s))
                before = one.acknowledged + one.unacknowledged_stored
                if name == "ingest":
                    _kill_ingest(base, number, alive_s, one)
                elif name == "edit":
                    killed.check_draft(drafts, kill(partial(killed.edit_draft, drafts), alive_s), one)
                elif name == "migrate":
                    new = Target(_fresh(store, folder, f"m{number}", empty=True))
                    killed.check_migration(new, kill(partial(killed.migrate, new), alive_s), one)
                    _drop(store, new, f"m{number}")
                else:
                    work = killed.import_versions if name == "import" else killed.publish_versions
                    told = kill(partial(work, base), alive_s)
                    killed.check_versions(base, told, one, published=name == "publish")
                one.kills += 1
                one.hit += one.acknowledged + one.unacknowledged_stored > before
            print(kind, name, counts[name], flush=True)
    return counts


def _kill_ingest(base: Target, number: int, alive_s: float, counts: Counts) -> None:
    port, acknowledged = free_port(), dict[str, bool]()

    def ready() -> None:
        for _ in range(3000):
            with contextlib.suppress(OSError), Client(port, timeout_s=60) as client:
                if client.get(f"/osmand?token={base.token}&id=D200&lat=32.1&lon=118.8&timestamp=1772323200")[0] == 200:
                    return
            time.sleep(0.01)
        raise SystemExit("the server takes no fixes")

    sending = partial(killed.send_until_dead, base, port, number, acknowledged)
    kill(lambda tell: killed.serve_fixes(base, tell, port), alive_s, ready, sending)
    killed.check_fixes(base, number, acknowledged, counts)


def _fresh(store: Store, folder: str, name: str, *, empty: bool = False) -> str:
    """Address of a new store."""
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
