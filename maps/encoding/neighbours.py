"""Surroundings of the street, if given: adjoining streets with their names, metro lines and stations."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import shapely

from geo.errors import CrsError
from geo.layers import Division, lon_lat
from geo.layers.columns import NAME
from geo.layers.transformers import to_crs

#: Distance beyond the outline up to which neighbours, and with them roads, are drawn.
AROUND_M = 900.0
# Maximum distance of a neighbour's name from the street, so that it is in view when the street fills the map.
_NAME_WITHIN_M = 350.0
_SIMPLIFY_M = 2.0


def encode_neighbours(
    layer: gpd.GeoDataFrame | None, division: Division, origin: tuple[float, float]
) -> dict[str, Any]:
    """Areas, lines and stations of a layer around the street, each name with a place; empty if there is none.

    Parameters
    ----------
    layer
        Polygons are adjoining streets, lines are metro lines, points are stations; each with an optional ``name``. Parts inside
        the street are cut off from the polygons.

    Returns
    -------
    dict
        ``neighbours`` and ``metro``: shapes as returned by :func:`maps.encoding.cells.encode_polygons` and ``encode_lines``;
        ``neighbour_names`` and ``stations``: ``name`` and ``at`` in steps.

    Raises
    ------
    CrsError
        If the layer declares no CRS.
    """
    from maps.encoding.cells import STEPS, encode_lines, encode_polygons

    if layer is None or layer.empty:
        return {}
    if layer.crs is None:
        raise CrsError("neighbours: declares no coordinate reference system; set the one that it is in")
    street = shapely.union_all(shapely.make_valid(np.asarray(division.street.geometry.array)))
    around = street.buffer(AROUND_M, quad_segs=4)
    shapes = to_crs(layer, division.crs)
    kinds = shapes.geom_type.str.removeprefix("Multi")

    def places(names: list[tuple[str, Any]]) -> list[dict[str, Any]]:
        points = lon_lat(gpd.GeoSeries([point for _, point in names], crs=division.crs)).array
        xy = np.rint((shapely.get_coordinates(points) - origin) * STEPS).astype(int).tolist()
        return [{"name": name, "at": at} for (name, _), at in zip(names, xy, strict=True)]

    areas, names = [], []
    for row in shapes[kinds == "Polygon"].to_dict("records"):
        area = shapely.intersection(shapely.difference(shapely.make_valid(row["geometry"]), street), around)
        if area.is_empty:
            continue
        areas.append(shapely.simplify(area, _SIMPLIFY_M))
        near = shapely.intersection(area, street.buffer(_NAME_WITHIN_M))
        if isinstance(row.get(NAME), str) and not near.is_empty:
            names.append((row[NAME], shapely.point_on_surface(near)))
    lines = [shapely.intersection(line, around) for line in shapes.geometry[kinds == "LineString"]]
    lines = [line for line in lines if not line.is_empty]
    stops = shapes[(kinds == "Point") & shapes.geometry.within(around)]
    stations = [
        (str(name), point)
        for name, point in zip(stops.get(NAME, []), stops.geometry, strict=True)
        if isinstance(name, str)
    ]
    crs = division.crs
    return {
        "neighbours": encode_polygons(gpd.GeoSeries(areas, crs=crs), origin),
        "neighbour_names": places(names),
        "metro": encode_lines(gpd.GeoSeries(lines, crs=crs), origin),
        "stations": places(stations),
    }
