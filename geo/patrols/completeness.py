"""Coverage inside a grid: third-level cells, roads and area within sight, and cells unseen for days."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.days import micro_at
from geo.errors import ColumnError, InputError
from geo.layers.columns import CODE, PARENT
from geo.layers.crs import require_metric
from geo.layers.transformers import to_crs
from geo.locate import GridIndex
from geo.patrols.columns import DAY
from geo.patrols.rules import DEFAULT_RULES, Rules
from geo.tracks.columns import TIME
from geo.tracks.fix_values import require_tracks, utc
from geo.tracks.matching.visibility import within_sight
from geo.tracks.path import SECOND, Path
from geo.tracks.trajectory import path_of, steps_of

#: Spacing of the sample places on the ground, metres.
GROUND_M = 10.0
#: Spacing of the sample places along roads, metres.
ROAD_M = 5.0


def seen(
    tracks: pd.DataFrame,
    cells: gpd.GeoDataFrame,
    *,
    day: dt.date,
    within_m: float = 25.0,
    roads: gpd.GeoDataFrame | None = None,
    rules: Rules = DEFAULT_RULES,
) -> pd.DataFrame:
    """Measure how much of each cell was seen on a day: area and roads within sight of a known path.

    Parameters
    ----------
    tracks
        Cleaned fixes.
    cells
        Cells of any level in a metric CRS, with `code`.
    within_m
        Viewing distance of an officer.
    roads
        Lines; without them the columns of roads are NaN.

    Returns
    -------
    DataFrame
        One row per cell with the index of `cells`: `code`, `day`, `swept_share` (of its area, sampled every 10 m),
        `swept_m2`, `road_m`, `road_seen_m`, `seen` (any part was seen; for a cell without a sample place, its centre),
        `time_s` (spent in it) and `time_s_per_ha`.

    Raises
    ------
    InputError
        If `within_m` is not positive.
    ColumnError
        If the cells have no codes.

    Notes
    -----
    For each sample place the distance to the nearest step is computed exactly. Rides count as seen; restrict `tracks` to
    counted visits to exclude them. Cost: O(area / 100 m² + steps).
    """
    if not within_m > 0:
        raise InputError(f"within_m is {within_m:g}; it must be above 0")
    if CODE not in cells:
        raise ColumnError("cells: no column 'code'; give foreign layers one with geo.layers.as_cells")
    crs = require_metric(cells, "coverage")
    index = GridIndex(cells)
    path = path_of(_of_day(tracks, day, rules), crs, rules)
    known = np.flatnonzero(steps_of(path, rules).known)
    steps = _steps(path, known)
    x, y, cell = _places(cells, index)
    near = within_sight(x, y, steps, within_m)
    whole = np.bincount(cell, minlength=len(cells))
    share = np.bincount(cell[near], minlength=len(cells)) / np.maximum(whole, 1)
    area = cells.geometry.area.to_numpy()
    road_m, road_seen = _road_lengths(roads, index, steps, within_m, len(cells))
    spent = _time_s(path, known, index, len(cells))
    return pd.DataFrame(
        {
            CODE: cells[CODE].to_numpy(dtype=object),
            DAY: day,
            "swept_share": share,
            "swept_m2": share * area,
            "road_m": road_m,
            "road_seen_m": road_seen,
            "seen": share > 0,
            "time_s": spent,
            "time_s_per_ha": spent / (area / 1e4),
        },
        index=cells.index,
    )


def _of_day(tracks: pd.DataFrame, day: dt.date, rules: Rules) -> pd.DataFrame:
    require_tracks(tracks)
    days = np.array([day, day + dt.timedelta(days=1)], dtype="datetime64[D]")
    low, high = micro_at(days, dt.time(0), rules.zone)
    time = utc(tracks[TIME]).view(np.int64)
    of_day: pd.DataFrame = tracks[(time >= low) & (time < high)]
    return of_day


def _steps(path: Path, known: np.ndarray) -> np.ndarray:
    """Start and end of each known step, four columns."""
    return np.column_stack([path.x[known], path.y[known], path.x[known + 1], path.y[known + 1]])


def _places(cells: gpd.GeoDataFrame, index: GridIndex) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Sample places on a lattice, and the centre of each cell, with the cell of each."""
    west, south, east, north = cells.total_bounds
    x, y = (
        v.ravel()
        for v in np.meshgrid(
            np.arange(west + GROUND_M / 2, east, GROUND_M), np.arange(south + GROUND_M / 2, north, GROUND_M)
        )
    )
    middle = shapely.get_coordinates(shapely.point_on_surface(cells.geometry.array))
    x, y = np.r_[x, middle[:, 0]], np.r_[y, middle[:, 1]]
    cell = index.locate(x, y)
    inside = cell >= 0
    return x[inside], y[inside], cell[inside].astype(np.int64)


def _road_lengths(
    roads: gpd.GeoDataFrame | None, index: GridIndex, path: np.ndarray, within_m: float, n: int
) -> tuple[np.ndarray, np.ndarray]:
    """Length of roads in each cell, and the part of it that was seen, metres."""
    if roads is None:
        return np.full(n, np.nan), np.full(n, np.nan)
    lines = shapely.get_parts(to_crs(roads, index.crs).geometry.array)
    steps = np.maximum(1, np.ceil(shapely.length(lines) / ROAD_M)).astype(np.int64)
    line = np.repeat(np.arange(len(lines)), steps)
    nth = np.arange(len(line)) - np.repeat(np.cumsum(steps) - steps, steps)
    width = (shapely.length(lines) / steps)[line]
    points = shapely.line_interpolate_point(lines[line], (nth + 0.5) * width)
    x, y = shapely.get_x(points), shapely.get_y(points)
    cell = index.locate(x, y)
    here = cell >= 0
    near = within_sight(x[here], y[here], path, within_m)
    return np.bincount(cell[here], width[here], n), np.bincount(cell[here], width[here] * near, n)


def _time_s(path: Path, known: np.ndarray, index: GridIndex, n: int) -> np.ndarray:
    pieces = index.cross(path.x[known], path.y[known], path.x[known + 1], path.y[known + 1])
    lasts = (path.time[known + 1] - path.time[known])[pieces.segment] / SECOND * (pieces.t_out - pieces.t_in)
    here = pieces.cell >= 0
    return np.bincount(pieces.cell[here], lasts[here], n)


def blind_spots(seen_days: pd.DataFrame, *, day: dt.date, days: int = 7) -> pd.DataFrame:
    """List the cells that were not seen for some days, up to and including `day`.

    Parameters
    ----------
    seen_days
        Rows of :func:`seen` of several days.
    days
        Number of days without sight after which a cell is a blind spot.

    Returns
    -------
    DataFrame
        `code`, `last_seen` (None if on none of the given days), `days_unseen` (then counted from the first given day),
        longest first.
    """
    known = seen_days[seen_days[DAY] <= day]
    first: dict[str, dt.date] = {}
    last: dict[str, dt.date] = {}
    # A loop over values; groups of dates, which are objects, take ten times as long.
    for code, that, was_seen in zip(known[CODE], known[DAY], known["seen"], strict=True):
        first[code] = min(first.get(code, that), that)
        if was_seen:
            last[code] = max(last.get(code, that), that)
    rows = [
        (code, last.get(code), (day - last[code]).days if code in last else (day - first[code]).days + 1)
        for code in sorted(first)
    ]
    table = pd.DataFrame(rows, columns=[CODE, "last_seen", "days_unseen"])
    return table[table["days_unseen"] >= days].sort_values(
        ["days_unseen", CODE], ascending=[False, True], ignore_index=True
    )


def by_group(seen_days: pd.DataFrame, cells: gpd.GeoDataFrame, *, by: str = PARENT, period: str = "D") -> pd.DataFrame:
    """Aggregate coverage by a column of the cells (`parent`, `leader`, ...) and by day ``D``, week ``W`` or month ``M``.

    Returns
    -------
    DataFrame
        `by`, `period` (first day), `cells`, `seen` (cells seen at least once), `swept_share` (mean over cell days, weighted by
        area), `road_seen_share`.
    """
    if by not in cells:
        raise ColumnError(f"cells: no column '{by}' to sum up by")
    table = seen_days.merge(cells[[CODE, by]].assign(area_m2=cells.geometry.area.to_numpy()), on=CODE)
    table["period"] = pd.PeriodIndex(pd.to_datetime(table[DAY].astype(str)), freq=period).start_time.date
    table["seen_code"] = table[CODE].where(table["seen"].astype(bool))
    groups = table.groupby([by, "period"], sort=True)
    number = groups[[CODE, "seen_code"]].nunique()
    sums = groups[["swept_m2", "area_m2", "road_m", "road_seen_m"]].sum()
    found = pd.DataFrame(
        {
            "cells": number[CODE],
            "seen": number["seen_code"],
            "swept_share": sums["swept_m2"] / sums["area_m2"],
            "road_seen_share": (sums["road_seen_m"] / sums["road_m"]).where(sums["road_m"] > 0),
        }
    )
    return found.reset_index()
