"""Stops, smoothing and map matching compared with known truth, and with trackintel and movingpandas if installed.

    python benchmarks/routes.py [--full] [--date 2026-11-25] [--parts stops,routes]

Needs the folder given by WANGGE_SHARED_DATA: the walk of `stopgo` with its diary, and the roads of `nanjing-osm`. True routes
connect random junctions by shortest paths with random weights; the device stops occasionally; errors of fixes are an
Ornstein-Uhlenbeck process plus a little white noise; cells are a lattice of 64 m with random position and rotation.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib.util
import os
import platform
import sys
import time
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import connected_components, dijkstra
from shapely.ops import substring

HERE = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(HERE))

from geo.locate import GridIndex  # noqa: E402
from geo.patrols import match, smoothed, stop_of, touched  # noqa: E402
from geo.tracks.matching.network import Network  # noqa: E402
from geo.tracks.matching.viterbi import roads_of  # noqa: E402
from geo.tracks.stop_detection import CHANGE_S, WINDOWS_S, _label_chains  # noqa: E402

DATA = Path(os.environ.get("WANGGE_SHARED_DATA", HERE.parent / "shared" / "data"))
DOC = HERE / "docs" / "tracks.md"
NOON = pd.Timestamp("2026-11-23T01:00:00Z")
CELL_M = 64.0


class Routes:
    """Paths through a network between random junctions."""

    def __init__(self, net: Network) -> None:
        self.net, self.count = net, len(net.indptr) - 1
        low = pd.DataFrame(
            {
                "a": np.r_[net.head, net.tail],
                "b": np.r_[net.tail, net.head],
                "edge": np.tile(np.arange(len(net.edges)), 2),
            }
        )
        low["length"] = net.length_m[low["edge"]]
        self.pairs = low.sort_values("length").drop_duplicates(["a", "b"])
        self.edge = dict(zip(zip(self.pairs["a"], self.pairs["b"], strict=True), self.pairs["edge"], strict=True))
        label = connected_components(self._weighed(np.ones(len(net.edges))))[1]
        self.main = np.flatnonzero(label == np.bincount(label).argmax())

    def _weighed(self, factor):
        weight = self.pairs["length"].to_numpy() * factor[self.pairs["edge"]]
        return csr_matrix((weight, (self.pairs["a"], self.pairs["b"])), shape=(self.count, self.count))

    def draw(self, rng, length_m):
        parts, total, at = [], 0.0, rng.choice(self.main)
        while total < length_m:
            reached, before = dijkstra(
                self._weighed(rng.uniform(0.7, 1.4, len(self.net.edges))), indices=at, return_predecessors=True
            )
            near = self.main[(reached[self.main] > length_m / 8) & (reached[self.main] < length_m)]
            if len(near) == 0:
                parts, total, at = [], 0.0, rng.choice(self.main)
                continue
            nodes = [rng.choice(near)]
            while nodes[-1] != at:
                nodes.append(before[nodes[-1]])
            for a, b in zip(nodes[:0:-1], nodes[-2::-1], strict=True):
                edge = self.edge[a, b]
                xy = shapely.get_coordinates(self.net.edges[edge])
                parts.append(xy if self.net.head[edge] == a else xy[::-1])
                total += self.net.length_m[edge]
            at = nodes[0]
        return substring(shapely.remove_repeated_points(shapely.LineString(np.concatenate(parts))), 0.0, length_m)


class Trip(NamedTuple):
    """Fixes; the true route; and that route as known to an observer who knows its shape, but not the displacement by errors."""

    time_s: np.ndarray
    xy: np.ndarray
    true: shapely.LineString
    moved: shapely.LineString | None = None


def lasting(rng, time_s, sigma_m, lasts_s):
    """An Ornstein-Uhlenbeck error along two axes."""
    error = rng.normal(0.0, sigma_m, (len(time_s), 2))
    for i in range(1, len(time_s)):
        a = np.exp(-(time_s[i] - time_s[i - 1]) / lasts_s)
        error[i] = a * error[i - 1] + np.sqrt(1.0 - a * a) * error[i]
    return error


def ridden(rng, line, kind, every_s, sigma_m, lasts=True):
    """Fixes of a walker or a car on a line with occasional stops; errors that are correlated, or independent in every fix."""
    usual = rng.uniform(1.0, 1.6) if kind == "walk" else rng.uniform(7.0, 13.0)
    at, speed, along = 0.0, usual, [0.0]
    while at < line.length:
        if rng.random() < (1 / 150 if kind == "walk" else 1 / 60):
            along += [at] * int(rng.uniform(5, 60))
        speed += 0.1 * (usual - speed) + rng.normal(0.0, 0.08 * usual)
        at += max(speed, 0.0)
        along.append(min(at, line.length))
    when = np.arange(0, len(along), every_s)
    second = np.arange(0, when[-1] + 1)
    places = shapely.get_coordinates(shapely.line_interpolate_point(line, np.array(along)[second]))
    if lasts:
        error = lasting(rng, when * 1.0, sigma_m, rng.uniform(30.0, 500.0))
        error += rng.normal(0, rng.uniform(0.5, 2), error.shape)
    else:
        error = rng.normal(0.0, sigma_m, (len(when), 2))
    moved = places + np.column_stack([np.interp(second, when, error[:, i]) for i in (0, 1)])
    true = substring(line, along[0], along[when[-1]])
    return Trip(when * 1.0, places[when] + error, true, shapely.LineString(moved))


def lattice(rng, bounds, crs):
    """Squares of 64 m that cover some bounds, with random position and rotation."""
    turn, corner = rng.uniform(0, np.pi / 2), rng.uniform(0, CELL_M, 2)
    middle = np.array([(bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2]) + corner
    half = int(np.hypot(bounds[2] - bounds[0], bounds[3] - bounds[1]) / 2 / CELL_M) + 4
    i, j = (v.ravel() for v in np.meshgrid(np.arange(-half, half), np.arange(-half, half)))
    square = np.array([[0, 0], [1, 0], [1, 1], [0, 1], [0, 0]])
    uv = (np.column_stack([i, j])[:, None, :] + square) * CELL_M
    xy = uv @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) + middle
    polygons = shapely.polygons(xy)
    near = shapely.intersects(polygons, shapely.box(*bounds).buffer(300.0))
    codes = [f"{a}_{b}" for a, b in zip(i[near], j[near], strict=True)]
    return gpd.GeoDataFrame({"code": codes}, geometry=polygons[near], crs=crs)


def tracks_of(trip, crs):
    lon, lat = pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform(*trip.xy.T)
    times = NOON + pd.to_timedelta(trip.time_s, unit="s")
    return gpd.GeoDataFrame({"device": "D1", "time": times}, geometry=shapely.points(lon, lat), crs=4326)


def f1(found, true):
    return 2.0 * len(found & true) / max(len(found) + len(true), 1)


class Score(NamedTuple):
    """Cells found by the fixes, by the lines between them, by `touched` and by `touched` with roads, and the claims of 90 %."""

    f1: list
    claims: np.ndarray


def scored(trip, cells, crs, roads):
    index = GridIndex(cells)
    tree = shapely.STRtree(np.asarray(cells.geometry.array))
    codes = index.codes

    def cells_on(shape):
        return set(codes[tree.query(shape, predicate="intersects")])

    true, track = cells_on(trip.true), tracks_of(trip, crs)
    found = [set(codes[index.locate(*trip.xy.T)]), cells_on(shapely.LineString(trip.xy))]
    claims = []
    for ways in (None,) if roads is None else (None, roads):
        told = touched(track, index, roads=ways)
        found.append(set(told.loc[told["on_path"], "cell"]))
        sure = told.loc[told["probability"] >= 0.9, "cell"]
        claims += [int(sure.isin(true).sum()), len(sure)]
    return Score([f1(one, true) for one in found], np.array(claims))


def on_streets(trips, sigmas, intervals):
    roads = gpd.read_file(DATA / "nanjing-osm" / "roads.geojson")
    net = roads_of(roads).net
    routes = Routes(net)
    rows = []
    for kind, length in (("walk", 2500.0), ("car", 6000.0)):
        for sigma in sigmas:
            for every in intervals:
                rng = np.random.default_rng([int(sigma), every, len(kind)])
                made = [ridden(rng, routes.draw(rng, length), kind, every, sigma) for _ in range(trips)]
                scores = [scored(trip, lattice(rng, trip.true.bounds, net.crs), net.crs, roads) for trip in made]
                mean = np.mean([score.f1 for score in scores], axis=0)
                sure = np.sum([score.claims for score in scores], axis=0)
                rows.append(
                    [
                        kind,
                        f"{sigma:.0f} m",
                        f"{every} s",
                        *(f"{v:.3f}" for v in mean),
                        f"{sure[0] / sure[1]:.3f}",
                        f"{sure[2] / sure[3]:.3f}",
                    ]
                )
                print(*rows[-1], flush=True)
    return rows


REAL = {
    "gpxpy/around-visnjan-with-car.gpx": (1, 5, 10),
    "gpxgo/visnjan.gpx": (1, 2, 5),
    "gpxgo/korita-zbevnica.gpx": (1, 3, 6),
    "gpxpy/cerknicko-jezero.gpx": (1, 2, 4),
}


def on_real_tracks(repeats):
    """Real tracks used as truth, thinned to every k-th fix, with an added error of 5 m."""
    from geo.patrols import read_tracks

    rows = []
    for name, thinnings in REAL.items():
        track = read_tracks(DATA / "gpx-oddities" / name)
        track = track[track["time"].notna()].drop_duplicates("time").sort_values("time")
        # Only its longest part without a gap: the route inside a gap is unknown.
        part = (track["time"].diff().dt.total_seconds() > 60.0).cumsum()
        track = track[part == part.value_counts().index[0]]
        metric = track.to_crs(track.estimate_utm_crs())
        xy, seconds = (
            shapely.get_coordinates(metric.geometry.array),
            (track["time"] - track["time"].iloc[0]).dt.total_seconds(),
        )
        for k in thinnings:
            rng = np.random.default_rng(k)
            scores = []
            for _ in range(repeats):
                when = seconds.to_numpy()[::k]
                trip = Trip(when, xy[::k] + lasting(rng, when, 5.0, rng.uniform(30, 500)), shapely.LineString(xy))
                scores.append(scored(trip, lattice(rng, trip.true.bounds, metric.crs), metric.crs, None))
            mean, sure = np.mean([s.f1 for s in scores], axis=0), np.sum([s.claims for s in scores], axis=0)
            rows.append(
                [
                    name.split("/")[1],
                    f"{np.median(np.diff(seconds[::k])):.0f} s",
                    *(f"{v:.3f}" for v in mean),
                    f"{sure[0] / sure[1]:.3f}",
                ]
            )
            print(*rows[-1], flush=True)
    return rows


def by_error(trips):
    """Results from positions alone, for correlated and for independent errors."""
    net = roads_of(gpd.read_file(DATA / "nanjing-osm" / "roads.geojson")).net
    routes, rows = Routes(net), []
    for kind, length in (("walk", 2500.0), ("car", 6000.0)):
        for lasts in (True, False):
            for sigma in (3.0, 5.0, 10.0):
                for every in (5, 10, 30):
                    rng, scores, known = np.random.default_rng([int(sigma), every, len(kind), lasts]), [], []
                    for _ in range(trips):
                        trip = ridden(rng, routes.draw(rng, length), kind, every, sigma, lasts)
                        cells = lattice(rng, trip.true.bounds, net.crs)
                        scores.append(scored(trip, cells, net.crs, None))
                        on = [set(np.flatnonzero(cells.intersects(way))) for way in (trip.moved, trip.true)]
                        known.append(f1(*on))
                    mean, sure = np.mean([s.f1 for s in scores], axis=0), np.sum([s.claims for s in scores], axis=0)
                    bound = f"{np.mean(known):.3f}" if lasts else ""
                    rows.append(
                        [
                            kind,
                            "lasts" if lasts else "new in every fix",
                            f"{sigma:.0f} m",
                            f"{every} s",
                            *(f"{v:.3f}" for v in mean),
                            bound,
                            f"{sure[0] / sure[1]:.3f}",
                        ]
                    )
                    print(*rows[-1], flush=True)
    return rows


def smoothing(repeats):
    """Distance from the route and length of the path before and after; independent errors of 5 m and correlated errors of 5 m."""
    roads = gpd.read_file(DATA / "nanjing-osm" / "roads.geojson")
    net = roads_of(roads).net
    routes, rows = Routes(net), []
    for kind, length in (("walk", 1500.0), ("car", 4000.0)):
        for every in (1, 5, 10, 30):
            rng = np.random.default_rng(every)
            out = []
            for _ in range(repeats):
                trip = ridden(rng, routes.draw(rng, length), kind, every, 5.0)
                noisy = trip._replace(xy=trip.xy + rng.normal(0.0, 5.0, trip.xy.shape))
                moved = shapely.get_coordinates(smoothed(tracks_of(noisy, net.crs)).to_crs(net.crs).geometry.array)
                away = [np.mean(shapely.distance(shapely.points(v), trip.true)) for v in (noisy.xy, moved)]
                way = [shapely.LineString(v).length / trip.true.length for v in (noisy.xy, moved)]
                out.append([*away, *way])
            mean = np.mean(out, axis=0)
            rows.append([kind, f"{every} s", f"{mean[0]:.1f}", f"{mean[1]:.1f}", f"{mean[2]:.2f}", f"{mean[3]:.2f}"])
    return rows


def marks(stays, true):
    """Share of correct labels, F1 of stops, mean of the two recalls, and number of changes."""
    both = (stays & true).sum()
    recall = (both / true.sum() + (~stays & ~true).sum() / (~true).sum()) / 2
    return [
        f"{(stays == true).mean():.3f}",
        f"{2 * both / (stays.sum() + true.sum()):.3f}",
        f"{recall:.3f}",
        int((stays[1:] != stays[:-1]).sum()),
    ]


def diary():
    table = pd.read_csv(DATA / "stopgo" / "preprocessed_example.csv")
    points = gpd.points_from_xy(table["longitude"], table["latitude"])
    walk = gpd.GeoDataFrame({"device": "D1", "time": pd.to_datetime(table["ts"], utc=True)}, geometry=points, crs=4326)
    return walk, (table["diary_label"] == "stop").to_numpy()


def stops_beside():
    walk, true = diary()
    rows = [["diary", "", "", "", int((true[1:] != true[:-1]).sum())]]
    rows.append(["wangge, as it comes", *marks((stop_of(walk).fillna(-1) >= 0).to_numpy(), true)])
    left = []
    for name, runs in (("trackintel", _trackintel), ("movingpandas", _movingpandas)):
        if importlib.util.find_spec(name) is None:
            left.append(name)
            continue
        found = {words: marks(stays, true) for words, stays in runs(walk)}
        usual = next(iter(found))
        best = max(found, key=lambda words: float(found[words][0]))
        rows += [
            [f"{name}, {usual}", *found[usual]],
            [f"{name}, best of {len(found)} on this walk: {best}", *found[best]],
        ]
    return rows, left


def _trackintel(walk):
    import trackintel

    frame = walk.rename(columns={"device": "user_id", "time": "tracked_at"}).rename_geometry("geom")
    fixes = trackintel.Positionfixes(frame)
    for radius in (100, 15, 20, 25, 30, 40, 50, 60, 80):
        for minutes in (5, 0.5, 1, 2, 3):
            told, _ = fixes.generate_staypoints(
                method="sliding", dist_threshold=radius, time_threshold=minutes, gap_threshold=60, include_last=True
            )
            yield f"{radius} m, {minutes:g} min", told["staypoint_id"].notna().to_numpy()


def _movingpandas(walk):
    import movingpandas

    clock = walk["time"].dt.tz_localize(None)
    way = movingpandas.Trajectory(walk.assign(t=clock).set_index("t").to_crs(walk.estimate_utm_crs()), 1)
    for diameter in (100, 15, 20, 25, 30, 40, 50, 60, 80):
        for seconds in (300, 30, 60, 90, 120, 180):
            ranges = movingpandas.TrajectoryStopDetector(way).get_stop_time_ranges(
                max_diameter=diameter, min_duration=dt.timedelta(seconds=seconds)
            )
            stays = np.zeros(len(walk), dtype=bool)
            for one in ranges:
                stays |= ((clock >= one.t_0) & (clock <= one.t_n)).to_numpy()
            yield f"{diameter} m, {seconds / 60:g} min", stays


def robustness():
    """Share of correct labels on the diary for settings around the chosen ones."""
    walk, true = diary()
    metric = walk.to_crs(walk.estimate_utm_crs())
    x, y = shapely.get_coordinates(metric.geometry.array).T
    seconds = (walk["time"] - walk["time"].iloc[0]).dt.total_seconds().to_numpy()
    breaks = np.flatnonzero(np.r_[True, np.diff(seconds) > 300.0])
    ends = np.r_[breaks[1:], len(x)]
    right = {
        (short, long, change): (
            _label_chains(seconds, x.copy(), y.copy(), breaks, ends, (short, long), change) == true
        ).mean()
        for short in (20.0, 30.0, 45.0)
        for long in (60.0, 90.0, 120.0)
        for change in (10.0, 15.0, 20.0)
    }
    values = np.array(list(right.values()))
    chosen = right[(*WINDOWS_S, CHANGE_S)]
    return (
        f"Over {len(values)} settings (windows of 20, 30, 45 s and 60, 90, 120 s, a change worth 10, 15, 20 s) the share of "
        f"fixes labelled right is {values.min():.3f} to {values.max():.3f}, median {np.median(values):.3f}; the chosen one has\n"
        f"{chosen:.3f}."
    )


def speed():
    roads = gpd.read_file(DATA / "nanjing-osm" / "roads.geojson")
    net = roads_of(roads).net
    routes, rng = Routes(net), np.random.default_rng(1)
    trip = ridden(rng, routes.draw(rng, 25_000.0), "walk", 10, 8.0)
    track, index = tracks_of(trip, net.crs), GridIndex(lattice(rng, trip.true.bounds, net.crs))
    runs = {
        "`stop_of`": lambda t: stop_of(t),
        "`smoothed`": lambda t: smoothed(t),
        "`touched`": lambda t: touched(t, index),
        "`match`": lambda t: match(t, roads),
        "`touched` with roads": lambda t: touched(t, index, roads=roads),
    }
    rows = []
    for name, run in runs.items():
        taken = []
        for copies in (4, 4, 16):
            many = pd.concat([track.assign(device=f"D{k}") for k in range(copies)], ignore_index=True)
            begin = time.process_time()
            run(many)
            taken.append((time.process_time() - begin) / len(many) * 1e6)
        rows.append([name, f"{4 * len(track):,}", f"{taken[1]:.0f}", f"{16 * len(track):,}", f"{taken[2]:.0f}"])
    return rows


def table(headings, rows):
    return "\n".join("| " + " | ".join(map(str, row)) + " |" for row in [headings, ["---"] * len(headings), *rows])


def put(name, text):
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    page = DOC.read_text(encoding="utf-8")
    DOC.write_text(page[: page.index(begin) + len(begin)] + f"\n{text}\n" + page[page.index(end) :], encoding="utf-8")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--full", action="store_true")
    parser.add_argument("--date", default=dt.date.today().isoformat())
    parser.add_argument("--parts", help="some of stops, smoothing, errors, real tracks, routes, speed; all by default")
    options = parser.parse_args()
    trips = 20 if options.full else 6
    machine = f"{os.cpu_count()} cores, Python {platform.python_version()}, {options.date}"
    parts = {
        "stops": _stops,
        "smoothing": _smoothing,
        "errors": _errors,
        "real tracks": _real,
        "routes": _routes,
        "speed": _speed,
    }
    for name in options.parts.split(",") if options.parts else parts:
        put(name, parts[name](trips, machine))


def _stops(_, machine):
    rows, left = stops_beside()
    beside = f" {' and '.join(left)}: not installed in this environment, left out." if left else ""
    words = ["labels of 697 fixes", "right", "F1 of stops", "mean recall", "changes"]
    return "\n\n".join([f"{machine}.{beside}", table(words, rows), robustness()])


def _smoothing(trips, _):
    words = ["", "fixes every", "m from the route: fixes", "smoothed", "length / true: fixes", "smoothed"]
    return table(words, smoothing(trips))


def _routes(trips, machine):
    words = [
        "",
        "error",
        "fixes every",
        "points",
        "lines",
        "`touched`",
        "with roads",
        "claims of 0.9 that are true",
        "with roads",
    ]
    rows = on_streets(trips, (3.0, 5.0, 10.0, 15.0, 20.0), (1, 5, 10, 30, 60))
    return "\n\n".join([f"{trips} trips a row; {machine}.", table(words, rows)])


def _errors(trips, machine):
    words = [
        "",
        "error",
        "m",
        "fixes every",
        "points",
        "lines",
        "`touched`",
        "shape known",
        "claims of 0.9 that are true",
    ]
    trips *= 4
    return "\n\n".join([f"{trips} trips a row; {machine}.", table(words, by_error(trips))])


def _real(trips, _):
    words = ["real track, taken for true", "fixes every", "points", "lines", "`touched`", "claims of 0.9 that are true"]
    return table(words, on_real_tracks(trips))


def _speed(_, machine):
    return "\n\n".join([f"{machine}.", table(["CPU time", "fixes", "µs a fix", "fixes", "µs a fix"], speed())])


if __name__ == "__main__":
    main()
