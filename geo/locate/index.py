"""The index from points and paths to cells."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from geo.errors import GeometryError
from geo.layers.columns import CODE, Level
from geo.layers.crs import require_metric, require_metric_crs
from geo.locate import persistence
from geo.locate.index_building import (
    CHUNK,
    CHUNK_OF_CHANCES,
    chances_in,
    coordinates,
    cross_in,
    joined,
    locate_in,
    map_in_threads,
    rank_of,
    require_sound,
    tiers_of,
)
from geo.locate.nearest import nearest_edges
from geo.locate.raster import Raster
from geo.locate.results import Above, Chances, Crossings, Floats, Ints

if TYPE_CHECKING:
    import geopandas as gpd

    from geo.layers import Division


def _labels(codes: npt.NDArray[np.object_] | None, rows: Iterable[object]) -> npt.NDArray[np.object_]:
    """Codes of the cells; without codes the labels of their rows as text."""
    return np.array([str(row) for row in rows], dtype=object) if codes is None else codes


class GridIndex:
    """Exact lookup of the cell that a point lies in.

    Parameters
    ----------
    cells
        Polygons in a metric CRS, with any index; a column ``code`` is kept as `codes`. Gaps are allowed. Where cells
        overlap, the cell with the smallest code (without codes, the first row) is returned.

    Raises
    ------
    CrsError
        If the CRS is missing or not in metres.
    GeometryError
        If there are no cells, or one is not a valid polygon.

    Notes
    -----
    **Points on borders.** A point inside one cell belongs to it; this is decided exactly, for any double. A point on a border
    belongs to the cell immediately east of it or, where the border runs east, to the one immediately north: formally the cell of
    (x + ε, y + ε²). If there is no cell at that place (on the outline), it belongs to the first cell met when turning
    counter-clockwise around the point from that direction. So each point of the closed street has exactly one cell, regardless of
    the order of the cells. Paths are shifted by the same infinitesimal step and so follow the same rule, except that a path on an
    outline in the east or north counts as outside.

    Cost: building is O(vertices log vertices + pixels); a point O(1) plus the edges inside its pixel, mostly none.
    """

    def __init__(self, cells: gpd.GeoDataFrame) -> None:
        from geo.layers.cells import require_codes
        from geo.layers.files.reading import require_polygons

        self.crs = require_metric(cells, "an index")
        require_polygons(cells, "an index")
        require_sound(cells.geometry)
        if CODE in cells:
            require_codes(cells)
        self.codes = cells[CODE].to_numpy(dtype=object) if CODE in cells else None
        self.labels = _labels(self.codes, cells.index)
        self.above: dict[Level, Above] = {}
        self._shapes: npt.NDArray[np.object_] | None = np.asarray(cells.geometry.array, dtype=object)
        self._rank = rank_of(self.codes, len(cells))
        self._tiers = tiers_of(self._shapes, self._rank)
        self._digest: str | None = None

    @classmethod
    def from_division(cls, division: Division) -> Self:
        """Build an index of the third level with the cells of the levels above, for :meth:`locate_levels`.

        Raises
        ------
        CodeError
            If a cell names a parent that does not exist in the level above.
        """
        index = cls(division.third)
        for level, rows in division.ancestor_rows().items():
            index.above[level] = Above(division.layer(level)[CODE].to_numpy(dtype=object), rows)
        return index

    def __getstate__(self) -> dict[str, Any]:
        """State for another process: everything but the polygons, which the digest represents."""
        return self.__dict__ | {"_shapes": None, "_digest": self.digest}

    def __len__(self) -> int:
        return len(self._rank)

    @property
    def nbytes(self) -> int:
        """Size of the arrays used by a lookup, bytes."""
        return sum(array.nbytes for raster in self._tiers for array in raster[4:])

    def inner_point(self) -> tuple[float, float] | None:
        """Coordinates of the middle of a pixel inside one cell, metres; None if no pixel is."""
        for raster in self._tiers:
            inside = np.flatnonzero(raster.pixels > 0)
            if len(inside):
                row, column = divmod(int(inside[0]), raster.pixels.shape[1])
                return raster.x0 + (column + 0.5) * raster.size, raster.y0 + (row + 0.5) * raster.size
        return None

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east and north limit of the indexed area, metres; up to two pixels outside the cells."""
        boxes = [
            (r.x0, r.y0, r.x0 + r.size * r.pixels.shape[1], r.y0 + r.size * r.pixels.shape[0]) for r in self._tiers
        ]
        west, south, east, north = zip(*boxes, strict=True)
        return min(west), min(south), max(east), max(north)

    @property
    def digest(self) -> str:
        """SHA-256 of the layer: CRS, codes and geometries, in order of rows."""
        if self._digest is None:
            self._digest = persistence.digest(self._require_shapes(), self.codes, self.crs)
        return self._digest

    def locate(self, x: npt.ArrayLike, y: npt.ArrayLike) -> Ints:
        """Find the cell of each point.

        Parameters
        ----------
        x, y
            Coordinates in the CRS of the cells, metres, shape (n,).

        Returns
        -------
        ndarray of int32, shape (n,)
            Position of the cell; -1 outside all cells and for NaN.
        """
        px, py = coordinates(x, y)
        best = locate_in(self._tiers[0], px, py)
        for raster in self._tiers[1:]:
            other = locate_in(raster, px, py)
            take = (other >= 0) & ((best < 0) | (self._rank[other] < self._rank[best]))
            best[take] = other[take]
        return best

    def locate_levels(self, x: npt.ArrayLike, y: npt.ArrayLike) -> dict[Level, Ints]:
        """Find the cells of all levels that contain each point, with one lookup.

        Returns
        -------
        dict
            For the third level and each level above it in the index (see :meth:`from_division`), positions as in
            :meth:`locate`; the codes of the levels above are in `above`.
        """
        third = self.locate(x, y)
        up = {level: np.append(known.position, np.int32(-1))[third] for level, known in self.above.items()}
        return {Level.THIRD: third} | up

    def locate_all(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[npt.NDArray[np.intp], Ints]:
        """Find all cells of each point, for layers whose cells overlap.

        Returns
        -------
        (point, cell)
            Positions of points and cells, one pair per match, in order of point, then of the cells' codes.
        """
        px, py = coordinates(x, y)
        found = [locate_in(raster, px, py) for raster in self._tiers]
        point = np.concatenate([np.flatnonzero(cell >= 0) for cell in found])
        cell = np.concatenate([cell[cell >= 0] for cell in found])
        order = np.lexsort((self._rank[cell], point))
        return point[order], cell[order]

    def nearest(self, x: npt.ArrayLike, y: npt.ArrayLike, within_m: float) -> tuple[Ints, Floats]:
        """Find the cell of each point, or the nearest one within a distance.

        Returns
        -------
        (cell, distance_m)
            Position of the cell and its distance, 0 inside; -1 and NaN if none is within `within_m`. Of cells at equal
            distance the one with the smallest code is returned.
        """
        px, py = coordinates(x, y)
        cell = self.locate(px, py)
        distance = np.where(cell >= 0, 0.0, np.nan)
        away = np.flatnonzero(cell < 0)
        near, metres = self._nearest_edges(px[away], py[away], within_m)
        cell[away] = near
        distance[away] = np.where(near >= 0, metres, np.nan)
        return cell, distance

    def border_distance(self, x: npt.ArrayLike, y: npt.ArrayLike, within_m: float = np.inf) -> Floats:
        """Distance of each point to the nearest border of any cell, from inside or outside.

        Returns
        -------
        ndarray of float64, shape (n,)
            Metres; infinity if no border is within `within_m` or the point is farther away than any place on Earth, NaN for
            a point that is not finite. Cost: O(pixels within the distance), so a limit helps if cells are large or points
            far away.
        """
        px, py = coordinates(x, y)
        _, metres = self._nearest_edges(px, py, within_m)
        return np.where(np.isfinite(px) & np.isfinite(py), metres, np.nan)

    def probability(
        self, x: npt.ArrayLike, y: npt.ArrayLike, sigma_m: npt.ArrayLike, *, at_least: float = 1e-6
    ) -> Chances:
        """Find the cells that may contain the true place of each position, with their probabilities.

        Parameters
        ----------
        x, y
            Positions, metres, shape (n,).
        sigma_m
            Standard deviation of the error east and of that north, metres, above zero; one number or shape (n,). The
            "accuracy" of a phone is a radius with 68 % probability (Android): divide it by 1.5.
        at_least
            Cells with a smaller probability are left out.

        Returns
        -------
        Chances
            No rows for a position that is not finite. Exact to 1e-7; see :mod:`geo.locate.probability`.

        Raises
        ------
        ValueError
            If a `sigma_m` is not above zero.
        GeometryError
            If the cells overlap.

        Notes
        -----
        Cost: O(edges within 6 σ), about 0.1 ms where these are a thousand.
        """
        raster = self._only("a position")
        px, py = coordinates(x, y)
        sigma = np.ascontiguousarray(np.broadcast_to(np.asarray(sigma_m, dtype=np.float64), px.shape))
        if (sigma <= 0.0).any():
            raise ValueError("sigma_m must be above zero metres; for positions without error use locate")
        inside = self.locate(px, py)

        def work(part: slice) -> Chances:
            return chances_in(raster, part.start, px[part], py[part], sigma[part], inside[part], at_least)

        parts = list(map_in_threads(work, len(px), CHUNK_OF_CHANCES))
        point, cell, mass = (np.concatenate(column) for column in zip(*parts, strict=True))
        order = np.lexsort((cell, -mass, point))
        return Chances(point[order], cell[order], mass[order])

    def cross(self, x0: npt.ArrayLike, y0: npt.ArrayLike, x1: npt.ArrayLike, y1: npt.ArrayLike) -> Crossings:
        """Split segments at the borders of cells.

        Parameters
        ----------
        x0, y0, x1, y1
            Ends of the segments, metres, shape (n,).

        Returns
        -------
        Crossings
            Every piece of a segment inside one cell; pieces outside have cell -1. A segment of zero length has one piece. A
            segment with a coordinate that is not finite is one piece outside.

        Raises
        ------
        GeometryError
            If the cells overlap, because a path then has no unique cell.
        """
        raster = self._only("a path")
        xa, ya = coordinates(x0, y0)
        xb, yb = coordinates(x1, y1)
        if len(xa) != len(xb):
            raise ValueError(f"{len(xa)} starts and {len(xb)} ends of segments")

        def work(part: slice) -> Crossings:
            return cross_in(raster, part.start, xa[part], ya[part], xb[part], yb[part])

        return joined(list(map_in_threads(work, len(xa))))

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the index to a file that :meth:`load` maps into memory.

        Raises
        ------
        FileError
            If the folder does not exist.
        """
        about = {
            "digest": self.digest,
            "crs": self.crs.to_wkt(),
            "codes": None if self.codes is None else [str(code) for code in self.codes],
            "cells": len(self),
            "above": {str(int(level)): [str(code) for code in known.codes] for level, known in self.above.items()},
        }
        positions = {f"above/{int(level)}": known.position for level, known in self.above.items()}
        persistence.write(path, about, self._tiers, positions)

    @classmethod
    def load(cls, path: str | os.PathLike[str], cells: gpd.GeoDataFrame | None = None) -> Self:
        """Map a saved index into memory without computation; processes that load the same file share its pages.

        Parameters
        ----------
        path
            File that :meth:`save` wrote.
        cells
            The layer that the index should belong to; verified by its digest.

        Raises
        ------
        FileError
            If the file is missing, damaged, of another version, or belongs to another layer.
        """
        about, tiers, positions = persistence.read(path)
        if cells is not None and persistence.digest_of(cells) != about["digest"]:
            raise persistence.other_layer(path)
        index = cls.__new__(cls)
        index.crs = require_metric_crs(about["crs"], "an index")
        index.codes = None if about["codes"] is None else np.array(about["codes"], dtype=object)
        index.labels = _labels(index.codes, range(about["cells"]) if cells is None else cells.index)
        index.above = {
            Level(int(level)): Above(np.array(codes, dtype=object), positions[f"above/{level}"])
            for level, codes in about["above"].items()
        }
        index._shapes = None if cells is None else np.asarray(cells.geometry.array, dtype=object)
        index._rank = rank_of(index.codes, about["cells"])
        index._tiers = tiers
        index._digest = about["digest"]
        return index

    def _only(self, what: str) -> Raster:
        if len(self._tiers) > 1:
            raise GeometryError(f"cells overlap, so {what} has no single cell; repair the layer first")
        return self._tiers[0]

    def _require_shapes(self) -> npt.NDArray[np.object_]:
        if self._shapes is None:
            raise GeometryError("the index was loaded without its layer; load it with the cells")
        return self._shapes

    def _nearest_edges(self, x: Floats, y: Floats, within_m: float) -> tuple[Ints, Floats]:
        """Cell of smallest rank on the nearest edge, -1 for none within the distance, and the distance or infinity."""
        cell, metres = np.full(len(x), -1, dtype=np.int32), np.full(len(x), np.inf)
        for raster in self._tiers:
            other, away = np.empty(len(x), dtype=np.int32), np.empty(len(x))

            def work(part: slice, raster: Raster = raster, other: Ints = other, away: Floats = away) -> None:
                nearest_edges(x[part], y[part], float(within_m), self._rank, away[part], other[part], raster)

            for _ in map_in_threads(work, len(x), CHUNK >> 3):
                pass
            lesser = (away < metres) | ((away == metres) & (other >= 0) & (self._rank[other] < self._rank[cell]))
            cell[lesser], metres[lesser] = other[lesser], away[lesser]
        return cell, metres
