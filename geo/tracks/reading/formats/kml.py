"""Tracks and timed points of KML and KMZ files."""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET
import zipfile
import zlib
from collections.abc import Iterator

import numpy as np
import pandas as pd

from geo.errors import FileError
from geo.tables.refused import RefusedRow, refuse
from geo.texts import Text
from geo.tracks.columns import LAT, LON, TIME
from geo.tracks.reading.format import FixTable, Format
from geo.tracks.reading.formats.point_fields import column_of, measured
from geo.tracks.reading.formats.xml_elements import elements, has_root, local, text_of
from geo.wording import counted

#: Maximum unpacked size of a KML file in a KMZ, bytes; larger ones are not tracks of one street.
MOST_BYTES = 1 << 30

_UNPAIRED = Text("时间与坐标的个数不同", "has a time without coordinates, or coordinates without a time")

Row = dict[str, str | None]


def read_kml(raw: bytes, name: str) -> FixTable:
    """Read the tracks (``gx:Track``, or ``Track`` of KML 2.3) and the points with a time stamp of a KML file.

    Returns
    -------
    FixTable
        All points, numbered in the order of the file. Speeds and accuracies are read from the extended data of the track or
        point, in m/s and metres unless they name another unit. Lines without times and points without one are ignored.

    Raises
    ------
    FileError
        If it is not XML, not KML, or has no point with a time; the message names what it has instead.
    """
    rows: list[Row] = []
    refused: list[RefusedRow] = []
    others = 0
    for _, tag, element in elements(raw, name, "kml"):
        if tag != "placemark":
            continue
        found, unpaired, left_out = _placemark(element)
        rows += found
        refused += [refuse(name, len(rows) + k + 1, _UNPAIRED) for k in range(unpaired)]
        others += left_out
        element.clear()
    if not rows:
        had = f"; it has {counted(others, 'line or point', 'lines or points')} without a time" if others else ""
        raise FileError(f"{name}: has no track and no point with a time{had}; export the recorded track with its times")
    return FixTable(pd.DataFrame(rows), np.arange(1, len(rows) + 1), refused=refused, datum="WGS-84")


def read_kmz(raw: bytes, name: str) -> FixTable:
    """Read the KML file in a KMZ: ``doc.kml``, otherwise the first one; see :func:`read_kml`.

    Raises
    ------
    FileError
        If it cannot be unpacked, is too large, or has no KML file.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            inside = _kml_names(packed)
            if not inside:
                raise FileError(f"{name}: contains no KML file")
            with packed.open(inside[0]) as file:
                content = file.read(MOST_BYTES + 1)
    except FileError:
        raise
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError, ValueError) as error:
        raise FileError(f"{name}: cannot be unpacked ({error}); export it again") from error
    if len(content) > MOST_BYTES:
        raise FileError(f"{name}: unpacks to more than {MOST_BYTES >> 20} MB, too large for a track of one street")
    return read_kml(content, name)


def _kml_names(packed: zipfile.ZipFile) -> list[str]:
    """Names of the KML files in a KMZ, the main one first."""
    names = [entry for entry in packed.namelist() if entry.lower().endswith(".kml")]
    return sorted(names, key=lambda entry: (entry.count("/"), not entry.lower().endswith("doc.kml")))


def _placemark(placemark: ET.Element) -> tuple[list[Row], int, int]:
    """Rows of one placemark, number of times without place or the reverse, and number of shapes without a time."""
    common = dict(_fields(placemark))
    rows: list[Row] = []
    unpaired = left_out = 0
    for element in placemark.iter():
        tag = local(element)
        if tag == "track":
            found, without = _track(element, common)
            rows, unpaired = rows + found, unpaired + without
        elif tag == "point":
            at = _first(element, "coordinates")
            when = _first(placemark, "when") or _first(placemark, "begin")
            if at is not None and when is not None:
                rows.append(common | _place(at) | {TIME: when})
            else:
                left_out += 1
        elif tag == "linestring":
            left_out += 1
    return rows, unpaired, left_out


def _track(track: ET.Element, common: Row) -> tuple[list[Row], int]:
    """Rows of one track, whose times and coordinates are two lists of equal length."""
    times = [text_of(child) for child in track if local(child) == "when"]
    places = [child.text or "" for child in track if local(child) == "coord"]
    arrays = {
        column: [text_of(value) for value in array if local(value) == "value"]
        for array in track.iter()
        if local(array) == "simplearraydata" and (column := column_of(array.get("name") or "")) is not None
    }
    rows = []
    for k, (when, place) in enumerate(zip(times, places, strict=False)):
        values = {column: measured(column, texts[k]) for column, texts in arrays.items() if k < len(texts)}
        rows.append(common | values | _place(place) | {TIME: when})
    return rows, abs(len(times) - len(places))


def _fields(placemark: ET.Element) -> Iterator[tuple[str, str | None]]:
    """Fields of the extended data that apply to the complete placemark."""
    for element in placemark.iter():
        if local(element) not in ("data", "simpledata"):
            continue
        column = column_of(element.get("name") or "")
        text = text_of(element) or _first(element, "value")
        if column is not None and text is not None:
            yield column, measured(column, text)


def _place(text: str) -> Row:
    """Longitude and latitude from ``lon,lat,height`` or ``lon lat height``."""
    parts = re.split(r"[\s,]+", text.strip())
    return {LON: parts[0] or None, LAT: parts[1]} if len(parts) >= 2 else {LON: None, LAT: None}


def _first(element: ET.Element, tag: str) -> str | None:
    """Text of the first element of this name inside another."""
    return next((text_of(child) for child in element.iter() if local(child) == tag), None)


def _is_kmz(raw: bytes) -> bool:
    if raw[:4] != b"PK\x03\x04":
        return False
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            return bool(_kml_names(packed))
    except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError):
        return False


FORMAT = Format("KML", (".kml",), lambda raw: has_root(raw, "kml"), read_kml)
KMZ_FORMAT = Format("KMZ", (".kmz",), _is_kmz, read_kmz)
