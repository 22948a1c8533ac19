"""Google location history, in all its file formats.

Records.json and Semantic Location History of Takeout, Timeline.json of Android, location-history.json of iOS. Measured
positions of a phone are read unchanged. Positions that Google derived (ends of activities, simplified paths, visited
places) are read only for periods without measured positions, because nothing else remains of older days.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd

from geo.errors import FileError
from geo.tables.refused import RefusedRow, refuse
from geo.texts import Text
from geo.tracks.columns import ACCURACY_M, DEVICE, LAT, LON, SPEED, TIME
from geo.tracks.reading.format import FixTable, Format
from geo.tracks.reading.formats.json_messages import content_of, with_devices
from geo.tracks.reading.formats.point_fields import accuracy_m, speed_m_s
from geo.tracks.reading.formats.xml_elements import head_text

_NO_TIME = Text("没有时间", "has no time")
_NO_PLACE = Text("没有位置", "has no position")

#: Old files store angles of more than half a turn as unsigned 32-bit numbers.
_OVERFLOW_E7 = 2**32

_PAIR = re.compile(r"^\s*(?:geo:)?\s*(-?\d+(?:\.\d+)?)\s*°?\s*,\s*(-?\d+(?:\.\d+)?)\s*°?\s*(?:[,;].*)?$")

Point = dict[str, Any]


def read_google(raw: bytes, name: str) -> FixTable:
    """Read any of Google's location histories; points are numbered in the order of the file.

    Raises
    ------
    FileError
        If it is not JSON, or has no position.
    """
    content = content_of(raw, name)
    measured = list(_measured(content))
    points = [*measured, *_between(measured, _derived(content))]
    if not points:
        raise FileError(f"{name}: has no position; export the location history (Records.json or Timeline.json)")
    rows: list[Point] = []
    numbers: list[int] = []
    refused: list[RefusedRow] = []
    for number, point in enumerate(points, start=1):
        reason = _NO_TIME if point[TIME] is None else _NO_PLACE if point[LAT] is None else None
        if reason is None:
            rows.append(point)
            numbers.append(number)
        else:
            refused.append(refuse(name, number, reason))
    table = with_devices(rows)
    if DEVICE in table:  # derived places name no device; the history belongs to one person
        table[DEVICE] = table[DEVICE].fillna(table[DEVICE].mode().iloc[0])
    return FixTable(table, np.array(numbers, dtype=np.int64), refused=refused, datum="WGS-84")


def _measured(content: Any) -> Iterator[Point]:
    """Positions measured by a phone."""
    if not isinstance(content, dict):
        return
    for record in _objects(content.get("locations")):
        yield _point(record, record, record.get("deviceTag"))
    for signal in _objects(content.get("rawSignals")):
        if isinstance(position := signal.get("position"), dict):
            yield _point(position, position.get("LatLng") or position.get("latLng"))
    for edit in _objects(content.get("timelineEdits")):
        position = _inside(edit, "rawSignal", "signal", "position")
        if isinstance(position, dict):
            yield _point(position, position.get("point"), edit.get("deviceId"))


def _derived(content: Any) -> Iterator[Point]:
    """Positions derived by Google."""
    if isinstance(content, dict):
        for item in _objects(content.get("timelineObjects")):
            yield from _takeout_segment(item)
        segments = content.get("semanticSegments")
    else:
        segments = content
    for segment in _objects(segments):
        yield from _timeline_segment(segment)


def _takeout_segment(item: dict[str, Any]) -> Iterator[Point]:
    """Positions of an activity or a visit in Semantic Location History."""
    for kind in ("activitySegment", "placeVisit"):
        segment = item.get(kind)
        if not isinstance(segment, dict):
            continue
        lasted = segment.get("duration")
        begin, end = (
            _time(lasted if isinstance(lasted, dict) else {}, f"{side}Timestamp") for side in ("start", "end")
        )
        at_start, at_end = (
            (segment.get("startLocation"), segment.get("endLocation"))
            if kind == "activitySegment"
            else (segment.get("location"), segment.get("location"))
        )
        device = _inside(at_start, "sourceInfo", "deviceTag")
        yield _point({}, at_start, device) | {TIME: begin}
        for step in _objects(_inside(segment, "simplifiedRawPath", "points")):
            yield _point(step, step, device)
        yield _point({}, at_end, device) | {TIME: end}


def _timeline_segment(segment: dict[str, Any]) -> Iterator[Point]:
    """Positions of a path, an activity or a visit in the files that phones export."""
    begin, end = segment.get("startTime"), segment.get("endTime")
    for step in _objects(segment.get("timelinePath")):
        at = step.get("time") or _later(begin, step.get("durationMinutesOffsetFromStartTime"))
        yield _point({}, step.get("point")) | {TIME: at}
    activity, visit = segment.get("activity"), segment.get("visit")
    if isinstance(activity, dict):
        yield _point({}, _bare(activity.get("start"))) | {TIME: begin}
        yield _point({}, _bare(activity.get("end"))) | {TIME: end}
    if isinstance(visit, dict):
        place = _bare(_inside(visit, "topCandidate", "placeLocation"))
        yield _point({}, place) | {TIME: begin}
        yield _point({}, place) | {TIME: end}


def _between(measured: list[Point], derived: Iterator[Point]) -> list[Point]:
    """The derived positions before the first measured one, or after the last."""
    times = pd.to_datetime(pd.Series([p[TIME] for p in measured], dtype=object), **_AS_TIMES)
    first, last = times.min(), times.max()
    points = list(derived)
    at = pd.to_datetime(pd.Series([p[TIME] for p in points], dtype=object), **_AS_TIMES)
    inside = (at >= first) & (at <= last)
    return [point for point, left_out in zip(points, inside, strict=True) if not left_out]


_AS_TIMES: dict[str, Any] = {"format": "ISO8601", "utc": True, "errors": "coerce"}


def _point(fields: Any, place: Any, device: Any = None) -> Point:
    """One position; None for missing values."""
    lat, lon = _degrees(place)
    accuracy = accuracy_m(fields.get("accuracy") or fields.get("accuracyMeters"))
    return {
        TIME: _time(fields, "timestamp"),
        LAT: lat,
        LON: lon,
        ACCURACY_M: accuracy or accuracy_m(fields.get("accuracyMm"), 0.001),
        SPEED: speed_m_s(fields.get("velocity", fields.get("speedMetersPerSecond"))),
        DEVICE: None if device is None else str(device),
    }


def _time(fields: dict[str, Any], key: str) -> str | None:
    """A time, given as text or in milliseconds since 1970, as ISO 8601."""
    value, millis = fields.get(key), fields.get(f"{key}Ms")
    if isinstance(value, str) and value:
        return value
    try:
        at = pd.Timestamp(int(millis), unit="ms", tz="UTC")  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError):
        return None
    return at.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _later(begin: Any, minutes: Any) -> str | None:
    """A time a number of minutes after another."""
    try:
        return (pd.Timestamp(begin) + pd.Timedelta(minutes=float(minutes))).isoformat()
    except (TypeError, ValueError, OverflowError):
        return None


def _degrees(place: Any) -> tuple[str | None, str | None]:
    """Latitude and longitude from a text with two numbers, or from an object with integers in 1e-7 degrees."""
    if isinstance(place, str):
        match = _PAIR.match(place)
        return (match[1], match[2]) if match else (None, None)
    if not isinstance(place, dict):
        return None, None
    lat, lon = (
        next((place[key] for key in keys if isinstance(place.get(key), int | float)), None)
        for keys in (("latitudeE7", "latE7"), ("longitudeE7", "lngE7"))
    )
    return _e7(lat, 90), _e7(lon, 180)


def _e7(value: float | None, most: int) -> str | None:
    if value is None:
        return None
    return str(round((value - _OVERFLOW_E7 if value > most * 10**7 else value) / 1e7, 7))


def _bare(place: Any) -> Any:
    """A place, or the value of its ``latLng``."""
    return place.get("latLng") if isinstance(place, dict) and "latLng" in place else place


def _objects(items: Any) -> list[dict[str, Any]]:
    return [item for item in items if isinstance(item, dict)] if isinstance(items, list) else []


def _inside(item: Any, *keys: str) -> Any:
    for key in keys:
        item = item.get(key) if isinstance(item, dict) else None
    return item


def _recognises(raw: bytes) -> bool:
    """Whether the keys are those of a location history; for iOS, whether a segment has its time and place format."""
    head = head_text(raw)
    if re.search(r'"(timelineObjects|semanticSegments|rawSignals|timelineEdits)"\s*:', head):
        return True
    if re.search(r'"locations"\s*:\s*\[', head) and "E7" in head:
        return True
    return (
        '"startTime"' in head
        and re.search(r'"(timelinePath|placeLocation|start|end)"\s*:\s*(\[|"geo:)', head) is not None
    )


FORMAT = Format("Google location history", (), _recognises, read_google)
