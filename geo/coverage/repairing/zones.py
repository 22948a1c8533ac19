"""Traces the borders of zones after cutting on the lattice, and determines the zone of each face.

Cutting on the lattice moves a border by up to a millimetre, so a point in a narrow face does not show on which side of the
border the face lies. The path of the border does: it runs from one end of an edge to the other, through every vertex whose
1 mm square the edge crosses.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import scipy.sparse
import shapely
from scipy.sparse.csgraph import connected_components

from geo.coverage.arcs import Cells, Ints
from geo.coverage.edges import directed_edges, directed_rings, on_lattice_units, unique_places
from geo.coverage.repairing.planar_graph import find_edges
from geo.layers.crs import PER_METRE

Shapes = npt.NDArray[np.object_]

#: No label could be determined.
UNKNOWN = -2


class BorderPath(NamedTuple):
    """Path of the borders of some areas along noded edges.

    Attributes
    ----------
    edge, area
        Directed edges, numbered as in :func:`geo.coverage.repairing.planar_graph.bounded_regions`, and the area on the left
        of each.
    vertex, nearest_xy
        Vertices on the path, without duplicates, and the nearest point to each on the edge of the border, metres, shape (n, 2).
    """

    edge: Ints
    area: Ints
    vertex: Ints
    nearest_xy: npt.NDArray[np.float64]


def trace_borders(vertices: Ints, a: Ints, b: Ints, areas: Shapes) -> BorderPath:
    """Trace the borders of areas along noded edges.

    Parameters
    ----------
    vertices, a, b
        The noded edges, as for :func:`geo.coverage.repairing.planar_graph.bounded_regions`.
    areas
        Polygons whose borders took part in the noding.
    """
    xy, start, owner = directed_rings(areas)
    number, places = unique_places(xy)
    u, v, owner = directed_edges(number, start, owner)
    corners = on_lattice_units(places)
    one, two = corners[u], corners[v]
    # The corner of a square is 0.707 units from its centre.
    edge, vertex = shapely.STRtree(shapely.points(vertices)).query(
        shapely.linestrings(np.stack([one, two], axis=1)), predicate="dwithin", distance=0.71
    )
    along, to = two[edge] - one[edge], vertices[vertex] - one[edge]
    aside = np.abs(along[:, 0] * to[:, 1] - along[:, 1] * to[:, 0])
    half_width = np.abs(along).sum(axis=1)
    ends = (to == 0).all(axis=1) | (to == along).all(axis=1)
    crossed = (2 * aside <= half_width) | ends
    order = np.flatnonzero(crossed)[np.lexsort(((along * to).sum(axis=1)[crossed], edge[crossed]))]
    edge, vertex, sure = edge[order], vertex[order], ((2 * aside < half_width) | ends)[order]
    # A border that touches the corner of a square may or may not pass through its vertex; the edges decide.
    half, on = _steps(a, b, edge, vertex)
    through = (np.r_[False, half >= 0] & np.r_[half >= 0, False])[: len(edge)]
    edge, vertex = edge[sure | through], vertex[sure | through]
    half, on = _steps(a, b, edge, vertex)
    half, area = half[on], owner[edge[:-1][on]]
    known = half >= 0
    vertex, first = np.unique(vertex, return_index=True)
    foot = _nearest_points(vertices[vertex] / PER_METRE, places[u[edge[first]]], places[v[edge[first]]])
    return BorderPath(half[known], area[known].astype(np.int64), vertex, foot)


def with_vertices_on_edges(areas: Shapes, places: npt.NDArray[np.float64], within_m: float) -> Shapes:
    """Areas with additional vertices where a place lies on an edge.

    On the lattice, a vertex of a cell that lies on an edge of the outline may be one square beside the rounded edge. Without
    the vertex in the outline, a face without ground of its own would remain between the cell and the outline.

    Parameters
    ----------
    areas
        Polygons or multipolygons.
    places
        Vertices of cells, metres, shape (n, 2).
    within_m
        Largest distance from an edge, metres.

    Returns
    -------
    ndarray of shapely geometries
        The areas; those without such a place are the same objects.
    """
    rings, part = shapely.get_rings(shapely.get_parts(areas), return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    first = np.flatnonzero(ring[1:] == ring[:-1])
    edges = shapely.linestrings(np.stack([xy[first], xy[first + 1]], axis=1))
    place, edge = shapely.STRtree(edges).query(shapely.points(places), predicate="dwithin", distance=within_m)
    one, two, found = xy[first[edge]], xy[first[edge] + 1], places[place]
    inner = (np.hypot(*(found - one).T) > within_m) & (np.hypot(*(found - two).T) > within_m)
    if not inner.any():
        return areas
    place, at = place[inner], first[edge[inner]]
    along = np.hypot(*(found - one)[inner].T)
    order = np.lexsort((along, at))
    after, new = at[order] + 1, places[place[order]]
    xy, ring = np.insert(xy, after, new, axis=0), np.insert(ring, after, ring[at[order]])
    drawn = shapely.linearrings(xy, indices=ring)
    area = shapely.get_parts(areas, return_index=True)[1]
    result = areas.copy()
    for i in np.unique(area[part[ring[after + np.arange(len(after))]]]).tolist():
        mine = [drawn[part == p] for p in np.flatnonzero(area == i)]
        joined = [shapely.Polygon(of[0], list(of[1:])) for of in mine]
        result[i] = joined[0] if len(joined) == 1 else shapely.multipolygons(joined)
    return result


def _steps(a: Ints, b: Ints, edge: Ints, vertex: Ints) -> tuple[Ints, npt.NDArray[np.bool_]]:
    """Directed edge from each vertex on a border to the next, -1 if there is none; and whether both are of one border edge."""
    on = edge[1:] == edge[:-1]
    return np.where(on, find_edges(a, b, vertex[:-1], vertex[1:]), -1), on


def _nearest_points(
    points: npt.NDArray[np.float64], one: npt.NDArray[np.float64], two: npt.NDArray[np.float64]
) -> npt.NDArray[np.float64]:
    """Nearest point to a given point on each edge."""
    along = two - one
    share = ((points - one) * along).sum(axis=1) / (along**2).sum(axis=1)
    feet: npt.NDArray[np.float64] = one + np.clip(share, 0.0, 1.0)[:, None] * along
    return feet


def labels(side: Cells, n_faces: int, half: Ints, area: Ints) -> Ints:
    """Area of each face, -1 for none, ``UNKNOWN`` if no border decides.

    Parameters
    ----------
    side
        Face on the left of each directed edge, -1 for none.
    half, area
        Path of the borders.
    """
    border = np.zeros(len(side), dtype=bool)
    border[half], border[half ^ 1] = True, True
    inside = np.zeros(len(side), dtype=bool)
    inside[half] = True
    beyond = half[~inside[half ^ 1]] ^ 1  # the side without an area
    face, label = np.concatenate([side[half], side[beyond]]), np.append(area, np.full(len(beyond), -1))
    face, label = face[face >= 0], label[face >= 0]
    one, two = side[0::2], side[1::2]
    free = ~border[0::2] & (one >= 0) & (two >= 0)
    graph = scipy.sparse.coo_matrix(
        (np.ones(int(free.sum()), dtype=np.int8), (one[free], two[free])), shape=(n_faces, n_faces)
    )
    _, part = connected_components(graph, directed=False)
    own = _agreed_label(face, label, n_faces)
    shared = _agreed_label(part[face], label, n_faces)[part]
    silent = np.ones(n_faces, dtype=bool)
    silent[face] = False
    return np.where(silent, shared, own)


def _agreed_label(item: Ints, label: Ints, n: int) -> Ints:
    """The label that all entries of an item agree on, ``UNKNOWN`` if there is none or they differ."""
    low, high = np.full(n, np.iinfo(np.int64).max), np.full(n, UNKNOWN)
    np.minimum.at(low, item, label)
    np.maximum.at(high, item, label)
    return np.where(low == high, low, UNKNOWN)
