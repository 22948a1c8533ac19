"""Landing page, conformance, OpenAPI document, collections, queryables and schemas."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from api.access import Caller
from api.ogc.answers import JSON, SCHEMA_JSON, base_of, json_answer, self_links, wants_page
from api.ogc.describing import documents
from api.ogc.describing.conformance import CLASSES
from api.ogc.describing.openapi_document import openapi_document
from api.ogc.properties import KIND_NAMES
from api.ogc.query import parameters
from api.ogc.routes.endpoints import page, readable, route
from api.ogc.service import OgcService
from maps.english_names import english_name

_FORMAT = ("f",)


def landing(request: Request, service: OgcService, caller: Caller) -> Response:
    """The landing page."""
    query = parameters(request.scope["query_string"], _FORMAT)
    street = service.versions.current().version.street_name or ""
    content = documents.landing(base_of(request), street)
    content["links"] = self_links(request, query, JSON) + content["links"]
    if wants_page(request, query.get("f")):
        title = (f"{street}网格数据服务", f"Geographic data of {english_name(street)}" if street else "Geographic data")
        return page(request, "ogc_landing.html", title, content=content, collections=service.visible(caller), crumbs=[])
    return json_answer(content)


def conformance(request: Request, _service: OgcService, _caller: Caller) -> Response:
    """The conformance classes."""
    query = parameters(request.scope["query_string"], _FORMAT)
    content = {"conformsTo": list(CLASSES), "links": self_links(request, query, JSON)}
    if wants_page(request, query.get("f")):
        title = ("符合的标准", "Conformance classes")
        return page(request, "ogc_list.html", title, rows=CLASSES, linked=False, crumbs=[("/ogc", *_HOME)])
    return json_answer(content)


def api_document(request: Request, service: OgcService, _caller: Caller) -> Response:
    """The OpenAPI document, or its HTML page."""
    query = parameters(request.scope["query_string"], _FORMAT)
    content = openapi_document(base_of(request), service.native())
    if wants_page(request, query.get("f")):
        rows = [
            (path, method.upper(), operation["summary"])
            for path, operations in content["paths"].items()
            for method, operation in operations.items()
            if method != "parameters"
        ]
        return page(request, "ogc_api.html", ("接口说明", "Description"), rows=rows, crumbs=[("/ogc", *_HOME)])
    return json_answer(content, media_type=documents.OPENAPI)


def collections(request: Request, service: OgcService, caller: Caller) -> Response:
    """The collections that the caller may read."""
    query = parameters(request.scope["query_string"], _FORMAT)
    base = base_of(request)
    found = service.visible(caller)
    if wants_page(request, query.get("f")):
        return page(
            request, "ogc_collections.html", ("数据集", "Collections"), collections=found, crumbs=[("/ogc", *_HOME)]
        )
    content = {
        "links": self_links(request, query, JSON),
        "collections": [_document(service, base, c) for c in found],
    }
    return json_answer(content)


def one_collection(request: Request, service: OgcService, caller: Caller) -> Response:
    """One collection."""
    collection = service.described(readable(request, caller), caller)
    query = parameters(request.scope["query_string"], _FORMAT)
    content = _document(service, base_of(request), collection)
    if wants_page(request, query.get("f")):
        return page(
            request,
            "ogc_collection.html",
            (collection.zh, collection.en),
            collection=collection,
            content=content,
            version=service.versions.current().version.id if collection.tiled else None,
            crumbs=[("/ogc", *_HOME), ("/ogc/collections", *_ALL)],
        )
    return json_answer(content)


def queryables(request: Request, service: OgcService, caller: Caller) -> Response:
    """The properties allowed in filters."""
    return _schema(request, service, caller, queryables=True)


def schema(request: Request, service: OgcService, caller: Caller) -> Response:
    """Schema of the features of a collection."""
    return _schema(request, service, caller, queryables=False)


def _schema(request: Request, service: OgcService, caller: Caller, *, queryables: bool) -> Response:
    collection = service.described(readable(request, caller), caller)
    query = parameters(request.scope["query_string"], _FORMAT)
    content = documents.schema(str(request.url).partition("?")[0], collection, queryables=queryables)
    if wants_page(request, query.get("f")):
        name = ("可查询属性", "Queryables") if queryables else ("数据结构", "Schema")
        return page(
            request,
            "ogc_schema.html",
            name,
            properties=[entry for entry in collection.properties if entry.name in content["properties"]],
            kinds=KIND_NAMES,
            geometry=("点", "point") if collection.geometry == "point" else ("多边形", "polygon"),
            crumbs=crumbs_of(collection),
        )
    return json_answer(content, media_type=SCHEMA_JSON)


def _document(service: OgcService, base: str, collection: Any) -> dict[str, Any]:
    return documents.collection_document(base, collection, service.extent_table(collection))


def qgis_help(request: Request, _service: OgcService, _caller: Caller) -> Response:
    """HTML page on adding the service to QGIS."""
    parameters(request.scope["query_string"], ())
    title = ("在 QGIS 中使用", "Use it in QGIS")
    return page(request, "ogc_help.html", title, base=base_of(request), crumbs=[("/ogc", *_HOME)])


def crumbs_of(collection: Any) -> list[tuple[str, str, str]]:
    """Breadcrumbs of a collection: addresses with names."""
    here = f"/ogc/collections/{collection.id}"
    return [("/ogc", *_HOME), ("/ogc/collections", *_ALL), (here, collection.zh, collection.en)]


_HOME, _ALL = ("数据服务", "Data service"), ("数据集", "Collections")
ROUTES = [
    route("", landing),
    route("/", landing),
    route("/help", qgis_help),
    route("/conformance", conformance),
    route("/api", api_document),
    route("/collections", collections),
    route("/collections/{collection}", one_collection),
    route("/collections/{collection}/queryables", queryables),
    route("/collections/{collection}/schema", schema),
]
