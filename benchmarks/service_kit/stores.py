"""Databases for measurements: the division of the model street, 255 devices with their holders, tokens, and a day of fixes."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from sqlalchemy import Engine

from api.access import Grant, Role
from api.commands.store import import_division
from api.database import open_store, session, upgrade
from api.database.accounts import add_account, add_token
from api.database.people import add_device
from benchmarks.report import ROOT
from benchmarks.service_kit.clients import request
from tools.postgres import Cluster, cluster

DIVISION = ROOT / "data" / "boundaries" / "division.gpkg"
DAY = date(2026, 3, 2)
NOW = datetime(2026, 3, 1, tzinfo=UTC)
DEVICES = 255


@dataclass(frozen=True)
class Store:
    """A database ready to be served."""

    url: str
    program: str
    phones: tuple[str, ...]
    cluster: Cluster | None

    @property
    def kind(self) -> str:
        """Name of the database."""
        return "SQLite" if self.cluster is None else "PostgreSQL"


@contextmanager
def made(kind: str) -> Iterator[Store]:
    """Create a database on ``sqlite`` or ``postgresql`` with the division of the model street; it is removed at the end.

    Commits wait for the disk, as in an installation.
    """
    if kind == "sqlite":
        with TemporaryDirectory(prefix="wangge-bench-") as folder:
            yield _filled(str(Path(folder) / "store.sqlite"), None)
    else:
        with cluster(durable=True) as started:
            yield _filled(started.create("bench"), started)


def _filled(url: str, running: Cluster | None) -> Store:
    engine = open_store(url, must_exist=False)
    upgrade(engine)
    import_division(DIVISION, url, valid_from=date(2026, 1, 1), now=NOW, publish_it=True, note=None)
    with session(engine, write=True) as opened:
        account = add_account(opened, 1, "bench", [Grant(Role.ADMINISTRATOR)], at=NOW, by="benchmark")
        program = add_token(opened, "program", account=account, at=NOW).text
        phones = []
        for k in range(DEVICES):
            device = add_device(opened, 1, f"D{k:03d}", at=NOW)
            phones.append(add_token(opened, "device", device=device, at=NOW).text)
    engine.dispose()
    return Store(url, program, tuple(phones), running)


def batches(store: Store, count: int, *, devices: Sequence[int], start: datetime, size: int = 500) -> Iterator[bytes]:
    """Requests with batches of fixes of some devices in turn, one fix per second each; no two batches share a key.

    Each device walks back and forth on its own street at 1 m/s.
    """
    numbers = itertools.count()
    for _ in range(count):
        fixes = []
        for n in itertools.islice(numbers, size):
            device, second = devices[n % len(devices)], n // len(devices)
            fixes.append(
                {
                    "device": f"D{device:03d}",
                    "time": (start + timedelta(seconds=second)).isoformat(),
                    "lon": round(118.80 + device * 7919 % 10_000 / 2e5, 7),
                    "lat": round(32.10 + device * 4729 % 10_000 / 2e5 + abs(second % 1200 - 600) * 9e-6, 7),
                    "accuracy_m": 4 + n % 9,
                    "speed_m_s": (n % 20) / 10,
                }
            )
        yield request("POST", "/api/fixes", body={"datum": "WGS-84", "fixes": fixes}, token=store.program)


def fill_day(engine: Engine, *, interval_s: float, day: date = DAY, seed: int = 1) -> int:
    """Store a simulated day of patrols of 255 officers, each with a device; returns the number of fixes."""
    from api.ingest.rows import Arrival, Columns
    from api.ingest.writer import Writer
    from geo.layers import read_division
    from geo.sample import model_street, simulate_tracks

    division = read_division(DIVISION)
    rng = np.random.default_rng(seed)
    tracks = simulate_tracks(model_street(), division, rng=rng, day=day, officers=DEVICES, interval_s=interval_s)
    names, number = np.unique(tracks["device"].to_numpy(dtype=str), return_inverse=True)
    if len(names) > DEVICES:
        raise SystemExit(f"{len(names)} devices were simulated, {DEVICES} are stored")
    unknown = np.full(len(tracks), np.nan)
    columns = Columns(
        device=number + 1,
        time_us=tracks["time"].dt.as_unit("us").astype("int64").to_numpy(),
        lon=tracks["lon"].to_numpy(),
        lat=tracks["lat"].to_numpy(),
        accuracy_m=tracks["accuracy_m"].to_numpy(dtype=float),
        speed_m_s=unknown,
        mock=np.full(len(tracks), -1),
        datum=0,
    )
    fixes = columns.rows(Arrival(1, 0, 0, 1 << 62))
    writer = Writer(engine)
    for first in range(0, len(fixes), 8_000):
        writer.submit(fixes[first : first + 8_000]).result()
    writer.close()
    return len(fixes)
