"""The implementation of the longer commands, without options and output.

Each function reads files, calls :mod:`geo` and :mod:`maps`, writes files, and returns a value. It reports progress by calling
``progress(step, share done)``. Functions with many settings take an options value. A failed call leaves no file and no folder.
The pages of the server that offer the same ledgers and maps as a command call the same functions.
"""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]


def silent(step: str, done: float) -> None:
    """No-op progress callback."""
