"""A planned route against a track: how much of it was covered, what was missed, and in what order."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
import shapely.ops
from pyproj import CRS

from geo.errors import GeometryError, InputError
from geo.layers.crs import to_metric
from geo.patrols.path import Path, path_of, steps_of
from geo.patrols.rules import DEFAULT_RULES, Rules

#: Distance between the places at which a route is checked.
STEP_M = 5.0


@dataclass(frozen=True)
class RouteMatch:
    """How a track covers a planned route.

    Attributes
    ----------
    share
        Share of the route's length that the track came within reach of, 0 to 1.
    length_m, covered_m
        Length of the route, and of its covered part.
    missed
        The stretches that were not covered, in order along the route: `from_m`, `to_m`, `length_m` and LineStrings in the
        metric CRS of the route.
    in_order
        Share of the covered places that were reached in the order of the route: 1 for the route as planned, near 0 for the
        route walked backwards. NaN if nothing was covered.
    """

    share: float
    length_m: float
    covered_m: float
    missed: gpd.GeoDataFrame
    in_order: float


def route_match(
    track: gpd.GeoDataFrame,
    route: gpd.GeoDataFrame | gpd.GeoSeries,
    *,
    within_m: float = 25.0,
    rules: Rules = DEFAULT_RULES,
) -> RouteMatch:
    """Match the track of one device to a planned route.

    Parameters
    ----------
    track
        Fixes of one device.
    route
        One row, a LineString in the direction of the walk, any declared CRS.
    within_m
        How near the path must come. Twice the usual error of a phone, by default.
    rules
        `max_gap_s` and `max_speed_m_s`: silence covers nothing.

    Raises
    ------
    InputError
        If the track holds several devices, or `within_m` is not positive.
    GeometryError
        If the route is not one line with a length.
    CrsError
        If a CRS is missing.

    Notes
    -----
    The route is looked at every 5 m, and a place is covered if a known step of the path comes within reach. Order is the
    longest rising run of the times at which places were first reached, so one detour costs what it skips and no more. A
    route that uses a road twice cannot be told from one that uses it once. Cost: O(places log steps).
    """
    if not within_m > 0:
        raise InputError(f"within_m is {within_m:g}; it must be above 0")
    line, crs = _line(route)
    path = path_of(track, crs, rules)
    if len(path.walkers) > 1:
        raise InputError(f"the track holds {len(path.walkers)} devices; match one at a time")
    places = max(1, int(np.ceil(line.length / STEP_M)))
    edges = np.linspace(0.0, line.length, places + 1)
    points = shapely.line_interpolate_point(line, (edges[:-1] + edges[1:]) / 2)
    reached = _first_reached(path, points, within_m, rules)
    covered = np.isfinite(reached)
    missed = _missed(line, edges, covered)
    return RouteMatch(
        share=float(covered.mean()),
        length_m=float(line.length),
        covered_m=float(covered.mean() * line.length),
        missed=gpd.GeoDataFrame(
            missed, columns=["from_m", "to_m", "length_m", "geometry"], geometry="geometry", crs=crs
        ),
        in_order=_longest_rise(reached[covered]) / int(covered.sum()) if covered.any() else float("nan"),
    )


def _line(route: gpd.GeoDataFrame | gpd.GeoSeries) -> tuple[shapely.LineString, CRS]:
    """The route as one line in metres."""
    frame = to_metric(gpd.GeoDataFrame(geometry=route.geometry))
    if len(frame) != 1 or not isinstance(frame.geometry.iloc[0], shapely.LineString):
        kinds = ", ".join(sorted(set(frame.geom_type.astype(str))))
        raise GeometryError(f"a route is one LineString; {len(frame)} rows of {kinds} were given")
    line = frame.geometry.iloc[0]
    if not line.length > 0:
        raise GeometryError("the route has no length")
    return line, CRS.from_user_input(frame.crs)


def _first_reached(
    path: Path, points: npt.NDArray[np.object_], within_m: float, rules: Rules
) -> npt.NDArray[np.float64]:
    """Time at which the path first came within reach of each point, in microseconds; NaN where it never did."""
    reached = np.full(len(points), np.nan)
    known = np.flatnonzero(steps_of(path, rules).known)
    if len(known) == 0:
        return reached
    ends = np.column_stack([path.x[known], path.y[known], path.x[known + 1], path.y[known + 1]]).reshape(-1, 2, 2)
    steps = shapely.linestrings(ends)
    point, step = shapely.STRtree(steps).query(points, predicate="dwithin", distance=within_m)
    share = shapely.line_locate_point(steps[step], points[point], normalized=True)
    start, end = path.time[known[step]], path.time[known[step] + 1]
    times = start + np.nan_to_num(share) * (end - start)
    np.fmin.at(reached, point, times)
    return reached


def _missed(
    line: shapely.LineString, edges: npt.NDArray[np.float64], covered: npt.NDArray[np.bool_]
) -> list[tuple[float, float, float, shapely.Geometry]]:
    """Runs of places that were not covered."""
    change = np.flatnonzero(np.diff(np.r_[True, covered, True].astype(np.int8)))
    runs = zip(edges[change[::2]], edges[change[1::2]], strict=True)
    return [(float(a), float(b), float(b - a), shapely.ops.substring(line, a, b)) for a, b in runs]


def _longest_rise(values: npt.NDArray[np.float64]) -> int:
    """Length of the longest subsequence that does not fall (patience sorting, n log n)."""
    tails: list[float] = []
    for value in values.tolist():
        at = int(np.searchsorted(tails, value, side="right"))
        if at == len(tails):
            tails.append(value)
        else:
            tails[at] = value
    return len(tails)
