"""Cell data and objective of a partition."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from geo.divide.partitioning.adjacency import Graph
from geo.divide.partitioning.moves import NEAR, Net

Floats = npt.NDArray[np.float64]

# Final temperature.
_COLD = 0.01
# Share of the tolerance that is aimed at, leaving a reserve.
_SPARE = 0.9


def grain(cells: int, parts: int) -> float:
    """Ratio of the side of a mean cell to that of a mean part."""
    return float(np.sqrt(parts / cells))


@dataclass(frozen=True)
class Rules:
    """Objective of a partition.

    Attributes
    ----------
    balance
        Cost of a part that deviates from its target, times the square of the deviation.
    tolerance
        Permitted deviation of a part, as a share.
    excess
        Cost of the deviation above the tolerance, times the share.
    steep
        The same, times the square of the share.
    cut
        Cost of a border as long as the side of a mean part, with cost 1 per metre.
    shape
        Cost of a part whose moment of inertia is twice that of a disc.
    border_m
        Minimum width of a border that counts as a connection of a part.
    tries
        Annealing steps per cell on a border.
    hot
        Initial temperature, in the ratio of the side of a cell to that of a part.
    restarts
        Number of times that a parent that misses its tolerance is annealed again.
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
        """Parameters of the kernels; `grain` is the ratio of the side of a mean cell to that of a mean part.

        One cell changes the length of a border by about `grain`, which is therefore the unit of temperature. `scale` is the
        mean load of a part over its target, `limit` the permitted deviation from that mean, and `pairs` the share of paired
        moves.
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
    """Cell data of a partition: all arrays have one entry per cell.

    Attributes
    ----------
    graph
        Neighbours.
    weight
        Workload with a small share distributed by area, positive.
    area
        Square metres.
    xy
        Centroids in metres relative to a common centre, shape (n, 2).
    load
        Original workload; 0 in empty cells.
    """

    graph: Graph
    weight: Floats
    area: Floats
    xy: Floats
    load: Floats

    def net(self) -> Net:
        """The arrays for the kernels; those of the cells are copies, and no cell is pinned or preassigned."""
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
            np.empty(NEAR, dtype=np.int64),
        )
