"""How a process that the server starts beside its workers ends: by a signal, or when the server itself is gone."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable


def when_parent_ends(action: Callable[[], None]) -> None:
    """Run an action when the parent process is gone: its end of the pipe at standard input is then closed."""

    def wait() -> None:
        os.read(0, 1)
        action()

    threading.Thread(target=wait, daemon=True).start()


def stop_of_child() -> threading.Event:
    """Event that is set by SIGTERM, by SIGINT, or when the parent process is gone; call it in the main thread."""
    stop = threading.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, lambda *_: stop.set())
    when_parent_ends(stop.set)
    return stop
