"""The month of cases of the demonstration, reduced: stored completely on both databases, equal to its truth, printed, with little
typing.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import html
import re
import shutil
from types import SimpleNamespace

import numpy as np
import openpyxl
import pandas as pd
import pypdf
import pytest

from api.access import Grant
from api.app import create_app
from api.commands.demo.cases import (
    busiest_grid,
    clock_of_cases,
    compared,
    differences,
    evening_of,
    simulate_month,
    store_month,
    write_papers,
)
from api.commands.duty.public_papers import Paper, paper_of, printed_paper, write_paper
from api.commands.duty_papers import Source, facts_of, made_ledger, newest_day, present_day, telephones_of
from api.database import add_version, open_store, publish, session
from api.database.accounts import add_account, add_token
from api.database.duty.cases import add_logs, find_case, make_lists_again, newest_step
from api.database.duty.rectifications import add_item_step, item_steps
from api.database.duty.reports import add_reports
from api.settings import Settings
from api.verdicts.storing import store_verdicts
from geo.duty import AccountRole, Action, Reporter, Role, Roster, State, ledger
from geo.duty.briefs.accounts import account_of
from geo.duty.ledgers.burden import burden, typed_fields
from geo.duty.ledgers.columns import FORMS, LedgerKind, columns_of
from geo.duty.supervision.rectification import ItemAction, ItemStep
from geo.errors import InputError, RefusedStep
from tests.integration.api.serving import serving

FIRST, DAY = dt.date(2026, 2, 1), dt.date(2026, 3, 2)
UNTIL = evening_of(DAY)
COUNT = 500


def incidents(division) -> pd.DataFrame:
    """Incidents of a month in the third-level cells of a division."""
    rng = np.random.default_rng(11)
    third = division.third.iloc[rng.integers(0, len(division.third), COUNT)]
    parents = division.second.set_index("code")["parent"]
    start = pd.Timestamp("2026-02-01", tz="Asia/Shanghai")
    return pd.DataFrame(
        {
            "incident_id": [f"I{k}" for k in range(COUNT)],
            "reported_at": start + pd.to_timedelta(np.sort(rng.uniform(0, 30 * 86_400, COUNT)), unit="s"),
            "kind_code": rng.choice(["06010", "09005", "06013", "09010"], COUNT),
            "kind_name": "某事项",
            "standard_ref": "GB/T 47678.5-2026",
            "source": rng.choice(["12345热线", "网格巡查"], COUNT),
            "address": "万寿村小区12幢",
            "community": parents.reindex(third["parent"]).tolist(),
            "second": third["parent"].tolist(),
            "third": third["code"].tolist(),
        }
    )


def patrols(division) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Verdicts of the last day: two visits to each grid, one of which is too short."""
    begin = pd.Timestamp(f"{DAY} 09:00", tz="Asia/Shanghai").tz_convert("UTC")
    verdicts, visits = [], []
    for code in division.second["code"]:
        verdicts.append({"code": code, "day": DAY, "verdict": "short", "visits": 1, "required": 2, "uncounted": 1})
        for k, (stay_s, reason) in enumerate(((1200.0, ""), (120.0, "too_short"))):
            start = begin + pd.Timedelta(hours=4 * k)
            end = start + pd.Timedelta(seconds=stay_s)
            visits.append((code, "D1", start, end, stay_s, not reason, reason, DAY))
    names = ["code", "device", "start", "end", "stay_s", "counted", "reason", "day"]
    return pd.DataFrame(verdicts), pd.DataFrame(visits, columns=names)


@pytest.fixture(scope="module")
def month(small_street):
    division = small_street.division()
    return division, simulate_month(division, incidents(division), seed=0, since=FIRST, until=UNTIL)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def stored(request, tmp_path_factory, month):
    folder = tmp_path_factory.mktemp("demo_duty")
    if request.param == "sqlite":
        address = str(shutil.copy(request.getfixturevalue("empty_store"), folder / "store.sqlite"))
    else:
        address = request.getfixturevalue("postgres").create("demo_duty", template="template")
    engine = open_store(address)
    division, made = month
    with session(engine, write=True) as opened:
        version = add_version(opened, division, valid_from=FIRST, created_at=UNTIL)
        publish(opened, version.id, published_at=UNTIL)
    first = store_month(engine, 1, made, version=version.id)
    verdicts, visits = patrols(division)
    store_verdicts(
        engine, 1, verdicts, version=version.id, rules="a@1", at=UNTIL - dt.timedelta(hours=1), visits=visits
    )
    yield SimpleNamespace(
        engine=engine,
        address=address,
        folder=folder,
        version=version.id,
        division=division,
        month=made,
        first=first,
    )
    engine.dispose()
    if request.param == "postgresql":
        request.getfixturevalue("postgres").drop("demo_duty")


@pytest.fixture
def facts(stored):
    with session(stored.engine) as opened:
        yield facts_of(Source(opened, 1, stored.division, UNTIL), FIRST, DAY + dt.timedelta(days=1))


def test_a_month_is_stored_once_and_equals_its_events(stored):
    book = stored.month.made.book
    assert stored.first.startswith(f"{len(book.cases):,} 件办件")
    assert store_month(stored.engine, 1, stored.month, version=stored.version).startswith("0 件办件")
    with session(stored.engine, write=True) as opened:
        for number in list(book.cases)[::50]:
            assert find_case(opened, 1, number) == book.cases[number]
        assert make_lists_again(opened, 1) == []
        newest = max(event.at for event in stored.month.made.events)
        assert newest_step(opened, 1, until=UNTIL) == newest
        assert newest_step(opened, 1, until=newest) < newest


def test_the_store_says_what_the_simulation_decided(stored, facts):
    _, figures = compared(facts, stored.month)
    assert figures["cases"] == figures["reports"] == COUNT
    assert sum(figures["differing_from_truth"].values()) == 0
    truth = stored.month.made.truth
    # Each property occurs in some case, otherwise the comparison would be empty.
    assert (truth[["self_solve", "explain", "reject", "return", "late"]].sum() > 0).all()
    assert (truth["merged"] != "").any()


def test_a_difference_from_the_truth_is_counted(stored, facts):
    truth, cases = stored.month.made.truth, dict(facts.cases)
    for name in ("self_solve", "explain", "reject", "return", "late"):
        changed = truth.copy()
        changed[name] = False
        assert differences(cases, changed)[name] > 0, name
    assert differences(cases, truth.assign(merged=""))["merged"] == (truth["merged"] != "").sum()
    number, _ = cases.popitem()
    assert differences(cases, truth)["missing"] == 1
    assert number not in cases


def test_at_most_one_field_is_typed_for_each_thing_that_happened(facts):
    table = burden(facts)
    # For each officer and day, not on average.
    assert (table["typed"] <= table["things"]).all()
    assert (table["typed"] > 0).any()
    events = [event for log in facts.known.values() for event in log if event.role is not Role.SYSTEM]
    assert table["things"].sum() == len(events)
    assert max(typed_fields(event) for event in events) == 1
    # The steps that put a case off or explain it are among them: what they await and whose opinion it is, is chosen.
    assert {event.action for event in events} >= {Action.SHELVE, Action.EXPLAIN_FILE}


def paper_text(path) -> str:
    """Text of a PDF without the spaces inserted by typesetting."""
    return "".join("".join(page.extract_text() for page in pypdf.PdfReader(path).pages).split())


def test_the_papers_are_written_and_hold_the_month(stored, facts):
    with session(stored.engine) as opened:
        source = Source(opened, 1, stored.division, UNTIL)
        said = write_papers(source, facts, stored.folder, day=DAY)
    assert said == "ledgers.xlsx, agenda.pdf, brief.pdf"
    book = openpyxl.load_workbook(stored.folder / "ledgers.xlsx")
    assert [sheet.title[0] for sheet in book] == list("ABCDEFGHIJK")
    rows = {sheet.title[0]: sheet.max_row - 1 for sheet in book}
    assert all(rows[letter] > 0 for letter in "ABCDEFGHIJK"), rows
    agenda = paper_text(stored.folder / "agenda.pdf")
    assert "2026年2月26日星期四" in agenda
    assert "无需开会" not in agenda
    assert "2026年2月23日至3月1日" in paper_text(stored.folder / "brief.pdf")


@pytest.fixture(scope="module")
def pages(stored):
    """Function that gives the text of a page, as somebody who may see everything."""
    app = create_app(Settings(database=stored.address, pages=stored.folder, follow=False), clock=lambda: UNTIL)
    with session(stored.engine, write=True) as opened:
        account = add_account(opened, 1, "viewer", [Grant(AccountRole.ADMINISTRATOR)], at=UNTIL, by="test")
        token = add_token(opened, "program", account=account, at=UNTIL).text
    with serving(app) as client:

        def page(path, **params):
            answer = client.get(path, params=params, headers={"Authorization": f"Bearer {token}"})
            assert answer.status_code == 200, answer.text
            return answer.text

        yield page


def rows_of(page: str) -> list[list[str]]:
    """Texts of the cells of the ledger on a page, by row."""
    body = re.split("<tbody[^>]*>", page)[1].split("</tbody>")[0]
    cells = [re.findall(r"<td[^>]*>(.*?)</td>", row, re.S) for row in body.split("<tr>")[1:]]
    return [[html.unescape(re.sub(r"<[^>]+>", "", cell)).strip() for cell in row] for row in cells]


@pytest.mark.parametrize("kind", list(LedgerKind))
def test_each_ledger_of_the_month_is_a_page_of_its_own_columns_with_rows(stored, facts, pages, kind):
    scope = busiest_grid(facts, DAY) if kind is LedgerKind.F else ""
    if FORMS[kind].level == 1:
        scope = stored.division.community["code"].iloc[0]
    page = pages("/ledgers", kind=kind.value, day=DAY.isoformat(), scope=scope)
    with session(stored.engine) as opened:
        table, _ = made_ledger(Source(opened, 1, stored.division, UNTIL), kind.value, DAY, scope)
    head = page.split("<thead>")[1].split("</thead>")[0]
    assert re.findall(r'class="zh">([^<]+)<', head) == [column.title.zh for column in columns_of(kind)]
    assert rows_of(page) == [[str(value) for value in row] for row in table.to_numpy().tolist()]
    assert len(table) > 0
    if kind is LedgerKind.F:
        assert set(table["counted"]) >= {"计入", "不计"}
        assert "13:00–13:02" in table["session"].tolist()
        assert (table["case_no"] != "").any()


@pytest.mark.parametrize("back", [0, 1, 4, 11, 19])
def test_ledgers_of_a_day_from_the_cases_they_need_are_those_from_all_cases(stored, facts, back):
    day = DAY - dt.timedelta(days=back)
    communities, grids = list(stored.division.community["code"]), list(stored.division.second["code"])
    with session(stored.engine) as opened:
        source = Source(opened, 1, stored.division, UNTIL)
        for kind, scopes in (("A", ["", communities[0]]), ("B", ["", communities[0]]), ("F", grids[:3])):
            for scope in scopes:
                table, known = made_ledger(source, kind, day, scope)
                full = dataclasses.replace(facts, visits=known.visits)
                assert table.equals(ledger(kind, day, full, scope=scope)), (kind, scope)
                assert len(known.events) < len(facts.events)


@pytest.mark.parametrize("kind", list(LedgerKind))
def test_a_ledger_of_the_month_changes_without_one_of_its_facts(stored, facts, kind):
    scope = busiest_grid(facts, DAY) if kind is LedgerKind.F else ""
    with session(stored.engine) as opened:
        table, known = made_ledger(Source(opened, 1, stored.division, UNTIL), kind.value, DAY, scope)
    if kind is LedgerKind.F:
        less = dataclasses.replace(known, visits=known.visits.iloc[1:])
    elif kind is LedgerKind.G:
        being_put_right = known.rectifications.index[known.rectifications["closed_at"].isna()]
        less = dataclasses.replace(known, rectifications=known.rectifications.drop(being_put_right[:1]))
    elif kind is LedgerKind.E:
        less = dataclasses.replace(known, meetings=known.meetings[1:], decisions=known.decisions[1:])
    elif kind in (LedgerKind.J, LedgerKind.K, LedgerKind.I):
        gone = known.roster.answerable(known.cells_of(2)[0], DAY).person
        kept = [one for one in known.roster.assignments if one.person != gone]
        less = dataclasses.replace(known, roster=Roster(kept, persons=known.roster.persons.values()))
    elif kind is LedgerKind.B:
        less = dataclasses.replace(known, verdicts=known.verdicts.iloc[1:])
    else:
        # The whole log of one case that the ledger names; H counts cases and names none.
        said = " ".join(str(value) for value in table.to_numpy().ravel())
        number = next(
            name
            for name, case in known.cases.items()
            if (case.state is State.CLOSED if kind is LedgerKind.H else name in said)
        )
        less = dataclasses.replace(known, events={k: v for k, v in known.events.items() if k != number})
    assert not ledger(kind, DAY, less, scope=scope).equals(table)


def test_logs_and_reports_from_elsewhere_are_checked(stored):
    made = stored.month.made
    number, log = next((number, log) for number, log in made.book.logs.items() if len(log) > 2)
    broken = [log[0], dataclasses.replace(log[1], prev_hash="0" * 64), *log[2:]]
    with session(stored.engine, write=True) as opened, pytest.raises(InputError, match="does not follow"):
        add_logs(opened, 1, {f"X{number}": broken})
    named = dataclasses.replace(made.reports[0], report_id="R-new", reporter=Reporter(name="王喆"))
    with session(stored.engine, write=True) as opened, pytest.raises(InputError, match="one by one"):
        add_reports(opened, 1, [named])


def test_steps_of_items_follow_one_another(stored):
    steps = stored.month.records.items
    assert {step.action for step in steps} >= {ItemAction.FIND, ItemAction.SELF_CHECK, ItemAction.RECHECK_OK}
    last = steps[-1]
    with session(stored.engine, write=True) as opened:
        assert item_steps(opened, 1, last.item_id) == [step for step in steps if step.item_id == last.item_id]
        again = ItemStep(last.item_id, last.seq, UNTIL, "某人", ItemAction.PROGRESS, "有进展")
        with pytest.raises(RefusedStep, match="in between"):
            add_item_step(opened, 1, again)


@pytest.mark.parametrize(
    ("kind", "pages", "size_mm"),
    [
        ("letters", 18, (210, 297)),
        ("cards", 1, (210, 297)),
        ("badges", 1, (297, 210)),
        ("boards", 6, (420, 297)),
        ("accounts", 6, (210, 297)),
    ],
)
def test_papers_of_a_community(stored, kind, pages, size_mm):
    """A community of six grids: a letter for each of three audiences, a card, badge, board and sheet for each grid."""
    community = stored.division.community["code"].iloc[0]
    with session(stored.engine) as opened:
        source = Source(opened, 1, stored.division, UNTIL, telephones={"supervision_phone": "025-85550000"})
        target = stored.folder / f"{kind}.pdf"
        count = write_paper(source, paper_of(kind), DAY, community, target)
        again, _ = printed_paper(source, paper_of(kind), DAY, community)
    assert target.read_bytes() == again
    read = pypdf.PdfReader(target).pages
    assert len(read) == pages
    assert count == (18 if kind == "letters" else 6)
    page = read[0].mediabox
    assert (float(page.width) / 72 * 25.4, float(page.height) / 72 * 25.4) == pytest.approx(size_mm, abs=0.2)
    text = paper_text(target)
    roster = stored.month.roster
    leaders = [roster.persons[roster.answerable(code, DAY).person].name for code in grids_of(stored, community)]
    assert all(name in text for name in leaders)
    assert ("025-85550000" in text) == (kind != "accounts")


def grids_of(stored, community: str) -> list[str]:
    second = stored.division.second
    return second.loc[second["parent"] == community, "code"].tolist()


def test_an_account_counts_what_happened_in_its_grid(stored, facts):
    made, cases = stored.month.made, facts.cases
    grid = grids_of(stored, stored.division.community["code"].iloc[0])[0]
    account = account_of(facts, grid, DAY)
    said = {name: number for name, number, _ in account.facts}
    own = {number: case for number, case in cases.items() if case.second == grid}
    assert said["受理办件"] == len(own) > 0
    assert said["结案"] == sum(case.state is State.CLOSED for case in own.values())
    explained = made.truth.loc[[n for n, case in own.items() if case.state is State.CLOSED], "explain"].sum()
    assert f"解释备案{explained}件" in next(text for name, _, text in account.facts if name == "结案")
    assert account.start == FIRST
    assert account_of(facts, grid, FIRST - dt.timedelta(days=1)) is None


def test_papers_need_a_place_and_somebody_to_write_to(stored):
    with session(stored.engine) as opened:
        source = Source(opened, 1, stored.division, UNTIL)
        with pytest.raises(InputError, match="community or grid"):
            printed_paper(source, Paper.ACCOUNTS, DAY, "")
        with pytest.raises(InputError, match="no cell"):
            printed_paper(source, Paper.CARDS, DAY, "999")
        with pytest.raises(InputError, match="is not an audience"):
            printed_paper(source, Paper.LETTERS, DAY, "", audience="dogs")
        with pytest.raises(InputError, match="no paper"):
            paper_of("flags")
        grid = grids_of(stored, stored.division.community["code"].iloc[0])[0]
        assert printed_paper(source, Paper.LETTERS, DAY, grid, audience="residents")[1] == 1
        # Before the roster starts there is nobody to print badges for.
        with pytest.raises(InputError, match="responsible person"):
            printed_paper(source, Paper.BADGES, FIRST - dt.timedelta(days=1), "")


def test_telephones_are_read_or_refused():
    assert telephones_of("hotline=12345，police_phone=110") == {"hotline": "12345", "police_phone": "110"}
    for wrong in ("fax=1", "hotline", "hotline="):
        with pytest.raises(InputError, match="telephones"):
            telephones_of(wrong)


def test_views_begin_with_the_newest_day_where_nothing_happened_for_a_week(stored):
    with session(stored.engine) as opened:
        source = Source(opened, 1, stored.division, UNTIL)
        assert newest_day(source) == present_day(source) == DAY
        later = dataclasses.replace(source, now=UNTIL + dt.timedelta(days=7))
        assert present_day(later) == DAY + dt.timedelta(days=7)
        idle = dataclasses.replace(source, now=UNTIL + dt.timedelta(days=8))
        assert newest_day(idle) == present_day(idle) == DAY


def test_the_clock_of_cases_goes_on_from_the_newest_step(stored):
    newest = max(event.at for event in stored.month.made.events)
    with session(stored.engine) as opened:
        for moment, begin in ((UNTIL, UNTIL), (newest - dt.timedelta(days=1), newest)):
            clock = clock_of_cases(opened, 1, moment)
            assert begin <= clock() < begin + dt.timedelta(minutes=5)
