"""Assigns incidents to cells at all three levels, and marks those near a border."""

from __future__ import annotations

import bisect
import datetime as dt
from collections.abc import Mapping
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.errors import ColumnError, CrsError, GeometryError, InputError, first_labels
from geo.incidents.columns import (
    CELL,
    COMMUNITY,
    DISTANCE_M,
    ON_BORDER,
    OTHER_CELLS,
    REPORTED_AT,
    SECOND,
    THIRD,
    VALID_FROM,
)
from geo.incidents.reprojection import to_metric_as_drawn
from geo.layers import Division, Level, to_metric
from geo.layers.cells import require_codes
from geo.layers.columns import CODE
from geo.layers.crs import require_frame
from geo.layers.transformers import transformer
from geo.locate import GridIndex
from geo.wording import counted

Floats = npt.NDArray[np.float64]

#: Distance from a border within which an incident belongs to both sides, metres. Incidents are geocoded to street centre lines,
#: which are borders; published assignments of such incidents agree with exact ones within 1 m.
BORDER_M = 1.0

# Number of points per query of the borders, which limits its memory.
_CHUNK = 200_000


def assign(
    incidents: gpd.GeoDataFrame,
    cells: Division | gpd.GeoDataFrame,
    *,
    within_m: float = 0.0,
    border_m: float = BORDER_M,
) -> gpd.GeoDataFrame:
    """Find the cell of each incident.

    Parameters
    ----------
    incidents
        Points in any declared CRS.
    cells
        A division, or polygons with a column ``code`` in any declared CRS (converted to the metric CRS of their place; edges
        are straight in the CRS of the input, see :mod:`geo.incidents.reprojection`).
    within_m
        An incident outside all cells is assigned to the nearest one up to this distance; metres.
    border_m
        An incident up to this distance from a border is marked; metres.

    Returns
    -------
    GeoDataFrame
        Same rows, index and CRS. Added: `cell`, code at the finest level, None outside; `distance_m`, 0 inside a cell, NaN
        outside all; `on_border`; `other_cells`, codes of the other cells within `border_m`, joined by ``|``, None without any.
        For a division also `third`, `second` and `community`. Existing columns with these names are replaced.

    Raises
    ------
    CrsError
        If a CRS is missing.
    ColumnError
        If the cells have no column ``code``.
    CodeError
        If a cell's code is missing, or a cell of a division has no parent.
    GeometryError
        If an incident is not a point, or a cell not a valid polygon.

    Notes
    -----
    An incident on a border gets one cell by the rule of :class:`geo.locate.GridIndex`; one without geometry is outside.
    Cost: O(n log edges), about 3 s for a million incidents and 3,000 cells on one core, most of it for `on_border`.
    """
    finest = cells.third if isinstance(cells, Division) else _require_cells(cells)
    if not (within_m >= 0.0 and border_m >= 0.0):
        raise ValueError(f"within_m and border_m are distances: {within_m:g} and {border_m:g} are not")
    drawn = to_metric_as_drawn(finest)
    x, y = coordinates(incidents, drawn.crs)
    index = GridIndex(drawn)
    if within_m > 0.0:
        position, distance_m = index.nearest(x, y, within_m)
    else:
        position = index.locate(x, y)
        distance_m = np.where(position >= 0, 0.0, np.nan)
    point, cell = near_border(to_metric(finest), x, y, border_m)
    on_border = np.zeros(len(x), dtype=bool)
    on_border[point] = True
    added: dict[str, Any] = {
        CELL: pick(finest[CODE], position),
        DISTANCE_M: distance_m,
        ON_BORDER: on_border,
        OTHER_CELLS: _others(finest[CODE], position, point, cell),
    }
    if isinstance(cells, Division):
        second, community = ancestors(cells)
        added |= {THIRD: added[CELL], SECOND: pick(second, position), COMMUNITY: pick(community, position)}
    # With an explicit dtype; otherwise pandas creates text columns, in which None becomes NaN.
    codes = {n: pd.Series(v, index=incidents.index, dtype=object) for n, v in added.items() if v.dtype == object}
    return incidents.assign(**added | codes)


def assign_by_day(
    incidents: gpd.GeoDataFrame,
    divisions: Mapping[dt.date, Division],
    *,
    zone: str = "Asia/Shanghai",
    within_m: float = 0.0,
    border_m: float = BORDER_M,
) -> gpd.GeoDataFrame:
    """Assign each incident by the division that was valid on its local day.

    Parameters
    ----------
    incidents
        Points in any declared CRS, with `reported_at` (aware).
    divisions
        Each division by the first day on which it is valid; it ends when the next one begins.
    zone
        Zone of the days.
    within_m, border_m
        See :func:`assign`.

    Returns
    -------
    GeoDataFrame
        As returned by :func:`assign`, and `division_valid_from`, the day of the division used; None for incidents without a
        time and before the first division, which get no cell.

    Raises
    ------
    InputError
        If no division is given.
    ColumnError
        If the incidents have no times.
    """
    if not divisions:
        raise InputError("no division is given to assign incidents by")
    if REPORTED_AT not in incidents:
        raise ColumnError(f"incidents: no column '{REPORTED_AT}', so the division of the day cannot be chosen")
    days = sorted(divisions)
    local = incidents[REPORTED_AT].dt.tz_convert(ZoneInfo(zone)).dt.date
    held = np.array(
        [bisect.bisect_right(days, day) - 1 if isinstance(day, dt.date) and not pd.isna(day) else -1 for day in local],
        dtype=int,
    )
    parts = []
    for number in (-1, *range(len(days))):
        rows = incidents[held == number]
        if rows.empty and number >= 0:
            continue
        done = assign(rows, divisions[days[max(number, 0)]], within_m=within_m, border_m=border_m)
        if number < 0:  # no division was valid: the columns exist but are empty
            names = [name for name in (CELL, OTHER_CELLS, THIRD, SECOND, COMMUNITY) if name in done]
            done = done.assign(**dict.fromkeys(names), **{DISTANCE_M: np.nan, ON_BORDER: False})
        when = pd.Series(days[number] if number >= 0 else None, index=rows.index, dtype=object)
        parts.append(done.assign(**{VALID_FROM: when}))
    full = max(parts, key=len)
    joined = pd.concat([p.astype({c: full[c].dtype for c in p.columns}) for p in parts if len(p)] or [full])
    order = np.argsort(np.concatenate([np.flatnonzero(held == n) for n in (-1, *range(len(days)))]), kind="stable")
    result: gpd.GeoDataFrame = joined.iloc[order]
    # Concatenation turns None into NaN.
    texts = [name for name in (CELL, OTHER_CELLS, THIRD, SECOND, COMMUNITY, VALID_FROM) if name in result]
    result = result.assign(**{name: result[name].astype(object).where(result[name].notna(), None) for name in texts})
    result.attrs = dict(incidents.attrs)
    return result


def coordinates(points: gpd.GeoDataFrame, crs: object) -> tuple[Floats, Floats]:
    """Coordinates of points in `crs`, metres; NaN where a geometry is missing or empty.

    Raises
    ------
    CrsError
        If the points declare no CRS.
    GeometryError
        If a geometry is not a point.
    """
    require_frame(points, "incidents")
    if points.crs is None:
        raise CrsError("incidents: no coordinate reference system is declared; set the one that the points are in")
    kinds = shapely.get_type_id(points.geometry.array)
    wrong = (kinds != 0) & (kinds != -1)
    if wrong.any():
        labels = list(points.index[wrong])
        raise GeometryError(
            f"incidents: must be points, but {counted(len(labels), 'row is', 'rows are')} not "
            f"(rows {first_labels(labels)}: {points.geom_type[wrong].iloc[0]})",
            ids=labels,
        )
    shapes = np.array(points.geometry.array, dtype=object)
    shapes[shapely.is_empty(shapes)] = None  # empty points have no coordinates
    x, y = shapely.get_x(shapes), shapely.get_y(shapes)
    if points.crs == crs:
        return x, y
    # Transforming the coordinates takes a tenth of the time of to_crs.
    there = np.isfinite(x) & np.isfinite(y)
    moved = transformer(points.crs, crs).transform(x[there], y[there])
    x[there], y[there] = (np.where(np.isfinite(m), m, np.nan) for m in moved)
    return x, y


def ancestors(division: Division) -> tuple[pd.Series[Any], pd.Series[Any]]:
    """Codes of the second-level grid and the community of each third-level grid, in the order of that layer.

    Raises
    ------
    CodeError
        If a cell names a parent that does not exist.
    """
    rows = division.ancestor_rows()
    second, community = (
        pd.Series(division.layer(level)[CODE].to_numpy(dtype=object)[rows[level]], index=division.third.index)
        for level in (Level.SECOND, Level.COMMUNITY)
    )
    return second, community


def pick(codes: pd.Series[Any], position: npt.NDArray[np.int32]) -> npt.NDArray[np.object_]:
    """Code at each position, None at -1."""
    known = np.empty(len(codes) + 1, dtype=object)
    known[:-1] = codes.to_numpy(dtype=object)
    return np.asarray(known[position])


def near_border(
    cells: gpd.GeoDataFrame, x: Floats, y: Floats, border_m: float
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Find the cells whose border lies within `border_m` of each point.

    Parameters
    ----------
    cells
        Polygons in a metric CRS.
    x, y
        Coordinates in it, shape (n,); points with NaN have no near cell.

    Returns
    -------
    (point, cell)
        Positions, one pair per point and near cell, in order of point, then of cell.
    """
    lines, owner = _edges(np.asarray(cells.geometry.array, dtype=object))
    tree = shapely.STRtree(lines)
    finite = np.flatnonzero(np.isfinite(x) & np.isfinite(y))
    found = [np.zeros((2, 0), dtype=np.intp)]
    for start in range(0, len(finite), _CHUNK):
        part = finite[start : start + _CHUNK]
        point, edge = tree.query(shapely.points(x[part], y[part]), predicate="dwithin", distance=border_m)
        pairs = np.unique(part[point] * np.int64(len(cells)) + owner[edge])
        found.append(np.stack(np.divmod(pairs, len(cells))))
    point, cell = np.concatenate(found, axis=1)
    return point, cell


def _edges(shapes: npt.NDArray[np.object_]) -> tuple[npt.NDArray[np.object_], npt.NDArray[np.int64]]:
    """Edges of polygons as lines with two vertices, with the position of the polygon of each."""
    parts, polygon = shapely.get_parts(shapes, return_index=True)
    rings, part = shapely.get_rings(parts, return_index=True)
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    same = ring[1:] == ring[:-1]
    lines = shapely.linestrings(np.stack([xy[:-1][same], xy[1:][same]], axis=1))
    return np.atleast_1d(lines), polygon[part[ring[:-1][same]]].astype(np.int64)


def _others(
    codes: pd.Series[Any], position: npt.NDArray[np.int32], point: npt.NDArray[np.intp], cell: npt.NDArray[np.intp]
) -> npt.NDArray[np.object_]:
    """Codes of the other cells near each point, in order, joined by ``|``; None without any."""
    result = np.full(len(position), None, dtype=object)
    other = position[point] != cell
    point, code = point[other], codes.to_numpy(dtype=object)[cell[other]].astype(str)
    order = np.lexsort((code, point))
    point, code = point[order], code[order]
    begins = np.flatnonzero(np.r_[True, point[1:] != point[:-1]][: len(point)])
    alone = np.diff(np.r_[begins, len(point)]) == 1
    result[point[begins[alone]]] = code[begins[alone]]
    for begin, end in zip(begins[~alone], np.r_[begins, len(point)][1:][~alone], strict=True):
        result[point[begin]] = "|".join(code[begin:end])
    return result


def _require_cells(cells: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    require_frame(cells, "cells")
    if CODE not in cells:
        raise ColumnError(
            f"cells: no column '{CODE}'; it has {first_labels(list(cells.columns), 20)} (geo.layers.as_cells gives one)"
        )
    require_codes(cells)
    return cells
