"""The raster of the index: pixels inside one cell, and edges crossing the other pixels.

Every polygon k adds k + 1 to the *tag* of the ground that it covers; without overlaps the tag identifies the cell. Crossing
an edge changes the tag by a known number, so the tag of a point is that of its pixel's south-west corner plus the changes
on a path from there. The result does not depend on the order of edges, the nearest edge or a tolerance.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.kernels import kernel
from geo.locate.edges import Edges
from geo.locate.predicates import side

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]

#: Pixels per edge: more enlarge the raster, fewer lengthen the lists of edges. Measured in docs/locate.md.
PIXELS_PER_EDGE = 12
FEWEST_PIXELS = 1 << 14
MOST_PIXELS = 1 << 26

# Pixels are enlarged by this margin (in pixels) when edges are listed, so that rounding cannot omit a pixel: a coordinate
# of up to 20,000 pixels is wrong by at most 1e-11 pixels.
_MARGIN = 1e-6


class Raster(NamedTuple):
    """Pixels over the extent of the cells, with a margin of one pixel, and the edges that cross them.

    Attributes
    ----------
    x0, y0, size, inverse
        South-west corner of the first pixel; side of a pixel, metres, and its reciprocal.
    pixels
        Shape (rows, columns), rows from south to north. The tag (0 outside) if no edge crosses the pixel, otherwise -1 - k
        for a border pixel whose list begins at k.
    lists
        For each border pixel: the tag of its south-west corner, the number of its edges, and their positions.
    ends, sides
        The edges, see :class:`geo.locate.edges.Edges`.
    """

    x0: float
    y0: float
    size: float
    inverse: float
    pixels: Ints
    lists: Ints
    ends: Floats
    sides: Ints


def rasterize(edges: Edges, *, pixels_per_edge: float = PIXELS_PER_EDGE) -> Raster:
    """Build the raster of some edges and list the edges of each border pixel."""
    ends = edges.ends
    (west, south), (east, north) = ends.reshape(-1, 2).min(axis=0), ends.reshape(-1, 2).max(axis=0)
    wanted = min(max(int(pixels_per_edge * len(ends)), FEWEST_PIXELS), MOST_PIXELS)
    width, height = max(float(east - west), 1e-3), max(float(north - south), 1e-3)
    size = max((width * height / wanted) ** 0.5, max(width, height) / 20000.0)
    columns, rows = int(width / size) + 4, int(height / size) + 4
    x0, y0, inverse = float(west) - 1.5 * size, float(south) - 1.5 * size, 1.0 / size
    pixels: Ints = np.zeros((rows, columns), dtype=np.int32)
    nothing = np.empty(0, dtype=np.int32)
    _list_edges(ends, x0, y0, inverse, pixels, nothing, False)
    lists = np.zeros(_allocate_lists(pixels), dtype=np.int32)
    _list_edges(ends, x0, y0, inverse, pixels, lists, True)
    raster = Raster(x0, y0, size, inverse, pixels, lists, _on_lines(ends), edges.sides)
    _fill_tags(raster)
    return raster


def _on_lines(ends: Floats) -> Floats:
    """Copy edges so that none crosses a cache line boundary (64 bytes)."""
    room = np.empty(ends.size + 8)
    skip = (-room.ctypes.data % 64) // 8
    lines = room[skip : skip + ends.size].reshape(ends.shape)
    lines[:] = ends
    return lines


@kernel(nogil=True)
def _allocate_lists(pixels):  # type: ignore[no-untyped-def]
    """Replace numbers of edges by list positions; return the total length of the lists."""
    used = 0
    flat = pixels.ravel()
    for p in range(len(flat)):
        if flat[p] > 0:
            count = flat[p]
            flat[p] = -1 - used
            used += 2 + count
    return used


@kernel(nogil=True)
def _list_edges(ends, x0, y0, inverse, pixels, lists, fill):  # type: ignore[no-untyped-def]
    """Visit each pixel that an edge crosses: count it (`fill` false), or add the edge to the pixel's list."""
    for e in range(len(ends)):
        u0, v0 = (ends[e, 0] - x0) * inverse, (ends[e, 1] - y0) * inverse
        u1, v1 = (ends[e, 2] - x0) * inverse, (ends[e, 3] - y0) * inverse
        if v0 > v1:
            u0, v0, u1, v1 = u1, v1, u0, v0
        low_u, high_u = min(u0, u1), max(u0, u1)
        slope = (u1 - u0) / (v1 - v0) if v1 > v0 else 0.0
        for row in range(int(v0 - _MARGIN), int(v1 + _MARGIN) + 1):
            # The part of the edge inside this row, extended by the margin.
            from_v, to_v = max(v0, row - _MARGIN), min(v1, row + 1 + _MARGIN)
            if v1 > v0:
                ua, ub = u0 + (from_v - v0) * slope, u0 + (to_v - v0) * slope
                first, last = max(min(ua, ub), low_u), min(max(ua, ub), high_u)
            else:
                first, last = low_u, high_u
            for column in range(int(first - _MARGIN), int(last + _MARGIN) + 1):
                if fill:
                    k = -1 - pixels[row, column]
                    lists[k + 2 + lists[k + 1]] = e
                    lists[k + 1] += 1
                else:
                    pixels[row, column] += 1


@kernel(nogil=True)
def _fill_tags(raster):  # type: ignore[no-untyped-def]
    """Compute the tags along the south side of each row of pixels, from the outside in the west, across the edges."""
    pixels, lists, ends, sides = raster.pixels, raster.lists, raster.ends, raster.sides
    rows, columns = pixels.shape
    for row in range(rows):
        y = raster.y0 + row * raster.size
        tag = np.int32(0)
        for column in range(columns):
            value = pixels[row, column]
            if value >= 0:
                pixels[row, column] = tag
                continue
            k = -1 - value
            lists[k] = tag
            x, x_next = raster.x0 + column * raster.size, raster.x0 + (column + 1) * raster.size
            for j in range(k + 2, k + 2 + lists[k + 1]):
                e = lists[j]
                ax, ay, bx, by = ends[e, 0], ends[e, 1], ends[e, 2], ends[e, 3]
                if (ay <= y) != (by <= y):
                    here, there = side(ax, ay, bx, by, x, y), side(ax, ay, bx, by, x_next, y)
                    if here != there:
                        step = sides[e, 0] - sides[e, 1]
                        tag += step if there > 0 else -step
