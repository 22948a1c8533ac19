"""The implementation of the longer commands, without options and output.

A job reads files, calls :mod:`geo` and :mod:`maps`, writes files, and returns a value. It reports progress by calling
``progress(step, share done)``. Jobs with many settings take an options value. A job that fails leaves no file and no folder.
"""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]


def silent(step: str, done: float) -> None:
    """No-op progress callback."""
