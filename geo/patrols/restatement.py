"""Compares verdicts before and after late data, other rules or another division, and explains the difference."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from geo.patrols.columns import CODE, COUNTED, DAY, REASON, VERDICT
from geo.patrols.stays.reasons import REASONS
from geo.tracks.columns import DEVICE, END, OFFICER, START

#: Maximum number of stays listed with their times; of more, only the number is given.
_TOLD = 3


def restate(
    before: pd.DataFrame,
    after: pd.DataFrame,
    *,
    visits_before: pd.DataFrame,
    visits_after: pd.DataFrame,
    why: str,
    zone: str = "Asia/Shanghai",
) -> pd.DataFrame:
    """Compare new verdicts with old ones and explain the differences. Neither is changed.

    Parameters
    ----------
    before, after
        Verdicts of the same days: the earlier ones, and those with late data, other rules or another division.
    visits_before, visits_after
        The visits of each.
    why
        What changed, in words, such as ``late data``; repeated in every row.
    zone
        Time zone of the times in the texts.

    Returns
    -------
    DataFrame
        One row for each cell and day in either: `code`, `day`, `verdict_before`, `verdict_after`, `visits_before`,
        `visits_after`, `rules_before`, `rules_after`, `changed`, `why`, `difference_zh`, `difference_en`. For a cell or day
        that exists on one side only, the other side is None.

    Notes
    -----
    Two stays are treated as the same if they are of one device in one cell and overlap, and do not name different officers:
    late fixes change the times of a stay by seconds.
    """
    columns = [CODE, DAY, VERDICT, "visits", "rules"]
    both = before[columns].merge(after[columns], on=[CODE, DAY], how="outer", suffixes=("_before", "_after"))
    both = both.sort_values([DAY, CODE], kind="stable", ignore_index=True)
    old, new = (dict(tuple(table.groupby([CODE, DAY]))) for table in (visits_before, visits_after))
    days = set(before[DAY]), set(after[DAY])
    differences = []
    for code, day, was, now in zip(both[CODE], both[DAY], both["verdict_before"], both["verdict_after"], strict=True):
        if pd.isna(was):
            differences.append(
                ("旧方案无此网格", "the cell is new")
                if day in days[0]
                else ("此前未核验该日", "the day was not judged before")
            )
        elif pd.isna(now):
            differences.append(
                ("新方案无此网格", "the cell is gone")
                if day in days[1]
                else ("本次未核验该日", "the day is not judged now")
            )
        else:
            differences.append(_difference(_rows(old.get((code, day))), _rows(new.get((code, day))), zone))
    both["changed"] = both["verdict_before"].fillna("") != both["verdict_after"].fillna("")
    return both.assign(
        why=why, difference_zh=[zh for zh, _ in differences], difference_en=[en for _, en in differences]
    )


Stay = dict[str, Any]


def _rows(visits: pd.DataFrame | None) -> list[Stay]:
    if visits is None:
        return []
    names = [DEVICE, OFFICER, START, END, COUNTED, REASON]
    table = visits[names].astype(object)
    return [dict(zip(names, row, strict=True)) for row in table.where(table.notna(), None).itertuples(index=False)]


def _difference(old: list[Stay], new: list[Stay], zone: str) -> tuple[str, str]:
    """Describe which stays were added, removed, or are judged differently."""
    went, came, turned = list(old), [], []
    for stay in new:
        same = next((other for other in went if _same(other, stay)), None)
        if same is None:
            came.append(stay)
            continue
        went.remove(same)
        if (same[COUNTED], same[REASON]) != (stay[COUNTED], stay[REASON]):
            turned.append((same, stay))
    zh, en = [], []
    for stays, word_zh, word_en in ((came, "新增到访", "came"), (went, "减少到访", "went")):
        stays = sorted(stays, key=lambda stay: not stay[COUNTED])
        if stays:
            zh.append(f"{word_zh}{len(stays)}次（{_listed((_clock(stay, zone) for stay in stays), '、')}）")
            en.append(f"{len(stays)} stays {word_en} ({_listed((_clock(stay, zone) for stay in stays), ', ')})")
    turned.sort(key=lambda pair: not any(stay[COUNTED] for stay in pair))
    if turned:
        changed = [
            (_clock(now, zone), *(_judged(stay, k) for k in (0, 1) for stay in (was, now))) for was, now in turned
        ]
        zh_changes = _listed((f"{clock}由“{was}”改为“{now}”" for clock, was, now, *_ in changed), "、")
        en_changes = _listed((f"{clock}: {was}, now {now}" for clock, *_, was, now in changed), "; ")
        zh.append(f"{len(turned)}次到访的认定有变化（{zh_changes}）")
        en.append(f"{len(turned)} are judged differently ({en_changes})")
    return "，".join(zh) or "无变化", ", ".join(en) or "no difference"


def _same(one: Stay, other: Stay) -> bool:
    officers = {stay[OFFICER] for stay in (one, other)} - {None}
    overlap = one[START] <= other[END] and other[START] <= one[END]
    return one[DEVICE] == other[DEVICE] and len(officers) < 2 and bool(overlap)


def _clock(stay: Stay, zone: str) -> str:
    first, last = (stay[name].tz_convert(zone).strftime("%H:%M") for name in (START, END))
    return f"{first}–{last}"


def _judged(stay: Stay, language: int) -> str:
    return ("计入", "counted")[language] if stay[COUNTED] else REASONS[stay[REASON]][language]


def _listed(words: Iterable[str], comma: str) -> str:
    """The first few of some words, with an ellipsis if there are more."""
    listed = list(words)
    return comma.join(listed[:_TOLD]) + ("…" if len(listed) > _TOLD else "")
