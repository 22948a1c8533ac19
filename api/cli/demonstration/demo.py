"""``wangge demo``: all steps on the model street, then the pages."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import options
from api.cli.console import FINDINGS, emit_json, out, progress
from geo.errors import InputError

if TYPE_CHECKING:
    from api.commands.demo.job import Demo


#: Files that mark a folder with an earlier demonstration.
_NEEDED = ("wangge.sqlite", "background.gpkg")


def run(
    folder: Annotated[Path, typer.Option("--out", "-o", metavar="DIR", help="输出文件夹。Folder to write to.")] = Path(
        "out"
    ),
    serve: Annotated[
        bool, typer.Option("--serve/--no-serve", help="完成后启动网页服务。Serve the pages at the end.")
    ] = True,
    seed: options.Seed = 0,
    host: Annotated[str, typer.Option(metavar="H", help="监听地址。Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, typer.Option(metavar="P", min=0, max=65535, help="端口，默认任一空闲端口。Port; a free one by default.")
    ] = 0,
    live: Annotated[
        bool,
        typer.Option(
            "--live",
            help="启动服务并逐步发送次日的定位，使地图随之变化，结束后自行停止；输出文件夹已有演示数据时直接使用。"
            "Serve, and send the next day's fixes bit by bit, so that the map moves; ends by itself. A folder that holds a "
            "demonstration already is used as it is.",
        ),
    ] = False,
    speed: Annotated[
        float, typer.Option(metavar="X", min=1.0, help="--live 的倍速。Seconds of the day for one second of --live.")
    ] = 120.0,
    json: options.Json = False,
) -> None:
    """演示：在模型街道上走完全过程：划分、检查、巡查核验、案件落格、制图。

    All steps on the model street: divide, check, verify a day of patrols, count a month of incidents, draw the maps.
    """
    from api.commands.demo.job import Demo, run_demo

    if live and json:
        raise InputError("--live writes lines while it runs; leave --json out")
    if live and all((folder / name).is_file() for name in _NEEDED):
        _serve(Demo(folder), host, port, live=(seed, speed))
        return
    with progress(quiet=json) as report:
        demo = run_demo(folder, seed=seed, progress=report)
    if json:
        emit_json(
            {**demo.figures, "steps": [vars(step) for step in demo.steps], "seconds": demo.seconds, "out": str(folder)}
        )
    else:
        _print(demo)
    if demo.report is not None and not demo.report.ok:
        raise typer.Exit(FINDINGS)
    if live:
        _serve(demo, host, port, live=(seed, speed))
    elif serve and not json:
        _serve(demo, host, port)


def _print(demo: Demo) -> None:
    from rich.table import Table

    made = Table(
        title="网格演示 wangge demo", title_justify="left", title_style="bold", header_style="bold", show_footer=True
    )
    made.add_column("步骤 step", footer="合计 total", no_wrap=True)
    made.add_column("结果 what it found", footer=f"文件在 files in {demo.folder}/")
    made.add_column("秒 s", footer=f"{demo.seconds:.1f}", justify="right")
    for step in demo.steps:
        made.add_row(step.name, step.found, f"{step.seconds:.1f}")
    out().print(made)


def _serve(demo: Demo, host: str, port: int, *, live: tuple[int, float] | None = None) -> None:
    """Serve the demonstration; with a seed and a speed, replay a day meanwhile."""
    from datetime import UTC, datetime

    from api.commands.demo.cases import TELEPHONES, clock_of_cases, enable_demo_viewer
    from api.database.accounts import administrator_link
    from api.overview.service_maps import BACKGROUND
    from api.server import serve
    from api.settings import Settings

    settings = Settings(
        database=str(demo.database),
        pages=demo.folder,
        layers=str(demo.folder / BACKGROUND),
        host=host,
        port=port,
        public_pages=True,
        telephones=",".join(f"{name}={number}" for name, number in {"hotline": "12345", **TELEPHONES}.items()),
    )
    with options.opened_store(str(demo.database)) as (opened, street):
        now = datetime.now(UTC)
        link = administrator_link(opened, street, "demo", at=now).text
        enable_demo_viewer(opened, street, "demo", at=now)
        case_clock = clock_of_cases(opened, street, demo.moment)

    if live is not None:
        from api.cli.demonstration.live import serve_live

        if fault := serve_live(settings, seed=live[0], speed=live[1], link=link):
            raise fault
        return

    def ready(address: str) -> None:
        line = f"打开 open: {address}login/{link}  (Ctrl+C 停止 stops)"
        out().print(line, markup=False, highlight=False, soft_wrap=True)
        cases = f"办件时钟从 {demo.moment:%Y-%m-%d %H:%M} UTC 起走 the clock of the cases goes on from there"
        out().print(cases, markup=False, highlight=False, soft_wrap=True)

    serve(settings, ready=ready, case_clock=case_clock)
