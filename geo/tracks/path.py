"""The path of devices in metres: the value shared by trajectories, presences, stops and matching."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from geo.arrays import Bools, Floats, Ints

#: Microseconds per second; times of paths are integers of microseconds, so that pieces of a path share their ends exactly.
SECOND = 1_000_000


class Path(NamedTuple):
    """Fixes of all walkers, by walker and time.

    Attributes
    ----------
    walker
        Position in `walkers`, int64.
    time
        Microseconds since 1970, UTC, int64.
    x, y
        Metres in the CRS of the cells; fixes of a stand are moved to its centre.
    sigma
        Standard deviation of the position along one axis, metres.
    stand
        Number of the stand (a device at rest) of each fix; -1 in motion.
    walkers
        `device` and `officer` of each walker.
    detached
        Whether the fix belongs to a run between two impossible steps, which may be at a completely different place.
    resting
        Whether the phone rested from the fix to the next and therefore sent nothing; see :mod:`geo.tracks.power_saving`.
    """

    walker: Ints
    time: Ints
    x: Floats
    y: Floats
    sigma: Floats
    stand: Ints
    walkers: pd.DataFrame
    detached: Bools
    resting: Bools
