"""Backup, restore, moving between databases, retention; on both databases."""

from __future__ import annotations

import json
import sqlite3
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import geopandas as gpd
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DatabaseError

from api.access import Grant, Role
from api.commands.archive import archive
from api.database import add_version, open_store, publish, read_version, session, upgrade
from api.database.accounts import add_account
from api.database.backup import backup, restore
from api.database.events import add_event, audit
from api.database.models import Base
from api.database.move import digest, move
from api.database.people import add_device, hand_over, person_of
from api.database.retention import purge
from api.ingest.fix import Fix
from api.ingest.rows import as_rows
from api.ingest.writer import Writer
from geo.errors import FileError, ImpossibleError, InputError
from geo.tracks import read_tracks

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
START_US = int(NOW.timestamp() * 1e6)


@pytest.fixture
def filled(published):
    """A database with a row in many tables, and fixes of three days, one of them long ago."""
    with session(published, write=True) as opened:
        hand_over(opened, add_device(opened, 1, "A", at=NOW), person_of(opened, 1, "张三", at=NOW), at=NOW)
        add_account(opened, 1, "admin", [Grant(Role.ADMINISTRATOR)], at=NOW, by="test")
        audit(opened, 1, "test", "do", "thing", at=NOW, detail={"名": 1.5})
        add_event(opened, 1, "verdict", "x", {"a": [1, None]}, at=NOW)
    writer = Writer(published)
    day = 86_400_000_000
    fixes = [Fix(1, 1, START_US - k * day, 1, -2, 5.13, None, k % 2, 0, 0, 0, START_US) for k in (0, 1, 20, 9_000)]
    writer.submit(as_rows(fixes)).result(30)
    writer.close()
    return published


def digests(engine):
    with engine.connect() as connection:
        return {table.name: digest(table, connection) for table in Base.metadata.sorted_tables}


def test_a_backup_comes_back_whole(filled, tmp_path, postgres):
    before = digests(filled)
    assert backup(filled, tmp_path / "b") == (tmp_path / "b").stat().st_size
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    with pytest.raises(FileError, match="never overwrites"):
        backup(filled, tmp_path / "b")
    name = f"r{uuid4().hex[:8]}"
    address = str(tmp_path / "restored.sqlite") if filled.dialect.name == "sqlite" else postgres.create(name)
    restore(tmp_path / "b", address)
    restored = open_store(address)
    assert digests(restored) == before
    with pytest.raises(DatabaseError, match="never changed"), restored.begin() as connection:
        connection.execute(text("DELETE FROM audit"))
    restored.dispose()
    with pytest.raises(FileError):
        restore(tmp_path / "b", address)


def test_what_is_no_backup_is_refused(tmp_path):
    with pytest.raises(FileError, match="no such backup"):
        restore(tmp_path / "absent", str(tmp_path / "new.sqlite"))
    (tmp_path / "text").write_text(
        "no database at all, only text that is longer than a header of one hundred bytes" * 3
    )
    sqlite3.connect(tmp_path / "other").execute("CREATE TABLE x (y)").connection.close()
    for name in ("text", "other"):
        with pytest.raises(FileError):
            restore(tmp_path / name, str(tmp_path / "new.sqlite"))
    assert not (tmp_path / "new.sqlite").exists()


def test_a_store_moves_there_and_back_without_loss(filled, tmp_path, postgres, division):
    """SQLite to PostGIS to SQLite, and PostGIS to SQLite to PostGIS."""
    names = [f"m{uuid4().hex[:8]}" for _ in range(2)]
    there = str(tmp_path / "a.sqlite") if filled.dialect.name == "postgresql" else postgres.create(names[0])
    back = str(tmp_path / "b.sqlite") if filled.dialect.name == "sqlite" else postgres.create(names[1])
    engines = [filled]
    for address in (there, back):
        engine = open_store(address, must_exist=False)
        upgrade(engine)
        counts = move(engines[-1], engine)
        assert (counts["fix"], counts["cell"], counts["device"]) == (4, 43, 1)
        engines.append(engine)
    assert digests(engines[0]) == digests(engines[1]) == digests(engines[2])
    with session(engines[1], write=True) as opened:
        assert read_version(opened, 1).third["code"].tolist() == division.third["code"].tolist()
        # New rows are numbered after the moved ones.
        version = add_version(opened, division, valid_from=NOW.date(), created_at=NOW)
        publish(opened, version.id, published_at=NOW)
        assert version.id == 2
        assert add_device(opened, 1, "B", at=NOW) == 2
    with pytest.raises(FileError, match="already"):
        move(engines[0], engines[1])
    for engine in engines[1:]:
        engine.dispose()


def test_retention_counts_first_then_deletes_whole_days(filled):
    words = {"now": NOW, "actor": "test"}
    assert purge(filled, "fix", days=10, dry_run=True, **words) == 2
    with filled.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM fix")).scalar() == 4
    assert purge(filled, "fix", days=10, dry_run=False, **words) == 2
    with filled.connect() as connection:
        assert connection.execute(text("SELECT count(*), min(time_us) FROM fix")).one() == (
            2,
            START_US - 86_400_000_000,
        )
        assert connection.execute(text("SELECT subject, rows, running FROM purge")).one() == ("fix", 2, False)
    with pytest.raises(DatabaseError, match="never changed"), filled.begin() as connection:
        connection.execute(text("DELETE FROM fix"))
    assert purge(filled, "event", days=1, dry_run=False, now=NOW + timedelta(days=1), actor="test") == 0
    assert purge(filled, "event", days=1, dry_run=False, now=NOW + timedelta(days=1, seconds=1), actor="test") == 1
    for subject, days in (("fix", 6), ("audit", 1095), ("incident", 1000)):
        with pytest.raises(InputError):
            purge(filled, subject, days=days, dry_run=True, **words)


def test_the_commands(wangge, filled, tmp_path):
    address = filled.url.render_as_string(hide_password=False)
    database = ("--database", address)
    code, out, _ = wangge("db", "list", "--json", *database)
    assert (code, [(row["version"], row["state"]) for row in json.loads(out)]) == (0, [(1, "published")])
    assert wangge("db", "backup", tmp_path / "b", *database)[0] == 0
    assert wangge("db", "backup", tmp_path / "b", *database)[0] == 2
    code, out, _ = wangge("db", "move", tmp_path / "moved.sqlite", "--json", *database)
    assert (code, json.loads(out)["fix"]) == (0, 4)
    code, out, _ = wangge("db", "purge", "fix", "--days", 10, "--json", *database)
    assert (code, json.loads(out)["deleted"]) == (0, False)


def test_an_upgrade_begins_with_a_backup(wangge, tmp_path, empty_store):
    """A database of the first schema is backed up before the upgrade, and keeps its versions."""
    from alembic import command

    from api.database.migrate import _config

    engine = open_store(tmp_path / "old.sqlite", must_exist=False)
    config = _config()
    with engine.begin() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "0001")
        connection.execute(
            text(
                "INSERT INTO division_version (id, street_code, valid_from, created_at, srid, communities, seconds, thirds, "
                "digest, columns) VALUES (7, '320113003', '2026-01-01', '2026-01-01 00:00:00', 4549, 1, 1, 1, 'x', '{}')"
            )
        )
    engine.dispose()
    assert wangge("db", "upgrade", "--database", tmp_path / "old.sqlite")[0] == 0
    (copy,) = tmp_path.glob("before-*.sqlite")
    with sqlite3.connect(copy) as opened:
        assert opened.execute("SELECT version_num FROM alembic_version").fetchone() == ("0001",)
        assert opened.execute("SELECT id FROM division_version").fetchone() == (7,)
    opened.close()
    with sqlite3.connect(tmp_path / "old.sqlite") as opened:
        assert opened.execute("SELECT code FROM street").fetchall() == [("320113003",)]
        assert opened.execute("SELECT version_id, action FROM division_event").fetchall() == [(7, "stored")]
    opened.close()


def test_old_days_are_archived_whole_and_then_deleted(filled, tmp_path):
    """The file contains every field of every fix; late ones are written to a second file."""
    written = archive(filled, tmp_path / "a", days=7, now=NOW, delete=False, actor="test")
    assert [(one.day.isoformat(), one.fixes) for one in written] == [("2001-07-11", 1), ("2026-02-10", 1)]
    frame = gpd.read_parquet(written[1].path)
    assert frame.crs == "EPSG:4326"
    (row,) = frame.to_dict("records")
    assert (row["device"], row["lon"], row["lat"], row["accuracy_m"], row["mock"]) == (
        "A",
        1e-7,
        -2e-7,
        pytest.approx(5.13),
        0,
    )
    assert row["time"] == NOW - timedelta(days=20)
    assert row["received"] == NOW
    assert len(read_tracks(written[1].path)) == 1
    with filled.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM fix")).scalar() == 4
    again = archive(filled, tmp_path / "a", days=7, now=NOW, delete=True, actor="test")
    assert again[1].path.name == "2026-02-10-2.parquet"
    with filled.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM fix")).scalar() == 2
    assert archive(filled, tmp_path / "a", days=7, now=NOW, delete=True, actor="test") == []
    with pytest.raises(InputError, match="7 days"):
        archive(filled, tmp_path / "a", days=6, now=NOW, delete=True, actor="test")


def test_nothing_is_deleted_if_a_late_fix_comes_while_days_are_archived(filled, tmp_path):
    with pytest.raises(ImpossibleError, match="nothing was deleted"):
        purge(filled, "fix", days=7, now=NOW, actor="test", dry_run=False, expected=1)
    with filled.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM fix")).scalar() == 4
        assert connection.execute(text("SELECT count(*) FROM purge")).scalar() == 0
