"""Notices: what a caller should know although the work is done.

A notice is a Python warning of one class of its own, one line long. The command line prints notices on standard error; a
program filters or collects them with the module :mod:`warnings`.
"""

from __future__ import annotations

import warnings


class WanggeWarning(UserWarning):
    """Something was guessed, changed or left out on the way, or needs care; the message says what."""


def notice(message: str) -> None:
    """Give a notice: one line that says what was done, or what to take care of."""
    warnings.warn(" ".join(message.split()), WanggeWarning, stacklevel=3)
