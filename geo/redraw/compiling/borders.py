"""Compilation of border edits to a replacement of arcs: move, insert and remove a vertex, slide a node, reshape a border."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import shapely
from shapely import LineString

from geo.errors import RefusedEdit
from geo.layers.columns import Level
from geo.layers.crs import PER_METRE
from geo.redraw.edits import InsertVertex, MoveVertex, RemoveVertex, Reshape, SlideNode
from geo.redraw.working.arcs import NO_CELL, Arc, Redraw, Workspace
from geo.redraw.working.lattice import Vertex, distance_to_edge
from geo.redraw.working.postconditions import in_metres, point
from geo.redraw.working.rows import Rows

#: Tolerance for a place on an edge, lattice units: rounding to the lattice gives up to 1.
_ON_EDGE = 5


def on_lattice(place: tuple[float, float]) -> Vertex:
    """The lattice vertex at a place in metres."""
    return round(place[0] * PER_METRE), round(place[1] * PER_METRE)


def arcs_at(workspace: Workspace, vertex: Vertex) -> list[Arc]:
    """The arcs that contain a vertex; refuses a place without one."""
    arcs = [workspace.arc(number) for number in sorted(workspace.at_vertex(vertex))]
    if not arcs:
        raise RefusedEdit("misses", "这里没有折点", "there is no vertex at this place", geometry=point(vertex))
    return arcs


def move_vertex(workspace: Workspace, edit: MoveVertex) -> Redraw:
    """Replace a vertex in all arcs that contain it."""
    at, to = on_lattice(edit.at), on_lattice(edit.to)
    before = arcs_at(workspace, at)
    after = [arc._replace(points=tuple(to if vertex == at else vertex for vertex in arc.points)) for arc in before]
    return Redraw(tuple(before), tuple(after))


def insert_vertex(workspace: Workspace, edit: InsertVertex) -> Redraw:
    """Add a vertex to the edge at a place."""
    at = on_lattice(edit.at)
    if workspace.at_vertex(at):
        raise RefusedEdit("touches", "这里已有折点", "there is a vertex at this place already", geometry=point(at))
    number, k = nearest_edge(workspace, at)
    arc = workspace.arc(number)
    return Redraw((arc,), (arc._replace(points=(*arc.points[: k + 1], at, *arc.points[k + 1 :])),))


def nearest_edge(workspace: Workspace, at: Vertex) -> tuple[int, int]:
    """Number of the arc and position of the edge at a place; refuses a place that is on no edge."""
    best = (float("inf"), -1, -1)
    for number, k in workspace.edges_near(at, _ON_EDGE):
        a, b = workspace.arc(number).points[k : k + 2]
        best = min(best, (distance_to_edge(at, a, b), number, k))
    if best[0] > _ON_EDGE:
        raise RefusedEdit("misses", "这里没有边界", "no border runs by this place", geometry=point(at))
    return best[1], best[2]


def remove_vertex(workspace: Workspace, edit: RemoveVertex) -> Redraw:
    """Remove a vertex from its arc."""
    at = on_lattice(edit.at)
    before = arcs_at(workspace, at)
    arc = before[0]
    closed = arc.points[0] == arc.points[-1]
    at_end = at in (arc.points[0], arc.points[-1])
    if len(before) > 1 or (at_end and not (closed and _is_plain_start(workspace, arc))):
        raise RefusedEdit(
            "misses",
            "这是三条以上边界相交的结点，不能删除；可以移动或滑动",
            "borders meet in this node, so it cannot be removed; move or slide it",
            cells=sorted({code for a in before for code in (a.left, a.right)} - {NO_CELL}),
            geometry=point(at),
        )
    if closed and at_end:
        ring = arc.points[1:-1]
        points: tuple[Vertex, ...] = (*ring, ring[0])
    else:
        points = tuple(vertex for vertex in arc.points if vertex != at)
    if closed and len(points) < 4:
        raise RefusedEdit("flips", "至少要留三个折点", "a ring needs three vertices", geometry=point(at))
    return Redraw((arc,), (arc._replace(points=points),))


def _is_plain_start(workspace: Workspace, arc: Arc) -> bool:
    """Whether a closed arc begins at a vertex where no other border ends."""
    return len(workspace.at_vertex(arc.points[0])) == 1


def slide_node(workspace: Workspace, edit: SlideNode) -> Redraw:
    """Slide a node where three borders meet along one of them; the third border is extended or cut to the new node."""
    at, to = on_lattice(edit.at), on_lattice(edit.to)
    before = arcs_at(workspace, at)
    away = [arc if arc.points[0] == at else arc.reverse() for arc in before]
    if len(away) != 3 or any(arc.points[0] != at or arc.points[-1] == at for arc in away):
        raise RefusedEdit(
            "misses",
            "只有三条边界相交的结点才能滑动；请移动它",
            "only a node of three borders can slide; move it instead",
            geometry=point(at),
        )
    k, place = _along(away, to)
    rail = away[k]
    others = [arc for i, arc in enumerate(away) if i != k]
    through = min(others, key=lambda arc: _turn_cosine(rail, arc))
    stem = next(arc for arc in others if arc is not through)
    if place == len(rail.points) - 1 and rail.points[-1] == to:
        raise RefusedEdit("touches", "不能滑到另一个结点上", "a node cannot slide onto another one", geometry=point(to))
    passed = rail.points[: place + 1]
    rest = rail.points[place + 1 :]
    new_through = Arc((to, *(v for v in reversed(passed) if v != to), *through.points[1:]), through.left, through.right)
    new_rail = Arc((to, *(v for v in rest if v != to)), rail.left, rail.right)
    new_stem = Arc((to, *stem.points[1:]), stem.left, stem.right)
    return Redraw(tuple(before), (new_through, new_rail, new_stem))


def _along(arcs: Sequence[Arc], to: Vertex) -> tuple[int, int]:
    """Positions of the arc and edge that contain a place; the place may be one of its vertices."""
    distance, i, k = min(
        (distance_to_edge(to, a, b), i, k)
        for i, arc in enumerate(arcs)
        for k, (a, b) in enumerate(pairwise(arc.points))
    )
    if distance > _ON_EDGE:
        raise RefusedEdit(
            "misses",
            "目标不在结点的任何一条边界上",
            "the new place lies on none of the borders of the node",
            geometry=point(to),
        )
    if arcs[i].points[k + 1] == to:
        k += 1
    return i, k


def _turn_cosine(one: Arc, other: Arc) -> float:
    """Cosine of the angle between the first edges of two arcs that leave one node."""
    (ax, ay), (bx, by) = one.points[:2]
    _, (cx, cy) = other.points[:2]
    ux, uy, vx, vy = bx - ax, by - ay, cx - ax, cy - ay
    return float((ux * vx + uy * vy) / ((ux * ux + uy * uy) * (vx * vx + vy * vy)) ** 0.5)


class Section(NamedTuple):
    """A section of a border: the stored arc, directed along the replacing line, and the range of its vertices."""

    stored: Arc
    arc: Arc
    start: int
    end: int


def reshape(workspace: Workspace, rows: Rows, edit: Reshape) -> Redraw:
    """Replace a chain of borders by a line; borders that end on the chain are extended or cut to the line."""
    line = line_vertices(edit.line)
    chain = find_chain(workspace, rows, line[0], line[-1], edit.line)
    if len(chain) == 1:
        return _reshape_one(chain[0], line)
    return _reshape_chain(workspace, chain, line)


def line_vertices(line: LineString) -> tuple[Vertex, ...]:
    """A drawn line on the lattice, without repeated vertices; refuses one without an edge."""
    vertices: list[Vertex] = []
    for x, y in shapely.get_coordinates(line).tolist():
        vertex = on_lattice((x, y))
        if not vertices or vertices[-1] != vertex:
            vertices.append(vertex)
    if len(vertices) < 2:
        raise RefusedEdit("misses", "线太短", "the line is too short", geometry=line)
    return tuple(vertices)


def _reshape_one(section: Section, line: tuple[Vertex, ...]) -> Redraw:
    points = (*section.arc.points[: section.start], *line, *section.arc.points[section.end + 1 :])
    return Redraw((section.stored,), (section.arc._replace(points=_without_repeats(points)),))


def _without_repeats(points: Sequence[Vertex]) -> tuple[Vertex, ...]:
    return tuple(v for k, v in enumerate(points) if k == 0 or v != points[k - 1])


def find_chain(workspace: Workspace, rows: Rows, first: Vertex, last: Vertex, line: LineString) -> list[Section]:
    """The sections of arcs between two vertices of one border.

    The border is one between two cells; failing that, between two second-level grids, then between two communities. Arcs are
    directed from the first vertex to the last.
    """
    there = [workspace.at_vertex(vertex) for vertex in (first, last)]
    for vertex, arcs_there in zip((first, last), there, strict=True):
        if not arcs_there:
            raise RefusedEdit(
                "misses",
                "线的首尾必须落在边界的折点上",
                "the line must begin and end at vertices of a border",
                geometry=point(vertex),
            )
    if first == last:
        raise RefusedEdit("misses", "线的首尾相同", "the line ends where it begins", geometry=point(first))
    common = there[0] & there[1]
    arcs = [workspace.arc(number) for number in sorted(common)]
    # The outline contains both ends of every border that crosses the street, so it is used only if there is no other border.
    inner = [arc for arc in arcs if NO_CELL not in (arc.left, arc.right)]
    sections = [_section(arc, first, last, line) for arc in inner or arcs]
    if len(sections) == 1:
        return sections
    if sections:
        return [min(sections, key=lambda section: _gap_area(section, line))]
    for level in (Level.SECOND, Level.COMMUNITY):
        chain = _chain_of_level(workspace, rows, first, last, level)
        if chain:
            return chain
    raise RefusedEdit(
        "misses",
        "线的首尾不在同一条边界上",
        "the line does not begin and end on one border",
        geometry=line,
    )


def _section(stored: Arc, first: Vertex, last: Vertex, line: LineString) -> Section:
    """The section of one arc between two of its vertices; for a closed arc, the side nearer to the line."""
    if stored.points[0] == stored.points[-1]:
        ring = stored.points[:-1]
        i = ring.index(first)
        forward = Arc((*ring[i:], *ring[:i], first), stored.left, stored.right)
        options = [Section(stored, arc, 0, arc.points.index(last)) for arc in (forward, forward.reverse())]
        return min(options, key=lambda section: _gap_area(section, line))
    arc = stored if stored.points.index(first) < stored.points.index(last) else stored.reverse()
    return Section(stored, arc, arc.points.index(first), arc.points.index(last))


def _gap_area(section: Section, line: LineString) -> float:
    old = [in_metres(v) for v in section.arc.points[section.start : section.end + 1]]
    ring = [*old, *reversed([(x, y) for x, y, *_ in line.coords])]
    return float(shapely.make_valid(shapely.Polygon(ring)).area) if len(ring) > 3 else 0.0


def _chain_of_level(workspace: Workspace, rows: Rows, first: Vertex, last: Vertex, level: Level) -> list[Section]:
    """The walk from one vertex to another along the border between two grids of a level, with the fewest arcs."""

    def sides(arc: Arc) -> frozenset[str]:
        return frozenset(rows.ancestor(c, level) if c != NO_CELL else NO_CELL for c in (arc.left, arc.right))

    pairs = {sides(workspace.arc(n)) for n in workspace.at_vertex(first)} & {
        sides(workspace.arc(n)) for n in workspace.at_vertex(last)
    }
    best: list[Section] = []
    for pair in sorted((pair for pair in pairs if len(pair) == 2), key=sorted):
        chain = _walk(workspace, first, last, partial(_is_between, sides, pair))
        if chain and (not best or len(chain) < len(best)):
            best = chain
    return best


def _is_between(sides: Callable[[Arc], frozenset[str]], pair: frozenset[str], arc: Arc) -> bool:
    return sides(arc) == pair


def _walk(workspace: Workspace, first: Vertex, last: Vertex, on_border: Callable[[Arc], bool]) -> list[Section]:
    """Breadth-first walk over the arcs of one border."""
    queue: deque[tuple[Vertex, tuple[Section, ...]]] = deque([(first, ())])
    seen = {first}
    while queue:
        at, chain = queue.popleft()
        for number in sorted(workspace.at_vertex(at)):
            arc = workspace.arc(number)
            if not on_border(arc):
                continue
            for directed in (arc, arc.reverse()):
                start = directed.points.index(at)
                if last in directed.points[start + 1 :]:
                    return [*chain, Section(arc, directed, start, directed.points.index(last, start + 1))]
                end = directed.points[-1]
                if end not in seen and start < len(directed.points) - 1:
                    seen.add(end)
                    queue.append((end, (*chain, Section(arc, directed, start, len(directed.points) - 1))))
    return []


def _reshape_chain(workspace: Workspace, chain: list[Section], line: tuple[Vertex, ...]) -> Redraw:
    """Replace a chain of several arcs by a line: its inner nodes move to the line, and borders that end there are adjusted."""
    new_line = LineString([in_metres(v) for v in line])
    own = {workspace.number_of(section.stored) for section in chain}
    stems: dict[int, Arc] = {}
    targets, along = [], []
    for node in (section.arc.points[section.end] for section in chain[:-1]):
        numbers = sorted(workspace.at_vertex(node) - own)
        ending = {number: stems.get(number, workspace.arc(number)) for number in numbers}
        target, shortened = _landing(node, ending, new_line)
        stems.update(shortened)
        targets.append(target)
        along.append(float(new_line.project(point(target))))
    if any(b <= a for a, b in zip([0.0, *along], [*along, new_line.length], strict=True)):
        raise RefusedEdit(
            "crosses",
            "新线与沿线结点的先后次序不符，请分段重画",
            "the borders that end here would change their order along the line; draw it in pieces",
            geometry=new_line,
        )
    before = [section.stored for section in chain] + [workspace.arc(number) for number in stems]
    after = _pieces(chain, line, new_line, targets, along) + list(stems.values())
    return Redraw(tuple(before), tuple(after))


def _landing(node: Vertex, stems: dict[int, Arc], line: LineString) -> tuple[Vertex, dict[int, Arc]]:
    """Intersection of the borders that end in a node with the new line, and those borders cut or extended to it."""
    nearest = line.interpolate(line.project(point(node)))
    target = on_lattice((nearest.x, nearest.y))
    away = {number: arc if arc.points[0] == node else arc.reverse() for number, arc in stems.items()}
    crossings: dict[int, tuple[int, Vertex]] = {}
    for number, stem in away.items():
        for k in range(len(stem.points) - 1, 0, -1):
            meet = shapely.intersection(LineString([in_metres(v) for v in stem.points[k - 1 : k + 1]]), line)
            if not meet.is_empty:
                place = meet.representative_point()
                crossings[number] = (k, on_lattice((place.x, place.y)))
                break
    if len(away) == 1 and crossings:
        target = next(iter(crossings.values()))[1]
    changed = {}
    for number, stem in away.items():
        k = crossings[number][0] if number in crossings else 1
        changed[number] = stem._replace(points=_without_repeats((target, *stem.points[k:])))
    return target, changed


def _pieces(
    chain: list[Section],
    line: tuple[Vertex, ...],
    new_line: LineString,
    targets: list[Vertex],
    along: list[float],
) -> list[Arc]:
    """The arcs of a chain moved to a line, which is cut at the new nodes."""
    cuts = [0.0, *along, new_line.length]
    ends = [line[0], *targets, line[-1]]
    distance = [new_line.project(point(v)) for v in line]
    pieces = []
    for k, (_, arc, start, end) in enumerate(chain):
        inner = [v for v, d in zip(line[1:-1], distance[1:-1], strict=True) if cuts[k] < d < cuts[k + 1]]
        middle = _without_repeats((ends[k], *(v for v in inner if v not in (ends[k], ends[k + 1])), ends[k + 1]))
        points = (*arc.points[:start], *middle, *arc.points[end + 1 :])
        pieces.append(arc._replace(points=_without_repeats(points)))
    return pieces
