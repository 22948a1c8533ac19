"""Accepted transactions and their serialised form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from geo.redraw.edits import Edit, edit_from_dict
from geo.redraw.working.arcs import Arc, Redraw
from geo.redraw.working.rows import Amend


@dataclass(frozen=True)
class Change:
    """An accepted transaction.

    Attributes
    ----------
    revision
        Revision of the draft after it.
    edits
        The edits, in the order in which they were applied.
    redraws, amends
        Stored primitives, in order; each is inverted by swapping its sides.
    cells
        Codes of the cells whose border or row the edits changed, before and after; changed sums of their ancestors do not count.
    lineage
        Descent of cells: (kind, from, to).
    basis
        Basis of the apportionment of people: ``buildings``, ``area``, or empty if nobody was moved.
    accepted
        Kinds of warning that were accepted, with the reasons given.
    sums
        Positions in `amends` of those that only update sums of ancestors.
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
    """A transaction as JSON values."""
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
    """Parse the result of :func:`change_to_dict`."""

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
