"""Detects stops: when and where a device stayed at a place, and which of its fixes belong to a stay.

Three levels: all devices (:func:`stops`), labelling of one unbroken chain of fixes as stop or trip (`_label_chains`), the net
speed around one fix (`_net_speed`).
"""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.arrays import Bools, Floats, Ints
from geo.kernels import kernel
from geo.layers.crs import lon_lat
from geo.tracks.columns import DEVICE, DURATION_S, END, FIXES, OFFICER, START
from geo.tracks.limits import DEFAULT_LIMITS, MovementLimits
from geo.tracks.path import SECOND, Path
from geo.tracks.trajectory import metric_of, raw_path

#: Windows around a fix over which its net speed is measured. The short one locates the start of a stop; the long one
#: averages over correlated errors, which change within a minute or two. Other pairs of 20 to 45 s and 60 to 120 s label 86
#: to 91 % of the diary in docs/tracks.md correctly, this one 90 %.
WINDOWS_S = (30.0, 90.0)
#: Net speed of a stationary device: Rayleigh with this scale, m/s. An error of 10 m along each axis gives 0.16 over 90 s.
STAY_SCALE_M_S = 0.28
#: Net speed of a moving device: normal around walking speed, plus a uniform density for bicycles and cars.
WALK_M_S, WALK_SPREAD_M_S, OTHER_DENSITY = 1.2, 0.5, 0.03
#: Limits of the evidence of one fix, as log odds, and of its duration, seconds.
MOST_ODDS, MOST_S = 2.0, 60.0
#: Evidence, in seconds at full certainty, required for a change between stop and trip. Chosen together with the windows.
CHANGE_S = 15.0
#: Stops before and after a gap at most this far apart are joined.
SAME_PLACE_M = 50.0

#: Columns of stops, in order.
STOP_COLUMNS = (DEVICE, OFFICER, START, END, DURATION_S, "silent_s", FIXES, "radius_m", "geometry")


class _Chains(NamedTuple):
    """Fixes of all devices with the number of their stop, -1 in motion."""

    path: Path
    rows: Ints
    stop: Ints


def stops(tracks: pd.DataFrame, *, rules: MovementLimits = DEFAULT_LIMITS) -> gpd.GeoDataFrame:
    """Detect the stays of each device.

    Parameters
    ----------
    tracks
        Fixes with `device`, `time` and optionally `mark`; cleaned first without it.
    rules
        `max_gap_s`, `max_speed_m_s` and the parameters of cleaning.

    Returns
    -------
    GeoDataFrame
        One row per stop, by device and time, with a fresh index: `device`, `officer`, `start`, `end` (times of its first and
        last fix, aware, UTC), `duration_s`, `silent_s` (part of it in gaps over `max_gap_s`), `fixes`, `radius_m` (radius that
        contains two thirds of its fixes) and the median place, WGS-84. A stop that continues at the last fix is included.

    Raises
    ------
    ColumnError, CrsError
        If the tracks lack a column, the zone of their times, or a CRS.

    Notes
    -----
    For each fix, the net speed over 30 and over 90 s is compared under a stationary and a moving model; the log likelihood
    ratio, times the time that the fix represents, is its evidence. The labels maximise the total evidence minus 15 s for each
    change (exact, by dynamic programming). A gap ends a stop unless the device reappears at the same place. Stops shorter than
    half a minute are not detected. docs/tracks.md compares with trackintel and movingpandas. Cost: O(n) after sorting.

    >>> import pandas as pd, shapely
    >>> seconds = np.arange(0, 900, 10)
    >>> lon = 118.81 + np.interp(seconds, [0, 300, 600, 900], [0, 0.004, 0.004, 0.008])
    >>> track = gpd.GeoDataFrame({"device": "D1", "time": pd.Timestamp("2026-11-23T01:00Z") + pd.to_timedelta(seconds, "s")},
    ...                          geometry=shapely.points(lon, 32.1), crs=4326)
    >>> stops(track)[["duration_s", "fixes", "radius_m"]].round().to_dict("records")
    [{'duration_s': 300.0, 'fixes': 31, 'radius_m': 0.0}]
    """
    chains = _chains(tracks, rules)
    path = chains.path
    at = np.flatnonzero(chains.stop >= 0)
    number = chains.stop[at]
    first = np.flatnonzero(np.r_[True, number[1:] != number[:-1]][: len(number)])
    last = np.r_[first[1:], len(number)][: len(first)] - 1
    owner = path.walkers.iloc[path.walker[at[first]]]
    begin, end = path.time[at[first]], path.time[at[last]]
    x, y = (_medians(values[at], first, last) for values in (path.x, path.y))
    silent = np.r_[0.0, np.diff(path.time[at]) / SECOND]
    silent[(silent <= rules.max_gap_s) | np.r_[True, number[1:] != number[:-1]][: len(number)]] = 0.0
    away = np.hypot(path.x[at] - np.repeat(x, last - first + 1), path.y[at] - np.repeat(y, last - first + 1))
    table = pd.DataFrame(
        {
            DEVICE: owner[DEVICE].to_numpy(dtype=object),
            OFFICER: owner[OFFICER].to_numpy(dtype=object),
            START: pd.to_datetime(begin, unit="us", utc=True).as_unit("us"),
            END: pd.to_datetime(end, unit="us", utc=True).as_unit("us"),
            DURATION_S: (end - begin) / SECOND,
            "silent_s": np.add.reduceat(silent, first) if len(first) else np.empty(0),
            FIXES: last - first + 1,
            "radius_m": [float(np.quantile(away[a : b + 1], 2 / 3)) for a, b in zip(first, last, strict=True)],
        }
    )
    places = gpd.GeoSeries(shapely.points(x, y), crs=metric_of(tracks))
    return gpd.GeoDataFrame(table, geometry=lon_lat(places).array, crs=4326)[list(STOP_COLUMNS)]


def stop_of(tracks: pd.DataFrame, *, rules: MovementLimits = DEFAULT_LIMITS) -> pd.Series:
    """Stop of each fix.

    Returns
    -------
    Series of Int64, index of `tracks`
        Row of the stop in the result of :func:`stops`, -1 in motion; missing for unused fixes.
    """
    chains = _chains(tracks, rules)
    number = np.full(len(tracks), -1, dtype=np.int64)
    number[chains.rows] = chains.stop
    labelled = np.zeros(len(tracks), dtype=bool)
    labelled[chains.rows] = True
    return pd.Series(number, index=tracks.index, dtype="Int64", name="stop").where(labelled)


def _chains(tracks: pd.DataFrame, rules: MovementLimits) -> _Chains:
    """Label the fixes of all devices, and number the stops in order of device and time."""
    path, rows = raw_path(tracks, metric_of(tracks), rules)
    lasts = np.diff(path.time) / SECOND
    same = np.diff(path.walker) == 0
    breaks = np.flatnonzero(np.r_[True, ~same | (lasts > rules.max_gap_s)][: len(path.time)])
    ends = np.r_[breaks[1:], len(path.time)].astype(np.int64)
    stays = _label_chains(
        path.time / SECOND, path.x, path.y, breaks.astype(np.int64), ends[: len(breaks)], WINDOWS_S, CHANGE_S
    )
    new = stays & ~np.r_[False, stays[:-1] & same][: len(stays)]
    after = np.flatnonzero(np.r_[False, stays[1:] & stays[:-1] & same & (lasts > rules.max_gap_s)][: len(stays)])
    number = np.cumsum(new | np.isin(np.arange(len(stays)), after)) - 1
    joined = _rejoined(path, number, stays, after)
    return _Chains(path, rows, np.where(stays, joined, -1))


def _rejoined(path: Path, number: Ints, stays: Bools, after: Ints) -> Ints:
    """Join the stops before and after a gap if they are at one place, and renumber the stops."""
    count = int(number.max(initial=-1)) + 1
    if count == 0:
        return number
    at = np.flatnonzero(stays)
    first = np.flatnonzero(np.r_[True, np.diff(number[at]) != 0])
    last = np.r_[first[1:], len(at)] - 1
    x, y = (_medians(values[at], first, last) for values in (path.x, path.y))
    goes_on = np.zeros(count, dtype=bool)
    k = number[after]
    goes_on[k] = np.hypot(x[k] - x[k - 1], y[k] - y[k - 1]) <= SAME_PLACE_M
    joined: Ints = (np.cumsum(~goes_on) - 1)[np.maximum(number, 0)]
    return joined


def _medians(values: Floats, first: Ints, last: Ints) -> Floats:
    return np.array([np.median(values[a : b + 1]) for a, b in zip(first, last, strict=True)], dtype=np.float64)


@kernel(nogil=True)
def _label_chains(  # type: ignore[no-untyped-def]
    time, x, y, begin, end, windows_s, change_s
):
    """Whether the device is stationary at each fix, chain by chain; times in seconds.

    Within a chain ``a:b`` the labels maximise the sum of the evidence, positive for a stop and negative for a trip, with half
    weight, minus `change_s` for each change.
    """
    stays = np.zeros(len(time), dtype=np.bool_)
    came = np.zeros((len(time), 2), dtype=np.bool_)
    for c in range(len(begin)):
        a, b = begin[c], end[c]
        if b - a < 2:
            continue
        stay, trip = 0.0, 0.0
        for i in range(a, b):
            weight = _weight(time, a, b, i) / 2.0
            odds = 0.0
            for k in range(2):
                odds += _odds(_net_speed(time, x, y, a, b, i, windows_s[k])) / 2.0
            came[i, 0], came[i, 1] = trip - change_s > stay, stay - change_s > trip
            stay, trip = max(stay, trip - change_s) + odds * weight, max(trip, stay - change_s) - odds * weight
        state = 0 if stay >= trip else 1
        for i in range(b - 1, a - 1, -1):
            stays[i] = state == 0
            if came[i, state]:
                state = 1 - state
    return stays


@kernel(nogil=True)
def _weight(time: Floats, a: int, b: int, i: int) -> float:
    """Time represented by a fix: half of the time to each neighbour."""
    half: float = (time[min(i + 1, b - 1)] - time[max(i - 1, a)]) / 2.0
    return min(half, MOST_S)


@kernel(nogil=True)
def _net_speed(time: Floats, x: Floats, y: Floats, a: int, b: int, i: int, window_s: float) -> float:
    """Distance between the places half a window before and after a fix, divided by the time between them."""
    start, end = max(time[i] - window_s / 2, time[a]), min(time[i] + window_s / 2, time[b - 1])
    j = i
    while j > a and time[j] > start:
        j -= 1
    k = i
    while k < b - 1 and time[k] < end:
        k += 1
    share = 0.0 if time[j] >= start else (start - time[j]) / (time[j + 1] - time[j])
    rest = 0.0 if time[k] <= end else (time[k] - end) / (time[k] - time[k - 1])
    x0, y0, x1, y1 = x[j], y[j], x[k], y[k]
    if share > 0.0:
        x0, y0 = x0 + share * (x[j + 1] - x0), y0 + share * (y[j + 1] - y0)
    if rest > 0.0:
        x1, y1 = x1 + rest * (x[k - 1] - x1), y1 + rest * (y[k - 1] - y1)
    return float(np.hypot(x1 - x0, y1 - y0) / max(end - start, 1e-6))


@kernel(nogil=True)
def _odds(speed_m_s: float) -> float:
    """Evidence of a net speed for a stop, between -1 and 1."""
    # Lower speeds count like the mode of the stationary model: phones indoors repeat one place.
    v = max(speed_m_s, STAY_SCALE_M_S)
    stay = np.log(v / STAY_SCALE_M_S**2) - v * v / (2 * STAY_SCALE_M_S**2)
    walk = np.exp(-((v - WALK_M_S) ** 2) / (2 * WALK_SPREAD_M_S**2)) / (WALK_SPREAD_M_S * np.sqrt(2 * np.pi))
    odds: float = min(max(stay - np.log(OTHER_DENSITY + walk), -MOST_ODDS), MOST_ODDS) / MOST_ODDS
    return odds
