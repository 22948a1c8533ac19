"""Ledgers, agendas and briefs computed from a database: equal on both databases, and equal to those computed from the facts
directly.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import io
import json
import shutil
from types import SimpleNamespace

import openpyxl
import pypdf
import pytest

from api.commands.duty_papers import Source, made_agenda, made_brief, made_ledger
from api.database import add_version, open_store, publish, session
from api.database.duty.cases import Standing, add_step
from api.database.duty.fact_reading import Span, read_facts
from api.database.duty.rosters import Recorder, store_roster
from api.database.duty.view_records import (
    add_decision,
    add_meeting,
    carry_out,
    decisions,
    meetings,
    sign_ledger,
    signed_ledger,
    typed_texts,
    write_text,
)
from api.database.models import ReportRow
from api.errors import NotStoredError
from geo.duty import CaseRules, Issue, brief, ledger
from geo.duty.ledgers.columns import LedgerKind
from geo.duty.ledgers.composing import span_of
from geo.duty.ledgers.periodic import CLOSINGS
from geo.duty.ledgers.signing import ledger_text
from geo.errors import ImpossibleError
from geo.incidents import Calendar
from tests.unit.duty_cases import END, START, decision, forty, meeting, moment, roster

MONDAY, TUESDAY = START, START + dt.timedelta(days=1)
NOW = moment(9, "08:00")


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stored(request, tmp_path_factory, division):
    """A database with the division of two communities and the forty cases."""
    folder = tmp_path_factory.mktemp("duty_views")
    if request.param == "sqlite":
        address = str(shutil.copy(request.getfixturevalue("empty_store"), folder / "store.sqlite"))
    else:
        address = request.getfixturevalue("postgres").create("duty_views", template="template")
    engine = open_store(address)
    street = forty()
    with session(engine, write=True) as opened:
        version = add_version(opened, division, valid_from=dt.date(2026, 1, 1), created_at=moment(1, "08:00"))
        publish(opened, version.id, published_at=moment(1, "08:00"))
        # The roster belongs to this street's cells.
        store_roster(opened, 1, roster(), Recorder("test", moment(1, "08:00")))
        standing = Standing(Calendar.china(), CaseRules())
        events = sorted((e for log in street.book.logs.values() for e in log), key=lambda e: (e.at, e.case_id, e.seq))
        for event in events:
            if event.role != "system":
                add_step(opened, 1, dataclasses.replace(event, prev_hash=""), standing)
        for report in street.reports.values():
            opened.add(
                ReportRow(
                    street=1,
                    number=report.report_id,
                    case_number=report.case_id,
                    client_id=None,
                    received_at=report.received_at,
                    taken_at=None,
                    channel=report.channel.value,
                    external_no="",
                    text=report.text,
                    standard_ref="",
                    kind="",
                    lon=None,
                    lat=None,
                    datum="WGS-84",
                    address=report.address_text,
                    third=report.third,
                    second=report.second,
                    community=report.community,
                    version_id=None,
                    wants_reply=False,
                    confidential=False,
                    entered_by="",
                )
            )
    yield SimpleNamespace(engine=engine, address=address, division=division, street=street)
    engine.dispose()


def facts(stored, opened, **more):
    span = Span(START, END, NOW)
    return read_facts(opened, 1, stored.division, span, **more)


def test_views_of_the_store_are_those_of_the_facts(stored) -> None:
    with session(stored.engine) as opened:
        read = facts(stored, opened)
    plain = dataclasses.replace(
        stored.street.facts(), cells=read.cells, roster=read.roster, verdicts=read.verdicts, visits=read.visits
    )
    for kind in ("A", "C", "H"):
        one = ledger(kind, MONDAY, read)
        other = ledger(kind, MONDAY, plain)
        assert ledger_text(one) == ledger_text(other)
        assert len(one) > 0
    issue = Issue("2026年第10期", END)
    assert brief(read, START, END, issue=issue).digest == brief(plain, START, END, issue=issue).digest


@pytest.mark.parametrize("kind", ["A", "B", "F"])
def test_a_ledger_of_a_day_is_the_same_from_the_facts_that_it_needs(stored, kind) -> None:
    with session(stored.engine) as opened:
        everything = facts(stored, opened)
        levels = (2,) if kind == "F" else (1, 2, 3)
        scopes = [code for level in levels for code in everything.cells_of(level)[:4]]
        rows = 0
        for day in (START + dt.timedelta(days=k) for k in range(7)):
            for scope in (*scopes, *(() if kind == "F" else ("",))):
                span = Span(day, day + dt.timedelta(days=1), NOW)
                grid = scope if kind == "F" else ""
                needed = read_facts(opened, 1, stored.division, span, ledger=kind, grid=grid, scope=scope)
                made = ledger(kind, day, needed, scope=scope)
                assert ledger_text(made) == ledger_text(ledger(kind, day, everything, scope=scope))
                assert needed.answers(scope, day) == everything.answers(scope, day)
                rows += len(made)
    assert rows > 0


@pytest.mark.parametrize("kind", ["C", "D", "E", "G", "H", "I"])
def test_a_ledger_of_a_period_is_the_same_from_the_facts_that_it_needs(stored, kind) -> None:
    first = START - dt.timedelta(days=31)
    with session(stored.engine) as opened:
        everything = read_facts(opened, 1, stored.division, Span(first, END + dt.timedelta(days=31), NOW))
        rows = 0
        for day in (START, END, END + dt.timedelta(days=1)):
            start, end = span_of(LedgerKind(kind), day)
            before = {"C": 7, "D": 31, "I": 31}.get(kind, 0)
            span = Span(start - dt.timedelta(days=before), end, NOW)
            needed = read_facts(opened, 1, stored.division, span, ledger=kind)
            for scope in ("", *everything.cells_of(1), *everything.cells_of(2)[:2]):
                made = ledger(kind, day, needed, scope=scope)
                assert ledger_text(made) == ledger_text(ledger(kind, day, everything, scope=scope))
                rows += len(made)
    # The forty cases have no rectification item, and nothing that was left from the month before.
    assert rows > 0 or kind in "DG"


def test_letters_count_the_closings_that_happened_and_were_not_undone(stored) -> None:
    with session(stored.engine) as opened:
        span = Span(END - dt.timedelta(days=31), END + dt.timedelta(days=1), NOW)
        letters = made_ledger(Source(opened, 1, stored.division, NOW), "I", END, "")[0]
        assert read_facts(opened, 1, stored.division, span, ledger="I").events == {}
        counted = [int(text.removeprefix("近30天办结").removesuffix("件")) for text in letters["progress"]]
        steps = [event for log in stored.street.book.logs.values() for event in log]
    assert sum(counted) == 3 * sum(event.action in CLOSINGS for event in steps)


def test_meetings_and_decisions_are_kept(stored) -> None:
    with session(stored.engine, write=True) as opened:
        add_meeting(opened, 1, meeting(), at=NOW, actor="t")
        with pytest.raises(ImpossibleError):
            add_meeting(opened, 1, meeting(), at=NOW, actor="t")
        number = add_decision(opened, 1, decision(), at=moment(3, "10:00"), actor="t")
        assert number == "2026-03-03-1"
        assert add_decision(opened, 1, decision(text="另一件"), at=moment(3, "10:05"), actor="t") == "2026-03-03-2"
        assert meetings(opened, 1, MONDAY, END) == [meeting()]
        assert [one.done_at for one in decisions(opened, 1)] == [None, None]
        carry_out(opened, 1, "2026-03-03-2", at=moment(4, "09:00"), actor="t")
        carry_out(opened, 1, "2026-03-03-2", at=moment(5, "09:00"), actor="t")
        assert decisions(opened, 1)[1].done_at == moment(4, "09:00")
        with pytest.raises(NotStoredError):
            carry_out(opened, 1, "x", at=NOW, actor="t")
    with session(stored.engine) as opened:
        source = Source(opened, 1, stored.division, NOW)
        made, _ = made_agenda(source, dt.date(2026, 3, 5))
        assert made.lines[0].about == "核对消防通道清单"
        table, _ = made_ledger(source, "E", MONDAY, "")
        assert "核对消防通道清单" in table["decision"].tolist()


def test_typed_texts_keep_the_earlier_ones(stored) -> None:
    place = ("B", "2026-03-04/x", "remark")
    with session(stored.engine, write=True) as opened:
        write_text(opened, 1, place, "一", at=moment(4, "09:00"), actor="t")
        write_text(opened, 1, place, "二", at=moment(5, "09:00"), actor="t")
        assert typed_texts(opened, 1, "B") == {place: "二"}
        assert typed_texts(opened, 1, "B", until=moment(5, "08:00")) == {place: "一"}
        assert typed_texts(opened, 1, "B", begins="2026-04") == {}


def test_signed_ledgers_are_kept_once_with_their_bytes(stored) -> None:
    with session(stored.engine) as opened:
        table, _ = made_ledger(Source(opened, 1, stored.division, NOW), "A", TUESDAY, "")
    text = ledger_text(table)
    with session(stored.engine, write=True) as opened:
        digest = sign_ledger(opened, 1, ("A", "", TUESDAY), text, b"%PDF", at=NOW, actor="t")
        with pytest.raises(ImpossibleError, match="corrections"):
            sign_ledger(opened, 1, ("A", "", TUESDAY), text, b"%PDF", at=NOW, actor="t")
    with session(stored.engine) as opened:
        kept = signed_ledger(opened, 1, ("A", "", TUESDAY))
        assert kept is not None
        assert (kept.content, kept.sha256, kept.print) == (text, digest, b"%PDF")
        assert signed_ledger(opened, 1, ("A", "", MONDAY)) is None


def test_suggestions_are_in_the_brief(stored) -> None:
    with session(stored.engine, write=True) as opened:
        write_text(opened, 1, ("brief", f"{START}/{END}", "suggestions"), "核对清单。\n复查。", at=NOW, actor="t")
    with session(stored.engine) as opened:
        made, _ = made_brief(Source(opened, 1, stored.division, NOW), START, END)
    texts = [block["text"] for block in made.values()["blocks"] if block["kind"] == "paragraph" and block["typed"]]
    assert texts == ["核对清单。", "复查。"]


def test_commands_write_ledger_agenda_and_brief(stored, wangge, tmp_path) -> None:
    where = ("--database", stored.address)
    code, out, err = wangge("duty", "ledger", "A", "--day", MONDAY, "-o", tmp_path / "a.xlsx", "--json", *where)
    assert code == 0, err
    assert json.loads(out)["rows"] == 33
    sheet = openpyxl.load_workbook(tmp_path / "a.xlsx").active
    assert [cell.value for cell in sheet[1]][:3] == ["序号", "时间", "网格与地点"]
    assert sheet.max_row == 34
    code, _, err = wangge("duty", "ledger", "H", "--day", MONDAY, "-o", tmp_path / "h.pdf", *where)
    assert code == 0, err
    code, out, err = wangge("duty", "agenda", "--day", "2026-03-07", "--json", *where)
    assert code == 0, err
    found = json.loads(out)
    assert found["needed"]
    assert 0 < len(found["lines"]) <= 12
    assert all(line["why"]["zh"] for line in found["lines"])
    code, out, err = wangge("duty", "brief", "--week", MONDAY, "-o", tmp_path / "b.pdf", "--json", *where)
    assert code == 0, err
    text = "".join(page.extract_text() for page in pypdf.PdfReader(tmp_path / "b.pdf").pages)
    assert "督查简报" in text.replace("\n", "")
    first = (tmp_path / "b.pdf").read_bytes()
    assert wangge("duty", "brief", "--week", MONDAY, "-o", tmp_path / "b.pdf", *where)[0] == 0
    assert (tmp_path / "b.pdf").read_bytes() == first
    assert wangge("duty", "brief", "--month", "2026-03", "-o", tmp_path / "m.docx", *where)[0] == 0
    assert io.BytesIO((tmp_path / "m.docx").read_bytes()).read(2) == b"PK"


@pytest.mark.parametrize(
    "words",
    [
        ("ledger", "Z", "--day", "2026-03-02", "-o", "z.pdf"),
        ("ledger", "A", "--day", "03-02", "-o", "z.pdf"),
        ("ledger", "A", "--day", "2026-03-02", "-o", "z.txt"),
        ("ledger", "A", "--day", "2026-03-02", "--scope", "999", "-o", "z.pdf"),
        ("agenda", "--day", "2026-03-02"),
        ("brief", "-o", "b.pdf"),
        ("brief", "--week", "2026-03-02", "--month", "2026-03", "-o", "b.pdf"),
        ("brief", "--week", "2026-03-02", "-o", "b.txt"),
    ],
)
def test_wrong_use_is_told(stored, wangge, words, tmp_path) -> None:
    made = [tmp_path / word if word.startswith(("z.", "b.")) else word for word in words]
    code, _, err = wangge("duty", *made, "--database", stored.address)
    assert code == 2
    assert err.strip()


def test_all_ledgers_have_a_maker() -> None:
    from geo.duty.ledgers.composing import _MAKERS

    assert set(_MAKERS) == set(LedgerKind)
