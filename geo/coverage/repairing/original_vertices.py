"""Back from the lattice, where borders were cut, to the coordinates that vertices came with.

Cutting on the 1 mm lattice keeps faces from becoming finer than a mesh can hold, but moves every vertex by up to half a
millimetre, and so the outline too: 2 m² along 15 km. So each vertex of a face gets back the coordinates of the vertex that it
was: of the outline first, then of a cell that is not touched, then of any other. A new vertex on the outline is put exactly
on the outline's edge. Only new vertices inside stay where the lattice put them. On the lattice nothing has changed.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from geo.coverage.edges import on_lattice_units
from geo.coverage.repairing.zones import BorderPath
from geo.layers.crs import PER_METRE

#: A vertex this near to an edge was computed to lie on it; doubles of this size are 5e-10 m apart.
ROUNDING_M = 1e-8

Shapes = npt.NDArray[np.object_]
Ints = npt.NDArray[np.int64]


class OriginalCoordinates(NamedTuple):
    """The vertices of faces on the lattice, in order of x and y, and the coordinates that they get back, metres."""

    vertices: Ints
    xy: npt.NDArray[np.float64]

    def draw(self, polygons: Shapes) -> Shapes:
        """Polygons made of faces, with the coordinates that their vertices get back."""
        lattice = on_lattice_units(shapely.get_coordinates(polygons))
        drawn: Shapes = shapely.set_coordinates(np.array(polygons), self.xy[find_vertices(self.vertices, lattice)])
        return drawn


def original_coordinates(
    vertices: Ints, way: BorderPath, areas: Shapes, untouched: npt.NDArray[np.float64], touched: npt.NDArray[np.float64]
) -> OriginalCoordinates:
    """Find the coordinates that the vertices of faces came with.

    Parameters
    ----------
    vertices
        Vertices of the faces, lattice units, in order of x, then y.
    way
        The way of the borders of areas.
    areas
        Zones and ground that stays bare.
    untouched, touched
        Vertices that those of the faces may come from, metres: after those of `areas` those of cells that are not cut, then
        others.
    """
    origins = [shapely.get_coordinates(areas), untouched, touched]
    sources = np.concatenate(origins)
    found = find_vertices(vertices, on_lattice_units(sources))
    origin = np.full(len(vertices) + 1, -1, dtype=np.int64)  # the last one: of sources that are no vertex
    origin[found[::-1]] = np.arange(len(sources))[::-1]  # written last: the first source of a place
    origin = origin[:-1]
    xy = vertices / PER_METRE
    xy[origin >= 0] = sources[origin[origin >= 0]]
    fixed = (origin >= 0) & (origin < len(origins[0]) + len(origins[1]))
    moving = ~fixed[way.vertex]
    # What lies on the edge but for rounding was drawn there, and stays.
    moving &= np.hypot(*(way.foot - xy[way.vertex]).T) > ROUNDING_M
    xy[way.vertex[moving]] = way.foot[moving]
    return OriginalCoordinates(vertices, xy)


def find_vertices(vertices: Ints, sought: Ints) -> Ints:
    """Position of each of some places among vertices in order of x, then y; -1 for one that is none of them."""
    if len(vertices) == 0:
        return np.full(len(sought), -1, dtype=np.int64)
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    key = ((sought[:, 0] - low[0]) << 32) | (sought[:, 1] - low[1])
    keys = ((vertices[:, 0] - low[0]) << 32) | (vertices[:, 1] - low[1])
    at = np.minimum(np.searchsorted(keys, key), len(keys) - 1)
    here = (keys[at] == key) & ((sought >= low) & (sought <= high)).all(axis=1)
    return np.where(here, at, -1)
