"""``wangge incidents``: reads incidents and cells; writes tables, a summary and maps."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from api.commands import Progress, silent
from api.commands.incidents.assignment import Assigned, assign_incidents
from api.commands.incidents.common_days import in_common_days
from api.commands.incidents.tables import (
    notice_rows,
    outside_rows,
    read_column_map,
    refused_rows,
    write_column_map,
    write_tables,
)
from api.commands.patrols.stored import read_visits
from api.files.documents import write_json
from api.files.inputs import read_cells
from api.files.outputs import require_folder, write_set
from api.files.reading_notices import give_reading_notices
from api.files.small_input import few_vertices
from geo.errors import ColumnError, InputError
from geo.incidents import (
    BANDWIDTH_M,
    Calendar,
    Catalogue,
    against_patrols,
    assign_by_day,
    counted_layers,
    counts,
    datum_doubts,
    due_times,
    periods,
    read_incidents,
    time_limits,
    trends,
    weekly,
)
from geo.incidents.columns import VALID_FROM
from geo.incidents.surface.kernel_density import require_raster
from geo.kernels import uncompiled
from geo.layers import Division, read_division
from geo.notices import notice
from geo.wording import counted

# A workbook with more rows takes a minute to write and cannot be opened on an office computer.
_MOST_IN_WORKBOOK = 50_000
# Names of the sheets.
_SHEETS = {
    "assigned": "案件",
    "counts": "各级统计",
    "kinds": "类别",
    "hot": "热点",
    "weekly": "周环比",
    "trends": "时段热点",
    "patrols": "对照巡查",
    "rows": "逐行提示",
    "refused": "无法定位",
    "outside": "网格外",
}


@dataclass(frozen=True)
class IncidentOptions:
    """Options of an incident study in addition to its two files.

    Attributes
    ----------
    layer, code
        Layer of the cells, and the column of their code.
    datum, crs, zone, dates, columns
        Options for reading the incidents; `columns` is a column map in TOML.
    within_m
        Maximum distance of an incident outside all cells that is assigned to the nearest cell, metres.
    bandwidths_m
        Bandwidths of the kernel density; the first is used for the map.
    catalogue, limits, calendar
        Files of kinds, time limits and holidays.
    earlier
        Earlier divisions, each with `valid_from`.
    visits
        ``visits.csv`` of ``wangge patrols``.
    """

    layer: str | None = None
    code: str | None = None
    datum: str | None = None
    crs: str | None = None
    zone: str = "Asia/Shanghai"
    dates: str | None = None
    columns: Path | None = None
    within_m: float = 0.0
    bandwidths_m: tuple[float, ...] = (BANDWIDTH_M,)
    catalogue: Path | None = None
    limits: Path | None = None
    calendar: Path | None = None
    earlier: tuple[Path, ...] = ()
    visits: Path | None = None


def incident_file(
    path: Path,
    cells_path: Path,
    folder: Path,
    *,
    options: IncidentOptions = IncidentOptions(),
    backdrop: dict[str, gpd.GeoDataFrame | None] | None = None,
    progress: Progress = silent,
    tell: Callable[[Assigned], None] | None = None,
) -> tuple[Assigned, list[Path]]:
    """Analyse a file of incidents and write the results.

    Tables ``assigned, counts, kinds, hot, rows, refused, outside`` and, if their inputs exist, ``weekly, trends, patrols``, as
    CSV and together as ``incidents.xlsx``; ``columns.toml``, the column map; ``summary.json`` and the one-page ``summary.html``;
    with a division ``density.tif``, ``contours.geojson``, ``density.png`` and ``heat.html``.

    Parameters
    ----------
    tell
        Called with the result before anything is written, so that it can be shown a second earlier.

    Returns
    -------
    tuple
        The result, and the files written.
    """
    require_folder(folder)
    cells = read_cells(cells_path, layer=options.layer, code=options.code)
    if isinstance(cells, Division):  # Nothing is drawn for a single layer.
        for bandwidth_m in options.bandwidths_m:
            require_raster(cells, bandwidth_m=bandwidth_m)
    own = None if options.catalogue is None else Catalogue.read(options.catalogue)
    calendar = Calendar.china() if options.calendar is None else Calendar.read(options.calendar)
    progress("读取案件 reading", 0.05)
    incidents = read_incidents(
        path,
        datum=options.datum,
        zone=options.zone,
        dates=options.dates,
        crs=options.crs,
        columns=read_column_map(options.columns),
        catalogue=own,
        cells=cells.street if isinstance(cells, Division) else cells,
    )
    give_reading_notices(incidents.attrs, path.name)
    progress("落格 assigning", 0.3)
    with uncompiled(when=few_vertices(cells, points=len(incidents))):
        result = assign_incidents(incidents, cells, within_m=options.within_m)
    if tell is not None:
        tell(result)
    progress("统计 counting", 0.5)
    tables = _tables(result, cells, options, calendar)
    figures = {"file": path.name, **result.to_dict(), **_more_figures(result, tables)}

    def write(inside: Path) -> tuple[Assigned, list[Path]]:
        written = _write(result, tables, figures, inside, options, calendar)
        if isinstance(cells, Division):
            from api.commands.incidents.drawing import draw_all  # Imports folium: 0.4 s of CPU.

            progress("绘图 drawing", 0.7)
            written += draw_all(
                cells,
                result,
                inside,
                bandwidths_m=options.bandwidths_m,
                zone=options.zone,
                backdrop=backdrop or {},
            )
        return result, written

    return write_set(folder, write)


def _write(
    result: Assigned,
    tables: dict[str, pd.DataFrame],
    figures: dict[str, Any],
    folder: Path,
    options: IncidentOptions,
    calendar: Calendar,
) -> list[Path]:
    """Write tables, workbook, column map, summary and the one-page summary of a study."""
    # openpyxl and jinja2 take 0.5 s of CPU to import, and are not needed for the first result.
    from api.commands.incidents.page import page_content, write_page
    from api.files.workbook import write_workbook

    written = write_tables(tables, folder)
    written.append(write_column_map(result.incidents.attrs["columns"], folder / "columns.toml"))
    small = {name: frame for name, frame in tables.items() if len(frame) <= _MOST_IN_WORKBOOK}
    written.append(write_workbook({_SHEETS[name]: frame for name, frame in small.items()}, folder / "incidents.xlsx"))
    write_json(figures, folder / "summary.json")
    content = page_content(figures["file"], result.incidents, result.placed, tables, figures, calendar, options.zone)
    write_page(content, folder / "summary.html")
    return [*written, folder / "summary.json", folder / "summary.html"]


def _tables(
    result: Assigned, cells: Division | gpd.GeoDataFrame, options: IncidentOptions, calendar: Calendar
) -> dict[str, pd.DataFrame]:
    """All tables of a study, by name."""
    found = result.incidents
    outline = cells.street if isinstance(cells, Division) else cells
    layers = counted_layers(cells)
    level, column, main = layers[1] if len(layers) > 1 else layers[0]
    if options.earlier:
        found = _by_day(found, cells, options)
    tables = {"assigned": _with_due(found, options, calendar), "counts": result.counts}
    kinds = counts(result.incidents, cells, by="kind_name")
    kinds = kinds[(kinds["incidents"] > 0) & (kinds["level"].isna() | (kinds["level"] == level))]
    tables["kinds"] = kinds[
        [c for c in ("code", "name", "level", "kind_name", "incidents", "per_km2", "per_1000") if c in kinds]
    ]
    tables["hot"] = result.hot
    placed = result.incidents[~result.incidents["default_point"].astype(bool)]
    if placed["reported_at"].notna().any():
        tables["weekly"] = weekly(result.incidents, layers, zone=options.zone)
        tables |= _trend_tables(placed, main, column, options.zone)
    if options.visits is not None:
        tables["patrols"] = _against_patrols(result.incidents, options.visits, main, column, options.zone)
    early = _before_all(found, cells, options)
    tables["rows"] = notice_rows(result.incidents, datum_doubts(result.incidents, outline), early=early)
    tables["refused"] = refused_rows(result.incidents)
    tables["outside"] = outside_rows(result.incidents, outline)
    return tables


def _against_patrols(
    incidents: gpd.GeoDataFrame, path: Path, main: gpd.GeoDataFrame, column: str, zone: str
) -> pd.DataFrame:
    """Incidents of each cell compared with its patrols on their common days, which are named with the caution."""
    some, visits, days = in_common_days(incidents, read_visits(path), zone=zone)
    compared = against_patrols(some, visits, main, column=column)
    if days is not None:
        first, last = days
        compared.attrs["caution_zh"] = f"案件与巡查均取{first}至{last}。{compared.attrs['caution_zh']}"
        compared.attrs["caution_en"] = f"Incidents and patrols of {first} to {last}. {compared.attrs['caution_en']}"
    return compared


def _trend_tables(placed: gpd.GeoDataFrame, main: gpd.GeoDataFrame, column: str, zone: str) -> dict[str, pd.DataFrame]:
    """Hot spots by week, if there are at least three weeks."""
    number = periods(placed["reported_at"], zone=zone)
    if number.isna().all() or int(number.max()) < 2:
        return {}
    return {"trends": trends(placed, main, column=column, period=number)}


def _with_due(found: gpd.GeoDataFrame, options: IncidentOptions, calendar: Calendar) -> gpd.GeoDataFrame:
    """Add the due time of each incident, if time limits are given."""
    if options.limits is None:
        return found
    due = due_times(found, time_limits(options.limits), calendar)
    if (open_years := int(calendar.provisional(found["reported_at"], due).sum())) > 0:
        notice(
            f"{counted(open_years, 'deadline touches', 'deadlines touch')} a year whose public holidays the calendar does "
            f"not list ({calendar.years[0]} to "
            f"{calendar.years[1]} are listed); those in working time may move when it is announced"
        )
    return found.assign(due_at=due)


def _by_day(found: gpd.GeoDataFrame, cells: Division | gpd.GeoDataFrame, options: IncidentOptions) -> gpd.GeoDataFrame:
    if not isinstance(cells, Division):
        raise InputError("earlier divisions need the present one (--cells) to be a division too")
    divisions = [(f"{path.name}", read_division(path)) for path in options.earlier] + [("--cells", cells)]
    dated = {_since(division, name): division for name, division in divisions}
    if len(dated) < len(divisions):
        raise InputError("two divisions are valid from the same day; give one per day")
    return assign_by_day(found, dated, zone=options.zone, within_m=options.within_m)


def _before_all(
    found: gpd.GeoDataFrame, cells: Division | gpd.GeoDataFrame, options: IncidentOptions
) -> pd.Series[bool]:
    """Which incidents are older than all given divisions."""
    if VALID_FROM in found:
        return pd.Series(found["reported_at"].notna() & found[VALID_FROM].isna())
    day = _valid_from(cells) if isinstance(cells, Division) else None
    if day is None:
        return pd.Series(False, index=found.index)
    local = found["reported_at"].dt.tz_convert(options.zone).dt.tz_localize(None)
    return pd.Series(local < pd.Timestamp(day))


def _valid_from(division: Division) -> dt.date | None:
    given = division.street["valid_from"].iloc[0] if "valid_from" in division.street else None
    day = pd.to_datetime(str(given)[:10], errors="coerce", format="%Y-%m-%d")
    return None if pd.isna(day) else day.date()


def _since(division: Division, name: str) -> dt.date:
    """First day of validity of a division, from its street."""
    day = _valid_from(division)
    if day is None:
        raise ColumnError(f"{name}: its street has no valid_from, so its first day of validity is unknown")
    return day


def _more_figures(result: Assigned, tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    attrs = result.incidents.attrs
    kinds = tables["rows"]["kind"].value_counts()
    more: dict[str, Any] = {
        "columns": attrs.get("columns", {}),
        "datums": attrs.get("datums", {}),
        "source": attrs.get("source", {}),
        "default_points": attrs.get("default_points", []),
        "row_notices": {str(k): int(n) for k, n in kinds.items()},
        "hot_note_zh": result.hot.attrs["note_zh"],
    }
    if "weekly" in tables:
        change = tables["weekly"]
        more["weekly"] = {**change.attrs, **{name: int((change["change"] == name).sum()) for name in ("up", "down")}}
    if "trends" in tables:
        more["trends"] = {name: int(n) for name, n in tables["trends"]["trend"].value_counts().items()}
        more["trends_note_zh"] = tables["trends"].attrs["note_zh"]
    if "patrols" in tables:
        more["neglected"] = int(tables["patrols"]["neglected"].sum())
        more["caution_zh"] = tables["patrols"].attrs["caution_zh"]
    return more
