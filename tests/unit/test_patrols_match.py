"""Map matching in a small town of streets 100 m apart, and its kernels compared with slow twins."""

from __future__ import annotations

import itertools

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from pyproj import CRS, Transformer
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra

from geo.errors import CrsError, GeometryError, InputError
from geo.patrols import match, touched
from geo.tracks.matching.kernels import (
    NEVER,
    Steps,
    _clear,
    _search,
    best_chain,
    drawn_chains,
    fix_costs,
    step_costs,
    trace,
)
from geo.tracks.matching.network import network
from geo.tracks.matching.viterbi import _candidates, cost_parameters, roads_of

X0, Y0 = 387_000.0, 3_553_000.0
ORIGIN = np.array([X0, Y0])
TO_DEGREES = Transformer.from_crs(4549, 4326, always_xy=True)
NINE = pd.Timestamp("2026-11-23T01:00:00Z")


def lines(*ends):
    return [shapely.LineString(ORIGIN + line) for line in ends]


def town(n=6, but=()):
    """Streets east and north, undivided and without shared vertices: the network must node them."""
    east = [[(0, 100 * k), (100 * (n - 1), 100 * k)] for k in range(n) if k not in but]
    north = [[(100 * k, 0), (100 * k, 100 * (n - 1))] for k in range(n)]
    return gpd.GeoDataFrame(geometry=lines(*east, *north), crs=4549)


def walk(corners, *, every_m=12.0, noise_m=4.0, seed=1, device="D1"):
    line = shapely.LineString(corners)
    along = np.arange(0, line.length + 1e-9, every_m)
    xy = shapely.get_coordinates(shapely.line_interpolate_point(line, along)) + ORIGIN
    xy += np.random.default_rng(seed).normal(0, noise_m, xy.shape)
    lon, lat = TO_DEGREES.transform(*xy.T)
    times = NINE + pd.to_timedelta(along / 1.2, unit="s")
    return gpd.GeoDataFrame({"device": device, "time": times}, geometry=shapely.points(lon, lat), crs=4326)


CORNERS = [(0, 0), (300, 0), (300, 200), (500, 200), (500, 400)]


def true_line(corners):
    return shapely.LineString(ORIGIN + corners)


@pytest.mark.parametrize("every_m", [2.0, 12.0, 60.0])
def test_a_walk_is_put_on_the_streets_it_took(every_m):
    matched = match(walk(CORNERS, every_m=every_m), town())
    assert matched.routes["on_road"].tolist() == [True]
    way = matched.routes.geometry.iloc[0]
    assert matched.routes.crs == "EPSG:4549"
    assert shapely.hausdorff_distance(way, true_line(CORNERS)) < 15
    assert way.length == pytest.approx(900, abs=25)
    assert matched.routes["confidence"].iloc[0] > 0.9
    assert matched.fixes["on_road"].all()
    assert matched.fixes["away_m"].max() < 20


def test_degrees_and_metres_multilines_and_heights_give_the_same_network():
    plain = town()
    crs = CRS.from_epsg(4549)
    whole = gpd.GeoDataFrame(geometry=[shapely.union_all(plain.geometry.array)], crs=4549)
    high = gpd.GeoDataFrame(geometry=shapely.force_3d(plain.geometry.array), crs=4549)
    for roads in (plain, plain.to_crs(4326), whole, high, pd.concat([plain, plain])):
        net = network(roads, crs)
        assert (len(net.edges), len(net.indptr) - 1) == (60, 36)
        assert net.length_m.sum() == pytest.approx(6000, abs=0.5)


def test_loose_ends_meet_and_bridges_do_not():
    crs = CRS.from_epsg(4549)
    loose = gpd.GeoDataFrame(geometry=lines([(0, 0), (200, 0)], [(100, 2), (100, 90)]), crs=4549)
    assert len(network(loose, crs).edges) - len(network(loose.iloc[:1], crs).edges) >= 2
    reached = roads_of(loose)
    assert np.isfinite(shortest(reached)[0]).all()
    crossing = gpd.GeoDataFrame(geometry=lines([(0, 0), (200, 0)], [(100, -90), (100, 90)]), crs=4549)
    assert len(network(crossing, crs).edges) == 4
    assert len(network(crossing.assign(bridge=["no", "yes"]), crs).edges) == 2
    assert len(network(crossing.assign(layer=[None, "1"]), crs).edges) == 2


def test_a_walk_through_a_park_is_off_the_roads():
    corners = [(0, 0), (200, 0), (250, 50), (250, 150), (450, 250), (500, 300), (500, 500)]
    roads = gpd.GeoDataFrame(geometry=lines([(0, 0), (200, 0)], [(500, 300), (500, 500)]), crs=4549)
    matched = match(walk(corners), roads)
    assert matched.routes["on_road"].tolist() == [True, False, True]
    assert (matched.routes["end"].to_numpy()[:-1] == matched.routes["start"].to_numpy()[1:]).all()
    park = matched.routes.geometry.iloc[1]
    assert shapely.hausdorff_distance(park, true_line(corners[1:-1])) < 35
    assert np.isnan(matched.fixes["away_m"][~matched.fixes["on_road"].astype(bool)]).all()


def test_far_from_all_roads_and_silent_for_long():
    far = match(walk([(3000, 3000), (3300, 3000)]), town())
    assert far.routes["on_road"].tolist() == [False]
    track = walk([(0, 0), (500, 0)])
    track.loc[track.index > 20, "time"] += pd.Timedelta(1, "h")
    assert len(match(track, town()).routes) == 2


def test_a_dead_end_is_walked_there_and_back():
    roads = gpd.GeoDataFrame(geometry=lines([(0, 0), (400, 0)], [(200, 0), (200, 150)]), crs=4549)
    matched = match(walk([(0, 0), (200, 0), (200, 120), (200, 0), (400, 0)]), roads)
    assert matched.routes.geometry.iloc[0].length == pytest.approx(640, abs=40)


def test_results_line_up_with_the_tracks_and_nothing_is_changed():
    track = pd.concat([walk(CORNERS), walk(CORNERS[::-1], device="D2", seed=2)], ignore_index=True)
    track["mark"] = ""
    track.loc[3, "mark"] = "mock"
    mixed = track.sample(frac=1.0, random_state=0)
    before = mixed.copy()
    matched = match(mixed, town())
    assert mixed.equals(before)
    assert matched.fixes.index.equals(mixed.index)
    assert matched.fixes["on_road"].isna().sum() == 1
    assert matched.routes["device"].tolist() == ["D1", "D2"]
    again = match(mixed, town())
    pd.testing.assert_frame_equal(matched.fixes, again.fixes)
    assert match(track.iloc[:0], town()).routes.empty


def test_what_is_refused():
    track = walk(CORNERS)
    with pytest.raises(CrsError, match="no coordinate reference system"):
        match(track, town().set_crs(None, allow_override=True))
    with pytest.raises(GeometryError, match="no line among 1 row"):
        match(track, gpd.GeoDataFrame(geometry=[shapely.Point(X0, Y0).buffer(10)], crs=4549))
    with pytest.raises(GeometryError, match="no line among 0 rows"):
        match(track, town().iloc[:0])
    with pytest.raises(InputError, match="sigma_m is 0"):
        match(track, town(), sigma_m=0)


# -- cells touched ------------------------------------------------------------------------------------------------------


def squares(size_m=50, shift=(25.0, 25.0)):
    corner = [(i, j) for i in range(-3, 16) for j in range(-3, 16)]
    boxes = [shapely.box(0, 0, size_m, size_m) for _ in corner]
    moved = [
        shapely.affinity.translate(b, X0 + i * size_m - shift[0], Y0 + j * size_m - shift[1])
        for b, (i, j) in zip(boxes, corner, strict=True)
    ]
    return gpd.GeoDataFrame({"code": [f"{i:02d}_{j:02d}" for i, j in corner]}, geometry=moved, crs=4549)


def test_cells_of_the_streets_are_found_and_claims_hold():
    cells = squares()
    true = set(cells.loc[cells.intersects(true_line(CORNERS)), "code"])
    for roads in (None, town()):
        told = touched(walk(CORNERS, every_m=60.0), cells, roads=roads)
        found = set(told.loc[told["on_path"], "cell"])
        assert 2 * len(found & true) / (len(found) + len(true)) > (0.9 if roads is None else 0.97)
        sure = told.loc[told["probability"] >= 0.9, "cell"]
        assert sure.isin(true).mean() > 0.9
        assert told["probability"].between(0, 1).all()
        assert told["roads"].eq(roads is not None).all()


def test_with_roads_a_sparse_track_goes_round_the_corner():
    cells = squares()
    track = walk([(0, 0), (500, 0), (500, 400)], every_m=250.0, noise_m=0.1)
    code = cells.loc[cells.intersects(shapely.Point(X0 + 500, Y0)), "code"].iloc[0]
    told = touched(track, cells, roads=town(but=range(1, 6)))
    assert told.set_index("cell").loc[code, "probability"] > 0.9
    assert code not in set(touched(track.iloc[[0, 1, 3]], cells).query("on_path")["cell"])


def test_a_border_in_the_middle_of_the_way_leaves_doubt():
    told = touched(walk([(0, 0), (500, 0)], noise_m=0.5), squares(shift=(25.0, 0.0))).set_index("cell")["probability"]
    assert 0.3 < told["05_00"] <= 1
    assert 0.3 < told["05_-1"] <= 1
    assert min(told["05_00"], told["05_-1"]) < 0.95


def test_two_devices_and_none():
    track = pd.concat([walk(CORNERS), walk([(0, 500), (100, 500)], device="D2")], ignore_index=True)
    told = touched(track, squares())
    assert told["device"].unique().tolist() == ["D1", "D2"]
    assert not told.duplicated(["device", "cell"]).any()
    pd.testing.assert_frame_equal(told, touched(track, squares()))
    assert touched(track.iloc[:0], squares()).columns.tolist() == told.columns.tolist()
    assert touched(track.iloc[:1], squares())["on_path"].sum() == 1


# -- kernels ------------------------------------------------------------------------------------------------------------


def shortest(roads):
    net, n = roads.net, len(roads.net.indptr) - 1
    graph = csr_matrix(
        (np.r_[net.length_m, net.length_m], (np.r_[net.head, net.tail], np.r_[net.tail, net.head])), shape=(n, n)
    )
    return dijkstra(graph, directed=False)


def random_roads(rng):
    xy = rng.uniform(0, 400, (14, 2, 2))
    return gpd.GeoDataFrame(geometry=shapely.linestrings(xy + ORIGIN), crs=4549)


def test_searches_find_the_shortest_ways():
    rng = np.random.default_rng(0)
    for _ in range(5):
        roads = roads_of(random_roads(rng))
        slow = shortest(roads)
        for start in range(len(slow)):
            for limit in (150.0, np.inf):
                count = _search(roads.graph, start, limit, -1, roads.heap)
                found = roads.heap.reached_m.copy()
                _clear(roads.heap, count)
                np.testing.assert_allclose(found, np.where(slow[start] <= limit, slow[start], np.inf), rtol=1e-12)
        assert np.isinf(roads.heap.reached_m).all()


def chain(rng, roads, n=5):
    x, y = rng.uniform(50, 350, (2, n)) + ORIGIN[:, None]
    parameters = cost_parameters(10.0)
    places = _candidates(roads.net, x, y, 60.0)
    states = 2 * np.diff(places.first) + 1
    first = np.r_[0, np.cumsum(states[:-1] * states[1:])].astype(np.int64)
    costs = np.empty(int(first[-1]))
    step_costs(roads.graph, places, Steps(x, y, np.full(n - 1, 60.0), first), parameters, 50.0, roads.heap, costs)
    steps = [
        costs[first[t] : first[t] + states[t] * states[t + 1]].reshape(states[t], states[t + 1]) for t in range(n - 1)
    ]
    return x, y, parameters, places, first, costs, states, steps


def test_what_a_step_costs_is_what_its_way_costs():
    rng = np.random.default_rng(1)
    seen = 0
    for _ in range(6):
        roads = roads_of(random_roads(rng))
        x, y, parameters, places, _, _, states, steps = chain(rng, roads)
        ground = shapely.union_all(roads.net.edges)
        for t, step in enumerate(steps):
            line = np.hypot(x[t + 1] - x[t], y[t + 1] - y[t])
            slack = parameters.slack_m + parameters.slack_share * line
            for a, b in itertools.product(range(states[t] - 1), range(states[t + 1] - 1)):
                if step[a, b] >= NEVER:
                    continue
                xy = trace(roads.graph, places, t, a, b, parameters.error_m, roads.heap)
                ends = [
                    shapely.line_interpolate_point(roads.net.edges[places.edge[r]], places.at_m[r])
                    for r in (places.first[t] + a // 2, places.first[t + 1] + b // 2)
                ]
                np.testing.assert_allclose(xy[[0, -1]], [[p.x, p.y] for p in ends], atol=1e-6)
                way = shapely.LineString(xy)
                assert shapely.distance(shapely.points(xy), ground).max() < 1e-6
                off = abs(way.length - line) / slack
                allowed = [off, off + parameters.turn, off + 2 * parameters.turn, (line + way.length) / slack]
                assert np.min(np.abs(step[a, b] - allowed)) < 1e-6
                seen += 1
        assert all(
            (step[-1, :-1] == parameters.leave_road).all() and (step[:-1, -1] == parameters.leave_road).all()
            for step in steps
        )
    assert seen > 500


def test_the_best_and_the_drawn_chains_are_those_of_all_chains():
    rng = np.random.default_rng(2)
    roads = roads_of(random_roads(rng))
    for _ in range(4):
        while True:
            _, _, parameters, places, first, costs, states, steps = chain(rng, roads, n=3)
            if 20 < states.prod() < 4000:
                break
        own = [fix_costs(places, parameters, t, states[t]) for t in range(3)]
        total = (
            own[0][:, None, None] + steps[0][:, :, None] + own[1][None, :, None] + steps[1][None] + own[2][None, None]
        )
        best = best_chain(places, parameters, first, costs, 3)
        assert total[tuple(best)] == pytest.approx(total.min(), abs=1e-9)
        weight = np.exp(total.min() - total)
        weight /= weight.sum()
        drawn = drawn_chains(places, parameters, first, costs, rng.random((20_000, 3)))
        share = np.zeros(total.shape)
        np.add.at(share, tuple(drawn.T), 1 / 20_000)
        assert np.abs(share - weight).sum() / 2 < 0.06


def test_states_off_the_roads_come_last():
    rng = np.random.default_rng(3)
    roads = roads_of(town())
    x, _, parameters, places, *_ = chain(rng, roads)
    count = np.diff(places.first)
    for t in range(len(x)):
        cost = fix_costs(places, parameters, t, int(2 * count[t] + 1))
        assert cost[-1] == parameters.off_road
        near = places.away_m[places.first[t] : places.first[t + 1]]
        assert cost[:-1].tolist() == pytest.approx(np.repeat(0.5 * (near / 10.0) ** 2, 2).tolist())
        assert (np.diff(near) >= 0).all()
