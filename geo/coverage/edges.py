"""Directed edges of polygons, and the edges without a matching neighbour edge."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from geo.coverage.arcs import OUTSIDE, Edges, pair_edges, unique_rows
from geo.layers.crs import PER_METRE

Shapes = npt.NDArray[np.object_]
Positions = npt.NDArray[np.intp]
Ints = npt.NDArray[np.int64]


def without_precision_grid(shapes: npt.ArrayLike) -> Shapes:
    """Remove the precision grid (set_precision) of polygons, which would round everything computed from them."""
    result: Shapes = np.array(shapes, dtype=object)
    gridded = shapely.get_precision(result) > 0
    result[gridded] = shapely.set_precision(result[gridded], 0.0, mode="pointwise")
    return result


def directed_rings(shapes: npt.ArrayLike) -> tuple[npt.NDArray[np.float64], Ints, npt.NDArray[np.int32]]:
    """Rings of polygons, oriented so that the polygon lies on the left.

    Returns
    -------
    (xy, start, cell)
        Vertices of all closed rings, shape (n, 2); index of the first vertex of each ring, and the total; polygon of each ring.
    """
    given = np.asarray(shapes, dtype=object)
    plain = (shapely.get_type_id(given) == shapely.GeometryType.POLYGON) & (shapely.get_num_interior_rings(given) == 0)
    plain &= ~shapely.is_empty(given)
    # A polygon without holes is used as its own ring, because extracting rings would dominate the cost.
    simple, others = np.flatnonzero(plain), np.flatnonzero(~plain)
    parts, part_owner = shapely.get_parts(given[others], return_index=True)
    rings, part_of = shapely.get_rings(parts, return_index=True)
    outer = np.r_[True, part_of[1:] != part_of[:-1]] if len(rings) else np.empty(0, dtype=bool)
    xy, ring_of = shapely.get_coordinates(np.concatenate([given[simple], rings]), return_index=True)
    start = np.searchsorted(ring_of, np.arange(len(simple) + len(rings) + 1))
    turn = _counter_clockwise(xy, start, given[simple], rings) != np.concatenate(
        [np.ones(len(simple), dtype=bool), outer]
    )
    place = np.arange(len(xy))
    xy = xy[np.where(turn[ring_of], start[:-1][ring_of] + start[1:][ring_of] - 1 - place, place)]
    return xy, start, np.concatenate([simple, others[part_owner[part_of]]]).astype(np.int32)


def _counter_clockwise(
    xy: npt.NDArray[np.float64], start: Ints, polygons: npt.NDArray[np.object_], rings: npt.NDArray[np.object_]
) -> npt.NDArray[np.bool_]:
    """Whether each ring runs counter-clockwise, by its area; GEOS decides, exactly, where rounding could change the sign."""
    if len(start) == 1:
        return np.empty(0, dtype=bool)
    x, y = (xy - np.repeat(xy[start[:-1]], np.diff(start), axis=0)).T
    one, two = np.append(x[:-1] * y[1:], 0.0), np.append(x[1:] * y[:-1], 0.0)
    one[start[1:] - 1] = two[start[1:] - 1] = 0.0
    # The products of a needle are much larger than their difference.
    area, scale = np.add.reduceat(one - two, start[:-1]), np.add.reduceat(np.abs(one) + np.abs(two), start[:-1])
    left: npt.NDArray[np.bool_] = area > 0
    for i in np.flatnonzero(np.abs(area) <= 1e-9 * scale):
        ring = shapely.get_exterior_ring(polygons[i]) if i < len(polygons) else rings[i - len(polygons)]
        left[i] = shapely.is_ccw(ring)
    return left


def on_lattice_units(xy: npt.NDArray[np.float64]) -> Ints:
    """Convert metres to integer lattice units."""
    return np.rint(xy * PER_METRE).astype(np.int64)


def unique_places(xy: npt.NDArray[np.float64]) -> tuple[Ints, npt.NDArray[np.float64]]:
    """Number the distinct places in order of first occurrence; places are equal if all bits are equal.

    Returns
    -------
    (number, places)
        The number of each row, shape (n,), and the places, shape (m, 2).
    """
    number, first = unique_rows(xy + 0.0)  # -0.0 becomes 0.0
    return number, xy[first]


def edges_of(areas: shapely.Geometry | Shapes) -> Shapes:
    """Each edge of some polygons as a LineString."""
    corners, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(areas)), return_index=True)
    same = ring[1:] == ring[:-1]
    lines: Shapes = shapely.linestrings(np.stack([corners[:-1][same], corners[1:][same]], axis=1))
    return lines


def directed_edges(number: Ints, start: Ints, cell: npt.NDArray[np.int32]) -> tuple[Ints, Ints, npt.NDArray[np.int32]]:
    """Edges (u, v, cell) of closed rings of numbered vertices; zero-length edges are left out."""
    u, v = number[:-1], number[1:]
    owner = np.repeat(cell, np.diff(start))[:-1]
    real = u != v
    real[start[1:-1] - 1] = False  # from the end of one ring to the start of the next
    return u[real], v[real], owner[real]


class Network(NamedTuple):
    """All edges of a layer between numbered places.

    Attributes
    ----------
    places
        Distinct vertices, metres, shape (m, 2).
    u, v, owner
        Directed edges from place u to place v, with the cell on the left. The border of the layer, if given, counts as one
        further cell, which lies outside.
    edges
        The undirected edges; the two directed edges between the same two places form one.
    conflicts
        Positions of directed edges that repeat an earlier one.
    which
        Position in `edges` of each directed edge.
    """

    places: npt.NDArray[np.float64]
    u: Ints
    v: Ints
    owner: npt.NDArray[np.int32]
    edges: Edges
    conflicts: Positions
    which: Ints

    @classmethod
    def of(cls, shapes: Shapes, border: shapely.Geometry | None = None) -> Network:
        """Collect the edges of polygons, and of the border around them if one is given."""
        given = shapes if border is None else np.append(shapes, border)
        xy, start, cell = directed_rings(given)
        number, places = unique_places(xy)
        u, v, owner = directed_edges(number, start, cell)
        if border is not None:
            outside = owner == len(shapes)  # the exterior lies on its other side
            u[outside], v[outside] = v[outside], u[outside].copy()
        return cls(places, u, v, owner, *pair_edges(u, v, owner))


class Rim(NamedTuple):
    """Edges without a matching neighbour edge, that is, the same edge in the opposite direction, equal in all bits.

    The number of cells that cover a place changes only across such an edge. Every fault of a layer therefore involves
    the cells of these edges or cells that touch them.

    Attributes
    ----------
    cells
        Positions of the cells that have such an edge, in order.
    ends
        Both ends of each edge, metres, shape (n, 2, 2).
    owner
        Position of the cell of each edge, shape (n,).
    """

    cells: Positions
    ends: npt.NDArray[np.float64]
    owner: Positions

    @classmethod
    def of(cls, edges: Edges, places: npt.NDArray[np.float64]) -> Rim:
        """Rim of paired edges between numbered places, metres."""
        alone = (edges.left == OUTSIDE) | (edges.right == OUTSIDE)
        owner = np.maximum(edges.left[alone], edges.right[alone]).astype(np.intp)
        ends = np.stack([places[edges.a[alone]], places[edges.b[alone]]], axis=1)
        return cls(np.unique(owner), ends, owner)

    @classmethod
    def among(cls, network: Network, n_cells: int) -> Rim:
        """Rim of the cells of a network, without its border."""
        alone = cls.of(network.edges, network.places)
        mine = alone.owner < n_cells
        again = network.conflicts[network.owner[network.conflicts] < n_cells]
        twice = np.stack([network.places[network.u[again]], network.places[network.v[again]]], axis=1)
        owner = np.concatenate([alone.owner[mine], network.owner[again]])
        return cls(np.unique(owner), np.concatenate([alone.ends[mine], twice]), owner)


def rim(shapes: Shapes, border: shapely.Geometry | None = None) -> Rim:
    """Find the rim of a layer. With a `border`, edges that equal an edge of the border count as matched."""
    return Rim.among(Network.of(shapes, border), len(shapes))


def invalid_with_neighbours(shapes: Shapes, cells: Positions) -> Positions:
    """Cells, among the given ones and those that they touch, that overlap or miss a vertex according to GEOS."""
    if len(cells) == 0:
        return cells
    _, touching = shapely.STRtree(shapes).query(shapes[cells], predicate="intersects")
    asked = np.union1d(cells, touching)
    bad: Positions = asked[~shapely.is_empty(shapely.coverage_invalid_edges(shapes[asked]))]
    return bad
