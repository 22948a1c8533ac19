"""A past month recomputed on other grids: incident counts and rates, and days by verdict, of each second-level grid."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import geopandas as gpd
import numpy as np
import pandas as pd
from sqlalchemy import Engine

from api.database import session
from api.database.incidents import list_incidents
from api.json_values import plain_rows
from api.verdicts.day import Basis, judge_tracks, rules_of
from api.verdicts.reading import read_tracks_of
from geo.layers import Division
from geo.layers.columns import CODE, NAME, PARENT, POPULATION
from geo.layers.transformers import to_crs
from geo.locate import GridIndex
from geo.patrols import Rules

#: Maximum number of incidents; a street has about 3,000 a month.
MOST_INCIDENTS = 200_000
STATES = ("met", "short", "not_visited", "unknown")
BEFORE, AFTER = "before", "after"


def first_day(month: str) -> date:
    """First day of a month.

    >>> first_day("2026-02")
    datetime.date(2026, 2, 1)
    """
    return date.fromisoformat(f"{month}-01")


def month_retold(
    engine: Engine, street: int, first: date, old: Division, new: Division, *, judged: bool
) -> list[dict[str, Any]]:
    """The month that begins on day `first`, on two divisions side by side.

    Returns
    -------
    list
        One row for each second-level grid of either division: `code`, `name`, and with ``_before`` and ``_after`` `incidents`,
        `per_1000` residents, and with `judged` the number of days with each verdict.
    """
    rules = rules_of(engine, street)
    days = [first + timedelta(days=k) for k in range(monthrange(first.year, first.month)[1])]
    incidents = incidents_between(engine, street, first, days[-1] + timedelta(days=1), rules.zone)
    frames = []
    for division, when in ((old, BEFORE), (new, AFTER)):
        frame = _counts(division, incidents)
        if judged:
            frame = frame.join(_days(engine, street, division, rules, days))
        frames.append(frame.drop(columns=NAME).add_suffix(f"_{when}"))
    names = pd.concat([_names(new), _names(old)])
    table = frames[0].join(frames[1], how="outer").sort_index()
    table.insert(0, NAME, names[~names.index.duplicated()].reindex(table.index))
    return plain_rows(table.rename_axis(CODE).reset_index())


def incidents_between(engine: Engine, street: int, start: date, end: date, zone: str) -> list[dict[str, Any]]:
    """Incidents of the local days ``[start, end)``."""
    local = ZoneInfo(zone)
    span = (datetime.combine(day, time(), local) for day in (start, end))
    with session(engine) as opened:
        return list_incidents(opened, street, *span, limit=MOST_INCIDENTS)


def cells_of_incidents(cells: gpd.GeoDataFrame, incidents: list[dict[str, Any]]) -> list[str | None]:
    """Code of the cell of each incident; None outside all cells."""
    if not incidents or not len(cells):
        return [None] * len(incidents)
    points = gpd.GeoSeries.from_xy([i["lon"] for i in incidents], [i["lat"] for i in incidents], crs="EPSG:4326")
    there = to_crs(points, cells.crs)
    found = GridIndex(cells).locate(there.x.to_numpy(), there.y.to_numpy())
    codes = cells[CODE].astype(str).tolist()
    return [None if k < 0 else codes[k] for k in found.tolist()]


def _names(division: Division) -> pd.Series:
    names: pd.Series = division.second.set_index(CODE)[NAME]
    return names


def _counts(division: Division, incidents: list[dict[str, Any]]) -> pd.DataFrame:
    parents = dict(zip(division.third[CODE].astype(str), division.third[PARENT].astype(str), strict=True))
    found = [parents[code] for code in cells_of_incidents(division.third, incidents) if code is not None]
    counts = pd.Series(found, dtype=object).value_counts()
    second = division.second.set_index(CODE)
    people = second[POPULATION].to_numpy(float) if POPULATION in second else np.full(len(second), np.nan)
    number = counts.reindex(second.index).fillna(0).astype(int)
    rate = np.where(people > 0, number / np.where(people > 0, people, 1.0) * 1000, np.nan)
    return pd.DataFrame({NAME: second[NAME], "incidents": number, "per_1000": rate}, index=second.index)


def _days(engine: Engine, street: int, division: Division, rules: Rules, days: list[date]) -> pd.DataFrame:
    """Number of days with each verdict; days without any fix count as not visited."""
    table = pd.DataFrame(0, index=division.second[CODE], columns=list(STATES))
    basis = Basis(street, 0, "", division, rules)
    for day in days:
        tracks = read_tracks_of(engine, street, day, rules.zone)
        if not len(tracks):
            table["not_visited"] += 1
            continue
        verdicts = judge_tracks(basis, day, tracks).verdicts.set_index("code")["verdict"]
        for state in STATES:
            table[state] += (verdicts == state).reindex(table.index, fill_value=False).astype(int)
    return table
