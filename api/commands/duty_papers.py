"""Writes ledgers, agendas and briefs from a database to files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from geo.duty.garbage_collection import collection_paused
from geo.errors import FileError, InputError
from geo.layers import aside

if TYPE_CHECKING:
    import pandas as pd
    from sqlalchemy.orm import Session

    from api.database.duty.fact_reading import Span
    from geo.duty import Agenda, Brief, Decision, Facts
    from geo.layers import Division


@dataclass(frozen=True)
class Source:
    """An open database with the number of the street, its division, the time and time zone of the query, and the telephone
    numbers printed on letters, cards and boards.
    """

    session: Session
    street: int
    division: Division
    now: dt.datetime
    zone: str = "Asia/Shanghai"
    telephones: Mapping[str, str] = field(default_factory=dict)


#: Names of telephone numbers in the setting ``WANGGE_TELEPHONES``.
TELEPHONES = ("hotline", "supervision_phone", "police_phone", "property_phone")
#: After this number of days without a step, the views open on the newest day with one.
IDLE = dt.timedelta(days=7)
#: Ledgers that can be limited to the cases of one service.
BY_SERVICE = "ABCDFH"


def telephones_of(text: str) -> dict[str, str]:
    """Parse telephone numbers, written as ``hotline=12345,supervision_phone=025-85550123``.

    Raises
    ------
    InputError
        If a name is not one of :data:`TELEPHONES`, or has no number.

    >>> telephones_of("hotline=12345, police_phone=110")
    {'hotline': '12345', 'police_phone': '110'}
    """
    found = {}
    for part in text.replace("，", ",").split(","):
        name, equals, number = (piece.strip() for piece in part.partition("="))
        if not part.strip():
            continue
        if name not in TELEPHONES or not equals or not number:
            raise InputError(
                f"telephones: '{part.strip()[:50]}' is not like hotline=12345; names: {', '.join(TELEPHONES)}"
            )
        found[name] = number
    return found


def newest_day(source: Source) -> dt.date | None:
    """The local day of the newest step of any case; None if there is none."""
    from api.database.duty.cases import newest_step

    found = newest_step(source.session, source.street, until=source.now)
    return None if found is None else found.astimezone(ZoneInfo(source.zone)).date()


def present_day(source: Source) -> dt.date:
    """The current local day; after a week without steps, the day of the newest step."""
    today = source.now.astimezone(ZoneInfo(source.zone)).date()
    newest = newest_day(source)
    return today if newest is None or today - newest <= IDLE else newest


@collection_paused()
def facts_of(
    source: Source,
    start: dt.date,
    end: dt.date,
    *,
    ledger: str = "",
    grid: str = "",
    scope: str = "",
    service: str = "",
) -> Facts:
    """Current facts of a period; only cases of the cell `scope` and of the service, if given."""
    from api.database.duty.fact_reading import read_facts

    span = _span(source, start, end)
    facts = read_facts(
        source.session, source.street, source.division, span, ledger=ledger, grid=grid, scope=scope, service=service
    )
    return replace(facts, street={**facts.street, **source.telephones})


def _span(source: Source, start: dt.date, end: dt.date) -> Span:
    from api.database.duty.fact_reading import Span

    return Span(start, end, source.now, source.zone)


@collection_paused()
def made_ledger(source: Source, kind: str, day: dt.date, scope: str, service: str = "") -> tuple[pd.DataFrame, Facts]:
    """A ledger with its facts; with a service, only its cases are in it.

    Raises
    ------
    InputError
        If there is no such ledger, place or service, or the ledger is not about cases.
    """
    from geo.duty import ledger
    from geo.duty.ledgers.columns import LedgerKind
    from geo.duty.ledgers.composing import span_of

    letter = LedgerKind.parse(kind)
    service = service_in(service)
    if service and letter.value not in BY_SERVICE:
        raise InputError(f"ledger {letter.value} is not about cases; leave the service out")
    start, end = span_of(letter, day)
    # A week is compared with the one before, a plan is based on the month before, letters cover thirty days.
    before = {"C": 7, "D": 31, "I": 31}.get(letter.value, 0)
    facts = facts_of(
        source,
        start - dt.timedelta(days=before),
        end,
        ledger=letter.value,
        grid=scope if letter.value == "F" else "",
        scope=scope if letter.value in "ABF" else "",
        service=service,
    )
    if scope and scope not in facts.cell_names:
        raise InputError(f"there is no cell '{scope[:50]}' in the division")
    table = ledger(letter, day, facts, scope=scope)
    if service:
        table.attrs["service"] = _service_name(service)
    return table, facts


def service_in(text: str) -> str:
    """Code of one of the five services, from its code or Chinese name; empty for all.

    Raises
    ------
    InputError
        If there is no such service.

    >>> service_in("商业网点服务"), service_in("")
    ('business', '')
    """
    from geo.duty.intake.services import SERVICES, Service

    found = {**{one.value: one for one in Service}, **{name.zh: one for one, name in SERVICES.items()}}
    wanted = text.strip()
    if wanted and wanted not in found:
        raise InputError(f"'{wanted[:30]}' is not a service; use {', '.join(Service)}")
    return found[wanted].value if wanted else ""


def _service_name(code: str) -> str:
    from geo.duty.intake.services import SERVICES, Service

    return SERVICES[Service(code)].zh if code else ""


@collection_paused()
def write_ledger(source: Source, kind: str, day: dt.date, scope: str, target: Path, service: str = "") -> int:
    """Write a ledger as .xlsx or .pdf; returns the number of its rows."""
    table, facts = made_ledger(source, kind, day, scope, service)
    write = {".xlsx": _write_excel, ".pdf": _write_pdf}.get(target.suffix.lower())
    if write is None:
        raise FileError(f"{target}: a ledger is written as .xlsx or .pdf; change the ending of the name")
    write(table, facts, scope, target)
    return len(table)


def excel_table(table: pd.DataFrame) -> pd.DataFrame:
    """A ledger with the headings used in the workbook."""
    from geo.duty.ledgers.columns import LedgerKind, columns_of

    titles = {column.name: column.title.zh for column in columns_of(LedgerKind(table.attrs["kind"]))}
    return table.rename(columns=titles)


def _write_excel(table: pd.DataFrame, _: Facts, __: str, target: Path) -> None:
    from api.files.workbook import write_workbook
    from geo.duty.ledgers.columns import FORMS, LedgerKind

    title = FORMS[LedgerKind(table.attrs["kind"])].title.zh
    write_workbook({" ".join(part for part in (title, table.attrs.get("service")) if part): excel_table(table)}, target)


def _write_pdf(table: pd.DataFrame, facts: Facts, scope: str, target: Path) -> None:
    _write(target, ledger_print(table, facts, scope))


def ledger_print(
    table: pd.DataFrame, facts: Facts, scope: str, *, corrections: tuple[str, ...] = (), signed: str = ""
) -> bytes:
    """A ledger as PDF."""
    from maps.prints.papers import Heading, ledger_pdf

    day = dt.date.fromisoformat(table.attrs["start"])
    answers = facts.answers(scope, day) if scope else None
    parent = facts.cell_names.get(facts.parent_of(scope), "")
    heading = Heading(
        street=facts.street.get("name", ""),
        place=facts.cell_names.get(scope, ""),
        person=answers.text if answers is not None else "",
        community=parent if table.attrs["kind"] == "F" else facts.cell_names.get(scope, ""),
        summary=tuple(_summary(table, facts, scope, day)),
        corrections=corrections,
        signed=signed,
    )
    return ledger_pdf(table, heading)


def _summary(table: pd.DataFrame, facts: Facts, scope: str, day: dt.date) -> Iterator[tuple[str, str]]:
    """Further pairs above a ledger: the service to which it is limited, and the verdict of the day of a grid."""
    from geo.duty.ledgers.wording import VERDICTS

    if table.attrs.get("service"):
        yield "服务", table.attrs["service"]
    if table.attrs["kind"] != "F":
        return
    rows = facts.verdicts[(facts.verdicts["code"] == scope) & (facts.verdicts["day"] == day)]
    for row in rows.to_dict("records"):
        yield "有效巡查", f"{row['visits']}次（应{row['required']}次）"
        yield "核验结论", VERDICTS[row["verdict"]].zh


@collection_paused()
def made_agenda(source: Source, day: dt.date, scope: str = "", facts: Facts | None = None) -> tuple[Agenda, Facts]:
    """The agenda of a meeting day as of its morning, or of the current time if that is earlier; `facts`, if already read."""
    from geo.duty import agenda

    if facts is None:
        facts = facts_of(source, day - dt.timedelta(days=60), day + dt.timedelta(days=1))
    morning = dt.datetime.combine(day, dt.time(8), ZoneInfo(source.zone))
    facts = facts.until(morning)
    return agenda(facts, day, scope=scope), facts


def agenda_print(made: Agenda, facts: Facts, scope: str = "") -> bytes:
    """An agenda as PDF, with space for decisions."""
    from maps.prints.papers import Heading, agenda_pdf

    return agenda_pdf(made, Heading(street=facts.street.get("name", ""), place=facts.cell_names.get(scope, "")))


def write_agenda(source: Source, day: dt.date, scope: str, target: Path, facts: Facts | None = None) -> Agenda:
    """Write an agenda as .pdf."""
    if target.suffix.lower() != ".pdf":
        raise FileError(f"{target}: an agenda is written as .pdf; change the ending of the name")
    made, facts = made_agenda(source, day, scope, facts)
    _write(target, agenda_print(made, facts, scope))
    return made


def period_of(span: str, day: dt.date) -> tuple[dt.date, dt.date]:
    """First day, and the day after the last, of the week or month that contains a day.

    >>> period_of("week", dt.date(2026, 3, 5))
    (datetime.date(2026, 3, 2), datetime.date(2026, 3, 9))
    """
    if span == "month":
        first = day.replace(day=1)
        return first, (first + dt.timedelta(days=32)).replace(day=1)
    monday = day - dt.timedelta(days=day.weekday())
    return monday, monday + dt.timedelta(days=7)


@collection_paused()
def made_brief(
    source: Source, start: dt.date, end: dt.date, facts: Facts | None = None, service: str = ""
) -> tuple[Brief, Facts]:
    """The brief of a period, with its typed texts; `facts` since the period before, if already read.

    With a service, only its cases are in it, and no typed texts.
    """
    from api.database.duty.view_records import BRIEF, typed_texts
    from geo.duty import Issue, brief

    service = service_in(service)
    if facts is None:
        facts = facts_of(source, start - (end - start), end, service=service)
    key = brief_key(start, end)
    texts = {} if service else typed_texts(source.session, source.street, BRIEF, begins=key)
    suggestions = texts.get((BRIEF, key, "suggestions"), "").split("\n")
    replies = {place.split("/")[-1]: text for (_, place, column), text in texts.items() if column == "reply"}
    monthly = (end - start).days > 7
    week = start.isocalendar()
    number = f"{start.year}年{start.month}月" if monthly else f"{week.year}年第{week.week}期"
    issue = Issue(number, end)
    about = _service_name(service)
    return brief(facts, start, end, issue=issue, suggestions=suggestions, replies=replies, about=about), facts


def brief_key(start: dt.date, end: dt.date) -> str:
    """Key of the texts of a brief."""
    return f"{start}/{end}"


@collection_paused()
def brief_print(source: Source, start: dt.date, end: dt.date, service: str = "") -> bytes:
    """The brief of a period as PDF."""
    from maps.prints.papers import brief_pdf

    return brief_pdf(made_brief(source, start, end, service=service)[0])


@collection_paused()
def write_brief(
    source: Source, start: dt.date, end: dt.date, target: Path, facts: Facts | None = None, service: str = ""
) -> str:
    """Write a brief as .pdf or .docx; returns the digest of its values."""
    from maps.prints.papers import brief_pdf
    from maps.prints.word import brief_docx

    forms: dict[str, Callable[[Brief], bytes]] = {".pdf": brief_pdf, ".docx": brief_docx}
    form = forms.get(target.suffix.lower())
    if form is None:
        raise FileError(f"{target}: a brief is written as .pdf or .docx; change the ending of the name")
    made = made_brief(source, start, end, facts, service)[0]
    _write(target, form(made))
    return made.digest


def _write(target: Path, content: bytes) -> None:
    with aside(target) as temporary:
        temporary.write_bytes(content)


def signature_of(source: Source, table: pd.DataFrame) -> tuple[str, tuple[str, ...]]:
    """Signature line of a ledger (time, signer, start of the hash), and differences from its current content."""
    from api.database.duty.view_records import signed_ledger
    from geo.duty.ledgers.signing import corrections, signed_table

    place = (str(table.attrs["kind"]), str(table.attrs["scope"]), dt.date.fromisoformat(table.attrs["start"]))
    kept = signed_ledger(source.session, source.street, place)
    if kept is None:
        return "", ()
    at = kept.at.astimezone(ZoneInfo(source.zone))
    words = f"{kept.actor} {at:%Y-%m-%d %H:%M} SHA-256 {kept.sha256[:16]}"
    return words, tuple(corrections(signed_table(kept.content), table))


@collection_paused()
def printed_ledger(source: Source, kind: str, day: dt.date, scope: str, service: str = "") -> bytes:
    """A ledger as PDF. A signed ledger is printed as signed, with corrections below the rows; never that of one service."""
    from api.database.duty.view_records import signed_ledger
    from geo.duty.ledgers.signing import signed_table

    table, facts = made_ledger(source, kind, day, scope, service)
    signed, lines = ("", ()) if service else signature_of(source, table)
    if not signed:
        return ledger_print(table, facts, scope)
    place = (str(table.attrs["kind"]), scope, dt.date.fromisoformat(table.attrs["start"]))
    kept = signed_ledger(source.session, source.street, place)
    if kept is not None and not lines:
        return kept.print
    before = table if kept is None else signed_table(kept.content)
    return ledger_print(before, facts, scope, corrections=lines, signed=f"已签字：{signed}")


def named_decisions(facts: Facts) -> list[Decision]:
    """Decisions not yet carried out, with the names of their owners."""
    from geo.duty.meetings.outcomes import outstanding

    return [replace(one, owner=facts.name_of(one.owner)) for one in outstanding(facts)]
