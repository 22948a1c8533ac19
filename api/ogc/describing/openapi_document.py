"""The OpenAPI 3.0.3 document of ``/ogc``, with a literal path for each collection.

QGIS reads its page size from ``components.parameters.limit`` and the simple filters from the parameters of
``/collections/<id>/items``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from api.ogc.catalogue import COLLECTIONS, Collection
from api.ogc.coordinate_systems import CRS84, served
from api.ogc.describing.openapi_answers import ANY_JSON, operation, problem_answer, reference
from api.ogc.describing.openapi_tiles import MATRIX_SET_PATHS, tile_paths
from api.ogc.drafts.draft_collections import draft_collection
from api.ogc.filters import LANGUAGES
from api.ogc.properties import Property
from api.ogc.query import MOST_OFFSET
from api.ogc.selection import DEFAULT_LIMIT, MOST_LIMIT
from geo.layers import Level

#: Drafts are not listed one by one; their collections share templated paths.
_DRAFT = replace(draft_collection(1, Level.THIRD), id="draft-{draft}-{level}", zh="草案", en="Drafts")
_DRAFT_PARAMETERS: list[dict[str, Any]] = [
    {
        "name": "draft",
        "in": "path",
        "required": True,
        "schema": {"type": "integer", "minimum": 1, "maximum": 2**31 - 1},
        "description": "number of the draft",
    },
    {
        "name": "level",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "enum": [level.layer for level in Level]},
        "description": "level of its cells",
    },
]
_POSITION = {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 3}
_RING = {"type": "array", "items": _POSITION, "minItems": 4}


def _shape(kind: str, coordinates: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "required": ["type", "coordinates"],
        "properties": {"type": {"type": "string", "enum": [kind]}, "coordinates": coordinates},
    }


_POINT = _shape("Point", _POSITION)
_POLYGON = _shape("Polygon", {"type": "array", "items": _RING, "minItems": 1})


def openapi_document(base: str, native: int) -> dict[str, Any]:
    """The document for a division in the CRS with the EPSG code `native`."""
    paths = _general_paths() | MATRIX_SET_PATHS | tile_paths("", "all", "全部图层 All layers")
    for collection in COLLECTIONS:
        paths |= _collection_paths(collection, collection.id)
    for path, operations in _collection_paths(_DRAFT, "draft").items():
        paths[path] = {"parameters": _DRAFT_PARAMETERS, **operations}
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
        path: {"get": operation(name, summary, {media_type: ANY_JSON}, tag="service")}
        for path, (name, summary, media_type) in named.items()
    }


def _collection_paths(collection: Collection, name: str) -> dict[str, Any]:
    here = f"/collections/{collection.id}"
    secured = collection.right is not None
    own = [_property_parameter(entry) for entry in collection.properties]
    when = [reference("datetime")] + ([reference("version")] if collection.time == "version" else [])
    filters = ("filter", "filter-lang", "filter-crs")
    items = [*map(reference, ("limit", "offset", "bbox", "bbox-crs", "crs", *filters)), *when]
    geojson = {"application/geo+json": {"$ref": "#/components/schemas/featureCollection"}}
    one = {"application/geo+json": {"$ref": "#/components/schemas/feature"}}
    schema = {"application/schema+json": ANY_JSON}
    about: dict[str, Any] = {"secured": secured}
    paths = {
        here: {"get": operation(name, collection.title, {"application/json": ANY_JSON}, **about)},
        f"{here}/queryables": {
            "get": operation(f"{name}.queryables", f"{collection.zh}：可查询属性 Queryables", schema, **about)
        },
        f"{here}/schema": {"get": operation(f"{name}.schema", f"{collection.zh}：数据结构 Schema", schema, **about)},
        f"{here}/items": {
            "get": operation(
                f"{name}.items", f"{collection.zh}：要素 Features", geojson, parameters=items + own, **about
            )
        },
        f"{here}/items/{{featureId}}": {
            "get": operation(
                f"{name}.item",
                f"{collection.zh}：一个要素 One feature",
                one,
                parameters=[
                    reference("featureId"),
                    reference("crs"),
                    *(when if collection.time in ("version", "day") else []),
                ],
                **about,
            )
        },
    }
    if collection.tiled:
        paths |= tile_paths(here, collection.id, collection.zh)
    if collection.editing is not None:
        paths[f"{here}/items"]["post"] = change_operation(collection, f"{name}.create", "新建 Create a feature", "201")
        for method, what, summary in (
            ("put", "replace", "替换 Replace a feature"),
            ("patch", "update", "修改 Update a feature"),
            ("delete", "delete", "撤回 Withdraw a feature"),
        ):
            changed = change_operation(collection, f"{name}.{what}", summary, "204")
            paths[f"{here}/items/{{featureId}}"][method] = changed
    return paths


def change_operation(collection: Collection, name: str, summary: str, done: str) -> dict[str, Any]:
    """An operation that changes features; `name` ends in a dot and the verb."""
    codes = ["400", "401", "403", "405", "409", "412", "413", "415", "422", "503"]
    codes += ["404"] if done == "204" or collection.draft is not None else []
    what = name.rpartition(".")[2]
    header = {"in": "header", "required": False, "schema": {"type": "string"}}
    match = {"name": "If-Match", "description": "ETag that is known", **header}
    crs = {"name": "Content-Crs", "description": "CRS of the geometry", **header}
    found: dict[str, Any] = {
        "operationId": name,
        "summary": f"{collection.zh}：{summary}",
        "tags": ["data"],
        "parameters": [
            *([reference("featureId"), match] if done == "204" else []),
            *([crs] if what != "delete" else []),
        ],
        "responses": {done: {"description": summary}} | {code: problem_answer(code) for code in codes},
        "security": [{"token": []}, {"basic": []}],
    }
    if what != "delete":
        media = "application/merge-patch+json" if what == "update" else "application/geo+json"
        found["requestBody"] = {"required": True, "content": {media: {"schema": _sent_feature(collection, what)}}}
    return found


def _sent_feature(collection: Collection, what: str) -> dict[str, Any]:
    """Schema of a feature sent by clients: its editable properties, and a point or polygon."""
    properties = {entry.name: {**entry.schema(), "nullable": True} for entry in collection.properties if entry.editable}
    required = ["type", "properties", *(["geometry"] if collection.draft is None or what == "create" else [])]
    return {
        "type": "object",
        **({"required": required} if what != "update" else {}),
        "properties": {
            "type": {"type": "string", "enum": ["Feature"]},
            "geometry": _POINT if collection.geometry == "point" else _POLYGON,
            "properties": {"type": "object", "properties": properties},
        },
    }


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
            "zh": {"type": "string"},
            "en": {"type": "string"},
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
