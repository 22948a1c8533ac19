"""The frontier of a rebalancing: imbalance against residents moved."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from geo.errors import ImpossibleError


@dataclass(frozen=True)
class Point:
    """One division on the frontier.

    Attributes
    ----------
    imbalance
        Largest deviation of a grid from the mean of its siblings.
    moved
        Share of the residents whose grid changes.
    proven
        Lower bound of `moved` for all divisions with this imbalance.
    transport
        The same for divisions that pass work from neighbour to neighbour; NaN if no flow reaches the imbalance.
    grids
        Grid of each cell, on the index of the cells.
    """

    imbalance: float
    moved: float
    proven: float
    transport: float
    grids: pd.Series


@dataclass(frozen=True)
class Frontier:
    """The best balance for each amount of change, starting without change.

    Attributes
    ----------
    points
        In order of `moved`; `imbalance` falls.
    """

    points: tuple[Point, ...]

    def table(self) -> pd.DataFrame:
        """One row per point: imbalance, moved, proven, transport."""
        return pd.DataFrame(
            [(p.imbalance, p.moved, p.proven, p.transport) for p in self.points],
            columns=["imbalance", "moved", "proven", "transport"],
        )

    def within(self, budget: float) -> Point:
        """The most balanced division that moves at most this share of the residents."""
        return [p for p in self.points if p.moved <= budget][-1]


def require_budget(frontier: Frontier, budget: float, tolerance: float) -> Point:
    """The point within a budget, if it meets a tolerance.

    Raises
    ------
    ImpossibleError
        If no division found moves so few residents with this balance; the message states the best one.
    """
    point = frontier.within(budget)
    if point.imbalance > tolerance:
        raise ImpossibleError(
            f"rebalance: with {budget:.0%} moved the best found is {point.imbalance:.1%} "
            f"off, not {tolerance:.0%}; allow more change, or move a leader there"
        )
    return point
