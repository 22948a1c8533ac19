"""Cells and roads of the model street: the cell of a place, and shortest paths along roads."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from scipy.sparse import csr_matrix
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

BOUNDARIES = Path(__file__).resolve().parents[2] / "data" / "boundaries"

#: Side of the tiles by which most places are assigned to their cell without a test against a border.
TILE_M = 4.0


class Ground:
    """Second-level cells (metres, one CRS) and the road network between them."""

    def __init__(self, cells: gpd.GeoDataFrame, roads: gpd.GeoDataFrame):
        self.cells = cells.reset_index(drop=True)
        self.codes = self.cells["code"].to_numpy(dtype=object)
        self.shapes = self.cells.geometry.to_numpy()
        shapely.prepare(self.shapes)
        self.bounds = shapely.bounds(self.shapes)
        self.tiles = _Tiles(self.shapes, self.bounds)
        self.roads = Roads(roads.geometry.to_numpy())
        self.borders = shapely.boundary(self.shapes)
        self.middle = shapely.get_coordinates(shapely.point_on_surface(self.shapes))
        self._nodes_near: dict[int, np.ndarray] = {}

    @classmethod
    def read(cls, folder: Path = BOUNDARIES) -> Ground:
        """Read cells and roads of the model street."""
        cells = gpd.read_file(folder / "division.gpkg", layer="second")
        return cls(cells[["code", "parent", "geometry"]], gpd.read_file(folder / "street.gpkg", layer="roads"))

    def cell_of(self, xy) -> np.ndarray:
        """Position of the cell of each place, -1 outside; a place on a border belongs to the first of its cells."""
        found, near = self.tiles.look_up(xy)
        rows = np.flatnonzero(near)
        x, y = xy[rows].T
        low_x, low_y, high_x, high_y = self.bounds.T
        for k in np.flatnonzero(
            (high_x >= x.min(initial=np.inf))
            & (low_x <= x.max(initial=-np.inf))
            & (high_y >= y.min(initial=np.inf))
            & (low_y <= y.max(initial=-np.inf))
        ):
            some = (x >= low_x[k]) & (x <= high_x[k]) & (y >= low_y[k]) & (y <= high_y[k])
            some &= found[rows] < 0
            if some.any():
                inside = shapely.intersects_xy(self.shapes[k], x[some], y[some])
                found[rows[some][inside]] = k
        return found

    def point_in(self, k: int, rng) -> np.ndarray:
        """A random place in a cell."""
        low_x, low_y, high_x, high_y = self.bounds[k]
        for _ in range(200):
            xy = rng.uniform((low_x, low_y), (high_x, high_y), (16, 2))
            inside = shapely.contains_xy(self.shapes[k], xy)
            if inside.any():
                return xy[inside][0]
        return self.middle[k]

    def beside_border(self, k: int, distance_m: float, rng) -> np.ndarray:
        """A place at this distance from a random point of a cell's border, on either side."""
        ring = shapely.get_exterior_ring(shapely.get_parts(self.shapes[k])[0])
        at = rng.uniform(0, ring.length)
        a, b = (
            shapely.get_coordinates(shapely.line_interpolate_point(ring, s % ring.length))[0] for s in (at, at + 0.5)
        )
        along = (b - a) / max(np.hypot(*(b - a)), 1e-9)
        return a + rng.choice([-1.0, 1.0]) * distance_m * np.array([-along[1], along[0]])

    def nodes_near(self, k: int) -> np.ndarray:
        """Nodes of the road network in a cell or within 8 m of it."""
        if k not in self._nodes_near:
            near = shapely.buffer(self.shapes[k], 8.0)
            self._nodes_near[k] = np.flatnonzero(shapely.intersects_xy(near, self.roads.xy))
        return self._nodes_near[k]


class _Tiles:
    """Squares of a raster that no border crosses, each with its cell."""

    def __init__(self, shapes, bounds):
        self.origin = bounds[:, :2].min(axis=0) - 2 * TILE_M
        size = np.ceil((bounds[:, 2:].max(axis=0) - self.origin) / TILE_M).astype(int) + 2
        self.near, self.cell = np.zeros(size, dtype=bool), np.full(size, -1, dtype=np.int32)
        # A border point is within half a metre of a sample, so its tile is that of a sample or next to it.
        i, j = self._tile(shapely.get_coordinates(shapely.segmentize(shapely.boundary(shapes), 1.0))).T
        for di in (-1, 0, 1):
            for dj in (-1, 0, 1):
                self.near[i + di, j + dj] = True
        for k, shape in enumerate(shapes):
            (i0, j0), (i1, j1) = self._tile(bounds[k, :2][None])[0], self._tile(bounds[k, 2:][None])[0]
            i, j = np.meshgrid(np.arange(i0, i1 + 1), np.arange(j0, j1 + 1), indexing="ij")
            x, y = self.origin[:, None, None] + (np.stack([i, j]) + 0.5) * TILE_M
            inside = shapely.contains_xy(shape, x.ravel(), y.ravel()).reshape(x.shape) & ~self.near[i, j]
            self.cell[i[inside], j[inside]] = k

    def _tile(self, xy) -> np.ndarray:
        return np.floor((xy - self.origin) / TILE_M).astype(int)

    def look_up(self, xy) -> tuple[np.ndarray, np.ndarray]:
        """Cell of each place that is not near a border, and which places are near one."""
        tile = self._tile(xy)
        outside = ((tile < 0) | (tile >= self.near.shape)).any(axis=1)
        i, j = np.where(outside[:, None], 0, tile).T
        found, near = self.cell[i, j].astype(np.int64), self.near[i, j]
        found[outside], near[outside] = -1, False
        return np.where(near, -1, found), near


class Roads:
    """Nodes where roads meet or end, and the lines between them."""

    def __init__(self, lines):
        pieces = shapely.get_parts(shapely.node(shapely.multilinestrings(list(lines))))
        pieces = pieces[shapely.length(pieces) > 0.01]
        ends = np.vstack([shapely.get_coordinates(shapely.get_point(pieces, k)) for k in (0, -1)]).round(3)
        self.xy, number = np.unique(ends, axis=0, return_inverse=True)
        a, b = number.reshape(2, -1)
        length = shapely.length(pieces)
        order = np.argsort(-length, kind="stable")  # Of two lines between the same nodes the shorter one is used.
        self._line = {}
        for k in order:
            coords = shapely.get_coordinates(pieces[k])
            self._line[a[k], b[k]], self._line[b[k], a[k]] = coords, coords[::-1]
        pairs = np.array(sorted(self._line))
        weight = [np.hypot(*np.diff(self._line[i, j], axis=0).T).sum() for i, j in pairs]
        self._graph = csr_matrix((weight, pairs.T), shape=(len(self.xy), len(self.xy)))
        self._tree = cKDTree(self.xy)
        self._before: dict[int, np.ndarray] = {}

    def nearest(self, xy) -> int:
        """The node nearest to a place."""
        return int(self._tree.query(xy)[1])

    def between(self, a: int, b: int) -> np.ndarray:
        """The shortest line along roads from one node to another; straight if they are not connected."""
        if a not in self._before:
            self._before[a] = dijkstra(self._graph, indices=a, return_predecessors=True)[1]
        before, chain = self._before[a], [b]
        while chain[-1] != a:
            if before[chain[-1]] < 0:
                return self.xy[[a, b]]
            chain.append(int(before[chain[-1]]))
        chain.reverse()
        lines = [self._line[i, j] for i, j in pairwise(chain)]
        return np.vstack([self.xy[[a]], *(line[1:] for line in lines)])

    def way(self, start, end, aside_m: float = 0.0) -> np.ndarray:
        """Points from one place to another along roads, `aside_m` to the left of the centre line."""
        middle = self.between(self.nearest(start), self.nearest(end))
        return np.vstack([beside(middle, aside_m), np.asarray(end)[None]])


def beside(line, aside_m: float) -> np.ndarray:
    """Offset a line to its left; at a corner in the mean of the adjacent directions."""
    step = np.diff(line, axis=0)
    length = np.hypot(*step.T)
    line = line[np.r_[True, length > 0]]
    step = step[length > 0]
    if len(step) == 0 or aside_m == 0:
        return line
    left = np.column_stack([-step[:, 1], step[:, 0]]) / np.hypot(*step.T)[:, None]
    mean = np.vstack([left[:1], left[:-1] + left[1:], left[-1:]])
    size = np.hypot(*mean.T)[:, None]
    return line + aside_m * np.where(size > 0.2, mean / np.maximum(size, 0.2), np.vstack([left, left[-1:]]))
