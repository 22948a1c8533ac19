"""What is still to be done today, and whether the roster can do it."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.errors import InputError
from geo.layers.columns import CODE
from geo.layers.crs import require_metric
from geo.patrols.clean import utc
from geo.patrols.columns import COUNTED, DAY, DEVICE, END, OFFICER, TIME
from geo.patrols.path import path_of
from geo.patrols.rules import DEFAULT_RULES, Rules
from geo.patrols.visits import hours

#: Speed of a walker who looks about, and how much longer a way on roads is than the straight line.
WALK_M_S, DETOUR = 1.2, 1.3


def due(
    visits: pd.DataFrame,
    tracks: gpd.GeoDataFrame,
    cells: gpd.GeoDataFrame,
    *,
    now: pd.Timestamp,
    rules: Rules = DEFAULT_RULES,
) -> pd.DataFrame:
    """List the cells that are still short at a moment of the day, the most urgent first.

    Parameters
    ----------
    visits, tracks
        Visits and cleaned fixes up to `now`; later ones are left out.
    now
        Aware time.

    Returns
    -------
    DataFrame
        `code`, `missing` (visits), `earliest` (from when on the next visit can count, aware UTC), `time_left_s` (to the end
        of duty), `needs_s` (waits and stays that the missing visits take at least), `slack_s`, `nearest_officer`,
        `nearest_device`, `distance_m` (straight, from his last fix within `max_gap_s`; NaN where nobody is heard),
        `possible` (the officer can walk there, and the visits fit before duty ends). By `slack_s`, then distance.

    Raises
    ------
    InputError
        If `now` has no zone.
    """
    if now.tzinfo is None:
        raise InputError("now has no time zone; localize it")
    crs = require_metric(cells, "a due list")
    moment = now.tz_convert("UTC")
    today = now.tz_convert(rules.zone).date()
    rules = rules.on(today)
    required = np.zeros(len(cells), dtype=int)
    for part, rows in rules.by_class(cells):
        required[rows] = part.visits_per_day
    closes = pd.Timestamp(int(hours(pd.Series([today]), rules.hours_to, rules)[0]), unit="us", tz="UTC")
    opens = pd.Timestamp(int(hours(pd.Series([today]), rules.hours_from, rules)[0]), unit="us", tz="UTC")
    done = visits[(visits[DAY] == today) & visits[COUNTED] & (visits[END] <= moment)]
    number, last = done.groupby(CODE).size(), done.groupby(CODE)[END].max()
    made = cells[CODE].map(number).fillna(0).to_numpy(dtype=int)
    short = cells[made < required]
    where = _last_places(tracks, crs, moment, rules)
    shapes = short.geometry.array
    who, distance = np.full(len(short), -1), np.full(len(short), np.nan)
    if len(where) and len(short):
        (cell, found), metres = shapely.STRtree(where.geometry.array).query_nearest(
            shapes, return_distance=True, all_matches=False
        )
        who[cell], distance[cell] = found, metres
    missing = (required - made)[made < required]
    soonest = max(moment, opens)
    after = last.reindex(short[CODE]).reset_index(drop=True) + pd.Timedelta(rules.min_between_s, "s")
    earliest = after.where(after > soonest, soonest)
    left = max(0.0, (closes - moment).total_seconds())
    waits = np.maximum(0.0, (earliest - moment).dt.total_seconds().to_numpy())
    needs = waits + missing * rules.min_stay_s + (missing - 1) * rules.min_between_s
    walk = np.nan_to_num(distance, nan=0.0) * DETOUR / WALK_M_S
    slack = left - np.maximum(needs, walk + needs - waits)
    names = where.reindex(columns=[OFFICER, DEVICE]).to_numpy(dtype=object)
    table = pd.DataFrame(
        {
            CODE: short[CODE].to_numpy(dtype=object),
            "missing": missing,
            "earliest": earliest.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(),
            "time_left_s": left,
            "needs_s": needs,
            "slack_s": slack,
            "nearest_officer": [names[k, 0] if k >= 0 else None for k in who],
            "nearest_device": [names[k, 1] if k >= 0 else None for k in who],
            "distance_m": distance,
            "possible": (slack >= 0) & np.isfinite(distance),
        }
    )
    table["earliest"] = pd.to_datetime(table["earliest"], utc=True)
    return table.sort_values(["slack_s", "distance_m", CODE], kind="stable", ignore_index=True)


def _last_places(tracks: gpd.GeoDataFrame, crs: object, moment: pd.Timestamp, rules: Rules) -> gpd.GeoDataFrame:
    """Where each device was heard last, if not too long ago."""
    micro = utc(tracks[TIME]).astype(np.int64)
    now = int(moment.timestamp() * 1e6)
    recent = tracks[(micro <= now) & (micro >= now - int(rules.max_gap_s * 1e6))]
    path = path_of(recent, crs, rules)  # type: ignore[arg-type]
    last = np.flatnonzero(np.r_[np.diff(path.walker) != 0, True][: len(path.walker)])
    return gpd.GeoDataFrame(
        path.walkers.iloc[path.walker[last]].reset_index(drop=True),
        geometry=shapely.points(path.x[last], path.y[last]),
        crs=crs,
    )


@dataclass(frozen=True)
class Feasibility:
    """Whether a roster can walk all cells as often as the rules ask; times in seconds.

    Attributes
    ----------
    possible
        Every cell has an officer with time for it. Greedy: a no is no proof, a yes is.
    needed_s, available_s
        Working time of all.
    cells
        `code`, `officer`, `needed_s` (visits, and the walks to and fro), `possible`.
    """

    possible: bool
    needed_s: float
    available_s: float
    cells: pd.DataFrame


def feasible(
    cells: gpd.GeoDataFrame,
    roster: pd.DataFrame,
    *,
    bases: gpd.GeoSeries,
    stay_s: float = 900.0,
    rules: Rules = DEFAULT_RULES,
) -> Feasibility:
    """Ask whether every cell can be walked as often as due, each by its nearest officer with time left.

    Parameters
    ----------
    cells
        Second-level cells in a metric CRS.
    roster
        `officer`, `hours` (on patrol that day).
    bases
        Where each officer starts: one point per row of `roster`, any CRS.
    stay_s
        Time that a good round takes; never less than `min_stay_s`.
    """
    require_metric(cells, "feasibility")
    at = bases.to_crs(cells.crs)
    shapes = cells.geometry.array
    far = np.array([shapely.distance(shapes, point) for point in at.array]).reshape(len(at), len(cells))
    cost = rules.visits_per_day * (max(stay_s, rules.min_stay_s) + 2 * far * DETOUR / WALK_M_S)
    left = roster["hours"].to_numpy(dtype=float) * 3600.0
    # Whoever is far from everybody chooses first.
    order = np.argsort(-cost.min(axis=0), kind="stable") if len(at) else np.arange(len(cells))
    officer = np.full(len(cells), -1)
    for k in order if len(at) else []:
        can = np.flatnonzero(left >= cost[:, k])
        if len(can):
            officer[k] = can[np.argmin(cost[can, k])]
            left[officer[k]] -= cost[officer[k], k]
    needed = cost.min(axis=0) if len(at) else np.full(len(cells), np.inf)
    names = roster["officer"].to_numpy(dtype=object)
    table = pd.DataFrame(
        {
            CODE: cells[CODE].to_numpy(dtype=object),
            "officer": [names[o] if o >= 0 else None for o in officer],
            "needed_s": needed,
            "possible": officer >= 0,
        },
        index=cells.index,
    )
    available = float(roster["hours"].sum() * 3600.0)
    return Feasibility(bool((officer >= 0).all()), float(needed.sum()), available, table)
