"""``published.gpkg``: the version in force as a GeoPackage with styles, for QGIS without a network."""

from __future__ import annotations

import contextlib
import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING
from xml.sax.saxutils import quoteattr

from geo.errors import FileError
from geo.layers import Level, aside, write_division

if TYPE_CHECKING:
    from api.ogc.publication.published import Published

FILE_NAME = "published.gpkg"
#: Outline colour, its width in millimetres, fill, and minimum scale of labels, for each level.
_STYLES = {
    Level.STREET: ("#143247", 1.2, None, None),
    Level.COMMUNITY: ("#1f5f8b", 0.8, "#1f5f8b22", 50_000),
    Level.SECOND: ("#b35900", 0.46, None, 15_000),
    Level.THIRD: ("#6b7780", 0.16, None, 3_000),
}
_TABLE = """CREATE TABLE layer_styles (
  id INTEGER PRIMARY KEY AUTOINCREMENT, f_table_catalog TEXT, f_table_schema TEXT, f_table_name TEXT,
  f_geometry_column TEXT, styleName TEXT, styleQML TEXT, styleSLD TEXT, useAsDefault BOOLEAN, description TEXT,
  owner TEXT, ui TEXT, update_time DATETIME DEFAULT CURRENT_TIMESTAMP)"""


def write_published(found: Published, folder: Path) -> Path | None:
    """Write the file unless it already holds this version; None if the folder does not exist.

    Written atomically by renaming a temporary file. It is not the database, so GDAL may write it.
    """
    path = folder / FILE_NAME
    if not folder.is_dir() or version_of(path) == found.version.id:
        return path if path.is_file() else None
    with aside(path) as temporary:
        write_division(found.division, temporary)
        with contextlib.closing(sqlite3.connect(temporary)) as opened, opened:
            _add_styles(opened)
            opened.execute("CREATE TABLE wangge_version (version INTEGER, valid_from TEXT, digest TEXT)")
            row = (found.version.id, found.version.valid_from.isoformat(), found.version.digest)
            opened.execute("INSERT INTO wangge_version VALUES (?, ?, ?)", row)
            for name in ("layer_styles", "wangge_version"):
                opened.execute(
                    "INSERT INTO gpkg_contents (table_name, data_type, identifier) VALUES (?, 'attributes', ?)",
                    (name, name),
                )
    return path


def version_of(path: Path) -> int | None:
    """Number of the version in a file; None if the file does not exist or has another origin."""
    if not path.is_file():
        return None
    try:
        with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as opened:
            return int(opened.execute("SELECT version FROM wangge_version").fetchone()[0])
    except (sqlite3.Error, TypeError, ValueError):
        return None


def _add_styles(opened: sqlite3.Connection) -> None:
    opened.execute(_TABLE)
    columns = dict(opened.execute("SELECT table_name, column_name FROM gpkg_geometry_columns"))
    for level in Level:
        if level.layer not in columns:
            raise FileError(f"{FILE_NAME}: has no layer {level.layer}")
        opened.execute(
            "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, styleQML, "
            "styleSLD, useAsDefault, description) VALUES ('', '', ?, ?, ?, ?, '', 1, ?)",
            (level.layer, columns[level.layer], f"wangge {level.layer}", style_document(level), level.zh),
        )


def style_document(level: Level) -> str:
    """QGIS style of a level: outline, fill, and labels from a scale on."""
    outline, width_mm, fill, scale = _STYLES[level]
    options = {
        "outline_color": _rgba(outline),
        "outline_style": "solid",
        "outline_width": f"{width_mm:g}",
        "outline_width_unit": "MM",
        "joinstyle": "bevel",
        "style": "no" if fill is None else "solid",
        "color": _rgba(fill or outline),
    }
    props = "".join(f"<prop k={quoteattr(key)} v={quoteattr(value)}/>" for key, value in options.items())
    labels = "" if scale is None else _labels(outline, scale)
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>"
        f'<qgis version="3.22" styleCategories="Symbology|Labeling" labelsEnabled="{int(scale is not None)}">'
        '<renderer-v2 type="singleSymbol" symbollevels="0" enableorderby="0" forceraster="0"><symbols>'
        '<symbol name="0" type="fill" alpha="1" clip_to_extent="1" force_rhr="0">'
        f'<layer class="SimpleFill" enabled="1" locked="0" pass="0">{props}</layer></symbol></symbols></renderer-v2>'
        f"{labels}<layerGeometryType>2</layerGeometryType></qgis>"
    )


def _labels(colour: str, scale: int) -> str:
    return (
        '<labeling type="simple"><settings calloutType="simple">'
        f'<text-style fieldName="name" isExpression="0" fontSize="9" fontSizeUnit="Point" textColor={quoteattr(_rgba(colour))}>'
        '<text-buffer bufferDraw="1" bufferSize="0.8" bufferSizeUnits="MM" bufferColor="255,255,255,255"/></text-style>'
        f'<placement placement="1"/><rendering scaleVisibility="1" scaleMin="{scale}" scaleMax="1" drawLabels="1"/>'
        "</settings></labeling>"
    )


def _rgba(colour: str) -> str:
    """A colour in the notation of QGIS.

    >>> _rgba("#1f5f8b22")
    '31,95,139,34'
    """
    parts = [int(colour[k : k + 2], 16) for k in range(1, len(colour), 2)]
    return ",".join(map(str, parts if len(parts) == 4 else [*parts, 255]))
