"""Checks of attributes: codes, number of cells, and declared areas."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.coverage import faults
from geo.coverage.report import Kind, Rows, finding
from geo.layers.cells import labels_of, missing_code
from geo.layers.codes import is_code
from geo.layers.columns import AREA_M2, CODE, Level
from geo.layers.crs import area_m2

#: Relative difference up to which a declared area is accepted: planar areas in the CRS of Nanjing are 0.031 % too large.
AREA_SHARE = 0.001


def code_faults(cells: gpd.GeoDataFrame, level: Level | None) -> Rows:
    """Missing and duplicate codes and, where the level is known, malformed codes."""
    if CODE not in cells:
        return []
    codes = cells[CODE].astype("string").fillna("").str.strip().astype(str)
    missing = missing_code(cells[CODE]).to_numpy()
    double = codes.duplicated(keep=False).to_numpy() & ~missing
    labels = labels_of(cells)
    rows: Rows = [
        finding(Kind.BAD_CODE, [labels[i]], cells.geometry.iloc[i], detail=("（没有编码）", " (it is missing)"))
        for i in np.flatnonzero(missing)
    ]
    if double.any():
        rows += [
            finding(Kind.DUPLICATE_CODE, [code], shapely.multipolygons(_parts(group.geometry)))
            for code, group in cells[double].groupby(codes[double], sort=True)
        ]
    if level is not None:
        bad = np.flatnonzero([code != "" and not is_code(code, level) for code in cells[CODE].astype(str)])
        rows += [finding(Kind.BAD_CODE, [codes.iloc[i]], cells.geometry.iloc[i]) for i in bad]
    return rows


def _parts(shapes: gpd.GeoSeries) -> list[shapely.Polygon]:
    return [part for shape in shapes if shape is not None for part in faults.polygons_of(shape)]


def count_faults(cells: gpd.GeoDataFrame, expected: int | None) -> Rows:
    """A finding if the number of cells differs from the expected one."""
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
        finding(
            Kind.AREA_MISMATCH,
            [labels[i]],
            cells.geometry.iloc[i],
            detail=(
                f"（登记 {declared[i]:,.1f}，图形 {measured[i]:,.1f} m²）",
                f" ({declared[i]:,.1f} declared, {measured[i]:,.1f} m² measured)",
            ),
        )
        for i in wrong
    ]
