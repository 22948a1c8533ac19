"""Verdicts: for each cell and local day one of four states, with what it rests on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd

from geo.arrays import Bools, Floats, Ints
from geo.errors import ColumnError, InputError
from geo.layers.columns import LEADER, PARENT
from geo.patrols.columns import CODE, COUNTED, DAY, KIND, REASON, VERDICT, VERDICT_COLUMNS, VISIT_COLUMNS
from geo.patrols.counted_visits import EXCLUDED, REASONS, hours, microseconds, part
from geo.patrols.rules import DEFAULT_RULES, Rules
from geo.patrols.unobserved import hidden_visits
from geo.patrols.visit_counts import Number, number_of_visits
from geo.tracks.columns import CELL, DURATION_S, END, OFFICER, PROBABILITY, START

#: The four states, in Chinese and English.
VERDICTS: dict[str, tuple[str, str]] = {
    "met": ("达标", "met"),
    "short": ("次数不足", "short"),
    "not_visited": ("未巡查", "not visited"),
    "unknown": ("无法确认", "unknown"),
}

#: Reasons for which a stay that does not count may have been a visit all the same, and what a verdict says of it.
UNCLEAR: dict[str, tuple[str, str]] = {
    "border": ("位于网格边界附近", "near the border"),
    "silence": ("与另一次巡查的间隔无法确认", "that is not proven to be apart from another"),
    "pace": ("速度接近步行与驾车的界限", "at a speed between a walk and a ride"),
}

Interval = tuple[float, float]


def verify(
    visits: pd.DataFrame,
    cells: gpd.GeoDataFrame,
    *,
    presences: pd.DataFrame | None = None,
    coverage: pd.DataFrame | None = None,
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
    coverage
        What was seen of the cells inside each, as :func:`geo.patrols.by_group` gives it by ``parent`` and day. Needed if the
        rules ask for a share of them, or of the roads.
    rules
        The version that holds on the day is taken, and of it the part for the class of each cell.
    day
        Local day: a date, or text such as ``2026-11-23``.

    Returns
    -------
    DataFrame
        One row per cell, with the index of `cells`: `code`, `day`, `verdict`, `visits` (counted), `required`, `uncounted`,
        `present_s` (time that devices were inside, summed over devices), `unknown_s` (time in hours of duty in which a
        device in or near the cell, or its leader's, was silent), `rules` (id@version), `reason_zh`, `reason_en`. Beside the
        visits that are proven stands how many there were, given the probability of each: `visits_expected` (the mean, right
        over many cells), `visits_low` to `visits_high` (holds the number with 90 %), and `enough_probability` (of `required` or
        more). What silence hides is in none of these: `visits_hidden` is how many whole visits are to be expected in
        it, 0 without `presences`. Over a street, `visits_expected` and `visits_hidden` together are the number of visits.

        ``met``: enough visits count, and enough was seen if the rules ask for it. ``short``: some do. ``not_visited``: none
        does. ``unknown``: too few count, but the missing ones may lie in a silence that is long enough for them and far enough
        from the counted visits, in a stay so near the border that the error of positioning cannot be ruled out, in one that
        is not proven to be apart from another's, or in one too near the limit of speed between a walk and a ride.

    Raises
    ------
    ColumnError
        If a column is missing, or only leaders count and the cells name none.
    InputError
        If `day` is not a date.
    """
    date = _date(day)
    in_force = rules.on(date)
    _require(visits, cells, in_force)
    today = visits[visits[DAY] == date]
    silent = None if presences is None else presences[(presences[KIND] == "unknown") & (presences[DAY] == date)]
    present = {} if presences is None else _present(presences, date)
    parts = []
    for rule, rows in in_force.by_class(cells):
        some = cells.iloc[rows]
        theirs = today[today[CODE].isin(some[CODE])].reset_index(drop=True)
        theirs = as_ruled(theirs, some, rule)
        gaps = {} if silent is None else _silences(silent, some, date, rule)
        seen = _seen_shares(coverage, some, date, rule)
        table = _judged(theirs, some[CODE].tolist(), gaps, seen, rule)
        hidden = {} if presences is None else hidden_visits(theirs, presences, date, rule).to_dict()
        table["visits_hidden"] = [round(hidden.get(code, 0.0), 6) for code in some[CODE]]
        table[DAY], table["required"], table["rules"] = date, rule.visits_per_day, rule.name
        parts.append(table.set_axis(rows))
    found = pd.concat(parts).sort_index().set_axis(cells.index)
    found["present_s"] = [float(present.get(code, 0.0)) for code in cells[CODE]]
    return found[list(VERDICT_COLUMNS)]


def _judged(
    visits: pd.DataFrame,
    codes: list[str],
    silent: dict[str, list[Interval]],
    seen: dict[str, tuple[bool, str, str]],
    rules: Rules,
) -> pd.DataFrame:
    """Judge the cells that stand under one rule set; one row for each code."""
    made = _Made.of(visits, rules)
    number, place = _numbers(made, rules)
    rows = []
    for code in codes:
        mine = made.of_cell(code)
        row = _verdict(mine, silent.get(code, []), seen.get(code), rules)
        k = place.get(code, -1)
        row |= {
            CODE: code,
            "visits_expected": round(float(number.expected[k]), 6) if k >= 0 else 0.0,
            "visits_low": int(number.low[k]) if k >= 0 else 0,
            "visits_high": int(number.high[k]) if k >= 0 else 0,
            "enough_probability": round(float(number.enough[k]), 6) if k >= 0 else float(rules.visits_per_day <= 0),
        }
        rows.append(row)
    return pd.DataFrame(rows)


class _Made(NamedTuple):
    """Visits of one day, by code and start, as plain arrays; `first` says where each code begins and ends."""

    first: dict[str, tuple[int, int]]
    code: npt.NDArray[np.object_]
    start: Ints
    end: Ints
    chance: Floats
    counted: Bools
    reason: npt.NDArray[np.object_]
    clock: npt.NDArray[np.object_]

    @classmethod
    def of(cls, visits: pd.DataFrame, rules: Rules) -> _Made:
        table = visits.sort_values([CODE, START, END], kind="stable")
        code = table[CODE].to_numpy(dtype=object)
        begins = np.flatnonzero(np.r_[True, code[1:] != code[:-1]][: len(code)])
        ends = np.r_[begins[1:], len(code)].astype(np.int64)
        counted = table[COUNTED].to_numpy(dtype=bool)
        clock = np.full(len(code), "", dtype=object)
        from_, to = (
            table[column][counted].dt.tz_convert(rules.zone).dt.strftime("%H:%M").to_numpy(dtype=object)
            for column in (START, END)
        )
        clock[counted] = from_ + "–" + to if len(from_) else from_
        return cls(
            {code[a]: (int(a), int(b)) for a, b in zip(begins, ends[: len(begins)], strict=True)},
            code,
            microseconds(table[START]),
            microseconds(table[END]),
            table[PROBABILITY].to_numpy(dtype=float),
            counted,
            table[REASON].to_numpy(dtype=object),
            clock,
        )

    def of_cell(self, code: str) -> _Made:
        a, b = self.first.get(code, (0, 0))
        return _Made(
            {},
            self.code[a:b],
            self.start[a:b],
            self.end[a:b],
            self.chance[a:b],
            self.counted[a:b],
            self.reason[a:b],
            self.clock[a:b],
        )

    def intervals(self, which: Bools) -> list[Interval]:
        """Start and end of some, seconds since 1970."""
        return list(zip((self.start[which] / 1e6).tolist(), (self.end[which] / 1e6).tolist(), strict=True))


def _numbers(made: _Made, rules: Rules) -> tuple[Number, dict[str, int]]:
    """How many visits there were, given the probability of each stay; those that the rules exclude have none."""
    place = {code: k for k, code in enumerate(made.first)}
    group = np.repeat(np.arange(len(place)), [b - a for a, b in made.first.values()])
    chance = np.where(np.isin(made.reason, EXCLUDED), 0.0, made.chance)
    found = number_of_visits(
        group.astype(np.int64),
        made.start,
        made.end,
        chance,
        groups=len(place),
        apart=rules.min_between_s * 1e6,
        required=rules.visits_per_day,
    )
    return found, place


def _verdict(
    visits: _Made, silent: list[Interval], seen: tuple[bool, str, str] | None, rules: Rules
) -> dict[str, object]:
    """Judge one cell."""
    have = int(visits.counted.sum())
    missing = rules.visits_per_day - have
    taken = [(s - rules.min_between_s, e + rules.min_between_s) for s, e in visits.intervals(visits.counted)]
    # What is not counted only because of the error of positioning, or a silence or short absence beside it, may have been a visit
    # all the same.
    unclear = visits.intervals(np.isin(visits.reason, list(UNCLEAR)))
    unknown_s = sum(end - start for start, end in silent)
    if missing <= 0:
        # What was not seen of the cell may have been while the phone was silent.
        enough = seen is None or seen[0]
        verdict = "met" if enough else "unknown" if unknown_s >= rules.min_stay_s else "short"
        doubts = ["silence"]
    else:
        parted = _parted(visits.intervals(visits.counted), silent, rules)
        may_hold = parted + _held([*silent, *unclear], taken, rules)
        verdict = "unknown" if may_hold >= missing else "short" if have else "not_visited"
        alone = {"silence": parted + _held(silent, taken, rules), "stay": _held(unclear, taken, rules)}
        doubts = [doubt for doubt, held in alone.items() if held >= missing][:1] or list(alone)
    zh, en = _words(visits, doubts if verdict == "unknown" else [], unknown_s, seen, rules)
    return {
        VERDICT: verdict,
        "visits": have,
        "uncounted": len(visits.counted) - have,
        "unknown_s": unknown_s,
        "reason_zh": zh,
        "reason_en": en,
    }


def _parted(stays: list[Interval], silent: list[Interval], rules: Rules) -> int:
    """Number of visits more that the counted stays are if their phones were silent because they had left.

    A stay with a long silence in it is one visit, for nobody saw the phone leave; but it may have been two.
    """
    lasts = rules.min_between_s + rules.min_stay_s
    return sum(
        min(e, end - rules.min_stay_s) - max(s, start + rules.min_stay_s) >= lasts - rules.min_stay_s > 0
        for start, end in stays
        for s, e in silent
        if start < e and s < end
    )


def _held(doubtful: list[Interval], taken: list[Interval], rules: Rules) -> int:
    """Number of visits that doubtful times could hold, far enough from the counted ones."""
    return sum(_room(start, end, rules) for start, end in _without(_union(doubtful), taken))


def _room(start: float, end: float, rules: Rules) -> int:
    """Number of visits that a silence could hold."""
    if end - start < rules.min_stay_s or end <= start:
        return 0
    between = rules.min_stay_s + rules.min_between_s
    return 1 + int((end - start - rules.min_stay_s) // between) if between > 0 else rules.visits_per_day


def _words(
    visits: _Made, doubts: list[str], unknown_s: float, seen: tuple[bool, str, str] | None, rules: Rules
) -> tuple[str, str]:
    """Tell in one sentence or two what a verdict rests on, and which doubts leave it open: a silence, a stay, or both."""
    need, times = rules.visits_per_day, visits.clock[visits.counted].tolist()
    have = len(times)
    zh = f"计入巡查{have}次" + (f"（{'、'.join(times)}）" if times else "")
    en = f"{have} of {need} visits counted" + (f" ({', '.join(times)})" if times else "")
    zh += f"，达到每日{need}次的要求" if have >= need else f"，未达到每日{need}次的要求"
    if seen is not None:
        zh, en = zh + "；" + seen[1], en + "; " + seen[2]
    if "silence" in doubts:
        minutes = max(1, round(unknown_s / 60))
        whose = (
            ("本网格格长", "the leader's device was")
            if rules.who == "leader"
            else ("本网格格长或附近设备", "the leader's device or devices nearby were")
        )
        zh += f"；{whose[0]}有{minutes}分钟无定位数据，其间是否巡查无法确认"
        en += f"; {whose[1]} silent for {minutes} min, which may hold the missing visits"
    if "stay" in doubts:
        why = next((UNCLEAR[reason] for reason in UNCLEAR if reason in visits.reason), UNCLEAR["border"])
        zh, en = f"{zh}；有到访{why[0]}，是否构成巡查无法确认", f"{en}; a stay {why[1]} may be the missing visit"
    others, numbers = np.unique(visits.reason[~visits.counted].astype(str), return_counts=True)
    uncounted = dict(zip(others.tolist(), numbers.tolist(), strict=True))
    if uncounted:
        order = [key for key in REASONS if key in uncounted]
        zh += f"；另有{sum(uncounted.values())}次未计入：" + "、".join(
            f"{REASONS[k][0]}{uncounted[k]}次" for k in order
        )
        en += f"; {sum(uncounted.values())} not counted: " + ", ".join(f"{REASONS[k][1]} {uncounted[k]}" for k in order)
    return zh + "。", en + "."


def _seen_shares(
    coverage: pd.DataFrame | None, cells: gpd.GeoDataFrame, day: dt.date, rules: Rules
) -> dict[str, tuple[bool, str, str]]:
    """For each cell whether as much of it was seen as the rules ask, and that in words; empty if they ask for nothing."""
    asks = [
        (share, least, zh, en)
        for share, least, zh, en in (
            ("cells", rules.seen_cells_share, "三级网格", "third-level cells"),
            ("road", rules.seen_roads_share, "道路", "roads"),
        )
        if least > 0
    ]
    if not asks:
        return {}
    if coverage is None:
        raise InputError(
            f"{rules.name} asks what share of each cell was seen; give coverage, as geo.patrols.by_group makes it"
        )
    rows = coverage[coverage["period"] == day].set_index(PARENT)
    shares = {"cells": rows["seen"] / rows["cells"], "road": rows["road_seen_share"]}
    found = {}
    for code in cells[CODE]:
        got = [float(shares[share].get(code, 0.0)) for share, *_ in asks]
        # Where a cell has no road there is none to be seen.
        fine = [not value < least for value, (_, least, *_) in zip(got, asks, strict=True)]
        zh = "，".join(
            f"{zh}已见{_percent(v)}（要求{least:.0%}）" for v, (_, least, zh, _) in zip(got, asks, strict=True)
        )
        en = ", ".join(
            f"{_percent(v)} of its {en} seen ({least:.0%} due)" for v, (_, least, _, en) in zip(got, asks, strict=True)
        )
        found[code] = (all(fine), zh, en)
    return found


def _percent(share: float) -> str:
    return "–" if np.isnan(share) else f"{share:.0%}"


def _silences(rows: pd.DataFrame, cells: gpd.GeoDataFrame, day: dt.date, rules: Rules) -> dict[str, list[Interval]]:
    """Silences of each cell on a day, in hours of duty, joined over devices; seconds since 1970.

    They are those of devices that were in or near the cell, and those of the cell's leader wherever he was: whoever goes
    dark at the office for an hour may have been on his round. Where only leaders may count, only theirs matter.
    """
    days = pd.Series([day])
    from_, to = (float(hours(days, at, rules)[0]) / 1e6 for at in (rules.hours_from, rules.hours_to))

    start = np.maximum(microseconds(rows[START]) / 1e6, from_)
    end = np.minimum(microseconds(rows[END]) / 1e6, to)
    near: dict[str, list[Interval]] = {}
    own: dict[str, list[Interval]] = {}
    for k in np.flatnonzero(end > start):
        gap = (float(start[k]), float(end[k]))
        near.setdefault(rows[CELL].iloc[k], []).append(gap)
        own.setdefault(str(rows[OFFICER].iloc[k]), []).append(gap)
    if rules.who == "leader":
        near = {}
    leaders = cells[LEADER] if LEADER in cells else [None] * len(cells)
    return {
        code: _union([*near.get(code, []), *([] if pd.isna(leader) else own.get(str(leader), []))])
        for code, leader in zip(cells[CODE], leaders, strict=True)
    }


def _present(presences: pd.DataFrame, day: dt.date) -> dict[str, float]:
    rows = presences[(presences[KIND] == "inside") & (presences[DAY] == day)]
    return dict(rows.groupby(CELL)[DURATION_S].sum())


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


def as_ruled(visits: pd.DataFrame, cells: gpd.GeoDataFrame, rules: Rules) -> pd.DataFrame:
    """Visits of some cells as a part of the rules counts them.

    Where only leaders may count, others do not, and visits of the leader that stood back for a colleague's are judged again.
    """
    if rules.who == "anyone":
        return visits
    leader = visits[CODE].map(dict(zip(cells[CODE], cells[LEADER], strict=True)))
    own = (leader.notna() & (leader.astype(str) == visits[OFFICER].astype(str))).to_numpy()
    reason = visits[REASON].to_numpy(dtype=object).copy()
    reason[np.isin(reason, ("same_time", "too_soon", "silence"))] = ""
    reason[~own] = "not_leader"
    part(visits, reason, rules)
    return visits.assign(**{REASON: reason, COUNTED: reason == ""})


def _require(visits: pd.DataFrame, cells: gpd.GeoDataFrame, rules: Rules) -> None:
    missing = [column for column in VISIT_COLUMNS if column not in visits]
    if missing:
        raise ColumnError(f"visits: no column {', '.join(missing)}; make them with geo.patrols.counted_visits")
    require_named(cells, rules)


def require_named(cells: gpd.GeoDataFrame, rules: Rules) -> None:
    """Raise ColumnError unless the cells have codes, and leaders if the rules ask for these."""
    if CODE not in cells:
        raise ColumnError("cells: no column 'code'; give foreign layers one with geo.layers.as_cells")
    if any(rule.who == "leader" for rule in (rules, *rules.classes)) and LEADER not in cells:
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
