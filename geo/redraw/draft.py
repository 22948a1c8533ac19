"""The draft: a division in the making, changed by edits that are exact or refused, with undo, redo, save and load."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import geopandas as gpd
import pandas as pd
import shapely

from geo.coverage.mesh import Mesh
from geo.errors import InputError, RefusedEdit
from geo.layers.columns import AREA_M2, CODE, LEADER, NAME, PARENT, Level
from geo.layers.crs import area_m2
from geo.layers.division import Division, digest_of
from geo.redraw import cells as cell_edits
from geo.redraw import edits as kinds
from geo.redraw import geometry
from geo.redraw.cells import Plan
from geo.redraw.edits import Edit, edit_from_dict
from geo.redraw.lattice import Vertex
from geo.redraw.postconditions import (
    UNITS,
    corner_contacts,
    group_rings,
    require_group,
    require_no_conflict,
    require_rings,
    rings_of,
)
from geo.redraw.redivision import Sources, redivide
from geo.redraw.rows import Amend, Rows
from geo.redraw.sharing import Buildings, moved_shares
from geo.redraw.workspace import NO_CELL, Arc, Redraw, Workspace, shapes_of

#: Version of the form in which a draft is saved.
FORMAT = 1


@dataclass(frozen=True)
class Change:
    """What an accepted transaction did.

    Attributes
    ----------
    revision
        Revision of the draft after it.
    edits
        The edits, in the order in which they were applied.
    redraws, amends
        Stored primitives, in order; each is its own inverse by swapping sides.
    cells
        Codes of the third-level cells whose border or row changed, before and after.
    lineage
        Descent of cells: (kind, from, to).
    basis
        How people were shared out: ``buildings``, ``area``, or empty where nobody was moved.
    accepted
        Kinds of warning that were accepted, with the reasons given.
    """

    revision: int
    edits: tuple[Edit, ...]
    redraws: tuple[Redraw, ...]
    amends: tuple[Amend, ...]
    cells: tuple[str, ...]
    lineage: tuple[tuple[str, str, str], ...] = ()
    basis: str = ""
    accepted: Mapping[str, str] = field(default_factory=dict)


class Draft:
    """A mutable working copy over an immutable division; made by :meth:`of`."""

    def __init__(self, division: Division, buildings: gpd.GeoDataFrame | None, roads: gpd.GeoDataFrame | None) -> None:
        self.base = division
        self.crs = division.crs
        self.sources = Sources(
            None if roads is None else roads.to_crs(division.crs),
            None if buildings is None else buildings.to_crs(division.crs),
        )
        self.buildings = None if self.sources.buildings is None else Buildings(self.sources.buildings)
        third = division.third
        self.workspace = Workspace(Mesh.from_layer(third), third[CODE].to_numpy(dtype=object))
        self.rows = Rows(division)
        self.revision = 0
        self.outline_locked = True
        self._done: list[Change] = []
        self._undone: list[Change] = []

    @classmethod
    def of(
        cls,
        division: Division,
        *,
        buildings: gpd.GeoDataFrame | None = None,
        roads: gpd.GeoDataFrame | None = None,
    ) -> Draft:
        """Begin a draft on a division, which stays as it is.

        Parameters
        ----------
        division
            The base, in a metric CRS, whole and nested as :func:`geo.coverage.check_division` tests it.
        buildings
            Polygons with ``population``, ``households`` and ``units`` where known, any CRS: people are shared out by them.
        roads
            Lines, any CRS, for the share of borders on roads and for snapping.

        Raises
        ------
        GeometryError
            If the third-level cells overlap or do not share their vertices.

        Notes
        -----
        Cost: O(n log n) in the number of vertices, once. An edit then costs time in the size of the cells it touches only.
        """
        return cls(division, buildings, roads)

    # Edits

    @property
    def edits(self) -> tuple[Edit, ...]:
        """Edits in force, in order."""
        return tuple(edit for change in self._done for edit in change.edits)

    @property
    def changes(self) -> tuple[Change, ...]:
        """Accepted transactions in force, in order."""
        return tuple(self._done)

    def apply(
        self, edit: Edit | Sequence[Edit], *, accept: Mapping[str, str] | None = None, revision: int | None = None
    ) -> Change:
        """Apply an edit, or a list of edits as one transaction.

        Parameters
        ----------
        edit
            One edit, or several that are accepted together or not at all.
        accept
            Warnings that the planner accepts, by kind, with the reason: ``{"cut_building": "to be torn down"}``.
        revision
            The revision that the edit was made on, if it may be an older one: refused as ``stale`` where a later change
            touched the same cells or places.

        Raises
        ------
        RefusedEdit
            If the result would not be a whole division; the draft and its revision are unchanged.
        """
        edits = (edit,) if isinstance(edit, Edit) else tuple(edit)
        reasons = dict(accept or {})
        plans: list[Plan] = []
        before = (self.outline_locked, set(self.rows.locked))
        try:
            for one in edits:
                plan = self._apply_one(one, reasons)
                plans.append(plan)
            if revision is not None:
                self._require_fresh(plans, revision)
        except RefusedEdit:
            for plan in reversed(plans):
                self._undo_plan(plan)
            self.outline_locked, self.rows.locked = before[0], before[1]
            raise
        self.revision += 1
        change = Change(
            self.revision,
            edits,
            tuple(plan.redraw for plan in plans),
            tuple(amend for plan in plans for amend in plan.amends),
            tuple(sorted({code for plan in plans for code in _cells_of(plan)})),
            tuple(step for plan in plans for step in plan.lineage),
            next((plan.basis for plan in plans if plan.basis), ""),
            reasons,
        )
        self._done.append(change)
        self._undone.clear()
        return change

    def _apply_one(self, edit: Edit, accept: Mapping[str, str]) -> Plan:
        plan = self._compile(edit)
        self._require_allowed(edit, plan)
        if plan.redraw.before or plan.redraw.after:
            self._redraw(plan, accept)
        for amend in plan.amends:
            self.rows.amend(amend)
        plan.amends += self._sums(plan.amends)
        return plan

    def _compile(self, edit: Edit) -> Plan:
        workspace, rows = self.workspace, self.rows
        match edit:
            case kinds.MoveVertex():
                return Plan(geometry.move_vertex(workspace, edit))
            case kinds.InsertVertex():
                return Plan(geometry.insert_vertex(workspace, edit))
            case kinds.RemoveVertex():
                return Plan(geometry.remove_vertex(workspace, edit))
            case kinds.SlideNode():
                return Plan(geometry.slide_node(workspace, edit))
            case kinds.Reshape():
                return Plan(geometry.reshape(workspace, rows, edit))
            case kinds.Split():
                return cell_edits.split(workspace, rows, edit, self.buildings)
            case kinds.Merge():
                return cell_edits.merge(workspace, rows, edit)
            case kinds.Transfer():
                return cell_edits.transfer(workspace, rows, edit)
            case kinds.Redivide():
                return redivide(workspace, rows, edit, self.sources)
            case _:
                return self._compile_attribute(edit)

    def _compile_attribute(self, edit: Edit) -> Plan:
        match edit:
            case kinds.Rename(code, name):
                return self._set(code, NAME, name)
            case kinds.SetLeader(code, leader):
                return self._set(code, LEADER, leader)
            case kinds.Recode():
                return self._recode(edit)
            case kinds.Lock(codes) | kinds.Unlock(codes):
                for code in codes:
                    self.rows.require(code)
                held = self.rows.locked
                self.rows.locked = held | set(codes) if isinstance(edit, kinds.Lock) else held - set(codes)
            case kinds.LockOutline() | kinds.UnlockOutline():
                self.outline_locked = isinstance(edit, kinds.LockOutline)
            case kinds.Comment():
                pass
            case _:
                raise InputError(f"{type(edit).__name__} is not an edit of geo.redraw")
        return Plan()

    def _set(self, code: str, column: str, value: Any) -> Plan:
        self.rows.require(code)
        if column == NAME and not str(value).strip():
            raise RefusedEdit("misses", "名称不能为空", "a name cannot be empty", cells=[code])
        return Plan(amends=[Amend(code, {column: self.rows.get(code, column)}, {column: value})])

    def _recode(self, edit: kinds.Recode) -> Plan:
        rows, workspace = self.rows, self.workspace
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

    def _require_allowed(self, edit: Edit, plan: Plan) -> None:
        """Refuse changes of locked cells and of the locked outline."""
        if not isinstance(edit, kinds.Lock | kinds.Unlock):
            touched = {code for arc in plan.redraw.before for code in (arc.left, arc.right)} - {NO_CELL}
            touched |= {amend.code for amend in plan.amends}
            if isinstance(edit, kinds.Transfer):
                touched.add(edit.to)
            self.rows.require_unlocked(touched)
        if not self.outline_locked:
            return
        old = [arc for arc in plan.redraw.before if NO_CELL in (arc.left, arc.right)]
        new = [arc for arc in plan.redraw.after if NO_CELL in (arc.left, arc.right)]
        if _edges(old) != _edges(new):
            moved = sorted({code for arc in (*old, *new) for code in (arc.left, arc.right)} - {NO_CELL})
            raise RefusedEdit(
                "outline",
                "街道外轮廓已锁定；如确需调整，请先解锁外轮廓",
                "the outline of the street is locked; unlock it first if it has to change",
                cells=moved,
                geometry=shapely.MultiLineString([[(x / UNITS, y / UNITS) for x, y in arc.points] for arc in old])
                if old
                else None,
            )

    def _redraw(self, plan: Plan, accept: Mapping[str, str]) -> None:
        """Replace arcs, and put them back if a post-condition does not hold."""
        workspace, redraw = self.workspace, plan.redraw
        moved = _edges(redraw.before) != _edges(redraw.after)
        if moved:
            require_no_conflict(workspace, redraw.before, redraw.after)
            self._require_whole_buildings(redraw, accept)
        old_codes = _sides(redraw.before)
        new_codes = _sides(redraw.after)
        around = workspace.of_cells(old_codes)
        rings = {code: rings_of(around.values(), code.__eq__) for code in old_codes}
        nodes = {v for arc in (*redraw.before, *redraw.after) for v in (arc.points[0], arc.points[-1])}
        groups = (str, lambda c: self.rows.ancestor(c, Level.SECOND), lambda c: self.rows.ancestor(c, Level.COMMUNITY))
        contacts = {v: corner_contacts(workspace, v, groups) for v in nodes}
        # The area of a grid above changes only where cells change their parent: other edits keep which cell borders on which.
        areas = {code: group_rings(workspace, self.rows.third(code)) for code in plan.groups}
        shapes = self._shapes_to_share(plan, old_codes, around)
        workspace.replace(redraw)
        for amend in plan.amends:
            self.rows.amend(amend)
        try:
            merged = {to for kind, _, to in plan.lineage if kind == "merge"}
            for code in sorted(new_codes):
                former = rings.get(code) or next(
                    (rings[source] for kind, source, to in plan.lineage if to == code and source in rings), None
                )
                require_rings(
                    workspace, former or rings_of([], code.__eq__), code, hole_kind="ring" if merged else "encloses"
                )
            for vertex in sorted(nodes):
                self._require_no_new_contact(vertex, contacts[vertex], groups)
            for code in sorted(plan.groups):
                require_group(workspace, code, areas[code], self.rows.third(code))
        except RefusedEdit:
            self._take_back(plan)
            raise
        self._take_back_rows(plan)
        self._share(plan, shapes)

    def _take_back(self, plan: Plan) -> None:
        self._take_back_rows(plan)
        self.workspace.replace(plan.redraw.inverse())

    def _take_back_rows(self, plan: Plan) -> None:
        for amend in reversed(plan.amends):
            self.rows.amend(amend.inverse(), undo=True)

    def _require_no_new_contact(self, vertex: Vertex, before: set[tuple[int, str]], groups: Any) -> None:
        new = corner_contacts(self.workspace, vertex, groups) - before
        codes = sorted(code for _, code in new if code != NO_CELL)
        if new:
            raise RefusedEdit(
                "detached",
                "网格只在一个点上相连",
                "an area would be connected in a single point only",
                cells=codes,
                geometry=shapely.Point(vertex[0] / UNITS, vertex[1] / UNITS),
            )

    def _require_whole_buildings(self, redraw: Redraw, accept: Mapping[str, str]) -> None:
        if self.buildings is None or accept.get("cut_building"):
            return
        fresh = _edges(redraw.after) - _edges(redraw.before)
        if not fresh:
            return
        lines = shapely.multilinestrings(
            [shapely.linestrings([[x / UNITS, y / UNITS] for x, y in edge]) for edge in fresh]
        )
        old = shapely.multilinestrings(
            [shapely.linestrings([[x / UNITS, y / UNITS] for x, y in edge]) for edge in _edges(redraw.before)]
        )
        cut = self.buildings.cut_by(lines, old)
        if len(cut):
            raise RefusedEdit(
                "cut_building",
                f"新边界切过 {len(cut)} 栋建筑；如确需如此，请说明理由",
                f"the new border cuts {len(cut)} buildings; accept it with a reason if it is meant",
                cells=sorted(_sides(redraw.after)),
                geometry=shapely.multipolygons(
                    [part for shape in self.buildings.shapes[cut] for part in shapely.get_parts(shape)]
                ),
            )

    def _shapes_to_share(self, plan: Plan, codes: set[str], around: Mapping[int, Arc]) -> dict[str, shapely.Geometry]:
        """Polygons of the touched cells before an edit that moves a border between cells that stay."""
        if plan.amends or plan.lineage:
            return {}
        wanted = sorted(codes)
        return dict(zip(wanted, shapes_of(around.values(), wanted), strict=True))

    def _share(self, plan: Plan, before: Mapping[str, shapely.Geometry]) -> None:
        if not before:
            return
        codes = sorted(before)
        after = dict(zip(codes, shapes_of(self.workspace.of_cells(codes).values(), codes), strict=True))
        changes, basis = moved_shares(self.rows, before, after, self.buildings)
        plan.basis = basis if changes else ""
        plan.amends += [
            Amend(code, {column: self.rows.get(code, column) for column in values}, values)
            for code, values in changes.items()
        ]

    def _sums(self, amends: Sequence[Amend]) -> list[Amend]:
        """Changes of the rows above that follow from changes of third-level rows."""
        delta: dict[str, dict[str, Any]] = {}
        for amend in amends:
            for row, sign in ((amend.before, -1), (amend.after, 1)):
                if row is None or not self._is_third(amend, row):
                    continue
                parent = row.get(PARENT) or self.rows.parent(amend.code)
                for column in self.rows.shared_columns:
                    if row.get(column):
                        sums = delta.setdefault(str(parent), {})
                        sums[column] = sums.get(column, 0) + sign * row[column]
        retired = {amend.code: amend.before[PARENT] for amend in amends if amend.before and amend.after is None}
        changes = []
        for parent, sums in delta.items():
            code: str | None = parent
            while code is not None:
                if code in self.rows:
                    changes += self._add_to(code, sums)
                    level = self.rows.level(code)
                    code = None if level is Level.STREET else self.rows.parent(code)
                else:
                    code = retired.get(code)
        return changes

    def _add_to(self, code: str, sums: Mapping[str, Any]) -> list[Amend]:
        """Add sums to the values of a row; the change that was made, if any."""
        values = {c: self.rows.get(code, c) + d for c, d in sums.items() if d and self.rows.get(code, c) is not None}
        if not values:
            return []
        changed = Amend(code, {c: self.rows.get(code, c) for c in values}, values)
        self.rows.amend(changed)
        return [changed]

    def _is_third(self, amend: Amend, row: Mapping[str, Any]) -> bool:
        level = row.get("level")
        return level == int(Level.THIRD) if level is not None else self.rows.level(amend.code) is Level.THIRD

    def _undo_plan(self, plan: Plan) -> None:
        for amend in reversed(plan.amends):
            self.rows.amend(amend.inverse(), undo=True)
        self.workspace.replace(plan.redraw.inverse())

    def _require_fresh(self, plans: Sequence[Plan], revision: int) -> None:
        cells = {code for plan in plans for code in _cells_of(plan)}
        later = [change for change in self._done if change.revision > revision and cells & set(change.cells)]
        if later:
            shared = sorted(cells & {code for change in later for code in change.cells})
            raise RefusedEdit(
                "stale",
                "这里已被后来的修改改动，请查看后重做",
                "a later edit changed the same place; look at it and try again",
                cells=shared,
            )

    # Undo and redo

    def undo(self) -> Change | None:
        """Take the last transaction back; None where there is none."""
        if not self._done:
            return None
        change = self._done.pop()
        for amend in reversed(change.amends):
            self.rows.amend(amend.inverse(), undo=True)
        for redraw in reversed(change.redraws):
            self.workspace.replace(redraw.inverse())
        self._undone.append(change)
        self._replay_locks()
        self.revision += 1
        return change

    def redo(self) -> Change | None:
        """Make the transaction again that was taken back last; None where there is none."""
        if not self._undone:
            return None
        change = self._undone.pop()
        self._put_back(change)
        self.revision += 1
        return change

    def _put_back(self, change: Change) -> None:
        for redraw in change.redraws:
            self.workspace.replace(redraw)
        for amend in change.amends:
            self.rows.amend(amend)
        self._done.append(change)
        self._replay_locks()

    def _replay_locks(self) -> None:
        self.outline_locked, self.rows.locked = True, set()
        for edit in self.edits:
            match edit:
                case kinds.Lock(codes):
                    self.rows.locked |= set(codes)
                case kinds.Unlock(codes):
                    self.rows.locked -= set(codes)
                case kinds.LockOutline():
                    self.outline_locked = True
                case kinds.UnlockOutline():
                    self.outline_locked = False

    # Results

    def lineage(self) -> pd.DataFrame:
        """Descent of the cells: `kind` (split, merge, transfer, redivide, recode), `from_code`, `to_code`, `revision`."""
        steps = [(*step, change.revision) for change in self._done for step in change.lineage]
        return pd.DataFrame(steps, columns=["kind", "from_code", "to_code", "revision"])

    def division(self) -> Division:
        """The draft as a division: cells that no edit touched are equal to the base to the last bit, attributes included.

        Notes
        -----
        Cost: O(n) in the number of vertices of the touched cells and of the grids above them.
        """
        changed = self.workspace.changed_cells()
        layers = {}
        for level in reversed(Level):
            layers[level] = self._layer(level, changed)
        return Division(*(layers[level] for level in Level))

    def _layer(self, level: Level, changed: set[str]) -> gpd.GeoDataFrame:
        base = self.base.layer(level)
        frame, _ = self.rows.frame(level)
        codes = frame[CODE].astype(str)
        known = dict(zip(base[CODE].astype(str), base.geometry.array, strict=True))
        stale = {self.rows.ancestor(code, level) for code in changed if code in self.rows}
        stale |= {code for code in codes if code not in known}
        if not stale and frame is not None and len(frame) == len(base) and not self.rows.changed(level):
            return base.copy()
        shapes = {code: known.get(code) for code in codes}
        dirty = []
        for code in sorted(stale & set(codes)):
            cells = self.rows.third(code)
            names = dict.fromkeys(cells, code)
            arcs = [
                Arc(a.points, names.get(a.left, NO_CELL), names.get(a.right, NO_CELL))
                for a in self.workspace.of_cells(cells).values()
            ]
            shape = shapes_of([a for a in arcs if a.left != a.right], [code])[0]
            if known.get(code) is None or not shapely.equals_exact(shape, known[code], 0.0, normalize=False):
                shapes[code] = shape
                dirty.append(code)
        geometries = gpd.GeoSeries([shapes[code] for code in codes], index=frame.index, crs=base.crs)
        layer = gpd.GeoDataFrame(
            frame.assign(**{base.geometry.name: geometries}), geometry=base.geometry.name, crs=base.crs
        )
        layer = layer[list(base.columns)]
        if dirty and AREA_M2 in layer:
            mask = codes.isin(dirty)
            layer.loc[mask, AREA_M2] = area_m2(layer.geometry[mask])
        return layer

    # Save and load

    def to_json(self) -> str:
        """The draft as text: its edits and stored primitives, and the digest of its base."""
        return json.dumps(
            {
                "format": FORMAT,
                "base": digest_of(self.base),
                "crs": self.crs.to_string(),
                "revision": self.revision,
                "changes": [_change_to_dict(change) for change in self._done],
                "undone": [_change_to_dict(change) for change in self._undone],
            },
            ensure_ascii=False,
        )

    @classmethod
    def from_json(
        cls,
        division: Division,
        text: str,
        *,
        buildings: gpd.GeoDataFrame | None = None,
        roads: gpd.GeoDataFrame | None = None,
    ) -> Draft:
        """Load a draft that :meth:`to_json` wrote; the stored primitives are put back, nothing is computed anew.

        Raises
        ------
        InputError
            If the text is not a draft, or was made on another division.
        """
        try:
            saved = json.loads(text)
            form, base = saved["format"], saved["base"]
        except (ValueError, TypeError, KeyError) as error:
            raise InputError("the text is not a saved draft") from error
        if form != FORMAT:
            raise InputError(f"the draft has format {form}; this version reads format {FORMAT}")
        if base != digest_of(division):
            raise InputError("the draft was made on another division; load the division that it names as its base")
        draft = cls(division, buildings, roads)
        for values in saved["changes"]:
            draft._put_back(_change_from_dict(values))
        draft._undone = [_change_from_dict(values) for values in saved["undone"]]
        draft.revision = int(saved["revision"])
        return draft


def _cells_of(plan: Plan) -> set[str]:
    codes = {code for arc in (*plan.redraw.before, *plan.redraw.after) for code in (arc.left, arc.right)} - {NO_CELL}
    return codes | {amend.code for amend in plan.amends}


def _sides(arcs: Sequence[Arc]) -> set[str]:
    return {code for arc in arcs for code in (arc.left, arc.right)} - {NO_CELL}


def _edges(arcs: Sequence[Arc]) -> set[tuple[Vertex, Vertex]]:
    return {(a, b) if a < b else (b, a) for arc in arcs for a, b in zip(arc.points[:-1], arc.points[1:], strict=True)}


def _change_to_dict(change: Change) -> dict[str, Any]:
    return {
        "revision": change.revision,
        "edits": [edit.to_dict() for edit in change.edits],
        "redraws": [[[list(arc) for arc in side] for side in redraw] for redraw in change.redraws],
        "amends": [list(amend) for amend in change.amends],
        "cells": list(change.cells),
        "lineage": [list(step) for step in change.lineage],
        "basis": change.basis,
        "accepted": dict(change.accepted),
    }


def _change_from_dict(values: Mapping[str, Any]) -> Change:
    def arcs(side: list[Any]) -> tuple[Arc, ...]:
        return tuple(Arc(tuple((int(x), int(y)) for x, y in points), left, right) for points, left, right in side)

    return Change(
        int(values["revision"]),
        tuple(edit_from_dict(edit) for edit in values["edits"]),
        tuple(Redraw(arcs(before), arcs(after)) for before, after in values["redraws"]),
        tuple(Amend(*amend) for amend in values["amends"]),
        tuple(values["cells"]),
        tuple((kind, source, to) for kind, source, to in values["lineage"]),
        values["basis"],
        values["accepted"],
    )
