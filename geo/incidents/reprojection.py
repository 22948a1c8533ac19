"""Reprojects polygons so that their edges stay straight in the source CRS.

An edge that is straight in degrees is not straight in metres: it deviates by a millimetre on 300 m and by 15 mm on a kilometre.
Incidents geocoded to a border are that close to it and would change sides. Therefore points are inserted into the edges
before the transformation.
"""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geo.layers import to_metric
from geo.layers.transformers import to_crs

Floats = npt.NDArray[np.float64]

#: Maximum length of the pieces of an edge, metres: the remaining error is 0.01 mm at 40 degrees of latitude.
PIECE_M = 25.0

# Maximum number of inserted points: the borders of a province's counties would need tens of millions at 25 m.
_MOST_POINTS = 2_000_000

_DEGREE_M = 111_320.0


def to_metric_as_drawn(cells: gpd.GeoDataFrame, *, piece_m: float = PIECE_M) -> gpd.GeoDataFrame:
    """Convert polygons to the metric CRS of their place, with edges straight in the CRS of the input.

    Parameters
    ----------
    cells
        Polygons in any declared CRS.
    piece_m
        Maximum length of a piece of an edge, metres; increased if the layer would need more than two million points.

    Returns
    -------
    GeoDataFrame
        Same rows and index. A layer already in its metric CRS is returned unchanged. Neighbours that share an edge share the
        inserted points, in all bits.

    Raises
    ------
    CrsError
        If the frame declares no CRS.
    """
    metric = to_metric(cells)
    if metric is cells:
        return cells
    unit_m = _DEGREE_M if cells.crs.is_geographic else cells.crs.axis_info[0].unit_conversion_factor
    perimeter_m = float(shapely.length(cells.geometry.array).sum()) * unit_m
    step = max(piece_m, perimeter_m / _MOST_POINTS) / unit_m
    dense = gpd.GeoSeries(cut_edges(cells.geometry.array, step), index=cells.index, crs=cells.crs)
    return metric.set_geometry(to_crs(dense, metric.crs))


def cut_edges(polygons: npt.ArrayLike, step: float) -> npt.NDArray[np.object_]:
    """Divide edges of polygons into equal pieces no longer than `step`, in the units of the coordinates.

    The points depend on the ends of the edge only, not on its direction. Missing and empty geometries are returned unchanged.
    """
    shapes = np.array(polygons, dtype=object)
    there = np.flatnonzero(~(shapely.is_missing(shapes) | shapely.is_empty(shapes)))
    if len(there) == 0:
        return shapes
    kind, xy, (rings, *upper) = shapely.to_ragged_array(shapes[there], include_z=False)
    last = np.zeros(len(xy), dtype=bool)
    last[rings[1:] - 1] = True
    pieces = _pieces(xy, last, step)
    dense = _interpolate(xy, pieces)
    begins = np.r_[0, np.cumsum(pieces)]
    shapes[there] = shapely.from_ragged_array(kind, dense, (begins[rings], *upper))
    return shapes


def _pieces(xy: Floats, last: npt.NDArray[np.bool_], step: float) -> npt.NDArray[np.int64]:
    """Number of pieces of the edge that starts at each vertex; 1 for the last vertex of a ring, which starts none."""
    length = np.r_[np.hypot(*np.diff(xy, axis=0).T), 0.0]
    length[last] = 0.0
    return np.asarray(np.maximum(np.ceil(length / step), 1.0), dtype=np.int64)


def _interpolate(xy: Floats, pieces: npt.NDArray[np.int64]) -> Floats:
    """Vertices, each followed by the points inside the edge that starts there."""
    edge = np.repeat(np.arange(len(xy)), pieces)
    number = np.arange(len(edge)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
    start, end = xy[edge], xy[np.minimum(edge + 1, len(xy) - 1)]
    # Always from the smaller end, so that both cells of an edge compute the same points.
    back = (start[:, 0] > end[:, 0]) | ((start[:, 0] == end[:, 0]) & (start[:, 1] > end[:, 1]))
    low, high = np.where(back[:, None], end, start), np.where(back[:, None], start, end)
    share = np.where(back, pieces[edge] - number, number) / pieces[edge]
    return np.where((number == 0)[:, None], start, low + (high - low) * share[:, None])
