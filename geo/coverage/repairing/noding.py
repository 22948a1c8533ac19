"""Nodes edges on the 1 mm lattice, group by group, with integers.

Snap rounding (Hobby 1999) as in GEOS's union with a precision grid: every vertex and every rounded crossing of two edges is a
hot pixel, a square of one lattice unit, and every edge is bent to the centres of all hot pixels that it passes through. GEOS
calculates with metres in floating point, so where the integers say that an edge passes exactly through a corner of a square, or
that a vertex lies exactly on a slanted edge, its answer depends on rounding; such groups are left to GEOS, all others give the
same edges as GEOS.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from geo.coverage.arcs import Ints
from geo.coverage.edges import on_lattice_units
from geo.coverage.parallel import map_in_threads
from geo.kernels import kernel
from geo.layers.crs import PER_METRE

Shapes = npt.NDArray[np.object_]

# With fewer edges GEOS takes less time than loading the compiled code.
_FEW_EDGES = 2000

# Coordinates in metres, multiplied by 1,000, differ from lattice units by at most half a double's spacing, 5e-7 near 4,000 km.
_NOISE = 1e-6


def noded_edges(ends: Ints, group: Ints) -> Ints:
    """Node the edges of each group.

    Parameters
    ----------
    ends
        Both ends of each edge, lattice units, shape (n, 2, 2); no edge has length 0.
    group
        Group of each edge, shape (n,). Edges of different groups do not affect each other.

    Returns
    -------
    ndarray of int64, shape (m, 2, 2)
        Edges that meet in their ends only, if those of each group are taken alone; some may occur twice.

    Notes
    -----
    Cost: O(n log n), plus the pairs of edges of a group that overlap in x.
    """
    if len(ends) <= _FEW_EDGES:
        return _noded_by_geos(ends, group)
    low = ends.reshape(-1, 2).min(axis=0)
    order = np.lexsort((ends[:, :, 0].min(axis=1), group))
    ends, group = ends[order], group[order]
    number = np.cumsum(np.r_[0, np.diff(group) != 0])
    local = np.ascontiguousarray(ends - low)
    edge, x, y, crossing, unsure = _meetings(local, number)
    more, more_x, more_y = _at_crossings(local, number, *_distinct(crossing), unsure)
    edge, x, y = np.concatenate([edge, more]), np.concatenate([x, more_x]), np.concatenate([y, more_y])
    left = unsure[number]
    noded = _bent(local, edge, x, y, ~left) + low
    return np.concatenate([noded, _noded_by_geos(ends[left], group[left])]) if left.any() else noded


def _distinct(crossing: Ints) -> tuple[Ints, Ints, Ints]:
    """Group, x and y of distinct crossings, sorted."""
    crossing = crossing[np.lexsort((crossing[:, 2], crossing[:, 1], crossing[:, 0]))]
    new = np.r_[True, (np.diff(crossing, axis=0) != 0).any(axis=1)][: len(crossing)]
    group, x, y = crossing[new].T
    return np.ascontiguousarray(group), np.ascontiguousarray(x), np.ascontiguousarray(y)


def _bent(ends: Ints, edge: Ints, x: Ints, y: Ints, wanted: npt.NDArray[np.bool_]) -> Ints:
    """Edges between consecutive hot pixels on each wanted edge."""
    one, two = ends[:, 0], ends[:, 1]
    whole = np.flatnonzero(wanted)
    mine = wanted[edge]
    edge, x, y = edge[mine], x[mine], y[mine]
    along = ((two[edge] - one[edge]) * (np.column_stack([x, y]) - one[edge])).sum(axis=1)
    # Each edge from its first end, before all pixels on it, to its second one.
    least, most = np.iinfo(np.int64).min, np.iinfo(np.int64).max
    edge = np.concatenate([whole, edge, whole])
    along = np.concatenate([np.full(len(whole), least), along, np.full(len(whole), most)])
    place = np.concatenate([one[whole], np.column_stack([x, y]), two[whole]])
    order = np.lexsort((along, edge))
    edge, place = edge[order], place[order]
    piece = (edge[1:] == edge[:-1]) & (place[1:] != place[:-1]).any(axis=1)
    return np.stack([place[:-1][piece], place[1:][piece]], axis=1)


def _noded_by_geos(ends: Ints, group: Ints) -> Ints:
    """As :func:`noded_edges`, by the union of GEOS."""
    if len(ends) == 0:
        return ends
    order = np.argsort(group, kind="stable")
    index = np.cumsum(np.r_[0, np.diff(group[order]) != 0])
    together = shapely.multilinestrings(shapely.linestrings(ends[order] / PER_METRE), indices=index)
    noded = np.concatenate([part for _, part in map_in_threads(_node_groups, together)])
    xy, line = shapely.get_coordinates(shapely.get_parts(noded), return_index=True)
    xy = on_lattice_units(xy)
    same = line[1:] == line[:-1]
    return np.stack([xy[:-1][same], xy[1:][same]], axis=1)


def _node_groups(drawn: Shapes) -> Shapes:
    noded: Shapes = shapely.union_all(drawn[:, None], grid_size=1 / PER_METRE, axis=1)
    return noded


@kernel(nogil=True)
def _passes(ends, i, x, y):  # type: ignore[no-untyped-def]
    """Whether edge i passes through the square around (x, y): 1 yes, 0 no, -1 exactly through a corner."""
    ax, ay, bx, by = ends[i, 0, 0], ends[i, 0, 1], ends[i, 1, 0], ends[i, 1, 1]
    if x < min(ax, bx) or x > max(ax, bx) or y < min(ay, by) or y > max(ay, by):
        return 0
    dx, dy = bx - ax, by - ay
    if dx == 0 or dy == 0:
        return 1
    # Twice the signed area towards the centre, and the largest difference between the centre and a corner.
    side = 2 * (dx * (y - ay) - dy * (x - ax))
    reach = abs(dx) + abs(dy)
    if abs(abs(side) - reach) <= 4 * _NOISE * reach:
        return -1
    return 1 if abs(side) < reach else 0


@kernel(nogil=True)
def _meetings(ends, group):  # type: ignore[no-untyped-def]
    """Ends of edges in whose squares other edges pass, crossings of two edges, and groups left to GEOS.

    Returns (edge, x, y) of the ends, (group, x, y) of the rounded crossings, and one flag per group. Edges are sorted by
    group and their smallest x.
    """
    n = len(ends)
    unsure = np.zeros(group[n - 1] + 1, dtype=np.bool_)
    room = 4 * n
    edge, xs, ys = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int64)
    crossing = np.empty((n, 3), np.int64)
    count = crossings = 0
    for i in range(n):
        high_x = max(ends[i, 0, 0], ends[i, 1, 0])
        low_y, high_y = min(ends[i, 0, 1], ends[i, 1, 1]), max(ends[i, 0, 1], ends[i, 1, 1])
        for j in range(i + 1, n):
            if group[j] != group[i] or min(ends[j, 0, 0], ends[j, 1, 0]) > high_x + 1:
                break
            if min(ends[j, 0, 1], ends[j, 1, 1]) > high_y + 1 or max(ends[j, 0, 1], ends[j, 1, 1]) < low_y - 1:
                continue
            if count + 4 > room:
                edge, xs, ys = _longer(edge), _longer(xs), _longer(ys)
                room = len(edge)
            for p, q in ((i, j), (j, i)):
                for k in range(2):
                    x, y = ends[q, k, 0], ends[q, k, 1]
                    if (x == ends[p, 0, 0] and y == ends[p, 0, 1]) or (x == ends[p, 1, 0] and y == ends[p, 1, 1]):
                        continue
                    passes = _passes(ends, p, x, y)
                    if passes < 0:
                        unsure[group[i]] = True
                    elif passes > 0:
                        edge[count], xs[count], ys[count] = p, x, y
                        count += 1
            kind, x, y = _crossing(ends, i, j)
            if kind < 0:
                unsure[group[i]] = True
            elif kind > 0:
                if crossings == len(crossing):
                    longer = np.empty((2 * crossings, 3), np.int64)
                    longer[:crossings] = crossing
                    crossing = longer
                crossing[crossings, 0], crossing[crossings, 1], crossing[crossings, 2] = group[i], x, y
                crossings += 1
    return edge[:count].copy(), xs[:count].copy(), ys[:count].copy(), crossing[:crossings].copy(), unsure


@kernel(nogil=True)
def _longer(values):  # type: ignore[no-untyped-def]
    longer = np.empty(2 * len(values), np.int64)
    longer[: len(values)] = values
    return longer


@kernel(nogil=True)
def _side_of(ends, i, x, y):  # type: ignore[no-untyped-def]
    """Side of edge i on which (x, y) lies: 1 left, -1 right, 0 exactly on an upright or level line, 2 too close to tell."""
    dx, dy = ends[i, 1, 0] - ends[i, 0, 0], ends[i, 1, 1] - ends[i, 0, 1]
    det = dx * (y - ends[i, 0, 1]) - dy * (x - ends[i, 0, 0])
    if dx == 0 or dy == 0:
        return 1 if det > 0 else (-1 if det < 0 else 0)
    reach = abs(dx) + abs(dy) + abs(x - ends[i, 0, 0]) + abs(y - ends[i, 0, 1])
    if abs(det) <= 2 * _NOISE * reach:
        return 2
    return 1 if det > 0 else -1


@kernel(nogil=True)
def _crossing(ends, i, j):  # type: ignore[no-untyped-def]
    """Whether two edges cross within both, 1, 0, or -1 if it is too close to tell; and the rounded crossing."""
    for p in range(2):
        for q in range(2):
            if ends[i, p, 0] == ends[j, q, 0] and ends[i, p, 1] == ends[j, q, 1]:
                return 0, 0, 0
    one, two = _side_of(ends, i, ends[j, 0, 0], ends[j, 0, 1]), _side_of(ends, i, ends[j, 1, 0], ends[j, 1, 1])
    if one == two and one != 2:
        return 0, 0, 0
    three, four = _side_of(ends, j, ends[i, 0, 0], ends[i, 0, 1]), _side_of(ends, j, ends[i, 1, 0], ends[i, 1, 1])
    if three == four and three != 2:
        return 0, 0, 0
    if one == 2 or two == 2 or three == 2 or four == 2:
        return -1, 0, 0
    if one * two * three * four == 0:
        return 0, 0, 0  # an end on an upright or level edge
    ax, ay, cx, cy = ends[i, 0, 0], ends[i, 0, 1], ends[j, 0, 0], ends[j, 0, 1]
    dx, dy, ex, ey = ends[i, 1, 0] - ax, ends[i, 1, 1] - ay, ends[j, 1, 0] - cx, ends[j, 1, 1] - cy
    turn = dx * ey - dy * ex
    share = ((cx - ax) * ey - (cy - ay) * ex) / turn
    x, y = share * dx, share * dy
    noise = 1e-5 + 4 * _NOISE * (abs(dx) + abs(dy)) * (abs(ex) + abs(ey)) / abs(turn)
    if abs(x - np.floor(x) - 0.5) < noise or abs(y - np.floor(y) - 0.5) < noise:
        return -1, 0, 0
    return 1, ax + np.int64(np.floor(x + 0.5)), ay + np.int64(np.floor(y + 0.5))


@kernel(nogil=True)
def _at_crossings(ends, group, of_group, xs, ys, unsure):  # type: ignore[no-untyped-def]
    """Crossings in whose squares edges pass: (edge, x, y). Crossings are sorted by group, then x."""
    n, m = len(ends), len(xs)
    room = 4 * m + 16
    edge, at_x, at_y = np.empty(room, np.int64), np.empty(room, np.int64), np.empty(room, np.int64)
    count = 0
    for i in range(n):
        g = group[i]
        low_x, high_x = min(ends[i, 0, 0], ends[i, 1, 0]), max(ends[i, 0, 0], ends[i, 1, 0])
        low_y, high_y = min(ends[i, 0, 1], ends[i, 1, 1]), max(ends[i, 0, 1], ends[i, 1, 1])
        low, high = 0, m
        while low < high:
            middle = (low + high) // 2
            if of_group[middle] < g or (of_group[middle] == g and xs[middle] < low_x):
                low = middle + 1
            else:
                high = middle
        k = low
        while k < m and of_group[k] == g and xs[k] <= high_x:
            x, y = xs[k], ys[k]
            k += 1
            if y < low_y or y > high_y:
                continue
            passes = _passes(ends, i, x, y)
            if passes < 0:
                unsure[g] = True
            elif passes > 0:
                if count == room:
                    edge, at_x, at_y = _longer(edge), _longer(at_x), _longer(at_y)
                    room = len(edge)
                edge[count], at_x[count], at_y[count] = i, x, y
                count += 1
    return edge[:count].copy(), at_x[:count].copy(), at_y[:count].copy()
