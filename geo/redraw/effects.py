"""Read and write sets of edits, which decide whether an edit based on an older revision still has the same meaning.

An edit reads the arcs that it replaces, the rows that it uses as a whole (of a cell that it splits or retires), the value
that it sets, and the identity of the cells that it names. Residents, households, units and workload moved with a border are
not read: they are added to the current values. Two edits that replace different arcs of one cell are therefore independent;
conditions on the cell are tested on the result.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import shapely

from geo.errors import RefusedEdit
from geo.layers.columns import LEADER, NAME
from geo.redraw import edits as kinds
from geo.redraw.changes import Change
from geo.redraw.compiling.borders import find_chain, line_vertices
from geo.redraw.working.arcs import NO_CELL, Arc, Redraw, Workspace
from geo.redraw.working.postconditions import in_metres
from geo.redraw.working.rows import Rows

#: One value of a row: code and column.
Key = tuple[str, str]

#: Prefix of the pseudo-column for the identity of a cell: split, merged, transferred, recoded or created.
_DESCENT = "#"


@dataclass(frozen=True)
class Effect:
    """Effect of one change; arcs in the direction of :meth:`Arc.one_way`, values before and after."""

    revision: int
    taken_out: frozenset[Arc]
    put_in: frozenset[Arc]
    values: Mapping[Key, tuple[Any, Any]]


@dataclass(frozen=True)
class Reads:
    """Read set of a change.

    Attributes
    ----------
    arcs
        Arcs that it replaces.
    rows
        Codes of cells whose whole row it uses.
    cells
        Codes of cells that it names, whose identity must be unchanged.
    values
        Values that it sets.
    """

    arcs: frozenset[Arc]
    rows: frozenset[str]
    cells: frozenset[str]
    values: frozenset[Key]

    def value(self, key: Key) -> bool:
        """Whether the change reads a value written by another one."""
        code, column = key
        return code in self.rows or key in self.values or (code in self.cells and column.startswith(_DESCENT))


def effect_of(change: Change, *, revision: int | None = None, undone: bool = False) -> Effect:
    """Effect of a change, or of undoing it.

    Parameters
    ----------
    revision
        Revision of its log entry; by default that of the change.
    undone
        Whether the change was undone.
    """
    taken, put = _arcs(change)
    sums = set(change.sums)
    values: dict[Key, tuple[Any, Any]] = {}
    for k, amend in enumerate(change.amends):
        if k in sums:
            continue
        for column in {**(amend.before or {}), **(amend.after or {})}:
            key = amend.code, column
            before, after = ((side or {}).get(column) for side in (amend.before, amend.after))
            values[key] = values[key][0] if key in values else before, after
    for _, source, target in change.lineage:
        for code in (source, target):
            values[code, f"{_DESCENT}{change.revision}"] = False, True
    if undone:
        taken, put = put, taken
        values = {key: (after, before) for key, (before, after) in values.items()}
    return Effect(change.revision if revision is None else revision, frozenset(taken), frozenset(put), values)


def _arcs(change: Change) -> tuple[set[Arc], set[Arc]]:
    """Net sets of arcs that a change removed and added."""
    taken: set[Arc] = set()
    put: set[Arc] = set()
    for redraw in change.redraws:
        _replace(taken, put, {arc.one_way() for arc in redraw.before}, {arc.one_way() for arc in redraw.after})
    return taken, put


def _replace(taken: set[Arc], put: set[Arc], before: Iterable[Arc], after: Iterable[Arc]) -> None:
    """Combine a replacement with the net effect of those before it."""
    gone, new = set(before), set(after)
    taken |= gone - put
    put -= gone
    back = new & taken
    taken -= back
    put |= new - back


def _same(one: Any, other: Any) -> bool:
    return bool(one == other or (one != one and other != other))


def reads_of(change: Change) -> Reads:
    """The read set of a change."""
    rows = {amend.code for amend in change.amends if amend.before is not None and amend.after is None}
    cells: set[str] = set()
    values: set[Key] = set()
    for edit in change.edits:
        match edit:
            case kinds.Split(code):
                rows.add(code)
            case kinds.Merge(codes, into):
                # Unless the edit names it, the cell with most residents keeps its code.
                (rows if into is None else cells).update(codes)
            case kinds.Transfer(_, to):
                cells.add(to)
            case kinds.Rename(code) | kinds.SetLeader(code):
                cells.add(code)
                values.add((code, NAME if isinstance(edit, kinds.Rename) else LEADER))
            case kinds.Redivide(code):
                cells.add(code)
    return Reads(frozenset(_arcs(change)[0]), frozenset(rows), frozenset(cells), frozenset(values))


class Since:
    """The net effect of changes: a change that was undone has no effect.

    Parameters
    ----------
    effects
        In the order of their revisions.
    """

    def __init__(self, effects: Iterable[Effect]) -> None:
        self.effects = tuple(effects)
        self.taken_out: set[Arc] = set()
        self.put_in: set[Arc] = set()
        values: dict[Key, tuple[Any, Any]] = {}
        for effect in self.effects:
            _replace(self.taken_out, self.put_in, effect.taken_out, effect.put_in)
            for key, (before, after) in effect.values.items():
                values[key] = values[key][0] if key in values else before, after
        self.values = {key for key, (before, after) in values.items() if not _same(before, after)}

    def require_undisturbed(self, change: Change) -> None:
        """Refuse a change that reads something written by these changes.

        Raises
        ------
        RefusedEdit
            Of kind ``stale`` with the place, the cells and the revisions of the conflicting changes.
        """
        reads = reads_of(change)
        self._refuse(reads.arcs & self.put_in, {key for key in self.values if reads.value(key)})

    def require_same_border(self, workspace: Workspace, rows: Rows, edit: kinds.Edit) -> None:
        """Refuse a line whose ends were on a border that these changes removed.

        The line is applied to the borders of the draft together with the removed ones.
        """
        if not isinstance(edit, kinds.Reshape) or not self.taken_out:
            return
        beside = Redraw((), tuple(arc for arc in sorted(self.taken_out) if not workspace.has(arc)))
        line = line_vertices(edit.line)
        workspace.replace(beside)
        try:
            chain = find_chain(workspace, rows, line[0], line[-1], edit.line)
        except (RefusedEdit, KeyError):
            return  # On no border in either case, or next to retired cells: refused when it is applied.
        finally:
            workspace.replace(beside.inverse())
        self._refuse({section.stored.one_way() for section in chain} & set(beside.after), set())

    def require_apart(self, changes: Iterable[Change], codes: Collection[str]) -> None:
        """Refuse changes made concurrently on the same base that read something written by these.

        Parameters
        ----------
        changes
            The others, in order.
        codes
            Codes of the base: cells created later are different even if their codes are equal.

        Raises
        ------
        RefusedEdit
            Of kind ``stale`` with the place and the cells.
        """
        arcs: set[Arc] = set()
        keys: set[Key] = set()
        for reads in map(reads_of, changes):
            arcs |= reads.arcs & self.taken_out
            keys |= {key for key in self.values if key[0] in codes and reads.value(key)}
        self._refuse(arcs, keys)

    def _refuse(self, arcs: Iterable[Arc], keys: set[Key]) -> None:
        shared = set(arcs)
        if not shared and not keys:
            return
        cells = {code for arc in shared for code in (arc.left, arc.right)} | {code for code, _ in keys}
        error = RefusedEdit(
            "stale",
            "这里已被后来的修改改动，请查看后重做",
            "a later edit changed the same place; look at it and try again",
            cells=sorted(cells - {NO_CELL}),
            geometry=shapely.MultiLineString([[in_metres(v) for v in arc.points] for arc in sorted(shared)]),
        )
        error.revisions = tuple(
            effect.revision
            for effect in self.effects
            if shared & (effect.put_in | effect.taken_out) or keys & effect.values.keys()
        )
        raise error
