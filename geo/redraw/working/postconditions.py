"""Postconditions of an edit, tested exactly and only around the cells that it touches.

The tests on one changed section of a border:

1. New edges intersect no other edge of the adjacent cells, except at a common end.
2. Every cell keeps its outer rings counter-clockwise and its inner rings clockwise, with positive area, and does not gain rings.
3. Inner rings stay inside an outer ring: a border can jump over an enclave without crossing anything.
4. At each node, every cell and every ancestor occupies one sector: no new corner-only contact.

The sums of winding numbers over the touched cells then equal that of their unchanged outer border, so each point is covered
once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import shapely

from geo.errors import RefusedEdit
from geo.layers.crs import PER_METRE
from geo.redraw.working.arcs import NO_CELL, Arc, Workspace
from geo.redraw.working.lattice import (
    CROSSES,
    NONE,
    Vertex,
    as_edges,
    direction_key,
    doubled_area,
    first_conflict,
    in_ring,
)

#: Minimum area of a cell, square metres: an area below that of a small kiosk is a drawing mistake.
MIN_AREA_M2 = 4.0


@dataclass
class Rings:
    """Closed rings of one cell, each with twice its signed area in square lattice units."""

    outer: list[tuple[int, list[Vertex]]] = field(default_factory=list)
    inner: list[tuple[int, list[Vertex]]] = field(default_factory=list)

    def polygon(self) -> shapely.Polygon:
        """The cell as a polygon in metres; it must have one outer ring."""
        shell, *holes = [
            shapely.linearrings(np.array(ring, dtype=np.int64) / PER_METRE) for _, ring in (*self.outer, *self.inner)
        ]
        return shapely.polygons(shell, holes or None)

    def doubled_area(self) -> int:
        """Twice the area of the cell, square lattice units."""
        return sum(area for area, _ in self.outer) + sum(area for area, _ in self.inner)

    def area_m2(self) -> float:
        """Area of the cell, square metres."""
        return self.doubled_area() / (2 * PER_METRE**2)


def in_metres(vertex: Vertex) -> tuple[float, float]:
    """Coordinates of a vertex in metres."""
    return vertex[0] / PER_METRE, vertex[1] / PER_METRE


def point(vertex: Vertex) -> shapely.Point:
    """A vertex as a point in metres."""
    return shapely.Point(in_metres(vertex))


def rings_of(arcs: Iterable[Arc], area: str | set[str]) -> Rings:
    """Trace the border of a cell, or of several cells as one area.

    Cells lie on the left of the walk; at a vertex that the border passes more than once, the walk follows the same sector, so
    that parts that touch in a point are separated.
    """
    members = {area} if isinstance(area, str) else area
    lines = []
    for arc in arcs:
        left, right = arc.left in members, arc.right in members
        if left != right:
            lines.append(arc.points if left else arc.points[::-1])
    return _trace(lines)


def rings_of_each(arcs: Iterable[Arc], codes: Iterable[str]) -> dict[str, Rings]:
    """Trace the border of each of several cells, as :func:`rings_of` does for one, from the arcs around all of them."""
    lines: dict[str, list[tuple[Vertex, ...]]] = {code: [] for code in codes}
    for arc in arcs:
        if arc.left == arc.right:
            continue
        if arc.left in lines:
            lines[arc.left].append(arc.points)
        if arc.right in lines:
            lines[arc.right].append(arc.points[::-1])
    return {code: _trace(border) for code, border in lines.items()}


def _trace(lines: Sequence[tuple[Vertex, ...]]) -> Rings:
    """Join lines that have the area on their left into rings."""
    result = Rings()
    leaving: dict[Vertex, list[int]] = {}
    for k, line in enumerate(lines):
        leaving.setdefault(line[0], []).append(k)
    left_over = set(range(len(lines)))
    while left_over:
        k = min(left_over)
        ring = [lines[k][0]]
        while k in left_over:
            left_over.discard(k)
            ring += lines[k][1:]
            choices = [other for other in leaving.get(ring[-1], ()) if other in left_over]
            if ring[-1] == ring[0] and len(leaving[ring[0]]) == 1:
                break
            if not choices:
                break
            k = choices[0] if len(choices) == 1 else _leftmost(ring, choices, lines)
            if ring[-1] == ring[0]:
                break
        simple = len(set(ring)) == len(ring) - 1 and len(ring) > 3
        for closed in [ring] if simple else _simple_rings(ring):
            doubled = doubled_area(closed)
            (result.outer if doubled > 0 else result.inner).append((doubled, closed))
    return result


def _leftmost(ring: list[Vertex], choices: list[int], lines: Sequence[tuple[Vertex, ...]]) -> int:
    """The line that bounds the same sector on the left of a walk: the first one clockwise from the reversed last edge."""
    at = ring[-1]
    back = direction_key(at, ring[-2])
    keys = sorted((direction_key(at, lines[k][1]), k) for k in choices)
    below = [k for key, k in keys if key < back]
    return below[-1] if below else keys[-1][1]


def _simple_rings(ring: list[Vertex]) -> list[list[Vertex]]:
    """Cut a closed walk into simple rings."""
    rings: list[list[Vertex]] = []
    stack: list[Vertex] = []
    place: dict[Vertex, int] = {}
    for vertex in ring:
        if vertex in place:
            start = place[vertex]
            rings.append([*stack[start:], vertex])
            for dropped in stack[start + 1 :]:
                del place[dropped]
            del stack[start + 1 :]
        else:
            place[vertex] = len(stack)
            stack.append(vertex)
    return [closed for closed in rings if len(closed) > 3]


def require_no_conflict(after: Sequence[Arc], rest: Sequence[Arc], fresh: Collection[tuple[Vertex, Vertex]]) -> None:
    """Refuse new edges that intersect another edge of the touched cells other than at a common end (test 1).

    Parameters
    ----------
    after
        The added arcs.
    rest
        The other arcs around the adjacent cells.
    fresh
        Edges of `after` that did not exist before, each with its lesser end first.
    """
    new: list[tuple[Vertex, Vertex]] = []
    kept: list[tuple[Vertex, Vertex]] = []
    for arc in after:
        for a, b in pairwise(arc.points):
            (new if (a, b) in fresh or (b, a) in fresh else kept).append((a, b))
    _require_simple(rest, after)
    conflict, row, partner = first_conflict(as_edges(new), as_edges([*kept, *(arc.points for arc in rest)]))
    if conflict == NONE:
        return
    edge = new[row]
    place = shapely.LineString([(x / PER_METRE, y / PER_METRE) for x, y in edge])
    cells = sorted({code for arc in after for code in (arc.left, arc.right)} - {NO_CELL})
    if partner < 0:
        raise RefusedEdit(
            "self_crossing", "新边界与自身相交", "the new border crosses itself", cells=cells, geometry=place
        )
    if conflict == CROSSES:
        raise RefusedEdit(
            "crosses", "新边界与另一条边界相交", "the new border crosses another border", cells=cells, geometry=place
        )
    raise RefusedEdit(
        "touches",
        "新边界碰到另一条边界或折点",
        "the new border touches another border or vertex",
        cells=cells,
        geometry=place,
    )


def outline_near(workspace: Workspace, edges: Collection[tuple[Vertex, Vertex]]) -> set[int]:
    """Numbers of the arcs of the outline of the street in the box of edges."""
    x, y = ([vertex[axis] for edge in edges for vertex in edge] for axis in (0, 1))
    arcs = ((number, workspace.arc(number)) for number in workspace.in_box((min(x), min(y)), (max(x), max(y))))
    return {number for number, arc in arcs if NO_CELL in (arc.left, arc.right)}


def _require_simple(rest: Sequence[Arc], after: Sequence[Arc]) -> None:
    """Refuse an inner vertex of a new arc that also lies on another arc, or twice on the same one."""
    inner = Counter(vertex for arc in after for vertex in arc.points[1:-1])
    places = inner + Counter(vertex for arc in after for vertex in {arc.points[0], arc.points[-1]})
    others = {vertex for arc in rest for vertex in arc.points}
    for arc in after:
        closed = arc.points[0] == arc.points[-1]
        if (closed and len(arc.points) < 4) or any(a == b for a, b in pairwise(arc.points)):
            raise RefusedEdit(
                "touches",
                "新位置与另一个折点重合",
                "the new place is that of another vertex",
                cells=sorted({arc.left, arc.right} - {NO_CELL}),
                geometry=point(arc.points[0]),
            )
        if len(set(arc.points[:-1])) < len(arc.points) - 1 or (
            arc.points[0] != arc.points[-1] and arc.points[-1] in arc.points[:-1]
        ):
            place = next(vertex for vertex, count in Counter(arc.points).items() if count > 1)
            raise RefusedEdit(
                "self_crossing",
                "新边界两次经过同一点",
                "the new border passes a point twice",
                cells=sorted({arc.left, arc.right} - {NO_CELL}),
                geometry=point(place),
            )
        for vertex in arc.points[1:-1]:
            if vertex in others or places[vertex] > 1:
                raise RefusedEdit(
                    "touches",
                    "新边界碰到另一个折点",
                    "the new border passes a vertex of another border",
                    cells=sorted({arc.left, arc.right} - {NO_CELL}),
                    geometry=point(vertex),
                )


def require_rings(before: Rings, after: Rings, code: str, hole_kind: str) -> None:
    """Refuse a cell that fell apart, was inverted, lost its area or surrounds another one (tests 2 and 3)."""
    _require_sound_rings(before, after, [code], hole_kind)
    if after.doubled_area() < 2 * MIN_AREA_M2 * PER_METRE**2 and after.doubled_area() < before.doubled_area():
        raise RefusedEdit(
            "too_small",
            f"网格 {code} 的面积将不足 {MIN_AREA_M2:g} 平方米",
            f"cell {code} would have less than {MIN_AREA_M2:g} m²",
            cells=[code],
            geometry=_place_of(after),
        )


def _require_sound_rings(before: Rings, after: Rings, codes: Sequence[str], hole_kind: str) -> None:
    name = "、".join(codes[:3])
    if len(after.outer) < max(1, len(before.outer)):
        raise RefusedEdit(
            "flips",
            f"网格 {name} 会翻转或消失",
            f"cell {', '.join(codes[:3])} would turn over or vanish",
            cells=codes,
            geometry=_place_of(before),
        )
    if len(after.outer) > max(1, len(before.outer)):
        raise RefusedEdit(
            "detached",
            f"网格 {name} 会分成互不相连的几块",
            f"cell {', '.join(codes[:3])} would fall into parts",
            cells=codes,
            geometry=_place_of(after),
        )
    if len(after.inner) > len(before.inner):
        raise RefusedEdit(
            hole_kind,
            f"网格 {name} 会把其他网格围在里面",
            f"cell {', '.join(codes[:3])} would lie round other cells",
            cells=codes,
            geometry=_place_of(after),
        )
    for _, hole in after.inner:
        if not any(all(in_ring(shell, vertex) for vertex in hole[:-1]) for _, shell in after.outer):
            raise RefusedEdit(
                "encloses",
                f"网格 {name} 的边界会越过它所围住的网格",
                f"the border of {', '.join(codes[:3])} would jump over a cell that it lies round",
                cells=codes,
                geometry=point(hole[0]),
            )


def _place_of(rings: Rings) -> shapely.Geometry | None:
    smallest = min((*rings.outer, *rings.inner), key=lambda ring: abs(ring[0]), default=None)
    return None if smallest is None else shapely.Polygon([(x / PER_METRE, y / PER_METRE) for x, y in smallest[1]])


def require_group(before: Rings, after: Rings, code: str) -> None:
    """Refuse a grid above the third level that fell apart or surrounds another one."""
    _require_sound_rings(before, after, [code], "ring")


def corner_contacts(
    workspace: Workspace, vertex: Vertex, groups: Sequence[Callable[[str], str]]
) -> set[tuple[int, str]]:
    """Areas that touch themselves only in a corner at a vertex, as pairs of the position of their grouping and their code."""
    sectors = []
    for arc in map(workspace.arc, workspace.at_vertex(vertex)):
        for k, at in enumerate(arc.points):
            if at != vertex:
                continue
            if k + 1 < len(arc.points):
                sectors.append((direction_key(vertex, arc.points[k + 1]), arc.left))
            if k > 0:
                sectors.append((direction_key(vertex, arc.points[k - 1]), arc.right))
    # An area touches itself in a corner if another one lies on both sides of it, which requires four sectors.
    if len(sectors) < 4:
        return set()
    sectors.sort(key=lambda sector: sector[0])
    found = set()
    for level, group in enumerate(groups):
        around = [group(code) if code != NO_CELL else NO_CELL for _, code in sectors]
        runs = [code for k, code in enumerate(around) if code != around[k - 1]]
        found |= {(level, code) for code, count in Counter(runs).items() if count > 1}
    return found
