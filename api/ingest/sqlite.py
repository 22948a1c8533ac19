"""Stores fixes in SQLite: insert or ignore by key, in one durable commit."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np
from sqlalchemy import Engine

from api.database.connections import BUSY_TIMEOUT_MS
from api.ingest.rows import ROW, Numbers, Rows, by_key, joined, pending_days

if TYPE_CHECKING:
    from api.ingest.writer import Outcome

_NAMES = ROW.names or ()
#: Rows per statement. Python's library releases the GIL at every statement, and each release costs more than a row.
ROWS_AT_ONCE = 100


@cache
def _insert(rows: int, varying: tuple[str, ...] = _NAMES) -> str:
    """Statement that inserts some rows: first the values of the columns that are the same in all rows, then those of each row."""
    shared = [name for name in _NAMES if name not in varying]

    def value(name: str, row: int) -> str:
        place = shared.index(name) if name in shared else len(shared) + row * len(varying) + varying.index(name)
        # Unknown values are -1 and NaN; SQLite stores NaN as NULL by itself.
        return f"nullif(?{place + 1}, -1)" if name == "mock" else f"?{place + 1}"

    values = (f"({', '.join(value(name, row) for name in _NAMES)})" for row in range(rows))
    return f"INSERT OR IGNORE INTO fix ({', '.join(_NAMES)}) VALUES {', '.join(values)}"


_PENDING = (
    "INSERT INTO pending_day (street, device, day, mark) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (street, device, day) DO UPDATE SET mark = excluded.mark"
)
#: Write-ahead pages before a checkpoint, and size of the page cache: fixes of many devices touch a page each.
_CHECKPOINT_PAGES, _CACHE_KB = 8_000, 65_536
#: Groups that are counted batch by batch after one that held a known key: who sends fixes again sends more of them.
CAREFUL_GROUPS = 20
_PLACE = "SELECT lon_e7, lat_e7 FROM fix WHERE street = ? AND device = ? AND time_us = ?"


class SqliteTable:
    """The table of fixes in a SQLite file; used by the writer's thread only."""

    def __init__(self, engine: Engine) -> None:
        self._path = str(engine.url.database)
        self._connection: sqlite3.Connection | None = None
        self._careful = 0

    def write(self, batches: Sequence[Rows]) -> list[Outcome]:
        """Store batches in one commit.

        Raises
        ------
        sqlite3.Error
            If nothing was stored.
        """
        connection = self._opened()
        group = by_key(joined(batches))
        if self._careful == 0 and self._store_new(connection, group):
            return [_new(batch) for batch in batches]
        self._careful = max(0, self._careful - 1)
        with _commit(connection):
            outcomes = [self._store(connection, batch) for batch in batches]
            new = [batch for batch, out in zip(batches, outcomes, strict=True) if out.stored]
            if new:
                _note_days(connection, joined(new))
        return outcomes

    def _store_new(self, connection: sqlite3.Connection, rows: Rows) -> bool:
        """Store the rows of a whole group, in one commit; False if one of their keys is known, and then nothing is stored.

        In the order of the key each page of the table is found and changed once for all batches, not once for each row.
        """
        with _commit(connection) as opened:
            if _inserted(connection, rows) < len(rows):
                self._careful = CAREFUL_GROUPS
                opened.execute("ROLLBACK")
                return False
            _note_days(connection, rows)
        return True

    def _store(self, connection: sqlite3.Connection, batch: Rows) -> Outcome:
        """Store a batch in which some keys may be known."""
        from api.ingest.writer import Outcome

        rows = by_key(batch)
        stored = _inserted(connection, rows)
        conflicting = self._conflicting(connection, rows.tolist()) if stored < len(rows) else 0
        return Outcome(stored, len(rows) - stored - conflicting, conflicting)

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


@contextmanager
def _commit(connection: sqlite3.Connection) -> Iterator[sqlite3.Connection]:
    """One transaction; nothing of it is stored after an error, or if it was rolled back inside."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield connection
        if connection.in_transaction:
            connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _inserted(connection: sqlite3.Connection, rows: Rows) -> int:
    """Insert the rows with keys that are not known; their number."""
    before = connection.total_changes
    whole = len(rows) - len(rows) % ROWS_AT_ONCE
    if whole:
        varying = _varying(rows)
        shared = [value for name, value in zip(_NAMES, rows[0].item(), strict=True) if name not in varying]
        statement, values = _insert(ROWS_AT_ONCE, varying), rows[:whole][list(varying)].tolist()
        for k in range(0, whole, ROWS_AT_ONCE):
            connection.execute(statement, [*shared, *chain.from_iterable(values[k : k + ROWS_AT_ONCE])])
    connection.executemany(_insert(1), rows[whole:].tolist())
    return connection.total_changes - before


def _varying(rows: Rows) -> tuple[str, ...]:
    """Columns that are not the same in all rows. The others are handed over once, a quarter of the cost of a batch."""
    return tuple(name for name in _NAMES if name == "time_us" or not _is_constant(rows[name]))


def _is_constant(values: Numbers) -> bool:
    same = values == values[0] if values[0] == values[0] else np.isnan(values)
    return bool(same.all())


def _note_days(connection: sqlite3.Connection, rows: Rows) -> None:
    """Note that the days of some rows have news."""
    mark = time.monotonic_ns()
    connection.executemany(_PENDING, [(*day, mark) for day in pending_days(rows)])


def _new(batch: Rows) -> Outcome:
    """Outcome of a batch of which every fix is new."""
    from api.ingest.writer import Outcome

    return Outcome(len(batch), 0, 0)
