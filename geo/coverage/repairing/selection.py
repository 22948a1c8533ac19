"""Which cells a repair has to cut, and which of them it has to cut together.

How many cells cover a place changes only across an edge that no neighbour answers. So what is wrong lies along the unanswered
edges of the cells at fault, and only the cells that these come near have to be cut: mostly the faulty cell and its neighbours.
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
from geo.coverage.repairing.original_vertices import ROUNDING_M
from geo.layers.crs import PER_METRE

Shapes = npt.NDArray[np.object_]
Positions = npt.NDArray[np.int64]

# Cutting on the lattice moves a border by less than 1 mm, and that may move another one: five times as much is left between
# what is cut together and what is not.
_REACH_M = 0.005

# Ground this near to both of two cells is closed where they come within 1 mm of each other: far enough for its corners to be
# vertices of their own on the lattice.
_CLOSED_M = 0.01


class FaultyCells(NamedTuple):
    """Cells that have to be cut, and the edges along which.

    Attributes
    ----------
    cells
        Positions of the cells at fault, in order.
    wrong
        Whether each edge of the network is wrong, or may be.
    network
        All edges of the layer.
    """

    cells: Positions
    wrong: npt.NDArray[np.bool_]
    network: Network


class Selection(NamedTuple):
    """What has to be cut.

    Attributes
    ----------
    cells
        Positions of the cells to be cut, in order.
    group
        For each edge of the network those with which it is cut: equal numbers are of one group. -1: no wrong edge, and no line
        that is given, comes near it. Given lines are of group 0.
    """

    cells: Positions
    group: Positions


def find_faulty(shapes: Shapes, zones: Shapes, zone_of_cell: Positions, border: shapely.Geometry | None) -> FaultyCells:
    """Cells at fault; `border` is the union of the zones, None if there are none."""
    network = Network.of(shapes, border)
    edge = Rim.among(network, len(shapes))
    if border is None:
        faulty, leaving = _faulty(shapes, edge), np.empty(0, dtype=np.int64)
    else:
        leaving = _leaving(shapes, zones[zone_of_cell])
        faulty = np.union1d(edge.owner[~along_border(edge.ends, border)], leaving)
        # An edge along the border with vertices of its own is no fault, unless another cell covers the same ground.
        faulty = np.union1d(faulty, invalid_with_neighbours(shapes, np.setdiff1d(edge.cells, faulty)))
    return FaultyCells(faulty.astype(np.int64), _wrong(network, faulty, leaving, len(shapes)), network)


def _wrong(network: Network, faulty: Positions, entire: Positions, n_cells: int) -> npt.NDArray[np.bool_]:
    """Edges of cells at fault that nobody answers, or two at once; and all edges of some cells."""
    edges, which = network.edges, network.which
    alone = (edges.left == OUTSIDE) | (edges.right == OUTSIDE)
    alone[which[network.conflicts]] = True
    bad, whole = np.zeros((2, n_cells + 1), dtype=bool)
    bad[faulty], whole[entire] = True, True
    result = np.zeros(len(alone), dtype=bool)
    result[which[(bad[network.owner] & alone[which]) | whole[network.owner]]] = True
    return result


def _faulty(shapes: Shapes, edge: Rim) -> Positions:
    """Cells with an edge that is not matched, and those beside a gap."""
    faulty = faults.unproven(shapes, edge, 1 / PER_METRE)
    gaps = np.array(faults.holes(faults.covered_ground(shapes, faulty)), dtype=object)
    _, beside = shapely.STRtree(shapes).query(gaps, predicate="dwithin", distance=1 / PER_METRE)
    return np.union1d(faulty, beside)


def _leaving(shapes: Shapes, zone: Shapes) -> Positions:
    """Cells that reach out of their zone."""
    shapely.prepare(zone)
    leaving = np.flatnonzero(~shapely.covers(zone, shapes))
    outside = shapely.difference(shapes[leaving], zone[leaving])
    return leaving[[faults.width_m(piece) > ROUNDING_M for piece in outside]]


def along_border(ends: npt.NDArray[np.float64], border: shapely.Geometry) -> npt.NDArray[np.bool_]:
    """Whether each edge lies on an edge of the border, but for rounding."""
    on: list[Positions] = []
    tree = shapely.STRtree(edges_of(border))
    for k in (0, 1):
        point, edge = tree.query(shapely.points(ends[:, k]), predicate="dwithin", distance=ROUNDING_M)
        on.append(point * len(tree) + edge)
    result = np.zeros(len(ends), dtype=bool)
    result[np.intersect1d(on[0], on[1]) // max(len(tree), 1)] = True
    return result


def narrow_passages(shapes: Shapes, edge: Rim) -> Shapes:
    """Pieces of bare ground where two cells come within 1 mm of each other.

    Where there is no outline, two cells may leave an inlet or a strait between them that is too narrow to be ground, and in
    which their vertices cannot match. Closed by the borders of these pieces it is a gap, and is filled.
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
    """Find what is to be cut.

    Parameters
    ----------
    shapes, tree
        The layer, and a tree of it.
    fault
        What is wrong.
    borders
        Lines along which cells that are cut anyhow have to be cut, too: the borders of zones where no edge equals them.
    lines
        Lines along which all cells have to be cut: ground that stays bare, and ties.
    wider
        Cells whose neighbours are cut as well.
    entire
        Cells of which every edge is taken to be wrong.
    """
    n, network = len(shapes), fault.network
    wrong = np.flatnonzero(fault.wrong | _wrong(network, entire, entire, n))
    cutters = np.concatenate([drawn(network, wrong), lines])
    # Nodes of a graph: cells, then all given lines as one, then edges.
    cutter = np.concatenate([n + 1 + wrong, np.full(len(lines), n)])
    line, near = _near_edges(tree, network, cutters, np.ones(n, dtype=bool))
    mine = (network.owner < n) & np.isin(network.which, near)
    chain, over = _around(tree, network, wrong, lines)
    _, beside = tree.query(shapes[wider], predicate="intersects")
    cells = np.unique(np.concatenate([fault.cells, entire, network.owner[mine], over, beside]))
    hidden, under = _hidden(shapes, tree, network, cells)
    cells = np.union1d(cells, under)
    while True:
        # Both cells of an edge that the border of a zone comes near have to be cut.
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


def drawn(network: Network, edges: Positions) -> Shapes:
    """Some edges as lines."""
    ends = network.places[np.column_stack([network.edges.a[edges], network.edges.b[edges]])]
    lines: Shapes = shapely.linestrings(ends)
    return lines


def _near_edges(
    tree: shapely.STRtree, network: Network, lines: Shapes, among: npt.NDArray[np.bool_]
) -> tuple[Positions, Positions]:
    """Pairs of a line and an edge, of some cells, that it comes so near to that cutting may touch it."""
    maybe = np.zeros(len(among) + 1, dtype=bool)  # the last one: the border of the layer
    maybe[tree.query(lines)[1]] = True
    maybe[:-1] &= among
    edges = np.unique(network.which[maybe[network.owner]])
    line, near = shapely.STRtree(drawn(network, edges)).query(lines, predicate="dwithin", distance=_REACH_M)
    return line, edges[near]


def _around(tree: shapely.STRtree, network: Network, wrong: Positions, lines: Shapes) -> tuple[Positions, Positions]:
    """Pairs of a wrong edge, or after those a line, and a cell that it lies in.

    Edges that hang together lie in a cell altogether, or come near to an edge of it; so one place is asked of each chain.
    """
    a, b = network.edges.a[wrong], network.edges.b[wrong]
    graph = scipy.sparse.coo_matrix((np.ones(len(a), dtype=np.int8), (a, b)), shape=(len(network.places),) * 2)
    _, part = connected_components(graph, directed=False)
    _, first = np.unique(part[a], return_index=True)
    points = np.concatenate([shapely.points(network.places[a[first]]), shapely.get_point(lines, 0)])
    chain, over = tree.query(points, predicate="intersects")
    return np.append(first, len(wrong) + np.arange(len(lines)))[chain], over


def _hidden(shapes: Shapes, tree: shapely.STRtree, network: Network, cells: Positions) -> tuple[Positions, Positions]:
    """Cells that lie in another one though no edge that is wrong comes near them, and the cells that they touch, in pairs.

    Of cells that answer each other's edges, and that no wrong edge comes near, all or none share their ground with others:
    one place tells.
    """
    n = len(shapes)
    rest = np.ones(n + 1, dtype=bool)  # the last one: the border, and -1 for nobody
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
