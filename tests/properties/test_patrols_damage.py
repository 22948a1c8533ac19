"""Damage to a track never causes an exception, and never turns a failing grid into a passing one."""

from __future__ import annotations

import datetime as dt
from functools import cache
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from geo.layers import convert
from geo.patrols import clean, presences, verify, visits
from geo.sample.days.patrols import simulate_patrols

DAY = dt.date(2026, 11, 23)
X0, Y0 = 387_000.0, 3_553_000.0
KINDS = ("swapped", "no_position", "no_time", "repeated", "wrong_day", "wrong_datum", "far_away", "lost")


@cache
def town():
    lanes = [shapely.LineString([(X0 + x, Y0), (X0 + x, Y0 + 720)]) for x in range(0, 801, 50)]
    lanes += [shapely.LineString([(X0, Y0 + y), (X0 + 800, Y0 + y)]) for y in range(0, 721, 60)]
    boxes = [
        shapely.box(X0 + 200 * i, Y0 + 180 * j, X0 + 200 * i + 200, Y0 + 180 * j + 180)
        for j in range(4)
        for i in range(4)
    ]
    second = gpd.GeoDataFrame(
        {"code": [f"C{n:02d}" for n in range(16)], "leader": [f"G{n:03d}" for n in range(1, 17)]},
        geometry=boxes,
        crs=4549,
    )
    street = gpd.GeoDataFrame(geometry=[shapely.box(X0, Y0, X0 + 800, Y0 + 720)], crs=4549)
    return SimpleNamespace(roads=gpd.GeoDataFrame(geometry=lanes, crs=4549), communities=street, second=second)


@cache
def day(seed):
    """A day as received, one file with the records of each device in order; and its true verdicts."""
    tracks, truth = simulate_patrols(town(), town(), rng=np.random.default_rng(seed), day=DAY, interval_s=20.0)
    row = tracks.groupby("device").cumcount() + 1
    return tracks.assign(source=tracks["device"] + ".csv", row=row), truth.verdicts.set_index("code")["verdict"]


def verdicts(tracks):
    found = presences(clean(tracks), town().second)
    result = verify(visits(found), town().second, presences=found, day=DAY)
    return result.set_index("code")["verdict"]


def damaged(tracks, kind, share, rng):
    """Damage up to a tenth of the rows."""
    tracks = tracks.copy()
    n = max(2, int(share * len(tracks)))
    rows = rng.choice(len(tracks), n, replace=False)
    xy = shapely.get_coordinates(tracks.geometry.array)
    if kind == "swapped":
        order = tracks["row"].to_numpy(copy=True)
        order[rows] = order[np.roll(rows, 1)]
        return tracks.assign(row=order)
    if kind == "repeated":
        return pd.concat([tracks, tracks.iloc[rows]], ignore_index=True)
    if kind == "lost":
        return tracks.drop(tracks.index[rows])
    if kind in ("no_time", "wrong_day"):
        time = tracks["time"].copy()
        time.iloc[rows] = pd.NaT if kind == "no_time" else time.iloc[rows] + pd.Timedelta(int(rng.choice([-1, 1])), "D")
        return tracks.assign(time=time)
    if kind == "wrong_datum":
        xy[rows] = np.column_stack(convert(xy[rows, 0], xy[rows, 1], "WGS-84", "GCJ-02"))
    else:
        xy[rows] = np.nan if kind == "no_position" else xy[rows] + rng.uniform(-0.02, 0.02, (n, 2))
    return tracks.set_geometry(gpd.GeoSeries(shapely.points(xy), index=tracks.index, crs=4326))


@settings(max_examples=32)
@given(st.sampled_from(KINDS), st.floats(0.0, 0.1), st.integers(0, 2), st.integers(0, 2**32 - 1))
def test_damage_never_turns_a_failing_grid_into_a_passing_one(kind, share, seed, damage):
    tracks, true = day(seed)
    result = verdicts(damaged(tracks, kind, share, np.random.default_rng(damage)))
    assert [code for code in true.index if true[code] != "met" and result[code] == "met"] == []


@settings(max_examples=8)
@given(st.lists(st.sampled_from(KINDS), min_size=2, max_size=4), st.integers(0, 2**32 - 1))
def test_nor_does_damage_of_several_kinds(kinds, damage):
    tracks, true = day(1)
    rng = np.random.default_rng(damage)
    for kind in kinds:
        tracks = damaged(tracks, kind, 0.1 / len(kinds), rng)
    result = verdicts(tracks)
    assert [code for code in true.index if true[code] != "met" and result[code] == "met"] == []


@settings(max_examples=10)
@given(st.integers(0, 2**32 - 1))
def test_order_of_rows_does_not_matter(shuffle):
    tracks, _ = day(2)
    some = tracks[tracks["device"].isin(["D001", "D002", "D003"])]
    mixed = some.sample(frac=1, random_state=np.random.default_rng(shuffle))
    pd.testing.assert_frame_equal(presences(some, town().second), presences(mixed, town().second))


@settings(max_examples=20)
@given(
    st.lists(
        st.tuples(st.floats(0, 86_400), st.floats(-300, 1100), st.floats(-300, 1000)),
        min_size=0,
        max_size=40,
        unique_by=lambda r: r[0],
    )
)
def test_presences_of_any_path_are_sound(points):
    """For one device: never in two cells at once, never longer than the path, never outside its time."""
    t, x, y = (np.array([p[i] for p in points], dtype=float) for i in range(3))
    time = pd.Timestamp("2026-11-22T16:00:00Z").as_unit("us") + pd.to_timedelta(np.round(t), unit="s").as_unit("us")
    metric = gpd.GeoSeries(shapely.points(X0 + x, Y0 + y), crs=4549)
    tracks = gpd.GeoDataFrame({"device": "D1", "time": time}, geometry=metric.to_crs(4326).array, crs=4326)
    table = presences(tracks, town().second)
    inside = table[table["kind"] == "inside"].sort_values(["start", "end"])
    assert (inside["start"].to_numpy()[1:] >= inside["end"].to_numpy()[:-1]).all()
    assert (table["duration_s"] >= 0).all()
    assert (inside["likely_s"] <= inside["duration_s"] + 1e-6).all()
    assert (table["spread_s2"] >= 0).all()
    assert (table["sure_s"] <= table["likely_s"] + 1e-6).all()
    if len(table):
        assert table["start"].min() >= time.min()
        assert table["end"].max() <= time.max()
