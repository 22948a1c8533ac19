"""Neighbours of cells, and weights from them."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import scipy.sparse
import shapely

from geo.coverage import Mesh
from geo.errors import CodeError, first_labels
from geo.layers import to_metric
from geo.layers.columns import CODE

Pairs = npt.NDArray[np.int64]

# Borders of polygons closer than this are treated as shared, metres.
_TOUCH_M = 0.01


def contiguity(cells: gpd.GeoDataFrame) -> Pairs:
    """Pairs of positions, a < b, of polygons that share a border of positive length, to 1 cm; int64, shape (m, 2).

    For layers whose neighbours do not necessarily share vertices. Contact at a corner does not count.
    """
    shapes = np.asarray(to_metric(cells).geometry.array, dtype=object)
    a, b = shapely.STRtree(shapes).query(shapes, predicate="dwithin", distance=_TOUCH_M)
    order = np.lexsort((b, a))
    a, b = a[order], b[order]
    a, b = a[a < b], b[a < b]
    wide = shapely.buffer(shapes, _TOUCH_M, quad_segs=2)
    shared_m = shapely.length(shapely.intersection(shapely.boundary(shapes[a]), wide[b]))
    # At a corner the border can be inside the other's buffer for several times its width, more at an acute angle.
    real = shared_m > 20 * _TOUCH_M
    return np.column_stack([a[real], b[real]]).astype(np.int64)


def neighbour_pairs(frame: gpd.GeoDataFrame, cells: gpd.GeoDataFrame | Mesh, neighbours: pd.DataFrame | None) -> Pairs:
    """Pairs of positions: given by code, exactly from a mesh, or from polygons to 1 cm."""
    if neighbours is None:
        if isinstance(cells, Mesh):
            return cells.neighbours()[["a", "b"]].to_numpy(dtype=np.int64)
        return contiguity(frame)
    position = pd.Index(frame[CODE])
    pairs = np.column_stack([position.get_indexer(neighbours[side]) for side in ("a", "b")])
    strange = (pairs < 0).any(axis=1)
    if strange.any():
        codes = sorted({str(c) for c in neighbours[["a", "b"]].to_numpy()[strange].ravel()} - set(map(str, position)))
        raise CodeError(f"neighbours: unknown codes: {first_labels(codes)}", ids=codes)
    return pairs.astype(np.int64)


def contiguity_weights(pairs: Pairs, n: int) -> scipy.sparse.csr_array[Any]:
    """Binary weights of neighbours in both directions, and of each cell itself."""
    own = np.arange(n)
    row, column = np.r_[pairs[:, 0], pairs[:, 1], own], np.r_[pairs[:, 1], pairs[:, 0], own]
    matrix = scipy.sparse.coo_array((np.ones(len(row)), (row, column)), shape=(n, n)).tocsr()
    matrix.data[:] = 1.0  # duplicate pairs were summed
    return matrix
