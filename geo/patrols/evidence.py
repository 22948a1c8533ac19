"""Evidence: all that a verdict rests on, as one record with a hash; and why a verdict of yesterday is another one today."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from dataclasses import asdict
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.errors import InputError
from geo.patrols.clean import places, utc
from geo.patrols.columns import (
    CELL,
    CODE,
    COUNTED,
    DAY,
    DEVICE,
    END,
    KIND,
    MARK,
    OFFICER,
    REASON,
    START,
    TIME,
    VERDICT,
)
from geo.patrols.rules import DEFAULT_RULES, Rules
from geo.patrols.visits import hours

#: Time before and after a presence from which fixes belong to its evidence: the step that crosses the border.
AROUND_S = 300.0


def evidence(
    code: str,
    *,
    day: dt.date,
    tracks: pd.DataFrame,
    presences: pd.DataFrame,
    visits: pd.DataFrame,
    verdicts: pd.DataFrame,
    cells: gpd.GeoDataFrame,
    rules: Rules = DEFAULT_RULES,
    division: str = "",
    datum: str = "WGS-84",
) -> dict[str, Any]:
    """Write down what the verdict of one cell and day rests on.

    Parameters
    ----------
    code
        Code of the cell.
    tracks
        Cleaned fixes, with `mark`.
    presences, visits, verdicts
        What was made from them.
    cells
        The cells that were judged.
    division
        Version of the division.
    datum
        Datum that the tracks were declared in before they were brought to WGS-84.

    Returns
    -------
    dict
        Plain values that :func:`json.dumps` takes: the cell with a hash of its border, the verdict, every visit counted or
        not with the reason, entries and exits, silences, the fixes in and near the cell, the rules in full, and ``sha256`` over
        all of it. The same input gives the same record, whatever the order of the rows.

    Raises
    ------
    InputError
        If there is no verdict of this cell on this day.
    """
    row = verdicts[(verdicts[CODE] == code) & (verdicts[DAY] == day)]
    if len(row) != 1:
        raise InputError(f"verdicts: {len(row)} rows for cell {code} on {day}; one is expected")
    made, found = _of(visits, CODE, code, day), _of(presences, CELL, code, day)
    shape = shapely.normalize(cells.loc[cells[CODE] == code].geometry.iloc[0])
    record: dict[str, Any] = {
        "cell": code,
        "day": day.isoformat(),
        "division": division,
        "datum": datum,
        "border_sha256": hashlib.sha256(shapely.to_wkb(shape, byte_order=1)).hexdigest(),
        "verdict": _plain(row)[0],
        "rules": {key: str(value) for key, value in sorted(asdict(rules).items())},
        "visits": _plain(made, START, END, DEVICE),
        "presences": _plain(found, START, END, DEVICE, KIND),
        "fixes": _fixes(tracks, found, day, rules),
    }
    return record | {"sha256": digest(record)}


def digest(record: dict[str, Any]) -> str:
    """SHA-256 over a record without its own hash, as canonical JSON."""
    bare = {key: value for key, value in record.items() if key != "sha256"}
    text = json.dumps(bare, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode("utf-8")).hexdigest()


def _of(rows: pd.DataFrame, column: str, code: str, day: dt.date) -> pd.DataFrame:
    """Rows of one cell and day. Most cells of a bad day have none at all."""
    return rows[(rows[column] == code) & (rows[DAY] == day)] if len(rows) else rows


def _plain(rows: pd.DataFrame, *by: str) -> list[dict[str, Any]]:
    """Rows as plain values, in the order of some columns."""
    if rows.empty:
        return []
    ordered = rows.sort_values(list(by)) if len(rows) > 1 else rows
    names = [str(name) for name in ordered]
    values = zip(*(map(_value, ordered[name].tolist()) for name in ordered), strict=True)
    return [dict(zip(names, row, strict=True)) for row in values]


def _value(value: Any) -> Any:
    if isinstance(value, pd.Timestamp | dt.date):
        return value.isoformat()
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return round(float(value), 6) if np.isfinite(value) else None
    return None if value is None or value is pd.NA else str(value)


def _fixes(tracks: pd.DataFrame, found: pd.DataFrame, day: dt.date, rules: Rules) -> list[list[Any]]:
    """Fixes of the devices that were in or near the cell while they were: device, time, lon, lat, mark."""
    if found.empty:
        return []
    midnight = int(hours(pd.Series([day]), dt.time(0), rules)[0])
    time = utc(tracks[TIME]).astype(np.int64)
    device = tracks[DEVICE].to_numpy(dtype=object)
    keep = np.zeros(len(tracks), dtype=bool)
    for name, start, end in zip(found[DEVICE], found[START], found[END], strict=True):
        around = int(AROUND_S * 1e6)
        low, high = int(start.timestamp() * 1e6) - around, int(end.timestamp() * 1e6) + around
        keep |= (device == name) & (time >= max(low, midnight)) & (time < min(high, midnight + 86_400_000_000))
    rows = np.flatnonzero(keep)
    lon, lat = places(tracks.iloc[rows])
    marks = tracks[MARK].to_numpy(dtype=object)[rows]
    listed = [
        [str(device[k]), pd.Timestamp(time[k], unit="us", tz="UTC").isoformat(), _value(x), _value(y), str(mark)]
        for k, x, y, mark in zip(rows, lon, lat, marks, strict=True)
    ]
    return sorted(listed, key=lambda fix: [str(part) for part in fix])


def restate(
    before: pd.DataFrame, after: pd.DataFrame, *, visits_before: pd.DataFrame, visits_after: pd.DataFrame, why: str
) -> pd.DataFrame:
    """Put a new verdict beside the old one, and say what made the difference. Neither is changed.

    Parameters
    ----------
    before, after
        Verdicts of the same days: as they stood, and as they are with late data, other rules or another division.
    visits_before, visits_after
        The visits of both.
    why
        What is new, in words, such as ``late data``; it stands in every row.

    Returns
    -------
    DataFrame
        One row for each cell and day of either: `code`, `day`, `verdict_before`, `verdict_after`, `visits_before`,
        `visits_after`, `rules_before`, `rules_after`, `changed`, `why`, `difference_zh`, `difference_en`. A cell that only one
        division has keeps None on the other side.
    """
    columns = [CODE, DAY, VERDICT, "visits", "rules"]
    both = before[columns].merge(after[columns], on=[CODE, DAY], how="outer", suffixes=("_before", "_after"))
    both = both.sort_values([DAY, CODE], kind="stable", ignore_index=True)
    old, new = (dict(tuple(table.groupby([CODE, DAY]))) for table in (visits_before, visits_after))
    zh, en = [], []
    for code, day, was, now in zip(both[CODE], both[DAY], both["verdict_before"], both["verdict_after"], strict=True):
        texts = _difference(old.get((code, day)), new.get((code, day)), was, now)
        zh.append(texts[0])
        en.append(texts[1])
    both["changed"] = both["verdict_before"].fillna("") != both["verdict_after"].fillna("")
    return both.assign(why=why, difference_zh=zh, difference_en=en)


def _difference(old: pd.DataFrame | None, new: pd.DataFrame | None, was: object, now: object) -> tuple[str, str]:
    """Tell which visits came, went, or are judged in another way."""
    if pd.isna(was) or pd.isna(now):  # type: ignore[call-overload]
        which = ("旧方案无此网格", "the cell is new") if pd.isna(was) else ("新方案无此网格", "the cell is gone")  # type: ignore[call-overload]
        return which
    one, two = _by_start(old), _by_start(new)
    came, went = len(two.keys() - one.keys()), len(one.keys() - two.keys())
    turned = sum(one[key] != two[key] for key in one.keys() & two.keys())
    zh = (
        [f"新增到访{came}次"] * (came > 0)
        + [f"减少到访{went}次"] * (went > 0)
        + [f"{turned}次到访的认定有变化"] * (turned > 0)
    )
    en = (
        [f"{came} stays came"] * (came > 0)
        + [f"{went} went"] * (went > 0)
        + [f"{turned} are judged differently"] * (turned > 0)
    )
    return "，".join(zh) or "无变化", ", ".join(en) or "no difference"


def _by_start(visits: pd.DataFrame | None) -> dict[tuple[Any, ...], tuple[Any, ...]]:
    if visits is None:
        return {}
    keys = zip(
        visits[DEVICE], visits[OFFICER].astype(object).where(visits[OFFICER].notna(), None), visits[START], strict=True
    )
    values = zip(visits[COUNTED], visits[REASON], strict=True)
    return dict(zip(keys, values, strict=True))
