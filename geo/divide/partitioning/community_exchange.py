"""Exchanges cells between generated communities if one of them cannot be balanced by itself.

A block at the tip of a community may have no neighbour there to share its workload with, but one across the border. The grids
around an unbalanced one are therefore annealed together across the border: cells may change community too, as long as
communities stay connected and balanced. Remaining imbalance is re-partitioned (:mod:`geo.divide.partitioning.repartition`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from geo.divide.partitioning.adjacency import borders
from geo.divide.partitioning.annealing import anneal
from geo.divide.partitioning.bounds import fair_share, least_tolerance
from geo.divide.partitioning.moves import Goal, Scope
from geo.divide.partitioning.objective import Cells, Rules, grain
from geo.divide.partitioning.repartition import all_intact, repartitioned

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]

# Temperatures of successive attempts, in units of the imbalance cost of a grid that deviates by one mean cell.
_HEATS = (0.15, 0.15, 0.3, 0.3, 0.15, 0.3, 0.15, 0.3)
# Radius around an unbalanced grid within which grids are annealed, in grids.
_RINGS = 2
# Share of moves made in pairs, factor on the cost of imbalance, and factor on the steps of a first attempt.
_PAIRS = 0.5
_HARDER = 3.0
_PATIENCE = 2
# Numerical noise threshold of violations and of border widths.
_NOISE = 1e-9
_ALMOST = 1 - _NOISE


@dataclass(frozen=True)
class _State:
    """Grids, and by how much each deviates beyond what is allowed or proven."""

    label: Ints
    enough: Floats
    beyond: Floats

    @property
    def badness(self) -> float:
        return float((self.beyond**2).sum())


def exchange_between_communities(
    cells: Cells, second: Ints, community: Ints, rules: Rules, *, apart: float, rng: np.random.Generator
) -> tuple[Ints, Ints]:
    """Balance second-level grids that exceed both tolerance and proven bound, across community borders.

    Parameters
    ----------
    cells
        All cells, with border costs of the second level.
    second, community
        Grid and community of each cell, int64 (n,).
    rules
        Objective of second-level grids.
    apart
        Maximum deviation of communities from their mean, unless they already exceed it.
    rng
        Source of the seed; used only if a grid is unbalanced.

    Returns
    -------
    second, community
        The new grids and communities; the number of grids per community is unchanged.
    """
    family = np.zeros(int(second.max()) + 1, dtype=np.int64)
    family[second] = community
    best = _judged(cells, second, family, rules.tolerance)
    if best.badness <= _NOISE or not cells.load.any():
        return second, community
    best = _by_search(cells, best, family, rules, apart)
    seeds = np.random.default_rng(rng.integers(0, 2**63))
    for heat in _HEATS:
        if best.badness <= _NOISE:
            break
        state = seeds.integers(0, 2**63, size=1, dtype=np.uint64)
        label = _annealed(cells, best, family, rules, heat, state)
        load, moved = np.bincount(family[label], cells.load), np.flatnonzero(label != best.label)
        touched = np.unique(family[np.r_[label[moved], best.label[moved]]])
        uneven = np.abs(load / load.mean() - 1).max() > apart
        # The annealing considers only the part of each community covered by the grids that it moves.
        if uneven or not all_intact(
            cells.graph, np.arange(len(label)), family[label], touched, rules.border_m * _ALMOST
        ):
            continue
        tried = _by_search(cells, _judged(cells, label, family, rules.tolerance), family, rules, apart)
        if tried.badness < best.badness:
            best = tried
    return best.label, family[best.label]


def _judged(cells: Cells, label: Ints, family: Ints, tolerance: float) -> _State:
    """Deviation of the grids; bounds are computed where the tolerance is exceeded."""
    load = np.bincount(label, cells.load, minlength=len(family))
    count = np.bincount(family)
    mean = np.bincount(family, load) / count
    off = np.abs(load / np.where(mean > 0, mean, 1.0)[family] - 1) * (mean > 0)[family]
    enough = np.full(len(count), tolerance)
    for one in np.unique(family[off > tolerance + _NOISE]).tolist():
        members = np.flatnonzero(family[label] == one)
        bound = least_tolerance(cells.graph, cells.load, members, int(count[one]))
        enough[one] = max(tolerance, bound.tolerance)
    beyond = off - enough[family]
    return _State(label, enough, np.where(beyond > _NOISE, beyond, 0.0))


def _by_search(cells: Cells, state: _State, family: Ints, rules: Rules, apart: float) -> _State:
    """Re-partition unbalanced grids by search."""
    if state.badness <= _NOISE:
        return state
    label = repartitioned(
        cells.graph,
        np.arange(len(state.label)),
        cells.load,
        state.label,
        family=family,
        enough=state.enough,
        apart=apart,
        border_m=rules.border_m,
    )
    return _judged(cells, label, family, rules.tolerance)


def _annealed(
    cells: Cells, state: _State, family: Ints, rules: Rules, heat: float, seed: npt.NDArray[np.uint64]
) -> Ints:
    """Anneal the grids around the worst one."""
    parts = _grids_around(cells, state.label, int(np.argmax(state.beyond)))
    members = np.flatnonzero(np.isin(state.label, parts))
    local = np.full(len(family), -1, dtype=np.int64)
    local[parts] = np.arange(len(parts))
    net, house = cells.net(), family[state.label]
    target = np.zeros(len(parts))
    for one in np.unique(family[parts]).tolist():
        mine, count = np.flatnonzero(house == one), int((family == one).sum())
        # As in the split, the surplus of a cell over a fair part is not counted.
        net.weight[mine] = np.minimum(cells.weight[mine], fair_share(cells.weight[mine], count))
        target[family[parts] == one] = net.weight[mine].sum() / count
    weight = net.weight[members]
    step = rules.balance * float(np.average((weight / target.mean()) ** 2, weights=weight))
    numbers = replace(rules, excess=_HARDER * rules.excess).numbers(
        1.0, grain(len(members), len(parts)), least_heat=step * heat, pairs=_PAIRS
    )
    part, group = local[state.label], np.where(local[state.label] >= 0, 0, -1)
    goal = Goal(
        target,
        np.ones(len(parts), dtype=np.int64),
        float(np.sqrt(cells.area[members].sum() / len(parts))),
        numbers,
        family[parts],
        house,
    )
    anneal(net, members, Scope(part, group, 0), goal, np.full(len(group), -1), _PATIENCE * rules.tries, seed)
    label = state.label.copy()
    label[members] = parts[part[members]]
    return label


def _grids_around(cells: Cells, label: Ints, part: int) -> Ints:
    """The grid and those within two rings of it, in order."""
    a, b = borders(cells.graph, np.arange(len(label)))
    held = np.zeros(int(label.max()) + 1, dtype=bool)
    held[part] = True
    for _ in range(_RINGS):
        held[label[b[held[label[a]]]]] = True
    return np.flatnonzero(held)
