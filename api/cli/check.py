"""``wangge check``: checks a division and lists its faults."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from api.cli import options
from api.cli.console import FINDINGS, emit_json, out, table
from geo.wording import counted

if TYPE_CHECKING:
    from geo.coverage import LevelReport, Report


def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="方案文件或面图层。A division, or a layer of polygons.")],
    layer: options.Layer = None,
    outline: Annotated[Path | None, typer.Option(metavar="F", help="应覆盖的范围。Area that must be covered.")] = None,
    parents: Annotated[Path | None, typer.Option(metavar="F", help="上级网格。Cells of the level above.")] = None,
    allowed: options.Allowed = None,
    tolerance_m: Annotated[
        float, typer.Option("--tolerance-m", metavar="T", min=0.0, help="容差（米）。Tolerance in metres.")
    ] = 0.001,
    counts: Annotated[
        str | None, typer.Option(metavar="A,B,C", help="应有的各级网格数。Counts that must hold, like 13,255,3052.")
    ] = None,
    code: options.Code = None,
    parent: options.Parent = None,
    crs: options.Crs = None,
    every: Annotated[
        bool, typer.Option("--all", help="列出每一处问题。List every finding behind what is to be done.")
    ] = False,
    map_file: Annotated[
        Path | None,
        typer.Option("--map", metavar="F", help="把问题画成网页地图。Draw the findings as a map, one HTML file."),
    ] = None,
    roads: options.Roads = None,
    water: options.Water = None,
    json: options.Json = False,
) -> None:
    """检查网格：是否全覆盖、不重叠、逐级嵌套；有问题时退出码为 1。

    Check that the cells cover the ground, do not overlap, and nest at every level. Exit code 1 if there are errors.
    """
    from api.commands.check import CheckOptions, check_file, draw_check
    from api.files.inputs import optional_layer

    if map_file is not None:
        from maps.document import require_page  # folium: 0.4 s of CPU

        require_page(map_file)
    wanted = CheckOptions(
        layer=layer,
        outline=outline,
        parents=parents,
        allowed=allowed,
        expected=None if counts is None else options.parse_counts(counts),
        tolerance_m=tolerance_m,
        code=code,
        parent=parent,
        crs=crs,
    )
    report = check_file(file, wanted)
    if map_file is not None:
        backdrop = {"roads": optional_layer(roads), "water": optional_layer(water)}
        draw_check(report, file, map_file, wanted, backdrop=backdrop)
    show(report, file.name, json=json, every=every)


def show(report: Report, name: str, *, json: bool, every: bool = False, **more: object) -> None:
    """Print a report, as JSON including `more` or as tables, and exit with code 1 if it has errors."""
    if json:
        emit_json({"file": name, **report.to_dict(), **more})
    else:
        print_report(report, name, every=every)
    if not report.ok:
        raise typer.Exit(FINDINGS)


def print_report(report: Report, name: str, *, every: bool = False) -> None:
    """Print the figures per level and what to do; with `every`, all findings."""
    console = out()
    headings = ["层级 level", "网格数 cells", "面积 area km²", "覆盖 covered", "未覆盖 m²", "重叠 m²", "发现 findings"]
    rows = [_row(level, int((report.findings["layer"] == level.layer).sum())) for level in report.levels]
    console.print(table(f"检查 check: {name}", headings, rows))
    for level in report.levels:
        for zh, en in level.remarks():
            console.print(f"{level.layer}: {zh}。{en[0].upper()}{en[1:]}.", markup=False)
        if level.fine():
            width = f"{report.tolerance_m * 1000:g} mm"
            console.print(f"{level.layer}: 窄于 {width}，不计 narrower, not counted: {level.fine()}", markup=False)
    if report.findings.empty:
        console.print("✓ 未发现问题。No findings.")
        return
    _print_to_do(report)
    if every:
        _print_findings(report)
    else:
        number = len(report.findings)
        console.print(
            f"共 {number:,} 处，用 --all 或 --json 逐条查看。{counted(number, 'finding')}: use --all to list.",
            markup=False,
        )
    if report.ok:
        console.print("✓ 只有提示，没有错误。Warnings only, no errors.")


def _print_to_do(report: Report) -> None:
    """Print the most important causes, each with description, place of the largest finding, and what to do."""
    from geo.coverage.report import FIRST_SCREEN
    from geo.layers.crs import crs_name

    console = out()
    groups = report.groups()
    crs = "" if report.findings.crs is None else f" {crs_name(report.findings.crs)}"
    console.print("要做的事 what to do:", markup=False)
    for number, group in enumerate(groups[:FIRST_SCREEN], start=1):
        where = (
            "" if group.place is None else f" 最大一处 largest at ({group.place[0]:.10g}, {group.place[1]:.10g}){crs}."
        )
        layer = f"{group.layer}: " if len(report.levels) > 1 else ""
        console.print(f"{number}. {group.severity} {layer}{group.zh}", markup=False)
        console.print(f"   {group.en[0].upper()}{group.en[1:]}{where}", markup=False)
    if len(groups) > FIRST_SCREEN:
        rest = groups[FIRST_SCREEN:]
        count = sum(group.count for group in rest)
        console.print(
            f"… 另有 {len(rest)} 类共 {count:,} 处。{counted(len(rest), 'more cause')}, {counted(count, 'finding')}.",
            markup=False,
        )


def _print_findings(report: Report) -> None:
    """Print the number of findings of each kind, then every one."""
    from geo.coverage.report import EXPLANATIONS, Kind

    console = out()
    areas = report.findings.groupby("kind")["area_m2"].sum()
    kinds = [
        [f"{EXPLANATIONS[Kind(kind)][0]} {kind}", f"{number:,}", f"{areas[kind]:,.2f}"]
        for kind, number in report.counts().items()
    ]
    console.print(table("发现 findings", ["类型 kind", "数量 count", "面积 area m²"], kinds))
    for row in report.findings.itertuples():
        console.print(f"- {row.severity} {row.layer}: {row.explanation} ({row.area_m2:,.2f} m²)", markup=False)


def _row(level: LevelReport, findings: int) -> list[str]:
    from geo.coverage.report import percent
    from geo.layers import Level

    names = {known.layer: f"{known.zh} {known.layer}" for known in Level}
    return [
        names.get(level.layer, level.layer),
        f"{level.cells:,}",
        f"{level.area_m2 / 1e6:,.2f}",
        "–" if level.covered is None else percent(level.covered),
        f"{level.uncovered_m2:,.2f}",
        f"{level.overlap_m2:,.2f}",
        f"{findings:,}",
    ]
