"""The path of a device: its usable fixes in order of time, in metres, with stands separated from movement."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from pyproj import CRS

from geo.arrays import Bools, Floats, Ints
from geo.days import local_days
from geo.layers.crs import metric_crs
from geo.tracks.cleaning import SPEED_SLACK_M, clean, used
from geo.tracks.columns import ACCURACY_M, DEVICE, MARK, OFFICER, TIME
from geo.tracks.fix_values import places, require_tracks, utc
from geo.tracks.limits import MovementLimits
from geo.tracks.path import SECOND, Path
from geo.tracks.projection import to_metres
from geo.tracks.resting import settled
from geo.tracks.sorting import by_time, numbered, picked

#: Number of fixes processed at a time: a block needs about 100 MB, and fits processor caches better than a city's day.
BLOCK = 500_000

#: The 68 % radius of a circular normal error in standard deviations along one axis: sqrt(-2 ln 0.32).
RADIUS_PER_SIGMA = 1.51
#: Silence from which a device was off between two shifts, seconds: the rest between two days of work.
OFF_S = 10 * 3600.0


class Steps(NamedTuple):
    """Steps between consecutive fixes.

    `known`: the step is trusted, also if the phone rested and sent nothing; `gap`: the device was silent too long or moved
    too fast; both False: end of the path.

    A path ends with the day: a device without fixes around midnight has gone home, and its next fix starts another path. The same
    holds after a silence of ten hours, between two shifts that end after midnight. The verdicts of a day are therefore the same
    with or without the tracks of adjacent days.
    """

    known: Bools
    gap: Bools


def path_of(tracks: pd.DataFrame, crs: CRS, rules: MovementLimits) -> Path:
    """Sort the usable fixes of a track, project them to metres, and detect stands.

    Parameters
    ----------
    tracks
        Fixes; cleaned first if they have no column ``mark``.
    crs
        Metric CRS of the cells.
    """
    paths = list(paths_of(tracks, crs, rules, most=max(1, len(tracks))))
    return paths[0]


def paths_of(tracks: pd.DataFrame, crs: CRS, rules: MovementLimits, *, most: int = BLOCK) -> Iterator[Path]:
    """Yield the path in blocks of complete walkers, of about `most` fixes each; at least one, possibly empty.

    Results of a block need memory for that block only.
    """
    raw = _raw(tracks, crs, rules)
    owner, order = raw.path.walker, raw.order
    # A block ends with the walker who fills it.
    ends = np.cumsum(np.bincount(owner, minlength=1))
    full = np.searchsorted(ends, np.arange(most, len(order), most))
    cuts = np.unique(np.r_[ends[full], len(order)])
    for a, b in zip(np.r_[0, cuts[:-1]], cuts, strict=True):
        yield settled(_taken(raw.path, order[a:b]), rules.zone)


def raw_path(tracks: pd.DataFrame, crs: CRS, rules: MovementLimits) -> tuple[Path, Ints]:
    """Sort the usable fixes of a track, in metres, without detection of stands; also the row of `tracks` of each."""
    raw = _raw(tracks, crs, rules)
    return _taken(raw.path, raw.order), raw.here[raw.order]


class _Raw(NamedTuple):
    """Usable fixes in the order of the rows `here`, and their sort order as a path."""

    path: Path
    here: Ints
    order: Ints


def _raw(tracks: pd.DataFrame, crs: CRS, rules: MovementLimits) -> _Raw:
    require_tracks(tracks)
    cleaned = tracks if MARK in tracks else clean(tracks, rules=rules)
    here = np.flatnonzero(used(cleaned))
    owner, names = _walkers(cleaned, here)
    lon, lat = places(cleaned)
    x, y = to_metres(picked(lon, here), picked(lat, here), crs)
    sigma = _sigma(cleaned, here, rules)
    time: Ints = picked(utc(cleaned[TIME]).view(np.int64), here)
    nowhere = np.full(len(here), -1, dtype=np.int64)
    detached: Bools = (cleaned[MARK].to_numpy(dtype=object) == "detached")[here]
    return _Raw(
        Path(owner, time, x, y, sigma, nowhere, names, detached, np.zeros(len(here), dtype=np.bool_)),
        here,
        by_time(owner, time, x, y),
    )


def _taken(path: Path, rows: Ints) -> Path:
    return Path(
        path.walker[rows],
        path.time[rows],
        path.x[rows],
        path.y[rows],
        path.sigma[rows],
        path.stand[rows],
        path.walkers,
        path.detached[rows],
        path.resting[rows],
    )


def _walkers(tracks: pd.DataFrame, here: Ints) -> tuple[Ints, pd.DataFrame]:
    """Number of the walker of each used fix, and the walkers: pairs of device and officer, sorted by name."""
    device, devices = numbered(tracks[DEVICE])
    if OFFICER in tracks:
        officer, officers = numbered(tracks[OFFICER])
    else:
        officer, officers = np.full(len(tracks), -1), np.empty(0, dtype=object)
    # Walkers without a name come last.
    last = len(officers)
    who = picked(officer, here)
    key = picked(device, here) * (last + 1) + np.where(who < 0, last, who)
    seen = np.zeros((len(devices)) * (last + 1), dtype=bool)
    seen[key] = True
    pairs = np.flatnonzero(seen)
    owner: Ints = (np.cumsum(seen) - 1)[key]
    names = pd.DataFrame({DEVICE: pd.Series(np.asarray(devices, dtype=object)[pairs // (last + 1)], dtype=object)})
    named = np.r_[np.asarray(officers, dtype=object), np.array([None], dtype=object)]
    names[OFFICER] = pd.Series(named[pairs % (last + 1)], dtype=object)
    return owner, names


def _sigma(fixes: pd.DataFrame, here: Ints, rules: MovementLimits) -> Floats:
    """Standard deviation along one axis; accuracies are clamped to at least 3 m."""
    radius = np.full(len(here), np.nan)
    if ACCURACY_M in fixes:
        radius = pd.to_numeric(fixes[ACCURACY_M], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        radius = picked(radius, here)
    radius = np.where(np.isfinite(radius), np.maximum(radius, 3.0), rules.default_accuracy_m)
    return radius / RADIUS_PER_SIGMA


def steps_of(path: Path, rules: MovementLimits) -> Steps:
    """Whether the step from each fix to the next is known."""
    same = np.diff(path.walker) == 0
    lasts_s = np.diff(path.time) / SECOND
    way_m = np.hypot(np.diff(path.x), np.diff(path.y))
    heard = (lasts_s <= rules.max_gap_s) | path.resting[:-1]
    known = same & heard & (way_m - SPEED_SLACK_M <= rules.max_speed_m_s * lasts_s)
    gap = same & ~known
    gaps = np.flatnonzero(gap)
    before, after = (local_days(path.time[rows], rules.zone) for rows in (gaps, gaps + 1))
    gap[gaps[(before != after) | (lasts_s[gaps] >= OFF_S)]] = False
    return Steps(known, gap)


def chains_of(path: Path, rules: MovementLimits) -> Iterator[slice]:
    """Unbroken parts of the paths of all walkers."""
    breaks = (np.flatnonzero(~steps_of(path, rules).known) + 1).tolist() if len(path.time) else []
    for a, b in pairwise([0, *breaks, len(path.time)]):
        if b > a:
            yield slice(a, b)


def metric_of(tracks: pd.DataFrame) -> CRS:
    """Metric CRS at the centre of the fixes; without fixes, that of the model street."""
    require_tracks(tracks)
    lon, lat = (values[np.isfinite(values)] for values in places(tracks))
    if not (len(lon) and len(lat)):
        return CRS.from_epsg(4549)
    return metric_crs(float(lon.min() + lon.max()) / 2, float(lat.min() + lat.max()) / 2)
