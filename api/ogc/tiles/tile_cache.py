"""All tiles of one version, built in the background or one zoom at first use, and kept compressed."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from api.ogc.answers import gzipped
from api.ogc.tiles.arc_simplification import HALF_WORLD_M, LevelRings, TileMesh
from api.ogc.tiles.ring_encoding import BUFFER, EXTENT, encode_rings
from api.ogc.tiles.vector_tile import PropertyTable, layer_message
from geo.arrays import Ints
from geo.layers import Level
from geo.layers.transformers import to_crs

if TYPE_CHECKING:
    from geo.layers import Division

FIRST_ZOOM, LAST_ZOOM = 10, 16
#: Up to this zoom vertices are removed if their chain moves less than the tolerance: a quarter of a pixel of 256 a tile.
SIMPLIFIED_TO, TOLERANCE_UNITS = 14, 4.0
#: Properties of a tile's features; the complete ones are served as features.
TILE_PROPERTIES = ("code", "name", "parent", "leader", "population", "area_m2")
_LEVEL = 6


@dataclass(frozen=True)
class Tile:
    """One tile: the layer of each level, and all layers combined, compressed; empty bytes if empty."""

    layers: dict[Level, bytes]
    everything: bytes


class TileCache:
    """The tiles of a division; thread-safe."""

    def __init__(self, division: Division) -> None:
        self._division = division
        self._lock = threading.Lock()
        self._zooms: dict[int, dict[tuple[int, int], Tile]] = {}
        self._mesh: TileMesh | None = None
        self._properties: dict[Level, PropertyTable] = {}

    def tile(self, zoom: int, column: int, row: int) -> Tile | None:
        """A tile of a zoom from 10 to 16; None if it is empty."""
        known = self._zooms.get(zoom)
        return (known if known is not None else self.zoom(zoom)).get((column, row))

    def zoom(self, zoom: int) -> dict[tuple[int, int], Tile]:
        """All tiles of a zoom by column and row; built at first use."""
        with self._lock:
            if zoom not in self._zooms:
                if self._mesh is None:
                    self._mesh = TileMesh.of(self._division)
                    self._properties = {level: _properties_of(self._division, level) for level in Level}
                self._zooms[zoom] = _tiles_of(self._mesh, self._properties, zoom)
            return self._zooms[zoom]

    def made(self, zoom: int) -> bool:
        """Whether the tiles of a zoom are built."""
        return zoom in self._zooms

    def make_all(self) -> int:
        """Build the tiles of all zooms; returns their number."""
        return sum(len(self.zoom(zoom)) for zoom in range(FIRST_ZOOM, LAST_ZOOM + 1))

    def limits(self, zoom: int) -> tuple[int, int, int, int]:
        """First and last column and row of a zoom that the street touches; builds no tile."""
        street = to_crs(self._division.street.geometry, 3857).total_bounds
        side = 2 * HALF_WORLD_M / (1 << zoom)
        west, east = ((value + HALF_WORLD_M) // side for value in street[[0, 2]])
        south, north = ((HALF_WORLD_M - value) // side for value in street[[1, 3]])
        return int(west), int(east), int(north), int(south)


@dataclass(frozen=True)
class _LevelAtZoom:
    """The rings of a level at one zoom, and the bounds of each cell in units."""

    rings: LevelRings
    first_ring: Ints
    bounds: Ints


def _tiles_of(mesh: TileMesh, properties: dict[Level, PropertyTable], zoom: int) -> dict[tuple[int, int], Tile]:
    xy = units_at(mesh, zoom)
    unit_m = 2 * HALF_WORLD_M / (EXTENT << zoom)
    kept = mesh.weight > TOLERANCE_UNITS * unit_m if zoom <= SIMPLIFIED_TO else np.ones(len(xy), dtype=bool)
    levels = {level: _level_at(len(properties[level].token), mesh.rings[level], xy, kept) for level in Level}
    street = levels[Level.STREET].bounds
    west, north = (street[:, :2].min(axis=0) - BUFFER) // EXTENT
    east, south = (street[:, 2:].max(axis=0) + BUFFER) // EXTENT
    found = {}
    for column in range(int(west), int(east) + 1):
        for row in range(int(north), int(south) + 1):
            layers = {
                level: _layer(level, properties[level], part, xy, (column, row)) for level, part in levels.items()
            }
            whole = b"".join(layers.values())
            if whole:
                packed = {level: gzipped(body, _LEVEL) if body else b"" for level, body in layers.items()}
                found[column, row] = Tile(packed, gzipped(whole, _LEVEL))
    return found


def units_at(mesh: TileMesh, zoom: int) -> Ints:
    """Position of each vertex at a zoom, in integer units from the north-west corner of the world."""
    scale = (EXTENT << zoom) / (2 * HALF_WORLD_M)
    east, south = (mesh.mercator[:, 0] + HALF_WORLD_M) * scale, (HALF_WORLD_M - mesh.mercator[:, 1]) * scale
    return np.rint(np.column_stack([east, south])).astype(np.int64)


def _level_at(count: int, rings: LevelRings, xy: Ints, kept: Any) -> _LevelAtZoom:
    """Rings of a level without the removed vertices."""
    stays = kept[rings.vertex]
    before = np.r_[0, np.cumsum(stays)]
    simple = LevelRings(rings.vertex[stays], before[rings.offsets], rings.cell, rings.outer)
    first_ring = np.searchsorted(rings.cell, np.arange(count + 1))
    points = xy[rings.vertex]
    starts = rings.offsets[first_ring[:-1]]
    low, high = np.minimum.reduceat(points, starts), np.maximum.reduceat(points, starts)
    return _LevelAtZoom(simple, first_ring, np.column_stack([low, high]))


def _properties_of(division: Division, level: Level) -> PropertyTable:
    frame = division.layer(level)
    return PropertyTable.of({name: _column(frame, name) for name in TILE_PROPERTIES})


def _column(frame: Any, name: str) -> list[Any]:
    from api.ogc.catalogue import LAYER_PROPERTIES
    from api.ogc.properties import plain_values

    if name not in frame:
        return [None] * len(frame)
    kind = next(entry.kind for entry in LAYER_PROPERTIES if entry.name == name)
    return plain_values(frame[name].tolist(), kind)


def _layer(level: Level, properties: PropertyTable, part: _LevelAtZoom, xy: Ints, place: tuple[int, int]) -> bytes:
    """The layer of one level in the tile of a column and row."""
    origin = np.array(place, dtype=np.int64) * EXTENT
    low, high = origin - BUFFER, origin + EXTENT + BUFFER
    bounds = part.bounds
    near = np.flatnonzero(
        (bounds[:, 0] <= high[0]) & (bounds[:, 2] >= low[0]) & (bounds[:, 1] <= high[1]) & (bounds[:, 3] >= low[1])
    )
    if not len(near):
        return b""
    chosen = np.concatenate([np.arange(part.first_ring[k], part.first_ring[k + 1]) for k in near])
    rings = part.rings
    geometry = encode_rings(xy, rings.vertex, rings.offsets, rings.cell, rings.outer, chosen, origin)
    return layer_message(level.layer, properties, geometry)
