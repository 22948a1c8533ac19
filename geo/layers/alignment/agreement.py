"""Overlap of polygons from two sources as evidence of a datum, evaluated for each known mistake.

Two sources that digitise one boundary independently differ by 50 to 150 m, so their lines rarely coincide. Their areas still
distinguish the datums, which are more than 500 m apart: the mistake whose correction leaves the smallest symmetric difference
is accepted if the difference is clearly smaller than for all others.
"""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geo.layers.alignment.edge_evidence import Samples
from geo.layers.alignment.known_shifts import Mistake

FloatArray = npt.NDArray[np.float64]
Shapes = npt.NDArray[np.object_]

#: Maximum number of polygons compared, largest first.
MOST_POLYGONS = 200

#: Polygons are two drawings of one thing if they share this much of their union under the best explanation. Pairs from two
#: sources share .90 to .97; a district and its neighbour less than .3.
LEAST_SHARED = 0.7

#: Maximum ratio of the symmetric difference between the best and second-best explanation. Pairs from two sources have .2 to
#: .45.
CLEARLY_LESS = 0.6

#: Maximum one-sided remainder, as a share of the distance to the second-best explanation; more indicates another shift.
_ONE_SIDED = 0.3

# Polygons with a smaller side, metres, could be confused with a neighbour after the shift of a datum.
_LEAST_SIDE_M = 600.0

# Number of pairs moved to test for a one-sided remainder, and the tolerance of their simplification, metres.
_MOST_MOVED, _COARSE_M = 12, 15.0

# Tolerance of the simplification before areas are compared, metres.
_THIN_M = 2.0


class Agreement(NamedTuple):
    """Evidence from polygons for the known mistakes.

    Attributes
    ----------
    mistake
        The one that explains the position of the layer; None if none does clearly.
    pairs
        Number of polygons that were found in both layers.
    shared
        Share of the union of the pairs that both cover, under the best explanation.
    ratio
        Symmetric difference under the best explanation as a share of that under the second best.
    boundary_distance_m
        Mean distance between the two boundaries under the best explanation, metres.
    ranked
        All mistakes, best first.
    """

    mistake: Mistake | None
    pairs: int
    shared: float
    ratio: float
    boundary_distance_m: float
    ranked: tuple[Mistake, ...]


def compare(
    degrees: gpd.GeoSeries, ground: gpd.GeoSeries, samples: Samples, mistakes: list[Mistake]
) -> Agreement | None:
    """Compare the polygons of a layer with those of a reference under each known mistake.

    Parameters
    ----------
    degrees
        Layer in degrees.
    ground
        Reference in metres.
    samples
        Transformation from degrees to the metres of the reference.
    mistakes
        Explanations to be tested, including that of no mistake.

    Returns
    -------
    Agreement or None
        None if the two have no polygon in common.
    """
    shapes, known = _largest(np.asarray(degrees.array, dtype=object)), _polygons(np.asarray(ground.array, dtype=object))
    known = known[shapely.area(known) >= _LEAST_SIDE_M**2]
    if len(shapes) == 0 or len(known) == 0 or len(mistakes) < 2:
        return None
    known = shapely.simplify(known, _THIN_M)
    moved = [_moved(shapes, mistake, samples) for mistake in mistakes]
    tree = shapely.STRtree(known)
    found = [tree.query(one, predicate="intersects") for one in moved]
    pairs = np.unique(np.concatenate(found, axis=1), axis=1)
    if pairs.shape[1] == 0:
        return None
    a, b = pairs
    common = np.array([shapely.area(shapely.intersection(one[a], known[b])) for one in moved])
    area = np.array([shapely.area(one)[a] for one in moved]) + shapely.area(known)[b]
    share = common / (area - common)
    best = share.max(axis=0)
    # Match polygons that share most with each other mutually.
    mutual = (best >= LEAST_SHARED) & (best == _most(best, a, len(shapes))[a]) & (best == _most(best, b, len(known))[b])
    if not mutual.any():
        return None
    a, b = a[mutual], b[mutual]
    alone = (area - 2 * common)[:, mutual].sum(axis=1)
    order = np.argsort(alone, kind="stable")
    first, second = order[0], order[1]
    total = (area - common)[first, mutual].sum()
    perimeter = shapely.length(shapely.simplify(known[b], 50.0)).sum()
    apart = float(alone[first] / perimeter)
    ratio = float(alone[first] / alone[second]) if alone[second] > 0 else 1.0
    gap = np.nanmedian(samples.moved(mistakes[second]) - samples.moved(mistakes[first]), axis=0)
    side = _one_sided(moved[first][a], known[b])
    clear = ratio <= CLEARLY_LESS and side <= _ONE_SIDED * float(np.hypot(*gap))
    return Agreement(
        mistake=mistakes[first] if clear else None,
        pairs=len(a),
        shared=float(common[first, mutual].sum() / total),
        ratio=ratio,
        boundary_distance_m=apart,
        ranked=tuple(mistakes[i] for i in order),
    )


def _polygons(shapes: Shapes) -> Shapes:
    """The polygonal geometries, made valid."""
    shapes = shapes[(shapely.get_dimensions(shapes) == 2) & ~shapely.is_empty(shapes)]
    valid: Shapes = np.where(shapely.is_valid(shapes), shapes, shapely.make_valid(shapes))
    return valid


def _largest(shapes: Shapes) -> Shapes:
    shapes = _polygons(shapes)
    return shapes[np.sort(np.argsort(-shapely.area(shapes), kind="stable")[:MOST_POLYGONS])]


def _moved(shapes: Shapes, mistake: Mistake, samples: Samples) -> Shapes:
    """Polygons in metres after correction of a mistake."""

    def right(xy: FloatArray) -> FloatArray:
        return np.column_stack(samples.to_metres.transform(*mistake.correct(xy[:, 0], xy[:, 1])))

    made = shapely.transform(shapes, right)
    made = shapely.simplify(made, _THIN_M)
    valid: Shapes = np.where(shapely.is_valid(made), made, shapely.make_valid(made))
    return valid


def _most(values: FloatArray, group: npt.NDArray[np.intp], n: int) -> FloatArray:
    result = np.zeros(n)
    np.maximum.at(result, group, values)
    return result


def _one_sided(one: Shapes, other: Shapes) -> float:
    """Length of the move of the layer that minimises the symmetric difference of the pairs, metres.

    Hill climbing from zero in steps of 128 to 16 m, which is finer than the difference between independent sources.
    """
    coarse = np.argsort(-shapely.area(other), kind="stable")[:_MOST_MOVED]
    one, other = shapely.simplify(one[coarse], _COARSE_M), shapely.simplify(other[coarse], _COARSE_M)
    one, other = shapely.buffer(one, 0), shapely.buffer(other, 0)

    def common(move: FloatArray) -> float:
        there = shapely.transform(one, lambda xy: xy + move)
        return float(shapely.area(shapely.intersection(there, other)).sum())

    move = np.zeros(2)
    best = common(move)
    for step in (128.0, 64.0, 32.0, 16.0):
        for _ in range(8):
            around = move + step * np.array([(1, 0), (-1, 0), (0, 1), (0, -1)])
            shared = [common(to) for to in around]
            if max(shared) <= best:
                break
            move, best = around[int(np.argmax(shared))], max(shared)
    return float(np.hypot(*move))
