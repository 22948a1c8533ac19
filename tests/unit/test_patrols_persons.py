"""Whose visits count, holders of devices, and clocks with errors of whole hours."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from geo.errors import ColumnError, InputError
from geo.patrols import DEFAULT_RULES, Rules, assign_holders, persons_of, who_counts
from geo.patrols.clocks import clock_shifts, corrected, with_corrected

CELLS = pd.DataFrame({"code": ["A", "B", "C"], "leader": ["甲", "乙", None], "deputies": ["丙、丁", None, None]})


@pytest.mark.parametrize(
    ("officers", "cells", "who"),
    [
        (["甲", "x"], CELLS, "leader"),
        (["丁"], CELLS, "leader"),
        (["x", "y"], CELLS, "anyone"),
        ([None, ""], CELLS, "anyone"),
        (["甲"], CELLS.drop(columns="leader"), "anyone"),
        (["甲"], CELLS.assign(leader=None, deputies=None), "anyone"),
    ],
)
def test_leaders_count_where_cells_and_tracks_name_them(officers, cells, who):
    found = who_counts(DEFAULT_RULES, cells, officers)
    assert found.rules.who == who
    assert found.why.zh
    assert found.why.en


def test_a_rule_that_says_who_counts_is_left_as_it_is():
    for who in ("leader", "anyone"):
        assert who_counts(Rules(who=who), CELLS, ["甲"]).rules.who == who
    part = Rules(class_column="kind", class_values=("park",))
    found = who_counts(Rules(who="anyone", classes=(part,), earlier=(Rules(version="0"),)), CELLS, ["甲"]).rules
    assert (found.who, found.classes[0].who, found.earlier[0].who) == ("anyone", "leader", "leader")


def test_deputies_are_separated_in_any_usual_way():
    assert persons_of(CELLS) == {"A": {"甲", "丙", "丁"}, "B": {"乙"}}
    for text in ("a,b", "a，b", "a；b", "a/b", "a | b", " a、b "):
        assert persons_of(CELLS.assign(deputies=text))["B"] == {"乙", "a", "b"}


def _tracks():
    time = pd.to_datetime(
        ["2026-11-22T15:59:59Z", "2026-11-22T16:00:00Z", "2026-11-23T15:59:59Z", "2026-11-23T16:00:00Z"]
    )
    return pd.DataFrame({"device": "D1", "officer": "old", "time": time.as_unit("us"), "lon": 118.8, "lat": 32.1})


def test_holders_are_named_by_local_day_with_both_ends_included():
    holders = pd.DataFrame(
        {"device": ["D1", "D2"], "holder": ["甲", "乙"], "from": ["2026-11-23", None], "to": ["2026-11-23", ""]}
    )
    given = _tracks()
    found = assign_holders(given, holders, zone="Asia/Shanghai")
    assert found["officer"].tolist() == ["old", "甲", "甲", "old"]
    assert given["officer"].tolist() == ["old"] * 4
    assert assign_holders(given, holders[["device", "holder"]], zone="Asia/Shanghai")["officer"].tolist() == ["甲"] * 4


def test_holders_that_cannot_be_are_refused():
    def table(**columns):
        return pd.DataFrame({"device": ["D1", "D1"], "holder": ["甲", "乙"]} | columns)

    for bad, words in (
        (table(), "held by 甲 and by 乙"),
        (table(**{"from": ["2026-11-01", "2026-11-23"], "to": ["2026-11-23", None]}), "on 2026-11-23"),
        (table(**{"from": ["2026-11-02", "2026-12-01"], "to": ["2026-11-01", None]}), "to is before from"),
        (table(**{"from": ["soon", None]}), "is not a day"),
        (table(holder=["甲", None]), "row 2"),
    ):
        with pytest.raises(InputError, match=words):
            assign_holders(_tracks(), bad, zone="Asia/Shanghai")
    with pytest.raises(ColumnError, match="no column holder"):
        assign_holders(_tracks(), pd.DataFrame({"device": ["D1"]}), zone="Asia/Shanghai")
    fine = table(**{"from": ["2026-11-01", "2026-11-23"], "to": ["2026-11-22", None]})
    assert assign_holders(_tracks(), fine, zone="Asia/Shanghai")["officer"].tolist() == ["甲", "乙", "乙", "乙"]


def _days(shifts, *, first_h=8, last_h=18):
    """Devices that send from 8 to 18 o'clock local time, some with a wrong clock."""
    parts = []
    for k, shift in enumerate(shifts):
        hours = np.arange(first_h, last_h, 0.05) + shift
        time = pd.Timestamp("2026-11-22T16:00Z") + pd.to_timedelta(hours, unit="h")
        parts.append(pd.DataFrame({"device": f"D{k}", "time": time.as_unit("us"), "lon": 118.8, "lat": 32.1}))
    return pd.concat(parts, ignore_index=True)


def test_a_clock_that_is_off_by_hours_is_named_and_put_right():
    tracks = _days([0, 0, 0, 0, 8, -8, 0, -7, 1])
    found = clock_shifts(tracks, DEFAULT_RULES)
    assert found == {"D4": 8, "D5": -8, "D7": -7}
    right = corrected(tracks, found)
    assert sorted(right["device"].unique()) == ["D4", "D5", "D7"]
    hours = right["time"].dt.tz_convert("Asia/Shanghai").dt.hour
    assert (hours.min(), hours.max()) == (8, 17)


def test_few_devices_are_held_against_the_hours_of_duty():
    assert clock_shifts(_days([-8]), DEFAULT_RULES) == {"D0": -8}
    assert clock_shifts(_days([8]), DEFAULT_RULES) == {"D0": 8}
    assert clock_shifts(_days([0, -3]), DEFAULT_RULES) == {}
    assert clock_shifts(_days([0, 0])[:0], DEFAULT_RULES) == {}


def test_the_verdict_with_right_clocks_stands_beside_and_the_grid_is_open():
    columns = {"reason_zh": "甲。", "reason_en": "a.", "settle_zh": "", "settle_en": "", "day": "2026-11-23"}
    now = pd.DataFrame({"code": ["A", "B"], "verdict": ["short", "met"], "probability": [0.01, 1.0], **columns})
    right = now.assign(verdict=["met", "met"], probability=1.0).iloc[::-1]
    table = with_corrected(now, right, {"D1": 8})
    assert table["verdict"].tolist() == ["unknown", "met"]
    assert table["corrected"].tolist() == ["met", None]
    assert table["probability"].tolist() == [0.99, 1.0]
    assert "D1 +8h" in table["settle_zh"].iloc[0]
    assert table["reason_zh"].iloc[0].startswith("暂不能确定")
    assert "达标" in table["reason_zh"].iloc[0]
    assert table["settle_en"].iloc[1] == ""
    assert now["verdict"].tolist() == ["short", "met"]
