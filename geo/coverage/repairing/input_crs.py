"""Back from the metric CRS in which a repair works to the CRS in which the cells came.

Converting there and back moves coordinates by nanometres, which would change every cell. So each vertex that came in gets its
own coordinates back, and only new ones are converted; cells that were not changed keep their geometry.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely

from geo.coverage.arcs import unique_rows
from geo.coverage.edges import without_precision_grid

Shapes = npt.NDArray[np.object_]


@dataclass(frozen=True)
class InputCrs:
    """How to bring geometries back to the CRS of the input.

    Attributes
    ----------
    crs, metric
        The CRS of the input, and the one in which the repair works.
    xy, origin
        Vertices in the metric CRS and the coordinates that they came with, shape (n, 2).
    given
        The cells as they came.
    """

    crs: object
    metric: object
    xy: npt.NDArray[np.float64]
    origin: npt.NDArray[np.float64]
    given: Shapes

    @classmethod
    def of(cls, cells: gpd.GeoDataFrame, metric: gpd.GeoDataFrame, others: list[gpd.GeoDataFrame]) -> InputCrs:
        """Remember the vertices of cells, and of frames (outline, parents) that come in the same CRS.

        Parameters
        ----------
        cells, metric
            The cells as they came and in the metric CRS, with the same vertices in the same order.
        """
        if metric is cells:
            nothing = np.empty((0, 2))
            return cls(cells.crs, cells.crs, nothing, nothing, np.empty(0, dtype=object))
        given = without_precision_grid(cells.geometry.array)
        origins, places = [shapely.get_coordinates(given)], [shapely.get_coordinates(metric.geometry.array)]
        for frame in others:
            if frame.crs == cells.crs:
                origins.append(shapely.get_coordinates(frame.geometry.array))
                places.append(shapely.get_coordinates(frame.to_crs(metric.crs).geometry.array))
        return cls(cells.crs, metric.crs, np.concatenate(places), np.concatenate(origins), given)

    def back(self, shapes: Shapes) -> gpd.GeoSeries:
        """Geometries in the CRS of the input."""
        if self.crs == self.metric:
            return gpd.GeoSeries(shapes, crs=self.crs)
        wanted = shapely.get_coordinates(shapes)
        number, first = unique_rows(np.concatenate([self.xy, wanted]) + 0.0)
        n = len(self.xy)
        new = first >= n
        values = np.empty((len(first), 2))
        values[~new] = self.origin[first[~new]]
        there = pyproj.Transformer.from_crs(self.metric, self.crs, always_xy=True)
        values[new] = np.column_stack(there.transform(*wanted[first[new] - n].T))
        returned = shapely.set_coordinates(np.array(shapes), values[number[n:]])
        return gpd.GeoSeries(returned, crs=self.crs)

    def back_cells(self, before: Shapes, after: Shapes) -> gpd.GeoSeries:
        """The cells in the CRS of the input; those that are the same as before keep the geometry that they came with."""
        if self.crs == self.metric:
            return gpd.GeoSeries(after, crs=self.crs)
        changed = np.flatnonzero(after != before)
        result = self.given.copy()
        result[changed] = np.asarray(self.back(after[changed]).array, dtype=object)
        return gpd.GeoSeries(result, crs=self.crs)
