"""Builds arcs from the edges of polygons: maximal chains of edges between two nodes, with one cell on each side.

All values are integers and vertices are numbered in order of (x, y), so the result does not depend on the order of the
polygons.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.kernels import kernel
from geo.layers.crs import PER_METRE

Ints = npt.NDArray[np.int64]
Cells = npt.NDArray[np.int32]

#: Cell number on the side of an arc where there is no cell.
OUTSIDE = -1


class Arcs(NamedTuple):
    """Arcs as ragged arrays.

    Attributes
    ----------
    xy
        Vertices of all arcs one after the other, int64 lattice units, shape (n, 2).
    offsets
        Index in `xy` of the first vertex of each arc, followed by the total number of vertices, shape (n_arcs + 1,).
    left, right
        Cell on either side of each arc, seen from its first vertex to its last; ``OUTSIDE`` where there is none.
    """

    xy: Ints
    offsets: Ints
    left: Cells
    right: Cells


class Edges(NamedTuple):
    """Undirected edges between numbered vertices, with the cell on each side when going from `a` to `b`."""

    a: Ints
    b: Ints
    left: Cells
    right: Cells


def unique_vertices(xy: Ints) -> tuple[Ints, Ints]:
    """Number the distinct vertices in order of x, then y.

    Returns
    -------
    (vertices, number)
        Distinct vertices, shape (m, 2), and the number of each input vertex, shape (n,).
    """
    if len(xy) == 0:
        return np.empty((0, 2), dtype=np.int64), np.empty(0, dtype=np.int64)
    low = xy.min(axis=0)
    span = xy.max(axis=0) - low
    if span.max() >= 2**31:
        raise OverflowError("the extent is over 2,147 km")
    number, first = unique_rows(xy)
    distinct = xy[first]
    order = np.argsort(((distinct[:, 0] - low[0]) << 32) | (distinct[:, 1] - low[1]))
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return distinct[order], rank[number]


def unique_rows(rows: npt.NDArray[np.int64] | npt.NDArray[np.float64]) -> tuple[Ints, Ints]:
    """Number the distinct rows of two values in order of first occurrence; rows are equal if all bits are equal.

    Returns
    -------
    (number, first)
        The number of each row, shape (n,), and the index of the first row with each number.
    """
    numbered: tuple[Ints, Ints] = _number_rows(np.ascontiguousarray(rows).view(np.uint64))
    return numbered


def lexsort_pairs(a: Ints, b: Ints) -> Ints:
    """Stable sort order of pairs of small non-negative integers, by a, then b, with two counting sorts."""
    order: Ints = _counting_sort(a, _counting_sort(b, np.arange(len(b))))
    return order


def pair_edges(u: Ints, v: Ints, cell: Cells) -> tuple[Edges, npt.NDArray[np.intp], Ints]:
    """Pair the two directed edges that run between the same two vertices in opposite directions.

    Parameters
    ----------
    u, v
        Directed edges from vertex u to vertex v with their cell on the left; in a coverage no two are equal.
    cell
        The cell of each.

    Returns
    -------
    (edges, conflicts, which)
        One entry per undirected edge, in order of its vertices; the positions of directed edges that repeat an earlier one,
        where two cells claim the same side, which a coverage does not have; and the undirected edge of each directed edge.
    """
    forward = u < v
    back_last = np.concatenate([np.flatnonzero(forward), np.flatnonzero(~forward)])
    a, b = np.minimum(u, v), np.maximum(u, v)
    order = _counting_sort(a, _counting_sort(b, back_last))
    a, b, forward, cell = a[order], b[order], forward[order], cell[order]
    first = np.r_[True, (a[1:] != a[:-1]) | (b[1:] != b[:-1])] if len(a) else np.empty(0, dtype=bool)
    repeated = np.r_[False, ~first[1:] & (forward[1:] == forward[:-1])] if len(a) else np.empty(0, dtype=bool)
    group = np.cumsum(first) - 1
    left = np.full(int(first.sum()), OUTSIDE, dtype=np.int32)
    right = left.copy()
    left[group[forward]] = cell[forward]
    right[group[~forward]] = cell[~forward]
    which = np.empty(len(order), dtype=np.int64)
    which[order] = group
    return Edges(a[first], b[first], left, right), order[repeated], which


def chain(vertices: Ints, edges: Edges) -> Arcs:
    """Join edges into arcs.

    An arc ends where three or more edges meet. A closed line without such a vertex begins at its smallest vertex. Each arc
    starts at its smaller end; arcs are sorted by their first edge.
    """
    used = edges.left != edges.right
    edges = Edges(edges.a[used], edges.b[used], edges.left[used], edges.right[used])
    n_vertices, n_edges = len(vertices), len(edges.a)
    ends = np.concatenate([edges.a, edges.b])
    degree = np.bincount(ends, minlength=n_vertices)
    start = np.r_[0, np.cumsum(degree)]
    incident = np.argsort(ends, kind="stable") % max(n_edges, 1)
    path, offsets, first_edge, along = _trace_arcs(edges.a, edges.b, degree, start, incident)
    left = np.where(along, edges.left[first_edge], edges.right[first_edge])
    right = np.where(along, edges.right[first_edge], edges.left[first_edge])
    return Arcs(vertices[path], offsets, left, right)


def relabel(arcs: Arcs, left: Cells, right: Cells) -> Arcs:
    """Replace the cells on both sides of all arcs and rebuild the arcs; those with equal sides are removed."""
    keep = left != right
    size = np.diff(arcs.offsets)
    vertex_kept = np.repeat(keep, size)
    vertices, number = unique_vertices(arcs.xy[vertex_kept])
    arc_of = np.repeat(np.arange(int(keep.sum())), size[keep])
    u, v = number[:-1], number[1:]
    inner = arc_of[1:] == arc_of[:-1]
    u, v, of = u[inner], v[inner], arc_of[:-1][inner]
    forward = u < v
    a, b = np.minimum(u, v), np.maximum(u, v)
    order = lexsort_pairs(a, b)
    one, two = left[keep][of], right[keep][of]
    sides = np.where(forward, one, two)[order], np.where(forward, two, one)[order]
    return chain(vertices, Edges(a[order], b[order], *sides))


def lengths_m(arcs: Arcs) -> npt.NDArray[np.float64]:
    """Length of each arc, metres, shape (n_arcs,)."""
    if len(arcs.xy) == 0:
        return np.empty(0)
    step = np.r_[np.hypot(*np.diff(arcs.xy, axis=0).T.astype(float)), 0.0]
    step[arcs.offsets[1:] - 1] = 0.0  # from the end of one arc to the start of the next
    length: npt.NDArray[np.float64] = np.add.reduceat(step, arcs.offsets[:-1]) / PER_METRE
    return length


def neighbours(arcs: Arcs) -> pd.DataFrame:
    """Pairs of cells `a` < `b` that share border of positive length, `length_m`, in order of a and b."""
    inner = (arcs.left != OUTSIDE) & (arcs.right != OUTSIDE)
    left, right = arcs.left[inner].astype(np.int64), arcs.right[inner].astype(np.int64)
    low, high = np.minimum(left, right), np.maximum(left, right)
    n = int(high.max(initial=0)) + 1
    pairs, which = np.unique(low * n + high, return_inverse=True)
    length = np.bincount(which, weights=lengths_m(arcs)[inner], minlength=len(pairs))
    a, b = np.divmod(pairs, n)
    return pd.DataFrame({"a": a.astype(np.int32), "b": b.astype(np.int32), "length_m": length})


@kernel()
def _trace_arcs(a, b, degree, start, incident):  # type: ignore[no-untyped-def]
    """Follow edges from node to node, then the remaining closed lines; returns vertex path, offsets, first edge, direction."""
    n_edges = len(a)
    seen = np.zeros(n_edges, dtype=np.bool_)
    path = np.empty(2 * n_edges, dtype=np.int64)
    offsets = np.empty(n_edges + 1, dtype=np.int64)
    first_edge = np.empty(n_edges, dtype=np.int64)
    along = np.empty(n_edges, dtype=np.bool_)
    n_arcs = 0
    n_path = 0
    for closed in range(2):
        for vertex in range(len(degree)):
            if closed == 0 and degree[vertex] == 2:
                continue
            for k in range(start[vertex], start[vertex + 1]):
                edge = incident[k]
                if seen[edge]:
                    continue
                offsets[n_arcs] = n_path
                first_edge[n_arcs] = edge
                along[n_arcs] = a[edge] == vertex
                n_arcs += 1
                here = vertex
                path[n_path] = here
                n_path += 1
                while True:
                    seen[edge] = True
                    here = b[edge] if a[edge] == here else a[edge]
                    path[n_path] = here
                    n_path += 1
                    if degree[here] != 2 or here == vertex:
                        break
                    one = incident[start[here]]
                    edge = incident[start[here] + 1] if one == edge else one
    offsets[n_arcs] = n_path
    return path[:n_path].copy(), offsets[: n_arcs + 1].copy(), first_edge[:n_arcs].copy(), along[:n_arcs].copy()


@kernel(nogil=True)
def _number_rows(rows):  # type: ignore[no-untyped-def]
    """Number rows with an open-addressing hash table; see `unique_rows`."""
    n = len(rows)
    size = 16
    while size < 2 * n:
        size *= 2
    mask = np.uint64(size - 1)
    table = np.full(size, -1, dtype=np.int64)
    number = np.empty(n, dtype=np.int64)
    first = np.empty(n, dtype=np.int64)
    count = 0
    for i in range(n):
        x, y = rows[i, 0], rows[i, 1]
        h = x * np.uint64(0x9E3779B97F4A7C15)  # multipliers: odd, with about half of the bits set
        h = ((h ^ (h >> np.uint64(32))) + y) * np.uint64(0xD6E8FEB86659FD93)
        slot = (h ^ (h >> np.uint64(32))) & mask
        while True:
            known = table[slot]
            if known < 0:
                table[slot] = count
                first[count] = i
                number[i] = count
                count += 1
                break
            f = first[known]
            if rows[f, 0] == x and rows[f, 1] == y:
                number[i] = known
                break
            slot = (slot + np.uint64(1)) & mask
    return number, first[:count].copy()


@kernel(nogil=True)
def _counting_sort(key, order):  # type: ignore[no-untyped-def]
    """Sort positions by their keys, integers from 0, with a stable counting sort."""
    top = 0
    for i in range(len(key)):
        top = max(top, key[i])
    place = np.zeros(top + 2, dtype=np.int64)
    for i in range(len(key)):
        place[key[i] + 1] += 1
    for k in range(top + 1):
        place[k + 1] += place[k]
    result = np.empty(len(order), dtype=np.int64)
    for i in order:
        result[place[key[i]]] = i
        place[key[i]] += 1
    return result
