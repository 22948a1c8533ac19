"""Expected number of visits hidden by silences.

The rate of visits of a device in the hours in which it was observed is applied to its silences. A visit of length v is
hidden by a silence of length L if it begins within L - v of its start; half of the minimum stay is allowed at either end,
because a visit observed for less than that is not proven either. Only proven visits determine rate and lengths: stays at a
border are mostly parts of visits to the neighbouring cell. A visit interrupted by a silence is assumed to have lasted as
long as possible.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from geo.patrols.columns import CODE, COUNTED, DAY, EARLIEST, KIND, LATEST
from geo.patrols.rules import Rules
from geo.patrols.stays.moments import hours, microseconds
from geo.tracks.columns import DEVICE, END, START


def unobserved_visits(visits: pd.DataFrame, presences: pd.DataFrame, day: dt.date, rules: Rules) -> pd.Series:
    """Expected visits in the silences of a day, distributed to the cells of the device's proven visits.

    Parameters
    ----------
    visits
        Of the day, as returned by :func:`geo.patrols.visits`.
    presences
        Those from which the visits were made.
    rules
        `min_stay_s` and the hours of duty are used; time outside them counts neither as silent nor as observed.

    Returns
    -------
    Series
        Expected number by code, for codes that have any. It is correct as a sum over many devices; for one cell it is
        usually a fraction of a visit.

    Notes
    -----
    Cost: the visits of a device times its silences.
    """
    proven = visits[visits[COUNTED].to_numpy(dtype=bool) & (visits[DAY] == day)]
    today = presences[presences[DAY] == day]
    silent = today[today[KIND] == "unknown"].drop_duplicates([DEVICE, START, END])
    silent = silent[silent[DEVICE].isin(proven[DEVICE])]
    duty = tuple(int(hours(pd.Series([day]), at, rules)[0]) for at in (rules.hours_from, rules.hours_to))
    gaps_s = _seconds(silent[START], silent[END], duty)
    gaps_of = {device: gaps_s[rows] for device, rows in silent.groupby(DEVICE, sort=True).indices.items()}
    days = today[today[DEVICE].isin(list(gaps_of))].groupby(DEVICE, sort=True).agg({START: "min", END: "max"})
    whole_s = dict(zip(days.index, _seconds(days[START], days[END], duty), strict=True))
    visits_s = _seconds(proven[EARLIEST], proven[LATEST], duty)
    codes = proven[CODE].to_numpy(dtype=object)
    found: dict[str, float] = {}
    for device, rows in proven.groupby(DEVICE, sort=True).indices.items():
        if device not in gaps_of:
            continue
        gaps, visit_s = gaps_of[device], visits_s[rows]
        heard_s = whole_s[device] - gaps.sum()
        if heard_s <= 0:
            continue
        room_s = np.maximum(gaps[:, None] - visit_s[None, :] + rules.min_stay_s, 0.0).sum(axis=0)
        numbers = room_s / heard_s
        # Of a device observed for seconds the rate is unknown; no more visits are hidden than fit into its silences.
        most = gaps.sum() / max(rules.min_stay_s + rules.min_between_s, 1.0)
        numbers *= min(1.0, most / max(float(numbers.sum()), 1e-9))
        for code, number in zip(codes[rows], numbers, strict=True):
            found[code] = found.get(code, 0.0) + float(number)
    return pd.Series(found, dtype=float)


def _seconds(start: pd.Series, end: pd.Series, duty: tuple[int, ...]) -> np.ndarray:
    """Duration of each interval within the hours of duty, given in microseconds; seconds."""
    lasts: np.ndarray = np.clip(
        np.minimum(microseconds(end), duty[1]) - np.maximum(microseconds(start), duty[0]), 0, None
    )
    return lasts / 1e6
