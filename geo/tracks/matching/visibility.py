"""Finds the places within sight of a path: places are sorted into buckets, and each step examines the buckets near it.

A tree of bounding boxes is unsuitable here: the steps of a fleet are long and those of a parked car all coincide.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geo.arrays import Bools, Floats, Ints
from geo.kernels import kernel

#: Side of a bucket, metres: about the viewing distance of an officer, so that a short step examines about ten buckets.
BUCKET_M = 40.0
#: Maximum number of buckets; over larger areas they become larger.
_MOST_BUCKETS = 4_000_000


class Buckets(NamedTuple):
    """Places sorted by square buckets: `first` is the index of the first place of each; rows run from south to north."""

    x: Floats
    y: Floats
    first: Ints
    columns: int
    rows: int
    west: float
    south: float
    size_m: float


def within_sight(x: Floats, y: Floats, steps: Floats, within_m: float) -> Bools:
    """Whether each place lies within a distance of any step.

    Parameters
    ----------
    x, y
        Places, metres.
    steps
        One row for each step: x and y of its start, x and y of its end.

    Notes
    -----
    Cost: O(places + buckets near the steps); buckets whose places are all seen cost almost nothing.
    """
    seen = np.zeros(len(x), dtype=bool)
    if len(x) == 0 or len(steps) == 0:
        return seen
    west, south = float(x.min()), float(y.min())
    wide, high = float(x.max()) - west, float(y.max()) - south
    size = max(BUCKET_M, float(np.sqrt(wide * high / _MOST_BUCKETS)), max(wide, high) / 1e6)
    columns, rows = int(wide / size) + 1, int(high / size) + 1
    bucket = ((y - south) / size).astype(np.int64) * columns + ((x - west) / size).astype(np.int64)
    order = np.argsort(bucket, kind="stable")
    first = np.searchsorted(bucket[order], np.arange(columns * rows + 1))
    found = np.zeros(len(x), dtype=np.bool_)
    _mark_seen(Buckets(x[order], y[order], first, columns, rows, west, south, size), steps, within_m, found)
    seen[order] = found
    return seen


@kernel(nogil=True)
def _mark_seen(buckets: Buckets, steps: Floats, within_m: float, seen: Bools) -> None:
    """Mark the places within a distance of a step."""
    x, y, first, columns, rows = buckets.x, buckets.y, buckets.first, buckets.columns, buckets.rows
    west, south, size = buckets.west, buckets.south, buckets.size_m
    unseen = first[1:] - first[:-1]
    for k in range(len(steps)):
        ax, ay, bx, by = steps[k]
        low, high = min(ay, by) - within_m, max(ay, by) + within_m
        for row in range(max(0, int((low - south) // size)), min(rows - 1, int((high - south) // size)) + 1):
            # The part of the step that is within reach of this row of buckets.
            bottom, top = south + row * size - within_m, south + (row + 1) * size + within_m
            t0, t1 = 0.0, 1.0
            if by != ay:
                u, v = (bottom - ay) / (by - ay), (top - ay) / (by - ay)
                t0, t1 = max(t0, min(u, v)), min(t1, max(u, v))
            if t0 > t1:
                continue
            c, d = ax + t0 * (bx - ax), ax + t1 * (bx - ax)
            left = max(0, int((min(c, d) - within_m - west) // size))
            right = min(columns - 1, int((max(c, d) + within_m - west) // size))
            for cell in range(row * columns + left, row * columns + right + 1):
                if unseen[cell] == 0:
                    continue
                for p in range(first[cell], first[cell + 1]):
                    if not seen[p] and _near(x[p], y[p], ax, ay, bx, by, within_m):
                        seen[p] = True
                        unseen[cell] -= 1


@kernel(nogil=True)
def _near(x: float, y: float, ax: float, ay: float, bx: float, by: float, within_m: float) -> bool:
    """Whether a place lies within a distance of a step."""
    dx, dy = bx - ax, by - ay
    length2 = dx * dx + dy * dy
    t = 0.0
    if length2 > 0:
        t = min(1.0, max(0.0, ((x - ax) * dx + (y - ay) * dy) / length2))
    return (x - ax - t * dx) ** 2 + (y - ay - t * dy) ** 2 <= within_m * within_m
