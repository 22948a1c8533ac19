"""Selection of features by the query of an ``items`` address, and paging."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import numpy as np

from api.errors import QueryError
from api.ogc.catalogue import Collection
from api.ogc.coordinate_systems import CRS84, Crs, named
from api.ogc.query import MOST_OFFSET, Box, Interval, boxes, equal_value, integer_of, interval
from geo.arrays import Bools

if TYPE_CHECKING:
    from api.ogc.feature_table import FeatureTable
    from api.ogc.filters.tree import Node

#: Default and maximum number of features of a page: the third level of a street in one answer, because clients read both from the
#: OpenAPI document and derive their page size.
DEFAULT_LIMIT, MOST_LIMIT = 10_000, 10_000
#: Parameters of every ``items`` address.
ITEMS_PARAMETERS = (
    "f",
    "limit",
    "offset",
    "bbox",
    "bbox-crs",
    "crs",
    "datetime",
    "filter",
    "filter-lang",
    "filter-crs",
)
Rows = Sequence[int]


@dataclass(frozen=True)
class ItemsQuery:
    """A parsed query of features.

    Attributes
    ----------
    given
        The parameters as received, for links.
    when
        Interval of ``datetime``.
    version
        Number of the requested version.
    equal
        Required value of each property that is compared for equality.
    condition
        The filter.
    """

    given: dict[str, str]
    limit: int
    offset: int
    crs: Crs
    boxes: tuple[list[Box], Crs] | None
    when: Interval | None
    version: int | None
    equal: dict[str, Any]
    condition: Node | None

    @property
    def selects_all(self) -> bool:
        """Whether all features are selected, apart from paging."""
        return self.boxes is None and not self.equal and self.condition is None


def known_parameters(collection: Collection) -> set[str]:
    """Parameters of the ``items`` address of a collection."""
    own = {"version"} if collection.time == "version" else set()
    return {*ITEMS_PARAMETERS, *own, *(entry.name for entry in collection.properties)}


def read_query(collection: Collection, given: dict[str, str], native: int, zone: ZoneInfo) -> ItemsQuery:
    """Parse the parameters of an ``items`` address.

    Raises
    ------
    QueryError
        If a value is invalid; see :mod:`api.ogc.query`.
    """
    crs = named(given["crs"], native, "crs") if "crs" in given else CRS84
    box_crs = named(given["bbox-crs"], native, "bbox-crs") if "bbox-crs" in given else CRS84
    if "version" in given and "datetime" in given:
        raise QueryError("version and datetime both choose the version; give one of them", parameter="version")
    equal = {
        entry.name: equal_value(entry, given[entry.name]) for entry in collection.properties if entry.name in given
    }
    limit = integer_of(given.get("limit", str(DEFAULT_LIMIT)), "limit", least=1)
    return ItemsQuery(
        given=given,
        limit=min(limit, MOST_LIMIT),
        offset=integer_of(given.get("offset", "0"), "offset", least=0, most=MOST_OFFSET),
        crs=crs,
        boxes=(boxes(given["bbox"], box_crs), box_crs) if "bbox" in given else None,
        when=interval(given["datetime"], zone) if "datetime" in given else None,
        version=integer_of(given["version"], "version", least=1, most=MOST_OFFSET) if "version" in given else None,
        equal=equal,
        condition=_condition(collection, given, native, zone),
    )


def selected_rows(collection: Collection, table: FeatureTable, query: ItemsQuery) -> Rows | None:
    """Rows selected by a query, in order; None for all rows."""
    instants = collection.time == "instant" and collection.time_property is not None and query.when is not None
    if query.selects_all and not instants:
        return None
    chosen = np.ones(len(table), dtype=bool)
    if query.boxes is not None:
        found = np.zeros(len(table), dtype=bool)
        for box in query.boxes[0]:
            found |= table.intersecting(box, query.boxes[1].space)
        chosen &= found
    for name, value in query.equal.items():
        chosen &= _equal(table, name, value)
    if instants and query.when is not None and collection.time_property is not None:
        chosen &= _within(table, collection.time_property, query.when)
    if query.condition is not None:
        from api.ogc.filters.evaluation import matching

        chosen &= matching(query.condition, table)
    return np.flatnonzero(chosen).tolist()


def page_rows(rows: Rows | None, count: int, query: ItemsQuery) -> tuple[Rows | None, int]:
    """Rows of the requested page (None: all of the table), and the number of selected rows."""
    matched = count if rows is None else len(rows)
    if rows is None:
        if query.offset == 0 and query.limit >= count:
            return None, matched
        rows = range(count)
    return rows[query.offset : query.offset + query.limit], matched


def _equal(table: FeatureTable, name: str, value: Any) -> Bools:
    array, missing = table.comparable(name)
    if isinstance(value, datetime):
        value = value.replace(tzinfo=None)
    if isinstance(value, date):
        value = np.datetime64(value, "us")
    found: Bools = (array == value) & ~missing
    return found


def _within(table: FeatureTable, name: str, when: Interval) -> Bools:
    array, missing = table.comparable(name)
    chosen = ~missing
    if when.start is not None:
        chosen &= array >= np.datetime64(when.start.replace(tzinfo=None), "us")
    if when.end is not None:
        chosen &= array <= np.datetime64(when.end.replace(tzinfo=None), "us")
    found: Bools = chosen
    return found


def _condition(collection: Collection, given: dict[str, str], native: int, zone: ZoneInfo) -> Node | None:
    if "filter" not in given:
        unused = next((name for name in ("filter-lang", "filter-crs") if name in given), None)
        if unused is not None:
            raise QueryError(f"{unused}: is given without a filter", parameter=unused)
        return None
    from api.ogc.filters import parse_filter

    crs = named(given["filter-crs"], native, "filter-crs") if "filter-crs" in given else CRS84
    return parse_filter(given["filter"], given.get("filter-lang", "cql2-text"), collection.properties, crs, zone)
