"""Atoms: the ground of each building and pieces of open ground, an exact coverage of the street.

In every block, Voronoi ridges between bodies are computed; all ridges and block borders are then noded together on the
lattice and polygonized once. Atoms are therefore edge-matched regardless of faults in the Voronoi diagrams. A faulty diagram
(libgeos/geos #1040) can only lose a border between two bodies, which is detected and repeated with other points.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise, starmap

import numpy as np
import numpy.typing as npt
import shapely
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from geo.divide.blocks.barriers import LATTICE_M, OVERSHOOT_M, Border, node
from geo.divide.blocks.street_blocks import Blocks, polygonize_within
from geo.divide.blocks.voronoi import open_seeds, ridges
from geo.divide.partitioning.merging import absorb, dissolve, without_hairlines
from geo.errors import ImpossibleError
from geo.prepared import prepared_copy
from geo.wording import counted

Geometries = npt.NDArray[np.object_]
Ints = npt.NDArray[np.int64]

# Footprints are shrunk by this before points are placed on their walls, so that touching buildings have ground between them.
_SHRINK_M = 0.3
# The spacing of points on walls is the distance to the next body, within these bounds.
_POINTS_M = (0.6, 6.0)
# Tolerance of the simplification of ridges where no building is affected.
_STRAIGHTEN_M = 0.8
# A line runs through a building if it is inside over more than this length, and deeper than this below the wall.
_TOUCH_M, _DEPTH_M = 0.02, 0.005
# Spacing of the points in successive attempts, if the areas of a block's atoms do not sum to its area.
_CLOSER = (1.0, 0.7, 0.45)
_LOST_M2 = 1.0
# Area of a building outside its atom above which it counts as cut: 1 cm along a wall of 10 m, more than rounding to the
# lattice.
_CUT_M2 = 0.1
# Overlap above which two buildings form one body.
_OVERLAP_M2 = 0.05


@dataclass(frozen=True)
class Atoms:
    """Atoms of a street.

    Attributes
    ----------
    polygons
        Polygons without holes on the lattice, shape (n,): an exact coverage of the street.
    block, community
        int64 (n,): positions of block and community.
    atom_of_building
        int64 (buildings,): atom that contains each building, -1 outside the street.
    cut
        bool (buildings,): buildings crossed by a border, because it is a community border or the outline.
    """

    polygons: Geometries
    block: Ints
    community: Ints
    atom_of_building: Ints
    cut: npt.NDArray[np.bool_]


def draw_atoms(outline: shapely.Polygon, blocks: Blocks, buildings: Geometries, *, open_m: float) -> Atoms:
    """Divide blocks into atoms.

    Parameters
    ----------
    outline
        The street.
    blocks
        The blocks of the street.
    buildings
        Valid footprints in metres; those outside the street are ignored.
    open_m
        Spacing of the seed points of open ground.

    Notes
    -----
    About 0.3 ms per building. Buildings that overlap by more than 0.05 m² share an atom.
    """
    body = _bodies(buildings)
    shapes = _body_shapes(buildings, body)
    home = _block_of_body(shapes, blocks.polygons)
    inside = home >= 0
    seeds, seed_home = _seeds(blocks.polygons, shapes[inside], home[inside], open_m)
    for closer in _CLOSER:
        drawn = _ridges(blocks.polygons, shapes, home, seeds, seed_home, closer)
        lines, rerouted = _around_buildings(drawn, blocks, shapes[inside])
        faces = polygonize_within(node(np.concatenate([lines, rerouted])), outline)
        atoms = _own(faces, blocks, buildings, body, home, shapes, seeds)
        faulty = _faulty_blocks(atoms, blocks)
        if not len(faulty):
            return atoms
    raise ImpossibleError(
        f"street: the ground of {counted(len(faulty), 'block')} could not be shared out among their "
        "buildings; report this with the input",
        geometry=blocks.polygons[faulty[0]],
    )


def _faulty_blocks(atoms: Atoms, blocks: Blocks) -> Ints:
    """Blocks whose atoms do not sum to their area, if the whole street does not either.

    Borders are rerouted around buildings on them, so neighbouring blocks may exchange area.
    """
    covered = np.bincount(atoms.block, shapely.area(atoms.polygons), minlength=len(blocks.polygons))
    off = covered - shapely.area(blocks.polygons)
    if abs(float(off.sum())) <= _LOST_M2:
        return np.empty(0, dtype=np.int64)
    return np.flatnonzero(np.abs(off) > _LOST_M2 / len(off))


def _bodies(buildings: Geometries) -> Ints:
    """Number of the body of each building: overlapping buildings are one body."""
    a, b = shapely.STRtree(buildings).query(buildings, predicate="intersects")
    pairs = a < b
    a, b = a[pairs], b[pairs]
    deep = shapely.area(shapely.intersection(buildings[a], buildings[b])) > _OVERLAP_M2
    matrix = coo_array((np.ones(deep.sum()), (a[deep], b[deep])), shape=(len(buildings),) * 2)
    return np.asarray(connected_components(matrix, directed=False)[1], dtype=np.int64)


def _body_shapes(buildings: Geometries, body: Ints) -> Geometries:
    shapes = np.empty(int(body.max(initial=-1)) + 1, dtype=object)
    order = np.argsort(body, kind="stable")
    for members in np.split(order, np.flatnonzero(np.diff(body[order])) + 1) if len(body) else []:
        shapes[body[members[0]]] = buildings[members[0]] if len(members) == 1 else shapely.union_all(buildings[members])
    return shapes


def _block_of_body(shapes: Geometries, blocks: Geometries) -> Ints:
    """Block that contains most of each body, -1 for bodies outside all blocks."""
    body, block = shapely.STRtree(blocks).query(shapes, predicate="intersects")
    once = np.bincount(body, minlength=len(shapes)) == 1
    share = np.where(once[body], 1.0, 0.0)
    many = np.flatnonzero(~once[body])
    share[many] = shapely.area(shapely.intersection(shapes[body[many]], blocks[block[many]]))
    # A body with less than half of its area in the street counts as outside.
    order = np.lexsort((block, -share, body))
    first = order[np.unique(body[order], return_index=True)[1]]
    home = np.full(len(shapes), -1, dtype=np.int64)
    home[body[first]] = block[first]
    total = np.bincount(body, share, minlength=len(shapes))
    home[~once & (total < 0.5 * shapely.area(shapes))] = -1
    edge = once & (home >= 0)
    if edge.any():
        cover = shapely.covers(blocks[home[edge]], shapes[edge])
        doubtful = np.flatnonzero(edge)[~cover]
        part = shapely.area(shapely.intersection(shapes[doubtful], blocks[home[doubtful]]))
        home[doubtful[part < 0.5 * shapely.area(shapes[doubtful])]] = -1
    return home


def _seeds(blocks: Geometries, shapes: Geometries, home: Ints, open_m: float) -> tuple[npt.NDArray[np.float64], Ints]:
    """Seed points of open ground, and one point inside each block that would have none."""
    tree = shapely.STRtree(shapes) if len(shapes) else None
    built = np.bincount(home, minlength=len(blocks)) > 0
    places: list[npt.NDArray[np.float64]] = []
    for number, block in enumerate(blocks):
        found = open_seeds(block, open_m, tree)
        if not len(found) and not built[number]:
            found = shapely.get_coordinates(shapely.point_on_surface(block))
        places.append(found)
    owner = np.repeat(np.arange(len(blocks)), [len(p) for p in places])
    return (np.vstack(places) if places else np.empty((0, 2))), owner.astype(np.int64)


def _ridges(
    blocks: Geometries, shapes: Geometries, home: Ints, seeds: npt.NDArray[np.float64], seed_home: Ints, closer: float
) -> Geometries:
    """Ridges of all blocks, straightened where that harms no building, and cut to their block."""
    xy, owner = _wall_points(shapes, closer)
    place = np.concatenate([home[owner], seed_home])
    xy = np.vstack([xy, seeds])
    owner = np.concatenate([owner, len(shapes) + np.arange(len(seeds))])
    order = np.argsort(place, kind="stable")
    order = order[place[order] >= 0]
    rows = np.searchsorted(place[order], np.arange(len(blocks) + 1))
    # Qhull and GEOS release the GIL.
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        found = list(pool.map(lambda row: ridges(xy[order[row]], owner[order[row]]), starmap(slice, pairwise(rows))))
    of = np.repeat(np.arange(len(blocks)), [len(f) for f in found])
    exact = np.concatenate(found) if found else np.empty(0, dtype=object)
    lines = shapely.simplify(exact, _STRAIGHTEN_M)
    inside = home >= 0
    if inside.any():
        hit = _crossing(lines, shapes[inside])[0]
        lines[hit] = exact[hit]
    reach = prepared_copy(shapely.buffer(blocks, OVERSHOOT_M, join_style="mitre"))
    across = ~shapely.contains_properly(reach[of], lines)
    lines[across] = shapely.intersection(lines[across], reach[of[across]])
    parts = np.asarray(shapely.get_parts(lines), dtype=object)
    kept: Geometries = parts[shapely.length(parts) > LATTICE_M]
    return kept


def _wall_points(shapes: Geometries, closer: float) -> tuple[npt.NDArray[np.float64], Ints]:
    """Points on the walls of bodies, denser where another body is near, and the body of each."""
    if not len(shapes):
        return np.empty((0, 2)), np.empty(0, dtype=np.int64)
    shrunk = shapely.buffer(shapes, -_SHRINK_M, join_style="mitre", mitre_limit=2.0)
    shrunk = np.where(shapely.is_empty(shrunk), shapely.point_on_surface(shapes), shrunk)
    gap = np.full(len(shapes), np.inf)
    if len(shapes) > 1:
        pair, away = shapely.STRtree(shapes).query_nearest(
            shapes, exclusive=True, all_matches=False, return_distance=True
        )
        gap[pair[0]] = away
    spacing = closer * np.clip(0.8 * (gap + 2 * _SHRINK_M), *_POINTS_M)
    areal = shapely.get_dimensions(shrunk) == 2
    walls = shrunk.copy()
    walls[areal] = shapely.segmentize(shapely.boundary(shrunk[areal]), spacing[areal])
    xy, owner = shapely.get_coordinates(walls, return_index=True)
    return xy, owner.astype(np.int64)


def _crossing(lines: Geometries, shapes: Geometries) -> tuple[Ints, Ints]:
    """Pairs of a line and a body whose interior the line crosses."""
    # A line along a wall does not cross the building.
    core = shapely.buffer(shapes, -_DEPTH_M)
    shape, line = shapely.STRtree(lines).query(core, predicate="intersects")
    through = shapely.length(shapely.intersection(lines[line], shapes[shape])) > _TOUCH_M
    return line[through], shape[through]


def _around_buildings(drawn: Geometries, blocks: Blocks, shapes: Geometries) -> tuple[Geometries, Geometries]:
    """Reroute lines that cross a building around it, except the outline and community borders.

    Returns
    -------
    lines, rerouted
        Lines that may be rerouted, with the changes; and the other lines together with the walls added.
    """
    fixed = blocks.lines["border"].to_numpy() >= Border.COMMUNITY
    kept = shapely.get_parts(blocks.lines.geometry.array[fixed])
    borders = node(shapely.boundary(blocks.polygons))
    lines = np.concatenate([borders, drawn])
    line, shape = _crossing(lines, shapes)
    if not len(line):
        return lines, kept
    hit = np.unique(line)
    walls = shapes[np.unique(shape)]
    lines = lines.copy()
    lines[hit] = shapely.difference(lines[hit], shapely.union_all(walls))
    lines = shapely.get_parts(lines)
    return lines[shapely.length(lines) > 0], np.concatenate([kept, shapely.get_parts(shapely.boundary(walls))])


def _own(
    faces: Geometries,
    blocks: Blocks,
    buildings: Geometries,
    body: Ints,
    home: Ints,
    shapes: Geometries,
    seeds: npt.NDArray[np.float64],
) -> Atoms:
    """Assign every face to a body or a piece of open ground, and merge remaining faces into a neighbour of the block."""
    family = np.asarray(_place(shapely.point_on_surface(faces), blocks.polygons), dtype=np.int64)
    at = _block_of_body(shapes, faces)
    at[home < 0] = -1
    held = np.flatnonzero(at >= 0)
    family[at[held]] = home[held]
    owned = np.zeros(len(faces), dtype=bool)
    owned[at[held]] = True
    owned[_place(shapely.points(seeds), faces)] = True
    group = absorb(faces, ~owned, family)
    group = _without_holes(faces, group, blocks.community[family])
    polygons = dissolve(faces, group)
    strongest = np.lexsort((np.arange(len(faces)), ~owned, group))
    first = strongest[np.unique(group[strongest], return_index=True)[1]]
    atom = np.where(at >= 0, group[at], -1)[body]
    single = shapely.get_type_id(polygons) == shapely.GeometryType.POLYGON
    if not single.all():
        raise ImpossibleError(
            f"street: {counted(int((~single).sum()), 'piece')} of ground came out in several parts; report this with the input",
            geometry=polygons[~single][0],
        )
    polygons = without_hairlines(
        polygons, blocks.lines.geometry.array[blocks.lines["border"].to_numpy() >= Border.COMMUNITY]
    )
    inside = atom >= 0
    lost = np.zeros(len(buildings))
    lost[inside] = shapely.area(shapely.difference(buildings[inside], polygons[atom[inside]]))
    return Atoms(polygons, family[first], blocks.community[family[first]], atom, lost > _CUT_M2)


def _place(points: Geometries, cells: Geometries) -> Ints:
    """Cell of a coverage that contains, or is nearest to, each point, int64 (n,)."""
    return np.asarray(shapely.STRtree(cells).query_nearest(points, all_matches=False)[1], dtype=np.int64)


def _without_holes(faces: Geometries, group: Ints, community: Ints) -> Ints:
    """Merge atoms surrounded by an atom into it, within a community."""
    merged = dissolve(faces, group)
    ringed = np.flatnonzero(shapely.get_num_interior_rings(merged) > 0)
    if not len(ringed):
        return group
    group = group.copy()
    filled = shapely.polygons(shapely.get_exterior_ring(merged[ringed]))
    inner = shapely.STRtree(shapely.point_on_surface(faces)).query(filled, predicate="contains")
    for k in np.argsort(-shapely.area(filled), kind="stable"):
        held = inner[1][inner[0] == k]
        if (community[held] == community[held[0]]).all():
            group[held] = ringed[k]
    return np.unique(group, return_inverse=True)[1].astype(np.int64)
