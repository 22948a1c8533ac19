"""``wangge patrols``: was every grid patrolled."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from api.cli import options
from api.cli.console import emit_json, out, progress, table


def run(
    tracks: Annotated[
        list[Path],
        typer.Argument(metavar="TRACKS...", help="轨迹：GPX、CSV、Excel、GeoJSON、Traccar、OwnTracks、NMEA。Tracks."),
    ],
    cells: options.Cells,
    folder: options.OutDir = Path("out/patrols"),
    rules: Annotated[Path | None, typer.Option(metavar="FILE", help="规则（TOML）。Rule set, TOML.")] = None,
    day: Annotated[str | None, typer.Option(metavar="DAY", help="只核验这一天，如 2026-03-02。One day only.")] = None,
    first: Annotated[str | None, typer.Option("--from", metavar="DAY", help="起始日。First day.")] = None,
    last: Annotated[str | None, typer.Option("--to", metavar="DAY", help="截止日（含）。Last day, included.")] = None,
    layer: options.Layer = None,
    code: options.Code = None,
    datum: options.DatumName = None,
    zone: Annotated[
        str | None,
        typer.Option(metavar="ZONE", help="轨迹时间无时区时指定，如 Asia/Shanghai。Zone of times without one."),
    ] = None,
    roads: options.Roads = None,
    water: options.Water = None,
    json: options.Json = False,
) -> None:
    """核验巡查：每个二级网格每天是否巡查到位，并给出依据。

    Was each second-level grid patrolled, and how do we know?

    Writes tables (CSV, Parquet, one workbook), evidence and two pages.
    """
    from api.inputs import optional_layer
    from api.jobs.patrols import days_between, patrol_files

    if day is not None and (first is not None or last is not None):
        raise typer.BadParameter("--day cannot be used with --from or --to")
    begin, end = day or first or last, day or last or first
    days = None
    if begin is not None and end is not None:
        days = days_between(options.parse_day(begin, "--from"), options.parse_day(end, "--to"))
    backdrop = {"roads": optional_layer(roads), "water": optional_layer(water)}
    with progress(quiet=json) as report:
        verified, written = patrol_files(
            tracks, cells, folder, rules_path=rules, layer=layer, code=code, datum=datum, zone=zone, days=days,
            backdrop=backdrop, progress=report,
        )  # fmt: skip
    if json:
        emit_json({**verified.to_dict(), "written": [str(path) for path in written]})
        return
    from geo.patrols import VERDICTS

    headings = ["日期 day", *(" ".join(words) for words in VERDICTS.values())]
    rows = [[day.isoformat(), *(f"{verified.counts(day)[state]:,}" for state in VERDICTS)] for day in verified.days]
    console = out()
    console.print(table(f"巡查核验 patrols: {verified.rules.title} ({verified.rules.name})", headings, rows))
    marked = ", ".join(f"{reason} {number:,}" for reason, number in verified.marked.items()) or "0"
    console.print(f"定位点 fixes: {verified.fixes:,}; 无法读取的行 refused rows: {verified.refused:,}", markup=False)
    console.print(f"标记不用 set aside: {marked}", markup=False)
    console.print("已写出 written: " + ", ".join(map(str, written)), markup=False)
