"""Coverages for measurements: Voronoi cells with jagged, edge-matched borders."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import shapely
from scipy.spatial import Voronoi

#: South-west corner of all coverages: the middle of the model street's zone.
CORNER = (360_000.0, 3_540_000.0)


class Pieces:
    """Vertices of many lines, each with the number of its line."""

    def __init__(self, xy: np.ndarray, line: np.ndarray) -> None:
        self.xy, self.line = xy, line

    def __add__(self, shift: np.ndarray) -> Pieces:
        return Pieces(np.round(self.xy + shift, 3), self.line)


def jagged(
    cells: int, *, vertices: float, width_m: float, height_m: float, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """Generate a coverage of a rectangle by `cells` cells with about `vertices` vertices each (the mean is accurate to some
    percent).
    """
    columns = max(round((cells * width_m / height_m) ** 0.5), 1)
    rows = -(-cells // columns)
    seeds = np.stack(np.meshgrid(np.arange(columns), np.arange(rows)), axis=-1).reshape(-1, 2)[:cells]
    spread = np.array([width_m / columns, height_m / rows])
    seeds = (seeds + 0.5 + rng.uniform(-0.38, 0.38, seeds.shape)) * spread
    ridges = _ridges(seeds, width_m, height_m, reach=3.0 * spread.max())
    lines = _wobble(ridges, vertices, cells, rng) + np.array(CORNER)
    shapes = shapely.get_parts(shapely.polygonize(lines_of(lines)))
    if len(shapes) != cells or not shapely.coverage_is_valid(shapes):
        raise RuntimeError(f"{len(shapes)} of {cells} cells closed: borders cross; take another seed")
    codes = np.char.zfill(np.arange(1, cells + 1).astype(str), 7)
    return gpd.GeoDataFrame({"code": codes.astype(object)}, geometry=shapes, crs=4549)


def lines_of(pieces: Pieces) -> np.ndarray:
    return shapely.linestrings(pieces.xy, indices=pieces.line)


def _ridges(seeds: np.ndarray, width_m: float, height_m: float, *, reach: float) -> np.ndarray:
    """Straight borders, shape (n, 2, 2), of Voronoi cells clipped to the rectangle, by mirroring seeds near its sides."""
    mirrored = []
    for axis, at in ((0, 0.0), (0, width_m), (1, 0.0), (1, height_m)):
        near = seeds[np.abs(seeds[:, axis] - at) < reach].copy()
        near[:, axis] = 2 * at - near[:, axis]
        mirrored.append(near)
    diagram = Voronoi(np.concatenate([seeds, *mirrored]))
    ours = (diagram.ridge_points < len(seeds)).any(axis=1)
    ends = np.asarray(diagram.ridge_vertices)[ours]
    return diagram.vertices[ends]


def _wobble(ridges: np.ndarray, vertices: float, cells: int, rng: np.random.Generator) -> Pieces:
    """Divide ridges into pieces of equal length and move the division points sideways, less near the ends so that borders cannot
    cross.
    """
    length = np.hypot(*(ridges[:, 1] - ridges[:, 0]).T)
    # The pieces of each inner ridge belong to two cells; `vertices` counts those of a ring.
    piece = length.sum() * 2 / (cells * vertices)
    count = np.maximum(np.round(length / piece), 1).astype(np.int64)
    line = np.repeat(np.arange(len(ridges)), count + 1)
    number = np.arange(len(line)) - np.repeat(np.cumsum(count + 1) - (count + 1), count + 1)
    share = number / count[line]
    start, way = ridges[line, 0], (ridges[:, 1] - ridges[:, 0])[line]
    along = start + way * share[:, None]
    last = number == count[line]
    along[last] = ridges[line[last], 1]
    room = 0.22 * np.minimum(share, 1 - share) * length[line]
    offset = np.clip(rng.normal(0, 0.5 * piece, len(line)), -room, room)
    normal = np.stack([-way[:, 1], way[:, 0]], axis=1) / np.maximum(length[line], 1e-9)[:, None]
    return Pieces(along + normal * offset[:, None], line)
