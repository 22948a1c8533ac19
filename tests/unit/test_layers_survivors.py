"""Boundary cases not covered elsewhere: limits of zones, digests, areas with holes, the lattice."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely

from geo.layers import area_m2, digest_of, metric_crs, on_lattice, to_metric


@pytest.mark.parametrize(
    ("lon", "lat", "epsg"),
    [
        (73.5, 40.0, 4534),
        (73.49, 40.0, 32643),
        (76.49, 40.0, 4534),
        (76.5, 40.0, 4535),
        (118.8, 32.1, 4549),
        (136.49, 48.0, 4554),
        (136.5, 48.0, 32653),
        (118.8, 54.6, 32650),
        (151.2, -33.9, 32756),
        (180.0, 10.0, 32660),
    ],
)
def test_the_zone_of_a_place(lon: float, lat: float, epsg: int) -> None:
    assert metric_crs(lon, lat).to_epsg() == epsg


@pytest.mark.parametrize(("epsg", "kept"), [(4549, True), (4548, True), (4547, False), (32650, True), (32648, False)])
def test_a_zone_far_off_does_not_suit(epsg: int, kept: bool) -> None:
    frame = gpd.GeoDataFrame(geometry=[shapely.box(118.80, 32.09, 118.81, 32.10)], crs=4326).to_crs(epsg)
    assert (to_metric(frame) is frame) is kept
    assert to_metric(frame).crs.to_epsg() == (epsg if kept else 4549)


def test_the_digest_knows_codes_and_places_and_not_the_order() -> None:
    shapes = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]
    cells = gpd.GeoDataFrame({"code": ["a", "b"]}, geometry=shapes, crs=4549)
    digest = digest_of(cells)
    assert digest == digest_of(cells.iloc[::-1])
    assert digest == digest_of(cells.assign(name="x"))
    assert digest != digest_of(cells.assign(code=["a", "c"]))
    assert digest != digest_of(cells.assign(code=["b", "a"]))
    assert digest != digest_of(cells.set_geometry(gpd.GeoSeries([shapes[0], shapely.box(1, 0, 2, 2)], crs=4549)))


def test_holes_and_parts_of_an_area() -> None:
    whole, hole = shapely.box(387000, 3553000, 388000, 3554000), shapely.box(387200, 3553200, 387400, 3553400)
    far = shapely.box(389000, 3553000, 389100, 3553100)
    shapes = gpd.GeoSeries([whole, hole, whole.difference(hole), shapely.MultiPolygon([hole, far]), far], crs=4549)
    a = area_m2(shapes)
    assert a[2] == pytest.approx(a[0] - a[1], abs=1e-6)
    assert a[3] == pytest.approx(a[1] + a[4], abs=1e-6)
    assert a[0] == pytest.approx(1e6, rel=5e-4)


def test_coordinates_go_to_the_nearest_place_of_the_lattice() -> None:
    points = gpd.GeoSeries([shapely.Point(1.0004, -1.0004), shapely.Point(1.0006, -1.0006)], crs="EPSG:4549")
    assert shapely.get_coordinates(on_lattice(points)).tolist() == [[1.0, -1.0], [1.001, -1.001]]
