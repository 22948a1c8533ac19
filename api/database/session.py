"""Opening the store."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from api.database.spatial import register
from geo.errors import FileError, InputError

#: How long a writer waits for another one before it gives up, in milliseconds.
BUSY_TIMEOUT_MS = 10_000


def open_store(database: str | Path, *, must_exist: bool = True) -> Engine:
    """Open the store.

    Parameters
    ----------
    database
        Path of a SQLite file, or a URL (``sqlite:///file``, ``postgresql+psycopg://...``).
    must_exist
        Refuse a SQLite file that is not there, instead of making it.

    Raises
    ------
    FileError
        If the file is missing, its folder is, or it is not a SQLite database.
    InputError
        If the URL cannot be understood or its driver is not installed.
    """
    url = database_url(database)
    if url.get_backend_name() == "sqlite":
        _require_file(url, must_exist)
    try:
        engine = create_engine(url)
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise InputError(f"{url.drivername}: the database driver is not installed ({error})") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_connect)
        event.listen(engine, "begin", _on_begin)
    _require_answer(engine, url)
    return engine


def database_url(database: str | Path) -> URL:
    """Read a path or a URL.

    >>> database_url("out/wangge.sqlite").render_as_string()
    'sqlite:///out/wangge.sqlite'
    """
    if "://" not in str(database):
        return URL.create("sqlite", database=str(database))
    try:
        return make_url(str(database))
    except ArgumentError as error:
        raise InputError(
            f"'{database}' is not a database URL; use a file path, sqlite:///... or postgresql+..."
        ) from error


@contextmanager
def session(engine: Engine) -> Iterator[Session]:
    """One transaction: committed if the block ends well, rolled back if it does not."""
    with Session(engine) as opened, opened.begin():
        yield opened


def _require_file(url: URL, must_exist: bool) -> None:
    if url.database in (None, "", ":memory:"):
        return
    path = Path(str(url.database))
    if path.is_dir():
        raise FileError(f"{path}: is a folder, a database file is expected")
    if must_exist and not path.exists():
        raise FileError(f"{path}: no such database; make it with 'wangge db upgrade' or 'wangge demo'")
    if not path.parent.is_dir():
        raise FileError(f"{path}: the folder {path.parent} does not exist")


def _require_answer(engine: Engine, url: URL) -> None:
    try:
        with engine.connect() as connection:
            connection.execute(text("SELECT 1"))
    except DatabaseError as error:
        engine.dispose()
        reason = str(error.orig).splitlines()[0]
        raise FileError(
            f"{url.render_as_string(hide_password=True)}: cannot be opened as a database ({reason})"
        ) from error


def _on_connect(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    # The driver's own transactions would leave schema changes outside; BEGIN is sent by _on_begin instead.
    connection.isolation_level = None
    register(connection)
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA foreign_keys=ON")
    # Readers go on while a version is written.
    connection.execute("PRAGMA journal_mode=WAL")


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")
