"""Termination of processes started by the server: by a signal, or when the server itself has ended."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable


def when_parent_ends(action: Callable[[], None]) -> None:
    """Run an action when the parent process has ended, detected by the closed pipe at standard input."""

    def wait() -> None:
        os.read(0, 1)
        action()

    threading.Thread(target=wait, daemon=True).start()


def stop_of_child() -> threading.Event:
    """Event set by SIGTERM, by SIGINT, or when the parent process has ended; call it in the main thread."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    when_parent_ends(stop.set)
    return stop
