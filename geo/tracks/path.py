"""The path of devices in metres: the one value that trajectories, presences, stops and matching share."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from geo.arrays import Bools, Floats, Ints

#: Micro-seconds in a second; times of paths are whole microseconds, so that pieces of a path abut exactly.
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
        Metres in the CRS of the cells; fixes of a stand lie at its middle.
    sigma
        Standard deviation of the position along one axis, metres.
    stand
        Number of the stand that a fix belongs to; -1 on the move.
    walkers
        `device` and `officer` of each walker.
    detached
        Whether the fix belongs to a run between two impossible steps, which may be somewhere else altogether.
    """

    walker: Ints
    time: Ints
    x: Floats
    y: Floats
    sigma: Floats
    stand: Ints
    walkers: pd.DataFrame
    detached: Bools
