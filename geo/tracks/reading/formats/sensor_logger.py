"""Locations of the app Sensor Logger, as CSV and as JSON."""

from __future__ import annotations

import csv
import re
from typing import Any

import pandas as pd

from geo.errors import FileError
from geo.texts import Text
from geo.tracks.columns import ACCURACY_M, LAT, LON, SPEED, TIME
from geo.tracks.reading.format import FixTable, Format
from geo.tracks.reading.formats.json_messages import fixes_of, messages_of
from geo.tracks.reading.formats.point_fields import accuracy_m, speed_m_s
from geo.tracks.reading.formats.xml_elements import head_text

_OTHER = Text("是传感器 {sensor} 的记录，不是位置", "is a record of the sensor {sensor}, not a location")
_NO_TIME = Text("没有时间", "has no time")


def read_sensor_logger(raw: bytes, name: str) -> FixTable:
    """Read the locations; the header of a CSV is row 1, and records of a JSON file are counted from 1.

    Times are nanoseconds since 1970; speeds and accuracies are in m/s and metres, negative if not measured.

    Raises
    ------
    FileError
        If the file cannot be split into records.
    """
    if raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
        return fixes_of(messages_of(raw, name), _location, name)
    try:
        records = list(csv.DictReader(raw.decode("utf-8-sig", errors="replace").splitlines()))
    except csv.Error as error:
        raise FileError(f"{name}: is not a readable CSV ({error})") from error
    return fixes_of(records, _location, name, numbers=list(range(2, len(records) + 2)))


def _location(record: dict[str, Any]) -> dict[str, Any] | Text:
    sensor = str(record.get("sensor", "Location"))
    if not sensor.startswith("Location"):
        return _OTHER.fill(sensor=sensor[:40])
    at = str(record.get("time") or "")
    if not re.fullmatch(r"\d{18,19}", at):
        return _NO_TIME
    return {
        TIME: pd.Timestamp(int(at) // 1000, unit="us").strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        LAT: record.get("latitude"),
        LON: record.get("longitude"),
        ACCURACY_M: accuracy_m(record.get("horizontalAccuracy")),
        SPEED: speed_m_s(record.get("speed")),
    }


def _recognises(raw: bytes) -> bool:
    head = head_text(raw)
    if head.lstrip("ï»¿ \t\r\n").startswith("["):
        return '"seconds_elapsed"' in head and '"sensor"' in head
    first = head.lstrip("ï»¿ \t\r\n").split("\n", 1)[0]
    return {"time", "seconds_elapsed", "latitude", "longitude"} <= {word.strip(' "\r') for word in first.split(",")}


FORMAT = Format("Sensor Logger", (), _recognises, read_sensor_logger)
