"""Signs of false tracks. Each is a finding with a rule or a p-value, and its innocent explanations.

Findings are not combined into a score, and none of them changes a verdict by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import bdtrc, chdtr

from geo.arrays import Bools, Floats, Ints
from geo.days import local_days
from geo.patrols.clocks import clock_shifts
from geo.patrols.rules import DEFAULT_RULES, Rules
from geo.tracks.cleaning import FROZEN_FIXES, FROZEN_S
from geo.tracks.columns import ACCURACY_M, DEVICE, MARK, OFFICER, TIME
from geo.tracks.fix_values import places, require_tracks, utc
from geo.tracks.resting import understated
from geo.tracks.sorting import by_time, numbered_texts
from geo.tracks.trajectory import metric_of, raw_path
from geo.wording import counted

#: Meaning of each sign, and possible innocent explanations: Chinese and English of both.
SIGNS: dict[str, tuple[str, str, str, str]] = {
    "mock": (
        "设备标记为模拟定位",
        "the device says that positions are simulated",
        "开发者选项未关闭、测试软件残留",
        "developer options left on, a test app left over",
    ),
    "teleport": (
        "位置瞬移",
        "moves faster than anything moves here",
        "高楼间信号反射、出地下室后首次定位",
        "reflections between buildings, first fix after a basement",
    ),
    "steady": ("速度几乎恒定", "constant speed", "匀速骑行或乘车的平滑轨迹", "an even ride whose track was smoothed"),
    "no_noise": (
        "轨迹无定位噪声",
        "no noise of positioning",
        "手机软件吸附道路或平滑轨迹",
        "an app that snaps to roads or smooths",
    ),
    "lattice": (
        "坐标落在规则格点上",
        "positions on a lattice",
        "上报时坐标被截断取整",
        "coordinates rounded when sent",
    ),
    "frozen": (
        "坐标长时间完全不变",
        "position frozen to the last digit",
        "省电模式、室内只有缓存定位",
        "power saving, cached position indoors",
    ),
    "copied": (
        "与另一设备轨迹相同",
        "the same track on two devices",
        "同一人更换手机或重复导入",
        "one person changed phones, a file imported twice",
    ),
    "replayed": (
        "与其他时间的轨迹相同",
        "the same track at another time",
        "文件重复导入、时钟校正",
        "a file imported twice, a clock set right",
    ),
    "carried_along": (
        "两台设备始终同行",
        "two devices always side by side",
        "结伴巡查、共乘车辆",
        "a patrol of two, a shared vehicle",
    ),
    "radii": (
        "标称精度与定位点离散程度不符",
        "stated accuracy does not fit the scatter of the fixes",
        "室内或楼间长时间反射、手机厂商低报误差",
        "long reflections indoors or between buildings, a maker that states too small errors",
    ),
    "clock": (
        "设备时钟与其他设备或值勤时段相差整小时",
        "a clock off by whole hours against the other devices or the hours of duty",
        "手机时区设错、导出时未换算时区",
        "wrong time zone set on the phone, an export without conversion of time zones",
    ),
    "vehicle": (
        "步行巡查中持续车速",
        "vehicle speed during a foot patrol",
        "往返途中骑行",
        "the ride to the grid and back",
    ),
}

#: Significance level of the tests, per device and day; with ten signs, false alarms occur on less than one in a thousand days.
ALPHA = 1e-5
#: Minimum number of fixes for a sign.
ENOUGH = 60
#: Minimum number of consecutive shared fixes of a copy, counting places more than a metre from the previous one.
COPIED_RUN = 30
#: Time after which a return to the same places counts as a second visit.
AGAIN_S = 60
#: Distance, time and length side by side that indicate two devices in one pocket: errors of two phones never stay that close.
BESIDE_M, BESIDE_S, BESIDE_WAY_M = 10.0, 1800.0, 1500.0
#: Distance in three minutes from which a device is moving: colleagues at one desk are not a sign.
MOVING_M = 80.0
#: Minimum time at vehicle speed on one day: more than the ride to the grid and back.
DRIVEN_S = 5400.0

#: Scatter over stated error from which on radii are named; verdicts use the larger of both from 1.25 on.
UNDERSTATED = 2.0

_METRES_PER_DEGREE = 111_195.0

Finding = tuple[str, str | None, int, int, float | None, str]


class _Track(NamedTuple):
    """Fixes of one device on one local day, in order of time; metres relative to the first, microseconds."""

    device: str
    time: Ints
    lon: Floats
    lat: Floats
    x: Floats
    y: Floats
    mark: npt.NDArray[np.object_]


def integrity(tracks: pd.DataFrame, *, rules: Rules = DEFAULT_RULES) -> pd.DataFrame:
    """Search for signs of false tracks.

    Parameters
    ----------
    tracks
        Cleaned fixes of one or more days, with `mark`.

    Returns
    -------
    DataFrame
        One row per finding: `device`, `officer`, `sign` (a key of :data:`SIGNS`), `other` (the other device, or None), `start`,
        `end` (aware UTC), `p` (probability of the finding for an honest track; NaN if the sign is a rule), `note`,
        `what_zh`, `what_en`, `innocent_zh`, `innocent_en`.

    Notes
    -----
    Tests: constant speed by the lower tail of the chi-square of step speeds against noise of half a metre; no noise by the same
    test for second differences; a lattice by the number of distinct last digits (binomial). Cost: O(n log n); pairs of devices
    are compared only if they have common places.
    """
    require_tracks(tracks)
    parts = list(_tracks(tracks, rules))
    found: list[tuple[str, Finding]] = []
    for track in parts:
        for test in (_marked, _steady, _lattice, _frozen, _driven):
            found += [(track.device, finding) for finding in test(track, rules)]
    found += list(_understated(tracks, rules))
    found += list(_off_by_hours(parts, tracks, rules))
    found += list(_shared(parts))
    found += list(_beside(parts))
    named = tracks[[DEVICE, OFFICER]].drop_duplicates(DEVICE) if OFFICER in tracks else None
    officers = {} if named is None else dict(zip(named[DEVICE].astype(str), named[OFFICER], strict=True))
    rows = [(device, officers.get(device), *finding, *SIGNS[finding[0]]) for device, finding in found]
    table = pd.DataFrame(
        rows,
        columns=[
            "device",
            "officer",
            "sign",
            "other",
            "start",
            "end",
            "p",
            "note",
            "what_zh",
            "what_en",
            "innocent_zh",
            "innocent_en",
        ],
    )
    for column in ("start", "end"):
        table[column] = pd.to_datetime(table[column].astype("int64"), unit="us", utc=True)
    table["p"] = table["p"].astype(float)
    return table.sort_values(["device", "start", "sign"], kind="stable", ignore_index=True)


def _tracks(tracks: pd.DataFrame, rules: Rules) -> Iterator[_Track]:
    """Split the fixes into devices and local days."""
    good = tracks[tracks[TIME].notna() & ~tracks[MARK].isin(["no_position", "no_time", "duplicate", "conflict"])]
    if len(good) == 0:
        return
    device, names = numbered_texts(good[DEVICE])
    time = utc(good[TIME]).view(np.int64)
    local = local_days(time, rules.zone).astype(np.int64)
    owner = device * (int(local.max() - local.min()) + 1) + local - local.min()
    order = by_time(owner, time)
    lon, lat = (degrees[order] for degrees in places(good))
    mark = good[MARK].to_numpy(dtype=object)[order]
    first = np.flatnonzero(np.r_[True, np.diff(owner[order]) != 0])
    for a, b in zip(first, np.r_[first[1:], len(order)], strict=True):
        scale = _METRES_PER_DEGREE * np.cos(np.radians(lat[a]))
        yield _Track(
            str(names[device[order[a]]]),
            time[order[a:b]],
            lon[a:b],
            lat[a:b],
            (lon[a:b] - lon[a]) * scale,
            (lat[a:b] - lat[a]) * _METRES_PER_DEGREE,
            mark[a:b],
        )


def _marked(track: _Track, _: Rules) -> Iterator[Finding]:
    """Findings of cleaning: simulated positions, and repeated jumps."""
    for sign, marks, least in (("mock", ("mock",), 1), ("teleport", ("jump", "leap"), 10)):
        at = np.flatnonzero(np.isin(track.mark, marks))
        if len(at) >= least:
            yield sign, None, int(track.time[at[0]]), int(track.time[at[-1]]), None, counted(len(at), "fix", "fixes")


def _steady(track: _Track, _: Rules) -> Iterator[Finding]:
    """Straight, even sections: a walk with positioning errors has neither constant speed nor zero second differences."""
    n = len(track.time)
    if n < ENOUGH:
        return
    dt_s = np.diff(track.time) / 1e6
    ok = (dt_s > 0) & (dt_s <= 60)
    speed = np.hypot(np.diff(track.x), np.diff(track.y)) / np.where(ok, dt_s, 1.0)
    bend = np.hypot(np.diff(track.x, 2), np.diff(track.y, 2))
    even = np.abs(np.diff(dt_s)) < 0.1 * np.maximum(dt_s[1:], 1e-9)
    moving = ok[1:] & ok[:-1] & even & (speed[1:] > 0.3) & (speed[:-1] > 0.3)
    for sign, values, sd in (("no_noise", bend, 0.5), ("steady", np.abs(np.diff(speed)), 0.02)):
        for a, b in _stretches(moving, ENOUGH // 2):
            # Steps at corners are not noise; nine of ten must be smooth.
            small = np.sort(values[a:b])[: int(0.9 * (b - a))]
            # Real errors are at least ten times `sd`; the sum of squares is then a hundred times the mean of the chi-square.
            p = float(chdtr(2 * len(small) / 10, float((small**2).sum()) / (10 * sd) ** 2 * 2))
            if p < ALPHA and float(np.quantile(values[a:b], 0.8)) < sd:
                yield sign, None, int(track.time[a]), int(track.time[b + 1]), p, counted(b - a, "fix", "fixes")
                break


def _stretches(mask: Bools, least: int) -> Iterator[tuple[int, int]]:
    change = np.flatnonzero(np.diff(np.r_[False, mask, False].astype(np.int8)))
    for a, b in zip(change[::2], change[1::2], strict=True):
        if b - a >= least:
            yield int(a), int(b)


def _lattice(track: _Track, _: Rules) -> Iterator[Finding]:
    """Coordinates with fewer digits than phones send: distinct values are multiples of a coarse step."""
    moved = np.flatnonzero((np.diff(track.lon) != 0) | (np.diff(track.lat) != 0))
    if len(moved) < ENOUGH:
        return
    for digits in (2, 3, 4):
        on = np.abs(np.round(track.lon[moved], digits) - track.lon[moved]) < 1e-9
        on &= np.abs(np.round(track.lat[moved], digits) - track.lat[moved]) < 1e-9
        # A random position with seven digits is on the lattice with probability 100^(digits - 7).
        p = float(bdtrc(on.sum() - 1, len(on), 100.0 ** (digits - 7))) if on.any() else 1.0
        if p < ALPHA and on.mean() > 0.5:
            yield "lattice", None, int(track.time[0]), int(track.time[-1]), p, f"{on.mean():.0%} with {digits} decimals"
            return


def _frozen(track: _Track, _: Rules) -> Iterator[Finding]:
    """Identical coordinates for an hour or more: live receivers always scatter."""
    same = (np.diff(track.lon) == 0) & (np.diff(track.lat) == 0)
    for a, b in _stretches(same, FROZEN_FIXES - 1):
        if (track.time[b] - track.time[a]) / 1e6 >= FROZEN_S:
            yield "frozen", None, int(track.time[a]), int(track.time[b]), None, counted(b - a + 1, "fix", "fixes")


def _driven(track: _Track, rules: Rules) -> Iterator[Finding]:
    """Time at vehicle speed, measured over at least half a minute to exclude errors."""
    dt_s = np.diff(track.time) / 1e6
    speed = np.hypot(np.diff(track.x), np.diff(track.y)) / np.maximum(dt_s, 1e-6)
    smooth = pd.Series(np.where(dt_s <= 60, speed, np.nan)).rolling(3, center=True).min().to_numpy()
    fast = (smooth > max(8.0, rules.max_patrol_speed_m_s)) & (smooth <= rules.max_speed_m_s)
    driven = float(dt_s[fast].sum())
    if driven >= DRIVEN_S:
        at = np.flatnonzero(fast)
        yield "vehicle", None, int(track.time[at[0]]), int(track.time[at[-1] + 1]), None, f"{driven / 60:.0f} min"


def _understated(tracks: pd.DataFrame, rules: Rules) -> Iterator[tuple[str, Finding]]:
    """Devices whose fixes scatter about their middle at rest, or from fix to fix, by far more than they state."""
    if ACCURACY_M not in tracks:
        return
    stated = tracks[pd.to_numeric(tracks[ACCURACY_M], errors="coerce").notna()]
    if len(stated) == 0:
        return
    path, _ = raw_path(stated, metric_of(stated), rules)
    factors = understated(path)
    first = np.searchsorted(path.walker, np.arange(len(factors) + 1))
    for walker in np.flatnonzero(factors >= UNDERSTATED):
        a, b = int(first[walker]), int(first[walker + 1])
        if b - a >= ENOUGH:
            note = f"{factors[walker]:.1f} x"
            device = str(path.walkers[DEVICE].iloc[walker])
            yield device, ("radii", None, int(path.time[a]), int(path.time[b - 1]), None, note)


def _off_by_hours(parts: list[_Track], tracks: pd.DataFrame, rules: Rules) -> Iterator[tuple[str, Finding]]:
    """Devices whose clocks are off by whole hours, each day by itself; see :func:`geo.patrols.clocks.clock_shifts`."""
    shifts = clock_shifts(tracks, rules)
    for track in parts:
        if track.device in shifts:
            note = f"{shifts[track.device]:+d} h"
            yield track.device, ("clock", None, int(track.time[0]), int(track.time[-1]), None, note)


def _shared(parts: list[_Track]) -> Iterator[tuple[str, Finding]]:
    """The same sequence of places on two devices (copied), or at another time (replayed)."""
    lon, lat, owner, place = [], [], [], []
    for k, track in enumerate(parts):
        moved = np.flatnonzero(np.hypot(np.diff(track.x), np.diff(track.y)) > 1.0) + 1
        lon.append(track.lon[moved])
        lat.append(track.lat[moved])
        owner.append(np.full(len(moved), k))
        place.append(moved)
    if not lon:
        return
    spot = np.round(np.column_stack([np.concatenate(lon), np.concatenate(lat)]) * 1e6).astype(np.int64)
    who, where = np.concatenate(owner), np.concatenate(place)
    key = pd.factorize(pd.Series(spot[:, 0] * 1_000_000_000 + spot[:, 1]))[0]
    # Only places that occur twice can be shared.
    again = np.flatnonzero(np.bincount(key, minlength=1)[key] > 1)
    order = again[np.lexsort((where[again], who[again], key[again]))]
    twice = np.flatnonzero(key[order[1:]] == key[order[:-1]])
    a, b = order[twice], order[twice + 1]
    first = np.cumsum([0, *(len(track.time) for track in parts)])
    time = np.concatenate([track.time for track in parts])
    shift_us = time[first[who[b]] + where[b]] - time[first[who[a]] + where[a]]
    later = np.flatnonzero((who[a] != who[b]) | (shift_us >= AGAIN_S * 1_000_000))
    a, b, shift_s = a[later], b[later], shift_us[later] / 1e6
    pair = who[a].astype(np.int64) * len(parts) + who[b]
    for rows in _equal(pair):
        if len(rows) < COPIED_RUN:
            continue
        one, two = parts[who[a[rows[0]]]], parts[who[b[rows[0]]]]
        usual = float(np.median(shift_s[rows]))
        if np.mean(np.abs(shift_s[rows] - usual) <= 2.0) < 0.8:
            continue
        sign = "copied" if abs(usual) <= 2.0 else "replayed"
        begin, end = int(two.time[where[b[rows[0]]]]), int(two.time[where[b[rows[-1]]]])
        note = f"{len(rows)} places, {usual:+.0f} s"
        other = None if one is two else one.device
        yield two.device, (sign, other, min(begin, end), max(begin, end), None, note)


def _equal(values: Ints) -> Iterator[Ints]:
    """Rows of each value, by value; the rows of one are in order."""
    order = np.argsort(values, kind="stable")
    cuts = np.flatnonzero(np.diff(values[order])) + 1
    yield from (rows for rows in np.split(order, cuts) if len(rows))


def _beside(parts: list[_Track]) -> Iterator[tuple[str, Finding]]:
    """Two phones side by side over hours and kilometres: one person may carry both."""
    minute = 60_000_000
    table = []
    for k, track in enumerate(parts):
        slot = track.time // minute
        first = np.flatnonzero(np.r_[True, np.diff(slot) > 0])
        later = np.minimum(np.searchsorted(track.time, track.time[first] + 3 * minute), len(track.time) - 1)
        way = np.hypot(track.x[later] - track.x[first], track.y[later] - track.y[first])
        first = first[way >= MOVING_M]
        table.append(
            np.column_stack([np.full(len(first), k), slot[first], track.lon[first] * 1e7, track.lat[first] * 1e7])
        )
    if not table:
        return
    fixes = np.concatenate(table).astype(np.int64)
    size = int(3 * BESIDE_M / _METRES_PER_DEGREE * 1e7)
    boxes = pd.DataFrame(fixes, columns=["k", "slot", "lon", "lat"])
    boxes["bx"], boxes["by"] = boxes["lon"] // size, boxes["lat"] // size
    met = boxes.merge(boxes, on=["slot", "bx", "by"], suffixes=("", "_2"))
    met = met[met["k"] < met["k_2"]]
    east = (met["lon"] - met["lon_2"]) / 1e7 * _METRES_PER_DEGREE * np.cos(np.radians(met["lat"] / 1e7))
    north = (met["lat"] - met["lat_2"]) / 1e7 * _METRES_PER_DEGREE
    met = met[np.hypot(east, north) <= 3 * BESIDE_M]
    for (a, b), rows in met.groupby(["k", "k_2"]):
        if len(rows) * 60 < BESIDE_S:
            continue
        rows = rows.sort_values("slot")
        way = np.hypot(rows["lon"].diff(), rows["lat"].diff()).fillna(0).sum() / 1e7 * _METRES_PER_DEGREE
        both = min(int((boxes["k"] == k).sum()) for k in (a, b))
        if way >= BESIDE_WAY_M and len(rows) >= 0.5 * both:
            start, end = (int(rows["slot"].iloc[k]) * minute for k in (0, -1))
            yield parts[a].device, ("carried_along", parts[b].device, start, end, None, f"{len(rows)} min, {way:.0f} m")
