"""Cuts, assigns and reconstructs until the repaired layer is a valid coverage.

The faces on the lattice are a valid coverage by construction. Restoring the original coordinates of a vertex moves it by up to
0.7 mm. Where a long edge runs closer than that to a vertex, as at T-junctions between cells that were drawn independently, the
vertex may change to the other side of the edge. The vertices of such cells stay on the lattice, step by step; this needs no new
cut. Where a vertex cannot stay there because a cell that was not cut has it, that cell is cut as well.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from geo.coverage.arcs import OUTSIDE as NOBODY
from geo.coverage.arcs import relabel
from geo.coverage.edges import Rim, invalid_with_neighbours, rim
from geo.coverage.repairing.assignment import Assignment, assign_ground
from geo.coverage.repairing.input_crs import InputCrs
from geo.coverage.repairing.original_vertices import OriginalCoordinates
from geo.coverage.repairing.outline import snap_to_outline
from geo.coverage.repairing.overlay import Overlay, OverlayBuilder
from geo.coverage.repairing.passages import open_rings
from geo.coverage.repairing.selection import narrow_passages
from geo.coverage.rings import polygons
from geo.errors import ImpossibleError, first_labels
from geo.layers.crs import PER_METRE
from geo.wording import counted

Shapes = npt.NDArray[np.object_]
Positions = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

# Cuts with further cells and narrow passages; the first one suffices for most layers, and four were never needed.
_ATTEMPTS = 8

# Maximum number of rounds that open rings; opening one ring was never seen to close another.
_ROUNDS = 3

# Cells this close to a cell that is not valid may have a vertex that is in its way.
_BESIDE_M = 2 / PER_METRE

_NONE = np.empty(0, dtype=np.int64)


@dataclass(frozen=True)
class _Result:
    """Repaired cells.

    Attributes
    ----------
    cells
        The polygons.
    rim
        Their edges without a matching neighbour edge.
    spoilt
        Positions of cells that are not valid, or that form no valid coverage with their neighbours.
    """

    cells: Shapes
    rim: Rim
    spoilt: Positions


def solve(
    ground: OverlayBuilder,
    border: shapely.Geometry | None,
    is_protected: Flags,
    largest_gap_m2: float,
    labels: npt.NDArray[np.object_],
    came: InputCrs,
) -> tuple[Shapes, Overlay, Assignment]:
    """Repaired polygons, the faces and their assignment.

    Raises
    ------
    ImpossibleError
        If a cell would lose all of its ground, or the result is not a valid coverage.
    """
    shapes = ground.shapes
    on_lattice, wider, ties = _NONE, _NONE, np.empty(0, dtype=object)
    if border is None:
        ties = narrow_passages(shapes, Rim.among(ground.fault.network, len(shapes)))
    for _ in range(_ATTEMPTS):
        faces = ground.cut(on_lattice, ties, wider)
        choice = assign_ground(faces, shapes, is_protected, largest_gap_m2)
        if len(np.setdiff1d(choice.narrow, wider)):
            wider = np.union1d(wider, choice.narrow)
            faces = ground.cut(on_lattice, ties, wider)
            choice = assign_ground(faces, shapes, is_protected, largest_gap_m2)
        lattice = _merged_faces(shapes, faces, choice, is_protected)
        lost = _without_ground(shapes, faces.cells, lattice)
        if len(np.setdiff1d(lost, on_lattice)):
            on_lattice = np.union1d(on_lattice, _near(ground, shapes[lost]))
            continue
        _require_ground(lost, labels)
        if len(faces.cells) == 0:
            return shapes.copy(), faces, choice
        made = _restored(shapes, faces, lattice, border)
        loose = narrow_passages(made.cells, made.rim) if border is None else ties[:0]
        if len(made.spoilt) == 0 and len(loose) == 0:
            break
        ties = np.concatenate([ties, loose])
        more = _cells_in_the_way(ground, made, on_lattice)
        if len(made.spoilt) and len(more) == len(on_lattice):
            break
        on_lattice = more
    if len(made.spoilt):
        raise _failure(made, labels, came)
    return made.cells, faces, choice


def _cells_in_the_way(ground: OverlayBuilder, made: _Result, on_lattice: Positions) -> Positions:
    """Cells that are to be cut completely and stay on the lattice: spoilt ones, then those near them, then everything near."""
    if len(made.spoilt) == 0:
        return on_lattice
    more = np.union1d(on_lattice, made.spoilt)
    again = np.intersect1d(made.spoilt, on_lattice)
    more = np.union1d(more, _near(ground, np.concatenate([ground.shapes[again], made.cells[again]])))
    return np.union1d(more, _near(ground, ground.shapes[on_lattice])) if len(more) == len(on_lattice) else more


def _near(ground: OverlayBuilder, shapes: Shapes) -> Positions:
    """Cells that may have a vertex in the way of some polygons, and these cells themselves."""
    near: Positions = np.unique(ground.tree.query(shapes, predicate="dwithin", distance=_BESIDE_M)[1]).astype(np.int64)
    return near


def _merged_faces(shapes: Shapes, faces: Overlay, choice: Assignment, is_protected: Flags) -> Shapes:
    """The cut cells on the lattice, without rings that the input did not have."""
    lattice = _merged(faces, choice)
    for _ in range(_ROUNDS):
        after = _drawn(shapes, faces, lattice, faces.places)
        if not open_rings(faces, shapes, after, is_protected, choice):
            break
        lattice = _merged(faces, choice)
    return lattice


def _merged(faces: Overlay, choice: Assignment) -> Shapes:
    """Merge the faces of each cut cell."""
    if len(faces.cells) == 0:
        return np.empty(0, dtype=object)
    place = np.full(len(faces.zone_of_cell) + 1, NOBODY, dtype=np.int32)  # index -1 (no owner) addresses the last entry
    place[faces.cells] = np.arange(len(faces.cells))
    side_of = np.append(place[choice.owner], NOBODY)
    merged = relabel(faces.arcs, side_of[faces.arcs.left], side_of[faces.arcs.right])
    return polygons(merged, len(faces.cells))


def _drawn(shapes: Shapes, faces: Overlay, lattice: Shapes, places: OriginalCoordinates) -> Shapes:
    """All cells with original coordinates; a cell that regains its old polygon keeps that polygon's vertices."""
    result = shapes.copy()
    _draw(result, shapes, faces.cells, lattice, places)
    return result


def _draw(result: Shapes, shapes: Shapes, cells: Positions, lattice: Shapes, places: OriginalCoordinates) -> None:
    drawn = places.draw(lattice)
    new = shapely.normalize(drawn) != shapely.normalize(shapes[cells])
    result[cells] = np.where(new, drawn, shapes[cells])


def _restored(shapes: Shapes, faces: Overlay, lattice: Shapes, border: shapely.Geometry | None) -> _Result:
    """Restore the original coordinates, except those that would spoil a cell."""
    places = faces.places
    after = _drawn(shapes, faces, lattice, places)
    changed = np.arange(len(lattice))  # positions in `lattice`
    while True:
        spoilt = changed[~shapely.is_valid(after[faces.cells[changed]])]
        if len(spoilt) == 0:
            made = _fitted(after, faces.cells, border)
            spoilt = np.flatnonzero(np.isin(faces.cells, made.spoilt))
            if len(spoilt) == 0:
                return made
        kept = places.keep_on_lattice(lattice[spoilt])
        changed = places.users(kept, lattice)
        if len(changed) == 0:
            return _fitted(after, faces.cells, border)
        places = kept
        _draw(after, shapes, faces.cells[changed], lattice[changed], places)


def _fitted(after: Shapes, cut_cells: Positions, border: shapely.Geometry | None) -> _Result:
    """Align cells with the outline, and find those that form no valid coverage.

    Neither the coverage validation of GEOS (geos #1476, #1525) nor the restored coordinates are trusted: edge-matched borders
    are accepted, all others are validated again.
    """
    edge = rim(after, border)
    if border is not None:
        snapped = snap_to_outline(after, edge, cut_cells, border)
        if snapped is not after:
            after, edge = snapped, rim(snapped, border)
    invalid: Positions = cut_cells[~shapely.is_valid(after[cut_cells])]
    if len(invalid) == 0:
        invalid = invalid_with_neighbours(after, edge.cells).astype(np.int64)
    return _Result(after, edge, invalid)


def _without_ground(shapes: Shapes, cut_cells: Positions, lattice: Shapes) -> Positions:
    empty = shapely.is_empty(shapes)
    empty[cut_cells] = shapely.is_empty(lattice)
    return np.flatnonzero(empty)


def _require_ground(lost: Positions, labels: npt.NDArray[np.object_]) -> None:
    if len(lost):
        raise ImpossibleError(
            f"{counted(len(lost), 'cell')} would lose all ground ({first_labels(list(labels[lost]))}): each equals another "
            "cell or lies outside the outline; remove it or move it",
            ids=list(labels[lost]),
        )


def _failure(made: _Result, labels: npt.NDArray[np.object_], came: InputCrs) -> ImpossibleError:
    """The error for a layer without a valid result, with the place of the first cell that is not valid."""
    bad = made.cells[made.spoilt]
    invalid = bad[~shapely.is_valid(bad)]
    if len(invalid):
        at = shapely.Point([float(v) for v in shapely.is_valid_reason(invalid[0]).rstrip("]").split("[")[1].split()])
    else:
        wrong = shapely.coverage_invalid_edges(bad)
        at = shapely.Point(shapely.get_coordinates(wrong[~shapely.is_empty(wrong)][:1])[0])
    place = came.back(np.array([at], dtype=object)).iloc[0]
    return ImpossibleError(
        f"nothing was changed: the borders of {counted(len(made.spoilt), 'repaired cell')} "
        f"({first_labels(list(labels[made.spoilt]))}) "
        f"would cross or miss each other, first near {place.x:.10g} {place.y:.10g}; move or remove vertices there that are "
        "less than 1 mm from another vertex or edge, also of the outline, and repair again",
        ids=list(labels[made.spoilt]),
        geometry=place,
    )
