"""Scores how well a moved layer fits a reference; the computations behind :mod:`geo.layers.alignment.detection`.

Two kinds of evidence. *Edges*: points, or points along outlines of polygons, lie on lines of the reference (roads, borders of
cells). *Area*: points lie in polygons of the reference. Both are evaluated for every move of a raster at once, by an FFT
correlation, and exactly for single moves.
"""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import scipy.fft
import scipy.ndimage
import shapely
from scipy.spatial import cKDTree

from geo.prepared import prepared_copy

FloatArray = npt.NDArray[np.float64]
BoolArray = npt.NDArray[np.bool_]

#: Largest move tested in each direction, metres: more than any shift of a datum or of the scale of UTM in China.
REACH_M = 2000.0
#: Pixel size of the raster, metres, and the largest raster; larger regions are cropped to their middle.
PIXEL_M, MOST_PIXELS = 8.0, 2048
#: Width of the Gaussian that scores the distance to a line, metres: about the width of a road and the noise of a phone.
NEAR_M = 12.0
#: Maximum number of sample points of the layer and of the reference.
MOST_SAMPLES, MOST_TARGETS = 6000, 200_000


@dataclass(frozen=True)
class Reference:
    """The reference: points along its lines, and its polygons, in metres."""

    tree: cKDTree | None
    area: shapely.Geometry | None

    @classmethod
    def of(cls, shapes: gpd.GeoSeries, bounds: FloatArray) -> Reference:
        """Prepare the part of a reference that is relevant for moves within reach of `bounds`."""
        window = shapely.box(*(bounds + REACH_M * np.array([-1, -1, 1, 1])))
        near = np.asarray(shapes[shapes.intersects(window)].array, dtype=object)
        polygons = near[shapely.get_dimensions(near) == 2]
        area = None
        if len(polygons):
            valid = np.where(shapely.is_valid(polygons), polygons, shapely.make_valid(polygons))
            area = prepared_copy(shapely.union_all(valid))
        targets = sample_points(near, MOST_TARGETS, 4.0)
        return cls(cKDTree(targets) if len(targets) else None, area)

    def edge_score(self, xy: FloatArray) -> float:
        """Mean nearness of points to the lines, 0 to 1."""
        return float(nearness(self.distances(xy)).mean())

    def distances(self, xy: FloatArray) -> FloatArray:
        """Distance of points to the lines, metres."""
        return np.asarray(self.tree.query(xy)[0])  # type: ignore[union-attr]

    def covers(self, xy: FloatArray) -> BoolArray:
        """Whether each point lies in the polygons."""
        return np.asarray(shapely.contains_xy(self.area, xy))


@dataclass(frozen=True)
class Surface:
    """Score of every move of a raster.

    Attributes
    ----------
    score
        Shape (m, m); the centre is the zero move, rows run north, columns east.
    """

    score: FloatArray

    @property
    def half(self) -> int:
        """Index of the centre."""
        return int(self.score.shape[0] // 2)

    def moves(self, where: BoolArray) -> FloatArray:
        """Moves east and north, in metres, of the chosen pixels, shape (n, 2)."""
        rows, columns = np.nonzero(where)
        return np.asarray(np.column_stack([columns - self.half, rows - self.half]) * PIXEL_M)

    def best(self) -> FloatArray:
        """Move with the highest score, metres east and north."""
        row, column = np.unravel_index(int(np.argmax(self.score)), self.score.shape)
        return np.array([column - self.half, row - self.half], dtype=np.float64) * PIXEL_M

    def rival(self, move: FloatArray, radius_m: float) -> float:
        """Highest score at a distance of more than `radius_m` from a move."""
        steps = (np.arange(self.score.shape[0]) - self.half) * PIXEL_M
        far = np.hypot(steps[None, :] - move[0], steps[:, None] - move[1]) > radius_m
        return float(self.score[far].max())


def nearness(distance: FloatArray) -> FloatArray:
    """1 on the line, 0.6 at :data:`NEAR_M`, and 0 from three times that distance."""
    return np.asarray(np.exp(-0.5 * (distance / NEAR_M) ** 2))


def sample_points(shapes: npt.NDArray[np.object_], most: int, step_m: float) -> FloatArray:
    """Sample points of shapes: points themselves, and equally spaced points along lines and outlines."""
    shapes = shapes[~(shapely.is_missing(shapes) | shapely.is_empty(shapes))]
    dimension = shapely.get_dimensions(shapes)
    lines = np.where(dimension == 2, shapely.boundary(shapes), shapes)[dimension > 0]
    parts = shapely.get_parts(lines)
    length = float(shapely.length(parts).sum())
    if length > 0:
        parts = shapely.segmentize(parts, max(step_m, 2.0 * length / most))
    xy = np.vstack([shapely.get_coordinates(shapes[dimension == 0]), shapely.get_coordinates(parts)])
    xy = xy[np.isfinite(xy).all(axis=1)]
    return np.asarray(xy if len(xy) <= most else xy[np.linspace(0, len(xy) - 1, most).astype(np.intp)])


def edge_surface(samples: FloatArray, tree: cKDTree) -> Surface:
    """Mean nearness of the samples to the points of a tree, for every move."""
    low, counts = _sample_raster(samples)
    return _correlate(_edge_raster(tree, low, counts.shape), counts)


def area_surface(samples: FloatArray, area: shapely.Geometry) -> Surface:
    """Share of the samples that lie in an area, for every move."""
    low, counts = _sample_raster(samples)
    return _correlate(_area_raster(area, low, counts.shape), counts)


def _sample_raster(samples: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Corner and counts of a raster that leaves a margin for every move; of a large region, the densest part."""
    side = MOST_PIXELS * PIXEL_M - 2 * REACH_M
    used = samples[(np.abs(samples - _densest_part(samples, side)) <= side / 2).all(axis=1)]
    low = used.min(axis=0) - REACH_M
    counts = np.zeros(
        tuple(int(n) for n in np.ceil((used.max(axis=0) + REACH_M - low) / PIXEL_M)[::-1].astype(int) + 1)
    )
    column, row = ((used - low) / PIXEL_M).astype(int).T
    np.add.at(counts, (row, column), 1.0)
    return low, counts


def _densest_part(samples: FloatArray, side: float) -> FloatArray:
    """Centre of the square of a given side that contains most samples, among squares half a side apart.

    The centre of all samples may be empty: those along the border of a large district lie around it.
    """
    if (np.ptp(samples, axis=0) <= side).all():
        return np.asarray((samples.min(axis=0) + samples.max(axis=0)) / 2)
    tile = np.floor(samples / (side / 2)).astype(np.int64)
    corners = np.unique(np.concatenate([tile - step for step in ((0, 0), (0, 1), (1, 0), (1, 1))]), axis=0)
    counts = [int(((tile >= corner) & (tile <= corner + 1)).all(axis=1).sum()) for corner in corners]
    return np.asarray((corners[int(np.argmax(counts))] + 1) * (side / 2))


def _edge_raster(tree: cKDTree, low: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    column, row = np.floor((tree.data - low) / PIXEL_M).astype(int).T
    on = (row >= 0) & (row < shape[0]) & (column >= 0) & (column < shape[1])
    free = np.ones(shape, dtype=bool)
    free[row[on], column[on]] = False
    if free.all():
        return np.zeros(shape)
    return nearness(scipy.ndimage.distance_transform_edt(free) * PIXEL_M)


def _area_raster(area: shapely.Geometry, low: FloatArray, shape: tuple[int, ...]) -> FloatArray:
    """Share of each pixel's centre line that is inside, from its intersections with the area."""
    y = low[1] + (np.arange(shape[0]) + 0.5) * PIXEL_M
    west, east = low[0] - 1.0, low[0] + shape[1] * PIXEL_M + 1.0
    scans = shapely.linestrings(np.stack([np.column_stack([np.full_like(y, x), y]) for x in (west, east)], axis=1))
    cuts, row = shapely.get_parts(shapely.intersection(scans, area), return_index=True)
    lines = (shapely.get_type_id(cuts) == 1) & ~shapely.is_empty(cuts)
    ends = shapely.bounds(cuts[lines])[:, [0, 2]]
    first, last = np.ceil((ends - low[0]) / PIXEL_M - 0.5).clip(0, shape[1]).astype(int).T
    change = np.zeros((shape[0], shape[1] + 1))
    np.add.at(change, (row[lines], first), 1.0)
    np.add.at(change, (row[lines], last), -1.0)
    return np.asarray(np.cumsum(change, axis=1)[:, :-1].clip(0.0, 1.0))


def _correlate(field: FloatArray, counts: FloatArray) -> Surface:
    """Mean of the field at the samples for every move within reach.

    The samples keep a margin of the reach on all sides, so the circular correlation does not wrap and needs no padding.
    """
    size = [scipy.fft.next_fast_len(n, real=True) for n in field.shape]
    product = scipy.fft.rfft2(field, size) * np.conj(scipy.fft.rfft2(counts, size))
    whole = scipy.fft.irfft2(product, size)
    half = int(REACH_M // PIXEL_M)
    steps = np.arange(-half, half + 1)
    return Surface(whole[np.ix_(steps % size[0], steps % size[1])] / counts.sum())
