"""Opens rings that a repair would close: a cell that was not surrounded in the input is not left inside another one."""

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

# Cost factor for ground that the surrounded cell did not hold: it is used only if its own ground does not suffice.
_FOREIGN = 10.0

# Minimum width of a passage in metres: a narrower one would amount to a contact in a point.
_LEAST_PASSAGE_M = 0.01


def open_rings(
    faces: Overlay, shapes: Shapes, after: Shapes, protected: npt.NDArray[np.bool_], choice: Assignment
) -> bool:
    """Assign surrounded cells a passage over ground that the surrounding cell did not hold alone.

    Parameters
    ----------
    faces, choice
        The faces and their assignment; `choice` is changed.
    shapes, after
        The input cells, and the cells that the assignment would give.
    protected
        Cells that neither gain nor lose ground.

    Returns
    -------
    bool
        Whether anything was changed. Rings of the input are kept, and so are rings without such ground.
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
        way, to = _smallest_passage(faces, inner, around, choice)
        if len(way) and not protected[to]:
            choice.owner[way] = to
            choice.reason[way] = OPENED
            opened = True
    if opened:
        reassign_detached(faces, shapes, protected, choice)
    return opened


def _smallest_passage(faces: Overlay, inner: Positions, around: int, choice: Assignment) -> tuple[Positions, int]:
    """The smallest passage from the inner faces to anything outside the surrounding cell, and the cell that gets it."""
    n = len(faces.polygons)
    face, cell = holders_in_zone(faces)
    mine = np.bincount(face[cell == around], minlength=n) > 0
    others = np.bincount(face[cell != around], minlength=n) > 0
    wanted = np.bincount(face[np.isin(cell, choice.owner[inner])], minlength=n) > 0
    free = (choice.owner == around) & (~mine | others)
    inside = np.zeros(n, dtype=bool)
    inside[inner] = True
    wide = faces.pairs[faces.pairs["length_m"] >= _LEAST_PASSAGE_M]
    one, two = wide["a"].to_numpy(), wide["b"].to_numpy()
    a, b = np.concatenate([one, two]), np.concatenate([two, one])
    beyond = ~inside & (choice.owner != around)
    leaves = free & np.isin(np.arange(n), np.concatenate([a[beyond[b]], _faces_at_boundary(faces.polygons)]))
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


def _faces_at_boundary(polygons: Shapes) -> Positions:
    """Faces with a border that no other face shares: the boundary of the cut region."""
    edge = rim(polygons)
    length = np.hypot(*(edge.ends[:, 1] - edge.ends[:, 0]).T)
    return np.flatnonzero(np.bincount(edge.owner, weights=length, minlength=len(polygons)) >= _LEAST_PASSAGE_M)
