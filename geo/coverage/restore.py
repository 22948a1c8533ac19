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

from geo.coverage.arcs import number_vertices, pair_edges
from geo.coverage.edges import directed_edges, directed_rings, edges_of, on_lattice_units
from geo.layers.crs import PER_METRE

#: A vertex this near to an edge was computed to lie on it; doubles of this size are 5e-10 m apart.
ROUNDING_M = 1e-8

Shapes = npt.NDArray[np.object_]
Ints = npt.NDArray[np.int64]


def rounded(lines: Shapes) -> Shapes:
    """Lines with every vertex on the lattice."""
    result: Shapes = shapely.transform(lines, lambda xy: np.round(xy * PER_METRE) / PER_METRE)
    return result


class Places(NamedTuple):
    """The vertices of faces on the lattice, in order of x and y, and the coordinates that they get back, metres."""

    vertices: Ints
    xy: npt.NDArray[np.float64]

    def draw(self, polygons: Shapes) -> Shapes:
        """Polygons made of faces, with the coordinates that their vertices get back."""
        lattice = on_lattice_units(shapely.get_coordinates(polygons))
        _, number = number_vertices(np.concatenate([self.vertices, lattice]))
        # Every vertex of the polygons is one of the faces', so both are numbered alike.
        xy = self.xy[number[len(self.vertices) :]]
        # The faces carry the grid of the lattice, and would be rounded to it again by whatever is done with them.
        drawn: Shapes = shapely.set_coordinates(shapely.set_precision(polygons, 0.0, mode="pointwise"), xy)
        return drawn


def restore(polygons: Shapes, zone: Ints, areas: Shapes, untouched: Shapes, touched: Shapes) -> Places:
    """Find the coordinates that the vertices of faces came with.

    Parameters
    ----------
    polygons
        Faces on the lattice, sharing their vertices.
    zone
        Zone of each face, -1 outside.
    areas, untouched, touched
        The polygons that vertices came from, in order of precedence: zones and ground that stays bare, then cells.
    """
    vertices, _ = number_vertices(on_lattice_units(shapely.get_coordinates(polygons)))
    origins = [shapely.get_coordinates(shapes) for shapes in (areas, untouched, touched)]
    sources = np.concatenate(origins)
    _, number = number_vertices(np.concatenate([vertices, on_lattice_units(sources)]))
    first = np.full(int(number.max(initial=-1)) + 1, -1, dtype=np.int64)
    first[number[len(vertices) :][::-1]] = np.arange(len(sources))[::-1]  # written last: the first source of a place
    origin = first[number[: len(vertices)]]
    xy = vertices / PER_METRE
    xy[origin >= 0] = sources[origin[origin >= 0]]
    if len(areas):
        fixed = (origin >= 0) & (origin < len(origins[0]) + len(origins[1]))
        edge = np.zeros(len(vertices), dtype=bool)
        edge[_zone_border(polygons, zone)] = True
        moving = np.flatnonzero(edge & ~fixed)
        feet = _onto_edges(xy[moving], areas)
        # What lies on the edge but for rounding was drawn there, and stays.
        off = np.hypot(*(feet - xy[moving]).T) > ROUNDING_M
        xy[moving[off]] = feet[off]
    return Places(vertices, xy)


def _zone_border(polygons: Shapes, zone: Ints) -> Ints:
    """Numbers, in order of x and y, of the vertices between faces of two zones."""
    xy, start, owner = directed_rings(polygons)
    _, number = number_vertices(on_lattice_units(xy))
    edges, _ = pair_edges(*directed_edges(number, start, owner))
    zone_of = np.append(zone, -1)  # of OUTSIDE, which is -1
    between = zone_of[edges.left] != zone_of[edges.right]
    return np.unique(np.concatenate([edges.a[between], edges.b[between]]))


def _onto_edges(xy: npt.NDArray[np.float64], areas: Shapes) -> npt.NDArray[np.float64]:
    """Nearest place on the edges of some areas."""
    if len(xy) == 0:
        return xy
    edges = edges_of(areas)
    points = shapely.points(xy)
    nearest = edges[shapely.STRtree(edges).nearest(points)]
    feet = shapely.line_interpolate_point(nearest, shapely.line_locate_point(nearest, points))
    places: npt.NDArray[np.float64] = shapely.get_coordinates(feet)
    return places
