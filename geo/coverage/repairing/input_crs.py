"""Converts repaired geometries from the metric CRS back to the CRS of the input.

A round trip through the conversion moves coordinates by nanometres and so would change every cell. Therefore each vertex of
the input gets back its original coordinates and only new vertices are converted; unchanged cells keep their geometry.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geo.coverage.arcs import unique_rows
from geo.coverage.edges import without_precision_grid
from geo.layers.transformers import to_crs, transformer

Shapes = npt.NDArray[np.object_]


@dataclass(frozen=True)
class InputCrs:
    """Conversion of geometries back to the CRS of the input.

    Attributes
    ----------
    crs, metric
        The CRS of the input, and the metric CRS used by the repair.
    xy, origin
        Vertices in the metric CRS and their original coordinates, shape (n, 2).
    given
        The input cells.
    """

    crs: object
    metric: object
    xy: npt.NDArray[np.float64]
    origin: npt.NDArray[np.float64]
    given: Shapes

    @classmethod
    def of(cls, cells: gpd.GeoDataFrame, metric: gpd.GeoDataFrame, others: list[gpd.GeoDataFrame]) -> InputCrs:
        """Record the vertices of cells, and of frames (outline, parents) in the same CRS.

        Parameters
        ----------
        cells, metric
            The cells as given and in the metric CRS, with the same vertices in the same order.
        """
        if metric is cells:
            nothing = np.empty((0, 2))
            return cls(cells.crs, cells.crs, nothing, nothing, np.empty(0, dtype=object))
        given = without_precision_grid(cells.geometry.array)
        origins, places = [shapely.get_coordinates(given)], [shapely.get_coordinates(metric.geometry.array)]
        for frame in others:
            if frame.crs == cells.crs:
                origins.append(shapely.get_coordinates(frame.geometry.array))
                places.append(shapely.get_coordinates(to_crs(frame, metric.crs).geometry.array))
        return cls(cells.crs, metric.crs, np.concatenate(places), np.concatenate(origins), given)

    def back(self, shapes: Shapes) -> gpd.GeoSeries:
        """Geometries converted to the CRS of the input."""
        if self.crs == self.metric:
            return gpd.GeoSeries(shapes, crs=self.crs)
        wanted = shapely.get_coordinates(shapes)
        number, first = unique_rows(np.concatenate([self.xy, wanted]) + 0.0)
        n = len(self.xy)
        new = first >= n
        values = np.empty((len(first), 2))
        values[~new] = self.origin[first[~new]]
        there = transformer(self.metric, self.crs)
        values[new] = np.column_stack(there.transform(*wanted[first[new] - n].T))
        returned = shapely.set_coordinates(np.array(shapes), values[number[n:]])
        return gpd.GeoSeries(returned, crs=self.crs)

    def back_cells(self, before: Shapes, after: Shapes) -> gpd.GeoSeries:
        """Cells converted to the CRS of the input; unchanged cells keep their input geometry."""
        if self.crs == self.metric:
            return gpd.GeoSeries(after, crs=self.crs)
        changed = np.flatnonzero(after != before)
        result = self.given.copy()
        result[changed] = np.asarray(self.back(after[changed]).array, dtype=object)
        return gpd.GeoSeries(result, crs=self.crs)
