"""Ends a process whose background threads may still be running compiled code."""

from __future__ import annotations

import logging
import os
import sys
import threading
from typing import NoReturn


def leave(code: int) -> NoReturn:
    """End the process with an exit code.

    Background threads of a stopped server still load or prepare a division. The interpreter would shut down under them, which
    can crash compiled libraries; what they make is made again at the next start. Then the process ends at once instead.
    """
    if all(not thread.daemon for thread in threading.enumerate()):
        sys.exit(code)
    logging.shutdown()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except (OSError, ValueError):
            code = code or 2
    os._exit(code)
