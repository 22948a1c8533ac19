"""Documents that describe the service: landing page, collections, queryables, schemas."""

from __future__ import annotations

from typing import Any

from api.ogc.answers import GEOJSON, HTML, JSON, REL, SCHEMA_JSON, Link, link
from api.ogc.catalogue import Collection
from api.ogc.coordinate_systems import CRS84, DEGREES, served, storage
from api.ogc.feature_table import FeatureTable

OPENAPI = "application/vnd.oai.openapi+json;version=3.0"


def landing(base: str, street: str) -> dict[str, Any]:
    """The landing page."""
    return {
        "title": f"{street}网格 Grids of {street}",
        "description": "网格划分方案、案件与巡查的地理数据服务 Division, incidents and patrols of the street as geographic data",
        "links": [
            link(f"{base}/api?f=json", "service-desc", OPENAPI, "OpenAPI 3.0"),
            link(f"{base}/api?f=html", "service-doc", HTML, "接口说明 Description for people"),
            link(f"{base}/conformance", "conformance", JSON, "符合的标准 Conformance classes"),
            link(f"{base}/collections", "data", JSON, "数据集 Collections"),
            link(f"{base}/tiles", REL + "tilesets-vector", JSON, "矢量瓦片 Vector tiles"),
            link(f"{base}/tileMatrixSets", REL + "tiling-schemes", JSON, "瓦片矩阵集 Tile matrix sets"),
        ],
    }


def collection_document(base: str, collection: Collection, table: FeatureTable) -> dict[str, Any]:
    """Description of a collection: titles, extent, CRS and links."""
    here = f"{base}/collections/{collection.id}"
    extent: dict[str, Any] = {}
    if table.bounds is not None:
        extent["spatial"] = {"bbox": [list(table.bounds)], "crs": CRS84.uri}
    return {
        "id": collection.id,
        "title": collection.title,
        "description": f"{collection.about_zh} {collection.about_en}",
        "itemType": "feature",
        **({"extent": extent} if extent else {}),
        "crs": [crs.uri for crs in served(table.native)],
        "storageCrs": storage(DEGREES if collection.geometry == "point" else table.native).uri,
        "links": collection_links(here, collection),
    }


def collection_links(here: str, collection: Collection) -> list[Link]:
    """Links of a collection."""
    tiles = (
        [link(f"{here}/tiles?f=json", REL + "tilesets-vector", JSON, "矢量瓦片 Vector tiles")]
        if collection.tiled
        else []
    )
    return [
        link(f"{here}?f=json", "self", JSON, collection.title),
        link(f"{here}?f=html", "alternate", HTML, collection.title),
        link(f"{here}/items?f=json", "items", GEOJSON, "要素 Features"),
        link(f"{here}/items?f=html", "items", HTML, "要素 Features"),
        link(f"{here}/queryables?f=json", REL + "queryables", SCHEMA_JSON, "可查询属性 Queryables"),
        link(f"{here}/schema?f=json", REL + "schema", SCHEMA_JSON, "数据结构 Schema"),
        *tiles,
    ]


def schema(address: str, collection: Collection, *, queryables: bool) -> dict[str, Any]:
    """JSON schema of the features, or of the queryables.

    The geometry has a format instead of a type, as part 5 requires: ``geometry-polygon-or-multipolygon`` or ``geometry-point``.
    """
    properties: dict[str, Any] = {}
    for number, entry in enumerate(collection.properties, 1):
        properties[entry.name] = {**entry.schema(), "x-ogc-propertySeq": number}
        if not queryables and not entry.editable:
            properties[entry.name]["readOnly"] = True
    properties["geometry"] = {
        "title": "图形 Geometry",
        "x-ogc-role": "primary-geometry",
        "format": f"geometry-{collection.geometry}",
        "x-ogc-propertySeq": len(properties) + 1,
    }
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": address,
        "type": "object",
        "title": collection.title,
        "description": f"{collection.about_zh} {collection.about_en}",
        "properties": properties,
        "additionalProperties": False,
    }
