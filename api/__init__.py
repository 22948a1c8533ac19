"""How programs and people get in: the command line, HTTP and the database.

Terms
-----
version
    A division as it is stored: a draft until it is published, and never changed after that.
store
    The database that holds the versions: one SQLite file, or PostGIS by URL.
snapshot
    What the server keeps in memory of the version that holds now.
problem
    An error as HTTP tells it (RFC 9457).

Public: :func:`api.cli.main` (the command ``wangge``), :func:`api.app.create_app`, :mod:`api.database`.
Nothing in ``geo`` or ``maps`` imports from here.
"""
