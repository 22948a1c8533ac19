"""Bringing a division back that was edited in a GIS: what changed becomes edits, everything else is told.

The order matters: CRS and Z; rows by code, then by shape, never by row number; vertices close to the base get the base's
coordinates; what is still different becomes edits, and is tried on a draft.

Public: :func:`read_edited`, :func:`line_between`.
"""

from geo.redraw.importing.edited import line_between, read_edited

__all__ = ["line_between", "read_edited"]
