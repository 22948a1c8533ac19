"""Roads, steps along them, sight, projection and rest, each in a case computed by hand or by a slow twin."""

from __future__ import annotations

import json

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import CRS, Transformer

from geo.errors import CrsError
from geo.tracks import read_tracks
from geo.tracks.matching.kernels import NEVER, Places, Steps, step_costs
from geo.tracks.matching.network import _levels, network
from geo.tracks.matching.planned_route import route_match
from geo.tracks.matching.route_cells import touched
from geo.tracks.matching.visibility import within_sight
from geo.tracks.matching.viterbi import Chain, _estimated_error, cost_parameters, match, roads_of
from geo.tracks.path import SECOND, Path
from geo.tracks.projection import MANY, to_metres
from geo.tracks.resting import _new_errors, settled

X0, Y0 = 387_000.0, 3_553_000.0
ORIGIN = np.array([X0, Y0])
TO_DEGREES = Transformer.from_crs(4549, 4326, always_xy=True)
NINE = pd.Timestamp("2026-11-23T01:00:00Z")
#: Two roads in one line that meet at 100 m, and a cross street there.
STREET = [[(0, 0), (100, 0)], [(100, 0), (300, 0)], [(100, -50), (100, 0)]]


def lines(*ends, **columns):
    return gpd.GeoDataFrame(columns, geometry=[shapely.LineString(ORIGIN + np.array(one)) for one in ends], crs=4549)


def track(t_s, x, y, accuracy_m=None):
    lon, lat = TO_DEGREES.transform(X0 + np.asarray(x, dtype=float), Y0 + np.asarray(y, dtype=float))
    times = NINE + pd.to_timedelta(np.asarray(t_s, dtype=float), unit="s")
    columns = {"device": "D1", "officer": "S1", "time": times.as_unit("us")}
    columns |= {} if accuracy_m is None else {"accuracy_m": accuracy_m}
    return gpd.GeoDataFrame(columns, geometry=shapely.points(lon, lat), crs=4326)


# -- steps ---------------------------------------------------------------------------------------------------------------


def step(one_m, two_m, *, line_m=None, lasts_s=60.0):
    """Costs from the states at `one_m` metres along the street to those at `two_m`: with (0) and against (1) its direction."""
    roads = roads_of(lines(*STREET))
    west = min(range(3), key=lambda e: shapely.centroid(roads.net.edges[e]).distance(shapely.Point(X0 + 50, Y0)))
    east = min(range(3), key=lambda e: shapely.centroid(roads.net.edges[e]).distance(shapely.Point(X0 + 200, Y0)))
    edge = np.array([west if m < 100 else east for m in (one_m, two_m)])
    at = np.array([m if m < 100 else m - 100 for m in (one_m, two_m)], dtype=float)
    assert (roads.graph.x[roads.graph.first[edge]] == X0 + np.where(edge == west, 0, 100)).all()
    places = Places(np.array([0, 1, 2]), edge, at, np.zeros(2))
    x = X0 + np.array([0.0, abs(two_m - one_m) if line_m is None else line_m])
    costs = np.empty(9)
    steps = Steps(x, np.full(2, Y0), np.array([lasts_s]), np.array([0, 9]))
    step_costs(roads.graph, places, steps, cost_parameters(10.0), 50.0, roads.heap, costs)
    return costs.reshape(3, 3)


def test_a_step_costs_what_its_way_is_longer_or_shorter_than_the_line():
    """The unit is the error of 10 m and 15 % of the line."""
    assert step(50, 90)[0, 0] == 0.0
    assert step(50, 150)[0, 0] == 0.0
    assert step(50, 150, line_m=80)[0, 0] == pytest.approx(20 / 22)
    assert step(50, 150, line_m=120)[0, 0] == pytest.approx(20 / 28)


def test_a_fix_moved_back_by_its_error_stands_still():
    """15 m back: the device went neither the 15 m between the fixes nor those 15 m along the road."""
    assert step(60, 45)[0, 0] == pytest.approx(30 / (10 + 0.15 * 15))
    assert step(60, 40)[0, 0] == pytest.approx(40 / (10 + 0.15 * 20))
    # Farther back it went on to the crossing, turned, went to the start, turned again: 40 + 100 + 39 m for 21 m.
    assert step(60, 39)[0, 0] == pytest.approx(2 * 4 + (179 - 21) / (10 + 0.15 * 21))


def test_each_reversal_costs_four():
    """Against the road at its far end, after 50 + 200 + 150 m; on one road, back from the farther place."""
    found = step(50, 150)
    assert found[0, 1] == pytest.approx(4 + (50 + 200 + 150 - 100) / 25)
    assert found[1, 0] == pytest.approx(4 + (50 + 100 + 50 - 100) / 25)  # first back to the dead end
    assert step(50, 90)[0, 1] == pytest.approx(4 + abs(40 - 40) / 16)


def test_nothing_goes_along_a_road_faster_than_fifty_metres_a_second():
    """A hundred metres are allowed for the errors; beyond twice the line and 300 m no way is searched."""
    assert step(50, 250, lasts_s=2.01)[0, 0] == 0.0
    assert step(50, 250, lasts_s=1.99)[0, 0] == NEVER
    assert step(50, 150, line_m=1, lasts_s=60.0)[0, 0] < NEVER


@pytest.mark.parametrize(("away_m", "estimated_m"), [(2.0, 4.0), (6.0, 6.0), (17.0, 17.0), (28.0, 25.0), (90.0, 25.0)])
@pytest.mark.parametrize(("n", "enough"), [(9, False), (10, True)])
def test_the_error_of_a_track_is_its_distance_from_the_roads_within_bounds(away_m, estimated_m, n, enough):
    """Stated 10 m: from ten fixes on, at most two and a half times less or more."""
    places = Places(np.arange(n + 1), np.zeros(n, dtype=np.int64), np.zeros(n), np.full(n, away_m))
    zeros = np.zeros(n, dtype=np.int64)
    chain = Chain(np.arange(n), np.zeros(n), np.zeros(n), places, cost_parameters(10.0), zeros, zeros[None])
    assert _estimated_error(chain, 10.0) == pytest.approx(estimated_m if enough else 10.0)


def test_all_fixes_of_a_walk_belong_to_its_stretch():
    t = np.arange(0, 200, 10.0)
    routes = match(track(t, 10 + t, 3 * np.sin(t)), lines(*STREET)).routes
    assert routes["on_road"].tolist() == [True]
    assert routes["fixes"].tolist() == [20]


# -- roads ---------------------------------------------------------------------------------------------------------------


def test_the_level_of_a_road():
    said = {
        "bridge": ["yes", "no", "false", "F", "0", "", None, "viaduct", None, None, "yes"],
        "tunnel": [None, None, None, None, None, None, None, None, "yes", "culvert", None],
        "layer": [None, None, None, None, None, None, "2", None, None, "-3", "0"],
    }
    roads = lines(*([[(0, 0), (9, 0)]] * 11), **said)
    assert _levels(roads).tolist() == [1, 0, 0, 0, 0, 0, 2, 1, -1, -3, 0]


@pytest.mark.parametrize(("vertices", "edges"), [([(100, -50), (100, 0), (100, 50)], 4), ([(100, -50), (100, 50)], 2)])
def test_a_bridge_meets_the_road_below_only_where_they_share_a_vertex(vertices, edges):
    roads = lines([(0, 0), (100, 0), (200, 0)], vertices, bridge=[None, "yes"])
    net = network(roads, CRS.from_epsg(4549))
    assert len(net.edges) == edges
    assert np.diff(net.indptr).max() == (4 if edges == 4 else 1)


@pytest.mark.parametrize(("end", "edges"), [(2.9, 3), (3.1, 2)])
def test_a_loose_end_meets_a_road_three_metres_away(end, edges):
    net = network(lines([(0, 0), (200, 0)], [(100, end), (100, 50)]), CRS.from_epsg(4549))
    assert (shapely.length(net.edges) > 3.5).sum() == edges


def test_half_of_the_routes_are_drawn_with_twice_the_error():
    """A walk 14 m from a border with an error of 5 m: three standard deviations of what lasts of it, one and a half of the
    doubled one.
    """
    cells = gpd.GeoDataFrame(
        {"code": ["A", "B"]},
        geometry=[shapely.box(X0, Y0, X0 + 300, Y0 + 50), shapely.box(X0, Y0 + 50, X0 + 300, Y0 + 90)],
        crs=4549,
    )
    t = np.arange(0, 100, 10.0)
    found = touched(track(t, 20 + t, 36 + 0 * t), cells, sigma_m=5.0).set_index("cell")["probability"]
    assert found["A"] == 1.0
    assert 0.03 < found["B"] < 0.3


def test_a_checkpoint_passed_twice_has_the_time_that_keeps_the_order():
    x = np.r_[700 - np.arange(0, 701, 10.0), np.arange(10, 701, 10.0)]
    stops = gpd.GeoSeries([shapely.Point(X0, Y0), shapely.Point(X0 + 700, Y0)], index=["gate", "school"], crs=4549)
    route = gpd.GeoSeries([shapely.LineString(ORIGIN + np.array([(0, 0), (700, 0)]))], crs=4549)
    found = route_match(track(np.arange(len(x)) * 10, x, 0 * x), route, checkpoints=stops, within_m=5.0).checkpoints
    assert found["in_order"].tolist() == [True, True]
    passed_s = (found["reached"] - NINE).dt.total_seconds().tolist()
    assert passed_s[0] == pytest.approx(700, abs=6)
    assert passed_s[1] == pytest.approx(1400, abs=6)


# -- sight, projection, rest ---------------------------------------------------------------------------------------------


def test_places_in_sight_are_those_within_the_distance_of_a_step():
    rng = np.random.default_rng(5)
    x, y = rng.uniform(0, 1000, (2, 4000))
    for k in range(12):
        a = rng.uniform(-50, 1050, (6, 2))
        b = a + rng.normal(0, 120, (6, 2)) * [(1, 1), (0, 1), (1, 0)][k % 3]
        b[0] = a[0]
        steps = np.hstack([a, b])
        away = shapely.distance(shapely.points(x, y)[:, None], shapely.linestrings(steps.reshape(-1, 2, 2))).min(axis=1)
        assert (within_sight(x, y, steps, 25.0) == (away <= 25.0)).all()


@pytest.mark.parametrize("half_deg", [0.05, 0.9])
def test_many_fixes_are_projected_as_exactly_as_few(half_deg):
    rng = np.random.default_rng(6)
    lon, lat = 118.8 + rng.uniform(-half_deg, half_deg, MANY), 32.1 + rng.uniform(-half_deg, half_deg, MANY)
    x, y = to_metres(lon, lat, CRS.from_epsg(4549))
    exact = TO_DEGREES.transform(lon[:999], lat[:999], direction="INVERSE")
    assert np.hypot(x[:999] - exact[0], y[:999] - exact[1]).max() < 2e-6


def path(x, y, step_s=10.0, sigma=10.0):
    n = len(x)
    people = pd.DataFrame({"device": ["D1"], "officer": ["S1"]})
    zeros = np.zeros(n, dtype=np.int64)
    start = 1_795_395_600 * SECOND  # 09:00 in Nanjing
    times = start + (np.arange(n) * step_s * SECOND).astype(np.int64)
    return Path(zeros, times, np.asarray(x), np.asarray(y), np.full(n, sigma), zeros - 1, people, zeros > 0, zeros > 0)


def test_a_stand_soon_after_another_at_its_place_shares_its_error():
    """The first stand ends at 590 s; the next begin 10 and 21 minutes after the end of the one before; an hour is enough."""
    way = path(np.zeros(700), np.zeros(700))
    first, fixes = np.array([0, 119, 305, 665]), np.array([60, 61, 1, 1])
    found = _new_errors(way, first, fixes, np.zeros(4, dtype=np.int64))
    np.testing.assert_allclose(found, [1.0, 600 / 3600, 1260 / 3600, 1.0])
    apart = _new_errors(way, first, fixes, np.array([0, 1, 0, 1]))
    np.testing.assert_allclose(apart, [1.0, 1.0, (3050 - 590) / 3600, 1.0])


@pytest.mark.parametrize(("radius_m", "stands"), [(25.0, True), (27.9, True), (28.1, False), (34.0, False)])
def test_a_round_of_five_minutes_wider_than_a_desk_scatters_is_no_stand(radius_m, stands):
    """Each window of five minutes has one full round, so the centres of all are equal and the spread is the radius."""
    angle = np.arange(0, 3000, 10.0) * (2 * np.pi / 300)
    found = settled(path(radius_m * np.cos(angle), radius_m * np.sin(angle)), "Asia/Shanghai")
    assert (found.stand >= 0).all() if stands else (found.stand < 0).all()


@pytest.mark.parametrize(("speed_m_s", "stands"), [(0.5, False), (0.08, True)])
def test_a_patrol_that_goes_on_is_no_stand(speed_m_s, stands):
    """The centres of two windows are 300 s · speed apart, at most 25 m for one place."""
    along = np.arange(0, 3000, 10.0) * speed_m_s
    found = settled(path(along, 0 * along), "Asia/Shanghai")
    assert (found.stand >= 0).all() if stands else (found.stand < 0).all()


# -- GeoJSON -------------------------------------------------------------------------------------------------------------


def collection(tmp_path, *features, **members):
    (tmp_path / "a.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features} | members))
    return tmp_path / "a.geojson"


def feature(kind, coordinates, **properties):
    return {"type": "Feature", "properties": properties, "geometry": {"type": kind, "coordinates": coordinates}}


def test_vertices_of_a_line_count_as_records_before_the_next(tmp_path):
    times = [f"2026-03-03T00:00:{s:02d}Z" for s in (0, 10, 20, 30)]
    line = feature("LineString", [[118.79, 32.1], [118.80, 32.1], [118.81, 32.1]], device="a", coordTimes=times[:3])
    point = feature("Point", [118.82, 32.1], device="a", time=times[3])
    assert read_tracks(collection(tmp_path, line, point), datum="WGS-84")["row"].tolist() == [1, 2, 3, 4]
    assert read_tracks(collection(tmp_path, point, line), datum="WGS-84").sort_values("time")["row"].tolist() == [
        2,
        3,
        4,
        1,
    ]


@pytest.mark.parametrize(
    ("code", "fits"), [("urn:ogc:def:crs:OGC:1.3:CRS84", True), ("EPSG:4490", True), ("EPSG:3857", False)]
)
def test_geojson_of_another_crs_is_refused(code, fits, tmp_path):
    point = feature("Point", [118.82, 32.1], device="a", time="2026-03-03T00:00:00Z")
    path = collection(tmp_path, point, crs={"type": "name", "properties": {"name": code}})
    if fits:
        assert len(read_tracks(path, datum="WGS-84")) == 1
    else:
        with pytest.raises(CrsError, match=f"declares the CRS {code}; convert it to longitude and latitude"):
            read_tracks(path, datum="WGS-84")
