"""A planned route compared with tracks that follow it, miss it, and walk it in reverse."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import Transformer

from geo.errors import GeometryError, InputError
from geo.patrols import route_match

X0, Y0 = 387_000.0, 3_553_000.0
TO_DEGREES = Transformer.from_crs(4549, 4326, always_xy=True)
#: 1,000 m: 400 m east, 200 m north, 400 m east.
ROUTE = shapely.LineString([(X0, Y0), (X0 + 400, Y0), (X0 + 400, Y0 + 200), (X0 + 800, Y0 + 200)])


def route(line=ROUTE):
    return gpd.GeoSeries([line], crs=4549)


def walk(along_m, *, aside_m=0.0, device="D1", step_s=10.0):
    xy = shapely.get_coordinates(shapely.line_interpolate_point(ROUTE, np.asarray(along_m, dtype=float)))
    xy[:, 1] += aside_m
    lon, lat = TO_DEGREES.transform(xy[:, 0], xy[:, 1])
    time = pd.Timestamp("2026-11-23T01:00:00Z") + pd.to_timedelta(np.arange(len(xy)) * step_s, unit="s")
    return gpd.GeoDataFrame({"device": device, "time": time}, geometry=shapely.points(lon, lat), crs=4326)


def test_the_route_as_planned():
    match = route_match(walk(np.arange(0, 1001, 12.5), aside_m=8), route())
    assert match.share == 1.0
    assert match.length_m == pytest.approx(1000)
    assert match.in_order == 1.0
    assert match.missed.empty


def test_the_second_half_was_missed():
    match = route_match(walk(np.arange(0, 501, 12.5)), route(), within_m=20)
    assert match.share == pytest.approx(0.52, abs=0.01)
    assert match.covered_m == pytest.approx(520, abs=10)
    assert len(match.missed) == 1
    assert match.missed["to_m"].iloc[0] == pytest.approx(1000)
    assert match.missed.geometry.iloc[0].length == pytest.approx(match.missed["length_m"].iloc[0], abs=1e-6)
    assert match.missed.crs == "EPSG:4549"
    assert match.missed["length_m"].sum() + match.covered_m == pytest.approx(match.length_m)


def test_backwards_is_covered_but_not_in_order():
    match = route_match(walk(np.arange(1000, -1, -12.5)), route())
    assert match.share == 1.0
    assert match.in_order < 0.1


def test_silence_covers_nothing():
    along = np.r_[np.arange(0, 201, 12.5), np.arange(700, 1001, 12.5)]
    track = walk(along)
    track.loc[track.index >= 17, "time"] += pd.Timedelta(600, "s")
    match = route_match(track, route(), within_m=20)
    assert match.missed[["from_m", "to_m"]].iloc[0].tolist() == pytest.approx([220, 680], abs=5)


def test_a_parallel_road_is_not_the_route():
    assert route_match(walk(np.arange(0, 1001, 12.5), aside_m=260), route()).share == 0.0
    assert np.isnan(route_match(walk(np.arange(0, 1001, 12.5), aside_m=260), route()).in_order)


def test_a_road_that_is_used_twice_has_to_be_walked_twice():
    there_and_back = shapely.LineString([(X0, Y0), (X0 + 400, Y0), (X0, Y0)])
    out = np.arange(0, 401, 12.5)
    twice = route_match(walk(np.r_[out, out[::-1]]), route(there_and_back))
    assert (twice.share, twice.in_order) == (1.0, 1.0)
    once = route_match(walk(out), route(there_and_back))
    assert once.share == 1.0
    assert once.in_order == pytest.approx(0.55, abs=0.06)


def test_detours_and_times():
    track = walk(np.r_[np.arange(0, 301, 12.5), np.arange(300, 1001, 12.5)])
    away = walk(np.full(20, 300.0))
    xy = np.column_stack([np.full(20, X0 + 300), Y0 - np.r_[np.arange(10), np.arange(10)[::-1]] * 12.0])
    away = away.set_geometry(shapely.points(*TO_DEGREES.transform(*xy.T))).set_crs(4326)
    parts = pd.concat([track.iloc[:25], away, track.iloc[25:]], ignore_index=True)
    parts["time"] = track["time"].iloc[0] + pd.to_timedelta(np.arange(len(parts)) * 10, unit="s")
    match = route_match(parts, route(), within_m=20)
    assert (match.share, match.in_order) == (1.0, 1.0)
    assert len(match.detours) == 1
    assert match.detours["length_m"].iloc[0] == pytest.approx(170, abs=15)
    assert match.started == parts["time"].iloc[0] + pd.Timedelta(2, "s")  # at the first place, 2.5 m along
    assert match.ended > match.detours["end"].iloc[0]
    assert match.to_dict()["detour_m"] == match.detours["length_m"].sum()


def test_checkpoints_are_reached_in_order_or_not():
    at = [shapely.line_interpolate_point(ROUTE, m) for m in (100, 700, 400, 900)] + [shapely.Point(X0, Y0 + 500)]
    stops = gpd.GeoSeries(at, index=["gate", "school", "market", "bridge", "hill"], crs=4549).to_crs(4326)
    found = route_match(walk(np.arange(0, 1001, 12.5)), route(), checkpoints=stops).checkpoints
    assert found["label"].tolist() == ["gate", "school", "market", "bridge", "hill"]
    assert found["reached"].notna().tolist() == [True, True, True, True, False]
    assert found["in_order"].sum() == 3
    assert not found["in_order"].iloc[4]
    with pytest.raises(GeometryError, match="checkpoints are points"):
        route_match(walk([0.0, 10.0]), route(), checkpoints=route())


def test_what_is_refused():
    track = walk(np.arange(0, 1001, 12.5))
    with pytest.raises(InputError, match="within_m is 0"):
        route_match(track, route(), within_m=0)
    with pytest.raises(InputError, match="has 2 devices"):
        route_match(pd.concat([track, track.assign(device="D2")]), route())
    with pytest.raises(GeometryError, match="one LineString; 2 rows"):
        route_match(track, pd.concat([route(), route()]))
    with pytest.raises(GeometryError, match="no length"):
        route_match(track, route(shapely.LineString([(X0, Y0), (X0, Y0)])))
