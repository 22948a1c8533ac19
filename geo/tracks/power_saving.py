"""Phones that send no fixes while they rest, in order to save power."""

from __future__ import annotations

import numpy as np

from geo.arrays import Bools
from geo.days import local_days
from geo.tracks.path import SECOND, Path

#: Minimum length of a step in which a phone may have rested, seconds and multiples of its median step, and maximum length.
QUIET_S, QUIET_STEPS, LONGEST_S = 120.0, 4.0, 1_800.0
#: A phone is at the same place before and after a step if the distance is within this many standard deviations of both errors.
SAME_SIGMAS = 3.0
#: Speed of a walker, m/s.
WALK_M_S = 1.5
#: A phone rests in such steps if it has at least this many of them, and is at the same place after this share of them: a phone
#: that was switched off, or had no signal, is often elsewhere afterwards.
ENOUGH, SHARE = 10, 0.9


def rests(path: Path, zone: str) -> Bools:
    """Whether a phone rested from each fix to the next and therefore sent nothing, bool (n,); False for the last fix.

    Many phones send fixes while they move, and one in five to fifteen minutes at rest. Such a step is no silence in which its
    owner may have been elsewhere: the phone would have sent fixes. It is recognised by the habit of the phone on a local day: the
    steps of at least 120 s, and of four times its median step, up to half an hour, of which at least nine in ten of ten or more
    end where they began.
    """
    found = np.zeros(len(path.time), dtype=np.bool_)
    own = np.flatnonzero(np.diff(path.walker) == 0)
    if len(own) < ENOUGH:
        return found
    lasts_s = (path.time[own + 1] - path.time[own]) / SECOND
    day = local_days(path.time[own], zone).astype(np.int64)
    # Walkers and their days are in order.
    first = np.flatnonzero(np.r_[True, (np.diff(path.walker[own]) != 0) | (np.diff(day) != 0)])
    number = np.diff(np.r_[first, len(own)])
    group = np.repeat(np.arange(len(first)), number)
    median_s = lasts_s[np.lexsort((lasts_s, group))][first + number // 2][group]
    quiet = (lasts_s >= np.maximum(QUIET_S, QUIET_STEPS * median_s)) & (lasts_s <= LONGEST_S)
    away = np.hypot(path.x[own + 1] - path.x[own], path.y[own + 1] - path.y[own])
    error = SAME_SIGMAS * np.hypot(path.sigma[own + 1], path.sigma[own])
    same = quiet & (away <= error)
    # The first fix of a movement comes up to one step after it began.
    near = quiet & (away <= error + WALK_M_S * median_s)
    many, back = (np.add.reduceat(which.astype(np.int64), first) for which in (quiet, near))
    saves = (many >= ENOUGH) & (back >= SHARE * many)
    found[own] = same & saves[group]
    return found
