"""Kernel that finds the border nearest to a point, and the cell of smallest rank on it."""

from __future__ import annotations

import numpy as np

from geo.kernels import kernel

#: Pixels from the raster beyond which no point is near any edge: farther than any place on Earth, and still exact in float64.
MOST_PIXELS_AWAY = 1e12


@kernel(nogil=True)
def nearest_edges(x, y, within_m, rank, metres, cell, raster):  # type: ignore[no-untyped-def]
    """Write the distance of each point to the nearest edge, and the cell of smallest rank on the nearest edges.

    Infinity and -1 if no edge is within `within_m`, or the point is :data:`MOST_PIXELS_AWAY` off. Pixels are searched in
    rings around the point until the next ring is farther away than the nearest edge found. Cost per point: O(pixels within
    the distance).
    """
    rows, columns = raster.pixels.shape
    size, pixels, lists = raster.size, raster.pixels, raster.lists
    for i in range(len(x)):
        best, found = np.inf, -1
        u, v = (x[i] - raster.x0) * raster.inverse, (y[i] - raster.y0) * raster.inverse
        away = max(max(-u, u - columns), max(-v, v - rows))
        # The larger of a number and NaN may be the number, so each is tested.
        if not away * size <= within_m or not (abs(u) < MOST_PIXELS_AWAY and abs(v) < MOST_PIXELS_AWAY):
            metres[i], cell[i] = best, found
            continue
        column, row = int(np.floor(u)), int(np.floor(v))
        ring = max(int(away) - 1, 0)
        farthest = max(max(column, columns - column), max(row, rows - row))
        while ring <= farthest:
            # Lower bound of the distance to this ring and all further ones; reduced slightly to allow for rounding.
            if (ring - 1) * size * (1.0 - 1e-9) > min(best, within_m):
                break
            for r in range(max(row - ring, 0), min(row + ring, rows - 1) + 1):
                # The first and last row of a ring are searched where they lie in the raster, of the others both ends.
                whole = r == row - ring or r == row + ring
                begin, step = (max(column - ring, 0), 1) if whole else (column - ring, 2 * ring)
                for c in range(begin, min(column + ring, columns - 1) + 1, step):
                    if c < 0 or pixels[r, c] >= 0:
                        continue
                    k = -1 - pixels[r, c]
                    for j in range(k + 2, k + 2 + lists[k + 1]):
                        e = lists[j]
                        distance = _distance(x[i], y[i], raster.ends, e)
                        if distance > best or distance > within_m:
                            continue
                        for s in range(2):
                            other = raster.sides[e, s] - 1
                            if other >= 0 and (distance < best or found < 0 or rank[other] < rank[found]):
                                best, found = distance, other
            ring += 1
        metres[i], cell[i] = best, found


@kernel(nogil=True, inline="always")
def _distance(px, py, ends, e):  # type: ignore[no-untyped-def]
    """Distance of a point to an edge; the distance to an end point is the same in all bits for every edge that has it."""
    ax, ay, bx, by = ends[e, 0], ends[e, 1], ends[e, 2], ends[e, 3]
    along_x, along_y = bx - ax, by - ay
    t = ((px - ax) * along_x + (py - ay) * along_y) / (along_x * along_x + along_y * along_y)
    if t <= 0.0:
        return np.hypot(px - ax, py - ay)
    if t >= 1.0:
        return np.hypot(px - bx, py - by)
    return abs(along_x * (py - ay) - along_y * (px - ax)) / np.hypot(along_x, along_y)
