"""Reads the input files of commands."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import pandas as pd

from geo.layers import Division, Level, as_cells, layers_of, read_division, read_layer
from geo.layers.columns import CODE, LEVEL


def read_cells(
    path: Path, *, layer: str | None = None, code: str | None = None, crs: str | None = None, faulty: bool = False
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
    faulty
        Whether a detected column may have missing and repeated codes, for commands that report them.
    """
    level = next((level for level in Level if level.layer == layer), None)
    only = None
    if layer is None or level is not None:
        holds, only = _division_or_layer(path, crs)
        if holds:
            division = read_division(path)
            return division if level is None else as_cells(division.layer(level), path.name, code=code)
    if layer is not None or only is None:
        only = read_layer(path, layer=layer, crs=crs)
    return as_cells(only, path.name, code=code, faulty=faulty)


def holds_division(path: Path, *, crs: str | None = None) -> bool:
    """Whether a file contains a division, as four layers or as one layer with a column ``level``."""
    return _division_or_layer(path, crs)[0]


def _division_or_layer(path: Path, crs: str | None) -> tuple[bool, gpd.GeoDataFrame | None]:
    """Whether a file contains a division, and its only layer if that had to be read."""
    names = layers_of(path)
    if {level.layer for level in Level} <= set(names):
        return True, None
    if len(names) != 1:
        return False, None
    frame = read_layer(path, crs=crs)
    if not {CODE, LEVEL} <= set(frame.columns):
        return False, frame
    return set(frame[LEVEL].dropna().unique()) == {int(level) for level in Level}, frame


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
    from geo.tables import table as tables  # most commands read layers only

    path, sheet = tables.split_sheet(path)
    rows = tables.read_table(tables.content_of(path), path.name, known=frozenset(), sheet=sheet).rows
    return rows.astype("string").fillna("").astype(object)
