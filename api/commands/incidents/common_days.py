"""Incidents and patrols of the same days: a month of reports says nothing beside one day of visits."""

from __future__ import annotations

from datetime import date

import pandas as pd

from geo.errors import InputError


def in_common_days(
    incidents: pd.DataFrame, visits: pd.DataFrame, *, zone: str
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[date, date] | None]:
    """Incidents and visits of the local days that both cover, and the first and last of these days.

    Each covers the days from its first to its last. Incidents without a time are left out; if no incident has one, or there is no
    visit, both are returned as they are, without days.

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
