"""Points of a GeoJSON file."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pandas as pd

from geo.errors import CrsError, FileError
from geo.tables.refused import RefusedRow, refuse
from geo.texts import Text
from geo.tracks.columns import LAT, LON
from geo.tracks.reading.format import HEAD, FixTable, Format
from geo.tracks.reading.formats.json_messages import content_of

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
    rows: list[dict[str, str | None]] = []
    numbers: list[int] = []
    refused: list[RefusedRow] = []
    for number, feature in enumerate(features, start=1):
        geometry = _object(_object(feature).get("geometry"))
        at = geometry.get("coordinates")
        if geometry.get("type") != "Point" or not isinstance(at, list) or len(at) < 2:
            kind = geometry.get("type") or "no geometry"
            refused.append(refuse(name, number, _NO_POINT.fill(kind=kind)))
            continue
        properties = _object(feature.get("properties"))
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


def _object(value: Any) -> dict[str, Any]:
    """A JSON object; an empty one for anything else."""
    return value if isinstance(value, dict) else {}


def _recognises(raw: bytes) -> bool:
    head = raw[:HEAD]
    return head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"{") and (
        b'"FeatureCollection"' in head or b'"features"' in head
    )


FORMAT = Format("GeoJSON", (".geojson", ".json"), _recognises, read_geojson)
