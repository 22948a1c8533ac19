"""Prepares rows for GDAL's KML driver, and completes the file that it wrote.

The driver takes a column named like an element of KML (``id``, ``end``, ``visibility``, ``model``) for that element and loses its
values, merges columns that differ in case only, and writes names with ``&``, ``<`` or ``"``, control characters and the end of a
CDATA section as they are, so that no program reads the file. Columns are therefore written under placeholders.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from xml.sax.saxutils import escape

import geopandas as gpd
import numpy as np
import pandas as pd

from geo.notices import notice
from geo.wording import counted, form

# Columns that the driver is to write as elements: the label and the text of a placemark, and its times.
_TEXTS = ("name", "description")
_TIMES = ("timestamp", "begin", "end")

# Characters that XML 1.0 cannot hold, also as references.
_CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")

# Stands for the end of a CDATA section in a value; the markup in it makes the driver write the value as CDATA.
_END = "\ufdd0<wangge>"


@dataclass(frozen=True)
class KmlRows:
    """Rows as the driver writes them without loss, and the original name of each placeholder."""

    frame: gpd.GeoDataFrame
    names: dict[str, str]

    def completed(self, written: bytes) -> bytes:
        """The file with the original names, and with the values that contain the end of a CDATA section."""

        def original(match: re.Match[bytes]) -> bytes:
            name = self.names.get(match[2].decode("ascii"))
            return match[0] if name is None else match[1] + escape(name, {'"': "&quot;"}).encode("utf-8") + b'"'

        named = re.sub(rb'(<Simple(?:Field|Data) name=")(wangge_\d+)"', original, written)
        return named.replace(_END.encode("utf-8"), b"]]]]><![CDATA[>")


def kml_rows(frame: gpd.GeoDataFrame, file: str) -> KmlRows:
    """Rename columns that the driver would not write as data, and make values fit for XML.

    Parameters
    ----------
    frame
        Rows, in degrees.
    file
        Name of the file, for the notice about characters that are left out.
    """
    columns = [c for c in frame.columns if c != frame.geometry.name]
    values = {c: _fitting(frame[c]) for c in columns}
    lost = sum(int((values[c].ne(frame[c]) & _with_control(frame[c])).sum()) for c in columns)
    if lost:
        notice(
            f"{file}: {counted(lost, 'value')} {form(lost, 'has', 'have')} control characters, which XML cannot hold; they are "
            "left out"
        )
    elements: set[str] = set()
    names: dict[str, str] = {}
    made: dict[str, pd.Series] = {}
    for column in columns:
        name = str(column)
        if _is_element(name, values[column], elements):
            elements.add(name.lower())
            made[name] = values[column]
        else:
            token = f"wangge_{len(names)}"
            names[token], made[token] = _CONTROL.sub(" ", name), values[column]
    return KmlRows(gpd.GeoDataFrame(made, geometry=frame.geometry.array, index=frame.index, crs=frame.crs), names)


def _is_element(name: str, values: pd.Series, taken: set[str]) -> bool:
    """Whether a column is to be an element of the placemark: the first text called name, and so on."""
    plain = name.lower()
    if plain in taken:
        return False
    is_time = pd.api.types.is_datetime64_any_dtype(values.dtype)
    return (plain in _TEXTS and values.dtype == object) or (plain in _TIMES and is_time)


def _with_control(values: pd.Series) -> pd.Series:
    return values.map(lambda value: isinstance(value, str) and _CONTROL.search(value) is not None).astype(bool)


def _fitting(values: pd.Series) -> pd.Series:
    """Values for the driver: integers in 32 bits where they fit, because KML has no longer ones; longer ones as text."""
    if pd.api.types.is_integer_dtype(values.dtype):
        fits = bool(values.notna().all() and values.abs().max() <= np.iinfo(np.int32).max)
        if fits:
            return values.astype("int32")
        # Exact up to 15 digits, and a number for other programs; longer ones, such as codes, keep their digits as text.
        exact = bool(values.abs().max() < 2**53) if values.notna().any() else True
        return values.astype("float64") if exact else values.astype("string").astype(object)
    if values.dtype != object:
        return values

    def fit(value: object) -> object:
        return _CONTROL.sub("", value).replace("]]>", _END) if isinstance(value, str) else value

    return pd.Series([fit(value) for value in values], index=values.index, dtype=object)
