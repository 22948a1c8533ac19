"""What the routes ask: the table of a collection for a query and a caller."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from api.access import PUBLIC, Caller, allowed
from api.errors import NotStoredError
from api.ogc.catalogue import BY_ID, COLLECTIONS, Collection
from api.ogc.published import Published, Versions
from api.ogc.query import Interval
from api.settings import Settings
from geo.layers import Level

if TYPE_CHECKING:
    from api.ogc.feature_table import FeatureTable


class OgcService:
    """The collections of one street; safe to use from any thread."""

    def __init__(self, engine: Engine, settings: Settings, clock: Callable[[], datetime]) -> None:
        self.engine = engine
        self.settings = settings
        self.clock = clock
        self.zone = ZoneInfo(settings.zone)
        self.versions = Versions(engine, street_code=settings.street or None)

    def published(self, when: Interval | None, version: int | None) -> Published | None:
        """The version that a query asks for: by number, the one that held at the end of a span, or the current one.

        Raises
        ------
        NotStoredError
            If the number is not that of a published version, or nothing is published.
        """
        if version is not None:
            return self.versions.numbered(version)
        if when is None or when.end is None:
            return self.versions.current()
        return self.versions.on_day(when.end.astimezone(self.zone).date())

    def table(
        self, collection: Collection, _caller: Caller, when: Interval | None = None, version: int | None = None
    ) -> FeatureTable:
        """The features of a collection."""
        if collection.time == "version":
            found = self.published(when, version)
            if found is None:
                return self.versions.current().empty(layer_of(collection))
            return found.table(layer_of(collection))
        raise NotStoredError(f"there is no collection '{collection.id}'")

    def extent_table(self, collection: Collection) -> FeatureTable:
        """A table whose bounds are those of a collection: that of the street, in which everything lies."""
        return self.versions.current().table(layer_of(collection) if collection.tiled else Level.STREET)

    def is_warm(self, level: Level) -> bool:
        """Whether the current version and its table of a level are in memory and were asked for within a second."""
        fresh = self.versions.fresh
        return fresh is not None and fresh.ready(level)

    def native(self) -> int:
        """EPSG number of the CRS that everything is stored in."""
        return self.versions.current().version.srid


def layer_of(collection: Collection) -> Level:
    """The level of a collection whose features are cells."""
    assert collection.level is not None
    return collection.level


def collection_named(name: str) -> Collection:
    """The collection of an identifier.

    Raises
    ------
    NotStoredError
        If there is none.
    """
    if name not in BY_ID:
        raise NotStoredError(f"there is no collection '{name[:60]}'; there are {', '.join(BY_ID)}")
    return BY_ID[name]


def visible(caller: Caller) -> list[Collection]:
    """Collections that a caller may read."""
    return [c for c in COLLECTIONS if c.right is None or (caller is not PUBLIC and allowed(caller, c.right))]
