"""Background preparation of a published version: its tables, its tiles, and ``published.gpkg``."""

from __future__ import annotations

import logging
import threading

from sqlalchemy.exc import SQLAlchemyError

from api.database.connections import folder_of_store
from api.errors import NotStoredError
from api.ogc.coordinate_systems import CRS84, storage
from api.ogc.feature_table import KEPT_LEVEL
from api.ogc.service import OgcService
from geo.errors import WanggeError
from geo.layers import Level

log = logging.getLogger(__name__)

#: Polling interval for new versions.
EVERY_S = 0.5


class Preparation:
    """Watches for new versions; the old one is served until the tables of the new one are ready.

    Parameters
    ----------
    after
        Event before which nothing is prepared, so that a starting server answers point queries first.
    """

    def __init__(self, service: OgcService, after: threading.Event | None = None) -> None:
        self._service = service
        self._after = after or threading.Event()
        if after is None:
            self._after.set()
        self._stop = threading.Event()
        self._seen: int | None = None
        self._thread = threading.Thread(target=self._run, name="prepare ogc", daemon=True)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the current preparation."""
        self._stop.set()
        self._thread.join()

    def step(self) -> bool:
        """Prepare the current version if it is new; returns whether it was."""
        found = self._service.versions.refreshed()
        if found.version.id == self._seen:
            return False
        tables = [found.table(level) for level in Level]
        for table in tables:
            table.packed(CRS84)
            table.tree(CRS84.space)
        self._service.versions.switch(found)
        self._seen = found.version.id
        found.tiles.make_all()
        log.info("version %d: all tiles are made", found.version.id)
        for table in tables:
            # The storage CRS is the default of most clients.
            for crs in (CRS84, storage(found.version.srid)):
                table.packed(crs, KEPT_LEVEL)
                table.tree(crs.space)
        from api.ogc.publication.published_file import write_published

        write_published(found, folder_of_store(self._service.engine, self._service.settings.pages))
        log.info("version %d is prepared", found.version.id)
        return True

    def _run(self) -> None:
        self._after.wait()
        while True:
            try:
                self.step()
            except NotStoredError:
                pass  # Nothing is published yet.
            except (WanggeError, SQLAlchemyError, OSError) as error:
                log.warning("a version could not be prepared: %s", error)
            if self._stop.wait(EVERY_S):
                return
