"""Visits that silence hides: how many are to be expected in the time in which phones were silent.

A device that made k visits in the hours in which it was heard makes as many for each hour in which it was not. A visit of
length v is hidden by a silence of length L if it begins within L - v of it; half of the shortest stay is allowed at either end,
since a visit of which less than that is heard is not proven either. Only proven visits tell how many there are and how long they
last: stays that hang on a border are mostly pieces of somebody's visit next door. A visit that a silence has cut is taken to
have lasted as long as it may have.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from geo.patrols.columns import CODE, COUNTED, DAY, DEVICE, EARLIEST, END, KIND, LATEST, START
from geo.patrols.rules import Rules
from geo.patrols.visits import microseconds


def hidden_visits(visits: pd.DataFrame, presences: pd.DataFrame, day: dt.date, rules: Rules) -> pd.Series:
    """Expect visits in the silences of a day, and lay them where the device was on its proven visits.

    Parameters
    ----------
    visits
        Of the day, as :func:`geo.patrols.visits` gives them.
    presences
        Those that the visits were made from.
    rules
        `min_stay_s` is used.

    Returns
    -------
    Series
        Number to be expected, by code, of the codes that have any. It is right as a sum over many devices; of one cell it is
        little more than a share of a visit.

    Notes
    -----
    Cost: the visits of a device times its silences.
    """
    proven = visits[visits[COUNTED].to_numpy(dtype=bool) & (visits[DAY] == day)]
    today = presences[presences[DAY] == day]
    silent = today[today[KIND] == "unknown"].drop_duplicates([DEVICE, START, END])
    silent = silent[silent[DEVICE].isin(proven[DEVICE])]
    lasts = {device: _seconds(rows) for device, rows in silent.groupby(DEVICE, sort=True)}
    days = today[today[DEVICE].isin(list(lasts))].groupby(DEVICE, sort=True).agg({START: "min", END: "max"})
    found: dict[str, float] = {}
    for device, rows in proven[proven[DEVICE].isin(list(lasts))].groupby(DEVICE, sort=True):
        gaps = lasts[device]
        heard_s = _seconds(days.loc[[device]])[0] - gaps.sum()
        if heard_s <= 0:
            continue
        room_s = np.maximum(gaps[:, None] - _seconds(rows, EARLIEST, LATEST)[None, :] + rules.min_stay_s, 0.0).sum(
            axis=0
        )
        for code, number in zip(rows[CODE], room_s / heard_s, strict=True):
            found[code] = found.get(code, 0.0) + float(number)
    return pd.Series(found, dtype=float)


def _seconds(rows: pd.DataFrame, start: str = START, end: str = END) -> np.ndarray:
    """How long each row lasts, seconds."""
    lasts: np.ndarray = (microseconds(rows[end]) - microseconds(rows[start])) / 1e6
    return lasts
