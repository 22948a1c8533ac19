"""Local days: rows with a beginning and an end are cut at midnight."""

from __future__ import annotations

import numpy as np
import pandas as pd

from geo.patrols.columns import DAY, DURATION_S, END, FIXES, LENGTH_M, LIKELY_S, SPREAD_S2, START, SURE_S


def split_days(table: pd.DataFrame, zone: str) -> pd.DataFrame:
    """Cut rows at local midnight, share out what they hold by time, and add the local day.

    Parameters
    ----------
    table
        Presences without `day`; ``[start, end)``, aware UTC.
    zone
        Time zone of the days.
    """
    if table.empty:
        return table.assign(**{DAY: pd.Series(dtype=object)})
    first = table[START].dt.tz_convert(zone).dt.normalize()
    # An interval [start, end) that ends at midnight does not reach the next day.
    until = table[END].where(table[END] == table[START], table[END] - pd.Timedelta(1, "us"))
    days = (
        until.dt.tz_convert(zone).dt.tz_localize(None).dt.normalize() - first.dt.tz_localize(None)
    ).dt.days.to_numpy()
    row = np.repeat(np.arange(len(table)), days + 1)
    nth = np.arange(len(row)) - np.repeat(np.cumsum(days + 1) - (days + 1), days + 1)
    cut = table.iloc[row].reset_index(drop=True)
    local = first.dt.tz_localize(None).iloc[row].reset_index(drop=True) + pd.to_timedelta(nth, unit="D")
    midnight = local.dt.tz_localize(zone, ambiguous=True, nonexistent="shift_forward").dt.tz_convert("UTC")
    following = (local + pd.Timedelta(1, "D")).dt.tz_localize(zone, ambiguous=True, nonexistent="shift_forward")
    whole = cut[DURATION_S].to_numpy()
    start = cut[START].where(cut[START] >= midnight, midnight)
    end = cut[END].where(cut[END] <= following.dt.tz_convert("UTC"), following.dt.tz_convert("UTC"))
    lasts = (end - start).dt.total_seconds().to_numpy()
    share = np.divide(lasts, whole, out=np.ones(len(cut)), where=whole > 0)
    codes, days_of = pd.factorize(local)
    dates = np.array([pd.Timestamp(value).date() for value in days_of], dtype=object)[codes]
    return cut.assign(
        **{
            START: start,
            END: end,
            DURATION_S: lasts,
            DAY: pd.Series(dates, index=cut.index, dtype=object),
            # Shared out by time, to a whole number.
            FIXES: np.rint(cut[FIXES] * share).astype(np.int64),
            LENGTH_M: cut[LENGTH_M] * share,
            LIKELY_S: cut[LIKELY_S] * share,
            SPREAD_S2: cut[SPREAD_S2] * share,
            SURE_S: cut[SURE_S] * share,
        }
    )
