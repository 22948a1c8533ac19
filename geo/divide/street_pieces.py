"""Blocks and atoms of a street, the kinds of their borders, and the graph to be partitioned."""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.divide.blocks.atoms import Atoms, draw_atoms
from geo.divide.blocks.barriers import Border
from geo.divide.blocks.street_blocks import Blocks, border_of, draw_blocks
from geo.divide.inputs import Inputs
from geo.divide.partitioning.adjacency import Graph, Segments, build_graph, segments
from geo.divide.partitioning.moves import LOCKED_COST
from geo.divide.partitioning.nested import Progress, weights
from geo.divide.partitioning.objective import Cells
from geo.errors import ImpossibleError
from geo.wording import counted

Ints = npt.NDArray[np.int64]

# Cost of a metre of border, by Border. A negative cost is a reward, lost where there is no border.
COSTS = np.array([1.0, 0.35, 0.15, -0.1, -0.6, -0.8, 0.0, 0.0])
# Cost of a border inside a compound under one management.
_COMPOUND_COST = 2.0

# Area of pieces of open ground in third-level grids, and bounds of their side length.
_OPEN_SHARE = 1.5
_OPEN_M = (20.0, 150.0)
# Minimum number of atoms per third-level grid, otherwise open ground is divided more finely; by which factor, how often.
_ATOMS_PER_GRID = 1.4
_FINER = 0.75
_ROUNDS = 6


class Pieces(NamedTuple):
    """Blocks of a street, their atoms, and the kind of border of each segment."""

    blocks: Blocks
    atoms: Atoms
    segments: Segments
    border: Ints


def pieces_of(given: Inputs, held: gpd.GeoDataFrame | None, grids: int, progress: Progress) -> Pieces:
    """Create blocks and atoms, with at least as many atoms as third-level grids; `held` are the locks."""
    footprints = np.asarray(given.buildings.geometry.array, dtype=object)
    blocks = draw_blocks(
        given.outline,
        roads=given.roads,
        barriers=given.barriers,
        communities=given.communities,
        buildings=footprints,
        locks=held,
    )
    progress("atoms", 0.1)
    atoms = _enough_atoms(given, blocks, footprints, grids)
    seg = segments(atoms.polygons)
    return Pieces(blocks, atoms, seg, _borders(seg, blocks, atoms))


def _enough_atoms(given: Inputs, blocks: Blocks, footprints: npt.NDArray[np.object_], grids: int) -> Atoms:
    """Create atoms, with open ground divided more finely until there are enough atoms for the third level."""
    open_m = float(np.clip(np.sqrt(_OPEN_SHARE * given.outline.area / grids), *_OPEN_M))
    for _ in range(_ROUNDS):
        atoms = draw_atoms(given.outline, blocks, footprints, open_m=open_m)
        if len(atoms.polygons) >= _ATOMS_PER_GRID * grids:
            return atoms
        open_m *= _FINER
    if len(atoms.polygons) >= grids:
        return atoms
    raise ImpossibleError(
        f"counts: {counted(grids, 'third-level grid was', 'third-level grids were')} requested, but buildings and open ground "
        f"can be cut into {counted(len(atoms.polygons), 'piece')} at most; request fewer"
    )


def _borders(seg: Segments, blocks: Blocks, atoms: Atoms) -> Ints:
    """Kind of border of each segment, as a :class:`Border`."""
    across = np.maximum(seg.other_cell, 0)
    border = np.zeros(len(seg.cell), dtype=np.int64)
    between = (seg.other_cell >= 0) & (atoms.block[seg.cell] != atoms.block[across])
    part = replace(seg, cell=seg.cell[between], middle=seg.middle[between])
    border[between] = border_of(part, blocks.lines)
    return border


def cells_of(given: Inputs, pieces: Pieces, facts: pd.DataFrame, locked: npt.NDArray[np.object_]) -> Cells:
    """The atoms as input of the search: graph with border costs, area, centre and workload; `locked` are lines."""
    polygons = pieces.atoms.polygons
    area = shapely.area(polygons)
    centre = shapely.get_coordinates(shapely.centroid(polygons))
    load = facts["workload"].to_numpy(dtype=np.float64)
    return Cells(_graph(given, pieces, locked), weights(load, area), area, centre - centre.mean(axis=0), load)


def _graph(given: Inputs, pieces: Pieces, locked: npt.NDArray[np.object_]) -> Graph:
    """Graph of the atoms, with border costs by kind."""
    atoms, seg, border = pieces.atoms, pieces.segments, pieces.border
    across = np.maximum(seg.other_cell, 0)
    factor = COSTS[np.minimum(border, Border.OUTLINE)]
    compound = _compounds(given, atoms)
    together = (
        (border == Border.OPEN)
        & (compound[seg.cell] >= 0)
        & (compound[seg.cell] == compound[across])
        & (seg.other_cell >= 0)
    )
    factor[together] = _COMPOUND_COST
    if len(locked):
        beside = shapely.STRtree(locked).query(shapely.points(seg.middle), predicate="dwithin", distance=0.01)[0]
        factor[beside] = LOCKED_COST
    return build_graph(atoms.polygons, factor, seg)


def _compounds(given: Inputs, atoms: Atoms) -> Ints:
    """Number of the compound of each atom, -1 if its buildings name none; the first building decides."""
    compound = np.full(len(atoms.polygons), -1, dtype=np.int64)
    if "compound" in given.buildings.columns:
        numbers = pd.to_numeric(given.buildings["compound"], errors="coerce").fillna(-1).to_numpy(dtype=np.int64)
        held = np.flatnonzero((atoms.atom_of_building >= 0) & (numbers >= 0))[::-1]
        compound[atoms.atom_of_building[held]] = numbers[held]
    return compound


def share_on_barriers(pieces: Pieces, group: Ints) -> float:
    """Share of a level's border that runs along roads, rails, water, communities or the outline."""
    seg, border = pieces.segments, pieces.border
    outer = seg.other_cell < 0
    drawn = outer | (group[seg.cell] != group[np.maximum(seg.other_cell, 0)])
    length = seg.length_m * np.where(outer, 1.0, 0.5)
    return float(length[drawn & (outer | (border > Border.OPEN))].sum() / length[drawn].sum())


def building_of_atom(given: Inputs, atoms: Atoms, count: int) -> pd.Series:
    """Label of the largest building in each atom, None for open ground."""
    label = np.full(count, None, dtype=object)
    held = np.flatnonzero(atoms.atom_of_building >= 0)
    area = shapely.area(np.asarray(given.buildings.geometry.array, dtype=object))
    # Of several assignments to one atom the last one stays.
    order = held[np.argsort(area[held], kind="stable")]
    label[atoms.atom_of_building[order]] = [str(name) for name in given.buildings.index[order]]
    return pd.Series(label, dtype=object)
