from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely

from geo.errors import CrsError, DatumError, InputError
from geo.layers import Datum, area_m2, convert, is_metric, metric_crs, require_metric, to_datum, to_metric
from geo.layers.crs import GEOD


@pytest.mark.parametrize(
    ("lon", "lat", "epsg"),
    [
        (118.81, 32.1, 4549),
        (118.49, 32.0, 4548),
        (121.47, 31.2, 4549),
        (121.5, 31.2, 4550),
        (74.0, 39.0, 4534),
        (135.0, 48.0, 4554),
        (-77.0, 38.9, 32618),
        (13.4, 52.5, 32633),
        (151.2, -33.9, 32756),
        (180.0, 10.0, 32660),
    ],
)
def test_metric_crs(lon: float, lat: float, epsg: int) -> None:
    assert metric_crs(lon, lat).to_epsg() == epsg


def test_metric_crs_refuses_metres() -> None:
    with pytest.raises(CrsError, match="degrees"):
        metric_crs(388000.0, 3554000.0)


def test_feet_are_not_metres() -> None:
    assert not is_metric(2227)
    assert is_metric(4549)


@pytest.mark.parametrize("given", [pd.Series(["p"]), shapely.box(0, 0, 1, 1), pd.DataFrame({"code": ["a"]})])
def test_what_is_no_layer_is_refused_with_its_type(given: object) -> None:
    for ask in (lambda: require_metric(given, "cells"), lambda: to_metric(given)):
        with pytest.raises(InputError, match=f"GeoDataFrame .* not a {type(given).__name__}"):
            ask()


def test_require_metric_says_what_to_do() -> None:
    frame = gpd.GeoDataFrame(geometry=[shapely.Point(118.8, 32.1)])
    with pytest.raises(CrsError, match="no coordinate reference system"):
        require_metric(frame, "cells")
    with pytest.raises(CrsError, match="not in metres"):
        require_metric(frame.set_crs(4326), "cells")


def test_to_metric_keeps_a_frame_that_suits_and_moves_others() -> None:
    frame = gpd.GeoDataFrame(geometry=[shapely.box(387000, 3553000, 388000, 3554000)], crs=4549)
    assert to_metric(frame) is frame
    assert to_metric(frame.to_crs(3857)).crs.to_epsg() == 4549  # Metres by unit, but 39 % too large.


def test_area_is_ellipsoidal() -> None:
    square = gpd.GeoSeries([shapely.segmentize(shapely.box(387000, 3553000, 388000, 3554000), 50)], crs=4549)
    ring = square.to_crs(4326)[0].exterior
    expected = abs(GEOD.polygon_area_perimeter(*np.array(ring.coords.xy))[0])
    assert area_m2(square)[0] == pytest.approx(expected, abs=1e-3)
    assert area_m2(square)[0] == pytest.approx(1e6 * (1 - 0.00031), rel=2e-5)


def test_area_subtracts_holes_and_adds_parts() -> None:
    box, hole, other = shapely.box(0, 0, 10, 10), shapely.box(2, 2, 4, 4), shapely.box(20, 0, 30, 10)
    holed = shapely.difference(box, hole)
    shapes = gpd.GeoSeries(
        [
            shapely.transform(s, lambda xy: np.add(xy, [387000, 3553000]))
            for s in (box, hole, holed, shapely.union(holed, other))
        ]
        + [shapely.Polygon(), None],
        crs=4549,
    )
    areas = area_m2(shapes)
    assert areas[2] == pytest.approx(areas[0] - areas[1], abs=1e-6)
    assert areas[3] == pytest.approx(2 * areas[0] - areas[1], abs=1e-2)
    assert areas[4:].tolist() == [0.0, 0.0]


def test_the_shift_at_maigaoqiao() -> None:
    lon, lat = np.array([118.8127]), np.array([32.1025])
    for datum, low, high in ((Datum.GCJ02, 537, 543), (Datum.BD09, 1165, 1200)):
        x, y = convert(lon, lat, Datum.WGS84, datum)
        _, _, distance = GEOD.inv(lon, lat, x, y)
        assert low < distance[0] < high


@pytest.mark.parametrize("there", list(Datum))
@pytest.mark.parametrize("back", list(Datum))
def test_round_trip_under_a_tenth_of_a_millimetre(there: Datum, back: Datum) -> None:
    rng = np.random.default_rng(3)
    lon, lat = rng.uniform(75, 134, 2000), rng.uniform(18, 53, 2000)
    x, y = convert(*convert(lon, lat, back, there), there, back)
    _, _, distance = pyproj.Geod(ellps="WGS84").inv(lon, lat, x, y)
    assert distance.max() < 1e-4


def test_outside_china_gcj_is_wgs() -> None:
    x, y = convert([-77.0], [38.9], "WGS-84", "GCJ-02")
    assert (x[0], y[0]) == (-77.0, 38.9)


def test_unknown_datum_names_the_known_ones() -> None:
    with pytest.raises(DatumError, match="GCJ-02"):
        Datum.parse("mars")


def test_to_datum_keeps_rows_and_crs_and_input() -> None:
    frame = gpd.GeoDataFrame(
        {"a": [1, 2]}, geometry=gpd.points_from_xy([388000, 389000], [3554000, 3554500]), crs=4549, index=[7, 3]
    )
    copy = frame.copy(deep=True)
    moved = to_datum(frame, "GCJ-02", "WGS-84")
    assert moved.index.tolist() == [7, 3]
    assert moved.crs == frame.crs
    shift = moved.geometry.distance(frame.geometry)
    assert ((shift > 530) & (shift < 550)).all()
    assert frame.geom_equals_exact(copy, 0).all()
