"""Prepared geometries for predicates that are asked often.

GEOS builds the index of a prepared geometry at the first predicate, without a lock: two threads that use the same prepared
geometry can crash the process. A geometry that a caller passed in may be in use by other threads, for example a cell of a
division that the service keeps in memory; so a copy is prepared, never the geometry itself.
"""

from __future__ import annotations

from typing import Any

import shapely


def prepared_copy(shapes: Any) -> Any:
    """Copy of a geometry, or of an array of geometries, prepared for predicates.

    Parameters
    ----------
    shapes
        A geometry or an array of geometries. Z and M are dropped; predicates do not use them.

    Returns
    -------
    shapely.Geometry or numpy.ndarray
        New geometries; those passed in stay unprepared.

    Examples
    --------
    >>> area = shapely.box(0, 0, 2, 2)
    >>> copy = prepared_copy(area)
    >>> shapely.is_prepared(copy), shapely.is_prepared(area), shapely.equals(copy, area)
    (np.True_, np.False_, np.True_)
    """
    copy = shapely.force_2d(shapes)
    shapely.prepare(copy)
    return copy
