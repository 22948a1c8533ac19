"""The visits still due today, and whether the roster can make them."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.arrays import Bools, Floats, Objects
from geo.errors import InputError
from geo.layers.columns import CODE
from geo.layers.crs import require_metric
from geo.layers.transformers import to_crs
from geo.patrols.columns import COUNTED, DAY
from geo.patrols.persons import persons_of, who_counts
from geo.patrols.rules import DEFAULT_RULES, Rules
from geo.patrols.stays.moments import hours
from geo.patrols.verdicts import as_ruled, require_named
from geo.tracks.columns import DEVICE, END, OFFICER, TIME
from geo.tracks.fix_values import utc
from geo.tracks.trajectory import path_of

#: Speed of a patrolling walker, and the ratio of road distance to straight-line distance.
WALK_M_S, DETOUR = 1.2, 1.3


def due(
    visits: pd.DataFrame,
    tracks: pd.DataFrame,
    cells: gpd.GeoDataFrame,
    *,
    now: pd.Timestamp,
    rules: Rules = DEFAULT_RULES,
) -> pd.DataFrame:
    """List the cells with missing visits at a moment of the day, most urgent first.

    Parameters
    ----------
    visits, tracks
        Visits and cleaned fixes up to `now`; later ones are ignored.
    cells
        `code`, `leader` if only leaders count, and the columns that define classes in the rules; in a metric CRS.
    now
        Aware time.

    Returns
    -------
    DataFrame
        `code`, `missing` (visits), `earliest` (from when the next visit can count, aware UTC), `time_left_s` (until the end of
        duty), `needs_s` (minimum time of waits and stays for the missing visits), `slack_s`, `nearest_officer` (the leader if
        only leaders count), `nearest_device`, `distance_m` (straight, from its last fix within `max_gap_s`; NaN without one),
        `possible` (whether the officer can walk there and the visits fit before the end of duty). Sorted by `slack_s`, then
        distance.

    Raises
    ------
    InputError
        If `now` has no zone.
    ColumnError
        If the cells lack a column.
    """
    if now.tzinfo is None:
        raise InputError("now has no time zone; localize it")
    crs = require_metric(cells, "a due list")
    moment = now.tz_convert("UTC")
    today = now.tz_convert(rules.zone).date()
    rules = who_counts(rules.on(today), cells, tracks[OFFICER].unique() if OFFICER in tracks else ()).rules
    require_named(cells, rules)
    closes = pd.Timestamp(int(hours(pd.Series([today]), rules.hours_to, rules)[0]), unit="us", tz="UTC")
    opens = pd.Timestamp(int(hours(pd.Series([today]), rules.hours_from, rules)[0]), unit="us", tz="UTC")
    until = visits[(visits[DAY] == today) & (visits[END] <= moment)]
    required = np.zeros(len(cells), dtype=int)
    own = np.zeros(len(cells), dtype=bool)
    done = []
    for part, rows in rules.by_class(cells):
        required[rows], own[rows] = part.visits_per_day, part.who == "leader"
        some = cells.iloc[rows]
        theirs = as_ruled(until[until[CODE].isin(some[CODE])].reset_index(drop=True), some, part)
        done.append(theirs.loc[theirs[COUNTED], [CODE, END]])
    number, last = (pd.concat(done).groupby(CODE)[END].agg(how) for how in ("size", "max"))
    made = cells[CODE].map(number).fillna(0).to_numpy(dtype=int)
    short = cells[made < required]
    where = _last_places(tracks, crs, moment, rules)
    who, distance = _nearest(short, own[made < required], where)
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


def _nearest(cells: gpd.GeoDataFrame, own: Bools, where: gpd.GeoDataFrame) -> tuple[npt.NDArray[np.intp], Floats]:
    """The nearest device to each cell (a row of `where`, -1 for none) and its distance; only its leader's if only that counts."""
    who, distance = np.full(len(cells), -1, dtype=np.intp), np.full(len(cells), np.nan)
    persons = persons_of(cells)
    for rows, at in [
        (np.flatnonzero(~own), np.arange(len(where))),
        *(
            (np.array([k]), np.flatnonzero(where[OFFICER].astype(str).isin(persons.get(cells[CODE].iloc[k], ()))))
            for k in np.flatnonzero(own)
        ),
    ]:
        if len(rows) and len(at):
            (cell, found), metres = shapely.STRtree(where.geometry.array[at]).query_nearest(
                cells.geometry.array[rows], return_distance=True, all_matches=False
            )
            who[rows[cell]], distance[rows[cell]] = at[found], metres
    return who, distance


def _last_places(tracks: pd.DataFrame, crs: object, moment: pd.Timestamp, rules: Rules) -> gpd.GeoDataFrame:
    """Last position of each device, if it is recent enough."""
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
    """Whether a roster can visit all cells as often as the rules require; times in seconds.

    Attributes
    ----------
    possible
        Whether every cell has an officer with time for it. The search is greedy: a yes is a proof, a no is not.
    needed_s, available_s
        Total working time: visits and walks, each from the nearest base; and the hours of the roster.
    cells
        `code`, `officer`, `needed_s` (visits and walks), `possible`.
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
    """Test whether every cell can be visited as often as required, each by one officer with sufficient time.

    An officer makes rounds one after the other: all cells once, each from the base and back, then again those that need more
    visits. If a round returns to a cell within `min_between_s`, the officer waits. Cells far from all officers are assigned
    first, each to the officer with the least additional time; to the leader if only leaders count.

    Parameters
    ----------
    cells
        Second-level cells in a metric CRS, with the columns that the rules use.
    roster
        `officer`, `hours` (of patrol on that day; at most the hours of duty are used).
    bases
        Starting point of each officer: one point per row of `roster`, any CRS.
    stay_s
        Duration of a thorough visit; at least `min_stay_s` is used.
    rules
        The version valid on the day.

    Raises
    ------
    ColumnError
        If the cells lack a column.
    """
    require_metric(cells, "feasibility")
    rules = who_counts(rules, cells, roster["officer"]).rules
    require_named(cells, rules)
    at = to_crs(bases, cells.crs)
    names = roster["officer"].to_numpy(dtype=object)
    far = np.array([shapely.distance(cells.geometry.array, point) for point in at.array]).reshape(len(at), len(cells))
    due_times, stays, can = np.zeros(len(cells), dtype=int), np.zeros(len(cells)), np.ones(far.shape, dtype=bool)
    for part, rows in rules.by_class(cells):
        due_times[rows], stays[rows] = part.visits_per_day, max(stay_s, part.min_stay_s)
        if part.who == "leader":
            can[:, rows] = _may_count(names, cells.iloc[rows])
    once = stays + 2 * far * DETOUR / WALK_M_S
    on_duty = _on_duty_s(rules)
    available = np.minimum(roster["hours"].to_numpy(dtype=float) * 3600.0, on_duty)
    plan = _Rounds(len(at), max(int(due_times.max(initial=0)), 1), rules.min_between_s)
    officer = np.full(len(cells), -1)
    # Cells far from all officers are assigned first.
    for k in np.argsort(-once.min(axis=0), kind="stable") if len(at) else []:
        longer = plan.with_cell(once[:, k], stays[k], due_times[k])
        fits = np.flatnonzero((longer <= available) & can[:, k])
        if len(fits):
            officer[k] = fits[np.argmin((longer - plan.lasts_s)[fits])]
            plan.take(officer[k], once[officer[k], k], stays[k], due_times[k])
    needed = due_times * once.min(axis=0) if len(at) else np.full(len(cells), np.inf)
    table = pd.DataFrame(
        {
            CODE: cells[CODE].to_numpy(dtype=object),
            "officer": [names[o] if o >= 0 else None for o in officer],
            "needed_s": needed,
            "possible": officer >= 0,
        },
        index=cells.index,
    )
    return Feasibility(bool((officer >= 0).all()), float(needed.sum()), float(available.sum()), table)


def _may_count(names: Objects, cells: gpd.GeoDataFrame) -> Bools:
    """Whether each officer is the leader or a deputy of each cell, shape (officers, cells)."""
    persons = persons_of(cells)
    may = [[str(name) in persons.get(code, ()) for code in cells[CODE]] for name in names]
    return np.array(may, dtype=bool).reshape(len(names), len(cells))


class _Rounds:
    """The rounds of each officer: duration of each, and the total with waits between them."""

    def __init__(self, officers: int, rounds: int, between_s: float) -> None:
        self._round_s = np.zeros((rounds, officers))
        self._stay_s = np.zeros(officers)
        self._between_s = between_s
        self.lasts_s = np.zeros(officers)

    def with_cell(self, once_s: Floats, stay_s: float, times: int) -> Floats:
        """Length of each officer's day with one more cell."""
        rounds = self._round_s.copy()
        rounds[:times] += once_s
        # Between two visits to the same cell lies a complete round except the visit itself.
        apart = np.where(rounds[1:] > 0, rounds[1:] - np.maximum(self._stay_s, stay_s), np.inf)
        longer: Floats = rounds.sum(axis=0) + np.maximum(self._between_s - apart, 0.0).sum(axis=0)
        return longer

    def take(self, officer: int, once_s: float, stay_s: float, times: int) -> None:
        """Assign one more cell to an officer."""
        alone = np.zeros(len(self.lasts_s))
        alone[officer] = once_s
        self.lasts_s[officer] = self.with_cell(alone, stay_s, times)[officer]
        self._round_s[:times, officer] += once_s
        self._stay_s[officer] = max(self._stay_s[officer], stay_s)


def _on_duty_s(rules: Rules) -> float:
    """Hours of duty of a day, seconds."""
    from_, to = (at.hour * 3600.0 + at.minute * 60.0 + at.second for at in (rules.hours_from, rules.hours_to))
    return to - from_
