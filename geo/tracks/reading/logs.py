"""Track logs of other programs: Traccar and OwnTracks (JSON), NMEA 0183 sentences, and Excel sheets, as tables of text."""

from __future__ import annotations

import io
import json
import re
import zipfile
from datetime import datetime
from typing import Any

import openpyxl
import pandas as pd

from geo.errors import FileError
from geo.patrols.columns import ACCURACY_M, DEVICE, LAT, LON, MOCK, OFFICER, ROW, SPEED, TIME
from geo.tracks.reading.tables import Columns, Refused, named_columns

#: One knot in metres per second; Traccar and NMEA state speeds in knots.
KNOT_M_S = 1852 / 3600


def read_json(raw: bytes, name: str) -> tuple[pd.DataFrame, Refused] | None:
    """Read positions of Traccar or OwnTracks; None if the file is neither.

    Traccar: a list of positions (``deviceId``, ``fixTime``, ``speed`` in knots), or an object that holds one. OwnTracks: one
    object, a list, an object with ``data``, or one object per line, with ``_type`` ``location``; other messages are refused. Its
    device is ``user/device`` of the topic.
    """
    found = _messages(raw, name)
    objects = [message for message in found if isinstance(message, dict)]
    if objects and all("_type" in message or {"tst", "lat", "lon"} <= message.keys() for message in objects):
        rows, refused = _each(found, _owntracks, name)
    elif any("fixTime" in message for message in objects):
        rows, refused = _each(found, _traccar, name)
    else:
        return None
    return pd.DataFrame(rows), refused


def _messages(raw: bytes, name: str) -> list[Any]:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise FileError(f"{name}: is not UTF-8, as JSON must be ({error})") from error
    try:
        content = json.loads(text)
    except json.JSONDecodeError as error:
        try:
            return [json.loads(line) for line in text.splitlines() if line.strip()]
        except json.JSONDecodeError:
            raise FileError(f"{name}: is not JSON ({error})") from error
    if isinstance(content, dict):
        content = next((content[key] for key in ("data", "positions") if isinstance(content.get(key), list)), [content])
    return content if isinstance(content, list) else []


def _each(messages: list[Any], read: Any, name: str) -> tuple[list[dict[str, Any]], Refused]:
    rows, refused = [], []
    for number, message in enumerate(messages, start=1):
        row = read(message) if isinstance(message, dict) else None
        if isinstance(row, dict):
            rows.append({key: None if value is None else str(value) for key, value in row.items()} | {ROW: number})
        else:
            refused.append({"source": name, "row": number, "reason": row or "is not an object"})
    return rows, refused


def _owntracks(message: dict[str, Any]) -> dict[str, Any] | str:
    if message.get("_type", "location") != "location":
        return f"is an OwnTracks message of type {message.get('_type')}, not a location"
    topic = str(message.get("topic", "")).split("/")
    user, device = (topic[1], topic[2]) if len(topic) >= 3 else (message.get("username"), message.get("device"))
    # Every user has a device of his own called "phone".
    whole = "/".join(str(part) for part in (user, device) if part not in (None, ""))
    speed = message.get("vel")
    return {
        TIME: message.get("tst"),
        LAT: message.get("lat"),
        LON: message.get("lon"),
        ACCURACY_M: message.get("acc"),
        DEVICE: whole or message.get("tid"),
        OFFICER: user,
        SPEED: float(speed) / 3.6 if isinstance(speed, int | float) else None,
    }


def _traccar(message: dict[str, Any]) -> dict[str, Any] | str:
    if message.get("valid") is False:
        return "is a position that Traccar calls invalid"
    speed, extra = message.get("speed"), message.get("attributes") or {}
    accuracy = message.get("accuracy")
    return {
        TIME: message.get("fixTime") or message.get("deviceTime"),
        LAT: message.get("latitude"),
        LON: message.get("longitude"),
        # Traccar writes 0 where a device states no accuracy.
        ACCURACY_M: accuracy or None,
        DEVICE: message.get("deviceId"),
        OFFICER: extra.get("driverUniqueId"),
        MOCK: extra.get("mock"),
        SPEED: float(speed) * KNOT_M_S if isinstance(speed, int | float) else None,
    }


def read_nmea(raw: bytes, name: str) -> tuple[pd.DataFrame, Refused]:
    """Read the RMC sentences of an NMEA log: the only ones that carry time, date and place together.

    Sentences with a wrong checksum, without fix (status V) or with fields missing are refused with their line. The accuracy is
    taken from the HDOP of the GGA sentence of the same second, times 5 m.
    """
    rows: list[dict[str, Any]] = []
    refused: Refused = []
    hdop: dict[str, float] = {}
    for number, line in enumerate(raw.decode("ascii", errors="replace").splitlines(), start=1):
        match = re.match(
            r"^\s*[$!](?P<body>[A-Z0-9]{2}(?P<kind>RMC|GGA),[^*]*)(?:\*(?P<sum>[0-9A-Fa-f]{2}))?\s*$", line
        )
        if match is None:
            if re.search(r"RMC", line):
                refused.append({"source": name, "row": number, "reason": "is a broken RMC sentence"})
            continue
        body = match["body"]
        if match["sum"] is not None and _checksum(body) != int(match["sum"], 16):
            refused.append(
                {"source": name, "row": number, "reason": f"has the checksum {match['sum']}, not {_checksum(body):02X}"}
            )
            continue
        fields = body.split(",")
        if match["kind"] == "GGA":
            if len(fields) > 8 and re.fullmatch(r"[\d.]+", fields[8]):
                hdop[fields[1][:6]] = float(fields[8])
            continue
        row = _rmc(fields)
        if isinstance(row, str):
            refused.append({"source": name, "row": number, "reason": row})
        else:
            rows.append(row | {ROW: number, "_at": fields[1][:6]})
    if not rows and not refused:
        raise FileError(f"{name}: has no RMC sentence; an NMEA log needs them, since only they carry the date")
    table = pd.DataFrame(rows, columns=[TIME, LAT, LON, SPEED, ROW, "_at"])
    table[ACCURACY_M] = [str(round(5.0 * hdop[at], 1)) if at in hdop else None for at in table["_at"]]
    return table.drop(columns="_at"), refused


def _checksum(body: str) -> int:
    value = 0
    for character in body.encode("ascii", errors="replace"):
        value ^= character
    return value


def _rmc(fields: list[str]) -> dict[str, Any] | str:
    if len(fields) < 10:
        return "is an RMC sentence with fields missing"
    if fields[2] != "A":
        return "is an RMC sentence without a fix (status V)"
    try:
        at = datetime.strptime(fields[9] + fields[1][:6], "%d%m%y%H%M%S")
        lat, lon = (_degrees(fields[k], fields[k + 1]) for k in (3, 5))
    except ValueError as error:
        return f"has a time or place that cannot be read ({error})"
    fraction = fields[1][6:] if re.fullmatch(r"\.\d+", fields[1][6:]) else ""
    speed = str(float(fields[7]) * KNOT_M_S) if re.fullmatch(r"[\d.]+", fields[7]) else None
    return {TIME: f"{at:%Y-%m-%dT%H:%M:%S}{fraction}Z", LAT: str(lat), LON: str(lon), SPEED: speed}


def _degrees(text: str, side: str) -> float:
    """Degrees from ddmm.mmmm and the letter of the hemisphere."""
    whole, minutes = divmod(float(text), 100)
    if side not in ("N", "S", "E", "W"):
        raise ValueError(f"'{side}' is no side of the earth")
    return round((whole + minutes / 60) * (-1 if side in ("S", "W") else 1), 9)


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
