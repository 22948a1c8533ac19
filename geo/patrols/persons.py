"""Whose visits count: the leader's and declared deputies', or anyone's; and who held which device on which day."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import pandas as pd

from geo.days import local_days
from geo.errors import ColumnError, InputError
from geo.layers.columns import CODE, LEADER
from geo.patrols.rules import Rules
from geo.texts import Text, amount
from geo.tracks.columns import DEVICE, OFFICER, TIME
from geo.tracks.fix_values import require_tracks, utc

#: Column of the cells with the names of deputies, separated by commas, semicolons, slashes or 、.
DEPUTIES = "deputies"
#: Columns of a table of holders: a device, who held it, and the first and last local day (both included; empty: no end).
HOLDER_COLUMNS = (DEVICE, "holder", "from", "to")

_SEPARATORS = re.compile(r"[,，、;；/|]+")


class Counting(NamedTuple):
    """Rules with a decided `who`, and the reason of the decision."""

    rules: Rules
    why: Text


def who_counts(rules: Rules, cells: pd.DataFrame, officers: Iterable[object]) -> Counting:
    """Decide whose visits count if the rules leave it to the data (``who = "auto"``).

    The leader and the declared deputies count if the cells name leaders and at least one officer is a leader or a deputy of a
    cell; otherwise anyone counts.

    Parameters
    ----------
    rules
        Parts for classes and earlier versions with ``auto`` are decided too.
    cells
        With `leader`, and `deputies` if there are any.
    officers
        Names in the tracks; missing values are ignored.
    """
    if not any(rule.who == "auto" for rule in _all(rules)):
        return Counting(rules, Text("由规则指定", "as the rules say").fill())
    named = {str(name) for name in officers if not pd.isna(name) and str(name).strip()}  # type: ignore[call-overload]
    persons = persons_of(cells)
    leaders = set().union(*persons.values()) if persons else set()
    known = len(named & leaders)
    if not leaders:
        who, why = "anyone", Text("网格划分方案未登记格长", "the division names no leaders")
    elif not named:
        who, why = "anyone", Text("轨迹未注明人员", "the tracks name no officers")
    elif not known:
        who = "anyone"
        why = Text(
            "轨迹中的{n}名人员均不是任何网格的格长或副职",
            "none of {n} in the tracks is a leader or deputy",
        ).fill(n=amount(len(named), "officer"))
    else:
        who = "leader"
        why = Text(
            "网格划分方案登记了格长，轨迹中{n}名人员有{known}名是格长或副职",
            "the division names leaders, and of {n} in the tracks {known} leader or deputy",
        ).fill(n=amount(len(named), "officer"), known=amount(known, "is", "are"))
    return Counting(_decided(rules, who), why)


def _all(rules: Rules) -> list[Rules]:
    return [part for whole in (rules, *rules.earlier) for part in (whole, *whole.classes)]


def _decided(rules: Rules, who: str) -> Rules:
    """The rules with ``auto`` replaced by `who` in all parts."""
    return dataclasses.replace(
        rules,
        who=who if rules.who == "auto" else rules.who,
        classes=tuple(_decided(part, who) for part in rules.classes),
        earlier=tuple(_decided(part, who) for part in rules.earlier),
    )


def persons_of(cells: pd.DataFrame) -> dict[str, frozenset[str]]:
    """Names of the leader and the deputies of each cell, by code; cells without a name are left out."""
    if LEADER not in cells:
        return {}
    deputies = cells[DEPUTIES] if DEPUTIES in cells else [None] * len(cells)
    found = {
        code: frozenset(_names(leader)) | frozenset(_names(others))
        for code, leader, others in zip(cells[CODE], cells[LEADER], deputies, strict=True)
    }
    return {code: names for code, names in found.items() if names}


def _names(value: object) -> list[str]:
    """Names in one field: text with separators, or a list."""
    if isinstance(value, list | tuple | np.ndarray):
        return [str(name).strip() for name in value]
    if pd.isna(value):  # type: ignore[call-overload]
        return []
    return [name.strip() for name in _SEPARATORS.split(str(value)) if name.strip()]


def assign_holders(tracks: pd.DataFrame, holders: pd.DataFrame, *, zone: str) -> pd.DataFrame:
    """Set the officer of each fix to the holder of its device on its local day.

    Parameters
    ----------
    tracks
        Fixes with `device` and `time`.
    holders
        `device`, `holder`, `from` and `to`: local days, inclusive; a missing day means no limit.
    zone
        Time zone of the local day.

    Returns
    -------
    DataFrame
        The same rows and index. The table takes precedence over officers named in the tracks; without a row for a device and
        day, the officer is unchanged.

    Raises
    ------
    ColumnError
        If a column is missing.
    InputError
        If a day cannot be read, a row ends before it begins, or a device has two holders on one day.
    """
    require_tracks(tracks)
    missing = [name for name in HOLDER_COLUMNS[:2] if name not in holders]
    if missing:
        raise ColumnError(
            f"holders: no column {', '.join(missing)}; a table of holders has {', '.join(HOLDER_COLUMNS)}"
        )
    spans = _spans(holders)
    days = local_days(utc(tracks[TIME]).view(np.int64), zone)
    officer = (
        tracks[OFFICER].to_numpy(dtype=object).copy() if OFFICER in tracks else np.full(len(tracks), None, dtype=object)
    )
    rows_of = tracks.groupby(tracks[DEVICE].astype(str), sort=False).indices
    for device, first, last, holder in spans:
        rows = rows_of.get(device)
        if rows is not None:
            officer[rows[(days[rows] >= first) & (days[rows] <= last)]] = holder
    return tracks.assign(**{OFFICER: pd.Series(officer, index=tracks.index, dtype=object)})


def _spans(holders: pd.DataFrame) -> list[tuple[str, np.datetime64, np.datetime64, str]]:
    """Device, first and last day and holder of each row, sorted; raises on overlaps."""
    ends = {"from": np.datetime64("0001-01-01", "D"), "to": np.datetime64("9999-12-31", "D")}
    found = []
    for k in range(len(holders)):
        device, holder = (holders[name].iloc[k] for name in HOLDER_COLUMNS[:2])
        if pd.isna(device) or pd.isna(holder):
            raise InputError(f"holders: row {k + 1}: device and holder must both be given")
        days = []
        for name, missing in ends.items():
            value = holders[name].iloc[k] if name in holders else None
            days.append(missing if pd.isna(value) or not str(value).strip() else _day(value, k, name))
        if days[1] < days[0]:
            raise InputError(
                f"holders: row {k + 1}: device {device} is held from {days[0]} to {days[1]}; to is before from"
            )
        found.append((str(device).strip(), days[0], days[1], str(holder).strip()))
    found.sort(key=lambda span: (span[0], span[1]))
    for one, two in pairwise(found):
        if one[0] == two[0] and two[1] <= one[2]:
            raise InputError(
                f"holders: device {one[0]} is held by {one[3]} and by {two[3]} on {two[1]}; end one row before the other begins"
            )
    return found


def _day(value: object, row: int, name: str) -> np.datetime64:
    try:
        return np.datetime64(pd.Timestamp(str(value)).date(), "D")
    except ValueError as error:
        raise InputError(f"holders: row {row + 1}: {name} = '{value}' is not a day; write it as 2026-11-23") from error
