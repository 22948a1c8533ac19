"""Presence: times at which a path was inside a cell, may have been inside, or is unknown.

Three levels: all walkers against all cells (:func:`presences`), one step of a path split at borders (`_pieces`), one place
and the cells that it may be in (:mod:`geo.patrols.stays.dwell`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import NamedTuple, TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.arrays import Bools, Floats, Ints
from geo.errors import CrsError
from geo.kernels import for_threads
from geo.locate import GridIndex
from geo.patrols.columns import (
    DETACHED_S,
    KIND,
    LIKELY_S,
    NEAR_RIDE_M,
    NEAR_RIDE_S,
    PRESENCE_COLUMNS,
    RESTING_S,
    RIDDEN_M,
    RIDDEN_S,
    RIDE_IN_S,
    RIDE_OUT_S,
    SPREAD_S2,
    SURE_FIXES,
    SURE_S,
)
from geo.patrols.days import split_days
from geo.patrols.rules import DEFAULT_RULES, Rules
from geo.patrols.stays.dwell import Shares, Spans, Times, shares_of, spans_of, surely_within
from geo.tracks.columns import CELL, DEVICE, DURATION_S, END, FIXES, LENGTH_M, OFFICER, START
from geo.tracks.path import SECOND, Path
from geo.tracks.speed import DENSE_S, capped, noise_of, paces_m_s, ridden
from geo.tracks.trajectory import paths_of, steps_of

A = TypeVar("A")
B = TypeVar("B")

#: Kinds of presence, in Chinese and English.
KINDS: dict[str, tuple[str, str]] = {
    "inside": ("在网格内", "inside the cell"),
    "near": ("在网格边界外，误差范围内", "just outside, within the error of positioning"),
    "unknown": ("无定位数据", "silent, in the cell or near it"),
}

#: Number of blocks of walkers processed at a time. The kernels and NumPy's sums release the GIL.
THREADS = 2
#: Time to be expected below which being near a cell is not written down: no rule set counts five seconds.
NEAR_LEAST_S = 5.0
#: Time to the previous and next fix from which a fix is isolated and counts as evidence of its own.
SPARSE_S = 120.0
#: Number of directions and rings in which the surroundings of a position are examined.
_AROUND = 16


class _Runs(NamedTuple):
    """Unbroken stays of a walker in a cell; times in microseconds."""

    walker: Ints
    cell: Ints
    start: Ints
    end: Ints
    fixes: Ints
    length_m: Floats
    resting_s: Floats
    ride_in_s: Floats
    ride_out_s: Floats
    likely_s: Floats
    spread_s2: Floats
    sure_s: Floats
    ridden_s: Floats
    near_ride_s: Floats
    near_ride_m: Floats
    detached_s: Floats
    ridden_m: Floats
    sure_fixes: Ints

    @classmethod
    def of(
        cls, place: tuple[Ints, Ints], times: tuple[Ints, Ints], fixes: Ints, length_m: Floats, resting_s: Floats
    ) -> _Runs:
        """Runs of walkers in cells, whose times and fixes inside are not known yet."""
        none = np.zeros(len(fixes))
        return cls(*place, *times, fixes, length_m, resting_s, *(none,) * 10, sure_fixes=none.astype(np.int64))


def presences(
    tracks: pd.DataFrame, cells: gpd.GeoDataFrame | GridIndex, *, rules: Rules = DEFAULT_RULES
) -> pd.DataFrame:
    """Find when each device was inside each cell, when it may have been, and when it was silent in or near it.

    Parameters
    ----------
    tracks
        Fixes with `device`, `officer`, `time`, and optionally `mark`; cleaned first without it.
    cells
        Cells of one level in a metric CRS that do not overlap, or an index of them.
    rules
        `max_gap_s`, `max_speed_m_s`, `max_patrol_speed_m_s`, `default_accuracy_m`, `reach_m` and `zone` are used.

    Returns
    -------
    DataFrame
        One row for each time in which a path was in one cell, by device, start and cell, split at local midnight: `device`,
        `officer`, `cell` (code; without codes the label), `start`, `end` (aware, UTC; ``[start, end)``), `duration_s`, `fixes`
        and `kind`, a key of :data:`KINDS`: ``inside``, ``near`` if the path ran outside but within the positioning error of the
        cell, or ``unknown`` if the device was silent, and in the cell or within `reach_m` of it before or after. Then `day`
        (local), `likely_s` (expected time inside, given the errors), `spread_s2` (its contribution to the variance of the time
        in the cell, which may be negative), `sure_s` (part of it, on foot, that does not depend on errors), `length_m` (distance
        inside), the part of `likely_s` that was ridden (`ridden_s`), is on other steps of more than half a minute near a ride
        (`near_ride_s`) or in a run of fixes between two impossible steps (`detached_s`), and the distances ridden and near a
        ride (`ridden_m`, `near_ride_m`); `resting_s`, the part of the duration in which a phone rested and sent nothing;
        `ride_in_s` and `ride_out_s`, the rides with which it begins and ends;
        `sure_fixes`, the number of fixes at least 120 s from the next that are inside regardless of the error.
        A silence gives one row for each cell in doubt.

    Raises
    ------
    ColumnError, CrsError
        If the tracks lack a column, zone or CRS, or the cells are not in metres.
    GeometryError
        If the cells overlap or are not polygons.

    Notes
    -----
    A path consists of straight lines between fixes; it is split where it crosses a border, at the interpolated time. Steps
    longer than `max_gap_s`, or faster than anything moves, are silences. A fix between two silences is a presence of zero
    duration. Cost: O(n) lookups after sorting.

    Silence until the end of the day is not treated as doubtful: the path of the device has ended.
    """
    return presences_of_each(tracks, [cells], rules=rules)[0]


def presences_of_each(
    tracks: pd.DataFrame, layers: Sequence[gpd.GeoDataFrame | GridIndex], *, rules: Rules = DEFAULT_RULES
) -> list[pd.DataFrame]:
    """Presences in each of several layers of cells in one CRS, as :func:`presences` finds them in one.

    Steps, noise and pace of the paths, more than half of the work, are computed once.
    """
    indexes = [cells if isinstance(cells, GridIndex) else GridIndex(cells) for cells in layers]
    crs = indexes[0].crs
    if any(index.crs != crs for index in indexes):
        raise CrsError("the layers of cells have different CRSs; convert them to one")
    with ThreadPoolExecutor(THREADS) as pool:
        # Limits the number of blocks held in memory.
        work = for_threads(lambda path: _found(path, indexes, rules))
        blocks = list(_mapped(pool, work, paths_of(tracks, crs, rules)))
    walkers = blocks[0][0]
    return [_table([found[k] for _, found in blocks], walkers, index, rules) for k, index in enumerate(indexes)]


def _table(
    found: list[tuple[_Runs, _Runs, _Runs]], walkers: pd.DataFrame, index: GridIndex, rules: Rules
) -> pd.DataFrame:
    frames = [
        _frame(_joined([runs[k] for runs in found]), kind, walkers, index)
        for k, kind in enumerate(("inside", "near", "unknown"))
    ]
    table = split_days(pd.concat(frames, ignore_index=True), rules.zone)
    return table.sort_values([DEVICE, OFFICER, START, KIND, CELL], kind="stable", ignore_index=True)[
        list(PRESENCE_COLUMNS)
    ]


def _mapped(pool: ThreadPoolExecutor, work: Callable[[A], B], items: Iterable[A]) -> Iterator[B]:
    """Results in order, with at most one item per thread in progress and one waiting."""
    waiting: deque[Future[B]] = deque()
    for item in items:
        waiting.append(pool.submit(work, item))
        if len(waiting) > THREADS:
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _found(
    path: Path, indexes: Sequence[GridIndex], rules: Rules
) -> tuple[pd.DataFrame, list[tuple[_Runs, _Runs, _Runs]]]:
    """The walkers of a block, and its runs of the three kinds in each layer: inside, near, unknown."""
    known, gap = steps_of(path, rules)
    noise_m = noise_of(path.walker, path.time, path.x, path.y, path.stand < 0, len(path.walkers))
    noise_m = capped(noise_m, path.walker, path.sigma)
    pace = paces_m_s(path.walker, path.time, path.x, path.y, known, noise_m)
    fast = ridden(path.time, path.x, path.y, path.sigma, pace, known, rules.max_patrol_speed_m_s)
    return path.walkers, [_kinds(path, known, gap, pace, fast, index, rules) for index in indexes]


def _kinds(
    path: Path, known: Bools, gap: Bools, pace: Floats, fast: Bools, index: GridIndex, rules: Rules
) -> tuple[_Runs, _Runs, _Runs]:
    """The runs of a block inside the cells of a layer, near them, and in silences."""
    runs = _runs(path, known, (pace, fast), index)
    spans = spans_of(path, pace, fast, (runs.walker, runs.start, runs.end), index)
    shares = shares_of(spans, index)
    times = shares.times(spans, rules.max_patrol_speed_m_s)
    inside = _weighed(runs, spans, shares, times)._replace(sure_fixes=_sure_fixes(path, runs, index))
    kept = _take(inside, (inside.cell >= 0) & ((inside.end > inside.start) | (inside.fixes > 0)))
    return kept, _near(runs, spans, shares, times), _silences(path, gap, index, rules)


def _joined(blocks: list[_Runs]) -> _Runs:
    return _Runs(*(np.concatenate(column) for column in zip(*blocks, strict=True)))


def _runs(path: Path, known: Bools, speed: tuple[Floats, Bools], index: GridIndex) -> _Runs:
    """Join consecutive pieces of a path in one cell, or outside all cells."""
    pieces, ride = _pieces(path, known, speed, index)
    n = len(pieces.cell)
    if n == 0:
        return pieces
    begins = np.r_[
        True, (np.diff(pieces.walker) != 0) | (np.diff(pieces.cell) != 0) | (pieces.start[1:] != pieces.end[:-1])
    ]
    first = np.flatnonzero(begins)
    last = np.r_[first[1:], n] - 1
    parts = np.flatnonzero(begins | np.r_[True, ride[1:] != ride[:-1]])
    ridden_s = ride[parts] * (pieces.end[np.r_[parts[1:], n] - 1] - pieces.start[parts]) / SECOND
    runs = _Runs.of(
        (pieces.walker[first], pieces.cell[first]),
        (pieces.start[first], pieces.end[last]),
        np.add.reduceat(pieces.fixes, first),
        np.add.reduceat(pieces.length_m, first),
        np.add.reduceat(pieces.resting_s, first),
    )
    return runs._replace(
        ride_in_s=ridden_s[np.searchsorted(parts, first)],
        ride_out_s=ridden_s[np.searchsorted(parts, last, "right") - 1],
    )


def _pieces(path: Path, known: Bools, speed: tuple[Floats, Bools], index: GridIndex) -> tuple[_Runs, Bools]:
    """Split the known steps at borders, and whether each was ridden; a fix without a known step is a piece of zero duration."""
    pace, fast = speed
    i = np.flatnonzero(known)
    crossings = index.cross(path.x[i], path.y[i], path.x[i + 1], path.y[i + 1])
    step, cell = i[crossings.segment], crossings.cell.astype(np.int64)
    lasts = path.time[step + 1] - path.time[step]
    start = path.time[step] + np.rint(crossings.t_in * lasts).astype(np.int64)
    end = path.time[step] + np.rint(crossings.t_out * lasts).astype(np.int64)
    way = pace[step] * (end - start) / SECOND
    goes_on = np.r_[known, False][: len(path.time)]
    fixes = (crossings.t_in == 0).astype(np.int64) + ((crossings.t_out == 1) & ~goes_on[step + 1])
    alone = np.flatnonzero(~goes_on & ~np.r_[False, known][: len(goes_on)])
    runs = _Runs.of(
        (
            np.r_[path.walker[step], path.walker[alone]],
            np.r_[cell, index.locate(path.x[alone], path.y[alone])].astype(np.int64),
        ),
        (np.r_[start, path.time[alone]], np.r_[end, path.time[alone]]),
        np.r_[fixes, np.ones(len(alone), dtype=np.int64)],
        np.r_[way, np.zeros(len(alone))],
        np.r_[path.resting[step] * (end - start) / SECOND, np.zeros(len(alone))],
    )
    # Longer steps do not show when a ride began.
    ride = np.r_[fast[step] & (lasts <= DENSE_S * SECOND), np.zeros(len(alone), dtype=np.bool_)]
    if len(alone) == 0:
        return runs, ride
    # Both parts are already sorted, so this is a merge.
    order = np.argsort(np.r_[step, alone], kind="stable")
    return _take(runs, order), ride[order]


def _sure_fixes(path: Path, runs: _Runs, index: GridIndex) -> Ints:
    """Isolated fixes of each run that are in its cell regardless of the error."""
    found = np.zeros(len(runs.cell), dtype=np.int64)
    apart = np.r_[True, (np.diff(path.walker) != 0) | (np.diff(path.time) >= SPARSE_S * SECOND), True]
    i = np.flatnonzero(apart[:-1] & apart[1:])
    if len(i) == 0 or len(found) == 0:
        return found
    low = int(path.time.min())
    room = int(path.time.max()) - low + 1
    starts = runs.walker * room + (runs.start - low)
    k = np.searchsorted(starts, path.walker[i] * room + (path.time[i] - low), side="right") - 1
    mine = (k >= 0) & (runs.walker[k] == path.walker[i]) & (runs.cell[k] >= 0)
    i, k = i[mine], k[mine]
    sure = surely_within(path.x[i], path.y[i], path.sigma[i], runs.cell[k], index)
    return np.bincount(k[sure], minlength=len(found)).astype(np.int64)


def _weighed(runs: _Runs, spans: Spans, shares: Shares, times: Times) -> _Runs:
    """Add the expected time in the cell, its variance, and the certain part of it to each run."""
    own = shares.cell == runs.cell[spans.run[shares.span]]
    run, n, pace = spans.run[shares.span][own], len(runs.cell), spans.pace_m_s[shares.span]
    return runs._replace(
        likely_s=np.bincount(run, times.likely_s[own], minlength=n).astype(np.float64),
        spread_s2=np.bincount(run, times.spread_s2[own], minlength=n).astype(np.float64),
        sure_s=np.bincount(run, times.sure_s[own], minlength=n).astype(np.float64),
        ridden_s=np.bincount(run, times.ridden_s[own], minlength=n).astype(np.float64),
        near_ride_s=np.bincount(run, times.near_ride_s[own], minlength=n).astype(np.float64),
        near_ride_m=np.bincount(run, (times.near_ride_s * pace)[own], minlength=n).astype(np.float64),
        detached_s=np.bincount(run, times.detached_s[own], minlength=n).astype(np.float64),
        ridden_m=np.bincount(run, (times.ridden_s * pace)[own], minlength=n).astype(np.float64),
    )


def _near(runs: _Runs, spans: Spans, shares: Shares, times: Times) -> _Runs:
    """Times in which a path ran outside a cell but may have been inside, span by span."""
    other = np.flatnonzero(shares.cell != runs.cell[spans.run[shares.span]])
    rows = other[np.lexsort((shares.span[other], shares.cell[other]))]
    span, cell, likely, spread = shares.span[rows], shares.cell[rows], times.likely_s[rows], times.spread_s2[rows]
    walker = spans.walker[span]
    breaks = (np.diff(cell) != 0) | (np.diff(walker) != 0) | (spans.start[span[1:]] != spans.end[span[:-1]])
    first = np.flatnonzero(np.r_[True, breaks][: len(rows)])
    if len(first) == 0:
        return _take(runs, first)
    last = np.r_[first[1:], len(rows)] - 1
    found = _Runs(
        walker[first],
        cell[first],
        spans.start[span[first]],
        spans.end[span[last]],
        np.zeros(len(first), dtype=np.int64),
        np.add.reduceat(likely * spans.pace_m_s[span], first),
        *(np.zeros(len(first)),) * 3,
        np.add.reduceat(likely, first),
        np.add.reduceat(spread, first),
        np.zeros(len(first)),
        np.add.reduceat(times.ridden_s[rows], first),
        np.add.reduceat(times.near_ride_s[rows], first),
        np.add.reduceat(times.near_ride_s[rows] * spans.pace_m_s[span], first),
        np.add.reduceat(times.detached_s[rows], first),
        np.add.reduceat(times.ridden_s[rows] * spans.pace_m_s[span], first),
        np.zeros(len(first), dtype=np.int64),
    )
    return _take(found, found.likely_s >= NEAR_LEAST_S)


def _silences(path: Path, gap: Bools, index: GridIndex, rules: Rules) -> _Runs:
    """List each silence for every cell that the device was in or near, before or after it."""
    i = np.flatnonzero(gap)
    reach = rules.reach_m
    angle = np.arange(_AROUND) * (2 * np.pi / _AROUND)
    dx = np.r_[0.0, reach / 2 * np.cos(angle), reach * np.cos(angle)]
    dy = np.r_[0.0, reach / 2 * np.sin(angle), reach * np.sin(angle)]
    ends = np.concatenate([i, i + 1])
    near = index.locate((path.x[ends, None] + dx).ravel(), (path.y[ends, None] + dy).ravel())
    pairs = np.column_stack([np.repeat(np.concatenate([i, i]), len(dx)), near])[near >= 0]
    step, cell = np.unique(pairs, axis=0).T if len(pairs) else np.empty((2, 0), dtype=np.int64)
    return _Runs.of(
        (path.walker[step], cell),
        (path.time[step], path.time[step + 1]),
        np.zeros(len(step), dtype=np.int64),
        np.hypot(path.x[step + 1] - path.x[step], path.y[step + 1] - path.y[step]),
        np.zeros(len(step)),
    )


def _take(runs: _Runs, keep: Bools | Ints) -> _Runs:
    return _Runs._make(column[keep] for column in runs)


def _frame(runs: _Runs, kind: str, walkers: pd.DataFrame, index: GridIndex) -> pd.DataFrame:
    labels = index.labels
    return pd.DataFrame(
        {
            DEVICE: walkers[DEVICE].to_numpy(dtype=object)[runs.walker],
            OFFICER: walkers[OFFICER].to_numpy(dtype=object)[runs.walker],
            CELL: labels[runs.cell],
            START: pd.to_datetime(runs.start, unit="us", utc=True).as_unit("us"),
            END: pd.to_datetime(runs.end, unit="us", utc=True).as_unit("us"),
            DURATION_S: (runs.end - runs.start) / SECOND,
            FIXES: runs.fixes,
            KIND: pd.Series(kind, index=range(len(runs.cell)), dtype=object),
            LIKELY_S: runs.likely_s,
            SPREAD_S2: runs.spread_s2,
            SURE_S: runs.sure_s,
            LENGTH_M: runs.length_m,
            RIDDEN_S: runs.ridden_s,
            RESTING_S: runs.resting_s,
            RIDE_IN_S: runs.ride_in_s,
            RIDE_OUT_S: runs.ride_out_s,
            NEAR_RIDE_S: runs.near_ride_s,
            NEAR_RIDE_M: runs.near_ride_m,
            DETACHED_S: runs.detached_s,
            RIDDEN_M: runs.ridden_m,
            SURE_FIXES: runs.sure_fixes,
        }
    )
