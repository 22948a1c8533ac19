"""Construction of the index, threads, and result buffers of the kernels."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import shapely

from geo.errors import GeometryError, first_labels
from geo.kernels import for_threads
from geo.locate.crossing import Segments, cross_segments
from geo.locate.edges import edges_of
from geo.locate.kernels import locate_points
from geo.locate.overlap import suspects_of, without_overlap
from geo.locate.probability import Circles, cell_masses
from geo.locate.raster import Raster, rasterize
from geo.locate.results import Chances, Crossings, Floats, Ints
from geo.wording import counted

if TYPE_CHECKING:
    import geopandas as gpd

#: Points processed by a thread at a time: enough to outweigh starting it, few enough to balance the load.
CHUNK = 1 << 17

#: Points with an error circle processed by a thread at a time; each costs as much as a thousand without.
CHUNK_OF_CHANCES = 1 << 12


def tiers_of(shapes: npt.NDArray[np.object_], rank: npt.NDArray[np.intp]) -> list[Raster]:
    """Rasterize the cells, in as many tiers as their overlaps require."""
    edges, doubled = edges_of(shapes, np.arange(len(shapes)))
    raster = rasterize(edges)
    members = without_overlap(shapes, rank, suspects_of(raster, doubled))
    if len(members) == 1:
        return [raster]
    return [rasterize(edges_of(shapes, part)[0]) for part in members]


def rank_of(codes: npt.NDArray[np.object_] | None, n: int) -> npt.NDArray[np.intp]:
    """Rank of the cells by code, or by row without codes."""
    if codes is None:
        return np.arange(n)
    return np.asarray(np.argsort(np.argsort(codes.astype(str), kind="stable")))


def locate_in(raster: Raster, x: Floats, y: Floats) -> Ints:
    """Cells of points, with threads."""
    out = np.empty(len(x), dtype=np.int32)

    def work(part: slice) -> None:
        locate_points(x[part], y[part], out[part], raster)

    for _ in map_in_threads(work, len(x)):
        pass
    return out


def cross_in(raster: Raster, offset: int, xa: Floats, ya: Floats, xb: Floats, yb: Floats) -> Crossings:
    """Split segments at cell borders, enlarging the buffer as needed."""
    results: list[Crossings] = []
    done, room = 0, 2 * len(xa) + 64
    while done < len(xa) or not results:
        buffer = Crossings(
            np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int32), np.empty(room), np.empty(room)
        )
        count, n = cross_segments(Segments(xa[done:], ya[done:], xb[done:], yb[done:]), buffer, raster)
        buffer.segment[:n] += done + offset
        results.append(Crossings(buffer.segment[:n], buffer.cell[:n], buffer.t_in[:n], buffer.t_out[:n]))
        done += count
        room *= 2
    return joined(results)


def chances_in(raster: Raster, offset: int, x: Floats, y: Floats, sigma: Floats, inside: Ints, least: float) -> Chances:
    """Probabilities of cells for some points, enlarging the buffer as needed."""
    results: list[Chances] = []
    done, room = 0, 16 * len(x) + 1024
    stamp = np.full(len(raster.ends), -1, dtype=np.int32)
    while done < len(x) or not results:
        rows = Chances(np.empty(room, dtype=np.int64), np.empty(room, dtype=np.int32), np.empty(room))
        stamp[:] = -1
        done, n = cell_masses(Circles(x, y, sigma, inside), least, done, stamp, raster, rows)
        results.append(Chances(rows.point[:n] + offset, rows.cell[:n], rows.probability[:n]))
        room *= 2
    return Chances(*(np.concatenate(column) for column in zip(*results, strict=True)))


def joined(parts: list[Crossings]) -> Crossings:
    """Concatenate the results of chunks, with threads: serial copying would take as long as the computation."""
    if len(parts) == 1:
        return parts[0]
    begins = np.r_[0, np.cumsum([len(part.cell) for part in parts])]
    whole = Crossings(*(np.empty(begins[-1], dtype=column.dtype) for column in parts[0]))

    def copy(part: slice) -> None:
        for name, column in parts[part.start]._asdict().items():
            getattr(whole, name)[begins[part.start] : begins[part.start + 1]] = column

    for _ in map_in_threads(copy, len(parts), 1):
        pass
    return whole


def map_in_threads(work: Callable[[slice], Any], n: int, chunk: int = CHUNK) -> Iterator[Any]:
    """Run `work` on chunks of 0..n, in order, with one thread per processor; the kernels release the GIL."""
    parts = [slice(i, min(i + chunk, n)) for i in range(0, n, chunk)] or [slice(0, 0)]
    if len(parts) == 1:
        yield work(parts[0])
        return
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield from pool.map(for_threads(work), parts)


def coordinates(x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
    """Coordinates as contiguous float64 arrays for the kernels."""
    px, py = np.ascontiguousarray(x, dtype=np.float64), np.ascontiguousarray(y, dtype=np.float64)
    if px.ndim != 1 or px.shape != py.shape:
        raise ValueError(f"x and y must be arrays of one shape (n,), not {px.shape} and {py.shape}")
    return px, py


def require_sound(shapes: gpd.GeoSeries) -> None:
    """Raise if there are no cells, or a cell is missing, empty or invalid, with the reason."""
    if len(shapes) == 0:
        raise GeometryError("an index: the layer has no cells")
    bad = ~shapely.is_valid(shapes.array) | shapely.is_empty(shapes.array) | shapes.isna().to_numpy()
    if bad.any():
        labels = list(shapes.index[bad])
        reason = shapely.is_valid_reason(shapes.array[np.flatnonzero(bad)[0]]) or "missing"
        raise GeometryError(
            f"an index: {counted(len(labels), 'cell is', 'cells are')} empty or invalid (rows {first_labels(labels)}; the "
            f"first: {reason}); run check, then repair",
            ids=labels,
        )
