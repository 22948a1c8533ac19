"""Measures of a division: balance of workload and compactness of grids."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.errors import ColumnError, InputError
from geo.layers import Division, Level


def balance(division: Division, level: Level | int) -> pd.Series:
    """Workload of each cell divided by the mean of its siblings.

    Parameters
    ----------
    division
        Division whose layers have ``code``, ``parent`` and ``workload``.
    level
        Community, second or third.

    Returns
    -------
    Series of float64
        1 is balanced; index = code. NaN where all siblings have workload 0.

    Raises
    ------
    InputError
        If the level is the street's.
    ColumnError
        If a column is missing.
    """
    level = Level(level)
    if level is Level.STREET:
        raise InputError("balance: the street has no siblings; ask for community, second or third")
    frame = division.layer(level)
    missing = [c for c in ("code", "parent", "workload") if c not in frame.columns]
    if missing:
        raise ColumnError(f"{level.layer}: column {', '.join(missing)} is missing")
    load = frame["workload"].astype(float)
    mean = load.groupby(frame["parent"].astype(str)).transform("mean")
    values = (load / mean.where(mean > 0)).to_numpy()
    return pd.Series(values, index=pd.Index(frame["code"], name="code"), name="balance")


def compactness(cells: gpd.GeoDataFrame) -> pd.Series:
    """Polsby-Popper compactness of each cell: 4 pi times the area over the square of the perimeter; 1 for a disc.

    Returns
    -------
    Series of float64
        On the index of `cells`, whose CRS is in metres.
    """
    shapes = np.asarray(cells.geometry.array, dtype=object)
    return pd.Series(
        4 * np.pi * shapely.area(shapes) / shapely.length(shapes) ** 2, index=cells.index, name="compactness"
    )
