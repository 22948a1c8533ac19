"""Marks: every reason on a track designed for it, and none on a clean track."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.errors import ColumnError, CrsError
from geo.patrols import MARKS, clean
from geo.tracks.cleaning import NOTES, used
from geo.tracks.fix_values import ground_m

START = pd.Timestamp("2026-11-23T01:00:00Z")
M = 1 / 111_194.9  # degrees of latitude in a metre on the sphere


def walk(n=60, *, step_s=10.0, step_m=12.0, device="D1", **columns):
    """A straight walk to the north."""
    lat = 32.1 + np.arange(n) * step_m * M
    return frame(device, START + pd.to_timedelta(np.arange(n) * step_s, unit="s"), np.full(n, 118.8), lat, **columns)


def frame(device, time, lon, lat, **columns):
    data = {"device": device, "time": pd.Series(time).dt.as_unit("us").to_numpy(), **columns}
    table = pd.DataFrame(data)
    table["time"] = pd.to_datetime(table["time"], utc=True)
    return gpd.GeoDataFrame(table, geometry=shapely.points(lon, lat), crs=4326)


def moved(track, rows, *, north_m=0.0, seconds=0.0):
    track = track.copy()
    at = track.index[rows]
    xy = shapely.get_coordinates(track.geometry.array)
    xy[rows, 1] += north_m * M
    track["geometry"] = gpd.GeoSeries(shapely.points(xy), index=track.index, crs=4326)
    track.loc[at, "time"] += pd.Timedelta(seconds=seconds)
    return track


def marks(track, **kwargs):
    return clean(track, **kwargs)["mark"].tolist()


def test_a_clean_walk_has_no_mark():
    assert set(marks(walk())) == {""}


def test_rows_index_and_input_are_kept():
    track = walk().set_index(np.arange(100, 160)[::-1])
    before = track.copy()
    cleaned = clean(track)
    assert cleaned.index.equals(track.index)
    assert "mark" not in track
    pd.testing.assert_frame_equal(cleaned.drop(columns="mark"), before)


def test_no_time_and_no_position():
    track = walk()
    track.loc[3, "time"] = pd.NaT
    track.loc[5, "geometry"] = shapely.Point(np.nan, np.nan)
    track.loc[6, "geometry"] = None
    found = marks(track)
    assert (found[3], found[5], found[6]) == ("no_time", "no_position", "no_position")
    assert sum(mark != "" for mark in found) == 3


def test_mock_and_poor_accuracy():
    mock = pd.array([False] * 58 + [True, None], dtype="boolean")
    found = marks(walk(mock=mock, accuracy_m=[80.0, -1.0] + [np.nan] + [12.0] * 57))
    assert found[:3] == ["poor_accuracy", "poor_accuracy", ""]
    assert found[58:] == ["mock", ""]


def test_a_repeated_fix_counts_once():
    track = walk()
    doubled = pd.concat([track, track.iloc[[10, 10, 20]]], ignore_index=True)
    found = pd.Series(marks(doubled))
    assert found.value_counts().to_dict() == {"": 60, "duplicate": 3}


def test_two_places_at_once_are_both_out():
    track = pd.concat([walk(), moved(walk(), [10], north_m=400).iloc[[10]]], ignore_index=True)
    found = marks(track)
    assert (found[10], found[60]) == ("conflict", "conflict")
    assert set(found[:10] + found[11:60]) == {""}


def test_a_spike_is_taken_out_and_nothing_else():
    found = marks(moved(walk(), [30], north_m=2000))
    assert found[30] == "jump"
    assert sum(mark != "" for mark in found) == 1


def test_a_few_fixes_far_away_are_taken_out_as_a_whole():
    found = marks(moved(walk(200), np.arange(80, 89), north_m=3000))
    assert found[80:89] == ["jump"] * 9
    assert set(found[:80] + found[89:]) == {""}


def test_a_run_that_agrees_with_itself_is_a_place_and_only_the_steps_are_wrong():
    track = clean(moved(walk(200), np.arange(80, 90), north_m=3000))
    assert track["mark"].tolist()[80:91] == ["leap", *["detached"] * 9, "leap"]
    assert set(track["mark"][:80]) | set(track["mark"][91:]) == {""}
    assert used(track).all()


def test_a_jump_without_return_is_noted_but_used():
    track = clean(moved(walk(), np.arange(40, 60), north_m=3000))
    assert track["mark"].tolist() == [""] * 40 + ["leap"] + [""] * 19
    assert used(track).all()


def test_a_car_on_the_expressway_is_no_jump():
    assert set(marks(walk(step_m=300.0))) == {""}


def test_sparse_scattered_errors_all_go():
    rng = np.random.default_rng(5)
    rows = np.sort(rng.choice(np.arange(1, 399), 40, replace=False))
    found = np.array(marks(moved(walk(400), rows, north_m=540)))
    assert set(found[rows]) == {"jump"}
    assert set(np.delete(found, rows)) == {""}


def test_order_of_rows_does_not_matter():
    track = moved(walk(), [20, 41], north_m=900)
    shuffled = track.sample(frac=1, random_state=3)
    assert clean(track)["mark"].to_dict() == clean(shuffled).sort_index()["mark"].to_dict()


def test_records_out_of_order_are_noted_and_used():
    track = walk(source="a.csv", row=np.arange(1, 61))
    track.loc[[10, 30], "row"] = track.loc[[30, 10], "row"].to_numpy()
    cleaned = clean(track)
    assert set(cleaned["mark"]) == {"", "time_back"}
    assert used(cleaned).all()


def test_a_record_of_another_day_among_its_neighbours_is_out():
    track = moved(walk(source="a.csv", row=np.arange(1, 61)), [10, 40], seconds=86_400)
    found = marks(track)
    assert (found[10], found[40]) == ("clock", "clock")
    assert sum(mark != "" for mark in found) == 2


def test_an_export_in_no_order_says_nothing_about_time():
    row = np.random.default_rng(1).permutation(400)
    assert set(marks(walk(400, step_s=300, source="a.csv", row=row))) == {""}


def test_one_track_on_two_devices_is_noted_on_both():
    track = pd.concat([walk(), walk(device="D2")], ignore_index=True)
    cleaned = clean(track)
    assert set(cleaned["mark"]) == {"copied"}
    assert used(cleaned).all()


def test_a_chance_meeting_is_no_copy():
    track = pd.concat([walk(400), walk(5, device="D2")], ignore_index=True)
    assert set(marks(track)) == {""}


def test_devices_do_not_disturb_each_other():
    far = walk(device="D2")
    far = far.set_geometry(far.geometry.translate(1.0, 0.0))
    mixed = pd.concat([walk(), far], ignore_index=True).sort_values("time")
    assert set(marks(mixed)) == {""}


def test_the_first_fix_after_a_silence_is_noted():
    track = walk()
    track.loc[30:, "time"] += pd.Timedelta(301 - 10, "s")
    cleaned = clean(track)
    assert cleaned["mark"].tolist() == [""] * 30 + ["silence"] + [""] * 29
    assert used(cleaned).all()
    track.loc[30:, "time"] -= pd.Timedelta(1, "s")
    assert set(marks(track)) == {""}


def test_a_place_that_stays_the_same_to_the_last_digit_is_noted():
    track = walk(80, step_s=300)
    track.loc[20:32, "geometry"] = track.geometry.iloc[20]
    assert marks(track) == [""] * 20 + ["frozen"] * 13 + [""] * 47
    track.loc[32, "geometry"] = shapely.Point(118.8, 32.2)  # 55 minutes are not enough
    assert "frozen" not in marks(track)


def test_coordinates_of_few_decimals_are_noted():
    track = walk(100)
    whole = shapely.get_coordinates(track.geometry.array)
    exact, seven, few = (
        track.set_geometry(gpd.GeoSeries(shapely.points(xy), crs=4326))
        for xy in (whole, whole.round(7), whole.round(4))
    )
    assert set(marks(exact)) == set(marks(seven)) == {""}
    assert set(marks(few)) == {"rounded"}
    assert used(clean(few)).all()
    # One place in ten is repeated by chance, or by cell tower positioning.
    some = whole.copy()
    some[::10] = some[::10].round(4)
    assert set(marks(track.set_geometry(gpd.GeoSeries(shapely.points(some), crs=4326)))) == {""}


def test_an_empty_track():
    cleaned = clean(walk().iloc[:0])
    assert len(cleaned) == 0
    assert "mark" in cleaned


def test_every_mark_is_explained_in_both_languages():
    assert set(NOTES) - {""} < set(MARKS)
    assert all(zh and en for zh, en in MARKS.values())


@pytest.mark.parametrize(
    ("spoil", "error", "says"),
    [
        (lambda t: t.drop(columns="device"), ColumnError, "no column device"),
        (lambda t: t.assign(time=t["time"].dt.tz_localize(None)), ColumnError, "have no zone"),
        (lambda t: t.set_crs(None, allow_override=True), CrsError, "no coordinate reference system"),
    ],
)
def test_frames_that_are_no_tracks(spoil, error, says):
    with pytest.raises(error, match=says):
        clean(spoil(walk()))


def test_distances_are_right_at_a_centimetre_and_across_the_date_line():
    one = ground_m(*(np.array([v]) for v in (118.8, 32.1, 118.8, 32.1 + 0.01 * M)))
    assert one[0] == pytest.approx(0.01, rel=1e-4)
    assert ground_m(*(np.array([v]) for v in (179.9999, 0.0, -179.9999, 0.0)))[0] == pytest.approx(22.24, rel=1e-3)
