"""Apportions grids to parents, with lower and upper limits and an exact total."""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.errors import ImpossibleError, InputError, first_labels
from geo.layers.row_values import values_of_rows
from geo.wording import counted


def apportion(workload: pd.Series, seats: int, *, most: pd.Series | None = None) -> pd.Series:
    """Apportion `seats` in proportion to workload, by the method of Huntington and Hill with at least one each.

    Every row gets one seat; each further seat goes to the row with the largest ``w / sqrt(n (n + 1))``, its workload over the
    geometric mean of its current and next number of seats. Ties go to the first row.

    Parameters
    ----------
    workload
        Not negative, any unit, one row per parent.
    seats
        Total number of seats.
    most
        Maximum for each row, on the same index; no limit by default.

    Returns
    -------
    Series of int64
        Seats per row, on the index of `workload`; they sum to `seats`.

    Raises
    ------
    InputError
        If a workload is missing or negative.
    ImpossibleError
        If there are fewer seats than rows, or more than `most` allows.

    >>> apportion(pd.Series([700.0, 200.0, 100.0, 0.0], index=list("abcd")), 11).to_dict()
    {'a': 7, 'b': 2, 'c': 1, 'd': 1}
    """
    weight = workload.to_numpy(dtype=float)
    if not np.isfinite(weight).all() or (weight < 0).any():
        bad = list(workload.index[~(weight >= 0) | ~np.isfinite(weight)])
        raise InputError(f"workload: missing or negative in {first_labels(bad)}; give a number of 0 or more", ids=bad)
    limit = np.full(len(weight), seats)
    if most is not None:
        limit = values_of_rows(most, workload.index, "most", what="parents").to_numpy(dtype=np.int64)
    if seats < len(weight):
        raise ImpossibleError(
            f"{counted(seats, 'grid')} cannot give one to each of {counted(len(weight), 'parent')}; ask for {len(weight)} or more"
        )
    if seats > int(limit.sum()):
        raise ImpossibleError(
            f"{counted(seats, 'grid was', 'grids were')} requested, but the ground can be cut into {int(limit.sum())} at "
            "most; request fewer"
        )
    return pd.Series(_shared(weight, seats, limit), index=workload.index, name="seats")


def _shared(weight: npt.NDArray[np.float64], seats: int, limit: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    given = np.ones(len(weight), dtype=np.int64)
    queue = [(-w / 2**0.5, row) for row, w in enumerate(weight.tolist()) if limit[row] > 1]
    heapq.heapify(queue)
    for _ in range(seats - len(weight)):
        _, row = heapq.heappop(queue)
        given[row] += 1
        n = int(given[row])
        if n < limit[row]:
            heapq.heappush(queue, (-weight[row] / (n * (n + 1)) ** 0.5, row))
    return given
