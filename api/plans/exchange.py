"""Export of a draft for a GIS (GeoPackage with styles), and import of an edited file as edits."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from contextlib import closing
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from api.plans.examining import comparison, import_findings
from api.plans.open_draft import Base
from api.plans.wire import consequences_out
from api.translations.import_notices import in_both_languages
from geo.errors import FileError
from geo.layers import Division, write_division
from geo.redraw import Draft, consequences, read_edited
from maps.qgis_styles import STYLES, qml

#: File endings accepted for import.
ENDINGS = (".gpkg", ".geojson", ".json", ".zip", ".fgb", ".gml", ".kml")

_STYLE_TABLE = (
    "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, f_table_catalog TEXT(256), "
    "f_table_schema TEXT(256), f_table_name TEXT(256), f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, "
    "styleSLD TEXT, useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), update_time DATETIME)"
)


def as_geopackage(division: Division, at: datetime) -> bytes:
    """The four layers with styles as a GeoPackage, in bytes."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "division.gpkg"
        write_division(division, path)
        _add_styles(path, STYLES, at)
        return path.read_bytes()


def _add_styles(path: Path, layers: Iterable[str], at: datetime) -> None:
    """Add the table of styles that QGIS reads; it must be listed in the contents, or other readers refuse the file."""
    when = at.strftime("%Y-%m-%dT%H:%M:%S.000Z")
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(_STYLE_TABLE)
        connection.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, last_change) "
            "VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?)",
            (when,),
        )
        columns = dict(connection.execute("SELECT table_name, column_name FROM gpkg_geometry_columns").fetchall())
        for layer in layers:
            connection.execute(
                "INSERT INTO layer_styles (f_table_catalog, f_table_schema, f_table_name, f_geometry_column, styleName, "
                "styleQML, useAsDefault, description, owner, update_time) VALUES ('', '', ?, ?, ?, ?, 1, 'wangge', '', ?)",
                (layer, columns[layer], layer, qml(layer), when),
            )


def imported(base: Base, division: Division, content: bytes, name: str) -> dict[str, Any]:
    """Changes that an imported file would make to a draft; nothing is changed.

    Parameters
    ----------
    division
        The draft in its current state.
    name
        Name of the file; its ending determines the format.

    Raises
    ------
    FileError
        If the file cannot be read or has no cells of the draft.
    """
    ending = next((e for e in ENDINGS if name.lower().endswith(e)), None)
    if ending is None:
        raise FileError(f"{name[:100]}: one of {', '.join(ENDINGS)} is read; a Shapefile is sent as .zip")
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"edited{ending}"
        path.write_bytes(content)
        edits, findings = read_edited(division, path)
    scratch = Draft.of(division, buildings=base.buildings, roads=base.roads)
    found = None
    if edits:
        found = consequences_out(consequences(scratch, edits))
        scratch.apply(edits, accept={"cut_building": "looked at"})
    return {
        "edits": [edit.to_dict() for edit in edits],
        "findings": import_findings(in_both_languages(findings)),
        "compare": comparison(division, scratch.division()),
        "consequences": found,
    }
