"""Edges of a layer, without duplicates, with the cells on both sides."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from geo.kernels import kernel

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]


class Edges(NamedTuple):
    """Edges between distinct points, ordered so that spatial neighbours are close in memory.

    Attributes
    ----------
    ends
        Shape (n, 4): ax, ay, bx, by, with a west of b, or south of it at equal x.
    sides
        Shape (n, 2): tag on the left and on the right when going from a to b; 0 outside.
    """

    ends: Floats
    sides: Ints


def edges_of(shapes: npt.NDArray[np.object_], members: npt.NDArray[np.intp]) -> tuple[Edges, npt.NDArray[np.bool_]]:
    """Collect the edges of some cells; an edge shared by two cells occurs once.

    Parameters
    ----------
    shapes
        All polygons of the layer.
    members
        Positions of the cells to be used.

    Returns
    -------
    (edges, doubled)
        The edges; and for each cell of the layer whether one of its edges bounds another cell on the same side (an overlap).
    """
    parts, owner = shapely.get_parts(shapes[members], return_index=True)
    rings, part_of = shapely.get_rings(parts, return_index=True)
    outer = np.r_[True, part_of[1:] != part_of[:-1]]
    # Interior on the left: outer rings counter-clockwise, holes clockwise.
    reverse = shapely.is_ccw(rings) != outer
    xy = shapely.get_coordinates(rings) + 0.0  # no negative zero, so that equal coordinates have equal bits
    start = np.r_[0, np.cumsum(shapely.get_num_coordinates(rings))]
    tag = (members[owner[part_of]] + 1).astype(np.int32)
    ends, signed, key = _directed(xy, start, tag, reverse, _lattice(xy))
    order = np.argsort(key)
    doubled = np.zeros(len(shapes), dtype=np.bool_)
    merged, sides, n = _merged(ends, signed, key, order, doubled)
    return Edges(merged[:n].copy(), sides[:n].copy()), doubled


def _lattice(xy: Floats) -> tuple[float, float, float]:
    """South-west corner and scale of a lattice with 65,536 steps over the extent."""
    low, high = xy.min(axis=0), xy.max(axis=0)
    return float(low[0]), float(low[1]), 65535.0 / max(float((high - low).max()), 1e-300)


@kernel(nogil=True)
def _directed(xy, start, tag, reverse, lattice):  # type: ignore[no-untyped-def]
    """Edges of rings from the smaller to the greater end, with the tag on the left, or negated for the right.

    The sort key combines the Morton code of the edge's midpoint with a hash of its ends: equal edges have equal keys.
    """
    bits = xy.view(np.uint64)
    x0, y0, scale = lattice
    room = len(xy)
    ends, signed, key = np.empty((room, 4)), np.empty(room, dtype=np.int32), np.empty(room, dtype=np.uint64)
    n = 0
    for r in range(len(tag)):
        for p in range(start[r], start[r + 1] - 1):
            q = p + 1
            if xy[p, 0] == xy[q, 0] and xy[p, 1] == xy[q, 1]:
                continue
            swap = xy[q, 0] < xy[p, 0] or (xy[q, 0] == xy[p, 0] and xy[q, 1] < xy[p, 1])
            a, b = (q, p) if swap else (p, q)
            ends[n, 0], ends[n, 1], ends[n, 2], ends[n, 3] = xy[a, 0], xy[a, 1], xy[b, 0], xy[b, 1]
            signed[n] = -tag[r] if swap != reverse[r] else tag[r]
            u = np.uint64((0.5 * xy[a, 0] + 0.5 * xy[b, 0] - x0) * scale)
            v = np.uint64((0.5 * xy[a, 1] + 0.5 * xy[b, 1] - y0) * scale)
            mixed = np.uint64(0)
            for value in (bits[a, 0], bits[a, 1], bits[b, 0], bits[b, 1]):
                mixed = (mixed ^ value) * np.uint64(0x9E3779B97F4A7C15)
                mixed ^= mixed >> np.uint64(29)
            key[n] = ((_interleave_zeros(u) | (_interleave_zeros(v) << np.uint64(1))) << np.uint64(32)) | (
                mixed >> np.uint64(32)
            )
            n += 1
    return ends[:n], signed[:n], key[:n]


@kernel(nogil=True)
def _interleave_zeros(value):  # type: ignore[no-untyped-def]
    """Interleave the sixteen bits of a number with zeros."""
    v = value & np.uint64(0xFFFF)
    v = (v | (v << np.uint64(8))) & np.uint64(0x00FF00FF)
    v = (v | (v << np.uint64(4))) & np.uint64(0x0F0F0F0F)
    v = (v | (v << np.uint64(2))) & np.uint64(0x33333333)
    return (v | (v << np.uint64(1))) & np.uint64(0x55555555)


@kernel(nogil=True)
def _merged(ends, signed, key, order, doubled):  # type: ignore[no-untyped-def]
    """Merge equal edges; two on the same side mark their cells as `doubled`. Distinct edges with one key stay separate."""
    merged, sides = np.empty_like(ends), np.zeros((len(ends), 2), dtype=np.int32)
    n, first = 0, 0
    for i in range(len(order)):
        e = order[i]
        if i == 0 or key[e] != key[order[i - 1]]:
            first = n
        m = first
        while m < n and not (
            merged[m, 0] == ends[e, 0]
            and merged[m, 1] == ends[e, 1]
            and merged[m, 2] == ends[e, 2]
            and merged[m, 3] == ends[e, 3]
        ):
            m += 1
        if m == n:
            merged[n] = ends[e]
            n += 1
        side, tag = (0, signed[e]) if signed[e] > 0 else (1, -signed[e])
        if sides[m, side] != 0:
            doubled[sides[m, side] - 1] = True
            doubled[tag - 1] = True
        sides[m, side] = tag
    return merged, sides, n
