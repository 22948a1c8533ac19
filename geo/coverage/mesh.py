"""The mesh: a partition stored as arcs, each with one cell on its left and one on its right."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS

from geo.coverage.arcs import OUTSIDE, Arcs, chain, lengths_m, neighbours, pair_edges, relabel, unique_vertices
from geo.coverage.edges import Rim, directed_edges, directed_rings, on_lattice_units
from geo.coverage.faults import unproven
from geo.coverage.rings import polygons
from geo.errors import CodeError, ColumnError, GeometryError, ImpossibleError, first_labels
from geo.layers.codes import ancestor_codes, level_of
from geo.layers.columns import ADDITIVE_COLUMNS, CODE, LEVEL, Level
from geo.layers.crs import PER_METRE, require_metric
from geo.layers.division import on_lattice
from geo.layers.files.reading import require_polygons
from geo.layers.row_values import values_of_rows
from geo.wording import counted


@dataclass(frozen=True)
class Mesh:
    """A partition into cells, stored as arcs on the 1 mm lattice.

    Cells are identified by position, 0 to ``n_cells - 1``. A dissolved mesh uses the same vertices, so the borders of all
    levels are equal in all bits.

    Attributes
    ----------
    arcs
        Vertices, sides and offsets of all arcs.
    cells
        Attributes of the cells, one row each, with the index of the layer that the mesh was made from.
    crs
        Metric CRS of the lattice; one unit is 1 mm.
    """

    arcs: Arcs
    cells: pd.DataFrame
    crs: CRS

    @classmethod
    def from_layer(cls, cells: gpd.GeoDataFrame) -> Mesh:
        """Build the mesh of a valid coverage.

        Parameters
        ----------
        cells
            Polygons or multipolygons in a metric CRS, edge-matched: neighbours share their vertices. Coordinates are first
            rounded to the 1 mm lattice.

        Raises
        ------
        CrsError
            If the CRS is missing or not in metres.
        GeometryError
            If a geometry is missing, empty or invalid on the lattice, or cells overlap or do not share their vertices; the
            message names the cells. :func:`geo.coverage.check` locates such faults, :func:`geo.coverage.repair` repairs them.

        Notes
        -----
        Cost: O(n log n) in the number of vertices.
        """
        crs = require_metric(cells, "a mesh")
        require_polygons(cells, "a mesh")
        shapes = on_lattice(cells.geometry)
        _require_sound(shapes)
        xy, start, cell = directed_rings(shapes.array)
        vertices, number = unique_vertices(on_lattice_units(xy))
        u, v, owner = directed_edges(number, start, cell)
        edges, conflicts, _ = pair_edges(u, v, owner)
        if len(conflicts):
            _refuse(shapes, np.unique(owner[conflicts]), "covers the same ground as another", "cover the same ground")
        # A vertex one lattice unit off the neighbour's edge is not on that edge, so the two cells do not match there.
        bad = unproven(np.asarray(shapes.array, dtype=object), Rim.of(edges, vertices / PER_METRE), 0.0)
        if len(bad):
            _refuse(
                shapes,
                bad,
                "overlaps another, or lacks vertices of a common border",
                "overlap, or lack vertices of common borders",
            )
        return cls(chain(vertices, edges), pd.DataFrame(cells.drop(columns=cells.geometry.name)), crs)

    @property
    def n_cells(self) -> int:
        """Number of cells."""
        return len(self.cells)

    @cached_property
    def lengths_m(self) -> npt.NDArray[np.float64]:
        """Length of each arc, metres, shape (n_arcs,)."""
        return lengths_m(self.arcs)

    def neighbours(self) -> pd.DataFrame:
        """Pairs of cells that share border of positive length.

        Returns
        -------
        DataFrame
            `a` < `b` (positions of cells, int32) and `length_m`, in order of a and b.
        """
        return neighbours(self.arcs)

    def outline_m(self) -> npt.NDArray[np.float64]:
        """Length of each cell's border without a cell on the other side, metres, shape (n_cells,)."""
        result = np.zeros(self.n_cells)
        for side, other in ((self.arcs.left, self.arcs.right), (self.arcs.right, self.arcs.left)):
            free = (other == OUTSIDE) & (side != OUTSIDE)
            np.add.at(result, side[free], self.lengths_m[free])
        return result

    def areas_m2(self) -> npt.NDArray[np.float64]:
        """Planar area of each cell, computed with integers, square metres, shape (n_cells,)."""
        offsets = self.arcs.offsets
        if len(self.arcs.xy) == 0:
            return np.zeros(self.n_cells)
        xy = self.arcs.xy - self.arcs.xy.min(axis=0)
        cross = np.r_[xy[:-1, 0] * xy[1:, 1] - xy[1:, 0] * xy[:-1, 1], 0]
        cross[offsets[1:] - 1] = 0
        doubled = np.add.reduceat(cross, offsets[:-1])
        result = np.zeros(self.n_cells, dtype=np.int64)
        for side, sign in ((self.arcs.left, 1), (self.arcs.right, -1)):
            inside = side != OUTSIDE
            np.add.at(result, side[inside], sign * doubled[inside])
        return result / (2.0 * PER_METRE**2)

    def polygons(self) -> gpd.GeoSeries:
        """Polygon of each cell, with the index of `cells`; :func:`geo.coverage.rings.polygons` describes their form."""
        return gpd.GeoSeries(polygons(self.arcs, self.n_cells), index=self.cells.index, crs=self.crs)

    def frame(self) -> gpd.GeoDataFrame:
        """Cells with their attributes and polygons."""
        return gpd.GeoDataFrame(self.cells, geometry=self.polygons(), crs=self.crs)

    def dissolve(self, groups: npt.ArrayLike, cells: pd.DataFrame | None = None) -> Mesh:
        """Merge cells into groups; arcs between two cells of one group are removed.

        Parameters
        ----------
        groups
            Group of each cell, integers from 0, or -1 to leave a cell out; shape (n_cells,). A Series is aligned by label.
        cells
            Attributes of the groups; by default the sums of the additive columns.

        Raises
        ------
        ValueError
            If `groups` does not give one group to each cell, or `cells` not one row to each group.
        """
        if isinstance(groups, pd.Series):
            groups = values_of_rows(groups, self.cells.index, "groups")
        group = np.asarray(groups, dtype=np.int32)
        if group.shape != (self.n_cells,):
            raise ValueError(f"groups must have shape ({self.n_cells},), not {group.shape}")
        count = int(group.max(initial=-1)) + 1
        if cells is None:
            additive = [c for c in ADDITIVE_COLUMNS if c in self.cells]
            kept = self.cells.loc[:, additive][group >= 0]
            cells = kept.groupby(group[group >= 0]).sum().reindex(range(count), fill_value=0)
        elif len(cells) < count:
            raise ValueError(f"{count} groups need as many rows of attributes, {len(cells)} were given")
        lookup = np.r_[group, np.int32(OUTSIDE)]  # position -1 stands for outside
        left, right = lookup[self.arcs.left], lookup[self.arcs.right]
        return replace(self, arcs=relabel(self.arcs, left, right), cells=cells)

    @cached_property
    def level(self) -> Level:
        """Level of the cells, by the length of their codes.

        Raises
        ------
        ColumnError
            If there is no column ``code``.
        CodeError
            If a code is not well formed, or the codes are of several levels.
        """
        if CODE not in self.cells:
            raise ColumnError("a mesh: a column 'code' is required to distinguish the levels")
        levels = {level_of(code) for code in self.cells[CODE]}
        if len(levels) != 1:
            names = ", ".join(level.layer for level in sorted(levels)) or "none"
            raise CodeError(f"a mesh: codes of one level are needed, these are of several ({names})")
        return levels.pop()

    def layer(self, level: Level) -> gpd.GeoDataFrame:
        """Cells of a level, dissolved by the prefixes of their codes.

        Parameters
        ----------
        level
            The level of this mesh or one above it; the column ``code`` is required.

        Returns
        -------
        GeoDataFrame
            In order of code, with the sums of the additive columns; at the mesh's own level, the cells as they are.

        Raises
        ------
        ColumnError, CodeError
            If the level cannot be determined from the codes; see :attr:`level`.
        ImpossibleError
            If `level` lies below the level of this mesh.
        """
        if level == self.level:
            return self.frame()
        if level > self.level:
            raise ImpossibleError(
                f"a mesh of {self.level.layer} cells cannot give the {level.layer} level, which lies below it"
            )
        codes, group = np.unique(ancestor_codes(self.cells[CODE], level).to_numpy(dtype=str), return_inverse=True)
        merged = self.dissolve(group)
        return merged.frame().assign(**{CODE: codes.astype(object), LEVEL: int(level)})

    def hash(self) -> str:
        """SHA-256 of the geometry: vertices, sides and CRS; independent of attributes."""
        digest = hashlib.sha256(self.crs.to_string().encode())
        for array in self.arcs:
            digest.update(np.ascontiguousarray(array).tobytes())
        return digest.hexdigest()


def _require_sound(shapes: gpd.GeoSeries) -> None:
    missing = shapes.isna() | shapes.is_empty
    if missing.any():
        labels = list(shapes.index[missing])
        raise GeometryError(
            f"a mesh: {counted(len(labels), 'cell has', 'cells have')} no geometry (rows {first_labels(labels)})",
            ids=labels,
        )
    invalid = ~shapely.is_valid(shapes.array)
    if invalid.any():
        labels = list(shapes.index[invalid])
        reason = shapely.is_valid_reason(shapes.array[invalid][0])
        raise GeometryError(
            f"a mesh: {counted(len(labels), 'cell is an invalid polygon', 'cells are invalid polygons')} "
            f"(rows {first_labels(labels)}; {reason})",
            ids=labels,
        )


def _refuse(shapes: gpd.GeoSeries, positions: npt.NDArray[np.intp], one: str, several: str) -> None:
    labels = list(shapes.index[positions])
    raise GeometryError(
        f"a mesh: {counted(len(labels), f'cell {one}', f'cells {several}')} (rows {first_labels(labels)}); "
        "run check to locate them, repair to fix them",
        ids=labels,
        geometry=shapely.union_all(shapes.array[positions[:100]]),
    )
