"""Compilation of a split of a cell by a line."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import shapely
from shapely import LineString

from geo.errors import RefusedEdit
from geo.layers.columns import CODE, NAME, Level
from geo.layers.crs import PER_METRE
from geo.redraw.compiling.borders import on_lattice
from geo.redraw.compiling.plans import Plan
from geo.redraw.edits import Split
from geo.redraw.working.arcs import NO_CELL, Arc, Redraw, Workspace, shapes_of
from geo.redraw.working.lattice import Vertex, direction_key, distance_to_edge, doubled_area, in_ring
from geo.redraw.working.postconditions import MIN_AREA_M2, in_metres, point
from geo.redraw.working.rows import Amend, Row, Rows, new_name, values_changed
from geo.redraw.working.sharing import Buildings, split_shares


class Side(NamedTuple):
    """One side of a cut: its rings, positions of the border pieces on it, and whether it lies on the left of the line."""

    rings: list[list[Vertex]]
    pieces: set[int]
    left_of_line: bool


def split(workspace: Workspace, rows: Rows, edit: Split, buildings: Buildings | None) -> Plan:
    """Cut a third-level cell in two along a line."""
    rows.require(edit.code)
    if rows.level(edit.code) is not Level.THIRD:
        raise RefusedEdit(
            "misses",
            "只能用线分割三级网格；二级网格请用划转或重新划分",
            "a line splits third-level cells; use Transfer or Redivide for a second-level grid",
            cells=[edit.code],
        )
    arcs = list(workspace.of_cells([edit.code]).values())
    path = _cutting_path(edit, shapes_of(arcs, [edit.code])[0])
    ends, pieces = _cut_border(arcs, edit.code, path)
    line = (ends[0], *(on_lattice(xy) for xy in path.coords[1:-1]), ends[1])
    line = tuple(v for k, v in enumerate(line) if k == 0 or v != line[k - 1])
    sides = _sides([piece for _, piece in pieces], edit.code, line)
    parts = [_polygon(side.rings) for side in sides]
    small = [part for part in parts if part.area < MIN_AREA_M2]
    if small:
        raise RefusedEdit(
            "too_small",
            f"分出的部分不足 {MIN_AREA_M2:g} 平方米",
            f"a part would have less than {MIN_AREA_M2:g} m²",
            cells=[edit.code],
            geometry=small[0],
        )
    values, basis = split_shares(rows, edit.code, parts, buildings)
    new = 1 if _order(values[0], parts[0]) >= _order(values[1], parts[1]) else 0
    parent = rows.parent(edit.code)
    born = rows.free_code(parent)
    relabelled = [
        (source, _relabel(piece, edit.code, born) if k in sides[new].pieces else piece)
        for k, (source, piece) in enumerate(pieces)
    ]
    changed = {source for source, piece in relabelled if piece != arcs[source]}
    after = [piece for source, piece in relabelled if source in changed]
    after.append(Arc(line, *((born, edit.code) if sides[new].left_of_line else (edit.code, born))))
    row = {**rows.row(edit.code), CODE: born, NAME: new_name(rows, born, parent), **values[new]}
    amends = [values_changed(rows, edit.code, values[1 - new]), Amend(born, None, row)]
    return Plan(
        Redraw(tuple(arcs[k] for k in sorted(changed)), tuple(after)),
        amends,
        [("split", edit.code, edit.code), ("split", edit.code, born)],
        basis,
    )


def _order(values: Row, part: shapely.Polygon) -> tuple[float, float]:
    return float(values.get("population") or 0), part.area


def _cutting_path(edit: Split, shape: shapely.Geometry) -> LineString:
    """The single part of the line that crosses the cell from border to border."""
    inside = shapely.line_merge(shapely.intersection(edit.line, shape))
    lines = [part for part in shapely.get_parts(inside) if part.geom_type == "LineString"]
    border = shapely.boundary(shape)
    through = [
        part
        for part in lines
        if all(shapely.distance(shapely.Point(part.coords[k]), border) < 1e-6 for k in (0, -1))
        and shapely.length(shapely.intersection(part, border)) < 0.5 * part.length
    ]
    if len(through) == 1 and not through[0].is_ring:
        return through[0]
    if not through:
        longer = _extended(edit.line, shape)
        raise RefusedEdit(
            "misses",
            "线没有把网格从一边切到另一边",
            "the line does not cross the cell from border to border",
            cells=[edit.code],
            geometry=edit.line,
            proposal=None if longer is None else Split(edit.code, longer),
        )
    longest = max(through, key=lambda part: part.length)
    raise RefusedEdit(
        "crosses",
        "线多次穿过网格；请只穿过一次",
        "the line crosses the cell more than once; cut it once",
        cells=[edit.code],
        geometry=edit.line,
        proposal=Split(edit.code, longest),
    )


def _extended(line: LineString, shape: shapely.Geometry) -> LineString | None:
    """The line with both ends extended past the cell, if it then crosses the cell once."""
    reach = 2.0 * max(shape.bounds[2] - shape.bounds[0], shape.bounds[3] - shape.bounds[1])
    points = list(line.coords)

    def beyond(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
        length = ((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2) ** 0.5
        return b[0] + (b[0] - a[0]) / length * reach, b[1] + (b[1] - a[1]) / length * reach

    longer = LineString([beyond(points[1], points[0]), *points, beyond(points[-2], points[-1])])
    crossing = shapely.line_merge(shapely.intersection(longer, shape))
    return longer if crossing.geom_type == "LineString" and not crossing.is_empty else None


def _cut_border(arcs: list[Arc], code: str, path: LineString) -> tuple[list[Vertex], list[tuple[int, Arc]]]:
    """Cut the arcs of a cell at the ends of a path: the two new nodes, and the pieces with the position of their arc."""
    ends: list[Vertex] = []
    inserted: dict[int, list[tuple[int, Vertex]]] = {}
    for k in (0, -1):
        number, edge, vertex = _entry(arcs, shapely.Point(path.coords[k]))
        if vertex in ends:
            raise RefusedEdit(
                "misses", "线的两端落在同一点", "both ends of the line meet the border in one point", cells=[code]
            )
        ends.append(vertex)
        if vertex not in arcs[number].points:
            inserted.setdefault(number, []).append((edge, vertex))
    pieces = []
    for number, arc in enumerate(arcs):
        points = _with_vertices(arc.points, inserted.get(number, []))
        pieces += [(number, piece) for piece in _cut(Arc(points, arc.left, arc.right), ends)]
    return ends, pieces


def _entry(arcs: list[Arc], place: shapely.Point) -> tuple[int, int, Vertex]:
    """Arc, edge and vertex where a path meets the border of a cell; on the outline only existing vertices can be used."""
    vertex = on_lattice((place.x, place.y))
    for number, arc in enumerate(arcs):
        if vertex in arc.points:
            return number, arc.points.index(vertex), vertex
    at = place.x * PER_METRE, place.y * PER_METRE
    edges = (
        (distance_to_edge(at, a, b), number, k)
        for number, arc in enumerate(arcs)
        for k, (a, b) in enumerate(pairwise(arc.points))
    )
    _, number, k = min(edges)
    if NO_CELL in (arcs[number].left, arcs[number].right):
        vertex = min(arcs[number].points[k : k + 2], key=lambda v: point(v).distance(place))
        return number, arcs[number].points.index(vertex), vertex
    return number, k, vertex


def _with_vertices(points: tuple[Vertex, ...], inserted: list[tuple[int, Vertex]]) -> tuple[Vertex, ...]:
    """Insert vertices, given as (edge, vertex), into a list of vertices."""
    result = []
    for k, start in enumerate(points):
        result.append(start)
        here = [vertex for edge, vertex in inserted if edge == k]
        result += sorted(here, key=lambda v: (v[0] - start[0]) ** 2 + (v[1] - start[1]) ** 2)
    return tuple(result)


def _cut(arc: Arc, vertices: list[Vertex]) -> list[Arc]:
    """Cut an arc at some of its vertices; a closed one is rotated to begin at one of them."""
    points = arc.points
    if points[0] == points[-1] and points[0] not in vertices:
        start = next((k for k, vertex in enumerate(points) if vertex in vertices), 0)
        points = (*points[start:-1], *points[: start + 1])
    inner = [k for k in range(1, len(points) - 1) if points[k] in vertices]
    if not inner:
        return [arc]
    bounds = [0, *inner, len(points) - 1]
    return [Arc(points[a : b + 1], arc.left, arc.right) for a, b in pairwise(bounds)]


def _sides(pieces: list[Arc], code: str, line: tuple[Vertex, ...]) -> list[Side]:
    """The two sides of a cut."""
    walks = [piece.points if piece.left == code else piece.points[::-1] for piece in pieces]
    rings = _trace([*walks, line, line[::-1]])
    n = len(pieces)
    sides = [Side([ring], {k for k in members if k < n}, n in members) for area, ring, members in rings if area > 0]
    if len(sides) != 2 or sides[0].left_of_line == sides[1].left_of_line:
        raise _not_divided(line[0], code)
    for area, ring, members in rings:
        if area > 0:
            continue
        side = next((side for side in sides if all(in_ring(side.rings[0], v) for v in ring[:-1])), None)
        if side is None:
            raise _not_divided(line[0], code)
        side.rings.append(ring)
        side.pieces.update(k for k in members if k < n)
    return sides


def _not_divided(place: Vertex, code: str) -> RefusedEdit:
    return RefusedEdit(
        "misses",
        "线没有把网格分成两块",
        "the line does not divide the cell in two",
        cells=[code],
        geometry=point(place),
    )


def _trace(walks: list[tuple[Vertex, ...]]) -> list[tuple[int, list[Vertex], set[int]]]:
    """Trace the faces on the left of directed lines: doubled area, ring, positions of the lines."""
    leaving: dict[Vertex, list[int]] = {}
    for k, walk in enumerate(walks):
        leaving.setdefault(walk[0], []).append(k)
    left_over, result = set(range(len(walks))), []
    while left_over:
        first = k = min(left_over)
        ring, members = [walks[k][0]], set()
        while k in left_over:
            left_over.discard(k)
            members.add(k)
            ring += walks[k][1:]
            at, back = ring[-1], direction_key(ring[-1], ring[-2])
            keys = sorted((direction_key(at, walks[c][1]), c) for c in leaving.get(at, ()))
            below = [c for key, c in keys if key < back]
            k = below[-1] if below else keys[-1][1]
        if k != first:
            raise RefusedEdit("misses", "线没有把网格分成两块", "the line does not divide the cell in two")
        result.append((doubled_area(ring), ring, members))
    return result


def _polygon(rings: list[list[Vertex]]) -> shapely.Polygon:
    shell, *holes = [[in_metres(v) for v in ring] for ring in rings]
    return shapely.Polygon(shell, holes)


def _relabel(arc: Arc, old: str, new: str) -> Arc:
    return Arc(arc.points, new if arc.left == old else arc.left, new if arc.right == old else arc.right)
