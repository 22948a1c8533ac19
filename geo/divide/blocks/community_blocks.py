"""Groups complete blocks into communities, so that their borders follow roads, railways and water everywhere.

In annealing from atoms, a border across a block is a local minimum: to reach the next road it has to sweep over the block,
which the balance term prevents. Blocks are few and large, so partitioning them is fast; the result is used if it is balanced.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import shapely

from geo.divide.blocks.atoms import Atoms
from geo.divide.blocks.street_blocks import Blocks, border_of
from geo.divide.partitioning.adjacency import build_graph, segments
from geo.divide.partitioning.indivisible import units
from geo.divide.partitioning.merging import dissolve
from geo.divide.partitioning.nested import Parents, border_costs
from geo.divide.partitioning.objective import Cells, Rules
from geo.divide.partitioning.split import Splitter
from geo.errors import ImpossibleError, InputError
from geo.layers import Level

Ints = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]
Geometries = npt.NDArray[np.object_]

# With fewer blocks per community there is too little choice.
_LEAST_BLOCKS = 4


def communities_of_blocks(
    cells: Cells,
    atoms: Atoms,
    locked: Ints,
    blocks: Blocks,
    count: int,
    *,
    worth: Floats,
    rules: Rules,
    rng: np.random.Generator,
) -> Parents | None:
    """Group blocks into communities without cutting a block or a locked grid.

    Parameters
    ----------
    cells, atoms
        Atoms as input of the search, and their polygons with the block of each.
    locked
        Locked grid of each atom, -1 for none, int64 (n,).
    blocks
        The blocks with their barriers.
    count
        Number of communities.
    worth
        Cost of a metre of border, by :class:`~geo.divide.blocks.barriers.Border`.
    rules
        Objective of the communities.
    rng
        Source of the seed.

    Returns
    -------
    Parents or None
        Community of each atom; None if there are too few blocks, or they are too heavy for the tolerance.
    """
    block = atoms.block
    whole = np.unique(np.where(locked >= 0, block.max() + 1 + locked, block), return_inverse=True)[1].astype(np.int64)
    if int(whole.max()) + 1 < _LEAST_BLOCKS * count:
        return None
    try:
        shapes, unit = units(dissolve(atoms.polygons, whole))
        of_atom = unit[whole]
        seg = segments(shapes)
        graph = build_graph(shapes, worth[border_of(seg, blocks.lines)], seg)
        centre = shapely.get_coordinates(shapely.centroid(shapes))
        large = Cells(
            border_costs(graph, Level.COMMUNITY),
            np.bincount(of_atom, cells.weight).astype(np.float64),
            shapely.area(shapes),
            centre - centre.mean(axis=0),
            np.bincount(of_atom, cells.load).astype(np.float64),
        )
        label = Splitter(large, rules, rng).split(np.arange(len(shapes)), count, "street")
    except (ImpossibleError, InputError):
        return None
    load = np.bincount(label[of_atom], cells.load, minlength=count)
    if float(np.abs(load / load.mean() - 1).max()) > rules.tolerance or _ringed(shapes, label):
        return None
    return Parents(label[of_atom], [f"community {c}" for c in range(count)])


def _ringed(shapes: Geometries, label: Ints) -> bool:
    """Whether some community has a hole."""
    return bool((shapely.get_num_interior_rings(shapely.get_geometry(dissolve(shapes, label), 0)) > 0).any())
