"""Shifts, plausibility, sources and eastings in cases small enough to compute."""

from __future__ import annotations

import json
import warnings
import zipfile

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import CRS

from geo.errors import CrsError, FileError
from geo.layers import Level, read_division, read_layer
from geo.layers.alignment.detection import _by_area
from geo.layers.alignment.edge_evidence import Backward, Samples
from geo.layers.alignment.known_shifts import NONE, zone_mistakes
from geo.layers.alignment.overlap import Reference, Surface, _area_raster, sample_points
from geo.layers.alignment.plausibility import readings, require_plausible
from geo.layers.alignment.shift import _sentence, constant_shift, no_candidates, unknown_shift
from geo.layers.files import sources
from geo.layers.plane import BEYOND, NO_PREFIX, to_lon_lat
from geo.notices import WanggeWarning

E0, N0 = 388_000.0, 3_554_000.0
PLACE = CRS.from_epsg(4549)


def test_a_zone_prefix_does_not_change_what_a_mistake_of_the_zone_explains():
    """EPSG:4528 is EPSG:4549 with the prefix 40 before the easting."""
    bare, prefixed = ({m.key: m for m in zone_mistakes(CRS.from_epsg(code), 118.8, 32.1)} for code in (4549, 4528))
    lon, lat = np.array([118.81]), np.array([32.1])
    common = bare.keys() & prefixed.keys()
    assert {"zone_4548", "zone_4550", "zone_32650", "zone_32651"} - bare.keys() <= {"zone_32650"}
    assert "zone_4548" in common
    for key in common:
        np.testing.assert_allclose(prefixed[key].correct(lon, lat), bare[key].correct(lon, lat), atol=1e-9)


def crooked():
    """Lines without a symmetry, 600 m wide."""
    xy = [(0, 0), (180, 30), (210, 260), (420, 240), (390, 480), (600, 560)], [(60, 500), (240, 330), (560, 90)]
    return np.array([shapely.LineString(np.array(one) + np.array([E0, N0])) for one in xy], dtype=object)


def test_the_score_of_the_reference_on_the_layer_gives_the_move_of_the_layer():
    """The layer lies 96 m east and 40 m north of its place."""
    layer = gpd.GeoSeries(shapely.transform(crooked(), lambda xy: xy + np.array([96.0, 40.0])), crs=4549)
    dense = Samples.of(layer.to_crs(4326), PLACE, PLACE, 200_000)
    (match,) = Backward.of(dense, NONE, gpd.GeoDataFrame(geometry=crooked(), crs=4549))
    np.testing.assert_allclose(match.surface.best(), [-96.0, -40.0], atol=8.0)
    assert np.median(match.distances_moved(np.array([-96.0, -40.0]))) < 3.0
    assert np.median(match.distances_moved(np.array([96.0, 40.0]))) > 30.0


def test_the_raster_of_an_area_has_the_pixels_whose_centres_are_inside():
    area = shapely.union_all([shapely.box(0, 0, 80, 40), shapely.box(100, 60, 124, 140)])
    low = np.array([-41.0, -25.0])
    found = _area_raster(area, low, (24, 24))
    x, y = np.meshgrid(low[0] + (np.arange(24) + 0.5) * 8, low[1] + (np.arange(24) + 0.5) * 8)
    assert (found == shapely.contains_xy(area, x, y)).all()


def test_samples_are_limited_and_spread_over_all():
    points = np.array(shapely.points(np.arange(1000.0), 0.0), dtype=object)
    found = sample_points(points, 10, 5.0)
    assert found[:, 0].tolist() == [0, 111, 222, 333, 444, 555, 666, 777, 888, 999]
    line = np.array([shapely.LineString([(0, 0), (1000, 0)])], dtype=object)
    assert len(sample_points(line, 1000, 5.0)) == 201
    assert len(sample_points(line, 100, 5.0)) <= 100


@pytest.mark.parametrize(
    ("evidence", "metres", "status"),
    [("edges", 9.0, "none"), ("edges", 11.0, "shifted"), ("area", 19.0, "none"), ("area", 21.0, "shifted")],
)
def test_the_least_shift_is_the_uncertainty_of_areas_and_half_of_that_of_edges(evidence, metres, status):
    found = constant_shift(np.array([0.0, -metres]), 20.0, 0.9, evidence, 1.0, no_candidates())
    assert found.status == status
    if status == "shifted":
        assert (found.shift_m, found.azimuth_deg, found.direction) == (metres, 0.0, "北 N")


def test_a_shift_by_areas_is_known_up_to_the_moves_that_are_not_clearly_worse():
    """A point more outside for each pixel from the best move: d ≤ 2.5 √(d + 1) holds up to 7.1 pixels of 8 m."""
    step = np.arange(501) - 250
    away = np.hypot(*np.meshgrid(step - 30, step))
    samples = Samples(np.zeros(1), np.zeros(1), 1000, True, None)
    found = _by_area(samples, Reference(None, None), Surface(1.0 - away / 1000), [], NONE, no_candidates())
    assert (found.cause, found.evidence) == ("constant", "area")
    assert found.shift_m == pytest.approx(240.0)
    assert found.azimuth_deg == pytest.approx(270.0)
    assert found.uncertainty_m == pytest.approx(8 * np.hypot(7, 1) + 8)
    assert found.confidence == pytest.approx(0.75)


def test_distances_in_sentences():
    assert _sentence(9_999, 90.0)[0] == "图层整体向东偏移 9,999 米（方位角 90°）"
    zh, en = _sentence(12_345, 180.0)
    assert zh == "图层整体向南偏移 12.3 千米（方位角 180°）"
    assert en.startswith("The layer lies 12.3 km to the S (azimuth 180°)")


def test_an_unknown_shift_is_valid_json():
    found = unknown_shift("原因", "reason", [], "none").to_dict()
    assert json.loads(json.dumps(found, allow_nan=False))["shift_m"] is None
    assert (found["status"], found["confidence"], found["direction"]) == ("unknown", 0.0, "")


@pytest.mark.parametrize(
    ("zone", "code"), [(13, 4491), (23, 4501), (25, 4513), (39, 4527), (40, 4528), (45, 4533), (24, None), (46, None)]
)
def test_eastings_with_a_zone_prefix_and_their_codes(zone, code):
    found = [reading.crs for reading in readings(zone * 1e6 + 500_100, 3_553_000.0) if reading.crs != "EPSG:3857"]
    assert found == ([] if code is None else [f"EPSG:{code}"])


@pytest.mark.parametrize("crs", [3857, 4549, 32650])
def test_degrees_of_china_are_no_metres_in_any_projection(crs):
    frame = gpd.GeoDataFrame(geometry=[shapely.box(118.8, 32.1, 118.81, 32.11)], crs=crs)
    with pytest.raises(CrsError, match=r"coordinates such as .* do not fit"):
        require_plausible(frame, "a.gpkg")


@pytest.mark.parametrize(
    ("x", "y", "told"), [(39.5, 76.0, True), (43.8, 87.6, True), (39.5, 72.9, False), (17.9, 76.0, False)]
)
def test_the_west_of_china_with_latitude_first_is_noticed(x, y, told):
    frame = gpd.GeoDataFrame(geometry=[shapely.box(x, y, x + 0.01, y + 0.01)], crs=4326)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        require_plausible(frame, "a.gpkg")
    assert any("lies in the Arctic" in str(one.message) for one in heard if one.category is WanggeWarning) == told


def test_one_row_far_away_is_returned_and_most_are_refused():
    near, away = shapely.box(E0, N0, E0 + 9, N0 + 9), shapely.box(5e6, N0, 5e6 + 9, N0 + 9)
    assert require_plausible(gpd.GeoDataFrame(geometry=[near, away], crs=4549), "a").tolist() == [1]
    with pytest.raises(CrsError, match="do not fit"):
        require_plausible(gpd.GeoDataFrame(geometry=[near, away, away], crs=4549), "a")


def test_the_limit_of_an_archive_is_that_of_its_content(tmp_path, monkeypatch):
    text = '{"type": "FeatureCollection", "features": []' + " " * 5000 + "}"
    with zipfile.ZipFile(tmp_path / "a.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.geojson", text)
    assert (tmp_path / "a.zip").stat().st_size < 1000
    monkeypatch.setattr(sources, "MOST_UNPACKED_BYTES", len(text) - 1)
    with pytest.raises(FileError, match=r"a\.geojson unpacks to more than"):
        read_layer(tmp_path / "a.zip")


def test_only_eastings_below_a_million_lack_a_prefix():
    x = np.array([40_388_000.0, 40_388_100.0, 40_388_200.0, 388_000.0, 12_388_000.0])
    found = to_lon_lat(x, np.full(5, N0), "EPSG:4528", "a.csv").reason
    assert found.tolist() == [None, None, None, NO_PREFIX, BEYOND]


def test_layers_read_from_one_file_have_their_own_row_numbers(tmp_path):
    box = shapely.box(E0, N0, E0 + 100, N0 + 100)
    codes = ["320113003", "320113003001", "320113003001001", "320113003001001001"]
    stacked = gpd.GeoDataFrame({"code": codes, "level": range(4), "name": codes}, geometry=[box] * 4, crs=4549)
    stacked.to_file(tmp_path / "a.gpkg")
    found = read_division(tmp_path / "a.gpkg")
    assert [found.layer(level)["code"].tolist() for level in Level] == [[code] for code in codes]
    assert [found.layer(level).index.tolist() for level in Level] == [[0]] * 4
