"""``wangge convert``: converts format, CRS, datum and text encoding."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli import options
from api.cli.console import emit_json, out


def run(
    source: Annotated[Path, typer.Argument(metavar="IN", help="输入文件。File to read.")],
    target: Annotated[Path, typer.Argument(metavar="OUT", help="输出文件，格式由扩展名决定。File to write.")],
    from_datum: Annotated[str | None, typer.Option(metavar="D", help="输入坐标基准。Datum of the input.")] = None,
    to_datum: Annotated[str | None, typer.Option(metavar="D", help="输出坐标基准。Datum of the output.")] = None,
    crs: Annotated[
        str | None,
        typer.Option(metavar="CRS", help="输入坐标系，优先于文件声明。CRS of the input, whatever the file declares."),
    ] = None,
    to_crs: Annotated[str | None, typer.Option(metavar="CRS", help="输出坐标系。CRS of the output.")] = None,
    encoding: Annotated[
        str | None, typer.Option(metavar="E", help="输入 Shapefile 的文字编码。Text encoding of the input.")
    ] = None,
    to_encoding: Annotated[
        str | None,
        typer.Option(metavar="E", help="输出 Shapefile 的文字编码，默认 GBK。Text encoding of the output."),
    ] = None,
    swap_xy: Annotated[
        bool, typer.Option("--swap-xy", help="输入的两个坐标次序颠倒。The input has northing or latitude first.")
    ] = False,
    mark_invalid: Annotated[
        bool, typer.Option("--mark-invalid", help="无法读取的图形留空。Leave shapes empty that cannot be read.")
    ] = False,
    layer: options.Layer = None,
    json: options.Json = False,
) -> None:
    """转换格式、坐标系、坐标基准（WGS-84、CGCS2000、GCJ-02、BD-09）与文字编码。

    Convert format, CRS, datum and text encoding. All four layers of a division are converted.
    """
    from api.commands.convert import Change, Reading, convert_file

    rows = convert_file(
        source,
        target,
        reading=Reading(layer=layer, crs=crs, encoding=encoding, swap_xy=swap_xy, mark_invalid=mark_invalid),
        change=Change(from_datum=from_datum, to_datum=to_datum, to_crs=to_crs, to_encoding=to_encoding),
    )
    if json:
        emit_json({"in": str(source), "out": str(target), "rows": rows})
    else:
        out().print(f"已写出 written: {target} ({rows:,} 行 rows)", markup=False)
