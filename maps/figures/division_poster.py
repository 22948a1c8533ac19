"""A division as a still picture: communities in soft colours, borders of three levels, roads and water below."""

from __future__ import annotations

import html
from collections.abc import Iterable
from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from geo.layers import Division
from geo.layers.columns import NAME
from maps.encoding.cells import column, near_street

#: Fill colours; adjacent communities get different ones. All are pale enough for labels and roads.
FILLS = ("#f3dcc6", "#dbe8cf", "#d3e3ee", "#efd6dd", "#e2dbef", "#f3ebc2", "#cfe6e0")

_FONT = "'Noto Sans CJK SC','PingFang SC','Microsoft YaHei',sans-serif"
_MARGIN_PX = 22

# Widths of roads in pixels of a picture 1,600 wide, by class; others are left out.
_ROADS = {
    "motorway": 7,
    "trunk": 7,
    "primary": 6,
    "secondary": 5,
    "tertiary": 3.6,
    "residential": 1.6,
    "unclassified": 1.6,
}

# Finer detail is less than half a pixel.
_SIMPLIFY_PX = 0.4


def division_svg(
    division: Division,
    *,
    width_px: int = 1600,
    roads: gpd.GeoDataFrame | None = None,
    water: gpd.GeoDataFrame | None = None,
    green: gpd.GeoDataFrame | None = None,
    railways: gpd.GeoDataFrame | None = None,
    caption: str = "",
) -> str:
    """Draw a division as an SVG document.

    Parameters
    ----------
    division
        The grids.
    width_px
        Width; the height follows from the street.
    roads, water, green, railways
        Background layers, any declared CRS; roads with ``highway``.
    caption
        A line of text in the lower right corner.

    Returns
    -------
    str
        The document, its size in pixels as ``width`` and ``height``.

    Raises
    ------
    CrsError
        If a background layer declares no CRS.
    """
    sheet = _Sheet(division, width_px)
    layers = {
        name: near_street(layer, division, name)
        for name, layer in (("roads", roads), ("water", water), ("green", green), ("railways", railways))
    }
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{sheet.width}" height="{sheet.height}" '
        f'viewBox="0 0 {sheet.width} {sheet.height}" font-family="{_FONT}" stroke-linejoin="round" stroke-linecap="round">',
        f'<rect width="{sheet.width}" height="{sheet.height}" fill="#ffffff"/>',
        f'<clipPath id="street">{sheet.path(division.street.geometry, "")}</clipPath>',
        *_communities(sheet, division),
        '<g clip-path="url(#street)">',
        sheet.path(_shapes(layers["green"]), 'fill="#b9d6a0" fill-opacity="0.55"'),
        sheet.path(_shapes(layers["water"]), 'fill="#8fc1e0" stroke="#8fc1e0" stroke-width="3"'),
        *_roads(sheet, layers["roads"]),
        sheet.path(_shapes(layers["railways"]), 'fill="none" stroke="#83878b" stroke-width="3"'),
        sheet.path(
            _shapes(layers["railways"]), 'fill="none" stroke="#ffffff" stroke-width="1.4" stroke-dasharray="9 9"'
        ),
        "</g>",
        *_borders(sheet, division),
        *_names(sheet, division),
        f'<text x="{sheet.width - 16}" y="{sheet.height - 14}" text-anchor="end" font-size="17" fill="#5a6872">'
        f"{html.escape(caption)}</text>"
        if caption
        else "",
        "</svg>",
    ]
    return "\n".join(part for part in parts if part) + "\n"


def page(svg: str) -> str:
    """An HTML page that shows only a drawing, for a screenshot."""
    return f'<!DOCTYPE html><meta charset="utf-8"><style>body{{margin:0}}svg{{display:block}}</style>{svg}'


class _Sheet:
    """Transformation from metres of the division's CRS to pixels."""

    def __init__(self, division: Division, width_px: int) -> None:
        west, south, east, north = division.street.total_bounds
        self.scale = (width_px - 2 * _MARGIN_PX) / (east - west)
        self.west, self.north = west, north
        self.width = width_px
        self.height = round((north - south) * self.scale) + 2 * _MARGIN_PX

    def pixels(self, shape: Any) -> list[tuple[float, float]]:
        xy = shapely.get_coordinates(shape)
        return [
            (round(_MARGIN_PX + (x - self.west) * self.scale, 1), round(_MARGIN_PX + (self.north - y) * self.scale, 1))
            for x, y in xy
        ]

    def path(self, shapes: Iterable[Any], attributes: str) -> str:
        """One path of all shapes, polygons closed; nothing if there are none."""
        pieces = []
        for shape in shapes:
            for part in shapely.get_parts(shapely.simplify(shape, _SIMPLIFY_PX / self.scale)):
                polygon = shapely.get_type_id(part) == 3
                for line in shapely.get_rings(part) if polygon else [part]:
                    places = self.pixels(line)
                    pieces.append("M" + "L".join(f"{x:g} {y:g}" for x, y in places) + ("z" if polygon else ""))
        return f'<path d="{"".join(pieces)}" {attributes}/>' if pieces else ""


def _shapes(layer: gpd.GeoDataFrame | None) -> list[Any]:
    return [] if layer is None else list(layer.geometry)


def _communities(sheet: _Sheet, division: Division) -> list[str]:
    """Communities, coloured greedily by decreasing number of neighbours."""
    shapes = np.asarray(division.community.geometry.array)
    a, b = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=1.0)
    beside = {i: set(b[(a == i) & (b != i)].tolist()) for i in range(len(shapes))}
    chosen: dict[int, int] = {}
    for i in sorted(beside, key=lambda i: (-len(beside[i]), i)):
        taken = {chosen.get(j) for j in beside[i]}
        used = [sum(colour == k for colour in chosen.values()) for k in range(len(FILLS))]
        free = [k for k in range(len(FILLS)) if k not in taken] or list(range(len(FILLS)))
        chosen[i] = min(free, key=lambda k: (used[k], k))
    return [sheet.path([shapes[i]], f'fill="{FILLS[chosen[i]]}"') for i in range(len(shapes))]


def _roads(sheet: _Sheet, roads: gpd.GeoDataFrame | None) -> list[str]:
    if roads is None:
        return []
    kinds = column(roads, "highway").astype(str).str.removesuffix("_link")
    drawn = []
    for edge in (True, False):
        for kind, width in sorted(_ROADS.items(), key=lambda item: item[1]):
            same = roads.geometry[kinds == kind]
            colour = "#a89f8d" if edge else "#ffffff"
            stroke = width + 1.6 if edge else width
            opacity = 0.9 if width > 3 else 0.5
            drawn.append(
                sheet.path(same, f'fill="none" stroke="{colour}" stroke-width="{stroke:g}" stroke-opacity="{opacity}"')
            )
    return drawn


def _borders(sheet: _Sheet, division: Division) -> list[str]:
    """Third-level borders as hairlines, second-level ones thin, those of communities and the street strong."""
    looks = (
        (division.third, 'stroke="#5d6a73" stroke-width="0.55" stroke-opacity="0.75"'),
        (division.second, 'stroke="#2c3a45" stroke-width="1.5"'),
        (division.community, 'stroke="#14222d" stroke-width="3.2"'),
        (division.street, 'stroke="#14222d" stroke-width="4.6"'),
    )
    return [sheet.path(layer.geometry, f'fill="none" {look}') for layer, look in looks]


def _names(sheet: _Sheet, division: Division) -> list[str]:
    """Names of the communities with a white outline, in the largest circle inside each."""
    circles = shapely.maximum_inscribed_circle(np.asarray(division.community.geometry.array), tolerance=5.0)
    written = []
    for circle, name in zip(circles, column(division.community, NAME), strict=True):
        ((x, y),) = sheet.pixels(shapely.get_point(circle, 0))
        written.append(
            f'<text x="{x:g}" y="{y + 8:g}" text-anchor="middle" font-size="25" font-weight="700" fill="#14222d" '
            f'stroke="#ffffff" stroke-width="6" stroke-opacity="0.9" paint-order="stroke">{html.escape(str(name or ""))}</text>'
        )
    return written
