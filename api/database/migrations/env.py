"""Environment of Alembic; the connection is supplied by :func:`api.database.migrate.upgrade`."""

import re

from alembic import context

from api.database.models import Base


def include_object(_: object, name: str | None, kind: str, *__: object) -> bool:
    """Exclude tables without a model: PostGIS's own, the partitions created by the writer, and their indexes."""
    if kind == "index" and name == "ix_fix_time_us":
        return False
    return not (kind == "table" and (name == "spatial_ref_sys" or re.fullmatch(r"fix_(\d{8}|other)", name or "")))


# Alembic executes this file; importing it in a test runner must not migrate anything.
if hasattr(context, "config"):
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=Base.metadata,
        include_object=include_object,
    )
    with context.begin_transaction():
        context.run_migrations()
