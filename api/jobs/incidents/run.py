"""Incidents of a file to cells, counts, hot spots and a map."""

from __future__ import annotations

import base64
import datetime as dt
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from api.documents import write_json
from api.inputs import read_cells
from api.jobs import Progress, silent
from api.jobs.incidents.page import page_content, write_page
from api.jobs.incidents.tables import (
    outside_rows,
    read_column_map,
    refused_rows,
    told_rows,
    write_column_map,
    write_tables,
)
from api.outputs import make_folder
from api.workbook import write_workbook
from geo.errors import ColumnError, InputError
from geo.incidents import (
    BANDWIDTH_M,
    Calendar,
    Catalogue,
    Density,
    against_patrols,
    assign,
    assign_by_day,
    contours,
    counted_layers,
    counts,
    datum_doubts,
    density,
    due_times,
    geotiff,
    hotspots,
    periods,
    read_incidents,
    time_limits,
    trends,
    weekly,
)
from geo.incidents.columns import VALID_FROM
from geo.incidents.surface.kernel_density import CELL_M
from geo.layers import Division, Level, aside, read_division, write_layer
from geo.layers.columns import LEVEL
from maps.raster import density_picture

# A workbook of more rows takes a minute to write and cannot be opened on an office machine.
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
class Assigned:
    """Incidents with their cells, and what is counted from them.

    Attributes
    ----------
    incidents
        All columns that came in and those of :func:`geo.incidents.assign`.
    counts
        One row per cell of each level.
    placed
        The same without reports at default points.
    hot
        Cells with their Gi* and whether they are hot: second and third level of a division, each tested by itself, else
        all cells. Reports at a default point are left out, as in the density: their place says nothing.
    refused
        Number of rows without usable coordinates.
    """

    incidents: gpd.GeoDataFrame
    counts: pd.DataFrame
    placed: pd.DataFrame
    hot: gpd.GeoDataFrame
    refused: int

    @property
    def inside(self) -> int:
        """Number of incidents that lie in a cell."""
        return int(self.incidents["cell"].notna().sum())

    def hot_cells(self) -> dict[str, int]:
        """Number of hot cells of each level that was tested."""
        if LEVEL not in self.hot:
            return {"cells": int(self.hot["hot"].sum())}
        return {Level(level).layer: int(rows["hot"].sum()) for level, rows in self.hot.groupby(LEVEL)}

    def to_dict(self) -> dict[str, Any]:
        """The figures, for a document."""
        levels = {}
        for level in self.counts[LEVEL].drop_duplicates():
            # A layer that is no level of a division has no number.
            single = pd.isna(level)
            rows = self.counts if single else self.counts[self.counts[LEVEL] == level]
            name = "cells" if single else Level(level).layer
            hit = int((rows["incidents"] > 0).sum())
            levels[name] = {"cells": len(rows), "cells_with_incidents": hit, "incidents": int(rows["incidents"].sum())}
        return {
            "incidents": len(self.incidents),
            "inside": self.inside,
            "outside": len(self.incidents) - self.inside,
            "refused_rows": self.refused,
            "on_border": int(self.incidents["on_border"].sum()),
            "default_point": int(self.incidents["default_point"].sum()),
            "repeats": int(self.incidents["repeat"].sum()),
            "hot_cells": self.hot_cells(),
            "hot_note": self.hot.attrs["note_en"],
            "levels": levels,
        }


def assign_incidents(
    incidents: gpd.GeoDataFrame, cells: Division | gpd.GeoDataFrame, *, within_m: float = 0.0
) -> Assigned:
    """Put incidents into cells, count them, and look for hot spots."""
    assigned = assign(incidents, cells, within_m=within_m)
    counted = counts(assigned, cells)
    placed = counts(assigned[~assigned["default_point"].astype(bool)], cells)
    return Assigned(assigned, counted, placed, _hot(placed, cells), len(incidents.attrs.get("refused", ())))


def _hot(counted: pd.DataFrame, cells: Division | gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Hot spots of each level that is fine enough to have any, with what is to be said of all of them."""
    if not isinstance(cells, Division):
        return hotspots(counted, cells)
    tested = {level: hotspots(counted, cells.layer(level)) for level in (Level.SECOND, Level.THIRD)}
    joined = pd.concat([frame.assign(level=int(level)) for level, frame in tested.items()], ignore_index=True)
    joined.attrs = {
        "shown": any(frame.attrs["shown"] for frame in tested.values()),
        "note_zh": " ".join(f"{level.zh}：{frame.attrs['note_zh']}" for level, frame in tested.items()),
        "note_en": " ".join(f"Level {int(level)}: {frame.attrs['note_en']}" for level, frame in tested.items()),
    }
    return joined


@dataclass(frozen=True)
class Options:
    """What a study of incidents can be told beyond its two files.

    Attributes
    ----------
    layer, code
        Layer of the cells, and the column of their code.
    datum, crs, zone, columns
        How the file of reports is read; `columns` is a column map, TOML.
    within_m
        How far outside a report may lie and still go to the nearest cell; metres.
    bandwidths_m
        Widths of the kernel; the first is that of the map.
    catalogue, limits, calendar
        A customer's kinds, time limits and holidays.
    earlier
        Divisions that held before, each with `valid_from`.
    visits
        ``visits.csv`` of ``wangge patrols``.
    """

    layer: str | None = None
    code: str | None = None
    datum: str | None = None
    crs: str | None = None
    zone: str = "Asia/Shanghai"
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
    options: Options = Options(),
    backdrop: dict[str, gpd.GeoDataFrame | None] | None = None,
    progress: Progress = silent,
) -> tuple[Assigned, list[Path]]:
    """Study a file of incidents and write what is found.

    Tables ``assigned, counts, kinds, hot, rows, refused, outside`` and, where there is what they need, ``weekly, trends,
    patrols``, as CSV and together as ``incidents.xlsx``; ``columns.toml``, the column map; ``summary.json`` and the one-page
    ``summary.html``; with a division ``density.tif``, ``contours.geojson``, ``density.png`` and ``heat.html``.

    Returns
    -------
    tuple
        The result, and the files written.
    """
    cells = read_cells(cells_path, layer=options.layer, code=options.code)
    own = None if options.catalogue is None else Catalogue.read(options.catalogue)
    calendar = Calendar.china() if options.calendar is None else Calendar.read(options.calendar)
    progress("读取案件 reading", 0.05)
    incidents = read_incidents(
        path,
        datum=options.datum,
        zone=options.zone,
        crs=options.crs,
        columns=read_column_map(options.columns),
        catalogue=own,
    )
    progress("落格 assigning", 0.3)
    result = assign_incidents(incidents, cells, within_m=options.within_m)
    make_folder(folder)
    progress("统计 counting", 0.5)
    tables = _tables(result, cells, options, calendar)
    written = write_tables(tables, folder)
    written.append(write_column_map(incidents.attrs["columns"], folder / "columns.toml"))
    small = {name: frame for name, frame in tables.items() if len(frame) <= _MOST_IN_WORKBOOK}
    written.append(write_workbook({_SHEETS[name]: frame for name, frame in small.items()}, folder / "incidents.xlsx"))
    figures = {"file": path.name, **result.to_dict(), **_more_figures(result, tables)}
    write_json(figures, folder / "summary.json")
    content = page_content(path.name, result.incidents, result.placed, tables, figures, calendar, options.zone)
    write_page(content, folder / "summary.html")
    written += [folder / "summary.json", folder / "summary.html"]
    if isinstance(cells, Division):
        progress("绘图 drawing", 0.7)
        written += _draw(cells, result, folder, options, backdrop or {})
    return result, written


def _tables(
    result: Assigned, cells: Division | gpd.GeoDataFrame, options: Options, calendar: Calendar
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
        tables["patrols"] = against_patrols(result.incidents, _visits(options.visits), main, column=column)
    early = _before_all(found, cells, options)
    tables["rows"] = told_rows(result.incidents, datum_doubts(result.incidents, outline), early=early)
    tables["refused"] = refused_rows(result.incidents)
    tables["outside"] = outside_rows(result.incidents, outline)
    return tables


def _trend_tables(placed: gpd.GeoDataFrame, main: gpd.GeoDataFrame, column: str, zone: str) -> dict[str, pd.DataFrame]:
    """Hot spots from week to week, where there are three weeks or more."""
    number = periods(placed["reported_at"], zone=zone)
    if number.isna().all() or int(number.max()) < 2:
        return {}
    return {"trends": trends(placed, main, column=column, period=number)}


def _with_due(found: gpd.GeoDataFrame, options: Options, calendar: Calendar) -> gpd.GeoDataFrame:
    """Add when each report was due, where the time limits of the place are given."""
    if options.limits is None:
        return found
    return found.assign(due_at=due_times(found, time_limits(options.limits), calendar))


def _by_day(found: gpd.GeoDataFrame, cells: Division | gpd.GeoDataFrame, options: Options) -> gpd.GeoDataFrame:
    if not isinstance(cells, Division):
        raise InputError("earlier divisions need the present one (--cells) to be a division too")
    divisions = [(f"{path.name}", read_division(path)) for path in options.earlier] + [("--cells", cells)]
    dated = {_since(division, name): division for name, division in divisions}
    if len(dated) < len(divisions):
        raise InputError("two divisions hold from the same day; give each day one")
    return assign_by_day(found, dated, zone=options.zone, within_m=options.within_m)


def _before_all(found: gpd.GeoDataFrame, cells: Division | gpd.GeoDataFrame, options: Options) -> pd.Series[bool]:
    """Which reports are of a day on which no division that is given held yet."""
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
    """Day from which a division holds, as its street says."""
    day = _valid_from(division)
    if day is None:
        raise ColumnError(
            f"{name}: its street has no valid_from, so the day from which the division holds is not known"
        )
    return day


def _visits(path: Path) -> pd.DataFrame:
    from api.jobs.maps import read_visits

    return read_visits(path)


def _more_figures(result: Assigned, tables: dict[str, pd.DataFrame]) -> dict[str, Any]:
    attrs = result.incidents.attrs
    told = tables["rows"]["what"].value_counts()
    more: dict[str, Any] = {
        "columns": attrs.get("columns", {}),
        "datums": attrs.get("datums", {}),
        "source": attrs.get("source", {}),
        "default_points": attrs.get("default_points", []),
        "told": {str(k): int(n) for k, n in told.items()},
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


def _draw(division: Division, result: Assigned, folder: Path, options: Options, backdrop: dict[str, Any]) -> list[Path]:
    """Density in each bandwidth as GeoTIFF, contours and image, and the map."""
    written, surfaces = [], []
    for number, bandwidth_m in enumerate(options.bandwidths_m):
        surface = density(
            result.incidents, outline=division, bandwidth_m=bandwidth_m, cell_m=min(CELL_M, bandwidth_m / 2)
        )
        surfaces.append(surface)
        name = "density" if number == 0 else f"density_{bandwidth_m:g}m"
        with aside(folder / f"{name}.tif") as temporary:
            temporary.write_bytes(geotiff(surface))
        picture = density_picture(surface.x, surface.y, surface.values, outline=division.street.geometry)
        with aside(folder / f"{name}.png") as temporary:
            temporary.write_bytes(base64.b64decode(picture.uri.partition(",")[2]))
        written += [folder / f"{name}.tif", folder / f"{name}.png"]
        lines = contours(surface, [picture.top * share for share in (0.1, 0.2, 0.4, 0.6, 0.8)])
        if len(lines):
            write_layer(lines, folder / f"{name.replace('density', 'contours')}.geojson")
            written.append(folder / f"{name.replace('density', 'contours')}.geojson")
    return [*written, draw_heat(division, result, folder / "heat.html", surface=surfaces[0], backdrop=backdrop)]


def draw_heat(
    division: Division,
    result: Assigned,
    path: Path,
    *,
    surface: Density | None = None,
    backdrop: dict[str, Any],
    **texts: Any,
) -> Path:
    """Draw the heatmap of incidents, with a density of the usual bandwidth unless one is given."""
    from maps import heat_map, save

    surface = density(result.incidents, outline=division) if surface is None else surface
    drawn = heat_map(division, result.incidents, surface, result.counts, hotspots=result.hot, **backdrop, **texts)
    save(drawn, path)
    return path
