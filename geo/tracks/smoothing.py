r"""A smoothed path through noisy fixes, with its uncertainty: Kalman filter and smoother for a random velocity.

Model, independent for each axis: the velocity is an Ornstein-Uhlenbeck process (standard deviation `speed_m_s`, correlation
time `turn_s`), the position its integral, and a fix is the position, plus a correlated error (standard deviation `lasting_m`,
correlation time `lasts_s`), plus an error independent for every fix (`fresh_m`). The covariances do not depend on the
fixes, so both axes and any number of sampled paths share one pass. Paths are sampled with the simulation smoother of Durbin
and Koopman (2002): simulate positions and fixes, smooth the difference to the real fixes, add it.
"""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely

from geo.arrays import Bools, Floats
from geo.kernels import kernel
from geo.layers.transformers import to_crs
from geo.tracks.cleaning import clean
from geo.tracks.columns import MARK
from geo.tracks.limits import DEFAULT_LIMITS, MovementLimits
from geo.tracks.path import SECOND
from geo.tracks.straightening import legs_of, on_legs
from geo.tracks.trajectory import chains_of, metric_of, raw_path

#: Share of the error's variance that is correlated in time, and its correlation time, seconds.
LASTING, LASTS_S = 0.6, 120.0
#: Candidate motions: correlation times of the velocity, seconds, and independent errors, metres.
TURNS_S, FRESH_M = (5.0, 10.0, 20.0, 40.0), (1.0, 2.0, 4.0, 8.0)
#: Median distance between fixes above which the smallest of these errors is used.
FAR_M = 30.0
#: Number of fixes sufficient to choose a motion.
MOST_FIXES = 500


class Motion(NamedTuple):
    """Parameters of movement and errors of a device; see the head of the module."""

    speed_m_s: float
    turn_s: float
    lasting_m: float
    fresh_m: float
    lasts_s: float = LASTS_S


def smoothed(tracks: gpd.GeoDataFrame, *, rules: MovementLimits = DEFAULT_LIMITS) -> gpd.GeoDataFrame:
    """Move each fix to the most probable place of its device, given all of its fixes.

    Parameters
    ----------
    tracks
        Fixes as returned by :func:`geo.tracks.read_tracks`; cleaned first if they have no `mark`.
    rules
        `max_gap_s` and the parameters of cleaning; gaps are not smoothed across.

    Returns
    -------
    GeoDataFrame
        The same rows, index and columns in the CRS of `tracks`, with moved geometry, `mark`, and `sigma_m`: the standard
        deviation of the new place along one axis, NaN for unused fixes, which are not moved.

    Notes
    -----
    Smoothing helps if fixes are close to each other; docs/tracks.md names the measurement. Errors that persist for minutes
    cannot be removed by smoothing, and `sigma_m` includes them. Cost: O(n).
    """
    cleaned = tracks if MARK in tracks else clean(tracks, rules=rules)
    crs = metric_of(tracks)
    path, rows = raw_path(cleaned, crs, rules)
    places, sigma = np.asarray(cleaned.geometry.array, dtype=object).copy(), np.full(len(cleaned), np.nan)
    for part in chains_of(path, rules):
        time_s = (path.time[part] - path.time[part.start]) / SECOND
        xy = np.column_stack([path.x[part], path.y[part]])
        everywhere = np.ones(len(xy), dtype=np.bool_)
        moved, sigma[rows[part]] = smoothed_path(time_s, everywhere, xy, motion_of(time_s, xy, path.sigma[part]))
        places[rows[part]] = to_crs(gpd.GeoSeries(shapely.points(moved), crs=crs), cleaned.crs).array
    return cleaned.set_geometry(gpd.GeoSeries(places, index=cleaned.index, crs=cleaned.crs)).assign(sigma_m=sigma)


@kernel(nogil=True)
def _step(lasts_s: float, motion: Motion, move: Floats, noise: Floats) -> None:
    """Write the transition matrix of (position, velocity, correlated error) for a time step, and the covariance added."""
    e = np.exp(-lasts_s / motion.turn_s)
    a = np.exp(-lasts_s / motion.lasts_s)
    v2, turn = motion.speed_m_s**2, motion.turn_s
    move[:], noise[:] = 0.0, 0.0
    move[0, 0], move[0, 1], move[1, 1], move[2, 2] = 1.0, turn * (1.0 - e), e, a
    ratio = lasts_s / turn
    grown = 2.0 * ratio - 3.0 + 4.0 * e - e * e if ratio > 1e-3 else 2.0 * ratio**3 / 3.0
    noise[0, 0] = v2 * turn * turn * max(grown, 0.0)
    noise[0, 1] = noise[1, 0] = v2 * turn * (1.0 - e) ** 2
    noise[1, 1] = v2 * (1.0 - e * e)
    noise[2, 2] = motion.lasting_m**2 * (1.0 - a * a)


@kernel(nogil=True)
def _filter(  # type: ignore[no-untyped-def]
    time, seen, fixes, motion, mean, covariance, ahead_mean, ahead_covariance
):
    """Filter columns of fixes at once; returns the total log-likelihood of all columns.

    Parameters
    ----------
    time
        Seconds, increasing, (n,).
    seen
        Whether there is a fix at each time, (n,).
    fixes
        Metres, (n, c); values without a fix are ignored.
    mean, covariance, ahead_mean, ahead_covariance
        Output: (n, 3, c), (n, 3, 3), and the predictions before the fix of that time. There is a fix at the first time.
    """
    n, columns = fixes.shape
    move, noise = np.zeros((3, 3)), np.zeros((3, 3))
    p, gain, row = np.zeros((3, 3)), np.zeros(3), np.zeros(3)
    p[0, 0], p[1, 1], p[2, 2] = 1e8, motion.speed_m_s**2, motion.lasting_m**2
    total = 0.0
    for i in range(n):
        if i == 0:
            for k in range(3):
                for c in range(columns):
                    ahead_mean[0, k, c] = 0.0
        else:
            _step(time[i] - time[i - 1], motion, move, noise)
            for c in range(columns):
                ahead_mean[i, 0, c] = mean[i - 1, 0, c] + move[0, 1] * mean[i - 1, 1, c]
                ahead_mean[i, 1, c] = move[1, 1] * mean[i - 1, 1, c]
                ahead_mean[i, 2, c] = move[2, 2] * mean[i - 1, 2, c]
            _carry(move, covariance[i - 1], noise, p)
        for k in range(3):
            for j in range(3):
                ahead_covariance[i, k, j] = p[k, j]
                covariance[i, k, j] = p[k, j]
            for c in range(columns):
                mean[i, k, c] = ahead_mean[i, k, c]
        if not seen[i]:
            continue
        spread = p[0, 0] + 2.0 * p[0, 2] + p[2, 2] + motion.fresh_m**2
        for k in range(3):
            row[k] = p[k, 0] + p[k, 2]
            gain[k] = row[k] / spread
        for c in range(columns):
            off = fixes[i, c] - ahead_mean[i, 0, c] - ahead_mean[i, 2, c]
            if i > 0:
                total -= 0.5 * (np.log(2.0 * np.pi * spread) + off * off / spread)
            for k in range(3):
                mean[i, k, c] += gain[k] * off
        for k in range(3):
            for j in range(3):
                covariance[i, k, j] -= gain[k] * row[j]
    return total


@kernel(nogil=True)
def _carry(move, before, noise, after):  # type: ignore[no-untyped-def]
    """Propagate a covariance over one step."""
    for k in range(3):
        for j in range(3):
            value = noise[k, j]
            for a in range(3):
                for b in range(3):
                    value += move[k, a] * before[a, b] * move[j, b]
            after[k, j] = value


@kernel(nogil=True)
def _smooth(time, motion, mean, covariance, ahead_mean, ahead_covariance):  # type: ignore[no-untyped-def]
    """Rauch-Tung-Striebel: turn filtered into smoothed means and covariances, in place."""
    move, noise, back = np.zeros((3, 3)), np.zeros((3, 3)), np.zeros((3, 3))
    inverse, change = np.zeros((3, 3)), np.zeros((3, 3))
    for i in range(len(time) - 2, -1, -1):
        _step(time[i + 1] - time[i], motion, move, noise)
        q = ahead_covariance[i + 1]
        for k in range(3):
            for j in range(3):
                a, b, c, d = (j + 1) % 3, (j + 2) % 3, (k + 1) % 3, (k + 2) % 3
                inverse[k, j] = q[a, c] * q[b, d] - q[a, d] * q[b, c]
                change[k, j] = covariance[i + 1, k, j] - q[k, j]
        size = q[0, 0] * inverse[0, 0] + q[0, 1] * inverse[1, 0] + q[0, 2] * inverse[2, 0]
        for k in range(3):
            for j in range(3):
                back[k, j] = 0.0
                for a in range(3):
                    for b in range(3):
                        back[k, j] += covariance[i, k, a] * move[b, a] * inverse[b, j] / size
        for c in range(mean.shape[2]):
            for k in range(3):
                for j in range(3):
                    mean[i, k, c] += back[k, j] * (mean[i + 1, j, c] - ahead_mean[i + 1, j, c])
        _carry(back, change, covariance[i].copy(), covariance[i])


@kernel(nogil=True)
def _simulate(time, motion, normal, place, fixes):  # type: ignore[no-untyped-def]
    """Write simulated positions and fixes under the model; `normal` is (n, 4, c) standard normals."""
    n, _, columns = normal.shape
    move, noise = np.zeros((3, 3)), np.zeros((3, 3))
    state = np.zeros((2, columns))
    for c in range(columns):
        state[0, c], state[1, c] = motion.speed_m_s * normal[0, 1, c], motion.lasting_m * normal[0, 2, c]
        place[0, c] = 0.0
        fixes[0, c] = motion.lasting_m * normal[0, 2, c] + motion.fresh_m * normal[0, 3, c]
    for i in range(1, n):
        _step(time[i] - time[i - 1], motion, move, noise)
        root = np.sqrt(noise[0, 0])
        across = noise[0, 1] / root if root > 0.0 else 0.0
        rest = np.sqrt(max(noise[1, 1] - across * across, 0.0))
        for c in range(columns):
            place[i, c] = place[i - 1, c] + move[0, 1] * state[0, c] + root * normal[i, 0, c]
            state[0, c] = move[1, 1] * state[0, c] + across * normal[i, 0, c] + rest * normal[i, 1, c]
            state[1, c] = move[2, 2] * state[1, c] + np.sqrt(noise[2, 2]) * normal[i, 2, c]
            fixes[i, c] = place[i, c] + state[1, c] + motion.fresh_m * normal[i, 3, c]


def likelihood(time_s: Floats, xy: Floats, motion: Motion) -> float:
    """Log-likelihood of the fixes under a motion."""
    n, c = xy.shape
    room = (np.empty((n, 3, c)), np.empty((n, 3, 3)), np.empty((n, 3, c)), np.empty((n, 3, 3)))
    return float(_filter(time_s, np.ones(n, dtype=np.bool_), xy - xy[0], motion, *room))


def smoothed_path(time_s: Floats, seen: Bools, xy: Floats, motion: Motion) -> tuple[Floats, Floats]:
    """Mean and standard deviation along one axis of the position at each time, given all fixes.

    Parameters
    ----------
    time_s
        Increasing, shape (n,).
    seen
        Whether there is a fix, shape (n,); the first time has one.
    xy
        Fixes, metres, shape (n, c): any number of columns.
    """
    n, c = xy.shape
    origin = xy[0].copy()
    mean, covariance = np.empty((n, 3, c)), np.empty((n, 3, 3))
    ahead, ahead_covariance = np.empty((n, 3, c)), np.empty((n, 3, 3))
    _filter(time_s, seen, xy - origin, motion, mean, covariance, ahead, ahead_covariance)
    _smooth(time_s, motion, mean, covariance, ahead, ahead_covariance)
    return mean[:, 0, :] + origin, np.sqrt(np.maximum(covariance[:, 0, 0], 0.0))


def drawn_paths(
    time_s: Floats, seen: Bools, xy: Floats, motion: Motion, *, count: int, rng: np.random.Generator
) -> Floats:
    """Sample paths consistent with the fixes, shape (n, 2, count)."""
    n = len(time_s)
    normal = rng.standard_normal((n, 4, 2 * count))
    place, fixes = np.empty((n, 2 * count)), np.empty((n, 2 * count))
    _simulate(time_s, motion, normal, place, fixes)
    real = np.repeat(xy, count, axis=1)
    mean, _ = smoothed_path(time_s, seen, np.where(seen[:, None], real - fixes, 0.0), motion)
    return (place + mean).reshape(n, 2, count)


def motion_of(time_s: Floats, xy: Floats, sigma_m: Floats) -> Motion:
    """Choose the most likely motion for the fixes among a few candidates.

    Parameters
    ----------
    sigma_m
        Prior standard deviation of the error, shape (n,). Its correlated part is not estimated, because it cannot be
        distinguished from walking.
    """
    lasting = float(np.median(sigma_m)) * np.sqrt(LASTING)
    step_s = np.diff(time_s)
    moved = np.hypot(*np.diff(xy, axis=0).T)[step_s > 0] / step_s[step_s > 0]
    speed = max(float(np.sqrt(np.mean(np.minimum(moved, 40.0) ** 2) / 2)), 0.3) if len(moved) else 0.3
    if len(time_s) < 4:
        return Motion(speed, 20.0, lasting, float(np.median(sigma_m)) * np.sqrt(1 - LASTING))
    # With fixes far apart, errors and turns cannot be distinguished, and an assumed error would cut corners.
    far = np.median(np.hypot(*np.diff(xy, axis=0).T)) > FAR_M
    choices = [Motion(speed, turn, lasting, fresh) for turn in TURNS_S for fresh in (FRESH_M[:1] if far else FRESH_M)]
    return max(choices, key=lambda motion: likelihood(time_s[:MOST_FIXES], xy[:MOST_FIXES], motion))


#: A corner is inserted between two fixes at least this far apart, if the headings before and after differ by an angle in
#: this range (degrees) and meet within this multiple of the distance; the last value is how far towards it the path goes
#: (0.7 to 1 are about equally good).
CORNER_M, CORNER_DEG, CORNER_REACH, CORNER_SHARE = 40.0, (25.0, 140.0), 1.5, 0.7


#: Median distance between fixes below which the path uses smoothed positions, which removes jitter.
JITTER_M = 8.0
#: Median distance below which fixes are moved to straight legs (longer steps contain complete turns), and the minimum error for
#: that, metres. It is not worthwhile for smaller errors, because real paths are not exactly straight.
NEAR_M, LEAST_ERROR_M = 60.0, 4.0
#: Along a leg, positions are smoothed if the error of a fix is at least this share of a step, so that fixes run back and forth.
BACK_SHARE = 1 / 3
#: A correlated error moves the path as a whole, so it is no reason to smooth; this part of it is permitted, metres.
FOLLOWED_M = 0.5


def best_path(time_s: Floats, xy: Floats, motion: Motion) -> Floats:
    """The most probable path of a device from positions only: vertices, metres."""
    step_m = np.median(np.hypot(*np.diff(xy, axis=0).T)) if len(xy) > 2 else np.inf
    legs = legs_of(time_s, xy) if step_m < NEAR_M else None
    if legs is None or legs.error_m < LEAST_ERROR_M:
        near = step_m < JITTER_M
        return with_corners(smoothed_path(time_s, np.ones(len(xy), dtype=np.bool_), xy, motion)[0] if near else xy)
    along = xy
    if legs.error_m > BACK_SHARE * step_m:
        own = motion._replace(lasting_m=FOLLOWED_M, fresh_m=legs.error_m)
        along = smoothed_path(time_s, np.ones(len(xy), dtype=np.bool_), xy, own)[0]
    return with_corners(on_legs(legs, xy, along))


def with_corners(xy: Floats) -> Floats:
    """Insert a vertex where a device turned between two distant places: near the intersection of its headings.

    Parameters
    ----------
    xy
        Places in order, metres, shape (n, 2).
    """
    if len(xy) < 4:
        return xy
    before, step, after = xy[1:-2] - xy[:-3], xy[2:-1] - xy[1:-2], xy[3:] - xy[2:-1]
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    turn = np.degrees(np.arctan2(np.abs(cross), (before * after).sum(axis=1)))
    apart = np.hypot(*step.T)
    safe = np.where(cross == 0.0, 1.0, cross)
    ahead = (step[:, 0] * after[:, 1] - step[:, 1] * after[:, 0]) / safe
    back = (step[:, 0] * before[:, 1] - step[:, 1] * before[:, 0]) / safe
    long_before, long_after = np.hypot(*before.T), np.hypot(*after.T)
    meets = (cross != 0.0) & (ahead > 0.0) & (back < 0.0) & (apart > CORNER_M)
    meets &= (turn > CORNER_DEG[0]) & (turn < CORNER_DEG[1]) & (np.minimum(long_before, long_after) > 0.3 * apart)
    meets &= ahead * long_before - back * long_after < CORNER_REACH * apart
    at = np.flatnonzero(meets)
    middle = (xy[1:-2] + xy[2:-1])[at] / 2
    corner = xy[1:-2][at] + ahead[at, None] * before[at]
    return np.insert(xy, at + 2, middle + CORNER_SHARE * (corner - middle), axis=0)
