"""The newest events of a street, read once for all open pages of a process."""

from __future__ import annotations

from collections import deque

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from api.database import session
from api.database.events import Event, events_after, last_event
from api.shared_feed import SharedFeed

#: Interval in which a page asks, seconds.
POLL_S = 0.5
#: Maximum number of events in memory; pages that are further behind read the database themselves.
MOST_KEPT = 2_000


class EventFeed(SharedFeed):
    """Events of one street."""

    def __init__(self, engine: Engine, street: int) -> None:
        super().__init__()
        self._engine, self._street = engine, street
        # All events with a greater number than `since` are in memory.
        self._since = self._newest = 0
        self._kept: deque[Event] = deque()

    async def newest(self) -> int:
        """Number of the newest event, 0 if there is none."""
        await self.refresh()
        return self._newest

    async def after(self, last: int) -> list[Event]:
        """Events with a greater number than `last`, oldest first; not necessarily all if there are many."""
        await self.refresh()
        if last < self._since:
            return await run_in_threadpool(self._stored_after, last)
        return [event for event in self._kept if event.id > last]

    def _restart(self) -> None:
        self._kept.clear()
        with session(self._engine) as opened:
            self._since = self._newest = last_event(opened, self._street)

    def _read_more(self) -> None:
        found = self._stored_after(self._newest)
        self._kept.extend(found)
        self._newest = found[-1].id if found else self._newest
        while len(self._kept) > MOST_KEPT:
            self._since = self._kept.popleft().id

    def _stored_after(self, last: int) -> list[Event]:
        with session(self._engine) as opened:
            return events_after(opened, self._street, last)
