"""Cuts faulty cells and their neighbours into faces; all points of a face lie in the same set of cells."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.coverage.arcs import OUTSIDE, Arcs, Cells, Ints, lexsort_pairs, neighbours, unique_rows, unique_vertices
from geo.coverage.edges import Network, edges_of, on_lattice_units
from geo.coverage.parallel import map_in_threads
from geo.coverage.repairing.noding import noded_edges
from geo.coverage.repairing.original_vertices import (
    ROUNDING_M,
    OriginalCoordinates,
    find_vertices,
    original_coordinates,
)
from geo.coverage.repairing.planar_graph import bounded_regions, find_edges
from geo.coverage.repairing.selection import FaultyCells, Selection, select_for_overlay
from geo.coverage.repairing.zones import UNKNOWN, BorderPath, labels, trace_borders, with_vertices_on_edges
from geo.coverage.rings import polygons

Shapes = npt.NDArray[np.object_]
Positions = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Overlay:
    """The faces in the neighbourhood of the faults.

    Attributes
    ----------
    cells
        Positions of the cells that were cut: faulty cells, and cells near their wrong edges, in order.
    polygons
        The faces, on the lattice, edge-matched.
    arcs
        The borders of the faces.
    places
        The original coordinates of their vertices.
    zone, zone_of_cell
        Zone of each face, -1 for ground that is to have no owner; and zone of each cell of the layer. A face is assigned to
        a cell of its own zone.
    held_face, held_cell
        Pairs of a face and a cell that covers it before the repair, in order of face, then cell.
    pairs
        Faces that share a border: `a`, `b`, `length_m`.
    """

    cells: Positions
    polygons: Shapes
    arcs: Arcs
    places: OriginalCoordinates
    zone: Positions
    zone_of_cell: Positions
    held_face: Positions
    held_cell: Positions
    pairs: pd.DataFrame


class OverlayBuilder:
    """Cuts a layer, several times if necessary.

    Parameters
    ----------
    shapes
        Valid polygons.
    zones
        Areas to be covered, each by its own cells: the outline, or the parents. None means no restriction.
    zone_of_cell
        Position of the zone of each cell; 0 for all if there are no zones.
    fault
        Faulty cells: see :func:`geo.coverage.repairing.selection.find_faulty`.
    allowed
        Ground that is to have no owner.
    """

    def __init__(
        self,
        shapes: Shapes,
        zones: Shapes,
        zone_of_cell: Positions,
        fault: FaultyCells,
        allowed: shapely.Geometry | None,
    ) -> None:
        self.shapes, self.zones, self.zone_of_cell = shapes, zones, zone_of_cell
        self.fault, self.allowed = fault, allowed
        self.tree = shapely.STRtree(shapes)
        zones = with_vertices_on_edges(zones, _unmatched_places(fault.network), ROUNDING_M)
        self.areas = zones if allowed is None else np.append(zones, allowed)
        self.borders = _lines_without_equal_edge(edges_of(zones), fault.network, len(shapes))

    def cut(self, on_lattice: Positions, ties: Shapes, wider: Positions) -> Overlay:
        """Cut the faulty cells, and the cells near their wrong edges.

        Borders are noded on the 1 mm lattice, so that no face is finer than a mesh can store. Then vertices get back their
        original coordinates (see :mod:`geo.coverage.repairing.original_vertices`).

        Parameters
        ----------
        on_lattice
            Further cells to be cut, whose vertices stay on the lattice.
        ties
            Polygons whose borders cut all cells: see :func:`geo.coverage.repairing.selection.narrow_passages`.
        wider
            Cells whose neighbours are cut as well.
        """
        lines = edges_of(ties)
        if self.allowed is not None:
            lines = np.concatenate([edges_of(self.allowed), lines])
            wider = np.union1d(wider, self.tree.query(self.allowed, predicate="intersects"))
        what = select_for_overlay(self.shapes, self.tree, self.fault, self.borders, lines, wider, on_lattice)
        if len(what.cells) == 0:
            return self._faces(what, np.empty((0, 2, 2), dtype=np.int64), 0, on_lattice)
        return self._faces(what, *self._edges(what, np.concatenate([self.borders, lines])), on_lattice)

    def _edges(self, what: Selection, lines: Shapes) -> tuple[Ints, int]:
        """Edges of the cells to be cut, on the lattice, shape (n, 2, 2): first those far from all faults, and their number,
        then all others, noded within each group.
        """
        network = self.fault.network
        edge = np.unique(network.which[np.isin(network.owner, what.cells)])
        corners = on_lattice_units(network.places)
        ends = np.stack([corners[network.edges.a[edge]], corners[network.edges.b[edge]]], axis=1)
        given = on_lattice_units(shapely.get_coordinates(lines)).reshape(-1, 2, 2)
        ends, group = np.concatenate([given, ends]), np.append(np.zeros(len(given), dtype=np.int64), what.group[edge])
        real = (ends[:, 0] != ends[:, 1]).any(axis=1)
        whole, cut = real & (group < 0), real & (group >= 0)
        return np.concatenate([ends[whole], noded_edges(ends[cut], group[cut])]), int(whole.sum())

    def _faces(self, what: Selection, edges: Ints, n_whole: int, on_lattice: Positions) -> Overlay:
        """The faces bounded by the edges, without unaffected ground between them."""
        vertices, number = unique_vertices(edges.reshape(-1, 2))
        noded = np.zeros(len(vertices), dtype=bool)
        noded[number[2 * n_whole :]] = True
        one, two = number.reshape(-1, 2).T
        a, b = np.minimum(one, two), np.maximum(one, two)
        order = lexsort_pairs(a, b)
        once = np.r_[True, (np.diff(a[order]) != 0) | (np.diff(b[order]) != 0)][: len(order)]
        a, b = a[order[once]], b[order[once]]
        network = self.fault.network
        vertex = find_vertices(vertices, on_lattice_units(network.places))
        cut = np.isin(np.arange(len(self.shapes)), what.cells)
        arcs, side, n = bounded_regions(vertices, a, b, _beside_sound(network, vertex, a, b, cut))
        drawn = polygons(arcs, n)
        within = shapely.point_on_surface(drawn)
        held_face, held_cell = self._held(within, what.cells)
        way = trace_borders(vertices, a, b, self.areas)
        zone = self._zone(within, side, way)
        # Ground held only by a cell that was not cut is unaffected; only borders of zones bound it.
        empty = np.setdiff1d(np.arange(n), held_face)
        place, cell = self.tree.query(within[empty], predicate="intersects")
        zone[empty[place[~cut[cell]]]] = -1
        free = np.append(cut, False)  # the last entry stands for the border of the layer
        free[on_lattice] = False
        untouched = network.places[np.unique(network.u[~np.append(cut, True)[network.owner]])]
        touched = network.places[np.unique(network.u[free[network.owner]])]
        places = original_coordinates(vertices, noded, way, self.areas, untouched, touched)
        return Overlay(what.cells, drawn, arcs, places, zone, self.zone_of_cell, held_face, held_cell, neighbours(arcs))

    def _held(self, within: Shapes, cells: Positions) -> tuple[Positions, Positions]:
        """Pairs of a face and a cell that covers it, by a point in the face, in order."""
        tree = shapely.STRtree(within)
        parts = map_in_threads(lambda part: tree.query(self.shapes[part], predicate="intersects"), cells)
        begin = np.cumsum([0, *(len(part) for part, _ in parts[:-1])])
        cell = np.concatenate([cells[pairs[0] + shift] for (_, pairs), shift in zip(parts, begin, strict=True)])
        face = np.concatenate([pairs[1] for _, pairs in parts])
        order = np.lexsort((cell, face))
        return face[order], cell[order]

    def _zone(self, within: Shapes, side: Cells, way: BorderPath) -> Positions:
        """Zone of each face; -1 outside all zones and on uncovered ground. Undecided faces are located by a point."""
        n = len(self.zones)
        of_zones = way.area < n
        zone = labels(side, len(within), way.edge[of_zones], way.area[of_zones])
        unknown = np.flatnonzero(zone == UNKNOWN)
        zone[unknown] = -1 if n else 0
        found, face = shapely.STRtree(within[unknown]).query(self.zones, predicate="intersects")
        zone[unknown[face]] = found
        if self.allowed is not None:
            bare = labels(side, len(within), way.edge[~of_zones], way.area[~of_zones])
            unknown = np.flatnonzero(bare == UNKNOWN)
            bare[unknown] = np.where(shapely.covers(self.allowed, within[unknown]), n, -1)
            zone[bare >= 0] = -1
        return zone


def _lines_without_equal_edge(lines: Shapes, network: Network, n_cells: int) -> Shapes:
    """Lines that equal no edge of a cell, comparing all bits."""
    edges, n_places = network.edges, len(network.places)
    number, first = unique_rows(np.concatenate([network.places, shapely.get_coordinates(lines)]) + 0.0)
    place = first[number[n_places:]].reshape(-1, 2)
    place[place >= n_places] = -1
    half = find_edges(edges.a, edges.b, place[:, 0], place[:, 1])
    of_cell = ((edges.left >= 0) & (edges.left < n_cells)) | ((edges.right >= 0) & (edges.right < n_cells))
    unequalled: Shapes = lines[(half < 0) | ~of_cell[half >> 1]]
    return unequalled


def _unmatched_places(network: Network) -> npt.NDArray[np.float64]:
    """Ends of the edges without a matching neighbour edge, metres, shape (n, 2)."""
    edges = network.edges
    alone = (edges.left == OUTSIDE) | (edges.right == OUTSIDE)
    places: npt.NDArray[np.float64] = network.places[np.unique(np.concatenate([edges.a[alone], edges.b[alone]]))]
    return places


def _beside_sound(network: Network, vertex: Ints, a: Ints, b: Ints, cut: npt.NDArray[np.bool_]) -> Positions:
    """Directed edges (see :func:`~geo.coverage.repairing.planar_graph.bounded_regions`) with an uncut cell on their left."""
    u, v = vertex[network.u], vertex[network.v]
    sound = (u >= 0) & (v >= 0) & (u != v) & ~np.append(cut, True)[network.owner]
    half = find_edges(a, b, u[sound], v[sound])
    return half[half >= 0]
