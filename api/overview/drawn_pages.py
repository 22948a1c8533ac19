"""Cache of maps drawn by the server, valid until their data change."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable

#: Maximum number of pages; one of a street has 1 to 2 MB.
MOST = 16


class DrawnPages:
    """Pages by key; each is drawn once, by one thread at a time."""

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._lock = threading.Lock()
        self._drawing: dict[Hashable, threading.Lock] = {}
        self._pages: OrderedDict[Hashable, str] = OrderedDict()

    def get(self, key: Hashable, draw: Callable[[], str]) -> str:
        """The page with a key, drawn if not cached."""
        with self._lock:
            if (page := self._pages.get(key)) is not None:
                self._pages.move_to_end(key)
                return page
            lock = self._drawing.setdefault(key, threading.Lock())
        with lock:
            with self._lock:
                if (page := self._pages.get(key)) is not None:
                    return page
            page = draw()
            with self._lock:
                self._pages[key] = page
                self._drawing.pop(key, None)
                while len(self._pages) > self._most:
                    self._pages.popitem(last=False)
            return page
