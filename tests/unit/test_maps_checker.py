"""The replay of a day: the points of a track that are kept, and refused input."""

from __future__ import annotations

import json
import re

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.errors import ColumnError
from maps import render
from maps.checker import checker_map

MIDNIGHT = pd.Timestamp("2026-03-02").tz_localize("Asia/Shanghai")


def replay(small_street, second, x_m, mark="", device="A") -> dict:  # type: ignore[no-untyped-def,type-arg]
    """The payload of a track along a parallel: seconds of the day, metres to the east."""
    division = small_street.division()
    x0, y0 = shapely.get_coordinates(division.street.geometry.iloc[0].centroid)[0]
    points = gpd.GeoSeries(shapely.points(x0 + np.asarray(x_m, dtype=float), y0), crs=division.crs).to_crs(4326)
    time = MIDNIGHT + pd.to_timedelta(np.asarray(second), unit="s")
    frame = pd.DataFrame({"device": device, "mark": mark, "time": time})
    tracks = gpd.GeoDataFrame(frame, geometry=points, crs=4326)
    verdicts = small_street.verdicts(division)
    drawn = checker_map(division, verdicts, tracks, day=MIDNIGHT.date(), visits=verdicts.iloc[:0])
    return dict(json.loads(re.search(r'id="replay-data">(.*?)</script>', render(drawn), re.DOTALL)[1]))


def seconds(payload) -> list[int]:  # type: ignore[no-untyped-def]
    return np.cumsum(payload["paths"][0][0::4]).tolist()


@pytest.mark.parametrize(
    ("second", "x_m", "kept"),
    [
        ([0, 59, 60, 120], [0, 59, 60, 120], [0, 60, 120]),  # a point a minute
        ([0, 60, 120, 180], [0, 24, 26, 50], [0, 120, 180]),  # and 25 m
        ([0, 100, 239, 240, 300], [0, 1, 1, 1, 1], [0, 240, 300]),  # At rest one in four minutes, and the last.
        ([-1, 0, 86_399, 86_400], [0, 0, 0, 0], [0, 86_399]),  # the local day, its end excluded
        ([500, 0, 250], [0, 0, 0], [0, 250, 500]),  # In chronological order.
    ],
)
def test_points_are_thinned_by_time_and_way(small_street, second, x_m, kept) -> None:
    assert seconds(replay(small_street, second, x_m)) == kept


def test_marks_tell_what_was_set_aside_and_duplicates_are_left_out(small_street) -> None:
    marks = ["", "duplicate", "mock", "copied"]
    found = replay(small_street, [0, 60, 240, 480], [0, 0, 0, 0], mark=marks)
    assert seconds(found) == [0, 240, 480]
    assert found["paths"][0][3::4] == [0, 1, 0]


def test_places_are_whole_steps_and_devices_have_no_name(small_street) -> None:
    found = replay(small_street, [0, 60], [0, 100], device="secret")
    assert found["steps"] == 1_000_000
    assert found["gap"] == 300.0
    assert found["names"] == [""]
    assert found["paths"][0][5] == pytest.approx(100 / (111_320 * np.cos(np.radians(32.1))) * 1e6, rel=0.01)


def test_tracks_without_a_column_are_refused(small_street) -> None:
    division = small_street.division()
    verdicts = small_street.verdicts(division)
    bare = gpd.GeoDataFrame({"device": ["A"], "time": [MIDNIGHT]}, geometry=[shapely.Point(118.8, 32.1)], crs=4326)
    with pytest.raises(ColumnError, match="mark"):
        checker_map(division, verdicts, bare, day=MIDNIGHT.date(), visits=verdicts.iloc[:0])


def test_unknown_grids_stand_by_what_would_settle_them(small_street) -> None:
    division = small_street.division()
    codes = list(division.second["code"])
    settle = {
        0: ("核对设备时钟（D1 +8h）", "the clock of the device (D1 +8h)", 0.2),
        1: ("08:00–09:00（设备D2）：到现场看一次", "08:00–09:00 (device D2): a look on the spot", 0.1),
        2: ("核对设备时钟（D3 +8h、D4 +8h）", "the clock of the device (D3 +8h, D4 +8h)", 0.9),
        3: (
            "设备D5在10:00–10:10存储的定位；07:00–07:30（设备D5）：到现场看一次",
            "the fixes that device D5 stored between 10:00 and 10:10; 07:00–07:30 (device D5): a look on the spot",
            None,
        ),
        4: ("核对设备时钟（D6 +8h）", "the clock of the device (D6 +8h)", 0.5),
    }
    verdicts = small_street.verdicts(division).set_index("code")
    verdicts["verdict"] = "met"
    verdicts = verdicts.assign(settle_zh="", settle_en="", probability=float("nan"), enough_probability=0.0)
    for k, (zh, en, chance) in settle.items():
        values = ["unknown" if k != 4 else "short", zh, en, float("nan") if chance is None else chance]
        verdicts.loc[codes[k], ["verdict", "settle_zh", "settle_en", "probability"]] = values
    frame = verdicts.reset_index()
    tracks = gpd.GeoDataFrame(
        {"device": ["A"], "mark": "", "time": [MIDNIGHT]}, geometry=[shapely.Point(118.8, 32.1)], crs=4326
    )
    drawn = checker_map(division, frame, tracks, day=MIDNIGHT.date(), visits=frame.iloc[:0])
    found = json.loads(re.search(r'id="settle-data">(.*?)</script>', render(drawn), re.DOTALL)[1])
    assert [(kind["zh"], kind["grids"]) for kind in found["kinds"]] == [
        ("核对设备时钟", [[codes[2], 0.9], [codes[0], 0.2]]),
        ("到现场看一次", [[codes[1], 0.1]]),
        ("核对手机在定位中断时存储的定位；到现场看一次", [[codes[3], 0.0]]),
    ]
    assert found["kinds"][2]["en"] == "the fixes that the phone stored while it was silent; a look on the spot"
    assert set(found["texts"]) == {codes[k] for k in range(4)}
    assert found["texts"][codes[1]]["zh"] == "08:00–09:00（设备D2）：到现场看一次"
