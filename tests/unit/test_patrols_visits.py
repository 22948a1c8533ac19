"""Visits from given presences, and verdicts from visits."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import pandas as pd
import pytest
import shapely

from geo.errors import ColumnError, InputError
from geo.patrols import REASONS, VERDICTS, Rules, verify, visits
from geo.patrols.verdicts import shares

DAY = dt.date(2026, 11, 23)
MIDNIGHT = pd.Timestamp("2026-11-22T16:00:00Z").as_unit("us")  # local midnight in Nanjing


def at(clock):
    hours, minutes, seconds = (int(part) for part in (clock + ":00").split(":")[:3])
    return MIDNIGHT + pd.Timedelta(hours=hours, minutes=minutes, seconds=seconds)


def presence(
    start, end, *, cell="A", device="D1", officer="S1", kind="inside", likely=1.0, sure=0.0, speed=1.0, day=DAY
):
    lasts = (at(end) - at(start)).total_seconds()
    inside = kind == "inside"
    return {
        "device": device,
        "officer": officer,
        "cell": cell,
        "start": at(start),
        "end": at(end),
        "duration_s": lasts,
        "fixes": int(lasts / 10) if inside else 0,
        "kind": kind,
        "day": day,
        "likely_s": lasts * likely if inside else 0.0,
        "spread_s2": likely * (1 - likely) * lasts**2 if inside else 0.0,
        "sure_s": lasts * sure,
        "length_m": lasts * speed if inside else 0.0,
    }


def table(*rows):
    return pd.DataFrame(list(rows))


def cells(*codes, **columns):
    boxes = [shapely.box(200 * i, 0, 200 * (i + 1), 200) for i in range(len(codes))]
    return gpd.GeoDataFrame(
        {"code": list(codes), **columns}, geometry=boxes, crs=4549, index=range(10, 10 + len(codes))
    )


def judge(*rows, rules=None, layer=None, day=DAY):
    found = table(*rows)
    rules = rules or Rules()
    return verify(
        visits(found, rules=rules), cells("A") if layer is None else layer, presences=found, rules=rules, day=day
    )


def test_two_rounds_are_two_visits():
    found = visits(table(presence("08:30", "08:50"), presence("15:00", "15:20")))
    assert found["counted"].tolist() == [True, True]
    assert found["stay_s"].tolist() == [1200, 1200]


def test_a_short_absence_does_not_part_a_visit_and_is_not_stay():
    found = visits(table(presence("08:30", "08:40"), presence("08:44", "08:50")))
    assert found["stay_s"].tolist() == [960]
    assert (found["start"].iloc[0], found["end"].iloc[0]) == (at("08:30"), at("08:50"))


def test_a_long_absence_parts_it_but_half_an_hour_is_asked_between_rounds():
    found = visits(table(presence("08:30", "08:40"), presence("08:46", "08:56"), presence("09:11", "09:20")))
    assert found["counted"].tolist() == [True, False, True]
    assert found["reason"].tolist() == ["", "too_soon", ""]


def test_silence_is_not_leaving():
    # Observed at 08:30 and at 10:00, with a gap in between: its leaving was not observed.
    rows = [presence("08:30", "08:40"), presence("08:40", "10:00", kind="unknown"), presence("10:00", "10:10")]
    found = visits(table(*rows))
    assert len(found) == 1
    assert found["stay_s"].tolist() == [1200]
    assert judge(*rows)["visits"].tolist() == [1]


def test_silence_and_then_being_seen_elsewhere_is_leaving():
    rows = [
        presence("08:30", "08:40"),
        presence("08:40", "09:20", kind="unknown"),
        presence("09:20", "09:50", cell="B"),
        presence("09:50", "10:00"),
    ]
    found = visits(table(*rows))
    assert found.loc[found["code"] == "A", "counted"].tolist() == [True, True]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (presence("08:30:00", "08:30:59"), "too_short"),
        (presence("08:30:00", "08:31:00"), ""),
        (presence("05:00", "05:50"), "off_hours"),
        (presence("05:50", "06:00:30"), "off_hours"),
        (presence("05:50", "06:02"), ""),
        (presence("22:00", "22:30"), "off_hours"),
        (presence("08:30", "08:35", speed=9.0), "vehicle"),
        (presence("08:30", "08:35", speed=4.5), "pace"),
        (presence("08:30", "08:35", speed=3.5), "pace"),
        (presence("08:30", "08:35", speed=3.3), ""),
        (presence("08:30", "08:40", likely=0.6), "border"),
        (presence("08:30", "08:40", likely=0.6, sure=0.05), "border"),
        (presence("08:30", "08:40", likely=0.6, sure=0.1), ""),
    ],
)
def test_each_reason(row, reason):
    found = visits(table(row))
    assert found["reason"].tolist() == [reason]
    assert found["counted"].tolist() == [reason == ""]


def test_pieces_too_short_by_themselves_make_a_visit_together():
    assert visits(table(presence("08:30:00", "08:30:40"), presence("08:32:00", "08:32:40")))["counted"].tolist() == [
        True
    ]


def test_two_devices_at_once_are_one_round():
    found = visits(table(presence("08:30", "08:50"), presence("08:30", "08:50", device="D2", officer="S2")))
    assert sorted(found["reason"]) == ["", "same_time"]


def test_a_phone_that_lies_there_all_day_does_not_swallow_the_rounds_of_others():
    found = visits(
        table(
            presence("07:00", "19:00", device="D9", officer="S9"),
            presence("08:30", "08:50"),
            presence("15:00", "15:20"),
        )
    )
    assert found["counted"].sum() == 2
    assert found.loc[found["device"] == "D9", "reason"].tolist() == ["same_time"]


def test_many_devices_do_not_disturb_each_other():
    # Six thousand phones, each inside for ten minutes and then at the border for five.
    inside, near = presence("08:30", "08:40"), presence("08:40", "08:45", kind="near")
    near |= {"likely_s": 100.0, "spread_s2": 900.0}
    rows = [row | {"device": f"D{k:04d}"} for k in range(6000) for row in (inside, near)]
    found = visits(table(*rows))
    assert len(found) == 6000
    assert set(found["likely_s"]) == {700.0}


def test_days_are_apart():
    rows = [presence("08:30", "08:50"), presence("08:30", "08:50", day=DAY + dt.timedelta(1))]
    rows[1] |= {"start": rows[1]["start"] + pd.Timedelta(1, "D"), "end": rows[1]["end"] + pd.Timedelta(1, "D")}
    assert len(visits(table(*rows))) == 2
    assert judge(*rows)["verdict"].tolist() == ["short"]


def test_no_presences_no_visits():
    empty = table(presence("08:30", "08:50")).iloc[:0]
    assert visits(empty).empty
    assert verify(visits(empty), cells("A"), presences=empty, day=DAY)["verdict"].tolist() == ["not_visited"]


def test_met_short_and_not_visited():
    result = judge(
        presence("08:30", "08:50"),
        presence("15:00", "15:20"),
        presence("09:00", "09:20", cell="B"),
        layer=cells("B", "A", "C"),
    )
    assert result["verdict"].tolist() == ["short", "met", "not_visited"]
    assert result.index.tolist() == [10, 11, 12]
    assert result["code"].tolist() == ["B", "A", "C"]
    assert result["visits"].tolist() == [1, 2, 0]
    assert result["present_s"].tolist() == [1200, 2400, 0]
    assert set(result["rules"]) == {"street-twice-a-day@2"}
    assert set(result["day"]) == {DAY}
    assert shares(result).to_dict() == {"met": 1, "short": 1, "not_visited": 1, "unknown": 0}


def test_a_stay_at_a_speed_between_a_walk_and_a_ride_leaves_the_verdict_open():
    result = judge(presence("08:30", "08:50"), presence("14:00", "14:10", speed=3.9))
    assert result["verdict"].tolist() == ["unknown"]
    # It is a walk with (1.15 - 3.9 / 4) / 0.3.
    assert result["visits_expected"].tolist() == pytest.approx([1 + 0.583], abs=0.01)
    assert "between a walk and a ride" in result["reason_en"].iloc[0]
    assert "速度接近步行与驾车的界限" in result["reason_zh"].iloc[0]


def test_silence_that_could_hold_the_missing_round_is_unknown():
    result = judge(presence("08:30", "08:50"), presence("14:00", "14:40", kind="unknown"))
    assert result["verdict"].tolist() == ["unknown"]
    assert result["unknown_s"].tolist() == [2400]


@pytest.mark.parametrize(
    ("silence", "why"),
    [
        (("14:00:00", "14:00:50"), "shorter than a visit"),
        (("08:50", "09:15"), "too close to the visit that is there to be another"),
        (("23:00", "23:50"), "outside the hours of duty"),
        (("05:00", "06:00:30"), "but half a minute of it outside the hours of duty"),
    ],
)
def test_silence_that_could_not_hold_it_changes_nothing(silence, why):
    assert judge(presence("08:30", "08:50"), presence(*silence, kind="unknown"))["verdict"].tolist() == ["short"], why


def test_two_missing_rounds_need_room_for_two():
    hold_one = judge(presence("14:00", "14:20", kind="unknown"))
    hold_two = judge(presence("14:00", "15:00", kind="unknown"))
    assert (hold_one["verdict"].iloc[0], hold_two["verdict"].iloc[0]) == ("not_visited", "unknown")


def test_silence_never_takes_a_met_verdict_away():
    result = judge(presence("08:30", "08:50"), presence("15:00", "15:20"), presence("10:00", "12:00", kind="unknown"))
    assert result["verdict"].tolist() == ["met"]


def test_the_silent_phone_of_the_leader_leaves_his_grid_in_doubt():
    dark = presence("14:00", "14:40", cell="B", kind="unknown")
    layer = cells("A", "C", leader=["S1", "S2"])
    rows = (presence("08:30", "08:50"), presence("08:30", "08:50", cell="C"), dark)
    assert judge(*rows, layer=layer)["verdict"].tolist() == ["unknown", "not_visited"]
    assert judge(*rows, layer=layer, rules=Rules(who="anyone"))["verdict"].tolist() == ["unknown", "short"]


@pytest.mark.parametrize("likely", [0.6, 0.8])
def test_a_stay_within_the_error_of_the_border_neither_passes_nor_fails(likely):
    result = judge(presence("08:30", "08:50"), presence("14:00", "14:05", likely=likely))
    assert result["verdict"].tolist() == ["unknown"]
    assert "网格边界附近" in result["reason_zh"].iloc[0]


def test_only_the_leader_counts_where_the_rule_says_so():
    rules = Rules(who="leader")
    layer = cells("A", leader=["S1"])
    rows = [
        presence("08:30", "08:50"),
        presence("08:35", "08:45", device="D2", officer="S2"),
        presence("15:00", "15:20"),
    ]
    result = judge(*rows, rules=rules, layer=layer)
    assert result["verdict"].tolist() == ["met"]
    assert judge(rows[0], rows[1], rules=rules, layer=layer)["visits"].tolist() == [1]
    with pytest.raises(ColumnError, match="no column 'leader'"):
        judge(*rows, rules=rules)


def test_where_only_the_leader_counts_no_doubt_about_others_keeps_a_grid_open():
    layer = cells("A", leader=["S1"])
    others = [
        presence("08:30", "08:50"),
        presence("14:00", "14:05", likely=0.7, device="D2", officer="S2"),
        presence("16:00", "17:00", kind="unknown", device="D2", officer="S2"),
    ]
    assert judge(*others, layer=layer, rules=Rules(who="anyone"))["verdict"].tolist() == ["unknown"]
    result = judge(*others, layer=layer)
    pd.testing.assert_frame_equal(result, judge(*others, layer=layer, rules=Rules(who="leader")))
    assert result["verdict"].tolist() == ["short"]
    assert result["visits_expected"].tolist() == [1.0]
    mine = judge(others[0], others[2] | {"officer": "S1"}, layer=layer, rules=Rules(who="leader"))
    assert mine["verdict"].tolist() == ["unknown"]
    assert "本网格格长有60分钟无定位数据" in mine["reason_zh"].iloc[0]


def test_a_phone_without_officer_is_not_that_of_a_grid_without_leader():
    dark = presence("14:00", "14:40", cell="B", kind="unknown", officer=None)
    result = judge(presence("08:30", "08:50", officer=None), dark, layer=cells("A", leader=[None]))
    assert result["verdict"].tolist() == ["short"]


def test_the_doubt_that_leaves_a_verdict_open_is_told_and_no_other():
    edge, dark = presence("14:00", "14:05", likely=0.7), presence("11:00", "11:00:30", kind="unknown")
    words = judge(presence("08:30", "08:50"), edge, dark)["reason_zh"].iloc[0]
    assert "网格边界附近，是否构成巡查无法确认" in words
    assert "无定位数据" not in words
    # Two visits are missing: one may lie in the gap, one at the border.
    both = judge(edge, presence("11:00", "11:20", kind="unknown"))
    assert both["verdict"].tolist() == ["unknown"]
    assert "有20分钟无定位数据" in both["reason_zh"].iloc[0]
    assert "网格边界附近，是否构成巡查无法确认" in both["reason_zh"].iloc[0]


def test_the_reason_is_told_in_both_languages():
    result = judge(presence("08:30", "08:50"), presence("14:00", "14:00:20"), presence("16:00", "16:10", speed=9.0))
    assert result["reason_zh"].iloc[0] == (
        "认定巡查1次（08:30–08:50），未达到每日2次的要求；"
        "未计入：14:00–14:00停留20秒，停留时间不足；16:00–16:10停留600秒，速度过快，属驾车通过。"
    )
    assert result["reason_en"].iloc[0] == (
        "1 of 2 visits counted (08:30–08:50); "
        "not counted: 14:00–14:00 20 s, stay too short; 16:00–16:10 600 s, too fast, driven through."
    )
    assert all(zh and en for zh, en in [*REASONS.values(), *VERDICTS.values()])


def test_a_day_may_be_text_and_must_be_a_day():
    found = visits(table(presence("08:30", "08:50")))
    assert verify(found, cells("A"), day="2026-11-23")["visits"].tolist() == [1]
    assert verify(found, cells("A"), day="2026-11-24")["verdict"].tolist() == ["not_visited"]
    with pytest.raises(InputError, match="'23/11/2026' is not a day"):
        verify(found, cells("A"), day="23/11/2026")


def test_missing_columns_are_named():
    with pytest.raises(ColumnError, match="no column likely_s"):
        visits(table(presence("08:30", "08:50")).drop(columns="likely_s"))
    with pytest.raises(ColumnError, match="no column 'code'"):
        verify(visits(table(presence("08:30", "08:50"))), cells("A").drop(columns="code"), day=DAY)


def test_inputs_stay_as_they_are():
    found = table(presence("08:30", "08:50"), presence("15:00", "15:20"))
    before = found.copy()
    counted = visits(found)
    counted_before, layer = counted.copy(), cells("A")
    verify(counted, layer, presences=found, day=DAY)
    pd.testing.assert_frame_equal(found, before)
    pd.testing.assert_frame_equal(counted, counted_before)
    assert "verdict" not in layer


def test_a_phone_that_fell_silent_on_its_round_may_have_stayed_and_leaves_the_next_round_in_doubt():
    silent = presence("09:00", "09:50", kind="unknown")
    rows = [presence("08:40", "09:00"), silent, presence("09:31", "09:45", device="D2", officer="S2")]
    found = visits(table(*rows))
    assert found["reason"].tolist() == ["", "silence"]
    assert found["latest"].tolist() == [at("09:50"), at("09:45")]
    verdict = judge(*rows).iloc[0]
    assert (verdict["verdict"], verdict["visits"]) == ("unknown", 1)
    # Without the gap both count; after the gap and half an hour they count, too.
    assert visits(table(rows[0], rows[2]))["counted"].all()
    later = presence("10:21", "10:40", device="D2", officer="S2")
    assert visits(table(rows[0], silent, later))["counted"].all()
    # A phone with a gap before its round may have been there earlier.
    first = presence("07:00", "07:55", device="D2", officer="S2")
    before = presence("08:10", "08:40", kind="unknown")
    found = visits(table(first, before, rows[0])).set_index("device")
    assert found["reason"].to_dict() == {"D2": "", "D1": "silence"}
    assert found.loc["D1", "earliest"] == at("08:10")


def test_time_at_the_border_may_belong_to_the_stay():
    """Two rounds 31 minutes apart according to the path; but at the border the phone may have been inside two minutes longer."""
    rows = [presence("08:30", "08:50"), presence("09:21", "09:40")]
    assert visits(table(*rows))["counted"].all()
    for likely, counted in ((0.5, [True, False]), (0.01, [True, True])):
        border = presence("08:50", "08:52", kind="near") | {"likely_s": 120 * likely}
        found = visits(table(*rows, border))
        found = found[found["stay_s"] > 0]
        assert found["counted"].tolist() == counted
    assert found["latest"].iloc[0] == at("08:50")


def test_a_short_walk_elsewhere_does_not_make_two_visits_of_a_long_stay():
    """S1 is there all day except for twenty minutes, S2 visits in the morning: a second visit of S1 cannot be proven."""
    morning = presence("08:10", "09:20", device="D2", officer="S2")
    stay, again = presence("08:00", "15:30"), presence("15:50", "17:50")
    found = visits(table(morning, stay, again))
    assert found.set_index("start")["reason"].to_dict() == {
        at("08:10"): "",
        at("08:00"): "same_time",
        at("15:50"): "silence",
    }
    assert judge(morning, stay, again)["verdict"].tolist() == ["unknown"]
    # Away for longer than required between rounds, it is another visit.
    assert judge(morning, presence("08:00", "15:00"), again)["verdict"].tolist() == ["met"]


def test_only_time_inside_is_time_present_and_a_moment_of_the_day_stands_for_it():
    rows = [presence("08:30", "08:50"), presence("09:00", "09:10", kind="near")]
    for day in (DAY, dt.datetime(2026, 11, 23, 18), "2026-11-23"):
        found = judge(*rows, day=day)
        assert found["present_s"].tolist() == [1200.0]
        assert found["day"].tolist() == [DAY]
        assert not isinstance(found["day"].iloc[0], dt.datetime)
        assert found["visits"].tolist() == [1]


def test_a_little_doubt_at_the_border_does_not_mean_that_the_officer_left():
    """An hour at the border, of which a tenth is expected outside: from 0.15 a quarter of that share is the
    probability that it was two visits."""
    rows = [presence("08:30", "09:30", likely=0.9) | {"spread_s2": 100.0}]
    assert judge(*rows)["probability"].tolist() == [0.0]
    for likely, stated in ((0.86, 0.0), (0.84, 0.04), (0.8, 0.05)):
        rows = [presence("08:30", "09:30", likely=likely) | {"spread_s2": 100.0}]
        assert judge(*rows)["probability"].iloc[0] == pytest.approx(stated, abs=1e-6)


def test_a_false_absence_does_not_make_a_second_visit_of_a_day_in_the_cell():
    """Never gone for half an hour: with errors, the absence of 14 minutes may be one of them."""
    times = [("08:00", "09:34"), ("09:48", "14:05"), ("14:11", "17:00")]
    exact = visits(table(*(presence(*pair) for pair in times)))
    assert exact["reason"].tolist() == ["", "too_soon", ""]
    errors = visits(table(*(presence(*pair, sure=0.9) | {"spread_s2": 50.0} for pair in times)))
    assert errors["reason"].tolist() == ["", "too_soon", "silence"]
