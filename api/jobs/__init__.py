"""The work behind the longer commands, without their options and their printing.

A job tells how far it is by calling ``progress(step, share done)``.
"""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str, float], None]


def silent(step: str, done: float) -> None:
    """Progress that nobody watches."""
