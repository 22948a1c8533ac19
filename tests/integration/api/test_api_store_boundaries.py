"""Incidents, uploads, waiting fixes, retention and backups at their boundaries; on SQLite, without a server."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
from datetime import UTC, datetime, timedelta

import pytest
from starlette.requests import Request

from api.access import Caller, Grant, Role
from api.database import open_store, session
from api.database.backup import backup, restore
from api.database.duty.notices import add_notice, add_receipt, get_notice
from api.database.duty.rosters import Recorder
from api.database.events import add_event, audit, events_after, read_audit
from api.database.incidents import add_incident, correct, duplicates, get_incident, incident_places
from api.database.models import DeviceRow, StreetRow
from api.database.people import add_device, device_names, hand_over, holder_at, person_of
from api.database.retention import LEAST_DAYS, purge
from api.errors import NotStoredError
from api.ingest import writer as writing
from api.ingest.fix import SOURCES, Fix
from api.ingest.rows import as_rows
from api.ingest.uploads import read_upload
from api.ingest.writer import BusyError, Writer
from api.routes.verdicts import _stream
from api.verdicts.event_feed import EventFeed
from geo.duty import Notice, Receipt
from geo.errors import FileError, ImpossibleError, InputError

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
NOW_US = int(NOW.timestamp() * 1e6)
SECOND, DAY = timedelta(seconds=1), timedelta(days=1)
HOUR_US, DAY_US = 3_600_000_000, 86_400_000_000


@pytest.fixture
def engine(empty_store, tmp_path):
    opened = open_store(shutil.copy(empty_store, tmp_path / "store.sqlite"))
    yield opened
    opened.dispose()


def incident(number: str, **change: object) -> dict[str, object]:
    values = {"street": 1, "number": number, "reported_at": NOW, "received_at": NOW, "lon": 118.8, "lat": 32.1}
    values |= {"datum": "WGS-84", "kind": "井盖", "text": "", "address": "", "version_id": None, "account_id": None}
    return {**values, "third": None, "second": None, "community": None, **change}


def fixes(*times_us: int) -> list[Fix]:
    return [Fix(1, 1, time_us, 1_188_000_000, 321_000_000, 5.0, None, None, 0, 0, 0, NOW_US) for time_us in times_us]


def test_incidents_of_a_week_and_of_unknown_kind_may_be_the_same(engine):
    with session(engine, write=True) as opened:
        one, _ = add_incident(opened, incident("N1"))
        for number, change in (
            ("N2", {"reported_at": NOW + 7 * DAY}),
            ("N3", {"reported_at": NOW + 7 * DAY + SECOND}),
            ("N4", {"kind": None}),
            ("N5", {"kind": "路灯"}),
        ):
            add_incident(opened, incident(number, **change))
        assert [row["number"] for row in duplicates(opened, 1, one)] == ["N2", "N4"]
        assert add_incident(opened, incident("N1")) == (one, False)
        with pytest.raises(ImpossibleError):
            add_incident(opened, incident("N1", reported_at=NOW + SECOND))


def test_an_incident_belongs_to_its_street_and_its_last_correction_holds(engine):
    with session(engine, write=True) as opened:
        opened.add(StreetRow(code="999", name="other"))
        opened.flush()
        foreign, _ = add_incident(opened, incident("N1", street=2))
        with pytest.raises(NotStoredError):
            get_incident(opened, 1, foreign)
        number, _ = add_incident(opened, incident("N1", third="1"))
        for kind, third in (("路灯", "2"), ("路面", "3")):
            correct(opened, 1, number, {"kind": kind, "third": third}, at=NOW, actor="test", reason="called back")
        assert get_incident(opened, 1, number)["kind"] == "路面"
        (place,) = incident_places(opened, 1, NOW, NOW + SECOND)
        assert (place["kind"], place["third"]) == ("路面", "3")


def test_a_file_of_fixes_keeps_datum_source_and_positions_of_its_rows(tmp_path):
    path = tmp_path / "fixes.csv"
    rows = [
        "device,time,lon,lat",
        "A,2026-03-02T12:00:00+08:00,118.8,32.1",
        "A,2026-03-02T12:00:10+08:00,118.8,x",
        "B,2026-03-02T12:00:20+08:00,118.8,32.1",
        "A,2026-03-02T12:00:30+08:00,118.8,32.1",
    ]
    path.write_text("\n".join(rows), encoding="utf-8")
    options = {"zone": None, "only": None, "devices": {"A": 7}, "street": 1, "times": (NOW_US, NOW_US + 60_000_000)}
    stored, refused = read_upload(path, datum="GCJ-02", **options)
    # By position and reason: the row that cannot be read, and the device that is not known.
    assert [(entry["position"], entry["reason"][:4]) for entry in refused] == [(1, "坐标缺失"), (2, "没有该设")]
    assert set(stored["source"].tolist()) == {SOURCES.index("upload")}
    assert len(set(stored["datum"].tolist())) == 1
    plain, _ = read_upload(path, datum="WGS-84", **options)
    assert stored["datum"][0] != plain["datum"][0]
    assert len(stored) == 2


def test_a_full_writer_refuses_and_takes_fixes_again(engine, monkeypatch):
    with session(engine, write=True) as opened:
        add_device(opened, 1, "A", at=NOW)
    monkeypatch.setattr(writing, "MOST_WAITING", 2)
    writer = Writer(engine)
    with pytest.raises(BusyError):
        writer.submit(as_rows(fixes(NOW_US, NOW_US + 1, NOW_US + 2)))
    for k in range(3):
        outcome = writer.submit(as_rows(fixes(NOW_US + 2 * k, NOW_US + 2 * k + 1))).result(30)
        assert outcome.stored == 2
    writer.close()
    with pytest.raises(BusyError):
        writer.submit(as_rows(fixes(NOW_US)))


def test_fixes_are_deleted_by_whole_days_from_the_least_age_on(engine):
    with session(engine, write=True) as opened:
        add_device(opened, 1, "A", at=NOW)
    days = LEAST_DAYS["fix"]
    # It is four o'clock: of the day that is a week ago, no fix is deleted; of the day before, all.
    midnight = NOW_US - 4 * HOUR_US - days * DAY_US
    writer = Writer(engine)
    writer.submit(as_rows(fixes(midnight - 1, midnight, midnight + HOUR_US, midnight + 5 * HOUR_US))).result(30)
    writer.close()
    with pytest.raises(ImpossibleError, match="2 expected"):
        purge(engine, "fix", days=days, now=NOW, actor="test", dry_run=False, expected=2)
    assert purge(engine, "fix", days=days, now=NOW, actor="test", dry_run=True) == 1
    assert purge(engine, "fix", days=days, now=NOW, actor="test", dry_run=False, expected=1) == 1
    assert purge(engine, "fix", days=days, now=NOW, actor="test", dry_run=True) == 0


def test_a_backup_is_one_file_and_a_damaged_one_is_refused(engine, tmp_path):
    backup(engine, tmp_path / "b")
    with sqlite3.connect(tmp_path / "b") as opened:
        assert opened.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        # A value is missing where the table says that there is one.
        opened.execute("CREATE TABLE more (a)")
        opened.execute("INSERT INTO more VALUES (NULL)")
        opened.execute("PRAGMA writable_schema=ON")
        opened.execute("UPDATE sqlite_master SET sql = 'CREATE TABLE more (a NOT NULL)' WHERE name = 'more'")
    opened.close()
    with pytest.raises(FileError, match="is damaged"):
        restore(tmp_path / "b", str(tmp_path / "new.sqlite"))
    assert not (tmp_path / "new.sqlite").exists()


def test_a_device_goes_from_hand_to_hand_and_is_retired(engine):
    with session(engine, write=True) as opened:
        device = add_device(opened, 1, "A", at=NOW)
        for name in ("张三", "李四"):
            hand_over(opened, device, person_of(opened, 1, name, at=NOW), at=NOW)
        assert holder_at(opened, device, NOW) == "李四", "two at one moment: the later entry holds"
        with pytest.raises(InputError):
            hand_over(opened, device, None, at=NOW - SECOND)
        assert device_names(opened, 1) == {"A": device}
        opened.get_one(DeviceRow, device).retired_at = NOW
        opened.flush()
        assert device_names(opened, 1) == {}


def test_a_receipt_is_that_of_the_person_who_was_told(engine):
    with session(engine, write=True) as opened:
        notice = add_notice(
            opened, 1, Notice("", NOW, "书记", "防汛", "今夜有暴雨", ("320113003001",)), zone="Asia/Shanghai"
        )
        assert notice.notice_id == "T20260302-001"
        clerk = Recorder("中心", NOW)
        told = [
            add_receipt(opened, 1, Receipt(notice.notice_id, name, NOW, "phone"), clerk)
            for name in ("张三", "李四", "张三")
        ]
        assert told == [True, True, False]
        assert [one.person for one in get_notice(opened, 1, notice.notice_id)[1]] == ["张三", "李四"]


def test_events_and_audit_are_read_on_without_gap_or_repetition(engine):
    with session(engine, write=True) as opened:
        opened.add(StreetRow(code="999", name="other"))
        opened.flush()
        for street, code in ((1, "320113003001001"), (2, "999"), (1, "320113003001002")):
            add_event(opened, street, "verdict", code, {}, at=NOW)
            audit(opened, street, "test", "do", code, at=NOW)
        found = events_after(opened, 1, 0)
        assert [event.scope for event in found] == ["320113003001001", "320113003001002"]
        assert events_after(opened, 1, found[0].id) == found[1:]
        newest = read_audit(opened, 1, limit=1)
        older = read_audit(opened, 1, before=newest[0]["id"], limit=1)
        assert [row["subject"] for row in (*newest, *older)] == ["320113003001002", "320113003001001"]
    officer = Caller("session", "o", 1, grants=(Grant(Role.OFFICER, "320113003001002"),))

    async def first_event() -> dict[str, str]:
        async for sent in _stream(Request({"type": "http"}), EventFeed(engine, 1), officer, 0):
            return sent
        raise AssertionError

    assert json.loads(asyncio.run(first_event())["data"])["code"] == "320113003001002", "not that of the other grid"
