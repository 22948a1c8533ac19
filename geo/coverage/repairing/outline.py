"""Aligns repaired cells with an outline whose vertices are closer together than the lattice can resolve.

Where vertices of the outline, or of a cell and the outline, are closer than 1 mm, a neighbouring cell may get only one of them.
A stretch of its border then starts and ends on the outline but runs beside it, less than 1 mm away. Such a stretch is replaced
by the path along the outline.
"""

from __future__ import annotations

import itertools
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from geo.coverage.edges import Rim, directed_rings
from geo.coverage.repairing.original_vertices import ROUNDING_M
from geo.coverage.repairing.selection import along_border
from geo.layers.crs import PER_METRE

Floats = npt.NDArray[np.float64]
Shapes = npt.NDArray[np.object_]
Positions = npt.NDArray[np.int64]

# A path along the outline that is at most this much longer than the stretch follows the same course, with detours across a few
# lattice squares.
_LONGER_M = 0.01

# Maximum number of outline vertices that one stretch may lack.
_MOST = 12


class _Outline(NamedTuple):
    """The outline's rings: corners, where each ring begins, the ring of each corner, and a tree of the edges between them."""

    corners: Floats
    start: Positions
    ring: Positions
    tree: shapely.STRtree


def snap_to_outline(shapes: Shapes, edge: Rim, cells: Positions, border: shapely.Geometry) -> Shapes:
    """Insert the missing vertices of the outline into the border of some cells.

    Parameters
    ----------
    shapes
        Polygons; those at `cells` were reconstructed by the repair.
    edge
        Their rim.
    border
        The outline.

    Returns
    -------
    ndarray of shapely geometries
        The polygons, changed only if the result is a valid polygon; `shapes` itself if nothing has to be changed.
    """
    mine = np.flatnonzero(np.isin(edge.owner, cells))
    mine = mine[~along_border(edge.ends[mine], border)]
    if len(mine) == 0:
        return shapes
    result = shapes.copy()
    corners, start, _ = directed_rings(np.array([border], dtype=object))
    edges = shapely.linestrings(np.stack([corners[:-1], corners[1:]], axis=1))
    outline = _Outline(corners, start, np.repeat(np.arange(len(start) - 1), np.diff(start)), shapely.STRtree(edges))
    for cell in np.unique(edge.owner[mine]).tolist():
        beside = {_key(*ends) for ends in edge.ends[mine[edge.owner[mine] == cell]]}
        parts = [
            shapely.Polygon(
                *_rings([_snap_ring(shapely.get_coordinates(r), beside, outline) for r in shapely.get_rings(p)])
            )
            for p in shapely.get_parts(result[cell])
        ]
        changed = parts[0] if len(parts) == 1 else shapely.multipolygons(parts)
        if shapely.is_valid(changed):
            result[cell] = changed
    return result


def _rings(rings: list[Floats]) -> tuple[Floats, list[Floats]]:
    return rings[0], rings[1:]


def _key(one: Floats, two: Floats) -> frozenset[tuple[float, ...]]:
    return frozenset((tuple(one.tolist()), tuple(two.tolist())))


def _snap_ring(xy: Floats, beside: set[frozenset[tuple[float, ...]]], outline: _Outline) -> Floats:
    """A ring in which the edges in `beside` are replaced by the path along the outline, stretch by stretch."""
    bad = np.array([_key(one, two) in beside for one, two in itertools.pairwise(xy)])
    if not bad.any() or bad.all():
        return xy
    first = int(np.flatnonzero(~bad)[0])
    xy, bad = np.vstack([np.roll(xy[:-1], -first, axis=0), xy[first]]), np.roll(bad, -first)
    result = [xy[0]]
    begin = 0  # start of the current stretch
    for i in range(len(bad)):
        last = not bad[i] or not bad[(i + 1) % len(bad)] or len(_edges_at(outline, xy[i + 1])) > 0
        if last:
            result.extend(_path_between_ends(xy[begin : i + 2], outline) if bad[i] else [])
            result.append(xy[i + 1])
            begin = i + 1
    return np.array(result)


def _path_between_ends(piece: Floats, outline: _Outline) -> Floats:
    """Vertices between the ends of a stretch: those of the outline, or the unchanged ones."""
    one, inner, two = piece[0], piece[1:-1], piece[-1]
    ways = [
        way
        for p in _edges_at(outline, one)
        for q in _edges_at(outline, two)
        if outline.ring[p] == outline.ring[q]
        for way in (*_between(outline, p, q, one, two), *(w[::-1] for w in _between(outline, q, p, two, one)))
    ]
    if not ways:
        return inner
    away = shapely.distance(shapely.points(inner), shapely.MultiLineString([np.vstack([one, w, two]) for w in ways]))
    if away.max(initial=0.0) > 1 / PER_METRE:
        return inner
    shortest = min(ways, key=lambda way: _length(one, way, two))
    return shortest if _length(one, shortest, two) <= _length(one, inner, two) + _LONGER_M else inner


def _edges_at(outline: _Outline, place: Floats) -> list[int]:
    """Edges of the outline that contain a place, without the links between consecutive rings."""
    found = outline.tree.query(shapely.Point(place), predicate="dwithin", distance=ROUNDING_M)
    return [int(e) for e in np.sort(found) if outline.ring[e] == outline.ring[e + 1]]


def _between(outline: _Outline, p: int, q: int, one: Floats, two: Floats) -> list[Floats]:
    """Vertices of a ring from edge p to edge q, without the end points themselves; empty if there are too many."""
    low, high = outline.start[outline.ring[p]], outline.start[outline.ring[p] + 1] - 1
    steps = (q - p) % (high - low)
    if steps > _MOST:
        return []
    way = outline.corners[low + (p + 1 - low + np.arange(steps)) % (high - low)]
    apart = np.minimum(np.hypot(*(way - one).T), np.hypot(*(way - two).T))
    return [way[apart > ROUNDING_M]]


def _length(one: Floats, way: Floats, two: Floats) -> float:
    return float(np.hypot(*np.diff(np.vstack([one, way, two]), axis=0).T).sum())
