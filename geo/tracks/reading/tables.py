"""Tables of fixes in text files and spreadsheets, before their headers are matched."""

from __future__ import annotations

from collections.abc import Mapping

from geo.errors import ColumnError
from geo.tables.table import is_headless, read_headless, read_table
from geo.tracks.reading.format import FixTable
from geo.tracks.reading.headers import KNOWN_HEADERS

Columns = Mapping[str, str | int]


def read_fix_table(raw: bytes, name: str, columns: Columns, sheet: str | None) -> FixTable:
    """Read a text table or a spreadsheet.

    Parameters
    ----------
    raw
        Content of the file.
    name
        Name of the file in messages.
    columns
        Our names and headers, or positions from 0 for a file without a header row.
    sheet
        Title of the sheet; None for the first one with a table.

    Raises
    ------
    FileError
        If it is not a table.
    ColumnError
        If there is no header row and no positions are given.
    """
    if columns and all(isinstance(theirs, int) for theirs in columns.values()):
        table = read_headless(raw, name)
    else:
        first = is_headless(raw, name)
        if first is not None:
            raise ColumnError(
                f"{name}: has no header row (it begins '{first[:60]}'); give the position of each column, for example",
                give={"columns": {"lat": 0, "lon": 1, "device": 2, "time": 3}},
            )
        wanted = [str(theirs) for theirs in columns.values()]
        table = read_table(raw, name, known=KNOWN_HEADERS, sheet=sheet, wanted=wanted)
    return FixTable(table.rows, table.numbers, named=False, refused=table.refused, notices=table.notices)
