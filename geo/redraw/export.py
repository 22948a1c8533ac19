"""Export of a draft as a division; untouched parts are bitwise equal to the base."""

from __future__ import annotations

from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geo.layers.columns import AREA_M2, CODE, Level
from geo.layers.crs import PER_METRE, area_m2
from geo.layers.division import Division
from geo.redraw.working.arcs import NO_CELL, Arc, Workspace, shapes_of
from geo.redraw.working.lattice import Vertex
from geo.redraw.working.rows import Rows


def as_division(base: Division, workspace: Workspace, rows: Rows) -> Division:
    """Build the four layers of a draft."""
    changed = workspace.changed_cells()
    layers = {level: _layer(base.layer(level), level, workspace, rows, changed) for level in Level}
    return Division(*(layers[level] for level in Level))


def as_layer(base: Division, workspace: Workspace, rows: Rows, level: Level) -> gpd.GeoDataFrame:
    """Build one layer of a draft."""
    return _layer(base.layer(level), level, workspace, rows, workspace.changed_cells())


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
    drawn = set() if level is Level.THIRD else _vertices(base.geometry.array)
    for code in sorted(stale & set(codes)):
        shape = group_shape(workspace, rows.third(code), code)
        if level is not Level.THIRD:
            shape = _as_drawn(shape, workspace, workspace.of_group(code, rows.third(code)), drawn)
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


def _vertices(shapes: npt.NDArray[np.object_]) -> set[Vertex]:
    """Vertices of polygons, lattice units."""
    xy = np.rint(shapely.get_coordinates(shapes) * PER_METRE).astype(np.int64)
    return set(map(tuple, xy.tolist()))


def _as_drawn(
    shape: shapely.Geometry, workspace: Workspace, border: Iterable[Arc], drawn: set[Vertex]
) -> shapely.Geometry:
    """Remove vertices of a grid that its level does not have in the base, where only borders of cells below end.

    A neighbour not touched by edits has the base's vertices, and both must be equal on their common border. Vertices created by
    edits are kept: both sides of an edited border are rebuilt.
    """
    superfluous: set[Vertex] = set()
    edited: set[Vertex] = set()
    for arc in border:
        (edited if workspace.is_edited(arc) else superfluous).update(arc.points)
    superfluous -= edited | drawn
    if not superfluous:
        return shape

    def kept(ring: shapely.LinearRing) -> npt.NDArray[np.float64]:
        xy = shapely.get_coordinates(ring)
        at = map(tuple, np.rint(xy * PER_METRE).astype(np.int64).tolist())
        kept_xy: npt.NDArray[np.float64] = xy[[vertex not in superfluous for vertex in at]]
        return kept_xy

    parts = [
        shapely.Polygon(kept(part.exterior), [kept(ring) for ring in part.interiors])
        for part in shapely.get_parts(shape)
    ]
    return parts[0] if len(parts) == 1 else shapely.MultiPolygon(parts)
