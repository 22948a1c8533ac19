"""``wangge db``: the store of division versions."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated

import typer

from api.cli import options
from api.cli.console import emit_json, out

app = typer.Typer(
    help="数据库：建库升级、导入、导出方案。The store: upgrade, import, export divisions.", no_args_is_help=False
)


@app.command("upgrade")
def upgrade(database: options.Database = None, json: options.Json = False) -> None:
    """建立数据库或升级到当前结构。

    Make the store, or bring it to the schema of this program.
    """
    from api.database import open_store
    from api.database import upgrade as run_migrations

    engine = open_store(options.database_setting(database), must_exist=False)
    try:
        before, after = run_migrations(engine)
    finally:
        engine.dispose()
    if json:
        emit_json({"before": before, "after": after})
    else:
        out().print(f"数据库结构 schema: {before or '无 none'} → {after}", markup=False)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="方案文件。A division.")],
    database: options.Database = None,
    publish: Annotated[
        bool, typer.Option("--publish", help="同时发布；发布后不可更改。Publish it: it cannot be changed after that.")
    ] = False,
    valid_from: Annotated[
        str | None, typer.Option(metavar="DAY", help="生效日期，默认今天。Day from which it holds.")
    ] = None,
    note: Annotated[str | None, typer.Option(metavar="TEXT", help="说明。A note.")] = None,
    json: options.Json = False,
) -> None:
    """把方案存为一个版本；先检查，有问题的方案只能存为草稿。

    Store a division as a version. It is checked first: one with findings can be a draft only.
    """
    from api.jobs.store import import_division

    day = date.today() if valid_from is None else options.parse_day(valid_from, "--valid-from")
    stored = import_division(
        file,
        options.database_setting(database),
        valid_from=day,
        now=datetime.now(UTC),
        publish_it=publish,
        note=note,
    )
    if json:
        emit_json({"version": stored.id, "published_at": stored.published_at, "digest": stored.digest})
    else:
        state = "已发布 published" if stored.published_at else "草稿 draft"
        out().print(f"版本 version {stored.id}: {stored.street_name} {stored.counts}, {state}", markup=False)


@app.command("export")
def export(
    target: Annotated[Path, typer.Argument(metavar="OUT", help="要写的方案文件。File to write.")],
    database: options.Database = None,
    version: Annotated[
        int | None, typer.Option(metavar="N", help="版本号，默认现行版本。The current one by default.")
    ] = None,
    json: options.Json = False,
) -> None:
    """把一个版本写成文件。

    Write a version to a file.
    """
    from api.jobs.store import export_division

    stored = export_division(target, options.database_setting(database), version_id=version)
    if json:
        emit_json({"version": stored.id, "out": str(target)})
    else:
        out().print(f"版本 version {stored.id} → {target}", markup=False)
