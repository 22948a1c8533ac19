"""Edits of cells, compiled to arcs and rows: split, merge and transfer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import NamedTuple

import shapely
from shapely import LineString

from geo.errors import RefusedEdit
from geo.layers.columns import CODE, NAME, PARENT, Level
from geo.redraw.edits import Merge, Split, Transfer
from geo.redraw.geometry import in_metres, on_lattice
from geo.redraw.lattice import Vertex, direction_key, doubled_area, in_ring
from geo.redraw.postconditions import MIN_AREA_M2, UNITS, point
from geo.redraw.rows import Amend, Row, Rows, new_name
from geo.redraw.sharing import Buildings, split_shares
from geo.redraw.workspace import NO_CELL, NOTHING, Arc, Redraw, Workspace


class Side(NamedTuple):
    """One side of a cut: its rings, positions of the border pieces on it, and whether it lies on the left of the line."""

    rings: list[list[Vertex]]
    pieces: set[int]
    left_of_line: bool


@dataclass
class Plan:
    """What an edit is compiled to.

    Attributes
    ----------
    redraw
        Arcs out and in.
    amends
        Changes of rows.
    lineage
        Descent of cells: (kind, from, to).
    basis
        How people were shared out: ``buildings``, ``area`` or empty.
    groups
        Codes above the third level whose cells changed, to be tested as areas.
    """

    redraw: Redraw = NOTHING
    amends: list[Amend] = field(default_factory=list)
    lineage: list[tuple[str, str, str]] = field(default_factory=list)
    basis: str = ""
    groups: set[str] = field(default_factory=set)


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
    shape = workspace.shapes([edit.code]).iloc[0]
    path = _cutting_path(edit, shape)
    arcs = list(workspace.of_cells([edit.code]).values())
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
    amends = [_values_changed(rows, edit.code, values[1 - new]), Amend(born, None, row)]
    return Plan(
        Redraw(tuple(arcs[k] for k in sorted(changed)), tuple(after)),
        amends,
        [("split", edit.code, edit.code), ("split", edit.code, born)],
        basis,
    )


def _order(values: Row, part: shapely.Polygon) -> tuple[float, float]:
    return float(values.get("population") or 0), part.area


def _values_changed(rows: Rows, code: str, values: Row) -> Amend:
    changed = {c: v for c, v in values.items() if v != rows.get(code, c) and v == v}
    return Amend(code, {c: rows.get(code, c) for c in changed}, changed)


def _cutting_path(edit: Split, shape: shapely.Geometry) -> LineString:
    """The one stretch of the line that crosses the cell from border to border."""
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
        "线多次穿过网格；请只切一刀",
        "the line crosses the cell more than once; cut it once",
        cells=[edit.code],
        geometry=edit.line,
        proposal=Split(edit.code, longest),
    )


def _extended(line: LineString, shape: shapely.Geometry) -> LineString | None:
    """The line with both ends carried on past the cell, if it then crosses the cell once."""
    reach = 2.0 * max(shape.bounds[2] - shape.bounds[0], shape.bounds[3] - shape.bounds[1])
    points = list(line.coords)

    def beyond(a: Sequence[float], b: Sequence[float]) -> tuple[float, float]:
        length = ((b[0] - a[0]) ** 2 + (b[1] - a[1]) ** 2) ** 0.5
        return b[0] + (b[0] - a[0]) / length * reach, b[1] + (b[1] - a[1]) / length * reach

    longer = LineString([beyond(points[1], points[0]), *points, beyond(points[-2], points[-1])])
    crossing = shapely.line_merge(shapely.intersection(longer, shape))
    return longer if crossing.geom_type == "LineString" and not crossing.is_empty else None


def _cut_border(arcs: list[Arc], code: str, path: LineString) -> tuple[list[Vertex], list[tuple[int, Arc]]]:
    """Cut the arcs of a cell where a path begins and ends: the two new nodes, and the pieces with the position of their arc."""
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
    """Arc, edge and vertex in which a path meets the border of a cell; on the outline only its own vertices serve."""
    vertex = on_lattice((place.x, place.y))
    for number, arc in enumerate(arcs):
        if vertex in arc.points:
            return number, arc.points.index(vertex), vertex
    edges = [
        (LineString([in_metres(v) for v in arc.points[k : k + 2]]).distance(place), number, k)
        for number, arc in enumerate(arcs)
        for k in range(len(arc.points) - 1)
    ]
    _, number, k = min(edges)
    if NO_CELL in (arcs[number].left, arcs[number].right):
        vertex = min(arcs[number].points[k : k + 2], key=lambda v: point(v).distance(place))
        return number, arcs[number].points.index(vertex), vertex
    return number, k, vertex


def _with_vertices(points: tuple[Vertex, ...], inserted: list[tuple[int, Vertex]]) -> tuple[Vertex, ...]:
    """Vertices with others put into their edges, given as (edge, vertex)."""
    result = []
    for k, start in enumerate(points):
        result.append(start)
        here = [vertex for edge, vertex in inserted if edge == k]
        result += sorted(here, key=lambda v: (v[0] - start[0]) ** 2 + (v[1] - start[1]) ** 2)
    return tuple(result)


def _cut(arc: Arc, vertices: list[Vertex]) -> list[Arc]:
    """Cut an arc at some of its vertices; a closed one is turned so that it begins at one of them."""
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
    """Walk round the faces on the left of directed lines: doubled area, ring, positions of the lines."""
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
    shell, *holes = [[(x / UNITS, y / UNITS) for x, y in ring] for ring in rings]
    return shapely.Polygon(shell, holes)


def _relabel(arc: Arc, old: str, new: str) -> Arc:
    return Arc(arc.points, new if arc.left == old else arc.left, new if arc.right == old else arc.right)


def merge(workspace: Workspace, rows: Rows, edit: Merge) -> Plan:
    """Merge cells of one level."""
    codes = list(dict.fromkeys(edit.codes))
    for code in codes:
        rows.require(code)
    levels = {rows.level(code) for code in codes}
    if len(codes) < 2 or len(levels) != 1 or not levels <= {Level.SECOND, Level.THIRD}:
        raise RefusedEdit(
            "misses",
            "请选择同一级的两个以上二级或三级网格",
            "choose at least two cells, all of the second or all of the third level",
            cells=codes,
        )
    into = edit.into
    if into is None:
        into = max(codes, key=lambda code: (rows.get(code, "population") or 0, code))
    if into not in codes:
        raise RefusedEdit(
            "misses", f"{into} 不在要合并的网格中", f"{into} is not one of the cells to merge", cells=codes
        )
    others = [code for code in codes if code != into]
    if levels == {Level.SECOND}:
        return _merge_second(workspace, rows, into, others)
    return _merge_third(workspace, rows, into, others)


def _merge_third(workspace: Workspace, rows: Rows, into: str, others: list[str]) -> Plan:
    members = {into, *others}
    old = workspace.of_cells(others).values()
    inner = [arc for arc in workspace.of_cells(members).values() if {arc.left, arc.right} <= members]
    before = list(dict.fromkeys([*old, *inner]))
    after = [_relabel_all(arc, dict.fromkeys(others, into)) for arc in before if not {arc.left, arc.right} <= members]
    before, after = _heal(workspace, before, after, {v for arc in inner for v in (arc.points[0], arc.points[-1])})
    sums = {}
    for column in rows.shared_columns:
        values = [rows.get(code, column) for code in (into, *others)]
        present = [value for value in values if value is not None and value == value]
        sums[column] = sum(present) if present else values[0]
    amends = [_values_changed(rows, into, sums)]
    amends += [Amend(code, rows.row(code), None) for code in others]
    groups = {rows.parent(code) for code in members}
    for parent in groups:
        if not set(rows.children(parent)) - set(others):
            raise _leaves_nothing(rows, parent)
    return Plan(
        Redraw(tuple(before), tuple(after)),
        amends,
        [("merge", code, into) for code in (into, *others)],
        "",
        _with_ancestors(rows, groups) if len(groups) > 1 else set(),
    )


def _leaves_nothing(rows: Rows, code: str) -> RefusedEdit:
    name = rows.get(code, NAME) or code
    return RefusedEdit("too_small", f"{name} 将没有下级网格", f"{code} would have no cell left", cells=[code])


def _with_ancestors(rows: Rows, codes: Iterable[str]) -> set[str]:
    codes = set(codes)
    above = {rows.parent(code) for code in codes if rows.level(code) is Level.SECOND}
    return codes | (above if len(above) > 1 else set())


def _heal(
    workspace: Workspace, before: list[Arc], after: list[Arc], vertices: set[Vertex]
) -> tuple[list[Arc], list[Arc]]:
    """Join arcs at former nodes where only two of them with the same cells on their sides are left."""
    taken = {workspace.number_of(arc) for arc in before}
    for vertex in sorted(vertices):
        around = [workspace.arc(n) for n in sorted(workspace.at_vertex(vertex) - taken)]
        around = [arc for arc in around if vertex in (arc.points[0], arc.points[-1])]
        ends = [arc for arc in after if vertex in (arc.points[0], arc.points[-1])]
        if len(around) + len(ends) != 2 or any(arc.points[0] == arc.points[-1] for arc in (*around, *ends)):
            continue
        if any(vertex in arc.points[1:-1] for arc in after):
            continue
        first, second = (*ends, *around)
        into_vertex = first if first.points[-1] == vertex else first.reverse()
        out = second if second.points[0] == vertex else second.reverse()
        if (into_vertex.left, into_vertex.right) != (out.left, out.right):
            continue
        for arc in (first, second):
            if arc in after:
                after.remove(arc)
            else:
                before.append(arc)
                taken.add(workspace.number_of(arc))
        after.append(Arc((*into_vertex.points, *out.points[1:]), out.left, out.right))
    return before, after


def _relabel_all(arc: Arc, names: Mapping[str, str]) -> Arc:
    return Arc(arc.points, names.get(arc.left, arc.left), names.get(arc.right, arc.right))


def transfer(workspace: Workspace, rows: Rows, edit: Transfer) -> Plan:
    """Give third-level cells to another second-level grid."""
    codes = list(dict.fromkeys(edit.codes))
    for code in (*codes, edit.to):
        rows.require(code)
    if (
        rows.level(edit.to) is not Level.SECOND
        or any(rows.level(code) is not Level.THIRD for code in codes)
        or not codes
    ):
        raise RefusedEdit(
            "misses",
            "只能把三级网格划给二级网格",
            "third-level cells are given to a second-level grid",
            cells=[*codes, edit.to],
        )
    own = [code for code in codes if rows.parent(code) == edit.to]
    if own:
        raise RefusedEdit("misses", f"{own[0]} 已属于该网格", f"{own[0]} belongs to that grid already", cells=own)
    for parent in {rows.parent(code) for code in codes}:
        if not set(rows.children(parent)) - set(codes):
            raise _leaves_nothing(rows, parent)
    return _move_cells(workspace, rows, codes, edit.to)


def _move_cells(workspace: Workspace, rows: Rows, codes: list[str], to: str) -> Plan:
    names: dict[str, str] = {}
    for code in codes:
        names[code] = rows.free_code(to, names.values())
    before = list(workspace.of_cells(codes).values())
    after = [_relabel_all(arc, names) for arc in before]
    amends = []
    for code, new in names.items():
        row = {**rows.row(code), CODE: new, PARENT: to, NAME: new_name(rows, new, to)}
        amends += [Amend(code, rows.row(code), None), Amend(new, None, row)]
    groups = _with_ancestors(rows, {to, *(rows.parent(code) for code in codes)})
    return Plan(
        Redraw(tuple(before), tuple(after)),
        amends,
        [("transfer", code, new) for code, new in names.items()],
        "",
        groups,
    )


def _merge_second(workspace: Workspace, rows: Rows, into: str, others: list[str]) -> Plan:
    cells = [third for code in others for third in rows.children(code)]
    plan = _move_cells(workspace, rows, cells, into)
    for parent in {rows.parent(code) for code in others}:
        if not set(rows.children(parent)) - set(others):
            raise _leaves_nothing(rows, parent)
    plan.amends += [Amend(code, rows.row(code), None) for code in others]
    plan.lineage += [("merge", code, into) for code in (into, *others)]
    plan.groups -= set(others)
    return plan
