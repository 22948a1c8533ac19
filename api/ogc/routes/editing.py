"""Create, replace, update and delete features (part 4), and ``OPTIONS``, by which QGIS finds out that it may."""

from __future__ import annotations

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.access import PUBLIC, Caller, allowed
from api.errors import NotEditableError
from api.ogc.answers import GEOJSON, JSON, base_of, require_media_type
from api.ogc.catalogue import Collection
from api.ogc.coordinate_systems import CRS84, Crs, named
from api.ogc.query import parameters
from api.ogc.routes.endpoints import PREFIX, readable
from api.ogc.service import OgcService, collection_named
from api.routes.guard import ANYBODY, LOGGED_IN, admit, authorize

MERGE_PATCH = "application/merge-patch+json"


async def change(request: Request) -> Response:
    """Create, replace, update or delete a feature."""
    caller = await admit(request, LOGGED_IN)
    collection = collection_named(request.path_params["collection"])
    if collection.editing is None:
        raise NotEditableError(f"{collection.id}: features are not edited here")
    authorize(caller, collection.editing[0 if request.method == "POST" else 1])
    parameters(request.scope["query_string"], ())
    body = await request.body()
    return await run_in_threadpool(_changed, request, caller, body)


def _changed(request: Request, caller: Caller, body: bytes) -> Response:
    from api.ogc.incident_edits import Editor

    state = request.app.state
    service: OgcService = state.ogc
    expected = request.headers.get("if-match")
    editor = Editor(service, state.current.get(), caller, state.clock(), expected)
    method = request.method
    if method == "DELETE":
        editor.withdraw(request.path_params["feature"])
        return Response(status_code=204)
    require_media_type(request, *((MERGE_PATCH, GEOJSON, JSON) if method == "PATCH" else (GEOJSON, JSON)))
    crs = _content_crs(request, service)
    if method == "POST":
        key = editor.create(body, crs)
        address = f"{base_of(request)}/collections/incidents/items/{key}"
        return Response(status_code=201, headers={"Location": address})
    (editor.replace if method == "PUT" else editor.update)(request.path_params["feature"], body, crs)
    return Response(status_code=204)


def _content_crs(request: Request, service: OgcService) -> Crs:
    """CRS of the geometry in a body, by ``Content-Crs``."""
    given = request.headers.get("content-crs")
    return CRS84 if given is None else named(given, service.native(), "Content-Crs")


async def options(request: Request) -> Response:
    """The methods that the caller may use on an address."""
    caller = await admit(request, ANYBODY)
    collection = readable(request, caller)
    methods = ["GET", "HEAD", "OPTIONS", *_editing_methods(collection, caller, one="feature" in request.path_params)]
    return Response(status_code=200, headers={"Allow": ", ".join(methods)})


def _editing_methods(collection: Collection, caller: Caller, *, one: bool) -> list[str]:
    if collection.editing is None or caller is PUBLIC:
        return []
    right = collection.editing[1 if one else 0]
    return (["PUT", "PATCH", "DELETE"] if one else ["POST"]) if allowed(caller, right) else []


change.right = LOGGED_IN  # type: ignore[attr-defined]
options.right = ANYBODY  # type: ignore[attr-defined]
_ITEMS = f"{PREFIX}/collections/{{collection}}/items"
ROUTES = [
    Route(_ITEMS, options, methods=["OPTIONS"]),
    Route(_ITEMS, change, methods=["POST"]),
    Route(f"{_ITEMS}/{{feature}}", options, methods=["OPTIONS"]),
    Route(f"{_ITEMS}/{{feature}}", change, methods=["PUT", "PATCH", "DELETE"]),
]
