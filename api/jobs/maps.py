"""Maps from results that were written before."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import folium

from api.jobs.incidents.assignment import assign_incidents
from api.jobs.patrols.stored import read_verdicts, read_visits
from geo.errors import FileError, InputError, first_labels
from geo.incidents import density, read_incidents
from geo.layers import read_division
from geo.patrols import REASONS
from maps import coverage_map, heat_map, is_sheet, print_sheet, save
from maps.document import ENDINGS as PAGE_ENDINGS
from maps.sheet import ENDINGS as SHEET_ENDINGS


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
    require_map_ending(target)
    verdicts = read_verdicts(verdicts_path)
    shown = day or max(verdicts["day"])
    if shown not in set(verdicts["day"]):
        raise InputError(
            f"{verdicts_path.name}: has no verdicts of {shown}; it has {first_labels(sorted(set(verdicts['day'])))}"
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
    require_map_ending(target)
    division = read_division(division_path)
    result = assign_incidents(read_incidents(incidents_path, datum=datum), division)
    surface = density(result.incidents, outline=division)
    drawn = heat_map(division, result.incidents, surface, result.counts, hotspots=result.hot, title=title, **backdrop)
    write_map(drawn, target, view=view)
    return result.inside


def require_map_ending(target: Path) -> None:
    """Refuse a file that is neither a page nor a sheet by its ending, before the work is done.

    Raises
    ------
    FileError
        If it ends otherwise.
    """
    endings = (*PAGE_ENDINGS, *SHEET_ENDINGS)
    if target.suffix.lower() not in endings:
        raise FileError(f"{target}: a map is written as {', '.join(endings)}; change the ending of the name")


def write_map(drawing: folium.Map, target: Path, *, view: str) -> None:
    """Write a map as a page, or as a sheet if the file's ending asks for one."""
    if is_sheet(target):
        print_sheet(drawing, target, view=view)
    else:
        save(drawing, target)
