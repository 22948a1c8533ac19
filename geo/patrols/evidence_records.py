"""Evidence: all that a verdict rests on, as one record with a hash."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.arrays import Ints
from geo.errors import InputError
from geo.layers.datum import Datum
from geo.patrols.columns import CODE, DAY, KIND
from geo.patrols.counted_visits import hours
from geo.patrols.rules import DEFAULT_RULES, Rules
from geo.tracks.cleaning import places, utc
from geo.tracks.columns import CELL, DECLARED_DATUM, DEVICE, END, MARK, START, TIME

#: Time before and after a presence from which fixes belong to its evidence: the step that crosses the border.
AROUND_S = 300.0
_DAY_US = 86_400_000_000


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
    datum: str | None = None,
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
        Version of the division, such as what :func:`geo.layers.digest_of` gives.
    datum
        Datum that the tracks were declared in before they were brought to WGS-84; by default what their column
        ``declared_datum`` says, WGS-84 where they have none.

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
        "datum": datum or _declared(tracks),
        "border_sha256": hashlib.sha256(shapely.to_wkb(shape, byte_order=1)).hexdigest(),
        "verdict": _plain(row)[0],
        "rules": rules.to_dict(),
        "visits": _plain(made, START, END, DEVICE),
        "presences": _plain(found, START, END, DEVICE, KIND),
        "fixes": _fixes(tracks, found, day, rules),
    }
    return record | {"sha256": digest(record)}


def _declared(tracks: pd.DataFrame) -> str:
    """Datums that the tracks were declared in."""
    said = sorted(tracks[DECLARED_DATUM].dropna().astype(str).unique()) if DECLARED_DATUM in tracks else []
    return ", ".join(said) or str(Datum.WGS84)


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
    since = utc(tracks[TIME]).astype(np.int64) - midnight
    who, devices = pd.factorize(tracks[DEVICE].astype(str), sort=True)
    today = np.flatnonzero((since >= 0) & (since < _DAY_US))
    today = today[np.lexsort((since[today], who[today]))]
    keep = np.zeros(len(today) + 1, dtype=np.int64)
    at = who[today] * _DAY_US + since[today]
    around = int(AROUND_S * 1e6)
    of = pd.Index(devices).get_indexer(found[DEVICE].astype(str))
    for name, add in ((START, 1), (END, -1)):
        edge = np.clip(utc(found[name]).astype(np.int64) - midnight - add * around, 0, _DAY_US)
        np.add.at(keep, np.searchsorted(at, of * _DAY_US + edge)[of >= 0], add)
    rows = today[np.cumsum(keep)[:-1] > 0]
    lon, lat = (np.round(ordinate, 6) for ordinate in places(tracks.iloc[rows]))
    mark = tracks[MARK].astype(str).to_numpy(dtype=object)[rows]
    ordered = np.lexsort((pd.factorize(mark, sort=True)[0], lat, lon, since[rows], who[rows]))
    values = (
        devices.to_numpy(dtype=object)[who[rows][ordered]].tolist(),
        _iso(since[rows][ordered] + midnight),
        *(
            pd.Series(ordinate[ordered], dtype=object).where(np.isfinite(ordinate[ordered]), None).tolist()
            for ordinate in (lon, lat)
        ),
        mark[ordered].tolist(),
    )
    return [list(fix) for fix in zip(*values, strict=True)]


def _iso(micro: Ints) -> list[str]:
    """Times as ISO 8601 has them, with decimals only where there are any."""
    whole = micro % 1_000_000 == 0
    text = np.empty(len(micro), dtype=object)
    for some, unit in ((whole, "s"), (~whole, "us")):
        text[some] = np.datetime_as_string(micro[some].astype("datetime64[us]").astype(f"datetime64[{unit}]"))
    return [f"{time}+00:00" for time in text.tolist()]
