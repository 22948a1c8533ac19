"""The division that holds now, kept in memory for the server."""

from __future__ import annotations

import gc
import json
import threading
import time
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import shapely
from sqlalchemy import Engine

from api.database import VersionInfo, current_version, read_version, session
from geo.layers import Datum, Division, Level, convert, lon_lat
from geo.layers.columns import CODE, LEADER, NAME, PARENT
from geo.layers.files.writing import GEOJSON_DECIMALS
from geo.locate import GridIndex


@dataclass(frozen=True)
class Place:
    """Cells of the three levels around one point; empty if it lies outside the street."""

    inside: bool
    cells: dict[Level, dict[str, Any]]


@dataclass(frozen=True)
class Snapshot:
    """One version in memory: its division, an index over the third level, and the layers as GeoJSON."""

    version: VersionInfo
    division: Division
    index: GridIndex
    _geojson: dict[Level, bytes] = field(default_factory=dict)

    @classmethod
    def of(cls, version: VersionInfo, division: Division) -> Snapshot:
        """Build the index of a division."""
        return cls(version, division, GridIndex(division.third))

    @cached_property
    def _cells(self) -> dict[Level, dict[str, dict[str, Any]]]:
        """What is told of each cell, by level and code; plain values, for a look into a frame takes longer than the index."""
        told: dict[Level, dict[str, dict[str, Any]]] = {}
        for level in (Level.COMMUNITY, Level.SECOND, Level.THIRD):
            frame = pd.DataFrame(self.division.layer(level)).reindex(columns=[CODE, NAME, LEADER, PARENT])
            told[level] = {
                str(code): {"code": str(code), "name": _text(name), "leader": _text(leader), "parent": _text(parent)}
                for code, name, leader, parent in frame.itertuples(index=False)
            }
        return told

    @cached_property
    def _codes(self) -> list[str]:
        return [str(code) for code in self.division.third[CODE]]

    @cached_property
    def _transformer(self) -> pyproj.Transformer:
        # Made once: it takes 50 ms, a hundred times the rest of a question. Transformers may be shared by threads.
        return pyproj.Transformer.from_crs("EPSG:4326", self.division.crs, always_xy=True)

    def geojson(self, level: Level) -> bytes:
        """Layer in degrees (WGS-84) as a GeoJSON document; made once."""
        if level not in self._geojson:
            self._geojson[level] = to_geojson(self.division.layer(level))
        return self._geojson[level]

    def locate(self, lon: float, lat: float, datum: Datum) -> Place:
        """Find the cells around a point given in degrees on `datum`."""
        longitude, latitude = convert([lon], [lat], datum, Datum.WGS84)
        x, y = self._transformer.transform(longitude, latitude)
        position = int(self.index.locate(np.asarray(x), np.asarray(y))[0])
        if position < 0:
            return Place(False, {})
        cells: dict[Level, dict[str, Any]] = {}
        code = self._codes[position]
        for level in (Level.THIRD, Level.SECOND, Level.COMMUNITY):
            row = self._cells[level][code]
            cells[level] = {key: row[key] for key in ("code", "name", "leader")}
            code = row["parent"]
        return Place(True, cells)


#: The store is asked for a newer version at most this often; asking takes longer than finding a cell.
ASK_EVERY_S = 1.0


class Current:
    """The snapshot of the version that holds now; loaded again within a second when another one is published."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._lock = threading.Lock()
        self._snapshot: Snapshot | None = None
        self._asked_at = -ASK_EVERY_S

    @property
    def fresh(self) -> Snapshot | None:
        """The snapshot, if the store was asked for a newer version within the last second."""
        return self._snapshot if time.monotonic() - self._asked_at < ASK_EVERY_S else None

    def get(self) -> Snapshot:
        """Snapshot of the current version.

        Raises
        ------
        NotStoredError
            If no version is published.
        """
        if fresh := self.fresh:
            return fresh
        with session(self._engine) as opened:
            version = current_version(opened)
            with self._lock:
                if self._snapshot is None or self._snapshot.version.id != version.id:
                    self._snapshot = Snapshot.of(version, read_version(opened, version.id))
                    # What was loaded stays: looking through it for garbage would hold up an answer now and then.
                    gc.collect()
                    gc.freeze()
                self._asked_at = time.monotonic()
                return self._snapshot


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


def _text(value: Any) -> str | None:
    return None if value is None or pd.isna(value) else str(value)
