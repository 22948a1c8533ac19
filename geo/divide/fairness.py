"""How even a division is: every cell against the mean of its siblings, and the evenness that no division can beat."""

from __future__ import annotations

import numpy as np
import pandas as pd

from geo.divide.partitioning.adjacency import build_graph
from geo.divide.partitioning.bounds import least_tolerance
from geo.divide.partitioning.nested import RULES
from geo.errors import InputError
from geo.layers import Division, Level
from geo.layers.columns import AREA_M2, CODE, HOUSEHOLDS, NAME, PARENT, POPULATION, UNITS, WORKLOAD

#: Largest share off the siblings' mean that a division aims at, by level.
TOLERANCES = {level: rule.tolerance for level, rule in RULES.items()}
#: What cells can be compared by, where a layer has it.
MEASURES = (WORKLOAD, POPULATION, HOUSEHOLDS, UNITS, AREA_M2)


def fairness(division: Division, level: Level | int, measure: str = WORKLOAD) -> pd.DataFrame:
    """Compare the cells of a level with the mean of their siblings.

    Parameters
    ----------
    division
        Its layers have `code` and `parent`.
    level
        Community, second or third.
    measure
        One of :data:`MEASURES`.

    Returns
    -------
    DataFrame
        One row per cell, in the order of the layer: `code`, `parent`, `value`, `mean` (of the siblings) and `off`, the share
        by which the value is above (positive) or below the mean; NaN where the value is missing or the mean is 0.

    Raises
    ------
    InputError
        If the level is the street's, or the measure is none of :data:`MEASURES` or no column of the layer.
    """
    level = Level(level)
    if level is Level.STREET:
        raise InputError("fairness: the street has no siblings; ask for community, second or third")
    frame = division.layer(level)
    if measure not in MEASURES or measure not in frame.columns:
        raise InputError(
            f"{level.layer}: cannot be compared by '{measure}'; use {', '.join(measures_of(division, level))}"
        )
    value = pd.to_numeric(frame[measure], errors="coerce").astype(float)
    parent = frame[PARENT].astype(str)
    mean = value.groupby(parent).transform("mean")
    off = (value / mean.where(mean > 0)) - 1.0
    return pd.DataFrame(
        {CODE: frame[CODE].astype(str), PARENT: parent, "value": value, "mean": mean, "off": off}
    ).reset_index(drop=True)


def measures_of(division: Division, level: Level | int) -> list[str]:
    """Measures that a layer has values of."""
    frame = division.layer(Level(level))
    return [name for name in MEASURES if name in frame.columns and frame[name].notna().any()]


def bounds_of_communities(division: Division) -> pd.DataFrame:
    """Bound from below how even the second level can be: third-level cells are not cut.

    Returns
    -------
    DataFrame
        One row per community: `code`, `name`, `grids` (its second-level grids), `reached` (largest share by which one of them is
        off the mean workload), `bound` (what no other division of the same third-level cells into as many grids can beat),
        `reason` and `cell` (code of the third-level cell to blame, empty for none); see
        :func:`geo.divide.least_tolerance`.

    Raises
    ------
    InputError
        If the third level has no workload.

    Notes
    -----
    The bound is proven but not always reached; cost is below a second for a street.
    """
    third = division.third
    if WORKLOAD not in measures_of(division, Level.THIRD):
        raise InputError("third: column 'workload' is missing or empty; bounds are those of the workload")
    weight = pd.to_numeric(third[WORKLOAD], errors="coerce").fillna(0.0).to_numpy(dtype=float)
    graph = build_graph(np.asarray(third.geometry.array, dtype=object))
    second = division.second
    community_of = dict(zip(second[CODE].astype(str), second[PARENT].astype(str), strict=True))
    parent = third[PARENT].astype(str).map(community_of)
    off = fairness(division, Level.SECOND).set_index(CODE)["off"].abs()
    rows = []
    for code, name in zip(division.community[CODE].astype(str), division.community[NAME], strict=True):
        members = np.flatnonzero((parent == code).to_numpy()).astype(np.int64)
        own = [grid for grid, above in community_of.items() if above == code]
        bound = least_tolerance(graph, weight, members, min(len(own), max(len(members), 1)))
        rows.append(
            {
                CODE: code,
                NAME: name,
                "grids": len(own),
                "reached": float(off.reindex(own).max()) if own else np.nan,
                "bound": bound.tolerance,
                "reason": bound.reason,
                "cell": str(third[CODE].iloc[bound.cell]) if bound.cell >= 0 else "",
            }
        )
    return pd.DataFrame(rows)
