"""Days of other walkers than those of ``geo.sample``, to judge verdicts by.

Three kinds: ``rounds`` walk from way-point to way-point inside their grid, twice a day from an office; ``beats`` have four
or five grids each and go from one to the next without a break; ``kerbs`` walk the roads in and around their grid on either
side of the middle, which mostly is the border, two to five metres off it.
"""

from __future__ import annotations

import datetime as dt
from itertools import pairwise

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import scipy.signal
import shapely
from scipy.sparse.csgraph import dijkstra

from geo.patrols import DEFAULT_RULES
from geo.sample.truth import truth_of
from geo.sample.walks import Roads, Way, scattered

KINDS = {
    "rounds": "inside one's own grid",
    "beats": "four or five grids in turn",
    "kerbs": "either side of the border roads",
}
#: Probability of no, one, two and three rounds a day; that a grid of a round is left out, or only passed through.
ROUNDS, LEFT_OUT, PASSED = (0.05, 0.12, 0.73, 0.10), 0.07, 0.04
STARTS_H = (8.5, 13.5, 15.8)
#: Error radius of phones (68 %), metres; how long an error lasts; share of the time in silence, and its longest stretch.
RADIUS_M, LASTS_S, SILENT, LONGEST_S = (5.0, 20.0), (30.0, 300.0), 0.1, 2400.0


class _Walk:
    """Way of one officer in the making."""

    def __init__(self, xy, t):
        self.rows = [(t, *xy)]

    @property
    def t(self):
        return self.rows[-1][0]

    @property
    def xy(self):
        return np.array(self.rows[-1][1:])

    def go(self, xy, speed_m_s):
        far = np.hypot(*(xy - self.xy))
        if far > 0:
            self.rows.append((self.t + far / speed_m_s, *xy))

    def stay(self, until):
        if until > self.t:
            self.rows.append((until, *self.xy))

    def way(self):
        rows = np.array(self.rows)
        return Way(rows[:, 0], rows[:, 1:])


def simulate(kind, street, cells, *, officers, seed, day):
    """Ways of a day, and what a perfect observer would have found: visits and verdicts.

    `street` has ``roads``; `cells` are the second level in metres.
    """
    rng = np.random.default_rng(seed)
    roads = Roads.of(street.roads)
    middle = shapely.get_coordinates(cells.representative_point().array)
    offices = middle[::20]
    ways = []
    for own in _beats(cells, middle, officers) if kind == "beats" else rng.permutation(len(cells))[:officers, None]:
        office = offices[np.hypot(*(offices - middle[own[0]]).T).argmin()] if kind == "beats" else rng.choice(offices)
        walk = _Walk(office, 8 * 3600 + rng.uniform(0, 1800))
        aside = rng.choice([-1, 1], 2) * rng.uniform(2, 5, 2)
        for start in STARTS_H[: rng.choice(4, p=ROUNDS)]:
            walk.stay(start * 3600 + rng.uniform(0, 1800))
            for c in own:
                if len(own) > 1 and rng.random() < LEFT_OUT:
                    continue
                shape = cells.geometry.iloc[c]
                first = scattered(shape, 1, rng)[0]
                walk.go(first, rng.uniform(4.5, 6) if np.hypot(*(first - walk.xy)) > 500 else 1.25)
                if rng.random() >= PASSED:
                    until = walk.t + rng.uniform(600, 2400) / min(len(own), 3)
                    (_along if kind == "kerbs" else _inside)(walk, shape, until, rng, roads, aside)
            walk.go(office, rng.uniform(4.5, 6))
        walk.stay(17 * 3600 + rng.uniform(0, 1800))
        ways.append(walk.way())
    staff = [f"G{k:03d}" for k in range(len(ways))]
    return ways, *truth_of(ways, staff, cells, day, _midnight(day), DEFAULT_RULES)


def _beats(cells, middle, officers):
    """Grids of each officer: one after the other from the west, each with neighbours that nobody has yet."""
    touching = {k: cells.sindex.query(shape, predicate="touches") for k, shape in enumerate(cells.geometry)}
    free, size = set(range(len(cells))), -(-len(cells) // officers)
    for _ in range(officers):
        if not free:
            return
        beat = [min(free, key=lambda c: (middle[c][0] // 400, middle[c][1]))]
        free.discard(beat[0])
        while len(beat) < size:
            near = [c for member in beat for c in touching[member] if c in free]
            if not near:
                break
            beat.append(near[0])
            free.discard(near[0])
        yield beat


def _inside(walk, shape, until, rng, _roads, _aside):
    """From way-point to way-point, on straight lines that stay in the grid where there are any."""
    while walk.t < until:
        points = scattered(shape, 20, rng)
        straight = [xy for xy in points if shape.covers(shapely.LineString([walk.xy, xy]))]
        walk.go((straight or points)[0], rng.uniform(0.9, 1.4))
        if rng.random() < 0.35:
            walk.stay(walk.t + rng.uniform(10, 150))


def _along(walk, shape, until, rng, roads, aside):
    """Along the roads that touch the grid, a little aside of their middle."""
    nodes = np.flatnonzero(shapely.intersects_xy(shape.buffer(0.5), roads.xy[:, 0], roads.xy[:, 1]))
    if len(nodes) < 4:
        _inside(walk, shape, until, rng, roads, aside)
        return
    xy = roads.xy[nodes] + aside
    _, before = dijkstra(roads.graph[nodes][:, nodes], directed=False, return_predecessors=True)
    at = int(np.hypot(*(xy - walk.xy).T).argmin())
    walk.go(xy[at], 1.3)
    for _ in range(500):
        if walk.t >= until:
            break
        chain = [int(rng.integers(len(nodes)))]
        while chain[-1] != at and before[at, chain[-1]] >= 0:
            chain.append(int(before[at, chain[-1]]))
        if chain[-1] != at:
            continue
        speed = rng.uniform(0.9, 1.4)
        for _, node in pairwise(chain[::-1]):
            walk.go(xy[node], speed)
        at = chain[0]
        if rng.random() < 0.3:
            walk.stay(walk.t + rng.uniform(10, 180))


def phones(ways, crs, *, interval_s, seed, day):
    """Fixes of the ways: errors of Gauss and Markov, each phone with its own radius, and a tenth of the time in silence."""
    rng = np.random.default_rng(seed)
    tables = []
    for k, way in enumerate(ways):
        t = np.arange(way.t[0] + rng.uniform(0, interval_s), way.t[-1], interval_s)
        radius, keep = rng.uniform(*RADIUS_M), np.exp(-interval_s / rng.uniform(*LASTS_S))
        noise = rng.standard_normal((len(t), 2))
        noise[1:] *= np.sqrt(1 - keep**2)
        error = scipy.signal.lfilter([1.0], [1.0, -keep], noise, axis=0) * radius / 1.51
        heard, left = np.ones(len(t), dtype=bool), SILENT * (t[-1] - t[0])
        while left > 0:
            lasts = min(rng.uniform(60.0, LONGEST_S), left)
            begin = rng.uniform(t[0], t[-1] - lasts)
            heard &= (t < begin) | (t >= begin + lasts)
            left -= lasts
        x, y = (np.interp(t, way.t, way.xy[:, i]) + error[:, i] for i in (0, 1))
        fixes = {"device": f"D{k:03d}", "officer": f"G{k:03d}", "t": t, "x": x, "y": y, "accuracy_m": round(radius, 1)}
        tables.append(pd.DataFrame(fixes)[heard])
    table = pd.concat(tables, ignore_index=True)
    lon, lat = pyproj.Transformer.from_crs(crs, 4326, always_xy=True).transform(table["x"], table["y"])
    time = _midnight(day) + pd.to_timedelta(np.rint(table["t"].to_numpy() * 1000).astype(np.int64), unit="ms")
    table = table.drop(columns=["t", "x", "y"]).assign(time=time.as_unit("us"), lon=lon, lat=lat, mock=False)
    return gpd.GeoDataFrame(table, geometry=shapely.points(lon, lat), crs=4326)


def _midnight(day: dt.date) -> pd.Timestamp:
    return pd.Timestamp(day, tz="Asia/Shanghai").tz_convert("UTC").as_unit("us")
