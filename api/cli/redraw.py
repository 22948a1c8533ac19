"""``wangge redraw``: edits of a division from files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli import options
from api.cli.console import FINDINGS, emit_json, out, table
from geo.layers.columns import Level

app = typer.Typer(
    help="调整方案：套用修改、比较、对照、导入 GIS 中的修改。Edit a division: apply, compare, crosswalk, import.",
    no_args_is_help=False,
)

Old = Annotated[Path, typer.Argument(metavar="OLD", help="原方案。The former division.")]
New = Annotated[Path, typer.Argument(metavar="NEW", help="新方案。The later division.")]


@app.command("apply")
def apply(
    division: Annotated[Path, typer.Argument(metavar="DIVISION", help="原方案。The division to edit.")],
    edits: Annotated[Path, typer.Argument(metavar="EDITS", help="修改清单（JSON）。A file of edits.")],
    target: options.Out,
    buildings: Annotated[
        Path | None, typer.Option(metavar="F", help="建筑，用于分摊人口。Buildings, by which people are shared out.")
    ] = None,
    accept: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KIND=REASON", help="接受的警告及理由，可重复。Warnings accepted, with the reason; repeatable."
        ),
    ] = None,
    json: options.Json = False,
) -> None:
    """依次套用修改清单，全部成功才写出结果。

    Apply the edits of a file as one transaction.
    """
    from api.commands.redraw import apply_edits

    reasons = dict(_reason(text) for text in accept or ())
    done = apply_edits(division, edits, target, buildings=buildings, accept=reasons)
    if json:
        emit_json({"edits": done.edits, "cells": done.cells, "words": done.words, "out": str(target)})
        return
    for zh, en in done.words:
        out().print(f"{zh} {en}", markup=False, highlight=False)
    out().print(f"已套用 {done.edits} 项修改 edits applied → {target}", markup=False, highlight=False)


def _reason(text: str) -> tuple[str, str]:
    kind, mark, reason = text.partition("=")
    if not mark or not reason.strip():
        raise typer.BadParameter("give the reason, for example --accept cut_building=待拆")
    return kind.strip(), reason.strip()


@app.command("compare")
def compare(old: Old, new: New, json: options.Json = False) -> None:
    """比较两个方案：哪些网格变了，多少居民更换格长；有差异时退出码为 1。

    Compare two divisions. Exit code 1 if they differ.
    """
    from api.commands.redraw import compare_files

    words, cells, leaders = compare_files(old, new)
    if json:
        emit_json({"words": words, "cells": cells.to_dict("records"), "leaders": leaders.to_dict("records")})
    else:
        for zh, en in words:
            out().print(f"{zh} {en}", markup=False, highlight=False)
        rows = [
            [str(row.from_code), str(row.to_code), f"{row.population:,.0f}", str(row.from_leader), str(row.to_leader)]
            for row in leaders.head(20).itertuples()
        ]
        if rows:
            headings = ["原网格 from", "新网格 to", "居民 residents", "原格长 leader", "新格长 leader"]
            out().print(table("更换格长 under another leader", headings, rows, left=2))
    if len(cells):
        raise typer.Exit(FINDINGS)


@app.command("crosswalk")
def crosswalk(
    old: Old,
    new: New,
    target: options.Out,
    level: Annotated[
        str, typer.Option(metavar="LEVEL", help="community、second 或 third。Level of the cells.")
    ] = "second",
    json: options.Json = False,
) -> None:
    """两个方案的对照表（CSV）：原网格的哪一部分在哪个新网格，面积与人口总数不变。

    Crosswalk: common parts of old and new cells; areas and residents add up.
    """
    from api.commands.redraw import crosswalk_files

    levels = {known.layer: known for known in Level if known is not Level.STREET}
    if level not in levels:
        raise typer.BadParameter(f"--level is one of {', '.join(levels)}")
    rows = crosswalk_files(old, new, levels[level], target)
    if json:
        emit_json({"rows": rows, "out": str(target)})
    else:
        out().print(f"{rows:,} 行 rows → {target}", markup=False, highlight=False)


@app.command("import")
def import_(
    base: Annotated[Path, typer.Argument(metavar="BASE", help="交出去的方案。The division that was handed out.")],
    edited: Annotated[Path, typer.Argument(metavar="FILE", help="在 GIS 中改过的文件。The file that came back.")],
    target: options.Out,
    findings: Annotated[
        Path | None, typer.Option(metavar="F", help="问题清单（CSV）。What was mended or needs a decision.")
    ] = None,
    json: options.Json = False,
) -> None:
    """把在 QGIS 等软件中改过的方案读成修改清单；有需要决定的问题时退出码为 1。

    Convert a division edited in a GIS to a file of edits. Exit code 1 if a decision of the planner is needed.
    """
    from api.commands.redraw import import_edited

    edits, found = import_edited(base, edited, target, findings)
    if json:
        emit_json(
            {
                "edits": [edit.to_dict() for edit in edits],
                "findings": found.drop(columns="geometry").to_dict("records"),
                "out": str(target),
            }
        )
    else:
        rows = [
            [str(severity), str(kind), f"{len(cells):,}", str(explanation)]
            for kind, cells, _, explanation, severity in found.to_numpy().tolist()
        ]
        if rows:
            out().print(table("导入说明 findings", ["程度 severity", "种类 kind", "网格 cells", "说明"], rows, left=4))
        out().print(f"{len(edits):,} 项修改 edits → {target}", markup=False, highlight=False)
    if (found["severity"] == "error").any():
        raise typer.Exit(FINDINGS)
