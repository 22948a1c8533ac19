"""Times in the spellings of files."""

from __future__ import annotations

import pandas as pd
import pytest

from geo.errors import InputError
from geo.tables.times import NO_ZONE, read_times

UTC = pd.Timestamp("2026-11-23T00:05:09Z")


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-23T00:05:09Z",
        "2026-11-23 08:05:09+08:00",
        "2026-11-23T08:05:09+0800",
        "2026-11-23 08:05:09 +08:00",
        "1795392309",
        "1795392309000",
        "1795392309000000",
        "2026-11-23 08:05:09",
        "2026/11/23 8:5:9",
        "2026年11月23日 08时05分09秒",
        "2026年11月23日8时5分9秒",
        "20261123080509",
        "  2026-11-23 08:05:09 ",
    ],
)
def test_one_moment_in_many_spellings(text):
    times, reason = read_times(pd.Series([text]), "Asia/Shanghai")
    assert reason.tolist() == [None]
    assert times.iloc[0] == UTC


def test_fractions_survive():
    times, _ = read_times(pd.Series(["2026-11-23T00:05:09.5Z", "1795392309.25"]), None)
    assert [t.microsecond for t in times] == [500_000, 250_000]


def test_what_cannot_be_read_has_a_reason():
    text = pd.Series([None, "", "yesterday", "1/2/2026 08:00", "2026-11-23 08:00:00"])
    times, reason = read_times(text, None)
    assert times.isna().all()
    assert reason[0].en == reason[1].en == "has no time"
    assert "'yesterday' is not understood" in reason[2].en
    assert "is not understood" in reason[3].en
    assert reason[4] is NO_ZONE


def test_the_hour_that_summer_time_skips():
    times, reason = read_times(pd.Series(["2024-03-10 02:30:00", "2024-03-10 03:30:00"]), "America/New_York")
    assert "does not exist" in reason[0].en
    assert pd.isna(times.iloc[0])
    assert times.iloc[1] == pd.Timestamp("2024-03-10T07:30:00Z")


def test_unknown_zone():
    with pytest.raises(InputError, match="'Nanjing' is not a time zone"):
        read_times(pd.Series(["2026-11-23 08:00:00"]), "Nanjing")


def test_the_input_stays_and_the_index_is_kept():
    text = pd.Series(["2026-11-23T00:05:09Z", "x"], index=[7, 3])
    before = text.copy()
    times, _ = read_times(text, None)
    assert times.index.tolist() == [7, 3]
    pd.testing.assert_series_equal(text, before)
