"""Merging two drafts on one base that touch different places."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

from geo.errors import InputError, RefusedEdit
from geo.layers.division import Division, digest_of
from geo.redraw.draft import Draft
from geo.redraw.edits import Edit


def merge_drafts(base: Division, one: Draft, other: Draft) -> Draft:
    """Make a draft with the edits of two drafts on the same base.

    Parameters
    ----------
    base
        The division that both were made on.
    one, other
        The drafts; they are not changed. Codes that `other` gave to new cells are given anew where `one` took them.

    Returns
    -------
    Draft
        The edits of `one`, then those of `other`.

    Raises
    ------
    InputError
        If a draft was made on another division.
    RefusedEdit
        Of kind ``stale`` if both touch a cell; the cells are named.
    """
    digest = digest_of(base)
    if any(digest_of(draft.base) != digest for draft in (one, other)):
        raise InputError("the drafts were not made on this division; both have to be")
    touched = [{code for change in draft.changes for code in change.cells} for draft in (one, other)]
    shared = sorted(code for code in touched[0] & touched[1] if code in one.base_codes)
    if shared:
        raise RefusedEdit(
            "stale",
            f"两份草案都改动了 {len(shared)} 个网格（{'、'.join(shared[:3])}），请先商定",
            f"both drafts touch {len(shared)} cells ({', '.join(shared[:3])}); settle these first",
            cells=shared,
        )
    merged = Draft(base, one.sources.buildings, one.sources.roads)
    for draft in (one, other):
        names: dict[str, str] = {}
        for change in draft.changes:
            done = merged.apply([renamed(edit, names) for edit in change.edits], accept=dict(change.accepted))
            names |= {old[2]: new[2] for old, new in zip(change.lineage, done.lineage, strict=True) if old[2] != new[2]}
    return merged


def renamed(edit: Edit, names: dict[str, str]) -> Edit:
    """An edit in which codes are replaced; those that `names` does not have stay."""
    values: dict[str, Any] = {}
    for field in fields(edit):  # type: ignore[arg-type]
        value = getattr(edit, field.name)
        if isinstance(value, str) and field.name in ("code", "into", "to"):
            values[field.name] = names.get(value, value)
        elif field.name == "codes":
            values[field.name] = tuple(names.get(code, code) for code in value)
    return replace(edit, **values) if values else edit  # type: ignore[type-var]
