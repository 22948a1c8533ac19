"""Access for programs and people: the command line, HTTP and the database.

Terms
-----
version
    A stored division: a draft until it is published, and immutable afterwards.
store
    The database with the versions: one SQLite file, or PostGIS by URL.
snapshot
    The data of the current version that the server keeps in memory.
problem
    The body of an HTTP error (RFC 9457).

Public names: :func:`api.cli.main` (the command ``wangge``), :func:`api.app.create_app`, :mod:`api.database`. Nothing in ``geo``
or ``maps`` imports from this package.
"""
