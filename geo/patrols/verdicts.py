"""Verdicts: one of four states for each cell and local day, with the figures that it is based on."""

from __future__ import annotations

import datetime as dt
import math

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.arrays import Floats
from geo.errors import ColumnError, InputError
from geo.layers.cells import require_codes
from geo.layers.columns import LEADER, PARENT
from geo.patrols.columns import (
    CODE,
    COUNTED,
    DAY,
    KIND,
    OWN_PROBABILITY,
    OWN_REASON,
    REASON,
    VERDICT,
    VERDICT_COLUMNS,
    VISIT_COLUMNS,
)
from geo.patrols.persons import persons_of, who_counts
from geo.patrols.rules import DEFAULT_RULES, Rules
from geo.patrols.stays.day_visits import DayVisits
from geo.patrols.stays.silences import (
    CUT_P,
    Interval,
    Silence,
    parted_rate,
    silences_of,
    unobserved_rate,
    usable,
    visit_lengths_s,
    within,
)
from geo.patrols.stays.spacing import space_visits
from geo.patrols.stays.unobserved import unobserved_visits
from geo.patrols.wording import SPARSE_S, UNCLEAR, Open, reason_of, settled_by
from geo.tracks.columns import CELL, DEVICE, DURATION_S, FIXES, OFFICER, PROBABILITY, START

#: Probability that the required visits were made, from which silences leave a verdict open; for stays it is `doubt` of the
#: rules.
OPEN_FROM = 0.13
#: Minimum number of expected visits in silences that is mentioned in the text.
LEAST_RATE = 0.02
#: Factor on `doubt` if fixes of the leader are minutes apart: a round of ten minutes then has only two fixes.
SPARSE_DOUBT = 0.1
#: Share of a long stay expected outside the cell from which it may have been two stays, and the probability that it was, as a
#: multiple of that share: one error put the whole rest there, and the walks before and after it were visits of their own.
LEFT_FROM, LEFT_P = 0.15, 0.25
#: Probability that a long stay was several, if an absence seen in it was nearly long enough to end it.
ABSENT_P = 0.4
#: Probability that stays were visits far enough apart if each ended as early as it may have, from which a verdict is open, and
#: the probability that this was so.
SEVERAL_FROM, SEVERAL_P = 0.45, 0.2
#: Time expected outside, in multiples of the absences needed, from which a long stay may have been several: much of it is
#: wander along the border.
ABSENCE_TIMES = 2.0
#: Doubt that may remain about the required visits together, in multiples of that about one stay that counts: a probability of
#: at least 0.97, if a stay counts from 0.95.
TOGETHER_DOUBT = 0.6
#: The four states, in Chinese and English.
VERDICTS: dict[str, tuple[str, str]] = {
    "met": ("达标", "met"),
    "short": ("次数不足", "short"),
    "not_visited": ("未巡查", "not visited"),
    "unknown": ("无法确认", "unknown"),
}


def verify(
    visits: pd.DataFrame,
    cells: gpd.GeoDataFrame,
    *,
    presences: pd.DataFrame | None = None,
    coverage: pd.DataFrame | None = None,
    rules: Rules = DEFAULT_RULES,
    day: dt.date | str,
) -> pd.DataFrame:
    """Decide for each cell whether it was patrolled on a day as required by the rules.

    Parameters
    ----------
    visits
        As returned by :func:`geo.patrols.visits`.
    cells
        The cells to judge: a column ``code``, and ``leader`` if only leaders count.
    presences
        The presences from which the visits were made. Without them silences are unknown and do not lead to ``unknown``.
    coverage
        Coverage of the cells inside each cell, as returned by :func:`geo.patrols.by_group` with ``parent`` and day. Needed if
        the rules require a share of them, or of the roads.
    rules
        The version valid on the day is used, and its part for the class of each cell.
    day
        Local day: a date, or text such as ``2026-11-23``.

    Returns
    -------
    DataFrame
        One row per cell, with the index of `cells`: `code`, `day`, `verdict`, `visits` (counted), `required`, `uncounted`,
        `probability` (that the required visits were made: 1 if proven, otherwise given doubtful stays and silences),
        `settle_zh`, `settle_en` (what would settle an ``unknown``: which phone and time span, which stay; otherwise empty),
        `present_s` (time inside, summed over devices), `unknown_s` (time within hours of duty in which a device in or near the
        cell, or its leader's, was silent), `rules` (id@version), `reason_zh`, `reason_en`. In addition to the proven visits,
        the estimated number given the probability of each stay: `visits_expected` (the mean, correct over many cells),
        `visits_low` to `visits_high` (90 % range), and `enough_probability` (of `required` or more). These do not include
        silences: `visits_hidden` is the expected number of visits in them, 0 without `presences`. Over a street,
        `visits_expected` plus `visits_hidden` is the number of visits.

        ``met``: enough visits count, were together made with a probability of at least 0.97 (for a `confidence` of 0.95), and
        enough was seen if the rules require it. Otherwise ``unknown`` if `probability` is
        0.13 or more, or that of the stays alone at least `doubt` of the rules; else ``short`` if some visits count and
        ``not_visited`` if none does. The probability of a missing visit is derived from doubtful stays (at a border, too near
        another, between walking and riding, by a device without known holder) and from silences long enough for travel and a
        visit of the usual length on the day.

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
    officers = [*visits[OFFICER].unique(), *([] if presences is None else presences[OFFICER].unique())]
    in_force = who_counts(in_force, cells, officers).rules
    of_day = visits[visits[DAY] == date]
    silent = None if presences is None else presences[(presences[KIND] == "unknown") & (presences[DAY] == date)]
    present = {} if presences is None else _present(presences, date)
    intervals = {} if presences is None else _intervals(presences, date)
    parts = []
    for rule, rows in in_force.by_class(cells):
        some = cells.iloc[rows]
        theirs = as_ruled(of_day[of_day[CODE].isin(some[CODE])].reset_index(drop=True), some, rule)
        gaps = {} if silent is None else silences_of(silent, some, date, rule)
        seen = _seen_shares(coverage, some, date, rule)
        table = _judged(theirs, some, gaps, seen, intervals, rule)
        hidden = {} if presences is None else unobserved_visits(theirs, presences, date, rule).to_dict()
        table["visits_hidden"] = [round(hidden.get(code, 0.0), 6) for code in some[CODE]]
        table[DAY], table["required"], table["rules"] = date, rule.visits_per_day, rule.name
        parts.append(table.set_axis(rows))
    found = pd.concat(parts).sort_index().set_axis(cells.index)
    found["present_s"] = [float(present.get(code, 0.0)) for code in cells[CODE]]
    return found[list(VERDICT_COLUMNS)]


def open_verdicts(verdicts: pd.DataFrame) -> pd.DataFrame:
    """The ``unknown`` verdicts, those most likely met first, for a checker."""
    open_ = verdicts[verdicts[VERDICT] == "unknown"]
    return open_.sort_values([DAY, PROBABILITY, CODE], ascending=[True, False, True], kind="stable")


def _judged(
    visits: pd.DataFrame,
    cells: gpd.GeoDataFrame,
    silent: dict[str, list[Silence]],
    seen: dict[str, tuple[bool, str, str]],
    intervals: dict[str, float],
    rules: Rules,
) -> pd.DataFrame:
    """Judge the cells under one rule set; one row for each code."""
    made = DayVisits.of(visits, rules)
    number, reached, others, place = made.numbers(rules)
    lengths_s = visit_lengths_s(visits)
    persons = persons_of(cells)
    rows = []
    for code in cells[CODE]:
        mine, k = made.of_cell(code), place.get(code, -1)
        chances = [float(chance[k]) if k >= 0 else 0.0 for chance in (*reached, *others)]
        interval_s = min((intervals[name] for name in persons.get(code, ()) if name in intervals), default=0.0)
        row = _verdict(mine, silent.get(code, []), seen.get(code), chances, (lengths_s, interval_s), rules)
        row |= {
            CODE: code,
            "visits_expected": round(float(number.expected[k]), 6) if k >= 0 else 0.0,
            "visits_low": int(number.low[k]) if k >= 0 else 0,
            "visits_high": int(number.high[k]) if k >= 0 else 0,
            "enough_probability": round(float(number.p_required[k]), 6) if k >= 0 else float(rules.visits_per_day <= 0),
        }
        rows.append(row)
    return pd.DataFrame(rows)


def _verdict(
    visits: DayVisits,
    silent: list[Silence],
    seen: tuple[bool, str, str] | None,
    chances: list[float],
    known: tuple[Floats, float],
    rules: Rules,
) -> dict[str, object]:
    """Judge one cell.

    Parameters
    ----------
    chances
        Probability that the stays alone give 1, 2, ... visits; then, that they give the required number if each ended as early
        as it may have, and if those that count are visits only with their probability.
    known
        Lengths of visits on the day, and the interval between fixes of the leader's device, seconds.
    """
    have = int(visits.counted.sum())
    missing = rules.visits_per_day - have
    unknown_s = sum(end - start for start, end in within(silent))
    *chances, apart, together = chances
    open_ = Open([], False, 1.0, known[1])
    if missing <= 0:
        # Unseen parts of the cell may have been seen while the device was silent.
        enough = seen is None or seen[0]
        verdict = "met" if enough else "unknown" if unknown_s >= rules.min_stay_s else "short"
        if not enough:
            open_ = open_._replace(silences=silent, probability=CUT_P if verdict == "unknown" else 0.0)
        elif 1.0 - together > TOGETHER_DOUBT * (1.0 - rules.confidence):
            verdict, open_ = "unknown", open_._replace(stays=True, probability=together)
    else:
        open_ = _open(visits, silent, chances, known, rules)
        several = apart >= SEVERAL_FROM
        if several and SEVERAL_P * apart > open_.probability:
            open_ = open_._replace(stays=True, probability=SEVERAL_P * apart)
        least = rules.doubt * (SPARSE_DOUBT if known[1] >= SPARSE_S else 1.0)
        doubtful = several or open_.probability >= OPEN_FROM or chances[-1] >= least
        verdict = "unknown" if doubtful else "short" if have else "not_visited"
    zh, en = reason_of(verdict, visits, open_, seen, rules)
    settle_zh, settle_en = settled_by(verdict, visits, open_, rules)
    return {
        VERDICT: verdict,
        "visits": have,
        "uncounted": len(visits.counted) - have,
        "unknown_s": unknown_s,
        PROBABILITY: round(open_.probability, 6),
        "reason_zh": zh,
        "reason_en": en,
        "settle_zh": settle_zh,
        "settle_en": settle_en,
    }


def _open(
    visits: DayVisits, silent: list[Silence], chances: list[float], known: tuple[Floats, float], rules: Rules
) -> Open:
    """Probability that the missing visits were made: in stays in doubt, in silences, or in a stay that was two."""
    need, counted = rules.visits_per_day, visits.intervals(visits.counted)
    gaps = usable(silent, counted, rules)
    uncounted = visits.intervals(~visits.counted & (visits.reason != "not_leader"))
    rate = unobserved_rate(gaps, uncounted, known[0], rules)
    two = parted_rate(counted, within(silent), rules)
    rate += two
    inside = _left_unobserved(visits, within(silent), rules)
    rate -= np.log1p(-min(inside, 0.99))
    hidden = [math.exp(-rate) * rate**k / math.factorial(k) for k in range(need)]
    probability = 1.0 - sum(hidden) + sum(p * chances[need - k - 1] for k, p in enumerate(hidden))
    stays = bool(np.isin(visits.reason, list(UNCLEAR)).any()) or inside > 0
    telling = gaps if gaps or not two else silent
    return Open(telling if rate > LEAST_RATE else [], stays, min(max(probability, 0.0), 1.0), known[1])


def _left_unobserved(visits: DayVisits, silent: list[Interval], rules: Rules) -> float:
    """Probability that the officer left the cell unobserved during a long stay at the border.

    It is at least the share of a counted stay expected outside: one persistent error puts a complete stand on either side.
    Two absences longer than those that are joined make two visits of a long stay; one does if the stay follows another visit.
    """
    if rules.min_between_s <= 0:
        return 0.0
    long = visits.long(rules)
    one = long & visits.counted
    share = float((1.0 - visits.likely_s[one] / np.maximum(visits.stay_s[one], 1.0)).max(initial=0.0))
    most = LEFT_P * share if share >= LEFT_FROM else 0.0
    late = long & np.isin(visits.reason, ("same_time", "too_soon", "silence"))
    for k in np.flatnonzero((one | late) & visits.maybe_several(rules)).tolist():
        start, end = visits.start[k] / 1e6, visits.end[k] / 1e6
        silent_s = sum(max(0.0, min(e, end) - max(s, start)) for s, e in silent)
        absences = 2 if visits.counted[k] else 1
        if end - start - visits.likely_s[k] - silent_s >= ABSENCE_TIMES * absences * rules.merge_gap_s:
            most = max(most, ABSENT_P)
    return min(most, 1.0)


def _intervals(presences: pd.DataFrame, day: dt.date) -> dict[str, float]:
    """Interval between fixes of each officer's device on a day, seconds; the shortest of several devices."""
    rows = presences[(presences[DAY] == day) & presences[KIND].isin(["inside", "unknown"])]
    rows = rows.drop_duplicates([DEVICE, START, KIND])
    sums = rows.groupby([OFFICER, DEVICE])[[DURATION_S, FIXES]].sum()
    steps = (sums[DURATION_S] / sums[FIXES].clip(lower=1)).groupby(level=0).min()
    return {str(name): float(step) for name, step in steps.items()}


def _seen_shares(
    coverage: pd.DataFrame | None, cells: gpd.GeoDataFrame, day: dt.date, rules: Rules
) -> dict[str, tuple[bool, str, str]]:
    """Whether as much of each cell was seen as the rules require, and a text; empty if they require nothing."""
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
        # A cell without roads meets the requirement for roads.
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


def _present(presences: pd.DataFrame, day: dt.date) -> dict[str, float]:
    rows = presences[(presences[KIND] == "inside") & (presences[DAY] == day)]
    return dict(rows.groupby(CELL)[DURATION_S].sum())


def as_ruled(visits: pd.DataFrame, cells: gpd.GeoDataFrame, rules: Rules) -> pd.DataFrame:
    """Visits of some cells, counted under a part of the rules.

    If only leaders count, visits of others do not, and those of leaders and deputies are judged again, with the probability
    that holds for them and without regard to their colleagues.
    """
    if rules.who != "leader":
        return visits
    persons = persons_of(cells)
    nobody: frozenset[str] = frozenset()
    officer = visits[OFFICER].astype(str).to_numpy(dtype=object)
    own = np.array(
        [who in persons.get(code, nobody) for code, who in zip(visits[CODE], officer, strict=True)], dtype=bool
    )
    unnamed = visits[OFFICER].isna().to_numpy()
    anyone = np.where(np.isin(visits[REASON], ("same_time", "too_soon", "silence")), "", visits[REASON])
    reason = np.where(own, visits[OWN_REASON], np.where(unnamed, anyone, "not_leader")).astype(object)
    reason[unnamed & np.isin(reason, ("", *UNCLEAR))] = "unnamed"
    space_visits(visits, reason, rules)
    chance = np.where(own, visits[OWN_PROBABILITY], visits[PROBABILITY])
    return visits.assign(**{PROBABILITY: chance, REASON: reason, COUNTED: reason == ""})


def _require(visits: pd.DataFrame, cells: gpd.GeoDataFrame, rules: Rules) -> None:
    missing = [column for column in VISIT_COLUMNS if column not in visits]
    if missing:
        raise ColumnError(f"visits: no column {', '.join(missing)}; make them with geo.patrols.stays.counted_visits")
    require_named(cells, rules)


def require_named(cells: gpd.GeoDataFrame, rules: Rules) -> None:
    """Raise ColumnError unless the cells have codes, and leaders if the rules ask for these."""
    if CODE not in cells:
        raise ColumnError("cells: no column 'code'; give foreign layers one with geo.layers.as_cells")
    require_codes(cells)
    if any(rule.who == "leader" for rule in (rules, *rules.classes)) and LEADER not in cells:
        raise ColumnError(f"cells: no column 'leader', but {rules.name} counts visits of the leader only")


def _date(day: dt.date | str) -> dt.date:
    """Convert a day to a date."""
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
