"""What a partition knows of the cells, and what it is judged by."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo.divide.partitioning.adjacency import Graph
from geo.divide.partitioning.moves import Net

Floats = npt.NDArray[np.float64]

# Heat at the end.
_COLD = 0.01
# Tolerance is aimed at with this to spare.
_SPARE = 0.9


def grain(cells: int, parts: int) -> float:
    """Side of a mean cell over that of a mean part."""
    return float(np.sqrt(parts / cells))


@dataclass(frozen=True)
class Rules:
    """What a partition is judged by.

    Attributes
    ----------
    balance
        Cost of a part that is off its target, times the square of the share that it is off.
    tolerance
        Share by which a part may be off.
    excess
        Cost of what a part is off above that, times the share.
    steep
        The same, times the square of the share.
    cut
        Cost of a border, as long as the side of a mean part and worth 1 a metre.
    shape
        Cost of a part whose moment of inertia is twice that of a disc.
    border_m
        Least border through which a part hangs together.
    tries
        Annealing steps per cell on a border.
    hot
        Heat at the beginning, in the side of a cell over that of a part.
    restarts
        How often a parent that misses its tolerance is annealed again.
    """

    balance: float = 200.0
    tolerance: float = 0.05
    excess: float = 0.0
    steep: float = 0.0
    cut: float = 1.0
    shape: float = 1.0
    border_m: float = 3.0
    tries: int = 400
    hot: float = 0.8
    restarts: int = 0

    def numbers(
        self,
        hot: float,
        grain: float,
        *,
        least_heat: float = 0.0,
        scale: float = 1.0,
        limit: float = np.inf,
        pairs: float = 0.0,
    ) -> Floats:
        """The entries that the kernels expect; `grain` is the side of a mean cell over that of a mean part.

        One cell changes the length of a border by about `grain`, so heat is measured in it. `scale` is the mean load of a part
        over its target, `limit` what no part should be off that mean, and `pairs` the share of moves that are made in twos.
        """
        return np.array(
            [
                self.balance,
                self.cut,
                self.shape,
                self.border_m,
                max(hot * grain, least_heat),
                _COLD * grain,
                _SPARE * self.tolerance,
                self.excess,
                self.steep,
                scale,
                limit,
                pairs,
            ]
        )


@dataclass(frozen=True)
class Cells:
    """What the partition knows of the cells: all arrays have one entry per cell.

    Attributes
    ----------
    graph
        Neighbours.
    weight
        Workload with a grain of it spread over the ground, positive.
    area
        Square metres.
    xy
        Centroids in metres about a common middle, shape (n, 2).
    load
        Workload as it is; 0 in empty cells.
    """

    graph: Graph
    weight: Floats
    area: Floats
    xy: Floats
    load: Floats

    def net(self) -> Net:
        """The arrays as the kernels take them; those of the cells are copies, and no cell is pinned or preassigned."""
        n = len(self.weight)
        graph = self.graph
        return Net(
            graph.indptr,
            graph.neighbour,
            graph.length_m,
            graph.link_m,
            graph.cost_m,
            self.weight.copy(),
            self.area.copy(),
            np.array(self.xy, order="C"),
            self.load.copy(),
            np.zeros(n, dtype=np.bool_),
            np.full(n, -1, dtype=np.int64),
            np.zeros(n),
        )
