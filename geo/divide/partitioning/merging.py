"""Merges cells of a coverage: small ones into neighbours, and groups into one polygon."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from geo.divide.partitioning.adjacency import OUTSIDE, segments

Geometries = npt.NDArray[np.object_]
Ints = npt.NDArray[np.int64]


def absorb(
    cells: Geometries, small: npt.NDArray[np.bool_], family: Ints, *, price: npt.NDArray[np.float64] | None = None
) -> Ints:
    """Find the cell into which each small cell is merged: the one of its family with the longest common border.

    Cells that are not small take precedence, however short the border.

    Parameters
    ----------
    cells
        Coverage, shape (n,).
    small
        Cells to be merged, bool (n,).
    family
        int64 (n,); only cells of one family are merged.
    price
        Value of a metre of each segment as a border, in the order of
        :func:`geo.divide.partitioning.adjacency.segments`; 1 by default. A high value keeps the border.

    Returns
    -------
    ndarray of int64, shape (n,)
        Number of the group of each cell, 0 .. k - 1 in the order of first cells. A small cell without a neighbour of its
        family is not merged.
    """
    seg = segments(cells)
    inner = (seg.other_cell != OUTSIDE) & (family[seg.cell] == family[np.maximum(seg.other_cell, 0)])
    worth = seg.length_m if price is None else seg.length_m / price
    borders: list[dict[int, float]] = [{} for _ in cells]
    for a, b, length in zip(
        seg.cell[inner].tolist(), seg.other_cell[inner].tolist(), worth[inner].tolist(), strict=True
    ):
        borders[a][b] = borders[a].get(b, 0.0) + length
    head = np.arange(len(cells))
    pending = np.flatnonzero(small)[np.argsort(shapely.area(cells[small]), kind="stable")].tolist()
    # In rounds: a small cell without a larger neighbour waits until one of its neighbours has been assigned.
    into_small = False
    while pending:
        chosen, left = [], []
        for cell in pending:
            open_to = [other for other in borders[cell] if into_small or not small[other]]
            if open_to:
                chosen.append((cell, max(open_to, key=lambda other: (borders[cell][other], -other))))
            elif borders[cell]:
                left.append(cell)
        for cell, target in chosen:
            kept = _root(head, target)
            if kept != cell:
                _join(borders, head, cell, kept)
        into_small = not chosen
        pending = left
    roots = np.array([_root(head, cell) for cell in range(len(cells))])
    return np.unique(roots, return_inverse=True)[1].astype(np.int64)


def without_hairlines(cells: Geometries, keep: Geometries, *, hair_m: float = 0.0035) -> Geometries:
    """Remove edges of a few millimetres from a coverage by moving one end to the other in all cells that have it.

    Parameters
    ----------
    cells
        Coverage of polygons without holes, shape (n,).
    keep
        Geometries whose vertices must not move.
    hair_m
        Edges shorter than this are removed, as long as the cells stay valid.
    """
    xy = shapely.get_coordinates(cells)
    near = np.flatnonzero(np.hypot(*np.diff(xy, axis=0).T) < hair_m)
    fixed = {(x, y) for x, y in shapely.get_coordinates(keep).tolist()}
    to: dict[tuple[float, float], tuple[float, float]] = {}
    used: set[tuple[float, float]] = set()
    for k in near.tolist():
        a, b = sorted([(float(xy[k, 0]), float(xy[k, 1])), (float(xy[k + 1, 0]), float(xy[k + 1, 1]))])
        if a == b or (a in fixed and b in fixed) or a in used or b in used:
            continue
        gone, stays = (a, b) if b in fixed else (b, a)
        to[gone] = stays
        used |= {a, b}
    if not to:
        return cells
    hit = np.unique(shapely.STRtree(cells).query(shapely.points(list(to)), predicate="intersects")[1])
    moved = cells.copy()
    moved[hit] = shapely.remove_repeated_points(
        shapely.transform(cells[hit], lambda q: np.array([to.get((float(x), float(y)), (x, y)) for x, y in q]))
    )
    return moved if shapely.is_valid(moved[hit]).all() and shapely.coverage_is_valid(moved) else cells


def dissolve(cells: Geometries, group: Ints) -> Geometries:
    """Union the cells of each group; vertices are kept, so the result is again an exact coverage.

    Returns
    -------
    ndarray of geometries, shape (group.max() + 1,)
    """
    count = np.bincount(group)
    order = np.argsort(group, kind="stable")
    out = np.empty(len(count), dtype=object)
    at = 0
    for number, size in enumerate(count.tolist()):
        members = order[at : at + size]
        at += size
        out[number] = cells[members[0]] if size == 1 else shapely.coverage_union_all(cells[members])
    return out


def _root(head: Ints, cell: int) -> int:
    while head[cell] != cell:
        head[cell] = head[head[cell]]
        cell = int(head[cell])
    return cell


def _join(borders: list[dict[int, float]], head: Ints, gone: int, kept: int) -> None:
    """Merge one root into another together with its borders."""
    head[gone] = kept
    for other, length in borders[gone].items():
        del borders[other][gone]
        if other != kept:
            borders[other][kept] = borders[other].get(kept, 0.0) + length
            borders[kept][other] = borders[kept].get(other, 0.0) + length
    borders[gone] = {}
