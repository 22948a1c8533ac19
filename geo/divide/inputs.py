"""Checks the input layers and converts them to the metric CRS of the street and the lattice."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from pyproj import CRS

from geo.divide.blocks.barriers import LATTICE_M, Border, road_border
from geo.errors import CrsError, GeometryError, InputError
from geo.layers import on_lattice, require_polygons, to_metric


@dataclass(frozen=True)
class Inputs:
    """Layers of one street, all in `crs`.

    Attributes
    ----------
    outline
        One polygon on the lattice.
    exact
        The given outline, in `crs`, not rounded.
    street
        The row of the street, for code and name.
    roads, barriers, communities
        None if not given.
    buildings
        Valid polygons; empty if not given.
    """

    outline: shapely.Polygon
    exact: shapely.Geometry
    street: gpd.GeoDataFrame
    roads: gpd.GeoDataFrame | None
    barriers: gpd.GeoDataFrame | None
    communities: gpd.GeoDataFrame | None
    buildings: gpd.GeoDataFrame
    crs: CRS


def prepare(
    street: gpd.GeoDataFrame,
    *,
    roads: gpd.GeoDataFrame | None,
    buildings: gpd.GeoDataFrame | None,
    barriers: gpd.GeoDataFrame | None,
    communities: gpd.GeoDataFrame | None,
) -> Inputs:
    """Check and convert the layers; :func:`geo.divide.divide` describes them.

    Raises
    ------
    InputError
        If a layer cannot be used; the message starts with its name.
    """
    if not isinstance(street, gpd.GeoDataFrame):
        raise GeometryError(
            f"street: a GeoDataFrame with a CRS is needed, not {type(street).__name__}; a bare geometry does not "
            "say where on earth it is: gpd.GeoDataFrame(geometry=[shape], crs=...)"
        )
    metric = _convert(street, "street", None)
    crs = CRS.from_user_input(metric.crs)
    require_polygons(metric, "street")
    outline = _outline(metric)
    legal = None
    if communities is not None:
        legal = require_polygons(_convert(communities, "communities", crs), "communities")
        legal = legal.set_geometry(_single_parts(on_lattice(legal.geometry)))
    ways = None if roads is None else _convert(roads, "roads", crs)
    if ways is not None:
        _require_roads(ways, outline)
    lines = None if barriers is None or barriers.empty else _near(_convert(barriers, "barriers", crs), outline)
    exact = shapely.union_all(shapely.make_valid(np.asarray(metric.geometry.array, dtype=object)))
    return Inputs(outline, exact, metric, ways, lines, legal, _footprints(buildings, outline, crs), crs)


def _convert(frame: gpd.GeoDataFrame, name: str, crs: CRS | None) -> gpd.GeoDataFrame:
    if frame.crs is None:
        raise CrsError(f"{name}: no coordinate reference system is declared; set the CRS that the coordinates are in")
    if frame.empty or frame.geometry.isna().all():
        raise GeometryError(f"{name}: the layer is empty; leave it out or give its rows")
    return to_metric(frame, crs)


def _outline(street: gpd.GeoDataFrame) -> shapely.Polygon:
    """The street as one polygon on the lattice."""
    shapes = shapely.set_precision(shapely.make_valid(street.geometry.array), LATTICE_M)
    whole = shapes[0] if len(shapes) == 1 else shapely.union_all(shapes, grid_size=LATTICE_M)
    parts = [p for p in shapely.get_parts(whole) if p.geom_type == "Polygon" and p.area > 1.0]
    if not parts:
        raise GeometryError("street: the outline has no area; give its polygon")
    if len(parts) > 1:
        areas = ", ".join(f"{p.area:,.0f}" for p in sorted(parts, key=lambda p: -p.area)[:5])
        raise InputError(
            f"street: the outline consists of {len(parts)} detached parts ({areas} m²), and grids must be "
            "connected; divide each part on its own, or join them",
            geometry=whole,
        )
    return parts[0]


def _single_parts(shapes: gpd.GeoSeries) -> gpd.GeoSeries:
    """Convert multipolygons with one part to polygons."""
    single = [g.geoms[0] if g.geom_type == "MultiPolygon" and len(g.geoms) == 1 else g for g in shapes]
    return gpd.GeoSeries(single, index=shapes.index, crs=shapes.crs)


def _require_roads(roads: gpd.GeoDataFrame, outline: shapely.Polygon) -> None:
    if "highway" not in roads.columns:
        return  # barrier_lines reports what is missing
    usable = np.array([road_border(value) > Border.OPEN for value in roads["highway"]])
    if not usable.any():
        seen = ", ".join(map(str, pd.unique(roads["highway"])[:5]))
        raise InputError(
            f"roads: none is a road that can bound a grid ('highway' is {seen}); give primary to residential roads"
        )
    if not shapely.intersects(roads.geometry.array[usable], outline).any():
        raise InputError(
            "roads: none lies in the street; check that both layers are of one place and declare the right CRS"
        )


def _near(frame: gpd.GeoDataFrame, outline: shapely.Polygon) -> gpd.GeoDataFrame:
    kept = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    return kept[shapely.intersects(np.asarray(shapely.make_valid(kept.geometry.array)), outline)]


def _footprints(buildings: gpd.GeoDataFrame | None, outline: shapely.Polygon, crs: CRS) -> gpd.GeoDataFrame:
    """Valid polygons; rows without area are left out."""
    if buildings is None or buildings.empty:
        return gpd.GeoDataFrame({"building": pd.Series(dtype=object)}, geometry=gpd.GeoSeries([], crs=crs), crs=crs)
    frame = _convert(buildings, "buildings", crs)
    frame = frame[~(frame.geometry.isna() | frame.geometry.is_empty)]
    shapes = np.asarray(frame.geometry.array, dtype=object)
    broken = ~shapely.is_valid(shapes)
    shapes[broken] = shapely.make_valid(shapes[broken], method="structure", keep_collapsed=False)
    areal = (shapely.get_dimensions(shapes) == 2) & (shapely.area(shapes) > 0.5)
    frame = frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=crs))
    frame = frame[areal]
    if len(frame) and not shapely.intersects(np.asarray(frame.geometry.array, dtype=object), outline).any():
        raise InputError(
            "buildings: none lies in the street; check that both layers are of one place and declare the right CRS"
        )
    return frame
