"""Blocks: the faces between barriers, an exact coverage of the street."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.divide.balancing.locks import lock_lines, lock_of
from geo.divide.blocks.barriers import OVERSHOOT_M, Border, barrier_lines, node
from geo.divide.blocks.voronoi import ridges
from geo.divide.partitioning.adjacency import Segments, segments
from geo.divide.partitioning.merging import absorb, dissolve
from geo.errors import ImpossibleError, InputError
from geo.prepared import prepared_copy

# A face with a smaller mean width (twice the area over the perimeter) is not a block: it is the strip between two carriageways,
# between a road and a parallel border, or a river between its banks.
_STRIP_M = 15.0
# Width limit for faces at least this many times as long as wide: the green between two carriageways.
_GREEN_M = 25.0
_GREEN_LENGTH = 12.0
# Width limit for water that is elongated (perimeter over that of a square of equal area): a river is not a block, a lake is.
_RIVER_M = 80.0
_RIVER_LENGTH = 1.6
# Spacing of points on the banks of a strip, and tolerance for simplifying its centre line, as shares of its width.
_BANK_STEP = 0.2
_STRAIGHTEN = 0.08
# Smaller faces are traffic islands and corners of junctions.
_CORNER_M2 = 400.0
# Area of a street that may lie outside the communities, be in two of them, or be lost in noding: square metres, and square
# metres per metre of outline (1 mm).
_ROUNDING_M2 = 1.0
_ROUNDING_M = 0.001
# Value of a metre of border when strips are merged, by Border.
_KEEP = np.array([1.0, 1.5, 2.5, 5.0, 4.0, 6.0, 50.0, 50.0])


@dataclass(frozen=True)
class Blocks:
    """Blocks of a street.

    Attributes
    ----------
    polygons
        Polygons, shape (n,): an exact coverage of the street.
    community
        int64 (n,): position of the community, 0 for all if none are given.
    lines
        The barriers as LineStrings with ``border``.
    """

    polygons: npt.NDArray[np.object_]
    community: npt.NDArray[np.int64]
    lines: gpd.GeoDataFrame


def draw_blocks(
    outline: shapely.Polygon,
    *,
    roads: gpd.GeoDataFrame | None,
    barriers: gpd.GeoDataFrame | None,
    communities: gpd.GeoDataFrame | None,
    buildings: npt.NDArray[np.object_],
    locks: gpd.GeoDataFrame | None = None,
) -> Blocks:
    """Divide a street along its barriers.

    Parameters
    ----------
    outline
        Polygon on the lattice, metres.
    roads, barriers, communities
        As for :func:`geo.divide.blocks.barriers.barrier_lines`.
    buildings
        Footprints; a strip that contains the centre of one stays a block.
    locks
        Grids and lines that must be borders; see :func:`geo.divide.balancing.locks.read_locks`.

    Raises
    ------
    InputError
        If the communities do not cover the street exactly once.
    """
    if communities is not None:
        require_cover(outline, communities)
    lines = barrier_lines(outline, roads=roads, barriers=barriers, communities=communities, locked=lock_lines(locks))
    faces = polygonize_within(node(lines.geometry.array), outline)
    strip = _strips(faces, buildings, barriers)
    middle = middle_lines(faces, strip, _merge_region(faces, communities, locks)[0], lines)
    if len(middle):
        lines = gpd.GeoDataFrame(pd.concat([lines, middle], ignore_index=True), geometry="geometry")
        thin = shapely.STRtree(faces[strip])
        faces = polygonize_within(node(lines.geometry.array), outline)
        strip = _strips(faces, buildings, barriers)
        strip[thin.query(shapely.point_on_surface(faces), predicate="within")[0]] = True
    family, community = _merge_region(faces, communities, locks)
    seg = segments(faces)
    group = absorb(faces, strip, family, price=_KEEP[border_of(seg, lines)])
    polygons = dissolve(faces, group)
    first = np.unique(group, return_index=True)[1]
    return Blocks(polygons, community[first], lines)


def _merge_region(
    faces: npt.NDArray[np.object_], communities: gpd.GeoDataFrame | None, locks: gpd.GeoDataFrame | None
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Region within which a face may be merged (its community and locked grid), and its community."""
    points = shapely.point_on_surface(faces)
    community, lock = community_of(points, communities), lock_of(points, locks)
    return community * (int(lock.max(initial=-1)) + 2) + lock + 1, community


def polygonize_within(noded: npt.NDArray[np.object_], outline: shapely.Polygon) -> npt.NDArray[np.object_]:
    """Faces of noded lines inside the outline, in spatial order.

    Raises
    ------
    ImpossibleError
        If the faces do not fill the outline, because noding broke its line.
    """
    faces = np.asarray(shapely.get_parts(shapely.polygonize(noded)), dtype=object)
    faces = faces[shapely.contains(prepared_copy(outline), shapely.point_on_surface(faces))]
    lost = outline.area - float(shapely.area(faces).sum())
    if abs(lost) > rounding_m2(outline):
        raise ImpossibleError(
            f"street: {lost:.2f} m² of the outline could not be closed into faces; check the outline for "
            "parts that touch themselves",
            geometry=outline,
        )
    bounds = shapely.bounds(faces)
    ordered: npt.NDArray[np.object_] = faces[np.lexsort((bounds[:, 3], bounds[:, 2], bounds[:, 1], bounds[:, 0]))]
    return ordered


def middle_lines(
    faces: npt.NDArray[np.object_], strip: npt.NDArray[np.bool_], family: npt.NDArray[np.int64], lines: gpd.GeoDataFrame
) -> gpd.GeoDataFrame:
    """Lines that divide each strip among the adjacent faces: the centre of a river, the median of a main road.

    Returns
    -------
    GeoDataFrame
        LineStrings with the ``border`` of the strip's banks.
    """
    seg = segments(faces)
    across = np.maximum(seg.other_cell, 0)
    bank = strip[seg.cell] & (seg.other_cell >= 0) & ~strip[across] & (family[seg.cell] == family[across])
    kind = border_of(seg, lines)
    kind[kind >= Border.COMMUNITY] = Border.OPEN
    drawn, kinds = [], []
    order = np.flatnonzero(bank)[np.argsort(seg.cell[bank], kind="stable")]
    for mine in np.split(order, np.flatnonzero(np.diff(seg.cell[order])) + 1) if len(order) else []:
        face = faces[seg.cell[mine[0]]]
        width_m = 2 * face.area / face.length
        if len(np.unique(seg.other_cell[mine])) < 2 or width_m < 1.0:
            continue
        found = ridges(*_bank_points(seg, mine, width_m))
        reach = shapely.buffer(face, OVERSHOOT_M, join_style="mitre")
        parts = shapely.get_parts(shapely.intersection(shapely.simplify(found, max(0.5, _STRAIGHTEN * width_m)), reach))
        parts = parts[shapely.get_type_id(parts) == shapely.GeometryType.LINESTRING]
        drawn.append(parts)
        kinds.append(np.full(len(parts), kind[mine].max(), dtype=np.int8))
    if not drawn:
        return lines.iloc[:0]
    return gpd.GeoDataFrame({"border": np.concatenate(kinds)}, geometry=np.concatenate(drawn))


def _bank_points(
    seg: Segments, mine: npt.NDArray[np.intp], width_m: float
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """Points along the banks of a strip, away from corners, and the face behind each."""
    count = np.maximum(1, np.ceil(seg.length_m[mine] / max(_BANK_STEP * width_m, 1.0))).astype(np.int64)
    which = np.repeat(mine, count)
    step = np.arange(len(which)) - np.repeat(np.cumsum(count) - count, count)
    share = (step + 0.5) / np.repeat(count, count) - 0.5
    return seg.middle[which] + share[:, None] * seg.span[which], seg.other_cell[which]


def rounding_m2(outline: shapely.Polygon) -> float:
    """Area that may differ between layers of one street because of rounding."""
    return float(_ROUNDING_M2 + _ROUNDING_M * outline.length)


def border_of(seg: Segments, lines: gpd.GeoDataFrame, *, within_m: float = 0.01) -> npt.NDArray[np.int64]:
    """Kind of border of each segment: the largest :class:`Border` of the lines at its midpoint, int64 (n,)."""
    # The query prepares the lines, some of which have thousands of vertices.
    tree = shapely.STRtree(shapely.points(seg.middle))
    line, segment = tree.query(lines.geometry.array, predicate="dwithin", distance=within_m)
    border = np.zeros(len(seg.cell), dtype=np.int64)
    np.maximum.at(border, segment, lines["border"].to_numpy()[line].astype(np.int64))
    return border


def community_of(points: npt.NDArray[np.object_], communities: gpd.GeoDataFrame | None) -> npt.NDArray[np.int64]:
    """Position of the community that contains, or is nearest to, each point, int64 (n,)."""
    if communities is None:
        return np.zeros(len(points), dtype=np.int64)
    tree = shapely.STRtree(communities.geometry.array)
    return np.asarray(tree.query_nearest(points, all_matches=False)[1], dtype=np.int64)


def require_cover(outline: shapely.Polygon, communities: gpd.GeoDataFrame) -> None:
    """Raise InputError, with areas, unless the communities cover the outline exactly once."""
    shapes = communities.geometry.array
    union = shapely.union_all(shapes)
    uncovered = shapely.difference(outline, union)
    outside = shapely.difference(union, outline)
    twice = float(shapely.area(shapes).sum()) - union.area
    problems = [
        f"{area:,.1f} m² {what}"
        for area, what in (
            (uncovered.area, "of the street lie in no community"),
            (outside.area, "of the communities lie outside the street"),
            (twice, "lie in more than one community"),
        )
        if area > rounding_m2(outline)
    ]
    if problems:
        raise InputError(
            "communities: " + "; ".join(problems) + "; repair them first (wangge repair)",
            geometry=shapely.union_all([uncovered, outside]),
        )
    parts = shapely.get_num_geometries(np.asarray(shapes, dtype=object))
    if (parts > 1).any():
        broken = list(communities.index[parts > 1])
        raise InputError(
            "communities: some consist of several parts, so their grids cannot be connected; give each part a "
            "row of its own",
            ids=broken,
        )


def _strips(
    faces: npt.NDArray[np.object_], buildings: npt.NDArray[np.object_], barriers: gpd.GeoDataFrame | None
) -> npt.NDArray[np.bool_]:
    """Faces that are not blocks: strips between carriageways, rivers, traffic islands."""
    area = shapely.area(faces)
    width_m = 2 * area / shapely.length(faces)
    long = shapely.length(faces) / 2 > _GREEN_LENGTH * width_m
    limit = np.where(_in_river(faces, barriers), _RIVER_M, np.where(long, _GREEN_M, _STRIP_M))
    used = np.zeros(len(faces), dtype=bool)
    if len(buildings):
        _, face = shapely.STRtree(faces).query(shapely.centroid(buildings), predicate="within")
        used[face] = True
    # A strip with a building is kept, unless it is narrower than any building, which then straddles it.
    limit[used] = _STRIP_M / 3
    strips: npt.NDArray[np.bool_] = (width_m < limit) | (area < np.where(used, _CORNER_M2 / 4, _CORNER_M2))
    return strips


def _in_river(faces: npt.NDArray[np.object_], barriers: gpd.GeoDataFrame | None) -> npt.NDArray[np.bool_]:
    """Faces inside an elongated polygonal barrier."""
    held = np.zeros(len(faces), dtype=bool)
    if barriers is not None and len(barriers):
        shapes = shapely.get_parts(shapely.make_valid(np.asarray(barriers.geometry.array, dtype=object)))
        area, perimeter = shapely.area(shapes), shapely.length(shapes)
        rivers = shapes[
            (area > 0) & (2 * area < _RIVER_M * perimeter) & (perimeter > _RIVER_LENGTH * 4 * np.sqrt(area))
        ]
        held[shapely.STRtree(rivers).query(shapely.point_on_surface(faces), predicate="within")[0]] = True
    return held
