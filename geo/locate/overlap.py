"""Finds cells that may overlap, by testing whether the tags of the raster are consistent everywhere."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from geo.kernels import kernel
from geo.locate.kernels import turn_around, walk
from geo.locate.predicates import orient
from geo.locate.raster import Raster

#: Maximum number of edges in a pixel of which all pairs are tested. The cells of a fuller pixel are suspected without a test, and
#: decided by their shapes: thousands of vertices within some metres would cost minutes.
MOST_TESTED = 256


def without_overlap(
    shapes: npt.NDArray[np.object_], rank: npt.NDArray[np.intp], suspect: npt.NDArray[np.bool_]
) -> list[npt.NDArray[np.intp]]:
    """Sort cells into tiers without overlap; one tier if none of the suspected cells overlaps another.

    Parameters
    ----------
    suspect
        Cells found by :func:`mark_suspects`; each overlap involves at least one of them.
    """
    tier = np.zeros(len(shapes), dtype=np.intp)
    some = np.flatnonzero(suspect)
    if len(some):
        one, two = shapely.STRtree(shapes).query(shapes[some], predicate="intersects")
        pairs = np.unique(np.sort(np.stack([some[one], two], axis=1)[some[one] != two], axis=1), axis=0)
        # Intersecting interiors as a DE-9IM pattern, decided exactly.
        pairs = pairs[shapely.relate_pattern(shapes[pairs[:, 0]], shapes[pairs[:, 1]], "T********")]
        earlier: dict[int, list[int]] = {}
        for a, b in pairs.tolist():
            first, later = (a, b) if rank[a] < rank[b] else (b, a)
            earlier.setdefault(later, []).append(first)
        for cell in sorted(earlier, key=lambda c: rank[c]):
            taken = {int(tier[a]) for a in earlier[cell]}
            tier[cell] = next(t for t in range(len(taken) + 1) if t not in taken)
    return [np.flatnonzero(tier == t) for t in range(int(tier.max(initial=0)) + 1)]


@kernel(nogil=True)
def mark_suspects(raster, suspect):  # type: ignore[no-untyped-def]
    """Mark cells with an edge that crosses another, touches one between its ends, or has a wrong tag next to it.

    If edges meet only at their ends, the ground along one side of an edge belongs to a single cell. If in addition its tag,
    found by walking, is that of the cell bounded by the edge, for every edge, no ground has two owners. Exact, but for the cells
    of a pixel with more than :data:`MOST_TESTED` edges, which are all marked. Cost: O(edges).
    """
    lists, ends, sides = raster.lists, raster.ends, raster.sides
    rows, columns = raster.pixels.shape
    for row in range(rows):
        for column in range(columns):
            value = raster.pixels[row, column]
            if value >= 0:
                continue
            k = -1 - value
            if lists[k + 1] > MOST_TESTED:
                for i in range(k + 2, k + 2 + lists[k + 1]):
                    for side in range(2):
                        if sides[lists[i], side] > 0:
                            suspect[sides[lists[i], side] - 1] = True
                continue
            for i in range(k + 2, k + 2 + lists[k + 1]):
                e = lists[i]
                bad = False
                u, v = (ends[e, 0] - raster.x0) * raster.inverse, (ends[e, 1] - raster.y0) * raster.inverse
                if int(u) == column and int(v) == row:  # handle each edge once: in the pixel of its smaller end
                    wx, wy = raster.x0 + column * raster.size, raster.y0 + row * raster.size
                    bad = _left_tag(e, wx, wy, k, lists, ends, sides) != sides[e, 0]
                for j in range(i + 1, k + 2 + lists[k + 1]):
                    f = lists[j]
                    if _meet(
                        ends[e, 0], ends[e, 1], ends[e, 2], ends[e, 3], ends[f, 0], ends[f, 1], ends[f, 2], ends[f, 3]
                    ):
                        bad = True
                        for side in range(2):
                            if sides[f, side] > 0:
                                suspect[sides[f, side] - 1] = True
                if bad:
                    for side in range(2):
                        if sides[e, side] > 0:
                            suspect[sides[e, side] - 1] = True


@kernel(nogil=True)
def _left_tag(e, wx, wy, k, lists, ends, sides):  # type: ignore[no-untyped-def]
    """Tag left of edge e at its smaller end: start east-north-east of the end and turn counter-clockwise over the rays."""
    px, py = ends[e, 0], ends[e, 1]
    tag = walk(px, py, wx, wy, k, lists, ends, sides)
    for j in range(k + 2, k + 2 + lists[k + 1]):
        f = lists[j]
        if ends[f, 0] == px and ends[f, 1] == py:
            qx, qy, gain = ends[f, 2], ends[f, 3], sides[f, 0] - sides[f, 1]
        elif ends[f, 2] == px and ends[f, 3] == py:
            qx, qy, gain = ends[f, 0], ends[f, 1], sides[f, 1] - sides[f, 0]
        else:
            continue
        if turn_around(px, py, qx, qy, ends[e, 2], ends[e, 3]) >= 0:
            tag += gain
    return tag


@kernel(nogil=True)
def _meet(ax, ay, bx, by, cx, cy, dx, dy):  # type: ignore[no-untyped-def]
    """Whether edges ab and cd have a common point that is not an end of both."""
    if max(ax, bx) < min(cx, dx) or max(cx, dx) < min(ax, bx) or max(ay, by) < min(cy, dy) or max(cy, dy) < min(ay, by):
        return False
    c, d = orient(ax, ay, bx, by, cx, cy), orient(ax, ay, bx, by, dx, dy)
    if c * d > 0:
        return False
    a, b = orient(cx, cy, dx, dy, ax, ay), orient(cx, cy, dx, dy, bx, by)
    if a * b > 0:
        return False
    if a * b < 0 and c * d < 0:
        return True
    return (
        (c == 0 and _between(ax, ay, bx, by, cx, cy))
        or (d == 0 and _between(ax, ay, bx, by, dx, dy))
        or (a == 0 and _between(cx, cy, dx, dy, ax, ay))
        or (b == 0 and _between(cx, cy, dx, dy, bx, by))
    )


@kernel(nogil=True)
def _between(ax, ay, bx, by, px, py):  # type: ignore[no-untyped-def]
    """Whether a point on the line through a and b lies strictly between them."""
    if (px == ax and py == ay) or (px == bx and py == by):
        return False
    return min(ax, bx) <= px <= max(ax, bx) and min(ay, by) <= py <= max(ay, by)


def suspects_of(raster: Raster, doubled: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """Cells of which at least one is involved in each overlap; see :func:`mark_suspects`."""
    suspect = doubled.copy()
    mark_suspects(raster, suspect)
    return suspect
