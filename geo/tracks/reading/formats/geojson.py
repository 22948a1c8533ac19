"""GeoJSON, and JSON records of any service: a list, a list in an answer, or one record per line."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from geo.errors import CrsError, FileError
from geo.tables.refused import RefusedRow, refuse
from geo.texts import Text
from geo.tracks.columns import LAT, LON, TIME
from geo.tracks.reading.format import HEAD, FixTable, Format
from geo.tracks.reading.formats.json_messages import NO_OBJECT, content_of, messages_of

#: Properties that list the times of the vertices of a line.
_TIMES = ("coordTimes", "coordinateTimes", "times")

_NO_POINT = Text("不是点，而是 {kind}", "is not a point but {kind}")


def read_geojson(raw: bytes, name: str) -> FixTable:
    """Read the points of a GeoJSON file as a table of text, with their properties under their own names.

    Raises
    ------
    FileError
        If it is not UTF-8, not JSON, or not a collection of features.
    CrsError
        If it declares another CRS than RFC 7946 allows.
    """
    content = content_of(raw, name)
    features = content.get("features") if isinstance(content, dict) else None
    if not isinstance(features, list):
        raise FileError(f"{name}: is JSON, but not a collection of features; a file with fixes as points is expected")
    declared = str(_object(_object(content.get("crs")).get("properties")).get("name", "CRS84"))
    if not re.search(r"(CRS84|4326|4490)$", declared):
        raise CrsError(f"{name}: declares the CRS {declared}; convert it to longitude and latitude (RFC 7946)")
    return fixes_of_features(features, name)


def fixes_of_features(features: list[Any], name: str) -> FixTable:
    """Fixes of features: points, and lines whose properties list a time for each vertex.

    Each vertex of such a line counts as a record.
    """
    rows: list[dict[str, str | None]] = []
    numbers: list[int] = []
    refused: list[RefusedRow] = []
    number = 0
    for feature in features:
        number += 1
        geometry, properties = _object(_object(feature).get("geometry")), _object(_object(feature).get("properties"))
        at, times = geometry.get("coordinates"), _vertex_times(properties)
        if geometry.get("type") == "LineString" and isinstance(at, list) and times and len(times) == len(at):
            common: dict[str, str | None] = {
                str(key): str(value) for key, value in properties.items() if isinstance(value, str | int | float)
            }
            rows += [common | {LON: str(x), LAT: str(y), TIME: str(t)} for (x, y, *_), t in zip(at, times, strict=True)]
            numbers += range(number, number + len(at))
            number += len(at) - 1
            continue
        if geometry.get("type") != "Point" or not isinstance(at, list) or len(at) < 2:
            kind = geometry.get("type") or "no geometry"
            refused.append(refuse(name, number, _NO_POINT.fill(kind=kind)))
            continue
        texts = {str(key): None if value is None else str(value) for key, value in properties.items()}
        rows.append(texts | {LON: str(at[0]), LAT: str(at[1])})
        numbers.append(number)
    table = pd.DataFrame(rows)
    return FixTable(
        table,
        np.array(numbers, dtype=np.int64),
        named=False,
        refused=refused,
        fixed={LON: LON, LAT: LAT},
        datum="WGS-84",
    )


def _vertex_times(properties: dict[str, Any]) -> list[Any]:
    """Times of the vertices of a line, as converters of GPX to GeoJSON write them."""
    nested = _object(properties.get("coordinateProperties"))
    found = next((group[key] for group in (properties, nested) for key in _TIMES if key in group), None)
    return found if isinstance(found, list) else []


def _object(value: Any) -> dict[str, Any]:
    """A JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def _recognises(raw: bytes) -> bool:
    head = raw[:HEAD]
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and (
        b'"FeatureCollection"' in head or b'"features"' in head
    )


def read_json_objects(raw: bytes, name: str) -> FixTable:
    """Read JSON objects as rows of a table; members of inner objects are named ``location.lat``.

    Raises
    ------
    FileError
        If it is not UTF-8, not JSON, or has no records.
    """
    messages = messages_of(raw, name)
    if messages and all(isinstance(message, dict) and message.get("type") == "Feature" for message in messages):
        return fixes_of_features(messages, name)
    rows: list[dict[str, str | None]] = []
    numbers: list[int] = []
    refused: list[RefusedRow] = []
    for number, message in enumerate(messages, start=1):
        if isinstance(message, dict):
            rows.append(_flat(message))
            numbers.append(number)
        else:
            refused.append(refuse(name, number, NO_OBJECT))
    if not rows:
        raise FileError(f"{name}: is JSON, but not a collection of features or records; a file with fixes is expected")
    return FixTable(pd.DataFrame(rows), np.array(numbers, dtype=np.int64), named=False, refused=refused)


def _flat(message: dict[str, Any], before: str = "") -> dict[str, str | None]:
    """Members of an object and of its inner objects as text."""
    row: dict[str, str | None] = {}
    for key, value in message.items():
        if isinstance(value, dict) and not before:
            row |= _flat(value, f"{key}.")
        else:
            row[f"{before}{key}"] = None if value is None else str(value)
    return row


def _is_json(raw: bytes) -> bool:
    return raw[:64].lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"["))


FORMAT = Format("GeoJSON", (".geojson", ".json"), _recognises, read_geojson)
RECORDS_FORMAT = Format("JSON records", (".jsonl", ".ndjson"), _is_json, read_json_objects)
