"""Tables of fixes as text: CSV with any usual separator and encoding, and GeoJSON points.

The header of a table is matched against :data:`geo.patrols.columns.HEADERS`; nothing is taken by its position unless the
caller says so.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections import Counter
from collections.abc import Mapping
from typing import Any

import pandas as pd

from geo.errors import ColumnError, CrsError, FileError, some
from geo.patrols.columns import DEVICE, HEADERS, LAT, LON, OFFICER, ROW, TIME

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


def named_columns(table: pd.DataFrame, columns: Columns | None, name: str) -> pd.DataFrame:
    """Take the columns of a table that are ours, by their headers or as the caller says."""
    headers = list(table.columns)
    return _renamed(table, guess_columns(headers, name) if columns is None else _given(columns, headers, name))


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


def read_geojson(raw: bytes, name: str, columns: Columns | None) -> tuple[pd.DataFrame, Refused]:
    """Read the points of a GeoJSON file as a table of text; see :func:`read_csv`.

    Raises
    ------
    FileError
        If it is not UTF-8, not JSON, or not a collection of features.
    CrsError
        If it declares another CRS than RFC 7946 allows.
    ColumnError
        If a column is missing.
    """
    try:
        content = json.loads(raw.decode("utf-8-sig"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise FileError(f"{name}: is not GeoJSON ({error})") from error
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list):
        raise FileError(f"{name}: is JSON, but not a collection of features; a file with fixes as points is expected")
    declared = str(((content.get("crs") or {}).get("properties") or {}).get("name", "CRS84"))
    if not re.search(r"(CRS84|4326|4490)$", declared):
        raise CrsError(f"{name}: declares the CRS {declared}; convert it to longitude and latitude (RFC 7946)")
    rows, refused = [], []
    for number, feature in enumerate(features, start=1):
        geometry = (feature or {}).get("geometry") or {}
        at = geometry.get("coordinates")
        if geometry.get("type") != "Point" or not isinstance(at, list) or len(at) < 2:
            kind = geometry.get("type") or "no geometry"
            refused.append({"source": name, "row": number, "reason": f"is not a point but {kind}"})
            continue
        texts = {
            key: None if value is None else str(value) for key, value in ((feature.get("properties") or {}).items())
        }
        rows.append(texts | {"lon": str(at[0]), "lat": str(at[1]), ROW: number})
    table = pd.DataFrame(rows)
    if table.empty:
        return table, refused
    at_point = {LON: "lon", LAT: "lat"}
    wanted = (
        guess_columns(list(table.columns), name)
        if columns is None
        else _given(dict(columns) | at_point, list(table.columns), name)
    )
    return _renamed(table, wanted | at_point), refused
