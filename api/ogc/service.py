"""Access to the tables of the collections, by query and caller."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from sqlalchemy import Engine

from api.access import PUBLIC, Caller, Right, allowed
from api.access.rights import scopes
from api.database import session, street_of
from api.errors import NotStoredError
from api.ogc.catalogue import BY_ID, COLLECTIONS, HOT_SPOTS, INCIDENTS, Collection
from api.ogc.drafts.draft_collections import draft_collection_of
from api.ogc.publication.published import Published, Versions
from api.ogc.query import Interval
from api.settings import Settings
from geo.layers import Level

if TYPE_CHECKING:
    from api.ogc.day_tables import DayTables
    from api.ogc.drafts.draft_tables import DraftTables
    from api.ogc.feature_table import FeatureTable
    from api.ogc.incident_tables import IncidentTables
    from api.plans.keeper import Keeper


class OgcService:
    """The collections of one street; thread-safe.

    Parameters
    ----------
    engine
        The database, to which edits are written.
    keeper
        Cache of the open drafts of the process.
    reading
        A copy of the database for versions and judged days; by default the database itself. Incidents and drafts are read from
        `engine`, so that edits are visible at once.
    """

    def __init__(
        self,
        engine: Engine,
        settings: Settings,
        clock: Callable[[], datetime],
        keeper: Callable[[], Keeper],
        reading: Engine | None = None,
    ) -> None:
        self.engine = engine
        self._reading = reading or engine
        self._keeper = keeper
        self.settings = settings
        self.clock = clock
        self.zone = ZoneInfo(settings.zone)
        self.versions = Versions(self._reading, street_code=settings.street or None)

    def published(self, when: Interval | None, version: int | None) -> Published | None:
        """The version for a query: by number, the one in force at the end of an interval, or the current one.

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
        self, collection: Collection, caller: Caller, when: Interval | None = None, version: int | None = None
    ) -> FeatureTable:
        """The features of a collection that the caller may read."""
        if collection.time == "version":
            found = self.published(when, version)
            if found is None:
                return self.versions.current().empty(layer_of(collection))
            return found.table(layer_of(collection))
        table = self.drafts.table(collection, caller) if collection.draft else self._readings(collection, when)
        assert collection.right is not None
        codes = scopes(caller, collection.right)
        return table if codes is None else _within(table, codes)

    def _readings(self, collection: Collection, when: Interval | None) -> FeatureTable:
        """Table of all incidents, hot spots, verdicts or coverage."""
        current = self.versions.current()
        if collection is INCIDENTS:
            return self.incident_tables.incidents()
        if collection is HOT_SPOTS:
            return self.incident_tables.hot_spots(current, when)
        today = self.clock().astimezone(self.zone).date()
        found = self.day_tables.table(collection, when, today)
        return found if found is not None else _nothing(collection, current.version.srid)

    @cached_property
    def _street(self) -> int:
        with session(self.engine) as opened:
            return street_of(opened, self.settings.street or None)

    @cached_property
    def incident_tables(self) -> IncidentTables:
        """Cached tables of incidents."""
        from api.ogc.incident_tables import IncidentTables

        return IncidentTables(self.engine, self._street)

    @cached_property
    def day_tables(self) -> DayTables:
        """Cached tables of judged days."""
        from api.ogc.day_tables import DayTables

        code = self.settings.street or None
        return DayTables(self._reading, self._street, street_code=code, zone=self.zone)

    @cached_property
    def drafts(self) -> DraftTables:
        """Cached tables of drafts."""
        from api.ogc.drafts.draft_tables import DraftTables

        return DraftTables(self.engine, self._keeper)

    def visible(self, caller: Caller) -> list[Collection]:
        """Collections that a caller may read."""
        found = [c for c in COLLECTIONS if c.right is None or (caller is not PUBLIC and allowed(caller, c.right))]
        return found + (self.drafts.listed(caller) if caller is not PUBLIC and allowed(caller, Right.PLAN) else [])

    def described(self, collection: Collection, caller: Caller) -> Collection:
        """A collection as described to a caller who may read it: a draft's collection gets the name of the draft.

        Raises
        ------
        NotStoredError
            If there is no such draft.
        """
        return self.drafts.described(collection, caller) if collection.draft else collection

    def extent_table(self, collection: Collection) -> FeatureTable:
        """A table with the bounds of a collection: that of the street, which contains everything."""
        return self.versions.current().table(layer_of(collection) if collection.tiled else Level.STREET)

    def is_warm(self, level: Level) -> bool:
        """Whether the current version and its table of a level are in memory and were checked within a second."""
        fresh = self.versions.fresh
        return fresh is not None and fresh.ready(level)

    def native(self) -> int:
        """EPSG code of the storage CRS."""
        return self.versions.current().version.srid


def _within(table: FeatureTable, codes: tuple[str, ...]) -> FeatureTable:
    """Features in the cells to which a caller is limited, selected by code."""
    keys = [name for name in ("code", "third", "second", "community") if name in table.values]
    rows = [
        row for row in range(len(table)) if any(str(table.values[key][row] or "").startswith(codes) for key in keys)
    ]
    return table.subset(rows, ",".join(codes))


def _nothing(collection: Collection, native: int) -> FeatureTable:
    """An empty table."""
    import numpy as np

    from api.ogc.feature_table import FeatureTable

    values: dict[str, list[object]] = {entry.name: [] for entry in collection.properties}
    return FeatureTable([], collection.properties, values, np.empty(0, dtype=object), native, f"{collection.id}-none")


def layer_of(collection: Collection) -> Level:
    """The level of a collection of cells."""
    assert collection.level is not None
    return collection.level


def collection_named(identifier: str) -> Collection:
    """The collection of an identifier; the existence of a draft is checked later, after the rights of the caller.

    Raises
    ------
    NotStoredError
        If there is none.
    """
    found = BY_ID.get(identifier) or draft_collection_of(identifier)
    if found is None:
        raise NotStoredError(f"there is no collection '{identifier[:60]}'; there are {', '.join(BY_ID)}")
    return found
