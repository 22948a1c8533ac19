"""Tables of fixes as text: CSV with any usual separator and encoding, and Excel sheets.

The header of a table is matched against :data:`geo.tracks.reading.headers.HEADERS`; nothing is taken by its position unless the
caller says so.
"""

from __future__ import annotations

import csv
import io
import re
import zipfile
from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import openpyxl
import pandas as pd

from geo.errors import ColumnError, FileError, some
from geo.tracks.columns import DEVICE, LAT, LON, OFFICER, ROW, TIME
from geo.tracks.reading.headers import HEADERS

#: Separators that are tried, best first.
SEPARATORS = (",", ";", "\t", "|")

#: Encodings that are tried; GB18030 holds GBK and GB2312.
ENCODINGS = ("utf-8-sig", "gb18030")

Columns = Mapping[str, str | int]
Refused = list[dict[str, Any]]


def read_csv(raw: bytes, name: str, columns: Columns | None) -> tuple[pd.DataFrame, Refused]:
    """Read a table of fixes as text.

    Parameters
    ----------
    raw
        Content of the file.
    name
        What to call it in messages.
    columns
        Our names to theirs: headers, or positions from 0 for a file without a header.

    Returns
    -------
    (DataFrame, list)
        Text columns under our names with `row`, the number of the record in the file (the header is record 1), and the
        records that have more fields than the table.

    Raises
    ------
    FileError
        If the text cannot be decoded.
    ColumnError
        If there is no header and no positions are given, or a column is missing.
    """
    text = _decoded(raw, name)
    first = next((line for line in text.splitlines() if line.strip()), "")
    separator = max(SEPARATORS, key=first.count)
    by_position = columns is not None and all(isinstance(value, int) for value in columns.values())
    if not by_position and _looks_like_data(first.split(separator)):
        raise ColumnError(
            f"{name}: has no header row (it begins '{first[:60]}'); give the position of each column, for example",
            give={"columns": {"lat": 0, "lon": 1, "device": 2, "time": 3}},
        )
    table, refused = _records(text, separator, header=not by_position)
    return named_columns(table, columns, name), [{"source": name, **row} for row in refused]


def named_columns(
    table: pd.DataFrame, columns: Columns | None, name: str, fixed: Mapping[str, str] | None = None
) -> pd.DataFrame:
    """Take the columns of a table that are ours, by their headers or as the caller or the format (`fixed`) says."""
    headers = list(table.columns)
    wanted = guess_columns(headers, name) if columns is None else _given(columns, headers, name)
    return _renamed(table, wanted | dict(fixed or {}))


def _decoded(raw: bytes, name: str) -> str:
    if raw[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return raw.decode("utf-16")
    for encoding in ENCODINGS:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise FileError(f"{name}: is neither UTF-8 nor GB18030 text; save it as UTF-8")


def _looks_like_data(fields: list[str]) -> bool:
    """Tell whether a first line holds values: two numbers or more, as a position has."""
    return sum(bool(re.fullmatch(r"\s*\"?[-+]?\d+(\.\d+)?\"?\s*", field)) for field in fields) >= 2


def _records(text: str, separator: str, *, header: bool) -> tuple[pd.DataFrame, Refused]:
    """Split text into records; the fast reader first, and where it finds a record that is too long the patient one."""
    first = 2 if header else 1
    try:
        table = pd.read_csv(
            io.StringIO(text),
            sep=separator,
            header=0 if header else None,
            dtype=str,
            skip_blank_lines=False,
            keep_default_na=False,
            na_values=[""],
            index_col=False,
            on_bad_lines="error",
        )
        if not header or not any(re.search(r"\.\d+$", str(column)) for column in table.columns):
            table[ROW] = range(first, first + len(table))
            return table.dropna(how="all", subset=[c for c in table.columns if c != ROW]), []
    except (pd.errors.ParserError, pd.errors.EmptyDataError, pd.errors.ParserWarning):
        pass
    rows = list(csv.reader(io.StringIO(text), delimiter=separator))
    names: list[Any] = rows[0] if header else list(range(Counter(map(len, rows)).most_common(1)[0][0]))
    rows = rows[1:] if header else rows
    numbered = [(first + i, row) for i, row in enumerate(rows) if any(row)]
    refused = [
        {"row": i, "reason": f"has {len(row)} fields, the table has {len(names)}"}
        for i, row in numbered
        if len(row) > len(names)
    ]
    good = [(i, row) for i, row in numbered if len(row) <= len(names)]
    filled = [[value or None for value in row] + [None] * (len(names) - len(row)) for _, row in good]
    table = pd.DataFrame(filled, columns=pd.Index(names), dtype=object)
    table[ROW] = [i for i, _ in good]
    return table, refused


def guess_columns(headers: list[Any], name: str) -> dict[str, Any]:
    """Match headers to our columns.

    Raises
    ------
    ColumnError
        If time, longitude or latitude has no match, with what was looked for.
    """
    ours = [header for header in reversed(headers) if header != ROW]
    # What stands in brackets is mostly a unit; it is left out where the whole header says nothing.
    plain = {_plain(re.sub(r"[((\[].*?[))\]]", "", str(header))): header for header in ours}
    plain |= {_plain(header): header for header in ours}
    found = {
        column: next(plain[n] for n in names if n in plain)
        for column, names in HEADERS.items()
        if any(n in plain for n in names)
    }
    missing = [column for column in (TIME, LON, LAT) if column not in found]
    if missing:
        raise ColumnError(
            f"{name}: no column for {', '.join(missing)} among {some([h for h in headers if h != ROW], 12)}; name them",
            give={"columns": dict.fromkeys(missing, "...")},
        )
    # A table of persons without devices: the person stands for the phone.
    if DEVICE not in found and OFFICER in found:
        found[DEVICE] = found[OFFICER]
    return found


def _plain(header: object) -> str:
    """A header without case, spaces, signs and brackets."""
    return re.sub(r"[\s_\-()()\[\]/.·::]", "", str(header)).lower()


def _given(columns: Columns, headers: list[Any], name: str) -> dict[str, Any]:
    unknown = [column for column in columns if column not in HEADERS]
    if unknown:
        raise ColumnError(f"{name}: columns names {', '.join(unknown)}, which is none of {', '.join(HEADERS)}")
    absent = [f"{column}: {theirs!r}" for column, theirs in columns.items() if theirs not in headers]
    if absent:
        raise ColumnError(
            f"{name}: has no column {', '.join(absent)}; it has {some([h for h in headers if h != ROW], 12)}"
        )
    missing = [column for column in (TIME, LON, LAT) if column not in columns]
    if missing:
        raise ColumnError(f"{name}: columns must also name {', '.join(missing)}")
    return dict(columns)


def _renamed(table: pd.DataFrame, wanted: dict[str, Any]) -> pd.DataFrame:
    return pd.DataFrame({column: table[theirs] for column, theirs in wanted.items()} | {ROW: table[ROW]})


def read_sheet(raw: bytes, name: str, columns: Columns | None) -> tuple[pd.DataFrame, Refused]:
    """Read the first sheet of an Excel workbook that has a header with time and place."""
    try:
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
    except (zipfile.BadZipFile, KeyError, OSError, ValueError) as error:
        raise FileError(f"{name}: is not an Excel workbook (.xlsx) that can be read ({error})") from error
    rows = [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]
    first = next((k for k, row in enumerate(rows) if sum(value is not None for value in row) >= 3), None)
    if first is None:
        raise FileError(f"{name}: its first sheet has no table")
    headers = [f"column {k + 1}" if value is None else str(value) for k, value in enumerate(rows[first])]
    table = pd.DataFrame([[_text(value) for value in row] for row in rows[first + 1 :]], columns=headers, dtype=object)
    table[ROW] = range(first + 2, first + 2 + len(table))
    table = table.dropna(how="all", subset=headers)
    return named_columns(table, columns, name), []


def _text(value: object) -> str | None:
    if value is None:
        return None
    return value.isoformat(sep=" ") if isinstance(value, datetime) else str(value)
