"""Map of a planned route and how it was walked, on plain grids, whose colours would compete with those of the route."""

from __future__ import annotations

import datetime as dt
from typing import Any, Unpack

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.layers import Division, lon_lat
from geo.patrols import RouteMatch
from maps.coverage import titled
from maps.encoding.cells import (
    Background,
    Extras,
    as_shown,
    encode_background,
    encode_levels,
    optional_text,
    two_languages,
)
from maps.view import CELL_SCRIPTS, GridPage, grid_map

TITLE = ("计划路线核对", "A planned route and how it was walked")


def route_map(
    division: Division | gpd.GeoDataFrame,
    match: RouteMatch,
    *,
    day: dt.date,
    zone: str = "Asia/Shanghai",
    **extras: Unpack[Extras],
) -> folium.Map:
    """Draw a route with its covered and missed parts, detours, and checkpoints with times.

    Parameters
    ----------
    division
        The grids: a division, or one layer of cells with a column ``code``.
    match
        Result of :func:`geo.patrols.route_match`.
    day
        The local day of the track.
    zone
        Time zone in which times are written.
    extras
        Background and texts, see :class:`maps.encoding.cells.Extras`.

    Returns
    -------
    folium.Map
        For :func:`maps.save`. The same input gives the same bytes.

    Raises
    ------
    CrsError
        If a background layer declares no CRS.
    FileError
        If the browser libraries are not installed.
    """
    division = as_shown(division)
    payload: dict[str, Any] = {
        "title": two_languages(extras.get("title") or titled(division, TITLE)),
        "when": {"zh": f"{day.year}年{day.month}月{day.day}日", "en": f"{day:%-d %B %Y}"},
        "note": optional_text(extras.get("note")),
        "grids": encode_levels(division),
        "background": encode_background(Background.of(extras), division),
        "route": _encoded(match, zone),
    }
    page = GridPage("startRoute", [*CELL_SCRIPTS, "route.js"], payload, payload["title"]["zh"])
    return grid_map(division, page)


def _encoded(match: RouteMatch, zone: str) -> dict[str, Any]:
    """The route as JSON: lines as pairs of latitude and longitude, lengths in metres, local times as hours and minutes."""
    crs = match.missed.crs

    def clock(time: pd.Timestamp | None) -> str | None:
        return None if time is None or pd.isna(time) else f"{time.tz_convert(zone):%H:%M}"

    missed, detours, points = match.missed, match.detours, match.checkpoints
    stops = [] if points is None else points.to_dict("records")
    places = [] if points is None else _degrees(points.geometry)
    return {
        "line": _degrees(gpd.GeoSeries([match.line], crs=crs))[0],
        "length_m": round(match.length_m, 1),
        "covered_m": round(match.covered_m, 1),
        "in_order": None if np.isnan(match.in_order) else round(match.in_order, 4),
        "started": clock(match.started),
        "ended": clock(match.ended),
        "missed": [
            {"line": line, **{key: round(row[key], 1) for key in ("from_m", "to_m", "length_m")}}
            for line, row in zip(_degrees(missed.geometry), missed.to_dict("records"), strict=True)
        ],
        "detours": [
            {
                "line": line,
                "start": clock(row["start"]),
                "end": clock(row["end"]),
                "length_m": round(row["length_m"], 1),
            }
            for line, row in zip(_degrees(detours.geometry), detours.to_dict("records"), strict=True)
        ],
        "checkpoints": [
            {"at": at, "label": row["label"], "clock": clock(row["reached"]), "in_order": bool(row["in_order"])}
            for at, row in zip(places, stops, strict=True)
        ],
    }


def _degrees(shapes: gpd.GeoSeries) -> list[Any]:
    """Latitude and longitude of each shape to six decimals; a point is one pair."""
    found = []
    for shape in lon_lat(shapes):
        pairs = [[round(y, 6), round(x, 6)] for x, y in shapely.get_coordinates(shape).tolist()]
        found.append(pairs[0] if shape.geom_type == "Point" else pairs)
    return found
