"""Sentences of NMEA 0183, as logged by receivers and phones."""

from __future__ import annotations

import bisect
import datetime as dt
import re
from typing import Any

import numpy as np
import pandas as pd
import pynmea2

from geo.errors import FileError
from geo.tables.refused import RefusedRow, refuse
from geo.texts import Text
from geo.tracks.columns import ACCURACY_M, LAT, LON, MOCK, SPEED, TIME
from geo.tracks.reading.format import FixTable, Format
from geo.tracks.reading.formats.point_fields import accuracy_of_hdop, speed_m_s
from geo.tracks.reading.formats.xml_elements import head_text

_BROKEN = Text("是不完整的 RMC 语句", "is a broken RMC sentence")
_CHECKSUM = Text("校验和为 {given}，应为 {right}", "has the checksum {given}, not {right}")
_SHORT = Text("是缺少字段的 RMC 语句", "is an RMC sentence with fields missing")
_NO_FIX = Text("是没有定位的 {kind} 语句（状态 V）", "is a {kind} sentence without a fix (status V)")
_UNREAD = Text("时间或位置无法识别（{why}）", "has a time or place that cannot be read ({why})")

#: A sentence anywhere in a line: logs put a time or a word before it and their own number after it.
_SENTENCE = re.compile(r"[$!](?P<body>[A-Z]{2}(?P<kind>RMC|GGA|ZDA),[^*$!]*?)(?:\*(?P<sum>[0-9A-Fa-f]{2})|\s*$)")

#: Maximum distance, in lines, of the sentence with the dilution of precision of a position.
_NEAR_LINES = 100

#: Number of fields of an RMC sentence up to the date.
_RMC_FIELDS = 9


def read_nmea(raw: bytes, name: str) -> FixTable:
    """Read the RMC sentences of an NMEA log; if there are none, the GGA sentences, dated by the ZDA sentences between them.

    Sentences with a wrong checksum, without fix (status V) or with missing fields are refused with their line. The accuracy
    is 5 m times the HDOP of the nearest GGA sentence of the same second. Fixes of a receiver in simulator mode are marked
    ``mock``.

    Raises
    ------
    FileError
        If no sentence has time, date and place.
    """
    sentences: list[tuple[int, str, Any]] = []
    refused: list[RefusedRow] = []
    for number, line in enumerate(raw.decode("ascii", errors="replace").splitlines(), start=1):
        match = _SENTENCE.search(line)
        if match is None:
            if "RMC" in line:
                refused.append(refuse(name, number, _BROKEN))
            continue
        right = pynmea2.NMEASentence.checksum(match["body"])
        if match["sum"] is not None and right != int(match["sum"], 16):
            refused.append(refuse(name, number, _CHECKSUM.fill(given=match["sum"], right=f"{right:02X}")))
            continue
        sentences.append((number, match["kind"], pynmea2.parse(f"${match['body'].strip()}")))
    kinds = {kind for _, kind, _ in sentences}
    if "RMC" not in kinds and not {"GGA", "ZDA"} <= kinds and not refused:
        raise FileError(f"{name}: has no RMC sentence; only these contain the date")
    rows: list[dict[str, Any]] = []
    numbers: list[int] = []
    for number, row in _rmc_rows(sentences) if "RMC" in kinds else _gga_rows(sentences):
        if isinstance(row, Text):
            refused.append(refuse(name, number, row))
        else:
            rows.append(row)
            numbers.append(number)
    table = pd.DataFrame(rows, columns=[TIME, LAT, LON, SPEED, ACCURACY_M, MOCK])
    return FixTable(table, np.array(numbers, dtype=np.int64), refused=refused, datum="WGS-84")


def _rmc_rows(sentences: list[tuple[int, str, Any]]) -> list[tuple[int, dict[str, Any] | Text]]:
    """Row of each RMC sentence, or the reason why there is none, with its line."""
    dilutions: dict[str, list[tuple[int, str]]] = {}
    for number, kind, sentence in sentences:
        if kind == "GGA" and len(sentence.data) > 7:
            dilutions.setdefault(sentence.data[0][:6], []).append((number, sentence.data[7]))
    rows: list[tuple[int, dict[str, Any] | Text]] = []
    for number, kind, sentence in sentences:
        if kind != "RMC":
            continue
        row = _rmc(sentence)
        if isinstance(row, dict):
            near = _nearest(dilutions.get(sentence.data[0][:6], []), number)
            if near is not None and abs(near[0] - number) <= _NEAR_LINES:
                row[ACCURACY_M] = accuracy_of_hdop(near[1])
        rows.append((number, row))
    return rows


def _nearest(dilutions: list[tuple[int, str]], number: int) -> tuple[int, str] | None:
    """The dilution of precision with the line number nearest to a given one."""
    at = bisect.bisect_left(dilutions, (number, ""))
    return min(dilutions[max(at - 1, 0) : at + 1], key=lambda one: abs(one[0] - number), default=None)


def _gga_rows(sentences: list[tuple[int, str, Any]]) -> list[tuple[int, dict[str, Any] | Text]]:
    """Row, or reason, of each GGA sentence after the first ZDA sentence; dated by the last one, or the following day."""
    rows: list[tuple[int, dict[str, Any] | Text]] = []
    dated: dt.datetime | None = None
    for number, kind, sentence in sentences:
        try:
            clock = sentence.timestamp
            if kind == "ZDA":
                dated = dt.datetime.combine(dt.date(sentence.year, sentence.month, sentence.day), clock)
            elif dated is not None:
                at = dt.datetime.combine(dated.date(), clock)
                at += dt.timedelta(days=1) if at < dated - dt.timedelta(hours=12) else dt.timedelta(0)
                row: dict[str, Any] | Text = (
                    _place(sentence) | {TIME: _iso(at), ACCURACY_M: accuracy_of_hdop(sentence.data[7])}
                    if sentence.data[5] not in ("", "0")
                    else _NO_FIX.fill(kind="GGA")
                )
                rows.append((number, row))
        except (ValueError, TypeError, IndexError, AttributeError) as error:
            rows.append((number, _UNREAD.fill(why=error)))
    return rows


def _rmc(sentence: Any) -> dict[str, Any] | Text:
    if len(sentence.data) < _RMC_FIELDS:
        return _SHORT
    if sentence.status != "A":
        return _NO_FIX.fill(kind="RMC")
    try:
        place = _place(sentence)
        at = dt.datetime.combine(sentence.datestamp, sentence.timestamp)
    except (ValueError, TypeError) as error:
        return _UNREAD.fill(why=error)
    mode = sentence.data[11].strip() if len(sentence.data) > 11 else ""
    return place | {
        TIME: _iso(at),
        SPEED: speed_m_s(sentence.data[6], "kn"),
        MOCK: "true" if mode == "S" else None,
    }


def _place(sentence: Any) -> dict[str, Any]:
    """Latitude and longitude in degrees; raises ValueError where they cannot be read."""
    for side, sides in ((sentence.lat_dir, "NS"), (sentence.lon_dir, "EW")):
        if len(side) != 1 or side not in sides:
            raise ValueError(f"'{side}' is not a hemisphere")
    return {LAT: str(round(sentence.latitude, 9)), LON: str(round(sentence.longitude, 9))}


def _iso(at: dt.datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _recognises(raw: bytes) -> bool:
    """Whether one of the first lines is a position or satellite sentence: ``$GPRMC,``, ``$GNGGA,``."""
    return re.search(r"[$!][A-Z]{2}(?:RMC|GGA|GLL|GNS|GSA|GSV|VTG|ZDA),", head_text(raw)) is not None


FORMAT = Format("NMEA 0183", (".nmea",), _recognises, read_nmea)
