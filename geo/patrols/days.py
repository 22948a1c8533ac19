"""Local days: splits rows with a start and an end at midnight."""

from __future__ import annotations

import datetime as dt

import numpy as np
import pandas as pd

from geo.days import local_days, micro_at
from geo.patrols.columns import (
    DAY,
    DETACHED_S,
    LIKELY_S,
    NEAR_RIDE_M,
    NEAR_RIDE_S,
    RESTING_S,
    RIDDEN_M,
    RIDDEN_S,
    RIDE_IN_S,
    RIDE_OUT_S,
    SPREAD_S2,
    SURE_FIXES,
    SURE_S,
)
from geo.tracks.columns import DURATION_S, END, FIXES, LENGTH_M, START
from geo.tracks.fix_values import utc
from geo.tracks.path import SECOND


def split_days(table: pd.DataFrame, zone: str) -> pd.DataFrame:
    """Split rows at local midnight, distribute their quantities by time, and add the local day.

    Parameters
    ----------
    table
        Presences without `day`; ``[start, end)``, aware UTC.
    zone
        Time zone of the days.
    """
    if table.empty:
        return table.assign(**{DAY: pd.Series(dtype=object)})
    # An interval [start, end) that ends at midnight does not extend into the next day.
    start, end = (utc(table[name]).view(np.int64) for name in (START, END))
    first, last = (local_days(times, zone) for times in (start, np.where(end > start, end - 1, end)))
    days = (last - first).astype(np.int64) + 1
    row = np.repeat(np.arange(len(table)), days)
    day = first[row] + (np.arange(len(row)) - np.repeat(np.cumsum(days) - days, days)).astype("timedelta64[D]")
    begin = np.maximum(start[row], micro_at(day, dt.time(0), zone))
    until = np.minimum(end[row], micro_at(day + np.timedelta64(1, "D"), dt.time(0), zone))
    cut = table.iloc[row].reset_index(drop=True)
    whole = cut[DURATION_S].to_numpy()
    lasts = (until - begin) / SECOND
    share = np.divide(lasts, whole, out=np.ones(len(cut)), where=whole > 0)
    return cut.assign(
        **{
            START: pd.to_datetime(begin, unit="us", utc=True).as_unit("us"),
            END: pd.to_datetime(until, unit="us", utc=True).as_unit("us"),
            DURATION_S: lasts,
            DAY: pd.Series(day.astype(object), index=cut.index, dtype=object),
            # Distributed by time and rounded to an integer.
            FIXES: np.rint(cut[FIXES] * share).astype(np.int64),
            LENGTH_M: cut[LENGTH_M] * share,
            LIKELY_S: cut[LIKELY_S] * share,
            SPREAD_S2: cut[SPREAD_S2] * share,
            SURE_S: cut[SURE_S] * share,
            RIDDEN_S: cut[RIDDEN_S] * share,
            DETACHED_S: cut[DETACHED_S] * share,
            RESTING_S: cut[RESTING_S] * share,
            RIDE_IN_S: (cut[RIDE_IN_S] - (begin - start[row]) / SECOND).clip(0.0, lasts),
            RIDE_OUT_S: (cut[RIDE_OUT_S] - (end[row] - until) / SECOND).clip(0.0, lasts),
            NEAR_RIDE_S: cut[NEAR_RIDE_S] * share,
            NEAR_RIDE_M: cut[NEAR_RIDE_M] * share,
            RIDDEN_M: cut[RIDDEN_M] * share,
            SURE_FIXES: np.rint(cut[SURE_FIXES] * share).astype(np.int64),
        }
    )
