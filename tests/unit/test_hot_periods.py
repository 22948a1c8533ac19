"""Hot spots of single weeks and months: each is tested for its own incidents."""

from __future__ import annotations

import datetime as dt

import geopandas as gpd
import numpy as np
import pandas as pd

from api.commands.incidents.hot_spots import hot_periods
from geo.incidents import assign, counts, hotspots
from geo.layers import Level

ZONE = "Asia/Shanghai"
PLANTED = 40


def month(division) -> gpd.GeoDataFrame:
    """March 2026: five incidents a grid in each whole week, fifty more in one grid in the third week, few in the last."""
    rng = np.random.default_rng(7)
    cells = division.third
    rows, days = [], []
    for monday in (dt.date(2026, 3, 2), dt.date(2026, 3, 9), dt.date(2026, 3, 16)):
        number = rng.poisson(5, len(cells))
        number[PLANTED] += 50 * (monday.day == 16)
        rows.append(np.repeat(np.arange(len(cells)), number))
        days.append(np.array([monday + dt.timedelta(days=int(k)) for k in rng.integers(0, 7, number.sum())]))
    rows.append(rng.integers(0, len(cells), 20))
    days.append(np.full(20, dt.date(2026, 3, 23)))
    row, day = np.concatenate(rows), pd.to_datetime(np.concatenate(days))
    points = cells.geometry.iloc[row].representative_point().reset_index(drop=True)
    times = (day + pd.Timedelta(minutes=30)).tz_localize(ZONE).tz_convert("UTC")
    return gpd.GeoDataFrame({"reported_at": times, "default_point": False}, geometry=points, crs=division.crs)


def test_each_week_is_tested_for_itself(small_street) -> None:
    division = small_street.division()
    incidents = assign(month(division), division)
    found = {(period.first, period.last): period.hot for period in hot_periods(incidents, division, zone=ZONE)}
    assert list(found) == [
        (dt.date(2026, 3, 23), dt.date(2026, 3, 23)),
        (dt.date(2026, 3, 16), dt.date(2026, 3, 22)),
        (dt.date(2026, 3, 9), dt.date(2026, 3, 15)),
        (dt.date(2026, 3, 2), dt.date(2026, 3, 8)),
        (dt.date(2026, 3, 2), dt.date(2026, 3, 23)),
    ]
    planted = division.third["code"].iloc[PLANTED]
    core = {key: set(hot.loc[hot["core"], "code"]) for key, hot in found.items()}
    assert core[dt.date(2026, 3, 16), dt.date(2026, 3, 22)] == {planted}
    assert core[dt.date(2026, 3, 2), dt.date(2026, 3, 8)] == set()
    assert core[dt.date(2026, 3, 9), dt.date(2026, 3, 15)] == set()


def test_a_week_equals_the_test_of_its_incidents_alone(small_street) -> None:
    division = small_street.division()
    incidents = assign(month(division), division)
    period = next(p for p in hot_periods(incidents, division, zone=ZONE) if p.first == dt.date(2026, 3, 16))
    local = incidents["reported_at"].dt.tz_convert(ZONE).dt.date
    some = incidents[(local >= period.first) & (local <= period.last)]
    for level in (Level.SECOND, Level.THIRD):
        alone = hotspots(counts(some, division), division.layer(level))
        same = period.hot[period.hot["level"] == int(level)]
        assert same["hot"].tolist() == alone["hot"].tolist()
        np.testing.assert_allclose(same["q_cell"].to_numpy(float), alone["q_cell"].to_numpy(float))
        assert period.hot.attrs["notes"][int(level)] == (alone.attrs["note_zh"], alone.attrs["note_en"])


def test_the_third_level_of_a_week_with_few_incidents_is_not_tested(small_street) -> None:
    division = small_street.division()
    last = hot_periods(assign(month(division), division), division, zone=ZONE)[0]
    assert set(last.hot["level"]) == {2}
    assert set(last.hot.attrs["notes"]) == {2}


def test_default_points_are_left_out_and_no_times_give_no_periods(small_street) -> None:
    division = small_street.division()
    incidents = assign(month(division), division)
    planted = incidents["cell"] == division.third["code"].iloc[PLANTED]
    without = hot_periods(incidents.assign(default_point=planted), division, zone=ZONE)
    assert not any(period.hot["core"].any() for period in without)
    assert hot_periods(incidents.assign(reported_at=pd.NaT), division, zone=ZONE) == []
