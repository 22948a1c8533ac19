"""``wangge duty import``: imports the roster, plans of shifts and reports from tables."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import options
from api.cli.console import FINDINGS, emit_json, out

if TYPE_CHECKING:
    from api.commands.duty.imports import Imported

Source = Annotated[Path, typer.Argument(metavar="FILE", help="Excel 或 CSV；book.xlsx/表名 指定工作表。Excel or CSV.")]
Kind = Annotated[
    str,
    typer.Option(
        "--as", metavar="KIND", help="roster 责任人名册，shifts 值班表，reports 上报件（12345、信箱）。What it holds."
    ),
]
Since = Annotated[
    datetime | None,
    typer.Option(formats=["%Y-%m-%d"], help="未写开始日期的行自此日起。First day of rows without one; default: today."),
]
Columns = Annotated[
    str, typer.Option(metavar="A=B,…", help="列名对应，如 cell=网格,name=姓名。Our names of columns to headers.")
]
Datum = Annotated[str | None, typer.Option(metavar="D", help="坐标基准：WGS-84、CGCS2000、GCJ-02、BD-09。Datum.")]


def run(
    source: Source,
    kind: Kind = "roster",
    since: Since = None,
    columns: Columns = "",
    datum: Datum = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """从表格导入责任人名册、值班表或上报件；有误的行逐行说明，其余照常入库。

    Import a roster, a plan of shifts or reports. Faulty rows are listed, all others are stored. Exit code 1 if a row was refused
    or the roster has findings.
    """
    from api.commands.duty.imports import import_incidents, import_roster, import_shifts
    from geo.errors import InputError

    if kind not in ("roster", "shifts", "reports"):
        raise InputError(f"--as {kind}: use roster, shifts or reports")
    now = datetime.now(UTC)
    first = date.today() if since is None else since.date()
    named = _columns(columns)
    with options.opened_store(database) as (opened, street):
        from api.database import current_version, read_version
        from api.database.duty.reports import Sender
        from api.database.duty.rosters import Recorder
        from api.database.events import audit
        from api.duty.desk import seal_of, standing_of
        from geo.duty import Role

        settings = options.settings_of(database)
        division = read_version(opened, current_version(opened, day=date.today()).id)
        if kind == "roster":
            done = import_roster(
                opened, street, source, division, since=first, recorder=Recorder("command line", now), columns=named
            )
        elif kind == "shifts":
            done = import_shifts(
                opened,
                street,
                source,
                zone=settings.zone,
                recorder=lambda _: Recorder("command line", now),
                communities=[str(name) for name in division.community["name"]],
                columns=named,
            )
        else:
            done = import_incidents(
                opened,
                street,
                source,
                division,
                sender=Sender("command line", Role.CLERK, now, settings.zone),
                standing=standing_of(settings),
                seal=seal_of(settings),
                options={"datum": datum, "columns": named or None},
            )
        audit(opened, street, "command line", f"import {kind}", source.name, at=now, **done.stored)
    _print_result(done, as_json=json)
    if done.refused or len(done.findings):
        raise typer.Exit(FINDINGS)


def _columns(text: str) -> dict[str, str]:
    from geo.errors import InputError

    pairs = [part.split("=", 1) for part in text.replace("，", ",").split(",") if part.strip()]
    if wrong := [pair for pair in pairs if len(pair) != 2]:
        raise InputError(f"--columns: '{wrong[0][0]}' is not like name=姓名")
    return {name.strip(): header.strip() for name, header in pairs}


def _print_result(done: Imported, *, as_json: bool) -> None:
    findings = done.findings.to_dict("records") if len(done.findings) else []
    if as_json:
        emit_json(
            {
                "rows": done.rows,
                **done.stored,
                "refused": [dict(row) for row in done.refused],
                "notices": [{"zh": text.zh, "en": text.en} for text in done.notices],
                "findings": [{name: str(value) for name, value in row.items()} for row in findings],
            }
        )
        return
    stored = "，".join(f"{name} {count}" for name, count in done.stored.items())
    lines = [f"行 rows: {done.rows}；{stored}；未收 refused {len(done.refused)}"]
    lines += [str(text) for text in done.notices]
    lines += [
        f"第{row['row']}行 row {row['row']}: {row['reason_zh']} {row['reason']}"
        + (f"（{row['value']}）" if row["value"] else "")
        for row in done.refused
    ]
    lines += [f"{row['explanation_zh']} {row['explanation']}" for row in findings[:50]]
    if len(findings) > 50:
        lines.append(f"另有{len(findings) - 50}条 and {len(findings) - 50} more; --json lists all")
    out().print("\n".join(lines), markup=False, highlight=False, soft_wrap=True)
