"""One of several processes that answer requests: ``python -m api.worker DESCRIPTOR``, started by :mod:`api.server`."""

from __future__ import annotations

import gc
import os
import sys

if __name__ == "__main__":
    # Enabled again when the division is loaded (api.direct.front).
    gc.disable()
    from api.deployment.ending import leave
    from api.server import run_worker
    from api.settings import Settings

    run_worker(Settings.from_environment(os.environ), int(sys.argv[1]))
    leave(0)
