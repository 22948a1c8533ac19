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
from geo.coverage.edges import Network, Rim, edges_of, invalid_beside
from geo.coverage.restore import ROUNDING_M
from geo.coverage.threads import in_threads
from geo.layers.crs import PER_METRE

Shapes = npt.NDArray[np.object_]
Positions = npt.NDArray[np.int64]

# Cutting on the lattice moves a border by less than 1 mm, and that may move another one: five times as much is left between
# what is cut together and what is not.
_REACH_M = 0.005

# Ground this near to both of two cells is closed where they come within 1 mm of each other: far enough for its corners to be
# vertices of their own on the lattice.
_CLOSED_M = 0.01


class AtFault(NamedTuple):
    """Cells that have to be cut, and the edges along which.

    Attributes
    ----------
    cells
        Positions of the cells at fault, in order.
    lines, owner
        The edges that are wrong, or may be, and the cell of each.
    network
        All edges of the layer.
    """

    cells: Positions
    lines: Shapes
    owner: Positions
    network: Network


class Affected(NamedTuple):
    """What has to be cut.

    Attributes
    ----------
    cells
        Positions of the cells to be cut, in order.
    group
        Group of each: cells of one group are cut at each other. Group 0 is that of the cells that come near to the borders
        of zones and to other lines that are given.
    lines
        All lines that are wrong: edges of cells that none of them comes near are left as they are.
    """

    cells: Positions
    group: Positions
    lines: Shapes


def at_fault(shapes: Shapes, zones: Shapes, zone_of_cell: Positions, border: shapely.Geometry | None) -> AtFault:
    """Cells at fault; `border` is the union of the zones, None if there are none."""
    network = Network.of(shapes, border)
    edge = Rim.among(network, len(shapes))
    if border is None:
        faulty, leaving = _faulty(shapes, edge), np.empty(0, dtype=np.int64)
    else:
        leaving = _leaving(shapes, zones[zone_of_cell])
        faulty = np.union1d(edge.owner[~_along(edge.ends, border)], leaving)
        # An edge along the border with vertices of its own is no fault, unless another cell covers the same ground.
        faulty = np.union1d(faulty, invalid_beside(shapes, np.setdiff1d(edge.cells, faulty)))
    wrong = np.isin(edge.owner, faulty)
    own, whose = _edges_with_owner(shapes, leaving)
    lines = np.concatenate([shapely.linestrings(edge.ends[wrong]), own])
    return AtFault(faulty.astype(np.int64), lines, np.concatenate([edge.owner[wrong], whose]), network)


def _faulty(shapes: Shapes, edge: Rim) -> Positions:
    """Cells with an edge that is not matched, and those beside a gap."""
    faulty = faults.doubtful(shapes, edge, 1 / PER_METRE)
    gaps = np.array(faults.uncovered(faults.covered_ground(shapes, faulty), None), dtype=object)
    _, beside = shapely.STRtree(shapes).query(gaps, predicate="dwithin", distance=1 / PER_METRE)
    return np.union1d(faulty, beside)


def _leaving(shapes: Shapes, zone: Shapes) -> Positions:
    """Cells that reach out of their zone."""
    shapely.prepare(zone)
    leaving = np.flatnonzero(~shapely.covers(zone, shapes))
    outside = shapely.difference(shapes[leaving], zone[leaving])
    return leaving[[faults.width_m(piece) > ROUNDING_M for piece in outside]]


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


def _edges_with_owner(shapes: Shapes, cells: Positions) -> tuple[Shapes, Positions]:
    lines = [edges_of(shapes[cell]) for cell in cells]
    return np.concatenate([np.empty(0, dtype=object), *lines]), np.repeat(cells, [len(edges) for edges in lines])


def narrows(shapes: Shapes, edge: Rim) -> Shapes:
    """Pieces of bare ground where two cells come within 1 mm of each other.

    Where there is no outline, two cells may leave an inlet or a strait between them that is too narrow to be ground, and in
    which their vertices cannot match. Closed by the borders of these pieces it is a gap, and is filled.
    """
    pieces: list[shapely.Polygon] = []
    for place in faults.unmatched(shapes, edge, 1 / PER_METRE):
        pair = shapes[place.cells]
        if shapely.distance(pair[:, None], shapely.get_parts(place.geometry)).max() > ROUNDING_M:
            between = shapely.intersection(*shapely.buffer(pair, _CLOSED_M, quad_segs=1))
            bare = faults.polygons_of(shapely.difference(between, shapely.union_all(pair)))
            pieces += [part for part in bare if part.dwithin(place.geometry, 2 / PER_METRE)]
    return np.array(pieces, dtype=object)


def affected(
    shapes: Shapes,
    tree: shapely.STRtree,
    fault: AtFault,
    borders: Shapes,
    lines: Shapes,
    wider: Positions,
    also: Positions,
) -> Affected:
    """Find the cells to be cut.

    Parameters
    ----------
    shapes, tree
        The layer, and a tree of it.
    fault
        What is wrong.
    borders
        Lines along which cells that are cut anyhow have to be cut, too: the borders of zones.
    lines
        Lines along which all cells have to be cut: ground that stays bare, and ties.
    wider
        Cells whose neighbours are cut as well.
    also
        Cells that are cut, and all that come near to them.
    """
    n = len(shapes)
    own, whose = _edges_with_owner(shapes, also)
    wrong = np.concatenate([fault.lines, own, lines])
    owner = np.concatenate([fault.owner, whose, np.full(len(lines), n)])
    line, near = near_to(tree, wrong)
    pairs = [np.column_stack([owner[line], near])]
    _, touching = tree.query(shapes[wider], predicate="intersects")
    cells = np.unique(np.concatenate([fault.cells, also, near, touching]))
    if len(cells):
        hidden = _hidden(shapes, tree, fault.network, cells)
        inner, over = tree.query(shapes[hidden], predicate="intersects")
        pairs.append(np.column_stack([hidden[inner], over]))
        cells = np.union1d(cells, over)
        _, near = near_to(tree, borders)
        near = near[np.isin(near, cells)]
        pairs.append(np.column_stack([np.full(len(near), n), near]))
    one, two = np.concatenate(pairs).T
    graph = scipy.sparse.coo_matrix((np.ones(len(one), dtype=np.int8), (one, two)), shape=(n + 1, n + 1))
    _, group = connected_components(graph, directed=False)
    _, group = np.unique(np.append(group[n], group[cells]), return_inverse=True)
    first = group[0]
    group = np.where(group == first, 0, group + (group < first))  # the one that came before it moves up
    return Affected(cells.astype(np.int64), group[1:].astype(np.int64), wrong)


def near_to(tree: shapely.STRtree, lines: Shapes) -> tuple[Positions, Positions]:
    """Pairs of a line and of what it comes near to, so that cutting may touch it."""
    found = in_threads(lambda part: tree.query(part, predicate="dwithin", distance=_REACH_M), lines)
    shift = np.cumsum([0, *(len(part) for part, _ in found[:-1])])
    line = np.concatenate([pairs[0] + begin for (_, pairs), begin in zip(found, shift, strict=True)])
    return line, np.concatenate([pairs[1] for _, pairs in found])


def _hidden(shapes: Shapes, tree: shapely.STRtree, network: Network, cells: Positions) -> Positions:
    """Cells that lie in another one though no edge that is wrong comes near them.

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
    return others[np.isin(part[others], part[asked[shared]])]
