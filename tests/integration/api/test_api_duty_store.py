"""Cases, reports and the roster in both databases: a random walk, concurrent writers, encryption, lists."""

from __future__ import annotations

import os
import threading
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError

from api.database import open_store, session
from api.database.duty.cases import (
    CaseFilter,
    Standing,
    add_step,
    case_events,
    get_case,
    list_cases,
    logs_of,
    make_lists_again,
)
from api.database.duty.overdue import report_places
from api.database.duty.reports import Sender, add_report, erase_reporter, get_report, reporter_of
from api.database.duty.rosters import Recorder, add_absence, read_stored_roster, store_roster
from api.database.duty.sealing import Seal
from api.database.models import CaseRow, ReporterRow
from api.overview.week_cases import View, week_figures
from api.verdicts.staffing import with_roster
from geo.duty import (
    Absence,
    Action,
    Assignment,
    Case,
    CaseRules,
    Channel,
    Duty,
    Event,
    Person,
    Report,
    Reporter,
    Role,
    Roster,
    State,
)
from geo.errors import FileError, ImpossibleError, RefusedStep
from geo.incidents import Calendar
from geo.patrols.persons import persons_of
from tests.properties.duty_walk import Walk

NOW = datetime(2026, 3, 2, 1, tzinfo=UTC)
STEPS = int(os.environ.get("WANGGE_STORE_WALK_STEPS", "2000"))
STANDING = Standing(Calendar.china(), CaseRules())


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request, tmp_path_factory):
    import shutil

    folder = tmp_path_factory.mktemp("duty")
    if request.param == "sqlite":
        address = str(shutil.copy(request.getfixturevalue("empty_store"), folder / "store.sqlite"))
    else:
        address = request.getfixturevalue("postgres").create("duty", template="template")
    engine = open_store(address)
    yield SimpleNamespace(engine=engine, folder=folder)
    engine.dispose()
    if request.param == "postgresql":
        request.getfixturevalue("postgres").drop("duty")


def test_invariants_hold_on_a_random_walk_in_the_store(store):
    def add(event: Event) -> Case:
        if event.action is Action.REPORT and event.client_id:
            with session(store.engine) as opened:
                if case_events(opened, 1, event.case_id):
                    return get_case(opened, 1, event.case_id)
        with session(store.engine, write=True) as opened:
            return add_step(opened, 1, event, STANDING)[0]

    def look(number: str) -> Case:
        with session(store.engine) as opened:
            return get_case(opened, 1, number)

    walk = Walk(add, look, np.random.default_rng(19))
    walk.run(STEPS)
    with session(store.engine) as opened:
        logs = dict(logs_of(opened, 1))
        cases = {number: get_case(opened, 1, number) for number in logs}
        walk.check_all(cases, logs)
        rows = {row.number: row for row in opened.scalars(select(CaseRow).where(CaseRow.street == 1))}
        assert set(rows) == set(cases)
        assert all(rows[n].state == case.state and rows[n].owner == case.owner for n, case in cases.items())
    with session(store.engine, write=True) as opened:
        assert make_lists_again(opened, 1) == [], "the lists equal the folds"
        opened.execute(text("UPDATE duty_case SET state = 'closed' WHERE number = :n"), {"n": next(iter(cases))})
        opened.expire_all()
        assert make_lists_again(opened, 1) == (
            [] if cases[next(iter(cases))].state == "closed" else [next(iter(cases))]
        )
    assert walk.stale


def test_events_are_never_changed(store):
    for sql in ("UPDATE duty_event SET reason = 'x'", "DELETE FROM duty_event", "UPDATE duty_report SET text = 'x'"):
        _one_report(store, f"guard {sql[:6]} {sql[-8:]}")
        with store.engine.begin() as connection, pytest.raises(DatabaseError):
            connection.execute(text(sql))


def _one_report(store, client: str, said: str = "路灯不亮", at: datetime = NOW, **change: object):
    report = Report(
        "",
        NOW,
        Channel.HOTLINE,
        said,
        kind="06010",
        second="320113003001001",
        reporter=Reporter("王小明", "13812345678", wants_reply=True),
        client_id=client,
        **change,  # type: ignore[arg-type]
    )
    sender = Sender("小李", Role.CLERK, at)
    with session(store.engine, write=True) as opened:
        return add_report(opened, 1, report, sender, STANDING, Seal(store.folder / "key"))


def test_a_report_opens_one_case_and_is_stored_once(store):
    report, case, new = _one_report(store, "phone-1")
    again, same, repeated = _one_report(store, "phone-1")
    assert (new, repeated) == (True, False)
    assert (again.report_id, same.case_id, same.seq) == (report.report_id, case.case_id, 1)
    assert report.case_id.startswith("20260302-")
    with pytest.raises(ImpossibleError, match="belongs to report"):
        _one_report(store, "phone-1", lon=118.8, lat=32.1)
    with pytest.raises(ImpossibleError, match="belongs to report"):
        _one_report(store, "phone-1", "路灯亮了")
    added, joined, _ = _one_report(store, "phone-2", case_id=case.case_id)
    assert joined.reports == (report.report_id, added.report_id)
    assert joined.wants_reply == joined.reports


def test_numbers_have_the_local_day(store):
    # Half past midnight here is still the day before in Greenwich.
    late, case, _ = _one_report(store, "phone-night", at=datetime(2026, 4, 2, 16, 30, tzinfo=UTC))
    assert (late.report_id[:10], case.case_id[:9]) == ("R20260403-", "20260403-")


def test_reports_of_days_with_their_places(store):
    report, _, _ = _one_report(store, "phone-places")
    with session(store.engine) as opened:
        at = report.received_at
        found = report_places(opened, 1, at, at + timedelta(microseconds=1))
        assert {
            "reported_at": at,
            "received_at": at,
            "kind": report.kind,
            "standard_ref": report.standard_ref,
        }.items() <= (found[-1].items())
        assert [found[-1][level] for level in ("third", "second", "community")] == [
            report.third,
            report.second,
            report.community,
        ]
        assert set(found[-1]) == {"reported_at", "received_at", "kind", "standard_ref", "third", "second", "community"}
        assert report_places(opened, 1, at - timedelta(days=1), at) == []
        week = week_figures(opened, View(1, "Asia/Shanghai"), at.date(), ZoneInfo("Asia/Shanghai"))
        assert week is not None
        assert week["week"] == len(found)


def test_contacts_are_encrypted_and_can_be_erased(store):
    report, _, _ = _one_report(store, "phone-3")
    seal = Seal(store.folder / "key")
    with session(store.engine) as opened:
        assert reporter_of(opened, 1, report.report_id, seal) == ("王小明", "13812345678")
        assert "13812345678" not in str(get_report(opened, 1, report.report_id))
        stored = b"".join(bytes(sealed) for sealed in opened.scalars(select(ReporterRow.sealed)) if sealed)
        assert b"138" not in stored
        assert "王".encode() not in stored
        with pytest.raises(FileError, match="key of the contacts is missing"):
            reporter_of(opened, 1, report.report_id, Seal(store.folder / "no key"))
    assert (store.folder / "key").stat().st_mode & 0o077 == 0
    sender = Sender("小李", Role.CLERK, NOW)
    with session(store.engine, write=True) as opened:
        after = erase_reporter(opened, 1, report.report_id, sender=sender, standing=STANDING, reason="本人要求")
        assert after.last.action is Action.ERASE_CONTACT  # type: ignore[union-attr]
        assert reporter_of(opened, 1, report.report_id, seal) == ("", "")
        assert get_report(opened, 1, report.report_id)["text"] == "路灯不亮"


def test_of_two_at_once_one_is_refused_with_the_new_state(store):
    _, case, _ = _one_report(store, "phone-4")
    start = threading.Barrier(2)
    answers: list[object] = []

    def act(action: Action) -> None:
        start.wait()
        event = Event(case.case_id, 2, NOW + timedelta(hours=1), action.value, Role.CLERK, action, "理由说明")
        try:
            with session(store.engine, write=True) as opened:
                answers.append(add_step(opened, 1, event, STANDING)[0].state)
        except RefusedStep as refusal:
            answers.append((refusal.kind, refusal.case.state))

    threads = [threading.Thread(target=act, args=(action,)) for action in (Action.FILE, Action.REJECT)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (won,) = [answer for answer in answers if isinstance(answer, State)]
    assert ("stale", won) in answers


def test_lists_are_limited_by_cell_state_and_owner(store):
    _one_report(store, "phone-5")
    with session(store.engine) as opened:
        total, rows = list_cases(opened, 1, CaseFilter(open_only=True, cell="320113003001"), limit=5)
        assert total >= len(rows) > 0
        assert all(row["second"].startswith("320113003001") for row in rows)
        dues = [row["step_due"] for row in rows if row["step_due"] is not None]
        assert dues == sorted(dues)
        assert list_cases(opened, 1, CaseFilter(scopes=("320113003002",)))[0] == 0
        assert list_cases(opened, 1, CaseFilter(scopes=()))[0] == 0
        assert list_cases(opened, 1, CaseFilter(states=("closed",), owner="nobody"))[0] == 0


def test_verdicts_read_leaders_and_deputies_of_the_day(store, division):
    cells = [str(code) for code in division.second["code"]]
    with session(store.engine, write=True) as opened:
        assert with_roster(opened, 2, division, date(2026, 3, 2)) is division, "no roster of that street"
        roster = Roster(
            [
                Assignment(cells[0], "G1", Duty.LEADER, date(2026, 1, 1)),
                Assignment(cells[0], "G2", Duty.DEPUTY, date(2026, 1, 1)),
            ],
            persons=[Person("G1", "张三"), Person("G2", "李四")],
        )
        store_roster(opened, 1, roster, Recorder("小李", NOW))
        second = with_roster(opened, 1, division, date(2026, 3, 2)).second.set_index("code")
        assert second.loc[cells[0], ["leader", "deputies"]].tolist() == ["G1", "G2"]
        assert second.loc[cells[1], "leader"] is None
        assert second.loc[cells[1], "deputies"] == ""
        before = with_roster(opened, 1, division, date(2025, 12, 31)).second
        assert before["leader"].isna().all()
        assert persons_of(second.reset_index())[cells[0]] == {"G1", "G2"}
        opened.rollback()


def test_a_roster_replaces_the_one_before_without_deleting(store):
    cell, day = "320113003001001", date(2026, 1, 1)
    recorder = Recorder("小李", NOW)
    one = Roster(
        [Assignment(cell, "G1", Duty.LEADER, day)], persons=[Person("G1", "张三", "official", office_phone="025")]
    )
    two = Roster(
        [Assignment(cell, "G1", Duty.LEADER, day), Assignment(cell, "G2", Duty.DEPUTY, day)],
        persons=[Person("G1", "张三"), Person("G2", "李四")],
    )
    with session(store.engine, write=True) as opened:
        assert store_roster(opened, 1, one, recorder) == {"added": 1, "withdrawn": 0, "kept": 0}
        assert store_roster(opened, 1, two, recorder) == {"added": 1, "withdrawn": 0, "kept": 1}
        add_absence(opened, 1, Absence("G1", date(2026, 3, 2), date(2026, 3, 6), "G2", "年休假"), recorder)
        kept = read_stored_roster(opened, 1, cells={cell: 2})
        assert kept.answerable(cell, date(2026, 3, 2)) == ("G2", "G1")
        assert kept.persons["G1"].kind == "official"
        assert kept.leaders(date(2026, 3, 2)).loc[cell].to_dict() == {"leader": "G1", "deputies": ("G2",)}
        assert store_roster(opened, 1, one, recorder)["withdrawn"] == 1
        assert opened.scalar(text("SELECT count(*) FROM duty_assignment")) == 2
