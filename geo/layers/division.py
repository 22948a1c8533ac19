"""A division: the four layers of a street together."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely
from pyproj import CRS

from geo.errors import CodeError, CrsError, FileError, first_labels
from geo.layers.codes import require_unique
from geo.layers.columns import CODE, LAYER_COLUMNS, LEVEL, PARENT, Level
from geo.layers.crs import PER_METRE, require_metric, to_metric
from geo.layers.files.reading import layers_of, read_layer, require_polygons
from geo.layers.files.writing import write_layer, write_layers
from geo.wording import counted


@dataclass(frozen=True)
class Division:
    """One version of a street's division: four layers in one metric CRS, each row one cell.

    Attributes
    ----------
    street, community, second, third
        GeoDataFrames with the columns of :data:`geo.layers.LAYER_COLUMNS`, polygons on the 1 mm lattice.
    """

    street: gpd.GeoDataFrame
    community: gpd.GeoDataFrame
    second: gpd.GeoDataFrame
    third: gpd.GeoDataFrame

    def __post_init__(self) -> None:
        crs = [require_metric(self.layer(level), level.layer) for level in Level]
        if any(other != crs[0] for other in crs[1:]):
            raise CrsError("the layers of a division must share one CRS: " + ", ".join(c.to_string() for c in crs))

    def layer(self, level: Level) -> gpd.GeoDataFrame:
        """Layer of one level."""
        return getattr(self, level.layer)

    @property
    def crs(self) -> CRS:
        """The metric CRS of all layers."""
        return CRS.from_user_input(self.third.crs)

    @property
    def counts(self) -> tuple[int, int, int]:
        """Number of communities, second-level and third-level grids."""
        return len(self.community), len(self.second), len(self.third)

    def ancestor_rows(self) -> dict[Level, npt.NDArray[np.int32]]:
        """Row position of the ancestor of each third-level grid, by the column ``parent``.

        Returns
        -------
        dict
            For the second level and the communities: int32 positions in that layer, shape (number of third-level grids,).

        Raises
        ------
        CodeError
            If a cell names a parent that does not exist in the level above.
        """
        result: dict[Level, npt.NDArray[np.int32]] = {}
        rows, below, below_level = np.arange(len(self.third), dtype=np.int32), self.third, Level.THIRD
        for level in (Level.SECOND, Level.COMMUNITY):
            above = self.layer(level)
            require_unique(above[CODE], f"layer {level.layer}")
            at = pd.Index(above[CODE]).get_indexer(below[PARENT])
            lost = below.loc[at < 0, CODE].tolist()
            if lost:
                raise CodeError(
                    f"layer {below_level.layer}: {counted(len(lost), 'cell names', 'cells name')} a parent that does not exist "
                    f"({first_labels(lost)})",
                    ids=lost,
                )
            rows = at.astype(np.int32)[rows]
            result[level] = rows
            below, below_level = above, level
        return result

    def with_layer(self, level: Level, frame: gpd.GeoDataFrame) -> Division:
        """Copy of the division with one layer replaced."""
        return replace(self, **{level.layer: frame})


def read_division(path: str | os.PathLike[str]) -> Division:
    """Read a division from a GeoPackage with the layers ``street``, ``community``, ``second`` and ``third``, or from a
    GeoJSON or GeoParquet file in which the column ``level`` distinguishes the layers.

    Returns
    -------
    Division
        In the metric CRS of the place; coordinates are rounded to the 1 mm lattice.

    Raises
    ------
    FileError
        If the file cannot be read or is not a division.
    GeometryError
        If a geometry is not a polygon.
    """
    path = Path(path)
    names = layers_of(path)
    if {level.layer for level in Level} <= set(names):
        frames = {level: read_layer(path, layer=level.layer) for level in Level}
    elif len(names) == 1:
        stacked = read_layer(path)
        if LEVEL not in stacked or CODE not in stacked:
            raise FileError(
                f"{path.name}: is not a division: no layers street, community, second, third, and no columns "
                "code and level to distinguish them"
            )
        frames = {level: stacked[stacked[LEVEL] == int(level)].reset_index(drop=True) for level in Level}
        missing = [level.layer for level, frame in frames.items() if frame.empty]
        if missing:
            raise FileError(f"{path.name}: is not a division: no rows of level {', '.join(missing)}")
    else:
        raise FileError(
            f"{path.name}: is not a division: layers street, community, second, third are expected, "
            f"it has {', '.join(names)}"
        )
    crs = to_metric(frames[Level.STREET]).crs
    clean = {
        level.layer: _tidy(require_polygons(frame, f"{path.name}, layer {level.layer}"), crs)
        for level, frame in frames.items()
    }
    return Division(**clean)


def is_division(path: str | os.PathLike[str]) -> bool:
    """Whether a readable file contains the four layers of a division."""
    names = set(layers_of(path))
    return {level.layer for level in Level} <= names


def digest_of(cells: Division | gpd.GeoDataFrame) -> str:
    """SHA-256 of the codes and geometries of a division, level by level, or of one layer, with cells in order of code.

    It identifies the partition: divisions with the same digest are equal except for the order of their cells.
    """
    layers = {int(level): cells.layer(level) for level in Level} if isinstance(cells, Division) else {-1: cells}
    total = hashlib.sha256()
    for level, layer in layers.items():
        frame = layer.sort_values(CODE, kind="stable")
        for code, wkb in zip(frame[CODE], shapely.to_wkb(frame.geometry.array, byte_order=1), strict=True):
            total.update(f"{level} {code} {len(wkb)}\n".encode())
            total.update(wkb)
    return total.hexdigest()


def write_division(division: Division, path: str | os.PathLike[str]) -> None:
    """Write a division to one file: a GeoPackage with four layers, or another format with all cells in one layer.

    Raises
    ------
    FileError
        If the format is not known or the folder does not exist.
    """
    write_levels({level: division.layer(level) for level in Level}, path)


def write_levels(
    frames: Mapping[Level, gpd.GeoDataFrame], path: str | os.PathLike[str], *, encoding: str | None = None
) -> None:
    """Write layers of a division, in any CRS that they share, as :func:`write_division` does.

    Raises
    ------
    FileError
        If the format is not known or the folder does not exist.
    """
    if ".gpkg" in [suffix.lower() for suffix in Path(path).suffixes[-2:]]:
        write_layers({level.layer: frame for level, frame in frames.items()}, path)
        return
    stacked = pd.concat(frames.values(), ignore_index=True)
    write_layer(gpd.GeoDataFrame(stacked, crs=stacked.crs), path, encoding=encoding)


def on_lattice(geometries: gpd.GeoSeries) -> gpd.GeoSeries:
    """Round every coordinate to the 1 mm lattice, vertex by vertex; shared vertices stay shared."""
    rounded = shapely.transform(geometries.array, lambda xy: np.round(xy * PER_METRE) / PER_METRE)
    return gpd.GeoSeries(rounded, index=geometries.index, crs=geometries.crs)


def _tidy(frame: gpd.GeoDataFrame, crs: CRS) -> gpd.GeoDataFrame:
    frame = to_metric(frame, crs)
    frame = frame.set_geometry(on_lattice(frame.geometry))
    extra = [c for c in frame.columns if c not in LAYER_COLUMNS]
    return frame.reindex(columns=[c for c in LAYER_COLUMNS if c in frame.columns] + extra)
