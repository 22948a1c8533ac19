"""Alembic migrations of the store; they run from :func:`api.database.upgrade`, with no ini file."""
