"""Converts local times to UTC, with one rule for clock changes.

Ambiguous local times (the hour repeated when clocks are set back) resolve to the first. Local times that do not exist (the hour
skipped when clocks are set forward) are refused with that reason.
"""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import numpy as np
import pandas as pd

from geo.errors import InputError

UTC = "UTC"


def require_zone(zone: str) -> ZoneInfo:
    """Time zone by its IANA name.

    Raises
    ------
    InputError
        If it is not the name of a time zone.
    """
    try:
        return ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError(f"'{zone}' is not a time zone: use an IANA name such as Asia/Shanghai") from error


def to_utc(naive: pd.Series, zone: str) -> pd.Series:
    """Convert local times to UTC.

    Parameters
    ----------
    naive
        Times without a zone; NaT stays NaT.
    zone
        IANA name.

    Returns
    -------
    Series of datetime64[us, UTC]
        Ambiguous times resolve to the first; NaT for a local time that does not exist.

    Raises
    ------
    InputError
        If the zone is not known.

    >>> autumn = pd.Series(pd.to_datetime(["2026-11-01 01:30", "2026-03-08 02:30"]))
    >>> to_utc(autumn, "America/New_York").tolist()
    [Timestamp('2026-11-01 05:30:00+0000', tz='UTC'), NaT]
    """
    first = np.ones(len(naive), dtype=bool)
    local = naive.dt.as_unit("us").dt.tz_localize(require_zone(zone), ambiguous=first, nonexistent="NaT")
    return pd.Series(local.dt.tz_convert(UTC))
