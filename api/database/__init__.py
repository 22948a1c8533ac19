"""The database: one SQLite file, or one PostgreSQL database with PostGIS.

Terms
-----
version
    One division with the day from which it is valid. A draft can be replaced or deleted; a published version is never
    changed: the functions refuse it, and triggers in the database refuse it for all other programs.
current version
    Of the published versions valid on a day, the one with the latest first day.
street
    Several streets can share a database; every row belongs to one of them (:mod:`api.database.models`).

Public: :func:`open_store`, :func:`session`, :func:`upgrade`, and the queries, one module per subject
(:mod:`~api.database.divisions`, :mod:`~api.database.people`, :mod:`~api.database.accounts`, ...).

Known limits: geometries are stored as EWKB, without a spatial index on SQLite; positions are located by the index in memory.
Another SQLite library (GDAL, ADBC, DuckDB) must not open the file in the same process: closing it drops the locks.
"""

from api.database.connections import open_store, session
from api.database.divisions import (
    DivisionEvent,
    VersionInfo,
    add_version,
    current_version,
    discard,
    get_version,
    history,
    list_versions,
    publish,
    read_version,
    replace_cells,
    retire,
    street_of,
)
from api.database.migrate import upgrade

__all__ = [
    "DivisionEvent",
    "VersionInfo",
    "add_version",
    "current_version",
    "discard",
    "get_version",
    "history",
    "list_versions",
    "open_store",
    "publish",
    "read_version",
    "replace_cells",
    "retire",
    "session",
    "street_of",
    "upgrade",
]
