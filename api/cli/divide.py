"""``wangge divide``: divides a street into grids."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from api.cli import options
from api.cli.check import show
from api.cli.console import out, progress, table
from geo.wording import counted

#: How many of the parents that could not be balanced are printed with the reason.
_WORST = 3

Street = Annotated[
    Path,
    typer.Option(
        metavar="F",
        help="街道范围（面）。Outline of the street, polygons.",
    ),
]
Roads = Annotated[
    Path | None,
    typer.Option(
        metavar="F",
        help="道路（线，字段 highway）。Roads, lines.",
    ),
]
Buildings = Annotated[
    Path | None,
    typer.Option(
        metavar="F",
        help="建筑物（面）。Buildings, polygons.",
    ),
]
Barriers = Annotated[
    list[Path] | None, typer.Option(metavar="F", help="铁路、水面等，可重复。Railways, water; may be repeated.")
]
Communities = Annotated[
    Path | None, typer.Option(metavar="F", help="社区法定边界，逐点保留。Communities, kept to the vertex.")
]
Incidents = Annotated[
    Path | None, typer.Option(metavar="F", help="历史案件（点），按权重计入工作量。Past incidents, points.")
]
Locks = Annotated[
    Path | None,
    typer.Option(metavar="F", help="锁定：面为不得改动的二级网格，线为必须保留的边界。Grids and borders to keep."),
]
CurrentGrids = Annotated[
    Path | None,
    typer.Option(metavar="F", help="现行二级网格，尽量不动。Current second-level grids, kept where balance allows."),
]
WeightsFile = Annotated[
    Path | None, typer.Option(metavar="F", help="工作量权重（TOML）。Weights of the workload, TOML.")
]
ReportFolder = Annotated[
    Path | None, typer.Option(metavar="DIR", help="写出报告、图表和花名册。Write report, plots and roster there.")
]
Counts = Annotated[
    str,
    typer.Option(
        metavar="A,B,C", help="社区、二级、三级网格数。Numbers of communities, second- and third-level grids."
    ),
]
ValidFrom = Annotated[
    str | None,
    typer.Option(
        metavar="DAY",
        help="生效日期。Day from which it holds.",
    ),
]


def run(
    street: Street,
    target: options.Out = Path("out/divide/division.gpkg"),
    roads: Roads = None,
    buildings: Buildings = None,
    barriers: Barriers = None,
    communities: Communities = None,
    incidents: Incidents = None,
    locks: Locks = None,
    current: CurrentGrids = None,
    weights: WeightsFile = None,
    report: ReportFolder = None,
    counts: Counts = "13,255,3052",
    valid_from: ValidFrom = None,
    crs: options.Crs = None,
    seed: options.Seed = 0,
    json: options.Json = False,
) -> None:
    """划分网格：社区、二级、三级，数量精确，逐级嵌套，写出后即检查。

    Divide a street into exact numbers of communities, second- and third-level grids, and check the result.
    """
    from api.commands.divide import Sources, divide_files

    wanted = options.parse_counts(counts)
    day = None if valid_from is None else options.parse_day(valid_from, "--valid-from")
    sources = Sources(
        street,
        roads=roads,
        buildings=buildings,
        barriers=tuple(barriers or ()),
        communities=communities,
        incidents=incidents,
        locks=locks,
        current=current,
        weights=weights,
        crs=crs,
    )
    with progress(quiet=json) as tell:
        checked, figures = divide_files(
            sources, target, counts=wanted, valid_from=day, seed=seed, report=report, progress=tell
        )
    if not json:
        _print_figures(figures, target)
    show(checked, target.name, json=json, division=figures)


def _print_figures(figures: dict[str, Any], target: Path) -> None:
    """Print balance, compactness and share on roads of each level, and the parents that could not be balanced."""
    names = {"community": "社区 community", "second": "二级网格 second", "third": "三级网格 third"}
    rows = [
        [
            names[name],
            f"{level['count']:,}",
            f"{level['off_mean']['mean']:.1%}",
            f"{level['off_mean']['max']:.1%}",
            "–" if level["on_barriers"] is None else f"{level['on_barriers']:.0%}",
            f"{level['compactness']:.2f}",
        ]
        for name, level in figures["levels"].items()
    ]
    headings = [
        "层级 level",
        "数量 count",
        "平均偏差 mean off",
        "最大偏差 max off",
        "沿界 on barriers",
        "紧凑度 compactness",
    ]
    console = out()
    console.print(table(f"划分 divide: {target}", headings, rows))
    missed = figures["obstacles"]
    if missed:
        best = sum(row["reached"] <= row["bound"] for row in missed)
        console.print(
            f"{len(missed)} 个上级网格内未达均衡容差，其中 {best} 个已证明不可能更均衡；缘由与建议见 --report。"
            f"{counted(len(missed), 'parent holds', 'parents hold')} grids beyond the tolerance; for {best} it is proven that no "
            "division is more even. --report says why and what to do.",
            markup=False,
        )
        for row in sorted(missed, key=lambda row: -row["reached"])[:_WORST]:
            console.print(
                f"  {row['parent']} {row['reached']:.0%}（下限 bound {row['bound']:.0%}）：{row['proposal_zh']}。"
                f"{row['proposal_en']}.",
                markup=False,
            )
