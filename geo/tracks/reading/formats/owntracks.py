"""Messages of OwnTracks: as JSON, and in the log files of its recorder."""

from __future__ import annotations

import json
import re
from typing import Any

from geo.errors import FileError
from geo.texts import Text
from geo.tracks.columns import ACCURACY_M, DEVICE, LAT, LON, OFFICER, SPEED, TIME
from geo.tracks.reading.format import HEAD, FixTable, Format
from geo.tracks.reading.formats.json_messages import fixes_of, messages_of
from geo.tracks.reading.formats.point_fields import accuracy_m, speed_m_s

_OTHER = Text("是 OwnTracks 的 {type} 消息，不是位置", "is an OwnTracks message of type {type}, not a location")

#: A line of the recorder: time of reception, the topic below user and device, the message.
_LINE = re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(?:\.\d+)?Z\t([^\t]*)\t(.*)$")


def read_owntracks(raw: bytes, name: str) -> FixTable:
    """Read messages of OwnTracks; the device is ``user/device`` of the topic, and messages of other types are refused.

    Raises
    ------
    FileError
        If the file is not JSON.
    """
    return fixes_of(messages_of(raw, name), _owntracks, name)


def read_recorder(raw: bytes, name: str) -> FixTable:
    """Read a log of the OwnTracks recorder (``.rec``), numbered by line; the time is that of the fix, not of reception.

    The recorder stores user and device in folder names, and messages may omit them; ``tid`` is then used as device.

    Raises
    ------
    FileError
        If no line is a recorder entry.
    """
    messages: list[Any] = []
    numbers: list[int] = []
    for number, line in enumerate(raw.decode("utf-8-sig", errors="replace").splitlines(), start=1):
        if not line.strip():
            continue
        match = _LINE.match(line)
        messages.append({"_type": "broken line"} if match is None else _message(match[1].strip(), match[2]))
        numbers.append(number)
    if not any(isinstance(message, dict) and message.get("_type") == "location" for message in messages):
        raise FileError(f"{name}: contains no location of OwnTracks")
    return fixes_of(messages, _owntracks, name, numbers=numbers)


def _message(kind: str, payload: str) -> Any:
    try:
        message = json.loads(payload)
    except (ValueError, RecursionError):
        return {"_type": kind.strip("* ") or "unreadable"}
    return message


def _recognises(raw: bytes) -> bool:
    head = raw[:HEAD]
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        return False
    return re.search(rb'"_type"\s*:', head) is not None or all(
        f'"{key}"'.encode() in head for key in ("tst", "lat", "lon")
    )


def _owntracks(message: dict[str, Any]) -> dict[str, Any] | Text:
    kind = message.get("_type", "location")
    if kind != "location":
        return _OTHER.fill(type=str(kind)[:40])
    topic = str(message.get("topic", "")).split("/")
    user, device = (topic[1], topic[2]) if len(topic) >= 3 else (message.get("username"), message.get("device"))
    # Every user may have a device called "phone".
    whole = "/".join(str(part) for part in (user, device) if part not in (None, ""))
    return {
        TIME: message.get("tst"),
        LAT: message.get("lat"),
        LON: message.get("lon"),
        ACCURACY_M: accuracy_m(message.get("acc")),
        DEVICE: whole or message.get("tid"),
        OFFICER: user,
        SPEED: speed_m_s(message.get("vel"), "km/h"),
    }


def _is_recorder(raw: bytes) -> bool:
    head = raw[:HEAD].decode("utf-8-sig", errors="replace").lstrip().split("\n", 1)[0]
    return _LINE.match(head.rstrip("\r")) is not None


FORMAT = Format("OwnTracks", (), _recognises, read_owntracks)
RECORDER_FORMAT = Format("OwnTracks recorder", (".rec",), _is_recorder, read_recorder)
