"""Single faults of a layer of polygons: their detection, place and size."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from geo.coverage.arcs import OUTSIDE
from geo.coverage.edges import Network, Rim, invalid_with_neighbours
from geo.layers.crs import PER_METRE
from geo.prepared import prepared_copy

Shapes = npt.NDArray[np.object_]
Positions = npt.NDArray[np.intp]

# Wider than rounding differences between borders that should coincide, narrower than any real fault.
_HAIRLINE_M = 1e-6


class Place(NamedTuple):
    """A piece of ground with a fault, and the positions of the cells concerned."""

    geometry: shapely.Geometry
    cells: list[int]
    area_m2: float
    width_m: float


def width_m(piece: shapely.Geometry) -> float:
    """Width of a piece of ground: the short side of a rectangle with the same area and perimeter.

    A strip of l × w has width w, a square its side, a point or a line 0. The widest of several pieces counts.
    """
    widths = [_width_m(part.area, part.length) for part in polygons_of(piece)]
    return max(widths, default=0.0)


def _width_m(area: float, perimeter: float) -> float:
    half = perimeter / 2
    root = max(half * half - 4 * area, 0.0) ** 0.5
    return float(2 * area / (half + root)) if area > 0 else 0.0


def polygons_of(geometry: shapely.Geometry) -> list[shapely.Polygon]:
    """All polygons in a geometry of any type."""
    if geometry.geom_type == "Polygon":
        return [] if geometry.is_empty else [geometry]
    return [part for piece in getattr(geometry, "geoms", ()) for part in polygons_of(piece)]


def without_hairlines(piece: shapely.Geometry, tolerance_m: float) -> shapely.Geometry:
    """Remove everything narrower than the tolerance from a piece of ground.

    Where two borders were computed separately, a piece several metres wide can have hairlines of 1e-10 m along them, which
    would distort its border and its width. A piece that consists of hairlines only is returned unchanged.
    """
    if tolerance_m <= 0:
        return piece
    core = piece.buffer(-tolerance_m / 2, join_style="mitre").buffer(tolerance_m / 2, join_style="mitre")
    return piece if core.is_empty else core


def polygonal(geometry: shapely.Geometry) -> shapely.Geometry:
    """The polygonal part of a geometry of any type, as a Polygon or a MultiPolygon."""
    parts = polygons_of(geometry)
    return parts[0] if len(parts) == 1 else shapely.multipolygons(parts)


def unproven(shapes: Shapes, rim: Rim, tolerance_m: float) -> Positions:
    """Cells that need the general union: GEOS reports them as invalid, or they miss a vertex of a neighbour.

    The coverage validation of GEOS alone is not enough: it accepts a vertex 1e-11 m outside the neighbour's edge.
    """
    missing = [cell for place in unmatched_vertices(shapes, rim, tolerance_m) for cell in place.cells]
    invalid = invalid_with_neighbours(shapes, rim.cells)
    pairs, _ = _doubled(shapes, invalid)
    return np.unique(np.concatenate([invalid, pairs.ravel(), np.array(missing, dtype=np.intp)]))


def piece(ground: shapely.Geometry, cells: Sequence[int] = ()) -> Place:
    """A piece of ground without hairlines narrower than 1 mm; its area is that of the remaining geometry."""
    core = without_hairlines(ground, 1 / PER_METRE)
    return Place(core, list(cells), float(core.area), width_m(core))


def overlaps(shapes: Shapes, among: Positions) -> list[Place]:
    """Pairs of cells that overlap, regardless of the size of the overlap."""
    pairs, common = _doubled(shapes, among)
    return [_shared(polygonal(ground), pair.tolist()) for pair, ground in zip(pairs, common, strict=True)]


def _shared(ground: shapely.Geometry, cells: Sequence[int]) -> Place:
    """The complete ground that two cells share, or an empty geometry if it consists of hairlines only."""
    core = without_hairlines(ground, 1 / PER_METRE)
    kept = core if core.is_empty else ground
    return Place(kept, list(cells), float(kept.area), width_m(core))


def _doubled(shapes: Shapes, among: Positions) -> tuple[npt.NDArray[np.intp], Shapes]:
    """Pairs of overlapping cells, in order, and the ground that they share.

    A cell completely inside another one has no unmatched edge; it is found through the cell that contains it.
    """
    pairs, common = np.empty((0, 2), dtype=np.intp), np.empty(0, dtype=object)
    if len(among) == 0:
        return pairs, common
    tree = shapely.STRtree(shapes)
    asked = np.empty(0, dtype=np.intp)
    while len(among):
        one, two = tree.query(shapes[among], predicate="intersects")
        one = among[one]
        met = np.unique(np.sort(np.column_stack([one, two])[one != two], axis=1), axis=0)
        met = met[~np.isin(met, asked).any(axis=1)]
        shared = shapely.intersection(shapes[met[:, 0]], shapes[met[:, 1]])
        real = shapely.area(shared) > 0
        pairs, common = np.concatenate([pairs, met[real]]), np.concatenate([common, shared[real]])
        asked = np.union1d(asked, among)
        among = np.setdiff1d(met[real], asked)
    order = np.lexsort((pairs[:, 1], pairs[:, 0]))
    return pairs[order], common[order]


def covered_ground(shapes: Shapes, doubtful: Positions) -> shapely.Geometry:
    """Union of all cells, of which those that are not `doubtful` are a valid coverage."""
    if len(doubtful) == 0:
        return shapely.coverage_union_all(shapes)
    sound = np.ones(len(shapes), dtype=bool)
    sound[doubtful] = False
    return shapely.union_all([shapely.coverage_union_all(shapes[sound]), shapely.union_all(shapes[doubtful])])


def holes(ground: shapely.Geometry) -> list[shapely.Polygon]:
    """Uncovered areas that are surrounded by covered ground."""
    pieces = polygons_of(ground)
    holes = [shapely.Polygon(hole) for piece in pieces for hole in piece.interiors]
    if not holes:
        return []
    hole, island = shapely.STRtree(pieces).query(holes, predicate="contains")
    for h in np.unique(hole):
        among = [pieces[i] for i in island[hole == h]]
        holes[h] = shapely.difference(holes[h], shapely.multipolygons(among))
    return [part for rest in holes for part in polygons_of(rest)]


def uncovered_and_outside(
    shapes: Shapes, network: Network, border: shapely.Geometry
) -> tuple[list[shapely.Polygon], list[shapely.Polygon]]:
    """Pieces of an area that no cell covers, and pieces outside the area that some cell covers.

    The borders of both consist of unmatched edges, so only these are used. The outline of a valid layer yields none, even
    with a million vertices.
    """
    edges, which, n = network.edges, network.which, len(shapes)
    alone = (edges.left == OUTSIDE) | (edges.right == OUTSIDE)
    alone[which[network.conflicts]] = True
    if not alone.any():
        return [], []
    faces = _polygonized(_lines(network, alone))
    # A cell that extends beyond the area may cover a stretch of the border where another cell matches it.
    rim_of = ~alone & ((edges.left == n) | (edges.right == n))
    lines = _lines(network, rim_of)
    crossing = np.unique(shapely.STRtree(lines).query(faces, predicate="intersects")[1])
    if len(crossing):
        faces = _polygonized(np.concatenate([_lines(network, alone), lines[crossing]]))
    # A face may have hairlines along a border; a point inside a hairline does not represent the face.
    cores = shapely.buffer(faces, -_HAIRLINE_M, join_style="mitre")
    within = shapely.point_on_surface(np.where(shapely.is_empty(cores), faces, cores))
    inside = shapely.covers(prepared_copy(border), within)
    held = np.zeros(len(faces), dtype=bool)
    held[shapely.STRtree(shapes).query(within, predicate="intersects")[0]] = True
    bare, beyond = (shapely.union_all(faces[some]) for some in (inside & ~held, ~inside & held))
    return polygons_of(bare), polygons_of(beyond)


def _lines(network: Network, which: npt.NDArray[np.bool_]) -> Shapes:
    ends = network.places[np.column_stack([network.edges.a[which], network.edges.b[which]])]
    lines: Shapes = shapely.linestrings(ends)
    return lines


def _polygonized(lines: Shapes) -> Shapes:
    """Faces bounded by lines, after the lines have been noded."""
    return np.array(shapely.get_parts(shapely.polygonize([shapely.union_all(lines)])), dtype=object)


def reaching_into(shapes: Shapes, ground: list[shapely.Polygon], tolerance_m: float) -> list[Place]:
    """Cells that extend into some ground by more than the tolerance, with the part of it that they cover."""
    if not ground:
        return []
    piece, cell = shapely.STRtree(shapes).query(ground, predicate="intersects")
    common = shapely.intersection(np.array(ground, dtype=object)[piece], shapes[cell])
    places = []
    for c in np.unique(cell).tolist():
        parts = [part for part in polygons_of(shapely.union_all(common[cell == c])) if width_m(part) > tolerance_m]
        if parts:
            joined = shapely.multipolygons(parts) if len(parts) > 1 else parts[0]
            places.append(Place(joined, [c], float(joined.area), width_m(joined)))
    return places


def outside_area(shapes: Shapes, border: shapely.Geometry, tolerance_m: float) -> list[Place]:
    """Cells that extend out of an area by more than the tolerance, with the ground outside it."""
    candidates = np.flatnonzero(~shapely.covers(prepared_copy(border), shapes))
    places = []
    for cell, piece in zip(candidates.tolist(), shapely.difference(shapes[candidates], border), strict=True):
        parts = [part for part in polygons_of(piece) if width_m(part) > tolerance_m]
        if parts:
            ground = shapely.multipolygons(parts) if len(parts) > 1 else parts[0]
            places.append(Place(ground, [cell], float(ground.area), width_m(ground)))
    return places


def unmatched_vertices(shapes: Shapes, rim: Rim, tolerance_m: float) -> list[Place]:
    """Pairs of cells of which one has a vertex on the border of the other, where the other has none.

    The two edges that meet in the vertex and the edge that lacks it are then all unmatched. A vertex that is close to an
    edge but separated from it by a third cell is not reported.
    """
    if len(rim.cells) < 2:
        return []
    reach = max(tolerance_m, 1e-6)  # vertices that should coincide differ by rounding up to a micrometre
    ends = np.unique(np.column_stack([np.repeat(rim.owner, 2), rim.ends.reshape(-1, 2)]), axis=0)
    owner, points = ends[:, 0].astype(np.intp), shapely.points(ends[:, 1:])
    vertex, edge = shapely.STRtree(shapely.linestrings(rim.ends)).query(points, predicate="dwithin", distance=reach)
    foreign = owner[vertex] != rim.owner[edge]
    vertex, cell = np.unique(np.column_stack([vertex[foreign], rim.owner[edge[foreign]]]), axis=0).T
    asked = np.unique(vertex)
    xy, whose = shapely.get_coordinates(shapes[rim.cells], return_index=True)
    near, other = shapely.STRtree(shapely.points(xy)).query(points[asked], predicate="dwithin", distance=reach)
    n = len(shapes)
    matched = np.unique(asked[near] * n + rim.cells[whose[other]])
    lonely = ~np.isin(vertex * n + cell, matched)
    pairs: dict[tuple[int, int], list[int]] = {}
    for v, c in zip(vertex[lonely].tolist(), cell[lonely].tolist(), strict=True):
        a, b = sorted((int(owner[v]), c))
        pairs.setdefault((a, b), []).append(v)
    return [Place(shapely.MultiPoint(points[vs]), list(pair), 0.0, 0.0) for pair, vs in sorted(pairs.items())]


def minor_parts(shape: shapely.MultiPolygon) -> list[tuple[shapely.Polygon, bool]]:
    """All parts of a cell but the largest, and whether each touches the rest in a point."""
    parts = sorted(shape.geoms, key=lambda part: -part.area)
    one, other = shapely.STRtree(parts).query(parts, predicate="touches")
    touching = set(one[one != other].tolist())
    return [(part, i in touching) for i, part in enumerate(parts[1:], start=1)]


def enclosing_cells(shapes: Shapes) -> list[Place]:
    """Cells with a hole that contains another cell."""
    several = shapely.get_type_id(shapes) == shapely.GeometryType.MULTIPOLYGON
    holed = np.flatnonzero(several | (shapely.get_num_interior_rings(shapes) > 0))
    if len(holed) == 0:
        return []
    tree = shapely.STRtree(shapes)
    places = []
    for cell in holed.tolist():
        for part in polygons_of(shapes[cell]):
            for ring in part.interiors:
                hole = shapely.Polygon(ring)
                inside = [int(i) for i in tree.query(hole, predicate="covers") if i != cell]
                if inside:
                    places.append(Place(hole, [cell], float(hole.area), width_m(hole)))
    return places
