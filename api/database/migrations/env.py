"""Alembic's entry: the connection comes from :func:`api.database.migrate.upgrade`."""

import re

from alembic import context

from api.database.models import Base


def include_object(_: object, name: str | None, kind: str, *__: object) -> bool:
    """Leave out what is not in the models: PostGIS's table, the partitions that the writer makes, their index."""
    if kind == "index" and name == "ix_fix_time_us":
        return False
    return not (kind == "table" and (name == "spatial_ref_sys" or re.fullmatch(r"fix_(\d{8}|other)", name or "")))


# Alembic runs this file; a test runner that merely imports it must not migrate anything.
if hasattr(context, "config"):
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=Base.metadata,
        include_object=include_object,
    )
    with context.begin_transaction():
        context.run_migrations()
