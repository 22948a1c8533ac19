"""Bringing the schema of a store up to date."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from geo.errors import FileError

MIGRATIONS = Path(__file__).parent / "migrations"


def upgrade(engine: Engine) -> tuple[str | None, str]:
    """Run the migrations that a store lacks, in one transaction.

    Returns
    -------
    tuple
        Revision before (None for an empty database) and after.
    """
    config = _config()
    with engine.begin() as connection:
        before = MigrationContext.configure(connection).get_current_revision()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        after = MigrationContext.configure(connection).get_current_revision()
    return before, str(after)


def require_schema(engine: Engine) -> None:
    """Refuse a store whose schema is not the one that this program expects.

    Raises
    ------
    FileError
        If the store is empty, older or newer.
    """
    with engine.connect() as connection:
        found = MigrationContext.configure(connection).get_current_revision()
    head = ScriptDirectory.from_config(_config()).get_current_head()
    if found != head:
        name = engine.url.render_as_string(hide_password=True)
        raise FileError(f"{name}: its schema is {found or 'empty'}, {head} is needed; run 'wangge db upgrade'")


def _config() -> Config:
    config = Config()
    # A '%' in the path would be read as an interpolation.
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
