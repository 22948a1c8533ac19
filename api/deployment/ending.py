"""Ends a process without dismantling its interpreter."""

from __future__ import annotations

import atexit
import logging
import os
import sys
import threading
from typing import NoReturn

_code: int | None = None


def leave(code: int) -> NoReturn:
    """End the process with an exit code.

    Functions registered with :mod:`atexit` run, and output is flushed; then the process ends at once. To dismantle an interpreter
    with pandas, GDAL and PROJ takes 0.2 s of CPU.

    Background threads of a stopped server still load or prepare a division. The interpreter would shut down under them, which
    can crash compiled libraries; what they make is made again at the next start. Then the process does not wait for them.
    """
    global _code
    _code = code
    if any(thread.daemon for thread in threading.enumerate()):
        _end()
    sys.exit(code)


@atexit.register  # as the first function, so that it runs as the last one
def _end() -> None:
    """End the process, if :func:`leave` ends it."""
    if _code is None:
        return
    code = _code
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            code = code or 2
    os._exit(code)
