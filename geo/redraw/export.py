"""A draft as a division: what no edit touched is the base's, to the last bit."""

from __future__ import annotations

import geopandas as gpd
import shapely

from geo.layers.columns import AREA_M2, CODE, Level
from geo.layers.crs import area_m2
from geo.layers.division import Division
from geo.redraw.working.arcs import NO_CELL, Arc, Workspace, shapes_of
from geo.redraw.working.rows import Rows


def as_division(base: Division, workspace: Workspace, rows: Rows) -> Division:
    """Build the four layers of a draft."""
    changed = workspace.changed_cells()
    layers = {level: _layer(base.layer(level), level, workspace, rows, changed) for level in Level}
    return Division(*(layers[level] for level in Level))


def group_shape(workspace: Workspace, cells: list[str], code: str) -> shapely.Geometry:
    """Polygon of third-level cells as one area, in metres."""
    names = dict.fromkeys(cells, code)
    arcs = [
        Arc(arc.points, names.get(arc.left, NO_CELL), names.get(arc.right, NO_CELL))
        for arc in workspace.of_cells(cells).values()
    ]
    return shapes_of([arc for arc in arcs if arc.left != arc.right], [code])[0]


def _layer(
    base: gpd.GeoDataFrame, level: Level, workspace: Workspace, rows: Rows, changed: set[str]
) -> gpd.GeoDataFrame:
    known = dict(zip(base[CODE].astype(str), base.geometry.array, strict=True))
    frame = rows.frame(level)
    codes = frame[CODE].astype(str)
    stale = {rows.ancestor(code, level) for code in changed if code in rows} | (set(codes) - set(known))
    if not stale and not rows.changed(level):
        return base.copy()
    shapes = {code: known.get(code) for code in codes}
    redrawn = []
    for code in sorted(stale & set(codes)):
        shape = group_shape(workspace, rows.third(code), code)
        if known.get(code) is None or not shapely.equals_exact(shape, known[code], normalize=True):
            shapes[code] = shape
            redrawn.append(code)
    name = base.geometry.name
    geometries = gpd.GeoSeries([shapes[code] for code in codes], index=frame.index, crs=base.crs)
    layer = gpd.GeoDataFrame(frame.assign(**{name: geometries}), geometry=name, crs=base.crs)
    layer = layer[[*base.columns, *(c for c in layer.columns if c not in base.columns)]]
    if redrawn and AREA_M2 in layer:
        mask = codes.isin(redrawn)
        layer.loc[mask, AREA_M2] = area_m2(layer.geometry[mask])
    return layer
