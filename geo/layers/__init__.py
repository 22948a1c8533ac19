"""Model of a division: levels, codes, columns, CRS and datum, and reading and writing of vector files.

Terms
-----
street (街道)
    The whole area, level 0.
community (社区、园区, 一级网格)
    A level-1 cell.
second (二级网格), third (三级网格)
    Level-2 and level-3 cells.
layer
    All cells of one level, a GeoDataFrame.
division (网格划分方案)
    The four layers together, one version: :class:`Division`.
datum
    Reference frame of longitude and latitude: WGS-84, CGCS2000, GCJ-02 or BD-09. Degrees without a datum are ambiguous.
lattice
    The multiples of 1 mm in the metric CRS; all coordinates of a division are such multiples.

Public names
------------
:class:`Division`, :func:`read_division`, :func:`write_division`, :func:`read_layer`, :func:`write_layer`, :func:`to_datum`,
:func:`detect_datum`, :func:`metric_crs`, :func:`to_metric`, :func:`area_m2`, :func:`as_cells`, and the names of levels,
columns and codes.

Known limits
------------
WGS-84 and CGCS2000 are treated as equal; they differ by centimetres. The old datums Beijing 1954 and Xi'an 1980 are
converted only where PROJ has parameters for the region, with a notice of their accuracy.
"""

from typing import TYPE_CHECKING

from geo.lazy import lazy_names

if TYPE_CHECKING:
    from geo.layers.alignment.detection import detect_datum
    from geo.layers.alignment.shift import Shift
    from geo.layers.cells import Area, area_frame, as_area, as_cells, code_column
    from geo.layers.codes import child_codes, is_code, level_of, parent_of
    from geo.layers.columns import ADDITIVE_COLUMNS, LAYER_COLUMNS, Level
    from geo.layers.crs import area_m2, is_metric, lon_lat, metric_crs, parse_crs, require_metric, to_metric
    from geo.layers.datum import Datum, convert, to_datum
    from geo.layers.division import (
        Division,
        digest_of,
        is_division,
        on_lattice,
        read_division,
        write_division,
        write_levels,
    )
    from geo.layers.files.atomic import aside
    from geo.layers.files.reading import layers_of, read_layer, require_polygons
    from geo.layers.files.writing import write_layer, write_layers
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "geo.layers.alignment.detection": "detect_datum",
            "geo.layers.alignment.shift": "Shift",
            "geo.layers.cells": "Area area_frame as_area as_cells code_column",
            "geo.layers.codes": "child_codes is_code level_of parent_of",
            "geo.layers.columns": "ADDITIVE_COLUMNS LAYER_COLUMNS Level",
            "geo.layers.crs": "area_m2 is_metric lon_lat metric_crs parse_crs require_metric to_metric",
            "geo.layers.datum": "Datum convert to_datum",
            "geo.layers.division": "Division digest_of is_division on_lattice read_division write_division write_levels",
            "geo.layers.files.atomic": "aside",
            "geo.layers.files.reading": "layers_of read_layer require_polygons",
            "geo.layers.files.writing": "write_layer write_layers",
        },
    )

__all__ = [
    "ADDITIVE_COLUMNS",
    "LAYER_COLUMNS",
    "Area",
    "Datum",
    "Division",
    "Level",
    "Shift",
    "area_frame",
    "area_m2",
    "as_area",
    "as_cells",
    "aside",
    "child_codes",
    "code_column",
    "convert",
    "detect_datum",
    "digest_of",
    "is_code",
    "is_division",
    "is_metric",
    "layers_of",
    "level_of",
    "lon_lat",
    "metric_crs",
    "on_lattice",
    "parent_of",
    "parse_crs",
    "read_division",
    "read_layer",
    "require_metric",
    "require_polygons",
    "to_datum",
    "to_metric",
    "write_division",
    "write_layer",
    "write_layers",
    "write_levels",
]
