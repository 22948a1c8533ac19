"""Divides a street into nested grids with exact counts: roads and buildings -> blocks -> atoms -> grids.

Terms
-----
barrier
    A line along which borders should run, or which no grid should cross: road, railway, shore, community border. Its kind
    is a :class:`~geo.divide.blocks.barriers.Border`.
block
    A face between barriers. The blocks of a street form an exact coverage of it.
body
    One building, or several that overlap; a body is never cut.
atom
    The ground that belongs to one body (its cell of the enclosed Voronoi tessellation of the block), or a piece of open
    ground. Atoms are an exact coverage of the street; every grid is a union of atoms.
workload
    Work that a cell requires of its leader, in household equivalents; see :mod:`geo.divide.workload`.
target
    The workload that a grid would have if the work of its parent were spread evenly over the parent's grids.

Steps: :func:`~geo.divide.blocks.street_blocks.draw_blocks`, :func:`~geo.divide.blocks.atoms.draw_atoms`,
:func:`~geo.divide.workload.weigh`, :func:`~geo.divide.partitioning.nested.split_levels`, :func:`~geo.divide.assemble.assemble`;
:func:`divide` runs all of them.

Public names: :func:`divide` (from roads and buildings), :func:`partition` (from existing cells), :func:`limits`,
:func:`rebalance`, :func:`balance`, :func:`compactness`, :func:`apportion`, :func:`assign_leaders`, :func:`roster`,
:func:`staff_needed`, :func:`summarise`, :func:`report_markdown`, :func:`balance_plot`, :class:`Weights`.

Known limits
------------
Compounds are kept together only where buildings name them (column ``compound``), and as a preference. Third-level grids
cannot be balanced if one building outweighs several of them: buildings are never cut for balance, and the obstacle is reported
(:mod:`geo.divide.partitioning.bounds`). A parent that surrounds an enclave and has a single grid becomes a ring. Where roads or
buildings meet the outline or a community border, a vertex is added there, at most 0.7 mm off the given line.
"""

from typing import TYPE_CHECKING

from geo.lazy import lazy_names

if TYPE_CHECKING:
    from geo.divide.apportionment import apportion
    from geo.divide.balancing.rebalancing import rebalance
    from geo.divide.cell_layers import limits, partition
    from geo.divide.compose import divide
    from geo.divide.fairness import bounds_of_communities, measures_of
    from geo.divide.frontier import Frontier, Point, require_budget
    from geo.divide.leaders import assign_leaders, roster, staff_needed
    from geo.divide.measures import balance, compactness
    from geo.divide.partitioning.bounds import Bound, fair_share, least_tolerance
    from geo.divide.report import balance_plot, report_markdown, summarise
    from geo.divide.workload import Weights
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "geo.divide.apportionment": "apportion",
            "geo.divide.cell_layers": "limits partition",
            "geo.divide.compose": "divide",
            "geo.divide.measures": "balance compactness",
            "geo.divide.partitioning.bounds": "Bound fair_share least_tolerance",
            "geo.divide.fairness": "bounds_of_communities measures_of",
            "geo.divide.frontier": "Frontier Point require_budget",
            "geo.divide.balancing.rebalancing": "rebalance",
            "geo.divide.report": "balance_plot report_markdown summarise",
            "geo.divide.leaders": "assign_leaders roster staff_needed",
            "geo.divide.workload": "Weights",
        },
    )

__all__ = [
    "Bound",
    "Frontier",
    "Point",
    "Weights",
    "apportion",
    "assign_leaders",
    "balance",
    "balance_plot",
    "bounds_of_communities",
    "compactness",
    "divide",
    "fair_share",
    "least_tolerance",
    "limits",
    "measures_of",
    "partition",
    "rebalance",
    "report_markdown",
    "require_budget",
    "roster",
    "staff_needed",
    "summarise",
]
