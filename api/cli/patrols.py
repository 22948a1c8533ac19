"""``wangge patrols``: verifies the patrols of every grid."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from api.cli import options
from api.cli.console import emit_json, out, progress, table

if TYPE_CHECKING:
    from rich.console import Console

    from api.commands.patrols.run import PatrolRun
    from api.commands.patrols.verified import Verified

Tracks = Annotated[
    list[Path],
    typer.Argument(metavar="TRACKS...", help="轨迹：GPX、CSV、Excel、GeoJSON、Traccar、OwnTracks、NMEA。Tracks."),
]
RuleFiles = Annotated[
    list[Path] | None,
    typer.Option(metavar="FILE", help="规则（TOML），可多次，按生效日期取用。Rule set, TOML; again for each version."),
]
Day = Annotated[str | None, typer.Option(metavar="DAY", help="只核验这一天，如 2026-03-02。One day only.")]
First = Annotated[str | None, typer.Option("--from", metavar="DAY", help="起始日。First day.")]
Last = Annotated[str | None, typer.Option("--to", metavar="DAY", help="截止日（含）。Last day, included.")]
TrackZone = Annotated[
    str | None,
    typer.Option(metavar="ZONE", help="轨迹时间无时区时指定，如 Asia/Shanghai。Zone of times without one."),
]
DueAt = Annotated[
    str | None,
    typer.Option(
        "--due-at", metavar="TIME", help="列出此刻仍未完成的网格，如 2026-03-02T15:00。What is still due then."
    ),
]
RosterFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="排班表 officer,hours,lon,lat：能否走完。Roster: can it walk all grids?"),
]
RouteFile = Annotated[Path | None, typer.Option(metavar="FILE", help="计划路线（一条线）。A planned route, one line.")]
Checkpoints = Annotated[
    Path | None, typer.Option(metavar="FILE", help="依次到达的打卡点。Checkpoints, in their order.")
]
Device = Annotated[str | None, typer.Option(metavar="NAME", help="走路线的设备。The device that walked the route.")]
Holders = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="设备持有人 device,holder,from,to（日期含首尾）。Who held which device, by dates."
    ),
]
Columns = Annotated[
    str | None,
    typer.Option(
        metavar="MAP",
        help="表格列，如 time=定位时间,lon=X；无表头用列号（从 0 起）。Columns by name, or from 0 without a header.",
    ),
]
Roads = Annotated[
    Path | None,
    typer.Option(
        metavar="F", help="道路（线）：底图、道路覆盖，并用于轨迹匹配。Roads: drawn, looked at, and matched to."
    ),
]
Touched = Annotated[
    bool, typer.Option("--touched", help="写出真实路线经过的网格及概率（有 --roads 时总会写出）。Cells touched.")
]
ByDevice = Annotated[
    bool, typer.Option("--by-device", help="另写各设备的停留与路线，属个人数据。Stops and routes of each device.")
]
Before = Annotated[
    Path | None,
    typer.Option(
        "--before",
        metavar="DIR",
        help="此前一次核验的输出文件夹：对照写入 restated。Folder of an earlier run: its verdicts beside the new ones.",
    ),
]
BlindDays = Annotated[
    int,
    typer.Option(
        "--blind-days", metavar="N", min=1, help="连续几天无人看到即为巡查盲区。Days unseen that make a blind spot."
    ),
]


def run(
    tracks: Tracks,
    cells: options.Cells,
    folder: options.OutDir = Path("out/patrols"),
    rules: RuleFiles = None,
    day: Day = None,
    first: First = None,
    last: Last = None,
    layer: options.Layer = None,
    code: options.Code = None,
    datum: options.DatumName = None,
    zone: TrackZone = None,
    due_at: DueAt = None,
    roster: RosterFile = None,
    route: RouteFile = None,
    checkpoints: Checkpoints = None,
    device: Device = None,
    holders: Holders = None,
    columns: Columns = None,
    roads: Roads = None,
    water: options.Water = None,
    touched: Touched = False,
    by_device: ByDevice = False,
    before: Before = None,
    blind_days: BlindDays = 7,
    json: options.Json = False,
) -> None:
    """核验巡查：每个二级网格每天是否巡查到位，并给出依据。

    Verify for each second-level grid whether it was patrolled, with evidence.

    Writes tables (CSV, Parquet, one workbook), evidence and two pages.
    """
    from api.commands.patrols.run import PatrolOptions, column_map, patrol_files
    from api.files.inputs import optional_layer

    wanted = PatrolOptions(
        rules_paths=tuple(rules or ()),
        layer=layer,
        code=code,
        datum=datum,
        zone=zone,
        columns=column_map(columns),
        days=_days(day, first, last),
        now=datetime.now(UTC),
        with_touched=touched,
        by_device=by_device,
        before=before,
        blind_days=blind_days,
        due_at=due_at,
        roster=roster,
        route=route,
        device=device,
        checkpoints=checkpoints,
        holders=holders,
    )
    backdrop = {"roads": optional_layer(roads), "water": optional_layer(water)}
    with progress(quiet=json) as report:
        tell = None if json else report.before(_print)
        done = patrol_files(tracks, cells, folder, options=wanted, backdrop=backdrop, progress=report, tell=tell)
    if json:
        emit_json({**done.verified.to_dict(), **done.figures, "written": [str(path) for path in done.written]})
    else:
        _print_files(done)


def _days(day: str | None, first: str | None, last: str | None) -> tuple[date, ...] | None:
    """The days to verify; None for all days of the tracks."""
    from api.commands.patrols.run import days_between

    if day is not None and (first is not None or last is not None):
        raise typer.BadParameter("--day cannot be used with --from or --to")
    begin, end = day or first or last, day or last or first
    if begin is None or end is None:
        return None
    return days_between(options.parse_day(begin, "--from"), options.parse_day(end, "--to"))


def _print(verified: Verified) -> None:
    """Print verdicts by day, and what was read."""
    from geo.patrols import VERDICTS

    headings = ["日期 day", *(" ".join(words) for words in VERDICTS.values())]
    rows = [[day.isoformat(), *(f"{verified.counts(day)[state]:,}" for state in VERDICTS)] for day in verified.days]
    console = out()
    title = f"巡查核验 patrols: {verified.rules.heading} ({verified.rules.name}; {verified.rules.zone})"
    console.print(table(title, headings, rows))
    counts = "格长及副职 leader and deputies" if verified.rules.who == "leader" else "任何人 anyone"
    console.print(
        f"计入谁的巡查 whose visits count: {counts}（{verified.counted_persons.zh} {verified.counted_persons.en}）",
        markup=False,
    )
    if verified.sparse[0]:
        number, usual_s = verified.sparse
        console.print(
            f"定位稀疏 sparse fixes: {number:,} 台设备约每 {usual_s / 60:.0f} 分钟定位一次，多数网格无法判定；"
            "每 60 秒一次即可判定 "
            f"devices send a fix about every {usual_s / 60:.0f} min, which leaves most grids open; one every 60 s would decide",
            markup=False,
        )
    saving = verified.saving_devices()
    if saving:
        console.print(
            f"静止时省电 power saving: {saving:,} 台设备移动时频繁定位、静止时数分钟一次；静止按停留计，不按定位中断计 "
            "devices send fixes while they move and one in minutes at rest; rests are no silences",
            markup=False,
        )
    if verified.clock_shifts:
        shifts = ", ".join(f"{name} {hours:+d} h" for name, hours in sorted(verified.clock_shifts.items()))
        console.print(f"时钟相差整小时 clocks off by whole hours: {shifts}", markup=False)
    proven, seen, hidden = (verified.verdicts[name].sum() for name in ("visits", "visits_expected", "visits_hidden"))
    visits = f"可认定 proven {proven:,}; 估计 expected {seen + hidden:,.1f}, 其中定位中断中 of these in silence {hidden:,.1f}"
    console.print(f"巡查次数 visits: {visits}", markup=False)
    _print_fixes(verified, console)
    console.file.flush()


def _print_files(done: PatrolRun) -> None:
    """Print requested further figures, and the files written."""
    console = out()
    for name, values in done.figures.items():
        console.print(_TOLD[name](values), markup=False)
    console.print("已写出 written: " + ", ".join(map(str, done.written)), markup=False)


def _print_fixes(verified: Verified, console: Console) -> None:
    """Print gaps, numbers of fixes, refused rows and files, and marks."""
    from geo.errors import first_labels
    from geo.patrols import MARKS
    from geo.tracks.cleaning import NOTES

    number, longest = verified.gaps()
    console.print(f"定位中断 silences: {number:,}, 最长 longest {longest / 60:,.0f} min", markup=False)
    if verified.presences.empty:
        console.print(
            "没有定位点在网格内或附近：请核对网格和坐标系。No fix in or near a grid: right grids, right datum?"
        )
    files = verified.unread_files
    console.print(f"定位点 fixes: {verified.fixes:,}; 无法读取的行 refused rows: {verified.refused:,}", markup=False)
    if files:
        console.print(f"整份未读入 files not read: {len(files):,} ({first_labels(files)}; files.csv)", markup=False)
    for words, note in (("标记不用 set aside", False), ("有标记仍使用 marked, still used", True)):
        marked = [
            f"{MARKS[mark][0]} {mark} {number:,}" for mark, number in verified.marked.items() if (mark in NOTES) is note
        ]
        console.print(f"{words}: {', '.join(marked) or '0'}", markup=False)


def _verdict(state: object) -> str:
    from geo.patrols import VERDICTS

    return " ".join(VERDICTS[state]) if isinstance(state, str) else "–"


def _due(figures: dict[str, Any]) -> str:
    return (
        f"{figures['at'][:16].replace('T', ' ')} 仍未完成 still due: {figures['cells']:,}, "
        f"其中已来不及 too late: {figures['too_late']:,}, 无人在线 nobody heard: {figures['nobody_heard']:,}"
    )


def _feasibility(figures: dict[str, Any]) -> str:
    possible = "可行 feasible" if figures["possible"] else "不可行 not feasible"
    return (
        f"排班 roster: {possible}; 需要 needed {figures['needed_h']:,.1f} h, 可用 available {figures['available_h']:,.1f} h, "
        f"无人有时间的网格 grids without time: {figures['cells_without_time']:,}"
    )


def _route(figures: dict[str, Any]) -> str:
    parts = [
        f"走到 covered {figures['covered_m']:,.0f} / {figures['length_m']:,.0f} m ({figures['share']:.0%})",
        f"按顺序 in order {figures['in_order']:.0%}",
        f"漏走 missed {figures['missed_m']:,.0f} m",
        f"绕行 detours {figures['detours']} ({figures['detour_m']:,.0f} m)",
    ]
    if figures["checkpoints"]:
        parts.append(f"打卡点 checkpoints {figures['checkpoints_reached']} / {figures['checkpoints']}")
    if figures["started"]:
        parts.append(f"{figures['started'][11:16]}–{figures['ended'][11:16]}")
    return "计划路线 route: " + ", ".join(parts)


def _restated(figures: dict[str, Any]) -> str:
    moves = (f"{_verdict(move['before'])} → {_verdict(move['after'])} {move['cells']:,}" for move in figures["changes"])
    line = f"结论有变 restated: {figures['changed']:,}" + (f" ({', '.join(moves)})" if figures["changed"] else "")
    return f"{line}\n原因 why: {figures['why']}"


#: Texts about plans, and about changes from an earlier run.
_TOLD = {"due": _due, "feasibility": _feasibility, "route": _route, "restated": _restated}
