"""Track points of a TCX file (Garmin Training Center)."""

from __future__ import annotations

import xml.etree.ElementTree as ET

import numpy as np
import pandas as pd

from geo.errors import FileError
from geo.tracks.columns import LAT, LON, SPEED, TIME
from geo.tracks.reading.format import FixTable, Format
from geo.tracks.reading.formats.point_fields import speed_m_s
from geo.tracks.reading.formats.xml_elements import elements, has_root, local, text_of

_FIELDS = {"time": TIME, "latitudedegrees": LAT, "longitudedegrees": LON, "speed": SPEED}

_ROOT = "trainingcenterdatabase"


def read_tcx(raw: bytes, name: str) -> FixTable:
    """Read the track points of a TCX file, numbered in file order; speeds are in m/s.

    Raises
    ------
    FileError
        If it is not XML, not TCX, or has no track point.
    """
    rows = []
    for _, tag, element in elements(raw, name, _ROOT):
        if tag == "trackpoint":
            rows.append(_point(element))
            element.clear()
    if not rows:
        raise FileError(f"{name}: has no track point; export the recorded activity")
    return FixTable(pd.DataFrame(rows), np.arange(1, len(rows) + 1), datum="WGS-84")


def _point(element: ET.Element) -> dict[str, str | None]:
    point: dict[str, str | None] = {TIME: None, LAT: None, LON: None, SPEED: None}
    for child in element.iter():
        column = _FIELDS.get(local(child))
        if column is not None and point[column] is None:
            point[column] = text_of(child)
    return point | {SPEED: speed_m_s(point[SPEED])}


FORMAT = Format("TCX", (".tcx",), lambda raw: has_root(raw, "TrainingCenterDatabase"), read_tcx)
