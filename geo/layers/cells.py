"""Prepares polygon layers from other sources as cells: polygons with a unique text code."""

from __future__ import annotations

from typing import Any, TypeAlias

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.errors import CodeError, ColumnError, CrsError, GeometryError, first_labels
from geo.layers.columns import CODE
from geo.layers.crs import require_frame, to_metric
from geo.layers.files.reading import require_polygons
from geo.notices import notice
from geo.wording import counted

#: Argument type for one area: a frame or series with a CRS, or a geometry in the CRS of the cells.
Area: TypeAlias = gpd.GeoDataFrame | gpd.GeoSeries | shapely.Geometry

_POLYGONAL = (shapely.GeometryType.POLYGON, shapely.GeometryType.MULTIPOLYGON)

# Column names that contain the code of a cell, best first, in lower case; the last but two is the field of GB/T 47678.5-2026.
_CODE_OF_CELL = (
    "code",
    "标识码",
    "网格编码",
    "网格编号",
    "网格代码",
    "单元网格编码",
    "单元网格编号",
    "szdywgbsm",
    "gridcode",
    "grid_code",
)

# All column names that usually contain an identifier, best first.
_CODE_NAMES = (
    *_CODE_OF_CELL,
    "编码",
    "编号",
    "代码",
    "geoid",
    "geoid10",
    "geoid20",
    "code15",
    "id",
)

# Minimum share of distinct values for a column with a known name: a few duplicates are a fault of the layer, to be reported.
_MOSTLY_DIFFERENT = 0.9

# Minimum share of rows with a code, and of different ones among these, for a column of _CODE_OF_CELL if missing and repeated
# codes are reported: fewer are a category.
_HALF = 0.5

# Row numbers added by programs: unique, but without meaning.
_ROW_NUMBERS = {"objectid", "fid", "gid", "ogc_fid", "objectid_1", "index"}


def as_cells(frame: gpd.GeoDataFrame, name: str, *, code: str | None = None, faulty: bool = False) -> gpd.GeoDataFrame:
    """Prepare a layer as cells: polygons with a text column ``code`` that identifies them.

    Parameters
    ----------
    frame
        Polygons.
    name
        Name of the layer in messages.
    code
        Column that contains the code; guessed by default (see :func:`code_column`). If no column is suitable, rows are
        numbered from 1.
    faulty
        Whether a guessed column of codes may have missing and many equal values, for functions that report them. Otherwise
        a notice names such a column if another one is used.

    Returns
    -------
    GeoDataFrame
        Same rows and index, with ``code`` as text, missing where it was missing or blank.

    Raises
    ------
    GeometryError
        If a geometry is not a polygon.
    ColumnError
        If the named column does not exist.
    """
    require_polygons(frame, name)
    if code is not None and code not in frame.columns:
        raise ColumnError(f"{name}: has no column '{code}'; it has {', '.join(map(str, frame.columns))}")
    column = code or code_column(frame, faulty=faulty)
    if code is None and not faulty:
        _tell_unused(frame, column, name)
    values = pd.Series(range(1, len(frame) + 1), index=frame.index) if column is None else frame[column]
    return frame.assign(**{CODE: code_text(values, f"{name}, column {column}")})


def as_area(area: Area | None, crs: object, name: str) -> shapely.Geometry | None:
    """Union of the polygons of a frame, or a geometry, as one area.

    Parameters
    ----------
    area
        A GeoDataFrame or GeoSeries of polygons with a CRS, or a shapely polygon or multipolygon in `crs`; None stays None.
    crs
        CRS of the result.
    name
        Name of the area in messages.

    Returns
    -------
    Polygon or MultiPolygon, or None
        Union of the polygons, valid. A single valid polygon is returned unchanged.

    Raises
    ------
    GeometryError
        If `area` is something else, is empty, or holds geometries that are not polygons.
    CrsError
        If a frame declares no CRS.
    """
    if area is None:
        return None
    if isinstance(area, shapely.Geometry):
        shapes = np.array([area], dtype=object)
    elif isinstance(area, (gpd.GeoDataFrame, gpd.GeoSeries)):
        given = area.geometry.array
        if given.crs is None:
            raise CrsError(
                f"{name}: no coordinate reference system is declared; set the CRS that the coordinates are in"
            )
        shapes = np.asarray(
            given if given.crs == crs else to_metric(gpd.GeoDataFrame(geometry=given), crs).geometry.array
        )
    else:
        raise GeometryError(
            f"{name}: a GeoDataFrame, a GeoSeries or a shapely polygon is needed, not {type(area).__name__} ({area!r:.40})"
        )
    wrong = ~(shapely.is_missing(shapes) | np.isin(shapely.get_type_id(shapes), _POLYGONAL))
    if wrong.any():
        raise GeometryError(
            f"{name}: polygons are needed, not {shapes[wrong][0].geom_type} (row {int(np.argmax(wrong))})"
        )
    shapes = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    if len(shapes) == 0:
        raise GeometryError(f"{name}: has no polygon")
    valid = shapely.is_valid(shapes)
    if valid.all() and len(shapes) == 1:
        return shapes[0]
    shapes[~valid] = shapely.make_valid(shapes[~valid])
    whole = shapely.union_all(shapes)
    parts = [part for part in shapely.get_parts(shapely.get_parts(whole)) if part.geom_type == "Polygon"]
    return parts[0] if len(parts) == 1 else shapely.multipolygons(parts)


def area_frame(area: Area | None, crs: object, name: str) -> gpd.GeoDataFrame | None:
    """The area as a frame with one row in `crs`, for functions that work on frames; see :func:`as_area`."""
    shape = as_area(area, crs, name)
    return None if shape is None else gpd.GeoDataFrame(geometry=[shape], crs=crs)


def code_column(frame: gpd.GeoDataFrame, *, faulty: bool = False) -> str | None:
    """Guess the column that identifies the rows.

    Known names are tried first; such a column may contain a few duplicates, which a check then reports. Other columns must be
    complete and unique: first names that end in ``id`` or ``code``, then any text column. Row numbers that programs add
    (``OBJECTID``, ``fid``) and columns of lists are never used. If `faulty`, a column with a name that only codes of cells have
    may also have missing and repeated values, up to half of each.
    """
    require_frame(frame, "the layer")
    columns = [c for c in frame.columns if c != frame.geometry.name and str(c).lower() not in _ROW_NUMBERS]
    scalars = [c for c in columns if _is_scalar(frame[c])]
    columns = [c for c in scalars if not missing_code(frame[c]).any()]
    lower = {str(c).lower(): c for c in reversed(columns)}
    known = [n for n in _CODE_NAMES if n in lower and frame[lower[n]].nunique() >= _MOSTLY_DIFFERENT * len(frame)]
    if faulty and not set(known) & set(_CODE_OF_CELL):
        named = _faulty_codes(frame, scalars)
        if named is not None:
            return named
    if known:
        return str(lower[known[0]])
    ending = [c for c in columns if str(c).lower().endswith(("_id", "id", "code", "编码", "_no"))]
    text = [c for c in columns if frame[c].dtype == object or isinstance(frame[c].dtype, pd.StringDtype)]
    return next((str(c) for c in [*ending, *text] if frame[c].is_unique), None)


def code_text(values: pd.Series, name: str) -> pd.Series:
    """Codes as text; integers that were stored as floating point get no decimal point.

    Missing and blank values are missing. A notice reports codes too long for a floating-point number, which have lost their
    last digits.
    """
    if pd.api.types.is_float_dtype(values.dtype):
        whole = values.notna() & (values % 1 == 0)
        lost = whole & (values.abs() >= 2**53)
        if lost.any():
            notice(
                f"{name}: {counted(int(lost.sum()), 'code was', 'codes were')} stored as floating numbers, which hold 15 digits, "
                f"without the last digits (first: row {values.index[lost][0]}); store codes as text"
            )
        text = values.astype("string").astype(object)
        text[whole] = [str(int(value)) for value in values[whole]]
        return text
    text = values.astype("string").astype(object)
    known = text.dropna()
    if len(known) and known.str.fullmatch(r"\d+\.0").all():
        text[known.index] = known.str.removesuffix(".0")
    return text.mask(missing_code(text), None)


def require_codes(cells: gpd.GeoDataFrame, name: str = "cells") -> None:
    """Refuse cells of which some have no code: their results could not be told from those of other cells.

    Raises
    ------
    CodeError
        If a code is missing.
    """
    missing = missing_code(cells[CODE])
    if missing.any():
        labels = list(cells.index[missing])
        raise CodeError(
            f"{name}: {counted(len(labels), 'row has', 'rows have')} no code (rows {first_labels(labels)}): complete the codes, "
            "or name a column without missing values",
            ids=labels,
        )


def labels_of(cells: gpd.GeoDataFrame) -> list[Any]:
    """Names of the cells in messages and findings: codes, and ``#`` with the label of the row where there is none."""
    if CODE not in cells:
        return list(cells.index)
    codes: list[Any] = cells[CODE].tolist()
    for i in np.flatnonzero(missing_code(cells[CODE])):
        codes[i] = f"#{cells.index[i]}"
    return codes


def _faulty_codes(frame: gpd.GeoDataFrame, columns: list[Any]) -> str | None:
    """Best column whose name says that it holds codes of cells, if half of the rows or more have one and half of these differ."""
    lower = {str(c).lower(): c for c in reversed(columns)}
    for name in _CODE_OF_CELL:
        if name in lower:
            known = frame[lower[name]][~missing_code(frame[lower[name]])]
            if len(known) >= _HALF * len(frame) and known.nunique() > _HALF * len(known):
                return str(lower[name])
    return None


def _tell_unused(frame: gpd.GeoDataFrame, column: str | None, name: str) -> None:
    """Notice that a column of codes is not used because some are missing or equal."""
    columns = [c for c in frame.columns if c != frame.geometry.name and _is_scalar(frame[c])]
    named = _faulty_codes(frame, columns)
    if named is None or str(column).lower() in _CODE_OF_CELL:
        return
    zh, en = ("行号", "row numbers identify") if column is None else (f"“{column}”列", f"column '{column}' identifies")
    notice(
        f"{name}: “{named}”列有缺失或重复，改用{zh}作为编码，可用 --code 指定。Column '{named}' has missing or repeated values, "
        f"so {en} the cells; --code names another one"
    )


def missing_code(codes: pd.Series) -> pd.Series:
    """Whether a code is missing or blank."""
    missing = codes.isna()
    if codes.dtype == object or isinstance(codes.dtype, pd.StringDtype):
        missing = missing | (codes.astype("string").str.strip() == "").fillna(False).astype(bool)
    return missing


def _is_scalar(column: pd.Series) -> bool:
    """Whether a column contains scalars: lists and arrays cannot be compared."""
    return not column.map(lambda value: isinstance(value, (list, dict, set, np.ndarray))).any()
