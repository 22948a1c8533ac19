"""Draws maps from existing results."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import folium
import pandas as pd

from api.commands.incidents.assignment import assign_incidents
from api.commands.incidents.drawing import heat_of
from api.commands.patrols.stored import read_verdicts, read_visits
from geo.divide import bounds_of_communities, measures_of
from geo.divide.fairness import TOLERANCES, fairness
from geo.errors import ColumnError, FileError, InputError, first_labels
from geo.incidents import read_incidents
from geo.layers import Division, Level, read_division
from geo.layers.columns import WORKLOAD
from geo.patrols import REASONS
from maps import coverage_map, fairness_map, is_sheet, print_sheet, save
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
    """Draw the coverage map of one day from ``verdicts.csv``, and return the day; `view` is the extent of a sheet."""
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
    """Draw the map of a file of incidents, and return the number inside the street; `view` is the extent of a sheet."""
    require_map_ending(target)
    division = read_division(division_path)
    result = assign_incidents(read_incidents(incidents_path, datum=datum), division)
    write_map(heat_of(division, result, backdrop=backdrop, title=title), target, view=view)
    return result.inside


def fairness_page(
    division_path: Path,
    target: Path,
    *,
    old_path: Path | None,
    tolerance: float | None,
    backdrop: dict[str, Any],
    title: str | None,
    view: str = "",
) -> dict[str, int]:
    """Draw the fairness map of a division, and return the number of cells per level within the workload tolerance."""
    require_map_ending(target)
    division = read_division(division_path)
    old = None if old_path is None else read_division(old_path)
    drawn, within = draw_fairness(division, old=old, tolerance=tolerance, backdrop=backdrop, title=title)
    write_map(drawn, target, view=view)
    return within


def draw_fairness(
    division: Division,
    *,
    old: Division | None = None,
    tolerance: float | None = None,
    backdrop: dict[str, Any],
    title: str | None = None,
    note: tuple[str, str] | None = None,
) -> tuple[folium.Map, dict[str, int]]:
    """Compare the cells of a division and draw them; see :func:`maps.fairness_map`.

    Raises
    ------
    ColumnError
        If no level has a quantity to compare.
    """
    tolerances = {level: tolerance or share for level, share in TOLERANCES.items()}
    compared = _compared(division)
    if not any(compared.values()):
        raise ColumnError("the division has neither workload nor residents, households, shops or areas to compare")
    has_load = WORKLOAD in compared[Level.THIRD] and WORKLOAD in compared[Level.SECOND]
    bounds = bounds_of_communities(division) if has_load and len(division.community) else None
    drawn = fairness_map(
        division,
        compared,
        tolerances=tolerances,
        bounds=bounds,
        old=None if old is None else (old, _compared(old)),
        title=title,
        note=note,
        **backdrop,
    )
    within = {
        level.layer: int((tables[WORKLOAD]["off"].abs() <= tolerances[level] + 1e-9).sum())
        for level, tables in compared.items()
        if WORKLOAD in tables
    }
    return drawn, within


def _compared(division: Division) -> dict[Level, dict[str, pd.DataFrame]]:
    levels = [level for level in TOLERANCES if len(division.layer(level))]
    return {
        level: {measure: fairness(division, level, measure) for measure in measures_of(division, level)}
        for level in levels
    }


def require_map_ending(target: Path) -> None:
    """Refuse an output file whose ending is neither that of a page nor of a sheet, before the work starts.

    Raises
    ------
    FileError
        If the ending is unknown.
    """
    endings = (*PAGE_ENDINGS, *SHEET_ENDINGS)
    if target.suffix.lower() not in endings:
        raise FileError(f"{target}: a map is written as {', '.join(endings)}; change the ending of the name")


def write_map(drawing: folium.Map, target: Path, *, view: str) -> None:
    """Write a map as a page, or as a sheet, depending on the file's ending."""
    if is_sheet(target):
        print_sheet(drawing, target, view=view)
    else:
        save(drawing, target)
