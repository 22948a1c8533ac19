"""Content of the page of the coverage map."""

from __future__ import annotations

import json
import re

import pandas as pd
import pytest

from geo.errors import ColumnError, InputError
from maps import coverage_map, render
from maps.coverage import MOST_DAYS

DAY = "2026-03-02"


def payload(page: str) -> dict:
    return json.loads(re.search(r'<script type="application/json" id="payload">(.*?)</script>', page, re.DOTALL)[1])


def drawn(small_street, division=None, verdicts=None, **options) -> str:
    division = small_street.division() if division is None else division
    verdicts = small_street.verdicts(division) if verdicts is None else verdicts
    return render(coverage_map(division, verdicts, day=DAY, **options))


def test_states_and_reasons_stand_at_their_grids(small_street) -> None:
    division = small_street.division()
    verdicts = small_street.verdicts(division)
    data = payload(drawn(small_street, division, verdicts.sample(frac=1, random_state=1)))
    second = data["verdicts"]["second"]
    assert [data["states"][i] for i in second["state"]] == verdicts["verdict"].tolist()
    assert second["visits"] == verdicts["visits"].tolist()
    assert [data["reasons"]["zh"][i] for i in second["reason_zh"]] == verdicts["reason_zh"].tolist()
    assert [data["reasons"]["en"][i] for i in second["reason_en"]] == verdicts["reason_en"].tolist()
    assert data["rules"] == ["street-1"]
    assert data["verdicts"]["third"] is None
    assert data["when"]["zh"] == "2026年3月2日 · 每日应巡查 2 次"
    classes = verdicts.assign(required=[1, *verdicts["required"].iloc[1:]])
    assert payload(drawn(small_street, division, classes))["when"]["zh"] == "2026年3月2日 · 每日应巡查 1–2 次"
    assert data["title"]["zh"] == "示例街道网格巡查覆盖图"


def test_a_grid_without_a_verdict_is_unknown_and_says_so(small_street) -> None:
    division = small_street.division()
    data = payload(drawn(small_street, division, small_street.verdicts(division).iloc[1:]))
    second = data["verdicts"]["second"]
    assert data["states"][second["state"][0]] == "unknown"
    assert data["reasons"]["zh"][second["reason_zh"][0]] == "没有收到该网格的核验结论。"
    assert data["reasons"]["en"][second["reason_en"][1]] == "reason 1"


def test_rows_of_third_level_grids_colour_these(small_street) -> None:
    division = small_street.division()
    more = pd.DataFrame({"code": division.third["code"], "day": pd.Timestamp(DAY).date(), "verdict": "short"})
    data = payload(drawn(small_street, division, pd.concat([small_street.verdicts(division), more], ignore_index=True)))
    assert set(data["verdicts"]["third"]["state"]) == {data["states"].index("short")}


def test_evidence_is_local_time_of_the_day_without_persons(small_street) -> None:
    division = small_street.division()
    code = division.second["code"].iloc[5]
    start = pd.to_datetime(["2026-03-01 15:50", "2026-03-02 01:05", "2026-03-02 17:00"], utc=True)
    visits = pd.DataFrame(
        {
            "code": code,
            "device": "device-7",
            "officer": "officer-7",
            "start": start,
            "end": start + pd.Timedelta(minutes=20),
            "stay_s": 1200.0,
            "counted": [True, False, True],
            "reason": ["", "too_short", ""],
        }
    )
    page = drawn(small_street, division, visits=visits)
    data = payload(page)
    # The first crosses the local midnight, the last one starts on the next local day.
    assert [row[:4] for row in data["visits"][5]] == [["23:50", "00:10", 1200, 1], ["09:05", "09:25", 1200, 0]]
    assert data["visit_reasons"][data["visits"][5][1][4]] == {"zh": "停留时间不足", "en": "stay too short"}
    assert "officer-7" not in page
    assert "device-7" not in page


@pytest.mark.parametrize(
    ("start", "end", "listed"),
    [
        ("2026-03-02 00:00", "2026-03-02 00:10", ["00:00", "00:10", 0]),  # Starts with the day.
        ("2026-03-01 23:50", "2026-03-02 00:00", None),  # Ends at the start of the day.
        ("2026-03-01 23:50", "2026-03-02 00:01", ["23:50", "00:01", 0]),  # Started the day before.
        ("2026-03-02 23:59", "2026-03-03 00:10", ["23:59", "00:10", 86_340]),
        ("2026-03-03 00:00", "2026-03-03 00:10", None),  # Starts at the next midnight.
    ],
)
def test_visits_of_the_local_day_are_listed_and_no_others(small_street, start, end, listed) -> None:
    division = small_street.division()
    times = [pd.Timestamp(text).tz_localize("Asia/Shanghai") for text in (start, end)]
    visits = pd.DataFrame(
        {
            "code": division.second["code"].iloc[[5]],
            "start": pd.Series([times[0]]).to_numpy(),
            "end": pd.Series([times[1]]).to_numpy(),
            "stay_s": 60.0,
            "counted": True,
            "reason": "",
        }
    )
    visits[["start", "end"]] = [[times[0].tz_convert("UTC"), times[1].tz_convert("UTC")]]
    data = payload(drawn(small_street, division, visits=visits))
    rows = [[row[0], row[1], row[5]] for row in data["visits"][5]]
    assert rows == ([] if listed is None else [listed])


def test_the_same_input_gives_the_same_bytes_and_is_not_changed(small_street) -> None:
    division = small_street.division()
    verdicts = small_street.verdicts(division)
    before = verdicts.copy(), division.third.copy()
    assert drawn(small_street, division, verdicts) == drawn(small_street, division, verdicts)
    pd.testing.assert_frame_equal(verdicts, before[0])
    pd.testing.assert_frame_equal(division.third, before[1])


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (lambda v: v.drop(columns="verdict"), ColumnError, "column verdict is missing"),
        (lambda v: v.assign(verdict="fine"), ColumnError, "unknown verdict fine"),
        (lambda v: pd.concat([v, v.iloc[:1]]), ColumnError, "320113003001001 has more than one row"),
        (lambda v: v.assign(day=pd.Timestamp("2026-03-03").date()), InputError, "none is of 2026-03-02"),
        (lambda v: v.assign(code=v["code"] + "9"), ColumnError, "no second- or third-level grid"),
    ],
)
def test_verdicts_that_do_not_fit_are_refused(small_street, change, error, message) -> None:
    division = small_street.division()
    with pytest.raises(error, match=message):
        coverage_map(division, change(small_street.verdicts(division)), day=DAY)


def test_other_days_are_there_with_their_own_verdicts(small_street) -> None:
    division = small_street.division()
    first = small_street.verdicts(division)
    days = [pd.Timestamp(DAY).date() - pd.Timedelta(days=k) for k in range(MOST_DAYS + 5)]
    frames = [first.assign(day=day, verdict="met" if k == 3 else "short") for k, day in enumerate(days)]
    data = payload(drawn(small_street, division, pd.concat(frames, ignore_index=True)))
    assert data["day"] == DAY
    assert len(data["days"]) == MOST_DAYS - 1 == 41
    assert DAY not in data["days"]
    assert min(data["days"]) == str(days[MOST_DAYS - 1])
    third = data["days"][str(days[3])]
    assert {data["states"][k] for k in third["verdicts"]["second"]["state"]} == {"met"}
    assert third["when"]["en"] == "27 February 2026 · 2 visits a day required"
    assert third["reasons"]["en"][third["verdicts"]["second"]["reason_en"][1]] == first["reason_en"].iloc[1]
