"""Cutting faulty cells and their neighbours into faces that each lie in one and the same set of cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.coverage import faults
from geo.coverage.arcs import Arcs, chain, neighbours, number_vertices, pair_edges
from geo.coverage.edges import directed_edges, directed_rings, on_lattice_units, rim
from geo.coverage.restore import Places, restore, rounded
from geo.layers.crs import PER_METRE

Shapes = npt.NDArray[np.object_]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Faces:
    """The faces of the ground around the faults.

    Attributes
    ----------
    cells
        Positions of the cells that were cut: faulty ones and their neighbours, in order.
    polygons
        The faces, on the lattice, sharing their vertices.
    places
        The coordinates that their vertices get back.
    zone, zone_of_cell
        Zone that each face lies in, -1 for ground that is to have no owner; and zone of each cell of the layer. A face goes
        to a cell of its own zone.
    held_face, held_cell
        Which cell holds which face, before the repair; pairs in order of face, then cell.
    arcs
        The borders of the faces.
    pairs
        Faces that share border: `a`, `b`, `length_m`.
    """

    cells: Positions
    polygons: Shapes
    arcs: Arcs
    places: Places
    zone: Positions
    zone_of_cell: Positions
    held_face: Positions
    held_cell: Positions
    pairs: pd.DataFrame


def cut(
    shapes: Shapes,
    zones: Shapes,
    zone_of_cell: Positions,
    border: shapely.Geometry | None,
    bare: shapely.Geometry | None,
    on_lattice: Positions,
) -> Faces:
    """Cut the cells that are at fault, and those that touch them.

    Borders are cut at each other on the 1 mm lattice, so that no face is finer than a mesh can hold. Then vertices get back
    the coordinates that they came with (see :mod:`geo.coverage.restore`).

    Parameters
    ----------
    shapes
        Valid polygons.
    zones
        Areas to be covered, each by its own cells: the outline, or the parents. None at all means the whole plane.
    zone_of_cell
        Position of the zone of each cell; 0 for all if there are no zones.
    border
        The union of the zones, None if there are none.
    bare
        Ground that is to have no owner.
    on_lattice
        Cells to be cut in any case, whose own vertices stay on the lattice.
    """
    tree = shapely.STRtree(shapes)
    cells = np.union1d(_to_cut(shapes, tree, zones, zone_of_cell, border, bare), on_lattice).astype(np.int64)
    if len(cells) == 0:
        nothing = np.empty(0, dtype=np.int64)
        none = np.empty(0, dtype=object)
        arcs = _arcs(none)
        places = Places(np.empty((0, 2), dtype=np.int64), np.empty((0, 2)))
        return Faces(nothing, none, arcs, places, nothing, zone_of_cell, nothing, nothing, neighbours(arcs))
    areas = zones if bare is None else np.append(zones, bare)
    lines = shapely.boundary(np.concatenate([shapes[cells], areas]))
    noded = shapely.union_all(rounded(lines), grid_size=1 / PER_METRE)
    polygons = np.array(shapely.get_parts(shapely.polygonize([noded])), dtype=object)
    within = shapely.point_on_surface(polygons)
    cell, face = shapely.STRtree(within).query(shapes, predicate="intersects")
    # A face over cells that were not cut is their own ground, seen from outside.
    kept = np.ones(len(polygons), dtype=bool)
    kept[face[~np.isin(cell, cells)]] = False
    renumber = np.cumsum(kept) - 1
    mine = kept[face]
    face, cell = renumber[face[mine]], cell[mine].astype(np.int64)
    order = np.lexsort((cell, face))
    polygons, within = polygons[kept], within[kept]
    zone = _zones(within, zones, bare)
    beside = np.setdiff1d(tree.query(shapes[cells])[1], cells)
    places = restore(polygons, zone, areas, shapes[beside], shapes[np.setdiff1d(cells, on_lattice)])
    arcs = _arcs(polygons)
    return Faces(cells, polygons, arcs, places, zone, zone_of_cell, face[order], cell[order], neighbours(arcs))


def _zones(within: Shapes, zones: Shapes, bare: shapely.Geometry | None) -> Positions:
    """Zone of each face, by a point in it; -1 outside all zones and on ground that stays bare."""
    zone = np.full(len(within), -1 if len(zones) else 0, dtype=np.int64)
    face, found = shapely.STRtree(zones).query(within, predicate="intersects")
    zone[face] = found
    if bare is not None:
        zone[shapely.covers(bare, within)] = -1
    return zone


def _to_cut(
    shapes: Shapes,
    tree: shapely.STRtree,
    zones: Shapes,
    zone_of_cell: Positions,
    border: shapely.Geometry | None,
    bare: shapely.Geometry | None,
) -> Positions:
    """Cells that are at fault, that bare ground touches, or that leave their zone, with all that touch them."""
    faulty = _faulty(shapes, tree) if border is None else _faulty_in_zones(shapes, zones, zone_of_cell, border)
    if bare is not None:
        faulty = np.union1d(faulty, tree.query(bare, predicate="intersects"))
    if len(faulty) == 0:
        return np.empty(0, dtype=np.int64)
    _, touching = tree.query(shapes[faulty], predicate="intersects")
    return np.union1d(faulty, touching).astype(np.int64)


def _faulty(shapes: Shapes, tree: shapely.STRtree) -> Positions:
    """Cells with an edge that is not matched, and those beside a gap."""
    faulty = faults.doubtful(shapes, rim(shapes), 1 / PER_METRE)
    gaps = faults.uncovered(faults.covered_ground(shapes, faulty), None)
    _, beside = tree.query(np.array(gaps, dtype=object), predicate="dwithin", distance=1 / PER_METRE)
    return np.union1d(faulty, beside)


def _faulty_in_zones(shapes: Shapes, zones: Shapes, zone_of_cell: Positions, border: shapely.Geometry) -> Positions:
    """Cells with an edge that neither another cell nor the border of the zones answers, and those that leave their zone."""
    shapely.prepare(zones)
    leaving = np.flatnonzero(~shapely.covers(zones[zone_of_cell], shapes))
    return np.union1d(rim(shapes, border).cells, leaving).astype(np.int64)


def _arcs(polygons: Shapes) -> Arcs:
    """Borders of the faces; faces of one noding need no check."""
    xy, start, owner = directed_rings(polygons)
    vertices, number = number_vertices(on_lattice_units(xy))
    edges, _ = pair_edges(*directed_edges(number, start, owner))
    return chain(vertices, edges)
