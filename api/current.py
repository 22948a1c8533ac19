"""The current version, kept in memory for the server."""

from __future__ import annotations

import gc
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from api.database import VersionInfo, current_version, read_version, session
from api.ogc.publication.kept_index import keep_index, load_index, places_of

if TYPE_CHECKING:
    from api.snapshot import CellName, Snapshot
    from geo.layers import Division

#: Minimum interval between checks for a newer version, because a check takes longer than a lookup.
ASK_EVERY_S = 1.0


class Current:
    """Snapshot of the current version; reloaded within a second after another one is published.

    Parameters
    ----------
    folder
        Folder in which the index is stored for the next start.
    cache
        Folder of the user for the index if `folder` does not exist or cannot be written. Without either the index is rebuilt
        at each start.
    after
        Compiled code for point location is loaded when this is set; it would delay the start of a server.
    """

    def __init__(
        self,
        engine: Engine,
        *,
        street_code: str | None = None,
        folder: Path | None = None,
        cache: Path | None = None,
        after: threading.Event | None = None,
    ) -> None:
        self._engine = engine
        self._folder, self._cache = folder, cache
        self._after = after
        self._street = street_code
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._asked_at = -ASK_EVERY_S

    @property
    def fresh(self) -> Snapshot | None:
        """The snapshot, if the database was checked for a newer version within the last second."""
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
                    self._snapshot = self._load(opened, version)
                    threading.Thread(
                        target=_settle, args=(self._snapshot, self._after), name="compile locate", daemon=True
                    ).start()
                self._asked_at = time.monotonic()
                return self._snapshot

    def _load(self, opened: Session, version: VersionInfo) -> Snapshot:
        # Imported here: geopandas and the compiled index take most of the server's start-up time.
        from api.snapshot import Snapshot

        places = places_of(self._folder, self._cache, version.digest)
        kept = load_index(places, version.digest)
        if kept is None:
            made = Snapshot.of(version, read_version(opened, version.id), _cell_names(opened, version.id))
            keep_index(places, version.digest, made.index)
            return made
        return Snapshot(version, kept, _cell_names(opened, version.id), self._division_of(version.id))

    def _division_of(self, version_id: int) -> Callable[[], Division]:
        def read() -> Division:
            with session(self._engine) as opened:
                return read_version(opened, version_id)

        return read


def _cell_names(opened: Session, version_id: int) -> list[CellName]:
    """Names of all cells of a version, by level and in the order of the layers; no geometry is read."""
    from api.snapshot import CellName

    # As text, because the class of the rows needs GeoAlchemy2, and a starting server reads nothing else of the cells.
    query = text(
        "SELECT level, code, name, parent, leader FROM cell WHERE version_id = :version ORDER BY level, position"
    )
    return [CellName(*row) for row in opened.execute(query, {"version": version_id})]


def _settle(snapshot: Snapshot, after: threading.Event | None) -> None:
    """Work on a new snapshot that its first answers do not depend on."""
    if after is not None:
        after.wait()
    snapshot.compile()
    # The snapshot is long-lived; without freezing it, each full garbage collection would delay a response.
    gc.collect()
    gc.freeze()
