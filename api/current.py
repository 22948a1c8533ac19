"""The current version, kept in memory for the server."""

from __future__ import annotations

import gc
import threading
import time
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from api.database import current_version, read_version, session

if TYPE_CHECKING:
    from api.snapshot import Snapshot

#: Minimum interval between checks for a newer version, because a check takes longer than a lookup.
ASK_EVERY_S = 1.0


class Current:
    """Snapshot of the current version; reloaded within a second after another one is published."""

    def __init__(self, engine: Engine, *, street_code: str | None = None) -> None:
        self._engine = engine
        self._street = street_code
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._asked_at = -ASK_EVERY_S

    @property
    def fresh(self) -> Snapshot | None:
        """The snapshot, if the store was checked for a newer version within the last second."""
        return self._snapshot if time.monotonic() - self._asked_at < ASK_EVERY_S else None

    def get(self) -> Snapshot:
        """Snapshot of the current version.

        Raises
        ------
        NotStoredError
            If no version is published.
        """
        if fresh := self.fresh:
            return fresh
        with session(self._engine) as opened:
            version = current_version(opened, street_code=self._street)
            with self._lock:
                if self._snapshot is None or self._snapshot.version.id != version.id:
                    # Imported here: geopandas and the compiled index take most of the start-up time of a server.
                    from api.snapshot import Snapshot

                    self._snapshot = Snapshot.of(version, read_version(opened, version.id))
                    # The snapshot is kept; without freezing it, each full garbage collection would delay a response.
                    gc.collect()
                    gc.freeze()
                self._asked_at = time.monotonic()
                return self._snapshot
