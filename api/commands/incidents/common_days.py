"""Restricts incidents and patrols to their common days, because counts of different periods are not comparable."""

from __future__ import annotations

from datetime import date

import pandas as pd

from geo.errors import InputError


def in_common_days(
    incidents: pd.DataFrame, visits: pd.DataFrame, *, zone: str
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[date, date] | None]:
    """Incidents and visits of the local days covered by both, and the first and last of these days.

    Each covers the days from its first to its last. Incidents without a time are excluded; if no incident has a time, or there is
    no visit, both are returned unchanged, without days.

    Raises
    ------
    InputError
        If they have no day in common.
    """
    reported = incidents["reported_at"].dt.tz_convert(zone).dt.date
    started = visits["start"].dt.tz_convert(zone).dt.date
    known = reported.dropna()
    if known.empty or started.empty:
        return incidents, visits, None
    first, last = max(known.min(), started.min()), min(known.max(), started.max())
    if first > last:
        raise InputError(
            f"--visits: the visits are of {started.min()} to {started.max()}, the incidents of {known.min()} to {known.max()}: "
            "no day in common; give the visits of the days of the incidents"
        )
    within = reported.notna() & (reported >= first) & (reported <= last)
    return incidents[within], visits[(started >= first) & (started <= last)], (first, last)
