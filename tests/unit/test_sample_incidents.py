from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.errors import InputError
from geo.sample import hot_spots, simulate_incidents
from geo.sample.days.matters import MATTERS, SOURCES

START = dt.date(2026, 9, 1)


@pytest.fixture(scope="module")
def simulated(street):
    return simulate_incidents(street, rng=np.random.default_rng(7), start=START)


def test_incidents_and_truth_line_up(simulated):
    incidents, truth = simulated
    assert len(incidents) == len(truth) == 3000
    assert incidents.index.equals(truth.index)
    assert incidents.crs.to_epsg() == 4326
    assert (incidents.geometry.x == incidents["lon"]).all()
    assert (incidents.geometry.y == incidents["lat"]).all()


def test_reports_stay_in_the_local_days_asked_for(simulated):
    local = simulated[0]["reported_at"].dt.tz_convert("Asia/Shanghai")
    assert str(simulated[0]["reported_at"].dt.tz) == "UTC"
    assert local.min() >= pd.Timestamp("2026-09-01", tz="Asia/Shanghai")
    assert local.max() < pd.Timestamp("2026-10-01", tz="Asia/Shanghai")
    assert local.dt.date.nunique() == 30
    assert simulated[0]["reported_at"].is_monotonic_increasing


def test_day_is_busier_than_night_and_nobody_patrols_at_night(simulated):
    incidents = simulated[0]
    hour = incidents["reported_at"].dt.tz_convert("Asia/Shanghai").dt.hour
    assert hour.between(8, 11).sum() > 5 * hour.between(1, 4).sum()
    patrol = incidents["source"] == "网格巡查"
    assert hour[patrol].between(7, 19).all()
    assert patrol.sum() > 300


def test_kinds_are_those_of_the_standard(simulated):
    incidents = simulated[0]
    known = {m.code: m.name for m in MATTERS}
    assert dict(zip(incidents["kind_code"], incidents["kind_name"], strict=True)).items() <= known.items()
    assert known["09005"] == "店外经营"
    assert known["06010"] == "暴露垃圾"
    assert (incidents["standard_ref"] == "GB/T 47678.5-2026").all()
    assert incidents["kind_code"].str.fullmatch(r"\d{5}").all()
    assert set(incidents["source"]) == {name for name, _ in SOURCES}


def test_default_point_is_one_place_and_only_those_reports_stand_there(simulated, street):
    incidents, truth = simulated
    places = incidents.loc[truth["is_default_point"], ["lon", "lat"]].drop_duplicates()
    assert len(places) == 1
    # The geocoder answers the name of the street alone with a point inside it.
    there = gpd.GeoSeries(gpd.points_from_xy(places["lon"], places["lat"]), crs=4326).to_crs(street.outline.crs)
    assert there.distance(street.outline.geometry.iloc[0].representative_point()).iloc[0] < 0.02
    same = (incidents[["lon", "lat"]] == places.iloc[0]).all(axis=1)
    assert (same == truth["is_default_point"]).all()
    assert 0.015 < truth["is_default_point"].mean() < 0.05
    assert (incidents.loc[truth["is_default_point"], "address"] == "迈皋桥街道").all()


def test_reports_outside_the_street_are_those_of_the_truth(simulated, street):
    incidents, truth = simulated
    inside = shapely.contains(street.outline.geometry.iloc[0], incidents.to_crs(4549).geometry.array)
    assert not inside[truth["is_outside"]].any()
    # A place close to the outline may be reported outside: some metres of noise.
    strays = ~inside & ~truth["is_outside"].to_numpy()
    assert strays.mean() < 0.01
    assert truth["is_outside"].sum() > 10


def test_repeated_reports_are_equal_in_every_column(simulated):
    incidents, truth = simulated
    again = incidents[truth["is_duplicate"]]
    assert len(again) == 60
    assert incidents["incident_id"].duplicated().equals(truth["is_duplicate"].rename("incident_id"))
    first = incidents.drop_duplicates("incident_id").set_index("incident_id").loc[again["incident_id"]].reset_index()
    pd.testing.assert_frame_equal(pd.DataFrame(first[again.columns]), pd.DataFrame(again.reset_index(drop=True)))


def test_reports_stand_near_the_true_place(simulated):
    incidents, truth = simulated
    reported = incidents.to_crs(4549).geometry
    good = ~truth["is_default_point"]
    off = np.hypot(reported.x - truth["x_m"], reported.y - truth["y_m"])[good]
    assert off.median() < 10
    assert off.max() < 40


def test_hot_spots_are_as_strong_and_as_wide_as_stated(simulated, street):
    _, truth = simulated
    spots = hot_spots(street)
    assert len(spots) == 5
    true = gpd.points_from_xy(truth["x_m"], truth["y_m"])
    for spot in spots:
        mine = truth["hotspot_id"] == spot.hotspot_id
        away = np.hypot(truth["x_m"] - spot.x, truth["y_m"] - spot.y)
        assert away[mine].max() <= spot.radius_m
        assert mine.mean() == pytest.approx(spot.share, abs=0.02)
        ring = (away > spot.radius_m) & (away < 2 * spot.radius_m)
        assert (away < spot.radius_m).sum() > ring.sum(), spot.name
    assert len(true) == 3000


def test_background_prefers_streets_and_shops(simulated, street):
    _, truth = simulated
    background = truth[(truth["hotspot_id"] == -1) & ~truth["is_outside"]]
    places = gpd.points_from_xy(background["x_m"], background["y_m"])
    roads = street.roads.query("highway not in ['service', 'footway']").geometry.array
    fronts = street.buildings.query("building == 'retail'").geometry.array
    near = shapely.distance(places, shapely.union_all([*roads, *fronts])) < 12
    west, south, east, north = street.outline.total_bounds
    rng = np.random.default_rng(1)
    anywhere = gpd.points_from_xy(rng.uniform(west, east, 2000), rng.uniform(south, north, 2000))
    anywhere = anywhere[shapely.contains(street.outline.geometry.iloc[0], anywhere)]
    usual = shapely.distance(anywhere, shapely.union_all([*roads, *fronts])) < 12
    assert near.mean() > 0.6
    assert near.mean() > 1.3 * usual.mean()


def test_same_seed_gives_the_same_incidents_and_leaves_the_street_alone(street):
    before = shapely.to_wkb(street.buildings.geometry.array).tolist()
    one, truth_one = simulate_incidents(street, rng=np.random.default_rng(3), start=START, days=7, count=400)
    two, truth_two = simulate_incidents(street, rng=np.random.default_rng(3), start=START, days=7, count=400)
    pd.testing.assert_frame_equal(pd.DataFrame(one), pd.DataFrame(two))
    pd.testing.assert_frame_equal(truth_one, truth_two)
    assert shapely.to_wkb(street.buildings.geometry.array).tolist() == before


def test_small_numbers_work_and_none_is_refused(street):
    incidents, truth = simulate_incidents(street, rng=np.random.default_rng(1), start=START, days=1, count=1)
    assert (len(incidents), len(truth)) == (1, 1)
    with pytest.raises(InputError, match="at least 1"):
        simulate_incidents(street, rng=np.random.default_rng(1), start=START, days=0)
    with pytest.raises(InputError, match="count=0: both must be at least 1"):
        simulate_incidents(street, rng=np.random.default_rng(1), start=START, count=0)
