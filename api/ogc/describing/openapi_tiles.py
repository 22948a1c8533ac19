"""Paths of the tiles in the OpenAPI document."""

from __future__ import annotations

from typing import Any

from api.ogc.describing.openapi_answers import ANY_JSON, operation, reference, tile_answer
from api.ogc.tiles.matrix_set import NAME

_JSON = {"application/json": ANY_JSON}
#: Paths of the matrix sets.
MATRIX_SET_PATHS: dict[str, Any] = {
    "/tileMatrixSets": {"get": operation("tileMatrixSets", "瓦片矩阵集 Tile matrix sets", _JSON, tag="service")},
    f"/tileMatrixSets/{NAME}": {"get": operation("tileMatrixSet", "瓦片矩阵集 Tile matrix set", _JSON, tag="service")},
}


def tile_paths(start: str, name: str, title: str) -> dict[str, Any]:
    """Paths of the tiles of a collection, or of all layers together (empty `start`)."""
    here = f"{start}/tiles"
    one = operation(f"{name}.tile", f"{title}：矢量瓦片 One vector tile", {}, parameters=_parameters())
    one["responses"]["200"] = tile_answer(title)
    one["responses"]["204"] = {"description": "nothing lies on this tile"}
    return {
        here: {"get": operation(f"{name}.tilesets", f"{title}：瓦片集 Tile sets", _JSON)},
        f"{here}/{NAME}": {"get": operation(f"{name}.tileset", f"{title}：瓦片集 Tile set", _JSON)},
        f"{here}/{NAME}/tilejson": {"get": operation(f"{name}.tilejson", f"{title}：TileJSON", _JSON)},
        f"{here}/{NAME}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}": {"get": one},
    }


def _parameters() -> list[dict[str, Any]]:
    schema = {"type": "integer", "minimum": 0}
    found: list[dict[str, Any]] = [
        {"name": name, "in": "path", "required": True, "schema": schema, "description": about}
        for name, about in (("tileMatrix", "zoom, 10 to 16"), ("tileRow", "row"), ("tileCol", "column"))
    ]
    return [*found, reference("version")]
