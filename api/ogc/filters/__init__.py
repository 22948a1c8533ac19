"""CQL2 filters: text and JSON are parsed into one tree, which is evaluated on the columns of a table.

Terms
-----
node
    One operation, property or value of the tree, with its place in the filter.
position
    Character offset in the filter at which a node begins. For JSON, which is parsed as a whole, it is 0, and the message contains
    the path to the node.

Limits protect the stack: a filter has at most 4,096 characters of text or 16,384 of JSON, and at most 50 levels of nesting. Names
and types are checked before the evaluation.

Known limits: no arrays and no functions. ``ACCENTI`` removes combining marks, ``CASEI`` folds case, as Unicode defines them.
"""

from __future__ import annotations

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from api.errors import QueryError
from api.ogc.coordinate_systems import Crs
from api.ogc.filters.json_parser import parse_json
from api.ogc.filters.text_parser import parse_text
from api.ogc.filters.tree import Context, Node
from api.ogc.properties import Property

LANGUAGES = ("cql2-text", "cql2-json")


def parse_filter(text: str, language: str, properties: Sequence[Property], crs: Crs, zone: ZoneInfo) -> Node:
    """Parse a filter.

    Parameters
    ----------
    properties
        The queryables.
    crs
        CRS of the geometries in the filter.
    zone
        Time zone of dates without time.

    Raises
    ------
    QueryError
        With the position of a syntax error, an unknown name or a wrong type.
    """
    if language not in LANGUAGES:
        raise QueryError(
            f"filter-lang: '{language[:40]}' is not one of {', '.join(LANGUAGES)}", parameter="filter-lang"
        )
    context = Context({entry.name: entry for entry in properties}, crs, zone)
    return parse_text(text, context) if language == "cql2-text" else parse_json(text, context)
