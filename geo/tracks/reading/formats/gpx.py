"""Track points of a GPX file, as text; what they mean is decided in :mod:`geo.tracks.reading.read`.

Written for files as phones and tools make them: versions 1.0 and 1.1, with the namespace wrong or missing, any encoding that
the file declares, a byte order mark, comments, empty segments. Entities from outside are never fetched.
"""

from __future__ import annotations

import io
import re
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd

from geo.errors import FileError
from geo.tracks.columns import ACCURACY_M, DEVICE, LAT, LON, MOCK, OFFICER, SPEED, TIME
from geo.tracks.reading.format import HEAD, FixTable, Format

# Elements of a point, or inside its extensions, by local name in lower case.
_FIELDS = {
    "time": TIME,
    "speed": SPEED,
    "accuracy": ACCURACY_M,
    "hacc": ACCURACY_M,
    "mock": MOCK,
    "ismock": MOCK,
    "device": DEVICE,
    "deviceid": DEVICE,
    "officer": OFFICER,
}


def read_gpx(raw: bytes, name: str) -> FixTable:
    """Read the track points of a GPX file.

    Parameters
    ----------
    raw
        Content of the file.
    name
        What to call it in messages.

    Returns
    -------
    FixTable
        The track points, numbered in the order of the file. Waypoints and planned routes are not tracks and are left out.

    Raises
    ------
    FileError
        If it is not XML, not GPX, or has no track point; the message says what it has instead.
    """
    rows: list[dict[str, object]] = []
    others = {"wpt": 0, "rtept": 0}
    root = ""
    try:
        for event, element in ET.iterparse(io.BytesIO(_tidy(raw)), events=("start", "end")):
            tag = _local(element.tag)
            if event == "start":
                root = root or tag
            elif tag == "trkpt":
                rows.append(_point(element))
                element.clear()
            elif tag in others:
                others[tag] += 1
    except (ET.ParseError, LookupError, ValueError) as error:  # an unknown encoding is a LookupError or a ValueError
        raise FileError(f"{name}: is not XML that can be read ({error}); export it again as GPX") from error
    if root != "gpx":
        raise FileError(f"{name}: is XML, but its root is <{root}> and not <gpx>")
    if not rows:
        had = " and ".join(
            f"{count} {what}"
            for what, count in (("waypoints", others["wpt"]), ("points of planned routes", others["rtept"]))
            if count
        )
        raise FileError(
            f"{name}: has no track point" + (f", only {had}" if had else "") + "; export the recorded track"
        )
    return FixTable(pd.DataFrame(rows), np.arange(1, len(rows) + 1), datum="WGS-84", zone="UTC")


def _recognises(raw: bytes) -> bool:
    """Tell whether the root element is <gpx>, whatever stands before it."""
    return re.search(rb"<(\w+:)?gpx[\s>]", raw[:HEAD]) is not None


def _tidy(raw: bytes) -> bytes:
    """Drop what stands before the first ``<`` (blank lines, a UTF-8 mark): some tools write it and XML forbids it."""
    return raw[raw.index(b"<") :] if re.match(rb"(\xef\xbb\xbf)?\s*<", raw) else raw


def _local(tag: object) -> str:
    return str(tag).rpartition("}")[2].lower()


def _point(element: ET.Element) -> dict[str, object]:
    """Position and fields of one track point."""
    point: dict[str, object] = {LAT: element.get("lat"), LON: element.get("lon")}
    for child in element.iter():
        column = _FIELDS.get(_local(child.tag))
        if column is not None and child.text and column not in point:
            point[column] = child.text.strip()
    return point


FORMAT = Format("GPX", (".gpx",), _recognises, read_gpx)
