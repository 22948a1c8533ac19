"""Fixes into SQLite: insert or ignore by key, in one durable commit."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from api.database.connections import BUSY_TIMEOUT_MS
from api.ingest.fix import Fix

if TYPE_CHECKING:
    from api.ingest.writer import Outcome

_INSERT = f"INSERT OR IGNORE INTO fix ({', '.join(Fix._fields)}) VALUES ({', '.join('?' * len(Fix._fields))})"
_PENDING = (
    "INSERT INTO pending_day (street, device, day, mark) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (street, device, day) DO UPDATE SET mark = excluded.mark"
)
_PLACE = "SELECT lon_e7, lat_e7 FROM fix WHERE street = ? AND device = ? AND time_us = ?"


class SqliteTable:
    """The table of fixes in a SQLite file; used by the writer's thread only."""

    def __init__(self, engine: Engine) -> None:
        self._path = str(engine.url.database)
        self._connection: sqlite3.Connection | None = None

    def write(self, batches: Sequence[Sequence[Fix]]) -> list[Outcome]:
        """Store batches in one commit.

        Raises
        ------
        sqlite3.Error
            If nothing was stored.
        """
        from api.ingest.writer import Outcome, pending_days

        connection = self._opened()
        connection.execute("BEGIN IMMEDIATE")
        try:
            outcomes = []
            for batch in batches:
                before = connection.total_changes
                connection.executemany(_INSERT, batch)
                stored = connection.total_changes - before
                conflicting = self._conflicting(connection, batch) if stored < len(batch) else 0
                outcomes.append(Outcome(stored, len(batch) - stored - conflicting, conflicting))
            new = [fix for batch, out in zip(batches, outcomes, strict=True) if out.stored for fix in batch]
            connection.executemany(_PENDING, pending_days(new, time.monotonic_ns()))
            connection.execute("COMMIT")
        except BaseException:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
            raise
        return outcomes

    def close(self) -> None:
        """Close the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @staticmethod
    def _conflicting(connection: sqlite3.Connection, batch: Sequence[Fix]) -> int:
        """Fixes of a batch that are stored with another place: those differ from the first with their key."""
        return sum(connection.execute(_PLACE, fix[:3]).fetchone() != (fix.lon_e7, fix.lat_e7) for fix in batch)

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            # Made by the main thread, used by the writer's, closed by the main one after the writer's has ended.
            self._connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            for pragma in (
                f"busy_timeout={BUSY_TIMEOUT_MS}",
                "foreign_keys=ON",
                "journal_mode=WAL",
                "synchronous=FULL",
            ):
                self._connection.execute(f"PRAGMA {pragma}")
        return self._connection
