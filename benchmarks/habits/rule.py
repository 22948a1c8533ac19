"""The street's rule as a plain table, and the truth of a day by its wording, second by second.

A second counts for a cell if a responsible person is inside and not riding. Seconds of one person separated
by at most `merge_gap_s` are one stay. A stay is a patrol if it has at least `min_stay_s` such seconds within the hours of duty.
Of the patrols of a cell the largest number that is `min_between_s` apart counts, from the end of one to the start of the
next. Each local day is judged independently, so a stay across midnight is two.
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

TABLE = Path(__file__).with_name("rules.csv")

DAY_S = 86_400


@dataclass(frozen=True)
class Rule:
    """One row of the table; hours of duty are seconds of the local day, ``[from, to)``."""

    visits_per_day: int
    min_stay_s: int
    merge_gap_s: int
    min_between_s: int
    hours_from_s: int
    hours_to_s: int


def read_rules(path: Path = TABLE) -> dict[str, Rule]:
    """Read the table of rules, by name."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return {row.pop("rule"): Rule(**{key: int(value) for key, value in row.items()}) for row in rows}


STAY_COLUMNS = ["person", "cell", "day", "start", "end", "foot_s", "duty_s"]


def stays_of(seconds, cell, ride, rule: Rule, person: str) -> list[tuple]:
    """Stays of one person from the position at each second.

    `seconds` are ascending integers, counted from local midnight of the first day; `cell` is the cell of each, -1 for none;
    `ride` marks the seconds spent riding. Second k represents ``[k, k + 1)``. Returns rows of :data:`STAY_COLUMNS`, with `day`
    counted from 0.
    """
    day, clock = np.divmod(seconds, DAY_S)
    on_duty = (clock >= rule.hours_from_s) & (clock < rule.hours_to_s)
    used = np.where(ride, -1, cell)
    parts = np.flatnonzero(
        (np.diff(used) != 0) | (np.diff(day) != 0) | (np.diff(on_duty) != 0) | (np.diff(seconds) != 1)
    )
    begins, ends = np.r_[0, parts + 1], np.r_[parts, len(seconds) - 1]
    open_stays: dict[tuple[int, int], list] = {}
    done = []
    for a, b in zip(begins, ends, strict=True):
        if used[a] < 0:
            continue
        lasts = int(b - a + 1)
        duty = lasts if on_duty[a] else 0
        key = (int(used[a]), int(day[a]))
        last = open_stays.get(key)
        if last is not None and seconds[a] - last[4] <= rule.merge_gap_s:
            last[4], last[5], last[6] = int(seconds[b]) + 1, last[5] + lasts, last[6] + duty
            continue
        if last is not None:
            done.append(tuple(last))
        open_stays[key] = [person, *key, int(seconds[a]), int(seconds[b]) + 1, lasts, duty]
    return done + [tuple(stay) for stay in open_stays.values()]


def judge(stays: pd.DataFrame, responsible: pd.DataFrame, cells: int, days: int, rule: Rule):
    """Determine the stays that count, and their number for each cell and day.

    `responsible` has `cell` and `person`: leaders and declared deputies. Returns the stays with `patrol` (long enough, by anyone)
    and `counted`, and an array ``(days, cells)`` of numbers.
    """
    stays = stays.sort_values(["day", "cell", "end", "start", "person"], kind="stable", ignore_index=True)
    patrol = (stays["duty_s"] >= rule.min_stay_s).to_numpy()
    answers = set(zip(responsible["cell"], responsible["person"], strict=True))
    counted, number = np.zeros(len(stays), dtype=bool), np.zeros((days, cells), dtype=int)
    free: dict[tuple[int, int], int] = {}
    for k, stay in enumerate(stays.itertuples()):
        if not patrol[k] or (stay.cell, stay.person) not in answers:
            continue
        if stay.start >= free.get((stay.day, stay.cell), -rule.min_between_s):
            counted[k] = True
            free[stay.day, stay.cell] = stay.end + rule.min_between_s
            if stay.day < days:
                number[stay.day, stay.cell] += 1
    return stays.assign(patrol=patrol, counted=counted), number
