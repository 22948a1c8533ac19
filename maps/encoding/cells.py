"""Frames as compact JSON: rings in integer steps of a millionth of a degree, each position relative to the previous one.

A millionth of a degree is at most 0.11 m. Positions are rounded, so common borders remain common. A vertex takes about seven
characters, a third of GeoJSON.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypedDict

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.errors import ColumnError, CrsError
from geo.layers import Division, Level, lon_lat, to_metric
from geo.layers.columns import (
    AREA_M2,
    CODE,
    HOUSEHOLDS,
    LEADER,
    NAME,
    PARENT,
    POPULATION,
    UNITS,
    WORKLOAD,
)
from geo.layers.transformers import to_crs
from geo.prepared import prepared_copy
from maps.encoding.neighbours import AROUND_M, encode_neighbours
from maps.encoding.packing import pack_shapes
from maps.english_names import ROAD_KINDS, english_name

#: Steps per degree.
STEPS = 1_000_000

#: Columns of a layer that are shown if present; integers are precise enough for a map.
FACTS = (AREA_M2, POPULATION, HOUSEHOLDS, UNITS, "buildings", WORKLOAD)

# Ending of names of third-level grids whose rest is the name of the second-level grid.
_NUMBERED = re.compile(r"网格-\d+$")

# Tolerance of the largest circle inside a cell, at which its label is placed.
_CIRCLE_TOLERANCE_M = 4.0
# Distance beyond the outline up to which the background is kept, so that roads do not end at the border.
_BESIDE_M = 250.0
# Tolerance of background lines: half a metre is less than the line width up to zoom 18.
_SIMPLIFY_M = 0.6


#: Layers of a background.
KINDS = ("roads", "water", "green", "railways", "buildings", "neighbours")


@dataclass(frozen=True)
class Background:
    """Background layers for orientation: all optional, in any declared CRS.

    Attributes
    ----------
    roads
        Lines; ``highway`` is the class, ``name`` is written along the larger ones.
    water, green, railways, buildings
        Polygons or lines.
    neighbours
        Adjoining streets (polygons), metro lines and stations (points), each with ``name``. Roads are then drawn as far as these.
    """

    roads: gpd.GeoDataFrame | None = None
    water: gpd.GeoDataFrame | None = None
    green: gpd.GeoDataFrame | None = None
    railways: gpd.GeoDataFrame | None = None
    buildings: gpd.GeoDataFrame | None = None
    neighbours: gpd.GeoDataFrame | None = None

    @classmethod
    def of(cls, extras: Extras) -> Background:
        """The background among the keyword arguments of a map function."""
        return cls(*(extras.get(kind) for kind in KINDS))


class Extras(TypedDict, total=False):
    """Common keyword arguments of all maps of grids: the layers of :class:`Background`, and texts.

    Attributes
    ----------
    roads, water, green, railways, buildings, neighbours
        See :class:`Background`.
    title, note
        Title of the page, and what readers must know about the data: one string, or Chinese and English.
    """

    roads: gpd.GeoDataFrame | None
    water: gpd.GeoDataFrame | None
    green: gpd.GeoDataFrame | None
    railways: gpd.GeoDataFrame | None
    buildings: gpd.GeoDataFrame | None
    neighbours: gpd.GeoDataFrame | None
    title: str | tuple[str, str] | None
    note: str | tuple[str, str] | None


def as_shown(cells: Division | gpd.GeoDataFrame) -> Division:
    """A division unchanged; a single layer of cells as second-level grids inside their union, without other levels.

    Raises
    ------
    ColumnError
        If the layer has no codes.
    """
    if isinstance(cells, Division):
        return cells
    if CODE not in cells:
        raise ColumnError("cells: no column 'code'; give foreign layers one with geo.layers.as_cells")
    second = to_metric(cells)
    outline = shapely.union_all(shapely.make_valid(np.asarray(second.geometry.array)))
    street = gpd.GeoDataFrame({CODE: [""], NAME: [""], PARENT: [""]}, geometry=[outline], crs=second.crs)
    return Division(
        street=street, community=street.iloc[:0], second=second.assign(**{PARENT: ""}), third=street.iloc[:0]
    )


def origin_of(division: Division) -> tuple[float, float]:
    """South-west corner of the street in degrees, rounded to a thousandth: origin of the first position of each ring."""
    west, south, _, _ = lon_lat(division.street.geometry).total_bounds
    return math.floor(west * 1000) / 1000, math.floor(south * 1000) / 1000


def _english(level: Level, names: list[str]) -> dict[str, list[str]]:
    """English names of a level. Names of third-level grids that begin with the parent's name are composed in the page."""
    if level is Level.THIRD and all(_NUMBERED.search(name) for name in names):
        return {}
    return {"name_en": [english_name(name) for name in names]}


def encode_levels(division: Division) -> dict[str, Any]:
    """The four layers of a division as one JSON value: ``origin``, ``steps`` and ``levels``, a list of columns per level.

    Cost is linear in vertices, plus about 0.3 ms per cell for the circle of its label.
    """
    origin = origin_of(division)
    position = {level: {code: i for i, code in enumerate(division.layer(level)[CODE])} for level in Level}
    levels = []
    for level in Level:
        frame = division.layer(level)
        above = next((position[Level(k)] for k in range(level - 1, -1, -1) if position[Level(k)]), {})
        columns: dict[str, Any] = {
            "code": [str(code) for code in frame[CODE]],
            "name": [_text(name) for name in column(frame, NAME)],
            **_english(level, [_text(name) for name in column(frame, NAME)]),
            "parent": [above.get(code, -1) for code in column(frame, PARENT)],
            "shape": pack_shapes(encode_polygons(frame.geometry, origin)),
            **encode_circles(frame.geometry, origin),
        }
        for fact in FACTS:
            if fact in frame.columns:
                columns[fact] = [json_value(value) for value in frame[fact]]
        if level is Level.SECOND:
            columns["leader"] = [_text(leader) for leader in column(frame, LEADER)]
            columns["staff_kind"] = [_text(kind) for kind in column(frame, "staff_kind")]
        levels.append(columns)
    return {"origin": list(origin), "steps": STEPS, "levels": levels}


def encode_background(background: Background, division: Division) -> dict[str, Any]:
    """Background near the street as JSON: lists of shapes by kind, roads with class, and names with a place and an angle.

    Raises
    ------
    CrsError
        If a layer declares no CRS.
    """
    origin = origin_of(division)
    result: dict[str, Any] = {}
    for kind in ("water", "green", "buildings"):
        layer = near_street(getattr(background, kind), division, kind)
        if layer is not None:
            polygons = layer[layer.geom_type.isin(["Polygon", "MultiPolygon"])]
            lines = layer[layer.geom_type.isin(["LineString", "MultiLineString"])]
            result[kind] = encode_polygons(polygons.geometry, origin)
            if len(lines):
                result[f"{kind}_lines"] = encode_lines(lines.geometry, origin)
    railways = near_street(background.railways, division, "railways")
    if railways is not None:
        result["railways"] = encode_lines(railways.geometry, origin)
    result |= encode_neighbours(background.neighbours, division, origin)
    beyond_m = AROUND_M if result.get("neighbours") else _BESIDE_M
    roads = near_street(background.roads, division, "roads", beyond_m=beyond_m)
    if roads is not None:
        result["roads"] = encode_lines(roads.geometry, origin)
        result["road_class"] = [_text(kind) for kind in column(roads, "highway")]
        result["road_names"] = road_names(roads, origin)
    return result


def encode_polygons(
    polygons: gpd.GeoSeries, origin: tuple[float, float], *, steps: int = STEPS
) -> list[list[list[list[int]]]]:
    """Polygons as lists of parts, of rings, of integers ``[x, y, dx, dy, ...]``; the closing position is omitted."""
    shapes = []
    for geometry in lon_lat(polygons).array:
        parts = shapely.get_parts(geometry) if geometry is not None else []
        shapes.append([[_steps(ring, origin, steps)[:-2] for ring in shapely.get_rings(part)] for part in parts])
    return shapes


def encode_lines(lines: gpd.GeoSeries, origin: tuple[float, float], *, steps: int = STEPS) -> list[list[list[int]]]:
    """Lines as lists of parts of integers ``[x, y, dx, dy, ...]``."""
    return [
        [_steps(part, origin, steps) for part in shapely.get_parts(geometry) if shapely.get_type_id(part) == 1]
        for geometry in lon_lat(lines).array
    ]


def encode_circles(polygons: gpd.GeoSeries, origin: tuple[float, float]) -> dict[str, list[Any]]:
    """Largest circle inside each polygon: ``centre`` in steps and ``radius`` in metres; the place for a label."""
    circles = shapely.maximum_inscribed_circle(
        shapely.make_valid(np.asarray(polygons.array)), tolerance=_CIRCLE_TOLERANCE_M
    )
    centres = gpd.GeoSeries(shapely.get_point(circles, 0), crs=polygons.crs)
    places = shapely.get_coordinates(lon_lat(centres).array)
    steps = np.rint((places - origin) * STEPS).astype(int)
    return {"centre": steps.tolist(), "radius": [round(float(r)) for r in shapely.length(circles)]}


def _english_road(name: str) -> dict[str, str]:
    english = english_name(name, ROAD_KINDS)
    return {} if english == name else {"name_en": english}


def road_names(roads: gpd.GeoDataFrame, origin: tuple[float, float]) -> list[dict[str, Any]]:
    """One label for each named road: midpoint and angle of its longest nearly straight stretch.

    Returns
    -------
    list of dict
        ``name``, ``name_en`` where it differs, ``class``, ``at`` in steps, ``angle`` in degrees clockwise on the screen,
        ``length_m``; longest road first.
    """
    if NAME not in roads.columns:
        return []
    labels = []
    for name, same in roads[roads[NAME].notna()].groupby(NAME, sort=True):
        lines = [part for part in shapely.get_parts(same.geometry.array) if shapely.get_type_id(part) == 1]
        if not lines or not str(name).strip():
            continue
        start, end = max((_straightest(line) for line in lines), key=lambda pair: float(np.hypot(*(pair[1] - pair[0]))))
        if start[0] > end[0]:
            start, end = end, start
        place = gpd.GeoSeries([shapely.Point((start + end) / 2)], crs=roads.crs)
        at = np.rint((shapely.get_coordinates(lon_lat(place).array)[0] - origin) * STEPS).astype(int)
        angle = -math.degrees(math.atan2(end[1] - start[1], end[0] - start[0]))
        kind = _text(column(same, "highway").iloc[0])
        length = float(same.geometry.length.sum())
        labels.append(
            {
                "name": str(name),
                **_english_road(str(name)),
                "class": kind,
                "at": at.tolist(),
                "angle": round(angle),
                "length_m": round(length),
            }
        )
    return sorted(labels, key=lambda label: (-label["length_m"], label["name"]))


def near_street(
    layer: gpd.GeoDataFrame | None, division: Division, name: str, *, beyond_m: float = _BESIDE_M
) -> gpd.GeoDataFrame | None:
    """Parts of a background layer in the street or at most `beyond_m` outside it, in the CRS of the division; None if none are.

    Raises
    ------
    CrsError
        If the layer declares no CRS; `name` is used in the message.
    """
    if layer is None or layer.empty:
        return None
    if layer.crs is None:
        raise CrsError(f"{name}: declares no coordinate reference system; set the one that it is in")
    street = shapely.union_all(shapely.make_valid(np.asarray(division.street.geometry.array)))
    near = prepared_copy(street.buffer(beyond_m, quad_segs=2).simplify(10.0))
    layer = to_crs(layer, division.crs)
    shapes = np.asarray(layer.geometry.array)
    inside = shapely.intersects(near, shapes)
    layer, shapes = layer[inside], shapely.simplify(shapes[inside], _SIMPLIFY_M)
    # Clipping costs a hundred times as much as the test, and few shapes cross the edge.
    across = ~shapely.contains_properly(near, shapes)
    shapes[across] = shapely.intersection(shapes[across], near)
    layer = layer.set_geometry(gpd.GeoSeries(shapes, index=layer.index, crs=layer.crs))
    return layer[~layer.geometry.is_empty].explode(ignore_index=True)


def column(frame: pd.DataFrame, name: str) -> pd.Series[Any]:
    """A column of `frame`, or one of None where it has none."""
    if name in frame.columns:
        return frame[name]
    return pd.Series([None] * len(frame), index=frame.index, dtype=object)


def json_value(value: Any) -> float | int | None:
    """A number for JSON: an integer if possible, otherwise three decimals; None for missing or non-finite values."""
    if value is None or value is pd.NA or not np.isfinite(float(value)):
        return None
    rounded = round(float(value), 3)
    return int(rounded) if rounded == int(rounded) else rounded


def enumerate_texts(texts: Iterable[Any]) -> tuple[list[str], list[int]]:
    """Distinct texts in order of first appearance, and the position of each; missing ones count as empty."""
    known: dict[str, int] = {}
    places = [known.setdefault(_text(text), len(known)) for text in texts]
    return list(known), places


def two_languages(text: str | tuple[str, str] | Mapping[str, str]) -> dict[str, str]:
    """A text for people as ``{"zh": ..., "en": ...}``; one string serves both languages.

    >>> two_languages(("网格", "grid"))
    {'zh': '网格', 'en': 'grid'}
    """
    if isinstance(text, Mapping):
        return {"zh": text["zh"], "en": text["en"]}
    zh, en = (text, text) if isinstance(text, str) else text
    return {"zh": zh, "en": en}


def optional_text(text: str | tuple[str, str] | None) -> dict[str, str] | None:
    """A text as returned by :func:`two_languages`; None for none."""
    return two_languages(text) if text else None


def _text(value: Any) -> str:
    return "" if value is None or value is pd.NA or (isinstance(value, float) and math.isnan(value)) else str(value)


def _steps(line: Any, origin: tuple[float, float], steps: int) -> list[int]:
    places: npt.NDArray[np.int64] = np.rint((shapely.get_coordinates(line) - origin) * steps).astype(np.int64)
    return np.diff(places, axis=0, prepend=0).ravel().tolist()


def _straightest(line: Any) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Ends of the longest section of a line that deviates from its chord by less than a twentieth of its length."""
    xy = shapely.get_coordinates(shapely.simplify(line, max(8.0, line.length / 20)))
    steps = np.hypot(*np.diff(xy, axis=0).T)
    i = int(np.argmax(steps))
    return xy[i], xy[i + 1]
