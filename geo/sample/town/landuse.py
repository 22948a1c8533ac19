"""Uses of the blocks, plots, the lanes and drives inside them, and parks.

A block is ground between centre lines; a plot is what is left of it behind the pavements, with one use. A plot is managed
by one body, and its ground without the shops along its edge becomes a compound.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import shapely

from geo.prepared import prepared_copy
from geo.sample.town import plan
from geo.sample.town.cutting import Cutting, Street, cut
from geo.sample.town.network import GRID_M, Network, corridors
from geo.sample.town.outline import to_lattice

# Mix of uses of the blocks of a zone, as weights. Synthetic, so that every kind of ground occurs; not measured.
_ZONES: dict[str, dict[str, float]] = {
    "old": {"old": 74, "new": 10, "village": 5, "commerce": 4, "office": 3, "green": 4},
    "new": {"new": 84, "commerce": 6, "green": 7, "old": 3},
    "mixed": {"old": 44, "new": 34, "commerce": 8, "office": 7, "green": 7},
    "village": {"village": 78, "old": 13, "commerce": 4, "works": 3, "green": 3},
    "centre": {"old": 40, "commerce": 24, "office": 20, "new": 12, "green": 4},
    "works": {"works": 82, "old": 9, "office": 6, "green": 3},
    "park": {"plots": 84, "commerce": 6, "green": 10},
    "campus": {"campus": 55, "old": 25, "new": 15, "green": 5},
    "lake": {"new": 45, "old": 40, "commerce": 8, "green": 7},
    "hill": {"green": 1},
}

#: Land use of a compound by the use of its plot; uses that are missing here have none.
LANDUSE = {
    "old": "residential",
    "new": "residential",
    "village": "residential",
    "commerce": "commercial",
    "office": "office",
    "plots": "office",
    "works": "industrial",
    "campus": "education",
    "school": "education",
}
WALLED = frozenset({"old", "new", "works", "campus", "school"})

_SCHOOL_M2 = (11_000.0, 36_000.0)
_LANES_BLOCK_M2 = 4_400.0
_DRIVE_FROM_M2 = 11_000.0
_BRANCH_FROM_M2 = 20_000.0
_DRIVE_WIDTH_M = 5.5
_OUTLINE_SETBACK_M = 3.0
_BANK_M = 22.0
_RAIL_CLEAR_M = 20.0
# Drives do not lead to arterials; among other roads the smaller is preferred.
_DRIVE_RANK = {"residential": 0, "tertiary": 1, "secondary": 2}


@dataclass(frozen=True)
class Plot:
    """One use on one block.

    Attributes
    ----------
    quarter
        Number of its quarter in the plan.
    use
        A key of ``LANDUSE``, or ``green``.
    block
        The ground to the centre lines.
    ground
        The ground behind the pavements, clear of water and railway: the largest part.
    drives
        Lanes and drives inside: dead ends from a gate, or the lanes of a village.
    """

    quarter: int
    use: str
    block: shapely.Polygon
    ground: shapely.Polygon
    drives: tuple[Street, ...] = ()

    @property
    def angle_deg(self) -> float:
        """Direction of its rows of buildings."""
        return plan.QUARTERS[self.quarter].angle_deg


def lay_out(network: Network, outline: shapely.Polygon, rng: np.random.Generator) -> list[Plot]:
    """Assign a use to every block and create its ground, lanes and drives."""
    uses = _choose_uses(network, rng)
    grounds = _grounds(network, outline)
    plots = []
    streets = [s for s in network.streets if s.highway in _DRIVE_RANK]
    tree = shapely.STRtree([s.line for s in streets])
    stops = prepared_copy(
        shapely.union_all(
            [network.river.buffer(6.0), network.railway.buffer(_RAIL_CLEAR_M), outline.exterior.buffer(4.0)]
        )
    )
    for block, use, ground in zip(network.blocks, uses, grounds, strict=True):
        plot = Plot(block.quarter, use, block.polygon, ground)
        if use == "village":
            _, lanes = cut(plot.block, Cutting(plot.angle_deg, _LANES_BLOCK_M2, lanes=True), rng)
            plot = replace(plot, drives=tuple(_clear_lanes(lanes, stops)))
        elif use in ("old", "new", "plots", "works", "campus") and ground.area > _DRIVE_FROM_M2:
            plot = replace(plot, drives=tuple(_drives(plot, streets, tree, rng)))
        plots.append(plot)
    return plots


def _choose_uses(network: Network, rng: np.random.Generator) -> list[str]:
    """Use of each block: sampled from its zone, then one school in each residential quarter."""
    uses = []
    for block in network.blocks:
        mix = _ZONES[plan.QUARTERS[block.quarter].zone]
        weights = np.array(list(mix.values()), dtype=float)
        drawn = str(rng.choice(list(mix), p=weights / weights.sum()))
        # A pocket park is small; a large green block would leave a hole in the town.
        if drawn == "green" and block.polygon.area > 16_000 and len(mix) > 1:
            drawn = next(iter(mix))
        # A mall or an office has at most three hectares here.
        if drawn in ("commerce", "office") and block.polygon.area > 30_000:
            drawn = next(iter(mix))
        uses.append("green" if shapely.intersects(block.polygon, network.lake) else drawn)
    for number, quarter in enumerate(plan.QUARTERS):
        if quarter.zone not in ("works", "park", "hill", "campus"):
            mine = [
                i for i, b in enumerate(network.blocks) if b.quarter == number and uses[i] in ("old", "new", "village")
            ]
            chosen = _school_block([network.blocks[i].polygon for i in mine])
            if chosen is not None:
                uses[mine[chosen]] = "school"
    return uses


def _school_block(polygons: Sequence[shapely.Polygon]) -> int | None:
    """The most compact block with the size of a school."""
    if not polygons:
        return None
    areas = shapely.area(polygons)
    square = 16 * areas / shapely.length(polygons) ** 2
    square[(areas < _SCHOOL_M2[0]) | (areas > _SCHOOL_M2[1])] = 0
    best = int(np.argmax(square))
    return best if square[best] > 0 else None


def _grounds(network: Network, outline: shapely.Polygon) -> list[shapely.Polygon]:
    """Ground of each block without pavements."""
    taken = [
        *corridors([s for s in network.streets if s.highway != "footway"]),
        network.river.buffer(_BANK_M - 11.0),
        network.lake,
        network.railway.buffer(_RAIL_CLEAR_M),
        outline.exterior.buffer(_OUTLINE_SETBACK_M, cap_style="flat", join_style="mitre"),
    ]
    tree = shapely.STRtree(taken)
    grounds = []
    for block in network.blocks:
        near = [taken[i] for i in np.sort(tree.query(block.polygon, predicate="intersects"))]
        grounds.append(largest_polygon(shapely.difference(block.polygon, shapely.union_all(near), grid_size=GRID_M)))
    return grounds


def largest_polygon(geometry: shapely.Geometry) -> shapely.Polygon:
    """Largest polygon of a geometry; empty if there is none."""
    parts = [p for p in shapely.get_parts(geometry) if p.geom_type == "Polygon"]
    return max(parts, key=lambda p: p.area, default=shapely.Polygon())


def _clear_lanes(lanes: list[Street], stops: shapely.Geometry) -> list[Street]:
    """Lanes of a village without those that would cross the river, the railway or the outline."""
    parts = [(lane, part) for lane in lanes for part in shapely.get_parts(shapely.difference(lane.line, stops))]
    return [
        lane._replace(line=shapely.LineString(to_lattice(shapely.get_coordinates(part))))
        for lane, part in parts
        if part.length > 12.0
    ]


def _drives(plot: Plot, streets: list[Street], tree: shapely.STRtree, rng: np.random.Generator) -> list[Street]:
    """A drive from a gate on the quietest side beyond the middle, with a branch: both are dead ends."""
    middle = (
        plot.ground.representative_point() if not plot.ground.contains(plot.ground.centroid) else plot.ground.centroid
    )
    at = to_lattice(np.array(middle.coords[0]))
    reach = float(np.hypot(*np.ptp(shapely.get_coordinates(plot.block), axis=0)))
    angle = np.radians(plot.angle_deg)
    options = []
    for turn in range(4):
        way = np.array([np.cos(angle + turn * np.pi / 2), np.sin(angle + turn * np.pi / 2)])
        gate = _exit(plot.block, at, way, reach)
        back = _exit(plot.ground, at, -way, reach)
        if gate is None or back is None:
            continue
        facing = tree.query(shapely.Point(gate), predicate="dwithin", distance=0.01)
        if len(facing):
            rank = min(_DRIVE_RANK[streets[i].highway] for i in facing)
            options.append((rank, turn % 2, rng.random(), turn, gate, back))
    if not options:
        return []
    _, _, _, turn, gate, back = min(options, key=lambda o: o[:3])
    spine = [gate, at, to_lattice(at + (back - at) * rng.uniform(0.45, 0.75))]
    drives = [Street(shapely.LineString(spine), "service", _DRIVE_WIDTH_M)]
    if plot.ground.area < _BRANCH_FROM_M2:
        return drives
    side = np.array([np.cos(angle + (turn + 1) * np.pi / 2), np.sin(angle + (turn + 1) * np.pi / 2)])
    for sign in (1.0, -1.0):
        end = _exit(plot.ground, at, sign * side, reach)
        if end is not None and np.hypot(*(end - at)) > 55.0 and rng.random() < 0.8:
            branch = [at, to_lattice(at + (end - at) * rng.uniform(0.55, 0.8))]
            drives.append(Street(shapely.LineString(branch), "service", _DRIVE_WIDTH_M))
    return drives


def _exit(
    polygon: shapely.Polygon, start: np.ndarray[tuple[int], np.dtype[np.float64]], way: object, reach: float
) -> np.ndarray[tuple[int], np.dtype[np.float64]] | None:
    """Where a ray first leaves a polygon, on the lattice; None if it starts outside."""
    ray = shapely.LineString([start, start + np.asarray(way) * reach])
    inside = shapely.get_parts(shapely.intersection(polygon, ray))
    first = [p for p in inside if p.geom_type == "LineString" and shapely.distance(p, shapely.Point(start)) < 0.001]
    if not first:
        return None
    ends = shapely.get_coordinates(first[0])
    end: np.ndarray[tuple[int], np.dtype[np.float64]] = to_lattice(ends[int(np.argmax(np.hypot(*(ends - start).T)))])
    return end
