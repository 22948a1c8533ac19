"""Splits a parent into an exact number of parts: contiguous, without holes, balanced, along barriers, compact.

The initial partition is a recursive bisection (:mod:`geo.divide.partitioning.bisection`). Then all parts are annealed together
(:mod:`geo.divide.partitioning.annealing`), repeatedly and at higher temperature while a part exceeds both the tolerance and the
proven lower bound (:mod:`geo.divide.partitioning.bounds`). Every step keeps parts connected.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from geo.divide.balancing.incumbents import homes_of, start_from_current
from geo.divide.partitioning.adjacency import pieces
from geo.divide.partitioning.bisection import Workspace
from geo.divide.partitioning.bounds import Bound, fair_share, least_tolerance
from geo.divide.partitioning.dead_ends import gates
from geo.divide.partitioning.hole_cuts import ringed
from geo.divide.partitioning.moves import Goal, Scope
from geo.divide.partitioning.objective import Cells, Rules, grain
from geo.divide.partitioning.repartition import repartitioned
from geo.divide.partitioning.search import best_division
from geo.errors import ImpossibleError
from geo.wording import counted, form

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# If cells are large relative to a part, a single move unbalances it so much that the temperature of a first attempt accepts
# none. From the second attempt on: temperature in units of the side of a cell, minimum temperature in units of the
# imbalance cost of a part that deviates by one cell, and the factor on the annealing steps.
_HARD = ((1.6, 0.15, 3), (3.0, 0.3, 3), (0.8, 0.15, 3), (6.0, 0.5, 3), (1.6, 0.15, 3))
# The same for the attempt that smooths re-partitioned parts.
_GENTLE = (0.8, 0.0, 1)
_PAIRS = 0.5
# Number of attempts after which a parent at its bound is left, even if another part exceeds the tolerance.
_ENOUGH = 2
# Numerical noise threshold of tolerances.
_NOISE = 1e-6


@dataclass
class _Parent:
    """A parent being split.

    `members` are annealed, `every` are all its cells including dead ends; `step` is the imbalance cost of a part that deviates
    by one cell, and `scale` the mean load of a part over its target.
    """

    members: Ints
    every: Ints
    scope: Scope
    goal: Goal
    step: float
    scale: float
    least: float
    bound: Bound | None = None

    @property
    def parts(self) -> int:
        return len(self.goal.target)

    @property
    def enough(self) -> float:
        """Sufficient tolerance: the tolerance, or the proven bound if that is larger."""
        return max(self.least, self.bound.tolerance if self.bound else 0.0)


class Splitter:
    """Splits parents of one set of cells.

    Parameters
    ----------
    cells
        The cells.
    rules
        Objective of partitions.
    rng
        Source of the seed.
    """

    def __init__(self, cells: Cells, rules: Rules, rng: np.random.Generator) -> None:
        self._cells = cells
        self._rules = rules
        self._work = Workspace(cells, rules, rng)

    def with_own_state(self, number: int) -> Splitter:
        """A copy with an independent random state, so that parents may be split concurrently, in any order."""
        other = copy.copy(self)
        other._work = self._work.with_own_state(number)
        return other

    def split(
        self,
        members: Ints,
        parts: int,
        what: str,
        *,
        holes: Floats | None = None,
        current: Ints | None = None,
        stay: Floats | None = None,
    ) -> Ints:
        """Split the cells of one parent.

        Parameters
        ----------
        members
            Positions of the cells; they are connected.
        parts
            Number of parts.
        what
            Name of the parent, for messages.
        holes
            A point in each hole of the parent, in the coordinates of the cells, shape (h, 2).
        current, stay
            Number of the present grid of each member (-1: none), and the cost of leaving it.

        Returns
        -------
        ndarray of int64, shape (len(members),)
            Part of each cell, 0 .. parts - 1.

        Raises
        ------
        ImpossibleError
            If there are fewer cells than parts, or no contiguous split was found.
        """
        self._require(members, parts, what)
        weight = self._cells.weight[members]
        # A cell heavier than a fair part becomes a part of its own; its surplus must not reduce the other parts' targets.
        self._work.net.weight[members] = np.minimum(weight, fair_share(weight, parts))
        if parts == 1 or len(members) == parts:
            return np.arange(len(members)) % parts
        open_holes = np.empty((0, 2)) if holes is None else holes
        if current is not None and stay is not None:
            # Present grids may separate a dead end from its gate.
            start = self._work.bisect_all(members, parts, open_holes)
            return self._improve(members, start, parts, members, (current, stay))[0]
        head = gates(self._cells.graph, members, self._work.net.weight[members], parts)
        core = self._without_dead_ends(members, head)
        kept = members[core]
        label, bound = self._improve(kept, self._work.bisect_all(kept, parts, open_holes), parts, members)
        label = label[(np.cumsum(core) - 1)[head]]
        return label if bound is None else self._searched(members, label, parts, bound)

    def _without_dead_ends(self, members: Ints, head: Ints) -> Bools:
        """Add weight and area of dead ends to their gates; returns which members remain."""
        core: Bools = head == np.arange(len(members))
        if core.all():
            return core
        net, n = self._work.net, len(members)
        area = net.area[members]
        middle = np.column_stack([np.bincount(head, area * net.xy[members, k], minlength=n) for k in (0, 1)])
        for held in (net.weight, net.load, net.area):
            held[members] = np.bincount(head, held[members], minlength=n)
        net.xy[members[core]] = middle[core] / net.area[members[core], None]
        return core

    def _require(self, members: Ints, parts: int, what: str) -> None:
        if len(members) < parts:
            raise ImpossibleError(
                f"{what}: {counted(parts, 'grid was', 'grids were')} requested, but its ground is cut into "
                f"{counted(len(members), 'piece')} only; request fewer grids"
            )
        piece = pieces(self._cells.graph, members)
        if piece.max(initial=0) > 0:
            lost = len(members) - int(np.bincount(piece).max())
            raise ImpossibleError(
                f"{what}: its ground is not connected ({lost} of {counted(len(members), 'piece')} "
                f"{form(lost, 'is', 'are')} detached); give each part a row of its own"
            )

    def _improve(
        self, members: Ints, label: Ints, parts: int, every: Ints, homes: tuple[Ints, Floats] | None = None
    ) -> tuple[Ints, Bound | None]:
        """Anneal all parts together and re-partition unbalanced ones, repeatedly while the tolerance is missed.

        `every` are all cells of the parent, including dead ends. Returns the part of each member, and the bound if it was
        needed.
        """
        work = self._work
        scope = work.enter(members)
        if homes is not None:
            label = start_from_current(self._cells.graph, members, label, homes[0], parts)
            work.net.home[members], work.net.stay[members] = homes_of(label, *homes, parts), homes[1]
        work.part[members] = label
        parent = self._parent(members, every, parts, scope)
        best, best_score, rough = label, (np.inf, np.inf), False
        for attempt in range(self._rules.restarts + 1):
            self._anneal(parent, attempt, rough)
            found = work.part[members].copy()
            off = self._off(members, found, parts)
            if off > self._rules.tolerance and parent.bound is None:
                parent.bound = least_tolerance(self._cells.graph, self._cells.load, every, parts)
            last, rough = rough, off > parent.enough + _NOISE and homes is None
            if rough:
                found = self._repartitioned(parent, found)
                off = self._off(members, found, parts)
            plain = parent.goal._replace(rules=self._rules.numbers(1.0, 1.0))
            score = max(off, parent.enough), work.cost(members, found, scope, plain)
            if score < best_score:
                best, best_score = found, score
            work.part[members] = best
            if off > parent.enough + _NOISE or (rough and not last):
                continue
            if off <= self._rules.tolerance or attempt >= _ENOUGH or self._even(members, found, parent.goal.target[0]):
                break
        work.net.home[members] = -1
        return best, parent.bound

    def _parent(self, members: Ints, every: Ints, parts: int, scope: Scope) -> _Parent:
        weight, load = self._work.net.weight[members], self._work.net.load[members]
        target = float(weight.sum()) / parts
        goal = Goal(
            np.full(parts, target),
            np.ones(parts, dtype=np.int64),
            float(np.sqrt(self._cells.area[every].sum() / parts)),
            self._rules.numbers(1.0, 1.0),
            np.zeros(parts, dtype=np.int64),
            self._work.house,
        )
        step = self._rules.balance * float(np.average((weight / target) ** 2, weights=weight))
        scale = float(load.sum() / weight.sum()) or 1.0
        return _Parent(members, every, scope, goal, step, scale, self._rules.tolerance)

    def _anneal(self, parent: _Parent, attempt: int, rough: bool) -> None:
        """Anneal once more, at low temperature after re-partitioning, to smooth the shapes."""
        rules = self._rules
        heat, least, tries = _HARD[(attempt - 1) % len(_HARD)] if attempt else (rules.hot, 0.0, 1)
        if rough:
            heat, least, tries = _GENTLE
        numbers = replace(rules, excess=rules.excess * min(1 + attempt // 2, 3)).numbers(
            heat,
            grain(len(parent.members), parent.parts),
            scale=parent.scale,
            limit=parent.enough if parent.bound else np.inf,
            least_heat=parent.step * least,
            pairs=_PAIRS if attempt else 0.0,
        )
        goal = parent.goal._replace(rules=numbers)
        self._work.anneal(parent.members, parent.scope, goal, rules.tries * tries)

    def _repartitioned(self, parent: _Parent, label: Ints) -> Ints:
        return repartitioned(
            self._cells.graph,
            parent.members,
            self._work.net.load[parent.members],
            label,
            family=np.zeros(parent.parts, dtype=np.int64),
            enough=np.array([parent.enough]),
            apart=np.inf,
            border_m=self._rules.border_m,
        )

    def _searched(self, members: Ints, label: Ints, parts: int, bound: Bound) -> Ints:
        """A better division of a small parent than that found by annealing, if there is one."""
        load = np.bincount(label, self._cells.load[members], minlength=parts)
        off, enough = float(np.abs(load / load.mean() - 1).max()), max(self._rules.tolerance, bound.tolerance)
        if off <= enough + _NOISE or self._work.net.fixed[members].any():
            return label
        found = best_division(
            self._cells.graph, self._cells.load, members, parts, off, enough=enough, border_m=self._rules.border_m
        )[1]
        return label if found is None or ringed(self._cells.graph, members, found) else found

    def _off(self, members: Ints, label: Ints, parts: int) -> float:
        load = np.bincount(label, self._work.net.load[members], minlength=parts)
        return float(np.abs(load / load.mean() - 1).max()) if load.any() else 0.0

    def _even(self, members: Ints, label: Ints, target: float) -> bool:
        """Whether parts are within the tolerance, apart from the surplus of single cells."""
        off = np.bincount(label, self._work.net.weight[members]) / target - 1
        return bool(np.abs(off).max() <= self._rules.tolerance)
