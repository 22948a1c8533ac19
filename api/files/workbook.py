"""Writes Excel workbooks: one formatted sheet per table."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple
from xml.sax.saxutils import escape
from zipfile import ZIP_DEFLATED, ZipFile

import numpy as np
import openpyxl
import pandas as pd
from openpyxl.cell import WriteOnlyCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.utils.datetime import to_excel

from geo.layers import aside

#: Maximum number of rows of an Excel sheet, one of them the heading.
MOST_ROWS = 1_048_575
#: Maximum number of characters of an Excel cell.
_MOST_CHARACTERS = 32_000

# Characters that are not allowed in sheets: control characters, and those that XML excludes.
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
# End of the rows of a sheet, and number of rows written at a time.
_END, _TOGETHER = b"</sheetData>", 500

# Column widths, in Latin letters; longer texts are wrapped. Computed from the first rows.
_WIDTHS, _LOOKED_AT = (8, 60), 300
_HEADING, _BROKEN = Font(bold=True), Alignment(wrap_text=True, vertical="top")


def write_workbook(tables: Mapping[str, pd.DataFrame], path: Path) -> Path:
    """Write a workbook with one sheet per table; geometries are left out.

    The heading is frozen and has a filter, columns are as wide as their content, days and times have Excel's types (times with a
    zone are text). Texts are never interpreted as formulas. Rows beyond :data:`MOST_ROWS` are left out.

    Notes
    -----
    openpyxl writes sheets with headings only; the rows are inserted as text, which costs about a fifth of its time for a row.
    """
    book = openpyxl.Workbook(write_only=True)
    rows: list[Iterator[bytes]] = []
    for title, frame in tables.items():
        plain = pd.DataFrame(frame.drop(columns="geometry", errors="ignore"))
        sheet = book.create_sheet(title[:31])
        sheet.freeze_panes = "A2"
        sheet.auto_filter.ref = f"A1:{get_column_letter(max(plain.shape[1], 1))}{min(len(plain), MOST_ROWS) + 1}"
        for place, width in enumerate(_widths(plain), start=1):
            sheet.column_dimensions[get_column_letter(place)].width = width
        sheet.append(list(_heading(sheet, plain)))
        rows.append(_rows(plain, _Styles.of(sheet)))
    with aside(path) as temporary:
        headings = BytesIO()
        book.save(headings)
        with ZipFile(headings) as old, ZipFile(temporary, "w", ZIP_DEFLATED, allowZip64=True) as new:
            _fill(old, new, rows)
    return path


def _fill(old: ZipFile, new: ZipFile, rows: list[Iterator[bytes]]) -> None:
    """Copy a workbook and insert the rows of each sheet after its heading."""
    sheets = {f"xl/worksheets/sheet{number}.xml": some for number, some in enumerate(rows, start=1)}
    for entry in old.infolist():
        content = old.read(entry)
        with new.open(entry, "w", force_zip64=entry.filename in sheets) as file:
            if entry.filename in sheets:
                before, after = content.split(_END, 1)
                file.write(before)
                for some in sheets[entry.filename]:
                    file.write(some)
                content = _END + after
            file.write(content)


class _Styles(NamedTuple):
    """Numbers of the styles of days, times and wrapped texts in a workbook."""

    day: int
    time: int
    wide: int

    @classmethod
    def of(cls, sheet: Any) -> _Styles:
        wide = WriteOnlyCell(sheet, "")
        wide.alignment = _BROKEN
        day, time = WriteOnlyCell(sheet, date(2000, 1, 1)), WriteOnlyCell(sheet, datetime(2000, 1, 1))
        return cls(day.style_id, time.style_id, wide.style_id)


def _rows(frame: pd.DataFrame, styles: _Styles) -> Iterator[bytes]:
    """The rows below the heading as XML, some hundred at a time."""
    columns = [get_column_letter(place) for place in range(1, frame.shape[1] + 1)]
    some: list[str] = []
    for number, values in enumerate(frame.iloc[:MOST_ROWS].itertuples(index=False, name=None), start=2):
        cells = [_cell(f"{column}{number}", value, styles) for column, value in zip(columns, values, strict=True)]
        some.append(f'<row r="{number}">{"".join(cells)}</row>')
        if len(some) == _TOGETHER:
            yield "".join(some).encode("utf-8")
            some = []
    yield "".join(some).encode("utf-8")


def _cell(place: str, value: Any, styles: _Styles) -> str:
    """A value as a cell in XML; empty for a missing value."""
    kind = type(value)
    if kind is not str:
        if value is None or value is pd.NA or value is pd.NaT:
            return ""
        if isinstance(value, np.generic):
            value = value.item()
        if isinstance(value, bool | int | float):
            return _number(place, value)
        if isinstance(value, date) and getattr(value, "tzinfo", None) is None:
            style = styles.time if isinstance(value, datetime) else styles.day
            return f'<c r="{place}" s="{style}" t="n"><v>{to_excel(value):.16g}</v></c>'
    text = _CONTROL.sub("", str(value))[:_MOST_CHARACTERS]
    style_of = f' s="{styles.wide}"' if _is_wide(text) else ""
    if not text:
        return f'<c r="{place}" t="inlineStr"></c>'
    space = ' xml:space="preserve"' if text != text.strip() else ""
    return f'<c r="{place}"{style_of} t="inlineStr"><is><t{space}>{_escaped(text)}</t></is></c>'


def _number(place: str, value: float) -> str:
    if isinstance(value, float) and not np.isfinite(value):
        return ""
    return f'<c r="{place}" t="{"b" if isinstance(value, bool) else "n"}"><v>{value:.16g}</v></c>'


def _escaped(text: str) -> str:
    return escape(text, {"\r": "&#13;"})


def _heading(sheet: Any, frame: pd.DataFrame) -> Iterator[WriteOnlyCell]:
    for name in frame.columns:
        text = _CONTROL.sub("", str(name))[:_MOST_CHARACTERS]
        cell = WriteOnlyCell(sheet, text)
        cell.data_type, cell.font = "s", _HEADING
        if _is_wide(text):
            cell.alignment = _BROKEN
        yield cell


def _is_wide(text: str) -> bool:
    return len(text) > _WIDTHS[1] // 2 and _letters(text) > _WIDTHS[1]


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
