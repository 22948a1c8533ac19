"""The mesh of a division, and what can be wrong with polygons before they become one.

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
    Leaving out the arcs between cells of one group; what remains is the mesh of the groups, made of the same vertices.
gap, sliver
    Ground between cells that belongs to none; a sliver is narrower than half a metre.
outline
    The area that the cells should cover.
finding
    One fault, of one kind, with its place and measure; a :class:`Report` holds them all.

Public: :class:`Mesh`; :func:`check`, :func:`check_division`, :class:`Report`; :func:`repair`, :func:`plan_repair`,
:func:`repair_division`, :class:`RepairPlan`.
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
