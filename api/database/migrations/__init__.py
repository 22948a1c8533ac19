"""Alembic migrations of the database, run by :func:`api.database.upgrade` without an ini file."""
