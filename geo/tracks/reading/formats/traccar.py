"""Positions of Traccar: in JSON and CSV of its API, and in CSV of its reports."""

from __future__ import annotations

import csv
import re
from typing import Any

import numpy as np
import pandas as pd

from geo.errors import FileError
from geo.tables.refused import RefusedRow, refuse
from geo.texts import Text
from geo.tracks.columns import ACCURACY_M, DEVICE, LAT, LON, MOCK, OFFICER, SPEED, TIME
from geo.tracks.reading.format import HEAD, FixTable, Format
from geo.tracks.reading.formats.json_messages import fixes_of, messages_of
from geo.tracks.reading.formats.point_fields import accuracy_m, degrees, speed_m_s

_INVALID = Text("是 Traccar 标为无效的位置", "is a position that Traccar calls invalid")
_FIELDS = Text("有{given}个字段，表头有{right}个", "has {given} fields, the header has {right}")

#: Headers of reports and of the API, in lower case without punctuation, and our columns; best first.
_HEADERS = {
    DEVICE: ("devicename", "device", "deviceid", "uniqueid"),
    TIME: ("fixtime", "time", "devicetime"),
    LAT: ("latitude",),
    LON: ("longitude",),
    SPEED: ("speed",),
    ACCURACY_M: ("accuracy",),
}


def read_traccar(raw: bytes, name: str) -> FixTable:
    """Read a list of positions (``deviceId``, ``fixTime``, ``speed`` in knots), or an object with such a list.

    Raises
    ------
    FileError
        If the file is not JSON.
    """
    return fixes_of(messages_of(raw, name), _traccar, name)


def read_report(raw: bytes, name: str) -> FixTable:
    """Read positions as CSV; the header is row 1.

    Speeds contain the unit chosen by the user of Traccar (``1.2 km/h``), or are in knots without a unit; angles are degrees, or
    degrees and minutes with a hemisphere letter. Times of reports are in the zone of the user of Traccar, which has to be
    given.

    Raises
    ------
    FileError
        If the header has no time or place.
    """
    lines = _text(raw).splitlines()
    begins = next((k for k, line in enumerate(lines) if line.strip()), 0)
    separator = max(",;\t", key=lines[begins].count) if lines else ","
    try:
        records = list(csv.reader(lines[begins:], delimiter=separator))
    except csv.Error as error:
        raise FileError(f"{name}: is not a readable CSV ({error})") from error
    header = [_plain(field) for field in records[0]] if records else []
    place = {
        column: next((header.index(word) for word in words if word in header), None)
        for column, words in _HEADERS.items()
    }
    missing = [column for column in (TIME, LAT, LON) if place[column] is None]
    if missing:
        raise FileError(f"{name}: is a report of Traccar without {', '.join(missing)}; export the route report")
    unit = re.search(r"speed[^,;\t]*\((.*?)\)", lines[begins], re.IGNORECASE)
    valid = header.index("valid") if "valid" in header else None
    rows: list[dict[str, str | None]] = []
    numbers: list[int] = []
    refused: list[RefusedRow] = []
    for number, record in enumerate(records[1:], start=begins + 2):
        if not any(record):
            continue
        if len(record) != len(header):
            refused.append(refuse(name, number, _FIELDS.fill(given=len(record), right=len(header))))
        elif valid is not None and record[valid].strip().lower() in ("false", "no", "0", "否"):
            refused.append(refuse(name, number, _INVALID))
        else:
            rows.append(_report_row({c: None if k is None else record[k] for c, k in place.items()}, unit))
            numbers.append(number)
    table = pd.DataFrame(rows)
    if place[DEVICE] is None and not table.empty:
        table = table.drop(columns=DEVICE)
    return FixTable(table, np.array(numbers, dtype=np.int64), refused=refused, datum="WGS-84")


def _report_row(values: dict[str, str | None], unit: re.Match[str] | None) -> dict[str, str | None]:
    return values | {
        LAT: degrees(values[LAT]),
        LON: degrees(values[LON]),
        SPEED: speed_m_s(values[SPEED], "kn" if unit is None else unit[1]),
        ACCURACY_M: accuracy_m(values[ACCURACY_M]),
    }


def _recognises(raw: bytes) -> bool:
    head = raw[:HEAD]
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")) and b'"fixTime"' in head


def _traccar(message: dict[str, Any]) -> dict[str, Any] | Text:
    if message.get("valid") is False:
        return _INVALID
    extra = message.get("attributes")
    extra = extra if isinstance(extra, dict) else {}
    return {
        TIME: message.get("fixTime") or message.get("deviceTime"),
        LAT: message.get("latitude"),
        LON: message.get("longitude"),
        # Traccar writes 0 where a device states no accuracy.
        ACCURACY_M: accuracy_m(message.get("accuracy")),
        DEVICE: message.get("deviceId"),
        OFFICER: extra.get("driverUniqueId"),
        MOCK: extra.get("mock"),
        SPEED: speed_m_s(message.get("speed"), "kn"),
    }


def _is_report(raw: bytes) -> bool:
    """Whether the header is that of a report (valid, address or attributes) or of the API (device and time of fix)."""
    first = _text(raw[:HEAD]).lstrip().split("\n", 1)[0]
    if "{" in first:
        return False
    words = {_plain(field) for field in re.split(r"[,;\t]", first)}
    return {"latitude", "longitude"} <= words and (
        {"fixtime", "deviceid"} <= words or ("valid" in words and bool(words & {"attributes", "address"}))
    )


def _text(raw: bytes) -> str:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("gb18030", errors="replace")


def _plain(header: str) -> str:
    """A header in lower case, without punctuation and units in brackets."""
    return re.sub(r"[^a-z0-9]", "", re.sub(r"\(.*?\)", "", header).lower())


FORMAT = Format("Traccar", (), _recognises, read_traccar)
REPORT_FORMAT = Format("Traccar report", (), _is_report, read_report)
