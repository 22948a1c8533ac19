"""Complete, verified backups of a database, and their restoration."""

from __future__ import annotations

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from sqlalchemy import Engine, inspect
from sqlalchemy.engine import URL

from api.database.connections import database_url
from geo.errors import FileError

#: Time limit of ``pg_dump`` and ``pg_restore``.
LONGEST_S = 6 * 3600


def backup(engine: Engine, target: Path) -> int:
    """Write the database to a file while it is in use; returns the size in bytes.

    The result is a SQLite file (copied in one step, because a stepwise backup restarts at every commit and may never end), or a
    dump of ``pg_dump``. The file gets its name when it is complete and verified.

    Raises
    ------
    FileError
        If the target exists, cannot be written, or is damaged; or ``pg_dump`` is missing or fails.
    """
    if target.exists():
        raise FileError(f"{target}: exists; a backup never overwrites, choose another name")
    if not target.parent.is_dir():
        raise FileError(f"{target}: the folder {target.parent} does not exist")
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        if engine.dialect.name == "sqlite":
            _copy_sqlite(Path(str(engine.url.database)), partial)
        else:
            _run(["pg_dump", "--format=custom", "--compress=1", f"--file={partial}", _address(engine.url)])
        _to_disk(partial)
        os.link(partial, target)
    except (OSError, sqlite3.Error) as error:
        raise FileError(f"{target}: the backup could not be written ({error})") from error
    finally:
        partial.unlink(missing_ok=True)
    return target.stat().st_size


def restore(source: Path, database: str) -> None:
    """Create a database from a backup. The database must be new or empty: nothing is overwritten.

    Raises
    ------
    FileError
        If the backup is missing or damaged, the database has tables already, or ``pg_restore`` is missing or fails.
    """
    if not source.is_file():
        raise FileError(f"{source}: no such backup")
    url = database_url(database)
    if url.get_backend_name() == "sqlite":
        target = Path(str(url.database))
        if target.exists():
            raise FileError(f"{target}: exists; move it away first, a restore never overwrites")
        partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
        try:
            _copy_sqlite(source, partial)
            _to_disk(partial)
            os.link(partial, target)
        except (OSError, sqlite3.Error) as error:
            raise FileError(f"{source}: cannot be restored to {target} ({error})") from error
        finally:
            partial.unlink(missing_ok=True)
        return
    from api.database.connections import open_store

    engine = open_store(database)
    try:
        if inspect(engine).has_table("division_version"):
            raise FileError("the database has the tables of a store already; restore into an empty database")
        _run(["pg_restore", "--exit-on-error", "--no-owner", f"--dbname={_address(engine.url)}", str(source)])
    finally:
        engine.dispose()


def _copy_sqlite(source: Path, target: Path) -> None:
    """Copy a SQLite file as of one moment, and check the copy."""
    if not source.is_file():
        raise FileError(f"{source}: no such file")
    with (
        closing(sqlite3.connect(f"file:{source}?mode=ro", uri=True)) as opened,
        closing(sqlite3.connect(target)) as copy,
    ):
        opened.backup(copy, pages=-1)
        copy.execute("PRAGMA journal_mode=DELETE")
        answer = copy.execute("PRAGMA quick_check").fetchone()[0]
        if answer != "ok":
            raise FileError(f"{source}: is damaged ({answer})")
        if copy.execute("SELECT count(*) FROM sqlite_master WHERE name = 'division_version'").fetchone() != (1,):
            raise FileError(f"{source}: is no store of wangge")


def _to_disk(path: Path) -> None:
    for name, flags in ((path, os.O_RDONLY), (path.parent, os.O_RDONLY | os.O_DIRECTORY)):
        descriptor = os.open(name, flags)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _address(url: URL) -> str:
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def _run(words: Sequence[str]) -> None:
    program = shutil.which(words[0])
    if program is None:
        raise FileError(f"'{words[0]}' is not installed; install Debian's postgresql-client")
    done = subprocess.run([program, *words[1:]], capture_output=True, text=True, timeout=LONGEST_S, check=False)
    if done.returncode != 0:
        lines = [line for line in done.stderr.splitlines() if line.strip()]
        raise FileError(f"{words[0]}: {lines[-1] if lines else 'failed'}")
