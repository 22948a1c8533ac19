"""The due list, the feasibility of a roster, and coverage inside cells: distances, limits and order by hand."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.patrols import Rules, blind_spots, by_group, due, feasible, seen, visits
from geo.patrols.verdicts import _intervals

DAY = dt.date(2026, 11, 23)
X0, Y0 = 387000.0, 3553000.0
#: Seconds of walking for each metre of straight distance.
S_PER_M = 1.3 / 1.2


def at(clock):
    return pd.Timestamp(f"{DAY} {clock}", tz="Asia/Shanghai").tz_convert("UTC").as_unit("us")


def cells(*codes, leader="S1"):
    boxes = [shapely.box(X0 + 300 * k, Y0, X0 + 300 * k + 300, Y0 + 300) for k in range(len(codes))]
    return gpd.GeoDataFrame({"code": list(codes), "leader": leader}, geometry=boxes, crs=4549)


def track(t_s, x_m, *, y_m=150.0):
    """Fixes of one device; seconds after 9 o'clock, metres from the corner of the cells."""
    n = len(t_s)
    points = gpd.GeoSeries(shapely.points(X0 + np.asarray(x_m, float), np.full(n, Y0 + y_m)), crs=4549).to_crs(4326)
    time = (at("09:00") + pd.to_timedelta(np.asarray(t_s, float), unit="s")).as_unit("us")
    return gpd.GeoDataFrame(
        {"device": "D1", "officer": "S1", "time": time, "accuracy_m": 5.0}, geometry=points.array, crs=4326
    )


def stays(*spans, cell="A"):
    rows = [
        {
            "device": "D1",
            "officer": "S1",
            "cell": cell,
            "start": at(start),
            "end": at(end),
            "duration_s": (at(end) - at(start)).total_seconds(),
            "fixes": int((at(end) - at(start)).total_seconds() / 10),
            "kind": "inside",
            "day": DAY,
            "likely_s": (at(end) - at(start)).total_seconds(),
            "spread_s2": 0.0,
            "sure_s": 0.0,
            "length_m": 100.0,
        }
        for start, end in spans
    ]
    return visits(pd.DataFrame(rows), rules=Rules())


@pytest.fixture(scope="module")
def still():
    """An hour in the middle of A, until 10 o'clock; 150 m from B."""
    return track(np.arange(0, 3601, 60.0), np.full(61, 150.0))


@pytest.fixture(scope="module")
def round_in_a():
    return stays(("08:30", "08:50"))


def test_the_walk_to_a_cell_is_longer_than_the_straight_line_and_shortens_the_slack(still, round_in_a):
    table = due(round_in_a[:0], still, cells("A", "B"), now=at("10:00")).set_index("code")
    assert table["distance_m"].to_dict() == pytest.approx({"A": 0.0, "B": 150.0}, abs=0.1)
    needs = 2 * 60.0 + 1800.0
    assert table["slack_s"].to_dict() == pytest.approx(
        {"A": 12 * 3600 - needs, "B": 12 * 3600 - needs - 150 * S_PER_M}, abs=0.2
    )


def test_the_least_slack_comes_first_although_another_cell_is_nearer(still, round_in_a):
    table = due(round_in_a, still, cells("A", "B"), now=at("10:00"))
    assert table["code"].tolist() == ["B", "A"]
    assert table["missing"].tolist() == [2, 1]


def test_after_duty_no_time_is_left(still, round_in_a):
    table = due(round_in_a[:0], still, cells("A"), now=at("22:30"))
    assert table["time_left_s"].tolist() == [0.0]
    assert table["slack_s"].tolist() == [-(2 * 60.0 + 1800.0)]
    assert table["possible"].tolist() == [False]


@pytest.mark.parametrize(("now", "known"), [("10:05:00", True), ("10:05:00.000001", False)])
def test_a_fix_places_its_device_until_the_longest_gap_has_passed(still, round_in_a, now, known):
    table = due(round_in_a[:0], still, cells("A"), now=at(now))
    assert np.isfinite(table["distance_m"]).tolist() == [known]


def test_hours_beyond_duty_are_not_available_and_a_visit_lasts_at_least_the_shortest_stay():
    roster, base = pd.DataFrame({"officer": ["S1"], "hours": [20.0]}), cells("A").geometry.centroid
    found = feasible(cells("A"), roster, bases=base, stay_s=1.0)
    assert found.available_s == 16 * 3600.0
    assert found.needed_s == 2 * 60.0


def test_cells_far_from_everybody_are_assigned_first():
    """O1 has time for the far cell or for the near one, O2 for the near one only."""
    layer = cells(*"ABCDE").iloc[[0, 4]]
    bases = gpd.GeoSeries(shapely.points([X0 + 150, X0 - 100], Y0 + 150), crs=4549)
    far_s = 900 + 2 * 1050 * S_PER_M
    roster = pd.DataFrame({"officer": ["O1", "O2"], "hours": [(far_s + 1) / 3600, 1200 / 3600]})
    found = feasible(layer, roster, bases=bases, stay_s=900, rules=Rules(visits_per_day=1))
    assert found.cells["officer"].tolist() == ["O2", "O1"]
    assert found.possible


def test_a_fix_at_midnight_belongs_to_the_next_day():
    over = track([53_990, 54_000], [150, 350])
    for day in (DAY, DAY + dt.timedelta(days=1)):
        table = seen(over, cells("A", "B"), day=day)
        assert table["time_s"].tolist() == [0.0, 0.0]
        assert not table["seen"].any()


def test_time_inside_is_also_given_for_a_hectare():
    table = seen(track(np.arange(0, 601, 10.0), np.full(61, 150.0)), cells("A"), day=DAY)
    assert table["time_s"].tolist() == [600.0]
    assert table["time_s_per_ha"].tolist() == pytest.approx([600.0 / 9])


def test_pieces_of_roads_are_in_the_cell_of_their_middle():
    road = gpd.GeoDataFrame(geometry=[shapely.LineString([(X0 + 291, Y0 + 9), (X0 + 303, Y0 + 9)])], crs=4549)
    table = seen(track([0, 10], [150, 160]), cells("A", "B"), day=DAY, roads=road)
    # Three pieces of 4 m, whose middles are 7 and 3 m in the west and 1 m in the east of the border.
    assert table["road_m"].tolist() == pytest.approx([8.0, 4.0])


def test_blind_spots_of_a_day_do_not_know_the_days_after_it():
    days = [DAY, DAY + dt.timedelta(days=1)]
    table = pd.DataFrame({"code": ["A", "A"], "day": days, "seen": [False, True]})
    assert blind_spots(table, day=DAY, days=1).to_dict("list") == {
        "code": ["A"],
        "last_seen": [None],
        "days_unseen": [1],
    }
    assert blind_spots(table, day=days[1], days=1).empty


def test_coverage_of_groups_is_weighted_by_the_area_of_their_own_cells():
    layer = cells("A", "B", "C").assign(parent=["P", "P", "Q"])
    whole = 90_000.0
    table = pd.DataFrame(
        {
            "code": ["A", "B", "C"],
            "day": DAY,
            "seen": [True, False, True],
            "swept_m2": [0.5 * whole, 0.1 * whole, 0.2 * whole],
            "road_m": [10.0, 30.0, 0.0],
            "road_seen_m": [10.0, 0.0, 0.0],
        }
    )
    found = by_group(table, layer)
    assert found["parent"].tolist() == ["P", "Q"]
    assert found[["cells", "seen"]].to_numpy().tolist() == [[2, 1], [1, 1]]
    assert found["swept_share"].tolist() == pytest.approx([0.3, 0.2])
    assert found["road_seen_share"].tolist() == pytest.approx([0.25, np.nan], nan_ok=True)


def test_a_silence_near_two_cells_counts_once_for_the_interval_of_fixes():
    inside = {"device": "D1", "officer": "S1", "start": at("09:00"), "duration_s": 600.0, "fixes": 60, "kind": "inside"}
    silent = inside | {"start": at("09:10"), "fixes": 0, "kind": "unknown"}
    rows = pd.DataFrame([inside | {"cell": "A"}, silent | {"cell": "A"}, silent | {"cell": "B"}]).assign(day=DAY)
    assert _intervals(rows, DAY) == {"S1": 20.0}
