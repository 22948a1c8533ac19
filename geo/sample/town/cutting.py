"""Divides a quarter into blocks by streets, recursively until blocks are small enough.

A face is a ring of lattice coordinates without its closing vertex. A cut is a chord: both of its ends become vertices of
the ring, and the two halves share the whole chord, so no gap can arise. Ends snap to junctions nearby, which gives
crossroads; the others are T-junctions.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import shapely

from geo.sample.town.outline import Coordinates, to_lattice

# A street that would meet another within this distance of a junction is connected to the junction.
_SNAP_M = 30.0
_TRIES = 12
_MIN_WIDTH_M = 38.0


class Street(NamedTuple):
    """A centre line with what it is: OSM ``highway`` value, width in metres, name (may be empty)."""

    line: shapely.LineString
    highway: str
    width_m: float
    name: str = ""


@dataclass(frozen=True)
class Cutting:
    """How a quarter is divided.

    Attributes
    ----------
    angle_deg
        Direction of the streets against the axes.
    block_m2
        Blocks up to about this size are not divided.
    lanes
        Narrow unnamed lanes only, as in an urban village.
    keep_clear
        Area without streets.
    """

    angle_deg: float
    block_m2: float
    lanes: bool = False
    keep_clear: shapely.Polygon = field(default_factory=shapely.Polygon)


def cut(face: shapely.Polygon, how: Cutting, rng: np.random.Generator) -> tuple[list[shapely.Polygon], list[Street]]:
    """Divide a face into blocks.

    Returns
    -------
    blocks, streets
        Blocks cover the face; streets run between them. Both on the lattice.
    """
    blocks: list[shapely.Polygon] = []
    streets: list[Street] = []
    junctions: list[Coordinates] = []
    waiting = [shapely.get_coordinates(face.exterior)[:-1]]
    while waiting:
        ring = waiting.pop()
        polygon = shapely.Polygon(ring)
        halves = None
        if polygon.area > how.block_m2 * rng.uniform(0.75, 1.45):
            halves = _cut_once(ring, how, junctions, rng)
        if halves is None:
            blocks.append(polygon)
            continue
        one, other, chord = halves
        junctions += [chord[0], chord[-1]]
        highway, width_m = _street_class(polygon.area, how.lanes)
        streets.append(Street(shapely.LineString(chord), highway, width_m))
        waiting += [other, one]
    return blocks, streets


def _street_class(area_m2: float, lanes: bool) -> tuple[str, float]:
    """Class of the street that halves a face of this size."""
    if lanes:
        return "service", 3.5
    if area_m2 > 170_000:
        return "tertiary", 18.0
    if area_m2 > 75_000:
        return "residential", 12.0
    return "residential", 8.0


def _cut_once(
    ring: Coordinates,
    how: Cutting,
    junctions: list[Coordinates],
    rng: np.random.Generator,
) -> tuple[Coordinates, Coordinates, Coordinates] | None:
    """Divide across the longer side; None if there is no suitable place."""
    for attempt in range(_TRIES):
        angle = np.radians(how.angle_deg + rng.uniform(-2.5, 2.5))
        u, v = _turned(ring, -angle).T
        along_u = np.ptp(u) >= np.ptp(v) * rng.uniform(0.85, 1.15) if attempt < _TRIES - 2 else np.ptp(u) < np.ptp(v)
        if not along_u:
            # A cut at constant v is a cut at constant u in a frame turned by a right angle.
            angle += np.pi / 2
            u, v = _turned(ring, -angle).T
        # Near the middle; further away if the middle has to be kept free.
        reach = 0.14 if how.keep_clear.is_empty else 0.4
        at = u.min() + np.ptp(u) * rng.uniform(0.5 - reach, 0.5 + reach)
        ends = _longest_chord(u, v, at)
        if ends is None:
            continue
        bend = rng.normal(0, 0.018)
        halves = _halved(ring, ends, junctions, bend)
        if halves is not None and _good(halves, how):
            return halves
    return None


def _good(halves: tuple[Coordinates, Coordinates, Coordinates], how: Cutting) -> bool:
    """Whether both halves are acceptable and the street runs where it may."""
    one, other, chord = halves
    parts = np.array([shapely.Polygon(one), shapely.Polygon(other)])
    areas = shapely.area(parts)
    if not shapely.is_valid(parts).all() or areas.min() < 0.12 * areas.max():
        return False
    boxes = shapely.minimum_rotated_rectangle(parts)
    short_m = shapely.length(boxes) / 4 - np.sqrt(np.maximum(0, (shapely.length(boxes) / 4) ** 2 - shapely.area(boxes)))
    # A large half may be irregular, because it is divided again. A block must be suitable for building.
    squareness = np.where(areas > 2.5 * how.block_m2, 1.0, areas / shapely.area(boxes))
    if short_m.min() < (18.0 if how.lanes else _MIN_WIDTH_M) or squareness.min() < 0.55:
        return False
    return how.keep_clear.is_empty or bool(shapely.distance(shapely.LineString(chord), how.keep_clear) > 0)


def _turned(xy: Coordinates, angle: float) -> Coordinates:
    c, s = np.cos(angle), np.sin(angle)
    turned: Coordinates = xy @ np.array([[c, s], [-s, c]])
    return turned


def _longest_chord(u: Coordinates, v: Coordinates, at: float) -> tuple[tuple[int, float], tuple[int, float]] | None:
    """Longest piece of the line u = `at` inside a ring, as two (edge, share of the edge)."""
    u2, v2 = np.roll(u, -1), np.roll(v, -1)
    edges = np.flatnonzero((u < at) != (u2 < at))
    if len(edges) < 2:
        return None
    share = (at - u[edges]) / (u2[edges] - u[edges])
    height = v[edges] + share * (v2[edges] - v[edges])
    order = np.argsort(height, kind="stable")
    lengths = height[order][1::2] - height[order][0::2]
    k = 2 * int(np.argmax(lengths))
    a, b = order[k], order[k + 1]
    return (int(edges[a]), float(share[a])), (int(edges[b]), float(share[b]))


def _halved(
    ring: Coordinates,
    ends: tuple[tuple[int, float], tuple[int, float]],
    junctions: list[Coordinates],
    bend: float,
) -> tuple[Coordinates, Coordinates, Coordinates] | None:
    """Split a ring by a (slightly bent) chord between two places on it."""
    edge_a, edge_b = ends[0][0], ends[1][0]
    if edge_a == edge_b:
        return None
    a, b = (to_lattice(ring[e] + s * (ring[(e + 1) % len(ring)] - ring[e])) for e, s in ends)
    with_ends, i = _with_vertex(ring, edge_a, a, junctions)
    shift = len(with_ends) - len(ring) if edge_b > edge_a else 0
    before = len(with_ends)
    with_ends, j = _with_vertex(with_ends, edge_b + shift, b, junctions)
    if len(with_ends) > before and j <= i:
        i += 1
    if i == j:
        return None
    chord = _bent(with_ends[i], with_ends[j], bend)
    polygon = shapely.Polygon(with_ends)
    if not shapely.relate_pattern(shapely.LineString(chord), polygon, "TFF******"):
        chord = np.array([with_ends[i], with_ends[j]])
        if not shapely.relate_pattern(shapely.LineString(chord), polygon, "TFF******"):
            return None
    n = len(with_ends)
    walk_ij = with_ends[[(i + k) % n for k in range((j - i) % n + 1)]]
    walk_ji = with_ends[[(j + k) % n for k in range((i - j) % n + 1)]]
    return np.vstack([walk_ij, chord[::-1][1:-1]]), np.vstack([walk_ji, chord[1:-1]]), chord


def _with_vertex(
    ring: Coordinates, edge: int, at: Coordinates, junctions: list[Coordinates]
) -> tuple[Coordinates, int]:
    """Ring with a vertex at `at` (or at a junction or vertex of the ring close to it), and its number."""
    if junctions:
        near = np.array(junctions)
        near = near[np.hypot(*(near - at).T) < _SNAP_M]
        for junction in near[np.argsort(np.hypot(*(near - at).T), kind="stable")]:
            hit = np.flatnonzero((ring == junction).all(axis=1))
            if len(hit):
                return ring, int(hit[0])
    away = np.hypot(*(ring - at).T)
    nearest = int(np.argmin(away))
    if away[nearest] < 1.0:
        return ring, nearest
    return np.insert(ring, edge + 1, at, axis=0), edge + 1


def _bent(a: Coordinates, b: Coordinates, bend: float) -> Coordinates:
    """Chord from `a` to `b` drawn as a flat arc whose rise is `bend` times its length."""
    length = float(np.hypot(*(b - a)))
    n = max(1, min(8, int(length // 35)))
    t = np.linspace(0, 1, n + 1)[:, None]
    across = np.array([a[1] - b[1], b[0] - a[0]])
    line = to_lattice(a + t * (b - a) + 4 * t * (1 - t) * bend * across)
    line[0], line[-1] = a, b
    return line
