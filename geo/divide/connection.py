"""Checks that cells are connected; otherwise reports the detached rows, their places and possible remedies."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geo.divide.partitioning.adjacency import Graph, pieces
from geo.divide.partitioning.indivisible import SeparatePartsError
from geo.errors import GeometryError, ImpossibleError, InputError, first_labels
from geo.layers import require_metric, require_polygons
from geo.wording import counted, form

Ints = npt.NDArray[np.int64]

_CHOICES = (
    "join it to its neighbour (one row for both), add the water or ground between as a row with workload 0, or divide it "
    "on its own"
)


def row_name(cells: gpd.GeoDataFrame, row: int) -> str:
    """A row identified by its label, its code and a point in it: ``row 17 (code 320113003004) at 389100, 3554650``."""
    x, y = shapely.get_coordinates(shapely.point_on_surface(cells.geometry.iloc[row]))[0]
    code = f" (code {cells['code'].iloc[row]})" if "code" in cells.columns else ""
    return f"row {cells.index[row]}{code} at {x:.0f}, {y:.0f}"


def require_connected(
    cells: gpd.GeoDataFrame, graph: Graph, unit: Ints, group: Ints | None = None, names: Sequence[str] = ()
) -> None:
    """Raise ImpossibleError unless the cells are connected, in total and within each group.

    Parameters
    ----------
    cells
        The cells.
    graph
        Neighbours of the units.
    unit
        Unit of each cell.
    group
        Group (community) of each unit; one group by default.
    names
        Names of the groups, for the message.

    Raises
    ------
    ImpossibleError
        The message has the first detached row, its place and its distance from the rest; ``ids`` are the labels of all
        detached rows, ``geometry`` is their union.
    """
    whole = np.zeros(len(graph), dtype=np.int64)
    for of_unit, what in ((whole, ("cells",)), (group, names)):
        if of_unit is None:
            continue
        order = np.argsort(of_unit, kind="stable")
        for members in np.split(order, np.flatnonzero(np.diff(of_unit[order])) + 1):
            piece = pieces(graph, members)
            if piece.max(initial=0) > 0:
                _refuse(cells, unit, members, piece, what[int(of_unit[members[0]])])


def _refuse(cells: gpd.GeoDataFrame, unit: Ints, members: Ints, piece: Ints, what: str) -> None:
    of_unit = np.full(int(unit.max()) + 1, -1, dtype=np.int64)
    of_unit[members] = piece
    of_row = of_unit[unit]
    # The component with most rows is kept; among equal ones, that of the first row.
    count = np.bincount(of_row[of_row >= 0])
    main = int(np.argmax(count))
    lost = np.flatnonzero((of_row >= 0) & (of_row != main))
    shapes = np.asarray(cells.geometry.array, dtype=object)
    first = np.flatnonzero(of_row == of_row[lost[0]])
    rest = np.flatnonzero(of_row == main)
    near, away_m = shapely.STRtree(shapes[rest]).query_nearest(
        shapely.union_all(shapes[first]), all_matches=False, return_distance=True
    )
    raise ImpossibleError(
        f"{what}: not connected, {len(lost)} of {counted(len(lost) + len(rest), 'row')} "
        f"{form(len(lost), 'is', 'are')} cut off in {counted(len(count) - 1, 'piece')}: {row_name(cells, int(lost[0]))}, "
        f"{float(away_m[0]):,.0f} m from {row_name(cells, int(rest[near[0]]))}; {_CHOICES}",
        ids=list(cells.index[lost]),
        geometry=shapely.union_all(shapes[lost]),
    )


def require_shapes(cells: gpd.GeoDataFrame, what: str) -> None:
    """Refuse cells that cannot be grouped: not in metres, not polygons, or without a geometry.

    Raises
    ------
    CrsError
        If the CRS is missing or not in metres.
    GeometryError
        If a row is no polygon or has no geometry.
    """
    require_metric(cells, what)
    require_polygons(cells, "cells")
    gone = (cells.geometry.isna() | cells.geometry.is_empty).to_numpy()
    if gone.any():
        rows = list(cells.index[gone])
        raise GeometryError(
            f"cells: {counted(len(rows), 'row has', 'rows have')} no geometry ({first_labels(rows)}): draw or remove them",
            ids=rows,
        )


def refuse_parts(cells: gpd.GeoDataFrame, error: SeparatePartsError) -> InputError:
    """The error for a row whose parts are not connected through other rows."""
    part = error.geometry
    x, y = shapely.get_coordinates(shapely.point_on_surface(part))[0]
    rows = [int(row) for row in error.ids]
    more = f" ({first_labels([cells.index[row] for row in rows[1:]])} too)" if len(rows) > 1 else ""
    return InputError(
        f"cells: {row_name(cells, rows[0])} consists of parts that no other rows connect{more}: one of {part.area:,.0f} m² "
        f"lies at {x:.0f}, {y:.0f}; give that part a row of its own and join it to its neighbour, add the water or ground "
        "between as a row with workload 0, or leave it out",
        ids=[cells.index[row] for row in rows],
        geometry=part,
    )
