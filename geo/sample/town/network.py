"""Streets and blocks: the plan's roads, the streets cut through the quarters, paths on the hill and round the lake.

:func:`build_network` decides where they run, :func:`roads_frame` joins them, so that roads meet in shared vertices as in
OpenStreetMap, and names them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geo.layers.crs import PER_METRE
from geo.sample.town import names, plan
from geo.sample.town.cutting import Cutting, Street, cut
from geo.sample.town.outline import Coordinates, Skeleton, ridge, to_lattice

GRID_M = 1 / PER_METRE

# Free ground between the carriageway and the first wall, by class of road (pavement and trees).
VERGE_M = {
    "primary": 9.0,
    "secondary": 7.0,
    "tertiary": 4.5,
    "residential": 3.0,
    "service": 1.0,
    "footway": 1.0,
}

# A side street ends this far from the axis of the railway or river in its way.
_STOP_M = 20.0

# Rounding moves an end by 0.7 mm, and the street at that place by as much again.
_JOIN_M = 0.003

# Paths on the hill: from named points or plan positions up to the top and down again.
_PATHS: tuple[tuple[str | tuple[float, float], ...], ...] = (
    ("N1", (1080, 2560), (1240, 2720), (1180, 2930), (1010, 3000)),
    ((1240, 2720), (1460, 2660), (1600, 2900), (1500, 3120)),
    ("W4", (760, 2560), (900, 2760), (1010, 3000)),
    ("N2", (1640, 2420), (1460, 2660)),
)


class Block(NamedTuple):
    """Ground between centre lines: its polygon and the number of its quarter."""

    polygon: shapely.Polygon
    quarter: int


@dataclass(frozen=True)
class Network:
    """Blocks, streets and water of the model street before buildings are added."""

    blocks: tuple[Block, ...]
    streets: tuple[Street, ...]
    lake: shapely.Polygon
    river: shapely.Polygon
    railway: shapely.LineString


def build_network(skeleton: Skeleton, rng: np.random.Generator) -> Network:
    """Divide all quarters into blocks and collect the streets.

    Streets stop short of the railway and the river; only the roads of the plan cross them, by bridges.
    """
    lake = _lake(skeleton)
    lines = dict(zip(plan.LINES, skeleton.lines, strict=True))
    river_of = next(line for line in plan.LINES if line.kind == "river")
    railway = next(drawn for line, drawn in lines.items() if line.kind == "rail")
    stops = shapely.union_all(
        [drawn.buffer(_STOP_M) for line, drawn in lines.items() if line.kind in ("river", "rail")]
    )
    blocks: list[Block] = []
    streets = [
        Street(drawn, line.kind, line.width_m, line.name)
        for line, drawn in lines.items()
        if line.kind not in ("river", "rail")
    ]
    for number, (face, quarter) in enumerate(zip(skeleton.quarters, plan.QUARTERS, strict=True)):
        if quarter.zone == "hill":
            blocks.append(Block(face, number))
            streets += _hill_paths(skeleton, face, rng)
            continue
        clear = lake.buffer(28.0) if quarter.zone == "lake" else shapely.Polygon()
        parts, new = cut(face, Cutting(quarter.angle_deg, quarter.block_m2, keep_clear=clear), rng)
        blocks += [Block(part, number) for part in parts]
        kept = [s._replace(line=line) for s in new for line in _kept(s.line, stops)]
        streets += kept
        if quarter.zone == "lake":
            streets += _lake_paths(lake, kept)
    # The river is first extended beyond the outline, so that its ends are cut by the outline and have no round caps.
    river = lines[river_of].buffer(river_of.width_m / 2, cap_style="square")
    inside = shapely.intersection(river, skeleton.outline, grid_size=GRID_M)
    return Network(tuple(blocks), tuple(streets), lake, _largest(inside), railway)


def roads_frame(streets: list[Street], rng: np.random.Generator) -> gpd.GeoDataFrame:
    """Node the streets and write them as a frame.

    Returns
    -------
    GeoDataFrame
        ``name highway width_m oneway geometry``: LineStrings on the lattice; where two roads meet both have a vertex.
        Service roads and footpaths have no name (None).
    """
    lines = _joined(np.array([s.line for s in streets]))
    pieces = shapely.get_parts(shapely.union_all(lines, grid_size=GRID_M))
    owners = shapely.STRtree(lines).nearest(shapely.line_interpolate_point(pieces, 0.5, normalized=True))
    free = names.road_names(rng)
    rows = []
    for number, street in enumerate(streets):
        own = pieces[owners == number]
        if not len(own):
            continue
        named = bool(street.name) or street.highway in free
        name = (street.name or next(free[street.highway])) if named else None
        merged = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(own)))
        rows += [(name, street.highway, street.width_m, False, line) for line in merged]
    frame = gpd.GeoDataFrame(rows, columns=["name", "highway", "width_m", "oneway", "geometry"], geometry="geometry")
    # One centre line represents both carriageways of an arterial, so only some narrow streets are one-way.
    narrow = (frame["highway"] == "residential") & (frame["width_m"] < 10)
    frame["oneway"] = narrow & (rng.random(len(frame)) < 0.08)
    return frame.set_crs(epsg=plan.MODEL_EPSG)


def _joined(lines: npt.NDArray[np.object_]) -> npt.NDArray[np.object_]:
    """Insert a vertex into lines where another one ends on them.

    An end was rounded to the lattice when its street was cut, and the street that it ends on has been bent by other such
    ends since, each time by less than 1 mm. So an end moves to a vertex that is closer than `_JOIN_M`, and elsewhere the
    street gets a vertex at the end.
    """
    coordinates = [shapely.get_coordinates(line) for line in lines]
    tree = shapely.STRtree(lines)
    additions: dict[int, list[Coordinates]] = {}
    for number, own in enumerate(coordinates):
        for end in (0, -1):
            hosts = tree.query(shapely.Point(own[end]), predicate="dwithin", distance=_JOIN_M)
            for host in np.sort(hosts[hosts != number]):
                away = np.hypot(*(coordinates[host] - own[end]).T)
                nearest = int(np.argmin(away))
                if away[nearest] < _JOIN_M:
                    own[end] = coordinates[host][nearest]
                else:
                    additions.setdefault(int(host), []).append(own[end])
    for host, points in additions.items():
        line = shapely.LineString(coordinates[host])
        along = np.r_[
            shapely.line_locate_point(line, shapely.points(coordinates[host])),
            shapely.line_locate_point(line, shapely.points(np.array(points))),
        ]
        both = np.vstack([coordinates[host], np.array(points)])
        # The first and the last vertex of a closed line have the same place along it, so only inner ones are sorted.
        inner = np.r_[1 : len(coordinates[host]) - 1, len(coordinates[host]) : len(both)]
        order = inner[np.argsort(along[inner], kind="stable")]
        coordinates[host] = both[np.r_[0, order, len(coordinates[host]) - 1]]
    return np.array([shapely.LineString(_without_repeats(xy)) for xy in coordinates])


def _without_repeats(xy: Coordinates) -> Coordinates:
    return xy[np.r_[True, (xy[1:] != xy[:-1]).any(axis=1)]]


def corridors(streets: list[Street]) -> list[shapely.Polygon]:
    """Ground occupied by each street: carriageway and verges."""
    return [s.line.buffer(s.width_m / 2 + VERGE_M[s.highway], quad_segs=4) for s in streets]


def _largest(geometry: shapely.Geometry) -> shapely.Polygon:
    parts = shapely.get_parts(geometry)
    return parts[int(np.argmax(shapely.area(parts)))]


def _kept(line: shapely.LineString, stops: shapely.Geometry) -> list[shapely.LineString]:
    """Remaining parts of a street outside `stops`: those of 15 m and more that reach one of its ends."""
    parts = shapely.get_parts(shapely.difference(line, stops))
    ends = shapely.boundary(line)
    return [
        shapely.LineString(to_lattice(shapely.get_coordinates(p)))
        for p in parts
        if p.length > 15.0 and p.distance(ends) < _JOIN_M
    ]


def _lake(skeleton: Skeleton) -> shapely.Polygon:
    """A bean-shaped lake on the lattice."""
    t = np.linspace(0, 2 * np.pi, 72, endpoint=False)
    a, b = plan.LAKE_HALF_AXES_M
    swell = 1 + 0.10 * np.sin(2 * t + 0.6) + 0.07 * np.cos(3 * t)
    xy = np.column_stack([a * np.cos(t) * swell, b * np.sin(t) * swell + 26 * np.cos(2 * t)])
    return shapely.Polygon(to_lattice(xy * skeleton.scale + skeleton.place(plan.LAKE_AT_M)))


def _lake_paths(lake: shapely.Polygon, streets: list[Street]) -> list[Street]:
    """A path round the lake and one to the nearest junction."""
    around = _without_repeats(to_lattice(shapely.get_coordinates(lake.buffer(9.0, quad_segs=6).simplify(0.4).exterior)))
    paths = [Street(shapely.LineString(around), "footway", 2.5, "湖滨步道")]
    ends = np.vstack([shapely.get_coordinates(s.line)[[0, -1]] for s in streets])
    away = np.hypot(ends[:, None, 0] - around[None, :, 0], ends[:, None, 1] - around[None, :, 1])
    end, turn = np.unravel_index(int(np.argmin(away)), away.shape)
    return [*paths, Street(shapely.LineString([around[turn], ends[end]]), "footway", 2.5)]


def _hill_paths(skeleton: Skeleton, face: shapely.Polygon, rng: np.random.Generator) -> list[Street]:
    """Winding footpaths on the hill, starting at junctions of the roads at its foot."""
    corners = shapely.get_coordinates(face)
    streets = []
    for path in _PATHS:
        points = []
        for item in path:
            at = np.array(skeleton.place(plan.NODES[item] if isinstance(item, str) else item))
            if isinstance(item, str):
                at = corners[int(np.argmin(np.hypot(*(corners - at).T)))]
            points.append(at)
        line = shapely.LineString(to_lattice(ridge(points, rng)))
        streets.append(Street(line, "footway", 2.0))
    return streets
