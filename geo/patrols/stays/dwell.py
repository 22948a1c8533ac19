"""Expected time of a path in a cell under positioning errors, and its variance.

A run of a path is divided into short spans. The true place of a span is normally distributed around the measured place, so
it is in each nearby cell with some probability. The sum of durations times probabilities is the expected time in the cell.
Its variance depends on how long an error lasts: errors within a minute are almost identical. One error that moves the path out
at one border moves it in at the opposite one, so who walks around in a cell was inside whatever the error.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from geo.arrays import Bools, Floats, Ints
from geo.kernels import kernel
from geo.locate import GridIndex
from geo.patrols.stays.place_masks import Masks, count_places
from geo.patrols.stays.sparse_rides import WANDER_M_S, near_ride, ridden_share
from geo.tracks.path import SECOND, Path

#: Maximum length of a span treated as one place; half of the default minimum stay.
SPAN_S = 30.0
#: Duration of an error across a border. GPS errors last for a minute or two, but the side of the road that a walker uses, which
#: matters as much, lasts as long as the walk.
ERROR_LASTS_S = 1000.0
#: Multiple of the duration after which nothing of the error is left.
_LONGEST = 3.0
#: Share of the possible deviation of a walker from the straight line between fixes (half of the short axis of the ellipse of
#: reachable places) that is one standard deviation.
WANDER_SHARE = 1 / 3
#: Standard deviation of the time at which a path crossed a border, as a share of the step in which it did, and of the length of
#: the span beside the border: the middle of that span may be certain, its end at the border is not.
CROSSING_STEP_SHARE, CROSSING_SPAN_SHARE = 1 / 4, 1 / 6
#: A place is certainly in a cell if its surroundings within this many standard deviations are in that cell.
CERTAIN_SIGMAS = 3.0
#: Number of equally weighted places that approximate a normal distribution, one bit of a mask each. The sum is accurate to about
#: 0.02, less than the uncertainty of phone errors; the exact integral costs a hundred times as much if a silence of minutes makes
#: it wide.
PLACES = 64

_DIRECTIONS = np.arange(8) * (np.pi / 4)
# A golden-angle spiral distributes the places evenly; their radii are the quantiles of the distribution.
_RADIUS = np.sqrt(-2.0 * np.log1p(-(np.arange(PLACES) + 0.5) / PLACES))
_ANGLE = np.arange(PLACES) * (np.pi * (3.0 - np.sqrt(5.0)))


class Spans(NamedTuple):
    """Pieces of runs with one place each, in order of walker and time.

    Attributes
    ----------
    run
        Position of the run.
    walker
        Position of the walker.
    start, end
        Microseconds.
    x, y, sigma
        Place, and standard deviation along each axis, metres.
    lasts_s
        Duration over which the error of the place is correlated.
    ridden
        Share of the time probably not spent there on foot, because the step is long and fast.
    near_ride
        Whether the step is long and a ride is near.
    pace_m_s
        Speed, measured over half a minute.
    fast, detached
        Whether the step is too fast for walking; whether it belongs to a run of fixes between two impossible steps.
    crossing_s2
        Variance of the crossing times, if the span begins or ends at a border, seconds²; otherwise 0.
    """

    run: Ints
    walker: Ints
    start: Ints
    end: Ints
    x: Floats
    y: Floats
    sigma: Floats
    lasts_s: Floats
    ridden: Floats
    near_ride: Bools
    pace_m_s: Floats
    fast: Bools
    detached: Bools
    crossing_s2: Floats


class Times(NamedTuple):
    """For each row of shares, in seconds: the expected time, its variance, the time on foot that is certainly inside,
    and the part of the expected time too fast for walking, near a ride, or in a run between two impossible steps.
    """

    likely_s: Floats
    spread_s2: Floats
    sure_s: Floats
    ridden_s: Floats
    near_ride_s: Floats
    detached_s: Floats


class Shares(NamedTuple):
    """Probability of each cell for each span.

    Attributes
    ----------
    span, cell
        Positions.
    probability
        That the span was in the cell.
    places
        Which of the :data:`PLACES` possible places of the span are in the cell: one bit each, the same error in every span.
    """

    span: Ints
    cell: Ints
    probability: Floats
    places: Masks

    def times(self, spans: Spans, walk_m_s: float) -> Times:
        """Expected times; only movement no faster than `walk_m_s` is certain, because a ride through is not a visit."""
        seconds = (spans.end - spans.start)[self.span] / SECOND
        chance = self.probability * (1.0 - spans.ridden[self.span])
        doubt = np.flatnonzero((chance > 0.0) & (chance < 1.0))
        doubt = doubt[np.lexsort((self.span[doubt], self.cell[doubt]))]
        span = self.span[doubt]
        middle = (spans.start[span] + spans.end[span]) / (2 * SECOND)
        spread = np.zeros(len(chance))
        spread[doubt] = _spread(
            (self.cell[doubt], spans.walker[span]),
            (middle, spans.lasts_s[span], seconds[doubt]),
            (chance[doubt], 1.0 - spans.ridden[span]),
            self.places[doubt],
        )
        fast, likely = spans.fast[self.span], seconds * chance
        crossing_s2 = spans.crossing_s2[self.span]
        spread += np.where(chance == 1.0, crossing_s2, 0.0)
        sure = (chance == 1.0) & (spans.pace_m_s[self.span] <= walk_m_s) & ~fast & (crossing_s2 == 0)
        ridden, near, detached = (
            likely * of[self.span] for of in (spans.fast, spans.near_ride & ~spans.fast, spans.detached)
        )
        return Times(likely, spread, np.where(sure, seconds, 0.0), ridden, near, detached)


@kernel(nogil=True)
def _spread(
    of: tuple[Ints, Ints], times: tuple[Floats, Floats, Floats], chances: tuple[Floats, Floats], places: Masks
) -> Floats:
    """Contribution of each row to the variance of the time in its cell; rows by cell, walker and time.

    Rows close in time share one error, by which both are in the cell or not: two beside the same border are in it together, two
    beside opposite borders are in it in turn, so their contribution is negative. Rows farther apart than errors last are
    independent.

    Parameters
    ----------
    of
        Cell and walker of each row.
    times
        Middle of each row, how long its error lasts, and its length, seconds.
    chances
        Probability that it was in the cell on foot, and that it was on foot.
    places
        Its possible places that are in the cell.
    """
    cell, walker = of
    middle, lasts, seconds = times
    chance, walked = chances
    n = len(cell)
    part = np.zeros(n)
    for k in range(n):
        part[k] += seconds[k] ** 2 * chance[k] * (1.0 - chance[k])
        for j in range(k + 1, n):
            apart = middle[j] - middle[k]
            if cell[j] != cell[k] or walker[j] != walker[k] or apart > _LONGEST * lasts[k]:
                break
            alike = min(lasts[k], lasts[j])
            both_inside = _bits(places[k] & places[j]) / PLACES * min(walked[k], walked[j])
            both = seconds[k] * seconds[j] * (both_inside - chance[k] * chance[j]) * np.exp(-apart / alike)
            part[k] += both
            part[j] += both
    return part


@kernel(nogil=True)
def _bits(mask: np.uint64) -> float:
    """Number of bits that are set: of pairs, of groups of four and eight, and of all."""
    two, four, eight = np.uint64(0x5555555555555555), np.uint64(0x3333333333333333), np.uint64(0x0F0F0F0F0F0F0F0F)
    x = mask - ((mask >> np.uint64(1)) & two)
    x = (x & four) + ((x >> np.uint64(2)) & four)
    x = (x + (x >> np.uint64(4))) & eight
    x = x + (x >> np.uint64(8))
    x = x + (x >> np.uint64(16))
    x = x + (x >> np.uint64(32))
    return float(x & np.uint64(0x7F))


def spans_of(path: Path, pace_m_s: Floats, fast: Bools, runs: tuple[Ints, Ints, Ints], index: GridIndex) -> Spans:
    """Divide runs into spans of at most half a minute; a stand in a run is one span.

    Parameters
    ----------
    pace_m_s, fast
        Speed of the step from each fix to the next, and whether it was too fast for walking.
    runs
        Walker, start and end of runs on known steps, in order of walker and time.
    """
    walker, start, end = runs
    room = int(np.maximum(1, np.ceil((end - start) / (SPAN_S * SECOND))).sum())
    line = _Line(path.walker, path.time, path.x, path.y, path.sigma, path.stand)
    n, run, step, begin, until, x, y, sigma, lasts = _cut(line, runs, room)
    i = step[:n]
    j = np.minimum(i + 1, len(path.time) - 1)
    j = np.where(path.walker[j] == path.walker[i], j, i)
    at = np.minimum(i, max(len(pace_m_s) - 1, 0))
    # A stand is one span, regardless of the speed of arrival.
    moves = (path.stand[i] < 0) | (path.stand[i] != path.stand[j])
    pace = np.where(moves, pace_m_s[at], 0.0) if len(pace_m_s) else np.zeros(n)
    quick = fast[at] & moves if len(fast) else np.zeros(n, dtype=np.bool_)
    return Spans(
        run[:n],
        walker[run[:n]],
        begin[:n],
        until[:n],
        x[:n],
        y[:n],
        sigma[:n],
        lasts[:n],
        ridden_share(path, i, j, index.locate(x[:n], y[:n]), index),
        near_ride(path, i, j, fast),
        pace,
        quick,
        path.detached[i],
        _crossings(path, (begin[:n], until[:n]), (i, j), run[:n], runs),
    )


def _crossings(
    path: Path, times: tuple[Ints, Ints], steps: tuple[Ints, Ints], run: Ints, runs: tuple[Ints, Ints, Ints]
) -> Floats:
    """Variance of the crossing times of each span, seconds²: for each of its ends at which the path goes on in another run."""
    walker, start, end = runs
    begin, until = times
    meets = (np.diff(walker) == 0) & (start[1:] == end[:-1])
    before, after = np.r_[False, meets][: len(walker)], np.r_[meets, False][: len(walker)]
    number = ((begin == start[run]) & before[run]).astype(np.int64) + ((until == end[run]) & after[run])
    lasts_s = np.minimum((until - begin) / SECOND, SPAN_S)
    step_s = (path.time[steps[1]] - path.time[steps[0]]) / SECOND
    variance: Floats = number * ((CROSSING_STEP_SHARE * step_s) ** 2 + (CROSSING_SPAN_SHARE * lasts_s) ** 2)
    return variance


class _Line(NamedTuple):
    """Columns of a path: walker, microseconds, place and standard deviation in metres, and the stand of each fix, or -1."""

    walker: Ints
    time: Ints
    x: Floats
    y: Floats
    sigma: Floats
    stand: Ints


@kernel(nogil=True)
def _cut(
    line: _Line, runs: tuple[Ints, Ints, Ints], room: int
) -> tuple[int, Ints, Ints, Ints, Ints, Floats, Floats, Floats, Floats]:
    """Spans of the runs: their number, and the run, step, time, place, standard deviation and error duration of each.

    Path and runs are both sorted, so one pointer moves along the path.
    """
    path_walker, path_time, path_stand = line.walker, line.time, line.stand
    path_x, path_y, path_sigma = line.x, line.y, line.sigma
    walker, start, end = runs
    run, step = np.empty(room, np.int64), np.empty(room, np.int64)
    begin, until = np.empty(room, np.int64), np.empty(room, np.int64)
    x, y, sigma, lasts = np.empty(room), np.empty(room), np.empty(room), np.empty(room)
    n, i, last, fixes = 0, 0, -1, len(path_time)
    for r in range(len(start)):
        number = max(1, int(np.ceil((end[r] - start[r]) / (SPAN_S * SECOND))))
        width = (end[r] - start[r]) / number
        standing = -1
        for k in range(number):
            a = start[r] + np.int64(np.rint(k * width))
            b = end[r] if k + 1 == number else start[r] + np.int64(np.rint((k + 1) * width))
            t = a + (b - a) // 2
            while i + 1 < fixes and (
                path_walker[i + 1] < walker[r] or (path_walker[i + 1] == walker[r] and path_time[i + 1] <= t)
            ):
                i += 1
            j = i + 1 if i + 1 < fixes and path_walker[i + 1] == path_walker[i] else i
            stand = path_stand[i] if path_stand[i] == path_stand[j] else -1
            if stand >= 0 and stand == standing:
                until[last] = b
                continue
            last, standing = n, stand
            run[n], step[n], begin[n], until[n] = r, i, a, b
            x[n], y[n], sigma[n], lasts[n] = _place(path_time, path_x, path_y, path_sigma, i, j, t, stand)
            n += 1
    return n, run, step, begin, until, x, y, sigma, lasts


@kernel(nogil=True)
def _place(
    time: Ints, x: Floats, y: Floats, sigma: Floats, i: int, j: int, t: int, stand: int
) -> tuple[float, float, float, float]:
    """Place of a walker at a time between two fixes, its standard deviation, and how long the error lasts."""
    step_s = (time[j] - time[i]) / SECOND
    u = (t - time[i]) / SECOND / step_s if step_s > 0 else 0.0
    dx, dy = x[j] - x[i], y[j] - y[i]
    wander = 0.0
    if stand < 0:
        room_m2 = max((WANDER_M_S * step_s) ** 2 - dx * dx - dy * dy, 0.0) / 4
        wander = 4 * u * (1 - u) * WANDER_SHARE**2 * room_m2
    spread = np.sqrt((1 - u) * sigma[i] ** 2 + u * sigma[j] ** 2 + wander)
    # The deviation between two fixes is independent after the next fix.
    lasts = ERROR_LASTS_S if wander == 0.0 else ERROR_LASTS_S + (step_s - ERROR_LASTS_S) * wander / spread**2
    return x[i] + u * dx, y[i] + u * dy, spread, lasts


def shares_of(spans: Spans, index: GridIndex) -> Shares:
    """Find the cells that each span may be in; in order of span."""
    own = index.locate(spans.x, spans.y).astype(np.int64)
    certain = surely_within(spans.x, spans.y, spans.sigma, own, index)
    sure, unsure = np.flatnonzero(certain), np.flatnonzero(~certain)
    around = np.empty((len(unsure), PLACES), dtype=np.int32)
    for k in range(PLACES):
        reach = _RADIUS[k] * spans.sigma[unsure]
        around[:, k] = index.locate(
            spans.x[unsure] + reach * np.cos(_ANGLE[k]), spans.y[unsure] + reach * np.sin(_ANGLE[k])
        )
    which, found, number, places = count_places(around)
    span = np.r_[sure, unsure[which]]
    cell = np.r_[own[sure], found].astype(np.int64)
    probability = np.r_[np.ones(len(sure)), number / PLACES]
    keep = np.flatnonzero(cell >= 0)
    order = keep[np.argsort(span[keep], kind="stable")]
    every = np.full(len(sure), np.iinfo(np.uint64).max, dtype=np.uint64)
    return Shares(span[order], cell[order], probability[order], np.r_[every, places][order])


def surely_within(x: Floats, y: Floats, sigma: Floats, cell: Ints, index: GridIndex) -> Bools:
    """Whether all surroundings of each place within :data:`CERTAIN_SIGMAS` standard deviations are in its cell."""
    certain = np.ones(len(x), dtype=np.bool_)
    margin = CERTAIN_SIGMAS * sigma
    for angle in _DIRECTIONS:
        here = np.flatnonzero(certain)
        moved = index.locate(x[here] + margin[here] * np.cos(angle), y[here] + margin[here] * np.sin(angle))
        certain[here[moved != cell[here]]] = False
    return certain
