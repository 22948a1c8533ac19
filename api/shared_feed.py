"""A reading of the database that all open pages of a process share."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

from starlette.concurrency import run_in_threadpool

#: Minimum interval between two reads of the database, seconds.
READ_EVERY_S = 0.25
#: If no page has asked for this time, what was read is not remembered any longer, seconds.
FORGET_S = 10.0


class SharedFeed(ABC):
    """Something that pages ask for all the time; used by the coroutines of one event loop."""

    def __init__(self) -> None:
        self._lock = asyncio.Lock()
        self._read_at = float("-inf")

    @property
    def idle(self) -> bool:
        """Whether no page has asked for a while."""
        return asyncio.get_running_loop().time() - self._read_at > FORGET_S

    async def refresh(self) -> None:
        """Read what is new, unless that was done a moment ago for another page."""
        async with self._lock:
            now = asyncio.get_running_loop().time()
            if now - self._read_at < READ_EVERY_S:
                return
            await run_in_threadpool(self._restart if now - self._read_at > FORGET_S else self._read_more)
            self._read_at = now

    @abstractmethod
    def _restart(self) -> None:
        """Forget what was read, and read where it stands; run in a thread."""

    @abstractmethod
    def _read_more(self) -> None:
        """Read what was added; run in a thread."""
