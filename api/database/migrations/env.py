"""Alembic's entry: the connection comes from :func:`api.database.migrate.upgrade`."""

from alembic import context

from api.database.models import Base

# Alembic runs this file; whoever merely imports it (a test runner that collects modules) is not to migrate anything.
if hasattr(context, "config"):
    context.configure(connection=context.config.attributes["connection"], target_metadata=Base.metadata)
    with context.begin_transaction():
        context.run_migrations()
