"""``wangge incidents``: assigns incidents to grids and evaluates them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import options
from api.cli.console import emit_json, out, progress, table

if TYPE_CHECKING:
    from api.commands.incidents.assignment import Assigned

File = Annotated[Path, typer.Argument(metavar="FILE", help="案件：CSV、Excel 或矢量文件。Incidents.")]
WithinM = Annotated[
    float, typer.Option("--within-m", metavar="D", min=0.0, help="落在网格外但不超过此距离的归入最近网格。")
]
ColumnMap = Annotated[
    Path | None,
    typer.Option(metavar="F", help="字段对应（TOML），可由上次写出的 columns.toml 改成。Column map."),
]
BandwidthM = Annotated[
    list[float] | None,
    typer.Option(
        "--bandwidth-m", metavar="M", min=1.0, help="密度带宽（米），可给多个，默认 150。Bandwidth, repeatable."
    ),
]
Catalogue = Annotated[
    Path | None, typer.Option(metavar="F", help="自有事项目录（CSV：code,name）。Your own catalogue.")
]
Limits = Annotated[Path | None, typer.Option(metavar="F", help="本地处置时限（CSV：code,limit）。Time limits.")]
Calendar = Annotated[Path | None, typer.Option(metavar="F", help="节假日与调休（CSV：day,kind）。Public holidays.")]
Earlier = Annotated[
    list[Path] | None, typer.Option(metavar="F", help="此前有效的方案，可给多个。Divisions that held before.")
]
Dates = Annotated[
    str | None,
    typer.Option(
        metavar="ORDER",
        help="05/06/2026 之类日期的顺序：month-first 或 day-first。Order of such dates; by default their column decides.",
    ),
]
Visits = Annotated[Path | None, typer.Option(metavar="F", help="patrols 写出的 visits.csv，用于对照巡查。Visits.")]


def run(
    file: File,
    cells: options.Cells,
    folder: options.OutDir = Path("out/incidents"),
    layer: options.Layer = None,
    code: options.Code = None,
    datum: options.DatumName = None,
    zone: options.Zone = "Asia/Shanghai",
    dates: Dates = None,
    within_m: WithinM = 0.0,
    columns: ColumnMap = None,
    crs: options.Crs = None,
    bandwidth_m: BandwidthM = None,
    catalogue: Catalogue = None,
    limits: Limits = None,
    calendar: Calendar = None,
    earlier: Earlier = None,
    visits: Visits = None,
    roads: options.Roads = None,
    water: options.Water = None,
    json: options.Json = False,
) -> None:
    """案件分析：每件归入网格，统计、密度、热点、对照巡查，写出表格与简报。

    Assign every incident to one grid; count, map and find hot spots. Writes tables (CSV and incidents.xlsx), columns.toml,
    summary.json, summary.html and, for a division, the density (GeoTIFF, contours, image) and heat.html.
    """
    from api.commands.incidents.run import IncidentOptions, incident_file
    from api.files.inputs import optional_layer
    from geo.incidents import BANDWIDTH_M

    wanted = IncidentOptions(
        layer=layer,
        code=code,
        datum=datum,
        crs=crs,
        zone=zone,
        dates=dates,
        columns=columns,
        within_m=within_m,
        bandwidths_m=tuple(bandwidth_m or [BANDWIDTH_M]),
        catalogue=catalogue,
        limits=limits,
        calendar=calendar,
        earlier=tuple(earlier or ()),
        visits=visits,
    )
    backdrop = {"roads": optional_layer(roads), "water": optional_layer(water)}
    with progress(quiet=json) as report:
        tell = None if json else report.before(lambda result: _print(result, file.name))
        result, written = incident_file(
            file, cells, folder, options=wanted, backdrop=backdrop, progress=report, tell=tell
        )
    if json:
        emit_json({"file": file.name, **result.to_dict(), "written": [str(path) for path in written]})
    else:
        out().print("已写出 written: " + ", ".join(map(str, written)), markup=False)


def _print(result: Assigned, name: str) -> None:
    """Print the number of incidents by level, and the assigned columns."""
    console, figures = out(), result.to_dict()
    rows = [
        ["案件 incidents", f"{figures['incidents']:,}"],
        ["落入网格 in a cell", f"{figures['inside']:,}"],
        ["网格外 outside all cells", f"{figures['outside']:,}"],
        ["坐标不可用 refused rows", f"{figures['refused_rows']:,}"],
        ["恰在边界上 on a border", f"{figures['on_border']:,}"],
        ["默认坐标 at a default point", f"{figures['default_point']:,}"],
        ["编号重复 repeated numbers", f"{figures['repeats']:,}"],
        *([f"热点 hot spots: {level}", f"{number:,}"] for level, number in figures["hot_cells"].items()),
    ]
    console.print(table(f"案件 incidents: {name}", ["项目 item", "数量 count"], rows))
    headings = ["层级 level", "网格 cells", "有案件 with incidents", "案件 incidents"]
    levels = [
        [level, *(f"{number:,}" for number in (row["cells"], row["cells_with_incidents"], row["incidents"]))]
        for level, row in figures["levels"].items()
    ]
    console.print(table("各级统计 by level", headings, levels))
    used = ", ".join(f"{name}={header}" for name, header in result.incidents.attrs["columns"].items())
    console.print(f"字段对应 columns: {used}", markup=False)
    console.print(f"热点 hot spots: {result.hot.attrs['note_zh']}", markup=False)
    console.file.flush()
