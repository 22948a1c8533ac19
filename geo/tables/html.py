"""Reads HTML tables, which some web systems export as ``.xls``. Only text is read; nothing is executed or fetched."""

from __future__ import annotations

from html.parser import HTMLParser
from typing import Any

from geo.errors import FileError
from geo.tables.merged import Span
from geo.tables.spreadsheets import Sheet

# Larger spans of columns or rows are markup errors.
_MOST = 100


def html_sheet(text: str, name: str) -> Sheet:
    """Return the table with the most rows.

    Raises
    ------
    FileError
        If there is no table.
    """
    parser = _Tables()
    parser.feed(text)
    parser.close()
    tables = [table for table in parser.tables if table.rows]
    if not tables:
        raise FileError(f"{name}: contains markup or JSON, not a table; save it as CSV in UTF-8 or as .xlsx")
    table = max(tables, key=lambda each: len(each.rows))
    width = max(map(len, table.rows))
    return Sheet("HTML", [row + [None] * (width - len(row)) for row in table.rows], tuple(table.spans))


class _Table:
    """Cells of one table by row and column."""

    def __init__(self) -> None:
        self.rows: list[list[Any]] = []
        self.spans: list[Span] = []
        self._taken: set[tuple[int, int]] = set()

    def add(self, value: str | None, down: int, right: int) -> None:
        """Put a cell into the first free column of the last row."""
        at, row = len(self.rows) - 1, self.rows[-1]
        column = len(row)
        while (at, column) in self._taken:
            row.append(None)
            column += 1
        row += [value, *[None] * (right - 1)]
        if down > 1 or right > 1:
            self.spans.append(Span(at, column, at + down - 1, column + right - 1))
            self._taken |= {(at + i, column + j) for i in range(1, down) for j in range(right)}


class _Tables(HTMLParser):
    """Collects the text of the cells of each table."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[_Table] = []
        self._cell: list[str] | None = None
        self._down = self._right = 1

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append(_Table())
        elif tag == "tr" and self.tables:
            self._close()
            self.tables[-1].rows.append([])
        elif tag in ("td", "th") and self.tables and self.tables[-1].rows:
            self._close()
            self._cell = []
            spans = dict(attrs)
            self._down, self._right = (_number(spans.get(key)) for key in ("rowspan", "colspan"))
        elif tag == "br" and self._cell is not None:
            self._cell.append("\n")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "tr", "table"):
            self._close()

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def _close(self) -> None:
        if self._cell is not None:
            self.tables[-1].add("".join(self._cell).strip() or None, self._down, self._right)
            self._cell = None


def _number(text: str | None) -> int:
    return min(max(int(text), 1), _MOST) if text is not None and text.strip().isdigit() else 1
