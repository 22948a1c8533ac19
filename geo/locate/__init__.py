"""Point to cell, exactly: one index for everything that is put "in a grid".

Terms
-----
pixel
    A square of the raster that the index lays over the cells.
border pixel
    A pixel that at least one edge runs through; all others lie in one cell or outside as a whole.
tag
    Position of a cell plus one; 0 outside.
tier
    A set of cells that do not overlap. A division has one tier.

Public: :class:`GridIndex`, whose docstring holds the rule for points on borders, :class:`Crossings` and :class:`Chances`.
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
