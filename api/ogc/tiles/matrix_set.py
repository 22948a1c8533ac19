"""The matrix set WebMercatorQuad (OGC 17-083r4), the descriptions of tile sets, and TileJSON."""

from __future__ import annotations

from typing import Any

from api.ogc.answers import JSON, Link, link
from api.ogc.tiles.arc_simplification import HALF_WORLD_M
from api.ogc.tiles.tile_cache import FIRST_ZOOM, LAST_ZOOM, TILE_PROPERTIES, TileCache

NAME = "WebMercatorQuad"
MVT = "application/vnd.mapbox-vector-tile"
TILE_JSON = "application/json"
_CRS = "http://www.opengis.net/def/crs/EPSG/0/3857"
_URI = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"
_LAST_MATRIX = 24
#: Pixels of a tile, and size of a pixel in metres by the standard: at a scale denominator of 1 a pixel is 0.28 mm.
_PIXELS, _PIXEL_M = 256, 0.00028


def matrix_set(address: str) -> dict[str, Any]:
    """Definition of the matrix set."""
    matrices = []
    for zoom in range(_LAST_MATRIX + 1):
        size = 2 * HALF_WORLD_M / (_PIXELS << zoom)
        matrices.append(
            {
                "id": str(zoom),
                "scaleDenominator": size / _PIXEL_M,
                "cellSize": size,
                "cornerOfOrigin": "topLeft",
                "pointOfOrigin": [-HALF_WORLD_M, HALF_WORLD_M],
                "tileWidth": _PIXELS,
                "tileHeight": _PIXELS,
                "matrixWidth": 1 << zoom,
                "matrixHeight": 1 << zoom,
            }
        )
    return {
        "id": NAME,
        "title": "Web Mercator",
        "uri": _URI,
        "crs": _CRS,
        "orderedAxes": ["E", "N"],
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": matrices,
        "links": [link(address, "self", JSON, NAME)],
    }


def tile_set(
    base: str, here: str, title: str, layers: list[str], tiles: TileCache, bounds: tuple[float, ...], version: int
) -> dict[str, Any]:
    """Description of a tile set with its limits."""
    limits = []
    for zoom in range(FIRST_ZOOM, LAST_ZOOM + 1):
        west, east, north, south = tiles.limits(zoom)
        limits.append(
            {"tileMatrix": str(zoom), "minTileRow": north, "maxTileRow": south, "minTileCol": west, "maxTileCol": east}
        )
    return {
        **tile_set_item(base, here, title),
        "layers": [{"id": name, "dataType": "vector", "geometryDimension": 2} for name in layers],
        "tileMatrixSetLimits": limits,
        "boundingBox": {
            "lowerLeft": list(bounds[:2]),
            "upperRight": list(bounds[2:]),
            "crs": "http://www.opengis.net/def/crs/OGC/1.3/CRS84",
        },
        "links": [
            *tile_set_links(base, here, title),
            {"templated": "true", **link(template(here, version), "item", MVT, title)},
            link(f"{here}/tilejson", "describedby", TILE_JSON, "TileJSON"),
        ],
    }


def tile_set_item(base: str, here: str, title: str) -> dict[str, Any]:
    """A tile set as a list item."""
    return {
        "title": title,
        "dataType": "vector",
        "crs": _CRS,
        "tileMatrixSetURI": _URI,
        "links": tile_set_links(base, here, title),
    }


def tile_set_links(base: str, here: str, title: str) -> list[Link]:
    """Links of a tile set to itself and to its matrix set."""
    return [
        link(here, "self", JSON, title),
        link(
            f"{base}/tileMatrixSets/{NAME}", "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme", JSON, "Matrix set"
        ),
    ]


def template(here: str, version: int) -> str:
    """Address template of a tile; immutable if it contains the version."""
    return f"{here}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}?version={version}"


def tile_json(here: str, title: str, layers: list[str], bounds: tuple[float, ...], version: int) -> dict[str, Any]:
    """TileJSON 3.0."""
    west, south, east, north = bounds
    fields = {name: "Number" if name in ("population", "area_m2") else "String" for name in TILE_PROPERTIES}
    return {
        "tilejson": "3.0.0",
        "name": title,
        "scheme": "xyz",
        "tiles": [f"{here}/{{z}}/{{y}}/{{x}}?version={version}"],
        "minzoom": FIRST_ZOOM,
        "maxzoom": LAST_ZOOM,
        "bounds": [west, south, east, north],
        "center": [(west + east) / 2, (south + north) / 2, 13],
        "vector_layers": [
            {"id": name, "fields": fields, "minzoom": FIRST_ZOOM, "maxzoom": LAST_ZOOM} for name in layers
        ],
    }
