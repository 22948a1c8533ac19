"""Overlaps, gaps and ground outside the outline of a layer, with the kind of each piece.

A tolerance decides which pieces are findings. Their kind, neighbouring cells and geometry are determined on the 1 mm lattice
and so do not depend on the tolerance.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from geo.coverage import faults
from geo.coverage.defects import SoundLayer
from geo.coverage.edges import Network, Rim, invalid_with_neighbours
from geo.coverage.faults import Place, polygons_of, width_m
from geo.coverage.kinds import Kind
from geo.prepared import prepared_copy

Shapes = npt.NDArray[np.object_]

#: Faults narrower than one unit of the lattice are rounding, not findings.
TOLERANCE_M = 0.001

#: A gap narrower than this is called a sliver: no building or path fits into it, so it is unintended.
SLIVER_M = 0.5

# An uncovered piece that touches the outline over less than this is interior: only its corner reaches the outline.
_LEAST_OPENING_M = 4 * TOLERANCE_M

# An uncovered piece at the outline is an inlet if its depth exceeds this share of its opening: a half disc does, a strip along
# the outline does not. A missing cell can be as deep but touches three cells or more; with that many neighbours a piece is an
# inlet only if its depth exceeds the second share.
_INLET_DEPTH = 0.4
_INLET_DEPTH_OF_MANY = 3.0


@dataclass(frozen=True)
class Ground:
    """Faults in the ground that the cells of a layer cover.

    Attributes
    ----------
    overlaps
        Ground that two cells cover, with its kind.
    gaps
        Gaps, with their kind, and whether each may stay uncovered.
    outside
        Ground of each cell beyond the outline.
    unmatched
        Pairs of cells that do not share the vertices of their common border.
    totals
        Total areas of faults wider than the tolerance, square metres: `overlap_m2`, `uncovered_m2`, `outside_m2`.
    fine
        Number and total area of narrower faults.
    held_back
        Consequences of invalid polygons.
    not_listed
        Number and area of the consequences of invalid polygons; included in the totals but not in the lists.
    union
        Union of all cells, if no outline was given.
    uncovered_pieces, outside_pieces
        All uncovered ground inside the outline and all covered ground outside it, of any width.
    """

    overlaps: list[tuple[Kind, Place]]
    gaps: list[tuple[Kind, Place, bool]]
    outside: list[Place]
    unmatched: list[Place]
    totals: dict[str, float]
    fine: dict[str, float]
    held_back: list[Place]
    not_listed: dict[str, float]
    union: shapely.Geometry | None
    uncovered_pieces: list[shapely.Polygon]
    outside_pieces: list[shapely.Polygon]


def examine(
    layer: SoundLayer, border: shapely.Geometry | None, allowed: shapely.Geometry | None, tolerance_m: float
) -> Ground:
    """Find overlaps, gaps and ground outside the outline.

    Parameters
    ----------
    layer
        The polygons, made valid.
    border
        Area to be covered, or None.
    allowed
        Area that may stay uncovered, or None.
    tolerance_m
        Faults narrower than this are counted but not listed, metres.
    """
    shapes = layer.shapes
    # Edges that coincide with edges of the outline, vertex by vertex, count as matched.
    network = Network.of(shapes, border)
    edge = Rim.among(network, len(shapes))
    invalid = invalid_with_neighbours(shapes, edge.cells)
    unmatched = faults.unmatched_vertices(shapes, edge, tolerance_m)
    shared = faults.overlaps(shapes, invalid)
    union: shapely.Geometry | None = None
    pieces: list[shapely.Polygon]
    far: list[shapely.Polygon]
    if border is None:
        among = [c for place in [*unmatched, *shared] for c in place.cells]
        union = faults.covered_ground(shapes, np.union1d(invalid, among).astype(np.intp))
        pieces, far = faults.holes(union), []
    else:
        pieces, far = faults.uncovered_and_outside(shapes, network, border)
    wide, fine = _by_width(shared, tolerance_m)
    doubled, held_double = _listed(wide, layer)
    open_places, fine_gaps = _by_width([faults.piece(part) for part in pieces], tolerance_m)
    found = _gaps(open_places, shapes, border, allowed, tolerance_m)
    listed = [not layer.defects.explain(place) for _, place, _ in found]
    gaps = [one for one, shown in zip(found, listed, strict=True) if shown]
    held_gaps = [place for (_, place, _), shown in zip(found, listed, strict=True) if not shown]
    beyond = faults.reaching_into(shapes, [part for part in far if width_m(part) > tolerance_m], tolerance_m)
    outside, held_outside = _listed(beyond, layer)
    return Ground(
        overlaps=[(_overlap_kind(place, shapes), place) for place in doubled],
        gaps=gaps,
        outside=outside,
        unmatched=unmatched,
        totals={
            "overlap_m2": _area(wide),
            "uncovered_m2": _area(place for _, place, may_stay in found if not may_stay),
            "outside_m2": _area(beyond),
        },
        fine={"overlaps": len(fine), "overlap_m2": _area(fine), "gaps": len(fine_gaps), "gap_m2": _area(fine_gaps)},
        held_back=[*held_double, *held_gaps, *held_outside],
        not_listed={
            "overlaps": len(held_double),
            "overlap_m2": _area(held_double),
            "gaps": len(held_gaps),
            "gap_m2": _area(held_gaps),
            "outside": len(held_outside),
            "outside_m2": _area(held_outside),
        },
        union=union,
        uncovered_pieces=pieces,
        outside_pieces=far,
    )


def _area(places) -> float:  # type: ignore[no-untyped-def]
    return float(sum(place.area_m2 for place in places))


def _by_width(places: list[Place], tolerance_m: float) -> tuple[list[Place], list[Place]]:
    """Split places into those wider than the tolerance after removal of their hairlines, and the others."""
    wide: list[Place] = []
    fine: list[Place] = []
    for place in places:
        width = place.width_m
        if tolerance_m > TOLERANCE_M and width <= tolerance_m:
            width = width_m(faults.without_hairlines(place.geometry, tolerance_m))
        (wide if width > tolerance_m else fine).append(place)
    return wide, fine


def _listed(places: list[Place], layer: SoundLayer) -> tuple[list[Place], list[Place]]:
    """Split places into those to be listed and those explained by an invalid polygon."""
    explained = [layer.defects.explain(place) for place in places]
    return (
        [place for place, known in zip(places, explained, strict=True) if not known],
        [place for place, known in zip(places, explained, strict=True) if known],
    )


def _overlap_kind(place: Place, shapes: Shapes) -> Kind:
    rest = max(shapes[c].area - place.area_m2 for c in place.cells)
    return Kind.DUPLICATE_POLYGON if rest <= TOLERANCE_M * place.geometry.length else Kind.OVERLAP


def _gaps(
    places: list[Place],
    shapes: Shapes,
    border: shapely.Geometry | None,
    allowed: shapely.Geometry | None,
    tolerance_m: float,
) -> list[tuple[Kind, Place, bool]]:
    """Gaps with their kind and neighbouring cells; gaps in allowed ground are marked as such."""
    if not places:
        return []
    tree = shapely.STRtree(shapes)
    edge = None if border is None else prepared_copy(shapely.boundary(border).buffer(TOLERANCE_M))
    found: list[tuple[Kind, Place, bool]] = []
    for place in places:
        near = np.sort(tree.query(place.geometry, predicate="dwithin", distance=TOLERANCE_M))
        place = place._replace(cells=[int(i) for i in near])
        kind = _gap_kind(place, edge)
        common = None if allowed is None else shapely.intersection(place.geometry, allowed)
        if common is None or common.area == 0:
            found.append((kind, place, False))
            continue
        may_stay = faults.polygonal(common)
        found.append((kind, Place(may_stay, place.cells, float(may_stay.area), width_m(may_stay)), True))
        found += [
            (kind, Place(part, place.cells, float(part.area), width_m(part)), False)
            for part in polygons_of(shapely.difference(place.geometry, may_stay))
            if width_m(part) > tolerance_m
        ]
    return found


def _gap_kind(place: Place, edge: shapely.Geometry | None) -> Kind:
    rim_of = shapely.get_exterior_ring(max(polygons_of(place.geometry), key=lambda part: part.area))
    opening = shapely.LineString() if edge is None else shapely.intersection(rim_of, edge)
    if opening.length > _LEAST_OPENING_M:
        depth = float(shapely.distance(shapely.points(shapely.get_coordinates(rim_of)), opening).max())
        least = _INLET_DEPTH if len(place.cells) <= 2 else _INLET_DEPTH_OF_MANY
        return Kind.INLET if depth > least * opening.length else Kind.OUTLINE_UNCOVERED
    return Kind.SLIVER if place.width_m < SLIVER_M else Kind.GAP
