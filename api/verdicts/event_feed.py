"""The newest events of a street, read once for all open pages of a process."""

from __future__ import annotations

import asyncio
from collections import deque

from sqlalchemy import Engine
from starlette.concurrency import run_in_threadpool

from api.database import session
from api.database.events import Event, events_after, last_event

#: Interval in which a page asks, and minimum interval between two reads of the database, seconds.
POLL_S, READ_EVERY_S = 0.5, 0.25
#: If no page has asked for this time, events are not remembered any longer, seconds.
FORGET_S = 10.0
#: Maximum number of events in memory; pages that are further behind read the database themselves.
MOST_KEPT = 2_000


class EventFeed:
    """Events of one street; used by the coroutines of one event loop."""

    def __init__(self, engine: Engine, street: int) -> None:
        self._engine, self._street = engine, street
        self._lock = asyncio.Lock()
        self._read_at = float("-inf")
        # All events with a greater number than `since` are in memory.
        self._since = self._newest = 0
        self._kept: deque[Event] = deque()

    async def newest(self) -> int:
        """Number of the newest event, 0 if there is none."""
        await self._refresh()
        return self._newest

    async def after(self, last: int) -> list[Event]:
        """Events with a greater number than `last`, oldest first; not necessarily all if there are many."""
        await self._refresh()
        if last < self._since:
            return await run_in_threadpool(self._stored_after, last)
        return [event for event in self._kept if event.id > last]

    async def _refresh(self) -> None:
        """Read new events, unless that was done a moment ago for another page."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now - self._read_at < READ_EVERY_S:
                return
            if now - self._read_at > FORGET_S:
                self._kept.clear()
                self._since = self._newest = await run_in_threadpool(self._last)
            else:
                found = await run_in_threadpool(self._stored_after, self._newest)
                self._kept.extend(found)
                self._newest = found[-1].id if found else self._newest
            while len(self._kept) > MOST_KEPT:
                self._since = self._kept.popleft().id
            self._read_at = now

    def _last(self) -> int:
        with session(self._engine) as opened:
            return last_event(opened, self._street)

    def _stored_after(self, last: int) -> list[Event]:
        with session(self._engine) as opened:
            return events_after(opened, self._street, last)
