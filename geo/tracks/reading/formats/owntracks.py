"""Messages of OwnTracks (JSON)."""

from __future__ import annotations

import re
from typing import Any

from geo.texts import Text
from geo.tracks.columns import ACCURACY_M, DEVICE, LAT, LON, OFFICER, SPEED, TIME
from geo.tracks.reading.format import HEAD, FixTable, Format
from geo.tracks.reading.formats.json_messages import fixes_of, messages_of

_OTHER = Text("是 OwnTracks 的 {type} 消息，不是位置", "is an OwnTracks message of type {type}, not a location")


def read_owntracks(raw: bytes, name: str) -> FixTable:
    """Read messages of OwnTracks; the device is ``user/device`` of the topic, and messages of other types are refused.

    Raises
    ------
    FileError
        If the file is not JSON.
    """
    return fixes_of(messages_of(raw, name), _owntracks, name)


def _recognises(raw: bytes) -> bool:
    head = raw[:HEAD]
    if not head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")):
        return False
    return re.search(rb'"_type"\s*:', head) is not None or all(
        f'"{key}"'.encode() in head for key in ("tst", "lat", "lon")
    )


def _owntracks(message: dict[str, Any]) -> dict[str, Any] | Text:
    if message.get("_type", "location") != "location":
        return _OTHER.fill(type=message.get("_type"))
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


FORMAT = Format("OwnTracks", (), _recognises, read_owntracks)
