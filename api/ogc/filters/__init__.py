"""CQL2 filters: text and JSON are read into one tree, which is evaluated on the columns of a table.

Terms
-----
node
    One operation, property or value of the tree, with its place in the filter.
position
    Character of the filter at which a node begins, from 0; of JSON, which is read as a whole, that of the filter (0), and the
    message names the path to the node.

The parsers are guarded: a filter is at most 4,096 characters of text or 16,384 of JSON long and nested at most 50 deep, so no
filter can exhaust the stack. Names are checked against the queryables and types against each other before anything is
compared.

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
    """Read a filter.

    Parameters
    ----------
    properties
        The queryables.
    crs
        CRS of the geometries in the filter.
    zone
        Time zone of days without a time.

    Raises
    ------
    QueryError
        With the position of what cannot be read, is not known, or has the wrong type.
    """
    if language not in LANGUAGES:
        raise QueryError(
            f"filter-lang: '{language[:40]}' is not one of {', '.join(LANGUAGES)}", parameter="filter-lang"
        )
    context = Context({entry.name: entry for entry in properties}, crs, zone)
    return parse_text(text, context) if language == "cql2-text" else parse_json(text, context)
