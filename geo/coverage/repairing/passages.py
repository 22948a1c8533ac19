"""Opening the rings that a repair would close: a cell that came with a way out is not left inside another one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse
import shapely
from scipy.sparse.csgraph import dijkstra

from geo.coverage import faults
from geo.coverage.edges import rim
from geo.coverage.repairing.assignment import OPENED, Assignment, holders_in_zone, reassign_detached
from geo.coverage.repairing.overlay import Overlay, Positions, Shapes

# Ground that the surrounded cell never held is taken only where its own does not do.
_FOREIGN = 10.0

# A way of this width in metres at least: narrower ones would hang on a corner.
_LEAST_WAY_M = 0.01


def open_rings(
    faces: Overlay, shapes: Shapes, after: Shapes, protected: npt.NDArray[np.bool_], choice: Assignment
) -> bool:
    """Give surrounded cells a way out, over ground that the cell around them did not have for itself alone.

    Parameters
    ----------
    faces, choice
        The faces and who gets them; `choice` is changed.
    shapes, after
        The cells as they came, and as they would be.
    protected
        Cells that give and take nothing.

    Returns
    -------
    bool
        Whether anything was changed. Rings that cells came with stay, and so do those that have no such ground.
    """
    rings = faults.enclosing_cells(after[faces.cells])
    if not rings:
        return False
    came = {place.cells[0] for place in faults.enclosing_cells(shapes[faces.cells])}
    within = shapely.point_on_surface(faces.polygons)
    opened = False
    for place in rings:
        around = int(faces.cells[place.cells[0]])
        if place.cells[0] in came or protected[around]:
            continue
        inner = np.flatnonzero(shapely.covers(faces.places.draw(np.array([place.geometry]))[0], within))
        inner = inner[(choice.owner[inner] >= 0) & (choice.owner[inner] != around)]
        way, to = _way_out(faces, inner, around, choice)
        if len(way) and not protected[to]:
            choice.owner[way] = to
            choice.reason[way] = OPENED
            opened = True
    if opened:
        reassign_detached(faces, shapes, protected, choice)
    return opened


def _way_out(faces: Overlay, inner: Positions, around: int, choice: Assignment) -> tuple[Positions, int]:
    """The least ground that joins the inner faces to anything beyond the cell around them, and the cell that gets it."""
    n = len(faces.polygons)
    face, cell = holders_in_zone(faces)
    mine = np.bincount(face[cell == around], minlength=n) > 0
    others = np.bincount(face[cell != around], minlength=n) > 0
    wanted = np.bincount(face[np.isin(cell, choice.owner[inner])], minlength=n) > 0
    free = (choice.owner == around) & (~mine | others)
    inside = np.zeros(n, dtype=bool)
    inside[inner] = True
    wide = faces.pairs[faces.pairs["length_m"] >= _LEAST_WAY_M]
    one, two = wide["a"].to_numpy(), wide["b"].to_numpy()
    a, b = np.concatenate([one, two]), np.concatenate([two, one])
    beyond = ~inside & (choice.owner != around)
    leaves = free & np.isin(np.arange(n), np.concatenate([a[beyond[b]], _at_the_end(faces.polygons)]))
    enters = free[b] & inside[a]
    passes = free[a] & free[b]
    cost = shapely.area(faces.polygons) * np.where(wanted, 1.0, _FOREIGN)
    start, end = n, n + 1
    ends = np.flatnonzero(leaves)
    graph = scipy.sparse.csr_matrix(
        (
            np.concatenate([cost[b[enters]], cost[b[passes]], np.full(len(ends), 1e-9)]),
            (
                np.concatenate([np.full(int(enters.sum()), start), a[passes], ends]),
                np.concatenate([b[enters], b[passes], np.full(len(ends), end)]),
            ),
        ),
        shape=(n + 2, n + 2),
    )
    distance, before = dijkstra(graph, indices=start, return_predecessors=True)
    if not np.isfinite(distance[end]):
        return np.empty(0, dtype=np.int64), -1
    way = []
    here = before[end]
    while here != start:
        way.append(int(here))
        here = before[here]
    beside = choice.owner[a[inside[a] & (b == way[-1])]]
    return np.array(way, dtype=np.int64), int(np.bincount(beside).argmax())


def _at_the_end(polygons: Shapes) -> Positions:
    """Overlay with a border that no other face shares: beyond it nothing was cut."""
    edge = rim(polygons)
    length = np.hypot(*(edge.ends[:, 1] - edge.ends[:, 0]).T)
    return np.flatnonzero(np.bincount(edge.owner, weights=length, minlength=len(polygons)) >= _LEAST_WAY_M)
