"""Refused edits and conflicts as errors of the HTTP API."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import shapely

from api.errors import ConflictError, EditRefusedError
from api.plans.open_draft import Logged, OpenDraft, box_of
from api.plans.wire import refusal_members
from geo.errors import InputError, RefusedEdit
from geo.layers.crs import PER_METRE
from geo.redraw import Change, Comment, Edit
from geo.redraw.working.lattice import Vertex

Plain = dict[str, Any]

#: Coordinate differences stay below 2^31, so that all signs are exact (:mod:`geo.redraw.working.lattice`).
_FARTHEST = 500_000 * PER_METRE


def stale(
    opened: OpenDraft, cells: set[str], others: Sequence[Logged], zh: str, shared: Sequence[str] = ()
) -> ConflictError:
    """Conflict with entries of other clients, with its place; `shared` are the cells in conflict, by default those that both
    touch.
    """
    shared = shared or sorted(cells & {code for entry in others for code in entry.cells})
    boxes = [entry.box for entry in others if entry.box is not None]
    west, south = (min((box[k] for box in boxes), default=0) / PER_METRE for k in (0, 1))
    east, north = (max((box[k] for box in boxes), default=0) / PER_METRE for k in (2, 3))
    place = json.loads(shapely.to_geojson(shapely.box(west, south, east, north))) if boxes else None
    return ConflictError(
        "a later edit changed the same place; look at it and try again",
        kind="stale",
        zh=zh,
        en="a later edit changed the same place; look at it and try again",
        cells=list(shared),
        place=place,
        revision=opened.revision,
        touched_by=[summary_of(entry) for entry in others],
    )


def summary_of(entry: Logged) -> Plain:
    """Summary of an entry, shown to other users."""
    return {
        "revision": entry.revision,
        "author": entry.author,
        "at": entry.at,
        "words": entry.words,
        "cells": sorted(entry.cells),
    }


def stands_on(opened: OpenDraft, refused: RefusedEdit, change: Change) -> Exception:
    """The error for an edit that cannot be undone because later edits depend on it."""
    if refused.kind != "stale":
        return EditRefusedError(str(refused), **refusal_members(refused))
    later = [opened.entry(r) for r in opened.depends_on(change) if r > change.revision]
    return stale(opened, set(change.cells), later, refused.zh)


def nothing(what: str, zh: str) -> ConflictError:
    """The error if there is nothing to undo or redo."""
    return ConflictError(f"there is nothing to {what}", kind="nothing", zh=zh, en=f"there is nothing to {what}")


def as_answer(opened: OpenDraft, refused: RefusedEdit, edits: Sequence[Edit], base: int, client: str) -> Exception:
    """Error for a refused edit: a conflict if another client changed what the edit reads or what prevents it."""
    if refused.kind == "stale":
        entries = [opened.entry(revision) for revision in refused.revisions]
        return stale(opened, set(), entries, refused.zh, refused.cells)
    cells = set(refused.cells)
    for one in edits:
        cells |= {str(code) for code in getattr(one, "codes", ())} | {str(getattr(one, "code", ""))}
    box = box_of(places_of([one for one in edits if not isinstance(one, Comment)]))
    others = [
        entry
        for entry in opened.later_of_others(base, client)
        if cells & entry.cells or (box is not None and entry.box is not None and _meet(box, entry.box))
    ]
    if others:
        return stale(opened, cells, others, f"这里已被后来的修改改动（{refused.zh}）")
    return EditRefusedError(str(refused), **refusal_members(refused))


def _meet(one: tuple[int, int, int, int], other: tuple[int, int, int, int]) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]


def places_of(edits: Sequence[Edit]) -> list[Vertex]:
    """Coordinates in edits, in lattice units."""
    points: list[tuple[float, float]] = []
    for one in edits:
        points += [value for value in (getattr(one, "at", None), getattr(one, "to", None)) if isinstance(value, tuple)]
        if (line := getattr(one, "line", None)) is not None:
            points += [(x, y) for x, y in shapely.get_coordinates(line).tolist()]
    return [(round(x * PER_METRE), round(y * PER_METRE)) for x, y in points]


def require_near(opened: OpenDraft, edits: Sequence[Edit]) -> None:
    """Refuse coordinates too far from the street for exact arithmetic.

    Raises
    ------
    InputError
        If a place is 500 km or more away.
    """
    west, south = opened.origin
    if any(max(abs(x - west), abs(y - south)) >= _FARTHEST for x, y in places_of(edits)):
        raise InputError(f"a place is not in metres of {opened.draft.crs.to_string()}: it is far from the street")
