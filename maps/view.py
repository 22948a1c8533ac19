"""The folium element that adds style, data and scripts of a page to a map."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import folium
import numpy as np
import numpy.typing as npt
from branca.element import MacroElement
from folium.template import Template

from geo.layers import Division, lon_lat
from maps import assets, document

# With half zoom steps a street fills the window; at zoom 20 a grid of 30 m is as wide as the window.
_LEAFLET_OPTIONS: dict[str, Any] = {
    "attributionControl": False,
    "zoomSnap": 0.25,
    "zoomDelta": 0.5,
    "minZoom": 11,
    "wheelPxPerZoomLevel": 90,
}


#: Scripts of every page of nested cells, in order of execution; those of the page itself follow.
CELL_SCRIPTS = (
    "kit.js",
    "painter.js",
    "labels.js",
    "page.js",
    "background.js",
    "workbook.js",
    "picture.js",
    "share.js",
)


class GridPage(MacroElement):
    """Data, style and scripts of a page, added to a folium map.

    Parameters
    ----------
    starter
        Function in ``maps/static/maps`` that starts the page.
    scripts
        Scripts below ``maps/static/maps``, in order of execution.
    payload
        Content of the page; its texts are data and never become markup.
    title
        Title of the document.
    """

    _template = Template(
        """
        {% macro header(this, kwargs) %}
            <title>{{ this.title | e }}</title>
            <style>{{ this.style }}</style>
        {% endmacro %}
        {% macro html(this, kwargs) %}
            <header id="top"></header>
            <aside id="panel"></aside>
            <noscript>本页需要启用 JavaScript。This page needs JavaScript.</noscript>
            <script type="application/json" id="payload">{{ this.data }}</script>
        {% endmacro %}
        {% macro script(this, kwargs) %}
            {{ this.code }}
            wangge.page = wangge.{{ this.starter }}({{ this._parent.get_name() }});
        {% endmacro %}
        """
    )

    def __init__(self, starter: str, scripts: Sequence[str], payload: Mapping[str, Any], title: str) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name, self._id = "GridPage", "page"
        self.starter = starter
        self.title = title
        self.style = assets.style("maps/page.css")
        self.code = "\n".join(assets.script(f"maps/{name}") for name in scripts)
        self.data = document.json_in_html(dict(payload))


def grid_map(division: Division, page: GridPage) -> folium.Map:
    """Create the folium map of a page of nested grids."""
    return page_map(lon_lat(division.street.geometry).total_bounds, page)


def page_map(bounds: Sequence[float] | npt.NDArray[np.float64], page: GridPage, *, max_zoom: int = 20) -> folium.Map:
    """Create the folium map of a page: no tiles, no library except Leaflet, identical bytes for identical content.

    Parameters
    ----------
    bounds
        West, south, east, north of the content, degrees.
    page
        Data, style and scripts.
    max_zoom
        Closest zoom: a pixel is 0.13 m at 20, and 8 mm at 24, in Nanjing.
    """
    west, south, east, north = (float(value) for value in bounds)
    drawing = folium.Map(
        location=[(south + north) / 2, (west + east) / 2],
        zoom_start=14,
        tiles=None,
        **{**_LEAFLET_OPTIONS, "maxZoom": max_zoom},
    )
    drawing.default_js = [link for link in drawing.default_js if link[0] == "leaflet"]
    drawing.default_css = [link for link in drawing.default_css if link[0] == "leaflet_css"]
    # folium uses random names for its elements; fixed ones make the file a function of its content.
    drawing._id = "street"
    drawing.add_child(page)
    return drawing
