"""Import of a division edited in a GIS: differences become edits, everything else is reported.

The order matters: CRS and Z; rows by code, then by shape, never by row number; vertices close to the base get the base's
coordinates; remaining differences become edits, and are tested on a draft.

Public: :func:`read_edited`, :func:`line_between`.
"""

from geo.redraw.importing.edited import line_between, read_edited

__all__ = ["line_between", "read_edited"]
