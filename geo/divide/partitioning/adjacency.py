"""Neighbours of the cells of a coverage, in the order in which they occur around each cell.

This order makes the tests of :mod:`geo.divide.partitioning.moves` local: a set of cells stays connected and without holes
when a cell leaves or joins it, if the cell's neighbours in the set are consecutive around the cell.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.errors import GeometryError
from geo.layers.crs import PER_METRE

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

OUTSIDE = -1


@dataclass(frozen=True)
class Segments:
    """All segments of the rings of a coverage, ring by ring in order.

    Attributes
    ----------
    cell, ring
        int64 (n,): the cell, and the number of the ring over all cells; a cell's outer ring comes first.
    start, end
        int64 (n,): numbers of the end points; equal numbers are equal places.
    other_cell
        int64 (n,): the cell on the other side, -1 outside.
    length_m
        float64 (n,).
    middle, span
        float64 (n, 2): midpoints, and the vectors from start to end.
    """

    cell: Ints
    ring: Ints
    start: Ints
    end: Ints
    other_cell: Ints
    length_m: Floats
    middle: Floats
    span: Floats


@dataclass(frozen=True)
class Graph:
    """Neighbours of the cells of a coverage, in order around each cell, as compressed rows.

    Row ``v`` is ``indptr[v]:indptr[v + 1]``. A neighbour occurs once for each stretch of common border. A cell that only
    touches at a corner has length 0.

    Attributes
    ----------
    indptr
        int64 (n + 1,).
    neighbour
        int64 (m,): cell across, -1 outside.
    length_m
        float64 (m,): shared border.
    link_m
        float64 (m,): border that the neighbour shares with the next one in the row; 0 if none.
    cost_m
        float64 (m,): shared border weighted by its kind, that is, the cost of cutting there.
    """

    indptr: Ints
    neighbour: Ints
    length_m: Floats
    link_m: Floats
    cost_m: Floats

    def __len__(self) -> int:
        return len(self.indptr) - 1

    def row_of(self) -> Ints:
        """Cell of each entry, int64 (m,)."""
        return np.repeat(np.arange(len(self)), np.diff(self.indptr))


def segments(cells: npt.NDArray[np.object_]) -> Segments:
    """Extract the segments of the rings of a coverage.

    Parameters
    ----------
    cells
        Polygons on the 1 mm lattice that form a coverage, shape (n,).

    Raises
    ------
    GeometryError
        If more than two cells have the same segment, or two have it on the same side.
    """
    rings, cell = shapely.get_rings(shapely.orient_polygons(cells), return_index=True)
    xy, of_ring = shapely.get_coordinates(rings, return_index=True)
    lattice = np.round(xy * PER_METRE).astype(np.int64)
    _, point = np.unique(_packed(lattice), return_inverse=True)
    first = np.flatnonzero(of_ring[1:] == of_ring[:-1])
    first = first[point[first] != point[first + 1]]
    start, end = point[first].astype(np.int64), point[first + 1].astype(np.int64)
    owner = cell[of_ring[first]].astype(np.int64)
    a, b = xy[first], xy[first + 1]
    return Segments(
        owner,
        of_ring[first].astype(np.int64),
        start,
        end,
        _across(start, end, owner),
        np.hypot(*(b - a).T),
        (a + b) / 2,
        b - a,
    )


def build_graph(cells: npt.NDArray[np.object_], factor: Floats | None = None, seg: Segments | None = None) -> Graph:
    """Build the graph of a coverage.

    Parameters
    ----------
    cells
        Polygons, shape (n,); only outer rings are walked.
    factor
        Cost of a metre of each segment, in the order of :func:`segments`; 1 by default.
    seg
        The segments, if already computed.
    """
    seg = segments(cells) if seg is None else seg
    factor = np.ones(len(seg.cell)) if factor is None else factor
    first_ring = np.full(len(cells), np.iinfo(np.int64).max)
    np.minimum.at(first_ring, seg.cell, seg.ring)
    outer = np.flatnonzero(seg.ring == first_ring[seg.cell])
    cell, neighbour, length, cost = _with_corners(_runs(seg, factor, outer), seg)
    indptr = np.searchsorted(cell, np.arange(len(cells) + 1)).astype(np.int64)
    return Graph(indptr, neighbour, length, _links(indptr, cell, neighbour, length), cost)


def rows(graph: Graph, members: Ints) -> tuple[Ints, Ints]:
    """Entries of the graph that belong to members: the number of the member, and the entry."""
    degree = graph.indptr[members + 1] - graph.indptr[members]
    offset = np.repeat(graph.indptr[members] - np.r_[0, np.cumsum(degree)[:-1]], degree)
    return np.repeat(np.arange(len(members)), degree), np.arange(int(degree.sum())) + offset


def borders(graph: Graph, members: Ints, *, border_m: float = 0.0) -> tuple[Ints, Ints]:
    """Pairs of members that share a border longer than `border_m`, as numbers of members; each pair both ways."""
    place = np.full(len(graph), -1, dtype=np.int64)
    place[members] = np.arange(len(members))
    a, entries = rows(graph, members)
    b = graph.neighbour[entries]
    b = np.where((b >= 0) & (graph.length_m[entries] > border_m), place[b], -1)
    return a[b >= 0], b[b >= 0]


def pieces(graph: Graph, members: Ints, *, border_m: float = 0.0) -> Ints:
    """Number of the connected component of each member through borders longer than `border_m`; all 0 if connected."""
    a, b = borders(graph, members, border_m=border_m)
    matrix = coo_array((np.ones(len(a)), (a, b)), shape=(len(members),) * 2)
    return np.asarray(connected_components(matrix, directed=False)[1], dtype=np.int64)


def _packed(lattice: Ints) -> Ints:
    """One integer per place; equal places give equal integers."""
    low = lattice.min(axis=0) if len(lattice) else np.zeros(2, dtype=np.int64)
    shifted = lattice - low
    packed: Ints = shifted[:, 0] * (int(shifted[:, 1].max(initial=0)) + 1) + shifted[:, 1]
    return packed


def _across(start: Ints, end: Ints, owner: Ints) -> Ints:
    points = int(max(start.max(initial=0), end.max(initial=0))) + 1
    key = np.minimum(start, end) * points + np.maximum(start, end)
    order = np.argsort(key, kind="stable")
    same = key[order][1:] == key[order][:-1]
    if (same[1:] & same[:-1]).any():
        crowded = owner[order][2:][same[1:] & same[:-1]]
        raise GeometryError(
            "cells: a border segment belongs to more than two cells; repair the coverage first", ids=list(crowded[:5])
        )
    i, j = order[:-1][same], order[1:][same]
    if (start[i] == start[j]).any():
        raise GeometryError(
            "cells: two cells lie on the same side of a border; repair the coverage first", ids=list(owner[i][:5])
        )
    across = np.full(len(owner), OUTSIDE, dtype=np.int64)
    across[i], across[j] = owner[j], owner[i]
    return across


def _runs(seg: Segments, factor: Floats, outer: Ints) -> tuple[Ints, Ints, Floats, Floats, Ints]:
    """Compress each ring to one entry per stretch along the same neighbour; also the end point of each entry."""
    cell, across = seg.cell[outer], seg.other_cell[outer]
    length, cost = seg.length_m[outer], seg.length_m[outer] * factor[outer]
    new = np.r_[True, (cell[1:] != cell[:-1]) | (across[1:] != across[:-1])] if len(cell) else np.empty(0, dtype=bool)
    begin = np.flatnonzero(new)
    stretch = np.cumsum(new) - 1
    total = np.bincount(stretch, length).astype(np.float64)
    price = np.bincount(stretch, cost).astype(np.float64)
    last = np.r_[begin[1:], len(cell)] - 1
    run_cell, run_across, ends = cell[begin], across[begin], seg.end[outer][last]
    # A ring starts anywhere: a first and a last stretch along the same neighbour are merged.
    head = np.r_[True, run_cell[1:] != run_cell[:-1]]
    heads = np.flatnonzero(head)
    tails = np.r_[heads[1:], len(run_cell)] - 1
    joined = (heads != tails) & (run_across[heads] == run_across[tails])
    total[heads[joined]] += total[tails[joined]]
    price[heads[joined]] += price[tails[joined]]
    kept = np.ones(len(run_cell), dtype=bool)
    kept[tails[joined]] = False
    return run_cell[kept], run_across[kept], total[kept], price[kept], ends[kept]


def _links(indptr: Ints, cell: Ints, neighbour: Ints, length: Floats) -> Floats:
    """Border between each neighbour and the next one around the cell."""
    following = np.arange(1, len(cell) + 1)
    last = indptr[1:][np.diff(indptr) > 0] - 1
    following[last] = indptr[:-1][np.diff(indptr) > 0]
    a, b = neighbour, neighbour[following]
    count = len(indptr)
    known = np.flatnonzero((neighbour >= 0) & (length > 0))
    key, which = np.unique(cell[known] * count + neighbour[known], return_inverse=True)
    shared = np.bincount(which, length[known], minlength=len(key)).astype(np.float64)
    wanted = a * count + b
    at = np.minimum(np.searchsorted(key, wanted), max(len(key) - 1, 0))
    found = (a >= 0) & (b >= 0) & (a != b)
    if not len(key):
        return np.zeros(len(cell))
    links: Floats = np.where(found & (key[at] == wanted), shared[at], 0.0)
    return links


def _with_corners(entries: tuple[Ints, Ints, Floats, Floats, Ints], seg: Segments) -> tuple[Ints, Ints, Floats, Floats]:
    """Insert, with length 0, cells and the outside that touch only at a corner where four or more cells meet."""
    cell, neighbour, length, cost, ends = entries
    touching = np.unique(np.column_stack([seg.start, seg.cell]), axis=0)
    outside = np.unique(seg.start[seg.other_cell == OUTSIDE])
    meeting = np.bincount(touching[:, 0], minlength=int(seg.start.max(initial=0)) + 1)
    meeting[outside] += 1
    crowded = np.flatnonzero(meeting[ends] >= 4)
    if not len(crowded):
        return cell, neighbour, length, cost
    fans = _Fans(seg, np.unique(ends[crowded]))
    rows, extra = [], []
    for k in crowded:
        following = k + 1 if k + 1 < len(cell) and cell[k + 1] == cell[k] else int(np.searchsorted(cell, cell[k]))
        corner = fans.between(int(ends[k]), int(cell[k]), int(neighbour[k]), int(neighbour[following]))
        rows += [k + 1] * len(corner)
        extra += corner
    at = np.array(rows, dtype=np.int64)
    owners = cell[at - 1]
    zero = np.zeros(len(at))
    return (
        np.insert(cell, at, owners),
        np.insert(neighbour, at, np.array(extra, dtype=np.int64)),
        np.insert(length, at, zero),
        np.insert(cost, at, zero),
    )


class _Fans:
    """Order of the cells around points where four or more cells meet.

    A ring has its cell on the left, so the cell across the segment that leads to a point is next in one direction, and the
    cell across the segment that leaves the point in the other direction.
    """

    def __init__(self, seg: Segments, points: Ints) -> None:
        self._next = self._beside(points, seg.end, seg)
        self._before = self._beside(points, seg.start, seg)
        self._cells: dict[int, list[int]] = {}
        for point, cell in sorted(self._next):
            self._cells.setdefault(point, []).append(cell)

    @staticmethod
    def _beside(points: Ints, of_segment: Ints, seg: Segments) -> dict[tuple[int, int], int | None]:
        """Cell across from each cell at each point; None if the ring passes the point twice."""
        rows = np.flatnonzero(np.isin(of_segment, points))
        found: dict[tuple[int, int], int | None] = {}
        for point, cell, across in zip(
            of_segment[rows].tolist(), seg.cell[rows].tolist(), seg.other_cell[rows].tolist(), strict=True
        ):
            found[point, cell] = None if (point, cell) in found else across
        return found

    def between(self, point: int, cell: int, first: int, last: int) -> list[int]:
        """Cells around a point between `first` and `last` as seen from `cell`, OUTSIDE included."""
        ahead = self._chain(self._next, point, first, last)
        if ahead is not None and ahead[-1:] == [last]:
            return ahead[:-1]
        back = self._chain(self._before, point, last, first)
        if ahead is None or back is None or len(set(ahead) & set(back) - {OUTSIDE}):
            # Which of them are adjacent is unknown; none are treated as joined.
            others = [c for c in self._cells[point] if c not in (cell, first, last)]
            return [OUTSIDE, *(c for one in others for c in (one, OUTSIDE))] if others else []
        lost = [c for c in self._cells[point] if c not in (cell, first, last, *ahead, *back)]
        return [*ahead, OUTSIDE, *(c for one in lost for c in (one, OUTSIDE)), *reversed(back)]

    def _chain(self, step: dict[tuple[int, int], int | None], point: int, start: int, stop: int) -> list[int] | None:
        """Cells that follow `start` up to and including `stop`, or up to the outside; None if undetermined."""
        chain: list[int] = []
        at: int | None = start
        while at is not None and at != OUTSIDE and len(chain) <= len(self._cells[point]):
            at = step[point, at]
            if at is None or at == stop:
                return None if at is None else [*chain, stop]
            if at != OUTSIDE:
                chain.append(at)
        return chain
