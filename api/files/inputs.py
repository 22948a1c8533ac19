"""Reads the input files of commands."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd

from geo.layers import Division, Level, as_cells, is_division, layers_of, read_division, read_layer
from geo.layers.columns import CODE, LEVEL
from geo.tables import table as tables
from geo.tables.table import content_of, split_sheet


def read_cells(
    path: Path, *, layer: str | None = None, code: str | None = None, crs: str | None = None
) -> Division | gpd.GeoDataFrame:
    """Read a division, or one layer of polygons as cells, in the CRS of the input.

    Parameters
    ----------
    layer
        For a division, a single layer to read instead of all four.
    code
        Column with the codes of the cells; detected by default.
    crs
        CRS of a file that does not declare one.
    """
    if layer is None and holds_division(path, crs=crs):
        return read_division(path)
    if layer in {level.layer for level in Level} and holds_division(path, crs=crs):
        return as_cells(read_division(path).layer(Level[layer.upper()]), path.name, code=code)
    return as_cells(read_layer(path, layer=layer, crs=crs), path.name, code=code)


def holds_division(path: Path, *, crs: str | None = None) -> bool:
    """Whether a file contains a division, as four layers or as one layer with a column ``level``."""
    if is_division(path):
        return True
    if len(layers_of(path)) != 1:
        return False
    frame = read_layer(path, crs=crs)
    if not {CODE, LEVEL} <= set(frame.columns):
        return False
    return set(frame[LEVEL].dropna().unique()) == {int(level) for level in Level}


def finest(cells: Division | gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """The finest cells: the third level of a division, or the layer itself."""
    return cells.third if isinstance(cells, Division) else cells


def optional_layer(path: Path | None, *, crs: str | None = None) -> gpd.GeoDataFrame | None:
    """Layer of an optional file; None if no file is given."""
    return None if path is None else read_layer(path, crs=crs)


def read_table(path: Path) -> pd.DataFrame:
    """Read a text table or a spreadsheet; all columns remain text, so values are passed through unchanged.

    Raises
    ------
    FileError
        If the file is missing, empty, not a table, or has no rows.
    """
    path, sheet = split_sheet(path)
    rows = tables.read_table(content_of(path), path.name, known=frozenset(), sheet=sheet).rows
    return rows.astype("string").fillna("").astype(object)
