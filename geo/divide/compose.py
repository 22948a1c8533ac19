"""Divides a street: all steps from the input layers to the division."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TypedDict, Unpack

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS

from geo.divide.assemble import assemble
from geo.divide.balancing.locks import current_cells, locked_cells, only_lines, read_locks, require_borders
from geo.divide.balancing.proposals import obstacles
from geo.divide.blocks.atoms import Atoms
from geo.divide.blocks.community_blocks import communities_of_blocks
from geo.divide.cell_layers import LEVELS
from geo.divide.inputs import Inputs, prepare
from geo.divide.partitioning.nested import RULES, Parents, Progress, Wishes, split_levels
from geo.divide.partitioning.objective import Cells, Rules
from geo.divide.report import fingerprint
from geo.divide.street_pieces import COSTS, Pieces, building_of_atom, cells_of, pieces_of, share_on_barriers
from geo.divide.workload import Weights, weigh
from geo.errors import CrsError, ImpossibleError, InputError
from geo.layers import Division, Level, to_metric
from geo.options import with_defaults

Ints = npt.NDArray[np.int64]


class DivideOptions(TypedDict, total=False):
    """Further options of :func:`divide`.

    Attributes
    ----------
    incidents
        Points of past incidents, weighted by :attr:`~geo.divide.workload.Weights.incident`.
    locks
        Polygons: second-level grids that must be kept exactly. Lines: borders that no second-level grid may cross.
    current, keep
        Second-level grids of the present division, which residents leave only for balance, and the weight of this: with 1 (the
        default), a grid that changes completely costs as much as four further borders of its side.
    min_border_m
        Minimum width of a border that counts as a connection; 3 m by default.
    valid_from
        Day from which the division is valid.
    progress
        Called with the name of a step and the completed share, 0 to 1.
    """

    incidents: gpd.GeoDataFrame | None
    locks: gpd.GeoDataFrame | None
    current: gpd.GeoDataFrame | None
    keep: float
    min_border_m: float
    valid_from: dt.date | None
    progress: Progress | None


_DEFAULTS: DivideOptions = {
    "incidents": None,
    "locks": None,
    "current": None,
    "keep": 1.0,
    "min_border_m": 3.0,
    "valid_from": None,
    "progress": None,
}


def divide(
    street: gpd.GeoDataFrame,
    *,
    roads: gpd.GeoDataFrame | None = None,
    buildings: gpd.GeoDataFrame | None = None,
    barriers: gpd.GeoDataFrame | None = None,
    communities: gpd.GeoDataFrame | None = None,
    counts: tuple[int, int, int] = (13, 255, 3052),
    workload: Weights | pd.Series | None = None,
    rng: np.random.Generator | int = 0,
    **options: Unpack[DivideOptions],
) -> Division:
    """Divide a street into communities, second- and third-level grids.

    Parameters
    ----------
    street
        The outline: one polygon, or several that form one; optionally with ``code`` and ``name``. Frames may be in any
        declared CRS and are converted to the metric CRS of the street.
    roads
        Lines with ``highway`` as in OpenStreetMap.
    buildings
        Polygons; ``building``, ``levels``, ``households``, ``population``, ``units`` and ``compound`` are used if present.
        Buildings of one ``compound`` (0 or more; -1 and missing: none) are kept together where balance allows.
    barriers
        Railways (with ``railway``), water and similar lines or polygons that grids should not cross.
    communities
        Legal boundaries, kept with all vertices; communities are created if none are given.
    counts
        Number of communities, second- and third-level grids; the result has exactly these counts.
    workload
        Weights, or the workload of each building; see :mod:`geo.divide.workload`.
    rng
        Source of randomness or a seed: the same input and seed give the same division.
    **options
        See :class:`DivideOptions`.

    Returns
    -------
    Division
        Layers in order of code, with ``buildings`` and the parts of the workload as further columns, on the 1 mm lattice.
        Every cell is one polygon; upper levels consist of arcs of the third. ``attrs`` of the third level describe the run:
        ``atoms``, ``blocks``, ``buildings_outside``, ``buildings_cut`` (labels of buildings cut by a community border or
        the outline), ``outline_rounding`` (area, in square metres, of the given outline ``missing_m2`` in the division, and
        of the division ``beyond_m2`` it, because coordinates are rounded to 1 mm).

    Raises
    ------
    InputError
        If a layer cannot be used: no CRS, several detached parts, roads without usable lines, communities that do not cover
        the street, no workload at all.
    ImpossibleError
        If the counts cannot be met.

    Notes
    -----
    About 2 ms per building in total. No building is cut, except by a community border or the outline.
    """
    chosen = with_defaults("divide", _DEFAULTS, options)
    progress = chosen["progress"] or _silent
    generator = np.random.default_rng(rng)
    _require_counts(counts, communities)
    progress("inputs", 0.0)
    given = prepare(street, roads=roads, buildings=buildings, barriers=barriers, communities=communities)
    progress("blocks", 0.05)
    held = read_locks(chosen["locks"], given.crs)
    pieces = pieces_of(given, held, counts[2], progress)
    facts = _facts(given, pieces.atoms, workload, chosen["incidents"], progress)
    cells = cells_of(given, pieces, facts, only_lines(held))
    present = None if chosen["current"] is None else to_metric(chosen["current"], given.crs)
    wishes = _wishes(held, present, chosen["keep"], pieces.atoms, facts)
    rules = {level: replace(rule, border_m=chosen["min_border_m"]) for level, rule in RULES.items()}
    groups = split_levels(
        cells,
        pieces.atoms.polygons,
        dict(zip(LEVELS, counts, strict=True)),
        top=_communities(given, pieces, cells, wishes, rules, counts[0], generator),
        wishes=wishes,
        rules=rules,
        rng=generator,
        progress=lambda step, done: progress(step, 0.45 + 0.5 * done),
    )
    progress("layers", 0.95)
    require_borders(only_lines(held), pieces.atoms.polygons, groups[Level.SECOND])
    frame = gpd.GeoDataFrame(facts, geometry=pieces.atoms.polygons, crs=given.crs)
    division, codes = assemble(
        frame, groups, street=given.street, communities=given.communities, valid_from=chosen["valid_from"]
    )
    layers = {"street": street, "roads": roads, "buildings": buildings, "barriers": barriers}
    layers |= {"communities": communities, **{name: chosen[name] for name in ("incidents", "locks", "current")}}
    division.third.attrs.update(
        _origin(given, pieces),
        outline_rounding=_rounding(given.exact, division.street.geometry.iloc[0]),
        seed=rng if isinstance(rng, int) else None,
        locked=0 if held is None else len(held),
        inputs={name: fingerprint(layer) for name, layer in layers.items()},
        on_barriers={level.layer: share_on_barriers(pieces, group) for level, group in groups.items()},
        obstacles=_obstacles(given, pieces.atoms, cells, groups, codes),
    )
    progress("done", 1.0)
    return division


def _facts(
    given: Inputs,
    atoms: Atoms,
    workload: Weights | pd.Series | None,
    incidents: gpd.GeoDataFrame | None,
    progress: Progress,
) -> pd.DataFrame:
    """Residents, households, units and workload of each atom."""
    progress("workload", 0.4)
    points = _points(incidents, given.crs)
    facts = weigh(atoms.polygons, atoms.atom_of_building, given.buildings, workload=workload, incidents=points)
    if facts["workload"].sum() <= 0:
        raise InputError(
            "workload: it is 0 everywhere, so it cannot be balanced; check the weights, or the columns of the buildings"
        )
    return facts


def _communities(
    given: Inputs,
    pieces: Pieces,
    cells: Cells,
    wishes: Wishes,
    rules: dict[Level, Rules],
    count: int,
    rng: np.random.Generator,
) -> Parents | None:
    """The given communities, or communities made from blocks; None if the atoms are to be divided directly."""
    top = _top(given, pieces.atoms.community)
    if top is not None or count == 1:
        return top
    locked = wishes.locked.get(Level.SECOND, np.full(len(pieces.atoms.polygons), -1))
    return communities_of_blocks(
        cells, pieces.atoms, locked, pieces.blocks, count, worth=COSTS, rules=rules[Level.COMMUNITY], rng=rng
    )


def _obstacles(
    given: Inputs, atoms: Atoms, cells: Cells, groups: dict[Level, Ints], codes: dict[Level, list[str]]
) -> list[dict[str, object]]:
    """Parents with grids outside the tolerance, with the obstruction, as rows of JSON types."""
    tolerances = {level: RULES[level].tolerance for level in LEVELS}
    names = building_of_atom(given, atoms, len(cells.load))
    table = obstacles(cells, cells.load, groups, codes, names, tolerances)
    return [dict(zip(table.columns, row, strict=True)) for row in table.astype(object).to_numpy()]


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
            f"communities: {len(communities)} are given, but {first} are requested; request {len(communities)}"
        )


def _rounding(exact: shapely.Geometry, drawn: shapely.Geometry) -> dict[str, float]:
    """Area, in square metres, of the given outline outside the division, and of the division outside the outline.

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
    held: gpd.GeoDataFrame | None, current: gpd.GeoDataFrame | None, keep: float, atoms: Atoms, facts: pd.DataFrame
) -> Wishes:
    locked = locked_cells(held, atoms.polygons, atoms.community)
    if current is None:
        return Wishes({Level.SECOND: locked} if (locked >= 0).any() else {})
    residents = facts["population"].to_numpy(dtype=float)
    stay = keep * 4 * residents * len(current) / max(float(residents.sum()), 1.0)
    return Wishes(
        {Level.SECOND: locked} if (locked >= 0).any() else {},
        {Level.SECOND: current_cells(current, atoms.polygons)},
        stay,
    )


def _top(given: Inputs, community: Ints) -> Parents | None:
    """The given communities, each with at least one atom."""
    if given.communities is None:
        return None
    empty = np.setdiff1d(np.arange(len(given.communities)), community)
    if len(empty):
        raise ImpossibleError(
            f"communities: row {empty[0]} is too thin to contain a piece of ground; check its polygon"
        )
    return Parents(community, [f"community {c}" for c in range(len(given.communities))], given=True)


def _origin(given: Inputs, pieces: Pieces) -> dict[str, object]:
    blocks, atoms = pieces.blocks, pieces.atoms
    return {
        "atoms": len(atoms.polygons),
        "blocks": len(blocks.polygons),
        "buildings_outside": int((atoms.atom_of_building < 0).sum()),
        "buildings_cut": [str(label) for label in given.buildings.index[atoms.cut]],
    }
