"""Clips rings at the edge of a tile and encodes them as geometry commands of MVT 2.1, in integer units."""

from __future__ import annotations

import numpy as np

from geo.kernels import kernel

#: Side of a tile, and the buffer beyond it that hides borders along the edge.
EXTENT, BUFFER = 4096, 64


@kernel()
def encode_rings(xy, vertex, offsets, cell, outer, chosen, origin):  # type: ignore[no-untyped-def]
    """Geometry of some cells in one tile.

    Parameters
    ----------
    xy
        Position of each vertex at the zoom, integer units from the north-west corner of the world, int64, shape (n, 2).
    vertex, offsets, cell, outer
        Rings of the level, simplified; see :class:`~api.ogc.tiles.arc_simplification.LevelRings`.
    chosen
        Rings of the cells that may touch the tile, in order.
    origin
        North-west corner of the tile, units.

    Returns
    -------
    (numbers, ends, cells)
        Command integers of all cells, end of those of each cell, and the positions of the cells. Cells without remaining rings
        are omitted.
    """
    low, high = -BUFFER, EXTENT + BUFFER
    numbers = [np.uint32(0) for _ in range(0)]
    ends = [0 for _ in range(0)]
    cells = [0 for _ in range(0)]
    at_x, at_y = 0, 0
    open_cell, outer_there = -1, False
    for ring in chosen:
        if cell[ring] != open_cell:
            if open_cell >= 0 and len(numbers) > (ends[-1] if len(ends) > 0 else 0):
                ends.append(len(numbers))
                cells.append(open_cell)
            open_cell, at_x, at_y = cell[ring], 0, 0
        if outer[ring] == 1:
            outer_there = False
        elif not outer_there:
            continue
        own = vertex[offsets[ring] : offsets[ring + 1]]
        points = [(xy[v, 0] - origin[0], xy[v, 1] - origin[1]) for v in own]
        points = cut_side(points, 0, low, 1)
        points = cut_side(points, 0, high, -1)
        points = cut_side(points, 1, low, 1)
        points = cut_side(points, 1, high, -1)
        points = without_spikes(points)
        if len(points) < 3:
            continue
        doubled = 0
        for i in range(len(points)):
            j = i + 1 if i + 1 < len(points) else 0
            doubled += points[i][0] * points[j][1] - points[j][0] * points[i][1]
        if doubled == 0:
            continue
        # An outer ring has a positive area with y down, a hole a negative one.
        backward = (doubled > 0) != (outer[ring] == 1)
        if outer[ring] == 1:
            outer_there = True
        count = len(points)
        for k in range(count):
            x, y = points[count - 1 - k] if backward else points[k]
            if k == 0:
                numbers.append(np.uint32(9))
            if k == 1:
                numbers.append(np.uint32(((count - 1) << 3) | 2))
            dx, dy = x - at_x, y - at_y
            numbers.append(np.uint32((dx << 1) ^ (dx >> 63)))
            numbers.append(np.uint32((dy << 1) ^ (dy >> 63)))
            at_x, at_y = x, y
        numbers.append(np.uint32(15))
    if open_cell >= 0 and len(numbers) > (ends[-1] if len(ends) > 0 else 0):
        ends.append(len(numbers))
        cells.append(open_cell)
    return np.array(numbers, dtype=np.uint32), np.array(ends, dtype=np.int64), np.array(cells, dtype=np.int64)


@kernel()
def cut_side(points, axis, bound, sign):  # type: ignore[no-untyped-def]
    """Sutherland and Hodgman (1974) for one side: keeps the part on the side of `bound` given by `sign`."""
    kept = [(0, 0) for _ in range(0)]
    count = len(points)
    for i in range(count):
        here, there = points[i], points[i + 1 if i + 1 < count else 0]
        here_in = sign * (here[axis] - bound) >= 0
        there_in = sign * (there[axis] - bound) >= 0
        if here_in:
            kept.append(here)
        if here_in != there_in:
            # Computed from the smaller to the larger end, so that both sides of a border get the same point.
            one, two = (here, there) if here < there else (there, here)
            other = 1 - axis
            step, rise = two[axis] - one[axis], two[other] - one[other]
            moved = one[other] + (2 * rise * (bound - one[axis]) + step) // (2 * step)
            kept.append((bound, moved) if axis == 0 else (moved, bound))
    return kept


@kernel()
def without_spikes(points):  # type: ignore[no-untyped-def]
    """Ring without repeated points and without edges traversed in both directions."""
    kept = [(0, 0) for _ in range(0)]
    for point in points:
        kept.append(point)
        while True:
            n = len(kept)
            if n >= 2 and kept[n - 1] == kept[n - 2]:
                kept.pop()
            elif n >= 3 and kept[n - 1] == kept[n - 3]:
                kept.pop()
                kept.pop()
            else:
                break
    start = 0
    while len(kept) - start >= 2:
        n = len(kept)
        if kept[n - 1] == kept[start] or (n - start >= 3 and kept[n - 2] == kept[start]):
            kept.pop()
        elif n - start >= 3 and kept[n - 1] == kept[start + 1]:
            start += 1
        else:
            break
    return kept[start:]


@kernel()
def pack_varints(numbers, buffer):  # type: ignore[no-untyped-def]
    """Write numbers as varints into a sufficiently large buffer; returns the number of bytes."""
    at = 0
    for number in numbers:
        rest = np.uint64(number)
        while rest > np.uint64(127):
            buffer[at] = np.uint8((rest & np.uint64(127)) | np.uint64(128))
            rest = rest >> np.uint64(7)
            at += 1
        buffer[at] = np.uint8(rest)
        at += 1
    return at
