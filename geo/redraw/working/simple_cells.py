"""Fast test of the postconditions in the usual case: every touched cell is one ring before and after the edit.

The tests are those 1 to 3 of :mod:`geo.redraw.working.postconditions`, by one kernel on integers. It only ever confirms: whenever
something is not simple (a conflict, a cell with an inner ring, a small cell, a node that a border passes twice), the caller
runs the tests of that module, which also find the place and the words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from geo.coverage.arcs import Arcs
from geo.kernels import kernel
from geo.layers.crs import PER_METRE
from geo.redraw.working.arcs import NO_CELL, Arc
from geo.redraw.working.lattice import NONE, edge_conflict
from geo.redraw.working.postconditions import MIN_AREA_M2

Integers = npt.NDArray[np.int64]

#: Twice the minimum area of a cell, square lattice units.
_LEAST = int(2 * MIN_AREA_M2 * PER_METRE**2)

#: Position of a cell that the base does not have; -1 is ground outside.
_NOT_IN_BASE = -2

_NO_SIDES = np.zeros(0, dtype=np.int32)
NO_BASE = Arcs(np.zeros((0, 2), dtype=np.int64), np.zeros(1, dtype=np.int64), _NO_SIDES, _NO_SIDES)


class Surroundings(NamedTuple):
    """The unchanged arcs around the cells that an edit touches.

    Attributes
    ----------
    edited
        Those that are not of the base.
    base
        Arcs of the base.
    numbers
        Rows of `base` that belong to the surroundings; they are read where they are, without an :class:`Arc` for each.
    position_of
        Position in `base` of a cell.
    """

    edited: list[Arc]
    base: Arcs = NO_BASE
    numbers: Sequence[int] = ()
    position_of: Mapping[str, int] = {}


def areas_if_simple(before: Sequence[Arc], after: Sequence[Arc], rest: Surroundings) -> dict[str, float] | None:
    """Areas of the touched cells before, if the postconditions of single cells certainly hold after.

    Parameters
    ----------
    before, after
        The arcs removed and added by an edit.
    rest
        The other arcs around the cells on their sides.

    Returns
    -------
    dict or None
        Square metres by code of the cells beside `before`; None if the detailed tests are needed.

    Notes
    -----
    Cost: O(n k) for n vertices around the touched cells and k changed ones; about 0.1 ms for a moved vertex.
    """
    arcs = (*before, *after, *rest.edited)
    lines = [arc.points for arc in arcs]
    sizes = [len(line) for line in lines]
    codes = dict.fromkeys(chain.from_iterable((arc.left, arc.right) for arc in (*before, *after)))
    codes.pop(NO_CELL, None)
    place = {code: k for k, code in enumerate(codes)}
    vertices = chain.from_iterable(chain.from_iterable(lines))
    xy = np.fromiter(vertices, dtype=np.int64, count=2 * sum(sizes))
    sides = [place.get(code, -1) for arc in arcs for code in (arc.left, arc.right)]
    positions = [rest.position_of.get(code, _NOT_IN_BASE) for code in codes]
    layout = np.array([len(before), len(after), len(arcs), *sizes, *sides, *positions], dtype=np.int64)
    numbers = np.array(rest.numbers, dtype=np.int64)
    doubled = _doubled_areas(xy, layout, numbers, *rest.base)
    if len(doubled) == 0:
        return None
    square = 2 * PER_METRE**2
    return {code: area / square for code, area in zip(place, doubled.tolist(), strict=True) if area}


@kernel(nogil=True)
def _doubled_areas(own_xy, layout, numbers, base_xy, offsets, left, right):  # type: ignore[no-untyped-def]
    """Twice the area of each cell before, 0 if it did not exist, shape (n_cells,); empty if the result is not simple.

    `own_xy` are the vertices of the arcs before, after and edited, flat. `layout` is the number of arcs before, after, and of
    all three, then their numbers of vertices, the cells on their left and right, and the position of each cell in the base.
    `numbers` are the rows of the other arcs in the base.
    """
    nothing = np.zeros(0, dtype=np.int64)
    n_before, n_after, n_own = layout[0], layout[1], layout[2]
    n_cells = len(layout) - 3 - 3 * n_own
    first, sides = _arcs_together(layout[3:], numbers, n_own, offsets, left, right)
    n_arcs = len(sides)
    for k in range(n_arcs):
        if first[k + 1] - first[k] < 2:
            return nothing
    xy = np.empty((first[n_arcs], 2), dtype=np.int64)
    for i in range(first[n_own]):
        xy[i, 0], xy[i, 1] = own_xy[2 * i] - own_xy[0], own_xy[2 * i + 1] - own_xy[1]
    for k in range(len(numbers)):
        start = offsets[numbers[k]]
        for i in range(first[n_own + k], first[n_own + k + 1]):
            j = start + i - first[n_own + k]
            xy[i, 0], xy[i, 1] = base_xy[j, 0] - own_xy[0], base_xy[j, 1] - own_xy[1]
    boxes = _boxes(xy, first)
    fresh = _fresh_edges(xy, first, n_before, n_after)
    if not _is_free_of_contacts(xy, first, boxes, n_before, n_after):
        return nothing
    if not _is_free_of_conflicts(xy, first, boxes, n_before, n_after, fresh):
        return nothing
    found = np.zeros(n_cells, dtype=np.int64)
    for state in range(2):
        low, high = (0, n_before) if state == 0 else (n_before, n_before + n_after)
        for cell in range(n_cells):
            beside = False
            for k in range(low, high):
                if sides[k, 0] == cell or sides[k, 1] == cell:
                    beside = True
            if not beside:
                continue
            area = _ring_area(xy, first, sides, low, high, n_before + n_after, cell)
            if area <= 0 or (state == 1 and area < _LEAST):
                return nothing
            if state == 0:
                found[cell] = area
    return found


@kernel(nogil=True)
def _arcs_together(layout, numbers, n_own, offsets, left, right):  # type: ignore[no-untyped-def]
    """Position of the first vertex of each arc, shape (n_arcs + 1,), and the cells on its sides, shape (n_arcs, 2)."""
    n_arcs = n_own + len(numbers)
    first = np.zeros(n_arcs + 1, dtype=np.int64)
    sides = np.full((n_arcs, 2), -1, dtype=np.int64)
    for k in range(n_own):
        first[k + 1] = first[k] + layout[k]
        sides[k, 0], sides[k, 1] = layout[n_own + 2 * k], layout[n_own + 2 * k + 1]
    for k in range(len(numbers)):
        row = numbers[k]
        first[n_own + k + 1] = first[n_own + k] + offsets[row + 1] - offsets[row]
        for cell in range(len(layout) - 3 * n_own):
            position = layout[3 * n_own + cell]
            if position == left[row]:
                sides[n_own + k, 0] = cell
            if position == right[row]:
                sides[n_own + k, 1] = cell
    return first, sides


@kernel(nogil=True)
def _boxes(xy: Integers, first: Integers) -> Integers:
    """Least x and y and greatest x and y of each arc, shape (n_arcs, 4)."""
    boxes = np.empty((len(first) - 1, 4), dtype=np.int64)
    for k in range(len(boxes)):
        boxes[k, 0], boxes[k, 1] = xy[first[k], 0], xy[first[k], 1]
        boxes[k, 2], boxes[k, 3] = boxes[k, 0], boxes[k, 1]
        for i in range(first[k] + 1, first[k + 1]):
            boxes[k, 0], boxes[k, 1] = min(boxes[k, 0], xy[i, 0]), min(boxes[k, 1], xy[i, 1])
            boxes[k, 2], boxes[k, 3] = max(boxes[k, 2], xy[i, 0]), max(boxes[k, 3], xy[i, 1])
    return boxes


@kernel(nogil=True)
def _fresh_edges(xy: Integers, first: Integers, n_before: int, n_after: int) -> npt.NDArray[np.bool_]:
    """Whether each vertex of the added arcs begins an edge that did not exist before; by position in `xy`."""
    fresh = np.zeros(first[n_before + n_after], dtype=np.bool_)
    for a in range(n_before, n_before + n_after):
        for i in range(first[a], first[a + 1] - 1):
            ax, ay, bx, by = xy[i, 0], xy[i, 1], xy[i + 1, 0], xy[i + 1, 1]
            known = False
            for b in range(n_before):
                for j in range(first[b], first[b + 1] - 1):
                    cx, cy, dx, dy = xy[j, 0], xy[j, 1], xy[j + 1, 0], xy[j + 1, 1]
                    if (ax == cx and ay == cy and bx == dx and by == dy) or (
                        ax == dx and ay == dy and bx == cx and by == cy
                    ):
                        known = True
            fresh[i] = not known
    return fresh


@kernel(nogil=True)
def _is_free_of_contacts(xy: Integers, first: Integers, boxes: Integers, n_before: int, n_after: int) -> bool:
    """Whether the vertices of added arcs lie on no other vertex, except where arcs end in a common node."""
    for a in range(n_before, n_before + n_after):
        start, end = first[a], first[a + 1] - 1
        if end - start < 3 and xy[start, 0] == xy[end, 0] and xy[start, 1] == xy[end, 1]:
            return False
        for i in range(start, end + 1):
            for b in range(n_before, len(first) - 1):
                if xy[i, 0] < boxes[b, 0] or xy[i, 1] < boxes[b, 1] or xy[i, 0] > boxes[b, 2] or xy[i, 1] > boxes[b, 3]:
                    continue
                for j in range(first[b], first[b + 1]):
                    if i == j or xy[i, 0] != xy[j, 0] or xy[i, 1] != xy[j, 1]:
                        continue
                    if start < i < end or first[b] < j < first[b + 1] - 1:
                        return False
    return True


@kernel(nogil=True)
def _is_free_of_conflicts(
    xy: Integers, first: Integers, boxes: Integers, n_before: int, n_after: int, fresh: npt.NDArray[np.bool_]
) -> bool:
    """Whether no new edge intersects another edge of the state after, except at a common end."""
    for i in range(first[n_before], first[n_before + n_after]):
        if not fresh[i]:
            continue
        west, east = min(xy[i, 0], xy[i + 1, 0]), max(xy[i, 0], xy[i + 1, 0])
        south, north = min(xy[i, 1], xy[i + 1, 1]), max(xy[i, 1], xy[i + 1, 1])
        for b in range(n_before, len(first) - 1):
            if east < boxes[b, 0] or north < boxes[b, 1] or west > boxes[b, 2] or south > boxes[b, 3]:
                continue
            for j in range(first[b], first[b + 1] - 1):
                if i == j:
                    continue
                found = edge_conflict(
                    xy[i, 0], xy[i, 1], xy[i + 1, 0], xy[i + 1, 1], xy[j, 0], xy[j, 1], xy[j + 1, 0], xy[j + 1, 1]
                )
                if found != NONE:
                    return False
    return True


@kernel(nogil=True)
def _ring_area(xy: Integers, first: Integers, sides: Integers, low: int, high: int, rest: int, cell: int) -> int:
    """Twice the area of a cell whose border is one ring that passes each node once; -1 for any other cell.

    Its border consists of the arcs from `low` to `high` and from `rest` on.
    """
    n_arcs = len(first) - 1
    lines = np.empty(n_arcs, dtype=np.int64)
    n = 0
    for k in range(n_arcs):
        if (low <= k < high or k >= rest) and (sides[k, 0] == cell) != (sides[k, 1] == cell):
            lines[n] = k
            n += 1
    if n == 0:
        return -1
    doubled, visited, k = 0, 0, lines[0]
    while True:
        forward = sides[k, 0] == cell
        for i in range(first[k], first[k + 1] - 1):
            turn = xy[i, 0] * xy[i + 1, 1] - xy[i + 1, 0] * xy[i, 1]
            doubled += turn if forward else -turn
        visited += 1
        end = first[k + 1] - 1 if forward else first[k]
        following, matches = -1, 0
        for m in range(n):
            start = first[lines[m]] if sides[lines[m], 0] == cell else first[lines[m] + 1] - 1
            if xy[start, 0] == xy[end, 0] and xy[start, 1] == xy[end, 1]:
                following, matches = lines[m], matches + 1
        if matches != 1:
            return -1
        k = following
        if k == lines[0] or visited > n:
            break
    return doubled if visited == n else -1
