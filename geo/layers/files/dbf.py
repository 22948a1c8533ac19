"""The table of a Shapefile (DBF) as bytes: its fields, the text that is not ASCII, and numbers that GDAL reads in part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from geo.notices import notice
from geo.wording import counted, form

#: Width of a DBF field without decimals from which GDAL reads real numbers.
REAL_FROM_DIGITS = 19

# Bytes that a field of whole and one of real numbers may have; asterisks stand for a value that did not fit.
_WHOLE = b" \0*+-0123456789"
_REAL = _WHOLE + b".eE"


class Column(NamedTuple):
    """A field in the header of a DBF: raw name, type, first byte in a row and the one behind the last, and decimals."""

    name: bytes
    kind: bytes
    start: int
    end: int
    decimals: int


def columns_of(described: bytes) -> list[Column]:
    """Fields described by the header of a DBF after its first 32 bytes."""
    columns, start = [], 1
    for at in range(0, len(described) - 31, 32):
        if described[at] == 0x0D:
            break
        name, end = described[at : at + 11].split(b"\x00")[0], start + described[at + 16]
        columns.append(Column(name, described[at + 11 : at + 12], start, end, described[at + 17]))
        start = end
    return columns


def texts_of(columns: Sequence[Column], body: bytes, row_bytes: int) -> list[bytes]:
    """Raw text values that are not ASCII."""
    spans = [(column.start, column.end) for column in columns if column.kind == b"C"]
    values: dict[bytes, None] = {}
    for row in range(0, len(body) - row_bytes + 1, max(1, row_bytes)):
        if not body[row : row + row_bytes].isascii():
            values.update((body[row + a : row + b].rstrip(b" \x00"), None) for a, b in spans)
    return [value for value in values if not value.isascii()]


def tell_odd_numbers(name: str, columns: Sequence[tuple[str, Column]], body: bytes, row_bytes: int) -> None:
    """Give a notice of numbers that GDAL reads up to the first character that it does not expect: ``12.5`` or ``1e3`` in a field
    of whole numbers, ``1,234.5`` and ``1.0D+02`` in any. `columns` are the fields with their decoded names.
    """
    width = max(1, row_bytes)
    rows = np.frombuffer(body, np.uint8, len(body) // width * width).reshape(-1, width)
    for field, column in columns:
        if column.kind not in (b"N", b"F"):
            continue
        values = rows[:, column.start : column.end]
        whole = column.decimals == 0 and column.end - column.start < REAL_FROM_DIGITS
        expected = _WHOLE if whole else _REAL
        if not values.tobytes().translate(None, expected):
            continue
        odd = np.flatnonzero(~np.isin(values, np.frombuffer(expected, np.uint8)).all(axis=1))
        shown = values[odd[0]].tobytes().decode("latin-1").strip(" \0")
        notice(
            f"{name}: {counted(len(odd), 'number')} of the field {field} "
            f"{form(len(odd), 'is', 'are')} read only in part (first: row {odd[0] + 1}, '{shown}'); correct them in the source"
        )
