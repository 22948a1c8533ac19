"""Roads of a street: the share of a border that runs on them."""

from __future__ import annotations

from collections.abc import Iterable

import geopandas as gpd
import numpy as np
import shapely

from geo.layers.crs import PER_METRE
from geo.redraw.working.arcs import Arc
from geo.redraw.working.lattice import Vertex

#: Maximum distance of a border from the centre line of its road, metres: half a lane and a pavement.
ON_ROAD_M = 6.0


class Roads:
    """Centre lines with a spatial index; measures of arcs are cached, as most arcs do not change.

    Parameters
    ----------
    frame
        Lines in the CRS of the division.
    """

    def __init__(self, frame: gpd.GeoDataFrame) -> None:
        self._lines = np.asarray(frame.geometry.array, dtype=object)
        self._tree = shapely.STRtree(self._lines)
        self._surroundings: dict[int, shapely.Geometry] = {}
        self._measured: dict[tuple[Vertex, ...], tuple[float, float]] = {}

    def share(self, border: Iterable[Arc]) -> float:
        """Share of the length of arcs that runs on roads, 0 to 1; NaN without arcs.

        Notes
        -----
        Cost: some tenths of a millisecond for each arc that is not cached.
        """
        length = on_road = 0.0
        for arc in border:
            whole, part = self._measure(arc.points)
            length += whole
            on_road += part
        return on_road / length if length else float("nan")

    def _measure(self, points: tuple[Vertex, ...]) -> tuple[float, float]:
        """Length of a line, and of its part on roads, metres."""
        points = min(points, points[::-1])
        known = self._measured.get(points)
        if known is None:
            line = shapely.linestrings(np.array(points) / PER_METRE)
            off_road = line
            # Subtracts the surroundings of one road after the other: their union would take ten times as long.
            for k in self._tree.query(line, predicate="dwithin", distance=ON_ROAD_M).tolist():
                if k not in self._surroundings:
                    self._surroundings[k] = shapely.buffer(self._lines[k], ON_ROAD_M)
                off_road = shapely.difference(off_road, self._surroundings[k])
            known = self._measured[points] = (float(line.length), float(line.length - off_road.length))
        return known
