"""One version of a division in memory: its index, the names of its cells, and the layers as GeoJSON."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pyproj
import shapely

from api.database import VersionInfo
from geo.kernels import uncompiled
from geo.layers.columns import GEOJSON_DECIMALS, Level
from geo.layers.crs import lon_lat
from geo.layers.datum import Datum, convert
from geo.layers.transformers import transformer
from geo.locate import GridIndex

if TYPE_CHECKING:
    import geopandas as gpd

    from geo.layers import Division
    from maps.pages.thumbnails import Outlines

#: Set when the compiled code for point location is loaded in this process.
_COMPILED = threading.Event()
#: Datums treated as equal.
_SAME = (Datum.WGS84, Datum.CGCS2000)


class CellName(NamedTuple):
    """A cell without its geometry."""

    level: int
    code: str
    name: str | None
    parent: str | None
    leader: str | None


@dataclass(frozen=True)
class Place:
    """Cells of the three levels around one point; empty if it lies outside the street."""

    inside: bool
    cells: dict[Level, dict[str, Any]]


@dataclass(frozen=True)
class Snapshot:
    """One version in memory: its division, an index over the third level, and the layers as GeoJSON."""

    version: VersionInfo
    index: GridIndex
    _names: Sequence[CellName] = field(repr=False)
    _read: Callable[[], Division] = field(repr=False)
    _geojson: dict[Level, bytes] = field(default_factory=dict, repr=False)

    @classmethod
    def of(cls, version: VersionInfo, division: Division, names: Sequence[CellName]) -> Snapshot:
        """Build the index of a division."""
        return cls(version, GridIndex(division.third), names, lambda: division)

    @cached_property
    def division(self) -> Division:
        """The layers, read from the database at first use; point location does not need them."""
        return self._read()

    def compile(self) -> None:
        """Load the compiled code for point location. Until then single points are located by the same code uncompiled."""
        self.index.locate(np.zeros(1), np.zeros(1))
        _COMPILED.set()

    @cached_property
    def _cells(self) -> dict[Level, dict[str, dict[str, Any]]]:
        """Code, name, leader and parent of each cell, by level; plain dicts, because frame lookups are slower than the index."""
        found: dict[Level, dict[str, dict[str, Any]]] = {level: {} for level in Level}
        for level, code, name, parent, leader in self._names:
            found[Level(level)][code] = {"code": code, "name": name, "leader": leader, "parent": parent}
        return found

    @cached_property
    def _codes(self) -> list[str]:
        return [cell.code for cell in self._names if cell.level == Level.THIRD]

    @cached_property
    def _transformer(self) -> pyproj.Transformer:
        # Cached: creation takes 50 ms, a hundred times the rest of a lookup. Transformers may be shared by threads.
        return transformer("EPSG:4326", self.index.crs)

    def geojson(self, level: Level) -> bytes:
        """Layer in degrees (WGS-84) as a GeoJSON document; cached."""
        if level not in self._geojson:
            self._geojson[level] = to_geojson(self.division.layer(level))
        return self._geojson[level]

    @cached_property
    def outlines(self) -> Outlines:
        """Outlines of the grids for the small maps of pages."""
        from maps.pages.thumbnails import Outlines

        return Outlines.of(self.division)

    @cached_property
    def community_names(self) -> dict[str, str]:
        """Names of the communities by code, in the order of the layer."""
        return {code: row["name"] or code for code, row in self._cells[Level.COMMUNITY].items()}

    @cached_property
    def probe(self) -> tuple[float, float]:
        """Longitude and latitude of a point inside a third-level cell."""
        found = self.index.inner_point()
        if found is None:
            point = self.division.third.geometry.iloc[0].representative_point()
            found = point.x, point.y
        lon, lat = self._transformer.transform(*found, direction="INVERSE")
        return float(lon), float(lat)

    def locate_many(self, places: list[tuple[float, float]], datum: str) -> list[dict[str, Any] | None]:
        """Find the third-level cells of points; None outside."""
        given = Datum.parse(datum)
        lon, lat = convert([p[0] for p in places], [p[1] for p in places], given, Datum.WGS84)
        x, y = self._transformer.transform(lon, lat)
        found = self.index.locate(np.asarray(x), np.asarray(y))
        rows = self._cells[Level.THIRD]
        keys = ("code", "name", "leader")
        return [None if k < 0 else {key: rows[self._codes[k]][key] for key in keys} for k in found.tolist()]

    def locate(self, lon: float, lat: float, datum: str) -> Place:
        """Find the cells around a point given in degrees on `datum`."""
        given = Datum.parse(datum)
        if given not in _SAME:
            lon, lat = (float(values[0]) for values in convert([lon], [lat], given, Datum.WGS84))
        # Scalars instead of lists, which would double the time of the transformer.
        x, y = self._transformer.transform(lon, lat)
        with uncompiled(when=not _COMPILED.is_set()):
            position = int(self.index.locate(np.array([x]), np.array([y]))[0])
        if position < 0:
            return Place(False, {})
        cells: dict[Level, dict[str, Any]] = {}
        code = self._codes[position]
        for level in (Level.THIRD, Level.SECOND, Level.COMMUNITY):
            row = self._cells[level][code]
            cells[level] = {key: row[key] for key in ("code", "name", "leader")}
            code = row["parent"]
        return Place(True, cells)


def to_geojson(frame: gpd.GeoDataFrame) -> bytes:
    """Frame as a GeoJSON FeatureCollection in degrees, with nine decimals (0.1 mm); missing values become null."""
    degrees = lon_lat(frame.geometry).array
    rounded = shapely.transform(np.asarray(degrees, dtype=object), lambda xy: np.round(xy, GEOJSON_DECIMALS))
    geometries = shapely.to_geojson(rounded)
    plain = json.loads(
        frame.drop(columns=frame.geometry.name).to_json(orient="records", date_format="iso", force_ascii=False)
    )
    features = ",\n".join(
        f'{{"type":"Feature","properties":{json.dumps(properties, ensure_ascii=False)},"geometry":{geometry}}}'
        for properties, geometry in zip(plain, geometries, strict=True)
    )
    return f'{{"type":"FeatureCollection","features":[\n{features}\n]}}\n'.encode()
