"""``wangge serve``: answer over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli import options


def run(
    database: options.Database = None,
    pages: Annotated[
        Path | None, typer.Option(metavar="DIR", help="地图网页所在文件夹（WANGGE_PAGES）。Folder of the maps.")
    ] = None,
    host: Annotated[
        str | None, typer.Option(metavar="H", help="监听地址（WANGGE_HOST）。Address to listen on.")
    ] = None,
    port: Annotated[
        int | None,
        typer.Option(metavar="P", min=0, max=65535, help="端口，0 为任一空闲端口（WANGGE_PORT）。0: a free port."),
    ] = None,
) -> None:
    """启动网页与接口服务。

    Serve the pages and the interface: /, /coverage, /heat, /locate, /api, /health.
    """
    import os

    from api.cli.console import out
    from api.server import serve
    from api.settings import Settings

    known = Settings.from_environment(os.environ)
    settings = Settings(
        database=known.database if database is None else database,
        pages=known.pages if pages is None else pages,
        host=known.host if host is None else host,
        port=known.port if port is None else port,
    )
    serve(
        settings, ready=lambda address: out().print(f"服务地址 serving: {address}  (Ctrl+C 停止 stops)", markup=False)
    )
