"""Divides a street, from the input layers to the division."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS

from geo.divide.assemble import assemble
from geo.divide.balancing.locks import current_cells, locked_cells, only_lines, read_locks, require_borders
from geo.divide.balancing.proposals import obstacles
from geo.divide.blocks.atoms import Atoms, draw_atoms
from geo.divide.blocks.barriers import Border
from geo.divide.blocks.community_blocks import communities_of_blocks
from geo.divide.blocks.street_blocks import Blocks, border_of, draw_blocks
from geo.divide.cell_layers import LEVELS
from geo.divide.inputs import Inputs, prepare
from geo.divide.partitioning.adjacency import Graph, Segments, build_graph, segments
from geo.divide.partitioning.moves import LOCKED_COST
from geo.divide.partitioning.nested import RULES, Parents, Progress, Wishes, split_levels, weights
from geo.divide.partitioning.objective import Cells
from geo.divide.report import fingerprint
from geo.divide.workload import Weights, weigh
from geo.errors import CrsError, ImpossibleError, InputError
from geo.layers import Division, Level, to_metric

Ints = npt.NDArray[np.int64]

# What a metre of border costs, by Border. Below zero a border is wanted: not to have one costs as much.
_COST = np.array([1.0, 0.35, 0.15, -0.1, -0.6, -0.8, 0.0, 0.0])
# A border inside a compound that one body manages.
_COMPOUND_COST = 2.0

# Pieces of open ground are as large as one and a half third-level grids, within these bounds of side length.
_OPEN_SHARE = 1.5
_OPEN_M = (20.0, 150.0)
# Atoms per third-level grid below which open ground is cut finer, and by how much, and how often.
_ATOMS_PER_GRID = 1.4
_FINER = 0.75
_ROUNDS = 6


def divide(
    street: gpd.GeoDataFrame,
    *,
    roads: gpd.GeoDataFrame | None = None,
    buildings: gpd.GeoDataFrame | None = None,
    barriers: gpd.GeoDataFrame | None = None,
    communities: gpd.GeoDataFrame | None = None,
    counts: tuple[int, int, int] = (13, 255, 3052),
    workload: Weights | pd.Series | None = None,
    incidents: gpd.GeoDataFrame | None = None,
    locks: gpd.GeoDataFrame | None = None,
    today: gpd.GeoDataFrame | None = None,
    keep: float = 1.0,
    min_border_m: float = 3.0,
    valid_from: dt.date | None = None,
    rng: np.random.Generator | int = 0,
    progress: Progress | None = None,
) -> Division:
    """Divide a street into communities, second- and third-level grids.

    Parameters
    ----------
    street
        The outline: one polygon, or several that together make one; with ``code`` and ``name`` if there are any. Frames may be
        in any declared CRS and are brought to the metric CRS of the street.
    roads
        Lines with ``highway`` as in OpenStreetMap.
    buildings
        Polygons; ``building``, ``levels``, ``households``, ``population``, ``units`` and ``compound`` are used where
        they are there. Buildings of one ``compound`` (0 or more; -1 and missing: none) are kept together where balance allows.
    barriers
        Railways (with ``railway``), water and the like, lines or polygons, that no grid should cross if it can be helped.
    communities
        Legal boundaries, kept to the vertex; drawn if they are not given.
    counts
        Number of communities, second- and third-level grids. They are exact.
    workload
        Weights, or the workload of each building; see :mod:`geo.divide.workload`.
    incidents
        Points of past incidents, which count by :attr:`Weights.incident`.
    locks
        Polygons: second-level grids that must come out as they are. Lines: borders that no second-level grid may lie on both
        sides of.
    today, keep
        Today's second-level grids, which people leave only for balance, and how much that is worth: with 1, a grid that
        changes wholly costs as much as four more borders of its side.
    min_border_m
        Width below which a border does not hold a grid together.
    valid_from
        Day from which the division holds.
    rng
        Source of randomness or a seed: same input and seed, same division.
    progress
        Called with the name of a step and the share of the work done, 0 to 1.

    Returns
    -------
    Division
        Layers in order of code, with ``buildings`` and the parts of the workload as further columns, on the 1 mm lattice.
        Every cell is one polygon; upper levels are made of the arcs of the third. ``attrs`` of the third level tell how
        it came about: ``atoms``, ``blocks``, ``buildings_outside``, ``buildings_cut`` (labels of buildings that a community
        border or the outline cuts), ``outline_rounding`` (square metres of the given outline ``missing_m2`` in the division,
        and ``beyond_m2`` it, because coordinates are rounded to 1 mm).

    Raises
    ------
    InputError
        If a layer cannot be used: no CRS, several detached parts, roads that are none, communities that do not cover the
        street, no workload at all.
    ImpossibleError
        If the counts cannot be met.

    Notes
    -----
    About 2 ms per building in all. No building is cut, except by a community border or the outline.
    """
    tell = progress or _silent
    generator = np.random.default_rng(rng)
    _require_counts(counts, communities)
    tell("inputs", 0.0)
    given = prepare(street, roads=roads, buildings=buildings, barriers=barriers, communities=communities)
    tell("blocks", 0.05)
    footprints = np.asarray(given.buildings.geometry.array, dtype=object)
    held = read_locks(locks, given.crs)
    blocks = draw_blocks(
        given.outline,
        roads=given.roads,
        barriers=given.barriers,
        communities=given.communities,
        buildings=footprints,
        locks=held,
    )
    tell("atoms", 0.1)
    atoms = _enough_atoms(given, blocks, footprints, counts[2])
    tell("workload", 0.4)
    facts = weigh(
        atoms.polygons,
        atoms.atom_of_building,
        given.buildings,
        workload=workload,
        incidents=_points(incidents, given.crs),
    )
    if facts["workload"].sum() <= 0:
        raise InputError(
            "workload: it is 0 everywhere, so nothing can be shared out; check the weights, or the columns of "
            "the buildings"
        )
    seg = segments(atoms.polygons)
    border = _borders(seg, blocks, atoms)
    cells = _cells(given, atoms, facts, seg, border, only_lines(held))
    metric_today = None if today is None else to_metric(today, given.crs)
    wishes = _wishes(held, metric_today, keep, atoms, facts)
    rules = {level: replace(rule, border_m=min_border_m) for level, rule in RULES.items()}
    top = _top(given, atoms.community)
    if top is None and counts[0] > 1:
        top = communities_of_blocks(
            cells,
            atoms.polygons,
            atoms.block,
            wishes.locked.get(Level.SECOND, np.full(len(atoms.polygons), -1)),
            blocks,
            counts[0],
            worth=_COST,
            rules=rules[Level.COMMUNITY],
            rng=generator,
        )
    groups = split_levels(
        cells,
        atoms.polygons,
        dict(zip(LEVELS, counts, strict=True)),
        top=top,
        wishes=wishes,
        rules=rules,
        rng=generator,
        tell=lambda step, done: tell(step, 0.45 + 0.5 * done),
    )
    tell("layers", 0.95)
    require_borders(only_lines(held), atoms.polygons, groups[Level.SECOND])
    frame = gpd.GeoDataFrame(facts, geometry=atoms.polygons, crs=given.crs)
    division, codes = assemble(frame, groups, street=given.street, communities=given.communities, valid_from=valid_from)
    inputs = {
        "street": street,
        "roads": roads,
        "buildings": buildings,
        "barriers": barriers,
        "communities": communities,
        "incidents": incidents,
        "locks": locks,
        "today": today,
    }
    division.third.attrs.update(_origin(given, blocks, atoms))
    division.third.attrs["outline_rounding"] = _rounding(given.exact, division.street.geometry.iloc[0])
    division.third.attrs["seed"] = rng if isinstance(rng, int) else None
    division.third.attrs["locked"] = 0 if held is None else len(held)
    division.third.attrs["inputs"] = {name: fingerprint(layer) for name, layer in inputs.items()}
    division.third.attrs["on_barriers"] = {
        level.layer: _on_barriers(seg, border, group) for level, group in groups.items()
    }
    load = facts["workload"].to_numpy()
    blamed = obstacles(
        cells,
        load,
        groups,
        codes,
        _buildings(given, atoms, len(load)),
        {level: RULES[level].tolerance for level in LEVELS},
    )
    division.third.attrs["obstacles"] = blamed.to_dict("records")
    tell("done", 1.0)
    return division


def _silent(_step: str, _done: float) -> None:
    """No-op progress callback."""


def _require_counts(counts: tuple[int, int, int], communities: gpd.GeoDataFrame | None) -> None:
    if len(counts) != 3 or any(int(c) != c or c < 1 for c in counts):
        raise InputError(f"counts: three whole numbers above 0 are expected (communities, second, third), not {counts}")
    first, second, third = counts
    if not first <= second <= third:
        raise ImpossibleError(
            f"counts {first}, {second}, {third}: each level needs at least as many grids as the one above it"
        )
    if communities is not None and len(communities) != first:
        raise InputError(
            f"communities: {len(communities)} are given, but {first} are asked for; ask for {len(communities)}"
        )


def _enough_atoms(given: Inputs, blocks: Blocks, footprints: npt.NDArray[np.object_], grids: int) -> Atoms:
    """Atoms, with open ground cut finer until there are enough of them for the third level."""
    open_m = float(np.clip(np.sqrt(_OPEN_SHARE * given.outline.area / grids), *_OPEN_M))
    for _ in range(_ROUNDS):
        atoms = draw_atoms(given.outline, blocks, footprints, open_m=open_m)
        if len(atoms.polygons) >= _ATOMS_PER_GRID * grids:
            return atoms
        open_m *= _FINER
    if len(atoms.polygons) >= grids:
        return atoms
    raise ImpossibleError(
        f"counts: {grids} third-level grids were asked for, but buildings and open ground can be cut into "
        f"{len(atoms.polygons)} pieces at most; ask for fewer"
    )


def _rounding(exact: shapely.Geometry, drawn: shapely.Geometry) -> dict[str, float]:
    """Square metres of the given outline that the division misses, and that it has beyond it.

    Coordinates are rounded to 1 mm, and where a border meets the outline a vertex is added, at most 0.7 mm off.
    """
    return {
        "missing_m2": round(float(shapely.difference(exact, drawn).area), 4),
        "beyond_m2": round(float(shapely.difference(drawn, exact).area), 4),
    }


def _points(incidents: gpd.GeoDataFrame | None, crs: CRS) -> npt.NDArray[np.object_] | None:
    if incidents is None or incidents.empty:
        return None
    if incidents.crs is None:
        raise CrsError("incidents: no coordinate reference system is declared; set the CRS that the coordinates are in")
    points = np.asarray(to_metric(incidents, crs).geometry.array, dtype=object)
    return np.asarray(points[~(shapely.is_missing(points) | shapely.is_empty(points))])


def _wishes(
    held: gpd.GeoDataFrame | None, today: gpd.GeoDataFrame | None, keep: float, atoms: Atoms, facts: pd.DataFrame
) -> Wishes:
    locked = locked_cells(held, atoms.polygons, atoms.community)
    if today is None:
        return Wishes({Level.SECOND: locked} if (locked >= 0).any() else {})
    residents = facts["population"].to_numpy(dtype=float)
    stay = keep * 4 * residents * len(today) / max(float(residents.sum()), 1.0)
    return Wishes(
        {Level.SECOND: locked} if (locked >= 0).any() else {},
        {Level.SECOND: current_cells(today, atoms.polygons)},
        stay,
    )


def _cells(
    given: Inputs, atoms: Atoms, facts: pd.DataFrame, seg: Segments, border: Ints, locked: npt.NDArray[np.object_]
) -> Cells:
    area = shapely.area(atoms.polygons)
    centre = shapely.get_coordinates(shapely.centroid(atoms.polygons))
    load = facts["workload"].to_numpy(dtype=np.float64)
    return Cells(
        _graph(given, atoms, seg, border, locked), weights(load, area), area, centre - centre.mean(axis=0), load
    )


def _borders(seg: Segments, blocks: Blocks, atoms: Atoms) -> Ints:
    """What each segment runs along, as a :class:`Border`."""
    across = np.maximum(seg.across, 0)
    border = np.zeros(len(seg.cell), dtype=np.int64)
    between = (seg.across >= 0) & (atoms.block[seg.cell] != atoms.block[across])
    part = replace(seg, cell=seg.cell[between], middle=seg.middle[between])
    border[between] = border_of(part, blocks.lines)
    return border


def _on_barriers(seg: Segments, border: Ints, group: Ints) -> float:
    """Share of a level's border that runs along roads, rails, water, communities or the outline."""
    outer = seg.across < 0
    drawn = outer | (group[seg.cell] != group[np.maximum(seg.across, 0)])
    length = seg.length_m * np.where(outer, 1.0, 0.5)
    return float(length[drawn & (outer | (border > Border.OPEN))].sum() / length[drawn].sum())


def _buildings(given: Inputs, atoms: Atoms, count: int) -> pd.Series:
    """Label of a building in each atom, None for open ground."""
    label = pd.Series([None] * count, dtype=object)
    held = np.flatnonzero(atoms.atom_of_building >= 0)
    order = held[
        np.argsort(shapely.area(np.asarray(given.buildings.geometry.array, dtype=object))[held], kind="stable")
    ]
    for row in order.tolist():
        label.iloc[atoms.atom_of_building[row]] = str(given.buildings.index[row])
    return label


def _graph(given: Inputs, atoms: Atoms, seg: Segments, border: Ints, locked: npt.NDArray[np.object_]) -> Graph:
    """Graph of the atoms, whose borders cost what they run along."""
    across = np.maximum(seg.across, 0)
    factor = _COST[np.minimum(border, Border.OUTLINE)]
    compound = _compounds(given, atoms)
    together = (
        (border == Border.OPEN)
        & (compound[seg.cell] >= 0)
        & (compound[seg.cell] == compound[across])
        & (seg.across >= 0)
    )
    factor[together] = _COMPOUND_COST
    if len(locked):
        beside = shapely.STRtree(locked).query(shapely.points(seg.middle), predicate="dwithin", distance=0.01)[0]
        factor[beside] = LOCKED_COST
    return build_graph(atoms.polygons, factor, seg)


def _compounds(given: Inputs, atoms: Atoms) -> Ints:
    """Number of the compound of each atom, -1 where its buildings name none; the first building decides."""
    compound = np.full(len(atoms.polygons), -1, dtype=np.int64)
    if "compound" in given.buildings.columns:
        numbers = pd.to_numeric(given.buildings["compound"], errors="coerce").fillna(-1).to_numpy(dtype=np.int64)
        held = np.flatnonzero((atoms.atom_of_building >= 0) & (numbers >= 0))[::-1]
        compound[atoms.atom_of_building[held]] = numbers[held]
    return compound


def _top(given: Inputs, community: Ints) -> Parents | None:
    """The legal communities, each with at least one atom."""
    if given.communities is None:
        return None
    empty = np.setdiff1d(np.arange(len(given.communities)), community)
    if len(empty):
        raise ImpossibleError(f"communities: row {empty[0]} is too thin to hold a piece of ground; check its polygon")
    return Parents(community, [f"community {c}" for c in range(len(given.communities))], given=True)


def _origin(given: Inputs, blocks: Blocks, atoms: Atoms) -> dict[str, object]:
    return {
        "atoms": len(atoms.polygons),
        "blocks": len(blocks.polygons),
        "buildings_outside": int((atoms.atom_of_building < 0).sum()),
        "buildings_cut": [str(label) for label in given.buildings.index[atoms.cut]],
    }
