"""Small maps of the second-level grids as SVG inside a page: one path per grid, coloured by a class of the style sheet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from geo.layers import Division
from geo.layers.columns import CODE

#: Width of a small map in its own units, and tolerance of the simplification in the same units.
WIDTH, DETAIL = 400.0, 0.5


@dataclass(frozen=True)
class Outlines:
    """Paths of a division's grids for small maps.

    Attributes
    ----------
    height
        Height of the map; its width is :data:`WIDTH`.
    cells
        Path of each second-level grid, by code.
    communities
        One path with the borders of all communities.
    """

    height: float
    cells: dict[str, str]
    communities: str

    @classmethod
    def of(cls, division: Division) -> Outlines:
        """Paths of a division; cost is linear in vertices."""
        west, south, east, north = (float(value) for value in division.street.total_bounds)
        scale = WIDTH / (east - west)

        def paths(frame: gpd.GeoDataFrame) -> list[str]:
            simple = shapely.simplify(np.asarray(frame.geometry.array), DETAIL / scale)
            return [_path(shape, west, north, scale) for shape in simple]

        cells = dict(zip(map(str, division.second[CODE]), paths(division.second), strict=True))
        return cls(round((north - south) * scale, 1), cells, "".join(paths(division.community)))


def _path(shape: shapely.Geometry, west: float, north: float, scale: float) -> str:
    rings = []
    for part in shapely.get_parts(shape):
        for ring in shapely.get_rings(part):
            xy = shapely.get_coordinates(ring)[:-1]
            places = np.column_stack([(xy[:, 0] - west) * scale, (north - xy[:, 1]) * scale]).round(1)
            rings.append("M" + "L".join(f"{x:g} {y:g}" for x, y in places) + "Z")
    return "".join(rings)


def classes_of_counts(counts: Mapping[str, int], limits: tuple[int, ...] = (1, 2, 4, 8)) -> dict[str, int]:
    """Class of each count: the number of limits that it reaches.

    >>> classes_of_counts({"a": 0, "b": 1, "c": 3, "d": 9})
    {'a': 0, 'b': 1, 'c': 2, 'd': 4}
    """
    return {code: sum(n >= limit for limit in limits) for code, n in counts.items()}
