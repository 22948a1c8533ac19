"""Map matching: the most probable path of a device along roads, with its confidence.

Three levels: all devices (:func:`match`), one unbroken chain of fixes (:func:`chain_on`), one step of it
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
    CostParameters,
    Graph,
    Heap,
    Places,
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
from geo.wording import counted

#: Fixes nearer than this, in space and time, to the last used one are skipped: their errors are correlated.
THIN_M, THIN_S = 20.0, 60.0
#: Maximum number of candidate roads per fix, and their maximum distance, in standard deviations of the error and at least
#: in metres.
MOST_ROADS, REACH_SIGMAS, REACH_M = 10, 4.0, 40.0
#: Number of sampled chains from which the confidence is computed.
DRAWS = 64
#: Minimum number of fixes for re-estimating the error of a track from the roads, and the maximum factor of the correction.
LEAST_FIXES, MOST_OFF = 10, 2.5
#: Two places on roads at most this far apart count as equal.
AGREE_M = 20.0
#: Maximum speed along roads, m/s.
FASTEST_M_S = 50.0


@dataclass(frozen=True)
class Matched:
    """Tracks matched to roads.

    Attributes
    ----------
    routes
        One row per stretch on or off roads, by device and time: `device`, `officer`, `start`, `end`, `on_road`, `confidence`
        (probability that a fix of it was matched to the right place on the roads within 20 m, or rightly off all of them),
        `fixes`, `length_m`, and the line, in the metric CRS of the roads.
    fixes
        Index of the tracks: `on_road` (boolean), `confidence`, `away_m` (distance of the fix from its place on the road);
        missing for unused fixes.
    """

    routes: gpd.GeoDataFrame
    fixes: pd.DataFrame


class Roads(NamedTuple):
    """A road network in the form required by candidate search and kernels."""

    net: Network
    graph: Graph
    heap: Heap


class Chain(NamedTuple):
    """Thinned fixes of one device between two gaps, and their states.

    Attributes
    ----------
    kept
        Fixes that were used, positions in the chain.
    x, y
        Their smoothed places.
    places, parameters
        Their candidates on the roads, and the cost parameters.
    best
        State of each in the most probable sequence.
    drawn
        States in the sampled sequences, (draws, n).
    """

    kept: Ints
    x: Floats
    y: Floats
    places: Places
    parameters: CostParameters
    best: Ints
    drawn: Ints


def match(
    tracks: pd.DataFrame,
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
        Fixes as returned by :func:`geo.tracks.read_tracks`; cleaned first if they have no `mark`.
    roads
        LineStrings in any declared CRS; :func:`geo.tracks.matching.network.network` describes how they are connected.
    sigma_m
        Standard deviation of a fix along one axis; by default from the devices, or `default_accuracy_m` of the rules.
    rules
        `max_gap_s`: longer gaps are not bridged.
    rng
        Random generator for the sampled chains behind `confidence`; a fixed seed by default.

    Raises
    ------
    InputError
        If `sigma_m` is not positive.
    GeometryError, CrsError, ColumnError
        If the roads have no line, a CRS is missing, or the tracks lack a column.

    Notes
    -----
    A hidden Markov model after Newson and Krumm (2009) with three extensions: a device may be off all roads; reversals cost
    extra; and fixes are smoothed and thinned first, because errors of consecutive fixes are correlated. Driving directions are
    ignored. Cost: O(n) network searches around the fixes; docs/tracks.md names the measured speed and quality.
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
    routes: list[dict[str, object]] = []
    for part in chains_of(path, rules):
        chain = chain_on(known, path, part, rng)
        routes += _routes(known, path, part, chain)
        _record_fixes(fixes, known, chain, rows[part])
    table = gpd.GeoDataFrame(routes, columns=list(_ROUTE_COLUMNS), geometry="geometry", crs=known.net.crs)
    return Matched(table, fixes.set_index(tracks.index))


_ROUTE_COLUMNS = (DEVICE, OFFICER, START, END, "on_road", "confidence", FIXES, LENGTH_M, "geometry")


def roads_of(roads: gpd.GeoDataFrame, crs: CRS | None = None) -> Roads:
    """Build a network in `crs`, or in the metric CRS of the roads."""
    shapes = np.asarray(roads.geometry.array, dtype=object)
    lines = roads[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    if lines.empty:
        raise GeometryError(f"roads: no line among {counted(len(roads), 'row')}; a network is made of LineStrings")
    net = network(lines, CRS.from_user_input(to_metric(lines).crs) if crs is None else crs)
    xy, edge = shapely.get_coordinates(net.edges, return_index=True)
    first = np.searchsorted(edge, np.arange(len(net.edges) + 1)).astype(np.int64)
    step = np.r_[0.0, np.hypot(*np.diff(xy, axis=0).T)]
    step[first[:-1]] = 0.0
    run = np.cumsum(step)
    at = run - run[first[:-1]][edge]
    # Sums of many steps and lengths must agree in the last digit: the end of an edge is defined as its length.
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
    """Match the fixes of one chain to roads."""
    time_s = (path.time[part] - path.time[part.start]) / SECOND
    fixes = np.column_stack([path.x[part], path.y[part]])
    motion = motion_of(time_s, fixes, path.sigma[part]) if motion is None else motion
    xy = smoothed_path(time_s, np.ones(len(time_s), dtype=np.bool_), fixes, motion)[0]
    kept = _thinned(time_s, xy)
    x, y = np.ascontiguousarray(xy[kept, 0]), np.ascontiguousarray(xy[kept, 1])
    sigma = float(np.median(path.sigma[part]))
    chain = _solved(roads, time_s, kept, x, y, sigma, rng)
    estimated = _estimated_error(chain, sigma)
    if abs(np.log(estimated / sigma)) > np.log(1.2):
        chain = _solved(roads, time_s, kept, x, y, estimated, rng)
    return chain


def _solved(
    roads: Roads, time_s: Floats, kept: Ints, x: Floats, y: Floats, sigma_m: float, rng: np.random.Generator
) -> Chain:
    """Find the most probable sequence of states, and sample others."""
    parameters = cost_parameters(sigma_m)
    places = _candidates(roads.net, x, y, max(REACH_M, REACH_SIGMAS * parameters.error_m))
    states = 2 * np.diff(places.first) + 1
    first = np.r_[0, np.cumsum(states[:-1] * states[1:])].astype(np.int64)
    costs = np.empty(int(first[-1]))
    steps = Steps(x, y, np.diff(time_s[kept]), first)
    step_costs(roads.graph, places, steps, parameters, FASTEST_M_S, roads.heap, costs)
    best = best_chain(places, parameters, first, costs, len(kept))
    drawn = drawn_chains(places, parameters, first, costs, rng.random((DRAWS, len(kept))))
    return Chain(kept, x, y, places, parameters, best, drawn)


def _estimated_error(chain: Chain, sigma_m: float) -> float:
    """Error of the fixes, from their distance to the matched roads, or to the nearest road if none was matched."""
    n = len(chain.kept)
    count = np.diff(chain.places.first)
    on = chain.best < 2 * count
    some = np.flatnonzero(count > 0)
    if len(some) < LEAST_FIXES:
        return sigma_m
    row = chain.places.first[:-1] + np.where(on, chain.best // 2, 0)
    away = chain.places.away_m[row[some]]
    # Many fixes off all roads indicate a walk in a park, not a bad receiver.
    estimated = float(np.sqrt(np.mean(np.minimum(away, 3.0 * sigma_m) ** 2))) if len(some) > n / 2 else sigma_m
    return float(np.clip(estimated, sigma_m / MOST_OFF, sigma_m * MOST_OFF))


def cost_parameters(sigma_m: float) -> CostParameters:
    """Cost parameters for fixes with an error of `sigma_m` along one axis."""
    return CostParameters(error_m=sigma_m, slack_m=sigma_m, slack_share=0.15, turn=4.0, off_road=6.0, leave_road=4.0)


@kernel(nogil=True)
def _thinned(time_s: Floats, xy: Floats) -> Ints:
    """Fixes to use: the first, the last, and in between those far enough from the previous one."""
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
    """Number of on-road states of each fix, which is also the number of its off-road state."""
    return 2 * np.diff(chain.places.first)


def step_lines(roads: Roads, chain: Chain, step: Ints, here: Ints, there: Ints) -> list[Floats]:
    """Vertices of steps from a state to one of the next fix: along roads, or straight if an end is off the roads."""
    off = states_of(chain)
    on = (here < off[step]) & (there < off[step + 1])
    lines: list[Floats] = []
    for t, a, b, along in zip(step.tolist(), here.tolist(), there.tolist(), on.tolist(), strict=True):
        if along:
            lines.append(trace(roads.graph, chain.places, t, a, b, chain.parameters.error_m, roads.heap))
        else:
            lines.append(np.stack([_spot(roads, chain, t, a), _spot(roads, chain, t + 1, b)]))
    return lines


def _spot(roads: Roads, chain: Chain, t: int, state: int) -> Floats:
    """Place of a fix in a state: on the road, or its own position."""
    a, b = chain.places.first[t], chain.places.first[t + 1]
    if state == 2 * (b - a):
        return np.array([chain.x[t], chain.y[t]])
    row = a + state // 2
    point = shapely.line_interpolate_point(roads.net.edges[chain.places.edge[row]], chain.places.at_m[row])
    return np.array([point.x, point.y])


def _confidence(roads: Roads, chain: Chain) -> Floats:
    """Share of the sampled chains that agree with the most probable one: near its place on roads, or also off all roads."""
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


def _routes(roads: Roads, path: Path, part: slice, chain: Chain) -> list[dict[str, object]]:
    """Stretches of a chain that are completely on roads, or completely off them."""
    lines = step_lines(roads, chain, np.arange(len(chain.best) - 1), chain.best[:-1], chain.best[1:])
    on = chain.best < states_of(chain)
    step_on = on[:-1] & on[1:]
    if len(step_on) == 0:
        return []
    first = np.flatnonzero(np.r_[True, step_on[1:] != step_on[:-1]])
    sure = _confidence(roads, chain)
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


def _record_fixes(fixes: pd.DataFrame, roads: Roads, chain: Chain, rows: Ints) -> None:
    """Record the result of each fix of a chain; skipped fixes get that of the previous one."""
    at = np.searchsorted(chain.kept, np.arange(len(rows)), side="right") - 1
    on = chain.best < states_of(chain)
    away = np.full(len(on), np.nan)
    row = chain.places.first[:-1][on] + chain.best[on] // 2
    away[on] = chain.places.away_m[row]
    fixes.iloc[rows, 0] = on[at]
    fixes.iloc[rows, 1] = _confidence(roads, chain)[at]
    fixes.iloc[rows, 2] = away[at]
