"""The draft: a mutable division, changed by edits that are exact or refused, with undo, redo, save and load."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import geopandas as gpd
import pandas as pd

from geo.errors import InputError, RefusedEdit
from geo.layers.columns import CODE, LEADER, NAME, Level
from geo.layers.division import Division, digest_of
from geo.layers.transformers import to_crs
from geo.redraw import edits as kinds
from geo.redraw.changes import Change, change_from_dict, change_to_dict
from geo.redraw.compiling import borders
from geo.redraw.compiling.cells import merge, recode, transfer
from geo.redraw.compiling.plans import Plan, change_of
from geo.redraw.compiling.redivision import Sources, redivide
from geo.redraw.compiling.splitting import split
from geo.redraw.edits import Edit
from geo.redraw.effects import Since, effect_of
from geo.redraw.export import as_division
from geo.redraw.working.applying import apply_plan, require_locked_outline, sides, undo_plan
from geo.redraw.working.arcs import Workspace
from geo.redraw.working.roads import Roads
from geo.redraw.working.rows import Amend, Rows
from geo.redraw.working.sharing import Buildings
from geo.redraw.working.undo import put, put_with_sums, require_on_top, take

_LOCKS = (kinds.Lock, kinds.Unlock, kinds.LockOutline, kinds.UnlockOutline)

#: Version of the file format of drafts.
FORMAT = 1


class Draft:
    """A mutable working copy of an immutable division; created by :meth:`of`."""

    def __init__(self, division: Division, buildings: gpd.GeoDataFrame | None, roads: gpd.GeoDataFrame | None) -> None:
        self.base = division
        self.crs = division.crs
        self.sources = Sources(
            None if roads is None else to_crs(roads, division.crs),
            None if buildings is None else to_crs(buildings, division.crs),
        )
        self.roads = None if self.sources.roads is None else Roads(self.sources.roads)
        self.buildings = None if self.sources.buildings is None else Buildings(self.sources.buildings)
        self.workspace = Workspace.of(division)
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
        """Start a draft on a division, which is not changed.

        Parameters
        ----------
        division
            The base, in a metric CRS, valid and nested according to :func:`geo.coverage.check_division`.
        buildings
            Polygons with ``population``, ``households`` and ``units`` where known, any CRS; used for the apportionment of people.
        roads
            Lines, any CRS, for the share of borders on roads and for snapping.

        Raises
        ------
        GeometryError
            If the third-level cells overlap or do not share their vertices.

        Notes
        -----
        Cost: O(n log n) in the number of vertices, once. The cost of an edit depends only on the size of the cells it touches.
        """
        return cls(division, buildings, roads)

    @property
    def base_codes(self) -> frozenset[str]:
        """Codes of all cells of the base."""
        return frozenset(str(code) for level in Level for code in self.base.layer(level)[CODE])

    @property
    def edits(self) -> tuple[Edit, ...]:
        """Edits in force, in order."""
        return tuple(edit for change in self._done for edit in change.edits)

    @property
    def changes(self) -> tuple[Change, ...]:
        """Accepted transactions in force, in order."""
        return tuple(self._done)

    def apply(
        self,
        edit: Edit | Sequence[Edit],
        *,
        accept: Mapping[str, str] | None = None,
        since: Since | int | None = None,
        check: Callable[[Change], None] | None = None,
    ) -> Change:
        """Apply an edit, or a list of edits as one transaction.

        Parameters
        ----------
        edit
            One edit, or several that are accepted together or not at all.
        accept
            Accepted warnings by kind, with the reason: ``{"cut_building": "to be torn down"}``.
        since
            The revision on which the edit was made, if it may be an older one, or the changes since: refused as ``stale`` if
            these wrote what the edit reads (:mod:`geo.redraw.effects`).
        check
            Called with the change before it is accepted, for example to store it; if it raises, the draft is unchanged.

        Raises
        ------
        RefusedEdit
            If the result would not be a valid division; the draft and its revision are unchanged.
        """
        edits = (edit,) if isinstance(edit, Edit) else tuple(edit)
        reasons = dict(accept or {})
        plans: list[Plan] = []
        before = (self.outline_locked, set(self.rows.locked))
        later = self.since(since) if isinstance(since, int) else since
        try:
            for one in edits:
                if later is not None:
                    later.require_same_border(self.workspace, self.rows, one)
                plans.append(self._apply_one(one, reasons))
            change = change_of(self.revision + 1, edits, plans, reasons)
            if later is not None:
                later.require_undisturbed(change)
            if check is not None:
                check(change)
        except BaseException as error:
            if isinstance(error, RefusedEdit) and len(plans) < len(edits):
                error.position = len(plans)
            for plan in reversed(plans):
                undo_plan(self.workspace, self.rows, plan.amends, [plan.redraw])
            self.outline_locked, self.rows.locked = before
            raise
        self.revision += 1
        self._done.append(change)
        self._undone.clear()
        return change

    def _apply_one(self, edit: Edit, accept: Mapping[str, str]) -> Plan:
        plan = self._compile(edit)
        self._require_allowed(edit, plan)
        apply_plan(self.workspace, self.rows, self.buildings, plan, accept)
        return plan

    def _compile(self, edit: Edit) -> Plan:
        workspace, rows = self.workspace, self.rows
        match edit:
            case kinds.MoveVertex():
                return Plan(borders.move_vertex(workspace, edit))
            case kinds.InsertVertex():
                return Plan(borders.insert_vertex(workspace, edit))
            case kinds.RemoveVertex():
                return Plan(borders.remove_vertex(workspace, edit))
            case kinds.SlideNode():
                return Plan(borders.slide_node(workspace, edit))
            case kinds.Reshape():
                return Plan(borders.reshape(workspace, rows, edit))
            case kinds.Split():
                return split(workspace, rows, edit, self.buildings)
            case kinds.Merge():
                return merge(workspace, rows, edit)
            case kinds.Transfer():
                return transfer(workspace, rows, edit)
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
                return recode(self.rows, self.workspace, edit)
            case kinds.Lock() | kinds.Unlock() | kinds.LockOutline() | kinds.UnlockOutline():
                for code in getattr(edit, "codes", ()):
                    self.rows.require(code)
                self._lock(edit)
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

    def _require_allowed(self, edit: Edit, plan: Plan) -> None:
        """Refuse changes of locked cells and of the locked outline."""
        if self.rows.locked and not isinstance(edit, kinds.Lock | kinds.Unlock):
            touched = sides(plan.redraw.before)
            touched |= {amend.code for amend in plan.amends}
            self.rows.require_unlocked(touched)
        if self.outline_locked:
            require_locked_outline(plan.redraw)

    def since(self, revision: int) -> Since:
        """Combined effect of the changes in force after a revision."""
        return Since(effect_of(change) for change in self._done if change.revision > revision)

    @contextmanager
    def trial(self, edit: Edit | Sequence[Edit], *, since: Since | int | None = None) -> Iterator[Change]:
        """Apply an edit within a ``with`` block, and revert it completely afterwards.

        A cut building does not cause a refusal here.
        """
        revision, undone = self.revision, list(self._undone)
        change = self.apply(edit, accept={"cut_building": "trial"}, since=since)
        try:
            yield change
        finally:
            self.undo()
            self.revision, self._undone = revision, undone

    def undo(self) -> Change | None:
        """Undo the last transaction; None if there is none."""
        if not self._done:
            return None
        change = self._done.pop()
        undo_plan(self.workspace, self.rows, change.amends, change.redraws)
        self._undone.append(change)
        self._replay_locks([change])
        self.revision += 1
        return change

    def redo(self) -> Change | None:
        """Redo the transaction undone last; None if there is none."""
        if not self._undone:
            return None
        change, revision = self._undone.pop(), self.revision + 1
        self.put_back(change)
        self.revision = revision
        return change

    def put_back(self, change: Change) -> Change:
        """Apply a stored change again, for example one of a log; :attr:`revision` becomes its revision.

        Its cells must be in the state in which it was made. Sums of ancestors are recomputed if other changes were made or undone
        in between.

        Returns
        -------
        Change
            The change as now in force.
        """
        if all(amend.before is None or self._holds(amend) for amend in change.amends):
            put(self.workspace, self.rows, change)
        else:
            change = put_with_sums(self.workspace, self.rows, change)
        self._done.append(change)
        self._replay_locks([change])
        self.revision = change.revision
        return change

    def _holds(self, amend: Amend) -> bool:
        return amend.code in self.rows and all(
            self.rows.get(amend.code, column) == value or value != value
            for column, value in (amend.before or {}).items()
        )

    def take_back(self, change: Change, *, check: Callable[[], None] | None = None) -> None:
        """Undo a change in force, not necessarily the last one; the revision is unchanged.

        Parameters
        ----------
        check
            Called before it is accepted; if it raises, the draft is unchanged.

        Raises
        ------
        RefusedEdit
            Of kind ``stale`` if a later change touched the same cells.
        """
        place = next(k for k, done in enumerate(self._done) if done.revision == change.revision)
        former, later = self._done[place:], self._done[place + 1 :]
        require_on_top(self._done[place], later)
        for done in reversed(former):
            take(self.workspace, self.rows, done)
        self._done[place:] = [put_with_sums(self.workspace, self.rows, done) for done in later]
        self._replay_locks(former)
        try:
            if check is not None:
                check()
        except BaseException:
            for done in reversed(self._done[place:]):
                take(self.workspace, self.rows, done)
            for done in former:
                put(self.workspace, self.rows, done)
            self._done[place:] = former
            self._replay_locks(former)
            raise

    def _replay_locks(self, changes: Sequence[Change]) -> None:
        """Update the locks after changes were made or undone; most changes contain none."""
        if any(isinstance(edit, _LOCKS) for change in changes for edit in change.edits):
            self.outline_locked, self.rows.locked = True, set()
            for edit in self.edits:
                self._lock(edit)

    def _lock(self, edit: Edit) -> None:
        """Apply a lock edit; other edits have no effect here."""
        match edit:
            case kinds.Lock(codes):
                self.rows.locked = self.rows.locked | set(codes)
            case kinds.Unlock(codes):
                self.rows.locked = self.rows.locked - set(codes)
            case kinds.LockOutline() | kinds.UnlockOutline():
                self.outline_locked = isinstance(edit, kinds.LockOutline)

    # Results

    def lineage(self) -> pd.DataFrame:
        """Descent of the cells: `kind` (split, merge, transfer, redivide, recode), `from_code`, `to_code`, `revision`."""
        steps = [(*step, change.revision) for change in self._done for step in change.lineage]
        return pd.DataFrame(steps, columns=["kind", "from_code", "to_code", "revision"])

    def division(self) -> Division:
        """The draft as a division: cells not touched by edits are bitwise equal to the base, attributes included.

        Notes
        -----
        Cost: O(n) in the number of vertices of the touched cells and their ancestors.
        """
        return as_division(self.base, self.workspace, self.rows)

    # Save and load

    def to_json(self) -> str:
        """Serialise the draft: its edits and stored primitives, and the digest of its base."""
        return json.dumps(
            {
                "format": FORMAT,
                "base": digest_of(self.base),
                "crs": self.crs.to_string(),
                "revision": self.revision,
                "changes": [change_to_dict(change) for change in self._done],
                "undone": [change_to_dict(change) for change in self._undone],
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
        """Load the result of :meth:`to_json`; the stored primitives are applied without recomputation.

        Raises
        ------
        InputError
            If the text is not a draft, or belongs to another division.
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
            draft.put_back(change_from_dict(values))
        draft._undone = [change_from_dict(values) for values in saved["undone"]]
        draft.revision = int(saved["revision"])
        return draft
