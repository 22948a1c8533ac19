"""Builds polygons from arcs.

Every cell lies on the left of its half-arcs. Tracing the border of a connected part of its interior gives a cycle. A cycle that
passes a vertex twice is split there into simple rings. Counter-clockwise rings are shells, clockwise rings are holes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from geo.coverage.arcs import OUTSIDE, Arcs, Ints
from geo.kernels import kernel
from geo.layers.crs import PER_METRE


def polygons(arcs: Arcs, n_cells: int) -> npt.NDArray[np.object_]:
    """Build the polygon of each cell.

    Returns
    -------
    ndarray of shapely geometries, shape (n_cells,)
        A Polygon, a MultiPolygon if a cell has several parts, or an empty Polygon if it has none. Shells are
        counter-clockwise, holes clockwise; each ring begins at its smallest vertex by x, then y; parts and holes are sorted
        by that vertex. Coordinates are in metres.
    """
    xy, ring_start, ring_cell, ring_piece = _rings(arcs)
    if len(ring_cell) == 0:
        return np.array([shapely.Polygon()] * n_cells, dtype=object)
    area = _doubled_areas(xy, ring_start)
    rings = shapely.linearrings(
        xy / PER_METRE, indices=np.repeat(np.arange(len(ring_cell)), np.diff(ring_start)).astype(np.intp)
    )
    first = xy[ring_start[:-1]]
    shells = np.flatnonzero(area > 0)
    shells = shells[np.lexsort((first[shells, 1], first[shells, 0], ring_cell[shells]))]
    holes = np.flatnonzero(area < 0)
    shell_of = _shell_of_holes(rings, shells, holes, ring_cell, ring_piece)
    # shapely.polygons expects each shell followed by its holes.
    member = np.concatenate([np.arange(len(shells)), shell_of])
    ring = np.concatenate([shells, holes])
    is_hole = np.repeat([False, True], [len(shells), len(holes)])
    order = np.lexsort((first[ring, 1], first[ring, 0], is_hole, member))
    parts = shapely.polygons(rings[ring[order]], indices=member[order])
    return _collect(parts, ring_cell[shells], n_cells)


def _collect(parts: npt.NDArray[np.object_], cell: npt.NDArray[np.int32], n_cells: int) -> npt.NDArray[np.object_]:
    """Combine the parts of each cell into one geometry; `cell` is sorted."""
    result = np.array([shapely.Polygon()] * n_cells, dtype=object)
    count = np.bincount(cell, minlength=n_cells)
    single = count[cell] == 1
    result[cell[single]] = parts[single]
    many = ~single
    if many.any():
        owners, index = np.unique(cell[many], return_inverse=True)
        result[owners] = shapely.multipolygons(parts[many], indices=index)
    return result


def _shell_of_holes(
    rings: npt.NDArray[np.object_],
    shells: npt.NDArray[np.intp],
    holes: npt.NDArray[np.intp],
    ring_cell: npt.NDArray[np.int32],
    ring_piece: Ints,
) -> npt.NDArray[np.intp]:
    """Find the shell, as a position in `shells`, that contains each hole.

    A hole split from the cycle of a shell belongs to that shell; any other hole to the only shell of the cell, or to the
    smallest shell that contains it.
    """
    result = np.empty(len(holes), dtype=np.intp)
    begin = np.searchsorted(ring_cell[shells], ring_cell[holes], side="left")
    end = np.searchsorted(ring_cell[shells], ring_cell[holes], side="right")
    for i, hole in enumerate(holes):
        candidates = np.arange(begin[i], end[i])
        same = candidates[ring_piece[shells[candidates]] == ring_piece[hole]]
        if len(same) == 1 or len(candidates) == 1:
            result[i] = same[0] if len(same) == 1 else candidates[0]
            continue
        bodies = shapely.polygons(rings[shells[candidates]])
        holding = shapely.covers(bodies, rings[hole])
        result[i] = candidates[np.argmin(np.where(holding, shapely.area(bodies), np.inf))]
    return result


def _rings(arcs: Arcs) -> tuple[Ints, Ints, npt.NDArray[np.int32], Ints]:
    """Trace all rings and return their vertices, offsets, cells and cycles."""
    n = len(arcs.left)
    arc = np.concatenate([np.arange(n), np.arange(n)])
    reverse = np.repeat([False, True], n)
    cell = np.concatenate([arcs.left, arcs.right])
    keep = cell != OUTSIDE
    arc, reverse, cell = arc[keep], reverse[keep], cell[keep]
    head, last = arcs.offsets[:-1][arc], arcs.offsets[1:][arc] - 1
    begin, end = np.where(reverse, last, head), np.where(reverse, head, last)
    after, before = np.where(reverse, last - 1, head + 1), np.where(reverse, head + 1, last - 1)
    x, y = arcs.xy[:, 0], arcs.xy[:, 1]
    order = np.lexsort((y[begin], x[begin], cell))
    arc, reverse, cell = arc[order], reverse[order], cell[order]
    begin, end, after, before = begin[order], end[order], after[order], before[order]
    following = _following(cell, x, y, begin, end, after, before)
    rings: tuple[Ints, Ints, npt.NDArray[np.int32], Ints] = _trace(arcs.xy, arcs.offsets, arc, reverse, cell, following)
    return rings


@kernel()
def _following(cell, x, y, begin, end, after, before):  # type: ignore[no-untyped-def]
    """The next half-arc of the same cycle for each half-arc; half-arcs are sorted by cell and x, y of their start."""
    n = len(cell)
    following = np.empty(n, dtype=np.int64)
    for h in range(n):
        c, ex, ey = cell[h], x[end[h]], y[end[h]]
        low, high = 0, n
        while low < high:
            middle = (low + high) // 2
            m = begin[middle]
            if cell[middle] < c or (cell[middle] == c and (x[m] < ex or (x[m] == ex and y[m] < ey))):
                low = middle + 1
            else:
                high = middle
        best = low
        k = low + 1
        # If several half-arcs start here, the first one clockwise from the incoming one bounds the interior on the left.
        bx, by = x[before[h]] - ex, y[before[h]] - ey
        while k < n and cell[k] == c and x[begin[k]] == ex and y[begin[k]] == ey:
            if _clockwise_before(bx, by, x[after[k]] - ex, y[after[k]] - ey, x[after[best]] - ex, y[after[best]] - ey):
                best = k
            k += 1
        following[h] = best
    return following


@kernel()
def _half_turn(rx, ry, px, py):  # type: ignore[no-untyped-def]
    """0 if p is less than half a turn clockwise from r, otherwise 1; exact in int64 for segments below 1,500 km."""
    cross = rx * py - ry * px
    if cross == 0:
        return 1
    return 0 if cross < 0 else 1


@kernel()
def _clockwise_before(rx, ry, px, py, qx, qy):  # type: ignore[no-untyped-def]
    """Whether direction p comes before q when turning clockwise from r; neither equals r."""
    hp, hq = _half_turn(rx, ry, px, py), _half_turn(rx, ry, qx, qy)
    if hp != hq:
        return hp < hq
    return px * qy - py * qx < 0


@kernel()
def _trace(xy, offsets, arc, reverse, cell, following):  # type: ignore[no-untyped-def]
    """Trace each cycle and split it into simple rings at vertices passed twice; rings start at their smallest vertex."""
    n = len(arc)
    total = 0
    for h in range(n):
        total += offsets[arc[h] + 1] - offsets[arc[h]] - 1
    out = np.empty((total + n, 2), dtype=np.int64)
    starts = np.empty(n + 1, dtype=np.int64)
    ring_cell = np.empty(n, dtype=np.int32)
    piece = np.empty(n, dtype=np.int64)
    stack = np.empty(total + 1, dtype=np.int64)
    nodes = np.empty(n + 1, dtype=np.int64)
    seen = np.zeros(n, dtype=np.bool_)
    n_out = 0
    n_rings = 0
    for h in range(n):
        if seen[h]:
            continue
        n_stack = 0
        n_nodes = 0
        g = h
        while True:
            seen[g] = True
            lo, hi = offsets[arc[g]], offsets[arc[g] + 1]
            first = hi - 1 if reverse[g] else lo
            # Only nodes, where arcs meet, can be passed twice.
            back = -1
            for k in range(n_nodes - 1, -1, -1):
                v = stack[nodes[k]]
                if xy[v, 0] == xy[first, 0] and xy[v, 1] == xy[first, 1]:
                    back = k
                    break
            if back >= 0:
                n_out = _emit(xy, stack, nodes[back], n_stack, out, n_out, starts, n_rings)
                ring_cell[n_rings] = cell[g]
                piece[n_rings] = h
                n_rings += 1
                n_stack = nodes[back]
                n_nodes = back
            nodes[n_nodes] = n_stack
            n_nodes += 1
            for i in range(hi - lo - 1):
                stack[n_stack] = hi - 1 - i if reverse[g] else lo + i
                n_stack += 1
            g = following[g]
            if g == h:
                break
        n_out = _emit(xy, stack, 0, n_stack, out, n_out, starts, n_rings)
        ring_cell[n_rings] = cell[h]
        piece[n_rings] = h
        n_rings += 1
    starts[n_rings] = n_out
    return out[:n_out].copy(), starts[: n_rings + 1].copy(), ring_cell[:n_rings].copy(), piece[:n_rings].copy()


@kernel()
def _emit(xy, stack, low, high, out, n_out, starts, n_rings):  # type: ignore[no-untyped-def]
    """Copy one ring from the stack to the output, closed and starting at its smallest vertex."""
    starts[n_rings] = n_out
    least = low
    for i in range(low + 1, high):
        p, q = stack[i], stack[least]
        if xy[p, 0] < xy[q, 0] or (xy[p, 0] == xy[q, 0] and xy[p, 1] < xy[q, 1]):
            least = i
    size = high - low
    for i in range(size + 1):
        v = stack[low + (least - low + i) % size]
        out[n_out, 0] = xy[v, 0]
        out[n_out, 1] = xy[v, 1]
        n_out += 1
    return n_out


@kernel()
def _doubled_areas(xy, starts):  # type: ignore[no-untyped-def]
    """Twice the signed area of each ring in squared lattice units, relative to its first vertex; exact up to 3,000 km²."""
    areas = np.empty(len(starts) - 1, dtype=np.int64)
    for r in range(len(starts) - 1):
        x0, y0 = xy[starts[r], 0], xy[starts[r], 1]
        total = 0
        for i in range(starts[r], starts[r + 1] - 1):
            total += (xy[i, 0] - x0) * (xy[i + 1, 1] - y0) - (xy[i + 1, 0] - x0) * (xy[i, 1] - y0)
        areas[r] = total
    return areas
