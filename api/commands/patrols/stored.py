"""Reads verdicts and visits from the CSV files of an earlier run of ``wangge patrols``."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd

from api.files.inputs import read_table
from geo.errors import ColumnError
from geo.layers.columns import CODE

#: Numeric columns of a verdict.
_NUMBERS = ("visits", "required", "uncounted", "present_s", "unknown_s")


def read_verdicts(path: Path) -> pd.DataFrame:
    """Read ``verdicts.csv``, with dates and numbers converted.

    Raises
    ------
    ColumnError
        If a column is missing, or `day` contains other values than dates.
    """
    verdicts = _read(path, (CODE, "verdict", "day"))
    numbers = {c: pd.to_numeric(verdicts[c], errors="coerce") for c in _NUMBERS if c in verdicts.columns}
    return verdicts.assign(**numbers, day=_days(verdicts["day"], path.name))


def read_visits(path: Path) -> pd.DataFrame:
    """Read ``visits.csv``, with times and numbers converted.

    Raises
    ------
    ColumnError
        If a column is missing, or `start` or `end` contain other values than times.
    """
    visits = _read(path, (CODE, "start", "end", "stay_s", "counted", "reason"))
    try:
        times = {c: pd.to_datetime(visits[c], utc=True, format="ISO8601") for c in ("start", "end")}
    except ValueError as error:
        raise ColumnError(
            f"{path.name}: columns start and end must hold times like 2026-03-02T08:00:00+00:00"
        ) from error
    return visits.assign(
        **times,
        stay_s=pd.to_numeric(visits["stay_s"], errors="coerce"),
        counted=visits["counted"].str.lower() == "true",
    )


def _read(path: Path, needed: tuple[str, ...]) -> pd.DataFrame:
    table = read_table(path)
    missing = [column for column in needed if column not in table.columns]
    if missing:
        raise ColumnError(f"{path.name}: has no column {', '.join(missing)}; is it a file that 'wangge patrols' wrote?")
    return table


def _days(texts: pd.Series[str], name: str) -> list[date]:
    try:
        return [date.fromisoformat(text[:10]) for text in texts]
    except ValueError as error:
        raise ColumnError(f"{name}: column day must hold days like 2026-03-02 ({error})") from error
