"""Fast validity test for many small polygons: most are proven simple by orientation tests with error bounds."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from geo.kernels import kernel

Shapes = npt.NDArray[np.object_]

# All pairs of edges are compared, so rings with more edges are left to GEOS, whose cost grows as n log n.
_MOST_EDGES = 48

# With fewer vertices compiled code gains nothing.
_FEW_VERTICES = 3000

# Relative error of an orientation determinant that is computed from coordinate differences (Shewchuk 1997: 3.3e-16), doubled.
_ERROR = 7e-16


def valid_polygons(shapes: Shapes) -> npt.NDArray[np.bool_]:
    """Whether each geometry is valid; gives the same results as :func:`shapely.is_valid`.

    Parameters
    ----------
    shapes
        Geometries of any type; missing ones count as not valid, empty ones as valid.

    Notes
    -----
    A polygon without holes is valid if its non-consecutive edges provably do not meet. All other cases (holes, several
    parts, many vertices, near touches) are decided by GEOS.
    """
    vertices = shapely.get_num_coordinates(shapes)
    if vertices.sum() <= _FEW_VERTICES:
        valid: npt.NDArray[np.bool_] = shapely.is_valid(shapes)
        return valid
    simple = shapely.get_type_id(shapes) == shapely.GeometryType.POLYGON
    simple &= (shapely.get_num_interior_rings(shapes) == 0) & (vertices <= _MOST_EDGES + 1)
    rows = np.flatnonzero(simple)
    xy, ring = shapely.get_coordinates(shapes[rows], return_index=True)
    start = np.searchsorted(ring, np.arange(len(rows) + 1))
    result = np.zeros(len(shapes), dtype=bool)
    result[rows] = _surely_simple(np.ascontiguousarray(xy), start)
    unsure = np.flatnonzero(~result)
    result[unsure] = shapely.is_valid(shapes[unsure])
    return result


@kernel(nogil=True)
def _side(px, py, qx, qy, rx, ry):  # type: ignore[no-untyped-def]
    """Side of the line from p to q on which r lies: 1 left, -1 right, 0 undecided."""
    left = (px - rx) * (qy - ry)
    right = (py - ry) * (qx - rx)
    det = left - right
    if abs(det) > _ERROR * (abs(left) + abs(right)):
        return 1 if det > 0 else -1
    return 0


@kernel(nogil=True)
def _surely_disjoint(xy, a, b):  # type: ignore[no-untyped-def]
    """Whether the edges that begin at rows a and b provably have no point in common."""
    ax, ay, bx, by = xy[a, 0], xy[a, 1], xy[a + 1, 0], xy[a + 1, 1]
    cx, cy, dx, dy = xy[b, 0], xy[b, 1], xy[b + 1, 0], xy[b + 1, 1]
    if max(ax, bx) < min(cx, dx) or max(cx, dx) < min(ax, bx) or max(ay, by) < min(cy, dy) or max(cy, dy) < min(ay, by):
        return True
    side = _side(ax, ay, bx, by, cx, cy)
    if side != 0 and side == _side(ax, ay, bx, by, dx, dy):
        return True
    side = _side(cx, cy, dx, dy, ax, ay)
    return side != 0 and side == _side(cx, cy, dx, dy, bx, by)


@kernel(nogil=True)
def _turns_surely(xy, a, b):  # type: ignore[no-untyped-def]
    """Whether edge b, which begins where edge a ends, provably does not run back along it."""
    ux, uy = xy[a + 1, 0] - xy[a, 0], xy[a + 1, 1] - xy[a, 1]
    vx, vy = xy[b + 1, 0] - xy[b, 0], xy[b + 1, 1] - xy[b, 1]
    if ux * vx + uy * vy > 0:
        return True
    return _side(xy[a, 0], xy[a, 1], xy[a + 1, 0], xy[a + 1, 1], xy[b + 1, 0], xy[b + 1, 1]) != 0


@kernel(nogil=True)
def _surely_simple(xy, start):  # type: ignore[no-untyped-def]
    """Whether each closed ring provably does not touch itself."""
    n = len(start) - 1
    result = np.zeros(n, dtype=np.bool_)
    for ring in range(n):
        first, last = start[ring], start[ring + 1] - 1  # the last row repeats the first
        sure = last - first >= 3
        for a in range(first, last):
            if not sure:
                break
            if not (np.isfinite(xy[a, 0]) and np.isfinite(xy[a, 1])):
                sure = False
                break
            following = a + 1 if a + 1 < last else first
            if not _turns_surely(xy, a, following):
                sure = False
                break
            for b in range(a + 2, last):
                if a == first and b == last - 1:
                    continue  # first and last edge are consecutive
                if not _surely_disjoint(xy, a, b):
                    sure = False
                    break
        result[ring] = sure
    return result
