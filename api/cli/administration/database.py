"""``wangge db``: the database of division versions."""

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
def upgrade(
    database: options.Database = None,
    backup_dir: Annotated[
        Path | None, typer.Option("--backup-dir", metavar="DIR", help="升级前备份到此文件夹。Folder of the backup.")
    ] = None,
    no_backup: Annotated[bool, typer.Option("--no-backup", help="不备份。Without a backup.")] = False,
    json: options.Json = False,
) -> None:
    """建立数据库或升级到当前结构；升级前先备份。

    Create the database, or upgrade its schema. A backup is made first.
    """
    from api.database import open_store
    from api.database import upgrade as run_migrations
    from api.database.backup import backup as write_backup
    from api.database.migrate import revisions

    engine = open_store(options.database_setting(database), must_exist=False)
    try:
        found, expected = revisions(engine)
        if found not in (None, expected) and not no_backup:
            local = engine.dialect.name == "sqlite"
            folder = backup_dir or (Path(str(engine.url.database)).parent if local else Path())
            name = f"before-{expected}-{datetime.now(UTC):%Y%m%dT%H%M%S}.{'sqlite' if local else 'dump'}"
            write_backup(engine, folder / name)
            if not json:
                out().print(f"备份 backup: {folder / name}", markup=False)
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
    """把方案存为一个版本；先检查，有问题的方案只能存为草案。

    Store a division as a version. It is checked first; with findings it can only be a draft.
    """
    from api.commands.store import import_division

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
    from api.commands.store import export_division

    stored = export_division(target, options.database_setting(database), version_id=version)
    if json:
        emit_json({"version": stored.id, "out": str(target)})
    else:
        out().print(f"版本 version {stored.id} → {target}", markup=False)


@app.command("list")
def list_(database: options.Database = None, json: options.Json = False) -> None:
    """列出方案版本：状态、生效日期、谁在何时为何发布。

    List the versions: state, first day of validity, and by whom, when and why they were published.
    """
    from api.database import history, list_versions

    rows = []
    with options.opened_store(database) as (opened, _):
        for version in list_versions(opened):
            events = history(opened, version.id)
            last = events[-1] if events else None
            retired = next((e.day for e in events if e.action == "retired"), None)
            state = "retired" if retired else "published" if version.published_at else "draft"
            rows.append(
                {
                    "version": version.id,
                    "street": version.street_code,
                    "state": state,
                    "valid_from": version.valid_from.isoformat(),
                    "retired_from": None if retired is None else retired.isoformat(),
                    "published_at": version.published_at,
                    "by": "" if last is None else last.actor,
                    "reason": None if last is None else last.reason,
                    "note": version.note,
                }
            )
    if json:
        emit_json(rows)
        return
    for row in rows:
        words = (
            row["version"],
            row["street"],
            row["state"],
            row["valid_from"],
            row["by"],
            row["reason"] or row["note"] or "",
        )
        out().print("\t".join(map(str, words)), markup=False, highlight=False)


@app.command("backup")
def backup(
    target: Annotated[
        Path, typer.Argument(metavar="FILE", help="备份文件，不得已存在。File to write; must not exist.")
    ],
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """在运行中备份整个数据库；写完并检查后才出现。

    Back up the database while it is in use. The file appears when it is complete and verified.
    """
    from api.database import open_store
    from api.database.backup import backup as write_backup

    engine = open_store(options.database_setting(database))
    try:
        size = write_backup(engine, target)
    finally:
        engine.dispose()
    if json:
        emit_json({"file": str(target), "bytes": size})
    else:
        out().print(f"备份 backup: {target} ({size:,} B)", markup=False)


@app.command("restore")
def restore(
    source: Annotated[Path, typer.Argument(metavar="FILE", help="备份文件。A backup.")],
    database: options.Database = None,
) -> None:
    """从备份恢复到新的数据库；不覆盖任何数据。

    Create a database from a backup. Nothing is overwritten.
    """
    from api.database.backup import restore as read_backup

    read_backup(source, options.database_setting(database))


@app.command("move")
def move(
    target: Annotated[str, typer.Argument(metavar="URL", help="新数据库：文件或地址。The new store: a file or URL.")],
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """把全部数据搬到另一数据库（SQLite 与 PostGIS 互相迁移），逐表核对。

    Copy all data to another database, SQLite to PostGIS or back, and compare every table.
    """
    from api.database import open_store
    from api.database import upgrade as run_migrations
    from api.database.move import move as copy_store

    source = open_store(options.database_setting(database))
    engine = open_store(target, must_exist=False)
    try:
        run_migrations(engine)
        counts = copy_store(source, engine)
    finally:
        source.dispose()
        engine.dispose()
    if json:
        emit_json(counts)
    else:
        out().print(f"已搬 moved: {sum(counts.values()):,} 行 rows", markup=False)


@app.command("purge")
def purge(
    subject: Annotated[str, typer.Argument(metavar="WHAT", help="fix、event、incident_photo 或 audit。")],
    days: Annotated[int, typer.Option("--days", metavar="N", min=1, help="保留天数。Days that are kept.")],
    database: options.Database = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="真正删除；否则只计数。Delete; without it they are counted.")
    ] = False,
    json: options.Json = False,
) -> None:
    """按保留期删除旧数据；默认只试算。

    Delete data older than the retention period. Without --yes the rows are only counted.
    """
    from api.database import open_store
    from api.database.retention import purge as delete_old

    engine = open_store(options.database_setting(database))
    try:
        now = datetime.now(UTC)
        count = delete_old(engine, subject, days=days, now=now, actor="command line", dry_run=not yes)
    finally:
        engine.dispose()
    if json:
        emit_json({"subject": subject, "rows": count, "deleted": yes})
    else:
        out().print(f"{'已删除 deleted' if yes else '将删除 would delete'}: {count:,}", markup=False)


@app.command("archive")
def archive(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="存放 GeoParquet 的文件夹。Folder of the files.")],
    days: Annotated[int, typer.Option("--days", metavar="N", min=7, help="库中保留的天数。Days that stay.")] = 7,
    database: options.Database = None,
    delete: Annotated[
        bool, typer.Option("--delete", help="写完并核对后从库中删除。Delete what was written and read back.")
    ] = False,
    json: options.Json = False,
) -> None:
    """把旧日期的定位点写成 GeoParquet：每个街道一个文件夹，每天一个文件。

    Write fixes of old days to GeoParquet: one folder per street, one file per UTC day.
    """
    from api.commands.archive import archive as write_days
    from api.database import open_store

    engine = open_store(options.database_setting(database))
    try:
        written = write_days(engine, folder, days=days, now=datetime.now(UTC), delete=delete, actor="command line")
    finally:
        engine.dispose()
    if json:
        emit_json([{"street": w.street, "day": w.day, "fixes": w.fixes, "file": str(w.path)} for w in written])
        return
    for one in written:
        out().print(f"{one.path}: {one.fixes:,}", markup=False, highlight=False)
