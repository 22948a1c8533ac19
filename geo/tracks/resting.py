"""A device at rest: its fixes are put at their middle, and their scatter bounds the error radii that the device states."""

from __future__ import annotations

from itertools import pairwise
from typing import NamedTuple

import numpy as np

from geo.arrays import Bools, Floats, Ints
from geo.tracks.path import SECOND, Path
from geo.tracks.speed import noise_of

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

#: Time in which the error of a device at rest is taken to be new where its own fixes do not show that it changes sooner. Twice
#: half an hour: an error that fades as exp(-t / T) is as good as new after 2 T, and indoors it lasts for up to an hour.
REST_ERROR_S = 3600.0
#: Windows from which on the fixes of a stand show how long its errors last.
TELLING_WINDOWS = 6
#: Scatter over stated error from which on the scatter is believed; honest devices stay below it.
SCATTER_FACTOR = 1.25
#: Fixes at rest that a scatter needs.
SCATTER_FIXES = 12


def settled(path: Path) -> Path:
    """Put the fixes of a device at rest at their middle, and raise stated errors that the scatter of the fixes contradicts.

    A phone on a desk beside a border scatters over it all day, in wander that lasts for minutes, and would visit the
    neighbour many times. Fixes are taken in windows of five minutes; windows with little spread that follow each other at
    the same place are one stand, and its fixes get the mean position and its error. A short wander between two stands at one
    place, no farther than the error explains, belongs to the stand.

    The mean of a stand is as good as its independent errors are many. How long an error lasts, the means of the windows tell by
    their correlation; otherwise one an hour (:data:`REST_ERROR_S`).

    Notes
    -----
    A patrol that keeps within 28 m of one place for ten minutes is a stand too; only its wander is lost, not its time.
    """
    if len(path.time) == 0:
        return path
    stands = _stands(path)
    here, spans = stands.here, stands.spans
    path = path._replace(sigma=path.sigma * scatter_factors(path, here, spans)[path.walker])
    x, y = (np.where(here, np.repeat(mean, spans.fixes), v) for mean, v in ((spans.x, path.x), (spans.y, path.y)))
    errors = _independent_errors(stands.windows, stands.first, stands.length, stands.width_s)
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
    start = np.flatnonzero(np.r_[True, (np.diff(path.walker) != 0) | (np.diff(window) != 0)])
    windows = _Spans.of(path, start)
    follows = np.r_[False, (np.diff(path.walker[start]) == 0) & (np.diff(window[start]) == 1)]
    still = (windows.spread <= STILL_SPREAD_M) & (windows.fixes >= 3)
    same = np.r_[False, still[1:] & still[:-1] & follows[1:] & (windows.apart(1) <= STILL_DRIFT_M)]
    first = np.flatnonzero(~same)
    length = np.diff(np.r_[first, len(start)])
    first, length, stood = _bridge(path, start, first, length, follows, still[first] & (length >= STILL_WINDOWS))
    spans = _Spans.of(path, start[first])
    return _Stands(windows, first, length, width[start[first]] / SECOND, spans, np.repeat(stood, spans.fixes))


def _independent_errors(windows: _Spans, first: Ints, length: Ints, width_s: Floats) -> Floats:
    """Number of independent errors in the mean of each stretch of windows.

    With a correlation r from one window's mean to the next, n windows are worth n (1 - r) / (1 + r). A correlation found from n
    means is too low by about (1 + 4 r) / n and has a standard deviation of 1 / sqrt(n); the one and twice the other are added.
    """
    group = np.repeat(np.arange(len(first)), length)
    least = np.maximum(1.0, length * width_s / REST_ERROR_S)
    own, step = np.zeros(len(first)), np.zeros(len(first))
    for v in (windows.x, windows.y):
        off = v - (np.bincount(group, v) / length)[group]
        own += np.bincount(group, off**2)
        pairs = off[1:] * off[:-1] * (group[1:] == group[:-1])
        step += np.bincount(group[1:], pairs, minlength=len(first))
    r = np.divide(step, own, out=np.ones(len(first)), where=own > 0)
    r = np.clip(r + (1.0 + 4.0 * np.maximum(r, 0.0)) / length + 2.0 / np.sqrt(length), 0.0, 1.0)
    shown = np.where(length >= TELLING_WINDOWS, length * (1.0 - r) / (1.0 + r), 1.0)
    errors: Floats = np.maximum(least, shown)
    return errors


def scatter_factors(path: Path, here: Bools, spans: _Spans) -> Floats:
    """By how much the stated errors of each walker are too small, by the scatter of his fixes; 1 where they fit.

    The scatter is that about the middle of his stands, or where he never stands the independent part of the error.
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
