"""The store, on real SQLite files."""

from __future__ import annotations

import contextlib
import sqlite3
from datetime import date, datetime, timedelta

import geopandas as gpd
import numpy as np
import pytest
import shapely
from geoalchemy2.shape import from_shape
from geopandas.testing import assert_geodataframe_equal
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.dialects.sqlite import dialect as sqlite_dialect
from sqlalchemy.exc import DatabaseError

from api.database import (
    add_version,
    current_version,
    discard,
    get_version,
    list_versions,
    open_store,
    publish,
    read_version,
    replace_cells,
    session,
    spatial,
    upgrade,
)
from api.errors import NotStoredError, PublishedError
from api.jobs.store import store_division
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
    """Also coordinates that are no multiple of a millimetre: thirds, and numbers one ulp beside a round one."""
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
    process = spatial.ExactGeometry("GEOMETRY", srid=-1).bind_processor(sqlite_dialect())
    bound = process(from_shape(line, srid=4549, extended=True))
    stored = spatial.from_ewkt(bound)
    assert shapely.get_srid(shapely.from_wkb(stored)) == 4549
    assert spatial.as_wkb(stored) == shapely.to_wkb(line, byte_order=1)


def test_text_is_taken_with_its_srid():
    stored = spatial.from_ewkt("SRID=4549;POINT (1 2)")
    assert stored == shapely.to_wkb(shapely.set_srid(shapely.Point(1, 2), 4549), include_srid=True, byte_order=1)
    assert spatial.srid(spatial.from_ewkt("POINT (1 2)")) == 0


def test_functions_pass_null_on(engine):
    with engine.connect() as connection:
        row = connection.execute(text("SELECT GeomFromEWKT(NULL), AsEWKB(NULL), AsBinary(NULL), ST_SRID(NULL)")).one()
    assert tuple(row) == (None, None, None, None)


def test_the_srid_is_stored_with_every_cell(published):
    with published.connect() as connection:
        assert connection.execute(text("SELECT DISTINCT ST_SRID(geometry) FROM cell")).scalars().all() == [4549]


def test_upgrade_twice_changes_nothing(tmp_path):
    engine = open_store(tmp_path / "new.sqlite", must_exist=False)
    assert upgrade(engine) == (None, "0001")
    assert upgrade(engine) == ("0001", "0001")
    engine.dispose()


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
    """Even a program that opens the file with nothing but sqlite3."""
    connection = sqlite3.connect(published.url.database)
    with contextlib.closing(connection), pytest.raises(sqlite3.DatabaseError, match="never changed"):
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
    database = str(engine.url.database)
    first = store_division(division, database, **words)
    assert store_division(division, database, **words).id == first.id
    moved = division.with_layer(Level.THIRD, division.third.assign(name="x"))
    assert store_division(moved, database, **{**words, "valid_from": DAY + timedelta(days=1)}).id != first.id
