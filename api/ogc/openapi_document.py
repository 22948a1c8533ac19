"""The OpenAPI 3.0.3 document of ``/ogc``, one literal path for each collection.

Clients read it: QGIS takes its page size from ``components.parameters.limit`` and the simple filters from the parameters of
``/collections/<id>/items``.
"""

from __future__ import annotations

from typing import Any

from api.ogc.catalogue import COLLECTIONS, Collection
from api.ogc.coordinate_systems import CRS84, served
from api.ogc.filters import LANGUAGES
from api.ogc.properties import Property
from api.ogc.query import MOST_OFFSET
from api.ogc.selection import DEFAULT_LIMIT, MOST_LIMIT
from api.problems import MEDIA_TYPE

_ANY_JSON = {"type": "object"}
_DESCRIBED = {
    "304": "not changed",
    "400": "a parameter or the filter cannot be used; the answer says which and where",
    "401": "no login or token, or one that is not valid",
    "403": "the caller may not do this",
    "404": "there is no such object",
    "413": "the body is too large",
    "422": "a value cannot be used",
    "503": "the database does not answer, or the server is busy or stopping",
}


def openapi_document(base: str, native: int) -> dict[str, Any]:
    """The document, for an installation whose division is in the CRS with the EPSG number `native`."""
    paths = _general_paths()
    for collection in COLLECTIONS:
        paths |= _collection_paths(collection)
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "wangge 网格数据服务",
            "version": "1",
            "description": "OGC API Features of the division of a street",
            "license": {"name": "MIT"},
        },
        "servers": [{"url": base}],
        "tags": [{"name": "service"}, {"name": "data"}],
        "paths": paths,
        "components": {
            "parameters": _parameters(native),
            "schemas": {"problem": _problem(), "featureCollection": _feature_collection(), "feature": _feature()},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "basic": {"type": "http", "scheme": "basic", "description": "the token as the password"},
            },
        },
    }


def _general_paths() -> dict[str, Any]:
    named = {
        "/": ("landing", "首页 Landing page", "application/json"),
        "/conformance": ("conformance", "符合的标准 Conformance classes", "application/json"),
        "/api": ("api", "接口说明 This document", "application/vnd.oai.openapi+json"),
        "/collections": ("collections", "数据集 Collections that the caller may read", "application/json"),
    }
    return {
        path: {"get": operation(name, summary, {media_type: _ANY_JSON}, tag="service")}
        for path, (name, summary, media_type) in named.items()
    }


def _collection_paths(collection: Collection) -> dict[str, Any]:
    here = f"/collections/{collection.id}"
    secured = collection.right is not None
    own = [_property_parameter(entry) for entry in collection.properties]
    when = [_ref("datetime")] + ([_ref("version")] if collection.time == "version" else [])
    filters = ("filter", "filter-lang", "filter-crs")
    items = [*map(_ref, ("limit", "offset", "bbox", "bbox-crs", "crs", *filters)), *when]
    geojson = {"application/geo+json": {"$ref": "#/components/schemas/featureCollection"}}
    one = {"application/geo+json": {"$ref": "#/components/schemas/feature"}}
    schema = {"application/schema+json": _ANY_JSON}
    about: dict[str, Any] = {"secured": secured}
    return {
        here: {"get": operation(f"{collection.id}", collection.title, {"application/json": _ANY_JSON}, **about)},
        f"{here}/queryables": {
            "get": operation(f"{collection.id}.queryables", f"{collection.zh}：可查询属性 Queryables", schema, **about)
        },
        f"{here}/schema": {
            "get": operation(f"{collection.id}.schema", f"{collection.zh}：数据结构 Schema", schema, **about)
        },
        f"{here}/items": {
            "get": operation(
                f"{collection.id}.items", f"{collection.zh}：要素 Features", geojson, parameters=items + own, **about
            )
        },
        f"{here}/items/{{featureId}}": {
            "get": operation(
                f"{collection.id}.item",
                f"{collection.zh}：一个要素 One feature",
                one,
                parameters=[_ref("featureId"), _ref("crs"), *(when if collection.time != "instant" else [])],
                **about,
            )
        },
    }


def operation(
    name: str,
    summary: str,
    content: dict[str, Any],
    *,
    parameters: list[dict[str, Any]] | None = None,
    secured: bool = False,
    missing: bool = True,
    tag: str = "data",
) -> dict[str, Any]:
    """One operation of the document: what it is called, what it takes, and every status that it may answer with."""
    answers: dict[str, Any] = {
        "200": {
            "description": summary,
            "content": {
                **{media_type: {"schema": schema} for media_type, schema in content.items()},
                "text/html": {"schema": {"type": "string"}},
            },
        },
        "304": {"description": _DESCRIBED["304"]},
    }
    codes = ["400", "401", "413", "503"] + (["403"] if secured else []) + (["404"] if missing else [])
    answers |= {code: problem_answer(code) for code in codes}
    found: dict[str, Any] = {
        "operationId": name,
        "summary": summary,
        "tags": [tag],
        "parameters": [*(parameters or []), _ref("f")],
        "responses": answers,
    }
    if secured:
        found["security"] = [{"token": []}, {"basic": []}]
    return found


def problem_answer(code: str) -> dict[str, Any]:
    """Answer with a problem document."""
    return {
        "description": _DESCRIBED[code],
        "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/problem"}}},
    }


def _ref(name: str) -> dict[str, Any]:
    return {"$ref": f"#/components/parameters/{name}"}


def _parameters(native: int) -> dict[str, Any]:
    crs = {"type": "string", "format": "uri", "enum": [c.uri for c in served(native)], "default": CRS84.uri}
    numbers = {"oneOf": [{"type": "array", "items": {"type": "number"}, "minItems": n, "maxItems": n} for n in (4, 6)]}
    limit = {"type": "integer", "minimum": 1, "maximum": MOST_LIMIT, "default": DEFAULT_LIMIT}
    offset = {"type": "integer", "minimum": 0, "maximum": MOST_OFFSET, "default": 0}
    return {
        "f": _parameter("f", {"type": "string", "enum": ["json", "html"]}, "format, before the header Accept"),
        "limit": _parameter("limit", limit, "most features of the answer"),
        "offset": _parameter("offset", offset, "features that are passed over"),
        "bbox": _parameter("bbox", numbers, "box that features must touch, in the axis order of bbox-crs"),
        "bbox-crs": _parameter("bbox-crs", crs, "CRS of bbox"),
        "crs": _parameter("crs", crs, "CRS of the answer"),
        "datetime": _parameter(
            "datetime", {"type": "string"}, "a day, a time with a zone, or an interval of them with a slash"
        ),
        "filter": _parameter("filter", {"type": "string"}, "CQL2 filter over the queryables"),
        "filter-lang": _parameter(
            "filter-lang", {"type": "string", "enum": list(LANGUAGES), "default": LANGUAGES[0]}, "language of filter"
        ),
        "filter-crs": _parameter("filter-crs", crs, "CRS of the geometries in filter"),
        "version": _parameter(
            "version",
            {"type": "integer", "minimum": 1, "maximum": MOST_OFFSET},
            "number of a published version; the answer never changes",
        ),
        "featureId": {
            "name": "featureId",
            "in": "path",
            "required": True,
            "schema": {"type": "string"},
            "description": "identifier of the feature",
        },
    }


def _parameter(name: str, schema: dict[str, Any], about: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "query",
        "required": False,
        "schema": schema,
        "description": about,
        "style": "form",
        "explode": False,
    }


def _property_parameter(entry: Property) -> dict[str, Any]:
    schema = {key: value for key, value in entry.schema().items() if key in ("type", "format", "title")}
    return {
        "name": entry.name,
        "in": "query",
        "required": False,
        "schema": schema,
        "description": entry.title,
        "style": "form",
        "explode": False,
    }


def _problem() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": {"type": "string"},
            "title": {"type": "string"},
            "status": {"type": "integer"},
            "detail": {"type": "string"},
            "instance": {"type": "string"},
            "kind": {"type": "string"},
            "parameter": {"type": "string"},
            "position": {"type": "integer", "nullable": True},
        },
    }


def _feature() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type", "id", "geometry", "properties"],
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "id": {"type": "string"},
            "geometry": {"type": "object", "nullable": True},
            "properties": {"type": "object", "nullable": True},
            "links": {"type": "array", "items": {"type": "object"}},
        },
    }


def _feature_collection() -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type", "features"],
        "properties": {
            "type": {"type": "string", "enum": ["FeatureCollection"]},
            "features": {"type": "array", "items": {"$ref": "#/components/schemas/feature"}},
            "numberMatched": {"type": "integer", "minimum": 0},
            "numberReturned": {"type": "integer", "minimum": 0},
            "links": {"type": "array", "items": {"type": "object"}},
        },
    }
