"""Published versions of the division in memory, as tables of features."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from sqlalchemy import Engine

from api.database import VersionInfo, current_version, get_version, read_version, session
from api.errors import NotStoredError
from geo.layers import Level

if TYPE_CHECKING:
    from api.ogc.feature_table import FeatureTable
    from api.ogc.tiles.tile_cache import TileCache
    from geo.layers import Division

#: Minimum interval between queries for a newer version.
ASK_EVERY_S = 1.0
#: Maximum number of versions in memory; one of 3,052 cells takes about 40 MB with all its bodies and tiles.
MOST_VERSIONS = 4


@dataclass(frozen=True)
class Published:
    """A published version with its tables and tiles, built at first use."""

    version: VersionInfo
    division: Division
    _tables: dict[Level, FeatureTable] = field(default_factory=dict, repr=False)
    _tiles: list[TileCache] = field(default_factory=list, repr=False)
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False)

    def table(self, level: Level) -> FeatureTable:
        """Cells of one level."""
        with self._lock:
            if level not in self._tables:
                self._tables[level] = layer_table(self.division, level, self.version.srid, self._tag(level))
            return self._tables[level]

    def has_tiles_of(self, zoom: int) -> bool:
        """Whether the tiles of a zoom are built; others are built at first use."""
        return bool(self._tiles) and self._tiles[0].made(zoom)

    @property
    def tiles(self) -> TileCache:
        """Vector tiles of all levels."""
        from api.ogc.tiles.tile_cache import TileCache

        with self._lock:
            if not self._tiles:
                self._tiles.append(TileCache(self.division))
            return self._tiles[0]

    def empty(self, level: Level) -> FeatureTable:
        """A table of a level without features, for days on which no version was in force."""
        nothing = self.division.with_layer(level, self.division.layer(level).iloc[:0])
        return layer_table(nothing, level, self.version.srid, f"{self._tag(level)}none")

    def _tag(self, level: Level) -> str:
        return f"{self.version.id}-{self.version.digest[:16]}-{level.layer}"

    def ready(self, level: Level) -> bool:
        """Whether the table of a level is built."""
        return level in self._tables


def layer_table(division: Division, level: Level, native: int, tag: str) -> FeatureTable:
    """Cells of one level as features; the identifier is the code, `native` the EPSG code of the division's CRS."""
    import numpy as np

    from api.ogc.catalogue import LAYER_PROPERTIES
    from api.ogc.feature_table import FeatureTable
    from api.ogc.properties import plain_values

    frame = division.layer(level)
    values: dict[str, list[Any]] = {
        entry.name: plain_values(frame[entry.name].tolist(), entry.kind) if entry.name in frame else [None] * len(frame)
        for entry in LAYER_PROPERTIES
    }
    return FeatureTable(
        ids=[str(code) for code in values["code"]],
        properties=LAYER_PROPERTIES,
        values=values,
        geometry=np.asarray(frame.geometry.array, dtype=object),
        native=native,
        tag=tag,
    )


class Versions:
    """Cache of the versions of a street; thread-safe."""

    def __init__(self, engine: Engine, *, street_code: str | None = None) -> None:
        self._engine = engine
        self._street = street_code
        self._lock = threading.RLock()
        self._kept: OrderedDict[int, Published] = OrderedDict()
        self._current: Published | None = None
        self._asked_at = -ASK_EVERY_S
        self._watched = False

    @property
    def fresh(self) -> Published | None:
        """The current version, if it was checked within the last second or is watched by a preparation thread."""
        if self._watched:
            return self._current
        return self._current if time.monotonic() - self._asked_at < ASK_EVERY_S else None

    def current(self) -> Published:
        """The version in force.

        Raises
        ------
        NotStoredError
            If none is published.
        """
        if fresh := self.fresh:
            return fresh
        found = self.refreshed()
        with self._lock:
            self._current = found
            self._asked_at = time.monotonic()
            return found

    def refreshed(self) -> Published:
        """The version in force according to the database, which is not yet served if it is new.

        Raises
        ------
        NotStoredError
            If none is published.
        """
        with session(self._engine) as opened:
            version = current_version(opened, street_code=self._street)
        return self._load(version)

    def switch(self, found: Published) -> None:
        """Serve a version until the next switch; the caller watches for new versions."""
        with self._lock:
            self._current = found
            self._watched = True

    def on_day(self, day: date) -> Published | None:
        """The version in force on a local day; None if there was none."""
        try:
            with session(self._engine) as opened:
                return self._load(current_version(opened, day=day, street_code=self._street))
        except NotStoredError:
            return None

    def numbered(self, number: int) -> Published:
        """A published version by its number.

        Raises
        ------
        NotStoredError
            If there is none, it is a draft, or it belongs to another street.
        """
        with self._lock:
            if number in self._kept:
                return self._load(self._kept[number].version)
        street = self.current().version.street_code
        with session(self._engine) as opened:
            version = get_version(opened, number)
        if version.published_at is None or version.street_code != street:
            raise NotStoredError(f"there is no published version {number}")
        return self._load(version)

    def _load(self, version: VersionInfo) -> Published:
        with self._lock:
            found = self._kept.get(version.id)
            if found is None:
                with session(self._engine) as opened:
                    found = Published(version, read_version(opened, version.id))
                self._kept[version.id] = found
            self._kept.move_to_end(version.id)
            current = self._current.version.id if self._current is not None else None
            for number in [n for n in self._kept if n not in (version.id, current)][
                : max(0, len(self._kept) - MOST_VERSIONS)
            ]:
                del self._kept[number]
            return found
