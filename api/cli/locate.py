"""``wangge locate``: finds the cell of every point."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import options
from api.cli.console import emit_json, out, progress, table

if TYPE_CHECKING:
    from api.commands.locate import Located


class Interval(StrEnum):
    """Time intervals of counts."""

    HOUR = "hour"
    DAY = "day"


Points = Annotated[
    Path,
    typer.Argument(
        metavar="POINTS",
        help="点：CSV、Excel、Parquet、矢量文件，或同类文件的文件夹。Points: a file, or a folder of CSV or Parquet files.",
    ),
]
Target = Annotated[
    Path | None, typer.Option("--out", "-o", metavar="OUT", help="输出文件：CSV、Parquet 等。File to write.")
]
PointsLayer = Annotated[str | None, typer.Option(metavar="L", help="点文件中的图层。Layer of the points' file.")]
X = Annotated[str | None, typer.Option("--x", metavar="COL", help="经度或横坐标所在列。Column of x.")]
Y = Annotated[str | None, typer.Option("--y", metavar="COL", help="纬度或纵坐标所在列。Column of y.")]
TableCrs = Annotated[
    str | None, typer.Option("--crs", metavar="CRS", help="CSV 坐标的坐标系，如 EPSG:4549。CRS of a CSV's x, y.")
]
Encoding = Annotated[
    str | None,
    typer.Option(metavar="E", help="CSV 编码，如 gb18030，默认自动识别。Encoding of a CSV, guessed by default."),
]
Counts = Annotated[Path | None, typer.Option(metavar="OUT2", help="各网格点数（CSV）。Count per cell, as CSV.")]
By = Annotated[Interval | None, typer.Option(help="按小时或按天计数，需要 --time。Count by hour or day; needs --time.")]
Time = Annotated[str | None, typer.Option(metavar="COL", help="时间所在列。Column of times.")]
Zone = Annotated[
    str, typer.Option(metavar="ZONE", help="时间无时区时的时区。Zone of times without one, and of the hours.")
]
Cluster = Annotated[
    str | None,
    typer.Option(metavar="ADDRESS", help="Dask 调度器地址，或 local。Address of a Dask scheduler, or local."),
]
Workers = Annotated[
    int | None, typer.Option(metavar="N", min=1, help="本机进程数，配合 --cluster local。Local worker processes.")
]


def run(
    points: Points,
    cells: options.Cells,
    target: Target = None,
    layer: options.Layer = None,
    code: options.Code = None,
    points_layer: PointsLayer = None,
    x: X = None,
    y: Y = None,
    datum: options.DatumName = None,
    crs: TableCrs = None,
    encoding: Encoding = None,
    counts: Counts = None,
    by: By = None,
    time: Time = None,
    zone: Zone = "Asia/Shanghai",
    cluster: Cluster = None,
    workers: Workers = None,
    json: options.Json = False,
) -> None:
    """点落入哪个网格：每个点恰好属于一个网格或不在任何网格内。

    Find the cell of every point. OUT has all columns of POINTS and the column `cell` (`cell_2` if POINTS has one), empty outside
    all cells. All points are checked before anything is written; unusable rows are counted, and the first ten are listed. An
    interrupted run is resumed when it is started again.
    """
    from api.commands.locate import LocateOptions, PointColumns, locate_points

    wanted = LocateOptions(
        columns=PointColumns(
            x=x, y=y, datum=datum, crs=crs, encoding=encoding, layer=points_layer, time=time, zone=zone
        ),
        layer=layer,
        code=code,
        counts_path=counts,
        by=by.value if by else None,
        cluster=cluster,
        workers=workers,
    )
    with progress(quiet=json) as report:
        done = locate_points(points, cells, target, wanted, progress=report)
    if json:
        emit_json(done.to_dict())
    else:
        written = " + ".join(str(path) for path in (target, counts) if path is not None)
        _print(done, f"点落格 locate: {points.name} → {written}")


def _print(done: Located, title: str) -> None:
    rows = [
        ["点 points", f"{done.points:,}"],
        ["在网格内 in a cell", f"{done.located:,}"],
        ["在网格外 outside all cells", f"{done.outside:,}"],
        ["无可用坐标 no usable coordinates", f"{done.unusable:,}"],
        ["有点的网格 cells with points", f"{done.cells_hit:,} / {done.cells:,}"],
    ]
    if done.resumed_parts:
        rows.append(["续做前已完成 parts done before", f"{done.resumed_parts:,}"])
    out().print(table(title, ["项目 item", "数量 count"], rows))
