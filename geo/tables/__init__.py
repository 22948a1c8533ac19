"""Reading tables that people send: text files and spreadsheets to rows, headers to columns, texts to times and coordinates.

Terms
-----
table
    Rows under one heading, each known by its number in the file (the first row is 1); see :class:`geo.tables.table.Table`.
heading, header
    The row (or two) with the names of the columns; one of these names. A header is *folded* for comparison: without case, width,
    blanks, signs and brackets.
place
    The columns that hold the coordinates, with the datum or CRS that their headers name.
reason
    Why a row cannot be used: a bilingual text, None where it can. A *refused row* carries it with file, row, column and value.
notice
    What was guessed, passed over or damaged, for the user to see.

Where things are
----------------
files to rows
    :mod:`~geo.tables.table` (start here), :mod:`~geo.tables.encodings`, :mod:`~geo.tables.delimited`,
    :mod:`~geo.tables.spreadsheets`, :mod:`~geo.tables.html`, :mod:`~geo.tables.merged`, :mod:`~geo.tables.heading`.
headers to columns
    :mod:`~geo.tables.headers`; the names of each subject stand in the subject.
texts to values
    :mod:`~geo.tables.times` (columns) and :mod:`~geo.tables.clock_texts` (one text), :mod:`~geo.tables.local_time` (the one rule
    for local times), :mod:`~geo.tables.numbers`, :mod:`~geo.tables.coordinates`.
rows that cannot be used
    :mod:`~geo.tables.refused`.

Known limits: dates like 3/5/2026 alone are not guessed; zone abbreviations are not read; a spreadsheet has to fit in memory.
Importing this room loads no geometry library.
"""
