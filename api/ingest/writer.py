"""The writer: one thread that stores whatever waits in one commit, and answers after it."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Engine

from api.ingest.postgresql import PostgresqlTable
from api.ingest.rows import Rows
from api.ingest.sqlite import SqliteTable
from geo.errors import ImpossibleError

log = logging.getLogger(__name__)

#: Fixes that share one commit at most; at 500 a batch these are 16 batches.
MOST_IN_GROUP = 8_000
#: Fixes that may wait; more are turned away, and the sender tries again later.
MOST_WAITING = 400_000


class BusyError(ImpossibleError):
    """The store does not take fixes now; the sender keeps them and sends them again."""


@dataclass(frozen=True)
class Outcome:
    """How many fixes of a batch are new, known, and known at another place."""

    stored: int
    repeated: int
    conflicting: int


class FixTable(Protocol):
    """Where fixes are stored."""

    def write(self, batches: Sequence[Rows]) -> list[Outcome]:
        """Store batches in one commit."""

    def close(self) -> None:
        """Give the connection back."""


class Writer:
    """Stores batches of fixes; safe to use from any thread.

    Parameters
    ----------
    engine
        The store. SQLite is written through a connection of Python's own library, PostgreSQL by binary COPY.
    """

    def __init__(self, engine: Engine) -> None:
        self._table: FixTable = SqliteTable(engine) if engine.dialect.name == "sqlite" else PostgresqlTable(engine)
        self._waiting: queue.SimpleQueue[tuple[Rows, Future[Outcome]] | None] = queue.SimpleQueue()
        self._count = 0
        self._lock = threading.Lock()
        self._closed = False
        self._thread = threading.Thread(target=self._run, name="fix writer", daemon=True)
        self._thread.start()

    def submit(self, batch: Rows) -> Future[Outcome]:
        """Hand a batch over; the future has its outcome after the commit.

        Raises
        ------
        BusyError
            If too many fixes wait, or the writer was closed.
        """
        with self._lock:
            if self._closed or self._count + len(batch) > MOST_WAITING:
                raise BusyError("the store is busy or stopping; send the fixes again in a few seconds")
            self._count += len(batch)
            future: Future[Outcome] = Future()
            # From here on it cannot be cancelled: a client that leaves does not take its fixes back.
            future.set_running_or_notify_cancel()
            self._waiting.put((batch, future))
        return future

    def close(self) -> None:
        """Store what waits, then stop."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._waiting.put(None)
        self._thread.join()
        self._table.close()

    def _run(self) -> None:
        open_ = True
        while open_:
            group, open_ = self._next_group()
            if not group:
                continue
            try:
                outcomes = self._table.write([batch for batch, _ in group])
            # The thread must survive any fault of the database.
            except Exception as error:
                log.exception("fixes could not be stored")
                for _, future in group:
                    future.set_exception(BusyError(f"the fixes were not stored ({_reason(error)}); send them again"))
            else:
                for (_, future), outcome in zip(group, outcomes, strict=True):
                    future.set_result(outcome)
            with self._lock:
                self._count -= sum(len(batch) for batch, _ in group)

    def _next_group(self) -> tuple[list[tuple[Rows, Future[Outcome]]], bool]:
        """Wait for a batch, and take those behind it that wait already; False at the end."""
        entry = self._waiting.get()
        group: list[tuple[Rows, Future[Outcome]]] = []
        size = 0
        while entry is not None:
            group.append(entry)
            size += len(entry[0])
            if size >= MOST_IN_GROUP:
                return group, True
            try:
                entry = self._waiting.get_nowait()
            except queue.Empty:
                return group, True
        return group, False


def _reason(error: Exception) -> str:
    """What is wrong, without addresses or statements."""
    text = str(error).lower()
    if "full" in text or "no space" in text:
        return "the disk is full"
    if "locked" in text or "timeout" in text:
        return "the database is locked"
    return "the database does not answer"
