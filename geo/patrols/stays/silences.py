"""Silences of a day: which of them could hide a visit to a cell, and with which probability."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.arrays import Floats
from geo.layers.columns import CODE
from geo.patrols.columns import COUNTED
from geo.patrols.persons import persons_of
from geo.patrols.rules import Rules
from geo.patrols.stays.moments import hours, microseconds
from geo.tracks.columns import CELL, DEVICE, END, LENGTH_M, OFFICER, START

Interval = tuple[float, float]

#: Speed at which an officer reaches and leaves a cell, m/s: an electric bicycle.
RIDE_M_S = 6.0
#: Hours in which due visits are made; determines the rate of visits in unobserved time.
WORKDAY_S = 8 * 3600.0
#: Prior odds that an unobserved visit was made: most officers make the required visits.
MADE_ODDS = 2.0
#: Probability that a silence adjacent to a stay in the cell hides a visit, if it is long enough for one.
CUT_P = 0.5
#: Maximum time between a stay and a silence that is considered to have interrupted it.
CUT_S = 30.0
#: Assumed lengths of visits if the day has too few to estimate them: minutes as likely as an hour.
USUAL_VISITS_S = (60.0, 300.0, 600.0, 1200.0, 1800.0, 2700.0)
#: Minimum number of visits to estimate their lengths from the day; :data:`USUAL_VISITS_S` keeps one tenth of the weight.
ENOUGH_VISITS = 20


#: Probability that a counted stay containing a silence of `min_between_s` was two visits; the same for a stay more than
#: :data:`DESK_TIMES` as long as the silence.
PARTED_P, PARTED_DESK_P, DESK_TIMES = 0.3, 0.05, 4.0


#: Probability of each visit that fits into a silence: of a device that was in the cell or within `reach_m` of it, or that
#: was at another place after the silence than before, so that it was out.
OUT_P = 0.35
#: Minimum distance between the fixes before and after a silence of a device that was out.
MOVED_M = 100.0


class Silence(NamedTuple):
    """A time without fixes of a device whose visits could count for a cell, within hours of duty; seconds since 1970."""

    start: float
    end: float
    device: str
    travel_s: float
    moved: bool


def silences_of(rows: pd.DataFrame, cells: gpd.GeoDataFrame, day: dt.date, rules: Rules) -> dict[str, list[Silence]]:
    """Silences of each cell on a day.

    These are the silences of devices that were in or near the cell, and of the cell's leader and deputies wherever they were:
    an officer whose device is silent at the office for an hour may have been on a round. If only leaders count, only theirs
    are used.

    Parameters
    ----------
    rows
        Presences of kind ``unknown`` of the day: one row for each silence and cell near it.
    """
    days = pd.Series([day])
    from_, to = (float(hours(days, at, rules)[0]) / 1e6 for at in (rules.hours_from, rules.hours_to))
    start = np.maximum(microseconds(rows[START]) / 1e6, from_)
    end = np.minimum(microseconds(rows[END]) / 1e6, to)
    cell, device, officer = (rows[name].astype(str).to_numpy(dtype=object) for name in (CELL, DEVICE, OFFICER))
    near: dict[str, dict[tuple[float, float, str], None]] = {}
    own: dict[str, dict[tuple[float, float, str], set[str]]] = {}
    moved_m: dict[tuple[float, float, str], float] = {}
    lengths_m = rows[LENGTH_M].to_numpy(dtype=float)
    for k in np.flatnonzero(end > start):
        gap = (float(start[k]), float(end[k]), str(device[k]))
        near.setdefault(cell[k], {})[gap] = None
        moved_m[gap] = float(lengths_m[k])
        own.setdefault(officer[k], {}).setdefault(gap, set()).add(cell[k])
    shapes = dict(zip(cells[CODE], cells.geometry, strict=True)) if isinstance(cells, gpd.GeoDataFrame) else {}
    persons = persons_of(cells)
    found = {}
    for code in cells[CODE]:
        gaps = {} if rules.who == "leader" else {gap: {code} for gap in near.get(code, ())}
        for name in persons.get(code, ()):
            gaps.update(own.get(name, {}))
        found[code] = sorted(
            Silence(*gap, _travel_s(code, around, shapes), code in around or moved_m[gap] >= MOVED_M)
            for gap, around in gaps.items()
        )
    return found


def _travel_s(code: str, around: set[str], shapes: dict[str, object]) -> float:
    """Travel time to the cell and back from the nearest of the cells that the device was in or near."""
    if code in around or code not in shapes:
        return 0.0
    far = [shapes[code].distance(shapes[other]) for other in around if other in shapes]  # type: ignore[attr-defined]
    return 2.0 * min(far) / RIDE_M_S if far else 0.0


def visit_lengths_s(visits: pd.DataFrame) -> Floats:
    """Lengths of visits as a sample: counted visits of the day, weighted, and usual lengths."""
    made = visits[visits[COUNTED].to_numpy(dtype=bool)]
    lasts = (microseconds(made[END]) - microseconds(made[START])) / 1e6
    usual = np.array(USUAL_VISITS_S)
    if len(lasts) < ENOUGH_VISITS:
        return usual
    # 54 quantiles of the day's visits and six usual lengths: nine tenths and one tenth of the weight.
    found: Floats = np.r_[np.quantile(lasts, np.linspace(0.025, 0.975, 54)), usual]
    return found


def unobserved_rate(silences: list[Silence], stays: list[Interval], lengths_s: Floats, rules: Rules) -> float:
    """Expected number of visits in silences: those that fit between arrival and departure, at the required rate.

    A silence adjacent to a stay in the cell (`stays`: those that do not count) may have interrupted a visit.
    """
    expected = 0.0
    for silence in silences:
        left = silence.end - silence.start - silence.travel_s
        if left < rules.min_stay_s or left <= 0:
            continue
        if any(abs(s - silence.end) <= CUT_S or abs(e - silence.start) <= CUT_S for s, e in stays):
            expected -= np.log1p(-CUT_P)
        if silence.moved:
            expected -= np.log1p(-OUT_P) * _slots(left, rules)
        # Half of the minimum stay may be observed at either end without proving a visit.
        room = np.maximum(left - np.maximum(lengths_s, rules.min_stay_s) + rules.min_stay_s, 0.0)
        expected += MADE_ODDS * rules.visits_per_day / WORKDAY_S * float(room.mean())
    return expected


def _slots(lasts_s: float, rules: Rules) -> int:
    """Number of visits that fit into a time at the required distance from each other."""
    between = rules.min_stay_s + rules.min_between_s
    return 1 + int((lasts_s - rules.min_stay_s) // between) if between > 0 else rules.visits_per_day


def within(silences: list[Silence]) -> list[Interval]:
    """The times of silences, merged."""
    return joined((silence.start, silence.end) for silence in silences)


def joined(intervals: Iterable[Interval]) -> list[Interval]:
    """Overlapping intervals merged, in order."""
    found: list[Interval] = []
    for start, end in sorted(intervals):
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(end, found[-1][1]))
        else:
            found.append((start, end))
    return found


def without(intervals: list[Interval], taken: list[Interval]) -> list[Interval]:
    """Merged intervals minus others."""
    left = intervals
    for from_, to in taken:
        left = [piece for s, e in left for piece in ((s, min(e, from_)), (max(s, to), e)) if piece[1] > piece[0]]
    return left


def parted_rate(stays: list[Interval], silent: list[Interval], rules: Rules) -> float:
    """Expected number of additional visits, if devices of counted stays were silent because they had left.

    A stay with a long silence in it is one visit, because the device was not seen to leave; but it may have been two. This is
    less likely the longer the device was observed there: phones at a desk go to sleep.
    """
    expected = 0.0
    for start, end in stays:
        for s, e in silent:
            # The minimum stay must have been observed on both sides.
            lasts = min(e, end - rules.min_stay_s) - max(s, start + rules.min_stay_s)
            if lasts >= rules.min_between_s > 0:
                short = end - start <= DESK_TIMES * (e - s)
                expected -= np.log1p(-(PARTED_P if short else PARTED_DESK_P))
    return float(expected)


def usable(silences: list[Silence], counted: list[Interval], rules: Rules) -> list[Silence]:
    """Silences without the times too near to a counted visit, if the remainder is long enough for a visit."""
    taken = [(s - rules.min_between_s, e + rules.min_between_s) for s, e in counted]
    found = []
    for silence in silences:
        for s, e in without([(silence.start, silence.end)], taken):
            whole = (s, e) == (silence.start, silence.end)
            # Arrival and departure may be in time too near to a visit.
            kept = silence if whole else silence._replace(start=s, end=e, travel_s=silence.travel_s / 2)
            if e - s >= rules.min_stay_s and e > s:
                found.append(kept)
    return found
