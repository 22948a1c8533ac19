"""Pauses Python's cyclic garbage collection while many objects are created."""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_LOCK = threading.Lock()
_depth = 0
_was_enabled = False


@contextmanager
def collection_paused() -> Iterator[None]:
    """Without cyclic garbage collection in this process, until the last of overlapping blocks ends.

    Reading a month of cases creates a million objects that stay alive; each full collection in between visits all of them and
    finds nothing. Objects without cycles are freed as always. The first collection after the block visits what was created in it,
    so a block should end after its objects are freed: decorate the function that reads facts and returns only the paper.
    """
    global _depth, _was_enabled
    with _LOCK:
        if _depth == 0:
            _was_enabled = gc.isenabled()
            gc.disable()
        _depth += 1
    try:
        yield
    finally:
        with _LOCK:
            _depth -= 1
            if _depth == 0 and _was_enabled:
                gc.enable()
