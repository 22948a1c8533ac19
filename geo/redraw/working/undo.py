"""Undo of a change that is followed by others, and reapplication of a change: values of other cells are unchanged.

Sums of ancestors depend on all changes, so they are recomputed; everything else is restored as stored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from geo.errors import RefusedEdit
from geo.layers.codes import SEGMENT
from geo.layers.columns import HOUSEHOLDS, PARENT, POPULATION, UNITS, WORKLOAD
from geo.redraw.changes import Change
from geo.redraw.working.applying import sums_above, undo_plan
from geo.redraw.working.arcs import Workspace
from geo.redraw.working.rows import Rows

_MEASURES = (POPULATION, HOUSEHOLDS, UNITS, WORKLOAD)


def reach(change: Change) -> frozenset[str]:
    """Codes that two independent changes must not have in common.

    These are the cells whose border or row is changed, and the grids and communities between which ground was moved: two
    transfers of different cells can each leave a grid connected and together disconnect it.
    """
    parents = {a.code: str(row[PARENT]) for a in change.amends for row in (a.before, a.after) if row and PARENT in row}
    moved: set[str] = set()
    for _, source, target in change.lineage:
        moved |= _apart(parents.get(source), parents.get(target))
    for amend in change.amends:
        if amend.before and amend.after and PARENT in amend.after:
            moved |= _apart(str(amend.before[PARENT]), str(amend.after[PARENT]))
    return frozenset(change.cells) | moved


def _apart(one: str | None, other: str | None) -> set[str]:
    """Two parents and their ancestors, as far as they differ."""
    found: set[str] = set()
    while one and other and one != other:
        found |= {one, other}
        one, other = one[:-SEGMENT], other[:-SEGMENT]
    return found


def clash(one: Change, other: Change) -> set[str]:
    """Codes through which two changes depend on each other; empty if either can be undone without the other."""
    shared = set(reach(one) & reach(other))
    for first, second in ((one, other), (other, one)):
        shared |= _summed(first) & _totals(second)
    return shared


def _summed(change: Change) -> set[str]:
    return {change.amends[k].code for k in change.sums}


def _totals(change: Change) -> set[str]:
    """Codes of rows that a change sets as a whole, including sums, such as those of merged grids."""
    own = [amend for k, amend in enumerate(change.amends) if k not in set(change.sums)]
    return {a.code for a in own if not a.before or not a.after or set(a.after) & set(_MEASURES)}


def require_on_top(change: Change, later: Sequence[Change]) -> None:
    """Refuse to undo a change on which a later one depends."""
    shared = sorted({code for other in later for code in clash(change, other)})
    if shared:
        raise RefusedEdit(
            "stale",
            f"之后的修改也涉及这里（{'、'.join(shared[:3])}），请先撤销之后的修改",
            f"a later edit touched the same place ({', '.join(shared[:3])}); undo that one first",
            cells=shared,
        )


def put(workspace: Workspace, rows: Rows, change: Change) -> None:
    """Apply a stored change again, including sums."""
    for redraw in change.redraws:
        workspace.replace(redraw)
    for amend in change.amends:
        rows.amend(amend)


def take(workspace: Workspace, rows: Rows, change: Change) -> None:
    """Undo a stored change, which must be the last one."""
    undo_plan(workspace, rows, change.amends, change.redraws)


def put_with_sums(workspace: Workspace, rows: Rows, change: Change) -> Change:
    """Apply a stored change again with recomputed sums; returns the change to store."""
    for redraw in change.redraws:
        workspace.replace(redraw)
    sums = set(change.sums)
    own = [amend for k, amend in enumerate(change.amends) if k not in sums]
    for amend in own:
        rows.amend(amend)
    added = sums_above(rows, own)
    return replace(change, amends=(*own, *added), sums=tuple(range(len(own), len(own) + len(added))))
