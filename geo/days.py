"""The local day: which day a time belongs to, and when a local time of day is. The one place that decides it.

A day runs from local midnight to the next, ``[midnight, midnight)``. A local time that a clock change repeats is its first
occurrence; one that a clock change skips is moved forward to the first time that exists.
"""

from __future__ import annotations

import datetime as dt

import numpy as np
import numpy.typing as npt
import pandas as pd

Ints = npt.NDArray[np.int64]
Days = npt.NDArray[np.datetime64]


def local_days(micro: Ints, zone: str) -> Days:
    """Local days, datetime64[D], of times in microseconds since 1970 UTC.

    >>> local_days(np.array([1_764_000_000_000_000]), "Asia/Shanghai")
    array(['2025-11-25'], dtype='datetime64[D]')
    """
    local = pd.DatetimeIndex(micro.astype("datetime64[us]")).tz_localize("UTC").tz_convert(zone).tz_localize(None)
    days: Days = local.to_numpy().astype("datetime64[D]")
    return days


def dates_of(times: pd.Series, zone: str) -> pd.Series:
    """Local days, :class:`datetime.date`, of aware times; the index is kept."""
    days: pd.Series = times.dt.tz_convert(zone).dt.date
    return days


def micro_at(days: Days, at: dt.time, zone: str) -> Ints:
    """A local time of day on each of some days, in microseconds since 1970 UTC.

    >>> micro_at(np.array(["2026-11-23"], dtype="datetime64[D]"), dt.time(6), "Asia/Shanghai").astype("datetime64[us]")
    array(['2026-11-22T22:00:00.000000'], dtype='datetime64[us]')
    """
    known, place = np.unique(days, return_inverse=True)
    naive = pd.DatetimeIndex(known.astype("datetime64[us]")) + pd.Timedelta(
        hours=at.hour, minutes=at.minute, seconds=at.second
    )
    local = naive.tz_localize(zone, ambiguous=np.ones(len(naive), dtype=bool), nonexistent="shift_forward")
    micro: Ints = local.tz_convert("UTC").tz_localize(None).to_numpy(dtype="datetime64[us]").astype(np.int64)
    return micro[place]


def moment_at(day: dt.date, at: dt.time, zone: str) -> pd.Timestamp:
    """A local time of day on one day, as an aware UTC timestamp."""
    return pd.Timestamp(
        int(micro_at(np.array([day], dtype="datetime64[D]"), at, zone)[0]), unit="us", tz="UTC"
    ).as_unit("us")
