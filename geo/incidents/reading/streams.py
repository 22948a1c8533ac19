"""Counts very many points per cell, level and day, chunk by chunk, in the memory of one chunk."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.incidents.assignment import ancestors
from geo.incidents.columns import COMMUNITY, INCIDENTS, SECOND, THIRD
from geo.incidents.reprojection import to_metric_as_drawn
from geo.layers import Division
from geo.layers.columns import CODE, LEVEL
from geo.locate import GridIndex

Floats = npt.NDArray[np.float64]


def count_stream(chunks: Iterable[tuple[Floats, Floats]], division: Division) -> pd.DataFrame:
    """Count points given in chunks, per cell of the three levels.

    Parameters
    ----------
    chunks
        Coordinates x, y in the CRS of the division, metres, float64, each shape (n,); NaN counts as outside.
    division
        The grids.

    Returns
    -------
    DataFrame
        One row per cell of each level: `code`, `level`, `incidents` (int64). ``attrs``: `points` and `outside`, their number.

    Notes
    -----
    Points are located by :class:`geo.locate.GridIndex`, as in :func:`geo.incidents.assign`. Memory: one chunk and the index.
    """
    index = GridIndex(to_metric_as_drawn(division.third))
    number = np.zeros(len(division.third) + 1, dtype=np.int64)
    points = 0
    for x, y in chunks:
        position = index.locate(x, y)
        number += np.bincount(position + 1, minlength=len(number))
        points += len(position)
    second, community = ancestors(division)
    third = pd.DataFrame({THIRD: division.third[CODE], SECOND: second, COMMUNITY: community, INCIDENTS: number[1:]})
    parts: list[pd.DataFrame] = []
    for level, column, cells in (
        (1, COMMUNITY, division.community),
        (2, SECOND, division.second),
        (3, THIRD, division.third),
    ):
        sums: pd.Series[Any] = third.groupby(column, sort=False)[INCIDENTS].sum()
        each = sums.reindex(cells[CODE], fill_value=0).to_numpy()
        parts.append(pd.DataFrame({CODE: cells[CODE].to_numpy(dtype=object), LEVEL: level, INCIDENTS: each}))
    result = pd.concat(parts, ignore_index=True)
    result.attrs = {"points": points, "outside": int(number[0])}
    return result
