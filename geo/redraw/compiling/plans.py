"""What an edit is compiled to before it is made."""

from __future__ import annotations

from dataclasses import dataclass, field

from geo.redraw.working.arcs import NOTHING, Redraw
from geo.redraw.working.rows import Amend


@dataclass
class Plan:
    """What an edit is compiled to.

    Attributes
    ----------
    redraw
        Arcs out and in.
    amends
        Changes of rows.
    lineage
        Descent of cells: (kind, from, to).
    basis
        How people were shared out: ``buildings``, ``area`` or empty.
    groups
        Codes above the third level whose cells changed, to be tested as areas.
    cells
        Codes whose border or row the edit itself changed, without the sums above them.
    """

    redraw: Redraw = NOTHING
    amends: list[Amend] = field(default_factory=list)
    lineage: list[tuple[str, str, str]] = field(default_factory=list)
    basis: str = ""
    groups: set[str] = field(default_factory=set)
    cells: set[str] = field(default_factory=set)
