"""Buildings on each plot: slabs, towers, houses, halls, schools and shops along the street."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import shapely

from geo.prepared import prepared_copy
from geo.sample.town.cutting import Street
from geo.sample.town.landuse import Plot, largest_polygon
from geo.sample.town.network import GRID_M
from geo.sample.town.outline import Coordinates, to_lattice
from geo.sample.town.rows import RowStyle, fill_rows


class Building(NamedTuple):
    """One building: footprint, OSM ``building`` value, floors, shops and offices in it, inside the compound or not."""

    footprint: shapely.Polygon
    kind: str
    levels: int
    units: int
    inside: bool


class Built(NamedTuple):
    """Buildings on a plot: the compound's ground, the buildings, the sports ground (or empty)."""

    ground: shapely.Polygon
    buildings: list[Building]
    pitch: shapely.Polygon


# Rows face south within this angle, like dwellings in Nanjing, regardless of the street direction.
_SOUTH_DEG = 14.0

# Slabs of the 1980s: 6 floors, spaced by 0.7 to 0.95 times their height.
_SLABS = RowStyle((10.5, 12.5), (24, 62), (13, 17), (5, 9), (("rect", 5), ("step", 3)), 0.02)
_LOW_TOWERS = RowStyle((14, 17), (22, 27), (18, 22), (9, 14), (("cross", 1),))
_TOWERS = RowStyle((15, 18), (25, 37), (28, 38), (13, 22), (("cross", 5), ("step", 2)))
_MIDRISE = RowStyle((12, 14), (28, 62), (20, 26), (8, 13), (("step", 3), ("rect", 1)), 0.02)
_HOUSES = RowStyle((7.0, 9.8), (6.4, 10.2), (1.2, 3.2), (0.8, 1.6), (("rect", 7), ("ell", 2)), 0.07)
_HALLS = RowStyle((20, 44), (40, 108), (12, 18), (10, 16), (("rect", 6), ("ell", 1)), 0.06)
_SHEDS = RowStyle((9, 14), (14, 28), (8, 12), (6, 12), (("rect", 1),), 0.2)
_CYCLE_SHEDS = RowStyle((3.6, 4.6), (10, 26), (8, 14), (6, 16), (("rect", 1),), 0.4)
# Transformers, pump rooms and gate houses of new compounds.
_PLANT = RowStyle((5, 7), (6, 12), (26, 40), (40, 70), (("rect", 1),), 0.3)
_SMALL_FLATS = RowStyle((10, 11.5), (14, 30), (11, 14), (4, 7))
_OFFICES = RowStyle((16, 23), (26, 58), (16, 24), (12, 20), (("ell", 2), ("rect", 3), ("step", 1)), 0.04)
_MALLS = RowStyle((28, 50), (34, 86), (14, 20), (12, 18), (("rect", 3), ("ell", 2)))
_CLASSES = RowStyle((10, 13), (36, 66), (20, 26), (10, 16), (("rect", 3), ("ell", 1)), 0.05)

# Probability of shops along an edge of a plot, by class of the road it faces, and by use of the plot.
_SHOPS_BY_ROAD = {"primary": 0.75, "secondary": 0.9, "tertiary": 0.75, "residential": 0.24}
_SHOPS_BY_USE = {
    "old": 1.0,
    "village": 0.85,
    "new": 0.55,
    "school": 0.15,
    "works": 0.12,
    "campus": 0.25,
    "plots": 0.1,
}


def build(plot: Plot, streets: list[Street], tree: shapely.STRtree, rng: np.random.Generator) -> Built:
    """Build on one plot.

    Parameters
    ----------
    streets, tree
        All streets outside plots, and an STRtree of their lines.
    """
    drives = [d.line.buffer(d.width_m / 2 + _beside(plot.use), cap_style="square") for d in plot.drives]
    shops = _shops(plot, streets, tree, drives, rng)
    ground = plot.ground
    if shops:
        strips = [s.footprint.buffer(2.2, cap_style="square", join_style="mitre") for s in shops]
        left = shapely.difference(ground, shapely.union_all(strips))
        # Narrow necks are removed; a mitred corner may extend beyond the ground, hence the intersection.
        opened = left.buffer(-3.0).buffer(2.6, join_style="mitre")
        ground = largest_polygon(shapely.intersection(opened, left, grid_size=GRID_M))
    free = shapely.difference(ground.buffer(-2.5 if plot.use != "village" else -0.6), shapely.union_all(drives))
    south = float(np.clip(plot.angle_deg, -_SOUTH_DEG, _SOUTH_DEG))
    pitch = shapely.Polygon()
    inside: list[Building] = []
    if plot.use in ("school", "campus"):
        pitch = _pitch(free, south)
        inside = _fill(plot.use, shapely.difference(free, pitch.buffer(6.0)), south, rng)
        # A school without a class room is not built.
        pitch = pitch if inside else shapely.Polygon()
    if not inside and not ground.is_empty:
        inside = _fill(plot.use, free, south, rng)
    return Built(ground, inside + shops, pitch)


def _beside(use: str) -> float:
    return 0.7 if use == "village" else 2.5


def _fill(use: str, free: shapely.Geometry, south: float, rng: np.random.Generator) -> list[Building]:
    """Buildings of a use in rows."""
    if use == "old":
        flats = _housing(fill_rows(free, south, _SLABS if rng.random() < 0.93 else _LOW_TOWERS, rng), (5, 7), rng)
        flats += _housing(fill_rows(_rest(free, flats, 9.0), south, _SMALL_FLATS, rng), (4, 6), rng)
        sheds = fill_rows(_rest(free, flats, 3.0), south, _CYCLE_SHEDS, rng)
        return flats + [Building(f, "shed", 1, 0, True) for f in sheds]
    if use == "new":
        flats = _housing(fill_rows(free, south, _TOWERS, rng), (18, 33), rng) if rng.random() < 0.62 else []
        flats += _housing(fill_rows(_rest(free, flats, 17.0), south, _MIDRISE, rng), (9, 17), rng)
        flats = flats or _housing(fill_rows(free, south, _SMALL_FLATS, rng), (6, 11), rng)
        plant = fill_rows(_rest(free, flats, 5.0), south, _PLANT, rng)
        return flats + [Building(f, "service", 1, 0, True) for f in plant]
    if use == "village":
        return _houses(fill_rows(free, south, _HOUSES, rng), rng)
    if use == "works":
        halls = _of(fill_rows(free, south, _HALLS, rng), "industrial", (1, 2), 9000.0, rng)
        return halls + _of(fill_rows(_rest(free, halls, 7.0), south, _SHEDS, rng), "warehouse", (1, 3), 2500.0, rng)
    if use in ("office", "plots"):
        return _of(
            fill_rows(free, south, _OFFICES, rng),
            "office",
            (5, 12) if use == "plots" else (8, 24),
            900.0,
            rng,
        )
    if use == "commerce":
        return _of(fill_rows(free, south, _MALLS, rng), "commercial", (3, 6), 420.0, rng)
    if use in ("school", "campus"):
        kind = "school" if use == "school" else "university"
        return _of(fill_rows(free, south, _CLASSES, rng), kind, (3, 5), np.inf, rng)
    return []


def _housing(footprints: list[shapely.Polygon], levels: tuple[int, int], rng: np.random.Generator) -> list[Building]:
    """Flats. Most buildings of one compound have the same number of floors."""
    usual = int(rng.integers(levels[0], levels[1] + 1))
    return [
        Building(f, "apartments", int(np.clip(usual + rng.choice([0, 0, 0, -1, 1]), *levels)), 0, True)
        for f in footprints
    ]


def _rest(free: shapely.Geometry, built: list[Building], apart_m: float) -> shapely.Geometry:
    """Free ground at least `apart_m` away from buildings."""
    if not built:
        return free
    taken = [b.footprint.buffer(apart_m, join_style="mitre") for b in built]
    return shapely.difference(free, shapely.union_all(taken))


def _houses(footprints: list[shapely.Polygon], rng: np.random.Generator) -> list[Building]:
    """Village houses; one in twenty has a shop on the ground floor."""
    return [Building(f, "residential", int(rng.integers(2, 5)), int(rng.random() < 0.05), True) for f in footprints]


def _of(
    footprints: list[shapely.Polygon],
    kind: str,
    levels: tuple[int, int],
    unit_m2: float,
    rng: np.random.Generator,
) -> list[Building]:
    """Buildings for work: one unit for each `unit_m2` of floor, at least one in each building."""
    built = []
    for footprint in footprints:
        floors = int(rng.integers(levels[0], levels[1] + 1))
        built.append(Building(footprint, kind, floors, max(1, round(footprint.area * floors / unit_m2)), True))
    return built


def _pitch(free: shapely.Geometry, south: float) -> shapely.Polygon:
    """A running track in the western half of the free ground, as large as fits; empty if none does."""
    centre = free.centroid
    half = free.bounds[2] - free.bounds[0]
    for length, width in ((86.0, 74.0), (60.0, 52.0), (38.0, 34.0)):
        for aside in (0.28, 0.2, 0.12, -0.2):
            a = np.radians(south + 90.0)
            middle = np.array([centre.x - aside * half, centre.y])
            along = np.array([np.cos(a), np.sin(a)]) * length / 2
            track = shapely.LineString([middle - along, middle + along]).buffer(width / 2, quad_segs=8)
            if free.contains(track):
                return shapely.Polygon(to_lattice(shapely.get_coordinates(track)))
    return shapely.Polygon()


def _shops(
    plot: Plot,
    streets: list[Street],
    tree: shapely.STRtree,
    drives: list[shapely.Polygon],
    rng: np.random.Generator,
) -> list[Building]:
    """Shops along the edges of a plot that face a road."""
    by_use = _SHOPS_BY_USE.get(plot.use, 0.0)
    if by_use == 0.0 or plot.ground.area < 2500.0:
        return []
    ring = shapely.get_coordinates(shapely.orient_polygons(plot.ground.simplify(1.2)).exterior)
    middles = shapely.points((ring[:-1] + ring[1:]) / 2)
    facing = tree.nearest(middles)
    gates = shapely.union_all(drives)
    inside = prepared_copy(plot.ground.buffer(-0.3))
    shops: list[Building] = []
    for k in range(len(ring) - 1):
        road = streets[int(facing[k])]
        chance = _SHOPS_BY_ROAD.get(road.highway, 0.0) * by_use
        if np.hypot(*(ring[k + 1] - ring[k])) < 26.0 or rng.random() >= chance:
            continue
        drawn = np.array(_along_edge(ring[k], ring[k + 1], rng), dtype=object)
        before = [s.footprint for s in shops]
        fits = shapely.contains_properly(inside, drawn) & (shapely.distance(drawn, gates) > 1.0 if drives else True)
        if before:
            fits &= shapely.distance(drawn, shapely.union_all(before)) > 1.5
        for footprint in drawn[fits]:
            floors = int(rng.choice([1, 2, 2, 3]))
            shops.append(Building(footprint, "retail", floors, max(1, round(footprint.length / 2 / 9.0)), False))
    return shops


def _along_edge(a: Coordinates, b: Coordinates, rng: np.random.Generator) -> list[shapely.Polygon]:
    """Shop buildings side by side along an edge whose left side is the plot."""
    length = float(np.hypot(*(b - a)))
    along = (b - a) / length
    inward = np.array([-along[1], along[0]])
    depth = rng.uniform(8.5, 11.0)
    drawn = []
    x = rng.uniform(1.5, 5.0)
    while x < length - 12.0:
        width = min(rng.uniform(10.0, 29.0), length - 1.5 - x)
        corners = [(x, 1.6), (x + width, 1.6), (x + width, 1.6 + depth), (x, 1.6 + depth)]
        drawn.append(shapely.Polygon(to_lattice(np.array([a + u * along + v * inward for u, v in corners]))))
        x += width + (rng.uniform(0.6, 2.0) if rng.random() < 0.8 else rng.uniform(6.0, 14.0))
    return drawn
