"""Track points of a GPX file, as text; :mod:`geo.tracks.reading.read` converts them.

Versions 1.0 and 1.1. In addition to the standard fields, those of recording programs are read anywhere in a point:
``accuracy_horizontal`` of OpenTracks, ``speed`` and ``hdop`` of the standard and of extensions. Speeds are in m/s.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd

from geo.errors import FileError
from geo.tracks.columns import ACCURACY_M, LAT, LON
from geo.tracks.reading.format import FixTable, Format
from geo.tracks.reading.formats.point_fields import accuracy_m, accuracy_of_hdop, column_of, measured
from geo.tracks.reading.formats.xml_elements import elements, has_root, local, text_of
from geo.wording import counted

#: Programs that write the error radius of the phone, in metres, in place of the dilution of precision.
_RADIUS_AS_HDOP = re.compile(r"^\s*(OsmAnd|Locus)", re.IGNORECASE)


def read_gpx(raw: bytes, name: str) -> FixTable:
    """Read the track points of a GPX file.

    Parameters
    ----------
    raw
        Content of the file.
    name
        Name of the file in messages.

    Returns
    -------
    FixTable
        The track points, numbered in the order of the file. Waypoints and planned routes are not tracks and are ignored. Times
        with ``Z`` are UTC, as required by the standard; the zone of other times is left open.

    Raises
    ------
    FileError
        If it is not XML, not GPX, or has no track point; the message names what it has instead.
    """
    rows: list[dict[str, object]] = []
    others = {"wpt": 0, "rtept": 0}
    radius_as_hdop = False
    for event, tag, element in elements(raw, name, "gpx", opening=("gpx",)):
        if event == "start":
            radius_as_hdop = _RADIUS_AS_HDOP.match(element.get("creator") or "") is not None
        elif tag == "trkpt":
            rows.append(_point(element, radius_as_hdop))
            element.clear()
        elif tag in others:
            others[tag] += 1
    if not rows:
        had = " and ".join(
            counted(count, *words)
            for words, count in (
                (("waypoint", "waypoints"), others["wpt"]),
                (("point of planned routes", "points of planned routes"), others["rtept"]),
            )
            if count
        )
        raise FileError(
            f"{name}: has no track point" + (f", only {had}" if had else "") + "; export the recorded track"
        )
    return FixTable(pd.DataFrame(rows), np.arange(1, len(rows) + 1), datum="WGS-84")


def _recognises(raw: bytes) -> bool:
    """Whether the root element is <gpx>, after any preceding content."""
    return has_root(raw, "gpx")


def _point(element: ET.Element, radius_as_hdop: bool) -> dict[str, object]:
    """Position and fields of one track point."""
    point: dict[str, object] = {LAT: element.get("lat"), LON: element.get("lon")}
    hdop = None
    for child in element.iter():
        tag, text = local(child), text_of(child)
        column = column_of(tag)
        if text is None or (column is not None and column in point):
            continue
        if tag == "hdop":
            hdop = hdop or text
        elif column is not None:
            point[column] = measured(column, text)
    if point.get(ACCURACY_M) is None and hdop is not None:
        point[ACCURACY_M] = accuracy_m(hdop) if radius_as_hdop else accuracy_of_hdop(hdop)
    return point


FORMAT = Format("GPX", (".gpx",), _recognises, read_gpx)
