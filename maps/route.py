"""Map of a planned route and the track that followed it, on the coverage map of the day."""

from __future__ import annotations

import datetime as dt
from typing import Any

import folium
import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from branca.element import MacroElement
from folium.template import Template

from geo.layers import Division, lon_lat
from geo.patrols import RouteMatch
from maps import assets, document
from maps.coverage import coverage_map, titled
from maps.encoding.cells import as_shown

TITLE = ("计划路线核对", "A planned route and how it was walked")


class Route(MacroElement):
    """The route, its missed parts, detours and checkpoints, added to a map of this package."""

    _template = Template(
        """
        {% macro html(this, kwargs) %}
            <script type="application/json" id="route-data">{{ this.data }}</script>
        {% endmacro %}
        {% macro script(this, kwargs) %}
            {{ this.code }}
            wanggeRoute({{ this._parent.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self, payload: dict[str, Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name, self._id = "Route", "route"
        self.data = document.json_in_html(payload)
        self.code = assets.script("maps/route.js")


def route_map(
    division: Division | gpd.GeoDataFrame,
    verdicts: pd.DataFrame,
    match: RouteMatch,
    *,
    day: dt.date,
    zone: str = "Asia/Shanghai",
    **options: Any,
) -> folium.Map:
    """Draw a route with its covered and missed parts, detours, and checkpoints with times.

    Parameters
    ----------
    division, verdicts, day, options
        As for :func:`maps.coverage_map`.
    match
        Result of :func:`geo.patrols.route_match`.

    Returns
    -------
    folium.Map
        For :func:`maps.save`.
    """
    division = as_shown(division)
    options["title"] = options.get("title") or titled(division, TITLE)
    drawing = coverage_map(division, verdicts, day=day, zone=zone, **options)
    crs = match.missed.crs
    points = match.checkpoints
    stops = []
    if points is not None:
        clocks = [None if pd.isna(t) else f"{t.tz_convert(zone):%H:%M}" for t in points["reached"]]
        stops = [
            {"at": at, "label": label, "clock": clock, "in_order": bool(ordered)}
            for at, label, clock, ordered in zip(
                _degrees(points.geometry), points["label"], clocks, points["in_order"], strict=True
            )
        ]
    figures = match.to_dict()
    payload = {
        "line": _degrees(gpd.GeoSeries([match.line], crs=crs))[0],
        "missed": _degrees(match.missed.geometry),
        "detours": _degrees(match.detours.geometry),
        "checkpoints": stops,
        "share": match.share,
        "in_order": None if np.isnan(match.in_order) else match.in_order,
        "missed_m": figures["missed_m"],
        "detour_m": figures["detour_m"],
    }
    drawing.add_child(Route(payload))
    return drawing


def _degrees(shapes: gpd.GeoSeries) -> list[Any]:
    """Latitude and longitude of each shape to six decimals; a point is one pair."""
    found = []
    for shape in lon_lat(shapes):
        pairs = [[round(y, 6), round(x, 6)] for x, y in shapely.get_coordinates(shape).tolist()]
        found.append(pairs[0] if shape.geom_type == "Point" else pairs)
    return found
