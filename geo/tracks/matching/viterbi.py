"""Map matching: the way along roads that a device most probably took, and how sure that is.

Three storeys: all devices (:func:`match`), one unbroken chain of fixes (:func:`chain_on`), one step of it
(:mod:`geo.tracks.matching.kernels`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from geo.arrays import Floats, Ints
from geo.errors import GeometryError, InputError
from geo.kernels import kernel
from geo.layers.crs import to_metric
from geo.tracks.columns import DEVICE, END, FIXES, LENGTH_M, OFFICER, START
from geo.tracks.limits import DEFAULT_LIMITS, MovementLimits
from geo.tracks.matching.kernels import (
    Graph,
    Heap,
    Places,
    Prices,
    Steps,
    best_chain,
    drawn_chains,
    room,
    step_costs,
    trace,
)
from geo.tracks.matching.network import Network, network
from geo.tracks.path import SECOND, Path
from geo.tracks.smoothing import Motion, motion_of, smoothed_path
from geo.tracks.trajectory import chains_of, raw_path

#: Fixes that are nearer than this to the last one looked at are passed over: their errors are alike, and count once.
THIN_M, THIN_S = 20.0, 60.0
#: Roads that are looked at for each fix, and how far from it, in standard deviations of the error and at least in metres.
MOST_ROADS, REACH_SIGMAS, REACH_M = 10, 4.0, 40.0
#: Chains that are drawn to tell how sure the best one is.
DRAWS = 64
#: Fixes from which the error of a track is told anew from the roads, and by which factor it may differ from what was stated.
LEAST_FIXES, MOST_OFF = 10, 2.5
#: Two places on the roads that are no farther apart than this say the same.
AGREE_M = 20.0
#: Nothing moves along roads faster than this, m/s.
FASTEST_M_S = 50.0


@dataclass(frozen=True)
class Matched:
    """Tracks on roads.

    Attributes
    ----------
    ways
        One row per stretch on roads or off them, by device and time: `device`, `officer`, `start`, `end`, `on_road`,
        `confidence` (probability that a fix of it was put at the right place on the roads, give or take 20 m, or rightly off
        all of them), `fixes`, `length_m`, and the line, in the metric CRS of the roads.
    fixes
        Index of the tracks: `on_road` (boolean), `confidence`, `away_m` (metres from the fix to its place on the road); missing
        for fixes that are not used.
    """

    ways: gpd.GeoDataFrame
    fixes: pd.DataFrame


class Roads(NamedTuple):
    """A network as the search for places and the kernels read it."""

    net: Network
    graph: Graph
    heap: Heap


class Chain(NamedTuple):
    """The fixes of one device between two silences, thinned, and the states that they were put in.

    Attributes
    ----------
    kept
        Fixes that were looked at, positions in the chain.
    x, y
        Their smoothed places.
    places, prices
        Their candidates on the roads, and what was charged.
    best
        State of each in the best chain.
    drawn
        States in the drawn chains, (draws, n).
    """

    kept: Ints
    x: Floats
    y: Floats
    places: Places
    prices: Prices
    best: Ints
    drawn: Ints


def match(
    tracks: gpd.GeoDataFrame,
    roads: gpd.GeoDataFrame,
    *,
    sigma_m: float | None = None,
    rules: MovementLimits = DEFAULT_LIMITS,
    rng: np.random.Generator | None = None,
) -> Matched:
    """Match tracks to roads.

    Parameters
    ----------
    tracks
        Fixes as :func:`geo.tracks.read_tracks` gives them; cleaned first if they carry no `mark`.
    roads
        LineStrings in any declared CRS; see :func:`geo.tracks.matching.network.network` for what is joined.
    sigma_m
        Standard deviation of a fix along one axis; by default what the devices state, or `default_accuracy_m` of the rules.
    rules
        `max_gap_s`: over a longer silence there is no way.
    rng
        For the drawn chains behind `confidence`; a fixed seed by default.

    Raises
    ------
    InputError
        If `sigma_m` is not positive.
    GeometryError, CrsError, ColumnError
        If the roads hold no line, a CRS is missing, or the tracks lack a column.

    Notes
    -----
    A hidden Markov model after Newson and Krumm (2009) with three additions: a device may be off all roads; turning back
    costs; and fixes are smoothed and thinned first, since errors of neighbouring fixes are alike. Driving directions are not
    heeded. Cost: O(n) searches of the network round each fix; docs/patrols.md says how long and how well.
    """
    if sigma_m is not None and not sigma_m > 0:
        raise InputError(f"sigma_m is {sigma_m:g}; it must be above 0")
    rng = np.random.default_rng(0) if rng is None else rng
    known = roads_of(roads)
    path, rows = raw_path(tracks, known.net.crs, rules)
    if sigma_m is not None:
        path = path._replace(sigma=np.full(len(path.time), float(sigma_m)))
    fixes = pd.DataFrame(
        {"on_road": pd.Series(pd.NA, index=range(len(tracks)), dtype="boolean"), "confidence": np.nan, "away_m": np.nan}
    )
    ways: list[dict[str, object]] = []
    for part in chains_of(path, rules):
        chain = chain_on(known, path, part, rng)
        ways += _ways(known, path, part, chain)
        _tell(fixes, known, chain, rows[part])
    table = gpd.GeoDataFrame(ways, columns=list(_WAY_COLUMNS), geometry="geometry", crs=known.net.crs)
    return Matched(table, fixes.set_index(tracks.index))


_WAY_COLUMNS = (DEVICE, OFFICER, START, END, "on_road", "confidence", FIXES, LENGTH_M, "geometry")


def roads_of(roads: gpd.GeoDataFrame, crs: CRS | None = None) -> Roads:
    """Read roads into a network in `crs`, or in the metric CRS of their place."""
    shapes = np.asarray(roads.geometry.array, dtype=object)
    lines = roads[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    if lines.empty:
        raise GeometryError(f"roads: no line among {len(roads)} rows; a network is made of LineStrings")
    net = network(lines, CRS.from_user_input(to_metric(lines).crs) if crs is None else crs)
    xy, edge = shapely.get_coordinates(net.edges, return_index=True)
    first = np.searchsorted(edge, np.arange(len(net.edges) + 1)).astype(np.int64)
    step = np.r_[0.0, np.hypot(*np.diff(xy, axis=0).T)]
    step[first[:-1]] = 0.0
    run = np.cumsum(step)
    at = run - run[first[:-1]][edge]
    # Sums of many steps and lengths must not differ in the last digit: the end of an edge is its length.
    at[first[1:] - 1] = net.length_m
    graph = Graph(
        net.head,
        net.tail,
        net.length_m,
        net.indptr,
        net.neighbour,
        net.along,
        first,
        xy[:, 0].copy(),
        xy[:, 1].copy(),
        at,
    )
    return Roads(net, graph, room(len(net.indptr) - 1, len(net.edges)))


def chain_on(roads: Roads, path: Path, part: slice, rng: np.random.Generator, motion: Motion | None = None) -> Chain:
    """Put the fixes of one chain on the roads."""
    time_s = (path.time[part] - path.time[part.start]) / SECOND
    fixes = np.column_stack([path.x[part], path.y[part]])
    motion = motion_of(time_s, fixes, path.sigma[part]) if motion is None else motion
    xy = smoothed_path(time_s, np.ones(len(time_s), dtype=np.bool_), fixes, motion)[0]
    kept = _thinned(time_s, xy)
    x, y = np.ascontiguousarray(xy[kept, 0]), np.ascontiguousarray(xy[kept, 1])
    sigma = float(np.median(path.sigma[part]))
    chain = _solved(roads, time_s, kept, x, y, sigma, rng)
    told = _told_error(chain, sigma)
    if abs(np.log(told / sigma)) > np.log(1.2):
        chain = _solved(roads, time_s, kept, x, y, told, rng)
    return chain


def _solved(
    roads: Roads, time_s: Floats, kept: Ints, x: Floats, y: Floats, sigma_m: float, rng: np.random.Generator
) -> Chain:
    """Find the best chain of states, and draw others."""
    prices = prices_of(sigma_m)
    places = _candidates(roads.net, x, y, max(REACH_M, REACH_SIGMAS * prices.error_m))
    states = 2 * np.diff(places.first) + 1
    first = np.r_[0, np.cumsum(states[:-1] * states[1:])].astype(np.int64)
    costs = np.empty(int(first[-1]))
    steps = Steps(x, y, np.diff(time_s[kept]), first)
    step_costs(roads.graph, places, steps, prices, FASTEST_M_S, roads.heap, costs)
    best = best_chain(places, prices, first, costs, len(kept))
    drawn = drawn_chains(places, prices, first, costs, rng.random((DRAWS, len(kept))))
    return Chain(kept, x, y, places, prices, best, drawn)


def _told_error(chain: Chain, sigma_m: float) -> float:
    """Error of the fixes, from how far they lie from the roads that they were put on, or from the nearest if from none."""
    n = len(chain.kept)
    count = np.diff(chain.places.first)
    on = chain.best < 2 * count
    some = np.flatnonzero(count > 0)
    if len(some) < LEAST_FIXES:
        return sigma_m
    row = chain.places.first[:-1] + np.where(on, chain.best // 2, 0)
    away = chain.places.away_m[row[some]]
    # Where many lie off all roads, that is a walk in a park, not a bad receiver.
    told = float(np.sqrt(np.mean(np.minimum(away, 3.0 * sigma_m) ** 2))) if len(some) > n / 2 else sigma_m
    return float(np.clip(told, sigma_m / MOST_OFF, sigma_m * MOST_OFF))


def prices_of(sigma_m: float) -> Prices:
    """Prices for fixes with an error of `sigma_m` along one axis."""
    return Prices(error_m=sigma_m, slack_m=sigma_m, slack_share=0.15, turn=4.0, off=6.0, leave=4.0)


@kernel(nogil=True)
def _thinned(time_s: Floats, xy: Floats) -> Ints:
    """Fixes to look at: the first, the last, and between them each that is far enough from the one before."""
    kept = np.zeros(len(time_s), dtype=np.int64)
    n = 1
    for i in range(1, len(time_s)):
        k = kept[n - 1]
        far = np.hypot(xy[i, 0] - xy[k, 0], xy[i, 1] - xy[k, 1]) >= THIN_M
        if far or time_s[i] - time_s[k] >= THIN_S or i == len(time_s) - 1:
            kept[n] = i
            n += 1
    return kept[:n]


def _candidates(net: Network, x: Floats, y: Floats, reach_m: float) -> Places:
    """The nearest roads of each fix."""
    points = shapely.points(x, y)
    fix, edge = net.tree.query(points, predicate="dwithin", distance=reach_m)
    away = shapely.distance(net.edges[edge], points[fix])
    order = np.lexsort((edge, away, fix))
    fix, edge, away = fix[order], edge[order], away[order]
    first = np.searchsorted(fix, np.arange(len(x) + 1))
    near = np.arange(len(fix)) - first[fix] < MOST_ROADS
    fix, edge, away = fix[near], edge[near].astype(np.int64), away[near]
    at = shapely.line_locate_point(net.edges[edge], points[fix])
    first = np.searchsorted(fix, np.arange(len(x) + 1)).astype(np.int64)
    return Places(first, edge, np.minimum(at, net.length_m[edge]), away)


def states_of(chain: Chain) -> Ints:
    """Number of states on roads of each fix; the state off all roads has this number."""
    return 2 * np.diff(chain.places.first)


def step_lines(roads: Roads, chain: Chain, step: Ints, here: Ints, there: Ints) -> list[Floats]:
    """Vertices of steps from one state to one of the next fix: along the roads, or straight where an end is off them."""
    off = states_of(chain)
    on = (here < off[step]) & (there < off[step + 1])
    lines: list[Floats] = []
    for t, a, b, along in zip(step.tolist(), here.tolist(), there.tolist(), on.tolist(), strict=True):
        if along:
            lines.append(trace(roads.graph, chain.places, t, a, b, chain.prices.error_m, roads.heap))
        else:
            lines.append(np.stack([_spot(roads, chain, t, a), _spot(roads, chain, t + 1, b)]))
    return lines


def _spot(roads: Roads, chain: Chain, t: int, state: int) -> Floats:
    """Where a fix is in a state: on the road, or where it says."""
    a, b = chain.places.first[t], chain.places.first[t + 1]
    if state == 2 * (b - a):
        return np.array([chain.x[t], chain.y[t]])
    row = a + state // 2
    point = shapely.line_interpolate_point(roads.net.edges[chain.places.edge[row]], chain.places.at_m[row])
    return np.array([point.x, point.y])


def _sureness(roads: Roads, chain: Chain) -> Floats:
    """Share of the drawn chains that put each fix near where the best one does: on a road as it does, or off all as it does."""
    places = chain.places
    spots = shapely.get_coordinates(shapely.line_interpolate_point(roads.net.edges[places.edge], places.at_m))
    spots = np.concatenate([spots, [[np.inf, np.inf]]])
    off = states_of(chain)

    def row(states: Ints) -> Ints:
        return np.where(states < off, places.first[:-1] + states // 2, len(places.edge)).astype(np.int64)

    best, drawn = row(chain.best), row(chain.drawn)
    same = drawn == best
    some = ~same & (drawn < len(places.edge)) & (best < len(places.edge))
    away = spots[drawn[some]] - spots[np.broadcast_to(best, drawn.shape)[some]]
    same[some] = np.hypot(*away.T) <= AGREE_M
    share: Floats = same.mean(axis=0, dtype=np.float64)
    return share


def _ways(roads: Roads, path: Path, part: slice, chain: Chain) -> list[dict[str, object]]:
    """Stretches of a chain that are on roads as a whole, or off them."""
    lines = step_lines(roads, chain, np.arange(len(chain.best) - 1), chain.best[:-1], chain.best[1:])
    on = chain.best < states_of(chain)
    step_on = on[:-1] & on[1:]
    if len(step_on) == 0:
        return []
    first = np.flatnonzero(np.r_[True, step_on[1:] != step_on[:-1]])
    sure = _sureness(roads, chain)
    walker = path.walkers.iloc[path.walker[part.start]]
    time = path.time[part]
    rows: list[dict[str, object]] = []
    for a, b in zip(first, np.r_[first[1:], len(step_on)], strict=True):
        xy = np.concatenate(lines[a:b])
        line = shapely.LineString(xy if len(xy) > 1 else np.repeat(xy, 2, axis=0))
        begin, end = time[chain.kept[a]], time[chain.kept[b]]
        rows.append(
            {
                DEVICE: walker[DEVICE],
                OFFICER: walker[OFFICER],
                START: pd.Timestamp(begin, unit="us", tz="UTC"),
                END: pd.Timestamp(end, unit="us", tz="UTC"),
                "on_road": bool(step_on[a]),
                "confidence": float(sure[a : b + 1].mean()),
                FIXES: int(chain.kept[b] - chain.kept[a] + 1),
                LENGTH_M: float(line.length),
                "geometry": shapely.remove_repeated_points(line),
            }
        )
    return rows


def _tell(fixes: pd.DataFrame, roads: Roads, chain: Chain, rows: Ints) -> None:
    """Write down for each fix of a chain what became of it; one that was passed over goes with the one before it."""
    at = np.searchsorted(chain.kept, np.arange(len(rows)), side="right") - 1
    on = chain.best < states_of(chain)
    away = np.full(len(on), np.nan)
    row = chain.places.first[:-1][on] + chain.best[on] // 2
    away[on] = chain.places.away_m[row]
    fixes.iloc[rows, 0] = on[at]
    fixes.iloc[rows, 1] = _sureness(roads, chain)[at]
    fixes.iloc[rows, 2] = away[at]
