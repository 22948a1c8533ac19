"""Trends of hot spots, texts, columns and the raster of the density, in cases computed by hand."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from geo.incidents import density
from geo.incidents.columns import guess_columns
from geo.incidents.reading.texts import texts_of
from geo.incidents.statistics.neighbours import contiguity_weights
from geo.incidents.statistics.trend import _growth, _named, _tested

E0, N0 = 388_000, 3_554_000


@pytest.mark.parametrize(
    ("hot", "z", "q", "name"),
    [
        ([0, 0, 0], 3.0, 0.01, "none"),
        ([0, 1, 1], 0.0, 0.9, "lasting"),
        ([0, 0, 1], 0.0, 0.9, "intermittent"),
        ([1, 1, 0], 0.0, 0.9, "intermittent"),
        ([0, 0, 1], 3.0, 0.05, "new"),
        ([0, 0, 1], 3.0, 0.051, "intermittent"),
        ([1, 0, 1], 3.0, 0.05, "growing"),
        ([1, 0, 0], -3.0, 0.05, "fading"),
        ([0, 0, 1], -3.0, 0.05, "intermittent"),
    ],
)
def test_the_name_of_a_trend(hot, z, q, name):
    assert _named(np.array([hot], dtype=bool), np.array([z]), np.array([q]), 0.05).tolist() == [name]


def test_growth_is_the_score_of_time_about_its_mean():
    """Three periods of ten incidents: the mean period is 1, its variance 2/3. Of three incidents, 0 + 1 + 4 - 3 · 1 = 2."""
    z, p = _growth(np.array([[0.0, 1.0, 2.0], [2.0, 1.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]), np.full(3, 10.0))
    np.testing.assert_allclose(z, [np.sqrt(2), -np.sqrt(2), 0.0, np.nan])
    np.testing.assert_allclose(p[:3], [0.157299, 0.157299, 1.0], atol=1e-6)


def test_growth_is_relative_to_the_growth_of_all():
    """A neighbourhood that grows as the whole does not grow."""
    z, _ = _growth(np.array([[1.0, 2.0, 3.0]]), np.array([10.0, 20.0, 30.0]))
    assert z.tolist() == pytest.approx([0.0])


def test_a_cell_below_the_mean_is_not_hot_even_if_little_was_expected_there():
    rng = np.random.default_rng(3)
    due = np.r_[0.02, np.full(59, 1.0)]
    values = np.r_[12.0, rng.poisson(20, 59)].astype(float)
    p = _tested(values, contiguity_weights(np.zeros((0, 2), dtype=np.int64), 60), (due / due.mean())[:, None])
    assert values[0] < values.mean()
    assert p[0] >= 0.5
    assert (p[values > values.mean() + 5] < 0.5).all()


def test_blank_texts_are_missing_and_whole_numbers_have_no_decimal_point():
    assert texts_of(pd.Series([" a ", "", "  ", None], dtype="string")).tolist() == ["a", None, None, None]
    assert texts_of(pd.Series([5.0, 6.0, None])).tolist() == ["5", "6", None]
    assert texts_of(pd.Series([5.5, 6.0, None])).tolist() == ["5.5", "6", None]
    assert texts_of(pd.Series([5.0, "b", " ", None], dtype=object)).tolist() == ["5", "b", None, None]


@pytest.mark.parametrize(
    ("headers", "date", "clock"),
    [
        (["CMPLNT_FR_TM", "CMPLNT_FR_DT"], "CMPLNT_FR_DT", "CMPLNT_FR_TM"),
        (["DATE OCC", "TIME OCC"], "DATE OCC", "TIME OCC"),
        (["上报时间", "上报日期"], "上报日期", "上报时间"),
        (["上报时间", "受理日期"], "上报时间", None),
    ],
)
def test_a_date_and_its_clock_are_a_pair(headers, date, clock):
    found = guess_columns(headers)
    assert (found["reported_at"], found.get("clock")) == (date, clock)


def points(*xy, default=None):
    shapes = [shapely.Point(E0 + x, N0 + y) for x, y in xy]
    return gpd.GeoDataFrame({"default_point": default or [False] * len(xy)}, geometry=shapes, crs=4549)


def test_an_incident_in_a_pixel_whose_centre_is_outside_is_counted():
    """The outline ends 4 m above a line of the raster, so the centres of the pixels there are 6 m outside."""
    outline = gpd.GeoDataFrame(geometry=[shapely.box(E0, N0, E0 + 400, N0 + 104)], crs=4549)
    found = density(points((50, 103), (70, 20)), outline=outline, bandwidth_m=40.0)
    assert (found.used, found.outside) == (2, 0)
    row, column = int((N0 + 110 - found.y[0]) // 20), int((E0 + 50 - found.x[0] + 10) // 20)
    assert found.inside[row, column]
    assert found.inside[row].sum() == 1
    assert found.total() == pytest.approx(2.0)


def test_incidents_at_default_points_are_excluded_wherever_they_lie():
    outline = gpd.GeoDataFrame(geometry=[shapely.box(E0, N0, E0 + 400, N0 + 400)], crs=4549)
    marked = points((50, 50), (60, 60), (-90, 50), (-80, 50), (-70, 50), default=[False, True, False, False, True])
    found = density(marked, outline=outline)
    assert (found.used, found.outside, found.excluded) == (1, 2, 2)
    found = density(marked, outline=outline, default_points=True)
    assert (found.used, found.outside, found.excluded) == (2, 3, 0)
