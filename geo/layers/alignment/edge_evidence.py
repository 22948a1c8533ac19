"""Edges as evidence of a shift: finds the move at which layer and reference share most lines, and its explanation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from pyproj import CRS
from scipy.spatial import cKDTree

from geo.layers.alignment.known_shifts import Mistake
from geo.layers.alignment.overlap import MOST_SAMPLES, Reference, Surface, edge_surface, nearness, sample_points
from geo.layers.crs import GEOD, WGS84
from geo.layers.transformers import to_crs, transformer

FloatArray = npt.NDArray[np.float64]

#: Minimum number of points for a result.
FEWEST = 30

#: Minimum distance between a peak and a rival; and maximum distance between a peak and a cause that explains it, metres.
RIVAL_M, SAME_M = 60.0, 25.0

#: Share of a peak's height that a cause may lack and still explain it, because the layer may be a few metres off in addition.
#: For "no shift" the share is smaller, otherwise a shift of some metres would be missed.
SLACK, SLACK_NONE = 0.15, 0.04


@dataclass(frozen=True)
class Samples:
    """Sample points of a layer, in degrees, with the transformation to the metric CRS of the reference."""

    lon: FloatArray
    lat: FloatArray
    count: int
    are_points: bool
    to_metres: pyproj.Transformer

    @classmethod
    def of(cls, degrees: gpd.GeoSeries, metres: CRS, place: CRS, most: int) -> Samples:
        """Take at most `most` points from geometries in degrees, spaced in the CRS `metres`."""
        array = np.asarray(to_crs(degrees, metres).array, dtype=object)
        are_points = bool((shapely.get_dimensions(array) == 0).all())
        xy = sample_points(array, most, 5.0)
        lon, lat = transformer(metres, WGS84).transform(*xy.T)
        good = np.isfinite(lon) & np.isfinite(lat)
        return cls(lon[good], lat[good], int(good.sum()), are_points, transformer(WGS84, place))

    def moved(self, cause: Mistake) -> FloatArray:
        """Samples in metres after correction of `cause`, shape (n, 2); points without a result are NaN."""
        xy = np.column_stack(self.to_metres.transform(*cause.correct(self.lon, self.lat)))
        return np.where(np.isfinite(xy), xy, np.nan)

    def offset_of(self, cause: Mistake) -> tuple[float, float]:
        """Distance and azimuth by which `cause` shifts the layer, at its centre."""
        x, y = np.median(self.lon, keepdims=True), np.median(self.lat, keepdims=True)
        true_x, true_y = cause.correct(x, y)
        azimuth, _, distance = GEOD.inv(true_x, true_y, x, y)
        return float(distance[0]), float(azimuth[0]) % 360.0


def finite(xy: FloatArray) -> FloatArray:
    """Points that are not NaN."""
    return xy[np.isfinite(xy).all(axis=1)]


class EdgeMatch(Protocol):
    """Interface of the two ways to score the agreement of edges."""

    @property
    def surface(self) -> Surface:
        """Score of every move."""

    def distances(self, cause: Mistake) -> FloatArray:
        """Distances, in metres, that remain after correction of a cause."""

    def distances_moved(self, move: FloatArray) -> FloatArray:
        """Distances that remain after a move of the layer."""


@dataclass(frozen=True)
class Forward:
    """Scores how many points of the layer lie on lines of the reference."""

    surface: Surface
    samples: Samples
    base: Mistake
    reference: Reference

    def distances(self, cause: Mistake) -> FloatArray:
        """See :class:`EdgeMatch`."""
        return self.reference.distances(finite(self.samples.moved(cause)))

    def distances_moved(self, move: FloatArray) -> FloatArray:
        """See :class:`EdgeMatch`."""
        return self.reference.distances(finite(self.samples.moved(self.base)) + move)


@dataclass(frozen=True)
class Backward:
    """Scores how many line points of the reference lie on lines of the layer; used for coarse references in a fine layer."""

    surface: Surface
    dense: Samples
    tree: cKDTree
    points: FloatArray

    @classmethod
    def of(cls, dense: Samples, base: Mistake, ground: gpd.GeoDataFrame) -> list[Backward]:
        """The score, or an empty list if too little of the reference lies near the layer."""
        xy = finite(dense.moved(base))
        bounds = np.r_[xy.min(axis=0), xy.max(axis=0)]
        shapes = np.asarray(ground.geometry.array, dtype=object)
        lines = np.where(shapely.get_dimensions(shapes) == 2, shapely.boundary(shapes), shapes)
        points = sample_points(shapely.intersection(lines, shapely.box(*bounds)), MOST_SAMPLES, 5.0)
        if len(points) < FEWEST:
            return []
        tree = cKDTree(xy)
        return [cls(Surface(edge_surface(points, tree).score[::-1, ::-1]), dense, tree, points)]

    def distances(self, cause: Mistake) -> FloatArray:
        """See :class:`EdgeMatch`."""
        return np.asarray(cKDTree(finite(self.dense.moved(cause))).query(self.points)[0])

    def distances_moved(self, move: FloatArray) -> FloatArray:
        """See :class:`EdgeMatch`."""
        return np.asarray(self.tree.query(self.points - move)[0])


@dataclass(frozen=True)
class Peak:
    """The best explanation from edges: a known cause, or a move without a known cause."""

    match: EdgeMatch
    cause: Mistake | None
    move: FloatArray
    contrast: float


def mean_nearness(distances: FloatArray) -> float:
    """Score of the agreement, 0 to 1."""
    return float(nearness(distances).mean())


def find_peak(fit: EdgeMatch, samples: Samples, causes: list[Mistake], base: Mistake) -> Peak:
    """Find the best move and the cause that explains it.

    A cause is accepted if it scores about as well as the best move; it scores better where the shift varies over the layer.
    """
    floor = float(fit.surface.score.mean())
    move, top = refined(fit, fit.surface.best())
    scores = [(mean_nearness(fit.distances(cause)), cause) for cause in causes]
    high, cause = max(scores, key=lambda pair: pair[0], default=(0.0, None))
    there = move if cause is None else median_move(samples, cause, base)
    loss = SLACK_NONE if cause is not None and cause.key == "none" else SLACK
    explains = cause is not None and (
        high >= top or (high >= top - loss * (top - floor) and np.hypot(*(there - move)) <= SAME_M)
    )
    if not explains:
        cause, high, there = None, top, move
    rival = fit.surface.rival(there, RIVAL_M)
    contrast = (high - rival) / (high - floor) if high > floor + 0.02 else 0.0
    return Peak(fit, cause, there, contrast)


def median_move(samples: Samples, cause: Mistake, base: Mistake) -> FloatArray:
    """Median move, in metres, that corrects `cause` when `base` has already been corrected."""
    return np.asarray(np.nanmedian(samples.moved(cause) - samples.moved(base), axis=0))


def refined(fit: EdgeMatch, move: FloatArray) -> tuple[FloatArray, float]:
    """Refine the best pixel by hill climbing to a quarter of a metre."""
    score = mean_nearness(fit.distances_moved(move))
    for step in (4.0, 2.0, 1.0, 0.5, 0.25):
        for _ in range(8):
            around = move + step * np.array([(1, 0), (-1, 0), (0, 1), (0, -1)])
            scores = [mean_nearness(fit.distances_moved(one)) for one in around]
            if max(scores) <= score:
                break
            move, score = around[int(np.argmax(scores))], max(scores)
    return move, score
