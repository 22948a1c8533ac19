"""Validation and repair of polygon coverages, and the mesh that a valid coverage is stored as.

Terms
-----
coverage
    Polygons that do not overlap and share the vertices of their common borders.
node
    A vertex where three or more edges meet.
arc
    A chain of edges from node to node, with one cell on its left and one on its right.
mesh
    The arcs of a coverage on the 1 mm lattice: :class:`Mesh`.
dissolve
    Removing the arcs between cells of one group. The arcs that remain form the mesh of the groups, with unchanged vertices.
gap, sliver
    An area between cells that no cell covers; a sliver is a gap narrower than half a metre.
outline
    The area that the cells should cover.
rim
    The edges of cells that no other cell has in the opposite direction. In a valid coverage these are the outer border only.
finding
    One fault: its kind, place, size and the cells concerned; a :class:`Report` holds all findings of a check.

Public names
------------
:class:`Mesh`; :func:`check`, :func:`check_division`, :class:`Report`; :func:`repair`, :func:`plan_repair`,
:func:`repair_division`, :class:`RepairPlan`.

Known limits
------------
A mesh needs a metric CRS and an extent below 2,147 km, because vertices are integers of 1 mm. ``repair`` fills gaps up to
1,000 m² unless an outline says what has to be covered; larger gaps stay open and are reported. It refuses layers in which a
cell would lose its whole area or in which protected cells overlap.
"""

from typing import TYPE_CHECKING

from geo.lazy import lazy_names

if TYPE_CHECKING:
    from geo.coverage.checking import LayerOptions, check, check_division
    from geo.coverage.grouping import Cause, Group
    from geo.coverage.mesh import Mesh
    from geo.coverage.repairing.nested import repair_division
    from geo.coverage.repairing.plan import RepairPlan, plan_repair, repair
    from geo.coverage.report import DEFAULT_POLICY, DIVISION_POLICY, Kind, LevelReport, Report, Severity
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "geo.coverage.checking": "LayerOptions check check_division",
            "geo.coverage.grouping": "Cause Group",
            "geo.coverage.mesh": "Mesh",
            "geo.coverage.repairing.nested": "repair_division",
            "geo.coverage.repairing.plan": "RepairPlan plan_repair repair",
            "geo.coverage.report": "DEFAULT_POLICY DIVISION_POLICY Kind LevelReport Report Severity",
        },
    )

__all__ = [
    "DEFAULT_POLICY",
    "DIVISION_POLICY",
    "Cause",
    "Group",
    "Kind",
    "LayerOptions",
    "LevelReport",
    "Mesh",
    "RepairPlan",
    "Report",
    "Severity",
    "check",
    "check_division",
    "plan_repair",
    "repair",
    "repair_division",
]
