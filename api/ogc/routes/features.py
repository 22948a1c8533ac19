"""Features: pages of a collection, and single features."""

from __future__ import annotations

from typing import Any
from urllib.parse import quote, urlencode

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.access import Caller
from api.access.admission import ANYBODY, admit
from api.errors import NotStoredError
from api.ogc.answers import (
    GEOJSON,
    IMMUTABLE,
    JSON,
    REVALIDATED,
    Link,
    base_of,
    collection_answer,
    document_end,
    etag_of,
    link,
    not_changed,
    self_links,
    wants_page,
)
from api.ogc.catalogue import COLLECTIONS, Collection
from api.ogc.coordinate_systems import CRS84, named
from api.ogc.feature_table import FeatureTable
from api.ogc.properties import Property
from api.ogc.query import MOST_OFFSET, integer_of, interval, parameters
from api.ogc.routes.descriptions import crumbs_of
from api.ogc.routes.endpoints import PREFIX, page, readable, route
from api.ogc.selection import ItemsQuery, known_parameters, page_rows, read_query, selected_rows
from api.ogc.service import OgcService, layer_of
from geo.layers import Level
from maps.english_names import english_name

#: Default number of rows of an HTML page.
PAGE_ROWS = 100


async def items(request: Request) -> Response:
    """Features of a collection that match a query."""
    caller = await admit(request, ANYBODY)
    service: OgcService = request.app.state.ogc
    collection = readable(request, caller)
    given = parameters(request.scope["query_string"], known_parameters(collection))
    if collection.tiled and "filter" not in given and service.is_warm(layer_of(collection)):
        # Answered here if everything is in memory: a thread switch takes longer.
        return answer_items(request, service, caller, collection, given)
    return await run_in_threadpool(answer_items, request, service, caller, collection, given)


def answer_items(
    request: Request, service: OgcService, caller: Caller, collection: Collection, given: dict[str, str]
) -> Response:
    """Answer of an ``items`` address."""
    if wants_page(request, given.get("f")):
        given = {"limit": str(PAGE_ROWS), **given}
        query = read_query(collection, given, service.native(), service.zone)
        return _items_page(request, service, caller, collection, query)
    query = read_query(collection, given, service.native(), service.zone)
    table = service.table(collection, caller, query.when, query.version)
    headers = _caching(collection, table, query.version, request)
    if not_changed(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    rows, matched = page_rows(selected_rows(collection, table, query), len(table), query)
    returned = len(table) if rows is None else len(rows)
    links = _page_links(request, collection, query, matched)
    return collection_answer(request, table, rows, query.crs, document_end(matched, returned, links), headers)


def one_item(request: Request, service: OgcService, caller: Caller) -> Response:
    """One feature."""
    collection = readable(request, caller)
    own = ("version", "datetime") if collection.time == "version" else ("datetime",) if collection.time == "day" else ()
    given = parameters(request.scope["query_string"], ("f", "crs", *own))
    crs = named(given["crs"], service.native(), "crs") if "crs" in given else CRS84
    version = integer_of(given["version"], "version", least=1, most=MOST_OFFSET) if "version" in given else None
    when = interval(given["datetime"], service.zone) if "datetime" in given else None
    table = service.table(collection, caller, when, version)
    row = table.positions.get(request.path_params["feature"])
    if row is None:
        raise NotStoredError(f"{collection.id}: there is no feature '{request.path_params['feature'][:60]}'")
    if wants_page(request, given.get("f")):
        values = {entry: table.values[entry.name][row] for entry in collection.properties}
        return page(
            request,
            "ogc_item.html",
            _title(table, row),
            values=values,
            linked=_parent_link(collection, values),
            source=_address(request, {**given, "f": "json"}),
            crumbs=[*crumbs_of(collection), (f"{PREFIX}/collections/{collection.id}/items", "要素表", "Features")],
        )
    headers = {**_caching(collection, table, version, request), "Content-Crs": f"<{crs.uri}>", "Vary": "Accept"}
    if collection.editing is not None:
        headers["ETag"] = table.item_tag(row)
    if not_changed(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    links = self_links(request, given, GEOJSON)
    links.append(link(f"{base_of(request)}/collections/{collection.id}", "collection", JSON, collection.title))
    body = table.fragments(crs)[row][:-1] + b',"links":' + _encoded(links) + b"}"
    return Response(body, media_type=GEOJSON, headers=headers)


def _title(table: FeatureTable, row: int) -> tuple[str, str]:
    """Title of the page of a feature: its name, or its identifier."""
    name = table.values["name"][row] if "name" in table.values else None
    if not name:
        return table.ids[row], table.ids[row]
    return f"{name}（{table.ids[row]}）", f"{english_name(name)} ({table.ids[row]})"


def _parent_link(collection: Collection, values: dict[Property, Any]) -> dict[str, str]:
    """Address of the cell above, by the name of the property that holds its code."""
    if collection.level is None or collection.level is Level.STREET or collection.draft is not None:
        return {}
    parent = next((value for entry, value in values.items() if entry.name == "parent"), None)
    above = next(one for one in COLLECTIONS if one.tiled and one.level == collection.level - 1)
    return {"parent": f"{PREFIX}/collections/{above.id}/items/{quote(parent, safe='')}"} if parent else {}


def _caching(collection: Collection, table: FeatureTable, version: int | None, request: Request) -> dict[str, str]:
    """ETag and caching headers: immutable if the address contains a version, otherwise revalidated."""
    accept = request.headers.get("accept", "")
    tag = etag_of(table.tag, str(request.url), accept)
    public = collection.right is None
    keep = IMMUTABLE if version is not None else REVALIDATED if public else f"private, {REVALIDATED}"
    return {"ETag": tag, "Cache-Control": keep}


def _page_links(request: Request, collection: Collection, query: ItemsQuery, matched: int) -> list[Link]:
    links = self_links(request, query.given, GEOJSON)
    links.append(link(f"{base_of(request)}/collections/{collection.id}", "collection", JSON, collection.title))
    for rel, offset in _neighbour_pages(query, matched):
        address = _address(request, {**query.given, "limit": str(query.limit), "offset": str(offset)})
        links.append(link(address, rel, GEOJSON, "下一页 Next" if rel == "next" else "上一页 Previous"))
    return links


def _neighbour_pages(query: ItemsQuery, matched: int) -> list[tuple[str, int]]:
    found = []
    if query.offset + query.limit < matched:
        found.append(("next", query.offset + query.limit))
    if query.offset > 0:
        found.append(("prev", max(0, query.offset - query.limit)))
    return found


def _items_page(
    request: Request, service: OgcService, caller: Caller, collection: Collection, query: ItemsQuery
) -> Response:
    """HTML page with map, table and links of a page of features."""
    collection = service.described(collection, caller)
    table = service.table(collection, caller, query.when, query.version)
    rows, matched = page_rows(selected_rows(collection, table, query), len(table), query)
    shown = range(len(table)) if rows is None else rows
    names = [entry.name for entry in collection.properties]
    plain = {k: v for k, v in query.given.items() if k not in ("f", "crs", "bbox-crs")}
    neighbours: dict[str, Any] = {
        rel: f"?{urlencode({**query.given, 'offset': str(offset), 'f': 'html'})}"
        for rel, offset in _neighbour_pages(query, matched)
    }
    return page(
        request,
        "ogc_items.html",
        ("要素表", "Features"),
        collection=collection,
        rows=[(quote(table.ids[row], safe=""), [table.values[name][row] for name in names]) for row in shown],
        first=query.offset + 1,
        matched=matched,
        neighbours=neighbours,
        source=_address(request, {**plain, "f": "json"}),
        crumbs=crumbs_of(collection),
    )


def _address(request: Request, query: dict[str, str]) -> str:
    return f"{str(request.url).partition('?')[0]}?{urlencode(query)}"


def _encoded(links: list[Link]) -> bytes:
    import msgspec

    return msgspec.json.encode(links)


items.right = ANYBODY  # type: ignore[attr-defined]
ROUTES = [
    Route(f"{PREFIX}/collections/{{collection}}/items", items, methods=["GET"]),
    route("/collections/{collection}/items/{feature}", one_item),
]
