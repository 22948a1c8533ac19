"""The mutable mesh of a draft: arcs over an immutable base, indexed by vertex and by cell.

Edits copy nothing: the base is unchanged, replaced arcs are marked as removed, and new ones are stored separately. Vertices are
identified by their lattice coordinates and cells by their codes, as positions change with every chain of arcs.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cached_property
from itertools import pairwise
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geo.coverage.arcs import OUTSIDE, Arcs
from geo.coverage.mesh import Mesh
from geo.coverage.rings import polygons
from geo.layers.columns import CODE, PARENT
from geo.layers.crs import PER_METRE
from geo.layers.division import Division
from geo.redraw.working.lattice import Vertex
from geo.redraw.working.tiles import tiles_along, tiles_of

#: Code of the ground outside the street.
NO_CELL = ""


class Arc(NamedTuple):
    """A border line with one cell on each side: vertices in lattice units, codes seen from the first vertex to the last."""

    points: tuple[Vertex, ...]
    left: str
    right: str

    def reverse(self) -> Arc:
        """The same border in the opposite direction."""
        return Arc(self.points[::-1], self.right, self.left)

    def one_way(self) -> Arc:
        """A canonical direction of the border."""
        return self if self.points <= self.points[::-1] else self.reverse()


class Redraw(NamedTuple):
    """A stored change of geometry: `before` is replaced by `after`; swapping the two undoes it."""

    before: tuple[Arc, ...]
    after: tuple[Arc, ...]

    def inverse(self) -> Redraw:
        """The change that undoes this one."""
        return Redraw(self.after, self.before)


_NO_ARCS = np.zeros(0, dtype=np.int64)

#: No change of geometry.
NOTHING = Redraw((), ())


class Workspace:
    """Arcs of a draft.

    Parameters
    ----------
    mesh
        The base, not changed.
    codes
        Code of each cell of the mesh, shape (n_cells,).
    above
        Codes of the grids above the cells, an array of shape (n_cells,) for each level: :meth:`of_group` returns the borders of
        those grids.

    Notes
    -----
    Construction sorts the vertices of the base, O(n log n); every lookup after that is O(log n), independent of edits.
    """

    def __init__(
        self, mesh: Mesh, codes: npt.NDArray[np.object_], above: Sequence[npt.NDArray[np.object_]] = ()
    ) -> None:
        arcs = mesh.arcs
        self.crs = mesh.crs
        xy, offsets = (np.ascontiguousarray(values, dtype=np.int64) for values in (arcs.xy, arcs.offsets))
        self.base_arcs = Arcs(xy, offsets, *(np.ascontiguousarray(side, np.int32) for side in (arcs.left, arcs.right)))
        self._xy = xy
        # Memory views, because single values of a NumPy array are slow to read.
        self._offsets, self._left, self._right = (values.data for values in self.base_arcs[1:])
        # Position -1, for ground outside, is the last one.
        self._codes = [*(str(code) for code in codes), NO_CELL]
        self._base = len(arcs.left)
        self._corner = tuple(arcs.xy.min(axis=0).tolist()) if len(arcs.xy) else (0, 0)
        keys = self._keys(arcs.xy)
        order = np.argsort(keys, kind="stable")
        self._sorted = keys[order].data
        self._sorted_arc = np.repeat(np.arange(self._base, dtype=np.int32), np.diff(arcs.offsets))[order].data
        self._cell_arcs, start = _arcs_of_cells(arcs, len(codes))
        self._cell_start = start.data
        self._group_arcs: dict[str, npt.NDArray[np.int64]] = {}
        for groups in above:
            self._group_arcs |= _arcs_of_groups(arcs, groups)
        #: Position of each cell in the base.
        self.position = {code: k for k, code in enumerate(self._codes[:-1])}
        self._gone: set[int] = set()
        self._built: dict[int, Arc] = {}
        # What was looked up: an edit asks for the ends of its arcs several times.
        self._found: dict[Vertex, list[int]] = {}
        self._new: dict[int, Arc] = {}
        self._by_vertex: dict[Vertex, set[int]] = {}
        self._by_cell: dict[str, set[int]] = {}
        self._by_tile: dict[tuple[int, int], set[int]] = {}
        self._number: dict[Arc, int] = {}
        self._next = self._base

    @classmethod
    def of(cls, division: Division) -> Workspace:
        """The arcs between the third-level cells of a division, and the borders of its grids above them."""
        third, second = division.third, division.second
        parent = third[PARENT].astype(str)
        community = parent.map(second.set_index(second[CODE].astype(str))[PARENT]).astype(str)
        above = [codes.to_numpy(dtype=object) for codes in (parent, community)]
        return cls(Mesh.from_layer(third), third[CODE].to_numpy(dtype=object), above)

    def _keys(self, xy: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        return np.asarray(((xy[:, 0] - self._corner[0]) << 32) | (xy[:, 1] - self._corner[1]), dtype=np.int64)

    # Lookup

    def arc(self, number: int) -> Arc:
        """The arc with a number."""
        if number >= self._base:
            return self._new[number]
        arc = self._built.get(number)
        if arc is None:
            points = tuple(map(tuple, self._xy[self._offsets[number] : self._offsets[number + 1]].tolist()))
            arc = Arc(points, self._codes[self._left[number]], self._codes[self._right[number]])
            self._built[number] = arc
        return arc

    def at_vertex(self, vertex: Vertex) -> set[int]:
        """Numbers of the arcs that contain a vertex."""
        found = set(self._by_vertex.get(vertex, ()))
        found.update(number for number in self._base_at(vertex) if number not in self._gone)
        return found

    def _base_at(self, vertex: Vertex) -> list[int]:
        """Numbers of the arcs of the base that contain a vertex, including replaced ones."""
        found = self._found.get(vertex)
        if found is None:
            found = self._found[vertex] = self._search_base(vertex)
        return found

    def _search_base(self, vertex: Vertex) -> list[int]:
        x, y = vertex[0] - self._corner[0], vertex[1] - self._corner[1]
        if not (0 <= x < 2**31 and 0 <= y < 2**32):
            return []
        key = (x << 32) | y
        keys, found = self._sorted, []
        k = bisect_left(keys, key)
        while k < len(keys) and keys[k] == key:
            found.append(self._sorted_arc[k])
            k += 1
        return found

    def of_cell(self, code: str) -> set[int]:
        """Numbers of the arcs on the border of a cell."""
        found = set(self._by_cell.get(code, ()))
        position = self.position.get(code)
        if position is not None:
            found.update(self._cell_arcs[self._cell_start[position] : self._cell_start[position + 1]].tolist())
        return found - self._gone

    def of_cells(self, codes: Iterable[str]) -> dict[int, Arc]:
        """The arcs on the borders of cells, by number."""
        return {number: self.arc(number) for number in sorted(self.numbers_of_cells(codes))}

    def numbers_of_cells(self, codes: Iterable[str]) -> set[int]:
        """Numbers of the arcs on the borders of cells."""
        return set().union(*map(self.of_cell, codes))

    def is_of_base(self, number: int) -> bool:
        """Whether a number is that of an arc of the base, a row of :attr:`base_arcs`."""
        return number < self._base

    def of_group(self, code: str, cells: Collection[str]) -> list[Arc]:
        """The arcs on the border of a grid above the third level.

        Parameters
        ----------
        code
            Code of the grid, one of those given as `above` or a new one.
        cells
            Codes of its third-level cells now.

        Notes
        -----
        A cell that changes its parent gets another code, so each arc of the base that is still in force lies between the same
        grids as in the base.
        """
        members = set(cells)
        numbers = {n for n in self._group_arcs.get(code, _NO_ARCS).tolist() if n not in self._gone}
        for cell in members:
            numbers.update(self._by_cell.get(cell, ()))
        arcs = [self.arc(number) for number in sorted(numbers)]
        return [arc for arc in arcs if (arc.left in members) != (arc.right in members)]

    def in_box(self, low: Vertex, high: Vertex) -> set[int]:
        """Numbers of the arcs with a vertex or edge in a box, and of some near it.

        The first call builds a tree over the arcs of the base; after that the cost is that of a lookup.
        """
        window = shapely.box(*(value / PER_METRE for value in (*low, *high)))
        numbers = {n for n in self._arc_tree.query(window).tolist() if n not in self._gone}
        for tile in tiles_of(low, high):
            numbers |= self._by_tile.get(tile, set())
        return numbers

    def arcs(self) -> Iterator[Arc]:
        """All arcs in force, those of the base first."""
        yield from (self.arc(number) for number in range(self._base) if number not in self._gone)
        yield from self._new.values()

    def is_node(self, vertex: Vertex) -> bool:
        """Whether arcs end in a vertex."""
        return any(vertex in (arc.points[0], arc.points[-1]) for arc in map(self.arc, self.at_vertex(vertex)))

    # Changes

    def replace(self, change: Redraw) -> None:
        """Remove the arcs of `before` and add those of `after`."""
        for arc in change.before:
            self._remove(arc)
        for arc in change.after:
            self._add(arc)

    def _remove(self, arc: Arc) -> None:
        number = self.number_of(arc)
        if number < self._base:
            self._gone.add(number)
            return
        kept = self._new.pop(number)
        del self._number[kept]
        for vertex in kept.points:
            self._by_vertex[vertex].discard(number)
        for code in (kept.left, kept.right):
            self._by_cell[code].discard(number)
        for tile in tiles_along(kept.points):
            self._by_tile[tile].discard(number)

    def is_edited(self, arc: Arc) -> bool:
        """Whether an arc in force is not one of the base."""
        return arc in self._number or arc.reverse() in self._number

    def has(self, arc: Arc) -> bool:
        """Whether an arc is in force, in either direction."""
        try:
            self.number_of(arc)
        except KeyError:
            return False
        return True

    def number_of(self, arc: Arc) -> int:
        """Number of an arc, in either direction.

        Raises
        ------
        KeyError
            If the draft has no such arc.
        """
        base = [number for number in self._base_at(arc.points[0]) if number not in self._gone]
        for number in base:
            if self._built.get(number) is arc:
                return number
        known = self._number.get(arc)
        if known is not None:
            return known
        turned = arc.reverse()
        known = self._number.get(turned)
        if known is not None:
            return known
        for number in base:
            if self.arc(number) in (arc, turned):
                return number
        raise KeyError(arc)

    def _add(self, arc: Arc) -> None:
        restored = self._struck_out(arc)
        if restored is not None:
            self._gone.discard(restored)
            return
        number, self._next = self._next, self._next + 1
        self._new[number] = arc
        self._number[arc] = number
        for vertex in arc.points:
            there = self._by_vertex.get(vertex)
            if there is None:
                self._by_vertex[vertex] = {number}
            else:
                there.add(number)
        for code in (arc.left, arc.right):
            self._by_cell.setdefault(code, set()).add(number)
        for tile in tiles_along(arc.points):
            self._by_tile.setdefault(tile, set()).add(number)

    def _struck_out(self, arc: Arc) -> int | None:
        """Number of a removed arc of the base that is restored."""
        for number in self._base_at(arc.points[0]) if self._gone else ():
            if number in self._gone and self.arc(number) in (arc, arc.reverse()):
                return number
        return None

    # Geometry

    def changed_cells(self) -> set[str]:
        """Codes of cells whose border differs from the base."""
        codes = {code for arc in self._new.values() for code in (arc.left, arc.right)}
        for number in self._gone:
            codes |= {self._codes[self._left[number]], self._codes[self._right[number]]}
        codes.discard(NO_CELL)
        return codes

    def shapes(self, codes: Iterable[str]) -> gpd.GeoSeries:
        """Polygons of cells, in metres, indexed by code, normalised as by :func:`geo.coverage.rings.polygons`."""
        wanted = list(dict.fromkeys(codes))
        return gpd.GeoSeries(shapes_of(self.of_cells(wanted).values(), wanted), index=wanted, crs=self.crs)

    def edges_near(self, vertex: Vertex, within: int) -> Iterator[tuple[int, int]]:
        """Arc number and position of each edge whose box comes within a distance of a vertex."""
        x, y = vertex
        for number in sorted(self.in_box((x - within, y - within), (x + within, y + within))):
            for k, ((ax, ay), (bx, by)) in enumerate(pairwise(self.arc(number).points)):
                if (
                    min(ax, bx) - within <= x <= max(ax, bx) + within
                    and min(ay, by) - within <= y <= max(ay, by) + within
                ):
                    yield number, k

    @cached_property
    def _arc_tree(self) -> shapely.STRtree:
        """Tree over the arcs of the base, in metres."""
        index = np.repeat(np.arange(self._base), np.diff(self._offsets))
        return shapely.STRtree(shapely.linestrings(self._xy / PER_METRE, indices=index))


def shapes_of(arcs: Iterable[Arc], codes: list[str]) -> npt.NDArray[np.object_]:
    """Polygons of cells from the arcs around them, in metres, in the order of `codes`; other cells count as outside."""
    arcs = list(arcs)
    position = {code: k for k, code in enumerate(codes)}
    xy = np.array([vertex for arc in arcs for vertex in arc.points], dtype=np.int64).reshape(-1, 2)
    offsets = np.cumsum([0, *(len(arc.points) for arc in arcs)])
    left, right = (
        np.array([position.get(code, OUTSIDE) for code in side], dtype=np.int32)
        for side in ([arc.left for arc in arcs], [arc.right for arc in arcs])
    )
    keep = (left != OUTSIDE) | (right != OUTSIDE)
    if not keep.all():
        return shapes_of([arc for arc, kept in zip(arcs, keep, strict=True) if kept], codes)
    if len(arcs) == 0:
        return np.array([shapely.Polygon()] * len(codes), dtype=object)
    return polygons(Arcs(xy, offsets.astype(np.int64), left, right), len(codes))


def _arcs_of_cells(arcs: Arcs, n_cells: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Arcs of each cell as compressed rows: numbers, and start of each cell."""
    number = np.arange(len(arcs.left))
    cell = np.concatenate([arcs.left, arcs.right])
    number = np.concatenate([number, number])[cell != OUTSIDE]
    cell = cell[cell != OUTSIDE]
    order = np.argsort(cell, kind="stable")
    start = np.concatenate([[0], np.cumsum(np.bincount(cell, minlength=n_cells))])
    return number[order].astype(np.int64), start.astype(np.int64)


def _arcs_of_groups(arcs: Arcs, groups: npt.NDArray[np.object_]) -> dict[str, npt.NDArray[np.int64]]:
    """Numbers of the arcs on the border of each group of cells, by the code of the group."""
    codes, group = np.unique(groups.astype(str), return_inverse=True)
    # Position -1, for ground outside, is the last one.
    group = np.append(group, len(codes))
    left, right = group[arcs.left], group[arcs.right]
    number = np.flatnonzero(left != right)
    numbers, of = np.concatenate([number, number]), np.concatenate([left[number], right[number]])
    order = np.argsort(of, kind="stable")
    start = np.searchsorted(of[order], np.arange(len(codes) + 1))
    numbers = numbers[order].astype(np.int64)
    return {str(code): numbers[start[k] : start[k + 1]] for k, code in enumerate(codes)}
