"""Edits of one draft applied to another."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine

from api.access import Caller
from api.errors import ConflictError, EditRefusedError
from api.plans.editing import Edits, Request, edit
from api.plans.open_draft import OpenDraft
from geo.errors import InputError, RefusedEdit
from geo.redraw import Change, Edit, merge_drafts
from geo.redraw.merging import renamed

Plain = dict[str, Any]


def carry_over(
    opened: OpenDraft, engine: Engine, caller: Caller, at: datetime, changes: Sequence[Change]
) -> list[Plain]:
    """Apply the transactions of another draft one by one; returns those that were refused.

    Each request id is derived from the revision, so that repeating the call is harmless.
    """
    refused = []
    # New cells may get other codes in this draft; maps the codes that later edits refer to.
    names: dict[str, str] = {}
    for change in changes:
        request = Request(f"carried-over-{change.revision}", "", caller, at)
        edits = tuple(renamed(one, names) for one in change.edits)
        try:
            made = edit(opened, engine, request, Edits(edits, None, dict(change.accepted)))
            pairs = zip(change.lineage, made["lineage"], strict=True)
            names |= {old[2]: new[2] for old, new in pairs if old[2] != new[2]}
        except (EditRefusedError, ConflictError) as error:
            refusal = {name: error.members[name] for name in ("kind", "zh", "en", "cells")}
            refused.append({"revision": change.revision, **refusal, "edits": [one.to_dict() for one in change.edits]})
    return refused


def merged_edits(opened: OpenDraft, other: OpenDraft) -> tuple[Edit, ...]:
    """Edits of another draft on the same version, as applicable to this one.

    Raises
    ------
    ConflictError
        If both touch a cell, or they are based on different versions.
    """
    if opened.base.version.id != other.base.version.id:
        raise ConflictError(
            f"draft {other.number} is based on version {other.base.version.id}, this one on {opened.base.version.id}; "
            "begin a draft with its edits (edits_of) instead",
            kind="base",
        )
    try:
        merged = merge_drafts(opened.base.division, opened.draft, other.draft)
    except RefusedEdit as refused:
        members = {"kind": "stale", "zh": refused.zh, "en": refused.en, "cells": list(refused.cells)}
        raise ConflictError(str(refused), **members) from refused
    edits = merged.edits[len(opened.draft.edits) :]
    if not edits:
        raise InputError(f"draft {other.number} has no edits")
    return edits


def reasons_of(other: OpenDraft) -> dict[str, str]:
    """Warnings accepted in a draft, each with its latest reason."""
    return {kind: reason for change in other.draft.changes for kind, reason in change.accepted.items()}
