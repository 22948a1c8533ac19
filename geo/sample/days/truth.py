"""The truth of a simulated day: true paths intersected with the cells, independent of the code that evaluates real tracks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.days import moment_at
from geo.layers.columns import CODE
from geo.patrols import Rules
from geo.patrols.persons import persons_of, who_counts
from geo.prepared import prepared_copy
from geo.sample.days.walks import Way


def _true_pieces(ways: list[Way], cells: gpd.GeoDataFrame) -> pd.DataFrame:
    """Intersect every step of every true path with the grids: ``way, cell, start, end, length``."""
    steps = np.concatenate([np.column_stack([w.t[:-1], w.t[1:], w.xy[:-1], w.xy[1:]]) for w in ways])
    way = np.repeat(np.arange(len(ways)), [len(w.t) - 1 for w in ways])
    moves = (steps[:, 2:4] != steps[:, 4:6]).any(axis=1)
    shapes = prepared_copy(np.asarray(cells.geometry.array, dtype=object))
    lines = shapely.linestrings(steps[moves, 2:].reshape(-1, 2, 2))
    cell, line = shapely.STRtree(lines).query(shapes, predicate="intersects")
    # Most steps are inside one grid.
    cut = lines[line]
    crossing = ~shapely.contains_properly(shapes[cell], cut)
    cut[crossing] = shapely.intersection(cut[crossing], shapes[cell[crossing]])
    parts, pair = shapely.get_parts(cut, return_index=True)
    long = shapely.length(parts) > 0
    parts, pair = parts[long], pair[long]
    of = steps[moves][line[pair]]
    length = np.hypot(of[:, 4] - of[:, 2], of[:, 5] - of[:, 3])
    a, b = (np.hypot(*(shapely.get_coordinates(shapely.get_point(parts, k)) - of[:, 2:4]).T) / length for k in (0, -1))
    lasts = of[:, 1] - of[:, 0]
    walked = pd.DataFrame(
        {
            "way": way[moves][line[pair]],
            "cell": cell[pair],
            "start": of[:, 0] + np.minimum(a, b) * lasts,
            "end": of[:, 0] + np.maximum(a, b) * lasts,
            "length": shapely.length(parts),
        }
    )
    where, stop = shapely.STRtree(shapely.points(steps[~moves, 2:4])).query(shapes, predicate="intersects")
    stood = pd.DataFrame(
        {
            "way": way[~moves][stop],
            "cell": where,
            "start": steps[~moves, 0][stop],
            "end": steps[~moves, 1][stop],
            "length": 0.0,
        }
    )
    return pd.concat([walked, stood]).sort_values(["cell", "way", "start"], kind="stable", ignore_index=True)


class _Stay(NamedTuple):
    """A true stay of one officer in one grid; times in seconds of the local day."""

    way: int
    start: float
    end: float
    stay: float
    length: float
    on_duty: float


def _true_stays(pieces: pd.DataFrame, rules: Rules) -> Iterator[tuple[int, list[_Stay]]]:
    """Join pieces to stays, grid by grid."""
    opens, closes = (at.hour * 3600.0 + at.minute * 60.0 for at in (rules.hours_from, rules.hours_to))
    for cell in np.unique(pieces["cell"].to_numpy()):
        group = pieces[pieces["cell"] == cell]
        stays: list[_Stay] = []
        for way, start, end, length in zip(group["way"], group["start"], group["end"], group["length"], strict=True):
            # Rides do not belong to a stay: a patrol is on foot.
            if rules.mode == "foot" and length > rules.max_patrol_speed_m_s * (end - start):
                continue
            on_duty = max(0.0, min(end, closes) - max(start, opens))
            last = stays[-1] if stays else None
            if last is not None and last.way == way and start - last.end <= rules.merge_gap_s:
                stays[-1] = _Stay(
                    way,
                    last.start,
                    max(end, last.end),
                    last.stay + end - start,
                    last.length + length,
                    last.on_duty + on_duty,
                )
            else:
                stays.append(_Stay(way, start, end, end - start, length, on_duty))
        yield int(cell), stays


def _true_counted(stays: list[_Stay], rules: Rules) -> set[int]:
    """Positions of the stays that count: long enough, on foot, on duty, and separated by `min_between_s`."""
    counted: set[int] = set()
    free = -np.inf
    for k in sorted(range(len(stays)), key=lambda k: (stays[k].end, stays[k].start)):
        stay = stays[k]
        walks = stay.length <= rules.max_patrol_speed_m_s * stay.stay
        if min(stay.stay, stay.on_duty) >= rules.min_stay_s and walks and stay.start >= free:
            counted.add(k)
            free = stay.end + rules.min_between_s
    return counted


def midnight_of(day: dt.date) -> pd.Timestamp:
    """Start of a local day, in UTC."""
    return moment_at(day, dt.time(0), "Asia/Shanghai")


def truth_of(
    ways: list[Way],
    staff: list[str],
    cells: gpd.GeoDataFrame,
    day: dt.date,
    rules: Rules,
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """True visits and verdicts."""
    codes = cells[CODE].to_numpy(dtype=object)
    number = np.zeros(len(cells), dtype=np.int64)
    rows = []
    pieces = _true_pieces(ways, cells)
    persons = persons_of(cells) if who_counts(rules, cells, staff).rules.who == "leader" else None
    for cell, stays in _true_stays(pieces, rules):
        if persons is not None:
            stays = [stay for stay in stays if staff[stay.way] in persons.get(codes[cell], ())]
        counted = _true_counted(stays, rules)
        number[cell] = len(counted)
        rows += [(codes[cell], staff[s.way], s.start, s.end, s.stay, k in counted) for k, s in enumerate(stays)]
    visits = pd.DataFrame(rows, columns=["code", "officer", "entered_at", "left_at", "stay_s", "counted"])
    for column in ("entered_at", "left_at"):
        seconds = visits[column].to_numpy(dtype=float)
        visits[column] = midnight_of(day) + pd.to_timedelta(np.rint(seconds * 1000).astype(np.int64), unit="ms")
    verdict = np.where(number >= rules.visits_per_day, "met", np.where(number > 0, "short", "not_visited"))
    verdicts = pd.DataFrame({"code": codes, "day": day, "visits": number, "verdict": verdict.astype(object)})
    return visits.sort_values(["code", "entered_at"], kind="stable", ignore_index=True), verdicts
