"""Units: cells that must stay together because one of them has a hole or several parts.

A cell inside another one, or between the parts of one, cannot be separated from it: the ring and the cells in it, or the parts
and the shortest chain of cells between them, form one unit.
"""

from __future__ import annotations

from collections import deque

import numpy as np
import numpy.typing as npt
import shapely

from geo.divide.partitioning.adjacency import segments
from geo.divide.partitioning.merging import dissolve
from geo.errors import InputError

Geometries = npt.NDArray[np.object_]
Ints = npt.NDArray[np.int64]

# Each round joins something, so a few rounds suffice for any map.
_ROUNDS = 20


class SeparatePartsError(InputError):
    """Parts of a cell are not connected through other cells; ``ids`` are positions, ``geometry`` is a part."""


def units(shapes: Geometries) -> tuple[Geometries, Ints]:
    """Join cells into single polygons without holes.

    Parameters
    ----------
    shapes
        Polygons and multipolygons of a coverage, shape (n,).

    Returns
    -------
    polygons, unit
        Units, and the unit of each cell, int64 (n,). A hole without cells (an enclave) is kept.

    Raises
    ------
    SeparatePartsError
        If parts of a cell are not connected through other cells.
    """
    unit = np.arange(len(shapes))
    merged = shapes
    for _ in range(_ROUNDS):
        pairs = _ringed(merged) + _parted(merged)
        if not pairs:
            break
        head = np.arange(len(merged))
        for a, b in pairs:
            head[head == head[b]] = head[a]
        number = np.unique(head, return_inverse=True)[1]
        merged = dissolve(merged, number.astype(np.int64))
        unit = number[unit]
    return np.asarray(shapely.get_geometry(merged, 0), dtype=object), unit.astype(np.int64)


def _ringed(shapes: Geometries) -> list[tuple[int, int]]:
    """Pairs of a cell and another one in its hole."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    holed = np.flatnonzero(shapely.get_num_interior_rings(parts) > 0)
    if not len(holed):
        return []
    filled = shapely.polygons(shapely.get_exterior_ring(parts[holed]))
    which, inner = shapely.STRtree(shapely.point_on_surface(shapes)).query(filled, predicate="contains")
    outer = owner[holed[which]]
    return [(a, b) for a, b in zip(outer.tolist(), inner.tolist(), strict=True) if a != b]


def _parted(shapes: Geometries) -> list[tuple[int, int]]:
    """Pairs that join the parts of a cell by the shortest chains of other cells."""
    parts, owner = shapely.get_parts(shapes, return_index=True)
    broken = np.flatnonzero(np.bincount(owner, minlength=len(shapes)) > 1)
    if not len(broken):
        return []
    seg = segments(parts)
    beside: list[set[int]] = [set() for _ in parts]
    for a, b in zip(seg.cell.tolist(), seg.other_cell.tolist(), strict=True):
        if b >= 0:
            beside[a].add(b)
    found: list[tuple[int, int]] = []
    separate: dict[int, int] = {}
    for cell in broken.tolist():
        first, *others = np.flatnonzero(owner == cell).tolist()
        before = _search(beside, first)
        for part in others:
            if part not in before:
                separate.setdefault(cell, part)
                continue
            while part != first:
                found.append((cell, int(owner[part])))
                part = before[part]
    if separate:
        cell, part = next(iter(separate.items()))
        first = int(np.flatnonzero(owner == cell)[0])
        smaller = min((first, part), key=lambda k: float(parts[k].area))
        raise SeparatePartsError(
            f"cells: the parts of row {cell} are not connected", ids=list(separate), geometry=parts[smaller]
        )
    return [(a, b) for a, b in found if a != b]


def _search(beside: list[set[int]], start: int) -> dict[int, int]:
    """Predecessor of each part on a shortest path from `start`."""
    before, queue = {start: start}, deque([start])
    while queue:
        at = queue.popleft()
        for other in sorted(beside[at]):
            if other not in before:
                before[other] = at
                queue.append(other)
    return before
