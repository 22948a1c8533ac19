"""``wangge duty``: imports rosters and reports; writes ledgers, agendas, briefs and papers from the database."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated
from zoneinfo import ZoneInfo

import typer

from api.cli import duty_import, options
from api.cli.console import emit_json, out

if TYPE_CHECKING:
    from api.commands.duty_papers import Source

app = typer.Typer(help="责任与办件：台账、例会议程、督查简报。Duty: ledgers, agenda, brief.", no_args_is_help=False)

app.command("import")(duty_import.run)

Scope = Annotated[
    str, typer.Option("--scope", metavar="CODE", help="社区或网格编码，默认全街道。Code of a community or grid.")
]
Service = Annotated[
    str,
    typer.Option("--service", metavar="NAME", help="只计一项服务，如 appearance 或 市容环境服务。Only one service."),
]
Target = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="输出文件。File to write.")]


@app.command("ledger")
def ledger(
    kind: Annotated[str, typer.Argument(metavar="A-K", help="台账 A 至 K。Ledger, A to K.")],
    target: Target,
    day: Annotated[str, typer.Option("--day", metavar="DAY", help="日期，或周、月中的一天。A day of the period.")],
    scope: Scope = "",
    service: Service = "",
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """由流转记录生成一本台账，写成 .xlsx 或 .pdf。

    Create a ledger from the recorded events and write it as .xlsx or .pdf.
    """
    from api.commands.duty_papers import write_ledger

    with _source(database) as source:
        rows = write_ledger(source, kind, _day(day), scope, target, service)
    if json:
        emit_json({"ledger": kind.upper(), "rows": rows, "out": str(target)})
    else:
        out().print(f"台账 ledger {kind.upper()}: {rows} 行 rows → {target}", markup=False, highlight=False)


@app.command("agenda")
def agenda(
    day: Annotated[
        str | None,
        typer.Option("--day", metavar="DAY", help="例会日期（周二、四、六），默认最近一次。Meeting day; the last one."),
    ] = None,
    scope: Scope = "",
    target: Annotated[
        Path | None, typer.Option("--out", "-o", metavar="FILE", help="另存为 .pdf。Also write it as .pdf.")
    ] = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """列出例会议程，最多 12 项，每项说明缘由；没有需要议的就说无需开会。

    The agenda of a meeting: at most twelve lines, each with its reason.
    """
    from api.commands.duty_papers import made_agenda, present_day, write_agenda
    from geo.duty.meetings.agendas import last_meeting

    with _source(database) as source:
        wanted = _day(day) if day else last_meeting(present_day(source))
        made = write_agenda(source, wanted, scope, target) if target else made_agenda(source, wanted, scope)[0]
    if json:
        lines = [
            {
                "rule": line.rule.value,
                "why": {"zh": line.why.zh, "en": line.why.en},
                "about": line.about,
                "question": {"zh": line.question.zh, "en": line.question.en},
                "owner": line.owner,
                "cases": list(line.cases),
                "cell": line.cell,
            }
            for line in made.lines
        ]
        emit_json({"day": wanted.isoformat(), "needed": made.needed, "lines": lines, "left_over": made.left_over})
        return
    out().print(f"{wanted} 例会议程 agenda", markup=False, highlight=False)
    for number, line in enumerate(made.lines, start=1):
        out().print(f"{number:2}. {line.about}", markup=False, highlight=False)
        out().print(f"    {line.why.zh} · {line.question.zh} · {line.owner or '—'}", markup=False, highlight=False)
    if made.note.zh:
        out().print(str(made.note), markup=False, highlight=False)


@app.command("brief")
def brief(
    target: Target,
    week: Annotated[str | None, typer.Option("--week", metavar="DAY", help="周内任一天。A day of the week.")] = None,
    month: Annotated[str | None, typer.Option("--month", metavar="MONTH", help="月份，如 2026-03。A month.")] = None,
    service: Service = "",
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """生成督查简报，写成 .pdf 或 .docx。

    Compose the supervision brief of a week or month as .pdf or .docx.
    """
    from api.commands.duty_papers import write_brief

    start, end = _period(week, month)
    with _source(database) as source:
        digest = write_brief(source, start, end, target, service=service)
    if json:
        emit_json({"start": start.isoformat(), "end": end.isoformat(), "digest": digest, "out": str(target)})
    else:
        out().print(f"督查简报 brief {start} – {end} → {target}", markup=False, highlight=False)


@app.command("paper")
def paper(
    kind: Annotated[
        str,
        typer.Argument(
            metavar="KIND",
            help="letters 一封信，cards 服务联系卡，badges 工作牌，boards 公示牌，accounts 述职表。What to print.",
        ),
    ],
    target: Target,
    scope: Scope = "",
    day: Annotated[
        str | None, typer.Option("--day", metavar="DAY", help="名册日期，默认今天。Day of the roster.")
    ] = None,
    audience: Annotated[
        str, typer.Option("--to", metavar="WHO", help="信件只给 residents、businesses 或 bodies。Only these letters.")
    ] = "",
    roads: Annotated[
        str, typer.Option("--roads", metavar="FILE", help="公示牌地图的道路（roads 图层）。Roads on maps of boards.")
    ] = "",
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """印制一封信、服务联系卡（90×54 毫米）、网格化工作牌、带网格图的公示牌、述职表，写成 .pdf。

    Print letters, service cards, work badges, public boards with a map, or sheets for the yearly account as .pdf.
    """
    from api.commands.duty.public_papers import paper_of, write_paper

    wanted = paper_of(kind)
    layers = roads or options.settings_of(database).layers
    with _source(database) as source:
        at = _day(day) if day else source.now.astimezone(ZoneInfo(source.zone)).date()
        count = write_paper(source, wanted, at, scope, target, audience=audience, layers=layers)
    if json:
        emit_json({"paper": wanted.value, "count": count, "day": at.isoformat(), "out": str(target)})
    else:
        out().print(f"{wanted.value}: {count} 份 → {target}", markup=False, highlight=False)


@app.command("burden")
def typing_burden(
    week: Annotated[str | None, typer.Option("--week", metavar="DAY", help="周内任一天。A day of the week.")] = None,
    month: Annotated[str | None, typer.Option("--month", metavar="MONTH", help="月份，如 2026-03。A month.")] = None,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """每天记了多少事、由人填写了多少处：平均每件事应不多于一处。

    Typing effort by day: number of recorded events, and of fields typed for them.
    """
    from api.commands.duty_papers import facts_of
    from geo.duty.ledgers.burden import burden, burden_by_day

    start, end = _period(week, month)
    with _source(database) as source:
        table = burden(facts_of(source, start, end))
    days = burden_by_day(table[(table["day"] >= start) & (table["day"] < end)])
    if json:
        emit_json({"days": [{**row, "day": row["day"].isoformat()} for row in days.to_dict("records")]})
        return
    for row in days.to_dict("records"):
        line = (
            f"{row['day']}  人员 persons {row['persons']}，事 things {row['things']}，填写 typed {row['typed']}，"
            f"每件 per thing {row['typed_per_thing']:.2f}，一人最多 most by one {row['most_typed']}"
        )
        out().print(line, markup=False, highlight=False)


@app.command("review")
def review(
    target: Target,
    week: Annotated[str | None, typer.Option("--week", metavar="DAY", help="周内任一天。A day of the week.")] = None,
    month: Annotated[str | None, typer.Option("--month", metavar="MONTH", help="月份，如 2026-03。A month.")] = None,
    size: Annotated[int, typer.Option("--size", metavar="N", min=1, help="抽取件数。Size of the sample.")] = 30,
    seed: options.Seed = 0,
    database: options.Database = None,
    json: options.Json = False,
) -> None:
    """群众评议：从办结的办件中随机抽样，种子随表公布，写成 .xlsx。

    Draw the sample of a public review from closed cases and write it as .xlsx; the seed is published with it.
    """
    from api.commands.duty.public_review import review_sample, write_review_sample

    start, end = _period(week, month)
    with _source(database) as source:
        sample = review_sample(source, start, end, size, seed)
    write_review_sample(sample, seed, target)
    if json:
        cases = [] if sample.empty else sample["办件号"].tolist()
        emit_json(
            {"start": start.isoformat(), "end": end.isoformat(), "seed": seed, "cases": cases, "out": str(target)}
        )
    else:
        line = f"群众评议抽样 review sample: {len(sample)} 件 cases, 种子 seed {seed} → {target}"
        out().print(line, markup=False, highlight=False)


def _period(week: str | None, month: str | None) -> tuple[dt.date, dt.date]:
    from api.commands.duty_papers import period_of

    if (week is None) == (month is None):
        raise typer.BadParameter("give --week DAY or --month MONTH, one of them")
    return period_of("week", _day(week)) if week else period_of("month", _day(f"{month}-01"))


@contextmanager
def _source(database: str | None) -> Iterator[Source]:
    import os

    from api.commands.duty_papers import Source, telephones_of
    from api.database import current_version, open_store, read_version, session, street_of
    from api.database.migrate import require_schema
    from api.settings import Settings

    settings = Settings.from_environment(os.environ)
    engine = open_store(options.database_setting(database))
    try:
        require_schema(engine)
        with session(engine) as opened:
            street = street_of(opened, settings.street or None)
            version = current_version(opened, street_code=settings.street or None)
            division = read_version(opened, version.id)
            telephones = telephones_of(settings.telephones)
            yield Source(opened, street, division, dt.datetime.now(dt.UTC), settings.zone, telephones)
    finally:
        engine.dispose()


def _day(text: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError as error:
        raise typer.BadParameter(f"'{text}' is no day; write it as 2026-03-02") from error
