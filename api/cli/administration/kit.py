"""``wangge kit``: a folder for installation without a network."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli import options
from api.cli.console import emit_json, out


def run(
    target: Annotated[Path, typer.Option("-o", "--out", metavar="DIR", help="要建的文件夹。Folder to make.")],
    extra: Annotated[
        list[str] | None, typer.Option("--extra", metavar="NAME", help="可选部分：oidc、cluster。Optional parts.")
    ] = None,
    wheels: Annotated[
        Path | None, typer.Option(metavar="DIR", help="已有的 wheel，不再下载。Wheels that are there; no download.")
    ] = None,
    json: options.Json = False,
) -> None:
    """制作离线安装包：wheel、前端文件、Debian 包名、校验和与安装脚本。

    Create the offline kit. It is installed by 'sh install.sh' on a machine without a network.
    """
    from api.commands.kit import make_kit

    made = make_kit(target, extras=extra or [], wheels=wheels)
    if json:
        emit_json({"folder": str(made.folder), "wheels": made.wheels, "bytes": made.size})
    else:
        out().print(f"安装包 kit: {made.folder} ({made.wheels} wheels, {made.size / 1e6:,.0f} MB)", markup=False)
