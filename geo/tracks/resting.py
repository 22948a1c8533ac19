"""Devices at rest: their fixes are moved to the centre, and their scatter corrects the stated error radii."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from geo.arrays import Bools, Floats, Ints
from geo.days import local_days
from geo.tracks.path import SECOND, Path
from geo.tracks.power_saving import rests
from geo.tracks.speed import noise_of

#: Window in which a device is tested for standing still. In five minutes a walker covers 400 m.
STILL_WINDOW_S = 300.0
#: Maximum spread (root mean square distance from the mean) of a still window: phones on a desk scatter by 10 to 25 m between
#: buildings, a patrol at 0.5 m/s by 43 m.
STILL_SPREAD_M = 28.0
#: Maximum distance between the centres of consecutive windows of a device at the same place.
STILL_DRIFT_M = 25.0
#: Minimum number of windows of a stand; two are ten minutes.
STILL_WINDOWS = 2
#: Maximum number of windows of wander between two stands at one place, and its maximum distance in standard deviations.
BRIDGE_WINDOWS = 3
WANDER_SIGMAS = 4.0

#: Time after which the error of a device at rest is considered independent, unless its fixes show a shorter one. Twice half
#: an hour: an error that decays as exp(-t / T) is practically independent after 2 T, and indoors it lasts for up to an hour.
REST_ERROR_S = 3600.0
#: Minimum number of windows for estimating how long errors last from the fixes of a stand.
TELLING_WINDOWS = 6
#: Stands of a walker on one day are at the same place if their centres are within this many standard deviations of their
#: difference, and within :data:`STILL_DRIFT_M`: people return to their desk far more often than they rest beside it.
SAME_PLACE_SIGMAS = 2.5
#: Ratio of scatter to stated error above which the scatter is used instead; correct statements stay below it.
SCATTER_FACTOR = 1.25
#: Minimum number of fixes at rest for a scatter.
SCATTER_FIXES = 12


def settled(path: Path, zone: str) -> Path:
    """Move the fixes of a device at rest to their centre, and raise stated errors that their scatter contradicts.

    A phone on a desk next to a border scatters across it all day, with errors that last for minutes, and would visit the
    neighbouring cell many times. Fixes are grouped in windows of five minutes; consecutive windows with little spread at the
    same place form one stand, and its fixes get the mean position and its error. A short wander between two stands at one
    place, no farther than the error explains, belongs to the stand.

    The error of the mean depends on the number of independent errors. The duration of an error is estimated from the
    correlation of the window means; otherwise one independent error per hour is assumed (:data:`REST_ERROR_S`).

    Stands of one local day at the same place, such as a desk to which an officer returns between rounds, get one common
    centre, and all their errors determine its error.

    Steps in which a phone rested and sent nothing belong to a stand (:mod:`geo.tracks.power_saving`).

    A patrol that stays within 28 m of one place for ten minutes is a stand too; only its movement is lost, not its time.
    """
    if len(path.time) == 0:
        return path
    path = path._replace(resting=rests(path, zone))
    stands = _stands(path)
    here, spans = stands.here, stands.spans
    path = path._replace(sigma=path.sigma * scatter_factors(path, here, spans)[path.walker])
    first = np.r_[0, np.cumsum(spans.fixes)[:-1]].astype(np.int64)
    alone = _independent_errors(
        stands.windows, stands.length, stands.width_s, np.arange(len(first)), np.ones(len(first))
    )
    place = _places(path, stands, first, alone, zone)
    mean_x, mean_y = ((np.bincount(place, alone * v) / np.bincount(place, alone))[place] for v in (spans.x, spans.y))
    x, y = (np.where(here, np.repeat(mean, spans.fixes), v) for mean, v in ((mean_x, path.x), (mean_y, path.y)))
    new = _new_errors(path, first, spans.fixes, place)
    errors = _independent_errors(stands.windows, stands.length, stands.width_s, place, new)
    sigma = np.where(here, path.sigma / np.sqrt(np.repeat(errors, spans.fixes)), path.sigma)
    stand = np.where(here, np.repeat(np.arange(len(stands.first)), spans.fixes), -1)
    return path._replace(x=x, y=y, sigma=sigma, stand=stand)


def understated(path: Path) -> Floats:
    """By how much the stated errors of each walker are too small, float64 (walkers,); see :func:`scatter_factors`."""
    if len(path.time) == 0:
        return np.ones(len(path.walkers))
    stands = _stands(path)
    return scatter_factors(path, stands.here, stands.spans)


class _Stands(NamedTuple):
    """Stretches of windows, of which some are stands.

    Attributes
    ----------
    windows
        The windows.
    first, length, width_s
        First window and number of windows of each stretch, and the width of its windows in seconds.
    spans
        The stretches.
    here
        Whether each fix belongs to a stand.
    """

    windows: _Spans
    first: Ints
    length: Ints
    width_s: Floats
    spans: _Spans
    here: Bools


def _stands(path: Path) -> _Stands:
    width = _window(path)
    window = path.time // width
    # The fixes of a rest are one window, whatever its length.
    rested = np.r_[False, path.resting[:-1]]
    begins, ends = path.resting & ~rested, np.r_[False, rested[:-1]] & ~rested
    new = np.r_[True, (np.diff(path.walker) != 0) | (np.diff(window) != 0)]
    start = np.flatnonzero((new & ~rested) | begins | ends)
    windows, rest = _Spans.of(path, start), path.resting[start]
    soon = path.time[start] - path.time[start - 1] <= width[start]
    follows = (path.walker[start] == path.walker[start - 1]) & np.r_[
        False, (np.diff(window[start]) == 1) | ((rest[1:] | rest[:-1]) & soon[1:])
    ]
    still = (windows.spread <= STILL_SPREAD_M) & ((windows.fixes >= 3) | rest)
    same = np.r_[False, still[1:] & still[:-1] & follows[1:] & (windows.apart(1) <= STILL_DRIFT_M)]
    first = np.flatnonzero(~same)
    length = np.diff(np.r_[first, len(start)])
    stood = still[first] & ((length >= STILL_WINDOWS) | rest[first])
    first, length, stood = _bridge(path, start, first, length, follows, stood)
    spans = _Spans.of(path, start[first])
    # With a rest in it, a section is as long as its fixes show.
    lasts = path.time[np.r_[start[first[1:]], len(path.time)] - 1] - path.time[start[first]]
    width_s = np.where(np.logical_or.reduceat(rest, first), lasts / length, width[start[first]]) / SECOND
    return _Stands(windows, first, length, width_s, spans, np.repeat(stood, spans.fixes))


def _places(path: Path, stands: _Stands, first: Ints, errors: Floats, zone: str) -> Ints:
    """Number of the place of each section; stands of a walker and local day at the same place share one.

    `first` is the first fix of each section, `errors` the number of independent errors in its centre.
    """
    place = np.arange(len(first))
    stood = np.flatnonzero(stands.here[first])
    if len(stood) < 2:
        return place
    walker, day = path.walker[first], local_days(path.time[first], zone)
    variance = (np.add.reduceat(path.sigma, first) / stands.spans.fixes) ** 2 / errors
    x, y = stands.spans.x, stands.spans.y
    begins = np.flatnonzero(np.r_[True, (np.diff(walker[stood]) != 0) | (day[stood][1:] != day[stood][:-1])])
    for some in np.split(stood, begins[1:]):
        known: list[int] = []
        # The best known stands define the places.
        for k in some[np.argsort(variance[some], kind="stable")].tolist():
            apart = np.hypot(x[known] - x[k], y[known] - y[k]) if known else np.empty(0)
            reach = np.minimum(SAME_PLACE_SIGMAS * np.sqrt(variance[known] + variance[k]), STILL_DRIFT_M)
            near = int(np.argmin(apart)) if known else 0
            if known and apart[near] <= reach[near]:
                place[k] = known[near]
            else:
                known.append(k)
    return np.unique(place, return_inverse=True)[1].astype(np.int64)


def _new_errors(path: Path, first: Ints, fixes: Ints, place: Ints) -> Floats:
    """For each section, the share of its first error that is independent of the previous stand at its place."""
    new = np.ones(len(first))
    order = np.lexsort((first, place))
    again = np.flatnonzero(np.diff(place[order]) == 0)
    before, k = order[again], order[again + 1]
    apart_s = (path.time[first[k]] - path.time[first[before] + fixes[before] - 1]) / SECOND
    new[k] = np.minimum(1.0, apart_s / REST_ERROR_S)
    return new


def _independent_errors(windows: _Spans, length: Ints, width_s: Floats, place: Ints, new: Floats) -> Floats:
    """Number of independent errors in the centre of the place of each section.

    Parameters
    ----------
    length, width_s
        Number of windows of each section, and their width.
    place
        Place of each section, from 0.
    new
        Share of the first error of each section that is independent of the previous section at its place.

    Notes
    -----
    With a correlation r between consecutive window means, n windows count as n (1 - r) / (1 + r). The correlation estimated
    from n means is too low by about (1 + 4 r) / n with a standard deviation of 1 / sqrt(n); the first and twice the second
    are added.
    """
    number = int(place.max()) + 1
    section = np.repeat(np.arange(len(length)), length)
    group = place[section]
    count = np.bincount(place, length)
    least = np.bincount(place, np.maximum(1.0, length * width_s / REST_ERROR_S) - 1.0 + new)
    own, step = np.zeros(number), np.zeros(number)
    for v in (windows.x, windows.y):
        off = v - (np.bincount(group, v) / count)[group]
        own += np.bincount(group, off**2)
        pairs = off[1:] * off[:-1] * (section[1:] == section[:-1])
        step += np.bincount(group[1:], pairs, minlength=number)
    # Each section after the first has one pair of windows less.
    pairs_lost = (count - 1) / np.maximum(count - np.bincount(place), 1)
    r = np.divide(step, own, out=np.ones(number), where=own > 0) * pairs_lost
    r = np.clip(r + (1.0 + 4.0 * np.maximum(r, 0.0)) / count + 2.0 / np.sqrt(count), 0.0, 1.0)
    shown = np.where(count >= TELLING_WINDOWS, count * (1.0 - r) / (1.0 + r), 1.0)
    errors: Floats = np.maximum(np.maximum(least, shown), 1.0)[place]
    return errors


def scatter_factors(path: Path, here: Bools, spans: _Spans) -> Floats:
    """Factor by which the stated errors of each walker are too small, according to the scatter of the fixes; 1 if they fit.

    The scatter is measured around the centres of the stands or, without stands, as the independent part of the error.
    """
    walkers = len(path.walkers)
    off = (path.x - np.repeat(spans.x, spans.fixes)) ** 2 + (path.y - np.repeat(spans.y, spans.fixes)) ** 2
    number = np.bincount(path.walker[here], minlength=walkers)
    rest = np.sqrt(np.bincount(path.walker[here], off[here], minlength=walkers) / np.maximum(2 * number, 1))
    moving = noise_of(path.walker, path.time, path.x, path.y, ~here, walkers)
    scatter = np.where(number >= SCATTER_FIXES, rest, moving)
    first = np.searchsorted(path.walker, np.arange(walkers + 1))
    stated = np.array(
        [float(np.median(path.sigma[a:b])) if b > a else 1.0 for a, b in pairwise(first.tolist())], dtype=float
    )
    factor = scatter / np.maximum(stated, 1e-9)
    return np.where(factor > SCATTER_FACTOR, factor, 1.0)


def _window(path: Path) -> Ints:
    """Width of a window for each fix, microseconds: five minutes, or the multiple that contains three fixes."""
    lasts = np.diff(path.time)
    first = np.searchsorted(path.walker, np.arange(int(path.walker.max(initial=-1)) + 2))
    step = np.array([np.median(lasts[a : b - 1]) if b - a > 1 else 0.0 for a, b in pairwise(first.tolist())])
    times = np.maximum(1, np.ceil(step * 3 / (STILL_WINDOW_S * SECOND) - 1e-3)).astype(np.int64)
    width: Ints = times[path.walker] * int(STILL_WINDOW_S * SECOND)
    return width


class _Spans(NamedTuple):
    """Sections of a path: number of fixes, mean position, and spread around it."""

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
        """Distance of each section from the k-th section after it."""
        return np.hypot(self.x[k:] - self.x[:-k], self.y[k:] - self.y[:-k])


def _bridge(
    path: Path, start: Ints, first: Ints, length: Ints, follows: Bools, stood: Bools
) -> tuple[Ints, Ints, Bools]:
    """Join consecutive stands at one place, also across a short wander.

    `start` is the first fix of each window, `first` the first window of each section, `length` its windows. Sections that
    are not a stand have one window, so a wander of up to `BRIDGE_WINDOWS` windows is that many sections.
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
