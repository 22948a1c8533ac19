"""Result of compiling an edit, before it is applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate

from geo.redraw.changes import Change
from geo.redraw.edits import Edit
from geo.redraw.working.arcs import NOTHING, Redraw
from geo.redraw.working.rows import Amend


@dataclass
class Plan:
    """A compiled edit.

    Attributes
    ----------
    redraw
        Arcs to remove and to add.
    amends
        Changes of rows.
    lineage
        Descent of cells: (kind, from, to).
    basis
        Basis of the apportionment of people: ``buildings``, ``area`` or empty.
    groups
        Codes above the third level whose cells changed, to be tested as areas.
    cells
        Codes whose border or row the edit itself changed, without sums of ancestors.
    sums
        Positions in `amends` of those that only update sums of ancestors.
    """

    redraw: Redraw = NOTHING
    amends: list[Amend] = field(default_factory=list)
    lineage: list[tuple[str, str, str]] = field(default_factory=list)
    basis: str = ""
    groups: set[str] = field(default_factory=set)
    cells: set[str] = field(default_factory=set)
    sums: tuple[int, ...] = ()


def change_of(revision: int, edits: tuple[Edit, ...], plans: Sequence[Plan], accepted: Mapping[str, str]) -> Change:
    """Combine the plans of one transaction to a change."""
    starts = accumulate((len(plan.amends) for plan in plans), initial=0)
    return Change(
        revision,
        edits,
        tuple(plan.redraw for plan in plans),
        tuple(amend for plan in plans for amend in plan.amends),
        tuple(sorted({code for plan in plans for code in plan.cells})),
        tuple(step for plan in plans for step in plan.lineage),
        next((plan.basis for plan in plans if plan.basis), ""),
        accepted,
        tuple(start + k for start, plan in zip(starts, plans, strict=False) for k in plan.sums),
    )
