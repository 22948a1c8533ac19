"""Compilation of cell edits to arcs and rows: merge, transfer and recode."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from geo.errors import RefusedEdit
from geo.layers.columns import CODE, NAME, PARENT, Level
from geo.redraw.compiling.plans import Plan
from geo.redraw.edits import Merge, Recode, Transfer
from geo.redraw.working.arcs import Arc, Redraw, Workspace
from geo.redraw.working.lattice import Vertex
from geo.redraw.working.rows import Amend, Rows, new_name, values_changed


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
    amends = [values_changed(rows, into, sums)]
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
    """Join arcs at former nodes where only two arcs with the same cells on their sides remain."""
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


def recode(rows: Rows, workspace: Workspace, edit: Recode) -> Plan:
    """Give a third-level cell another code under its parent."""
    rows.require(edit.code)
    parent = rows.parent(edit.code)
    if rows.level(edit.code) is not Level.THIRD or not edit.to.startswith(parent) or len(edit.to) != len(edit.code):
        raise RefusedEdit(
            "misses",
            f"新编码应为 {parent} 加三位数字",
            f"the new code of a third-level cell is {parent} and three digits",
            cells=[edit.code],
        )
    if not edit.to.isdigit() or edit.to.endswith("000") or rows.was_used(edit.to):
        raise RefusedEdit(
            "retired",
            f"编码 {edit.to} 已用过或无效",
            f"code {edit.to} was used before or is not valid",
            cells=[edit.code],
        )
    before = tuple(workspace.of_cells([edit.code]).values())
    names = {edit.code: edit.to}
    after = tuple(Arc(a.points, names.get(a.left, a.left), names.get(a.right, a.right)) for a in before)
    row = {**rows.row(edit.code), CODE: edit.to}
    amends = [Amend(edit.code, rows.row(edit.code), None), Amend(edit.to, None, row)]
    return Plan(Redraw(before, after), amends, [("recode", edit.code, edit.to)])
