"""Results of the index."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]


class Crossings(NamedTuple):
    """Pieces of segments inside cells, in order of segment and way.

    Attributes
    ----------
    segment
        Position of the segment, int64.
    cell
        Position of the cell, int32; -1 outside.
    t_in, t_out
        Where the piece begins and ends, 0 at the segment's start and 1 at its end. Pieces abut.
    """

    segment: npt.NDArray[np.int64]
    cell: Ints
    t_in: Floats
    t_out: Floats


class Chances(NamedTuple):
    """Cells that positions may be in, in order of point, then of probability, the greatest first.

    Attributes
    ----------
    point
        Position of the point, int64.
    cell
        Position of the cell, int32; -1 outside.
    probability
        Adds up to 1 for each point, but for what was left out as too little.
    """

    point: npt.NDArray[np.int64]
    cell: Ints
    probability: Floats


class Above(NamedTuple):
    """A level above the cells: its codes, and the position in it of each cell's ancestor, -1 for none."""

    codes: npt.NDArray[np.object_]
    position: Ints
