"""Exact point-in-cell lookup: one index for everything that is assigned to a grid.

Terms
-----
pixel
    A square of the raster that covers the cells.
border pixel
    A pixel crossed by at least one edge; every other pixel lies completely inside one cell or outside.
tag
    Position of a cell plus one; 0 stands for outside.
tier
    A set of cells that do not overlap. A division has one tier.

Public names
------------
:class:`GridIndex`, whose docstring states the rule for points on borders, :class:`Crossings` and :class:`Chances`.

Known limits
------------
Cells must be valid polygons in a metric CRS. Where cells overlap, ``locate`` returns the cell with the smallest code,
and ``cross`` and ``probability`` are refused. Index files can be read by the version that wrote them only.
"""

from typing import TYPE_CHECKING

from geo.lazy import lazy_names

if TYPE_CHECKING:
    from geo.locate.index import GridIndex
    from geo.locate.results import Above, Chances, Crossings
else:
    __getattr__, __dir__ = lazy_names(
        __name__,
        {
            "geo.locate.index": "GridIndex",
            "geo.locate.results": "Above Chances Crossings",
        },
    )

__all__ = ["Above", "Chances", "Crossings", "GridIndex"]
