"""The path of a device: its usable fixes in order of time, in metres, with standing still told from walking."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd
from pyproj import CRS

from geo.arrays import Bools, Floats, Ints
from geo.days import local_days
from geo.kernels import kernel
from geo.layers.crs import metric_crs
from geo.tracks.cleaning import SPEED_SLACK_M, clean, places, require_tracks, used, utc
from geo.tracks.columns import ACCURACY_M, DEVICE, MARK, OFFICER, TIME
from geo.tracks.limits import MovementLimits
from geo.tracks.projection import to_metres
from geo.tracks.sorting import by_time, numbered, taken

#: Fixes that are worked on at one time: a block takes about 100 MB, and fits the caches of processors better than a city's day.
BLOCK = 500_000

#: Micro-seconds in a second; times of paths are whole microseconds, so that pieces of a path abut exactly.
SECOND = 1_000_000

#: Window in which a device is judged to stand still. In five minutes a walker goes 400 m.
STILL_WINDOW_S = 300.0
#: Spread (root mean square distance from the mean) up to which a window is still: phones that lie on a desk scatter by 10
#: to 25 m between buildings, a patrol at 0.5 m/s by 43 m.
STILL_SPREAD_M = 28.0
#: How far the middle of the next window may be off for the device to stand at the same place.
STILL_DRIFT_M = 25.0
#: Windows that a stand needs; two make ten minutes.
STILL_WINDOWS = 2
#: Windows of wander between two stands at one place that still belong to them, and how far it may go in standard deviations.
BRIDGE_WINDOWS = 3
WANDER_SIGMAS = 4.0

#: Seconds over which a speed is taken: long against the wander of the error, short against a drive in and out again.
PACE_S = 30

#: The 68 % radius of a circular normal error in standard deviations along one axis: sqrt(-2 ln 0.32).
RADIUS_PER_SIGMA = 1.51


class Path(NamedTuple):
    """Fixes of all walkers, by walker and time.

    Attributes
    ----------
    walker
        Position in `walkers`, int64.
    time
        Microseconds since 1970, UTC, int64.
    x, y
        Metres in the CRS of the cells; fixes of a stand lie at its middle.
    sigma
        Standard deviation of the position along one axis, metres.
    stand
        Number of the stand that a fix belongs to; -1 on the move.
    walkers
        `device` and `officer` of each walker.
    """

    walker: Ints
    time: Ints
    x: Floats
    y: Floats
    sigma: Floats
    stand: Ints
    walkers: pd.DataFrame


class Steps(NamedTuple):
    """What lies between each fix and the next: `known` a way, `silent` a gap in one walker's path, neither its end.

    A path ends with the day: who is not heard at midnight went home, and his next fix begins another path. So the verdicts of
    a day are the same whether the tracks of the days beside it are there or not.
    """

    known: Bools
    silent: Bools


def path_of(tracks: pd.DataFrame, crs: CRS, rules: MovementLimits) -> Path:
    """Order the usable fixes of a track, bring them to metres, and tell standing still from walking.

    Parameters
    ----------
    tracks
        Fixes; cleaned first if they carry no column ``mark``.
    crs
        Metric CRS of the cells.
    """
    paths = list(paths_of(tracks, crs, rules, most=max(1, len(tracks))))
    return paths[0]


def paths_of(tracks: pd.DataFrame, crs: CRS, rules: MovementLimits, *, most: int = BLOCK) -> Iterator[Path]:
    """Give the path in blocks of whole walkers, of about `most` fixes each; at least one, if an empty one.

    What is made of a block needs memory for that block only.
    """
    raw = _raw(tracks, crs, rules)
    owner, order = raw.path.walker, raw.order
    # A block ends with the walker in whom it becomes full.
    ends = np.cumsum(np.bincount(owner, minlength=1))
    full = np.searchsorted(ends, np.arange(most, len(order), most))
    cuts = np.unique(np.r_[ends[full], len(order)])
    for a, b in zip(np.r_[0, cuts[:-1]], cuts, strict=True):
        yield settle(_taken(raw.path, order[a:b]))


def raw_path(tracks: pd.DataFrame, crs: CRS, rules: MovementLimits) -> tuple[Path, Ints]:
    """Order the usable fixes of a track as they are, in metres; also the row of `tracks` that each came from."""
    raw = _raw(tracks, crs, rules)
    return _taken(raw.path, raw.order), raw.here[raw.order]


class _Raw(NamedTuple):
    """Usable fixes in the order of the rows `here`, and the order that makes a path of them."""

    path: Path
    here: Ints
    order: Ints


def _raw(tracks: pd.DataFrame, crs: CRS, rules: MovementLimits) -> _Raw:
    require_tracks(tracks)
    cleaned = tracks if MARK in tracks else clean(tracks, rules=rules)
    here = np.flatnonzero(used(cleaned))
    owner, names = _walkers(cleaned, here)
    lon, lat = places(cleaned)
    x, y = to_metres(taken(lon, here), taken(lat, here), crs)
    sigma = _sigma(cleaned, here, rules)
    time: Ints = taken(utc(cleaned[TIME]).view(np.int64), here)
    nowhere = np.full(len(here), -1, dtype=np.int64)
    return _Raw(Path(owner, time, x, y, sigma, nowhere, names), here, by_time(owner, time, x, y))


def _taken(path: Path, rows: Ints) -> Path:
    return Path(
        path.walker[rows], path.time[rows], path.x[rows], path.y[rows], path.sigma[rows], path.stand[rows], path.walkers
    )


def _walkers(tracks: pd.DataFrame, here: Ints) -> tuple[Ints, pd.DataFrame]:
    """Number of the walker of each used fix, and the walkers: pairs of device and officer, in order of their names."""
    device, devices = numbered(tracks[DEVICE])
    if OFFICER in tracks:
        officer, officers = numbered(tracks[OFFICER])
    else:
        officer, officers = np.full(len(tracks), -1), np.empty(0, dtype=object)
    # Who has no name stands behind those who have one.
    last = len(officers)
    who = taken(officer, here)
    key = taken(device, here) * (last + 1) + np.where(who < 0, last, who)
    seen = np.zeros((len(devices)) * (last + 1), dtype=bool)
    seen[key] = True
    pairs = np.flatnonzero(seen)
    owner: Ints = (np.cumsum(seen) - 1)[key]
    names = pd.DataFrame({DEVICE: pd.Series(np.asarray(devices, dtype=object)[pairs // (last + 1)], dtype=object)})
    named = np.r_[np.asarray(officers, dtype=object), np.array([None], dtype=object)]
    names[OFFICER] = pd.Series(named[pairs % (last + 1)], dtype=object)
    return owner, names


def _sigma(fixes: pd.DataFrame, here: Ints, rules: MovementLimits) -> Floats:
    """Standard deviation along one axis; a device that boasts of less than 3 m is not believed."""
    radius = np.full(len(here), np.nan)
    if ACCURACY_M in fixes:
        radius = pd.to_numeric(fixes[ACCURACY_M], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        radius = taken(radius, here)
    radius = np.where(np.isfinite(radius), np.maximum(radius, 3.0), rules.default_accuracy_m)
    return radius / RADIUS_PER_SIGMA


def steps_of(path: Path, rules: MovementLimits) -> Steps:
    """Tell for each fix but the last whether the way to the next is known."""
    same = np.diff(path.walker) == 0
    lasts_s = np.diff(path.time) / SECOND
    way_m = np.hypot(np.diff(path.x), np.diff(path.y))
    known = same & (lasts_s <= rules.max_gap_s) & (way_m - SPEED_SLACK_M <= rules.max_speed_m_s * lasts_s)
    silent = same & ~known
    gaps = np.flatnonzero(silent)
    before, after = (local_days(path.time[rows], rules.zone) for rows in (gaps, gaps + 1))
    silent[gaps[before != after]] = False
    return Steps(known, silent)


def chains_of(path: Path, rules: MovementLimits) -> Iterator[slice]:
    """Unbroken parts of the paths of all walkers."""
    breaks = (np.flatnonzero(~steps_of(path, rules).known) + 1).tolist() if len(path.time) else []
    for a, b in pairwise([0, *breaks, len(path.time)]):
        if b > a:
            yield slice(a, b)


def metric_of(tracks: pd.DataFrame) -> CRS:
    """Metric CRS of the middle of the fixes; where there are none, that of the model street."""
    require_tracks(tracks)
    lon, lat = (values[np.isfinite(values)] for values in places(tracks))
    if not (len(lon) and len(lat)):
        return CRS.from_epsg(4549)
    return metric_crs(float(lon.min() + lon.max()) / 2, float(lat.min() + lat.max()) / 2)


def pace_m_s(path: Path, known: Bools) -> Floats:
    """Speed on each step, taken over half a minute, so that it is the walker's and not that of the error.

    An error of 13 m along each axis that changes in 40 s adds 1.2 m/s to steps of 10 s, and 0.6 m/s to steps of 30 s.
    """
    return _paces(path.time, path.x, path.y, known)


@kernel(nogil=True)
def _paces(time: Ints, x: Floats, y: Floats, known: Bools) -> Floats:
    """Speed on each known step over the fixes within half a window of its middle; two pointers walk along."""
    n = len(known)
    pace = np.zeros(n)
    half = PACE_S * SECOND // 2
    a = 0
    while a < n:
        if not known[a]:
            a += 1
            continue
        b = a
        while b < n and known[b]:
            b += 1
        # The fixes a to b hang together.
        low, high = a, a
        for k in range(a, b):
            middle = (time[k] + time[k + 1]) // 2
            while time[low] < middle - half:
                low += 1
            while high < b and time[high + 1] <= middle + half:
                high += 1
            # The step itself always belongs to the stretch that its speed is taken over.
            i, j = min(low, k), max(high, k + 1)
            if time[j] > time[i]:
                pace[k] = np.hypot(x[j] - x[i], y[j] - y[i]) / ((time[j] - time[i]) / SECOND)
        a = b
    return pace


def settle(path: Path) -> Path:
    """Put the fixes of a device that stands still at their middle.

    A phone on a desk beside a border scatters over it all day, in wander that lasts for minutes, and would visit the
    neighbour many times. Fixes are taken in windows of five minutes; windows without much spread that follow each other at
    the same place are one stand, and its fixes get the mean position and its smaller error. A short wander between two
    stands at one place, no farther than the error explains, belongs to the stand.

    Notes
    -----
    A patrol that keeps within 28 m of one place for ten minutes is a stand too; only its wander is lost, not its time.
    """
    if len(path.time) == 0:
        return path
    window = path.time // _window(path)
    start = np.flatnonzero(np.r_[True, (np.diff(path.walker) != 0) | (np.diff(window) != 0)])
    windows = _Spans.of(path, start)
    follows = np.r_[False, (np.diff(path.walker[start]) == 0) & (np.diff(window[start]) == 1)]
    still = (windows.spread <= STILL_SPREAD_M) & (windows.fixes >= 3)
    same = np.r_[False, still[1:] & still[:-1] & follows[1:] & (windows.apart(1) <= STILL_DRIFT_M)]
    first = np.flatnonzero(~same)
    length = np.diff(np.r_[first, len(start)])
    first, length, stood = _bridge(path, start, first, length, follows, still[first] & (length >= STILL_WINDOWS))
    spans = _Spans.of(path, start[first])
    here = np.repeat(stood, spans.fixes)
    x, y = (np.where(here, np.repeat(mean, spans.fixes), v) for mean, v in ((spans.x, path.x), (spans.y, path.y)))
    # Errors of GPS stay alike for about one window, so a mean has as many independent ones as there are windows.
    sigma = np.where(here, path.sigma / np.sqrt(np.repeat(length, spans.fixes)), path.sigma)
    stand = np.where(here, np.repeat(np.arange(len(first)), spans.fixes), -1)
    return path._replace(x=x, y=y, sigma=sigma, stand=stand)


def _window(path: Path) -> Ints:
    """Width of a window for each fix, microseconds: five minutes, or as many times that as three fixes of the walker take."""
    lasts = np.diff(path.time)
    first = np.searchsorted(path.walker, np.arange(int(path.walker.max(initial=-1)) + 2))
    step = np.array([np.median(lasts[a : b - 1]) if b - a > 1 else 0.0 for a, b in pairwise(first.tolist())])
    times = np.maximum(1, np.ceil(step * 3 / (STILL_WINDOW_S * SECOND) - 1e-3)).astype(np.int64)
    width: Ints = times[path.walker] * int(STILL_WINDOW_S * SECOND)
    return width


class _Spans(NamedTuple):
    """Stretches of a path: how many fixes, their mean position, and their spread about it."""

    fixes: Ints
    x: Floats
    y: Floats
    spread: Floats

    @classmethod
    def of(cls, path: Path, start: Ints) -> _Spans:
        fixes = np.diff(np.r_[start, len(path.time)])
        x, y = (np.add.reduceat(v, start) / fixes for v in (path.x, path.y))
        off = (path.x - np.repeat(x, fixes)) ** 2 + (path.y - np.repeat(y, fixes)) ** 2
        return cls(fixes, x, y, np.sqrt(np.add.reduceat(off, start) / fixes))

    def apart(self, k: int) -> Floats:
        """Distance of each stretch from the k-th after it."""
        return np.hypot(self.x[k:] - self.x[:-k], self.y[k:] - self.y[:-k])


def _bridge(
    path: Path, start: Ints, first: Ints, length: Ints, follows: Bools, stood: Bools
) -> tuple[Ints, Ints, Bools]:
    """Join stands at one place that follow each other, also across a short wander.

    `start` is the first fix of each window, `first` the first window of each stretch, `length` its windows. Stretches that are
    no stand are one window long, so a wander of up to `BRIDGE_WINDOWS` is that many stretches.
    """
    spans = _Spans.of(path, start[first])
    joins = np.zeros(len(first), dtype=bool)
    for k in range(1, BRIDGE_WINDOWS + 2):
        if len(first) <= k:
            break
        ends = stood[:-k] & stood[k:] & (spans.apart(k) <= STILL_DRIFT_M)
        for a in np.flatnonzero(ends):
            between = slice(a + 1, a + k)
            if not follows[first[a + 1 : a + k + 1]].all() or stood[between].any() or (length[between] > 1).any():
                continue
            fixes = slice(start[first[a]] + spans.fixes[a], start[first[a + k]])
            off = np.hypot(path.x[fixes] - spans.x[a], path.y[fixes] - spans.y[a])
            if (off <= WANDER_SIGMAS * path.sigma[fixes] + STILL_DRIFT_M / 2).all():
                joins[a + 1 : a + k + 1] = True
    kept = np.flatnonzero(~joins)
    return first[kept], np.add.reduceat(length, kept), stood[kept]
