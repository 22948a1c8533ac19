"""Migrates the schema of a database."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import DatabaseError

from geo.errors import FileError

if TYPE_CHECKING:
    from alembic.config import Config

MIGRATIONS = Path(__file__).parent / "migrations"


#: Maximum time a migration waits for a lock on PostgreSQL: while it waits, the table is blocked for the service.
LOCK_TIMEOUT_S = 5


def upgrade(engine: Engine) -> tuple[str | None, str]:
    """Run the missing migrations of a database, in one transaction.

    Returns
    -------
    tuple
        Revision before (None for an empty database) and after.

    Raises
    ------
    FileError
        If PostGIS is not installed in the database and this user may not install it.
    """
    # Imported here: the server only compares revisions, and alembic would add half a second to its start.
    from alembic import command
    from alembic.runtime.migration import MigrationContext

    config = _config()
    with engine.execution_options(write=True).begin() as connection:
        if engine.dialect.name == "postgresql":
            _prepare_postgresql(connection)
        before = MigrationContext.configure(connection).get_current_revision()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        after = MigrationContext.configure(connection).get_current_revision()
    return before, str(after)


def require_schema(engine: Engine) -> None:
    """Refuse a database whose schema is not that of this version of the program.

    Raises
    ------
    FileError
        If the database is empty, older or newer.
    """
    found, expected = revisions(engine)
    if found != expected:
        name = engine.url.render_as_string(hide_password=True)
        raise FileError(f"{name}: its schema is {found or 'empty'}, {expected} is needed; run 'wangge db upgrade'")


def revisions(engine: Engine) -> tuple[str | None, str]:
    """Revision of a database (None if empty), and the expected one."""
    with engine.connect() as connection:
        known = inspect(connection).has_table("alembic_version")
        found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar() if known else None
    return found, head()


def head() -> str:
    """Expected revision: the number at the start of the last migration's file name."""
    return max(path.name[:4] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def _prepare_postgresql(connection: Connection) -> None:
    """Serialise migrations of several processes, and ensure that PostGIS is installed."""
    connection.execute(text(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT_S}s'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(hashtext('wangge upgrade'))"))
    if connection.execute(text("SELECT 1 FROM pg_extension WHERE extname = 'postgis'")).first() is None:
        try:
            connection.execute(text("CREATE EXTENSION postgis"))
        except DatabaseError as error:
            raise FileError(
                "PostGIS is not installed in this database; run 'CREATE EXTENSION postgis' in it as its administrator "
                f"({str(error.orig).splitlines()[0]})"
            ) from error


def _config() -> Config:
    from alembic.config import Config

    config = Config()
    # A '%' in the path would be interpreted as an interpolation.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
