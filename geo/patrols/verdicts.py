"""Verdicts: for each cell and local day one of four states, with what it rests on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.errors import ColumnError, InputError
from geo.layers.columns import LEADER
from geo.patrols.columns import (
    CELL,
    CODE,
    COUNTED,
    DAY,
    DURATION_S,
    END,
    KIND,
    OFFICER,
    REASON,
    START,
    VERDICT,
    VERDICT_COLUMNS,
    VISIT_COLUMNS,
)
from geo.patrols.rules import DEFAULT_RULES, Rules
from geo.patrols.visits import REASONS, hours, part

#: The four states, in Chinese and English.
VERDICTS: dict[str, tuple[str, str]] = {
    "met": ("达标", "met"),
    "short": ("次数不足", "short"),
    "not_visited": ("未巡查", "not visited"),
    "unknown": ("无法确认", "unknown"),
}

Interval = tuple[float, float]


def verify(
    visits: pd.DataFrame,
    cells: gpd.GeoDataFrame,
    *,
    presences: pd.DataFrame | None = None,
    rules: Rules = DEFAULT_RULES,
    day: dt.date | str,
) -> pd.DataFrame:
    """Say for each cell whether it was patrolled on a day as the rules ask.

    Parameters
    ----------
    visits
        As :func:`geo.patrols.visits` gives them.
    cells
        The cells to judge: a column ``code``, and ``leader`` if only leaders count.
    presences
        The presences that the visits were made from. Without them no silence is known and no verdict is ``unknown`` for it.
    day
        Local day: a date, or text such as ``2026-11-23``.

    Returns
    -------
    DataFrame
        One row per cell, with the index of `cells`: `code`, `day`, `verdict`, `visits` (counted), `required`, `uncounted`,
        `present_s` (time that devices were inside, summed over devices), `unknown_s` (time in hours of duty in which a
        device in or near the cell, or its leader's, was silent), `rules` (id@version), `reason_zh`, `reason_en`.

        ``met``: enough visits count. ``short``: some do. ``not_visited``: none does. ``unknown``: too few count, but the
        missing ones may lie in a silence that is long enough for them and far enough from the counted visits, or in a stay
        so near the border that the error of positioning cannot be ruled out.

    Raises
    ------
    ColumnError
        If a column is missing, or only leaders count and the cells name none.
    InputError
        If `day` is not a date.
    """
    date = _date(day)
    _require(visits, cells, rules)
    today = visits[visits[DAY] == date].reset_index(drop=True)
    if rules.who == "leader":
        today = _only_leaders(today, cells, rules)
    by_code = dict(tuple(today.groupby(CODE)))
    silent = {} if presences is None else _silences(presences, cells, date, rules)
    present = pd.Series(dtype=float) if presences is None else _present(presences, date)
    rows = []
    for code in cells[CODE]:
        row = _verdict(by_code.get(code, today.iloc[:0]), silent.get(code, []), rules)
        row |= {CODE: code, DAY: date, "required": rules.visits_per_day, "rules": rules.name}
        rows.append(row | {"present_s": float(present.get(code, 0.0))})
    return pd.DataFrame(rows, index=cells.index, columns=list(VERDICT_COLUMNS))


def _verdict(visits: pd.DataFrame, silent: list[Interval], rules: Rules) -> dict[str, object]:
    """Judge one cell."""
    counted = visits[visits[COUNTED]]
    missing = rules.visits_per_day - len(counted)
    taken = [(s - rules.min_between_s, e + rules.min_between_s) for s, e in _intervals(counted)]
    # What is not counted only because the error of positioning cannot be ruled out may have been a visit all the same.
    unclear = _intervals(visits[visits[REASON] == "border"])
    may_hold = sum(_room(start, end, rules) for start, end in _without(_union([*silent, *unclear]), taken))
    if missing <= 0:
        verdict = "met"
    elif may_hold >= missing:
        verdict = "unknown"
    else:
        verdict = "short" if len(counted) else "not_visited"
    uncounted = visits.loc[~visits[COUNTED], REASON].value_counts()
    unknown_s = sum(end - start for start, end in silent)
    zh, en = _words(verdict, counted, uncounted, unknown_s, rules)
    return {VERDICT: verdict, "visits": len(counted), "uncounted": int(uncounted.sum()), "unknown_s": unknown_s,
            "reason_zh": zh, "reason_en": en}  # fmt: skip


def _room(start: float, end: float, rules: Rules) -> int:
    """Number of visits that a silence could hold."""
    if end - start < rules.min_stay_s or end <= start:
        return 0
    between = rules.min_stay_s + rules.min_between_s
    return 1 + int((end - start - rules.min_stay_s) // between) if between > 0 else rules.visits_per_day


def _words(
    verdict: str, counted: pd.DataFrame, uncounted: pd.Series, unknown_s: float, rules: Rules
) -> tuple[str, str]:
    """Tell in one sentence or two what a verdict rests on."""
    need, have = rules.visits_per_day, len(counted)
    times = [
        f"{s.tz_convert(rules.zone):%H:%M}–{e.tz_convert(rules.zone):%H:%M}"
        for s, e in zip(counted[START], counted[END], strict=True)
    ]
    zh = f"计入巡查{have}次" + (f"（{'、'.join(times)}）" if times else "")
    en = f"{have} of {need} visits counted" + (f" ({', '.join(times)})" if times else "")
    zh += f"，达到每日{need}次的要求" if verdict == "met" else f"，未达到每日{need}次的要求"
    if verdict == "unknown" and unknown_s > 0:
        minutes = max(1, round(unknown_s / 60))
        zh += f"；本网格格长或附近设备有{minutes}分钟无定位数据，其间是否巡查无法确认"
        en += (
            f"; the leader's device or devices nearby were silent for {minutes} min, which may hold the missing visits"
        )
    elif verdict == "unknown":
        zh += "；有到访位于网格边界附近，是否构成巡查无法确认"
        en += "; a stay near the border may be the missing visit"
    if len(uncounted):
        order = [key for key in REASONS if key in uncounted.index]
        zh += f"；另有{int(uncounted.sum())}次未计入：" + "、".join(f"{REASONS[k][0]}{uncounted[k]}次" for k in order)
        en += f"; {int(uncounted.sum())} not counted: " + ", ".join(f"{REASONS[k][1]} {uncounted[k]}" for k in order)
    return zh + "。", en + "."


def _silences(
    presences: pd.DataFrame, cells: gpd.GeoDataFrame, day: dt.date, rules: Rules
) -> dict[str, list[Interval]]:
    """Silences of each cell on a day, in hours of duty, joined over devices; seconds since 1970.

    They are those of devices that were in or near the cell, and those of the cell's leader wherever he was: whoever goes
    dark at the office for an hour may have been on his round.
    """
    rows = presences[(presences[KIND] == "unknown") & (presences[DAY] == day)]
    days = pd.Series([day])
    from_, to = (float(hours(days, at, rules)[0]) / 1e6 for at in (rules.hours_from, rules.hours_to))

    def clipped(group: pd.DataFrame) -> list[Interval]:
        return [(max(s, from_), min(e, to)) for s, e in _intervals(group) if min(e, to) > max(s, from_)]

    near = {code: clipped(group) for code, group in rows.groupby(CELL)}
    own = {officer: clipped(group) for officer, group in rows.groupby(rows[OFFICER].astype(str))}
    leaders = cells[LEADER].astype(str) if LEADER in cells else [""] * len(cells)
    return {
        code: _union([*near.get(code, []), *own.get(leader, [])])
        for code, leader in zip(cells[CODE], leaders, strict=True)
    }


def _present(presences: pd.DataFrame, day: dt.date) -> pd.Series:
    rows = presences[(presences[KIND] == "inside") & (presences[DAY] == day)]
    return rows.groupby(CELL)[DURATION_S].sum()


def _intervals(rows: pd.DataFrame) -> list[Interval]:
    """Start and end of each row, seconds since 1970."""
    return [(s.timestamp(), e.timestamp()) for s, e in zip(rows[START], rows[END], strict=True)]


def _union(intervals: Iterable[Interval]) -> list[Interval]:
    joined: list[Interval] = []
    for start, end in sorted(intervals):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return joined


def _without(intervals: list[Interval], taken: list[Interval]) -> list[Interval]:
    """What is left of joined intervals when others are taken out."""
    left = intervals
    for from_, to in taken:
        left = [piece for s, e in left for piece in ((s, min(e, from_)), (max(s, to), e)) if piece[1] > piece[0]]
    return left


def _only_leaders(visits: pd.DataFrame, cells: gpd.GeoDataFrame, rules: Rules) -> pd.DataFrame:
    """Leave only visits of the leader counted; those that stood back for a colleague's are judged again."""
    leader = visits[CODE].map(dict(zip(cells[CODE], cells[LEADER], strict=True)))
    own = (leader.astype(str) == visits[OFFICER].astype(str)).to_numpy()
    reason = visits[REASON].to_numpy(dtype=object).copy()
    reason[np.isin(reason, ("same_time", "too_soon"))] = ""
    reason[~own & (reason == "")] = "not_leader"
    part(visits, reason, rules)
    return visits.assign(**{REASON: reason, COUNTED: reason == ""})


def _require(visits: pd.DataFrame, cells: gpd.GeoDataFrame, rules: Rules) -> None:
    missing = [column for column in VISIT_COLUMNS if column not in visits]
    if missing:
        raise ColumnError(f"visits: no column {', '.join(missing)}; make them with geo.patrols.visits")
    if CODE not in cells:
        raise ColumnError("cells: no column 'code'; give foreign layers one with geo.layers.as_cells")
    if rules.who == "leader" and LEADER not in cells:
        raise ColumnError(f"cells: no column 'leader', but {rules.name} counts visits of the leader only")


def _date(day: dt.date | str) -> dt.date:
    """Bring a day to a date."""
    if isinstance(day, dt.datetime):
        return day.date()
    if isinstance(day, dt.date):
        return day
    try:
        return dt.date.fromisoformat(day)
    except (TypeError, ValueError) as error:
        raise InputError(f"'{day}' is not a day; write it as 2026-11-23") from error


def shares(verdicts: pd.DataFrame) -> pd.Series:
    """Number of cells in each of the four states, in the order of :data:`VERDICTS`."""
    return verdicts[VERDICT].value_counts().reindex(list(VERDICTS), fill_value=0).astype(np.int64)
