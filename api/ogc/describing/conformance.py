"""The declared conformance classes; each is fully implemented."""

from __future__ import annotations

_SPEC = "http://www.opengis.net/spec/"

FEATURES = tuple(
    _SPEC + name
    for name in (
        "ogcapi-common-1/1.0/conf/core",
        "ogcapi-common-2/1.0/conf/collections",
        "ogcapi-features-1/1.0/conf/core",
        "ogcapi-features-1/1.0/conf/oas30",
        "ogcapi-features-1/1.0/conf/html",
        "ogcapi-features-1/1.0/conf/geojson",
        "ogcapi-features-2/1.0/conf/crs",
    )
)
FILTERS = tuple(
    _SPEC + name
    for name in (
        "ogcapi-features-3/1.0/conf/queryables",
        "ogcapi-features-3/1.0/conf/queryables-query-parameters",
        "ogcapi-features-3/1.0/conf/filter",
        "ogcapi-features-3/1.0/conf/features-filter",
        "cql2/1.0/conf/cql2-text",
        "cql2/1.0/conf/cql2-json",
        "cql2/1.0/conf/basic-cql2",
        "cql2/1.0/conf/advanced-comparison-operators",
        "cql2/1.0/conf/case-insensitive-comparison",
        "cql2/1.0/conf/accent-insensitive-comparison",
        "cql2/1.0/conf/basic-spatial-functions",
        "cql2/1.0/conf/basic-spatial-functions-plus",
        "cql2/1.0/conf/spatial-functions",
        "cql2/1.0/conf/temporal-functions",
        "cql2/1.0/conf/property-property",
        "cql2/1.0/conf/arithmetic",
    )
)
SCHEMAS = tuple(
    _SPEC + f"ogcapi-features-5/1.0/conf/{name}"
    for name in ("schemas", "core-roles-features", "returnables-and-receivables")
)
EDITING = tuple(
    _SPEC + f"ogcapi-features-4/1.0/conf/{name}"
    for name in ("create-replace-delete", "update", "optimistic-locking-etags", "features")
)
TILES = tuple(
    _SPEC + name
    for name in (
        "ogcapi-tiles-1/1.0/conf/core",
        "ogcapi-tiles-1/1.0/conf/tileset",
        "ogcapi-tiles-1/1.0/conf/tilesets-list",
        "ogcapi-tiles-1/1.0/conf/dataset-tilesets",
        "ogcapi-tiles-1/1.0/conf/geodata-tilesets",
        "ogcapi-tiles-1/1.0/conf/mvt",
        "tms/2.0/conf/tilematrixset",
        "tms/2.0/conf/json-tilematrixset",
        "tms/2.0/conf/json-tilesetmetadata",
    )
)
CLASSES = (*FEATURES, *FILTERS, *SCHEMAS, *EDITING, *TILES)
