"""Rows of spreadsheets: Excel of both kinds, and the HTML tables that web systems export under the name ``.xls``."""

from __future__ import annotations

import io
import warnings
import zipfile
from html.parser import HTMLParser
from importlib import import_module
from typing import Any

import openpyxl

from geo.errors import FileError

Rows = list[list[Any]]

# A signature of each format, whatever the file is called.
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


def sheet_rows(raw: bytes, name: str, sheet: str | None) -> tuple[Rows, str]:
    """Values of one sheet, and its title.

    Parameters
    ----------
    raw
        Content of the file.
    name
        What to call it in messages.
    sheet
        Title; by default the first sheet that is visible and not empty.

    Raises
    ------
    FileError
        If the file cannot be read, has no such sheet, or holds nothing.

    Notes
    -----
    Formulas give the value that was stored with them; nothing is computed.
    """
    sheets = _new_excel(raw, name) if raw.startswith(ZIP) else _old_excel(raw, name)
    titles = [title for title, _ in sheets]
    if sheet is not None and sheet not in titles:
        raise FileError(f"{name}: has no sheet '{sheet}'; it has {', '.join(titles)}")
    for title, load in sheets:
        if sheet is None or title == sheet:
            rows = [[None if value == "" else value for value in row] for row in load()]
            if any(value is not None for row in rows for value in row):
                return rows, title
    raise FileError(f"{name}: no sheet holds anything")


def _new_excel(raw: bytes, name: str) -> list[tuple[str, Any]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns of styles and validations, which are not read
            book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, OSError, ValueError) as error:
        raise FileError(f"{name}: cannot be read as an Excel file ({str(error)[:120]})") from error

    def loader(sheet: Any) -> Any:
        def load() -> Rows:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                sheet.reset_dimensions()  # some exports state an extent of one cell
                return [list(row) for row in sheet.iter_rows(values_only=True)]

        return load

    return [(s.title, loader(s)) for s in book.worksheets if s.sheet_state == "visible"]


def _old_excel(raw: bytes, name: str) -> list[tuple[str, Any]]:
    try:
        xlrd: Any = import_module("xlrd")
    except ImportError as error:
        raise FileError(
            f"{name}: is an Excel file of before 2007; save it as .xlsx, or install xlrd, which reads it"
        ) from error
    try:
        book = xlrd.open_workbook(file_contents=raw)
    except (
        xlrd.XLRDError,
        xlrd.compdoc.CompDocError,
        OSError,
        ValueError,
        IndexError,
        KeyError,
        AssertionError,
    ) as error:
        raise FileError(
            f"{name}: cannot be read as an Excel file, or is protected; save it as .xlsx without password"
        ) from error

    def loader(sheet: Any) -> Any:
        def value(cell: Any) -> Any:
            if cell.ctype == xlrd.XL_CELL_DATE:
                return xlrd.xldate_as_datetime(cell.value, book.datemode)
            return None if cell.ctype in (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK, xlrd.XL_CELL_ERROR) else cell.value

        return lambda: [[value(cell) for cell in sheet.row(number)] for number in range(sheet.nrows)]

    return [(s.name, loader(s)) for s in book.sheets() if s.visibility == 0]


def html_rows(text: str, name: str) -> Rows:
    """Rows of the largest table in a page; text only, nothing is run.

    Raises
    ------
    FileError
        If there is no table.
    """
    parser = _Tables()
    parser.feed(text)
    parser.close()
    if not parser.tables:
        raise FileError(f"{name}: holds markup or JSON, not a table; save it as CSV in UTF-8 or as .xlsx")
    rows = max(parser.tables, key=len)
    width = max(map(len, rows))
    return [row + [None] * (width - len(row)) for row in rows]


class _Tables(HTMLParser):
    """Collects the text of the cells of each table."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[Rows] = []
        self._cell: list[str] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self.tables.append([])
        elif tag == "tr" and self.tables:
            self._close()
            self.tables[-1].append([])
        elif tag in ("td", "th") and self.tables and self.tables[-1]:
            self._close()
            self._cell = []
            spans = dict(attrs).get("colspan") or "1"
            self._spans = int(spans) if spans.isdigit() else 1

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th", "tr", "table"):
            self._close()
        if tag == "table" and self.tables:
            self.tables[-1] = [row for row in self.tables[-1] if row]
            if not self.tables[-1]:
                self.tables.pop()

    def handle_data(self, data: str) -> None:
        if self._cell is not None:
            self._cell.append(data)

    def _close(self) -> None:
        if self._cell is not None:
            text = "".join(self._cell).strip()
            self.tables[-1][-1] += [text or None, *[None] * (min(self._spans, 100) - 1)]
            self._cell = None
