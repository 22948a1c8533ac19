"""Matches new grids to the present ones, so that residents keep their grid where balance permits."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.optimize import linear_sum_assignment

from geo.divide.partitioning.adjacency import Graph, pieces

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def start_from_current(graph: Graph, members: Ints, label: Ints, current: Ints, parts: int) -> Ints:
    """The present grids as start, if their number is right and each is connected; otherwise the given start."""
    grids, number = np.unique(current, return_inverse=True)
    if len(grids) != parts or grids[0] < 0:
        return label
    for k in range(parts):
        if pieces(graph, members[number == k]).max() > 0:
            return label
    return number.astype(np.int64)


def homes_of(label: Ints, current: Ints, stay: Floats, parts: int) -> Ints:
    """Part matched to the present grid of each member, by the matching that keeps most residents; -1 for none."""
    grids, number = np.unique(current, return_inverse=True)
    shared = np.zeros((len(grids), parts))
    np.add.at(shared, (number, label), stay)
    row, column = linear_sum_assignment(-shared)
    part = np.full(len(grids), -1, dtype=np.int64)
    part[row] = column
    part[grids < 0] = -1
    homes: Ints = part[number]
    return homes
