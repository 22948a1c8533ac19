"""Results of the index."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]


class Crossings(NamedTuple):
    """Pieces of segments inside cells, in order of segment and position along it.

    Attributes
    ----------
    segment
        Position of the segment, int64.
    cell
        Position of the cell, int32; -1 outside.
    t_in, t_out
        Start and end of the piece, 0 at the segment's start and 1 at its end. Consecutive pieces share their ends.
    """

    segment: npt.NDArray[np.int64]
    cell: Ints
    t_in: Floats
    t_out: Floats


class Chances(NamedTuple):
    """Cells that may contain positions, in order of point, then descending probability.

    Attributes
    ----------
    point
        Position of the point, int64.
    cell
        Position of the cell, int32; -1 outside.
    probability
        Sums to 1 for each point, except for cells left out as improbable.
    """

    point: npt.NDArray[np.int64]
    cell: Ints
    probability: Floats


class Above(NamedTuple):
    """A level above the cells: its codes, and the position of each cell's ancestor in it, -1 for none."""

    codes: npt.NDArray[np.object_]
    position: Ints
