"""Rides on steps of half a minute and longer, whose fixes show a mean speed only."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geo.arrays import Bools, Floats, Ints
from geo.locate import GridIndex
from geo.tracks.path import SECOND, Path

#: Length of a step above which its mean speed does not show a ride, seconds, and maximum speed of a walker over it, m/s.
SPARSE_S, WANDER_M_S = 30.0, 1.4
#: A step of this many seconds may contain a ride and a wait, so its mean speed says little about the position at a time;
#: shorter steps proportionally less. Assumed speeds of the ridden and of the remaining part.
MIXED_S, RIDE_M_S, SLOW_M_S = 120.0, 6.0, 0.5
#: Time before and after a ride in which a longer step may contain more of it, seconds.
NEAR_S = 200.0
#: Probability that a cell in the middle of such a step, without a fix at either end, was ridden through.
THROUGH = 0.9


def ridden_share(path: Path, i: Ints, j: Ints, here: npt.NDArray[np.int32], index: GridIndex) -> Floats:
    """Share of the time of a long step that was ridden, as far as its mean speed shows.

    A step of mean speed v, ridden at r and walked at w, is ridden for a share r (v - w) / v (r - w) of its length, which
    takes v / r of the time at even speed. Inside one cell only the part faster than walking may be ridden. On a step faster
    than walking, waits and walks are mostly near its ends: a cell between the ends was ridden through.
    """
    ridden = np.zeros(len(i))
    step_s = (path.time[j] - path.time[i]) / SECOND
    long = np.flatnonzero(step_s > SPARSE_S)
    a, b = i[long], j[long]
    v = np.maximum(np.hypot(path.x[b] - path.x[a], path.y[b] - path.y[a]) / step_s[long], 1e-9)
    one, two = index.locate(path.x[a], path.y[a]), index.locate(path.x[b], path.y[b])
    stays = one == two
    w = np.where(stays, WANDER_M_S, SLOW_M_S)
    share = np.clip(RIDE_M_S * (v - w) / (v * (RIDE_M_S - w)), 0.0, 1.0) * np.maximum(1.0 - v / RIDE_M_S, 0.0)
    ridden[long] = share * np.minimum(1.0, step_s[long] / MIXED_S)
    between = long[(here[long] != one) & (here[long] != two) & (v > WANDER_M_S)]
    ridden[between] = np.maximum(ridden[between], THROUGH)
    return ridden


def near_ride(path: Path, i: Ints, j: Ints, fast: Bools) -> Bools:
    """Whether each step from fix `i` to fix `j` is longer than :data:`SPARSE_S`, and at most :data:`NEAR_S` from a ride.

    A ride back and forth looks like a brisk walk then, but nearly all of them begin or end with steps that nobody walks.
    """
    near, rides = np.zeros(len(i), dtype=np.bool_), np.flatnonzero(fast)
    long = np.flatnonzero(path.time[j] - path.time[i] > SPARSE_S * SECOND)
    if len(rides) == 0 or len(long) == 0:
        return near
    a, b = i[long], j[long]
    following = np.searchsorted(rides, a)
    before, after = rides[np.maximum(following - 1, 0)], rides[np.minimum(following, len(rides) - 1)]
    for ride, apart in ((before, path.time[a] - path.time[before + 1]), (after, path.time[after] - path.time[b])):
        near[long] |= (path.walker[ride] == path.walker[a]) & (np.abs(apart) <= NEAR_S * SECOND)
    return near
