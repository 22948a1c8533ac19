"""Redivision of a second-level grid or a community inside its outline, by :func:`geo.divide.divide`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import shapely

from geo.coverage.arcs import OUTSIDE
from geo.coverage.mesh import Mesh
from geo.divide import divide
from geo.errors import ImpossibleError, InputError, RefusedEdit
from geo.layers.columns import CODE, LEADER, NAME, PARENT, Level
from geo.layers.division import Division
from geo.redraw.compiling.plans import Plan
from geo.redraw.edits import Redivide
from geo.redraw.export import group_shape
from geo.redraw.working.arcs import NO_CELL, Arc, Redraw, Workspace
from geo.redraw.working.lattice import Vertex
from geo.redraw.working.postconditions import point
from geo.redraw.working.rows import Amend, Row, Rows, new_name
from geo.redraw.working.sharing import apportion_value


class Sources(NamedTuple):
    """Lines that borders can follow, and the distribution of people, in the CRS of the division."""

    roads: gpd.GeoDataFrame | None
    buildings: gpd.GeoDataFrame | None


def redivide(workspace: Workspace, rows: Rows, edit: Redivide, sources: Sources) -> Plan:
    """Compile a redivision: the outline is kept, everything inside is replaced."""
    rows.require(edit.code)
    level = rows.level(edit.code)
    if level not in (Level.COMMUNITY, Level.SECOND) or len(edit.counts) != int(Level.THIRD) - int(level):
        raise RefusedEdit(
            "misses",
            "重新划分二级网格要给出三级网格数；重新划分社区要给出二级和三级网格数",
            "a second-level grid takes one count, a community two",
            cells=[edit.code],
        )
    old = rows.third(edit.code)
    made = _divided(workspace, rows, edit, sources, old)
    shapes = dict(zip(old, workspace.shapes(old), strict=True))
    names, parents, amends, lineage = _new_rows(rows, edit, made, shapes)
    redraw = _new_arcs(workspace, made, names, old)
    amends += _new_values(rows, made, names, parents, old)
    lineage += _descent(shapes, made.third, names)
    return Plan(redraw, amends, lineage, "buildings" if sources.buildings is not None else "area", {edit.code})


def _divided(workspace: Workspace, rows: Rows, edit: Redivide, sources: Sources, old: list[str]) -> Division:
    shape = group_shape(workspace, old, edit.code)
    street = gpd.GeoDataFrame({NAME: [rows.get(edit.code, NAME)]}, geometry=[shape], crs=workspace.crs)
    counts = (1, 1, *edit.counts) if len(edit.counts) == 1 else (1, *edit.counts)
    near = {
        name: None if frame is None else frame[frame.intersects(shape)].reset_index(drop=True)
        for name, frame in sources._asdict().items()
    }
    given = {name: frame for name, frame in near.items() if frame is not None and len(frame)}
    try:
        return divide(street, counts=counts, rng=np.random.default_rng(edit.seed), **given)  # type: ignore[arg-type]
    except (ImpossibleError, InputError) as error:
        raise RefusedEdit(
            "too_small",
            f"不能把 {edit.code} 分成 {edit.counts} 个网格",
            f"{edit.code} cannot be divided into {edit.counts}: {error.message}",
            cells=[edit.code],
            geometry=shape,
        ) from error


def _new_rows(
    rows: Rows, edit: Redivide, made: Division, shapes: Mapping[str, shapely.Geometry]
) -> tuple[list[str], list[str], list[Amend], list[tuple[str, str, str]]]:
    """Codes and parents of the new third-level cells, and changes of second-level rows."""
    amends: list[Amend] = []
    lineage: list[tuple[str, str, str]] = []
    grid_of = {str(code): k for k, code in enumerate(made.second[CODE])}
    if rows.level(edit.code) is Level.SECOND:
        grids = [edit.code]
    else:
        grids, amends, lineage = _new_grids(rows, edit, made, shapes)
    parents = [grids[grid_of[str(parent)]] for parent in made.third[PARENT]]
    names: list[str] = []
    for parent in parents:
        names.append(rows.free_code(parent, names))
    return names, parents, amends, lineage


def _new_grids(
    rows: Rows, edit: Redivide, made: Division, shapes: Mapping[str, shapely.Geometry]
) -> tuple[list[str], list[Amend], list[tuple[str, str, str]]]:
    """Codes of the new second-level grids: a former grid keeps its code if over half of the area of both is common."""
    former = rows.children(edit.code)
    old = {code: shapely.union_all([shapes[third] for third in rows.third(code)]) for code in former}
    taken: dict[int, str] = {}
    for code, shape in old.items():
        shared = shapely.area(shapely.intersection(made.second.geometry.to_numpy(), shape))
        best = int(np.argmax(shared))
        if best not in taken and shared[best] > 0.5 * max(shape.area, made.second.geometry.iloc[best].area):
            taken[best] = code
    codes: list[str] = []
    amends, lineage = [], []
    for k in range(len(made.second)):
        code = taken.get(k) or rows.free_code(edit.code, codes)
        codes.append(code)
        if k not in taken:
            template = rows.row(former[0])
            zero = {column: 0 if isinstance(template[column], int) else 0.0 for column in rows.shared_columns}
            row = {**template, **zero, CODE: code, NAME: new_name(rows, code, edit.code), LEADER: None}
            amends.append(Amend(code, None, row))
    for code in former:
        if code not in codes:
            amends.append(Amend(code, rows.row(code), None))
        shared = shapely.area(shapely.intersection(made.second.geometry.to_numpy(), old[code]))
        lineage += [("redivide", code, codes[k]) for k in np.flatnonzero(shared > 0.01 * old[code].area).tolist()]
    return codes, amends, lineage


def _new_values(rows: Rows, made: Division, names: list[str], parents: list[str], old: list[str]) -> list[Amend]:
    """Rows of the new third-level cells: sums over the area are kept, apportioned by the counts of the division, otherwise by
    area.
    """
    area = made.third.geometry.area.to_numpy()
    values: list[Row] = [{} for _ in names]
    for column in rows.shared_columns:
        total: Any = sum(value for code in old if (value := rows.get(code, column)) is not None and value == value)
        weights = made.third[column].fillna(0).to_numpy(float) if column in made.third else area
        for k, share in enumerate(apportion_value(total, weights if weights.sum() > 0 else area)):
            values[k][column] = share
    template = rows.row(old[0])
    amends = [Amend(code, rows.row(code), None) for code in old]
    for code, parent, shared in zip(names, parents, values, strict=True):
        name = new_name(rows, code, parent) if parent in rows else code
        amends.append(Amend(code, None, {**template, **shared, CODE: code, PARENT: parent, NAME: name, LEADER: None}))
    return amends


def _descent(
    shapes: Mapping[str, shapely.Geometry], third: gpd.GeoDataFrame, names: list[str]
) -> list[tuple[str, str, str]]:
    """The former cells that share ground with each new cell."""
    tree = shapely.STRtree(third.geometry.to_numpy())
    steps = []
    for code, shape in shapes.items():
        near = np.sort(tree.query(shape))
        shared = shapely.area(shapely.intersection(shape, third.geometry.to_numpy()[near]))
        steps += [("redivide", code, names[k]) for k in near[shared > 0.01].tolist()]
    return steps


def _new_arcs(workspace: Workspace, made: Division, names: list[str], old: list[str]) -> Redraw:
    """Replace the arcs inside an area; arcs around it get new vertices at the ends of new borders."""
    members = set(old)
    before = list(workspace.of_cells(old).values())
    rim = [
        arc if arc.left in members else arc.reverse()
        for arc in before
        if (arc.left in members) != (arc.right in members)
    ]
    mesh = Mesh.from_layer(made.third)
    arcs = []
    for k in range(len(mesh.arcs.left)):
        points = tuple(map(tuple, mesh.arcs.xy[mesh.arcs.offsets[k] : mesh.arcs.offsets[k + 1]].tolist()))
        left, right = (NO_CELL if c == OUTSIDE else names[c] for c in (mesh.arcs.left[k], mesh.arcs.right[k]))
        arcs.append(Arc(points, left, right) if left != NO_CELL else Arc(points, left, right).reverse())
    moved = _ends_on_outline(rim, arcs)
    arcs = [arc._replace(points=_moved(arc.points, moved)) for arc in arcs]
    neighbours = _Rim(rim)
    after = []
    for arc in arcs:
        after += [arc] if arc.right != NO_CELL else neighbours.pieces(arc)
    return Redraw(tuple(before), tuple(after))


def _moved(points: tuple[Vertex, ...], moved: Mapping[Vertex, Vertex | None]) -> tuple[Vertex, ...]:
    kept = [moved.get(v, v) for v in points]
    line = [v for v in kept if v is not None]
    return tuple(v for k, v in enumerate(line) if k == 0 or v != line[k - 1])


def _ends_on_outline(rim: Sequence[Arc], arcs: Sequence[Arc]) -> dict[Vertex, Vertex | None]:
    """New vertices on the outline of the street: a node moves to the nearest existing vertex, any other vertex is dropped."""
    known = {v for arc in rim for v in arc.points}
    outline = [edge for arc in rim if arc.right == NO_CELL for edge in pairwise(arc.points)]
    if not outline:
        return {}
    lines = shapely.STRtree(shapely.linestrings([[point(a).coords[0], point(b).coords[0]] for a, b in outline]))
    nodes = {v for arc in arcs if arc.right != NO_CELL for v in (arc.points[0], arc.points[-1])}
    fresh = {v for arc in arcs if arc.right == NO_CELL for v in arc.points} - known
    result: dict[Vertex, Vertex | None] = {}
    for vertex in sorted(fresh):
        near = lines.query(point(vertex), predicate="dwithin", distance=0.003)
        if len(near):
            a, b = outline[int(near[0])]
            closer = min((a, b), key=lambda v: (v[0] - vertex[0]) ** 2 + (v[1] - vertex[1]) ** 2)
            result[vertex] = closer if vertex in nodes else None
    return result


class _Rim:
    """The former border of an area, for finding the cell beyond each edge of its new form."""

    def __init__(self, arcs: Iterable[Arc]) -> None:
        self._following: dict[Vertex, tuple[Vertex, str]] = {}
        self._nodes: set[Vertex] = set()
        for arc in arcs:
            self._nodes |= {arc.points[0], arc.points[-1]}
            for a, b in pairwise(arc.points):
                self._following[a] = (b, arc.right)

    def pieces(self, arc: Arc) -> list[Arc]:
        """A new arc of the rim, cut at former nodes, with the cells beyond it."""
        points = arc.points
        if points[0] not in self._following:
            before = next((k for k, v in enumerate(points) if v in self._following), None)
            if points[0] == points[-1] and before is not None:
                points = (*points[before:-1], *points[: before + 1])
        beyond, following = self._start(points)
        result, line = [], [points[0]]
        for vertex in points[1:]:
            line.append(vertex)
            if vertex == following or vertex in self._following:
                if vertex != following:
                    raise self._lost(vertex)
                if vertex in self._nodes:
                    result.append(Arc(tuple(line), arc.left, beyond))
                    line = [vertex]
                following, beyond = self._following[vertex]
        if len(line) > 1:
            result.append(Arc(tuple(line), arc.left, beyond))
        return result

    def _start(self, points: tuple[Vertex, ...]) -> tuple[str, Vertex]:
        if points[0] in self._following:
            following, beyond = self._following[points[0]]
            return beyond, following
        # The arc begins at a new vertex inside a former edge, which ends at the next former vertex.
        ends = {b: (a, beyond) for a, (b, beyond) in self._following.items()}
        for vertex in points[1:]:
            if vertex in ends:
                return ends[vertex][1], vertex
        middle = shapely.LineString([point(v).coords[0] for v in points]).interpolate(0.5, normalized=True)

        def distance(start: Vertex) -> float:
            edge = [point(start).coords[0], point(self._following[start][0]).coords[0]]
            return float(shapely.LineString(edge).distance(middle))

        a = min(self._following, key=distance)
        following, beyond = self._following[a]
        return beyond, following

    def _lost(self, vertex: Vertex) -> RefusedEdit:
        return RefusedEdit(
            "touches",
            "新网格改变了外边界",
            "the new cells do not keep the outline of the area",
            geometry=point(vertex),
        )
