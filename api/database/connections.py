"""Opens the database."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DatabaseError, NoSuchModuleError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from api.database.spatial import register
from geo.errors import FileError, InputError

#: Maximum time a writer waits for another one, in milliseconds.
BUSY_TIMEOUT_MS = 10_000

#: Connections kept open by one process to a database server.
POOL_SIZE = 8


def open_store(database: str | Path, *, must_exist: bool = True) -> Engine:
    """Open the database.

    Parameters
    ----------
    database
        Path of a SQLite file, or a URL (``sqlite:///file``, ``postgresql+psycopg://...``).
    must_exist
        Refuse a SQLite file that does not exist, instead of creating it.

    Raises
    ------
    FileError
        If the file is missing, its folder is, or it is not a SQLite database.
    InputError
        If the URL cannot be parsed or its driver is not installed.
    """
    url = database_url(database)
    if url.get_backend_name() == "sqlite":
        _require_file(url, must_exist)
    try:
        engine = create_engine(url, json_deserializer=_decoded, **_pool_options(url))
    except (NoSuchModuleError, ModuleNotFoundError) as error:
        raise InputError(f"{url.drivername}: the database driver is not installed ({error})") from error
    if engine.dialect.name == "sqlite":
        event.listen(engine, "connect", _on_connect)
        event.listen(engine, "begin", _on_begin)
    _require_answer(engine, url)
    return engine


def database_url(database: str | Path) -> URL:
    """Convert a path or a URL to a SQLAlchemy URL.

    >>> database_url("out/wangge.sqlite").render_as_string()
    'sqlite:///out/wangge.sqlite'
    >>> database_url("postgresql://wangge@db/wangge").drivername
    'postgresql+psycopg'
    """
    if "://" not in str(database):
        return URL.create("sqlite", database=str(database))
    try:
        url = make_url(str(database))
    except ArgumentError as error:
        raise InputError(
            f"'{database}' is not a database URL; use a file path, sqlite:///... or postgresql://..."
        ) from error
    # psycopg is the installed driver; by default SQLAlchemy would look for psycopg2.
    return url.set(drivername="postgresql+psycopg") if url.drivername in ("postgresql", "postgres") else url


@contextmanager
def session(engine: Engine, *, write: bool = False) -> Iterator[Session]:
    """One transaction: committed if the block ends without an exception, rolled back otherwise.

    Parameters
    ----------
    write
        Take SQLite's write lock at the start. A transaction that reads first and writes later would fail at once if another one
        has written in between; this one waits for the lock.
    """
    bound = engine.execution_options(write=True) if write else engine
    with Session(bound) as opened, opened.begin():
        yield opened


def lock(opened: Session, name: str) -> None:
    """Wait for the lock `name` and hold it until the end of the transaction.

    On SQLite the transaction must be a write transaction; it has one lock for all names.
    """
    if opened.get_bind().dialect.name == "postgresql":
        opened.execute(text("SELECT pg_advisory_xact_lock(hashtext(:name))"), {"name": name})


def folder_of_store(engine: Engine, otherwise: Path) -> Path:
    """Folder of a SQLite file; `otherwise` for a database server."""
    if engine.dialect.name == "sqlite" and engine.url.database:
        return Path(engine.url.database).resolve().parent
    return otherwise


def _pool_options(url: URL) -> dict[str, Any]:
    """Connections to a server are tested before use, as it may have been restarted."""
    return {"pool_pre_ping": True, "pool_size": POOL_SIZE} if url.get_backend_name() == "postgresql" else {}


def _decoded(text: str | bytes) -> Any:
    """JSON as values; the slower decoder of the standard library also reads NaN, which SQLite may contain."""
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeError):
        return json.loads(text)


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
        reason = (str(error.orig).splitlines() or ["no reason given"])[0]
        raise FileError(
            f"{url.render_as_string(hide_password=True)}: cannot be opened as a database ({reason})"
        ) from error


def _on_connect(connection: sqlite3.Connection, _: ConnectionPoolEntry) -> None:
    # The driver's own transactions would exclude schema changes; BEGIN is sent by _on_begin instead.
    connection.isolation_level = None
    register(connection)
    connection.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA foreign_keys=ON")
    # Readers are not blocked while a version is written.
    connection.execute("PRAGMA journal_mode=WAL")
    # A commit is acknowledged after it is on disk; NORMAL would lose the last commits at a power failure.
    connection.execute("PRAGMA synchronous=FULL")


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE" if connection.get_execution_options().get("write") else "BEGIN")
