"""Locks: grids that must not change, and lines that must stay borders."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.divide.blocks.barriers import LATTICE_M
from geo.errors import ColumnError, CrsError, ImpossibleError, InputError
from geo.layers import to_metric

Geometries = npt.NDArray[np.object_]
Ints = npt.NDArray[np.int64]

# Maximum share of a locked grid's area that its atoms may miss.
_MISSED = 0.001


def read_locks(locks: gpd.GeoDataFrame | None, crs: object) -> gpd.GeoDataFrame | None:
    """Convert locks to the metric CRS and round them to the lattice.

    Parameters
    ----------
    locks
        Polygons are second-level grids that must not change; lines are borders that no second-level grid may cross.
    crs
        CRS of the street.

    Raises
    ------
    InputError
        If locks have no CRS, are of another type, or overlap.
    ColumnError
        If a column ``level`` names another level than the second.
    """
    if locks is None or locks.empty:
        return None
    if locks.crs is None:
        raise CrsError("locks: no coordinate reference system is declared; set the CRS that the coordinates are in")
    if "level" in locks.columns and (pd.to_numeric(locks["level"], errors="coerce").fillna(2) != 2).any():
        raise ColumnError("locks: only second-level grids can be locked (level 2); the third level follows inside them")
    metric = to_metric(locks, crs).explode(ignore_index=True)
    shapes = shapely.set_precision(np.asarray(metric.geometry.array, dtype=object), LATTICE_M)
    kind = shapely.get_dimensions(shapes)
    if not np.isin(kind, [1, 2]).all():
        raise InputError("locks: grids are locked by polygons and borders by lines; points cannot be locked")
    grids = shapes[kind == 2]
    if len(grids) and float(shapely.area(grids).sum()) - shapely.union_all(grids).area > 1.0:
        raise InputError("locks: locked grids overlap; give each piece of ground to one of them")
    return metric.set_geometry(gpd.GeoSeries(shapes, index=metric.index, crs=metric.crs))


def lock_lines(locks: gpd.GeoDataFrame | None) -> Geometries:
    """Lines that must become borders of blocks."""
    if locks is None:
        return np.empty(0, dtype=object)
    shapes = np.asarray(locks.geometry.array, dtype=object)
    return np.where(shapely.get_dimensions(shapes) == 2, shapely.boundary(shapes), shapes)


def only_lines(locks: gpd.GeoDataFrame | None) -> Geometries:
    """Locked borders given as lines."""
    lines = lock_lines(locks)
    return (
        lines if locks is None else lines[shapely.get_dimensions(np.asarray(locks.geometry.array, dtype=object)) == 1]
    )


def locked_cells(locks: gpd.GeoDataFrame | None, shapes: Geometries, community: Ints) -> Ints:
    """Number of the locked grid that contains each cell, -1 for free cells.

    Raises
    ------
    ImpossibleError
        If a locked grid lies in several communities, outside the street, or does not consist of complete cells.
    """
    number = lock_of(shapely.point_on_surface(shapes), locks)
    for k, shape in enumerate(_grids(locks)):
        mine = np.flatnonzero(number == k)
        if abs(float(shapely.area(shapes[mine]).sum()) - shape.area) > max(_MISSED * shape.area, 1.0):
            why = "does not consist of complete pieces of ground; lock a grid inside the street that leaves no sliver"
            raise ImpossibleError(f"locks: locked grid {k} {why}", ids=[k], geometry=shape)
        if len(np.unique(community[mine])) > 1:
            raise ImpossibleError(
                f"locks: locked grid {k} lies in several communities; lock a grid that lies in one", ids=[k]
            )
    return number


def lock_of(points: Geometries, locks: gpd.GeoDataFrame | None) -> Ints:
    """Number of the locked grid that contains each point, -1 outside all."""
    number = np.full(len(points), -1, dtype=np.int64)
    inside, grid = shapely.STRtree(_grids(locks)).query(points, predicate="intersects")
    number[inside] = grid
    return number


def _grids(locks: gpd.GeoDataFrame | None) -> Geometries:
    if locks is None:
        return np.empty(0, dtype=object)
    shapes = np.asarray(locks.geometry.array, dtype=object)
    return np.asarray(shapes[shapely.get_dimensions(shapes) == 2])


def current_cells(current: gpd.GeoDataFrame | None, shapes: Geometries) -> Ints:
    """Number of the present grid that contains the centre of each cell, -1 for none."""
    number = np.full(len(shapes), -1, dtype=np.int64)
    if current is not None:
        cell, grid = shapely.STRtree(np.asarray(current.geometry.array, dtype=object)).query(
            shapely.point_on_surface(shapes), predicate="intersects"
        )
        number[cell] = grid
    return number


def require_borders(lines: Geometries, shapes: Geometries, group: Ints) -> None:
    """Raise ImpossibleError if a grid lies on both sides of a locked border."""
    if not len(lines):
        return
    borders = shapely.union_all(
        shapely.boundary([shapely.coverage_union_all(shapes[group == k]) for k in range(int(group.max()) + 1)])
    )
    lost = shapely.difference(shapely.union_all(lines), shapely.buffer(borders, 0.01))
    whole = shapely.union_all(shapes)
    lost_m = shapely.intersection(lost, whole).length
    if lost_m > 1.0:
        raise ImpossibleError(
            f"locks: {lost_m:,.0f} m of locked border could not be kept between second-level grids; "
            "draw it from border to border, or ask for more grids",
            geometry=lost,
        )
