"""Spreadsheets and text tables, as they are exported: text as it stands, nothing executed, every row known by number."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Hashable, Iterable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as arrow_csv

from geo.errors import FileError
from geo.incidents.columns import HEADERS, SOURCE_ROW, plain_header
from geo.incidents.reading.sheets import OLE, ZIP, html_rows, sheet_rows

#: Endings of files that are read as tables here; everything else is a vector file.
TEXT_SUFFIXES = (".csv", ".tsv", ".txt")
SHEET_SUFFIXES = (".xlsx", ".xlsm", ".xls")

# Exports put a title, the period and the office above the header; more rows than this were never seen there.
_HEADER_WITHIN = 20
_DELIMITERS = ",\t;|"
_KNOWN = {plain_header(header) for headers in HEADERS.values() for header in headers}

_STRING = pd.StringDtype(na_value=np.nan)


class Table(NamedTuple):
    """A table as read.

    Attributes
    ----------
    rows
        One row per record below the header, text or cell values, with `source_row`; wholly empty rows are left out.
    refused
        Records that are not rows of the table: `row`, `reason` and `values`, the fields.
    note
        How the file was read: encoding and delimiter, or the sheet.
    """

    rows: pd.DataFrame
    refused: list[dict[str, Any]]
    note: dict[str, str]


def read_table(path: Path, *, sheet: str | None = None, wanted: Sequence[str] = ()) -> Table:
    """Read a CSV or Excel file.

    Parameters
    ----------
    path
        ``.csv``, ``.tsv``, ``.txt``, ``.xlsx``, ``.xlsm`` or ``.xls``. A file that is called ``.xls`` but holds text or an HTML
        table is read as such, as many web systems export it.
    sheet
        Name of the sheet; by default the first that is visible and not empty.
    wanted
        Headers that the user named; they tell the header row where the usual headers do not.

    Raises
    ------
    FileError
        If the file is missing, empty, of another format, or its text is neither UTF-8, UTF-16 nor GB 18030 (GBK).
    """
    if not path.exists():
        raise FileError(f"{path}: no such file")
    if path.is_dir():
        raise FileError(f"{path}: is a folder, a file is expected")
    raw = path.read_bytes()
    if not raw or raw.isspace():
        raise FileError(f"{path.name}: the file is empty ({len(raw)} bytes)")
    if raw.startswith((ZIP, OLE)):
        rows, title = sheet_rows(raw, path.name, sheet)
        return _from_rows(rows, path.name, wanted, {"sheet": title})
    text, encoding = decode(raw, path.name)
    start = text[:4096].lstrip()[:1]
    if start == "<":
        return _from_rows(html_rows(text, path.name), path.name, wanted, {"encoding": encoding, "sheet": "HTML"})
    if start in ("{", "["):
        raise FileError(f"{path.name}: holds markup or JSON, not a table; save it as CSV in UTF-8 or as .xlsx")
    return _read_text(text, encoding, path.name, wanted)


def decode(raw: bytes, name: str) -> tuple[str, str]:
    """Decode text of a table; return it with the name of its encoding.

    UTF-8 is tried first: Chinese text in GBK is not valid UTF-8 but by rare accident. GB 18030 contains GBK and GB 2312.

    Raises
    ------
    FileError
        If it is none of them, or not text.
    """
    encodings = ("utf-16",) if raw[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "gb18030")
    for encoding in encodings:
        try:
            text = raw.decode(encoding)
        except UnicodeDecodeError:
            continue
        if "\x00" in text:
            break
        return text, encoding
    raise FileError(f"{name}: is not a text table (neither UTF-8, UTF-16 nor GBK); save it as CSV in UTF-8 or as .xlsx")


def _from_rows(rows: list[list[Any]], name: str, wanted: Sequence[str], note: dict[str, str]) -> Table:
    first = _header_position(rows[:_HEADER_WITHIN], wanted, name)
    width = max(map(len, rows))
    padded = [row + [None] * (width - len(row)) for row in rows[first:]]
    body = pd.DataFrame(padded[1:], columns=pd.Index(_names(padded[0]), dtype=object), dtype=object)
    # Columns that have neither a header nor content are left over from formatting.
    body = body.loc[:, [not bare or body[c].notna().any() for c, bare in zip(body, _bare(padded[0]), strict=True)]]
    return Table(_body(body, first, name), [], note)


def _read_text(text: str, encoding: str, name: str, wanted: Sequence[str]) -> Table:
    head = text[: 64 * 1024].splitlines(keepends=True)[:_HEADER_WITHIN]
    delimiter = max(_DELIMITERS, key="".join(head).count)
    records = list(csv.reader(head, delimiter=delimiter))
    first = _header_position(records, wanted, name)
    head_reader = csv.reader(head, delimiter=delimiter)
    names = _names([next(head_reader) for _ in range(first + 1)][first])
    note = {"encoding": encoding, "delimiter": delimiter}
    refused: list[dict[str, Any]] = []
    body = _quick(text, names, delimiter, head_reader.line_num)
    if body is None:
        reader = csv.reader(io.StringIO(text), delimiter=delimiter)
        for _ in range(first + 1):
            next(reader)
        body, refused = _record_by_record(reader, names, first)
    return Table(_body(body, first, name), refused, note)


def _quick(text: str, names: list[Hashable], delimiter: str, skip: int) -> pd.DataFrame | None:
    """Read the records of a sound table, all fields as text; None where a record has another number of fields, or is blank.

    Ten times as fast as going record by record.
    """
    columns = [str(number) for number in range(len(names))]
    try:
        table = arrow_csv.read_csv(
            pa.BufferReader(text.rstrip("\r\n").encode()),
            read_options=arrow_csv.ReadOptions(column_names=columns, skip_rows=skip, block_size=1 << 24),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter, newlines_in_values='"' in text, ignore_empty_lines=False
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(columns, pa.large_string()), null_values=[""], strings_can_be_null=True
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None
    body: pd.DataFrame = table.to_pandas(types_mapper={pa.large_string(): _STRING}.get)
    body.columns = pd.Index(names, dtype=object)
    return body


def _record_by_record(reader: Any, names: list[Hashable], first: int) -> tuple[pd.DataFrame, list[dict[str, Any]]]:
    """Read a table some of whose records have more fields than the header; those are refused and told by row."""
    records: list[list[str | None]] = []
    refused: list[dict[str, Any]] = []
    width = len(names)
    for number, record in enumerate(reader, start=first + 2):
        if any(record[width:]):
            reason = f"has {len(record)} fields where the header has {width}"
            values = {
                str(name): value for name, value in zip([*names, *range(width, len(record))], record, strict=True)
            }
            refused.append({"row": number, "reason": reason, "values": values})
            records.append([None] * width)  # an empty row keeps the numbers of the rows below
        else:
            records.append([field or None for field in record[:width]] + [None] * (width - len(record)))
    return pd.DataFrame(records, columns=pd.Index(names, dtype=object), dtype=_STRING), refused


def _header_position(rows: Iterable[Sequence[Any]], wanted: Sequence[str], name: str) -> int:
    """Find the header: the row that holds most known headers, else the first with two fields or more."""

    def best_by(score: Callable[[Sequence[Any]], int], least: int) -> int | None:
        scores = [score(row) for row in kept]
        return scores.index(max(scores)) if max(scores, default=0) >= least else None

    kept = list(rows)
    found = best_by(lambda row: sum(str(value) in wanted for value in row), 1)
    if found is None:
        found = best_by(lambda row: sum(v is not None and plain_header(v) in _KNOWN for v in row), 2)
    if found is None:
        found = next((i for i, row in enumerate(kept) if sum(v not in (None, "") for v in row) >= 2), None)
    if found is None:
        raise FileError(
            f"{name}: no header row was found in the first {_HEADER_WITHIN} rows; a table with headers is expected"
        )
    return found


def _body(body: pd.DataFrame, first: int, name: str) -> pd.DataFrame:
    """Number the rows as the file does, and leave out empty rows."""
    filled = np.zeros(len(body), dtype=bool)
    for column in range(body.shape[1]):  # by position: stops at the first column that is full
        filled |= body.iloc[:, column].notna().to_numpy()
        if filled.all():
            break
    if not filled.any():
        raise FileError(f"{name}: has a header but no rows")
    numbered = body.assign(**{SOURCE_ROW: np.arange(first + 2, first + 2 + len(body))})
    return numbered if filled.all() else numbered[filled].reset_index(drop=True)


def _bare(header: Sequence[Any]) -> list[bool]:
    return [value is None or not str(value).strip() for value in header]


def _names(header: Sequence[Any]) -> list[Hashable]:
    """Make headers text, and different; one that is missing is named by its number."""
    names: list[Hashable] = []
    for number, value in enumerate(header, start=1):
        text = "" if value is None or value != value else str(value).strip()
        text = text or f"column_{number}"
        while text in names or text == SOURCE_ROW:
            text = f"{text}_{number}"
        names.append(text)
    return names
