"""Barriers: lines that borders should follow, and the value of each kind."""

from __future__ import annotations

from enum import IntEnum

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.errors import ColumnError
from geo.layers.crs import PER_METRE

Geometries = npt.NDArray[np.object_]

#: Spacing of the lattice in metres.
LATTICE_M = 1 / PER_METRE


class Border(IntEnum):
    """Kind of feature along a piece of border; where several coincide, the largest value counts."""

    OPEN = 0
    LANE = 1
    COLLECTOR = 2
    ARTERIAL = 3
    WATER = 4
    RAIL = 5
    COMMUNITY = 6
    OUTLINE = 7


# Service lanes inside compounds and footways would divide blocks into slips that no planner would use as a grid border.
_ROAD_BORDER = {
    "motorway": Border.ARTERIAL,
    "trunk": Border.ARTERIAL,
    "primary": Border.ARTERIAL,
    "secondary": Border.ARTERIAL,
    "tertiary": Border.COLLECTOR,
    "unclassified": Border.COLLECTOR,
    "residential": Border.LANE,
    "living_street": Border.LANE,
    "pedestrian": Border.LANE,
    "road": Border.LANE,
}

# Maximum length, in metres, by which a dangling line is extended to meet the next line.
_EXTENSION_M = 30.0
# Lines are extended this far beyond the line that they meet, because rounding may move an end by a millimetre; polygonizing
# removes the excess.
OVERSHOOT_M = 0.02
# Smaller ponds do not divide a block.
_POND_M2 = 2_000.0


def road_border(highway: object) -> Border:
    """Kind of border for an OpenStreetMap ``highway`` value; OPEN for ways that are not barriers.

    >>> road_border("primary_link").name, road_border("footway").name
    ('ARTERIAL', 'OPEN')
    """
    return _ROAD_BORDER.get(str(highway).removesuffix("_link"), Border.OPEN)


def barrier_lines(
    outline: shapely.Polygon,
    *,
    roads: gpd.GeoDataFrame | None,
    barriers: gpd.GeoDataFrame | None,
    communities: gpd.GeoDataFrame | None,
    locked: Geometries | None = None,
) -> gpd.GeoDataFrame:
    """Collect all lines that divide a street into blocks.

    Parameters
    ----------
    outline
        The street, metres, on the lattice.
    roads
        Lines with ``highway``, in the same CRS; minor ways are ignored.
    barriers
        Lines or polygons: rows with ``railway`` are railways, all others count as water.
    communities
        Polygons whose borders are kept with all vertices.
    locked
        Lines that are kept in the same way.

    Returns
    -------
    GeoDataFrame
        LineStrings with ``border`` (int8, a :class:`Border`), without CRS, not noded. Lines that end less than 30 m before
        the next one are extended to it.

    Raises
    ------
    ColumnError
        If roads have no ``highway``.
    """
    reach = outline.buffer(1.0)
    parts = [_labelled(shapely.get_parts(shapely.boundary(outline)), Border.OUTLINE)]
    if communities is not None:
        parts.append(_labelled(shapely.boundary(communities.geometry.array), Border.COMMUNITY))
    if locked is not None and len(locked):
        parts.append(_labelled(shapely.intersection(locked, outline), Border.COMMUNITY))
    if barriers is not None and len(barriers):
        parts.append(_other_barriers(barriers, reach))
    if roads is not None and len(roads):
        parts.append(_road_lines(roads, reach))
    lines = pd.concat(parts, ignore_index=True)
    lines = pd.concat([lines, _extensions(lines), _connectors(lines, outline)], ignore_index=True)
    return gpd.GeoDataFrame(lines, geometry="geometry")


def node(lines: Geometries) -> Geometries:
    """Node lines on the lattice: the result meets only at end points."""
    return np.asarray(shapely.get_parts(shapely.union_all(lines, grid_size=LATTICE_M)), dtype=object)


def _labelled(geometries: Geometries, border: Border | npt.NDArray[np.int8]) -> gpd.GeoDataFrame:
    """One row per LineString, rounded to the lattice."""
    lines, source = shapely.get_parts(np.asarray(geometries, dtype=object), return_index=True)
    curved = shapely.get_type_id(lines) == shapely.GeometryType.LINEARRING
    lines[curved] = (
        shapely.linestrings([shapely.get_coordinates(line) for line in lines[curved]]) if curved.any() else None
    )
    kinds = np.broadcast_to(np.asarray(border, dtype=np.int8), len(geometries))[source]
    kept = np.isin(shapely.get_type_id(lines), [shapely.GeometryType.LINESTRING]) & (shapely.length(lines) > 0)
    rounded = shapely.set_precision(lines[kept], LATTICE_M)
    frame = gpd.GeoDataFrame({"border": kinds[kept]}, geometry=rounded)
    frame = frame.explode(ignore_index=True)
    return frame[~frame.geometry.is_empty].reset_index(drop=True)


def _road_lines(roads: gpd.GeoDataFrame, reach: shapely.Polygon) -> gpd.GeoDataFrame:
    if "highway" not in roads.columns:
        raise ColumnError(
            "roads: the column 'highway' is missing; it distinguishes main roads from lanes (primary, residential, ...)"
        )
    kinds = np.array([road_border(value) for value in roads["highway"]], dtype=np.int8)
    kept = (kinds > Border.OPEN) & ~(roads.geometry.isna() | roads.geometry.is_empty).to_numpy()
    return _labelled(shapely.intersection(roads.geometry.array[kept], reach), kinds[kept])


def _other_barriers(barriers: gpd.GeoDataFrame, reach: shapely.Polygon) -> gpd.GeoDataFrame:
    rail = (
        barriers["railway"].notna().to_numpy() if "railway" in barriers.columns else np.zeros(len(barriers), dtype=bool)
    )
    shapes = np.asarray(shapely.make_valid(barriers.geometry.array), dtype=object)
    areal = shapely.get_dimensions(shapes) == 2
    small = areal & (shapely.area(shapes) < _POND_M2)
    lines = np.where(areal, shapely.boundary(shapes), shapes)
    kinds = np.where(rail, Border.RAIL, Border.WATER).astype(np.int8)
    return _labelled(shapely.intersection(lines[~small], reach), kinds[~small])


def _extensions(lines: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Straight segments that connect dangling ends to the next line ahead."""
    noded = node(lines.geometry.array)
    ends, inward, owner = _loose_ends(noded)
    if not len(ends):
        return lines.iloc[:0]
    ahead = ends + (ends - inward) / np.linalg.norm(ends - inward, axis=1)[:, None] * _EXTENSION_M
    rays = shapely.linestrings(np.stack([ends, ahead], axis=1))
    tree = shapely.STRtree(noded)
    reach = np.full(len(rays), np.inf)
    ray, hit = tree.query(rays, predicate="intersects")
    other = hit != owner[ray]
    meets = shapely.intersection(rays[ray[other]], noded[hit[other]])
    starts = shapely.points(ends[ray[other]])
    away = shapely.distance(starts, meets)
    away[away < LATTICE_M] = np.inf  # ignore other lines that start at the same place
    np.minimum.at(reach, ray[other], away)
    found = np.isfinite(reach)
    share = (reach[found] + OVERSHOOT_M) / _EXTENSION_M
    drawn = shapely.linestrings(np.stack([ends[found], ends[found] + (ahead - ends)[found] * share[:, None]], axis=1))
    nearest = shapely.STRtree(lines.geometry.array).query_nearest(shapely.points(ends[found]), all_matches=False)[1]
    return _labelled(drawn, lines["border"].to_numpy()[nearest]) if found.any() else lines.iloc[:0]


def _loose_ends(
    noded: Geometries,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64], npt.NDArray[np.intp]]:
    """Dangling ends of noded lines, the vertex before each, and the line."""
    first, last = shapely.get_point(noded, 0), shapely.get_point(noded, -1)
    before = [shapely.get_point(noded, 1), shapely.get_point(noded, -2)]
    xy = shapely.get_coordinates(np.concatenate([first, last]))
    keys = np.round(xy * PER_METRE).astype(np.int64)
    _, back, count = np.unique(keys, axis=0, return_inverse=True, return_counts=True)
    loose = count[np.ravel(back)] == 1
    owner = np.tile(np.arange(len(noded)), 2)
    return xy[loose], shapely.get_coordinates(np.concatenate(before))[loose], owner[loose]


def _connectors(lines: gpd.GeoDataFrame, outline: shapely.Polygon) -> gpd.GeoDataFrame:
    """Two connecting lines from each isolated piece of linework to the rest, so that no block surrounds another."""
    shapes = lines.geometry.array
    island = _components(np.asarray(shapes, dtype=object))
    drawn: list[shapely.LineString] = []
    groups = [shapely.union_all(shapes[island == k]) for k in range(island.max() + 1)]
    main = int(np.argmax([shapely.length(g) for g in groups]))
    for k, group in enumerate(groups):
        # An open stretch of road surrounds nothing.
        if k == main or not len(shapely.get_parts(shapely.polygonize(node(shapely.get_parts(group))))):
            continue
        rest = shapely.union_all(
            [g for j, g in enumerate(groups) if j != k]
        )  # expensive: all lines, for each such piece
        first = shapely.shortest_line(group, rest)
        start = shapely.get_coordinates(first)[0]
        xy = shapely.get_coordinates(group)
        far = shapely.Point(xy[np.argmax(np.hypot(*(xy - start).T))])
        drawn += [line for line in (first, shapely.shortest_line(far, rest)) if outline.intersects(line)]
    return (
        _labelled(np.array([_extended(line) for line in drawn], dtype=object), Border.OPEN) if drawn else lines.iloc[:0]
    )


def _components(shapes: Geometries) -> npt.NDArray[np.int64]:
    """Number of the connected component of each line."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    a, b = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=LATTICE_M)
    matrix = coo_array((np.ones(len(a)), (a, b)), shape=(len(shapes), len(shapes)))
    return np.asarray(connected_components(matrix, directed=False)[1], dtype=np.int64)


def _extended(line: shapely.LineString) -> shapely.LineString:
    """The line extended by the overshoot at both ends."""
    a, b = shapely.get_coordinates(line)
    step = (b - a) / np.linalg.norm(b - a) * OVERSHOOT_M
    return shapely.LineString([a - step, b + step])
