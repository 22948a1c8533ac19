"""Presences on simple cells, with times that can be computed by hand."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Transformer

from geo.errors import CrsError, GeometryError
from geo.locate import GridIndex
from geo.patrols import Rules, presences, presences_of_each, visits
from geo.patrols.columns import PRESENCE_COLUMNS
from geo.tracks.trajectory import path_of

X0, Y0 = 387_000.0, 3_553_000.0
TO_DEGREES = Transformer.from_crs(4549, 4326, always_xy=True)
RULES = Rules(default_accuracy_m=3.0)


def cells():
    """Three squares of 200 m in a row: A, B, C from west to east."""
    boxes = [shapely.box(X0 + 200 * i, Y0, X0 + 200 * (i + 1), Y0 + 200) for i in range(3)]
    return gpd.GeoDataFrame({"code": ["A", "B", "C"]}, geometry=boxes, crs=4549, index=[5, 6, 7])


def track(t_s, x_m, y_m=100.0, *, start="2026-11-23T01:00:00Z", device="D1", officer="S1"):
    """Fixes at `t_s` seconds after `start`, `x_m` east and `y_m` north of the corner of A."""
    t, x = np.asarray(t_s, dtype=float), np.asarray(x_m, dtype=float)
    lon, lat = TO_DEGREES.transform(X0 + x, Y0 + np.broadcast_to(np.asarray(y_m, dtype=float), x.shape))
    time = pd.Timestamp(start).as_unit("us") + pd.to_timedelta(t, unit="s").as_unit("us")
    return gpd.GeoDataFrame(
        {"device": device, "officer": officer, "time": time}, geometry=shapely.points(lon, lat), crs=4326
    )


def seconds(table, start="2026-11-23T01:00:00Z"):
    zero = pd.Timestamp(start)
    return [
        (row.cell, round((row.start - zero).total_seconds(), 2), round((row.end - zero).total_seconds(), 2))
        for row in table.itertuples()
    ]


def test_a_walk_through_three_cells_is_cut_at_the_borders():
    # 1 m/s from 50 m west of A to 50 m east of C; borders at 50, 250, 450 and 650 s, none of them at a fix.
    t = np.arange(0, 701, 20.0) + 7
    table = presences(track(t, t - 50), cells(), rules=RULES)
    assert seconds(table) == [("A", 50, 250), ("B", 250, 450), ("C", 450, 650)]
    assert table.columns.tolist() == list(PRESENCE_COLUMNS)
    assert set(table["kind"]) == {"inside"}
    assert table["duration_s"].tolist() == pytest.approx([200, 200, 200], abs=0.01)
    assert table["length_m"].tolist() == pytest.approx([200, 200, 200], abs=0.5)
    assert table["fixes"].tolist() == [10, 10, 10]


def test_two_layers_at_once_give_what_each_gives_alone():
    t = np.arange(0, 701, 20.0) + 7
    shifted = cells().set_geometry(cells().translate(30.0, 0.0))
    walk = pd.concat([track(t, t - 50), track(t, 650 - t, 90.0, device="D2", officer="S2")], ignore_index=True)
    one, other = presences_of_each(walk, [cells(), shifted], rules=RULES)
    pd.testing.assert_frame_equal(one, presences(walk, cells(), rules=RULES))
    pd.testing.assert_frame_equal(other, presences(walk, shifted, rules=RULES))
    assert seconds(one) != seconds(other)
    with pytest.raises(CrsError):
        presences_of_each(walk, [cells(), cells().to_crs(4548)], rules=RULES)


def test_sampling_does_not_change_the_times_on_a_straight_path():
    fine, coarse = np.arange(0, 601, 10.0), np.arange(0, 601, 300.0)
    tables = [presences(track(t, t), cells(), rules=RULES) for t in (fine, coarse)]
    found = [table.loc[table["kind"] == "inside", "duration_s"].to_numpy() for table in tables]
    np.testing.assert_allclose(found[0], found[1], atol=0.05)


def test_pieces_abut_to_the_microsecond():
    t = np.arange(0, 601, 13.0)
    table = presences(track(t, t, y_m=100 + 30 * np.sin(t)), cells(), rules=RULES)
    assert (table["start"].to_numpy()[1:] == table["end"].to_numpy()[:-1]).all()


def test_a_stay_still_open_at_the_end_is_kept():
    t = np.arange(0, 301, 10.0)
    table = presences(track(t, np.minimum(t, 100)), cells(), rules=RULES)
    assert seconds(table) == [("A", 0, 300)]


def test_a_stay_over_midnight_is_cut_at_local_midnight():
    # Local midnight is 16:00 UTC; ten minutes before it to twenty after.
    start = "2026-11-23T15:50:00Z"
    t = np.arange(0, 1801, 10.0)
    table = presences(track(t, 100 + 80 * np.sin(t / 60), start=start), cells(), rules=RULES)
    assert [str(day) for day in table["day"]] == ["2026-11-23", "2026-11-24"]
    assert seconds(table, start) == [("A", 0, 600), ("A", 600, 1800)]
    assert table["fixes"].sum() == 181


def test_a_stay_that_ends_at_midnight_has_no_next_day():
    start = "2026-11-23T15:50:00Z"
    t = np.arange(0, 601, 10.0)
    table = presences(track(t, 100 + 80 * np.sin(t / 60), start=start), cells(), rules=RULES)
    assert [str(day) for day in table["day"]] == ["2026-11-23"]


def test_a_fix_at_midnight_after_silence_belongs_to_the_new_day():
    table = presences(track([0.0], [100.0], start="2026-11-23T16:00:00Z"), cells(), rules=RULES)
    assert [str(day) for day in table["day"]] == ["2026-11-24"]
    assert table["fixes"].tolist() == [1]


def test_silence_is_unknown_and_not_presence():
    t = np.r_[np.arange(0, 101, 10.0), np.arange(1000, 1101, 10.0)]
    table = presences(track(t, np.where(t < 500, t, t - 950)), cells(), rules=RULES)
    inside, unknown = table[table["kind"] == "inside"], table[table["kind"] == "unknown"]
    assert seconds(inside) == [("A", 0, 100), ("A", 1000, 1100)]
    assert inside["duration_s"].sum() == pytest.approx(200)
    # The gap concerns A, where the device was, and B, which is within 150 m; C is farther.
    assert seconds(unknown) == [("A", 100, 1000), ("B", 100, 1000)]


def test_a_gap_of_the_limit_is_bridged_and_a_longer_one_is_not():
    for gap, kinds in ((300.0, {"inside"}), (301.0, {"inside", "unknown"})):
        table = presences(track([0, 10, 10 + gap, 20 + gap], [50, 60, 70, 80]), cells(), rules=RULES)
        assert set(table["kind"]) - {"near"} == kinds


def test_a_step_faster_than_anything_moves_is_silence():
    table = presences(track([0, 10, 20, 30], [50, 60, 560, 570]), cells(), rules=Rules(max_speed_m_s=20))
    assert seconds(table[table["kind"] == "inside"]) == [("A", 0, 10), ("C", 20, 30)]


def test_outside_all_cells_is_no_presence():
    t = np.arange(0, 101, 10.0)
    assert presences(track(t, t, y_m=500), cells(), rules=RULES).empty


def test_a_phone_on_a_desk_by_the_border_does_not_visit_the_neighbour():
    rng = np.random.default_rng(2)
    noise = np.zeros(2000)
    for i in range(1, len(noise)):  # A drift of 12 m that lasts a minute or longer.
        noise[i] = 0.87 * noise[i - 1] + rng.normal(0, 12 * np.sqrt(1 - 0.87**2))
    t = np.arange(2000) * 10.0
    table = presences(track(t, 195 + noise), cells(), rules=Rules())
    assert set(table["cell"]) == {"A"}
    assert (195 + noise > 200).mean() > 0.2  # a fifth of the fixes are over the border


def test_time_to_be_expected_is_shared_at_a_border_and_whole_in_the_middle():
    # Along the border at 3 m: inside B all the time, but within the error of 15 m; in the middle: certainly inside.
    t = np.arange(0, 601, 10.0)
    y = 20 + t / 4
    rules = Rules(default_accuracy_m=15.0)
    near = presences(track(t, np.full(61, 203.0), y_m=y), cells(), rules=rules)
    middle = presences(track(t, np.full(61, 300.0), y_m=y), cells(), rules=rules)
    both = near.groupby(["cell", "kind"])[["duration_s", "likely_s"]].sum()
    assert both.loc[("B", "inside"), "duration_s"] == 600
    # 3 m inside with a standard deviation of 15 m / 1.51: 62 % in B.
    assert both.loc[("B", "inside"), "likely_s"] == pytest.approx(0.62 * 600, abs=30)
    assert both.loc[("A", "near"), "likely_s"] == pytest.approx(0.38 * 600, abs=30)
    assert near["spread_s2"].min() > 100**2
    assert middle["likely_s"].sum() == pytest.approx(600, abs=1)
    assert middle["spread_s2"].sum() < 100**2
    # Its first seconds are within three standard deviations of the southern border.
    assert middle["sure_s"].sum() == pytest.approx(570, abs=1)
    assert near["sure_s"].sum() == 0


def test_who_is_silent_at_midnight_has_ended_his_path():
    # From three in the afternoon, local time, to five to twelve at night; then five past twelve, and 36 years later.
    midnight = pd.Timestamp("2026-11-23T16:00:00Z")
    last = (midnight - pd.Timestamp("2026-11-23T07:00:00Z")).total_seconds()
    t = np.array([0.0, 100.0, last - 300, last + 301, last + 36 * 365 * 86_400.0])
    table = presences(track(t, [50.0, 60.0, 50.0, 60.0, 50.0], start="2026-11-23T07:00:00Z"), cells(), rules=RULES)
    silent = table[(table["kind"] == "unknown") & (table["cell"] == "A")]
    assert silent["duration_s"].tolist() == [pytest.approx(last - 400)]
    assert silent["end"].tolist() == [midnight - pd.Timedelta(300, "s")]


def test_who_crosses_a_border_leaves_seconds_in_doubt_and_who_walks_along_it_minutes():
    rules = Rules(default_accuracy_m=15.0)
    t = np.arange(0, 601, 10.0)
    across = presences(track(t, t * 1.2 - 150), cells(), rules=rules)
    along = presences(track(t, np.full(61, 203.0), y_m=20 + t / 4), cells(), rules=rules)
    b = across[(across["cell"] == "B") & (across["kind"] == "inside")].iloc[0]
    # One error of 10 m at 1.2 m/s moves arrival and departure by 8 s each, in the same direction.
    assert np.sqrt(abs(b["spread_s2"])) < 10 / 1.2
    assert np.sqrt(along.loc[along["kind"] == "inside", "spread_s2"].sum()) > 200
    assert b["sure_s"] > 60


def test_a_cell_between_two_fixes_of_a_ride_was_ridden_through():
    # 600 m in 300 s: faster than walking, so the person rode, and waited at an end, not in the cell between.
    t, x = np.array([0.0, 300.0, 600.0, 900.0]), np.array([50.0, 50.0, 550.0, 550.0])
    table = presences(track(t, x), cells(), rules=RULES)
    between = table[(table["cell"] == "B") & (table["kind"] == "inside")].iloc[0]
    assert between["duration_s"] == pytest.approx(120, abs=1)
    assert between["likely_s"] < 0.15 * between["duration_s"]
    walked = presences(track(t * 2, x), cells(), rules=Rules(default_accuracy_m=3.0, max_gap_s=600))
    between = walked[(walked["cell"] == "B") & (walked["kind"] == "inside")].iloc[0]
    assert between["likely_s"] > 0.2 * between["duration_s"]


@pytest.mark.parametrize(("speed_m_s", "reason"), [(9.0, "vehicle"), (1.2, "")])
def test_a_drive_of_minutes_through_a_large_grid_is_told_from_a_walk(speed_m_s, reason):
    park = gpd.GeoDataFrame({"code": ["P"]}, geometry=[shapely.box(X0, Y0, X0 + 1500, Y0 + 1500)], crs=4549)
    rng = np.random.default_rng(3)
    t = np.arange(0, 1400 / speed_m_s, 10.0)
    table = presences(track(t, 50 + t * speed_m_s + rng.normal(0, 6, len(t)), y_m=700 + rng.normal(0, 6, len(t))), park)
    found = visits(table)
    assert found["reason"].tolist() == [reason]
    assert found["stay_s"].iloc[0] > 120
    assert found["speed_m_s"].iloc[0] == pytest.approx(speed_m_s, rel=0.15)


def test_a_lane_narrower_than_the_error_is_never_sure():
    lane = gpd.GeoDataFrame({"code": ["L"]}, geometry=[shapely.box(X0, Y0, X0 + 20, Y0 + 400)], crs=4549)
    t = np.arange(0, 301, 10.0)
    table = presences(track(t, np.full(31, 10.0), y_m=20 + t), lane, rules=Rules(default_accuracy_m=40.0))
    # 10 m to either side at a standard deviation of 26 m: 30 %.
    assert table["likely_s"].sum() == pytest.approx(0.3 * 300, abs=20)


def test_an_index_serves_as_well_as_the_cells():
    t = np.arange(0, 601, 10.0)
    pd.testing.assert_frame_equal(presences(track(t, t), cells()), presences(track(t, t), GridIndex(cells())))


def test_cells_without_codes_are_named_by_their_label():
    t = np.arange(0, 101, 10.0)
    assert presences(track(t, t), cells().drop(columns="code"))["cell"].tolist() == ["5"]


def test_order_of_rows_does_not_matter_and_the_input_stays():
    t = np.arange(0, 601, 10.0)
    both = pd.concat([track(t, t), track(t, 600 - t, device="D2", officer=None)], ignore_index=True)
    before = both.copy()
    pd.testing.assert_frame_equal(presences(both, cells()), presences(both.sample(frac=1, random_state=4), cells()))
    pd.testing.assert_frame_equal(both, before)


def test_an_empty_track_gives_an_empty_table():
    table = presences(track([], []), cells())
    assert table.empty
    assert table.columns.tolist() == list(PRESENCE_COLUMNS)


def test_what_is_refused():
    t = np.arange(0, 101, 10.0)
    with pytest.raises(CrsError):
        presences(track(t, t), cells().to_crs(4326))
    overlapping = pd.concat([cells(), cells().iloc[[0]].translate(50, 0).to_frame("geometry").assign(code="X")])
    with pytest.raises(GeometryError, match="overlap"):
        presences(track(t, t), overlapping)


def test_standing_still_is_told_from_walking():
    t = np.arange(0, 1800, 10.0)
    rng = np.random.default_rng(1)
    still = path_of(track(t, 100 + rng.normal(0, 8, len(t)), 100 + rng.normal(0, 8, len(t))), cells().crs, RULES)
    walked = path_of(track(t, 100 + 90 * np.sin(t / 100), 100 + 90 * np.cos(t / 100)), cells().crs, RULES)
    assert len(np.unique(np.round(still.x, 3))) == 1
    assert abs(still.x[0] - X0 - 100) < 2
    np.testing.assert_allclose(walked.x - X0, 100 + 90 * np.sin(t / 100), atol=0.01)


def test_a_silence_has_the_distance_between_the_fixes_around_it():
    table = presences(track([0, 10, 1000, 1010], [20, 20, 50, 50], np.array([20.0, 20, 60, 60])), cells(), rules=RULES)
    assert table.loc[table["kind"] == "unknown", "length_m"].tolist() == pytest.approx([50.0, 50.0], abs=0.01)


@pytest.mark.parametrize(("every_s", "sure"), [(120.0, 6), (119.9, 0)])
def test_fixes_at_least_two_minutes_apart_are_evidence_of_their_own(every_s, sure):
    table = presences(track(every_s * np.arange(6), 80 + 8.0 * np.arange(6)), cells(), rules=RULES)
    assert table["cell"].tolist() == ["A"]
    assert table["sure_fixes"].tolist() == [sure]


@pytest.mark.parametrize(("silent_s", "silences"), [(35_990, 1), (36_000, 0)])
def test_a_silence_of_ten_hours_is_the_rest_between_two_shifts(silent_s, silences):
    """From 09:10 local time on the same day."""
    t = np.r_[0, 300, 600, 600 + silent_s, 900 + silent_s]
    table = presences(track(t, np.full(5, 100.0)), cells(), rules=RULES)
    assert (table["kind"] == "unknown").sum() == silences * table.loc[table["kind"] == "unknown", "cell"].nunique()
    assert bool((table["kind"] == "unknown").any()) == bool(silences)
    assert table.loc[table["kind"] == "inside", "duration_s"].tolist() == [600.0, 300.0]
