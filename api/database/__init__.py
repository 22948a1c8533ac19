"""The store: everything that must survive, in one SQLite file or one PostgreSQL database with PostGIS.

Terms
-----
version
    One division with the day from which it holds. A draft can be replaced or deleted; a published one is never
    changed: the functions refuse it, and a trigger in the database refuses it to every other program.
current version
    Of the published versions that hold on a day, the one that began last.
street
    Several streets can share a store; every row belongs to one of them (:mod:`api.database.models`).

Public: :func:`open_store`, :func:`session`, :func:`upgrade`, and the queries, one module per subject
(:mod:`~api.database.divisions`, :mod:`~api.database.people`, :mod:`~api.database.accounts`, ...).

Known limits: the store holds geometries as EWKB and has no spatial index on SQLite; questions about places go to the index
in memory. Another SQLite library (GDAL, ADBC, DuckDB) must not open the file in the same process: its close drops the locks.
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
