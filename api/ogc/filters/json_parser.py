"""Parser of CQL2 JSON: the nesting depth is checked before parsing, the structure afterwards from the top down."""

from __future__ import annotations

import json
from typing import Any

import shapely

from api.ogc.filters.tree import (
    MOST_DEPTH,
    Context,
    Node,
    Place,
    bbox_node,
    geometry_node,
    interval_node,
    operation_node,
    property_node,
    time_node,
    value_node,
)

MOST_CHARACTERS = 16_384


def parse_json(text: str, context: Context) -> Node:
    """Parse a filter in CQL2 JSON.

    Raises
    ------
    QueryError
        With the position of a JSON syntax error, or the path of an invalid member.
    """
    if len(text) > MOST_CHARACTERS:
        Place(MOST_CHARACTERS).refuse(f"a filter has at most {MOST_CHARACTERS:,} characters, this one {len(text):,}")
    _require_depth(text)
    try:
        content = json.loads(text, parse_constant=lambda name: Place().refuse(f"{name} is no number of JSON"))
    except json.JSONDecodeError as error:
        Place(error.pos).refuse(f"it is no JSON ({error.msg})")
    except ValueError as error:
        Place().refuse(f"it is no JSON ({str(error)[:80]})")
    found = _node(content, context, "$", 0)
    if found.gives not in ("truth", "boolean"):
        Place(0, found.path).refuse(f"a condition is expected, this is a {found.gives}")
    return found


def _require_depth(text: str) -> None:
    """Refuse brackets nested deeper than two per level of the filter; strings are skipped."""
    depth, quoted, escaped = 0, False, False
    for position, letter in enumerate(text):
        if quoted:
            quoted = escaped or letter != '"'
            escaped = letter == "\\" and not escaped
        elif letter == '"':
            quoted = True
        elif letter in "[{":
            depth += 1
            if depth > 2 * MOST_DEPTH:
                Place(position).refuse(f"a filter is nested at most {MOST_DEPTH} deep")
        elif letter in "]}":
            depth -= 1


def _node(content: Any, context: Context, path: str, depth: int) -> Node:
    place = Place(0, path)
    if depth > MOST_DEPTH:
        place.refuse(f"a filter is nested at most {MOST_DEPTH} deep")
    if isinstance(content, bool | str | int | float):
        return value_node(content, place)
    if not isinstance(content, dict):
        place.refuse("an operation, a property or a value is expected")
    if "op" in content:
        return _operation(content, context, place, depth)
    if "property" in content:
        name = content["property"]
        return property_node(name if isinstance(name, str) else str(name), context, place)
    for kind in ("date", "timestamp"):
        if kind in content:
            text = content[kind]
            if not isinstance(text, str):
                place.refuse("a text is expected")
            return time_node(kind, text, context, place)
    if "interval" in content:
        ends = _list(content["interval"], place)
        nodes = [end if isinstance(end, str) else _node(end, context, f"{path}.interval", depth + 1) for end in ends]
        return interval_node(nodes, context, place)
    if "bbox" in content:
        return bbox_node(_numbers(_list(content["bbox"], place), place), context, place)
    if "type" in content:
        return _geometry(content, context, place)
    place.refuse("an operation, a property or a value is expected")


def _operation(content: dict[str, Any], context: Context, place: Place, depth: int) -> Node:
    op = content["op"]
    if not isinstance(op, str):
        place.refuse("op is a text")
    arguments = _list(content.get("args"), place)
    if op == "in" and len(arguments) == 2:
        arguments = [arguments[0], *_list(arguments[1], place)]
    parts = [_node(part, context, f"{place.path}.args[{k}]", depth + 1) for k, part in enumerate(arguments)]
    return operation_node(op.lower(), parts, place)


def _list(content: Any, place: Place) -> list[Any]:
    if not isinstance(content, list):
        place.refuse("a list is expected")
    return content


def _numbers(content: list[Any], place: Place) -> list[float]:
    for number in content:
        if isinstance(number, bool) or not isinstance(number, int | float):
            place.refuse("numbers are expected")
    return [value_node(number, place).value for number in content]


def _geometry(content: dict[str, Any], context: Context, place: Place) -> Node:
    try:
        geometry = shapely.force_2d(shapely.from_geojson(json.dumps(content)))
    except (shapely.errors.ShapelyError, ValueError) as error:
        place.refuse(f"the geometry cannot be read ({str(error)[:80]})")
    return geometry_node(geometry, context, place)
