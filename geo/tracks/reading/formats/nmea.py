"""Sentences of NMEA 0183, as receivers log them."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from geo.errors import FileError
from geo.tables.refused import RefusedRow, refuse
from geo.texts import Text
from geo.tracks.columns import ACCURACY_M, LAT, LON, SPEED, TIME
from geo.tracks.reading.format import HEAD, FixTable, Format

#: One knot in metres per second.
KNOT_M_S = 1852 / 3600

_BROKEN = Text("是不完整的 RMC 语句", "is a broken RMC sentence")
_CHECKSUM = Text("校验和为 {given}，应为 {right}", "has the checksum {given}, not {right}")
_SHORT = Text("是缺少字段的 RMC 语句", "is an RMC sentence with fields missing")
_NO_FIX = Text("是没有定位的 RMC 语句（状态 V）", "is an RMC sentence without a fix (status V)")
_UNREAD = Text("时间或位置无法识别（{why}）", "has a time or place that cannot be read ({why})")


def read_nmea(raw: bytes, name: str) -> FixTable:
    """Read the RMC sentences of an NMEA log: the only ones that carry time, date and place together.

    Sentences with a wrong checksum, without fix (status V) or with fields missing are refused with their line. The accuracy is
    taken from the HDOP of the GGA sentence of the same second, times 5 m.
    """
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    refused: list[RefusedRow] = []
    hdop: dict[str, float] = {}
    for number, line in enumerate(raw.decode("ascii", errors="replace").splitlines(), start=1):
        match = re.match(
            r"^\s*[$!](?P<body>[A-Z0-9]{2}(?P<kind>RMC|GGA),[^*]*)(?:\*(?P<sum>[0-9A-Fa-f]{2}))?\s*$", line
        )
        if match is None:
            if re.search(r"RMC", line):
                refused.append(refuse(name, number, _BROKEN))
            continue
        body = match["body"]
        if match["sum"] is not None and _checksum(body) != int(match["sum"], 16):
            refused.append(refuse(name, number, _CHECKSUM.fill(given=match["sum"], right=f"{_checksum(body):02X}")))
            continue
        fields = body.split(",")
        if match["kind"] == "GGA":
            if len(fields) > 8 and re.fullmatch(r"[\d.]+", fields[8]):
                hdop[fields[1][:6]] = float(fields[8])
            continue
        row = _rmc(fields)
        if isinstance(row, Text):
            refused.append(refuse(name, number, row))
        else:
            rows.append(row | {"_at": fields[1][:6]})
            numbers.append(number)
    if not rows and not refused:
        raise FileError(f"{name}: has no RMC sentence; an NMEA log needs them, since only they carry the date")
    table = pd.DataFrame(rows, columns=[TIME, LAT, LON, SPEED, "_at"])
    table[ACCURACY_M] = [str(round(5.0 * hdop[at], 1)) if at in hdop else None for at in table["_at"]]
    return FixTable(table.drop(columns="_at"), np.array(numbers, dtype=np.int64), refused=refused, datum="WGS-84")


def _checksum(body: str) -> int:
    value = 0
    for character in body.encode("ascii", errors="replace"):
        value ^= character
    return value


def _rmc(fields: list[str]) -> dict[str, Any] | Text:
    if len(fields) < 10:
        return _SHORT
    if fields[2] != "A":
        return _NO_FIX
    try:
        at = datetime.strptime(fields[9] + fields[1][:6], "%d%m%y%H%M%S")
        lat, lon = (_degrees(fields[k], fields[k + 1]) for k in (3, 5))
    except ValueError as error:
        return _UNREAD.fill(why=error)
    fraction = fields[1][6:] if re.fullmatch(r"\.\d+", fields[1][6:]) else ""
    speed = str(float(fields[7]) * KNOT_M_S) if re.fullmatch(r"[\d.]+", fields[7]) else None
    return {TIME: f"{at:%Y-%m-%dT%H:%M:%S}{fraction}Z", LAT: str(lat), LON: str(lon), SPEED: speed}


def _degrees(text: str, side: str) -> float:
    """Degrees from ddmm.mmmm and the letter of the hemisphere."""
    whole, minutes = divmod(float(text), 100)
    if side not in ("N", "S", "E", "W"):
        raise ValueError(f"'{side}' is no side of the earth")
    return round((whole + minutes / 60) * (-1 if side in ("S", "W") else 1), 9)


def _recognises(raw: bytes) -> bool:
    """Tell whether one of the first lines is a sentence: ``$GPRMC,``, ``$GNGGA,``."""
    return re.search(rb"(?m)^\s*[$!][A-Z]{2}[A-Z]{3},", raw[:HEAD]) is not None


FORMAT = Format("NMEA 0183", (".nmea",), _recognises, read_nmea)
