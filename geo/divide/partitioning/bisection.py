"""Recursive bisection: the initial partition.

A parent is split in two recursively. For each split, one side is grown from several directions and along METIS's proposal, each
candidate is annealed briefly, and the cheapest is used. The number of parts is exact by construction, and every side is
connected.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import count as count_up

import numpy as np
import numpy.typing as npt
import pymetis
from scipy.sparse import coo_array

from geo.divide.partitioning.adjacency import rows
from geo.divide.partitioning.annealing import anneal
from geo.divide.partitioning.hole_cuts import severed
from geo.divide.partitioning.moves import Goal, Net, Scope, energy, grow, tally
from geo.divide.partitioning.objective import Cells, Rules, grain

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# Number of directions from which a side is grown; above this size only METIS's proposals are used.
_DIRECTIONS = 4
_MANY = 4000
# Deviation of a split from its target above which other splits are tried.
_CUT_OFF = 0.1
# With fewer cells METIS adds nothing to the directions.
_METIS_FROM = 60
# Annealing steps, per cell on the border, before a split is evaluated.
_CUT_TRIES = 10


class Workspace:
    """Work arrays of the kernels, for one set of cells.

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
        n = len(cells.weight)
        self.cells = cells
        self.rules = rules
        self.net = cells.net()
        self.part = np.full(n, -1, dtype=np.int64)
        self.group = np.full(n, -1, dtype=np.int64)
        self.house = np.zeros(n, dtype=np.int64)
        self.place = np.full(n, -1, dtype=np.int64)
        self._number = np.full(n, -1, dtype=np.int64)
        self._key = np.zeros(n)
        self._parents = count_up(1)
        self._seed = int(rng.integers(0, 2**63))
        self.state = np.array([self._seed], dtype=np.uint64)

    def with_own_state(self, number: int) -> Workspace:
        """The same arrays with an independent random state, so that parents may be split concurrently, in any order.

        The working memory is its own, too.
        """
        other = copy.copy(self)
        other.net = self.net._replace(met=np.empty_like(self.net.met))
        other.state = np.random.default_rng([self._seed, number]).integers(0, 2**63, size=1, dtype=np.uint64)
        return other

    def enter(self, members: Ints) -> Scope:
        """Define the members as a parent."""
        parent = next(self._parents)
        self.group[members] = parent
        return Scope(self.part, self.group, parent)

    def anneal(self, members: Ints, scope: Scope, goal: Goal, tries: int) -> None:
        """Anneal the parts of a parent; changes :attr:`part`."""
        anneal(self.net, members, scope, goal, self.place, tries, self.state)

    def cost(self, members: Ints, label: Ints, scope: Scope, goal: Goal) -> float:
        """Energy of a partition."""
        self.part[members] = label
        return float(energy(self.net, members, scope, tally(self.net, members, self.part, len(goal.target)), goal))

    def bisect_all(self, members: Ints, parts: int, holes: Floats) -> Ints:
        """Part of each member, by recursive bisection.

        Parameters
        ----------
        members
            Positions of connected cells.
        parts
            Number of parts.
        holes
            A point in each hole of the parent, shape (h, 2).
        """
        label = np.zeros(len(members), dtype=np.int64)
        pending = [(np.arange(len(members)), parts, 0)]
        while pending:
            inside, count, first = pending.pop()
            if count == 1:
                label[inside] = first
            elif len(inside) == count:
                label[inside] = first + np.arange(count)
            else:
                half, left = self._cut(members[inside], count, holes)
                pending.append((inside[~left], count - half, first + half))
                pending.append((inside[left], half, first))
        return label

    def _cut(self, members: Ints, count: int, holes: Floats) -> tuple[int, Bools]:
        """Split a parent of `count` grids in two: the number of grids on the first side, and its cells.

        If cells are connected by narrow borders, equal halves may not exist; then narrower borders and smaller sides are tried,
        and finally any edge of a spanning tree, which always exists.
        """
        half = count // 2
        weight = self.net.weight[members]
        total = float(weight.sum())
        best: tuple[float, int, Bools] | None = None
        for part, border_m in ((half, self.rules.border_m), (half, 0.0), (1, self.rules.border_m), (1, 0.0)):
            side = self._bisect(members, part, count, border_m, holes)
            if side is None:
                continue
            off = abs(float(weight[side].sum()) - total * part / count)
            # A split is not rejected for a deviation that a single cell can cause.
            if off <= max(_CUT_OFF * total * part / count, float(weight.max())):
                return part, side
            if best is None or off < best[0]:
                best = off, part, side
        part, side = self._cut_tree(members, count)
        off = abs(float(weight[side].sum()) - total * part / count)
        return (part, side) if best is None or off < best[0] else best[1:]

    def _tree(self, members: Ints) -> dict[int, int]:
        """Spanning tree of the cells reachable from the first: each cell with its predecessor, in order."""
        graph = self.cells.graph
        parent = self.enter(members).parent
        above, order = {int(members[0]): -1}, [int(members[0])]
        for v in order:
            for j in range(graph.indptr[v], graph.indptr[v + 1]):
                u = int(graph.neighbour[j])
                if u >= 0 and graph.length_m[j] > 0 and self.group[u] == parent and u not in above:
                    above[u] = v
                    order.append(u)
        return above

    def _cut_tree(self, members: Ints, count: int) -> tuple[int, Bools]:
        """Split the spanning tree at the edge with enough cells on both sides and the best weights."""
        above = self._tree(members)
        order = list(above)
        below = {v: {v} for v in order}
        for v in order[:0:-1]:
            below[above[v]] |= below[v]
        weight, n = self.net.weight, len(members)
        total = float(weight[members].sum())
        best = min(
            (
                (abs(float(weight[list(below[v])].sum()) / total - part / count), part, v)
                for v in order[1:]
                for part in range(max(1, count - (n - len(below[v]))), min(count - 1, len(below[v])) + 1)
            ),
        )
        return best[1], np.array([int(v) in below[best[2]] for v in members])

    def _bisect(self, members: Ints, half: int, count: int, border_m: float, holes: Floats) -> Bools | None:
        """Cells of the first of two sides with `half` and `count - half` grids; None if there is no such split."""
        scope = self.enter(members)
        share = half / count
        goal = Goal(
            float(self.net.weight[members].sum()) * np.array([share, 1 - share]),
            np.array([half, count - half]),
            float(np.sqrt(self.cells.area[members].sum() / 2)),
            replace(self.rules, border_m=border_m, tolerance=1.0).numbers(0.2, grain(len(members), 2)),
            np.zeros(2, dtype=np.int64),
            self.house,
        )
        best, best_cost = None, np.inf
        for net, key, seam in self._starts(members, share, scope, holes):
            self._key[members] = key
            needed = (half, count - half)
            done = grow(net, members, self._key, float(goal.target[0]), needed, scope, border_m)
            if not done or self._rejoined(seam):
                continue
            self.anneal(members, scope, goal, _CUT_TRIES)
            side = self.part[members]
            cost = self.cost(members, side, scope, goal)
            if cost < best_cost:
                best, best_cost = side == 0, cost
        return best

    def _starts(self, members: Ints, share: float, scope: Scope, holes: Floats) -> list[tuple[Net, Floats, Ints]]:
        """Growth orders of a side; for a ring around a hole, with the net and the seam at which it is cut open."""
        if len(holes):
            cuts = severed(self.net, self.cells.xy, members, holes)
            if cuts:
                return cuts
        none = np.empty((0, 2), dtype=np.int64)
        return [(self.net, key, none) for key in self._keys(members, share, scope.parent)]

    def _rejoined(self, seam: Ints) -> bool:
        """Whether one part lies on both sides of a seam, and so would enclose the hole."""
        return bool((self.part[seam[:, 0]] == self.part[seam[:, 1]]).any())

    def _keys(self, members: Ints, share: float, parent: int) -> list[Floats]:
        """Growth orders of a side: METIS's side first, then sweeps."""
        xy = self.cells.xy[members]
        spread = xy - xy.mean(axis=0)
        axes = np.linalg.eigh(spread.T @ spread)[1]
        base = np.arctan2(axes[1, 1], axes[0, 1])
        angles = base + np.arange(_DIRECTIONS) * (2 * np.pi / _DIRECTIONS)
        keys = [spread[:, 0] * np.cos(a) + spread[:, 1] * np.sin(a) for a in angles]
        if len(members) < _METIS_FROM:
            return keys
        side = self._metis(members, share, parent)
        reach = float(np.ptp(keys[0])) + 1.0
        proposed = [key + 4 * reach * (side == 1) for key in (keys[0], keys[_DIRECTIONS // 2])]
        return proposed if len(members) >= _MANY else keys + proposed

    def _metis(self, members: Ints, share: float, parent: int) -> Ints:
        """Side of each cell in METIS's bisection, 0 or 1; not necessarily connected."""
        graph = self.cells.graph
        place = self._number
        place[members] = np.arange(len(members))
        a, entries = rows(graph, members)
        b = graph.neighbour[entries]
        kept = (b >= 0) & (self.group[np.maximum(b, 0)] == parent) & (graph.length_m[entries] > 0)
        a, b = a[kept], place[b[kept]]
        price = np.maximum(graph.cost_m[entries][kept], 0.02 * graph.length_m[entries][kept])
        matrix = coo_array((price * 10, (a, b)), shape=(len(members),) * 2).tocsr()
        matrix.sum_duplicates()
        weight = np.maximum(self.net.weight[members] / self.net.weight[members].mean() * 1000, 1).astype(np.int64)
        _, side = pymetis.part_graph(
            2,
            adjacency=pymetis.CSRAdjacency(adj_starts=matrix.indptr, adjacent=matrix.indices),
            vweights=weight,
            eweights=np.maximum(matrix.data, 1).astype(np.int64),
            tpwgts=[share, 1 - share],
            recursive=True,
            options=pymetis.Options(seed=1),
        )
        return np.asarray(side, dtype=np.int64)
