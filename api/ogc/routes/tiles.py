"""Vector tiles of the layers, separately and combined, and their descriptions."""

from __future__ import annotations

import zlib
from functools import lru_cache

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.access import Caller
from api.access.admission import ANYBODY, admit
from api.errors import NotStoredError
from api.ogc.answers import IMMUTABLE, JSON, REVALIDATED, base_of, json_answer, not_changed, self_links, wants_page
from api.ogc.catalogue import COLLECTIONS, Collection
from api.ogc.publication.published import Published
from api.ogc.query import MOST_OFFSET, integer_of, parameters
from api.ogc.routes.descriptions import crumbs_of
from api.ogc.routes.endpoints import PREFIX, page, readable, route
from api.ogc.service import OgcService, layer_of
from api.ogc.tiles.matrix_set import MVT, NAME, matrix_set, tile_json, tile_set, tile_set_item
from api.ogc.tiles.tile_cache import FIRST_ZOOM, LAST_ZOOM

_TITLE = ("矢量瓦片", "Vector tiles")


async def tile(request: Request) -> Response:
    """One tile."""
    caller = await admit(request, ANYBODY)
    service: OgcService = request.app.state.ogc
    collection = _tiled(request, caller) if "collection" in request.path_params else None
    given = parameters(request.scope["query_string"], ("f", "version"))
    version = integer_of(given["version"], "version", least=1, most=MOST_OFFSET) if "version" in given else None
    fresh, place = service.versions.fresh, _place(request)
    if fresh is None or version not in (None, fresh.version.id) or not fresh.has_tiles_of(place[0]):
        # Building the tiles of a zoom takes long, so it runs in a thread.
        return await run_in_threadpool(_tile_of_version, request, service, collection, version)
    return _tile(request, fresh, collection, version)


def _tile_of_version(
    request: Request, service: OgcService, collection: Collection | None, version: int | None
) -> Response:
    found = service.versions.current() if version is None else service.versions.numbered(version)
    return _tile(request, found, collection, version)


def _tile(request: Request, found: Published, collection: Collection | None, version: int | None) -> Response:
    zoom, row, column = _place(request)
    level = None if collection is None else layer_of(collection)
    tag = f'W/"{found.version.id}-{found.version.digest[:16]}-{zoom}-{row}-{column}-{level}"'
    headers = {"ETag": tag, "Cache-Control": IMMUTABLE if version is not None else REVALIDATED}
    headers["Vary"] = "Accept-Encoding"
    if not_changed(request, tag):
        return Response(status_code=304, headers=headers)
    known = found.tiles.tile(zoom, column, row)
    body = b"" if known is None else known.everything if level is None else known.layers[level]
    if not body:
        return Response(status_code=204, headers=headers)
    if "gzip" in request.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
    else:
        body = _unpacked(body)
    return Response(body, media_type=MVT, headers=headers)


@lru_cache(maxsize=128)
def _unpacked(body: bytes) -> bytes:
    """Content of a gzip file. Clients without gzip mostly ask for the same few tiles, so the last ones are kept (about 20 MB)."""
    return zlib.decompress(body, zlib.MAX_WBITS | 16)


def _place(request: Request) -> tuple[int, int, int]:
    """Zoom, row and column of an address.

    Raises
    ------
    NotStoredError
        If there are no such tiles.
    """
    names = ("tileMatrix", "tileRow", "tileCol")
    zoom, row, column = (integer_of(request.path_params[name], name, least=0, most=MOST_OFFSET) for name in names)
    if not FIRST_ZOOM <= zoom <= LAST_ZOOM:
        raise NotStoredError(f"tileMatrix {zoom}: there are tiles of {FIRST_ZOOM} to {LAST_ZOOM}")
    if max(row, column) >= 1 << zoom:
        raise NotStoredError(f"tileRow {row}, tileCol {column}: the matrix {zoom} has {1 << zoom} of each")
    return zoom, row, column


def _tiled(request: Request, caller: Caller) -> Collection:
    collection = readable(request, caller)
    if not collection.tiled:
        raise NotStoredError(f"{collection.id}: there are no tiles of this collection")
    return collection


def matrix_sets(request: Request, _service: OgcService, _caller: Caller) -> Response:
    """List of the matrix sets, which is one."""
    query = parameters(request.scope["query_string"], ("f",))
    address = f"{base_of(request)}/tileMatrixSets/{NAME}"
    if wants_page(request, query.get("f")):
        return page(
            request, "ogc_list.html", ("瓦片矩阵集", "Tile matrix sets"), rows=[address], linked=True, crumbs=_HOME
        )
    links = [{"href": address, "rel": "self", "type": JSON, "title": NAME}]
    return json_answer({"tileMatrixSets": [{"id": NAME, "title": "Web Mercator", "links": links}]})


def one_matrix_set(request: Request, _service: OgcService, _caller: Caller) -> Response:
    """The matrix set."""
    parameters(request.scope["query_string"], ("f",))
    if request.path_params["set"] != NAME:
        raise NotStoredError(f"there is no matrix set '{request.path_params['set'][:40]}'; there is {NAME}")
    return json_answer(matrix_set(f"{base_of(request)}/tileMatrixSets/{NAME}"))


def tile_sets(request: Request, service: OgcService, caller: Caller) -> Response:
    """Tile sets of a collection, or of all layers together: one each."""
    query = parameters(request.scope["query_string"], ("f",))
    here, title, layers = _described(request, caller)
    item = tile_set_item(base_of(request), f"{here}/{NAME}", title)
    if wants_page(request, query.get("f")):
        return _tiles_page(request, service, here, layers)
    return json_answer({"tilesets": [item], "links": self_links(request, query, JSON)})


def _tiles_page(request: Request, service: OgcService, here: str, layers: list[str]) -> Response:
    """HTML page with the tiles on a map and their addresses."""
    found = [collection for collection in COLLECTIONS if collection.id in layers]
    crumbs = crumbs_of(found[0]) if "collection" in request.path_params else _HOME
    return page(
        request,
        "ogc_tiles.html",
        _TITLE,
        here_tiles=here,
        path=request.url.path.rstrip("/"),
        bounds=service.extent_table(COLLECTIONS[0]).bounds or (),
        version=service.versions.current().version.id,
        zooms=(FIRST_ZOOM, LAST_ZOOM),
        layers=[(collection.id, collection.zh, collection.en) for collection in found],
        crumbs=crumbs,
    )


def one_tile_set(request: Request, service: OgcService, caller: Caller) -> Response:
    """A tile set with its limits."""
    parameters(request.scope["query_string"], ("f",))
    here, title, layers = _described(request, caller)
    found = service.versions.current()
    bounds = service.extent_table(COLLECTIONS[0]).bounds or (-180.0, -90.0, 180.0, 90.0)
    address = f"{here}/{NAME}"
    return json_answer(
        tile_set(base_of(request), address, title, layers, found.tiles, bounds, found.version.id),
        headers={"Cache-Control": REVALIDATED},
    )


def tile_json_document(request: Request, service: OgcService, caller: Caller) -> Response:
    """TileJSON of a tile set."""
    parameters(request.scope["query_string"], ("f",))
    here, title, layers = _described(request, caller)
    found = service.versions.current()
    bounds = service.extent_table(COLLECTIONS[0]).bounds or (-180.0, -90.0, 180.0, 90.0)
    return json_answer(tile_json(f"{here}/{NAME}", title, layers, bounds, found.version.id))


def _described(request: Request, caller: Caller) -> tuple[str, str, list[str]]:
    """Address, title and layers of the collection of a request, or of all layers."""
    if "collection" in request.path_params:
        collection = _tiled(request, caller)
        return f"{base_of(request)}/collections/{collection.id}/tiles", collection.title, [collection.id]
    layers = [collection.id for collection in COLLECTIONS if collection.tiled]
    return f"{base_of(request)}/tiles", "网格划分 Division", layers


_HOME = [("/ogc", "数据服务", "Data service")]
tile.right = ANYBODY  # type: ignore[attr-defined]
_STARTS = ("/collections/{collection}", "")
ROUTES: list[Route] = [
    Route(f"{PREFIX}{start}/tiles/{NAME}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}", tile, methods=["GET"])
    for start in _STARTS
]
for _start in _STARTS:
    ROUTES += [
        route(f"{_start}/tiles", tile_sets),
        route(f"{_start}/tiles/{NAME}", one_tile_set),
        route(f"{_start}/tiles/{NAME}/tilejson", tile_json_document),
    ]
ROUTES += [route("/tileMatrixSets", matrix_sets), route("/tileMatrixSets/{set}", one_matrix_set)]
