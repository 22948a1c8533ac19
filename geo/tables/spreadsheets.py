"""Reads the sheets of Excel files, .xlsx and .xls. Formulas are read as their stored values; nothing is computed."""

from __future__ import annotations

import io
import re
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any
from xml.etree.ElementTree import ParseError

from geo.errors import FileError
from geo.tables.merged import Span

Rows = list[list[Any]]

#: First bytes of the formats; the file name is not used.
ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0"

# Exceptions raised by the libraries for damaged files: archive, XML, or invalid values.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    ParseError,
    struct.error,
    LookupError,
    OSError,
    EOFError,
    ValueError,
    TypeError,
    AttributeError,
    ArithmeticError,
    AssertionError,
    NotImplementedError,
    RuntimeError,
)


@dataclass(frozen=True)
class Sheet:
    """A sheet: title, values, and spans of merged cells."""

    title: str
    rows: Rows
    spans: tuple[Span, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether no cell has a value."""
        return all(value is None for row in self.rows for value in row)


def is_spreadsheet(raw: bytes) -> bool:
    """Whether the content is an Excel file, by its first bytes."""
    return raw.startswith((ZIP, OLE))


def sheets_of(raw: bytes, name: str) -> list[tuple[str, Callable[[], Sheet]]]:
    """Titles of the visible sheets, each with a function that reads the sheet.

    Parameters
    ----------
    raw
        Content of the file.
    name
        File name for messages.

    Raises
    ------
    FileError
        If the file is damaged, protected, or not a spreadsheet; also raised by the returned functions.
    """
    return _new_excel(raw, name) if raw.startswith(ZIP) else _old_excel(raw, name)


def _damaged(name: str, error: Exception) -> FileError:
    reason = " ".join(str(error).split())[:120] or type(error).__name__
    return FileError(f"{name}: cannot be read as an Excel file ({reason}); save it again as .xlsx or CSV")


def _new_excel(raw: bytes, name: str) -> list[tuple[str, Callable[[], Sheet]]]:
    import openpyxl

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # openpyxl warns about styles and validations, which are not read
            book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
            visible = [sheet.title for sheet in book.worksheets if sheet.sheet_state == "visible"]
            book.close()
    except _DAMAGE as error:
        raise _damaged(name, error) from error

    def loader(title: str) -> Callable[[], Sheet]:
        def load() -> Sheet:
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("ignore")
                    return _new_sheet(raw, title)
            except _DAMAGE as error:
                raise _damaged(name, error) from error

        return load

    return [(title, loader(title)) for title in visible]


def _new_sheet(raw: bytes, title: str) -> Sheet:
    import openpyxl

    book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
    try:
        sheet: Any = book[title]
        sheet.reset_dimensions()  # some exports declare an extent of one cell
        rows = [[None if value == "" else value for value in row] for row in sheet.iter_rows(values_only=True)]
        # openpyxl does not return merged cells in read-only mode; they follow the rows in the XML of the sheet.
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            tail = archive.read(sheet._worksheet_path.lstrip("/")).rpartition(b"</sheetData>")[2]
    finally:
        book.close()
    spans = (
        openpyxl.utils.range_boundaries(ref.decode())
        for ref in re.findall(rb'<(?:\w+:)?mergeCell ref="([A-Z0-9:]+)"', tail)
    )
    return Sheet(
        title, rows, tuple(Span(top - 1, left - 1, bottom - 1, right - 1) for left, top, right, bottom in spans)
    )


def _old_excel(raw: bytes, name: str) -> list[tuple[str, Callable[[], Sheet]]]:
    try:
        xlrd: Any = import_module("xlrd")
    except ImportError as error:
        raise FileError(
            f"{name}: is an Excel file of before 2007; save it as .xlsx, or install xlrd, which reads it"
        ) from error
    try:
        book = xlrd.open_workbook(file_contents=raw, formatting_info=True, logfile=io.StringIO())
    except (xlrd.XLRDError, xlrd.compdoc.CompDocError, *_DAMAGE) as error:
        raise FileError(
            f"{name}: cannot be read as an Excel file, or is protected; save it as .xlsx without password"
        ) from error

    def loader(sheet: Any) -> Callable[[], Sheet]:
        def value(cell: Any) -> Any:
            if cell.ctype == xlrd.XL_CELL_DATE:
                return xlrd.xldate_as_datetime(cell.value, book.datemode)
            empty = (xlrd.XL_CELL_EMPTY, xlrd.XL_CELL_BLANK, xlrd.XL_CELL_ERROR)
            return None if cell.ctype in empty or cell.value == "" else cell.value

        def load() -> Sheet:
            try:
                rows = [[value(cell) for cell in sheet.row(number)] for number in range(sheet.nrows)]
            except (xlrd.XLRDError, *_DAMAGE) as error:
                raise _damaged(name, error) from error
            spans = (Span(top, left, bottom - 1, right - 1) for top, bottom, left, right in sheet.merged_cells)
            return Sheet(sheet.name, rows, tuple(spans))

        return load

    return [(sheet.name, loader(sheet)) for sheet in book.sheets() if sheet.visibility == 0]
