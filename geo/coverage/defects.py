"""Replaces invalid polygons by valid ones for further checks, and locates their self-crossings.

A ring whose edges cross can be interpreted in several ways, so gaps or overlaps at the crossing are a consequence of the
invalid polygon and are not listed in addition. A ring that only touches itself (a pinched vertex, a spike) explains nothing.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from geo.coverage.faults import Place, polygonal
from geo.coverage.validity import valid_polygons

Shapes = npt.NDArray[np.object_]
Positions = npt.NDArray[np.intp]

# A piece of ground this near to a crossing is its consequence, metres: removing hairlines shortens its corners.
_AT_CROSSING_M = 0.1

# At most this many crossings of one polygon are used; gaps and overlaps at further ones are listed as findings of their own.
_MOST_CROSSINGS = 2000


class Defects(NamedTuple):
    """Self-crossings of invalid polygons.

    Attributes
    ----------
    points
        Coordinates of the crossings, shape (n,).
    reach_m2
        Largest area that a consequence of each crossing can have, m²: the bounding box of the smaller loop.
    """

    points: Shapes
    reach_m2: npt.NDArray[np.float64]

    def explain(self, place: Place) -> bool:
        """Whether a piece of ground is the consequence of a crossing."""
        if len(self.points) == 0:
            return False
        near = shapely.dwithin(self.points, place.geometry, _AT_CROSSING_M)
        return bool((near & (self.reach_m2 >= place.area_m2)).any())


class SoundLayer(NamedTuple):
    """Polygons of a layer, all valid or empty.

    Attributes
    ----------
    shapes
        The polygons; invalid ones made valid, missing ones empty.
    valid
        Whether each was valid as given.
    empty, not_finite, invalid
        Positions of missing or empty geometries, of those with coordinates that are not finite, and of other invalid ones.
    defects
        Self-crossings of the invalid polygons.
    """

    shapes: Shapes
    valid: npt.NDArray[np.bool_]
    empty: Positions
    not_finite: Positions
    invalid: Positions
    defects: Defects


def made_valid(shape: shapely.Geometry) -> shapely.Geometry:
    """The polygonal part of an invalid polygon made valid by the even-odd rule."""
    return polygonal(shapely.make_valid(shape))


def sound_layer(given: Shapes) -> SoundLayer:
    """Replace missing geometries by empty ones and invalid ones by valid ones, and locate the self-crossings."""
    valid = valid_polygons(given)
    shapes = given.copy()
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    suspect = np.flatnonzero(~empty & ~valid)
    finite = np.isfinite(shapely.bounds(shapes[suspect])).all(axis=1)
    not_finite, invalid = suspect[~finite], suspect[finite]
    shapes[empty] = shapely.Polygon()
    shapes[not_finite] = shapely.Polygon()
    found = []
    for i in invalid:
        shapes[i] = made_valid(given[i])
        found.append(_crossings(given[i]))
    points = np.concatenate([np.empty(0, dtype=object), *(crossing.points for crossing in found)])
    reach = np.concatenate([np.empty(0), *(crossing.reach_m2 for crossing in found)])
    return SoundLayer(shapes, valid, np.flatnonzero(empty), not_finite, invalid, Defects(points, reach))


def _crossings(shape: shapely.Geometry) -> Defects:
    """Points where edges of a polygon cross in their interiors; rings that touch in a vertex do not count."""
    xy, ring = shapely.get_coordinates(shapely.get_rings(shapely.get_parts(shape)), return_index=True)
    begin = np.flatnonzero(ring[1:] == ring[:-1])
    edges = shapely.linestrings(np.stack([xy[begin], xy[begin + 1]], axis=1))
    one, two = shapely.STRtree(edges).query(edges, predicate="crosses")
    one, two = one[one < two][:_MOST_CROSSINGS], two[one < two][:_MOST_CROSSINGS]
    points = shapely.intersection(edges[one], edges[two])
    reach = np.zeros(len(points))
    for k, (a, b) in enumerate(zip(begin[one].tolist(), begin[two].tolist(), strict=True)):
        if ring[a] == ring[b]:
            rows, at = np.flatnonzero(ring == ring[a]), shapely.get_coordinates(points[k])
            loop = np.concatenate([xy[a + 1 : b + 1], at])
            rest = np.concatenate([xy[b + 1 : rows[-1]], xy[rows[0] : a + 1], at])
            reach[k] = min(_box_m2(loop), _box_m2(rest))
        else:
            reach[k] = min(_box_m2(xy[ring == ring[a]]), _box_m2(xy[ring == ring[b]]))
    return Defects(points, reach)


def _box_m2(xy: npt.NDArray[np.float64]) -> float:
    return float(np.prod(np.ptp(xy, axis=0)))
