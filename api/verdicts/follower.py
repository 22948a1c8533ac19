"""Updates verdicts within seconds after new fixes.

Runs as a separate process (``python -m api.verdicts.follower``, started by the server), so that it does not delay answers.
Several servers may start it; a lease in the database lets one process work at a time.
"""

from __future__ import annotations

import logging
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import pandas as pd
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from api.background_jobs.child import stop_of_child
from api.database import current_version, open_store, session
from api.database.events import add_event
from api.database.verdicts import add_verdict, done, latest_verdicts, pending, take_lease
from api.errors import NotStoredError
from api.ingest.fix import DAY_US, EPOCH, microseconds
from api.json_values import plain_rows
from api.settings import Settings
from api.verdicts.day import Basis, basis_of, rules_of
from api.verdicts.reading import as_tracks, read_rows, span_of
from api.verdicts.stay_records import newest_ends, stay_records
from geo.locate import GridIndex
from geo.patrols import Rules, clean, presences, verify, visits

log = logging.getLogger(__name__)

#: Polling interval, duration of a lease that is not renewed, and interval between renewals, seconds.
EVERY_S = 0.1
LEASE_S, RENEW_EVERY_S = 10.0, 2.5
#: Maximum number of local days whose presences are kept in memory.
MOST_DAYS = 3
#: Columns that make a verdict a new revision; times that grow with every fix do not.
COMPARED = ("verdict", "visits", "required", "uncounted")


@dataclass
class _Day:
    """State of a local day: its basis with an index of its cells, the presences of all devices in one table, with the number
    of the device, and the open stays last sent to pages.
    """

    basis: Basis
    index: GridIndex
    presences: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["number", "device", "cell", "end"]))
    sent: dict[tuple[str, str, Any], tuple[bool, int]] = field(default_factory=dict)


class Follower:
    """Recomputes verdicts; used by one thread.

    Parameters
    ----------
    clock
        Returns the current time, timezone-aware.
    """

    def __init__(self, engine: Engine, street: int, *, code: str | None = None, clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._street = street
        self._code = code
        self._clock = clock
        self._days: dict[date, _Day] = {}
        self._rules: Rules | None = None

    def step(self) -> int:
        """Recompute verdicts that new fixes may change; returns the number of changed verdicts.

        Of the UTC days with new fixes, a step takes the last and the first: pages wait for today's, and fixes of many past days
        that come at once would hold it up. The others follow in the next steps.
        """
        with session(self._engine) as opened:
            entries = pending(opened, self._street)
        if not entries:
            return 0
        numbers = {number for _, number, _ in entries}
        entries = [entry for entry in entries if entry[1] in (max(numbers), min(numbers))]
        self._rules = rules_of(self._engine, self._street)
        zone = ZoneInfo(self._rules.zone)
        touched: dict[date, set[int]] = {}
        for device, number, _ in entries:
            first = EPOCH + timedelta(microseconds=number * DAY_US)
            for moment in (first, first + timedelta(days=1) - timedelta(microseconds=1)):
                touched.setdefault(moment.astimezone(zone).date(), set()).add(device)
        changed = 0
        for day, devices in sorted(touched.items(), reverse=True):
            try:
                changed += self._follow(day, devices)
            except NotStoredError:
                # No division is in force on that day.
                continue
        with session(self._engine, write=True) as opened:
            done(opened, self._street, entries)
        return changed

    def _follow(self, day: date, devices: set[int]) -> int:
        known = self._day(day)
        before = self._cells_of(known, devices)
        rows = read_rows(self._engine, self._street, span_of(day, known.basis.rules.zone), sorted(devices))
        if not len(rows) and not before:
            return 0
        self._find(known, rows, devices)
        cells = known.basis.cells
        codes = sorted((before | self._cells_of(known, devices)) & set(cells["code"]))
        if not codes:
            return 0
        part = cells[cells["code"].isin(codes)].reset_index(drop=True)
        found = self._presences_in(known, set(codes))
        rules = known.basis.rules
        made = visits(found, rules=rules, cells=part)
        verdicts = verify(made, part, presences=found, rules=rules, day=day)
        return self._write(day, known, verdicts, made)

    def _day(self, day: date) -> _Day:
        """State of a day; all its fixes are read at first use."""
        assert self._rules is not None
        with session(self._engine) as opened:
            version = current_version(opened, day=day, street_code=self._code)
        known = self._days.get(day)
        if known is None or known.basis.version != version.id or known.basis.rules != self._rules:
            basis = basis_of(self._engine, self._street, day, street_code=self._code, rules=self._rules)
            known = _Day(basis, GridIndex(basis.cells))
            rows = read_rows(self._engine, self._street, span_of(day, self._rules.zone))
            self._find(known, rows, set(np.unique(rows["device"]).tolist()))
            self._days[day] = known
            while len(self._days) > MOST_DAYS:
                self._days.pop(min(self._days))
        return known

    def _find(self, known: _Day, rows: Any, devices: set[int]) -> None:
        """Compute presences of devices from their fixes."""
        table = known.presences
        parts = [table[~table["number"].isin(devices)]]
        if len(rows):
            tracks = clean(as_tracks(self._engine, self._street, rows), rules=known.basis.rules)
            found = presences(tracks, known.index, rules=known.basis.rules)
            keys, first = np.unique(rows["device"], return_index=True)
            numbers = dict(zip(tracks["device"].iloc[first], keys.tolist(), strict=True))
            parts.append(found.assign(number=found["device"].map(numbers)))
        # Columns of an empty table have no types that could be joined.
        filled = [part for part in parts if len(part)]
        known.presences = pd.concat(filled, ignore_index=True) if filled else parts[-1]

    @staticmethod
    def _cells_of(known: _Day, devices: set[int]) -> set[str]:
        table = known.presences
        return set(map(str, table["cell"][table["number"].isin(devices)].unique()))

    @staticmethod
    def _presences_in(known: _Day, codes: set[str]) -> pd.DataFrame:
        table = known.presences[known.presences["cell"].isin(codes)].drop(columns="number")
        return table.sort_values(["device", "officer", "start", "kind", "cell"], kind="stable", ignore_index=True)

    def _write(self, day: date, known: _Day, verdicts: pd.DataFrame, made: pd.DataFrame) -> int:
        at = self._clock()
        past = day < at.astimezone(ZoneInfo(known.basis.rules.zone)).date()
        name = known.basis.rules.on(day).name
        changed = 0
        stays: dict[str, list[dict[str, Any]]] | None = None
        with session(self._engine, write=True) as opened:
            latest = latest_verdicts(opened, self._street, day, name, known.basis.version)
            for row in plain_rows(verdicts):
                before = latest.get(row["code"])
                if before is not None and all(before.values.get(key) == row[key] for key in COMPARED):
                    continue
                if before is None and row["verdict"] == "not_visited" and row["uncounted"] == 0:
                    continue
                restated = past and before is not None
                key = {
                    "street": self._street,
                    "day": day,
                    "code": row["code"],
                    "rules": name,
                    "version_id": known.basis.version,
                }
                if stays is None:
                    stays = stay_records(made, newest_ends(known.presences))
                add_verdict(
                    opened, before, at=at, restated=restated, key=key, row=row, stays=stays.get(row["code"], ())
                )
                event = {name_: row[name_] for name_ in ("visits", "required", "reason_zh", "reason_en")}
                event |= {"day": day.isoformat(), "state": row["verdict"], "restated": restated}
                event["was"] = None if before is None else before.state
                add_event(opened, self._street, "verdict", row["code"], event, at=at)
                changed += 1
            for code, event in self._stays(known, made):
                add_event(opened, self._street, "visit", code, {"day": day.isoformat(), **event}, at=at)
        return changed

    def _stays(self, known: _Day, made: pd.DataFrame) -> list[tuple[str, dict[str, Any]]]:
        """Events about open stays: whether one counts, and the seconds still missing. No device is named."""
        news = []
        least = known.basis.rules.min_stay_s
        for row in made[["code", "device", "start", "counted", "hours_s", "reason"]].to_dict("records"):
            state = (bool(row["counted"]), 0 if row["counted"] else max(0, round(least - row["hours_s"])))
            key = (str(row["code"]), str(row["device"]), row["start"])
            if known.sent.get(key) != state:
                known.sent[key] = state
                news.append((key[0], {"counts": state[0], "needs_s": state[1], "reason": str(row["reason"])}))
        return news


class Lease:
    """The lease on the verdicts of a street, renewed by a thread of its own, so that a long step does not lose it."""

    def __init__(self, engine: Engine, street: int, holder: str) -> None:
        self._engine, self._name, self._holder = engine, f"verdicts of street {street}", holder
        self._until = 0.0
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="renew lease", daemon=True)
        self._thread.start()

    @property
    def held(self) -> bool:
        """Whether this process has the lease now."""
        return time.monotonic() < self._until

    def close(self) -> None:
        """Stop renewing; another process can take the lease when it ends."""
        self._stop.set()
        self._thread.join()

    def renew(self) -> None:
        """Take or renew the lease."""
        asked, now_us = time.monotonic(), microseconds(datetime.now(UTC))
        with session(self._engine, write=True) as opened:
            until_us = now_us + int(LEASE_S * 1e6)
            mine = take_lease(opened, self._name, self._holder, now_us=now_us, until_us=until_us)
        self._until = asked + LEASE_S if mine else 0.0

    def _keep(self) -> None:
        while True:
            try:
                self.renew()
            except SQLAlchemyError:
                # Valid until its end; the steps fail for the same reason and log it.
                log.warning("the lease could not be renewed; trying again")
            if self._stop.wait(RENEW_EVERY_S):
                return


def run(settings: Settings, stop: threading.Event) -> None:
    """Update verdicts until stopped; after database errors, wait and retry."""
    from api.database import street_of

    engine = open_store(settings.database)
    with session(engine, write=True) as opened:
        street = street_of(opened, settings.street or None)
    follower = Follower(engine, street, code=settings.street or None, clock=lambda: datetime.now(UTC))
    lease = Lease(engine, street, f"{socket.gethostname()}:{os.getpid()}")
    while not stop.wait(EVERY_S):
        try:
            if lease.held:
                follower.step()
        except SQLAlchemyError:
            log.exception("the database failed; trying again")
            stop.wait(LEASE_S / 2)
    lease.close()
    engine.dispose()


def main() -> None:
    """Run with the settings of the environment until a signal."""
    run(Settings.from_environment(os.environ), stop_of_child())


if __name__ == "__main__":
    main()
