"""Application of a compiled edit: replaces arcs, tests postconditions, apportions people, and updates sums of ancestors."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import shapely

from geo.errors import RefusedEdit
from geo.layers.columns import LEVEL, PARENT, Level
from geo.layers.crs import PER_METRE
from geo.redraw.compiling.plans import Plan
from geo.redraw.working.arcs import NO_CELL, Arc, Redraw, Workspace
from geo.redraw.working.ground import changed_borders, changed_edges
from geo.redraw.working.lattice import Vertex
from geo.redraw.working.postconditions import (
    Rings,
    corner_contacts,
    outline_near,
    point,
    require_group,
    require_no_conflict,
    require_rings,
    rings_of,
    rings_of_each,
)
from geo.redraw.working.rows import Amend, Rows
from geo.redraw.working.sharing import Buildings, Shares, moved_shares
from geo.redraw.working.simple_cells import Surroundings, areas_if_simple
from geo.wording import counted

#: Maximum relative change of a sum that is explained by rounding of its terms.
_ROUNDING = 1e-9


def sides(arcs: Iterable[Arc]) -> set[str]:
    """Codes of the cells on both sides of arcs."""
    return {code for arc in arcs for code in (arc.left, arc.right)} - {NO_CELL}


def edges(arcs: Iterable[Arc]) -> set[tuple[Vertex, Vertex]]:
    """Edges of arcs, without direction."""
    return {(a, b) if a < b else (b, a) for arc in arcs for a, b in pairwise(arc.points)}


def require_locked_outline(redraw: Redraw) -> None:
    """Refuse a change of the outline of the street."""
    old = [arc for arc in redraw.before if NO_CELL in (arc.left, arc.right)]
    new = [arc for arc in redraw.after if NO_CELL in (arc.left, arc.right)]
    if not (old or new) or edges(old) == edges(new):
        return
    raise RefusedEdit(
        "outline",
        "街道外轮廓已锁定；如确需调整，请先解锁外轮廓",
        "the outline of the street is locked; unlock it first if it has to change",
        cells=sorted(sides((*old, *new))),
        geometry=_lines(edges(old) ^ edges(new)),
    )


def _lines(found: Iterable[tuple[Vertex, Vertex]]) -> shapely.MultiLineString:
    ends = np.array(sorted(found), dtype=np.int64) / PER_METRE
    lines: shapely.MultiLineString = shapely.multilinestrings(shapely.linestrings(ends))
    return lines


def apply_plan(
    workspace: Workspace, rows: Rows, buildings: Buildings | None, plan: Plan, accept: Mapping[str, str]
) -> None:
    """Apply a compiled edit, or refuse it without any change; completes the plan with the derived changes."""
    if plan.redraw.before or plan.redraw.after:
        _redraw(workspace, rows, buildings, plan, accept)
    for amend in plan.amends:
        rows.amend(amend)
    plan.cells = sides((*plan.redraw.before, *plan.redraw.after)) | {amend.code for amend in plan.amends}
    sums = sums_above(rows, plan.amends)
    plan.sums = tuple(range(len(plan.amends), len(plan.amends) + len(sums)))
    plan.amends += sums


def undo_plan(workspace: Workspace, rows: Rows, amends: Sequence[Amend], redraws: Sequence[Redraw]) -> None:
    """Revert changes, last one first."""
    for amend in reversed(amends):
        rows.amend(amend.inverse(), undo=True)
    for redraw in reversed(redraws):
        workspace.replace(redraw.inverse())


def _redraw(
    workspace: Workspace, rows: Rows, buildings: Buildings | None, plan: Plan, accept: Mapping[str, str]
) -> None:
    redraw = plan.redraw
    changed = changed_edges(redraw.before, redraw.after)
    fresh = changed.fresh()
    numbers = _numbers_around(workspace, redraw, fresh)
    areas_m2 = areas_if_simple(redraw.before, redraw.after, _surroundings(workspace, numbers))
    # The detailed tests, if the fast one does not confirm.
    rest = [] if areas_m2 is not None else [workspace.arc(number) for number in numbers]
    if fresh:
        if areas_m2 is None:
            require_no_conflict(redraw.after, rest, fresh)
        _require_whole_buildings(buildings, redraw, fresh, accept)
    former = {} if areas_m2 is not None else rings_of_each((*redraw.before, *rest), sides(redraw.before))
    groups = (str, lambda c: rows.ancestor(c, Level.SECOND), lambda c: rows.ancestor(c, Level.COMMUNITY))
    # If no cell is created or retired, each node keeps its cells and their order; otherwise a ring would have changed.
    nodes = (
        {v for arc in (*redraw.before, *redraw.after) for v in (arc.points[0], arc.points[-1])}
        if plan.amends
        else set()
    )
    contacts = {v: corner_contacts(workspace, v, groups) for v in nodes}
    workspace.replace(redraw)
    for amend in plan.amends:
        rows.amend(amend)
    try:
        if areas_m2 is None:
            _require_rings(plan, former, rest)
            areas_m2 = {code: found.area_m2() for code, found in former.items()}
        for vertex in sorted(nodes):
            _require_no_new_contact(workspace, vertex, contacts[vertex], groups)
        _require_groups(workspace, rows, plan)
        changes: Shares = {}
        borders = None if plan.amends else changed_borders(changed)
        if borders is not None:
            changes, basis = moved_shares(rows, areas_m2, borders, buildings)
            plan.basis = basis if changes else ""
    except BaseException:
        undo_plan(workspace, rows, plan.amends, [redraw])
        raise
    undo_plan(workspace, rows, plan.amends, [])
    for code, values in changes.items():
        former_values = rows.shares(code)
        plan.amends.append(Amend(code, {c: former_values[c] for c in values}, values))


def _require_groups(workspace: Workspace, rows: Rows, plan: Plan) -> None:
    """Test the areas of grids above, which change only if cells change their parent; the plan has been applied.

    An area of one piece without a hole is valid in any case. For other areas, the plan is reverted temporarily to see whether
    they were so before.
    """
    later = _areas(workspace, rows, plan.groups)
    doubtful = {code: area for code, area in later.items() if len(area.outer) != 1 or area.inner}
    if not doubtful:
        return
    undo_plan(workspace, rows, plan.amends, [plan.redraw])
    former = _areas(workspace, rows, doubtful)
    workspace.replace(plan.redraw)
    for amend in plan.amends:
        rows.amend(amend)
    for code, area in doubtful.items():
        require_group(former[code], area, code)


def _areas(workspace: Workspace, rows: Rows, codes: Iterable[str]) -> dict[str, Rings]:
    """The rings of grids above the third level, as areas."""
    cells = {code: set(rows.third(code)) for code in sorted(codes)}
    return {code: rings_of(workspace.of_group(code, members), members) for code, members in cells.items()}


def _numbers_around(workspace: Workspace, redraw: Redraw, fresh: set[tuple[Vertex, Vertex]]) -> list[int]:
    """The unchanged arcs around the touched cells; if the outline is touched, also the outline near the new edges."""
    touched = {code for arc in (*redraw.before, *redraw.after) for code in (arc.left, arc.right)}
    around = workspace.numbers_of_cells(touched - {NO_CELL})
    if NO_CELL in touched and fresh:
        around |= outline_near(workspace, fresh)
    return sorted(around.difference(workspace.number_of(arc) for arc in redraw.before))


def _surroundings(workspace: Workspace, numbers: Sequence[int]) -> Surroundings:
    base = [number for number in numbers if workspace.is_of_base(number)]
    edited = [workspace.arc(number) for number in numbers[len(base) :]]
    return Surroundings(edited, workspace.base_arcs, base, workspace.position)


def _require_rings(plan: Plan, former: Mapping[str, Rings], rest: Sequence[Arc]) -> None:
    """Test the rings of every touched cell against those of its predecessor."""
    kind = "ring" if any(step == "merge" for step, _, _ in plan.lineage) else "encloses"
    source = {to: code for _, code, to in plan.lineage if code in former}
    later = rings_of_each((*plan.redraw.after, *rest), sorted(sides(plan.redraw.after)))
    for code, after in later.items():
        before = former.get(code) or former.get(source.get(code, ""), Rings())
        require_rings(before, after, code, kind)


def _require_no_new_contact(
    workspace: Workspace, vertex: Vertex, before: set[tuple[int, str]], groups: Sequence[Callable[[str], str]]
) -> None:
    new = corner_contacts(workspace, vertex, groups) - before
    if new:
        raise RefusedEdit(
            "detached",
            "网格只在一个点上相连",
            "an area would be connected in a single point only",
            cells=sorted(code for _, code in new if code != NO_CELL),
            geometry=point(vertex),
        )


def _require_whole_buildings(
    buildings: Buildings | None, redraw: Redraw, fresh: set[tuple[Vertex, Vertex]], accept: Mapping[str, str]
) -> None:
    if buildings is None or accept.get("cut_building"):
        return
    x, y = ([vertex[axis] for edge in fresh for vertex in edge] for axis in (0, 1))
    if not buildings.touches_box((min(x), min(y)), (max(x), max(y))):
        return
    cut = buildings.cut_by(_lines(fresh), _lines(edges(redraw.before)))
    if len(cut):
        raise RefusedEdit(
            "cut_building",
            f"新边界切过 {len(cut)} 栋建筑；如确需如此，请说明理由",
            f"the new border cuts {counted(len(cut), 'building')}; accept it with a reason if it is meant",
            cells=sorted(sides(redraw.after)),
            geometry=shapely.multipolygons(
                [part for shape in buildings.shapes[cut] for part in shapely.get_parts(shape)]
            ),
        )


def sums_above(rows: Rows, amends: Sequence[Amend]) -> list[Amend]:
    """Update the sums of ancestors after changes of third-level rows."""
    delta: dict[str, dict[str, Any]] = {}
    for amend in amends:
        for row, sign in ((amend.before, -1), (amend.after, 1)):
            if row is None or not _is_third(rows, amend, row):
                continue
            parent = str(row.get(PARENT) or rows.parent(amend.code))
            sums = delta.get(parent)
            if sums is None:
                sums = delta[parent] = {}
            for column, value in row.items():
                if value and column in rows.shared_columns:
                    sums[column] = sums.get(column, 0) + sign * value
    retired = {amend.code: amend.before[PARENT] for amend in amends if amend.before and amend.after is None}
    changes: list[Amend] = []
    for parent, total in delta.items():
        sums = {column: value for column, value in total.items() if abs(value) > _ROUNDING}
        code: str | None = parent if sums else None
        while code is not None:
            if code in rows:
                changes += _add_to(rows, code, sums)
                code = None if rows.level(code) is Level.STREET else rows.parent(code)
            else:
                code = retired.get(code)
    return changes


def _add_to(rows: Rows, code: str, sums: Mapping[str, Any]) -> list[Amend]:
    """Add to the values of a row; returns the change, if any."""
    before = {c: value for c in sums if (value := rows.get(code, c)) is not None}
    if not before:
        return []
    changed = Amend(code, before, {c: value + sums[c] for c, value in before.items()})
    rows.amend(changed)
    return [changed]


def _is_third(rows: Rows, amend: Amend, row: Mapping[str, Any]) -> bool:
    level = row.get(LEVEL)
    return level == int(Level.THIRD) if level is not None else rows.level(amend.code) is Level.THIRD
