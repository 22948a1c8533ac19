"""Selects the cells that a repair has to cut, and groups the edges that have to be cut together.

The number of cells that cover a place changes only across an edge without a matching neighbour edge. All faults therefore lie
along the unmatched edges of faulty cells, and only cells near these edges have to be cut: mostly a faulty cell and its
neighbours.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse
import shapely
from scipy.sparse.csgraph import connected_components

from geo.coverage import faults
from geo.coverage.arcs import OUTSIDE
from geo.coverage.edges import Network, Rim, edges_of, invalid_with_neighbours
from geo.coverage.repairing.near_edges import near_pairs
from geo.coverage.repairing.original_vertices import ROUNDING_M
from geo.layers.crs import PER_METRE
from geo.prepared import prepared_copy

Shapes = npt.NDArray[np.object_]
Positions = npt.NDArray[np.int64]

# Cutting on the lattice moves a border by less than 1 mm, which may move an adjacent one; edges further apart than five times
# that distance do not affect each other.
_REACH_M = 0.005

# Ground within this distance of two cells is closed where they are less than 1 mm apart: far enough for its corners to be
# distinct vertices on the lattice.
_CLOSED_M = 0.01


class FaultyCells(NamedTuple):
    """Cells that have to be cut, and the edges that cut them.

    Attributes
    ----------
    cells
        Positions of the faulty cells, in order.
    wrong
        Whether each edge of the network is, or may be, wrong.
    network
        All edges of the layer.
    """

    cells: Positions
    wrong: npt.NDArray[np.bool_]
    network: Network


class Selection(NamedTuple):
    """Cells and edges to be cut.

    Attributes
    ----------
    cells
        Positions of the cells to be cut, in order.
    group
        Group of each edge of the network; edges of one group are noded together. -1: no wrong edge and no given line is near
        the edge. Given lines belong to group 0.
    """

    cells: Positions
    group: Positions


def find_faulty(shapes: Shapes, zones: Shapes, zone_of_cell: Positions, border: shapely.Geometry | None) -> FaultyCells:
    """Faulty cells; `border` is the union of the zones, None without zones."""
    network = Network.of(shapes, border)
    edge = Rim.among(network, len(shapes))
    if border is None:
        faulty, leaving = _faulty(shapes, edge), np.empty(0, dtype=np.int64)
    else:
        leaving = _leaving(shapes, zones, zone_of_cell)
        faulty = np.union1d(edge.owner[~along_border(edge.ends, border)], leaving)
        # An edge along the border with other vertices is not a fault, unless another cell covers the same ground.
        faulty = np.union1d(faulty, invalid_with_neighbours(shapes, np.setdiff1d(edge.cells, faulty)))
    return FaultyCells(faulty.astype(np.int64), _wrong(network, faulty, leaving, len(shapes)), network)


def _wrong(network: Network, faulty: Positions, entire: Positions, n_cells: int) -> npt.NDArray[np.bool_]:
    """Unmatched or doubly matched edges of faulty cells, and all edges of some cells."""
    edges, which = network.edges, network.which
    alone = (edges.left == OUTSIDE) | (edges.right == OUTSIDE)
    alone[which[network.conflicts]] = True
    bad, whole = np.zeros((2, n_cells + 1), dtype=bool)
    bad[faulty], whole[entire] = True, True
    result = np.zeros(len(alone), dtype=bool)
    result[which[(bad[network.owner] & alone[which]) | whole[network.owner]]] = True
    return result


def _faulty(shapes: Shapes, edge: Rim) -> Positions:
    """Cells with an unmatched edge, and cells next to a gap."""
    faulty = faults.unproven(shapes, edge, 1 / PER_METRE)
    gaps = np.array(faults.holes(faults.covered_ground(shapes, faulty)), dtype=object)
    _, beside = shapely.STRtree(shapes).query(gaps, predicate="dwithin", distance=1 / PER_METRE)
    return np.union1d(faulty, beside)


def _leaving(shapes: Shapes, zones: Shapes, zone_of_cell: Positions) -> Positions:
    """Cells that extend beyond their zone."""
    leaving = np.flatnonzero(~shapely.covers(prepared_copy(zones)[zone_of_cell], shapes))
    outside = shapely.difference(shapes[leaving], zones[zone_of_cell[leaving]])
    return leaving[[faults.width_m(piece) > ROUNDING_M for piece in outside]]


def along_border(ends: npt.NDArray[np.float64], border: shapely.Geometry) -> npt.NDArray[np.bool_]:
    """Whether each edge lies on an edge of the border, except for rounding."""
    on: list[Positions] = []
    tree = shapely.STRtree(edges_of(border))
    for k in (0, 1):
        point, edge = tree.query(shapely.points(ends[:, k]), predicate="dwithin", distance=ROUNDING_M)
        on.append(point * len(tree) + edge)
    result = np.zeros(len(ends), dtype=bool)
    result[np.intersect1d(on[0], on[1]) // max(len(tree), 1)] = True
    return result


def narrow_passages(shapes: Shapes, edge: Rim) -> Shapes:
    """Pieces of uncovered ground where two cells are less than 1 mm apart.

    Without an outline, two cells may leave an inlet or a strait between them that is too narrow to be intended and in which
    their vertices cannot match. The borders of these pieces close it, so it becomes a gap and is filled.
    """
    pieces: list[shapely.Polygon] = []
    for place in faults.unmatched_vertices(shapes, edge, 1 / PER_METRE):
        pair = shapes[place.cells]
        if shapely.distance(pair[:, None], shapely.get_parts(place.geometry)).max() > ROUNDING_M:
            between = shapely.intersection(*shapely.buffer(pair, _CLOSED_M, quad_segs=1))
            bare = faults.polygons_of(shapely.difference(between, shapely.union_all(pair)))
            pieces += [part for part in bare if part.dwithin(place.geometry, 2 / PER_METRE)]
    return np.array(pieces, dtype=object)


def select_for_overlay(
    shapes: Shapes,
    tree: shapely.STRtree,
    fault: FaultyCells,
    borders: Shapes,
    lines: Shapes,
    wider: Positions,
    entire: Positions,
) -> Selection:
    """Select the cells to cut, and group the edges.

    Parameters
    ----------
    shapes, tree
        The layer, and a spatial index of it.
    fault
        The faulty cells and wrong edges.
    borders
        Lines that also cut the selected cells: borders of zones that equal no edge of a cell.
    lines
        Lines that cut all cells: borders of ground that stays uncovered, and of narrow passages.
    wider
        Cells whose neighbours are cut as well.
    entire
        Cells of which every edge is treated as wrong.
    """
    n, network = len(shapes), fault.network
    wrong = np.flatnonzero(fault.wrong | _wrong(network, entire, entire, n))
    cutters = np.concatenate([edge_lines(network, wrong), lines])
    # Nodes of the graph: one per cell, one for all given lines, one per edge.
    cutter = np.concatenate([n + 1 + wrong, np.full(len(lines), n)])
    line, near = _near_edges(tree, network, cutters, np.ones(n, dtype=bool))
    mine = (network.owner < n) & np.isin(network.which, near)
    chain, over = _cells_containing(tree, network, wrong, lines)
    _, beside = tree.query(shapes[wider], predicate="intersects")
    cells = np.unique(np.concatenate([fault.cells, entire, network.owner[mine], over, beside]))
    hidden, under = _contained_cells(shapes, tree, network, cells)
    cells = np.union1d(cells, under)
    while True:
        # Both cells of an edge near the border of a zone have to be cut.
        along = _near_edges(tree, network, borders, np.isin(np.arange(n), cells))[1]
        both = network.owner[(network.owner < n) & np.isin(network.which, along)]
        if np.isin(both, cells).all():
            break
        cells = np.union1d(cells, both)
    covered = np.isin(network.owner, np.union1d(hidden, under))
    pairs = [
        (cutter[line], n + 1 + near),
        (network.owner[mine], n + 1 + network.which[mine]),
        (cutter[chain], over),
        (hidden, under),
        (network.owner[covered], n + 1 + network.which[covered]),
        (np.full(len(along), n), n + 1 + along),
    ]
    one, two = np.concatenate([p[0] for p in pairs]), np.concatenate([p[1] for p in pairs])
    size = n + 1 + len(network.edges.a)
    graph = scipy.sparse.coo_matrix((np.ones(len(one), dtype=np.int8), (one, two)), shape=(size, size))
    _, group = connected_components(graph, directed=False)
    alone = np.ones(size, dtype=bool)
    alone[one], alone[two] = False, False
    edge = group[n + 1 :].astype(np.int64)
    edge = np.where(edge == group[n], 0, edge + 1)
    edge[alone[n + 1 :]] = -1
    return Selection(cells.astype(np.int64), edge)


def edge_lines(network: Network, edges: Positions) -> Shapes:
    """The given edges as LineStrings."""
    ends = network.places[np.column_stack([network.edges.a[edges], network.edges.b[edges]])]
    lines: Shapes = shapely.linestrings(ends)
    return lines


def _near_edges(
    tree: shapely.STRtree, network: Network, lines: Shapes, among: npt.NDArray[np.bool_]
) -> tuple[Positions, Positions]:
    """Pairs of a line and an edge of the given cells that are near enough for cutting to affect it."""
    maybe = np.zeros(len(among) + 1, dtype=bool)  # the last entry stands for the border of the layer
    maybe[tree.query(lines)[1]] = True
    maybe[:-1] &= among
    edges = np.unique(network.which[maybe[network.owner]])
    ends = network.places[np.column_stack([network.edges.a[edges], network.edges.b[edges]])]
    line, near = near_pairs(shapely.get_coordinates(lines).reshape(-1, 2, 2), ends, _REACH_M)
    return line, edges[near]


def _cells_containing(
    tree: shapely.STRtree, network: Network, wrong: Positions, lines: Shapes
) -> tuple[Positions, Positions]:
    """Pairs of a wrong edge or a line (numbered after the edges), and a cell that contains it.

    Connected edges either lie in a cell together or come near one of its edges, so one point per component is tested.
    """
    a, b = network.edges.a[wrong], network.edges.b[wrong]
    graph = scipy.sparse.coo_matrix((np.ones(len(a), dtype=np.int8), (a, b)), shape=(len(network.places),) * 2)
    _, part = connected_components(graph, directed=False)
    _, first = np.unique(part[a], return_index=True)
    points = np.concatenate([shapely.points(network.places[a[first]]), shapely.get_point(lines, 0)])
    chain, over = tree.query(points, predicate="intersects")
    return np.append(first, len(wrong) + np.arange(len(lines)))[chain], over


def _contained_cells(
    shapes: Shapes, tree: shapely.STRtree, network: Network, cells: Positions
) -> tuple[Positions, Positions]:
    """Pairs of a cell inside another one although no wrong edge is near it, and a cell that it touches.

    In a group of cells with matched edges and without a wrong edge near it, either every cell overlaps another cell or none
    does, so one point decides.
    """
    n = len(shapes)
    rest = np.ones(n + 1, dtype=bool)  # the last entry, also index -1, stands for the border and for no cell
    rest[cells] = False
    rest[n] = False
    left, right = network.edges.left, network.edges.right
    both = rest[left] & rest[right]
    graph = scipy.sparse.coo_matrix((np.ones(int(both.sum()), dtype=np.int8), (left[both], right[both])), shape=(n, n))
    _, part = connected_components(graph, directed=False)
    others = np.flatnonzero(rest[:n] & ~shapely.is_empty(shapes))
    _, first = np.unique(part[others], return_index=True)
    asked = others[first]
    place, _ = tree.query(shapely.point_on_surface(shapes[asked]), predicate="intersects")
    shared = np.bincount(place, minlength=len(asked)) > 1
    hidden = others[np.isin(part[others], part[asked[shared]])]
    inner, under = tree.query(shapes[hidden], predicate="intersects")
    return hidden[inner], under
