"""Cutting faulty cells and their neighbours into faces that each lie in one and the same set of cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.coverage import faults
from geo.coverage.arcs import Arcs, chain, neighbours, number_vertices, pair_edges
from geo.coverage.edges import directed_edges, directed_rings, edges_of, invalid_beside, on_lattice_units, rim
from geo.coverage.restore import ROUNDING_M, Places, restore, rounded
from geo.layers.crs import PER_METRE

# Ground this near to both of two cells is closed where they come within 1 mm of each other: far enough for its corners to be
# vertices of their own on the lattice.
_CLOSED_M = 0.01

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
    faulty: Positions,
    bare: shapely.Geometry | None,
    on_lattice: Positions,
    ties: Shapes,
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
    faulty
        Cells at fault: see :func:`at_fault`.
    bare
        Ground that is to have no owner.
    on_lattice
        Cells to be cut in any case, whose own vertices stay on the lattice.
    ties
        Further lines to cut along: see :func:`closing_lines`.
    """
    tree = shapely.STRtree(shapes)
    cells = np.union1d(_to_cut(shapes, tree, faulty, bare), on_lattice).astype(np.int64)
    if len(cells) == 0:
        nothing = np.empty(0, dtype=np.int64)
        none = np.empty(0, dtype=object)
        arcs = _arcs(none)
        places = Places(np.empty((0, 2), dtype=np.int64), np.empty((0, 2)))
        return Faces(nothing, none, arcs, places, nothing, zone_of_cell, nothing, nothing, neighbours(arcs))
    areas = zones if bare is None else np.append(zones, bare)
    lines = shapely.boundary(np.concatenate([shapes[cells], areas]))
    noded = shapely.union_all(np.concatenate([rounded(lines), ties]), grid_size=1 / PER_METRE)
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


def _to_cut(shapes: Shapes, tree: shapely.STRtree, faulty: Positions, bare: shapely.Geometry | None) -> Positions:
    """Cells that are at fault or that bare ground touches, with all that touch them."""
    if bare is not None:
        faulty = np.union1d(faulty, tree.query(bare, predicate="intersects"))
    if len(faulty) == 0:
        return np.empty(0, dtype=np.int64)
    _, touching = tree.query(shapes[faulty], predicate="intersects")
    return np.union1d(faulty, touching).astype(np.int64)


def at_fault(shapes: Shapes, zones: Shapes, zone_of_cell: Positions, border: shapely.Geometry | None) -> Positions:
    """Cells that have to be cut; `border` is the union of the zones, None if there are none."""
    return _faulty(shapes) if border is None else _faulty_in_zones(shapes, zones, zone_of_cell, border)


def _faulty(shapes: Shapes) -> Positions:
    """Cells with an edge that is not matched, and those beside a gap."""
    faulty = faults.doubtful(shapes, rim(shapes), 1 / PER_METRE)
    gaps = faults.uncovered(faults.covered_ground(shapes, faulty), None)
    gaps_array = np.array(gaps, dtype=object)
    _, beside = shapely.STRtree(shapes).query(gaps_array, predicate="dwithin", distance=1 / PER_METRE)
    return np.union1d(faulty, beside)


def closing_lines(shapes: Shapes) -> Shapes:
    """Borders of bare ground where two cells come within 1 mm of each other.

    Where there is no outline, two cells may leave an inlet or a strait between them that is too narrow to be ground, and in
    which their vertices cannot match. Closed by these lines it is a gap, and is filled.
    """
    lines: list[shapely.Geometry] = []
    for place in faults.unmatched(shapes, rim(shapes), 1 / PER_METRE):
        pair = shapes[place.cells]
        if shapely.distance(pair[:, None], shapely.get_parts(place.geometry)).max() > ROUNDING_M:
            between = shapely.intersection(*shapely.buffer(pair, _CLOSED_M, quad_segs=1))
            bare = faults.polygons_of(shapely.difference(between, shapely.union_all(pair)))
            lines += [shapely.boundary(part) for part in bare if part.dwithin(place.geometry, 2 / PER_METRE)]
    return rounded(np.array(lines, dtype=object))


def _faulty_in_zones(shapes: Shapes, zones: Shapes, zone_of_cell: Positions, border: shapely.Geometry) -> Positions:
    """Cells with an edge that neither another cell nor the border of the zones answers, and those that leave their zone."""
    shapely.prepare(zones)
    leaving = np.flatnonzero(~shapely.covers(zones[zone_of_cell], shapes))
    outside = shapely.difference(shapes[leaving], zones[zone_of_cell[leaving]])
    leaving = leaving[[faults.width_m(piece) > ROUNDING_M for piece in outside]]
    edge = rim(shapes, border)
    faulty = np.union1d(edge.owner[~_along(edge.ends, border)], leaving)
    # An edge along the border with vertices of its own is no fault, unless another cell covers the same ground.
    return np.union1d(faulty, invalid_beside(shapes, np.setdiff1d(edge.cells, faulty))).astype(np.int64)


def _along(ends: npt.NDArray[np.float64], border: shapely.Geometry) -> npt.NDArray[np.bool_]:
    """Whether each edge lies on an edge of the border, but for rounding."""
    on: list[Positions] = []
    tree = shapely.STRtree(edges_of(border))
    for k in (0, 1):
        point, edge = tree.query(shapely.points(ends[:, k]), predicate="dwithin", distance=ROUNDING_M)
        on.append(point * len(tree) + edge)
    result = np.zeros(len(ends), dtype=bool)
    result[np.intersect1d(on[0], on[1]) // max(len(tree), 1)] = True
    return result


def _arcs(polygons: Shapes) -> Arcs:
    """Borders of the faces; faces of one noding need no check."""
    xy, start, owner = directed_rings(polygons)
    vertices, number = number_vertices(on_lattice_units(xy))
    edges, _ = pair_edges(*directed_edges(number, start, owner))
    return chain(vertices, edges)
