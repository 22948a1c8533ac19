"""Stores fixes in SQLite: insert or ignore by key, in one durable commit."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Engine

from api.database.connections import BUSY_TIMEOUT_MS
from api.ingest.rows import ROW, Rows, pending_days

if TYPE_CHECKING:
    from api.ingest.writer import Outcome

_NAMES = ROW.names or ()
#: Rows per statement. Python's library releases the GIL at every statement, and each release costs more than a row.
ROWS_AT_ONCE = 50
# Unknown values are -1 and NaN; SQLite stores NaN as NULL by itself.
_VALUES = f"({', '.join('nullif(?, -1)' if name == 'mock' else '?' for name in _NAMES)})"


def _insert(rows: int) -> str:
    return f"INSERT OR IGNORE INTO fix ({', '.join(_NAMES)}) VALUES {', '.join([_VALUES] * rows)}"


_INSERT, _INSERT_MANY = _insert(1), _insert(ROWS_AT_ONCE)
_PENDING = (
    "INSERT INTO pending_day (street, device, day, mark) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (street, device, day) DO UPDATE SET mark = excluded.mark"
)
#: Write-ahead pages before a checkpoint, and size of the page cache: fixes of many devices touch a page each.
_CHECKPOINT_PAGES, _CACHE_KB = 8_000, 65_536
_PLACE = "SELECT lon_e7, lat_e7 FROM fix WHERE street = ? AND device = ? AND time_us = ?"


class SqliteTable:
    """The table of fixes in a SQLite file; used by the writer's thread only."""

    def __init__(self, engine: Engine) -> None:
        self._path = str(engine.url.database)
        self._connection: sqlite3.Connection | None = None

    def write(self, batches: Sequence[Rows]) -> list[Outcome]:
        """Store batches in one commit.

        Raises
        ------
        sqlite3.Error
            If nothing was stored.
        """
        from api.ingest.writer import Outcome

        connection = self._opened()
        connection.execute("BEGIN IMMEDIATE")
        try:
            outcomes = []
            for batch in batches:
                rows = batch.tolist()
                before = connection.total_changes
                whole = len(rows) - len(rows) % ROWS_AT_ONCE
                for k in range(0, whole, ROWS_AT_ONCE):
                    connection.execute(_INSERT_MANY, list(chain.from_iterable(rows[k : k + ROWS_AT_ONCE])))
                connection.executemany(_INSERT, rows[whole:])
                stored = connection.total_changes - before
                conflicting = self._conflicting(connection, rows) if stored < len(batch) else 0
                outcomes.append(Outcome(stored, len(batch) - stored - conflicting, conflicting))
            new = [batch for batch, out in zip(batches, outcomes, strict=True) if out.stored]
            if new:
                mark = time.monotonic_ns()
                connection.executemany(_PENDING, [(*day, mark) for day in pending_days(np.concatenate(new))])
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
    def _conflicting(connection: sqlite3.Connection, rows: Sequence[tuple[Any, ...]]) -> int:
        """Fixes of a batch stored with another place: those that differ from the first one with their key."""
        return sum(connection.execute(_PLACE, row[:3]).fetchone() != row[3:5] for row in rows)

    def _opened(self) -> sqlite3.Connection:
        if self._connection is None:
            # Created by the main thread, used by the writer's, closed by the main one after the writer's has ended.
            self._connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            for pragma in (
                f"busy_timeout={BUSY_TIMEOUT_MS}",
                "foreign_keys=ON",
                "journal_mode=WAL",
                "synchronous=FULL",
                f"wal_autocheckpoint={_CHECKPOINT_PAGES}",
                f"cache_size=-{_CACHE_KB}",
            ):
                self._connection.execute(f"PRAGMA {pragma}")
        return self._connection
