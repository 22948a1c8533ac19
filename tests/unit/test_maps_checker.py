"""The replay of a day: which points of a track are kept, and what is refused."""

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
        ([0, 100, 239, 240, 300], [0, 1, 1, 1, 1], [0, 240, 300]),  # at rest one in four minutes, and the last
        ([-1, 0, 86_399, 86_400], [0, 0, 0, 0], [0, 86_399]),  # the local day, its end excluded
        ([500, 0, 250], [0, 0, 0], [0, 250, 500]),  # in the order of time
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
