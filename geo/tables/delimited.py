"""Text tables: detects the delimiter and splits the text into records, including texts with unclosed quotation marks.

A record is one line, or several if a quoted field contains line breaks. An unclosed quotation mark would swallow the rest of the
file; the line with it is read without quoting and reported. It is recognised by comparing lines and records: a field is
unclosed if each of the lines in it is a complete record on its own.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as arrow_csv

from geo.arrays import Ints
from geo.tables.refused import RefusedRow, refuse
from geo.texts import Text, amount

#: Delimiters that are tried, most likely first.
DELIMITERS = (",", "\t", ";", "|")

#: Dtype of text columns.
STRING = pd.StringDtype(na_value=np.nan)

# A field with more lines than this counts as an unclosed quotation mark in any case.
_MOST_LINES = 200

_FIELDS = Text("有{found}个字段，表头为{wanted}个", "has {found} where the header has {wanted}")


class Body(NamedTuple):
    """Records below the header.

    Attributes
    ----------
    rows
        Text, one row per record; columns are numbers as text.
    numbers
        Row numbers as in a spreadsheet, shape (n,).
    refused
        Records with more fields than the header.
    unclosed
        Numbers of the rows with an unclosed quotation mark.
    """

    rows: pd.DataFrame
    numbers: Ints
    refused: list[RefusedRow]
    unclosed: list[int]


def find_delimiter(lines: Sequence[str]) -> str:
    """Detect the delimiter from the first lines of a table: the one with the same count in most lines, outside quoted fields.

    >>> find_delimiter(["a,b", '1,"x;y;z"', '2,"u;v;w"'])
    ','
    """
    lines = [line for line in lines if line.strip()]

    def score(delimiter: str) -> tuple[float, int]:
        widths = Counter(len(fields) for fields in split_lines(iter(lines), delimiter, None, []))
        width, often = max(widths.items(), key=lambda item: (item[1] if item[0] > 1 else 0, item[0]), default=(1, 0))
        return (often / max(len(lines), 1), width) if width > 1 else (0.0, 1)

    return max(DELIMITERS, key=score)


def records(text: str, delimiter: str, width: int | None, unclosed: list[int]) -> Iterator[list[str]]:
    """Split text into records.

    Parameters
    ----------
    text
        The table.
    delimiter
        One character.
    width
        Number of fields of the header; None if not yet known.
    unclosed
        The positions (from 0) of records with an unclosed quotation mark are appended to this list.
    """
    return split_lines(iter(_lines(text)), delimiter, width, unclosed)


def _lines(text: str) -> list[str]:
    """Lines with their line ends. Unlike ``str.splitlines``, splits only at line feeds: tables may contain other separators."""
    return io.StringIO(text, newline="\n").readlines()


def split_lines(lines: Iterator[str], delimiter: str, width: int | None, unclosed: list[int]) -> Iterator[list[str]]:
    """Split lines into records, see :func:`records`; reads no more lines than necessary."""
    opens = re.compile(rf'(?:^|{re.escape(delimiter)})[ \t]*"')
    whole = re.compile(
        rf'((?:^|{re.escape(delimiter)})[ \t]*)"(?:[^"]|"")*"(?=[ \t]*(?:{re.escape(delimiter)}|\r?\n?$))'
    )
    waiting: list[str] = []
    position = -1
    while True:
        line = waiting.pop(0) if waiting else next(lines, None)
        if line is None:
            return
        position += 1
        if '"' not in line:
            yield line.rstrip("\r\n").split(delimiter) if line.strip("\r\n") else []
            continue
        if not opens.search(whole.sub(r"\1", line)):
            yield next(csv.reader([line], delimiter=delimiter), [])
            continue
        taken = [line]
        closed = False
        while len(taken) <= _MOST_LINES:
            more = waiting.pop(0) if waiting else next(lines, None)
            if more is None:
                break
            taken.append(more)
            if '"' in more and not opens.search(whole.sub(r"\1", "".join(taken))):
                closed = True
                break
        if closed and not _are_records(taken[1:], delimiter, width):
            yield next(csv.reader(["".join(taken)], delimiter=delimiter), [])
            continue
        unclosed.append(position)
        waiting = taken[1:] + waiting
        yield line.rstrip("\r\n").split(delimiter)


def _are_records(lines: list[str], delimiter: str, width: int | None) -> bool:
    """Whether each line is a complete record on its own."""
    if width is None or width < 2:
        return False
    return all(len(next(csv.reader([line], delimiter=delimiter), [])) == width for line in lines)


def read_body(
    text: str, width: int, delimiter: str, *, skip_lines: int, first: int, name: str, utf8: bytes | None = None
) -> Body:
    """Read the records below the header, all fields as text.

    Parameters
    ----------
    text
        The whole table.
    width
        Number of columns of the header.
    delimiter
        One character.
    skip_lines
        Number of lines up to and including the header.
    first
        Number of the first row below the header.
    name
        File, for refused rows.
    utf8
        The text in UTF-8 if it is at hand, so that it need not be encoded: a copy of 220 MB for 3 million fixes.

    Notes
    -----
    A table without irregular records is read by Arrow, ten times as fast as record by record.
    """
    if len(text) and "\n" not in text and "\r" in text:
        text, utf8 = text.replace("\r", "\n"), None
    quick = _quick(text.encode() if utf8 is None else utf8, width, delimiter, skip_lines)
    if quick is not None:
        return Body(quick, np.arange(first, first + len(quick), dtype=np.int64), [], [])
    unclosed: list[int] = []
    body = "".join(_lines(text)[skip_lines:])
    kept: list[list[str | None]] = []
    numbers: list[int] = []
    refused: list[RefusedRow] = []
    for number, fields in enumerate(records(body, delimiter, width, unclosed), start=first):
        if any(fields[width:]):
            values = {str(at): value for at, value in enumerate(fields)}
            reason = _FIELDS.fill(found=amount(len(fields), "field"), wanted=width)
            refused.append(refuse(name, number, reason, values=values))
            continue
        filled: list[str | None] = [field or None for field in fields[:width]]
        kept.append(filled + [None] * (width - len(filled)))
        numbers.append(number)
    columns = pd.Index([str(at) for at in range(width)], dtype=object)
    rows = pd.DataFrame(kept, columns=columns, dtype=STRING)
    return Body(rows, np.array(numbers, dtype=np.int64), refused, [first + at for at in unclosed])


def _quick(utf8: bytes, width: int, delimiter: str, skip_lines: int) -> pd.DataFrame | None:
    """Read a table by Arrow; None if a record has another number of fields, is blank, or spans several lines."""
    end = len(utf8)
    while end and utf8[end - 1] in b"\r\n":
        end -= 1
    block = memoryview(utf8)[:end]
    quoted = b'"' in utf8
    table = arrow_table(block, [str(at) for at in range(width)], delimiter, skip_lines=skip_lines, quoted=quoted)
    if table is None:
        return None
    if quoted and has_swallowed(table, delimiter):
        return None
    rows: pd.DataFrame = table.to_pandas(types_mapper={pa.large_string(): STRING}.get)
    return rows


def has_swallowed(table: pa.Table, delimiter: str) -> bool:
    """Whether a field contains lines that are complete records, the sign of an unclosed quotation mark."""
    width = table.num_columns
    for column in table.columns:
        broken = column.filter(pc.fill_null(pc.match_substring(column, "\n"), False))
        for value in broken.to_pylist():
            inside = value.split("\n")[1:-1] or value.split("\n")[1:]
            if width > 1 and all(line.count(delimiter) >= width - 1 for line in inside):
                return True
    return False


def arrow_table(
    block: bytes | memoryview,
    names: list[str],
    delimiter: str,
    *,
    skip_lines: int = 0,
    kind: pa.DataType | None = None,
    nulls: bool = True,
    quoted: bool | None = None,
) -> pa.Table | None:
    """Read UTF-8 text by Arrow, all fields as text; None if a record has another number of fields.

    `kind` is the type of the columns, ``large_string`` by default; `nulls` makes empty fields null; `quoted` tells whether there
    is a quotation mark, if that is known.

    One thread only: a thread that still reads ahead when an error ends the call can abort the process at its exit.
    """
    try:
        return arrow_csv.read_csv(
            pa.BufferReader(block),
            read_options=arrow_csv.ReadOptions(
                column_names=names, skip_rows=skip_lines, block_size=1 << 24, use_threads=False
            ),
            parse_options=arrow_csv.ParseOptions(
                delimiter=delimiter,
                newlines_in_values=b'"' in block if quoted is None else quoted,
                ignore_empty_lines=False,
            ),
            convert_options=arrow_csv.ConvertOptions(
                column_types=dict.fromkeys(names, kind or pa.large_string()),
                null_values=[""],
                strings_can_be_null=nulls,
            ),
        )
    except (pa.ArrowInvalid, pa.ArrowKeyError):
        return None
