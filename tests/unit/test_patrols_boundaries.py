"""Boundaries of rules, times and states: values exactly on a limit, and just below or above it."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import CRS

from geo.days import local_days, micro_at, moment_at
from geo.errors import InputError
from geo.patrols import Rules, clean, due, evidence, open_verdicts, presences, restate, verify, visits
from geo.patrols.stays.day_visits import DayVisits
from geo.patrols.verdicts import _left_unobserved
from geo.tracks.limits import DEFAULT_LIMITS
from geo.tracks.trajectory import RADIUS_PER_SIGMA, raw_path

DAY = dt.date(2026, 11, 23)
X0, Y0 = 387000.0, 3553000.0


def at(clock):
    return pd.Timestamp(f"{DAY} {clock}", tz="Asia/Shanghai").tz_convert("UTC").as_unit("us")


def row(start, end, *, cell="A", device="D1", officer="S1", kind="inside"):
    lasts = (at(end) - at(start)).total_seconds()
    inside = float(kind == "inside")
    return {
        "device": device,
        "officer": officer,
        "cell": cell,
        "start": at(start),
        "end": at(end),
        "duration_s": lasts,
        "fixes": int(lasts / 10 * inside),
        "kind": kind,
        "day": DAY,
        "likely_s": lasts * inside,
        "spread_s2": 0.0,
        "sure_s": 0.0,
        "length_m": lasts * inside,
    }


def made(*rows, rules=None):
    return visits(pd.DataFrame(list(rows)), rules=rules or Rules())


def cells(*codes, leader="S1"):
    boxes = [shapely.box(X0 + 300 * k, Y0, X0 + 300 * k + 300, Y0 + 300) for k in range(len(codes))]
    return gpd.GeoDataFrame({"code": list(codes), "leader": leader}, geometry=boxes, crs=4549)


def track(t_s, x_m, *, y_m=150.0, device="D1", accuracy_m=5.0):
    """Fixes of one device; seconds after 9 o'clock, metres from the corner of the cells."""
    n = len(t_s)
    points = gpd.GeoSeries(shapely.points(X0 + np.asarray(x_m, float), np.full(n, Y0 + y_m)), crs=4549).to_crs(4326)
    return gpd.GeoDataFrame(
        {
            "device": device,
            "officer": "S1",
            "time": (at("09:00") + pd.to_timedelta(np.asarray(t_s, float), unit="s")).as_unit("us"),
            "accuracy_m": accuracy_m,
            "source": "a.csv",
            "row": np.arange(n),
        },
        geometry=points.array,
        crs=4326,
    )


def test_a_gap_of_exactly_the_merge_gap_is_one_visit():
    assert len(made(row("08:30:00", "08:40:00"), row("08:45:00", "08:50:00"))) == 1
    assert len(made(row("08:30:00", "08:40:00"), row("08:45:01", "08:50:00"))) == 2


def test_visits_exactly_half_an_hour_apart_both_count():
    assert made(row("08:30:00", "08:40:00"), row("09:10:00", "09:20:00"))["counted"].tolist() == [True, True]
    late = made(row("08:30:00", "08:40:00"), row("09:09:59", "09:20:00"))
    assert late["reason"].tolist() == ["", "too_soon"]


@pytest.mark.parametrize(("start", "reason"), [("05:50:00", ""), ("05:49:59", "off_hours")])
def test_a_stay_of_exactly_the_shortest_in_hours_of_duty_counts(start, reason):
    end = (at("06:01:00") - (at("05:50:00") - at(start))).tz_convert("Asia/Shanghai").strftime("%H:%M:%S")
    assert made(row(start, end))["reason"].tolist() == [reason]


@pytest.mark.parametrize(("end", "reason"), [("08:31:00", ""), ("08:30:59", "too_short")])
def test_a_stay_of_exactly_the_shortest_counts(end, reason):
    assert made(row("08:30:00", end))["reason"].tolist() == [reason]


def test_a_clock_that_is_set_for_good_is_no_outlier():
    t = np.r_[np.arange(0, 300, 10.0), 7200 + np.arange(300, 600, 10.0)]
    assert "clock" not in set(clean(track(t, np.full(60, 150.0)))["mark"])
    once = np.arange(0, 600, 10.0)
    once[30] += 7200
    marks = clean(track(once, np.full(60, 150.0)))["mark"].tolist()
    assert marks[30] == "clock"
    assert marks.count("clock") == 1


@pytest.mark.parametrize(("stated", "used"), [(0.0, 3.0), (2.9, 3.0), (3.0, 3.0), (3.1, 3.1), (np.nan, 15.0)])
def test_an_accuracy_below_three_metres_is_taken_for_three(stated, used):
    path, _ = raw_path(track([0, 10], [0, 10], accuracy_m=stated), CRS.from_epsg(4549), DEFAULT_LIMITS)
    assert path.sigma.tolist() == pytest.approx([used / RADIUS_PER_SIGMA] * 2)


def test_a_due_list_counts_a_visit_that_ends_now_and_says_what_the_rest_needs():
    stays = made(row("08:30", "08:50"), row("09:40", "10:00"))
    still = track(np.arange(0, 3601, 60.0), np.full(61, 150.0))
    now = at("10:00")
    assert due(stays, still, cells("A"), now=now).empty
    before = due(stays, still, cells("A"), now=now - pd.Timedelta(1, "us"))
    assert before["missing"].tolist() == [1]
    # The first ended at 08:50, so the next may begin at 09:20: no wait, one stay of a minute.
    assert before["needs_s"].tolist() == [60.0]
    none = due(stays[:0], still, cells("A"), now=at("05:00"))
    # An hour until duty begins, two stays of a minute, half an hour between them.
    assert none["needs_s"].tolist() == [3600.0 + 120.0 + 1800.0]
    assert none["time_left_s"].tolist() == [17 * 3600.0]
    waits = due(made(row("08:30", "08:50")), still, cells("A"), now=at("09:00"))
    assert waits["needs_s"].tolist() == [1200.0 + 60.0]


def _verdicts(*stays):
    return verify(made(*stays), cells("A"), day=DAY)


@pytest.mark.parametrize(
    ("chances", "verdict"),
    [((1.0, 0.971), "met"), ((1.0, 0.969), "unknown"), ((0.986, 0.986), "met"), ((0.984, 0.984), "unknown")],
)
def test_counted_visits_are_enough_only_if_they_are_certain_together(chances, verdict):
    stays = made(row("08:30", "08:50"), row("09:40", "10:00")).assign(own_probability=chances)
    result = verify(stays, cells("A"), day=DAY).iloc[0]
    assert (result["visits"], result["verdict"]) == (2, verdict)
    if verdict == "unknown":
        assert result["probability"] == pytest.approx(np.prod(chances), abs=1e-6)
        assert "all together are not" in result["reason_en"]
        # The one that is not certain is named.
        named = [clock for clock in ("08:30–08:50", "09:40–10:00") if clock in result["settle_en"]]
        assert len(named) == sum(chance < 0.995 for chance in chances)
        assert "a look at the road along the border" in result["settle_en"]


def test_a_third_visit_makes_up_for_the_doubt_about_two():
    stays = made(row("08:30", "08:50"), row("09:40", "10:00"), row("11:00", "11:20"))
    assert verify(stays.assign(own_probability=0.96), cells("A"), day=DAY)["verdict"].tolist() == ["met"]
    assert verify(stays[:2].assign(own_probability=0.96), cells("A"), day=DAY)["verdict"].tolist() == ["unknown"]


def test_a_stay_of_another_officer_on_the_same_device_is_another_stay():
    one, two = row("08:30", "08:50"), row("08:31", "08:50", officer="S2")
    texts = []
    for after in (one | {"start": at("08:31")}, two):
        table = restate(_verdicts(one), _verdicts(after), visits_before=made(one), visits_after=made(after), why="late")
        texts.append(table["difference_en"].iloc[0])
    assert texts[0] == "no difference"
    assert "1 stays came" in texts[1]
    assert "1 stays went" in texts[1]
    # Of the same device and officer, but hours later: another stay.
    other = row("14:00", "14:20")
    table = restate(_verdicts(one), _verdicts(other), visits_before=made(one), visits_after=made(other), why="late")
    assert "1 stays came" in table["difference_en"].iloc[0]
    assert "1 stays went" in table["difference_en"].iloc[0]


def test_a_version_holds_from_its_first_day_on():
    old, new = Rules(version="1"), Rules(version="2", holds_from=dt.date(2026, 3, 1), earlier=(Rules(version="1"),))
    assert new.on(dt.date(2026, 3, 1)).version == "2"
    assert new.on(dt.date(2026, 2, 28)).version == old.version
    alone = Rules(holds_from=dt.date(2026, 3, 1))
    assert alone.on(dt.date(2026, 3, 1)) is alone
    with pytest.raises(InputError, match="not yet on 2026-02-28"):
        alone.on(dt.date(2026, 2, 28))


def test_a_silence_concerns_the_cells_at_either_end_of_it():
    t, x = [0, 10, 20, 1000, 1010, 1020], [450, 450, 450, 1050, 1050, 1050]
    found = presences(track(t, x), cells("A", "B", "C", "D"), rules=Rules(reach_m=100.0))
    silent = found[found["kind"] == "unknown"]
    assert silent["cell"].tolist() == ["B", "D"]
    assert silent["length_m"].tolist() == pytest.approx([600.0, 600.0], abs=0.5)
    assert silent["duration_s"].tolist() == [980.0, 980.0]


@pytest.mark.parametrize(("dark_s", "verdict"), [(59, "short"), (60, "unknown")])
def test_too_little_seen_of_a_cell_is_open_only_if_a_silence_may_hold_it(dark_s, verdict):
    rules = Rules(seen_cells_share=0.5, who="anyone")
    end = (at("12:00") + pd.Timedelta(dark_s, "s")).tz_convert("Asia/Shanghai").strftime("%H:%M:%S")
    rows = pd.DataFrame([row("08:30", "08:50"), row("15:00", "15:20"), row("12:00:00", end, kind="unknown")])
    looked = pd.DataFrame({"parent": ["A"], "period": [DAY], "cells": [10], "seen": [4], "road_seen_share": [1.0]})
    stays = visits(rows, rules=rules)

    def judged(table):
        return verify(stays, cells("A"), presences=rows, coverage=table, rules=rules, day=DAY)

    assert judged(looked)["verdict"].tolist() == [verdict]
    assert judged(looked.assign(seen=5))["verdict"].tolist() == ["met"]


def test_evidence_is_another_with_other_rules():
    rows = pd.DataFrame([row("08:30", "08:50"), row("15:00", "15:20")])
    stays = visits(rows)
    given = {
        "day": DAY,
        "tracks": clean(track([0, 10], [150, 151])),
        "presences": rows,
        "visits": stays,
        "verdicts": verify(stays, cells("A"), presences=rows, day=DAY),
        "cells": cells("A"),
    }
    one, other = (evidence("A", rules=rules, **given) for rules in (Rules(), Rules(reach_m=151.0)))
    assert one["sha256"] != other["sha256"]
    assert {key for key in one if one[key] != other[key]} == {"sha256", "rules"}
    assert one["rules"]["reach_m"] == 150.0


def test_the_local_day_begins_at_midnight_and_skipped_times_move_forward():
    midnight = micro_at(np.array(["2026-11-23"], "datetime64[D]"), dt.time(0), "Asia/Shanghai")
    days = local_days(np.r_[midnight - 1, midnight], "Asia/Shanghai")
    assert days.astype(str).tolist() == ["2026-11-22", "2026-11-23"]
    assert moment_at(dt.date(2026, 3, 29), dt.time(2, 30), "Europe/Berlin") == pd.Timestamp("2026-03-29T01:00Z")
    assert moment_at(dt.date(2026, 10, 25), dt.time(2, 30), "Europe/Berlin") == pd.Timestamp("2026-10-25T00:30Z")


def test_open_verdicts_come_with_the_likeliest_first():
    table = pd.DataFrame(
        {
            "code": list("ABCDE"),
            "day": [DAY, DAY, DAY, DAY, DAY + dt.timedelta(days=1)],
            "verdict": ["unknown", "met", "unknown", "unknown", "unknown"],
            "probability": [0.2, 1, 0.9, 0.2, 0.95],
        }
    )
    assert open_verdicts(table)["code"].tolist() == ["C", "A", "D", "E"]


@pytest.mark.parametrize(
    ("first", "outside_s", "several"),
    [("08:30:00", 600.0, 0.4), ("08:30:00", 599.0, 0.0), (None, 1200.0, 0.4), (None, 1199.0, 0.0)],
)
def test_a_long_stay_after_a_visit_needs_one_absence_to_have_been_another_and_alone_two(first, outside_s, several):
    """Three hours at the border, ten minutes after a visit, or without one; a hidden absence takes ten minutes."""
    rows = [row("09:00", "12:00"), *([] if first is None else [row(first, "08:50:00")])]
    stays = made(*rows)
    late = stays["start"] == at("09:00")
    assert stays.loc[late, "reason"].tolist() == ["" if first is None else "too_soon"]
    stays.loc[late, "likely_s"] = 3 * 3600.0 - outside_s
    stays.loc[late, "absence_s"] = 225.0
    assert _left_unobserved(DayVisits.of(stays, Rules()), [], Rules()) == several
    # Three quarters of the absence that ends a stay must have been seen.
    stays.loc[late, "absence_s"] = 224.9
    assert _left_unobserved(DayVisits.of(stays, Rules()), [], Rules()) == 0.0
