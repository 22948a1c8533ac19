"""Reads tables in user files: text files and spreadsheets into rows, headers into columns, texts into times and coordinates.

Terms
-----
table
    Rows below one heading, each with its row number in the file (the first row is 1); see :class:`geo.tables.table.Table`.
heading, header
    The heading is the row (or two rows) with the column names; a header is one of these names. Headers are *folded* for
    comparison: case, character width, blanks, punctuation and brackets are removed.
place
    The columns that contain the coordinates, with the datum or CRS named in their headers.
reason
    Why a row cannot be used: a bilingual text, None for usable rows. A *refused row* has file, row, column, value and reason.
notice
    Message for the user about something guessed, ignored or damaged.

Where things are
----------------
files to rows
    :mod:`~geo.tables.table` (start here), :mod:`~geo.tables.encodings`, :mod:`~geo.tables.delimited`,
    :mod:`~geo.tables.spreadsheets`, :mod:`~geo.tables.html`, :mod:`~geo.tables.merged`, :mod:`~geo.tables.heading`.
headers to columns
    :mod:`~geo.tables.headers`; the known names are defined by the rooms that read tables (incidents, tracks, points, duty).
texts to values
    :mod:`~geo.tables.times` (columns) and :mod:`~geo.tables.clock_texts` (one text), :mod:`~geo.tables.local_time` (the one rule
    for local times), :mod:`~geo.tables.numbers`, :mod:`~geo.tables.coordinates`.
rows that cannot be used
    :mod:`~geo.tables.refused`.

Known limits: a date like 3/5/2026 is ambiguous without other rows and is refused; time zone abbreviations are not supported; a
spreadsheet has to fit in memory. Importing this package does not load a geometry library.
"""
