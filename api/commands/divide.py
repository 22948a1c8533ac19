"""Divides a street given as files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import geopandas as gpd
import pandas as pd

from api.commands import Progress
from api.files.inputs import optional_layer
from api.files.outputs import made_folder, staged_folder, write_csv, write_text
from geo.coverage import Report, check_division
from geo.divide import (
    Weights,
    assign_leaders,
    balance_plot,
    divide,
    report_markdown,
    roster,
    staff_needed,
    summarise,
)
from geo.errors import FileError, first_labels
from geo.layers import (
    Division,
    Level,
    as_cells,
    is_division,
    read_division,
    read_layer,
    require_polygons,
    to_metric,
    write_division,
)
from geo.notices import notice
from geo.wording import counted, form

# Area from which the rounding of the outline is reported.
_EXACT_M2 = 0.005


@dataclass(frozen=True)
class Sources:
    """Input files of a division."""

    street: Path
    roads: Path | None = None
    buildings: Path | None = None
    barriers: tuple[Path, ...] = ()
    communities: Path | None = None
    incidents: Path | None = None
    locks: Path | None = None
    current: Path | None = None
    weights: Path | None = None
    crs: str | None = None


def divide_files(
    sources: Sources,
    target: Path,
    *,
    counts: tuple[int, int, int],
    valid_from: date | None,
    seed: int,
    report: Path | None = None,
    progress: Progress,
) -> tuple[Report, dict[str, object]]:
    """Divide, assign leaders to all second-level grids, write the division and its report, and check it.

    Returns
    -------
    tuple
        Report of the check, and the figures of :func:`geo.divide.summarise`.
    """
    if target.suffix.lower() not in (".gpkg", ".geojson", ".json", ".parquet", ".geoparquet"):
        raise FileError(f"{target.name}: a division is written as .gpkg, .geojson or .parquet")
    progress("读取 reading", 0.0)
    street = require_polygons(read_layer(sources.street, crs=sources.crs), sources.street.name)
    communities = optional_layer(sources.communities, crs=sources.crs)
    if communities is not None and sources.communities is not None:
        communities = as_cells(communities, sources.communities.name)
    drawn = divide(
        street,
        roads=optional_layer(sources.roads, crs=sources.crs),
        buildings=optional_layer(sources.buildings, crs=sources.crs),
        barriers=_barriers(sources),
        communities=communities,
        counts=counts,
        workload=None if sources.weights is None else Weights.read(sources.weights),
        incidents=optional_layer(sources.incidents, crs=sources.crs),
        locks=optional_layer(sources.locks, crs=sources.crs),
        current=_current_grids(sources),
        valid_from=valid_from,
        rng=seed,
        progress=progress,
    )
    division = assign_leaders(drawn)
    division.third.attrs.update(drawn.third.attrs)
    _warn_about_missing(sources, drawn)
    with made_folder(target.parent):
        write_division(division, target)
    figures = summarise(division)
    if report is not None:
        _write_report(division, figures, report)
    progress("检查 checking", 1.0)
    return check_division(division, expected=counts), figures


def _current_grids(sources: Sources) -> gpd.GeoDataFrame | None:
    """The present second-level grids, from a division or the single layer of the file."""
    if sources.current is None:
        return None
    if is_division(sources.current):
        return read_division(sources.current).second
    return read_layer(sources.current, crs=sources.crs)


def _warn_about_missing(sources: Sources, division: Division) -> None:
    """Warn about data that were ignored, clipped or missing, with advice."""
    known = division.third.attrs
    if sources.roads is None:
        notice(
            "没有道路，边界只能沿其他界线和建筑之间划分。no roads were given, so borders run between buildings and along "
            "other lines only; give roads to have them follow roads"
        )
    outside = known["buildings_outside"]
    if outside:
        notice(
            f"{outside} 栋建筑在街道范围之外，未计入。{counted(outside, 'building lies', 'buildings lie')} outside the "
            f"street and {form(outside, 'was', 'were')} left out; check the outline"
        )
    rounding = known["outline_rounding"]
    if max(rounding.values()) > _EXACT_M2:
        notice(
            f"坐标取整到 1 毫米：与所给街道范围相比少 {rounding['missing_m2']:.2f} 平方米，"
            f"多 {rounding['beyond_m2']:.2f} 平方米。"
            f"coordinates are rounded to 1 mm: of the given outline {rounding['missing_m2']:.2f} m² are missing and "
            f"{rounding['beyond_m2']:.2f} m² lie beyond it"
        )
    if known["buildings_cut"]:
        notice(
            f"街道范围或社区边界穿过 {len(known['buildings_cut'])} 栋建筑。the outline or a community border runs through "
            f"buildings {first_labels(known['buildings_cut'])}; move it if they are to be whole"
        )


def _write_report(division: Division, figures: dict[str, object], folder: Path) -> None:
    """Write report.json, report.md, a plot for each level, and the roster and staff tables as CSV that Excel opens."""
    name = division.street["name"].iloc[0] or division.street["code"].iloc[0]
    with staged_folder(folder) as inside:
        write_text(json.dumps(figures, ensure_ascii=False, indent=1) + "\n", inside / "report.json")
        write_text(report_markdown(division, title=f"{name}网格划分报告"), inside / "report.md")
        for level in (Level.COMMUNITY, Level.SECOND, Level.THIRD):
            write_text(balance_plot(division, level), inside / f"balance-{level.layer}.svg")
        write_csv(roster(division), inside / "roster.csv")
        write_csv(staff_needed(division).reset_index(), inside / "staff.csv")


def _barriers(sources: Sources) -> gpd.GeoDataFrame | None:
    """All barrier files in one frame, in the metric CRS of the first."""
    frames = [to_metric(read_layer(path, crs=sources.crs)) for path in sources.barriers]
    if not frames:
        return None
    return gpd.GeoDataFrame(pd.concat([to_metric(frame, frames[0].crs) for frame in frames], ignore_index=True))
