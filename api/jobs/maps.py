"""Maps from results that were written before."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import folium
import pandas as pd

from api.inputs import read_table
from api.jobs.incidents.run import assign_incidents
from api.outputs import CSV_ENCODING
from geo.errors import ColumnError, InputError, some
from geo.incidents import density, read_incidents
from geo.layers import read_division
from geo.layers.columns import CODE
from geo.patrols import REASONS
from maps import coverage_map, heat_map, is_sheet, print_sheet, save

#: Columns of a verdict that hold numbers.
_NUMBERS = ("visits", "required", "uncounted", "present_s", "unknown_s")


def coverage_page(
    verdicts_path: Path,
    division_path: Path,
    target: Path,
    *,
    day: date | None,
    visits_path: Path | None,
    backdrop: dict[str, Any],
    title: str | None,
    view: str = "",
) -> date:
    """Draw the coverage map of one day from ``verdicts.csv``, and return the day; `view` is what a sheet shows."""
    verdicts = _read(verdicts_path, (CODE, "verdict", "day"))
    verdicts = verdicts.assign(
        **{c: pd.to_numeric(verdicts[c], errors="coerce") for c in _NUMBERS if c in verdicts.columns}
    )
    verdicts = verdicts.assign(day=_days(verdicts["day"], verdicts_path.name))
    shown = day or max(verdicts["day"])
    if shown not in set(verdicts["day"]):
        raise InputError(
            f"{verdicts_path.name}: has no verdicts of {shown}; it has {some(sorted(set(verdicts['day'])))}"
        )
    drawn = coverage_map(
        read_division(division_path),
        verdicts,
        day=shown,
        visits=None if visits_path is None else read_visits(visits_path),
        visit_reasons=REASONS,
        title=title,
        **backdrop,
    )
    write_map(drawn, target, view=view)
    return shown


def read_visits(path: Path) -> pd.DataFrame:
    """Visits that were written before, with times and numbers as such."""
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


def incidents_page(
    incidents_path: Path,
    division_path: Path,
    target: Path,
    *,
    datum: str | None,
    backdrop: dict[str, Any],
    title: str | None,
    view: str = "",
) -> int:
    """Draw the map of a file of incidents, and return how many lie in the street; `view` is what a sheet shows."""
    division = read_division(division_path)
    result = assign_incidents(read_incidents(incidents_path, datum=datum), division)
    surface = density(result.incidents, outline=division)
    drawn = heat_map(division, result.incidents, surface, result.counts, hotspots=result.hot, title=title, **backdrop)
    write_map(drawn, target, view=view)
    return result.inside


def write_map(drawing: folium.Map, target: Path, *, view: str) -> None:
    """Write a map as a page, or as a sheet if the file's ending asks for one."""
    if is_sheet(target):
        print_sheet(drawing, target, view=view)
    else:
        save(drawing, target)


def _read(path: Path, needed: tuple[str, ...]) -> pd.DataFrame:
    table = pd.concat(list(read_table(path, encoding=CSV_ENCODING)), ignore_index=True)
    missing = [column for column in needed if column not in table.columns]
    if missing:
        raise ColumnError(f"{path.name}: has no column {', '.join(missing)}; is it a file that 'wangge patrols' wrote?")
    return table


def _days(texts: pd.Series[str], name: str) -> list[date]:
    try:
        return [date.fromisoformat(text[:10]) for text in texts]
    except ValueError as error:
        raise ColumnError(f"{name}: column day must hold days like 2026-03-02 ({error})") from error
