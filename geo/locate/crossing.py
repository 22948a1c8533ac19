"""Kernel that finds the cells along a segment. It releases the GIL and allocates no memory per segment."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geo.kernels import kernel
from geo.locate.kernels import walk
from geo.locate.predicates import orient, side
from geo.locate.results import Floats

# A segment's bounding box with at most this many pixels is first tested at once: mostly it contains no edge.
_SMALL_BOX = 64


class Segments(NamedTuple):
    """Ends of segments, metres; float64, one shape (n,)."""

    xa: Floats
    ya: Floats
    xb: Floats
    yb: Floats


@kernel(nogil=True)
def cross_segments(segments, pieces, raster):  # type: ignore[no-untyped-def]
    """Split each segment at the borders that it crosses; returns the number of segments done and of pieces written.

    Stops early at the first segment whose pieces do not fit in `pieces`; none of them is written then.
    """
    xs, ys, to_x, to_y = segments.xa, segments.ya, segments.xb, segments.yb
    x0, y0, inverse = raster.x0, raster.y0, raster.inverse
    pixels, lists, ends, sides = raster.pixels, raster.lists, raster.ends, raster.sides
    rows, columns = pixels.shape
    hit_t, hit_e, hit_s = np.empty(256), np.empty(256, dtype=np.int32), np.empty(256, dtype=np.int32)
    n, room, last = 0, len(pieces.cell), 0
    for i in range(len(xs)):
        xa, ya, xb, yb = xs[i], ys[i], to_x[i], to_y[i]
        u0, v0, u1, v1 = (xa - x0) * inverse, (ya - y0) * inverse, (xb - x0) * inverse, (yb - y0) * inverse
        tag, hits = 0, 0
        # Comparisons with NaN are false: a segment that is not finite is one piece outside.
        if i > 0 and xa == xb == xs[i - 1] == to_x[i - 1] and ya == yb == ys[i - 1] == to_y[i - 1]:
            tag = last  # A device at rest: the same point again.
        elif (
            min(u0, u1) < columns
            and max(u0, u1) >= 0.0
            and min(v0, v1) < rows
            and max(v0, v1) >= 0.0
            and (abs(u0) + abs(u1) + abs(v0) + abs(v1) < np.inf)
        ):
            south, north = int(max(min(v0, v1), 0.0)), int(min(max(v0, v1), rows - 1.0))
            west, east = int(max(min(u0, u1), 0.0)), int(min(max(u0, u1), columns - 1.0))
            if not _may_hold_edges(pixels, south, north, west, east):
                tag = pixels[south, west]
            else:
                if u0 >= 0.0 and v0 >= 0.0 and u0 < columns and v0 < rows:
                    row, column = int(v0), int(u0)
                    tag = pixels[row, column]
                    if tag < 0:
                        wx, wy = x0 + column * raster.size, y0 + row * raster.size
                        tag = walk(xa, ya, wx, wy, -1 - tag, lists, ends, sides)
                for row in range(south, north + 1):
                    left, right = _span(u0, v0, u1, v1, row)
                    for column in range(int(max(left, 0.0)), int(min(right, columns - 1.0)) + 1):
                        if pixels[row, column] >= 0:
                            continue
                        k = -1 - pixels[row, column]
                        for j in range(k + 2, k + 2 + lists[k + 1]):
                            e = lists[j]
                            sign, t = _crossing(xa, ya, xb, yb, ends[e, 0], ends[e, 1], ends[e, 2], ends[e, 3])
                            if sign == 0 or _is_among(e, hit_e, hits):
                                continue
                            if hits == len(hit_t):
                                hit_t, hit_e, hit_s = _grow(hit_t), _grow(hit_e), _grow(hit_s)
                            h = _make_place(t, hit_t, hit_e, hit_s, hits)
                            hit_t[h], hit_e[h], hit_s[h] = t, e, sign * (sides[e, 0] - sides[e, 1])
                            hits += 1
        if n + hits + 1 > room:
            return i, n
        last = tag
        length = np.hypot(xb - xa, yb - ya) if hits > 0 else 0.0
        n = _write_pieces(i, tag, length, hit_t, hit_s, hits, pieces, n)
    return len(xs), n


# The functions of one segment are inlined, because a call would update reference counts of the arrays, for which threads would
# compete.
@kernel(nogil=True, inline="always")
def _may_hold_edges(pixels, south, north, west, east):  # type: ignore[no-untyped-def]
    """Whether a box of pixels is large or contains a border pixel."""
    mixed = (north - south + 1) * (east - west + 1) > _SMALL_BOX
    if not mixed:
        for row in range(south, north + 1):
            for column in range(west, east + 1):
                mixed |= pixels[row, column] < 0
    return mixed


@kernel(nogil=True, inline="always")
def _is_among(edge, edges, count):  # type: ignore[no-untyped-def]
    """Whether an edge is among the first `count`."""
    known = False
    for h in range(count):
        known |= edges[h] == edge
    return known


@kernel(nogil=True, inline="always")
def _make_place(t, hit_t, hit_e, hit_s, hits):  # type: ignore[no-untyped-def]
    """Shift the crossings after `t` by one; returns the freed position. There are few, mostly already in order."""
    h = hits
    while h > 0 and hit_t[h - 1] > t:
        hit_t[h], hit_e[h], hit_s[h] = hit_t[h - 1], hit_e[h - 1], hit_s[h - 1]
        h -= 1
    return h


@kernel(nogil=True, inline="always")
def _write_pieces(i, tag, length, hit_t, hit_s, hits, pieces, n):  # type: ignore[no-untyped-def]
    """Write the pieces of segment i, which starts with `tag`; returns the new number of pieces."""
    segment, cell, t_in, t_out = pieces.segment, pieces.cell, pieces.t_in, pieces.t_out
    # Crossings less than 1 µm apart are merged: a path through a node meets several edges there.
    same = 1e-6 / length if hits > 0 else 0.0
    begin, h = 0.0, 0
    while h < hits:
        t, after = hit_t[h], tag
        while h < hits and hit_t[h] - t <= same:
            after += hit_s[h]
            h += 1
        if after != tag:
            if t > begin:
                segment[n], cell[n], t_in[n], t_out[n] = i, tag - 1, begin, t
                n += 1
                begin = t
            tag = after
    if begin < 1.0:
        segment[n], cell[n], t_in[n], t_out[n] = i, tag - 1, begin, 1.0
        n += 1
    return n


@kernel(nogil=True)
def _span(u0, v0, u1, v1, row):  # type: ignore[no-untyped-def]
    """Columns (fractional) between which a segment runs inside a row of pixels, widened by 1e-6."""
    low_u, high_u = min(u0, u1), max(u0, u1)
    if abs(v1 - v0) < 1e-12:
        return low_u - 1e-6, high_u + 1e-6
    slope = (u1 - u0) / (v1 - v0)
    ua = u0 + (max(min(v0, v1), row - 1e-6) - v0) * slope
    ub = u0 + (min(max(v0, v1), row + 1 + 1e-6) - v0) * slope
    return max(min(ua, ub), low_u) - 1e-6, min(max(ua, ub), high_u) + 1e-6


@kernel(nogil=True)
def _crossing(x0, y0, x1, y1, ax, ay, bx, by):  # type: ignore[no-untyped-def]
    """How the path from 0 to 1 crosses the edge a, b: 1 from right to left, -1 from left to right, 0 not; and where.

    The path is shifted by an infinitesimal step east-north-east, so it never meets an end of an edge or runs along one.
    """
    if max(x0, x1) < min(ax, bx) or min(x0, x1) > max(ax, bx) or max(y0, y1) < min(ay, by) or min(y0, y1) > max(ay, by):
        return 0, 0.0
    from_side, to_side = side(ax, ay, bx, by, x0, y0), side(ax, ay, bx, by, x1, y1)
    if from_side == to_side:
        return 0, 0.0
    # Testing the ends of the edge against the shifted path equals testing oppositely shifted ends against the path.
    if _side_back(x0, y0, x1, y1, ax, ay) == _side_back(x0, y0, x1, y1, bx, by):
        return 0, 0.0
    d0 = (bx - ax) * (y0 - ay) - (by - ay) * (x0 - ax)
    d1 = (bx - ax) * (y1 - ay) - (by - ay) * (x1 - ax)
    t = d0 / (d0 - d1) if d0 != d1 else 0.0
    return (1 if to_side > 0 else -1), min(max(t, 0.0), 1.0)


@kernel(nogil=True)
def _side_back(ax, ay, bx, by, px, py):  # type: ignore[no-untyped-def]
    """Like :func:`geo.locate.predicates.side` for the point (px - ε, py - ε²)."""
    turn = orient(ax, ay, bx, by, px, py)
    if turn != 0:
        return turn
    if by != ay:
        return 1 if by > ay else -1
    return -1 if bx > ax else 1


@kernel(nogil=True)
def _grow(array):  # type: ignore[no-untyped-def]
    larger = np.empty(2 * len(array), dtype=array.dtype)
    larger[: len(array)] = array
    return larger
