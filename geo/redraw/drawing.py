"""Drawing aids: snapping of a line to roads, and a line between clusters of buildings."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from scipy.cluster.vq import kmeans2
from shapely import LineString
from shapely.ops import substring

from geo.errors import InputError, RefusedEdit
from geo.redraw.draft import Draft
from geo.redraw.edits import Split
from geo.wording import counted

#: Maximum distance by which a vertex is snapped to a road, metres: the width of a main road with its pavements.
REACH_M = 15.0


def snap_to_roads(line: LineString, roads: gpd.GeoDataFrame, *, reach_m: float = REACH_M) -> LineString:
    """Snap a drawn line to nearby roads.

    Parameters
    ----------
    line
        The drawn line, metres; its ends are unchanged.
    roads
        Lines in the same CRS.
    reach_m
        Vertices farther from every road are unchanged.

    Returns
    -------
    LineString
        The line with its inner vertices on the roads; between two of them on one road it follows the road's bends.

    Raises
    ------
    InputError
        If the line has no length.
    """
    if line.is_empty or line.length == 0.0:
        raise InputError("the line has no length")
    near = roads.geometry[roads.geometry.notna()].to_numpy()
    near = near[shapely.dwithin(near, line, 2.0 * reach_m)]
    merged = shapely.get_parts(shapely.line_merge(shapely.union_all(near))) if len(near) else np.array([], dtype=object)
    merged = merged[shapely.get_type_id(merged) == shapely.GeometryType.LINESTRING]
    if len(merged) == 0:
        return line
    vertices = list(line.coords)
    places = [_on_road(shapely.Point(xy), merged, reach_m) for xy in vertices]
    points: list[tuple[float, ...]] = [vertices[0]]
    for k in range(1, len(vertices)):
        (road, along), (former, before) = places[k], places[k - 1]
        if road >= 0 and road == former:
            points += list(substring(merged[road], before, along).coords)
        elif k < len(vertices) - 1:
            points.append(merged[road].interpolate(along).coords[0] if road >= 0 else vertices[k])
    points.append(vertices[-1])
    kept = [xy for k, xy in enumerate(points) if k == 0 or xy != points[k - 1]]
    return LineString(kept) if len(kept) > 1 else line


def _on_road(point: shapely.Point, roads: np.ndarray, reach_m: float) -> tuple[int, float]:
    """The nearest road and the distance along it; -1 if none is in reach."""
    distance = shapely.distance(roads, point)
    k = int(np.argmin(distance))
    return (k, float(roads[k].project(point))) if distance[k] <= reach_m else (-1, 0.0)


def split_by_buildings(draft: Draft, code: str, parts: int = 2) -> Split:
    """Propose a split of a cell between two clusters of its buildings, so that no building is cut.

    Parameters
    ----------
    draft
        A draft with buildings.
    code
        The third-level cell.
    parts
        Intended final number of parts of the cell; the split cuts off one of them.

    Returns
    -------
    Split
        An ordinary edit: the ground of each building goes to its cluster, and the line runs between them.

    Raises
    ------
    InputError
        If the draft has no buildings or `parts` is under 2.
    RefusedEdit
        If the cell has fewer buildings than parts, or no single line separates the clusters.
    """
    draft.rows.require(code)
    if draft.buildings is None or parts < 2:
        raise InputError("split_by_buildings needs a draft with buildings and at least two parts")
    shape = draft.workspace.shapes([code]).iloc[0]
    found = draft.buildings.inside(shape)
    if len(found) < parts:
        raise RefusedEdit(
            "too_small",
            f"网格 {code} 只有 {len(found)} 栋建筑",
            f"cell {code} has {counted(len(found), 'building')} only",
            cells=[code],
            geometry=shape,
        )
    xy = np.column_stack([draft.buildings.x[found], draft.buildings.y[found]])
    label = kmeans2(xy - xy.mean(axis=0), parts, minit="++", rng=np.random.default_rng(0))[1]
    far = np.argmax(np.hypot(*(xy - xy.mean(axis=0)).T))
    own = label == label[far]
    line = _line_between(shape, draft.buildings.shapes[found[own]], draft.buildings.shapes[found[~own]])
    if line is None:
        raise RefusedEdit(
            "misses",
            "两组建筑之间没有一条能切开网格的线",
            "no single line divides the cell between the two groups of buildings",
            cells=[code],
            geometry=shape,
        )
    return Split(code, line)


def _line_between(shape: shapely.Geometry, one: np.ndarray, other: np.ndarray) -> LineString | None:
    """The border, inside a cell, between the points nearer to one group of buildings and those nearer to the other."""
    # Rounded to millimetres: many vertices on one exact circle make faces that self-intersect at its centre.
    vertices = [shapely.get_coordinates(shapely.segmentize(group, 5.0)).round(3) for group in (one, other)]
    if any(len(xy) == 0 for xy in vertices):
        return None
    points = np.vstack(vertices)
    first = set(map(tuple, vertices[0]))
    faces = shapely.get_parts(shapely.voronoi_polygons(shapely.multipoints(points), extend_to=shape))
    tree = shapely.STRtree(faces)
    sites, of_face = tree.query(shapely.points(points), predicate="intersects")
    near_first = np.zeros(len(faces), dtype=bool)
    for site, face in zip(sites, of_face, strict=True):
        near_first[face] |= tuple(points[site]) in first
    ground = shapely.union_all(shapely.make_valid(faces[near_first]))
    border = shapely.line_merge(shapely.intersection(shapely.boundary(ground), shape))
    lines = [part for part in shapely.get_parts(border) if part.geom_type == "LineString"]
    return max(lines, key=lambda part: part.length) if len(lines) == 1 else None
