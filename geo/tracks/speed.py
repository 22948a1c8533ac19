"""Speed of a device along its path, corrected for positioning noise, which distinguishes riding from walking."""

from __future__ import annotations

import numpy as np

from geo.arrays import Bools, Floats, Ints
from geo.kernels import kernel

#: Time over which a speed is measured: long compared with correlated errors, short compared with a ride in and out.
PACE_S = 30.0
#: Minimum time between the fixes used for a distance: over a second or two the noise exceeds the distance.
STRIDE_S = 8.0
#: Maximum step for which the distance along the fixes shows the speed: a ride back and forth turns within half a minute.
DENSE_S = 15.0
#: Maximum walking speed over a longer step, m/s; errors of :data:`STEP_SIGMAS` of both fixes are allowed for. Errors of
#: consecutive fixes are alike, so their difference is mostly smaller.
BRISK_M_S, STEP_SIGMAS = 1.7, 1.0
#: Speed down to which the steps before and after a ride belong to it, m/s: nobody walks so fast, and a speed is measured over
#: half a minute. Maximum pause within a ride, seconds.
RIDE_EDGE_M_S, RIDE_PAUSE_S = 2.2, 45.0
#: Second differences of independent errors: mean square in units of their variance along one axis, and the 25 % quantile of a
#: squared normal length in units of its mean. The low quantile excludes corners.
_SECOND_DIFFERENCE, _QUARTILE = 12.0, 0.2877
#: Minimum number of fixes in motion for an estimate of the noise.
_NOISE_FIXES = 20


def paces_m_s(walker: Ints, time: Ints, x: Floats, y: Floats, known: Bools, noise_m: Floats) -> Floats:
    """Speed on each step, over half a minute around it: net speed, or along the fixes if that indicates a ride.

    Parameters
    ----------
    walker, time, x, y
        Fixes by walker and time; microseconds, metres.
    known
        Whether the step from a fix to the next is part of the path; one less than fixes.
    noise_m
        Standard deviation along one axis of the independent part of the error, by walker.

    Notes
    -----
    The net speed underestimates a ride back and forth by half; the distance along fixes at least 8 s apart does not. For n
    such distances with independent errors of variance s² along each axis, the mean square is larger by 4 s², which is
    subtracted.
    """
    paces: Floats = _paces(walker, time, x, y, known, noise_m)
    return paces


@kernel(nogil=True)
def _paces(walker: Ints, time: Ints, x: Floats, y: Floats, known: Bools, noise_m: Floats) -> Floats:
    """One pass over each unbroken part of the path with two pointers."""
    n = len(known)
    pace = np.zeros(n)
    half, stride = int(PACE_S * 1e6) // 2, int(STRIDE_S * 1e6)
    a = 0
    while a < n:
        if not known[a]:
            a += 1
            continue
        b = a
        while b < n and known[b]:
            b += 1
        # The fixes a to b are connected by known steps.
        low, high = a, a
        for k in range(a, b):
            middle = (time[k] + time[k + 1]) // 2
            while time[low] < middle - half:
                low += 1
            while high < b and time[high + 1] <= middle + half:
                high += 1
            # The step itself is always inside the interval over which its speed is measured.
            i, j = min(low, k), max(high, k + 1)
            if time[j] <= time[i]:
                continue
            net = np.hypot(x[j] - x[i], y[j] - y[i]) / ((time[j] - time[i]) / 1e6)
            square, count, last, p = 0.0, 0, i, i
            while p < j:
                p += 1
                if time[p] - time[last] >= stride:
                    square += (x[p] - x[last]) ** 2 + (y[p] - y[last]) ** 2
                    count += 1
                    last = p
            along = 0.0
            if count > 0:
                left = max(square - 4.0 * noise_m[walker[k]] ** 2 * count, 0.0)
                along = np.sqrt(left * count) / ((time[last] - time[i]) / 1e6)
            # Below walking speed, remaining noise would only be added.
            pace[k] = along if along > max(net, BRISK_M_S) else net
        a = b
    return pace


def noise_of(walker: Ints, time: Ints, x: Floats, y: Floats, moving: Bools, walkers: int) -> Floats:
    """Standard deviation along one axis of the independent part of each walker's error, metres; 0 with too few fixes.

    Measured as the distance of each fix in motion from the midpoint of the fixes about :data:`STRIDE_S` before and after it.
    """
    noise = np.zeros(walkers)
    first = np.searchsorted(walker, np.arange(walkers + 1))
    for w in range(walkers):
        a, b = first[w], first[w + 1]
        if b - a < _NOISE_FIXES:
            continue
        step_s = float(np.median(np.diff(time[a:b]))) / 1e6
        if step_s > DENSE_S:
            # With fixes this far apart, turns rather than noise dominate the second differences.
            continue
        s = max(1, round(STRIDE_S / max(step_s, 1e-3)))
        if b - a <= 2 * s:
            continue
        # Most fixes of a day are at rest, so those in motion are chosen first.
        i = a + s + np.flatnonzero(moving[a + s : b - s] & moving[a : b - 2 * s] & moving[a + 2 * s : b])
        even = np.abs(time[i + s] + time[i - s] - 2 * time[i]) <= 0.2 * (time[i + s] - time[i - s])
        short = time[i + s] - time[i - s] <= 4e6 * max(STRIDE_S, step_s)
        i = i[even & short]
        if len(i) < _NOISE_FIXES:
            continue
        off = (x[i + s] - 2 * x[i] + x[i - s]) ** 2 + (y[i + s] - 2 * y[i] + y[i - s]) ** 2
        noise[w] = np.sqrt(np.quantile(off, 0.25) / (_SECOND_DIFFERENCE * _QUARTILE))
    return noise


def capped(noise_m: Floats, walker: Ints, sigma: Floats) -> Floats:
    """The noise of each walker, limited to the median of the stated errors: frequent turns look like noise."""
    most = np.full(len(noise_m), np.inf)
    first = np.searchsorted(walker, np.arange(len(noise_m) + 1))
    for w in np.flatnonzero(noise_m > 0):
        most[w] = np.median(sigma[first[w] : first[w + 1]])
    limited: Floats = np.minimum(noise_m, most)
    return limited


def ridden(time: Ints, x: Floats, y: Floats, sigma: Floats, pace: Floats, known: Bools, walk_m_s: float) -> Bools:
    """Whether each step was ridden.

    With dense fixes its speed is above `walk_m_s`; over a longer step, the net distance exceeds that of a walker. Steps around
    these that are too fast for walking, and short pauses between them, belong to the ride.
    """
    lasts_s = np.maximum(np.diff(time) / 1e6, 1e-9)
    errors_m = STEP_SIGMAS * np.hypot(sigma[1:], sigma[:-1])
    brisk = np.hypot(np.diff(x), np.diff(y)) - errors_m > BRISK_M_S * lasts_s
    fast = known & ((pace > walk_m_s) | ((lasts_s > DENSE_S) & brisk))
    edge = known & (pace > RIDE_EDGE_M_S) & (lasts_s <= DENSE_S)
    rides: Bools = _whole_rides(time, known, fast, edge)
    return rides


@kernel(nogil=True)
def _whole_rides(time: Ints, known: Bools, fast: Bools, edge: Bools) -> Bools:
    """Extend each ride by the steps of its edges, forwards and backwards, then by its pauses."""
    n = len(known)
    found = fast.copy()
    for k in range(1, n):
        found[k] |= edge[k] and found[k - 1]
    for k in range(n - 2, -1, -1):
        found[k] |= edge[k] and found[k + 1]
    last = -1
    for k in range(n):
        if not known[k]:
            last = -1
        elif found[k]:
            if last >= 0 and time[k] - time[last + 1] <= RIDE_PAUSE_S * 1e6:
                found[last + 1 : k] = True
            last = k
    return found
