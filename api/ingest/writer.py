"""The writer: one thread that stores all waiting batches in one commit, and answers after it."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy import Engine

from api.ingest.rows import Rows
from geo.errors import ImpossibleError

log = logging.getLogger(__name__)

#: Maximum number of fixes of one commit: 16 batches of 500.
MOST_IN_GROUP = 8_000
#: Maximum number of waiting fixes; further batches are refused, and the sender retries later.
MOST_WAITING = 400_000


class BusyError(ImpossibleError):
    """Fixes cannot be stored now; the sender keeps them and sends them again."""


@dataclass(frozen=True)
class Outcome:
    """Numbers of fixes of a batch that are new, already stored, and stored with another position."""

    stored: int
    repeated: int
    conflicting: int


@dataclass(frozen=True)
class _Waiting:
    """A batch with the future of its outcome, and the loop of that future if it is one of asyncio."""

    rows: Rows
    future: Future[Outcome] | asyncio.Future[Outcome]
    loop: asyncio.AbstractEventLoop | None = None


class FixTable(Protocol):
    """Interface of the tables of fixes."""

    def write(self, batches: Sequence[Rows]) -> list[Outcome]:
        """Store batches in one commit."""

    def close(self) -> None:
        """Close the connection."""


class Writer:
    """Stores batches of fixes; thread-safe.

    Parameters
    ----------
    engine
        The database. SQLite is written through a connection of Python's own library, PostgreSQL by binary COPY.
    """

    def __init__(self, engine: Engine) -> None:
        self._table = _table_of(engine)
        self._queue: queue.SimpleQueue[_Waiting | None] = queue.SimpleQueue()
        self._count = 0
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="fix writer", daemon=True)
        self._thread.start()

    def submit(self, batch: Rows) -> Future[Outcome]:
        """Submit a batch from a thread; the future gets its outcome after the commit.

        Raises
        ------
        BusyError
            If too many fixes wait, or the writer was closed.
        """
        future: Future[Outcome] = Future()
        # From here on it cannot be cancelled: fixes of a client that disconnects are stored.
        future.set_running_or_notify_cancel()
        self._put(_Waiting(batch, future))
        return future

    def store(self, batch: Rows) -> asyncio.Future[Outcome]:
        """Submit a batch from a coroutine; see :meth:`submit`. The outcomes of a group wake the loop only once."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Outcome] = loop.create_future()
        self._put(_Waiting(batch, future, loop))
        return future

    def _put(self, entry: _Waiting) -> None:
        with self._lock:
            if self._closed or self._count + len(entry.rows) > MOST_WAITING:
                raise BusyError("the store is busy or stopping; send the fixes again in a few seconds")
            self._count += len(entry.rows)
            self._queue.put(entry)

    def close(self) -> None:
        """Store the waiting batches, then stop."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._queue.put(None)
        self._thread.join()
        self._table.close()

    def _run(self) -> None:
        open_ = True
        while open_:
            group, open_ = self._next_group()
            if not group:
                continue
            outcomes: Sequence[Outcome | BusyError]
            try:
                outcomes = self._table.write([entry.rows for entry in group])
            # The thread must survive every database error.
            except Exception as error:
                log.exception("fixes could not be stored")
                reason = f"the fixes were not stored ({_reason(error)}); send them again"
                outcomes = [BusyError(reason) for _ in group]
            with self._lock:
                self._count -= sum(len(entry.rows) for entry in group)
            _set_outcomes(group, outcomes)

    def _next_group(self) -> tuple[list[_Waiting], bool]:
        """Wait for a batch, and take all that wait; False at the end."""
        entry = self._queue.get()
        group: list[_Waiting] = []
        size = 0
        while entry is not None:
            group.append(entry)
            size += len(entry.rows)
            if size >= MOST_IN_GROUP:
                return group, True
            try:
                entry = self._queue.get_nowait()
            except queue.Empty:
                return group, True
        return group, False


def _table_of(engine: Engine) -> FixTable:
    """Table of fixes of a database. Each driver is imported only if used."""
    if engine.dialect.name == "sqlite":
        from api.ingest.sqlite import SqliteTable

        return SqliteTable(engine)
    from api.ingest.postgresql import PostgresqlTable

    return PostgresqlTable(engine)


def _set_outcomes(group: Sequence[_Waiting], outcomes: Sequence[Outcome | BusyError]) -> None:
    """Set the outcome of each batch."""
    by_loop: dict[asyncio.AbstractEventLoop, list[tuple[Any, Outcome | BusyError]]] = {}
    for entry, outcome in zip(group, outcomes, strict=True):
        if entry.loop is None:
            _settle([(entry.future, outcome)])
        else:
            by_loop.setdefault(entry.loop, []).append((entry.future, outcome))
    for loop, answers in by_loop.items():
        # Nobody waits in a closed loop.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(_settle, answers)


def _settle(answers: Sequence[tuple[Any, Outcome | BusyError]]) -> None:
    for future, outcome in answers:
        if future.done():
            continue
        if isinstance(outcome, Outcome):
            future.set_result(outcome)
        else:
            future.set_exception(outcome)


def _reason(error: Exception) -> str:
    """Description of an error, without addresses or statements."""
    text = str(error).lower()
    if "full" in text or "no space" in text:
        return "the disk is full"
    if "locked" in text or "timeout" in text:
        return "the database is locked"
    return "the database does not answer"
