"""Nodes of a filter and their validation, independent of the language."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, Literal, NoReturn
from zoneinfo import ZoneInfo

import numpy as np
import shapely

from api.errors import QueryError
from api.ogc.coordinate_systems import Crs
from api.ogc.properties import Property
from api.ogc.query import day_text, instant, local_day
from geo.wording import counted

#: Type of a node's result. An interval is a pair of times.
Gives = Literal["truth", "string", "number", "boolean", "date", "datetime", "period", "geometry", "null"]

MOST_DEPTH = 50
COMPARISONS = ("=", "<>", "<", ">", "<=", ">=")
ARITHMETIC = ("+", "-", "*", "/", "%", "div", "^")
SPATIAL = (
    "s_intersects",
    "s_equals",
    "s_disjoint",
    "s_touches",
    "s_within",
    "s_overlaps",
    "s_crosses",
    "s_contains",
)
TEMPORAL = (
    "t_after",
    "t_before",
    "t_contains",
    "t_disjoint",
    "t_during",
    "t_equals",
    "t_finishedby",
    "t_finishes",
    "t_intersects",
    "t_meets",
    "t_metby",
    "t_overlappedby",
    "t_overlaps",
    "t_startedby",
    "t_starts",
)
#: Operations that require two intervals; the others also accept instants.
OF_PERIODS = frozenset(TEMPORAL) - {"t_after", "t_before", "t_disjoint", "t_equals", "t_intersects"}
TEXT_FUNCTIONS = ("casei", "accenti")
GEOMETRY = "geometry"
_TIMES = ("date", "datetime")
#: Open ends of an interval: outside the range of valid times.
_OPEN = (np.datetime64("0001-01-01", "us"), np.datetime64("9999-12-31", "us"))


@dataclass(frozen=True)
class Node:
    """One node.

    Attributes
    ----------
    op
        ``property``, ``value``, ``and``, ``or``, ``not``, ``like``, ``between``, ``in``, ``isnull``, ``interval``, or one of
        the operations above.
    gives
        Type of its result.
    parts
        Its operands.
    value
        Name of a property, or a value: text, float, bool, ``datetime64[us]`` in UTC, or a geometry with x first.
    position, path
        Its location in the filter, for messages.
    space
        EPSG code of the coordinates of a geometry.
    span
        First and last moment of the local day of a date literal.
    """

    op: str
    gives: Gives
    parts: tuple[Node, ...] = ()
    value: Any = None
    position: int = 0
    path: str = ""
    space: int = 0
    span: tuple[Any, Any] | None = None


@dataclass(frozen=True)
class Context:
    """Context of parsing: the queryables, the CRS of geometries and the time zone of dates."""

    properties: dict[str, Property]
    crs: Crs
    zone: ZoneInfo


@dataclass(frozen=True)
class Place:
    """Location of a node in the filter."""

    position: int = 0
    path: str = ""

    def refuse(self, what: str) -> NoReturn:
        """Refuse the filter because of the node at this location.

        Raises
        ------
        QueryError
            Always.
        """
        where = f"at {self.path}" if self.path else f"at position {self.position}"
        raise QueryError(f"filter, {where}: {what}", parameter="filter", position=self.position)


def property_node(name: str, context: Context, place: Place) -> Node:
    """A property or the geometry."""
    if name == GEOMETRY:
        return Node("property", "geometry", value=name, position=place.position, path=place.path)
    entry = context.properties.get(name)
    if entry is None:
        place.refuse(f"there is no property '{name[:60]}'; there are {', '.join(context.properties)}, {GEOMETRY}")
    gives: Gives = "number" if entry.kind == "integer" else entry.kind
    return Node("property", gives, value=name, position=place.position, path=place.path)


def value_node(value: Any, place: Place) -> Node:
    """A text, number or truth value."""
    gives: Gives = "boolean" if isinstance(value, bool) else "string" if isinstance(value, str) else "number"
    if gives == "number":
        value = float(value)
        if not np.isfinite(value):
            place.refuse("the number is too large")
    return Node("value", gives, value=value, position=place.position, path=place.path)


def time_node(kind: Literal["date", "timestamp"], text: str, context: Context, place: Place) -> Node:
    """A date or an instant."""
    if kind == "date":
        day = day_text(text)
        if day is None:
            place.refuse(f"'{text[:40]}' is no day; write it like 2026-03-02")
        return _day_node(day, context, place)
    moment = instant(text)
    if moment is None:
        place.refuse(f"'{text[:40]}' is no time with a zone; write it like 2026-03-02T08:00:00Z")
    return Node("value", "datetime", value=_utc(moment), position=place.position, path=place.path)


def interval_node(ends: Sequence[Node | str], context: Context, place: Place) -> Node:
    """An interval between two dates or instants, given as text (``..`` if open) or properties."""
    if len(ends) != 2:
        place.refuse("an interval has two ends")
    found = []
    for which, end in enumerate(ends):
        if isinstance(end, str):
            found.append(_end_node(end, which, context, place))
        elif end.gives in _TIMES:
            found.append(end)
        else:
            Place(end.position, end.path).refuse("the end of an interval is a day, a time or '..'")
    first, last = found
    if first.op == last.op == "value" and bounds_of(first)[0] > bounds_of(last)[1]:
        place.refuse("the interval ends before it starts")
    return Node("interval", "period", (first, last), position=place.position, path=place.path)


def _end_node(text: str, which: int, context: Context, place: Place) -> Node:
    if text == "..":
        return Node("value", "datetime", value=_OPEN[which], position=place.position, path=place.path)
    day = day_text(text)
    if day is not None:
        return _day_node(day, context, place)
    return time_node("timestamp", text, context, place)


def _day_node(day: date, context: Context, place: Place) -> Node:
    found = local_day(day, context.zone)
    assert found.start is not None
    assert found.end is not None
    span = _utc(found.start), _utc(found.end)
    value = np.datetime64(day, "us")
    return Node("value", "date", value=value, position=place.position, path=place.path, span=span)


def geometry_node(geometry: Any, context: Context, place: Place) -> Node:
    """A geometry, given in the axis order of the filter's CRS."""
    if context.crs.swapped:
        geometry = shapely.transform(geometry, lambda xy: xy[:, ::-1])
    bounds = shapely.bounds(geometry)
    if geometry.is_empty or not np.isfinite(bounds).all():
        place.refuse("the geometry has no coordinates")
    if not shapely.is_valid(geometry):
        place.refuse(f"the geometry is not valid ({shapely.is_valid_reason(geometry)})")
    space = context.crs.space
    return Node("value", "geometry", value=geometry, position=place.position, path=place.path, space=space)


def bbox_node(numbers: Sequence[float], context: Context, place: Place) -> Node:
    """A bounding box as a geometry."""
    if len(numbers) not in (4, 6):
        place.refuse("a box has 4 or 6 numbers")
    low, high = numbers[:2], numbers[len(numbers) // 2 :][:2]
    if low[1] > high[1] or low[0] > high[0]:
        place.refuse("the lower bound of an axis is above its upper bound")
    return geometry_node(shapely.box(low[0], low[1], high[0], high[1]), context, place)


def operation_node(op: str, parts: Sequence[Node], place: Place) -> Node:
    """An operation; the number and types of its operands are checked.

    Raises
    ------
    QueryError
        With the location of the first invalid operand.
    """
    gives = _result(op, parts, place)
    return Node(op, gives, tuple(parts), position=place.position, path=place.path)


def _result(op: str, parts: Sequence[Node], place: Place) -> Gives:
    if op in ("and", "or"):
        _require(parts, ("truth", "boolean"), place, least=2)
    elif op == "not":
        _require(parts, ("truth", "boolean"), place, count=1)
    elif op in COMPARISONS or op in ("between", "in"):
        _require_comparable(op, parts, place)
    elif op == "like":
        _require(parts, ("string",), place, count=2)
    elif op == "isnull":
        if len(parts) != 1 or parts[0].gives == "truth":
            place.refuse("IS NULL asks one property")
    elif op in SPATIAL:
        _require(parts, ("geometry",), place, count=2)
    elif op in TEMPORAL:
        _require_times(op, parts, place)
    elif op in ARITHMETIC:
        _require(parts, ("number",), place, count=2)
        return "number"
    elif op in TEXT_FUNCTIONS:
        _require(parts, ("string",), place, count=1)
        return "string"
    else:
        place.refuse(f"'{op[:40]}' is no operation or function that is known")
    return "truth"


def _require(
    parts: Sequence[Node], kinds: tuple[str, ...], place: Place, *, count: int | None = None, least: int = 1
) -> None:
    if len(parts) != count if count is not None else len(parts) < least:
        expected = counted(least if count is None else count, "argument is", "arguments are")
        place.refuse(f"{'at least ' if count is None else ''}{expected} expected, not {len(parts)}")
    for part in parts:
        if part.gives not in kinds:
            Place(part.position, part.path).refuse(f"a {' or '.join(kinds)} is expected, this is a {part.gives}")


def _require_comparable(op: str, parts: Sequence[Node], place: Place) -> None:
    expected = {"between": 3, "in": None}.get(op, 2)
    if (expected is not None and len(parts) != expected) or len(parts) < 2:
        place.refuse(f"{expected or 'at least 2'} arguments are expected, not {len(parts)}")
    kind = parts[0].gives
    if kind in ("geometry", "period", "null"):
        Place(parts[0].position, parts[0].path).refuse(f"a {kind} cannot be compared with {op}")
    for part in parts[1:]:
        if part.gives != kind and not {part.gives, kind} <= {"truth", "boolean"}:
            Place(part.position, part.path).refuse(f"a {kind} is compared with a {part.gives}")
    if kind in ("boolean", "truth") and op not in ("=", "<>", "in"):
        place.refuse("truth values have no order")
    if op == "between" and kind != "number":
        place.refuse("BETWEEN takes numbers")


def _require_times(op: str, parts: Sequence[Node], place: Place) -> None:
    _require(parts, ("date", "datetime", "period"), place, count=2)
    single = [part for entry in parts for part in (entry.parts if entry.gives == "period" else (entry,))]
    if any(part.gives == "datetime" and not is_open_end(part) for part in single):
        for part in single:
            if part.gives == "date" and part.op == "property":
                Place(part.position, part.path).refuse("a day is compared with a time; give both as days")
    if op in OF_PERIODS:
        for part in parts:
            if part.gives != "period" and not (op in ("t_during", "t_contains") and _one_moment(op, parts, part)):
                Place(part.position, part.path).refuse(f"{op.upper()} takes periods, this is a {part.gives}")


def _one_moment(op: str, parts: Sequence[Node], part: Node) -> bool:
    """Whether the operation accepts this operand as an instant within an interval."""
    return part is parts[0 if op == "t_during" else 1] and any(other.gives == "period" for other in parts)


def bounds_of(node: Node) -> tuple[Any, Any]:
    """First and last moment of a date or instant."""
    return node.span if node.span is not None else (node.value, node.value)


def is_open_end(node: Node) -> bool:
    """Whether a node is an open end of an interval."""
    return node.op == "value" and node.gives == "datetime" and node.value in _OPEN


def _utc(moment: datetime) -> np.datetime64:
    return np.datetime64(moment.astimezone(UTC).replace(tzinfo=None), "us")
