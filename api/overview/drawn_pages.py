"""Cache of maps drawn by the server."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import NamedTuple

#: Maximum number of pages; one of a street has 1 to 2 MB.
MOST = 16

#: While its data change all the time, a page is drawn again after this time only, seconds: drawing takes seconds of CPU. Readers
#: who may see verdicts hear what has happened since (:attr:`Drawn.event`).
REDRAW_AFTER_S = 20.0


class Drawing(NamedTuple):
    """How a page is drawn, and what it shows.

    Attributes
    ----------
    key
        Identifies the page.
    draw
        Draws it.
    state
        State of its data, for comparison only.
    event
        Number of the newest event when this state was read.
    """

    key: Hashable
    draw: Callable[[], str]
    state: Hashable = None
    event: int = 0


class Drawn(NamedTuple):
    """A page, the state of its data, the number of the newest event then, and the time by the monotonic clock."""

    page: str
    state: Hashable
    event: int
    at_s: float


class DrawnPages:
    """Pages by key; each is drawn by one thread at a time, again when its data have changed (:data:`REDRAW_AFTER_S`)."""

    def __init__(self, most: int = MOST, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._most, self._clock = most, clock
        self._lock = threading.Lock()
        self._drawing: dict[Hashable, threading.Lock] = {}
        self._pages: OrderedDict[Hashable, Drawn] = OrderedDict()

    def get(self, wanted: Drawing) -> Drawn:
        """The page, drawn if it is not cached, or its data have changed and it is old enough."""
        with self._lock:
            if (found := self._usable(wanted)) is not None:
                return found
            lock = self._drawing.setdefault(wanted.key, threading.Lock())
        with lock:
            with self._lock:
                if (found := self._usable(wanted)) is not None:
                    return found
            at_s = self._clock()
            found = Drawn(wanted.draw(), wanted.state, wanted.event, at_s)
            with self._lock:
                self._pages[wanted.key] = found
                self._pages.move_to_end(wanted.key)
                self._drawing.pop(wanted.key, None)
                while len(self._pages) > self._most:
                    self._pages.popitem(last=False)
            return found

    def _usable(self, wanted: Drawing) -> Drawn | None:
        found = self._pages.get(wanted.key)
        if found is None or (found.state != wanted.state and self._clock() - found.at_s >= REDRAW_AFTER_S):
            return None
        self._pages.move_to_end(wanted.key)
        return found
