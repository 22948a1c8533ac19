"""Compares a track with a planned route: covered share, missed stretches, and order."""

from __future__ import annotations

from bisect import bisect_right
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
import shapely.ops
from pyproj import CRS

from geo.arrays import Bools, Floats, Ints
from geo.errors import GeometryError, InputError
from geo.layers.crs import to_metric
from geo.layers.transformers import to_crs
from geo.tracks.limits import DEFAULT_LIMITS, MovementLimits
from geo.tracks.path import Path
from geo.tracks.trajectory import path_of, steps_of
from geo.wording import counted, form

#: Spacing of the places at which a route is checked.
STEP_M = 5.0


@dataclass(frozen=True)
class RouteMatch:
    """Coverage of a planned route by a track.

    Attributes
    ----------
    share
        Share of the route's length that came within reach of the track, 0 to 1.
    length_m, covered_m
        Length of the route, and of its covered part.
    missed
        The uncovered stretches, in order along the route: `from_m`, `to_m`, `length_m` and LineStrings in the
        metric CRS of the route.
    in_order
        Share of the covered places reached in the order of the route: 1 for the planned direction, near 0 for the reverse
        direction. NaN if nothing was covered.
    started, ended
        Times of the first and the last place reached in order (aware UTC); None if there is none.
    detours
        Stretches of the track between `started` and `ended` out of reach of the route: `start`, `end` (aware UTC),
        `length_m` and LineStrings in the same CRS.
    checkpoints
        One row for each checkpoint, in the planned order: `label`, `reached` (first time, NaT if never), `in_order` (whether
        it belongs to the longest sequence of checkpoints reached in the planned order). None without checkpoints.
    line
        The route in that CRS.
    """

    share: float
    length_m: float
    covered_m: float
    missed: gpd.GeoDataFrame
    in_order: float
    started: pd.Timestamp | None
    ended: pd.Timestamp | None
    detours: gpd.GeoDataFrame
    checkpoints: gpd.GeoDataFrame | None
    line: shapely.LineString

    def to_dict(self) -> dict[str, object]:
        """The figures as JSON types."""
        reached = None if self.checkpoints is None else int(self.checkpoints["reached"].notna().sum())
        return {
            "share": self.share,
            "length_m": self.length_m,
            "covered_m": self.covered_m,
            "in_order": self.in_order,
            "missed_m": float(self.missed["length_m"].sum()),
            "started": self.started,
            "ended": self.ended,
            "detours": len(self.detours),
            "detour_m": float(self.detours["length_m"].sum()),
            "checkpoints": None if self.checkpoints is None else len(self.checkpoints),
            "checkpoints_reached": reached,
            "checkpoints_in_order": None if self.checkpoints is None else int(self.checkpoints["in_order"].sum()),
        }


def route_match(
    track: pd.DataFrame,
    route: gpd.GeoDataFrame | gpd.GeoSeries,
    *,
    checkpoints: gpd.GeoDataFrame | gpd.GeoSeries | None = None,
    within_m: float = 25.0,
    rules: MovementLimits = DEFAULT_LIMITS,
) -> RouteMatch:
    """Compare the track of one device with a planned route.

    Parameters
    ----------
    track
        Fixes of one device.
    route
        One row, a LineString in walking direction, any declared CRS.
    checkpoints
        Points to be reached in this order, any declared CRS; their index is the label.
    within_m
        Distance within which the path covers a place. By default twice the usual error of a phone.
    rules
        `max_gap_s` and `max_speed_m_s`: gaps cover nothing.

    Raises
    ------
    InputError
        If the track has several devices, or `within_m` is not positive.
    GeometryError
        If the route is not one line with a length, or a checkpoint is not a point.
    CrsError
        If a CRS is missing.

    Notes
    -----
    The route is sampled every 5 m; a place is covered if a known step of the path comes within reach. The order is that of the
    partial Fréchet distance: pairs of a place and a step within reach form the free space, and the monotone path through it
    (in route position and time) with the most places is the part walked in order. Stretches of route and track may be
    left out, so a gap or a detour costs only what it hides or skips; a road used twice by the route has to be walked twice.
    Cost: O(p log p) in the pairs within reach.

    References
    ----------
    Buchin, Buchin and Wang, "Exact algorithms for partial curve matching via the Fréchet distance", SODA 2009.
    """
    if not within_m > 0:
        raise InputError(f"within_m is {within_m:g}; it must be above 0")
    line, crs = _line(route)
    path = path_of(track, crs, rules)
    if len(path.walkers) > 1:
        raise InputError(f"the track has {len(path.walkers)} devices; match one at a time")
    places = max(1, int(np.ceil(line.length / STEP_M)))
    edges = np.linspace(0.0, line.length, places + 1)
    points = shapely.line_interpolate_point(line, (edges[:-1] + edges[1:]) / 2)
    known = np.flatnonzero(steps_of(path, rules).known)
    place, time = _reached(path, known, points, within_m)
    covered = np.zeros(places, dtype=bool)
    covered[place] = True
    run = _longest_run(place, time)
    begin, end = (int(time[run[0]]), int(time[run[-1]])) if len(run) else (0, -1)
    return RouteMatch(
        share=float(covered.mean()),
        length_m=float(line.length),
        covered_m=float(covered.mean() * line.length),
        missed=gpd.GeoDataFrame(
            _missed(line, edges, covered),
            columns=["from_m", "to_m", "length_m", "geometry"],
            geometry="geometry",
            crs=crs,
        ),
        in_order=len(run) / int(covered.sum()) if covered.any() else float("nan"),
        started=_moment(begin) if len(run) else None,
        ended=_moment(end) if len(run) else None,
        detours=_detours(path, known, line, within_m, begin, end, crs),
        checkpoints=None if checkpoints is None else _checkpoints(path, known, checkpoints, within_m, crs),
        line=line,
    )


def _line(route: gpd.GeoDataFrame | gpd.GeoSeries) -> tuple[shapely.LineString, CRS]:
    """The route as one line in metres."""
    frame = to_metric(gpd.GeoDataFrame(geometry=route.geometry))
    if len(frame) != 1 or not isinstance(frame.geometry.iloc[0], shapely.LineString):
        kinds = ", ".join(sorted(set(frame.geom_type.astype(str))))
        raise GeometryError(
            f"a route is one LineString; {counted(len(frame), 'row')} of {kinds} {form(len(frame), 'was', 'were')} given"
        )
    line = frame.geometry.iloc[0]
    if not line.length > 0:
        raise GeometryError("the route has no length")
    return line, CRS.from_user_input(frame.crs)


def _moment(time: int) -> pd.Timestamp:
    return pd.Timestamp(time, unit="us", tz="UTC")


def _reached(path: Path, known: Ints, points: npt.NDArray[np.object_], within_m: float) -> tuple[Ints, Ints]:
    """The free space: each pair of a place and a step within reach, as place and time in microseconds."""
    if len(known) == 0:
        return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
    steps = _steps(path, known)
    place, step = shapely.STRtree(steps).query(points, predicate="dwithin", distance=within_m)
    share = shapely.line_locate_point(steps[step], points[place], normalized=True)
    start, end = path.time[known[step]], path.time[known[step] + 1]
    return place, start + np.rint(np.nan_to_num(share) * (end - start)).astype(np.int64)


def _steps(path: Path, known: Ints) -> npt.NDArray[np.object_]:
    ends = np.column_stack([path.x[known], path.y[known], path.x[known + 1], path.y[known + 1]]).reshape(-1, 2, 2)
    return np.asarray(shapely.linestrings(ends), dtype=object)


def _detours(
    path: Path, known: Ints, line: shapely.LineString, within_m: float, begin: int, end: int, crs: CRS
) -> gpd.GeoDataFrame:
    """Steps between two times that are out of reach of a line, consecutive ones merged."""
    some = known[(path.time[known] >= begin) & (path.time[known + 1] <= end)]
    steps = _steps(path, some)
    far = some[shapely.distance(shapely.line_interpolate_point(steps, 0.5, normalized=True), line) > within_m]
    rows = []
    for group in np.split(far, np.flatnonzero(np.diff(far) > 1) + 1) if len(far) else []:
        fixes = np.r_[group, group[-1] + 1]
        way = shapely.LineString(np.column_stack([path.x[fixes], path.y[fixes]]))
        rows.append((_moment(int(path.time[fixes[0]])), _moment(int(path.time[fixes[-1]])), float(way.length), way))
    return gpd.GeoDataFrame(rows, columns=["start", "end", "length_m", "geometry"], geometry="geometry", crs=crs)


def _checkpoints(
    path: Path, known: Ints, checkpoints: gpd.GeoDataFrame | gpd.GeoSeries, within_m: float, crs: CRS
) -> gpd.GeoDataFrame:
    """Time at which each checkpoint was reached, and which were reached in the planned order."""
    where = to_crs(checkpoints.geometry, crs)
    if not (where.geom_type == "Point").all():
        raise GeometryError(f"checkpoints are points; {', '.join(sorted(set(where.geom_type.astype(str))))} were given")
    place, time = _reached(path, known, where.to_numpy(dtype=object), within_m)
    first = np.full(len(where), np.iinfo(np.int64).max)
    np.minimum.at(first, place, time)
    run = _longest_run(place, time)
    ordered = np.zeros(len(where), dtype=bool)
    ordered[place[run]] = True
    # If a place was passed several times, the time that keeps the order is used.
    first[place[run]] = time[run]
    never = first == np.iinfo(np.int64).max
    reached = pd.to_datetime(np.where(never, 0, first), unit="us", utc=True).to_series(index=pd.RangeIndex(len(where)))
    return gpd.GeoDataFrame(
        {"label": where.index.astype(str), "reached": reached.where(~never), "in_order": ordered},
        geometry=where.to_numpy(),
        crs=crs,
    )


def _missed(
    line: shapely.LineString, edges: Floats, covered: Bools
) -> list[tuple[float, float, float, shapely.Geometry]]:
    """Runs of uncovered places."""
    change = np.flatnonzero(np.diff(np.r_[True, covered, True].astype(np.int8)))
    runs = zip(edges[change[::2]], edges[change[1::2]], strict=True)
    return [(float(a), float(b), float(b - a), shapely.ops.substring(line, a, b)) for a, b in runs]


def _longest_run(place: Ints, time: Ints) -> Ints:
    """Pairs of the longest sequence of distinct places with non-decreasing times (patience sorting)."""
    # Times of one place are processed in descending order, so that no sequence contains the place twice.
    order = np.lexsort((-time, place))
    tails: list[int] = []
    at: list[int] = []
    before = np.full(len(order), -1, dtype=np.int64)
    for k in order.tolist():
        t = int(time[k])
        length = bisect_right(tails, t)
        # An equal time at the same place does not extend the sequence.
        if length and place[at[length - 1]] == place[k]:
            continue
        before[k] = at[length - 1] if length else -1
        if length == len(tails):
            tails.append(t)
            at.append(k)
        else:
            tails[length], at[length] = t, k
    run = []
    k = at[-1] if at else -1
    while k >= 0:
        run.append(k)
        k = int(before[k])
    return np.array(run[::-1], dtype=np.int64)
