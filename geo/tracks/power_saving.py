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
    lasts = np.diff(path.time)
    quiet = np.flatnonzero((lasts >= QUIET_S * SECOND) & (lasts <= LONGEST_S * SECOND) & (np.diff(path.walker) == 0))
    # Most phones have few quiet steps; of the others the median step of each day is needed.
    for walker in np.flatnonzero(np.bincount(path.walker[quiet]) >= ENOUGH).tolist():
        own = np.arange(*np.searchsorted(path.walker, [walker, walker + 1]))[:-1]
        days, after = local_days(path.time[own], zone), local_days(path.time[own + 1], zone)
        for day in np.unique(days):
            # A step over midnight belongs to no day, so that each day is the same with and without the next.
            step = own[(days == day) & (after == day)]
            if len(step) < ENOUGH:
                continue
            median = np.sort(lasts[step])[len(step) // 2]
            i = np.intersect1d(step[lasts[step] >= QUIET_STEPS * median], quiet, assume_unique=True)
            away = np.hypot(path.x[i + 1] - path.x[i], path.y[i + 1] - path.y[i])
            error = SAME_SIGMAS * np.hypot(path.sigma[i + 1], path.sigma[i])
            # The first fix of a movement comes up to one step after it began.
            back = int((away <= error + WALK_M_S * median / SECOND).sum())
            if len(i) >= ENOUGH and back >= SHARE * len(i):
                found[i] = away <= error
    return found
