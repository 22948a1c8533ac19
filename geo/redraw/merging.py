"""Merge of two drafts on one base that touch different places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from typing import Any

from geo.errors import InputError, RefusedEdit
from geo.layers.division import Division, digest_of
from geo.redraw.changes import Change
from geo.redraw.draft import Draft
from geo.redraw.edits import Edit, Reshape
from geo.redraw.effects import Since, effect_of
from geo.redraw.working.arcs import Redraw
from geo.redraw.working.lattice import Vertex
from geo.wording import counted


def merge_drafts(base: Division, one: Draft, other: Draft) -> Draft:
    """Create a draft with the edits of two drafts on the same base.

    Parameters
    ----------
    base
        The division on which both are based.
    one, other
        The drafts; they are not changed. Codes given by `other` to new cells are reassigned if `one` uses them.

    Returns
    -------
    Draft
        The edits of `one`, then those of `other`.

    Raises
    ------
    InputError
        If a draft is based on another division.
    RefusedEdit
        Of kind ``stale`` if one reads what the other changed (:mod:`geo.redraw.effects`), with the place and the cells; of
        another kind if the result would not be a valid division.
    """
    digest = digest_of(base)
    if any(digest_of(draft.base) != digest for draft in (one, other)):
        raise InputError("the drafts were not made on this division; both have to be")
    _require_apart(one, other)
    merged = Draft(base, one.sources.buildings, one.sources.roads)
    for draft in (one, other):
        names: dict[str, str] = {}
        for change in draft.changes:
            done = merged.apply([renamed(edit, names) for edit in change.edits], accept=dict(change.accepted))
            _require_same_lines(change, done)
            names |= {old[2]: new[2] for old, new in zip(change.lineage, done.lineage, strict=True) if old[2] != new[2]}
    return merged


def _require_apart(one: Draft, other: Draft) -> None:
    codes = one.base_codes
    for mine, theirs in ((one, other), (other, one)):
        try:
            Since(map(effect_of, mine.changes)).require_apart(theirs.changes, codes)
        except RefusedEdit as refused:
            raise _settle(refused.cells, refused.geometry) from refused


def _require_same_lines(made: Change, done: Change) -> None:
    """Refuse a line that replaces another border than in its original draft."""
    for edit, former, now in zip(made.edits, made.redraws, done.redraws, strict=True):
        if isinstance(edit, Reshape) and _lines(former) != _lines(now):
            raise _settle(done.cells, edit.line)


def _lines(redraw: Redraw) -> set[tuple[Vertex, ...]]:
    return {arc.one_way().points for arc in redraw.before}


def _settle(cells: Sequence[str], place: Any) -> RefusedEdit:
    return RefusedEdit(
        "stale",
        f"两份草案都改动了 {len(cells)} 个网格（{'、'.join(cells[:3])}），请先商定",
        f"both drafts touch {counted(len(cells), 'cell')} ({', '.join(cells[:3])}); settle this first",
        cells=cells,
        geometry=place,
    )


def renamed(edit: Edit, names: dict[str, str]) -> Edit:
    """An edit with codes replaced according to `names`; other codes are unchanged."""
    values: dict[str, Any] = {}
    for field in fields(edit):  # type: ignore[arg-type]
        value = getattr(edit, field.name)
        if isinstance(value, str) and field.name in ("code", "into", "to"):
            values[field.name] = names.get(value, value)
        elif field.name == "codes":
            values[field.name] = tuple(names.get(code, code) for code in value)
    return replace(edit, **values) if values else edit  # type: ignore[type-var]
