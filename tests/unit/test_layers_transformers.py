"""Transformations between systems, compared with those that PROJ finds by itself."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
from pyproj import CRS

from geo.layers.transformers import to_crs, transformer

PAIRS = [
    (4326, 4549),
    (4549, 4326),
    (4490, 4326),
    (4326, 4490),
    ("OGC:CRS84", 4549),
    (4549, "OGC:CRS84"),
    (4508, 4326),
    (4549, 32650),
    (4549, 3857),
    (4549, 4550),
    (2232, 4326),
    (4549, 4480),
    (4979, 4549),
    (4549, 4549),
]


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_the_operation_is_the_one_that_proj_finds(source: object, target: object) -> None:
    usual = pyproj.Transformer.from_crs(source, target, always_xy=True)
    assert transformer(source, target).definition == usual.definition


@pytest.mark.parametrize(("source", "target"), PAIRS)
def test_layers_get_the_same_coordinates_and_the_crs_that_was_asked_for(source: object, target: object) -> None:
    places = gpd.GeoSeries([shapely.box(118.8, 32.09, 118.81, 32.1), None, shapely.Point(118.8, 32.1, 7)], crs=4326)
    given = gpd.GeoDataFrame({"name": list("abc")}, geometry=places.to_crs(source), index=[5, 6, 7])
    before = given.copy()
    moved, usual = to_crs(given, target), given.to_crs(target)
    assert moved.crs == usual.crs == CRS(target)
    assert shapely.to_wkb(moved.geometry.array).tolist() == shapely.to_wkb(usual.geometry.array).tolist()
    assert moved.index.tolist() == [5, 6, 7]
    assert moved["name"].tolist() == list("abc")
    assert given.crs == before.crs
    assert shapely.to_wkb(given.geometry.array).tolist() == shapely.to_wkb(before.geometry.array).tolist()
    assert to_crs(given.geometry, target).crs == CRS(target)


@pytest.mark.parametrize("bound", [2437, 4214, 4610, 21480])
def test_systems_on_another_datum_keep_the_operation_of_proj(bound: int) -> None:
    usual = pyproj.Transformer.from_crs(bound, 4326, always_xy=True)
    assert transformer(bound, 4326).description == usual.description


def test_a_bound_system_keeps_its_shift() -> None:
    bound = CRS("+proj=tmerc +lon_0=120 +x_0=500000 +ellps=GRS80 +towgs84=10,20,30 +type=crs")
    assert bound.is_bound
    x, y = transformer(4326, bound).transform(118.8, 32.1)
    assert np.hypot(*np.subtract((x, y), transformer(4326, 4549).transform(118.8, 32.1))) > 1


def test_one_transformer_serves_all_threads() -> None:
    shared = transformer(4326, 4549)
    assert transformer("EPSG:4326", CRS(4549)) is shared
    with ThreadPoolExecutor(4) as pool:
        made = list(pool.map(lambda k: shared.transform(118.0 + k / 100, 32.0), range(40)))
    assert made == [shared.transform(118.0 + k / 100, 32.0) for k in range(40)]


def test_a_layer_without_a_crs_is_refused() -> None:
    with pytest.raises(ValueError, match="Cannot transform naive geometries"):
        to_crs(gpd.GeoSeries([shapely.Point(0, 0)]), 4549)
    with pytest.raises(pyproj.exceptions.CRSError):
        transformer("EPSG:1", 4326)
