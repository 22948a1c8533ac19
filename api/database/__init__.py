"""The store: versions of divisions in SQLite or PostGIS.

Terms
-----
version
    One division with the day from which it holds. A draft can be replaced or thrown away; a published one is never
    changed: the repository refuses it, and a trigger in the database refuses it to everybody else.
current version
    Of the published versions that hold on a day, the one that began last.

Public: :func:`open_store`, :func:`upgrade`, and the queries in :mod:`api.database.repository`.
"""

from api.database.migrate import upgrade
from api.database.repository import (
    VersionInfo,
    add_version,
    current_version,
    discard,
    get_version,
    list_versions,
    publish,
    read_version,
    replace_cells,
)
from api.database.session import open_store, session

__all__ = [
    "VersionInfo",
    "add_version",
    "current_version",
    "discard",
    "get_version",
    "list_versions",
    "open_store",
    "publish",
    "read_version",
    "replace_cells",
    "session",
    "upgrade",
]
