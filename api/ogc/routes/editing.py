"""Create, replace, update and delete features (part 4), and ``OPTIONS``, from which QGIS derives its capabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from api.access import PUBLIC, Caller, allowed
from api.access.admission import ANYBODY, LOGGED_IN, admit, authorize
from api.errors import NotEditableError
from api.ogc.answers import GEOJSON, JSON, base_of, require_media_type
from api.ogc.catalogue import Collection
from api.ogc.coordinate_systems import CRS84, Crs, named
from api.ogc.query import parameters
from api.ogc.routes.endpoints import PREFIX, readable
from api.ogc.service import OgcService, collection_named

if TYPE_CHECKING:
    from api.ogc.drafts.cell_edits import CellEditor
    from api.ogc.incident_edits import IncidentEditor

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
    return await run_in_threadpool(_changed, request, caller, collection, body)


def _changed(request: Request, caller: Caller, collection: Collection, body: bytes) -> Response:
    service: OgcService = request.app.state.ogc
    editor = _editor(request, service, caller, collection)
    method = request.method
    if method == "DELETE":
        editor.withdraw(request.path_params["feature"])
        return Response(status_code=204)
    require_media_type(request, *((MERGE_PATCH, GEOJSON, JSON) if method == "PATCH" else (GEOJSON, JSON)))
    crs = _content_crs(request, service)
    if method == "POST":
        key = editor.create(body, crs)
        address = f"{base_of(request)}/collections/{collection.id}/items/{key}"
        return Response(status_code=201, headers={"Location": address})
    (editor.replace if method == "PUT" else editor.update)(request.path_params["feature"], body, crs)
    return Response(status_code=204)


def _editor(
    request: Request, service: OgcService, caller: Caller, collection: Collection
) -> IncidentEditor | CellEditor:
    state, expected = request.app.state, request.headers.get("if-match")
    if collection.draft is not None:
        from api.ogc.drafts.cell_edits import CellEditor

        return CellEditor(service, collection, caller, state.clock(), expected)
    from api.ogc.incident_edits import IncidentEditor

    return IncidentEditor(service, state.current.get(), caller, state.clock(), expected)


def _content_crs(request: Request, service: OgcService) -> Crs:
    """CRS of the geometry in a body, by ``Content-Crs``."""
    given = request.headers.get("content-crs")
    return CRS84 if given is None else named(given, service.native(), "Content-Crs")


async def options(request: Request) -> Response:
    """The methods allowed to the caller at an address."""
    caller = await admit(request, ANYBODY)
    collection = readable(request, caller)
    if collection.draft is not None:
        await run_in_threadpool(request.app.state.ogc.described, collection, caller)
    methods = ["GET", "HEAD", "OPTIONS", *_editing_methods(collection, caller, one="feature" in request.path_params)]
    return Response(status_code=200, headers={"Allow": ", ".join(methods)})


def _editing_methods(collection: Collection, caller: Caller, *, one: bool) -> list[str]:
    if collection.editing is None or caller is PUBLIC or not allowed(caller, collection.editing[1 if one else 0]):
        return []
    if one:
        return ["PUT", "PATCH", *(["DELETE"] if collection.deletable else [])]
    # QGIS treats a layer without POST as read-only.
    return ["POST"]


change.right = LOGGED_IN  # type: ignore[attr-defined]
options.right = ANYBODY  # type: ignore[attr-defined]
_ITEMS = f"{PREFIX}/collections/{{collection}}/items"
ROUTES = [
    Route(_ITEMS, options, methods=["OPTIONS"]),
    Route(_ITEMS, change, methods=["POST"]),
    Route(f"{_ITEMS}/{{feature}}", options, methods=["OPTIONS"]),
    Route(f"{_ITEMS}/{{feature}}", change, methods=["PUT", "PATCH", "DELETE"]),
]
