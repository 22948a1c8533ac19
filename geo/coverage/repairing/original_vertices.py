"""Restores the original coordinates of vertices after cutting on the lattice.

Cutting on the 1 mm lattice keeps faces from becoming finer than a mesh can store, but moves every vertex by up to half a
millimetre, including those of the outline: 2 m² along 15 km. Therefore each vertex of a face gets back the coordinates of the
input vertex at its place: of the outline first, then of an uncut cell, then of any other cell. New vertices on the outline are
placed exactly on the outline's edge. Only new interior vertices stay on the lattice. On the lattice nothing changes.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from geo.coverage.edges import on_lattice_units
from geo.coverage.repairing.zones import BorderPath
from geo.layers.crs import PER_METRE

#: A vertex within this distance of an edge was computed to lie on it; doubles of this size are 5e-10 m apart.
ROUNDING_M = 1e-8

Shapes = npt.NDArray[np.object_]
Ints = npt.NDArray[np.int64]


class OriginalCoordinates(NamedTuple):
    """The vertices of faces, and their original coordinates.

    Attributes
    ----------
    vertices
        Vertices on the lattice, in order of x, then y.
    xy
        Their original coordinates, metres.
    free
        Whether each may stay on the lattice instead: its edges were noded there, and neither the outline nor an uncut cell
        has it.
    """

    vertices: Ints
    xy: npt.NDArray[np.float64]
    free: npt.NDArray[np.bool_]

    def draw(self, polygons: Shapes) -> Shapes:
        """Polygons with lattice vertices replaced by the original coordinates."""
        lattice = on_lattice_units(shapely.get_coordinates(polygons))
        drawn: Shapes = shapely.set_coordinates(np.array(polygons), self.xy[find_vertices(self.vertices, lattice)])
        return drawn

    def keep_on_lattice(self, polygons: Shapes) -> OriginalCoordinates:
        """The same, with the free vertices of some polygons, which are on the lattice, left there."""
        vertex = find_vertices(self.vertices, on_lattice_units(shapely.get_coordinates(polygons)))
        vertex = vertex[self.free[vertex]]
        xy = self.xy.copy()
        xy[vertex] = self.vertices[vertex] / PER_METRE
        return self._replace(xy=xy)

    def users(self, other: OriginalCoordinates, polygons: Shapes) -> Ints:
        """Positions of the polygons, on the lattice, that have a vertex with other coordinates than in `other`."""
        moved = (self.xy != other.xy).any(axis=1)
        if not moved.any():
            return np.empty(0, dtype=np.int64)
        xy, polygon = shapely.get_coordinates(polygons, return_index=True)
        users: Ints = np.unique(polygon[moved[find_vertices(self.vertices, on_lattice_units(xy))]])
        return users


def original_coordinates(
    vertices: Ints,
    noded: npt.NDArray[np.bool_],
    way: BorderPath,
    areas: Shapes,
    untouched: npt.NDArray[np.float64],
    touched: npt.NDArray[np.float64],
) -> OriginalCoordinates:
    """Find the original coordinates of the vertices of faces.

    Parameters
    ----------
    vertices
        Vertices of the faces, lattice units, in order of x, then y.
    noded
        Whether edges at each vertex were noded.
    way
        Path of the borders of the areas.
    areas
        Zones, and ground that stays uncovered.
    untouched, touched
        Input vertices, metres, in order of preference after those of `areas`: vertices of cells that are not cut, then
        all others.
    """
    origins = [shapely.get_coordinates(areas), untouched, touched]
    sources = np.concatenate(origins)
    found = find_vertices(vertices, on_lattice_units(sources))
    origin = np.full(len(vertices) + 1, -1, dtype=np.int64)  # the last entry stands for sources that are not a vertex
    origin[found[::-1]] = np.arange(len(sources))[::-1]  # reversed, so that the first source of a place wins
    origin = origin[:-1]
    xy = vertices / PER_METRE
    xy[origin >= 0] = sources[origin[origin >= 0]]
    fixed = (origin >= 0) & (origin < len(origins[0]) + len(origins[1]))
    moving = ~fixed[way.vertex]
    # A vertex that already lies on the edge except for rounding is not moved.
    moving &= np.hypot(*(way.nearest_xy - xy[way.vertex]).T) > ROUNDING_M
    xy[way.vertex[moving]] = way.nearest_xy[moving]
    fixed[way.vertex] = True
    return OriginalCoordinates(vertices, xy, noded & ~fixed)


def find_vertices(vertices: Ints, sought: Ints) -> Ints:
    """Positions of the given places among vertices sorted by x, then y; -1 for places that are not a vertex."""
    if len(vertices) == 0:
        return np.full(len(sought), -1, dtype=np.int64)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    key = ((sought[:, 0] - low[0]) << 32) | (sought[:, 1] - low[1])
    keys = ((vertices[:, 0] - low[0]) << 32) | (vertices[:, 1] - low[1])
    at = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
    here = (keys[at] == key) & ((sought >= low) & (sought <= high)).all(axis=1)
    return np.where(here, at, -1)
