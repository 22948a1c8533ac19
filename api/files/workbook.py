"""Writes Excel workbooks: one formatted sheet per table."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import openpyxl
import pandas as pd
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.properties import PageSetupProperties
from openpyxl.worksheet.worksheet import Worksheet

from geo.layers import aside

#: Maximum number of rows of an Excel sheet, one of them the heading.
MOST_ROWS = 1_048_575
#: Maximum number of characters of an Excel cell.
_MOST_CHARACTERS = 32_000

# Characters that are not allowed in sheets.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")

# Column widths, in Latin letters; longer texts are wrapped. Computed from the first rows.
_WIDTHS, _LOOKED_AT = (8, 60), 300
#: A sheet of at most this width is printed upright, Latin letters.
_UPRIGHT = 95
_HEADING, _BROKEN = Font(bold=True), Alignment(wrap_text=True, vertical="top")


def write_workbook(tables: Mapping[str, pd.DataFrame], path: Path) -> Path:
    """Write a workbook with one sheet per table; geometries are left out.

    The heading is frozen and has a filter, columns are as wide as their content, days and times have Excel's types (times with a
    zone are text). Texts are never interpreted as formulas. Rows beyond :data:`MOST_ROWS` are left out. A print is as wide as the
    page and repeats the heading.
    """
    book = openpyxl.Workbook(write_only=True)
    for title, frame in tables.items():
        plain = pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
        sheet = book.create_sheet(title[:31])
        sheet.freeze_panes = "A2"
        sheet.auto_filter.ref = f"A1:{get_column_letter(max(plain.shape[1], 1))}{min(len(plain), MOST_ROWS) + 1}"
        widths = _widths(plain)
        for place, width in enumerate(widths, start=1):
            sheet.column_dimensions[get_column_letter(place)].width = width
        _set_print(sheet, upright=sum(widths) <= _UPRIGHT)
        sheet.append(list(_heading(sheet, plain)))
        columns = [_values(sheet, plain.iloc[:MOST_ROWS, place]) for place in range(plain.shape[1])]
        for values in zip(*columns, strict=True):
            sheet.append(values)
    with aside(path) as temporary:
        book.save(temporary)
    return path


def _set_print(sheet: Any, *, upright: bool) -> None:
    """A print on A4 is as wide as the page, and each page begins with the heading."""
    sheet.page_setup.paperSize = Worksheet.PAPERSIZE_A4
    sheet.page_setup.orientation = "portrait" if upright else "landscape"
    sheet.sheet_properties.pageSetUpPr = PageSetupProperties(fitToPage=True)
    sheet.page_setup.fitToHeight = 0
    sheet.print_title_rows = "1:1"


def _heading(sheet: Any, frame: pd.DataFrame) -> Iterator[WriteOnlyCell]:
    for name in frame.columns:
        cell = _text(sheet, str(name))
        cell.font = _HEADING
        yield cell


def _values(sheet: Any, column: pd.Series) -> list[Any]:
    """The values of a column as openpyxl takes them; equal texts are looked at once."""
    if column.dtype.kind in "biu" and isinstance(column.dtype, np.dtype):
        return list(column.tolist())
    if column.dtype.kind == "f" and isinstance(column.dtype, np.dtype):
        finite = np.isfinite(column.to_numpy())
        return [value if fine else None for value, fine in zip(column.tolist(), finite.tolist(), strict=True)]
    texts: dict[str, str] = {}
    shown = []
    for value in column.to_numpy(dtype=object).tolist():
        text = texts.get(value) if isinstance(value, str) else None
        if text is None:
            text = _shown_as(sheet, value)
            if isinstance(value, str) and isinstance(text, str):
                texts[value] = text
        shown.append(text)
    return shown


def _shown_as(sheet: Any, value: Any) -> Any:
    """A value as openpyxl takes it. Most texts are passed as they are, which is twice as fast as a cell for each."""
    if value is None or value is pd.NA or value is pd.NaT or (isinstance(value, float) and not np.isfinite(value)):
        return None
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int | float) or (isinstance(value, date) and getattr(value, "tzinfo", None) is None):
        return value.to_pydatetime() if isinstance(value, pd.Timestamp) else value
    text = _CONTROL.sub("", str(value))[:_MOST_CHARACTERS]
    return _text(sheet, text) if text.startswith(("=", "#")) or _is_wide(text) else text


def _is_wide(text: str) -> bool:
    return len(text) > _WIDTHS[1] // 2 and _letters(text) > _WIDTHS[1]


def _text(sheet: Any, text: str) -> WriteOnlyCell:
    cell = WriteOnlyCell(sheet, _CONTROL.sub("", text)[:_MOST_CHARACTERS])
    cell.data_type = "s"
    if _is_wide(text):
        cell.alignment = _BROKEN
    return cell


def _widths(frame: pd.DataFrame) -> list[int]:
    """Width of each column, from its heading (with the filter arrow) and its first rows."""
    least, most = _WIDTHS
    shown = frame.head(_LOOKED_AT)
    widths = []
    for place, name in enumerate(frame.columns):
        longest = max((_letters(_shown(value)) for value in shown.iloc[:, place]), default=0)
        widths.append(min(max(least, _letters(str(name)) + 4, longest + 2), most))
    return widths


def _shown(value: Any) -> str:
    """A value in about the length shown by Excel."""
    return "" if value is None or value is pd.NA or value is pd.NaT else str(value)


def _letters(text: str) -> int:
    """Width of a text in Latin letters; a Chinese character counts as two."""
    if text.isascii():
        return len(text)
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)
