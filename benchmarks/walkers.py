"""Simulated days of other walkers than those of ``geo.sample``, for the evaluation of verdicts.

Three kinds: ``rounds`` walk between random points inside their grid, twice a day from an office; ``beats`` have four
or five grids each and go from one to the next without a break; ``kerbs`` walk the roads in and around their grid on either
side of the centre line, usually the border, two to five metres off it.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import shapely
from scipy.sparse.csgraph import dijkstra

from geo.patrols import DEFAULT_RULES
from geo.sample.days.patrols import sent, wandering
from geo.sample.days.truth import truth_of
from geo.sample.days.walks import Diary, Roads, scattered

KINDS = {
    "rounds": "inside one's own grid",
    "beats": "four or five grids in turn",
    "kerbs": "either side of the border roads",
}
#: Probability of no, one, two and three rounds a day; that a grid of a round is skipped, or only passed through.
ROUNDS, LEFT_OUT, PASSED = (0.05, 0.12, 0.73, 0.10), 0.07, 0.04
STARTS_H = (8.5, 13.5, 15.8)
#: Error radius of phones (68 %), metres, and correlation time of the error, seconds.
RADIUS_M, LASTS_S = (5.0, 20.0), (30.0, 300.0)


def simulate(kind, street, cells, *, officers, seed, day):
    """Paths of a day, the cells with their leaders, and the truth: visits and verdicts.

    `street` has ``roads``; `cells` are the second level in metres.
    """
    rng = np.random.default_rng(seed)
    roads = Roads.of(street.roads)
    middle = shapely.get_coordinates(cells.representative_point().array)
    offices = middle[::20]
    ways, leader = [], np.full(len(cells), "", dtype=object)
    for own in _beats(cells, middle, officers) if kind == "beats" else rng.permutation(len(cells))[:officers, None]:
        leader[own] = _name(len(ways))
        office = offices[np.hypot(*(offices - middle[own[0]]).T).argmin()] if kind == "beats" else rng.choice(offices)
        walk = Diary(office, 8 * 3600 + rng.uniform(0, 1800))
        aside = rng.choice([-1, 1], 2) * rng.uniform(2, 5, 2)
        for start in STARTS_H[: rng.choice(4, p=ROUNDS)]:
            walk.stay(start * 3600 + rng.uniform(0, 1800))
            for c in own:
                if len(own) > 1 and rng.random() < LEFT_OUT:
                    continue
                shape = cells.geometry.iloc[c]
                first = scattered(shape, 1, rng)[0]
                walk.go(first[None], rng.uniform(4.5, 6) if np.hypot(*(first - walk.xy)) > 500 else 1.25)
                if rng.random() >= PASSED:
                    until = walk.t + rng.uniform(600, 2400) / min(len(own), 3)
                    (_along if kind == "kerbs" else _inside)(walk, shape, until, rng, roads, aside)
            walk.go(office[None], rng.uniform(4.5, 6))
        walk.stay(17 * 3600 + rng.uniform(0, 1800))
        ways.append(walk.way())
    staff = [_name(k) for k in range(len(ways))]
    led = cells.assign(leader=leader)
    return ways, led, *truth_of(ways, staff, led, day, DEFAULT_RULES)


def _name(k):
    return f"G{k:03d}"


def _beats(cells, middle, officers):
    """Grids of each officer: from the west, each with neighbours that are not yet assigned."""
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
    """Between random points, on straight lines that stay in the grid if possible."""
    while walk.t < until:
        points = scattered(shape, 20, rng)
        straight = [xy for xy in points if shape.covers(shapely.LineString([walk.xy, xy]))]
        walk.go(np.array([(straight or list(points))[0]]), rng.uniform(0.9, 1.4))
        if rng.random() < 0.35:
            walk.stay(walk.t + rng.uniform(10, 150))


def _along(walk, shape, until, rng, roads, aside):
    """Along the roads that touch the grid, with an offset from their centre line."""
    nodes = np.flatnonzero(shapely.intersects_xy(shape.buffer(0.5), roads.xy[:, 0], roads.xy[:, 1]))
    if len(nodes) < 4:
        _inside(walk, shape, until, rng, roads, aside)
        return
    xy = roads.xy[nodes] + aside
    _, before = dijkstra(roads.graph[nodes][:, nodes], directed=False, return_predecessors=True)
    at = int(np.hypot(*(xy - walk.xy).T).argmin())
    walk.go(xy[[at]], 1.3)
    for _ in range(500):
        if walk.t >= until:
            break
        chain = [int(rng.integers(len(nodes)))]
        while chain[-1] != at and before[at, chain[-1]] >= 0:
            chain.append(int(before[at, chain[-1]]))
        if chain[-1] != at:
            continue
        if chain[0] != at:
            walk.go(xy[chain[-2::-1]], rng.uniform(0.9, 1.4))
        at = chain[0]
        if rng.random() < 0.3:
            walk.stay(walk.t + rng.uniform(10, 180))


def phones(ways, crs, *, interval_s, seed, day):
    """Fixes of the paths with correlated errors, independent for each phone."""
    rng = np.random.default_rng(seed)
    tables = []
    for k, way in enumerate(ways):
        t = np.arange(way.t[0] + rng.uniform(0, interval_s), way.t[-1], interval_s)
        radius = rng.uniform(*RADIUS_M)
        error = wandering(len(t), radius, interval_s, rng.uniform(*LASTS_S), rng)
        x, y = (np.interp(t, way.t, way.xy[:, i]) + error[:, i] for i in (0, 1))
        fixes = {"device": f"D{k:03d}", "officer": _name(k), "t": t, "x": x, "y": y, "accuracy_m": round(radius, 1)}
        tables.append(pd.DataFrame(fixes))
    return sent(pd.concat(tables, ignore_index=True).assign(mock=False), day, crs)
