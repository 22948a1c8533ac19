"""Simulates the patrols of one day with known truth.

Every second-level grid has one officer. Officers start at the office of their community, ride to their grid by electric
bicycle, walk its roads, ride back, and repeat this in the afternoon; some do less, some help in a neighbouring grid, some only
drive through. Positions have slowly varying errors, as with GPS; some phones have gaps, one sends the track of another, one
sends false positions.

The truth is computed from the paths without error, by intersecting them with the cells, independently of ``geo.locate`` and
``geo.patrols`` except for the numbers of the rule set.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyproj
import scipy.signal
import shapely

from geo.arrays import Floats
from geo.errors import ColumnError, InputError
from geo.layers.columns import CODE, LEADER
from geo.layers.crs import WGS84
from geo.layers.transformers import transformer
from geo.patrols import DEFAULT_RULES, Rules
from geo.sample.days.truth import midnight_of, truth_of
from geo.sample.days.walks import HasRoads, Roads, Way, scattered, walks_of

#: What an officer does on the day, with its probability.
FATES = {
    "twice": 0.71,
    "three times": 0.06,
    "once": 0.09,
    "never": 0.05,
    "drives": 0.05,
    "helps a neighbour": 0.04,
}

#: Error radius of a phone (68 % of fixes), metres, and the correlation time of the error, seconds.
ERROR_RADIUS_M, ERROR_LASTS_S = (5.0, 20.0), (40.0, 120.0)
_RADIUS_PER_SIGMA = 1.51
#: Shares of phones with a gap, and with a period of poor accuracy.
SILENT_SHARE, POOR_SHARE = 0.15, 0.06


class HasSecond(Protocol):
    """Required attribute of a division: its second level."""

    @property
    def second(self) -> gpd.GeoDataFrame: ...  # noqa: D102


@dataclass(frozen=True)
class PatrolTruth:
    """The truth of a simulated day.

    Attributes
    ----------
    visits
        True stays: `code`, `officer`, `entered_at`, `left_at`, `stay_s`, `counted` (by the rules, on the true path).
    verdicts
        One row per second-level grid: `code`, `day`, `visits`, `verdict` (met, short, not_visited).
    faults
        Faults inserted into the tracks: `device`, `fault`, `note`.
    """

    visits: pd.DataFrame
    verdicts: pd.DataFrame
    faults: pd.DataFrame


def simulate_patrols(
    street: HasRoads,
    division: HasSecond,
    *,
    rng: np.random.Generator,
    day: dt.date,
    officers: int = 255,
    interval_s: float = 10.0,
    rules: Rules = DEFAULT_RULES,
) -> tuple[gpd.GeoDataFrame, PatrolTruth]:
    """Simulate the tracks of one day.

    Parameters
    ----------
    street
        Roads to walk on and communities to have an office in.
    division
        Its second level gives the grids, and the officers in column ``leader``.
    rng
        The same state gives the same tracks.
    day
        Local day, Asia/Shanghai.
    officers
        Number of officers on duty, those of the first grids. The other grids have no officer.
    interval_s
        Seconds between two fixes of a phone.
    rules
        Rules for the true visits and verdicts.

    Returns
    -------
    tracks : GeoDataFrame
        `device`, `officer`, `time` (aware UTC), `lon`, `lat`, `accuracy_m`, `mock`; WGS-84 points, by device and time.
    truth : PatrolTruth
        The true visits and verdicts, and the faults of the tracks.

    Raises
    ------
    InputError
        If `officers` or `interval_s` is not positive.
    ColumnError
        If the second level has no codes.
    """
    made = _simulated(street, division, rng, day, officers, interval_s)
    visits, verdicts = truth_of(made.ways, made.staff, made.cells, day, rules)
    return made.tracks, PatrolTruth(visits, verdicts, made.faults)


def simulate_tracks(
    street: HasRoads,
    division: HasSecond,
    *,
    rng: np.random.Generator,
    day: dt.date,
    officers: int = 255,
    interval_s: float = 10.0,
) -> gpd.GeoDataFrame:
    """Simulate the tracks of one day without their truth: those of :func:`simulate_patrols`, in half of its time.

    Parameters are those of :func:`simulate_patrols`, which also describes the columns and the exceptions.
    """
    return _simulated(street, division, rng, day, officers, interval_s).tracks


class _Simulated(NamedTuple):
    """A simulated day: true paths, staff numbers, grids, tracks as sent, and the faults in them."""

    ways: list[Way]
    staff: list[str]
    cells: gpd.GeoDataFrame
    tracks: gpd.GeoDataFrame
    faults: pd.DataFrame


def _simulated(
    street: HasRoads, division: HasSecond, rng: np.random.Generator, day: dt.date, officers: int, interval_s: float
) -> _Simulated:
    if officers < 1 or not interval_s > 0:
        raise InputError(f"officers is {officers} and interval_s {interval_s:g}; both must be above 0")
    if CODE not in division.second:
        raise ColumnError("division: the second level has no column 'code'")
    cells = division.second.reset_index(drop=True)
    staff = _staff(cells)[:officers]
    roads = Roads.of(street.roads)
    fates = rng.choice(list(FATES), size=len(staff), p=list(FATES.values()))
    ways = walks_of(street, cells, roads, fates, rng)
    tracks, faults = _recorded(ways, staff, fates, cells, interval_s, rng)
    return _Simulated(ways, staff, cells, sent(tracks, day, cells.crs), faults)


def _staff(cells: gpd.GeoDataFrame) -> list[str]:
    """Staff numbers, one for each grid."""
    numbered = [f"G{n:03d}" for n in range(1, len(cells) + 1)]
    if LEADER not in cells:
        return numbered
    return [n if pd.isna(leader) else str(leader) for leader, n in zip(cells[LEADER], numbered, strict=True)]


def _recorded(
    ways: list[Way],
    staff: list[str],
    fates: npt.NDArray[np.str_],
    cells: gpd.GeoDataFrame,
    interval_s: float,
    rng: np.random.Generator,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Tracks recorded along the true paths, and their faults."""
    records, faults = [], []
    for k, way in enumerate(ways):
        device = f"D{k + 1:03d}"
        fixes, wrong = _phone(way, interval_s, rng)
        records.append(fixes.assign(device=device, officer=staff[k]))
        faults += [(device, *fault) for fault in wrong]
    idle = np.flatnonzero(fates == "never")
    busy = np.flatnonzero(fates == "twice")
    if len(idle) >= 1 and len(busy) >= 1:
        thief, owner = int(idle[0]), int(busy[0])
        records[thief] = records[owner].assign(device=f"D{thief + 1:03d}", officer=staff[thief])
        faults.append((f"D{thief + 1:03d}", "copied", f"carries the track of D{owner + 1:03d}"))
    if len(idle) >= 2:
        liar = int(idle[1])
        records[liar] = _lies(records[liar], cells.geometry.iloc[liar], rng)
        faults.append(
            (
                f"D{liar + 1:03d}",
                "spoofed",
                "two invented walks in the own grid, one of them with the mock flag",
            )
        )
    table = pd.concat(records, ignore_index=True)
    return table, pd.DataFrame(faults, columns=["device", "fault", "note"])


def _phone(way: Way, interval_s: float, rng: np.random.Generator) -> tuple[pd.DataFrame, list[tuple[str, str]]]:
    """Fixes of one phone: the true path with correlated errors (Gauss-Markov) and faults."""
    t = np.arange(way.t[0] + rng.uniform(0, interval_s), way.t[-1], interval_s)
    radius = rng.uniform(*ERROR_RADIUS_M)
    error = wandering(len(t), radius, interval_s, rng.uniform(*ERROR_LASTS_S), rng)
    accuracy = radius * np.exp(rng.normal(0, 0.15, len(t)))
    silent = np.zeros(len(t), dtype=bool)
    faults = []
    if rng.random() < POOR_SHARE:
        from_, to = _stretch(way, 600, 1800, rng)
        bad = (t >= from_) & (t < to)
        error[bad] *= 5
        accuracy[bad] = rng.uniform(60, 150, int(bad.sum()))
        faults.append(("poor_accuracy", f"error of {5 * radius:.0f} m {_clock(from_)} to {_clock(to)}"))
    if rng.random() < SILENT_SHARE:
        for _ in range(int(rng.integers(1, 4))):
            from_, to = _stretch(way, 400, 3600, rng)
            silent |= (t >= from_) & (t < to)
            faults.append(("silent", f"no fixes {_clock(from_)} to {_clock(to)}"))
    xy = np.column_stack([np.interp(t, way.t, way.xy[:, i]) for i in (0, 1)]) + error
    fixes = pd.DataFrame({"t": t, "x": xy[:, 0], "y": xy[:, 1], "accuracy_m": accuracy.round(1), "mock": False})
    return fixes[~silent], faults


def wandering(count: int, radius_m: float, interval_s: float, lasts_s: float, rng: np.random.Generator) -> Floats:
    """Errors of as many fixes, metres, shape (count, 2): 68 % within the radius, fading as ``exp(-t / lasts_s)``."""
    keep = float(np.exp(-interval_s / lasts_s))
    white = rng.standard_normal((count, 2))
    white[1:] *= np.sqrt(1 - keep**2)
    error: Floats = scipy.signal.lfilter([1.0], [1.0, -keep], white, axis=0) * (radius_m / _RADIUS_PER_SIGMA)
    return error


def _stretch(way: Way, least_s: float, most_s: float, rng: np.random.Generator) -> tuple[float, float]:
    start = rng.uniform(way.t[0], way.t[-1] - most_s)
    return start, start + rng.uniform(least_s, most_s)


def _clock(t: float) -> str:
    return f"{int(t // 3600):02d}:{int(t % 3600 // 60):02d}"


def _lies(fixes: pd.DataFrame, cell: shapely.Polygon, rng: np.random.Generator) -> pd.DataFrame:
    """Insert two smooth walks of twenty minutes, without error, in the officer's grid while the phone is at the office."""
    fixes = fixes.copy()
    for from_, flagged in ((9.5 * 3600, True), (15.5 * 3600, False)):
        chosen = ((fixes["t"] >= from_) & (fixes["t"] < from_ + 1200)).to_numpy()
        corners = scattered(cell, 12, rng)
        at = np.linspace(0, len(corners) - 1, int(chosen.sum()))
        for i, column in enumerate("xy"):
            fixes.loc[chosen, column] = np.interp(at, np.arange(len(corners)), corners[:, i])
        fixes.loc[chosen, "accuracy_m"] = 5.0
        fixes.loc[chosen, "mock"] = flagged
    return fixes


def sent(records: pd.DataFrame, day: dt.date, crs: pyproj.CRS) -> gpd.GeoDataFrame:
    """Fixes as phones send them: WGS-84 degrees to seven decimals (1 cm), times in UTC.

    `records` have `device`, `officer`, `t` (seconds of the local day), `x`, `y` (metres in `crs`), `accuracy_m` and `mock`.
    """
    lon, lat = transformer(crs, WGS84).transform(records["x"], records["y"])
    lon, lat = np.round(lon, 7), np.round(lat, 7)
    time = midnight_of(day) + pd.to_timedelta(np.rint(records["t"].to_numpy() * 1000).astype(np.int64), unit="ms")
    columns = {
        "device": records["device"].astype(object),
        "officer": records["officer"].astype(object),
        "time": time.as_unit("us"),
        "lon": lon,
        "lat": lat,
        "accuracy_m": records["accuracy_m"],
        "mock": records["mock"].astype(bool),
    }
    return gpd.GeoDataFrame(columns, geometry=shapely.points(lon, lat), crs=WGS84)
