"""Records of a FIT file (Garmin and other sports devices)."""

from __future__ import annotations

import datetime as dt
import io
import struct
from typing import Any

import fitdecode
import numpy as np

from geo.errors import FileError
from geo.tables.refused import RefusedRow, refuse
from geo.texts import Text
from geo.tracks.columns import ACCURACY_M, DEVICE, LAT, LON, SPEED, TIME
from geo.tracks.reading.format import FixTable, Format
from geo.tracks.reading.formats.json_messages import with_devices
from geo.tracks.reading.formats.point_fields import accuracy_m, speed_m_s

#: Semicircles, the unit of angles in FIT, in half a turn.
_SEMICIRCLES = 2**31

_NO_TIME = Text("没有时间", "has no time")
_NO_PLACE = Text("没有位置", "has no position")


def read_records(raw: bytes, name: str) -> FixTable:
    """Read the ``record`` messages of a FIT file, numbered in its order.

    Positions are converted from semicircles, times are UTC, speeds m/s, ``gps_accuracy`` metres; the device is the serial
    number of the file. Records without position (indoors) are refused individually.

    Raises
    ------
    FileError
        If it is truncated, its checksum is wrong, it cannot be decoded, or it has no record.
    """
    rows: list[dict[str, str | None]] = []
    numbers: list[int] = []
    refused: list[RefusedRow] = []
    count, device = 0, None
    try:
        with fitdecode.FitReader(
            io.BytesIO(raw),
            check_crc=fitdecode.CrcCheck.RAISE,
            error_handling=fitdecode.ErrorHandling.IGNORE,
        ) as messages:
            for message in messages:
                if message.frame_type != fitdecode.FIT_FRAME_DATA:
                    continue
                if message.name == "file_id":
                    device = _field(message, "serial_number") or device
                elif message.name == "record":
                    count += 1
                    row = _record(message)
                    if isinstance(row, Text):
                        refused.append(refuse(name, count, row))
                    else:
                        rows.append(row | {DEVICE: None if device is None else str(device)})
                        numbers.append(count)
    except (
        fitdecode.FitError,
        struct.error,
        ValueError,
        TypeError,
        LookupError,
        ArithmeticError,
        AttributeError,
        AssertionError,  # raised by the decoder for inconsistent bytes
    ) as error:
        raise FileError(f"{name}: is truncated or damaged ({error}); copy it again from the device") from error
    if not count:
        raise FileError(f"{name}: has no record, only settings or totals; export the recorded activity")
    return FixTable(with_devices(rows), np.array(numbers, dtype=np.int64), refused=refused, datum="WGS-84")


def _record(message: Any) -> dict[str, str | None] | Text:
    at = _field(message, "timestamp")
    lat, lon = (_field(message, f"position_{axis}") for axis in ("lat", "long"))
    if not isinstance(at, dt.datetime):
        return _NO_TIME
    if not (isinstance(lat, int) and isinstance(lon, int)):
        return _NO_PLACE
    speed = _field(message, "enhanced_speed")
    return {
        TIME: at.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        LAT: str(round(lat * 180 / _SEMICIRCLES, 9)),
        LON: str(round(lon * 180 / _SEMICIRCLES, 9)),
        SPEED: speed_m_s(_field(message, "speed") if speed is None else speed),
        ACCURACY_M: accuracy_m(_field(message, "gps_accuracy")),
    }


def _field(message: Any, field: str) -> Any:
    return message.get_value(field, fallback=None)


def _recognises(raw: bytes) -> bool:
    """Whether the header has the signature ``.FIT`` after eight bytes."""
    return raw[8:12] == b".FIT"


FORMAT = Format("FIT", (".fit",), _recognises, read_records)
