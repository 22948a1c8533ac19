"""Cache of the open drafts of one process and of the layers that they share."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from api.database import get_version, read_version, session
from api.database.drafts.log import get_draft
from api.plans.open_draft import Base, OpenDraft
from geo.errors import WanggeError

log = logging.getLogger(__name__)

#: Maximum number of open drafts and of divisions in memory; a draft of 3,052 cells takes about 60 MB.
MOST_DRAFTS, MOST_BASES = 8, 4
#: Layers shown by the editor; edits use the first two.
LAYERS = ("roads", "buildings", "water")


class Keeper:
    """Opens drafts and caches the most recently used.

    Parameters
    ----------
    layers
        GeoPackage with the layers of :data:`LAYERS`, or empty.
    """

    def __init__(self, engine: Engine, layers: str) -> None:
        self.engine = engine
        self._path = layers
        self._lock = threading.Lock()
        self._opening: dict[int, threading.Lock] = {}
        self._drafts: OrderedDict[int, OpenDraft] = OrderedDict()
        self._bases: OrderedDict[int, Base] = OrderedDict()
        self._layers: dict[str, Any] = {}
        #: Serialised layers by name, CRS and origin: ETag and compressed text.
        self.documents: dict[Any, tuple[str, bytes]] = {}

    @contextmanager
    def use(self, street: int, number: int) -> Iterator[OpenDraft]:
        """The draft at its newest revision, locked for the calling thread; removed from memory after an unexpected error.

        Raises
        ------
        NotStoredError
            If there is no such draft.
        """
        with session(self.engine) as opened:
            get_draft(opened, street, number)
        with self._lock:
            opening = self._opening.setdefault(number, threading.Lock())
        with opening:
            found = self._open(street, number)
        with found.lock:
            try:
                found.catch_up(self.engine)
                yield found
            except WanggeError:
                raise
            except BaseException:
                self.drop(number, found)
                raise

    def _open(self, street: int, number: int) -> OpenDraft:
        with self._lock:
            if number in self._drafts:
                self._drafts.move_to_end(number)
                return self._drafts[number]
        found = self.fresh(street, number)
        with self._lock:
            self._drafts[number] = found
            while len(self._drafts) > MOST_DRAFTS:
                self._drafts.popitem(last=False)
        return found

    def fresh(self, street: int, number: int) -> OpenDraft:
        """A copy of the draft without entries, not shared with other callers."""
        with session(self.engine) as opened:
            info = get_draft(opened, street, number)
        return OpenDraft.of(info, self.base(info.version_id))

    def drop(self, number: int, found: OpenDraft) -> None:
        """Remove an open draft; the next request rebuilds it from the log."""
        with self._lock:
            if self._drafts.get(number) is found:
                del self._drafts[number]

    def base(self, version: int) -> Base:
        """A version with the layers that edits use."""
        with self._lock:
            if version in self._bases:
                self._bases.move_to_end(version)
                return self._bases[version]
        with session(self.engine) as opened:
            info = get_version(opened, version)
            division = read_version(opened, version)
        made = Base(info, division, self.layer("buildings"), self.layer("roads"))
        with self._lock:
            self._bases[version] = made
            while len(self._bases) > MOST_BASES:
                self._bases.popitem(last=False)
        return made

    def layer(self, name: str) -> Any:
        """A layer of the street as a frame; None if the installation has none."""
        if name not in self._layers:
            self._layers[name] = _read(self._path, name)
        return self._layers[name]


def _read(path: str, name: str) -> Any:
    import geopandas as gpd
    import pyogrio

    if not path or not Path(path).is_file():
        if path:
            log.warning("WANGGE_LAYERS=%s: no such file; the editor shows no %s", path, name)
        return None
    if name not in {str(layer) for layer, _ in pyogrio.list_layers(path)}:
        return None
    frame = gpd.read_file(path, layer=name)
    return frame[frame.geometry.notna() & ~frame.geometry.is_empty].reset_index(drop=True)
