"""Comparison of the vertices of edited cells with those of the base: reset, moved by all cells that share them, or by one."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import geopandas as gpd
import numpy as np
import shapely
from scipy.spatial import cKDTree

from geo.layers.columns import CODE
from geo.redraw.importing.findings import ERROR, MENDED, Findings, points
from geo.redraw.working.lattice import Vertex
from geo.wording import counted

#: Maximum distance at which a vertex is identified with one of the base, metres: reprojecting forth and back moves by up to 7
#: mm.
MATCH_M = 0.010

#: Maximum difference of a vertex between neighbours that counts as jitter, metres: caused by snapping in another CRS.
JITTER_M = 0.05

Ring = list[Vertex]


def lattice_ring(coordinates: np.ndarray) -> Ring:
    """A closed ring in lattice units, without repeated vertices."""
    ring: Ring = [(round(x * 1000), round(y * 1000)) for x, y in coordinates.tolist()]
    return [v for k, v in enumerate(ring) if k == 0 or v != ring[k - 1]]


class BaseVertices:
    """Vertices of the base with a spatial index."""

    def __init__(self, cells: gpd.GeoDataFrame) -> None:
        xy, index = shapely.get_coordinates(cells.geometry.array, return_index=True)
        whole = np.round(xy * 1000).astype(np.int64)
        self.vertices, inverse = np.unique(whole, axis=0, return_inverse=True)
        self._tree = cKDTree(self.vertices / 1000.0)
        codes = cells[CODE].astype(str).to_numpy()
        self.cells: dict[Vertex, set[str]] = {}
        for vertex, cell in zip(inverse.ravel().tolist(), index.tolist(), strict=True):
            self.cells.setdefault(tuple(self.vertices[vertex].tolist()), set()).add(codes[cell])

    def snapped(self, ring: Ring) -> Ring:
        """A ring in which vertices within :data:`MATCH_M` of the base are replaced by the base's."""
        xy = np.array(ring, dtype=float) / 1000.0
        distance, place = self._tree.query(xy)
        result = [
            tuple(self.vertices[k].tolist()) if d <= MATCH_M else vertex
            for vertex, d, k in zip(ring, distance, place, strict=True)
        ]
        return [v for k, v in enumerate(result) if k == 0 or v != result[k - 1]]


@dataclass
class Moves:
    """Changes of the base's vertices: new places by cell, and redrawn sections.

    Attributes
    ----------
    moved
        For each vertex of the base, its new place in each cell that moved it.
    redrawn
        For each cell, sections between two unchanged vertices with another number of vertices: (former, new).
    """

    moved: dict[Vertex, dict[str, Vertex]] = field(default_factory=dict)
    redrawn: list[tuple[str, Ring, Ring]] = field(default_factory=list)


def compare_rings(code: str, base: Ring, edited: Ring, moves: Moves) -> None:
    """Align a ring of a cell with that of the base, and record the differences."""
    if base[0] == base[-1]:
        base = base[:-1]
    if edited[0] == edited[-1]:
        edited = edited[:-1]
    known = {vertex: k for k, vertex in enumerate(base)}
    anchors = [k for k, vertex in enumerate(edited) if vertex in known]
    if not anchors:
        return
    edited = [*edited[anchors[0] :], *edited[: anchors[0]]]
    base = [*base[known[edited[0]] :], *base[: known[edited[0]]]]
    place = {vertex: k for k, vertex in enumerate(base)}
    kept = [(k, place[v]) for k, v in enumerate(edited) if v in place]
    monotone = [kept[0]]
    for pair in kept[1:]:
        if pair[1] > monotone[-1][1]:
            monotone.append(pair)
    monotone.append((len(edited), len(base)))
    edited, base = [*edited, edited[0]], [*base, base[0]]
    for (e0, b0), (e1, b1) in pairwise(monotone):
        former, new = base[b0 : b1 + 1], edited[e0 : e1 + 1]
        if former == new:
            continue
        if len(former) == len(new):
            for old, to in zip(former[1:-1], new[1:-1], strict=True):
                if old != to:
                    moves.moved.setdefault(old, {})[code] = to
        else:
            moves.redrawn.append((code, former, new))


def settle_moves(moves: Moves, base: BaseVertices, edited: set[str], findings: Findings) -> dict[Vertex, Vertex]:
    """Decide the new place of each moved vertex: if all cells agree, it moves; jitter is reset; a change of one cell is reported
    with a proposal.
    """
    result: dict[Vertex, Vertex] = {}
    jitter: dict[Vertex, set[str]] = {}
    small: dict[Vertex, Vertex] = {}
    alone: dict[Vertex, tuple[set[str], Vertex]] = {}
    for old, places in sorted(moves.moved.items()):
        targets = set(places.values())
        spread = max(max(abs(a[0] - old[0]), abs(a[1] - old[1])) for a in targets)
        agree = set(places) == base.cells[old] & edited and _diameter(targets) <= MATCH_M * 1000
        if agree and spread > JITTER_M * 1000:
            result[old] = min(targets)
        elif agree and len(places) > 1 and len(targets) == 1:
            small[old] = min(targets)
        elif spread <= JITTER_M * 1000:
            jitter[old] = set(places)
        else:
            alone[old] = (set(places), max(targets, key=lambda t: (abs(t[0] - old[0]) + abs(t[1] - old[1]), t)))
    if len(jitter) > 3 * len(small):
        # If many vertices moved by chance, some of them moved equally.
        jitter |= {old: base.cells[old] & edited for old in small}
    else:
        result |= small
    if jitter:
        cells = {code for codes in jitter.values() for code in codes}
        findings.add(
            "jitter",
            f"{len(jitter)} 个折点只在部分网格中移动了不到 {JITTER_M * 100:g} 厘米，已恢复原位 / "
            f"{counted(len(jitter), 'vertex', 'vertices')} moved by less than {JITTER_M * 100:g} cm in some of the cells "
            "only; set back",
            MENDED,
            cells,
            points((x / 1000, y / 1000) for x, y in jitter),
        )
    for old, (cells, to) in alone.items():
        findings.add(
            "moved_in_one_owner",
            f"折点只在 {'、'.join(sorted(cells))} 中移动，相邻网格没有跟随，产生缝隙和重叠；建议在所有网格中一起移动 / "
            "a vertex was moved in one cell only, which leaves a gap and an overlap; a move in all its cells is proposed",
            ERROR,
            base.cells[old],
            shapely.LineString([(old[0] / 1000, old[1] / 1000), (to[0] / 1000, to[1] / 1000)]),
        )
        result[old] = to
    return result


def _diameter(places: set[Vertex]) -> float:
    listed = sorted(places)
    return max((max(abs(a[0] - b[0]), abs(a[1] - b[1])) for a in listed for b in listed), default=0)
