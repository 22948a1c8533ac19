"""Compared incidents and visits are of the same local days."""

from __future__ import annotations

from datetime import date

import pandas as pd
import pytest

from api.commands.incidents.common_days import in_common_days
from geo.errors import InputError

ZONE = "Asia/Shanghai"


def _frames(reported, started):
    incidents = pd.DataFrame({"reported_at": pd.to_datetime(reported, utc=True), "n": range(len(reported))})
    return incidents, pd.DataFrame({"start": pd.to_datetime(started, utc=True), "k": range(len(started))})


def test_days_are_those_of_the_local_clock_both_ends_included():
    # Midnight in Shanghai is 16:00 UTC.
    incidents, visits = _frames(
        ["2026-03-01T15:59:59Z", "2026-03-01T16:00:00Z", None, "2026-03-04T15:59:59Z", "2026-03-04T16:00:00Z"],
        ["2026-03-01T16:00:00Z", "2026-03-04T15:00:00Z"],
    )
    some, kept, days = in_common_days(incidents, visits, zone=ZONE)
    assert days == (date(2026, 3, 2), date(2026, 3, 4))
    assert some["n"].tolist() == [1, 3]
    assert kept["k"].tolist() == [0, 1]
    assert incidents["n"].tolist() == [0, 1, 2, 3, 4]


def test_visits_beyond_the_incidents_are_left_out():
    incidents, visits = _frames(
        ["2026-03-02T04:00:00Z"], ["2026-03-01T04:00:00Z", "2026-03-02T04:00:00Z", "2026-03-03T04:00:00Z"]
    )
    assert in_common_days(incidents, visits, zone=ZONE)[1]["k"].tolist() == [1]


def test_no_day_in_common_is_refused():
    incidents, visits = _frames(["2026-02-01T04:00:00Z", "2026-02-28T04:00:00Z"], ["2026-03-02T04:00:00Z"])
    with pytest.raises(InputError, match="of 2026-03-02 to 2026-03-02, the incidents of 2026-02-01 to 2026-02-28"):
        in_common_days(incidents, visits, zone=ZONE)


def test_without_times_or_visits_nothing_is_left_out():
    incidents, visits = _frames([None, None], ["2026-03-02T04:00:00Z"])
    assert in_common_days(incidents, visits, zone=ZONE)[2] is None
    incidents, visits = _frames(["2026-03-02T04:00:00Z"], [])
    some, _, days = in_common_days(incidents, visits, zone=ZONE)
    assert (len(some), days) == (1, None)
