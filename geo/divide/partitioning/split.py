"""Splitting a parent into an exact number of parts: contiguous, hole-free, balanced, along barriers, compact.

The start is recursive bisection: for each cut, part 0 is grown from several directions and along METIS's proposal, and the
cheapest result is taken. Then all parts are annealed together (:mod:`geo.divide.partitioning.kernels`), and again, hotter, as long as a
part is off by more than both the tolerance and what is proven to be in the way (:mod:`geo.divide.partitioning.bounds`). The number of
parts is exact by construction, and every step keeps parts in one piece.
"""

from __future__ import annotations

import copy
from dataclasses import replace
from itertools import count as count_up

import numpy as np
import numpy.typing as npt
import pymetis
from scipy.sparse import coo_array

from geo.divide.incumbents import homes_of, start_of_today
from geo.divide.partitioning.adjacency import pieces, rows
from geo.divide.partitioning.bounds import Bound, fair_part, least_tolerance
from geo.divide.partitioning.dead_ends import gates
from geo.divide.partitioning.hole_cuts import ringed, severed
from geo.divide.partitioning.kernels import Net, anneal, energy, grow, tally
from geo.divide.partitioning.objective import Cells, Rules, grain
from geo.divide.partitioning.repartition import mended
from geo.divide.partitioning.search import best_division
from geo.errors import ImpossibleError

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# Directions from which a part is grown; none but METIS's proposal where there are so many cells that any start is as good.
_DIRECTIONS = 4
_MANY = 4000
# Share by which a cut may miss its target before other cuts are tried.
_CUT_OFF = 0.1
# Below this many cells METIS has nothing to add to the directions.
_METIS_FROM = 60
# Annealing steps, per cell on the border, that a cut gets before it is judged.
_CUT_TRIES = 10
# Where cells are large beside a part, one that changes sides is off by so much that the heat of a first attempt lets none pass.
# So from the second attempt on: heat in the side of a cell, the least heat in what imbalance costs if a part is off by one
# cell, and how much longer to cool.
_HARD = ((1.6, 0.15, 3), (3.0, 0.3, 3), (0.8, 0.15, 3), (6.0, 0.5, 3), (1.6, 0.15, 3))
# The same for the attempt that smooths what was mended.
_GENTLE = (0.8, 0.0, 1)
_PAIRS = 0.5
# Attempts after which a parent that is at its bound is left alone though some other part misses the tolerance.
_ENOUGH = 2
# Tolerances that differ by less are equal.
_NOISE = 1e-6


class Splitter:
    """Splits parents of one set of cells; holds the arrays that the kernels work on.

    Parameters
    ----------
    cells
        The cells.
    rules
        What to strive for.
    rng
        Source of the seed.
    """

    def __init__(self, cells: Cells, rules: Rules, rng: np.random.Generator) -> None:
        n = len(cells.weight)
        self._cells = cells
        self._rules = rules
        self._net = cells.net()
        self._part = np.full(n, -1, dtype=np.int64)
        self._group = np.full(n, -1, dtype=np.int64)
        self._house = np.zeros(n, dtype=np.int64)
        self._place = np.full(n, -1, dtype=np.int64)
        self._number = np.full(n, -1, dtype=np.int64)
        self._key = np.zeros(n)
        self._next = count_up(1)
        self._seed = int(rng.integers(0, 2**63))
        self._state = np.array([self._seed], dtype=np.uint64)

    def alone(self, number: int) -> Splitter:
        """The same with random numbers of its own, so that parents may be split at the same time, in any order."""
        other = copy.copy(self)
        other._state = np.random.default_rng([self._seed, number]).integers(0, 2**63, size=1, dtype=np.uint64)
        return other

    def split(
        self,
        members: Ints,
        parts: int,
        what: str,
        *,
        holes: Floats | None = None,
        today: Ints | None = None,
        stay: Floats | None = None,
    ) -> Ints:
        """Split the cells of one parent.

        Parameters
        ----------
        members
            Positions of the cells; they hang together.
        parts
            Number of parts.
        what
            Name of the parent, for messages.
        holes
            A point in each hole of the parent, in the coordinates of the cells, shape (h, 2).
        today, stay
            Number of the grid that each member belongs to today (-1: none), and what it costs to leave it.

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
        # A cell heavier than a fair part will be a part of its own; what it has too much must not starve the others.
        self._net.weight[members] = np.minimum(weight, fair_part(weight, parts))
        if parts == 1 or len(members) == parts:
            return np.arange(len(members)) % parts
        if today is not None and stay is not None:
            # Today's grids may part a tail from its gate.
            return self._improve(members, self._halved(members, parts, holes), parts, members, (today, stay))[0]
        head = gates(self._cells.graph, members, self._net.weight[members], parts)
        core = self._without_tails(members, head)
        kept = members[core]
        label, bound = self._improve(kept, self._halved(kept, parts, holes), parts, members)
        label = label[(np.cumsum(core) - 1)[head]]
        return label if bound is None else self._searched(members, label, parts, bound)

    def _without_tails(self, members: Ints, head: Ints) -> Bools:
        """Give weight and ground of tails to their gates; which members are left."""
        core: Bools = head == np.arange(len(members))
        if core.all():
            return core
        net, n = self._net, len(members)
        area = net.area[members]
        middle = np.column_stack([np.bincount(head, area * net.xy[members, k], minlength=n) for k in (0, 1)])
        for held in (net.weight, net.load, net.area):
            held[members] = np.bincount(head, held[members], minlength=n)
        net.xy[members[core]] = middle[core] / net.area[members[core], None]
        return core

    def _halved(self, members: Ints, parts: int, holes: Floats | None) -> Ints:
        """Part of each member, by cutting in two again and again."""
        label = np.zeros(len(members), dtype=np.int64)
        pending = [(np.arange(len(members)), parts, 0)]
        open_holes = np.empty((0, 2)) if holes is None else holes
        while pending:
            inside, count, first = pending.pop()
            if count == 1:
                label[inside] = first
            elif len(inside) == count:
                label[inside] = first + np.arange(count)
            else:
                half, left = self._cut(members[inside], count, open_holes)
                pending.append((inside[~left], count - half, first + half))
                pending.append((inside[left], half, first))
        return label

    def _require(self, members: Ints, parts: int, what: str) -> None:
        if len(members) < parts:
            raise ImpossibleError(
                f"{what}: {parts} grids were asked for, but its ground is cut into {len(members)} pieces only; "
                "ask for fewer grids"
            )
        piece = pieces(self._cells.graph, members)
        if piece.max(initial=0) > 0:
            lost = len(members) - int(np.bincount(piece).max())
            raise ImpossibleError(
                f"{what}: its ground does not hang together ({lost} of {len(members)} pieces are cut off); "
                "give each part a row of its own"
            )

    def _cut(self, members: Ints, count: int, holes: Floats) -> tuple[int, Bools]:
        """Cut a parent of `count` grids in two: how many grids the first side is to hold, and which cells it has.

        Where cells hang together by narrow borders, halves may not exist; then narrower borders and smaller sides are tried,
        and last any edge of a spanning tree, which always exists.
        """
        half = count // 2
        weight = self._net.weight[members]
        total = float(weight.sum())
        best: tuple[float, int, Bools] | None = None
        for part, border_m in ((half, self._rules.border_m), (half, 0.0), (1, self._rules.border_m), (1, 0.0)):
            side = self._bisect(members, part, count, border_m, holes)
            if side is None:
                continue
            off = abs(float(weight[side].sum()) - total * part / count)
            # What one cell can outweigh is not the fault of the cut.
            if off <= max(_CUT_OFF * total * part / count, float(weight.max())):
                return part, side
            if best is None or off < best[0]:
                best = off, part, side
        part, side = self._cut_tree(members, count)
        off = abs(float(weight[side].sum()) - total * part / count)
        return (part, side) if best is None or off < best[0] else best[1:]

    def _tree(self, members: Ints) -> dict[int, int]:
        """Spanning tree of the cells that can be reached from the first: each cell with the one before it, in order."""
        graph = self._cells.graph
        parent = self._enter(members)
        above, order = {int(members[0]): -1}, [int(members[0])]
        for v in order:
            for j in range(graph.indptr[v], graph.indptr[v + 1]):
                u = int(graph.neighbour[j])
                if u >= 0 and graph.length_m[j] > 0 and self._group[u] == parent and u not in above:
                    above[u] = v
                    order.append(u)
        return above

    def _cut_tree(self, members: Ints, count: int) -> tuple[int, Bools]:
        """Cut the spanning tree of a parent where both sides have cells enough and weights fit best."""
        above = self._tree(members)
        order = list(above)
        below = {v: {v} for v in order}
        for v in order[:0:-1]:
            below[above[v]] |= below[v]
        weight, n = self._net.weight, len(members)
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
        """Which cells go to the first of two parts that are to hold `half` and `count - half` grids; None if none can."""
        rules = self._rules
        parent = self._enter(members)
        share = half / count
        target = float(self._net.weight[members].sum()) * np.array([share, 1 - share])
        least = np.array([half, count - half])
        unit = float(np.sqrt(self._cells.area[members].sum() / 2))
        numbers = replace(rules, border_m=border_m, tolerance=1.0).numbers(0.2, grain(len(members), 2))
        best, best_cost = None, np.inf
        for net, key, seam in self._starts(members, share, parent, holes):
            self._key[members] = key
            done = grow(
                net, members, self._key, float(target[0]), half, count - half, parent, self._part, self._group, border_m
            )
            if not done or self._rejoined(seam):
                continue
            anneal(
                self._net,
                members,
                self._part,
                self._group,
                parent,
                self._place,
                target,
                least,
                unit,
                numbers,
                _CUT_TRIES,
                self._state,
                np.zeros(2, dtype=np.int64),
                self._house,
            )
            side = self._part[members]
            cost = self._cost(members, side, parent, target, unit, numbers)
            if cost < best_cost:
                best, best_cost = side == 0, cost
        return best

    def _starts(self, members: Ints, share: float, parent: int, holes: Floats) -> list[tuple[Net, Floats, Ints]]:
        """Orders in which part 0 may grow; for a ring round a hole, with the net and the seam at which it is cut open."""
        if len(holes):
            cuts = severed(self._net, self._cells.xy, members, holes)
            if cuts:
                return cuts
        none = np.empty((0, 2), dtype=np.int64)
        return [(self._net, key, none) for key in self._keys(members, share, parent)]

    def _rejoined(self, seam: Ints) -> bool:
        """Tell whether one part lies on both sides of a seam, so that it would run round the hole."""
        return bool((self._part[seam[:, 0]] == self._part[seam[:, 1]]).any())

    def _keys(self, members: Ints, share: float, parent: int) -> list[Floats]:
        """Orders in which part 0 may grow: sweeps, and METIS's side first."""
        xy = self._cells.xy[members]
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
        """Side of each cell in METIS's bisection, 0 or 1; not necessarily in one piece."""
        graph = self._cells.graph
        place = self._number
        place[members] = np.arange(len(members))
        a, entries = rows(graph, members)
        b = graph.neighbour[entries]
        kept = (b >= 0) & (self._group[np.maximum(b, 0)] == parent) & (graph.length_m[entries] > 0)
        a, b = a[kept], place[b[kept]]
        price = np.maximum(graph.cost_m[entries][kept], 0.02 * graph.length_m[entries][kept])
        matrix = coo_array((price * 10, (a, b)), shape=(len(members),) * 2).tocsr()
        matrix.sum_duplicates()
        weight = np.maximum(self._net.weight[members] / self._net.weight[members].mean() * 1000, 1).astype(np.int64)
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

    def _improve(
        self, members: Ints, label: Ints, parts: int, whole: Ints, homes: tuple[Ints, Floats] | None = None
    ) -> tuple[Ints, Bound | None]:
        """Anneal all parts of a parent together, and mend what is left, again and hotter while the tolerance is missed.

        `whole` are all cells of the parent, tails too. Returns the part of each member, and the bound if it was asked for.
        """
        rules = self._rules
        parent = self._enter(members)
        if homes is not None:
            label = start_of_today(self._cells.graph, members, label, homes[0], parts)
            self._net.home[members], self._net.stay[members] = homes_of(label, *homes, parts), homes[1]
        self._part[members] = label
        weight = self._net.weight[members]
        target = np.full(parts, float(weight.sum()) / parts)
        unit = float(np.sqrt(self._cells.area[whole].sum() / parts))
        step = rules.balance * float(np.average((weight / target[0]) ** 2, weights=weight))
        scale = float(self._net.load[members].sum() / weight.sum()) or 1.0
        best, best_score, bound, rough = label, (np.inf, np.inf), None, False
        for attempt in range(rules.restarts + 1):
            # What was mended is uneven in shape: it is annealed gently once more.
            heat, least, tries = _HARD[(attempt - 1) % len(_HARD)] if attempt else (rules.hot, 0.0, 1)
            if rough:
                heat, least, tries = _GENTLE
            harder = replace(rules, excess=rules.excess * min(1 + attempt // 2, 3))
            enough = max(rules.tolerance, bound.tolerance) if bound else np.inf
            numbers = harder.numbers(
                heat,
                grain(len(members), parts),
                scale=scale,
                limit=enough,
                least_heat=step * least,
                pairs=_PAIRS if attempt else 0.0,
            )
            anneal(
                self._net,
                members,
                self._part,
                self._group,
                parent,
                self._place,
                target,
                np.ones(parts, dtype=np.int64),
                unit,
                numbers,
                rules.tries * tries,
                self._state,
                np.zeros(parts, dtype=np.int64),
                self._house,
            )
            found = self._part[members].copy()
            off = self._off(members, found, parts)
            if off > rules.tolerance and bound is None:
                bound = least_tolerance(self._cells.graph, self._cells.load, whole, parts)
            enough = max(rules.tolerance, bound.tolerance if bound else 0.0)
            last, rough = rough, off > enough + _NOISE and homes is None
            if rough:
                found = mended(
                    self._cells.graph,
                    members,
                    self._net.load[members],
                    found,
                    family=np.zeros(parts, dtype=np.int64),
                    enough=np.array([enough]),
                    apart=np.inf,
                    border_m=rules.border_m,
                )
                off = self._off(members, found, parts)
            score = max(off, enough), self._cost(members, found, parent, target, unit, rules.numbers(1.0, 1.0))
            if score < best_score:
                best, best_score = found, score
            self._part[members] = best
            if off > enough + _NOISE or (rough and not last):
                continue
            if off <= rules.tolerance or attempt >= _ENOUGH or self._even(members, found, target[0]):
                break
        self._net.home[members] = -1
        return best, bound

    def _searched(self, members: Ints, label: Ints, parts: int, bound: Bound) -> Ints:
        """A division of a small parent that is better than what annealing found, if there is one."""
        load = np.bincount(label, self._cells.load[members], minlength=parts)
        off, enough = float(np.abs(load / load.mean() - 1).max()), max(self._rules.tolerance, bound.tolerance)
        if off <= enough + _NOISE or self._net.fixed[members].any():
            return label
        found = best_division(
            self._cells.graph, self._cells.load, members, parts, off, enough=enough, border_m=self._rules.border_m
        )[1]
        return label if found is None or ringed(self._cells.graph, members, found) else found

    def _off(self, members: Ints, label: Ints, parts: int) -> float:
        load = np.bincount(label, self._net.load[members], minlength=parts)
        return float(np.abs(load / load.mean() - 1).max()) if load.any() else 0.0

    def _even(self, members: Ints, label: Ints, target: float) -> bool:
        """Tell whether parts are within the tolerance, but for what single cells have too much."""
        off = np.bincount(label, self._net.weight[members]) / target - 1
        return bool(np.abs(off).max() <= self._rules.tolerance)

    def _enter(self, members: Ints) -> int:
        parent = next(self._next)
        self._group[members] = parent
        return parent

    def _cost(self, members: Ints, label: Ints, parent: int, target: Floats, unit: float, numbers: Floats) -> float:
        self._part[members] = label
        sums = tally(self._net, members, self._part, len(target))
        return float(energy(self._net, members, self._part, self._group, parent, sums, target, unit, numbers))
