"""Track files of OziExplorer and of Geolife, which both have the ending .plt."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from geo.errors import FileError
from geo.tables.refused import RefusedRow, refuse
from geo.texts import Text
from geo.tracks.columns import LAT, LON, TIME
from geo.tracks.reading.format import FixTable, Format
from geo.tracks.reading.formats.xml_elements import head_text

#: Number of lines before the first point.
_HEAD_LINES = 6

#: Day 0 of the day numbers, as in Delphi and Excel.
_DAY_ZERO = pd.Timestamp("1899-12-30")

#: Permitted day numbers, from 1970 to 2100; others stand for a missing time.
_DAYS = (25_569.0, 73_051.0)

_SHORT = Text("缺少字段", "has fields missing")
_NO_TIME = Text("没有时间", "has no time")


def read_plt(raw: bytes, name: str) -> FixTable:
    """Read a PLT file; points are numbered by line.

    Geolife states date and time in GMT. OziExplorer counts days since 30 December 1899 (the textual date and time are ignored,
    as OziExplorer does), in UTC unless a zone is given; they are rounded to a tenth of a second.

    Raises
    ------
    FileError
        If the datum is not WGS 84, or there is no point.
    """
    lines = raw.decode("utf-8", errors="replace").splitlines()
    geolife = "geolife" in (lines[0].lower() if lines else "")
    datum = lines[1].strip() if len(lines) > 1 else ""
    if not re.fullmatch(r"WGS\s*-?84", datum, re.IGNORECASE):
        raise FileError(f"{name}: has coordinates on the datum '{datum[:40]}'; convert it to WGS 84")
    rows: list[dict[str, str]] = []
    numbers: list[int] = []
    refused: list[RefusedRow] = []
    for number, line in enumerate(lines[_HEAD_LINES:], start=_HEAD_LINES + 1):
        if not line.strip():
            continue
        fields = [field.strip() for field in line.split(",")]
        row = _geolife(fields) if geolife else _oziexplorer(fields)
        if isinstance(row, Text):
            refused.append(refuse(name, number, row))
        else:
            rows.append(row)
            numbers.append(number)
    if not rows and not refused:
        raise FileError(f"{name}: has no point after the {_HEAD_LINES} header lines")
    return FixTable(pd.DataFrame(rows), np.array(numbers, dtype=np.int64), refused=refused, datum="WGS-84", zone="UTC")


def _geolife(fields: list[str]) -> dict[str, str] | Text:
    if len(fields) < 7:
        return _SHORT
    return {LAT: fields[0], LON: fields[1], TIME: f"{fields[5]} {fields[6]}Z"}


def _oziexplorer(fields: list[str]) -> dict[str, str] | Text:
    if len(fields) < 5:
        return _SHORT
    days = float(fields[4]) if re.fullmatch(r"\d+(\.\d*)?", fields[4]) else 0.0
    if not _DAYS[0] <= days <= _DAYS[1]:
        return _NO_TIME
    at = _DAY_ZERO + pd.Timedelta(round(days * 864_000) * 100, unit="ms")
    return {LAT: fields[0], LON: fields[1], TIME: at.strftime("%Y-%m-%d %H:%M:%S.%f")}


def _recognises(raw: bytes) -> bool:
    return (
        re.match(r"(ï»¿)?\s*(Geolife trajectory|OziExplorer Track Point File)", head_text(raw), re.IGNORECASE)
        is not None
    )


FORMAT = Format("PLT", (".plt",), _recognises, read_plt)
