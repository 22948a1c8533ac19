"""Voronoi ridges between groups of points: the primitive of the tessellation."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely
from scipy.spatial import Voronoi

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# Distance, in diameters, of auxiliary points that make all ridges between real points finite.
_FAR = 6.0


def ridges(xy: Floats, owner: Ints) -> npt.NDArray[np.object_]:
    """Lines equidistant from the points of two different owners.

    The diagram is computed relative to the centre of the points, so large eastings do not reduce precision.

    Parameters
    ----------
    xy
        Points in metres, shape (n, 2).
    owner
        Owner of each point, shape (n,).

    Returns
    -------
    ndarray of LineString
        Merged between the places where three owners meet; empty with fewer than two owners. Lines extend far beyond the
        points.
    """
    if len(xy) == 0 or (owner == owner[0]).all():
        return np.empty(0, dtype=object)
    low, high = xy.min(axis=0), xy.max(axis=0)
    middle = (low + high) / 2
    reach = _FAR * (float(np.max(high - low)) + 100.0)
    angle = np.arange(12) * (np.pi / 6) + 0.1
    far = np.column_stack([np.cos(angle), np.sin(angle)]) * reach
    diagram = Voronoi(np.vstack([xy - middle, far]))
    of = np.r_[owner, np.full(len(far), -1)]
    sides = of[diagram.ridge_points]
    ends = np.array(diagram.ridge_vertices)
    wanted = (sides[:, 0] != sides[:, 1]) & (sides.min(axis=1) >= 0) & (ends.min(axis=1) >= 0)
    xy_ends = diagram.vertices[ends[wanted]] + middle
    long = np.hypot(*(xy_ends[:, 0] - xy_ends[:, 1]).T) > 0
    merged = shapely.line_merge(shapely.multilinestrings(shapely.linestrings(xy_ends[long])))
    return np.asarray(shapely.get_parts(merged), dtype=object)


def open_seeds(block: shapely.Polygon, spacing_m: float, taken: shapely.STRtree | None) -> Floats:
    """Seed points of open ground in a block: a hexagonal lattice along the block's longer side.

    Parameters
    ----------
    block
        Polygon.
    spacing_m
        Distance between points.
    taken
        Spatial index of the bodies of the street; points nearer than 0.6 spacings to one are left out.

    Returns
    -------
    ndarray of float64, shape (k, 2)
        Empty if the block is smaller than two pieces.
    """
    if block.area < 1.5 * spacing_m**2:
        return np.empty((0, 2))
    box = shapely.get_coordinates(shapely.oriented_envelope(block))
    sides = np.diff(box[:3], axis=0)
    u, v = sides if np.hypot(*sides[0]) >= np.hypot(*sides[1]) else sides[::-1]
    along, across = float(np.hypot(*u)), float(np.hypot(*v))
    columns = max(1, round(along / spacing_m))
    rows = max(1, round(across / (spacing_m * 0.87)))
    i, j = np.meshgrid(np.arange(-1, columns + 1), np.arange(rows), indexing="ij")
    s = (i + 0.5 + 0.5 * (j % 2)) / columns - 0.25 * (rows > 1) / columns
    t = (j + 0.5) / rows
    places = box[0] + s.reshape(-1, 1) * u + t.reshape(-1, 1) * v
    points = shapely.points(places)
    inner = shapely.buffer(block, -spacing_m / 5)
    kept = shapely.contains(inner, points)
    if taken is not None and kept.any():
        near = taken.query(points[kept], predicate="dwithin", distance=0.6 * spacing_m)[0]
        kept[np.flatnonzero(kept)[np.unique(near)]] = False
    chosen: Floats = places[kept]
    return chosen
