"""Fixes sent by the phones of a day: at a given interval, with correlated errors, gaps, duplicates and wrong clocks."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyproj
from scipy.signal import lfilter

from benchmarks.habits.days import Day, at
from benchmarks.habits.scenarios import HABITS

#: 68 % radius of a phone's errors, metres; ratio of that radius to the standard deviation of one axis.
RADIUS_M, RADIUS_SD = (5.0, 20.0), float(np.sqrt(-2 * np.log(1 - 0.68)))

#: Correlation time of the Gauss-Markov errors, seconds, log-uniform.
LASTS_S = (60.0, 3600.0)

#: Standard deviation of the additional white noise, metres.
SCATTER_M = 0.7

#: Share of phones with gaps, their mean share of silent time, and duration of a gap, seconds.
SILENT_PHONES, SILENT_SHARE, SILENCE_S = 0.2, 0.12, (300.0, 3600.0)

#: Share of duplicated fixes.
TWICE = 0.005

#: Interval of the fixes of a resting phone in power-saving mode, seconds.
SAVING_S = (300.0, 900.0)


def fixes(day: Day, *, rate_s: float) -> pd.DataFrame:
    """Fixes of all phones of a day, one every `rate_s`.

    Returns `device`, `officer`, `time` (timezone-aware UTC by the phone's clock), `lon`, `lat` (WGS-84), `accuracy_m` (NaN
    if not stated), `mock` (NA), `received` (true timezone-aware UTC) and `row`, in the order of receipt. The errors of a phone
    are the same at every rate.
    """
    tables = [_phone(day, int(name[1:]), name, rate_s) for name in day.ways]
    table = pd.concat(tables, ignore_index=True)
    table = table.sort_values(["received", "device", "time"], kind="stable", ignore_index=True)
    to_degrees = pyproj.Transformer.from_crs(day.cells.crs, 4326, always_xy=True)
    lon, lat = to_degrees.transform(table.pop("x").to_numpy(), table.pop("y").to_numpy())
    first = day.first
    return table.assign(
        time=at(first, table["time"]),
        received=at(first, table["received"]),
        lon=np.round(lon, 7),
        lat=np.round(lat, 7),
        mock=pd.array([pd.NA] * len(table), dtype="boolean"),
        row=np.arange(1, len(table) + 1),
    )


def _phone(day: Day, k: int, name: str, rate_s: float) -> pd.DataFrame:
    """Fixes of one person's phone, times in seconds."""
    habit = HABITS[day.habit]
    rng = day.rng(2, k)
    radius, lasts = _error_law(rng)
    silent = rng.exponential(SILENT_SHARE) if rng.random() < SILENT_PHONES else 0.0
    is_late, off_by = rng.random() < habit.late, 0.0
    if rng.random() < habit.wrong_clock:
        off_by = float(rng.choice([-1, 1])) * 8 * 3600
    parts = []
    for number, way in enumerate(day.ways[name]):
        seconds, _, _ = way.each_second()
        error = lasting_error(len(seconds), radius / RADIUS_SD, lasts, day.rng(3, k, number))
        quiet = _silences(seconds[0], seconds[-1], silent, day.rng(4, k, number))
        some = day.rng(5, k, number, round(rate_s))
        t = sampled(way, rate_s, habit.power_saving, some)
        t = t[~quiet[(t - seconds[0]).astype(int)]]
        xy = way.at(t) + error[(t - seconds[0]).astype(int)] + some.normal(0, SCATTER_M, (len(t), 2))
        stated = {"honest": radius * some.uniform(0.9, 1.1, len(t)), "third": radius / 3, "none": np.nan}[habit.radii]
        table = pd.DataFrame({"time": t, "x": xy[:, 0], "y": xy[:, 1], "accuracy_m": np.round(stated, 1)})
        table["received"] = _received(t, is_late, some)
        again = table[some.random(len(table)) < TWICE]
        again = again.assign(received=again["received"] + some.uniform(1, 1800, len(again)))
        parts.append(pd.concat([table, again]))
    table = pd.concat(parts, ignore_index=True)
    return table.assign(time=table["time"] + off_by, device=f"T{name[1:]}", officer=name)


def error_law(day: Day, name: str) -> tuple[float, float]:
    """Standard deviation of one axis of the errors of a person's phone, metres, and their correlation time, seconds."""
    radius, lasts = _error_law(day.rng(2, int(name[1:])))
    return radius / RADIUS_SD, lasts


def _error_law(rng) -> tuple[float, float]:
    return rng.uniform(*RADIUS_M), float(np.exp(rng.uniform(*np.log(LASTS_S))))


def lasting_error(count: int, sd_m: float, lasts_s: float, rng) -> np.ndarray:
    """A stationary Gauss-Markov error at each second, ``(count, 2)`` metres: correlation ``exp(-t / lasts_s)``."""
    keep = np.exp(-1.0 / lasts_s)
    steps = rng.normal(0, sd_m * np.sqrt(1 - keep**2), (count, 2))
    steps[:1] = rng.normal(0, sd_m, (1, 2))
    return lfilter([1.0], [1.0, -keep], steps, axis=0)


def _silences(begin: int, end: int, share: float, rng) -> np.ndarray:
    """Seconds of a shift in which the phone is silent."""
    quiet = np.zeros(end - begin + 2, dtype=bool)
    left = min(share, 0.6) * (end - begin)
    while left > 0:
        lasts = min(rng.uniform(*SILENCE_S), left)
        start = int(rng.uniform(0, end - begin - lasts))
        quiet[start : start + int(lasts)] = True
        left -= lasts
    return quiet


def sampled(way, rate_s: float, saving: bool, rng) -> np.ndarray:
    """Times of fixes, seconds: at equal intervals from a random start, delayed by up to a second; rarely at rest if a phone saves
    power.
    """
    begin, end = np.ceil(way.t[0]), np.floor(way.t[-1]) - 2.0
    t = np.arange(begin + rng.uniform(0, rate_s), end, rate_s)
    if saving:
        moved = np.hypot(*(way.at(t) - way.at(np.maximum(t - 60.0, begin))).T) > 5.0
        kept, last, wait = [], -np.inf, 0.0
        for time, moves in zip(t, moved, strict=True):
            if moves or time - last >= wait:
                kept.append(time)
                last, wait = time, rng.uniform(*SAVING_S)
        t = np.array(kept)
    return np.round(t + rng.uniform(0, 1, len(t)), 3)


def _received(t: np.ndarray, is_late: bool, rng) -> np.ndarray:
    """Time of receipt of each fix: at once, or in batches one to four hours later, the batches of a day in random order."""
    if not is_late or len(t) == 0:
        return t + rng.uniform(0.2, 3.0, len(t))
    batch = ((t - t[0]) // rng.uniform(1200, 5400)).astype(int)
    return t + rng.uniform(3600, 4 * 3600, batch.max() + 1)[batch]
