"""Accepted transactions: what is kept of them, and their form in a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from geo.redraw.edits import Edit, edit_from_dict
from geo.redraw.working.arcs import Arc, Redraw
from geo.redraw.working.rows import Amend


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
        Codes of the cells whose border or row the edits changed, before and after; the sums above them are not counted.
    lineage
        Descent of cells: (kind, from, to).
    basis
        How people were shared out: ``buildings``, ``area``, or empty where nobody was moved.
    accepted
        Kinds of warning that were accepted, with the reasons given.
    sums
        Positions in `amends` of those that only bring sums of rows above up to date.
    """

    revision: int
    edits: tuple[Edit, ...]
    redraws: tuple[Redraw, ...]
    amends: tuple[Amend, ...]
    cells: tuple[str, ...]
    lineage: tuple[tuple[str, str, str], ...] = ()
    basis: str = ""
    accepted: Mapping[str, str] = field(default_factory=dict)
    sums: tuple[int, ...] = ()


def change_to_dict(change: Change) -> dict[str, Any]:
    """A transaction as plain values."""
    return {
        "revision": change.revision,
        "edits": [edit.to_dict() for edit in change.edits],
        "redraws": [[[list(arc) for arc in side] for side in redraw] for redraw in change.redraws],
        "amends": [list(amend) for amend in change.amends],
        "cells": list(change.cells),
        "lineage": [list(step) for step in change.lineage],
        "basis": change.basis,
        "accepted": dict(change.accepted),
        "sums": list(change.sums),
    }


def change_from_dict(values: Mapping[str, Any]) -> Change:
    """Read a transaction as :func:`change_to_dict` wrote it."""

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
        tuple(values.get("sums", ())),
    )
