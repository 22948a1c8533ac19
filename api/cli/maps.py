"""``wangge map``: draws maps from stored results, each as one HTML file or as a sheet of A3 or A4."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli import options
from api.cli.console import emit_json, out

app = typer.Typer(
    help="制图：覆盖图、案件图、均衡图，均为单个离线网页，或 A3、A4 图纸。Maps, each one page that needs no network, or a sheet.",
    no_args_is_help=False,
)

Target = Annotated[
    Path,
    typer.Option(
        "--out",
        "-o",
        metavar="OUT",
        help="网页 .html，或图纸 .pdf、.png（需要 Chromium）。A page, or a sheet, which needs Chromium.",
    ),
]
Shown = Annotated[
    int, typer.Option("--level", metavar="L", min=1, max=3, help="图纸显示的层级。Level that a sheet shows.")
]
Language = Annotated[str, typer.Option("--language", metavar="zh|en", help="图纸的语言。Language of a sheet.")]
Paper = Annotated[
    str, typer.Option("--paper", metavar="A3|A4", help="图纸的纸张，默认 A3。Paper of a sheet, A3 by default.")
]
Division = Annotated[Path, typer.Option("--division", metavar="FILE", help="方案文件。The division.")]


@app.command("coverage")
def coverage(
    verdicts: Annotated[Path, typer.Argument(metavar="VERDICTS", help="patrols 写出的 verdicts.csv。Verdicts.")],
    division: Division,
    target: Target,
    day: Annotated[str | None, typer.Option(metavar="DAY", help="日期，默认最后一天。The last day by default.")] = None,
    visits: Annotated[
        Path | None, typer.Option(metavar="F", help="visits.csv,作为依据显示。Visits, as evidence.")
    ] = None,
    roads: options.Roads = None,
    water: options.Water = None,
    background: options.Background = None,
    title: options.Title = None,
    level: Shown = 2,
    language: Language = "zh",
    paper: Paper = "A3",
    json: options.Json = False,
) -> None:
    """覆盖图：每个网格当天的核验结论。

    Coverage map: the verdict of every grid on one day.
    """
    from api.commands.maps import coverage_page
    from api.files.background import backdrop_of

    backdrop = backdrop_of(background, roads=roads, water=water)
    wanted = None if day is None else options.parse_day(day, "--day")
    shown = coverage_page(
        verdicts,
        division,
        target,
        day=wanted,
        visits_path=visits,
        backdrop=backdrop,
        title=title,
        view=_view(level, language, paper),
    )
    if json:
        emit_json({"out": str(target), "day": shown})
    else:
        out().print(f"已写出 written: {target} ({shown})", markup=False)


@app.command("incidents")
def incidents(
    incidents: Annotated[Path, typer.Argument(metavar="INCIDENTS", help="案件文件。Incidents.")],
    division: Division,
    target: Target,
    datum: options.DatumName = None,
    roads: options.Roads = None,
    water: options.Water = None,
    background: options.Background = None,
    title: options.Title = None,
    level: Shown = 1,
    by: Annotated[
        str,
        typer.Option(
            "--by",
            metavar="M",
            help="图纸着色：density、incidents、per_km2、per_1000。What a sheet is coloured by.",
        ),
    ] = "density",
    language: Language = "zh",
    paper: Paper = "A3",
    json: options.Json = False,
) -> None:
    """案件图：热力、各级网格案件数与热点，可选类别和时间。

    Incident map: density, counts at each level and hot spots, by kind and time.
    """
    from api.commands.maps import incidents_page
    from api.files.background import backdrop_of
    from maps.heat import MEASURES

    if by not in ("density", *MEASURES):
        raise typer.BadParameter(f"--by '{by}': use {', '.join(('density', *MEASURES))}")
    backdrop = backdrop_of(background, roads=roads, water=water)
    view = _view(level, language, paper) + ("" if by == "density" else f"&by={by}")
    number = incidents_page(incidents, division, target, datum=datum, backdrop=backdrop, title=title, view=view)
    if json:
        emit_json({"out": str(target), "incidents": number})
    else:
        out().print(f"已写出 written: {target} ({number:,} 件 incidents)", markup=False)


@app.command("fairness")
def fairness(
    division: Annotated[Path, typer.Argument(metavar="DIVISION", help="方案文件。The division.")],
    target: Target,
    old: Annotated[
        Path | None, typer.Option("--old", metavar="FILE", help="旧方案，并排对比。The division before, drawn beside.")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option(
            metavar="PERCENT", min=0.1, max=100, help="允许偏差（%）。Tolerance; by default that of each level."
        ),
    ] = None,
    roads: options.Roads = None,
    water: options.Water = None,
    background: options.Background = None,
    title: options.Title = None,
    level: Shown = 2,
    language: Language = "zh",
    paper: Paper = "A3",
    json: options.Json = False,
) -> None:
    """均衡图：各级网格的工作量、人口、面积与同级均值之差，对照允许偏差与理论下限，可与旧方案并排。

    Fairness map: workload, residents and area of every grid against the mean, tolerance and proven bound.
    """
    from api.commands.maps import fairness_page
    from api.files.background import backdrop_of

    within = fairness_page(
        division,
        target,
        old_path=old,
        tolerance=None if tolerance is None else tolerance / 100,
        backdrop=backdrop_of(background, roads=roads, water=water),
        title=title,
        view=_view(level, language, paper),
    )
    if json:
        emit_json({"out": str(target), "within_tolerance": within})
    else:
        out().print(f"已写出 written: {target}", markup=False)


def _view(level: int, language: str, paper: str) -> str:
    """View and paper of a sheet, as in the address of the page."""
    if paper.upper() not in ("A3", "A4"):
        raise typer.BadParameter(f"--paper '{paper}': use A3 or A4")
    if language not in ("zh", "en"):
        raise typer.BadParameter(f"--language '{language}': use zh or en")
    return f"level={level}" + ("&lang=en" if language == "en" else "") + ("&paper=A4" if paper.upper() == "A4" else "")
