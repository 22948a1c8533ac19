"""Rows of buildings in an area: the footprints, independent of their use.

The area is turned so that rows run along x, chords are taken at both edges of each row, and slots are set into what the
chords have in common; a footprint is drawn into each slot. Footprints of one call never touch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import shapely

from geo.prepared import prepared_copy
from geo.sample.town.outline import Coordinates, to_lattice

# Number of row layouts sampled for an area; the one that builds on most ground is used.
_LAYOUTS = 3

Range = tuple[float, float]


@dataclass(frozen=True)
class RowStyle:
    """Sizes in metres, as (minimum, maximum).

    Attributes
    ----------
    depth_m, length_m
        Of a building.
    row_gap_m, neighbour_gap_m
        Free ground between rows and between neighbours in a row.
    shapes
        Which footprints and how often: ``rect step ell cross``.
    omit
        Share of the slots that stay empty.
    """

    depth_m: Range
    length_m: Range
    row_gap_m: Range
    neighbour_gap_m: Range
    shapes: tuple[tuple[str, float], ...] = (("rect", 1.0),)
    omit: float = 0.0


def fill_rows(
    area: shapely.Polygon, angle_deg: float, style: RowStyle, rng: np.random.Generator
) -> list[shapely.Polygon]:
    """Footprints in rows inside `area`, on the lattice, row by row.

    Parameters
    ----------
    area
        Free ground in metres; may have holes or several parts.
    angle_deg
        Direction of the rows, anticlockwise from the x axis.
    """
    if area.is_empty or area.area < style.depth_m[0] * style.length_m[0]:
        return []
    centre = np.array(area.centroid.coords[0])
    turn = _turn(np.radians(angle_deg))
    local = shapely.transform(area, lambda xy: (xy - centre) @ turn.T)
    slots = max((_slots(local, style, rng) for _ in range(_LAYOUTS)), key=_built_on)
    names, weights = zip(*style.shapes, strict=True)
    kinds = rng.choice(len(names), len(slots), p=np.array(weights) / sum(weights))
    keep = rng.random(len(slots)) >= style.omit
    drawn = [
        shapely.Polygon(to_lattice(_footprint(str(names[k]), slot) @ turn + centre))
        for slot, k, kept in zip(slots, kinds, keep, strict=True)
        if kept
    ]
    inside = shapely.contains_properly(prepared_copy(area), drawn)
    return [p for p, fits in zip(drawn, inside, strict=True) if fits]


def _turn(angle: float) -> Coordinates:
    """Matrix that turns positions by -`angle` when applied from the left."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, s], [-s, c]])


def _built_on(slots: list[tuple[float, ...]]) -> float:
    return sum((x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in slots)


def _slots(local: shapely.Geometry, style: RowStyle, rng: np.random.Generator) -> list[tuple[float, ...]]:
    """Slots (x0, y0, x1, y1) of all rows."""
    west, south, east, north = local.bounds
    rows: list[tuple[float, float]] = []
    y = south + rng.uniform(0.2, 3.0)
    while y < north - style.depth_m[0]:
        depth = rng.uniform(*style.depth_m)
        rows.append((y, y + depth))
        y += depth + rng.uniform(*style.row_gap_m)
    slots: list[tuple[float, ...]] = []
    if not rows:
        return slots
    edges = np.array(rows)
    low, high = (_chords(local, edges[:, k], west, east) for k in (0, 1))
    for (y0, y1), below, above in zip(rows, low, high, strict=True):
        common = [(max(a, c), min(b, d)) for a, b in below for c, d in above]
        for a, b in common:
            slots += [(x0, y0, x1, y1) for x0, x1 in _row(a + 0.05, b - 0.05, style, rng)]
    return slots


def _chords(local: shapely.Geometry, heights: Coordinates, west: float, east: float) -> list[list[tuple[float, float]]]:
    """Intervals of x in which each horizontal line is inside, west to east."""
    ends = np.empty((len(heights), 2, 2))
    ends[:, 0, 0], ends[:, 1, 0] = west - 1, east + 1
    ends[:, :, 1] = heights[:, None]
    cuts = shapely.intersection(local, shapely.linestrings(ends))
    chords: list[list[tuple[float, float]]] = [[] for _ in heights]
    parts, owner = shapely.get_parts(cuts, return_index=True)
    for part, row in zip(shapely.bounds(parts), owner, strict=True):
        if part[0] < part[2]:  # an empty piece has bounds of NaN
            chords[row].append((float(part[0]), float(part[2])))
    return [sorted(c) for c in chords]


def _row(a: float, b: float, style: RowStyle, rng: np.random.Generator) -> list[tuple[float, float]]:
    """Slots along one chord: as many as fit at a middling length, evenly spread."""
    least, most = style.length_m
    free = b - a
    if free < least:
        return []
    beside = rng.uniform(*style.neighbour_gap_m)
    wanted = rng.uniform(least, most)
    n = max(1, int((free + beside) // (wanted + beside)))
    length = (free - (n - 1) * beside) / n
    slots = []
    for k in range(n):
        x0 = a + k * (length + beside)
        used = min(length, most) * rng.uniform(0.9, 1.0)
        if used < least:
            used = min(length, least)
        slack = length - used
        start = x0 + slack * rng.uniform(0.0, 1.0 if n == 1 else 0.5)
        slots.append((start, start + used))
    return slots


def _footprint(kind: str, slot: tuple[float, ...]) -> Coordinates:
    """Corners of a footprint in its slot, anticlockwise, without the closing one."""
    x0, y0, x1, y1 = slot
    w, d = x1 - x0, y1 - y0
    if kind == "step":
        # Two staircases of a slab, one set back by a tenth of the depth.
        m, s = x0 + w / 2, d * 0.12
        return np.array([(x0, y0), (m, y0), (m, y0 + s), (x1, y0 + s), (x1, y1), (m, y1), (m, y1 - s), (x0, y1 - s)])
    if kind == "ell":
        m, s = x0 + w * 0.42, y0 + d * 0.5
        return np.array([(x0, y0), (x1, y0), (x1, s), (m, s), (m, y1), (x0, y1)])
    if kind == "cross":
        a, b = w * 0.24, d * 0.2
        return np.array(
            [
                (x0 + a, y0),
                (x1 - a, y0),
                (x1 - a, y0 + b),
                (x1, y0 + b),
                (x1, y1 - b),
                (x1 - a, y1 - b),
                (x1 - a, y1),
                (x0 + a, y1),
                (x0 + a, y1 - b),
                (x0, y1 - b),
                (x0, y0 + b),
                (x0 + a, y0 + b),
            ]
        )
    return np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)])
