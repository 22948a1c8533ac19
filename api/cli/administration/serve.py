"""``wangge serve``: serves over HTTP."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

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
    workers: Annotated[
        int | None, typer.Option(metavar="N", min=1, max=64, help="进程数（WANGGE_WORKERS）。Processes that answer.")
    ] = None,
) -> None:
    """启动网页与接口服务。

    Serve the pages and the API: /, /coverage, /heat, /locate, /api, /health.
    """
    import gc

    # Enabled again when the division is loaded (api.direct.front), at the latest when the server ends or does not start.
    gc.disable()
    try:
        _serve({"database": database, "pages": pages, "host": host, "port": port, "workers": workers})
    finally:
        gc.enable()


def _serve(given: dict[str, Any]) -> None:
    import os
    from dataclasses import replace
    from datetime import UTC, datetime

    from api.cli.console import out
    from api.database.accounts import administrator_link, has_administrator
    from api.server import serve
    from api.settings import Settings

    known = Settings.from_environment(os.environ)
    settings = replace(known, **{name: value for name, value in given.items() if value is not None})
    link = None
    with options.opened_store(settings.database) as (opened, street):
        if not has_administrator(opened, street):
            link = administrator_link(opened, street, "admin", at=datetime.now(UTC)).text

    def ready(address: str) -> None:
        out().print(f"服务地址 serving: {address}  (Ctrl+C 停止 stops)", markup=False, highlight=False)
        if link is not None:
            # Printed here only, never logged: the link gives administrator rights.
            line = f"首次登录（一次有效）first login, once: {address}login/{link}"
            out().print(line, markup=False, highlight=False, soft_wrap=True)

    serve(settings, ready=ready)
