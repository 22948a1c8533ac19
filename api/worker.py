"""One of several processes that answer requests: ``python -m api.worker DESCRIPTOR``, started by :mod:`api.server`."""

from __future__ import annotations

import os
import sys

from api.server import run_worker
from api.settings import Settings

if __name__ == "__main__":
    run_worker(Settings.from_environment(os.environ), int(sys.argv[1]))
