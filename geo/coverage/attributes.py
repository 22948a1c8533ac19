"""Faults of what is written beside the polygons: codes, counts, declared areas, and the parent that a cell names."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.coverage import faults
from geo.coverage.report import Kind, finding
from geo.errors import ColumnError
from geo.layers.codes import is_code
from geo.layers.columns import AREA_M2, CODE, PARENT, Level
from geo.layers.crs import area_m2

#: A declared area may differ by this share: planar areas in the CRS of Nanjing are 0.031 % too large.
AREA_SHARE = 0.001

Rows = list[dict[str, Any]]


def code_faults(cells: gpd.GeoDataFrame, level: Level | None) -> Rows:
    """Codes that stand more than once, and, where the level is known, malformed ones."""
    if CODE not in cells:
        return []
    codes = cells[CODE].astype(str)
    rows = [
        finding(Kind.DUPLICATE_CODE, [code], shapely.multipolygons(_parts(group.geometry)))
        for code, group in cells[codes.duplicated(keep=False)].groupby(codes, sort=True)
    ]
    if level is not None:
        bad = np.flatnonzero([not is_code(code, level) for code in codes])
        rows += [finding(Kind.BAD_CODE, [codes.iloc[i]], cells.geometry.iloc[i]) for i in bad]
    return rows


def _parts(shapes: gpd.GeoSeries) -> list[shapely.Polygon]:
    return [part for shape in shapes if shape is not None for part in faults.polygons_of(shape)]


def count_faults(cells: gpd.GeoDataFrame, expected: int | None) -> Rows:
    """The number of cells, if it is not the one expected."""
    if expected is None or len(cells) == expected:
        return []
    return [finding(Kind.WRONG_COUNT, [f"{len(cells)} ≠ {expected}"], None)]


def area_faults(cells: gpd.GeoDataFrame, labels: list[Any]) -> Rows:
    """Cells whose column ``area_m2`` disagrees with their polygon by more than 0.1 % and 1 m²."""
    if AREA_M2 not in cells:
        return []
    declared = pd.to_numeric(cells[AREA_M2], errors="coerce").to_numpy(dtype=float)
    measured = area_m2(cells.geometry)
    difference = np.abs(declared - measured)
    wrong = np.flatnonzero(~(difference <= np.maximum(AREA_SHARE * measured, 1.0)))
    return [
        finding(Kind.AREA_MISMATCH, [labels[i]], cells.geometry.iloc[i], area_m2=float(np.nan_to_num(difference[i])))
        for i in wrong
    ]


def named_parents(cells: gpd.GeoDataFrame, parents: gpd.GeoDataFrame) -> pd.Series | None:
    """Code of the parent that each cell names: by the column ``parent``, else by the beginning of its code.

    Returns None where neither tells: no cell's code begins with that of a parent. Then place has to decide.

    Raises
    ------
    ColumnError
        If the parents have no codes.
    """
    if CODE not in parents:
        raise ColumnError("parents: a column 'code' is needed to tell them apart")
    if PARENT in cells:
        column: pd.Series = cells[PARENT].astype(str)
        return column
    if CODE not in cells:
        return None
    known = set(parents[CODE].astype(str))
    lengths = sorted({len(code) for code in known}, reverse=True)

    def parent_of(code: str) -> str | None:
        return next((code[:n] for n in lengths if n < len(code) and code[:n] in known), None)

    found = cells[CODE].astype(str).map(parent_of)
    if found.isna().all():
        return None
    # A code without a known beginning still names one: what a code of the usual length would be.
    named: pd.Series = found.where(found.notna(), cells[CODE].astype(str).str[: lengths[0]])
    return named


def nesting_faults(
    cells: gpd.GeoDataFrame,
    shapes: npt.NDArray[np.object_],
    parents: gpd.GeoDataFrame,
    labels: list[Any],
    tolerance_m: float,
) -> Rows:
    """Cells without a parent, in the wrong one, or reaching out of theirs.

    Where no parent is named, the one that holds most of a cell is taken, and only reaching out is told.
    """
    named = named_parents(cells, parents)
    of = parent_codes(cells, shapes, parents)
    areas = dict(zip(parents[CODE].astype(str), parents.geometry, strict=True))
    rows: Rows = []
    for parent, positions in pd.Series(np.arange(len(cells))).groupby(of, sort=True):
        members = positions.to_numpy()
        if parent not in areas:
            rows += [finding(Kind.MISSING_PARENT, [labels[i]], shapes[i]) for i in members]
            continue
        for place in faults.outside_area(shapes[members], areas[parent], tolerance_m):
            i = int(members[place.cells[0]])
            mostly_outside = place.area_m2 > 0.5 * shapes[i].area
            kind = Kind.WRONG_PARENT if named is not None and mostly_outside else Kind.NOT_NESTED
            rows.append(finding(kind, [labels[i]], place.geometry, area_m2=place.area_m2, width_m=place.width_m))
    return rows


def parent_codes(
    cells: gpd.GeoDataFrame, shapes: npt.NDArray[np.object_], parents: gpd.GeoDataFrame
) -> npt.NDArray[np.object_]:
    """Code of the parent of each cell: the one that it names, else the one that holds most of it, '' where none does."""
    named = named_parents(cells, parents)
    if named is not None:
        return named.to_numpy(dtype=object)
    areas = np.asarray(parents.geometry.array, dtype=object)
    codes = parents[CODE].astype(str).to_numpy(dtype=object)
    cell, parent = shapely.STRtree(areas).query(shapes, predicate="intersects")
    common = shapely.area(shapely.intersection(shapes[cell], areas[parent]))
    result = np.full(len(shapes), "", dtype=object)
    for i in np.lexsort((common, cell)):
        result[cell[i]] = codes[parent[i]]  # the last one written holds most
    return result
