"""Hot spots of a division: second and third level tested each, over all time and for the weeks and months of the calendar."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple
from zoneinfo import ZoneInfo

import geopandas as gpd
import pandas as pd

from geo.incidents import counts, hotspots
from geo.incidents.statistics.hot_spots import FEWEST_INCIDENTS
from geo.incidents.statistics.neighbours import contiguity
from geo.layers import Division, Level
from geo.layers.columns import CODE

TESTED = (Level.SECOND, Level.THIRD)

#: Most recent weeks and months tested: half a year and a year. A test takes 0.2 s of CPU at the second level, 0.7 s at the third.
MOST_WEEKS, MOST_MONTHS = 26, 12


class HotPeriod(NamedTuple):
    """A week or month of the calendar, first and last day included, and its hot spots, as of :func:`hot_spots`."""

    first: dt.date
    last: dt.date
    hot: gpd.GeoDataFrame


def hot_spots(counted: pd.DataFrame, cells: Division | gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Hot spots over all time: of a division, of the second and third level with a common note."""
    if not isinstance(cells, Division):
        return hotspots(counted, cells)
    return _joined({level: hotspots(counted, cells.layer(level)) for level in TESTED})


def hot_periods(incidents: gpd.GeoDataFrame, division: Division, *, zone: str) -> list[HotPeriod]:
    """Hot spots of each week and each month of the calendar, as far as the incidents reach; the latest periods only.

    Parameters
    ----------
    incidents
        Assigned incidents; those at default points and without a time are left out.
    zone
        Time zone of the days.

    Notes
    -----
    Each period is tested for itself, with a background fitted to its own counts. The third level is tested only if a grid
    and its neighbours have at least :data:`FEWEST_INCIDENTS` on average, because below that weaker hot spots go unseen.
    """
    placed = incidents[~incidents["default_point"].astype(bool) & incidents["reported_at"].notna()]
    if placed.empty:
        return []
    days = placed["reported_at"].dt.tz_convert(ZoneInfo(zone)).dt.tz_localize(None).dt.normalize()
    # The page's time bar covers the days of all incidents, also those at default points.
    every = incidents["reported_at"].dropna().dt.tz_convert(ZoneInfo(zone)).dt.tz_localize(None).dt.normalize()
    near = {level: _neighbours(division.layer(level)) for level in TESTED}
    found = []
    for first, last in _windows(every.min().date(), every.max().date()):
        some = placed[(days >= pd.Timestamp(first)) & (days <= pd.Timestamp(last))]
        found.append(HotPeriod(first, last, _period_hot_spots(some, division, near)))
    return found


def _period_hot_spots(some: gpd.GeoDataFrame, division: Division, near: dict[Level, pd.DataFrame]) -> gpd.GeoDataFrame:
    counted = counts(some, division)
    tested = {}
    for level in TESTED:
        layer = division.layer(level)
        around = 1.0 + 2.0 * len(near[level]) / max(len(layer), 1)
        if level is Level.THIRD and around * len(some) / max(len(layer), 1) < FEWEST_INCIDENTS:
            continue
        tested[level] = hotspots(counted, layer, neighbours=near[level])
    return _joined(tested)


def _windows(first: dt.date, last: dt.date) -> list[tuple[dt.date, dt.date]]:
    """First and last day of the latest weeks and months between two days, cut to these days; weeks begin on Mondays."""
    monday = last - dt.timedelta(days=last.weekday())
    weeks = [monday - dt.timedelta(days=7 * k) for k in range(MOST_WEEKS)]
    numbers = [last.year * 12 + last.month - 1 - k for k in range(MOST_MONTHS)]
    months = [dt.date(number // 12, number % 12 + 1, 1) for number in numbers]
    ends = [day + dt.timedelta(days=6) for day in weeks]
    ends += [(day + dt.timedelta(days=31)).replace(day=1) - dt.timedelta(days=1) for day in months]
    cut = [(max(begin, first), min(end, last)) for begin, end in zip([*weeks, *months], ends, strict=True)]
    return list(dict.fromkeys((begin, end) for begin, end in cut if begin <= end))


def _neighbours(layer: gpd.GeoDataFrame) -> pd.DataFrame:
    """Pairs of codes of neighbours: found once, used for each period."""
    codes = layer[CODE].to_numpy(dtype=object)
    pairs = contiguity(layer)
    return pd.DataFrame({"a": codes[pairs[:, 0]], "b": codes[pairs[:, 1]]})


def _joined(tested: dict[Level, gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    joined = pd.concat([frame.assign(level=int(level)) for level, frame in tested.items()], ignore_index=True)
    joined.attrs = {
        "notes": {int(level): (frame.attrs["note_zh"], frame.attrs["note_en"]) for level, frame in tested.items()},
        "shown": any(frame.attrs["shown"] for frame in tested.values()),
        "note_zh": "".join(f"{level.zh}：{frame.attrs['note_zh']}" for level, frame in tested.items()),
        "note_en": " ".join(f"Level {int(level)}: {frame.attrs['note_en']}" for level, frame in tested.items()),
    }
    return joined
