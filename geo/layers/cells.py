"""Foreign polygon layers as cells: polygons with a code of their own."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.errors import ColumnError
from geo.layers.columns import CODE
from geo.layers.files.reading import require_polygons

# Names under which files carry an identifier, best first, in lower case; the fourth is the field of GB/T 47678.5-2026.
_CODE_NAMES = (
    "code",
    "标识码",
    "网格编码",
    "szdywgbsm",
    "gridcode",
    "grid_code",
    "geoid",
    "geoid10",
    "geoid20",
    "code15",
    "id",
)

# A column by a known name is the code although some values stand twice: that is a fault of the layer, to be told.
_MOSTLY_DIFFERENT = 0.9

# Row numbers that a program put there: unique, but they mean nothing.
_ROW_NUMBERS = {"objectid", "fid", "gid", "ogc_fid", "objectid_1", "index"}


def as_cells(frame: gpd.GeoDataFrame, name: str, *, code: str | None = None) -> gpd.GeoDataFrame:
    """Make sure that a layer can serve as cells: polygons, with a text column ``code`` that tells them apart.

    Parameters
    ----------
    frame
        Polygons.
    name
        What to call the layer in messages.
    code
        Column to take the code from; guessed if it is not given (see :func:`code_column`). Where no column serves,
        rows are numbered from 1.

    Returns
    -------
    GeoDataFrame
        Same rows and index, with ``code`` as text.

    Raises
    ------
    GeometryError
        If a geometry is not a polygon.
    ColumnError
        If the column that was named is not there.
    """
    require_polygons(frame, name)
    if code is not None and code not in frame.columns:
        raise ColumnError(f"{name}: has no column '{code}'; it has {', '.join(map(str, frame.columns))}")
    column = code or code_column(frame)
    values = pd.Series(range(1, len(frame) + 1), index=frame.index) if column is None else frame[column]
    return frame.assign(**{CODE: values.astype("string").astype(object)})


def code_column(frame: gpd.GeoDataFrame) -> str | None:
    """Guess the column that identifies the rows.

    Known names are tried first; they may hold a few values twice, which a check then tells. Other columns must have all of
    their values there and different: names that end in ``id`` or ``code``, then any text. Row numbers that programs add
    (``OBJECTID``, ``fid``) and columns of lists are never taken.
    """
    columns = [c for c in frame.columns if c != frame.geometry.name and str(c).lower() not in _ROW_NUMBERS]
    columns = [c for c in columns if frame[c].notna().all() and _plain(frame[c])]
    lower = {str(c).lower(): c for c in reversed(columns)}
    for name in _CODE_NAMES:
        if name in lower and frame[lower[name]].nunique() >= _MOSTLY_DIFFERENT * len(frame):
            return str(lower[name])
    ending = [c for c in columns if str(c).lower().endswith(("_id", "id", "code", "编码", "_no"))]
    text = [c for c in columns if frame[c].dtype == object or isinstance(frame[c].dtype, pd.StringDtype)]
    return next((str(c) for c in [*ending, *text] if frame[c].is_unique), None)


def _plain(column: pd.Series) -> bool:
    """Tell whether a column holds single values: lists and arrays cannot be compared."""
    return not column.map(lambda value: isinstance(value, (list, dict, set, np.ndarray))).any()
