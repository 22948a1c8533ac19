"""Splits cells level by level from the top: first the number of grids of each parent, then each parent independently."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.divide.apportionment import apportion
from geo.divide.partitioning.adjacency import Graph, pieces
from geo.divide.partitioning.bounds import fair_share
from geo.divide.partitioning.community_exchange import exchange_between_communities
from geo.divide.partitioning.moves import LOCKED_COST
from geo.divide.partitioning.objective import Cells, Rules
from geo.divide.partitioning.split import Splitter
from geo.errors import ImpossibleError
from geo.layers import Level
from geo.wording import counted, form

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Geometries = npt.NDArray[np.object_]
Progress = Callable[[str, float], None]

#: Objectives of the levels.
RULES = {
    Level.COMMUNITY: Rules(balance=300.0, tolerance=0.05, excess=60.0, cut=1.5, shape=4.0, tries=600, restarts=1),
    Level.SECOND: Rules(balance=300.0, tolerance=0.05, excess=60.0, hot=2.4, tries=1200, restarts=5),
    Level.THIRD: Rules(balance=20.0, tolerance=0.15, excess=30.0, tries=200, restarts=6),
}
# Communities are created without rewards for borders, which would elongate a few large shapes along rivers.
_LEAST_COST = {Level.COMMUNITY: 0.05, Level.SECOND: -1.0, Level.THIRD: -1.0}
# Additional cost of a border over open ground relative to a lane: larger grids should cross less of it.
_OPEN_COST = {Level.COMMUNITY: 1.0, Level.SECOND: 6.0, Level.THIRD: 1.0}
# Cost of a metre above which a border mostly runs over open ground.
_MOSTLY_OPEN = 0.5
# Total annealing steps per level; with more cells the steps per cell are reduced.
_STEPS = 12_000_000
_LEAST_TRIES = 25
# Share of the workload distributed by area when parts are weighed, so that no cell has weight zero.
_SPREAD = 0.001
# Completed share at the start of each level, for the progress.
_DONE = {Level.COMMUNITY: 0.0, Level.SECOND: 0.2, Level.THIRD: 0.5}


@dataclass(frozen=True)
class Wishes:
    """Grids to be kept, completely or preferably.

    Attributes
    ----------
    locked
        For each level, number of the locked grid of each cell, -1 for free cells.
    current
        For each level, number of the present grid of each cell, -1 for none.
    stay
        Cost of a cell leaving its present grid, float64 (n,); the sum over a grid is about the weight of the wish.
    """

    locked: dict[Level, Ints] = field(default_factory=dict)
    current: dict[Level, Ints] = field(default_factory=dict)
    stay: Floats | None = None


@dataclass(frozen=True)
class Parents:
    """Groups of one level: group of each cell, names for messages, and whether the groups are fixed."""

    group: Ints
    names: list[str]
    given: bool = False


def weights(load: Floats, area: Floats) -> Floats:
    """Workload with a small share distributed by area."""
    spread: Floats = load * (1 - _SPREAD) + load.sum() * _SPREAD * area / area.sum()
    return spread


def split_levels(
    cells: Cells,
    shapes: Geometries,
    counts: dict[Level, int],
    *,
    top: Parents | None,
    wishes: Wishes,
    rules: dict[Level, Rules],
    rng: np.random.Generator,
    progress: Progress,
) -> dict[Level, Ints]:
    """Groups of cells at each level.

    Parameters
    ----------
    cells, shapes
        The cells and their polygons.
    counts
        Number of grids, from the top down.
    top
        Groups of the community level if they exist; that level is then not split. If they were generated, cells may change
        community where the second level could not be balanced otherwise.
    wishes, rules
        Grids to be kept, and objectives of the levels.
    progress
        Called with the completed share, 0 to 1.

    Raises
    ------
    ImpossibleError
        If the counts cannot be met.
    """
    parents = Parents(np.zeros(len(cells.weight), dtype=np.int64), ["street"])
    found: dict[Level, Ints] = {}
    drawn = Level.COMMUNITY in counts and not (top is not None and top.given)
    for level, count in counts.items():
        progress(level.layer, _DONE[level])
        if level is Level.COMMUNITY and top is not None:
            parents = top
        else:
            parents = _split(cells, shapes, parents, count, level, wishes, rules[level], rng)
            if level is Level.SECOND and drawn and not wishes.locked and not wishes.current:
                costs = replace(cells, graph=border_costs(cells.graph, level))
                group, found[Level.COMMUNITY] = exchange_between_communities(
                    costs,
                    parents.group,
                    found[Level.COMMUNITY],
                    rules[level],
                    apart=rules[Level.COMMUNITY].tolerance,
                    rng=rng,
                )
                parents = replace(parents, group=group)
        found[level] = parents.group
    return found


def _split(
    cells: Cells,
    shapes: Geometries,
    parents: Parents,
    count: int,
    level: Level,
    wishes: Wishes,
    rules: Rules,
    rng: np.random.Generator,
) -> Parents:
    tries = int(np.clip(_STEPS / max(len(cells.weight), 1), _LEAST_TRIES, rules.tries))
    splitter = Splitter(replace(cells, graph=border_costs(cells.graph, level)), replace(rules, tries=tries), rng)
    locked = wishes.locked.get(level, np.full(len(parents.group), -1, dtype=np.int64))
    plots = _plots(cells, parents, locked, count)
    current, stay = wishes.current.get(level), wishes.stay
    ringed = level is not Level.THIRD or locked.max(initial=-1) >= 0

    def one(number: int) -> Ints:
        members, parts, name = plots[number]
        return splitter.with_own_state(number).split(
            members,
            parts,
            name,
            holes=_holes(shapes[members], cells, shapes) if ringed and parts > 1 else None,
            current=None if current is None else current[members],
            stay=None if stay is None else stay[members],
        )

    group = np.zeros(len(parents.group), dtype=np.int64)
    names: list[str] = []
    # Parents have no common cell, so each writes its own entries; the kernels release the GIL.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        for (members, parts, _), label in zip(plots, pool.map(one, range(len(plots))), strict=True):
            group[members] = len(names) + label
            names += [f"{level.layer} grid {len(names) + k}" for k in range(parts)]
    return Parents(group, names)


def border_costs(graph: Graph, level: Level) -> Graph:
    """The graph with the border costs of a level; open ground costs more than barriers only if there are any."""
    given, length = graph.cost_m, graph.length_m
    cost = np.maximum(given, _LEAST_COST[level] * length)
    open_ground = given > _MOSTLY_OPEN * length
    if (given < _MOSTLY_OPEN * length).any():
        share = (given - _MOSTLY_OPEN * length) / (1 - _MOSTLY_OPEN)
        cost = np.where(open_ground, cost + (_OPEN_COST[level] - 1) * share, cost)
    return replace(graph, cost_m=np.where(given < LOCKED_COST / 2 * length, given, cost))


def _plots(cells: Cells, parents: Parents, locked: Ints, count: int) -> list[tuple[Ints, int, str]]:
    """Cells to be split, with their number of grids: each parent, without locked grids, split at locked borders."""
    order = np.argsort(parents.group, kind="stable")
    walls = cells.graph.cost_m < LOCKED_COST / 2 * cells.graph.length_m
    graph = replace(cells.graph, length_m=np.where(walls, 0.0, cells.graph.length_m)) if walls.any() else cells.graph
    free: list[tuple[Ints, str]] = []
    kept: list[tuple[Ints, int, str]] = []
    for members in np.split(order, np.flatnonzero(np.diff(parents.group[order])) + 1):
        name = parents.names[int(parents.group[members[0]])]
        mine = locked[members]
        kept += [(members[mine == number], 1, f"{name}, locked grid {number}") for number in np.unique(mine[mine >= 0])]
        rest = members[locked[members] < 0]
        if not len(rest):
            continue
        whole = len(rest) == len(members) and not walls.any()
        piece = np.zeros(len(rest), dtype=np.int64) if whole else pieces(graph, rest)
        free += [(rest[piece == k], name) for k in range(int(piece.max()) + 1)]
    seats = count - len(kept)
    if seats < len(free) or (seats > 0 and not free):
        raise ImpossibleError(
            f"counts: {counted(count, 'grid was', 'grids were')} requested, but {counted(len(kept), 'is', 'are')} locked and "
            f"{form(len(kept), 'leaves', 'leave')} {counted(len(free), 'piece')} of ground, each of which needs one; unlock "
            "some or request another number"
        )
    if not free:
        return kept
    given = _seats(cells, [members for members, _ in free], seats)
    return [*((m, int(n), name) for (m, name), n in zip(free, given, strict=True)), *kept]


def _seats(cells: Cells, plots: list[Ints], count: int) -> Ints:
    """Number of grids of each parent: by workload, at least one, and at most its number of cells.

    The workload of a cell above that of a fair grid is ignored, because no further grid could take it over.
    """
    everything = np.concatenate(plots)
    if count > len(everything):
        raise ImpossibleError(
            f"{counted(count, 'grid was', 'grids were')} requested, but the ground can be cut into {len(everything)} at "
            "most; request fewer"
        )
    shared = np.minimum(cells.weight, fair_share(cells.weight[everything], count))
    work = pd.Series([float(shared[members].sum()) for members in plots])
    most = pd.Series([len(members) for members in plots])
    return apportion(work, count, most=most).to_numpy()


def _holes(mine: Geometries, cells: Cells, shapes: Geometries) -> Floats | None:
    """A point in each hole of a parent, in the coordinates of the cells."""
    whole = shapely.coverage_union_all(mine)
    rings = [ring for part in shapely.get_parts(whole) if part.geom_type == "Polygon" for ring in part.interiors]
    if not rings:
        return None
    middle = shapely.get_coordinates(shapely.centroid(shapes[:1]))[0] - cells.xy[0]
    return np.asarray(shapely.get_coordinates(shapely.point_on_surface(shapely.polygons(rings))) - middle)
