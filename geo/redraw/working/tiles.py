"""Square tiles of the plane, by which new arcs are found near a place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise

from geo.redraw.working.lattice import Vertex

#: Side of a tile as a power of two of lattice units: 262 m, the length of a third-level cell.
_TILE = 18


def tiles_of(low: Vertex, high: Vertex) -> Iterator[tuple[int, int]]:
    """The tiles that intersect a box."""
    for column in range(low[0] >> _TILE, (high[0] >> _TILE) + 1):
        for row in range(low[1] >> _TILE, (high[1] >> _TILE) + 1):
            yield column, row


def tiles_along(points: Sequence[Vertex]) -> set[tuple[int, int]]:
    """The tiles that intersect the boxes of the edges of a line."""
    places = [(x >> _TILE, y >> _TILE) for x, y in points]
    tiles = set(places)
    for (ax, ay), (bx, by) in pairwise(places):
        if ax != bx or ay != by:
            tiles.update(
                (column, row)
                for column in range(min(ax, bx), max(ax, bx) + 1)
                for row in range(min(ay, by), max(ay, by) + 1)
            )
    return tiles
