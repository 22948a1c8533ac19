"""Assigns each face of the cut layer to a cell."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse
import shapely
from scipy.sparse.csgraph import connected_components

from geo.coverage.arcs import OUTSIDE as NOBODY
from geo.coverage.arcs import Arcs
from geo.coverage.repairing.overlay import Overlay, Positions, Shapes
from geo.errors import ImpossibleError

#: Reason for the assignment of a face, shown in the plan of a repair.
GAP = "空缺地块，划归共同边界最长的相邻网格 / a gap, given to the neighbour with the longest common border"
CONTESTED = "重叠地块，划归共同边界最长的网格 / an overlap, given to the one with the longest common border"
NEEDED = "重叠地块，划归别无土地的网格 / an overlap, given to the cell that has no other ground"
PROTECTED = "重叠地块，划归受保护的网格 / an overlap, given to the protected cell"
OUTSIDE = "不在外轮廓（或上级网格）内 / outside the outline or the parent"
OPENED = "为避免网格被另一网格包围，划归被包围的网格 / given to a cell that another one would surround"
CUT_OFF = "与所属网格分离，划归相邻网格 / cut off from its cell, given to a neighbour"

_NONE = np.empty(0, dtype=np.int64)


@dataclass
class Assignment:
    """Result of the assignment of faces.

    Attributes
    ----------
    owner
        Owner of each face: position of a cell, -1 for none.
    reason
        Why the face was assigned to its owner, '' where it had a single holder.
    open_gaps
        Gaps left open because they are larger than allowed.
    narrow
        Cells with a detached piece next to a cell that was not cut, to which the piece might be assigned instead.
    """

    owner: Positions
    reason: npt.NDArray[np.object_]
    open_gaps: Positions
    narrow: Positions


def assign_ground(
    faces: Overlay, shapes: Shapes, protected: npt.NDArray[np.bool_], largest_gap_m2: float
) -> Assignment:
    """Assign every face to a cell, or to none."""
    n = len(faces.polygons)
    area = shapely.area(faces.polygons)
    choice = Assignment(np.full(n, -1, dtype=np.int64), np.full(n, "", dtype=object), _NONE, _NONE)
    held_face, held_cell = holders_in_zone(faces)
    holders = np.bincount(held_face, minlength=n)
    plain = holders[held_face] == 1
    choice.owner[held_face[plain]] = held_cell[plain]
    _settle_protected(held_face, held_cell, holders, protected, choice)
    _settle_needed(held_face, held_cell, area, choice)
    gaps = _gaps(faces, holders, area, largest_gap_m2, choice)
    _assign_by_longest_border(faces, np.flatnonzero((holders > 1) & (choice.owner < 0)), CONTESTED, protected, choice)
    _assign_by_longest_border(faces, gaps, GAP, protected, choice)
    reassign_detached(faces, shapes, protected, choice)
    return choice


def holders_in_zone(faces: Overlay) -> tuple[Positions, Positions]:
    """Pairs of a face and a holder in the same zone, which is therefore a candidate owner."""
    home = faces.zone[faces.held_face] == faces.zone_of_cell[faces.held_cell]
    return faces.held_face[home], faces.held_cell[home]


def _settle_protected(
    held_face: Positions,
    held_cell: Positions,
    holders: npt.NDArray[np.intp],
    protected: npt.NDArray[np.bool_],
    choice: Assignment,
) -> None:
    mine = (holders[held_face] > 1) & protected[held_cell]
    face, count = np.unique(held_face[mine], return_counts=True)
    if (count > 1).any():
        raise ImpossibleError("two protected cells overlap, so one of them must lose ground; protect only one of them")
    choice.owner[held_face[mine]] = held_cell[mine]
    choice.reason[face] = PROTECTED


def _settle_needed(
    held_face: Positions, held_cell: Positions, area: npt.NDArray[np.float64], choice: Assignment
) -> None:
    """Assign contested faces to cells that have no other ground, smallest cell first."""
    poor = np.setdiff1d(held_cell, choice.owner[choice.owner >= 0])
    if len(poor) == 0:
        return
    size = np.bincount(held_cell, weights=area[held_face], minlength=int(held_cell.max()) + 1)
    for cell in poor[np.argsort(size[poor], kind="stable")]:
        mine = held_face[held_cell == cell]
        mine = mine[choice.owner[mine] < 0]
        choice.owner[mine] = cell
        choice.reason[mine] = NEEDED


def _gaps(
    faces: Overlay,
    holders: npt.NDArray[np.intp],
    area: npt.NDArray[np.float64],
    largest_gap_m2: float,
    choice: Assignment,
) -> Positions:
    """Faces without a holder that are to be filled; the size limit applies to connected faces together."""
    empty = np.flatnonzero((faces.zone >= 0) & (holders == 0))
    if len(empty) == 0:
        return empty
    group = _components(faces.pairs, empty, faces.zone)
    size = np.bincount(group, weights=area[empty])
    choice.open_gaps = empty[size[group] > largest_gap_m2]
    return empty[size[group] <= largest_gap_m2]


def _assign_by_longest_border(
    faces: Overlay, open_faces: Positions, reason: str, protected: npt.NDArray[np.bool_], choice: Assignment
) -> None:
    """Assign open faces in rounds to the neighbouring owner with the longest common border; contested ones to a holder.

    The longest border is settled first, so that a gap of many faces is divided among few cells.
    """
    held_face, held_cell = holders_in_zone(faces)
    n = len(faces.zone_of_cell)
    contested = reason == CONTESTED
    rest = open_faces
    while len(rest):
        borders = _borders(faces, rest, choice.owner)
        if contested:
            borders = borders[np.isin(borders["face"] * n + borders["cell"], held_face * n + held_cell)]
        else:
            borders = borders[~protected[borders["cell"].to_numpy()]]
        if borders.empty:
            break
        best = borders.sort_values(["face", "length_m", "cell"], ascending=[True, False, True]).drop_duplicates("face")
        choice.owner[best["face"].to_numpy()] = best["cell"].to_numpy()
        choice.reason[best["face"].to_numpy()] = reason
        rest = rest[choice.owner[rest] < 0]
    for face in rest.tolist() if contested else []:
        choice.owner[face] = held_cell[np.searchsorted(held_face, face)]
        choice.reason[face] = reason


def _borders(faces: Overlay, open_faces: Positions, owner: Positions) -> pd.DataFrame:
    """Length of the border between each open face and each neighbouring owner in the same zone."""
    pairs = faces.pairs
    a = np.concatenate([pairs["a"], pairs["b"]])
    b = np.concatenate([pairs["b"], pairs["a"]])
    length = np.concatenate([pairs["length_m"], pairs["length_m"]])
    near = np.isin(a, open_faces) & (owner[b] >= 0)
    near[near] = faces.zone[a[near]] == faces.zone_of_cell[owner[b[near]]]
    frame = pd.DataFrame({"face": a[near], "cell": owner[b[near]], "length_m": length[near]})
    return frame.groupby(["face", "cell"])["length_m"].sum().reset_index()


def reassign_detached(faces: Overlay, shapes: Shapes, protected: npt.NDArray[np.bool_], choice: Assignment) -> None:
    """Assign detached parts to a neighbour until no cell has more parts than in the input."""
    area = shapely.area(faces.polygons)
    before = np.maximum(shapely.get_num_geometries(shapes), 1)
    for _ in range(20):  # each round joins parts to larger ones; at most two rounds were ever needed
        owned = np.flatnonzero(choice.owner >= 0)
        part = _components(faces.pairs, owned, choice.owner)
        n_parts = int(part.max(initial=-1)) + 1
        size = np.bincount(part, weights=area[owned], minlength=n_parts)
        owner = np.zeros(n_parts, dtype=np.int64)
        owner[part] = choice.owner[owned]
        order = np.lexsort((-size, owner))
        rank = np.empty(n_parts, dtype=np.int64)
        rank[order] = np.arange(n_parts) - np.searchsorted(owner[order], owner[order])
        loose = (rank >= before[owner]) & ~protected[owner]
        moving = owned[loose[part]]
        if len(moving) == 0:
            return
        home = choice.owner.copy()
        choice.narrow = np.union1d(choice.narrow, home[np.intersect1d(moving, _faces_at_boundary(faces.arcs))])
        choice.owner[moving] = -1
        _assign_to_neighbours(faces, moving, home, protected, choice)
        if (choice.owner[moving] == home[moving]).all():
            return


def _assign_to_neighbours(
    faces: Overlay, moving: Positions, home: Positions, protected: npt.NDArray[np.bool_], choice: Assignment
) -> None:
    borders = _borders(faces, moving, choice.owner)
    cell = borders["cell"].to_numpy()
    borders = borders[(cell != home[borders["face"].to_numpy()]) & ~protected[cell]]
    best = borders.sort_values(["face", "length_m", "cell"], ascending=[True, False, True]).drop_duplicates("face")
    choice.owner[best["face"].to_numpy()] = best["cell"].to_numpy()
    choice.reason[best["face"].to_numpy()] = CUT_OFF
    left = moving[choice.owner[moving] < 0]
    choice.owner[left] = home[left]  # an island has no neighbour and stays with its cell


def _faces_at_boundary(arcs: Arcs) -> Positions:
    """Faces at the boundary of the cut region."""
    return np.unique(np.concatenate([arcs.left[arcs.right == NOBODY], arcs.right[arcs.left == NOBODY]])).astype(
        np.int64
    )


def _components(pairs: pd.DataFrame, members: Positions, owner: Positions) -> npt.NDArray[np.int32]:
    """Connected component of each member, among faces that share a border and have the same owner."""
    number = np.full(len(owner), -1, dtype=np.int64)
    number[members] = np.arange(len(members))
    a, b = pairs["a"].to_numpy(), pairs["b"].to_numpy()
    same = (number[a] >= 0) & (number[b] >= 0) & (owner[a] == owner[b])
    graph = scipy.sparse.coo_matrix(
        (np.ones(int(same.sum()), dtype=np.int8), (number[a[same]], number[b[same]])), shape=(len(members),) * 2
    )
    component: npt.NDArray[np.int32] = connected_components(graph, directed=False)[1]
    return component
