"""Building blocks of answers: links, GeoJSON documents, ETags, and the choice between JSON and HTML."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlencode

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from api.errors import MediaTypeError
from api.ogc.coordinate_systems import Crs
from api.ogc.feature_table import HEAD, SEPARATOR, FeatureTable
from api.ogc.query import among

GEOJSON, JSON, HTML = "application/geo+json", "application/json", "text/html"
SCHEMA_JSON = "application/schema+json"
FORMATS = ("json", "html")
REL = "http://www.opengis.net/def/rel/ogc/1.0/"
#: Immutable answers are cached by clients for a year.
IMMUTABLE, REVALIDATED = "public, max-age=31536000, immutable", "no-cache"

Link = dict[str, str]
_encode = msgspec.json.Encoder().encode


def base_of(request: Request) -> str:
    """Address of the landing page, as seen by the caller."""
    return f"{str(request.base_url).rstrip('/')}/ogc"


def link(href: str, rel: str, media_type: str, title: str) -> Link:
    """A link object."""
    return {"href": href, "rel": rel, "type": media_type, "title": title}


def wants_page(request: Request, given: str | None) -> bool:
    """Whether to answer with an HTML page: by the parameter ``f``, otherwise by ``Accept``.

    Raises
    ------
    QueryError
        If ``f`` is neither ``json`` nor ``html``.
    """
    if given is not None:
        return among(FORMATS, given, "f") == "html"
    accepted = request.headers.get("accept", "")
    html, json = accepted.find(HTML), accepted.find("json")
    return html >= 0 and (json < 0 or html < json)


def self_links(request: Request, query: dict[str, str], media_type: str) -> list[Link]:
    """Links to the document itself and to its HTML page."""
    here = str(request.url).partition("?")[0]
    as_json = {**query, "f": "json"}
    return [
        link(f"{here}?{urlencode(as_json)}", "self", media_type, "JSON"),
        link(f"{here}?{urlencode({**query, 'f': 'html'})}", "alternate", HTML, "HTML"),
    ]


def json_answer(content: Any, *, media_type: str = JSON, headers: dict[str, str] | None = None) -> Response:
    """A JSON document."""
    return Response(_encode(content), media_type=media_type, headers={"Vary": "Accept", **(headers or {})})


def etag_of(*parts: object) -> str:
    """Weak ETag, as the same content is sent compressed and uncompressed."""
    return f'W/"{hashlib.sha256(repr(parts).encode()).hexdigest()[:24]}"'


def not_changed(request: Request, tag: str) -> bool:
    """Whether the caller already has the answer with this ETag."""
    given = request.headers.get("if-none-match", "")
    return tag in (part.strip() for part in given.split(",")) or given.strip() == "*"


def document_end(matched: int, returned: int, links: Sequence[Link]) -> bytes:
    """Closing part of a feature collection."""
    return b'],"numberMatched":%d,"numberReturned":%d,"links":%b}' % (matched, returned, _encode(links))


def collection_answer(
    request: Request, table: FeatureTable, rows: Sequence[int] | None, crs: Crs, end: bytes, headers: dict[str, str]
) -> Response:
    """Feature collection of the given rows of a table, or of all (None), compressed if the caller accepts it."""
    headers = {**headers, "Content-Crs": f"<{crs.uri}>", "Vary": "Accept, Accept-Encoding"}
    packs = "gzip" in request.headers.get("accept-encoding", "")
    if rows is None and packs:
        headers["Content-Encoding"] = "gzip"
        return Response(table.packed(crs).closed_by(end), media_type=GEOJSON, headers=headers)
    if packs and rows is not None and len(rows) > 1:
        headers["Content-Encoding"] = "gzip"
        return Response(table.packed_rows(rows, crs, end), media_type=GEOJSON, headers=headers)
    fragments = table.fragments(crs)
    body = HEAD + SEPARATOR.join(fragments if rows is None else [fragments[row] for row in rows]) + end
    return Response(body, media_type=GEOJSON, headers=headers)


def gzipped(body: bytes, level: int) -> bytes:
    """Body as a gzip file without name and time, so that equal content gives equal bytes."""
    squeeze = zlib.compressobj(level, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    return squeeze.compress(body) + squeeze.flush()


def require_media_type(request: Request, *known: str) -> str:
    """Media type of a request's body.

    Raises
    ------
    MediaTypeError
        If it is not supported.
    """
    given = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in known:
        raise MediaTypeError(f"Content-Type '{given[:60]}' is not one of {', '.join(known)}")
    return given
