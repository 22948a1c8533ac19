"""Positions of Traccar (JSON)."""

from __future__ import annotations

from typing import Any

from geo.texts import Text
from geo.tracks.columns import ACCURACY_M, DEVICE, LAT, LON, MOCK, OFFICER, SPEED, TIME
from geo.tracks.reading.format import HEAD, FixTable, Format
from geo.tracks.reading.formats.json_messages import fixes_of, messages_of

#: One knot in metres per second; Traccar states speeds in knots.
KNOT_M_S = 1852 / 3600

_INVALID = Text("是 Traccar 标为无效的位置", "is a position that Traccar calls invalid")


def read_traccar(raw: bytes, name: str) -> FixTable:
    """Read a list of positions (``deviceId``, ``fixTime``, ``speed`` in knots), or an object that holds one.

    Raises
    ------
    FileError
        If the file is not JSON.
    """
    return fixes_of(messages_of(raw, name), _traccar, name)


def _recognises(raw: bytes) -> bool:
    head = raw[:HEAD]
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"[")) and b'"fixTime"' in head


def _traccar(message: dict[str, Any]) -> dict[str, Any] | Text:
    if message.get("valid") is False:
        return _INVALID
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


FORMAT = Format("Traccar", (), _recognises, read_traccar)
