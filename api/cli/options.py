"""Options shared by several commands."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from sqlalchemy.orm import Session

    from api.settings import Settings

Json = Annotated[
    bool, typer.Option("--json", help="标准输出只写一个 JSON 文档。Write one JSON document to standard output.")
]
Layer = Annotated[
    str | None,
    typer.Option("--layer", metavar="L", help="图层名；方案文件用 community、second、third。Layer name."),
]
Cells = Annotated[
    Path,
    typer.Option(
        "--cells", metavar="FILE", help="网格文件：方案或任意面图层。Cells: a division, or any layer of polygons."
    ),
]
Code = Annotated[
    str | None,
    typer.Option(
        "--code", metavar="COL", help="网格编号所在列，默认自动识别。Column of the cells' code; guessed by default."
    ),
]
Parent = Annotated[
    str | None,
    typer.Option(
        "--parent",
        metavar="COL",
        help="登记上级编码的列，默认自动判断。Column that names the parent; by default the codes or the place tell.",
    ),
]
DatumName = Annotated[
    str | None,
    typer.Option(
        "--datum", metavar="D", help="坐标基准:WGS-84、CGCS2000、GCJ-02、BD-09。Datum of longitudes and latitudes."
    ),
]
Allowed = Annotated[
    Path | None,
    typer.Option("--allowed", metavar="F", help="允许空出的地块：飞地、水面。Ground that may stay bare."),
]
Crs = Annotated[
    str | None,
    typer.Option("--crs", metavar="CRS", help="文件未声明坐标系时指定，如 EPSG:4549。CRS of files that declare none."),
]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="OUT", help="输出文件。File to write.")]
Seed = Annotated[int, typer.Option("--seed", metavar="N", min=0, help="随机种子；同样的种子得到同样的结果。Seed.")]
OutDir = Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="输出文件夹。Folder to write to.")]
Roads = Annotated[
    Path | None, typer.Option("--roads", metavar="F", help="底图道路（线）。Roads drawn in the background.")
]
Water = Annotated[
    Path | None, typer.Option("--water", metavar="F", help="底图水面（面）。Water drawn in the background.")
]
Background = Annotated[
    Path | None,
    typer.Option(
        "--background",
        metavar="F",
        help="底图 GeoPackage：图层 roads、water、green、railways、buildings、neighbours（相邻街道、地铁线、站点）。Layers of "
        "the background; neighbours are adjoining streets, metro lines and stations.",
    ),
]
Title = Annotated[str | None, typer.Option("--title", metavar="TEXT", help="地图标题。Title of the map.")]
Database = Annotated[
    str | None,
    typer.Option(
        "--database",
        metavar="URL",
        help="SQLite 文件或数据库地址，默认取 WANGGE_DATABASE，再默认 out/wangge.sqlite。SQLite file or database URL.",
    ),
]


Zone = Annotated[str, typer.Option("--zone", metavar="ZONE", help="时间无时区时的时区。Zone of times without one.")]


def database_setting(given: str | None) -> str:
    """Database of a command: the option, or the setting."""
    import os

    from api.settings import Settings

    return given or Settings.from_environment(os.environ).database


@contextmanager
def opened_store(given: str | None) -> Iterator[tuple[Session, int]]:
    """A write transaction, and the number of the street of the settings."""
    import os

    from api.database import open_store, session, street_of
    from api.database.migrate import require_schema
    from api.settings import Settings

    engine = open_store(database_setting(given))
    try:
        require_schema(engine)
        with session(engine, write=True) as opened:
            yield opened, street_of(opened, Settings.from_environment(os.environ).street or None)
    finally:
        engine.dispose()


def settings_of(given: str | None) -> Settings:
    """Settings of the environment, with the database given on the command line."""
    import os

    from api.settings import DATABASE, Settings

    return Settings.from_environment({**os.environ, DATABASE: str(database_setting(given))})


def parse_counts(text: str) -> tuple[int, int, int]:
    """Parse numbers of communities, second-level and third-level grids.

    Raises
    ------
    BadParameter
        Unless there are three whole numbers above zero, none smaller than the one before.

    >>> parse_counts("13,255,3052")
    (13, 255, 3052)
    """
    parts = [part.strip() for part in text.replace("，", ",").split(",")]
    if len(parts) != len(_COUNTED):
        raise typer.BadParameter(f"'{text}': three whole numbers are expected, like 13,255,3052")
    for part, level in zip(parts, _COUNTED, strict=True):
        if not part.removeprefix("-").isdecimal():
            raise typer.BadParameter(f"'{text}': '{part}' is not a whole number; write it like 13,255,3052")
        if int(part) < 1:
            raise typer.BadParameter(f"'{text}': the number of {level} is {part}; every level needs at least one")
    first, second, third = (int(part) for part in parts)
    if not first <= second <= third:
        raise typer.BadParameter(f"'{text}': a level cannot have fewer grids than the level above it")
    return first, second, third


_COUNTED = ("communities", "second-level grids", "third-level grids")


def parse_day(text: str, name: str) -> date:
    """Parse a day, written as 2026-03-01.

    Raises
    ------
    BadParameter
        If it is not a day.
    """
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"{name} '{text}': a day is written like 2026-03-01") from error
