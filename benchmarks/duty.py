"""What a year of cases costs: the list of the desk, the ledgers of a day, the brief as PDF, and replaying all states.

``python -m benchmarks.duty`` writes the table in docs/duty.md, with the load of the machine. The year is simulated by
`simulate_cases`, so that each of its steps went through `advance`, and is stored as the demonstration stores its month. Times are
processor time, of the server for requests and of this process with its database for the rest, and the median of several runs.
"""

from __future__ import annotations

import argparse
import gc
import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from api.access import Grant, Role
from api.commands.demo.cases import DutyMonth, busiest_grid, store_month
from api.commands.duty_papers import Source, brief_print, facts_of, made_ledger
from api.commands.store import import_division
from api.database import open_store, session, upgrade
from api.database.accounts import add_account, add_token
from api.database.duty.cases import logs_of
from benchmarks.report import machine, table, write
from benchmarks.service_kit.clients import request
from benchmarks.service_kit.processes import cpu_of, cpu_s, serving
from benchmarks.service_kit.stores import DIVISION
from geo.duty import fold
from geo.duty.garbage_collection import collection_paused
from geo.duty.ledgers.columns import FORMS, LedgerKind
from geo.incidents import assign
from geo.layers import Division, read_division
from geo.sample import model_roster, model_street, simulate_cases, simulate_incidents, simulate_records
from tools.postgres import Cluster, cluster

SEED, START, DAYS, INCIDENTS = 19, date(2025, 1, 1), 365, 63_500
#: The day that is looked at: a Wednesday eleven months into the year, with every earlier case behind it.
DAY = date(2025, 12, 3)
NOW = datetime(2025, 12, 31, 12, tzinfo=UTC)
RUNS, REQUESTS = 5, 10
#: Seconds for a ledger of a day; those of a week or month have no bound.
OF_A_DAY = 0.3


@dataclass(frozen=True)
class Year:
    """A store with a year of cases, a token that reads it, and the grid in which most happened on the day."""

    url: str
    token: str
    division: Division
    running: Cluster | None

    @property
    def kind(self) -> str:
        """Name of the database."""
        return "SQLite" if self.running is None else "PostgreSQL"


def simulated(division: Division) -> DutyMonth:
    """The year of cases, with its meetings, decisions and rectification items."""
    rng = np.random.default_rng(SEED)
    incidents, _ = simulate_incidents(model_street(), rng=rng, start=START, days=DAYS, count=INCIDENTS)
    placed = assign(incidents.drop_duplicates("incident_id"), division)
    roster = model_roster(division, since=START)
    made = simulate_cases(placed, rng=np.random.default_rng([SEED, 1]), until=NOW, roster=roster)
    records = simulate_records(made, rng=np.random.default_rng([SEED, 2]), until=NOW)
    return DutyMonth(roster, made, records, NOW)


@contextmanager
def stored(kind: str, year: DutyMonth, division: Division) -> Iterator[Year]:
    """The year in a store on ``sqlite`` or ``postgresql``, which is removed at the end."""
    if kind == "sqlite":
        with TemporaryDirectory(prefix="wangge-bench-") as folder:
            yield _filled(str(Path(folder) / "store.sqlite"), None, year, division)
    else:
        with cluster(durable=True) as started:
            yield _filled(started.create("bench"), started, year, division)


def _filled(url: str, running: Cluster | None, year: DutyMonth, division: Division) -> Year:
    engine = open_store(url, must_exist=False)
    upgrade(engine)
    import_division(DIVISION, url, valid_from=START, now=NOW, publish_it=True, note=None)
    store_month(engine, 1, year, version=1)
    with session(engine, write=True) as opened:
        roles = (Role.ADMINISTRATOR, Role.CLERK, Role.COMMUNITY, Role.OFFICER, Role.LEADER, Role.SUPERVISOR)
        account = add_account(opened, 1, "bench", [Grant(role) for role in roles], at=NOW, by="benchmark")
        token = add_token(opened, "program", account=account, at=NOW).text
    engine.dispose()
    return Year(url, token, division, running)


def lists(year: Year) -> Iterator[list[object]]:
    """The requests of the desk, each a few times over HTTP."""
    with serving(year.url) as server, server.client() as client:
        for name, path in (
            ("desk: open cases by due time", "/api/cases?open_only=true&limit=200"),
            ("desk: cases to be filed", "/api/cases?state=reported&limit=200"),
            ("desk: open cases of one service", "/api/cases?open_only=true&service=appearance&limit=200"),
            ("page of the desk", "/desk"),
        ):
            asked = request("GET", path, token=year.token)

            def answered(asked: bytes = asked, path: str = path) -> None:
                status = client.exchange(asked)[0]
                if status != 200:
                    raise SystemExit(f"{path} answers with {status}")

            answered()
            begun, wall = sum(cpu_of(server, year.running)), time.perf_counter()
            for _ in range(REQUESTS):
                answered()
            spent = time.perf_counter() - wall
            yield _row(name, year, (sum(cpu_of(server, year.running)) - begun) / REQUESTS, spent / REQUESTS, 0.1)


def papers(year: Year) -> Iterator[list[object]]:
    """All ledgers of the whole street (F of one grid), and the briefs of a week and of a month as PDF."""
    engine = open_store(year.url)
    with session(engine) as opened:
        source = Source(opened, 1, year.division, NOW)
        grid = busiest_grid(facts_of(source, DAY, DAY + timedelta(days=1)), DAY)
        for kind in LedgerKind:
            scope, period = grid if kind is LedgerKind.F else "", FORMS[kind].period
            most = OF_A_DAY if period == "day" else None
            yield _measured(
                f"ledger {kind} of a {period}", year, lambda k=kind, s=scope: made_ledger(source, k.value, DAY, s), most
            )
        monday = DAY - timedelta(days=DAY.weekday())
        for name, start, end in (
            ("brief of a week as PDF", monday - timedelta(days=7), monday),
            ("brief of a month as PDF", date(2025, 11, 1), date(2025, 12, 1)),
        ):
            yield _measured(name, year, lambda s=start, e=end: brief_print(source, s, e), 3.0)
    engine.dispose()


def replay(year: Year, events: int) -> Iterator[list[object]]:
    """All states from their events: read from the store, folded with the chain of hashes checked, and without."""
    engine = open_store(year.url)
    # Paused as where the program folds all cases (`make_lists_again`).
    with collection_paused(), session(engine) as opened:
        logs: list[Any] = []

        def read() -> None:
            logs[:] = [log for _, log in logs_of(opened, 1)]

        yield _measured(f"reading {events:,} events", year, read, None, runs=1)
        if sum(map(len, logs)) != events:
            raise SystemExit(f"{sum(map(len, logs))} events are stored, {events} were made")
        for name, check in (("replay of all states, hashes checked", True), ("replay without hashes", False)):
            yield _measured(name, year, lambda c=check: [fold(log, check_chain=c) for log in logs], 5.0, runs=3)
    engine.dispose()


def _measured(name: str, year: Year, work: Callable[[], object], most: float | None, runs: int = RUNS) -> list[object]:
    used, walls = [], []
    if runs == RUNS:
        work()
    for _ in range(runs):
        database = cpu_s(year.running.pids()) if year.running else 0.0
        begun, wall = time.process_time(), time.perf_counter()
        work()
        walls.append(time.perf_counter() - wall)
        used.append(time.process_time() - begun + (cpu_s(year.running.pids()) if year.running else 0.0) - database)
    return _row(name, year, statistics.median(used), statistics.median(walls), most)


def _row(name: str, year: Year, cpu: float, wall: float, most: float | None) -> list[object]:
    return [name, year.kind, _time(cpu), _time(wall), "" if most is None else _time(most)]


def _time(value: float) -> str:
    return f"{value * 1000:.0f} ms" if value < 1 else f"{value:.1f} s"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=["sqlite", "postgresql"])
    parser.add_argument("--no-write", action="store_true", help="print the table only")
    given = parser.parse_args()
    division = read_division(DIVISION)
    begun = time.process_time()
    year = simulated(division)
    # A collection during a measurement would visit the simulated year, which no program has in memory.
    gc.collect()
    gc.freeze()
    cases, events = len(year.made.book.cases), sum(map(len, year.made.book.logs.values()))
    says = f"{cases:,} cases, {events:,} events (seed {SEED}), simulated in {_time(time.process_time() - begun)}"
    print(says, flush=True)
    rows: list[list[object]] = []
    loads = os.getloadavg()
    for kind in [given.only] if given.only else ["sqlite", "postgresql"]:
        with stored(kind, year, division) as kept:
            for part in (lists(kept), papers(kept), replay(kept, events)):
                for row in part:
                    print(row, flush=True)
                    rows.append(row)
    head = ["what", "store", "processor time", "time", "at most"]
    if not given.no_write:
        load = f"The load of the machine was {loads[0]:.1f} when the measuring began and {os.getloadavg()[0]:.1f} at its end."
        text = f"{says}. {load}\n\n{table(head, rows)}\n\n{machine('sqlalchemy', 'msgspec', 'typst')}"
        write("duty.md", "year", text)


if __name__ == "__main__":
    main()
