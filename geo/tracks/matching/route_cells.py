"""Cells touched by the actual route of a device, with probabilities, from positions only or with roads.

A route is not the straight line between fixes: fixes have errors, and the device turns between them. Routes are therefore
sampled from all those consistent with the fixes (and the roads); the probability of a cell is the share of routes that
touch it.
"""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.arrays import Bools, Floats, Ints
from geo.errors import InputError
from geo.locate import GridIndex
from geo.tracks.columns import CELL, DEVICE, OFFICER, PROBABILITY
from geo.tracks.limits import DEFAULT_LIMITS, MovementLimits
from geo.tracks.matching.viterbi import Chain, Roads, chain_on, roads_of, states_of, step_lines
from geo.tracks.path import SECOND, Path
from geo.tracks.smoothing import best_path, drawn_paths, motion_of
from geo.tracks.trajectory import chains_of, raw_path

#: Number of sampled routes. The standard error of a probability of one half is 6 %.
DRAWS = 64
#: Spacing of the sampled places between two fixes, metres, and their maximum number.
BETWEEN_M, MOST_BETWEEN = 20.0, 15

#: Columns of touched cells, in order.
TOUCHED_COLUMNS = (DEVICE, OFFICER, CELL, PROBABILITY, "on_path", "roads")


class _Routes(NamedTuple):
    """Routes, as pieces that several routes may share.

    Attributes
    ----------
    pieces
        Vertices of each piece, (n, 2).
    piece, draw
        Pairs of a piece and a route that contains it; draw -1 is the most probable route.
    """

    pieces: list[Floats]
    piece: Ints
    draw: Ints


def touched(
    tracks: pd.DataFrame,
    cells: gpd.GeoDataFrame | GridIndex,
    *,
    roads: gpd.GeoDataFrame | None = None,
    sigma_m: float | None = None,
    rules: MovementLimits = DEFAULT_LIMITS,
    rng: np.random.Generator | None = None,
) -> pd.DataFrame:
    """Determine which cells the actual route of each device touched, with probabilities.

    Parameters
    ----------
    tracks
        Fixes as returned by :func:`geo.tracks.read_tracks`; cleaned first if they have no `mark`. Split them by day for results
        per day.
    cells
        Non-overlapping cells of one level in a metric CRS, or an index of them.
    roads
        LineStrings in any declared CRS. If given, the tracks are matched (:func:`geo.tracks.match`), and routes follow roads
        where the device was on one.
    sigma_m
        Standard deviation of a fix along one axis; by default from the devices, or `default_accuracy_m` of the rules.
    rules
        `max_gap_s`: no cells are reported for longer gaps.
    rng
        Random generator for the sampled routes; a fixed seed by default.

    Returns
    -------
    DataFrame
        One row per device and cell, by device, then code: `device`, `officer`, `cell`, `probability`, `on_path` (whether the
        single most probable route touches it, for yes-or-no questions) and `roads` (whether roads were used). Cells below
        1 % are left out.

    Raises
    ------
    InputError
        If `sigma_m` is not positive.
    ColumnError, CrsError, GeometryError
        If the tracks lack a column, a CRS is missing, the cells overlap, or the roads have no line.

    Notes
    -----
    At least nine in ten cells with probability 0.9 or more are true; docs/tracks.md names the tracks on which this was
    measured, and the share of true cells found. Cost: O(n · 64) lookups, and one network search per fix if roads are given.
    """
    if sigma_m is not None and not sigma_m > 0:
        raise InputError(f"sigma_m is {sigma_m:g}; it must be above 0")
    rng = np.random.default_rng(0) if rng is None else rng
    index = cells if isinstance(cells, GridIndex) else GridIndex(cells)
    path, _ = raw_path(tracks, index.crs, rules)
    if sigma_m is not None:
        path = path._replace(sigma=np.full(len(path.time), float(sigma_m)))
    net = None if roads is None else roads_of(roads, index.crs)
    labels = index.labels
    parts: dict[int, list[tuple[Ints, Floats, Bools]]] = {}
    for part in chains_of(path, rules):
        parts.setdefault(int(path.walker[part.start]), []).append(_chances(path, part, index, net, rng))
    frames = [_frame(path, walker, found, labels) for walker, found in parts.items()]
    table = pd.concat(frames, ignore_index=True) if frames else _frame(path, -1, [], labels)
    table["roads"] = roads is not None
    return table.sort_values([DEVICE, OFFICER, CELL], kind="stable", ignore_index=True)[list(TOUCHED_COLUMNS)]


def _frame(
    path: Path, walker: int, found: list[tuple[Ints, Floats, Bools]], labels: npt.NDArray[np.object_]
) -> pd.DataFrame:
    """Combine the chains of one device: a cell is missed only if all chains missed it."""
    cell = np.concatenate([c for c, _, _ in found]) if found else np.empty(0, dtype=np.int64)
    chance = np.concatenate([p for _, p, _ in found]) if found else np.empty(0)
    best = np.concatenate([b for _, _, b in found]) if found else np.empty(0, dtype=bool)
    unique, which = np.unique(cell, return_inverse=True)
    missed, on = np.ones(len(unique)), np.zeros(len(unique), dtype=bool)
    np.multiply.at(missed, which, 1.0 - chance)
    np.logical_or.at(on, which, best)
    kept = (1.0 - missed >= 0.01) | on
    names = path.walkers.iloc[walker] if walker >= 0 else {DEVICE: None, OFFICER: None}
    return pd.DataFrame(
        {
            DEVICE: pd.Series(names[DEVICE], index=range(int(kept.sum())), dtype=object),
            OFFICER: pd.Series(names[OFFICER], index=range(int(kept.sum())), dtype=object),
            CELL: labels[unique[kept]],
            PROBABILITY: (1.0 - missed)[kept],
            "on_path": on[kept],
        }
    )


def _chances(
    path: Path, part: slice, index: GridIndex, net: Roads | None, rng: np.random.Generator
) -> tuple[Ints, Floats, Bools]:
    """Cells that the routes of one chain touch, the share of routes that do, and whether the most probable one does."""
    time_s = (path.time[part] - path.time[part.start]) / SECOND
    fixes = np.column_stack([path.x[part], path.y[part]])
    motion = motion_of(time_s, fixes, path.sigma[part])
    dense_s, seen, xy = _between(time_s, fixes)
    # Phones understate their error, or state none: half of the routes are sampled with twice the error.
    worse = motion._replace(lasting_m=2.0 * motion.lasting_m)
    drawn = np.concatenate(
        [drawn_paths(dense_s, seen, xy, m, count=DRAWS // 2, rng=rng) for m in (motion, worse)], axis=2
    )
    if net is None:
        pieces = [best_path(time_s, fixes, motion), *(drawn[:, :, k] for k in range(DRAWS))]
        routes = _Routes(pieces, np.arange(DRAWS + 1), np.arange(DRAWS + 1) - 1)
    else:
        routes = _on_roads(net, chain_on(net, path, part, rng, motion), drawn, np.flatnonzero(seen))
    draw, cell = _cells_of(routes, index)
    cells = np.unique(cell)
    share = np.bincount(cell[draw >= 0], minlength=int(cells.max(initial=-1)) + 1)[cells] / DRAWS
    return cells, share, np.isin(cells, cell[draw < 0])


def _cells_of(routes: _Routes, index: GridIndex) -> tuple[Ints, Ints]:
    """Distinct pairs of a route and a cell that it touches."""
    # A piece with one place is a segment of zero length.
    pieces = [np.repeat(xy, 2, axis=0) if len(xy) == 1 else xy for xy in routes.pieces]
    xy = np.concatenate(pieces)
    owner = np.repeat(np.arange(len(pieces)), [len(piece) for piece in pieces])
    at = np.flatnonzero(owner[1:] == owner[:-1])
    crossed = index.cross(xy[at, 0], xy[at, 1], xy[at + 1, 0], xy[at + 1, 1])
    inside = crossed.cell >= 0
    piece, cell = np.divmod(
        np.unique(owner[at[crossed.segment[inside]]] * len(index) + crossed.cell[inside]), len(index)
    )
    first = np.searchsorted(piece, np.arange(len(pieces) + 1))
    count = np.diff(first)[routes.piece]
    row = np.repeat(first[routes.piece] - np.cumsum(count) + count, count) + np.arange(count.sum())
    draw, touched_cell = np.divmod(np.unique((np.repeat(routes.draw, count) + 1) * len(index) + cell[row]), len(index))
    return draw - 1, touched_cell


def _between(time_s: Floats, xy: Floats) -> tuple[Floats, Bools, Floats]:
    """Times of the fixes and of places between them; which of them are fixes; and the positions of the fixes."""
    if len(time_s) < 2:
        return time_s, np.ones(len(time_s), dtype=bool), xy
    apart = np.hypot(*np.diff(xy, axis=0).T)
    count = np.clip(np.ceil(apart / BETWEEN_M), 1, MOST_BETWEEN).astype(np.int64)
    step = np.repeat(np.arange(len(apart)), count)
    share = (np.arange(len(step)) - np.repeat(np.cumsum(count) - count, count) + 1) / count[step]
    times = np.r_[time_s[0], time_s[step] + share * np.diff(time_s)[step]]
    seen = np.r_[True, share == 1.0]
    places = np.zeros((len(times), 2))
    places[seen] = xy
    return times, seen, places


def _on_roads(net: Roads, chain: Chain, drawn: Floats, fix: Ints) -> _Routes:
    """Routes along the roads that a chain was matched to; off the roads, those sampled from positions only."""
    steps = len(chain.kept) - 1
    if steps < 1:
        return _Routes([drawn[:, :, k] for k in range(DRAWS)], np.r_[0, np.arange(DRAWS)], np.r_[-1, np.arange(DRAWS)])
    states = np.concatenate([chain.best[None, :], chain.drawn])
    off = states_of(chain)
    most = int(off.max()) + 1
    key = (np.arange(steps) * most + states[:, :-1]) * most + states[:, 1:]
    on = (states[:, :-1] < off[:-1]) & (states[:, 1:] < off[1:])
    on[0] = True  # the most probable route is straight off the roads
    draw = np.nonzero(on)[0]
    unique, piece = np.unique(key[on], return_inverse=True)
    pair, there = np.divmod(unique, most)
    pieces = step_lines(net, chain, *np.divmod(pair, most), there)
    loose_draw, loose_step = np.nonzero(~on)
    for k, t in zip(loose_draw, loose_step, strict=True):
        pieces.append(drawn[fix[chain.kept[t]] : fix[chain.kept[t + 1]] + 1, :, k - 1])
    return _Routes(pieces, np.r_[piece, np.arange(len(unique), len(pieces))], np.r_[draw, loose_draw] - 1)
