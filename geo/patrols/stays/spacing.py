"""Selects the visits of a cell and day that are far enough apart to count."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.arrays import Ints
from geo.patrols.columns import CODE, DAY, EARLIEST, LATEST
from geo.patrols.rules import Rules
from geo.patrols.stays.moments import microseconds
from geo.tracks.columns import DEVICE, END, OFFICER, START


def space_visits(stays: pd.DataFrame, reason: npt.NDArray[np.object_], rules: Rules) -> None:
    """Greedily count the largest set of visits of a cell and day separated by `min_between_s`.

    Writes ``same_time``, ``too_soon`` and ``silence`` into `reason`, one entry per row of `stays`. A device that was silent
    after a stay may have stayed until the end of the silence; a stay that begins before that is not proven to be separate. Of
    two silences facing each other only one is treated as a stay. A device that was present during another's counted visit earns
    no second visit unless it left for `min_between_s` at a time: otherwise one false walk would turn a long stay into two
    visits. The same holds after its own visit where errors matter: one false absence would do the same.
    """
    start, end, earliest, latest = (microseconds(stays[column]) for column in (START, END, EARLIEST, LATEST))
    walker = stays.groupby([CODE, DEVICE, OFFICER, DAY], sort=False, dropna=False).ngroup().to_numpy()
    apart = int(rules.min_between_s * 1e6)
    since = _since(np.asarray(walker, dtype=np.int64), start, end, apart)
    good = np.flatnonzero(reason == "")
    group = stays.iloc[good].groupby([CODE, DAY], sort=False).ngroup().to_numpy()
    before, free, over, by = -1, 0, 0, -1
    for k in good[np.lexsort((start[good], end[good], group))]:
        here = group[np.searchsorted(good, k)]
        if here != before:
            before, free, over, by = here, 0, 0, -1
        stayed = since[k] < free and (walker[k] != by or earliest[k] < start[k])
        if start[k] < over + apart or earliest[k] < free + apart or stayed:
            reason[k] = "silence" if start[k] >= free + apart else "same_time" if start[k] < free else "too_soon"
        else:
            free, over, by = int(end[k]), max(over, int(latest[k])), int(walker[k])


def _since(walker: Ints, start: Ints, end: Ints, apart: int) -> Ints:
    """Time since which the walker of each stay was continuously present, with absences shorter than `apart`."""
    since = start.copy()
    for before, k in pairwise(np.lexsort((start, walker)).tolist()):
        if walker[before] == walker[k] and start[k] < end[before] + apart:
            since[k] = since[before]
    return since
