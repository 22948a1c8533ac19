"""Reads a table from a file: rows with headers and row numbers, refused records, and notices for the user."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from geo.arrays import Ints
from geo.errors import FileError
from geo.tables import delimited, heading
from geo.tables.encodings import Decoded, decode
from geo.tables.html import html_sheet
from geo.tables.merged import Span, fill_down
from geo.tables.refused import RefusedRow
from geo.tables.spreadsheets import Sheet, is_spreadsheet, sheets_of
from geo.texts import Text, listed
from geo.wording import counted

#: File name suffixes of text tables and of spreadsheets.
TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
SHEET_SUFFIXES = (".xlsx", ".xlsm", ".xls")

# Maximum number of rows listed in a message.
_NAMED = 10

_BAD_BYTES = Text(
    "第{rows}行有无法解码的字节，已用�代替", "rows {rows} hold bytes that are not {encoding}; they are shown as �"
)
#: Notice about rows with an unclosed quotation mark.
UNCLOSED_ROWS = Text(
    "第{rows}行引号未闭合，按原文读取", "rows {rows} have a quotation mark that is never closed; read as they stand"
)
_PASSED = Text("跳过没有数据表的工作表：{sheets}", "passed over sheets without a table: {sheets}")
_OTHERS = Text(
    "只读取了工作表“{sheet}”，未读取：{sheets}；可用“{name}/工作表名”指定",
    "read the sheet '{sheet}' alone, not {sheets}; name another as {name}/SHEET",
)


@dataclass(frozen=True)
class Table:
    """A table read from a file.

    Attributes
    ----------
    rows
        One row per record below the heading, text or cell values, columns named by the headers, default index; empty rows are
        left out.
    numbers
        Row numbers in the file as in a spreadsheet: the first row is 1. Shape (n,).
    refused
        Records that could not be split into the columns.
    source
        Encoding and delimiter, or the sheet.
    notices
        Messages for the user about what was guessed, ignored or damaged.
    above
        Values above the heading (title, period, office), and the title of the sheet.
    """

    rows: pd.DataFrame
    numbers: Ints
    refused: list[RefusedRow] = field(default_factory=list)
    source: dict[str, str] = field(default_factory=dict)
    notices: list[Text] = field(default_factory=list)
    above: tuple[Any, ...] = ()


def split_sheet(path: Path) -> tuple[Path, str | None]:
    """Split ``book.xlsx/工单`` into file and sheet name; other paths, and paths that exist, are returned unchanged.

    >>> split_sheet(Path("none.csv"))
    (PosixPath('none.csv'), None)
    """
    if not path.exists() and path.parent.suffix.lower() in SHEET_SUFFIXES and path.parent.is_file():
        return path.parent, path.name
    return path, None


def content_of(path: Path) -> bytes:
    """Content of a file.

    Raises
    ------
    FileError
        If it is missing, a folder, or empty.
    """
    if not path.exists():
        raise FileError(f"{path}: no such file")
    if path.is_dir():
        raise FileError(f"{path}: is a folder, a file is expected")
    raw = path.read_bytes()
    if not raw or raw.isspace():
        raise FileError(f"{path.name}: the file is empty ({counted(len(raw), 'byte')})")
    return raw


def read_table(
    raw: bytes, name: str, *, known: Collection[str], sheet: str | None = None, wanted: Sequence[str] = ()
) -> Table:
    """Read a text table or a spreadsheet; the format is detected from the content.

    Parameters
    ----------
    raw
        Content of the file: text in any usual encoding and with any usual delimiter, Excel, or an HTML table.
    name
        File name for messages.
    known
        Known folded headers (:attr:`geo.tables.headers.Names.plain`), used to find the heading.
    sheet
        Title of the sheet; by default the first visible one with a table with known headers, otherwise the first with a table.
    wanted
        Headers given by the user.

    Raises
    ------
    FileError
        If the file is damaged, is not a table, has no such sheet, or has no rows.

    Notes
    -----
    Cost: O(n). Text is kept as text and never evaluated.
    """
    if is_spreadsheet(raw):
        return _from_sheets(raw, name, known, sheet, wanted)
    raw = _with_line_feeds(raw)
    decoded = decode(raw, name)
    if sheet is not None:
        raise FileError(f"{name}: is not a spreadsheet, so it has no sheet '{sheet}'")
    start = decoded.text[:4096].lstrip()[:1]
    if start == "<":
        page = html_sheet(decoded.text, name)
        table = _from_rows(page, name, known, wanted, {"encoding": decoded.encoding, "sheet": page.title})
    elif start in ("{", "["):
        raise FileError(f"{name}: contains markup or JSON, not a table; save it as CSV in UTF-8 or as .xlsx")
    else:
        table = _from_text(decoded, _utf8(raw, decoded), name, known, wanted)
    if decoded.bad_lines:
        table.notices.append(_BAD_BYTES.fill(rows=listed(decoded.bad_lines, _NAMED, ""), encoding=decoded.encoding))
    return table


def _with_line_feeds(raw: bytes) -> bytes:
    """A text whose lines end with carriage returns only ("CSV (Macintosh)" of Excel), with line feeds instead."""
    return raw.replace(b"\r", b"\n") if b"\r" in raw and b"\n" not in raw and b"\0" not in raw else raw


def read_headless(raw: bytes, name: str) -> Table:
    """Read a text table without a heading; columns are numbered from 0.

    Raises
    ------
    FileError
        If the content is not a text table.
    """
    raw = _with_line_feeds(raw)
    decoded = decode(raw, name)
    lines = decoded.text[:65_536].splitlines(keepends=True)[: heading.WITHIN]
    delimiter = delimited.find_delimiter(lines)
    widths = [len(record) for record in delimited.records("".join(lines), delimiter, None, []) if any(record)]
    width = max(set(widths), key=widths.count)
    body = delimited.read_body(
        decoded.text, width, delimiter, skip_lines=0, first=1, name=name, utf8=_utf8(raw, decoded)
    )
    rows, numbers = _without_empty(body.rows, body.numbers)
    rows.columns = pd.RangeIndex(width)
    return Table(
        rows, numbers, body.refused, {"encoding": decoded.encoding, "delimiter": delimiter}, _unclosed(body.unclosed)
    )


def is_headless(raw: bytes, name: str) -> str | None:
    """First line of a text table without a heading (its first row contains at least two numbers); otherwise None."""
    if is_spreadsheet(raw):
        return None
    lines = decode(raw, name).text[:65_536].splitlines(keepends=True)[: heading.WITHIN]
    first = next((line for line in lines if line.strip()), "")
    fields = next(delimited.records(first, delimited.find_delimiter(lines), None, []), [])
    numbers = sum(re.fullmatch(r"\s*[-+]?\d+(\.\d+)?\s*", value) is not None for value in fields)
    return first.strip() if numbers >= 2 else None


def _from_sheets(
    raw: bytes, name: str, known: Collection[str], wanted_sheet: str | None, wanted: Sequence[str]
) -> Table:
    """Read one sheet of a workbook, with notices about the others."""
    loaders = sheets_of(raw, name)
    titles = [title for title, _ in loaders]
    if wanted_sheet is not None:
        if wanted_sheet not in titles:
            raise FileError(f"{name}: has no sheet '{wanted_sheet}'; it has {', '.join(titles)}")
        loaders = [pair for pair in loaders if pair[0] == wanted_sheet]
    sheets = [sheet for sheet in (load() for _, load in loaders) if not sheet.is_empty]
    if not sheets:
        raise FileError(f"{name}: all sheets are empty")
    found = [heading.find_heading(sheet.rows, known, wanted=wanted, spans=sheet.spans) for sheet in sheets]
    best = max((each.known for each in found if each is not None), default=0)
    # A cover sheet may contain one or two words that are headers elsewhere; the sheet with the data has most of them.
    enough = max(2, (best + 1) // 2)
    good = [at for at, each in enumerate(found) if each is not None and each.known >= enough]
    at = good[0] if good else next((at for at, each in enumerate(found) if each is not None), 0)
    sheet = sheets[at]
    table = _from_rows(sheet, name, known, wanted, {"sheet": sheet.title})
    passed = [each.title for each in sheets[:at]]
    others = [each.title for each in sheets[at + 1 :]]
    if passed:
        table.notices.append(_PASSED.fill(sheets=listed(passed)))
    if others:
        table.notices.append(_OTHERS.fill(sheet=sheet.title, sheets=listed(others), name=name))
    return table


def _from_rows(sheet: Sheet, name: str, known: Collection[str], wanted: Sequence[str], source: dict[str, str]) -> Table:
    found = heading.find_heading(sheet.rows, known, wanted=wanted, spans=sheet.spans)
    if found is None:
        raise _no_heading(name)
    rows = fill_down(sheet.rows, sheet.spans, found.last + 1)
    width = max(map(len, rows))
    names = heading.distinct([*found.names, *[None] * (width - len(found.names))])
    padded = [row + [None] * (width - len(row)) for row in rows[found.last + 1 :]]
    body = pd.DataFrame(padded, columns=pd.Index(names, dtype=object), dtype=object)
    unnamed = [*found.unnamed, *[True] * (width - len(found.unnamed))]
    # Columns without heading and content result from formatting.
    body = body.loc[:, [not empty or body[column].notna().any() for column, empty in zip(body, unnamed, strict=True)]]
    numbers = np.arange(found.last + 2, found.last + 2 + len(body), dtype=np.int64)
    body, numbers = _without_empty(body, numbers, name)
    above = (*_values(sheet.rows[: found.last]), source.get("sheet", ""))
    return Table(body, numbers, [], source, [], above)


def _utf8(raw: bytes, decoded: Decoded) -> bytes | None:
    """The file itself, if it is the text in UTF-8."""
    return raw if decoded.encoding == "utf-8" and not decoded.bad_lines else None


def _from_text(decoded: Decoded, utf8: bytes | None, name: str, known: Collection[str], wanted: Sequence[str]) -> Table:
    text, encoding = decoded.text, decoded.encoding
    lines = text[: 64 * 1024].splitlines(keepends=True)[: heading.WITHIN]
    delimiter = delimited.find_delimiter(lines)
    unclosed: list[int] = []
    head = list(delimited.records("".join(lines), delimiter, None, unclosed))
    spans: tuple[Span, ...] = ()
    empty_as_none = [[value or None for value in row] for row in head]
    found = heading.find_heading(empty_as_none, known, wanted=wanted, spans=spans)
    if found is None:
        raise _no_heading(name)
    width = len(head[found.last])
    names = heading.distinct([*found.names, *[None] * (width - len(found.names))][:width])
    skip = _lines_of(lines, delimiter, found.last + 1)
    body = delimited.read_body(text, width, delimiter, skip_lines=skip, first=found.last + 2, name=name, utf8=utf8)
    for record in body.refused:
        record["values"] = {
            names[int(at)] if int(at) < width else at: value for at, value in record.get("values", {}).items()
        }
    rows, numbers = _without_empty(body.rows, body.numbers, name if not body.refused else None)
    rows.columns = pd.Index(names, dtype=object)
    how = {"encoding": encoding, "delimiter": delimiter}
    return Table(rows, numbers, body.refused, how, _unclosed(body.unclosed), _values(head[: found.last]))


def _values(rows: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
    return tuple(value for row in rows for value in row if value not in (None, ""))


def _unclosed(rows: list[int]) -> list[Text]:
    return [UNCLOSED_ROWS.fill(rows=listed(rows, _NAMED, ""))] if rows else []


def _lines_of(lines: list[str], delimiter: str, count: int) -> int:
    """Number of lines of the first `count` records."""
    read = 0

    def counted() -> Iterator[str]:
        nonlocal read
        for line in lines:
            read += 1
            yield line

    source = counted()
    taken = list(islice(delimited.split_lines(source, delimiter, None, []), count))
    del taken
    return read


def _without_empty(rows: pd.DataFrame, numbers: Ints, name: str | None = None) -> tuple[pd.DataFrame, Ints]:
    """Drop empty rows."""
    filled = np.zeros(len(rows), dtype=bool)
    for column in range(rows.shape[1]):  # column by column: stops at the first column without missing values
        filled |= rows.iloc[:, column].notna().to_numpy()
        if filled.all():
            break
    if not filled.any() and name is not None:
        raise FileError(f"{name}: has a header but no rows")
    if filled.all():
        return rows, numbers
    return rows[filled].reset_index(drop=True), numbers[filled]


def _no_heading(name: str) -> FileError:
    return FileError(
        f"{name}: no header row was found in the first {heading.WITHIN} rows; a table with headers is expected"
    )


def free_name(name: str, taken: Collection[Any]) -> str:
    """First column name not in use: `name`, ``name_2``, ``name_3`` …

    >>> free_name("cell", ["lon", "cell"])
    'cell_2'
    """
    number, result = 1, name
    while result in taken:
        number += 1
        result = f"{name}_{number}"
    return result
