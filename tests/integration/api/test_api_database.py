"""The database, in real SQLite files."""

from __future__ import annotations

import contextlib
import gc
import math
import sqlite3
import threading
from datetime import date, datetime, timedelta

import geopandas as gpd
import numpy as np
import psycopg
import pytest
import shapely
from geoalchemy2.shape import from_shape
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.exc import DatabaseError

from api.commands.store import store_division
from api.database import (
    add_version,
    current_version,
    discard,
    get_version,
    history,
    list_versions,
    open_store,
    publish,
    read_version,
    replace_cells,
    retire,
    session,
    spatial,
    street_of,
    upgrade,
)
from api.database.connections import _decoded
from api.database.models.cells import ExactGeometry
from api.errors import NotStoredError, OutdatedError, PublishedError
from geo.duty.garbage_collection import collection_paused
from geo.errors import CrsError, FileError, InputError
from geo.layers import Division, Level

DAY = date(2026, 3, 2)
NOW = datetime.fromisoformat("2026-03-01T08:00:00+08:00")


def _draft(opened, division, **changes):
    return add_version(opened, division, **{"valid_from": DAY, "created_at": NOW, **changes})


def test_a_division_comes_back_as_it_was(engine, division):
    with session(engine) as opened:
        version = _draft(opened, division)
    with session(engine) as opened:
        back = read_version(opened, version.id)
    for level in Level:
        given_frame, found = division.layer(level), back.layer(level)
        assert_geodataframe_equal(found, given_frame)
        assert list(shapely.to_wkb(found.geometry.array)) == list(shapely.to_wkb(given_frame.geometry.array))


def test_coordinates_keep_every_bit_in_the_store(engine, division):
    """Also coordinates that are no multiple of a millimetre: thirds, and numbers one ulp from a round one."""
    odd = shapely.transform(np.asarray(division.third.geometry.array), lambda xy: np.nextafter(xy / 3.0, np.inf))
    frame = division.third.set_geometry(gpd.GeoSeries(odd, crs=division.crs))
    with session(engine) as opened:
        version = _draft(opened, division.with_layer(Level.THIRD, frame))
        back = read_version(opened, version.id)
    assert list(shapely.to_wkb(back.third.geometry.array)) == list(shapely.to_wkb(odd))


def test_parts_and_holes_come_back(engine, division):
    ring = shapely.box(0, 0, 10, 10).difference(shapely.box(2, 2, 3, 3))
    shape = shapely.MultiPolygon([ring, shapely.box(20, 0, 21, 1)])
    frame = division.street.set_geometry(gpd.GeoSeries([shape], crs=division.crs))
    with session(engine) as opened:
        version = _draft(opened, division.with_layer(Level.STREET, frame))
        back = read_version(opened, version.id)
    assert shapely.to_wkb(back.street.geometry.iloc[0]) == shapely.to_wkb(shape)


@given(st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 2), min_size=2, max_size=6))
def test_ewkb_keeps_every_bit(points):
    line = shapely.LineString(points)
    process = ExactGeometry("GEOMETRY", srid=-1).bind_processor(sqlite_dialect())
    bound = process(from_shape(line, srid=4549, extended=True))
    stored = spatial.from_ewkt(bound)
    assert shapely.get_srid(shapely.from_wkb(stored)) == 4549
    assert spatial.as_wkb(stored) == shapely.to_wkb(line, byte_order=1)


def test_text_is_taken_with_its_srid():
    stored = spatial.from_ewkt("SRID=4549;POINT (1 2)")
    assert stored == shapely.to_wkb(shapely.set_srid(shapely.Point(1, 2), 4549), include_srid=True, byte_order=1)
    assert spatial.srid(spatial.from_ewkt("POINT (1 2)")) == 0


def test_functions_pass_null_on(empty_store):
    engine = open_store(empty_store)
    with engine.connect() as connection:
        row = connection.execute(text("SELECT GeomFromEWKT(NULL), AsEWKB(NULL), AsBinary(NULL), ST_SRID(NULL)")).one()
    engine.dispose()
    assert tuple(row) == (None, None, None, None)


def test_the_srid_is_stored_with_every_cell(published):
    with published.connect() as connection:
        assert connection.execute(text("SELECT DISTINCT ST_SRID(geometry) FROM cell")).scalars().all() == [4549]


def test_upgrade_twice_changes_nothing(tmp_path):
    engine = open_store(tmp_path / "new.sqlite", must_exist=False)
    before, head = upgrade(engine)
    assert before is None
    assert upgrade(engine) == (head, head)
    engine.dispose()


def test_the_migrations_make_what_the_models_say(engine):
    """On SQLite the geometry column is excluded: reflecting it needs SpatiaLite's own tables."""
    from alembic.autogenerate import compare_metadata
    from alembic.runtime.migration import MigrationContext

    from api.database.migrations.env import include_object
    from api.database.models import Base

    def compared(thing, name, kind, reflected, other):
        spatial = engine.dialect.name == "sqlite" and name == "cell"
        return not spatial and include_object(thing, name, kind, reflected, other)

    def named(name, kind, _):
        return not (engine.dialect.name == "sqlite" and kind == "table" and name == "cell")

    with engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": compared, "compare_type": True, "include_name": named}
        )
        assert compare_metadata(context, Base.metadata) == []


def test_pragmas_keep_what_was_acknowledged(tmp_path, empty_store):
    """WAL lets readers continue, FULL waits for the disk at each commit, and foreign keys are enforced."""
    engine = open_store(empty_store)
    with engine.connect() as connection:
        found = {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")}
        assert found == {"journal_mode": "wal", "synchronous": 2}
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == 10_000
    engine.dispose()


def test_foreign_keys_are_enforced(engine):
    statement = "INSERT INTO device (id, street, name, created_at) VALUES (1, 99, 'x', '2026-03-01 00:00:00')"
    with pytest.raises(DatabaseError, match=r"(?i)foreign key"), engine.begin() as connection:
        connection.execute(text(statement))


def test_a_failed_transaction_leaves_nothing(engine, division):
    def store_and_stop():
        with session(engine) as opened:
            _draft(opened, division)
            raise RuntimeError("stop")

    with pytest.raises(RuntimeError, match="stop"):
        store_and_stop()
    with session(engine) as opened:
        assert list_versions(opened) == []


def test_the_repository_refuses_to_change_a_published_version(published, division):
    with session(published) as opened:
        version = current_version(opened)
    for change in (
        lambda opened: replace_cells(opened, version.id, division),
        lambda opened: publish(opened, version.id, published_at=NOW),
        lambda opened: discard(opened, version.id),
    ):
        with pytest.raises(PublishedError, match="never changed"), session(published) as opened:
            change(opened)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE cell SET name = 'x' WHERE level = 3",
        "UPDATE division_version SET note = 'x'",
        "UPDATE division_version SET published_at = NULL",
        "DELETE FROM cell WHERE level = 2",
        "DELETE FROM division_version",
        "INSERT INTO cell (version_id, level, position, code, extra, geometry) VALUES (1, 3, 99, 'new', '{}', x'00')",
    ],
)
def test_the_database_refuses_it_to_everybody(published, statement):
    """Also to programs that open the database without this package."""
    if published.dialect.name == "sqlite":
        connection = sqlite3.connect(published.url.database)
        with contextlib.closing(connection), pytest.raises(sqlite3.DatabaseError, match="never changed"):
            connection.execute(statement)
        return
    address = published.url.set(drivername="postgresql").render_as_string(hide_password=False)
    statement = statement.replace("x'00'", "ST_SetSRID(ST_MakePoint(0, 0), 4549)")
    with psycopg.connect(address) as connection, pytest.raises(psycopg.DatabaseError, match="never changed"):
        connection.execute(statement)


def test_a_cell_cannot_be_moved_into_a_published_version(published, division):
    with session(published) as opened:
        draft = _draft(opened, division)
    with pytest.raises(DatabaseError, match="never changed"), published.begin() as connection:
        connection.execute(
            text(f"UPDATE cell SET version_id = 1, code = 'x' WHERE version_id = {draft.id} AND level = 0")
        )


def test_a_draft_can_be_replaced_and_discarded(engine, division):
    smaller = division.with_layer(Level.THIRD, division.third.iloc[:-1])
    with session(engine) as opened:
        version = _draft(opened, division)
        assert replace_cells(opened, version.id, smaller).counts == (2, 4, 35)
        assert len(read_version(opened, version.id).third) == 35
        discard(opened, version.id)
        assert list_versions(opened) == []
        with pytest.raises(NotStoredError):
            get_version(opened, version.id)
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM cell")).scalar() == 0


def test_the_current_version_is_the_last_that_began(engine, division):
    with session(engine) as opened:
        old = _draft(opened, division, valid_from=DAY - timedelta(days=10))
        new = _draft(opened, division)
        draft = _draft(opened, division, valid_from=DAY + timedelta(days=1))
        with pytest.raises(NotStoredError, match="no published division"):
            current_version(opened)
        for version in (new, old):
            publish(opened, version.id, published_at=NOW)
        assert current_version(opened).id == new.id
        assert current_version(opened, day=DAY).id == new.id
        assert current_version(opened, day=DAY - timedelta(days=1)).id == old.id
        assert get_version(opened, draft.id).published_at is None
        with pytest.raises(NotStoredError, match="2026-01-01"):
            current_version(opened, day=date(2026, 1, 1))


def test_the_digest_tells_geometry_apart_and_not_order(engine, division):
    shuffled = division.with_layer(Level.THIRD, division.third.iloc[::-1].reset_index(drop=True))
    moved = division.third.geometry.translate(0.001)
    other = division.with_layer(Level.THIRD, division.third.set_geometry(moved))
    with session(engine) as opened:
        digests = [_draft(opened, d).digest for d in (division, shuffled, other)]
    assert digests[0] == digests[1] != digests[2]


def test_times_come_back_aware(published):
    with session(published) as opened:
        version = current_version(opened)
    assert version.published_at == datetime.fromisoformat("2026-03-01T16:00:00+08:00")
    assert version.published_at.utcoffset() == timedelta(0)


def test_naive_times_are_refused(engine, division):
    with pytest.raises(InputError, match="time zone"), session(engine) as opened:
        _draft(opened, division, created_at=datetime(2026, 3, 1))


def test_a_crs_without_a_number_is_refused(engine, division):
    odd = "+proj=tmerc +lon_0=118.8 +x_0=500000 +ellps=GRS80 +units=m"
    frames = {level.layer: division.layer(level).to_crs(odd) for level in Level}
    with pytest.raises(CrsError, match="EPSG"), session(engine) as opened:
        _draft(opened, Division(**frames))


def test_what_is_no_database_is_refused(tmp_path):
    (tmp_path / "text.sqlite").write_text("this is no database, only some text that is long enough to be read as one")
    for path, message in (
        (tmp_path / "absent.sqlite", "no such database"),
        (tmp_path / "text.sqlite", "not a database"),
        (tmp_path, "is a folder"),
        (tmp_path / "no" / "folder.sqlite", "no such database"),
    ):
        with pytest.raises(FileError, match=message):
            open_store(path)
    with pytest.raises(InputError, match="driver"):
        open_store("oracle+nothing://host/db")
    with pytest.raises(InputError, match="not a database URL"):
        open_store("://")


def test_the_same_division_is_not_stored_twice_if_it_is_current(engine, division):
    words = {"valid_from": DAY, "now": NOW, "publish_it": True, "note": None, "unless_current": True}
    database = engine.url.render_as_string(hide_password=False)
    first = store_division(division, database, **words)
    assert store_division(division, database, **words).id == first.id
    moved = division.with_layer(Level.THIRD, division.third.assign(name="x"))
    assert store_division(moved, database, **{**words, "valid_from": DAY + timedelta(days=1)}).id != first.id


def test_of_two_versions_of_one_day_the_one_published_last_holds(engine, division):
    """Regardless of their numbers: the first draft is published after the second."""
    with session(engine, write=True) as opened:
        first, second = _draft(opened, division), _draft(opened, division)
        publish(opened, second.id, published_at=NOW)
        publish(opened, first.id, published_at=NOW + timedelta(seconds=1))
        assert current_version(opened).id == first.id
        assert current_version(opened, day=DAY).id == first.id


def test_a_retired_version_does_not_hold_from_its_day_on(engine, division):
    with session(engine, write=True) as opened:
        old, new = _draft(opened, division, valid_from=DAY - timedelta(days=9)), _draft(opened, division)
        for version in (old, new):
            publish(opened, version.id, published_at=NOW)
        end = DAY + timedelta(days=3)
        retire(opened, new.id, day=end, at=NOW, actor="admin", reason="a border was wrong")
        assert current_version(opened, day=end - timedelta(days=1)).id == new.id
        assert current_version(opened, day=end).id == old.id
        assert current_version(opened).id == old.id
        assert [(e.action, e.actor, e.day) for e in history(opened, new.id)][2:] == [("retired", "admin", end)]
        with pytest.raises(NotStoredError, match="draft"):
            retire(opened, _draft(opened, division).id, day=end, at=NOW)


def test_a_version_tells_who_did_what_when_and_why(engine, division):
    with session(engine, write=True) as opened:
        version = _draft(opened, division, note="first", actor="plan")
        replace_cells(opened, version.id, division, at=NOW, actor="plan")
        publish(opened, version.id, published_at=NOW, actor="head", reason="agreed on 1 March")
        told = [(e.action, e.actor, e.reason) for e in history(opened, version.id)]
    assert told == [("stored", "plan", "first"), ("replaced", "plan", None), ("published", "head", "agreed on 1 March")]


def test_of_two_who_publish_at_once_one_wins(engine, division):
    """The other one gets the list of versions published since."""
    with session(engine, write=True) as opened:
        base = _draft(opened, division)
        publish(opened, base.id, published_at=NOW)
        drafts = [_draft(opened, division, note=f"draft {k}").id for k in range(2)]
    start, told = threading.Barrier(2), []

    def one(draft: int) -> None:
        start.wait()
        try:
            with session(engine, write=True) as opened:
                publish(opened, draft, published_at=NOW + timedelta(hours=1), based_on=base.id)
            told.append((draft, None))
        except OutdatedError as error:
            told.append((draft, error))

    threads = [threading.Thread(target=one, args=(draft,)) for draft in drafts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    (winner,) = [draft for draft, error in told if error is None]
    ((loser, error),) = [entry for entry in told if entry[1] is not None]
    assert error.ids == (winner,)
    assert f"draft {drafts.index(winner)}" in str(error)
    with session(engine) as opened:
        assert get_version(opened, loser).published_at is None


APPEND_ONLY = {
    "division_event": "UPDATE division_event SET actor = 'x'",
    "audit": "UPDATE audit SET actor = 'x'",
    "rule_set": "DELETE FROM rule_set",
    "fix": "UPDATE fix SET lon_e7 = 0",
    "event": "DELETE FROM event",
    "incident": "UPDATE incident SET text = ''",
}


def test_a_clock_that_was_set_back_refuses_no_draft(engine, division):
    earlier = NOW - timedelta(days=1)
    with session(engine, write=True) as opened:
        first = publish(opened, _draft(opened, division).id, published_at=NOW)
        second = publish(opened, _draft(opened, division).id, published_at=earlier, based_on=first.id)
        assert second.published_at == NOW + timedelta(microseconds=1)
        assert current_version(opened, day=DAY).id == second.id
        assert history(opened, second.id)[-1].at == earlier
        with pytest.raises(OutdatedError):
            publish(opened, _draft(opened, division).id, published_at=earlier, based_on=first.id)
        third = publish(opened, _draft(opened, division).id, published_at=earlier, based_on=second.id)
        assert current_version(opened, day=DAY).id == third.id


@pytest.mark.parametrize("table", APPEND_ONLY)
def test_rows_that_are_only_added_cannot_be_changed(published, table):
    rows = {
        "audit": "INSERT INTO audit (id, street, at, actor, action, subject, detail) "
        "VALUES (1, 1, '2026-03-01 00:00:00', 'a', 'b', 'c', '{}')",
        "rule_set": "INSERT INTO rule_set (id, street, name, version, text, created_at, created_by) "
        "VALUES (1, 1, 'r', '1', '', '2026-03-01 00:00:00', 'a')",
        "fix": "INSERT INTO fix (street, device, time_us, lon_e7, lat_e7, future, datum, source, received_us) "
        "VALUES (1, 1, 1, 1, 1, 0, 0, 0, 1)",
        "event": "INSERT INTO event (id, street, at, kind, scope, data) "
        "VALUES (1, 1, '2026-03-01 00:00:00', 'k', 's', '{}')",
        "incident": "INSERT INTO incident (id, street, number, reported_at, received_at, lon, lat, datum, text) "
        "VALUES (1, 1, 'N', '2026-03-01 00:00:00', '2026-03-01 00:00:00', 1, 1, 'WGS-84', 'a')",
    }
    if table in rows:
        with published.begin() as connection:
            connection.execute(text(rows[table]))
    with pytest.raises(DatabaseError, match="never changed"), published.begin() as connection:
        connection.execute(text(APPEND_ONLY[table]))


def test_the_first_division_names_the_street(engine, division):
    with session(engine, write=True) as opened:
        assert street_of(opened) == 1
        _draft(opened, division)
        assert street_of(opened, "320113003") == street_of(opened) == 1
        assert street_of(opened, "320113004") == 2
        with pytest.raises(InputError, match="WANGGE_STREET"):
            street_of(opened)


def test_json_that_only_the_slow_decoder_reads_is_read():
    assert math.isnan(_decoded('{"a": [1, NaN]}')["a"][1])
    assert _decoded('"\\ud800"') == "\ud800"
    assert _decoded(b'{"\xe6\xa0\xbc": 12345678901234567890123}') == {"格": 12345678901234567890123}
    with pytest.raises(ValueError, match="Expecting property name"):
        _decoded("{")


def test_collection_is_paused_until_the_last_block_ends():
    assert gc.isenabled()
    with collection_paused():
        with collection_paused():
            assert not gc.isenabled()
        assert not gc.isenabled()
    assert gc.isenabled()
    gc.disable()
    try:
        with collection_paused():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
    with pytest.raises(ZeroDivisionError), collection_paused():
        1 / 0  # noqa: B018
    assert gc.isenabled()
