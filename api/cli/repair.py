"""``wangge repair``: repairs cells and lists the changes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import options
from api.cli.console import FINDINGS, emit_json, out, table

if TYPE_CHECKING:
    from api.commands.repair import Repaired


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="面图层。A layer of polygons.")],
    target: options.Out,
    layer: options.Layer = None,
    outline: Annotated[Path | None, typer.Option(metavar="F", help="应覆盖的范围。Area that must be covered.")] = None,
    parents: Annotated[Path | None, typer.Option(metavar="F", help="上级网格。Cells of the level above.")] = None,
    allowed: options.Allowed = None,
    largest_gap_m2: Annotated[
        float | None,
        typer.Option("--largest-gap-m2", metavar="A", min=0.0, help="更大的空洞保留不填。Larger gaps stay open."),
    ] = None,
    protect: Annotated[
        list[str] | None,
        typer.Option(metavar="CODE", help="不得改动的网格，可重复。Cells that keep their ground; repeatable."),
    ] = None,
    report: Annotated[
        Path | None,
        typer.Option(metavar="F", help="修改清单（CSV），含土地去向与理由。Who gives what to whom, and why."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="只列计划，不写结果。Plan only, write no cells.")] = False,
    code: options.Code = None,
    parent: options.Parent = None,
    crs: options.Crs = None,
    json: options.Json = False,
) -> None:
    """修复网格：消除缝隙和重叠，并列出每一处改动；仍有错误时退出码为 1。

    Close gaps and remove overlaps, and list every change. Exit code 1 if errors are left.
    """
    from api.commands.repair import RepairOptions, repair_file

    wanted = RepairOptions(
        layer=layer,
        outline=outline,
        parents=parents,
        allowed=allowed,
        code=code,
        parent=parent,
        crs=crs,
        largest_gap_m2=largest_gap_m2,
        protected=tuple(protect or ()),
        changes_path=report,
        dry_run=dry_run,
    )
    done = repair_file(file, target, wanted)
    if json:
        emit_json(done.to_dict())
    else:
        _print_repaired(done, f"{file.name} → {'计划 plan' if dry_run else target}")
    if done.errors_after:
        raise typer.Exit(FINDINGS)


def _print_repaired(done: Repaired, where: str) -> None:
    """Print the changes in figures, the polygons made valid, and the rule that determined parents."""
    rows = [
        ["修复前错误 errors before", f"{done.errors_before:,}"],
        ["修复后错误 errors after", f"{done.errors_after:,}"],
        ["改动的网格 cells changed", f"{done.cells_changed:,} / {done.cells:,}"],
        ["易主的土地 ground that changes hands m²", f"{done.moved_m2:,.2f}"],
        ["边界最大移动 farthest move of a border m", f"{done.farthest_m:,.3f}"],
        ["保留待定的空洞 gaps left open", f"{done.gaps_left_open:,}"],
        ["由无效改为有效的图形 polygons made valid", f"{len(done.made_valid):,}"],
    ]
    out().print(table(f"修复 repair: {where}", ["项目 item", "数量 count"], rows))
    for cell, reason in done.made_valid:
        out().print(f"- 改为有效 made valid: {cell} ({reason})", markup=False)
    if done.parent_rule is not None:
        out().print(f"上级依据 parents told by: {done.parent_rule}", markup=False)
