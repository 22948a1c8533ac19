"""Rebalances existing grids after the workload changed, with as few residents as possible getting another leader.

For each of a decreasing sequence of tolerances, the present grids are annealed with a cost for every resident who changes grid
and none for imbalance within the tolerance. The non-dominated results form the frontier from "nothing moves" to "best balance";
each is a valid partition: the same number of grids, each connected and inside its parent.

Two lower bounds accompany each result. *Proven*: the residents who must leave a grid above the tolerance, or join one below it,
if cells could be cut and moved anywhere (a fractional knapsack for each grid). *Transport*: the cheapest flow of work over the
present borders between neighbouring grids. It holds for all changes that pass work from neighbour to neighbour; a load that
passes through three grids crosses three borders.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TypedDict, Unpack

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from scipy.optimize import linprog
from scipy.sparse import coo_array, vstack

from geo.divide.connection import refuse_parts, require_shapes
from geo.divide.frontier import Frontier, Point
from geo.divide.partitioning.adjacency import Graph, build_graph, pieces
from geo.divide.partitioning.annealing import anneal
from geo.divide.partitioning.indivisible import SeparatePartsError, units
from geo.divide.partitioning.moves import Goal, Scope
from geo.divide.partitioning.nested import weights
from geo.divide.partitioning.objective import Cells, Rules
from geo.errors import InputError, first_labels
from geo.layers.row_values import values_of_rows
from geo.options import with_defaults

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

#: Tolerances of the frontier.
TOLERANCES = (1.0, 0.7, 0.5, 0.35, 0.25, 0.2, 0.15, 0.12, 0.1, 0.07, 0.05, 0.03)
_RULES = Rules(balance=0.0, excess=100.0, steep=400.0, cut=0.3, shape=0.15)
# Annealing steps per cell on a border, times the square root of the number of grids, because work passes from grid to grid.
_TRIES, _MOST_TRIES = 40, 400
# Cost of a resident who changes grid: all residents of one grid together cost this.
_STAY = 3.0
# Target imbalance relative to the tolerance, as in the annealing.
_SPARE = 0.9
# Temperatures tried for each tolerance, in units of the side of a cell.
_HEATS = (1.0, 3.0)


@dataclass(frozen=True)
class _Case:
    """Arrays of one rebalancing, per unit; grids are numbered 0 .. k - 1."""

    cells: Cells
    current: Ints
    parent_of: Ints
    load: Floats
    residents: Floats
    fixed: Bools

    def imbalance(self, part: Ints) -> float:
        load = np.bincount(part, self.load, minlength=len(self.parent_of))
        return float(np.abs(load / self.mean() - 1).max())

    def mean(self) -> Floats:
        """Mean load of the sibling grids of each grid."""
        of_parent = np.bincount(self.parent_of[self.current], self.load, minlength=int(self.parent_of.max()) + 1)
        mean: Floats = (of_parent / np.bincount(self.parent_of))[self.parent_of]
        return mean

    def moved(self, part: Ints) -> float:
        return float(self.residents[part != self.current].sum() / max(self.residents.sum(), 1e-12))


class RebalanceOptions(TypedDict, total=False):
    """Further options of :func:`rebalance`.

    Attributes
    ----------
    locked
        Grids that must not change.
    tolerances
        Tolerances to be aimed at one after another; :data:`TOLERANCES` by default.
    min_border_m
        Minimum width of a border that counts as a connection; 1 m by default.
    """

    locked: Sequence[object]
    tolerances: Sequence[float]
    min_border_m: float


_DEFAULTS: RebalanceOptions = {"locked": (), "tolerances": TOLERANCES, "min_border_m": 1.0}


def rebalance(
    cells: gpd.GeoDataFrame,
    current: pd.Series,
    *,
    workload: pd.Series,
    residents: pd.Series | None = None,
    parents: pd.Series | None = None,
    rng: np.random.Generator | int = 0,
    **options: Unpack[RebalanceOptions],
) -> Frontier:
    """Compute the :class:`Frontier` between balance and change for an existing division.

    Parameters
    ----------
    cells
        Exact coverage in a metric CRS; the cells that may move between grids.
    current
        Grid of each cell, on the index of `cells`.
    workload
        Current workload of the cells.
    residents
        Quantity counted as moved; by default the workload.
    parents
        Parent of each cell (community); grids stay inside theirs. One parent by default.
    rng
        Source of randomness or a seed.
    **options
        See :class:`RebalanceOptions`.

    Raises
    ------
    InputError
        If a cell has no grid or workload, or a grid lies in several parents or has several parts.

    Notes
    -----
    About 0.1 ms of CPU per cell and tolerance for 255 grids in one parent, less in several. Parents are independent: of the tries
    for a tolerance, each parent keeps the one that is nearest to it.
    """
    chosen = with_defaults("rebalance", _DEFAULTS, options)
    case, labels, unit = _case(cells, current, workload, residents, parents, chosen["locked"])
    state = np.random.default_rng(rng).integers(0, 2**63, size=1, dtype=np.uint64)
    found = [case.current]
    part = case.current
    for tolerance in sorted(chosen["tolerances"], reverse=True):
        if case.imbalance(part) <= tolerance and part is case.current:
            continue
        # From the present grids only the hot start finds anything that the cold one from the last result does not.
        first = [] if part is case.current else [(case.current, _HEATS[-1])]
        starts = [*first, *((part, heat) for heat in _HEATS)]
        tried = [_anneal(case, start, tolerance, heat, chosen["min_border_m"], state) for start, heat in starts]
        part = _best_by_parent(case, tried, tolerance)
        found += [*tried, part]
    return Frontier(tuple(_point(case, p, labels, unit, cells.index) for p in _best(case, found)))


def _case(
    cells: gpd.GeoDataFrame,
    current: pd.Series,
    workload: pd.Series,
    residents: pd.Series | None,
    parents: pd.Series | None,
    locked: Sequence[object],
) -> tuple[_Case, pd.Index, Ints]:
    require_shapes(cells, "rebalance")
    try:
        shapes, unit = units(np.asarray(cells.geometry.array, dtype=object))
    except SeparatePartsError as error:
        raise refuse_parts(cells, error) from error
    grid, labels = pd.factorize(values_of_rows(current, cells.index, "current"), sort=True)
    load, people = (
        _amounts(cells, workload, "workload"),
        _amounts(cells, workload if residents is None else residents, "residents"),
    )
    if (grid < 0).any():
        bad = list(cells.index[grid < 0])
        raise InputError(f"current: cells {first_labels(bad)} have no grid; give the grid of every cell", ids=bad)
    above = np.zeros(len(cells), dtype=np.int64)
    if parents is not None:
        above = pd.factorize(values_of_rows(parents, cells.index, "parents"), sort=True)[0].astype(np.int64)
        if (above < 0).any():
            bad = list(cells.index[above < 0])
            raise InputError(f"parents: missing for cells {first_labels(bad)}; give the parent of every cell", ids=bad)
    pairs = np.unique(np.column_stack([grid, above]), axis=0)
    if len(pairs) != len(labels):
        torn = [labels[int(g)] for g in np.flatnonzero(np.bincount(pairs[:, 0]) > 1)]
        raise InputError(f"current: grids {first_labels(torn)} lie in several parents", ids=torn)
    unknown = [name for name in locked if name not in labels]
    if unknown:
        raise InputError(f"locked: there are no grids {first_labels(unknown)}", ids=unknown)
    first = np.unique(unit, return_index=True)[1]
    area, centre = shapely.area(shapes), shapely.get_coordinates(shapely.centroid(shapes))
    now = np.bincount(unit, load).astype(np.float64)
    known = Cells(build_graph(shapes), weights(now, area), area, centre - centre.mean(axis=0), now)
    fixed = (
        np.isin(grid[first], labels.get_indexer(pd.Index(list(locked))))
        if len(locked)
        else np.zeros(len(first), dtype=bool)
    )
    case = _Case(
        known,
        grid[first].astype(np.int64),
        pairs[:, 1].astype(np.int64),
        now,
        np.bincount(unit, people).astype(np.float64),
        fixed,
    )
    _require_connected(case, labels)
    return case, labels, unit


def _amounts(cells: gpd.GeoDataFrame, values: pd.Series, name: str) -> Floats:
    amount = pd.to_numeric(values_of_rows(values, cells.index, name), errors="coerce").to_numpy(dtype=np.float64)
    bad = list(cells.index[~(np.isfinite(amount) & (amount >= 0))])
    if bad:
        raise InputError(
            f"{name}: missing or negative in cells {first_labels(bad)}; give numbers of 0 or more", ids=bad
        )
    if amount.sum() <= 0:
        raise InputError(f"{name}: it is 0 everywhere; give the values of the cells")
    return amount


def _require_connected(case: _Case, labels: pd.Index) -> None:
    order = np.argsort(case.current, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(case.current[order])) + 1):
        if pieces(case.cells.graph, members).max() > 0:
            name = labels[case.current[members[0]]]
            raise InputError(f"current: grid {name} has several parts; repair the division first", ids=[name])


def _anneal(
    case: _Case, start: Ints, tolerance: float, heat: float, border_m: float, state: npt.NDArray[np.uint64]
) -> Ints:
    """Bring all parents within a tolerance, moving as few residents as possible."""
    net = case.cells.net()._replace(
        home=case.current, fixed=case.fixed, stay=_STAY * case.residents * len(case.parent_of) / case.residents.sum()
    )
    part = start.copy()
    group = case.parent_of[case.current]
    # A cell next to a locked grid must not join it.
    place = np.full(len(part), -1, dtype=np.int64)
    locked_grid = np.zeros(len(case.parent_of), dtype=bool)
    locked_grid[case.current[case.fixed]] = True
    group = np.where(case.fixed, -2 - group, group)
    off = np.abs(np.bincount(start, case.load, minlength=len(case.parent_of)) / case.mean() - 1)
    for parent in range(int(case.parent_of.max()) + 1):
        grids = np.flatnonzero((case.parent_of == parent) & ~locked_grid)
        members = np.flatnonzero(group == parent)
        # A parent within the tolerance is left unchanged.
        if len(grids) < 2 or off[grids].max() <= _SPARE * tolerance:
            continue
        local = np.full(len(case.parent_of), -1, dtype=np.int64)
        local[grids] = np.arange(len(grids))
        mine = np.full(len(part), -1, dtype=np.int64)
        mine[members] = local[part[members]]
        home = np.full(len(part), -1, dtype=np.int64)
        home[members] = local[case.current[members]]
        target = case.mean()[grids]
        grain = float(np.sqrt(len(grids) / len(members)))
        rules = replace(_RULES, tolerance=tolerance, border_m=border_m)
        unit_m = float(np.sqrt(case.cells.area[members].sum() / len(grids)))
        goal = Goal(
            target,
            np.ones(len(grids), dtype=np.int64),
            unit_m,
            rules.numbers(heat, grain),
            np.zeros(len(grids), dtype=np.int64),
            np.zeros_like(part),
        )
        anneal(net._replace(home=home), members, Scope(mine, group, parent), goal, place, _tries(len(grids)), state)
        part[members] = grids[mine[members]]
    return part


def _best_by_parent(case: _Case, tried: list[Ints], tolerance: float) -> Ints:
    """The best of several partitions for each parent by itself: nearest the tolerance, then fewest residents moved.

    Grids stay inside their parents, so parts of different partitions fit together.
    """
    parents, of_unit = int(case.parent_of.max()) + 1, case.parent_of[case.current]
    mean = case.mean()
    off, moved = np.zeros((len(tried), parents)), np.zeros((len(tried), parents))
    for k, part in enumerate(tried):
        load = np.bincount(part, case.load, minlength=len(case.parent_of))
        np.maximum.at(off[k], case.parent_of, np.abs(load / mean - 1))
        moved[k] = np.bincount(of_unit, case.residents * (part != case.current), minlength=parents)
    best = np.lexsort((moved, np.maximum(off, tolerance)), axis=0)[0]
    kept: Ints = np.stack(tried)[best[of_unit], np.arange(len(of_unit))]
    return kept


def _tries(grids: int) -> int:
    """Annealing steps per cell on a border, for a parent with this number of grids."""
    return min(_MOST_TRIES, round(_TRIES * float(np.sqrt(grids))))


def _best(case: _Case, found: list[Ints]) -> list[Ints]:
    """Partitions not dominated in both measures, in order of residents moved."""
    ranked = sorted(((case.moved(p), case.imbalance(p), k) for k, p in enumerate(found)))
    kept: list[Ints] = []
    least = np.inf
    for _, imbalance, k in ranked:
        if imbalance < least - 1e-9:
            least = imbalance
            kept.append(found[k])
    return kept


def _point(case: _Case, part: Ints, labels: pd.Index, unit: Ints, index: pd.Index) -> Point:
    tolerance = case.imbalance(part)
    return Point(
        tolerance,
        case.moved(part),
        _lower_bound(case, tolerance),
        _transport(case, tolerance),
        pd.Series(labels[part[unit]], index=index, name="grid"),
    )


def _lower_bound(case: _Case, tolerance: float) -> float:
    """Lower bound of the share of residents who change grid in any division within the tolerance."""
    mean, load = case.mean(), np.bincount(case.current, case.load, minlength=len(case.parent_of))
    density = np.where(case.load > 0, case.residents / np.maximum(case.load, 1e-12), np.inf)
    total = 0.0
    for parent in range(int(case.parent_of.max()) + 1):
        grids = np.flatnonzero(case.parent_of == parent)
        family = np.flatnonzero(case.parent_of[case.current] == parent)
        family = family[np.argsort(density[family], kind="stable")]
        away = sum(
            _fewest_residents(case, family[case.current[family] == g], load[g] - (1 + tolerance) * mean[g])
            for g in grids
        )
        here = sum(
            _fewest_residents(case, family[case.current[family] != g], (1 - tolerance) * mean[g] - load[g])
            for g in grids
        )
        total += max(away, here)
    return float(total / case.residents.sum())


def _fewest_residents(case: _Case, cells: Ints, needed: float) -> float:
    """Smallest number of residents who carry the required load, taking cells in the given order, the last one in part."""
    if needed <= 0:
        return 0.0
    reached = np.cumsum(case.load[cells])
    k = int(np.searchsorted(reached, needed))
    if k >= len(cells):
        return float(case.residents[cells].sum())
    before = reached[k - 1] if k else 0.0
    share = (needed - before) / max(case.load[cells[k]], 1e-12)
    return float(case.residents[cells[:k]].sum() + share * case.residents[cells[k]])


def _transport(case: _Case, tolerance: float) -> float:
    """Residents moved by the cheapest flow of work over present borders, as a share; NaN if there is no such flow."""
    graph: Graph = case.cells.graph
    a, b = case.current[graph.row_of()], graph.neighbour
    kept = (b >= 0) & (graph.length_m > 0)
    a, b = a[kept], case.current[b[kept]]
    pairs = np.unique(np.column_stack([a, b])[(a != b) & (case.parent_of[a] == case.parent_of[b])], axis=0)
    count = len(case.parent_of)
    load, mean = np.bincount(case.current, case.load, minlength=count), case.mean()
    people = np.bincount(case.current, case.residents, minlength=count) / np.maximum(load, 1e-12)
    arcs = np.arange(len(pairs))
    net = coo_array(
        (np.r_[np.ones(len(pairs)), -np.ones(len(pairs))], (np.r_[pairs[:, 1], pairs[:, 0]], np.r_[arcs, arcs])),
        shape=(count, len(pairs)),
    ).tocsr()
    done = linprog(
        people[pairs[:, 0]],
        A_ub=vstack([net, -net]).tocsr(),
        b_ub=np.r_[(1 + tolerance) * mean - load, load - (1 - tolerance) * mean] + 1e-9 * mean.max(),
        bounds=(0, None),
        method="highs",
    )
    return float(done.fun / case.residents.sum()) if done.success else float("nan")
