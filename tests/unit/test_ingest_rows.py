"""Fixes as arrays compared with the same fixes one by one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

from api.access import Caller
from api.ingest.decode import Context, read_batch
from api.ingest.fix import Fix, microseconds, not_negative
from api.ingest.rows import Arrival, Columns, as_rows, joined, pending_days

CALLER = Caller("program", "P", 3)
DEVICES = {f"D{k}": k + 1 for k in range(40)}
NOW_US = 1_772_424_000_000_000


def one_by_one(fixes):
    """The obvious loop over single fixes."""
    made = []
    for fix in fixes:
        time_us = microseconds(datetime.fromisoformat(fix["time"]))
        mock = fix.get("mock")
        made.append(
            Fix(
                3,
                DEVICES[fix["device"]],
                time_us,
                round(fix["lon"] * 1e7),
                round(fix["lat"] * 1e7),
                not_negative(fix.get("accuracy_m")),
                not_negative(fix.get("speed_m_s")),
                None if mock is None else int(mock),
                int(time_us > NOW_US + 60_000_000),
                1,
                0,
                NOW_US,
            )
        )
    return as_rows(made)


@pytest.mark.parametrize("seed", range(4))
def test_a_batch_is_the_same_as_its_fixes_one_by_one(seed):
    rng = np.random.default_rng(seed)
    moment = datetime(2026, 3, 2, 4, tzinfo=UTC)
    fixes = [
        {
            "device": f"D{rng.integers(40)}",
            "time": (moment + timedelta(microseconds=int(rng.integers(-(10**14), 10**8)))).isoformat(),
            "lon": float(rng.uniform(-180, 180)),
            "lat": float(rng.uniform(-90, 90)),
            "accuracy_m": [None, -1.0, 1e9, 4.25, round(float(rng.uniform(0, 50)), 1)][rng.integers(5)],
            "speed_m_s": [None, -1.0, 0.0, round(float(rng.uniform(0, 5)), 1)][rng.integers(4)],
            "mock": [None, True, False][rng.integers(3)],
        }
        for _ in range(300)
    ]
    body = json.dumps({"datum": "CGCS2000", "fixes": fixes}).encode()
    batch = read_batch(body, Context(CALLER, DEVICES, NOW_US, 60_000_000))
    assert batch.refused == []
    slow = one_by_one(fixes)
    for name in batch.rows.dtype.names:
        np.testing.assert_array_equal(batch.rows[name], slow[name], err_msg=name)


def test_microseconds_are_exact_to_the_last_day():
    moments = [datetime(2099, 12, 31, 23, 59, 59, us, tzinfo=UTC) for us in (1, 499_999, 500_001, 999_999)]
    fixes = [{"device": "D1", "time": moment.isoformat(), "lon": 0, "lat": 0} for moment in moments]
    rows = read_batch(
        json.dumps({"datum": "WGS-84", "fixes": fixes}).encode(), Context(CALLER, DEVICES, NOW_US, 0)
    ).rows
    assert rows["time_us"].tolist() == [microseconds(moment) for moment in moments]
    assert rows["future"].all()


def test_the_limit_of_the_future_is_still_present():
    columns = Columns(*(np.zeros(2) for _ in range(7)), 0)
    columns.time_us[:] = (10, 11)
    assert columns.rows(Arrival(1, 0, 5, 10))["future"].tolist() == [0, 1]


def test_days_with_news_are_told_once():
    day = 86_400_000_000
    keys = [
        (2, 1, 5 * day),
        (1, 2, 5 * day - 1),
        (1, 2, 5 * day),
        (1, 2, 5 * day + 9),
        (1, 1, 5 * day),
        (2, 1, 5 * day),
    ]
    rows = as_rows([Fix(*key, 0, 0, None, None, None, 0, 0, 0, 0) for key in keys])
    assert pending_days(rows) == [(1, 1, 5), (1, 2, 4), (1, 2, 5), (2, 1, 5)]
    assert pending_days(rows[1:2]) == [(1, 2, 4)]
    # Many rows are counted by columns, few by a loop.
    assert pending_days(np.repeat(rows, 40)) == pending_days(rows)


def test_batches_are_joined_in_their_order():
    rows = as_rows([Fix(1, k, 3, 4, 5, None, 0.5, None, 0, 0, 0, 6) for k in range(5)])
    together = joined([rows[:2], rows[2:2], rows[2:]])
    assert together.dtype == rows.dtype
    assert together.tobytes() == rows.tobytes()
