"""Drafts as tables: cells of a level at the newest revision, and the list of drafts."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from sqlalchemy import Engine

from api.access import Caller
from api.database import session
from api.database.drafts.log import PUBLISHED, get_draft, list_drafts
from api.ogc.catalogue import Collection
from api.ogc.drafts.draft_collections import MOST_LISTED, draft_collection
from api.ogc.feature_table import FeatureTable
from api.ogc.publication.published import layer_table
from geo.layers import Level

if TYPE_CHECKING:
    from api.plans.keeper import Keeper
    from api.plans.open_draft import OpenDraft

#: Maximum number of tables kept in memory.
MOST_TABLES = 16


class DraftTables:
    """Tables of the drafts in the database; thread-safe.

    Parameters
    ----------
    keeper
        Cache of the open drafts of this process, shared with the editor.
    """

    def __init__(self, engine: Engine, keeper: Callable[[], Keeper]) -> None:
        self.engine = engine
        self._keeper = keeper
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[int, Level], FeatureTable] = OrderedDict()

    def listed(self, caller: Caller) -> list[Collection]:
        """Collections of the unpublished drafts of the caller's street, last changed first."""
        with session(self.engine) as opened:
            infos = [info for info in list_drafts(opened, caller.street) if info.state != PUBLISHED]
        return [draft_collection(info.id, level, info.name) for info in infos[:MOST_LISTED] for level in Level]

    def described(self, collection: Collection, caller: Caller) -> Collection:
        """The collection with the name of its draft.

        Raises
        ------
        NotStoredError
            If the caller's street has no such draft.
        """
        number, level = place_of(collection)
        with session(self.engine) as opened:
            return draft_collection(number, level, get_draft(opened, caller.street, number).name)

    @contextmanager
    def use(self, collection: Collection, caller: Caller) -> Iterator[OpenDraft]:
        """The draft of a collection at its newest revision, locked for the calling thread.

        Raises
        ------
        NotStoredError
            If the caller's street has no such draft.
        """
        with self._keeper().use(caller.street, place_of(collection)[0]) as opened:
            yield opened

    def table(self, collection: Collection, caller: Caller) -> FeatureTable:
        """Cells of a level of a draft.

        Raises
        ------
        NotStoredError
            If the caller's street has no such draft.
        """
        with self.use(collection, caller) as opened:
            return self.table_of(opened, place_of(collection)[1])

    def table_of(self, opened: OpenDraft, level: Level) -> FeatureTable:
        """Cells of a level of an open draft whose lock the caller holds; built once per revision."""
        key = opened.number, level
        tag = f"draft-{opened.number}-{opened.revision}-{level.layer}"
        with self._lock:
            known = self._kept.get(key)
            if known is not None and known.tag == tag:
                self._kept.move_to_end(key)
                return known
        made = layer_table(opened.division(), level, opened.base.version.srid, tag)
        with self._lock:
            self._kept[key] = made
            self._kept.move_to_end(key)
            while len(self._kept) > MOST_TABLES:
                self._kept.popitem(last=False)
        return made


def place_of(collection: Collection) -> tuple[int, Level]:
    """Draft number and level of a collection."""
    assert collection.draft is not None
    assert collection.level is not None
    return collection.draft, collection.level
