"""Marks fixes that must not be part of a path. Nothing is deleted.

A mark is one word in the column ``mark``; it is empty for a normal fix. Some marks are notes: the fix is unusual but used (see
:data:`NOTES`).
"""

from __future__ import annotations

from typing import NamedTuple, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.arrays import Bools, Floats, Ints
from geo.days import local_days
from geo.kernels import kernel
from geo.layers.crs import EARTH_M
from geo.tracks.columns import ACCURACY_M, DEVICE, MARK, MOCK, ROW, SOURCE, TIME
from geo.tracks.fix_values import ground_m, places, require_tracks, seconds, utc
from geo.tracks.limits import DEFAULT_LIMITS, MovementLimits
from geo.tracks.sorting import by_time, maybe_equal, numbered, picked

Marks = npt.NDArray[np.int8]
Fixes = TypeVar("Fixes", bound=pd.DataFrame)

#: Meaning of each mark, in Chinese and English.
MARKS: dict[str, tuple[str, str]] = {
    "no_time": ("无时间", "no time"),
    "no_position": ("无坐标", "no position"),
    "mock": ("设备标记为模拟定位", "the device says that the position is simulated"),
    "poor_accuracy": ("定位精度差", "error radius above the limit"),
    "duplicate": ("重复上报", "repeats another fix of the device"),
    "conflict": ("同一时刻位置矛盾", "the device is in two places at once"),
    "clock": ("时间与前后记录不符", "time does not fit the records before and after it"),
    "jump": ("位置跳变", "reached and left faster than anything moves here"),
    "time_back": ("时间倒退（已重新排序）", "came after a later fix; sorted into place"),
    "copied": ("与其他设备轨迹相同", "another device has the same position at the same time"),
    "leap": ("到达过快", "reached faster than anything moves here; the way there is not used"),
    "detached": (
        "位于两次不可能的跳变之间",
        "one of a run of fixes that agree with each other, between two steps faster than anything moves here",
    ),
    "silence": ("此前定位中断", "the device had no fix that can be used for longer than a path may bridge"),
    "frozen": ("坐标长时间完全不变", "the same place to the last digit for an hour or more"),
    "rounded": ("坐标被截断取整", "the device sends coordinates of four decimals or fewer, which are 11 m apart"),
}

#: Marks of fixes that are used.
NOTES = ("", "time_back", "copied", "leap", "detached", "silence", "frozen", "rounded")

# Marks are numbers during processing: 0 for none, then in the order above. Comparing words would be ten times as slow.
_WORDS = np.array(["", *MARKS], dtype=object)
_NUMBER = {word: np.int8(k) for k, word in enumerate(_WORDS)}
_IS_NOTE = np.isin(_WORDS, NOTES)

#: Positions at one time closer than this are the same place: truncated times correspond to up to a second of driving.
SAME_PLACE_M = 50.0

#: Combined error of two fixes that is subtracted before a speed is judged.
SPEED_SLACK_M = 30.0

#: A record is out of time if it deviates by more than this from the records before and after it, which agree.
CLOCK_OFF_S = 3600.0

#: Share of the records of a device that may go back in time before the order of its source is ignored: a tenth of the records
#: out of order gives 0.1, a fleet's unordered export 0.3 and more.
ORDERED_SHARE = 0.2

#: A run of at least this many fixes is a place of its own: a single step to or from it is wrong, not the run. Reflections
#: between buildings shift a few consecutive fixes.
RUN_FIXES = 10

#: Maximum number of rounds that remove blocks of impossible fixes; remaining impossible steps are noted as leaps.
ROUNDS = 24

#: Minimum share and number of a device's fixes that equal those of another device before they are noted as copied.
COPIED_SHARE, COPIED_FIXES = 0.05, 30

#: Duration and number of fixes with identical coordinates from which a position is frozen; live receivers always scatter.
FROZEN_S, FROZEN_FIXES = 3600.0, 13

#: Number of decimals of rounded coordinates; minimum share and number of such places of a device. A place with seven decimals
#: rounds to four by chance once in a million.
ROUNDED_DECIMALS, ROUNDED_SHARE, ROUNDED_FIXES = 4, 0.5, 60


def clean(tracks: Fixes, *, rules: MovementLimits = DEFAULT_LIMITS) -> Fixes:
    """Mark faulty fixes with the reason, and note unusual ones, which stay in use.

    Parameters
    ----------
    tracks
        Fixes as returned by :func:`geo.tracks.read_tracks`: points with a CRS, `device`, `time` (aware), and optionally
        `accuracy_m`, `mock`, `source` and `row`. In a frame without points the columns `lon` and `lat` are used, as WGS-84;
        the same holds for every function of this package that takes tracks.

    Returns
    -------
    GeoDataFrame
        The same rows and index with a column ``mark``: a key of :data:`MARKS`, or ``''``; fixes with a mark in :data:`NOTES`
        are used.

    Raises
    ------
    ColumnError
        If `device` or `time` is missing, or the times have no zone.
    CrsError
        If the points declare no CRS.

    Notes
    -----
    The result does not depend on the order of the rows: the order of reception is read from `source` and `row`, and not
    judged without them. A block of fixes between two impossible jumps is marked if the fixes before and after it are
    consistent with each other and last longer: one rule covers an error of one fix and a fake of an hour. Cost: O(n log n).
    """
    fixes = _fixes(tracks)
    mark = np.zeros(len(tracks), dtype=np.int8)
    mark[np.isnat(fixes.time)] = _NUMBER["no_time"]
    mark[(mark == 0) & ~(np.isfinite(fixes.lon) & np.isfinite(fixes.lat))] = _NUMBER["no_position"]
    if MOCK in tracks:
        mark[(mark == 0) & tracks[MOCK].astype("boolean").fillna(False).to_numpy(dtype=bool)] = _NUMBER["mock"]
    if ACCURACY_M in tracks:
        radius = pd.to_numeric(tracks[ACCURACY_M], errors="coerce").to_numpy(dtype=float, na_value=np.nan)
        mark[(mark == 0) & ((radius > rules.max_accuracy_m) | (radius < 0))] = _NUMBER["poor_accuracy"]
    for find in (_out_of_time, _repeated):
        find(fixes, mark)
    order = _impossible(fixes, mark, rules)
    _copied(fixes, mark)
    _noted(fixes, mark, order, rules)
    return tracks.assign(**{MARK: pd.Series(_WORDS[mark], index=tracks.index, dtype=object)})


def used(tracks: pd.DataFrame) -> Bools:
    """Whether each fix of a cleaned track may be part of a path."""
    mark = tracks[MARK].to_numpy(dtype=object)
    mask: Bools = mark == ""
    odd = np.flatnonzero(~mask)
    mask[odd] = np.isin(mark[odd].astype(str), NOTES)
    return mask


def _usable(mark: Marks) -> Ints:
    """Rows whose mark permits use in a path."""
    return np.flatnonzero(_IS_NOTE[mark])


class _Fixes(NamedTuple):
    device: Ints
    time: npt.NDArray[np.datetime64]
    lon: Floats
    lat: Floats
    source: Ints | None
    row: Ints | None


def _fixes(tracks: pd.DataFrame) -> _Fixes:
    require_tracks(tracks)
    lon, lat = places(tracks)
    source = row = None
    if ROW in tracks and SOURCE in tracks:
        source, row = pd.factorize(tracks[SOURCE])[0], pd.to_numeric(tracks[ROW]).to_numpy(dtype=np.int64)
    return _Fixes(
        numbered(tracks[DEVICE])[0],
        utc(tracks[TIME]),
        lon,
        lat,
        source,
        row,
    )


def _out_of_time(fixes: _Fixes, mark: Marks) -> None:
    """Check times against the order of the records in their source."""
    if fixes.source is None or fixes.row is None:
        return
    here = np.flatnonzero(mark == 0)
    order = here[np.lexsort((fixes.row[here], fixes.device[here], fixes.source[here]))]
    same = (np.diff(fixes.source[order]) == 0) & (np.diff(fixes.device[order]) == 0)
    step = np.where(same, seconds(np.diff(fixes.time[order])), np.nan)
    # Records of one device in one source; if many of them go back, their order carries no information about time.
    record = np.cumsum(np.r_[True, ~same]) - 1
    back = np.bincount(record[1:], step < 0, minlength=record[-1] + 1 if len(record) else 0)
    ordered = back <= ORDERED_SHARE * np.bincount(record)
    step[~ordered[record[1:]]] = np.nan
    mark[order[1:][step < 0]] = _NUMBER["time_back"]
    if len(order) < 3:
        return
    before, after = step[:-1], step[1:]
    off = (np.abs(before) > CLOCK_OFF_S) & (np.abs(after) > CLOCK_OFF_S) & (np.abs(before + after) <= CLOCK_OFF_S)
    mark[order[1:-1][off]] = _NUMBER["clock"]
    # The record after an outlier goes back in time only because of the outlier.
    behind = order[2:][off]
    mark[behind[mark[behind] == _NUMBER["time_back"]]] = 0


def _repeated(fixes: _Fixes, mark: Marks) -> None:
    """Keep one of several fixes of a device at one time, or none if they are apart."""
    here = _usable(mark)
    micro, device = picked(fixes.time.view(np.int64), here), picked(fixes.device, here)
    order = by_time(device, micro)
    if not _ties(device, micro, order):
        return
    order = here[by_time(device, micro, fixes.lon[here], fixes.lat[here], (mark[here] != 0).astype(float))]
    first = np.r_[True, (np.diff(fixes.device[order]) != 0) | (np.diff(fixes.time[order]) != np.timedelta64(0))]
    group = np.cumsum(first) - 1
    start = np.flatnonzero(first)
    lon, lat = fixes.lon[order], fixes.lat[order]
    far = (
        ground_m(
            np.minimum.reduceat(lon, start),
            np.minimum.reduceat(lat, start),
            np.maximum.reduceat(lon, start),
            np.maximum.reduceat(lat, start),
        )
        > SAME_PLACE_M
    )
    mark[order[~first]] = _NUMBER["duplicate"]
    mark[order[far[group]]] = _NUMBER["conflict"]


@kernel(nogil=True)
def _ties(device: Ints, time: Ints, order: Ints) -> bool:
    """Whether any device has two fixes at one time."""
    found = False
    for k in range(1, len(order)):
        found |= device[order[k]] == device[order[k - 1]] and time[order[k]] == time[order[k - 1]]
    return found


def _impossible(fixes: _Fixes, mark: Marks, rules: MovementLimits) -> Ints:
    """Remove, round by round, the shortest block between two jumps without which the path is possible.

    Returns the remaining rows, by device and time.
    """
    here = _usable(mark)
    order = here[by_time(picked(fixes.device, here), picked(fixes.time.view(np.int64), here))]
    kept: list[Ints] = []
    for _ in range(ROUNDS):
        jump = _jumps(fixes, order, rules)
        if not jump.any():
            break
        out = _outlying_blocks(fixes, order, jump, rules)
        if not out.any():
            break
        long = _in_long_runs(out)
        mark[order[out & ~long]] = _NUMBER["jump"]
        kept.append(order[out & long])
        order = order[~out]
    if kept:
        runs = np.concatenate(kept)
        mark[runs[mark[runs] == 0]] = _NUMBER["detached"]
        order = np.concatenate([order, runs])
        order = order[by_time(fixes.device[order], fixes.time.view(np.int64)[order])]
    landed = order[1:][_jumps(fixes, order, rules)]
    mark[landed] = _NUMBER["leap"]
    return order


def _in_long_runs(out: Bools) -> Bools:
    """Removed fixes in a run of :data:`RUN_FIXES` or more."""
    edges = np.diff(np.r_[0, out.astype(np.int8), 0])
    first, last = np.flatnonzero(edges == 1), np.flatnonzero(edges == -1)
    found = np.zeros(len(out), dtype=np.bool_)
    for a, b in zip(first, last, strict=True):
        found[a:b] = b - a >= RUN_FIXES
    return found


def _jumps(fixes: _Fixes, order: Ints, rules: MovementLimits) -> Bools:
    """Whether each step to the device's next fix is faster than anything moves."""
    same: Bools = np.diff(fixes.device[order]) == 0
    return same & _too_fast(fixes, order[:-1], order[1:], rules)


def _too_fast(fixes: _Fixes, a: Ints, b: Ints, rules: MovementLimits) -> Bools:
    time = fixes.time.view(np.int64)
    fast: Bools = _faster(fixes.lon, fixes.lat, time, a, b, rules.max_speed_m_s, SPEED_SLACK_M)
    return fast


@kernel(nogil=True)
def _faster(lon: Floats, lat: Floats, time: Ints, a: Ints, b: Ints, speed_m_s: float, slack_m: float) -> Bools:
    """Whether each step, minus a slack, is faster than a speed; steps that are clearly slower are not measured exactly."""
    fast = np.zeros(len(a), dtype=np.bool_)
    degree_m = np.pi / 180 * EARTH_M
    for k in range(len(a)):
        i, j = a[k], b[k]
        reach = speed_m_s * ((time[j] - time[i]) / 1e6) + slack_m
        if degree_m * (abs(lon[j] - lon[i]) + abs(lat[j] - lat[i])) > reach:
            p, q = np.radians(lat[i]), np.radians(lat[j])
            h = np.sin((q - p) / 2) ** 2 + np.cos(p) * np.cos(q) * np.sin(np.radians(lon[j] - lon[i]) / 2) ** 2
            fast[k] = 2 * EARTH_M * np.arcsin(np.sqrt(min(h, 1.0))) > reach
    return fast


def _outlying_blocks(fixes: _Fixes, order: Ints, jump: Bools, rules: MovementLimits) -> Bools:
    """Fixes in a block between two jumps that is shorter than the adjacent blocks, which fit together without it."""
    device = fixes.device[order]
    start = np.flatnonzero(np.r_[True, jump | (np.diff(device) != 0)])
    end = np.r_[start[1:], len(order)] - 1
    first, last = order[start], order[end]
    owner = fixes.device[first]
    lasts = seconds(fixes.time[last] - fixes.time[first])
    # Ties are broken by a hash, not by position: otherwise only one of many equal blocks is removed per round.
    mixed = (np.arange(len(start), dtype=np.uint64) * np.uint64(2654435761)) % np.uint64(1 << 32)
    rank = np.empty(len(start), dtype=np.int64)
    rank[np.lexsort((mixed, lasts))] = np.arange(len(start))
    out = np.zeros(len(start), dtype=bool)
    if len(start) >= 3:
        inner = (owner[:-2] == owner[1:-1]) & (owner[1:-1] == owner[2:])
        shorter = lasts[1:-1] <= lasts[:-2] + lasts[2:]
        out[1:-1] = inner & shorter & ~_too_fast(fixes, last[:-2], first[2:], rules)
        # Of adjacent blocks only the shortest is removed in one round: without it the others may fit.
        rank[~out] = len(rank)
        out[1:-1] &= (rank[1:-1] < rank[:-2]) & (rank[1:-1] < rank[2:])
    return np.repeat(out, end - start + 1)


def _copied(fixes: _Fixes, mark: Marks) -> None:
    """Note fixes whose time and place also occur on another device more often than by chance."""
    here = np.flatnonzero(mark == 0)
    time: Ints = fixes.time.view(np.int64)
    some = here[maybe_equal(picked(time, here), picked(fixes.lon, here), picked(fixes.lat, here))]
    order = some[np.lexsort((fixes.device[some], fixes.lat[some], fixes.lon[some], fixes.time[some]))]
    if len(order) < 2:
        return
    equal = (
        (np.diff(fixes.time[order]) == np.timedelta64(0))
        & (np.diff(fixes.lon[order]) == 0)
        & (np.diff(fixes.lat[order]) == 0)
    )
    twin = order[np.r_[equal, False] | np.r_[False, equal]]
    if len(twin) == 0:
        return
    most = int(fixes.device.max()) + 1
    share = np.bincount(fixes.device[twin], minlength=most) / np.maximum(
        1, np.bincount(picked(fixes.device, here), minlength=most)
    )
    enough = (np.bincount(fixes.device[twin], minlength=most) >= COPIED_FIXES) & (share >= COPIED_SHARE)
    mark[twin[enough[fixes.device[twin]]]] = _NUMBER["copied"]


def _noted(fixes: _Fixes, mark: Marks, order: Ints, rules: MovementLimits) -> None:
    """Note fixes after a silence, frozen and rounded ones, unless they have another mark."""
    devices = int(fixes.device.max()) + 1 if len(fixes.device) else 0
    gap_us, frozen_us = int(rules.max_gap_s * 1e6), int(FROZEN_S * 1e6)
    micro = fixes.time.view(np.int64)
    found = _quirks(fixes.device, micro, fixes.lon, fixes.lat, order, devices, gap_us, frozen_us)
    # Devices without a fix around midnight have gone home, so this is not a silence.
    first = np.flatnonzero(found[0])
    before, after = (local_days(micro[order[rows]], rules.zone) for rows in (first - 1, first))
    found[0][first[before != after]] = False
    for note, which in zip(("silence", "frozen", "rounded"), found, strict=True):
        rows = order[which]
        mark[rows[mark[rows] == 0]] = _NUMBER[note]


@kernel(nogil=True)
def _quirks(
    device: Ints, time: Ints, lon: Floats, lat: Floats, order: Ints, devices: int, gap_us: int, frozen_us: int
) -> tuple[Bools, Bools, Bools]:
    """First fixes after a silence, frozen ones, and rounded ones of devices that round; by device and time."""
    n, unit = len(order), 10.0**ROUNDED_DECIMALS
    silent, frozen, rounded = np.zeros(n, np.bool_), np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    places, coarse = np.zeros(devices, np.int64), np.zeros(devices, np.int64)
    run = 0
    for k in range(n + 1):
        still = False
        if k < n:
            i = order[k]
            rounded[k] = (
                abs(np.rint(lon[i] * unit) / unit - lon[i]) < 1e-9
                and abs(np.rint(lat[i] * unit) / unit - lat[i]) < 1e-9
            )
            if k > 0 and device[order[k - 1]] == device[i]:
                before = order[k - 1]
                silent[k] = time[i] - time[before] > gap_us
                still = lon[i] == lon[before] and lat[i] == lat[before]
        if still:
            continue
        if k - run >= FROZEN_FIXES and time[order[k - 1]] - time[order[run]] >= frozen_us:
            frozen[run:k] = True
        run = k
        if k < n:
            places[device[i]] += 1
            coarse[device[i]] += rounded[k]
    for k in range(n):
        owner = device[order[k]]
        rounded[k] &= places[owner] >= ROUNDED_FIXES and coarse[owner] > ROUNDED_SHARE * places[owner]
    return silent, frozen, rounded
