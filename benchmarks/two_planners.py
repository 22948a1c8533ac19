"""Two planners edit one draft over HTTP while the server is killed (``kill -9``) in between, on SQLite and PostgreSQL.

``python -m benchmarks.two_planners --edits 500 --kills 10`` writes the table in docs/redraw.md. The server runs with two workers.
Each planner only knows the base and their own edits, so that every edit has to be rebased or is a conflict.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from api.access import Grant, Role
from api.database import open_store, read_version, session
from api.database.accounts import add_account, add_token
from api.database.drafts.log import new_draft
from benchmarks.report import machine, table, write
from benchmarks.service_kit.planners import Planner, faults_of, kill_all, same_everywhere, work
from benchmarks.service_kit.processes import start, wait_for
from benchmarks.service_kit.stores import NOW, made

HEAD = [
    "database",
    "kills",
    "acknowledged",
    "rebased",
    "conflicts",
    "refused",
    "stored, not acknowledged",
    "p50",
    "p95",
    "lost",
    "half",
]


def prepare(url: str, seed: int) -> tuple[int, list[Planner]]:
    """A draft on the first version of a store, and two planners."""
    engine = open_store(url)
    with session(engine, write=True) as opened:
        base = read_version(opened, 1)
        draft = new_draft(
            opened, street=1, key="two", name="two planners", version_id=1, created_at=NOW, created_by="bench"
        ).id
        planners = []
        for k, name in enumerate(("wang", "li")):
            account = add_account(opened, 1, name, [Grant(Role.PLANNER)], at=NOW, by="benchmark")
            key = add_token(opened, "program", account=account, at=NOW).text
            planners.append(Planner(name, key, base, draft, seed + k))
    engine.dispose()
    return draft, planners


def run(url: str, *, edits: int, kills: int, seed: int) -> list[object]:
    """Let both planners work until they have made this many edits together, with this many kills of the server; returns a row
    of the table.
    """
    draft, planners = prepare(url, seed)
    rng = np.random.default_rng(seed)
    lost = half = unacknowledged = done = 0
    while True:
        server = start(url, workers=2)
        wait_for(server, "/ready")
        try:
            threads = work(server.port, planners, edits // 2)
            goal = edits * (done + 1) // (kills + 1)
            while done < kills and _count(planners) < goal and any(thread.is_alive() for thread in threads):
                time.sleep(0.002)
            time.sleep(float(rng.uniform(0, 0.05)) if done < kills else 0)
            if done == kills:
                for thread in threads:
                    thread.join()
                half += same_everywhere(url, draft, server.port, planners)
        finally:
            kill_all(server)
        for thread in threads:
            thread.join()
        found = faults_of(url, draft, planners)
        lost, half, unacknowledged = lost + found.lost, half + found.half, unacknowledged + found.unacknowledged
        if errors := [error for planner in planners for error in planner.outcome.errors]:
            raise SystemExit("\n".join(errors))
        if done == kills:
            break
        done += 1
    outcomes = [planner.outcome for planner in planners]
    waits_ms = np.concatenate([outcome.waits_s for outcome in outcomes]) * 1000
    sums = [sum(getattr(o, name) for o in outcomes) for name in ("rebased", "conflicts", "refused")]
    times = [f"{np.percentile(waits_ms, q):.0f} ms" for q in (50, 95)]
    return [done, _count(planners), *sums, unacknowledged, *times, lost, half]


def _count(planners: list[Planner]) -> int:
    return sum(len(planner.outcome.acknowledged) for planner in planners)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=500, help="of both planners together, acknowledged")
    parser.add_argument("--kills", type=int, default=10, help="on each database")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--no-write", action="store_true")
    given = parser.parse_args()
    about, rows = machine("sqlalchemy", "psycopg"), []
    for kind in [given.only] if given.only else ["sqlite", "postgresql"]:
        with made(kind) as store:
            rows.append([kind, *run(store.url, edits=given.edits, kills=given.kills, seed=given.seed)])
        print(rows[-1], flush=True)
    told = table(HEAD, rows)
    if not given.no_write:
        write("redraw.md", "two-planners", f"{told}\n\nSeed {given.seed}; {about}")
    if any(row[-1] or row[-2] for row in rows):
        raise SystemExit("an acknowledged edit is lost, or something half is there")


if __name__ == "__main__":
    main()
