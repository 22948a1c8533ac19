"""Kernel that finds the cells along a segment. It releases the GIL and allocates nothing per segment."""

from __future__ import annotations

import numpy as np

from geo.kernels import kernel
from geo.locate.kernels import walk
from geo.locate.predicates import orient, side

# The box of a segment is first checked as a whole if it has no more pixels than this: mostly none of them holds an edge.
_SMALL_BOX = 64


@kernel(nogil=True)
def cross_segments(xa, ya, xb, yb, room, seg, cell, t_in, t_out, raster):  # type: ignore[no-untyped-def]
    """Cut each segment at the borders that it crosses; returns how many segments were done and pieces written.

    Stops early, with all of its pieces unwritten, at the first segment that does not fit in `room` any more.
    """
    x0, y0, size, inverse = raster.x0, raster.y0, raster.size, raster.inverse
    pixels, lists, ends, sides = raster.pixels, raster.lists, raster.ends, raster.sides
    rows, columns = pixels.shape
    hit_t, hit_e, hit_s = np.empty(256), np.empty(256, dtype=np.int32), np.empty(256, dtype=np.int32)
    n = 0
    for i in range(len(xa)):
        u0, v0, u1, v1 = (xa[i] - x0) * inverse, (ya[i] - y0) * inverse, (xb[i] - x0) * inverse, (yb[i] - y0) * inverse
        tag, n_hits = 0, 0
        # Comparisons with NaN are false: what is not finite is one piece outside.
        if (
            min(u0, u1) < columns
            and max(u0, u1) >= 0.0
            and min(v0, v1) < rows
            and max(v0, v1) >= 0.0
            and (abs(u0) + abs(u1) + abs(v0) + abs(v1) < np.inf)
        ):
            first_row, last_row = int(max(min(v0, v1), 0.0)), int(min(max(v0, v1), rows - 1.0))
            west, east = int(max(min(u0, u1), 0.0)), int(min(max(u0, u1), columns - 1.0))
            mixed = (last_row - first_row + 1) * (east - west + 1) > _SMALL_BOX
            if not mixed:
                for row in range(first_row, last_row + 1):
                    for column in range(west, east + 1):
                        mixed |= pixels[row, column] < 0
            if not mixed:
                tag = pixels[first_row, west]
            else:
                if u0 >= 0.0 and v0 >= 0.0 and u0 < columns and v0 < rows:
                    row, column = int(v0), int(u0)
                    tag = pixels[row, column]
                    if tag < 0:
                        tag = walk(xa[i], ya[i], x0 + column * size, y0 + row * size, -1 - tag, lists, ends, sides)
                for row in range(first_row, last_row + 1):
                    left, right = _span(u0, v0, u1, v1, row)
                    for column in range(int(max(left, 0.0)), int(min(right, columns - 1.0)) + 1):
                        value = pixels[row, column]
                        if value >= 0:
                            continue
                        k = -1 - value
                        for j in range(k + 2, k + 2 + lists[k + 1]):
                            e = lists[j]
                            sign, t = _crossing(
                                xa[i], ya[i], xb[i], yb[i], ends[e, 0], ends[e, 1], ends[e, 2], ends[e, 3]
                            )
                            if sign == 0:
                                continue
                            known = False
                            for h in range(n_hits):
                                known |= hit_e[h] == e
                            if known:
                                continue
                            if n_hits == len(hit_t):
                                hit_t, hit_e, hit_s = _grow(hit_t), _grow(hit_e), _grow(hit_s)
                            # In order of t; few come, and mostly in order.
                            h = n_hits
                            while h > 0 and hit_t[h - 1] > t:
                                hit_t[h], hit_e[h], hit_s[h] = hit_t[h - 1], hit_e[h - 1], hit_s[h - 1]
                                h -= 1
                            hit_t[h], hit_e[h], hit_s[h] = t, e, sign * (sides[e, 0] - sides[e, 1])
                            n_hits += 1
        if n + n_hits + 1 > room:
            return i, n
        if n_hits == 0:
            seg[n], cell[n], t_in[n], t_out[n] = i, tag - 1, 0.0, 1.0
            n += 1
            continue
        # Crossings closer than 1 µm are one: a path through a node meets several edges there.
        same = 1e-6 / np.hypot(xb[i] - xa[i], yb[i] - ya[i])
        begin, h = 0.0, 0
        while h < n_hits:
            t, after = hit_t[h], tag
            while h < n_hits and hit_t[h] - t <= same:
                after += hit_s[h]
                h += 1
            if after != tag:
                if t > begin:
                    seg[n], cell[n], t_in[n], t_out[n] = i, tag - 1, begin, t
                    n += 1
                    begin = t
                tag = after
        if begin < 1.0:
            seg[n], cell[n], t_in[n], t_out[n] = i, tag - 1, begin, 1.0
            n += 1
    return len(xa), n


@kernel(nogil=True)
def _span(u0, v0, u1, v1, row):  # type: ignore[no-untyped-def]
    """Columns (as numbers) between which a segment runs inside a row of pixels, widened by 1e-6."""
    low_u, high_u = min(u0, u1), max(u0, u1)
    if abs(v1 - v0) < 1e-12:
        return low_u - 1e-6, high_u + 1e-6
    slope = (u1 - u0) / (v1 - v0)
    ua = u0 + (max(min(v0, v1), row - 1e-6) - v0) * slope
    ub = u0 + (min(max(v0, v1), row + 1 + 1e-6) - v0) * slope
    return max(min(ua, ub), low_u) - 1e-6, min(max(ua, ub), high_u) + 1e-6


@kernel(nogil=True)
def _crossing(x0, y0, x1, y1, ax, ay, bx, by):  # type: ignore[no-untyped-def]
    """How the path from 0 to 1 crosses the edge a, b: 1 from its right to its left, -1 the other way, 0 not; and where.

    The path is shifted by an infinitesimal step east-north-east, so it never meets an end of an edge or runs along one.
    """
    if max(x0, x1) < min(ax, bx) or min(x0, x1) > max(ax, bx) or max(y0, y1) < min(ay, by) or min(y0, y1) > max(ay, by):
        return 0, 0.0
    from_side, to_side = side(ax, ay, bx, by, x0, y0), side(ax, ay, bx, by, x1, y1)
    if from_side == to_side:
        return 0, 0.0
    # The ends of the edge against the shifted path: the same as the path against ends shifted the other way.
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
