"""Features of a collection in memory: values, geometries, and GeoJSON fragments built once per CRS."""

from __future__ import annotations

import hashlib
import threading
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import msgspec
import numpy as np
import shapely

from api.ogc.coordinate_systems import DEGREES, Crs, converted
from api.ogc.properties import Property, comparable
from geo.arrays import Bools, Objects

HEAD = b'{"type":"FeatureCollection","features":['
#: Compression levels of a whole collection: 78 ms for 4.7 MB, 0.90 MB; level 1 33 ms and 1.03 MB, level 6 115 ms and 0.86 MB.
FIRST_LEVEL, KEPT_LEVEL = 1, 6
_GZIP_START = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\xff"


@dataclass(frozen=True)
class Packed:
    """All features of a collection as raw deflate up to a full flush, so that a closing part can be appended."""

    data: bytes
    crc: int
    size: int
    level: int

    def closed_by(self, end: bytes) -> bytes:
        """The complete gzip file: the features and the closing part of the document."""
        last = zlib.compressobj(1, zlib.DEFLATED, -zlib.MAX_WBITS)
        tail = last.compress(end) + last.flush()
        crc = zlib.crc32(end, self.crc).to_bytes(4, "little")
        size = ((self.size + len(end)) & 0xFFFFFFFF).to_bytes(4, "little")
        return b"".join((_GZIP_START, self.data, tail, crc, size))


def deflated(text: bytes) -> bytes:
    """Raw deflate up to a full flush, which can be placed anywhere in a gzip file."""
    squeeze = zlib.compressobj(FIRST_LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    return squeeze.compress(text) + squeeze.flush(zlib.Z_FULL_FLUSH)


_PACKED_HEAD, SEPARATOR = deflated(HEAD), b",\n"
_PACKED_SEPARATOR = deflated(SEPARATOR)


@dataclass(frozen=True)
class FeatureTable:
    """Features of one collection.

    Attributes
    ----------
    ids
        Identifier of each feature.
    properties
        Properties in the order of `values`.
    values
        JSON values of each property (:func:`api.ogc.properties.plain_values`).
    geometry
        Geometries, x first, in the CRS with the EPSG code `native`; None for features without geometry.
    tag
        Changes with every change of a feature; used for ETags.
    """

    ids: Sequence[str]
    properties: tuple[Property, ...]
    values: dict[str, list[Any]]
    geometry: Objects
    native: int
    tag: str
    _lock: threading.RLock = field(default_factory=threading.RLock, repr=False, compare=False)
    _shapes: dict[int, Objects] = field(default_factory=dict, repr=False, compare=False)
    _trees: dict[int, shapely.STRtree] = field(default_factory=dict, repr=False, compare=False)
    _fragments: dict[tuple[int, bool], list[bytes]] = field(default_factory=dict, repr=False, compare=False)
    _packed: dict[tuple[int, bool], Packed] = field(default_factory=dict, repr=False, compare=False)
    _pieces: dict[tuple[int, bool], list[bytes | None]] = field(default_factory=dict, repr=False, compare=False)
    _comparable: dict[str, tuple[Objects, Bools]] = field(default_factory=dict, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.ids)

    @cached_property
    def positions(self) -> dict[str, int]:
        """Row number of each identifier."""
        return {key: row for row, key in enumerate(self.ids)}

    def shapes(self, space: int) -> Objects:
        """Geometries in one space (see :class:`~api.ogc.coordinate_systems.Crs`), x first; cached."""
        with self._lock:
            if space not in self._shapes:
                self._shapes[space] = converted(self.geometry, self.native, space)
            return self._shapes[space]

    def tree(self, space: int) -> shapely.STRtree:
        """Spatial index of the geometries in one space; cached."""
        with self._lock:
            tree = self._trees.get(space)
            if tree is None:
                tree = self._trees[space] = shapely.STRtree(self.shapes(space))
                # GEOS builds the tree at its first query.
                tree.query(shapely.Point(0, 0))
            return tree

    def intersecting(self, box: tuple[float, float, float, float], space: int) -> Bools:
        """Which features intersect a box of one space, borders included."""
        tree = self.tree(space)
        found = np.zeros(len(self), dtype=bool)
        area = shapely.box(*box)
        if box[0] == box[2] or box[1] == box[3]:
            # A box without area is a line or a point.
            area = shapely.linestrings([box[:2], box[2:]]) if box[:2] != box[2:] else shapely.points(box[:2])
        found[tree.query(area, predicate="intersects")] = True
        return found

    def comparable(self, name: str) -> tuple[Objects, Bools]:
        """Values of a property as a comparable array, and a mask of missing values; cached."""
        if name not in self._comparable:
            kind = next(entry.kind for entry in self.properties if entry.name == name)
            self._comparable[name] = comparable(self.values[name], kind)
        return self._comparable[name]

    @cached_property
    def _documents(self) -> list[bytes]:
        """Properties of each feature as JSON text."""
        names = [entry.name for entry in self.properties]
        encode = msgspec.json.Encoder().encode
        return [
            encode(dict(zip(names, row, strict=True))) for row in zip(*(self.values[n] for n in names), strict=True)
        ]

    def fragments(self, crs: Crs) -> list[bytes]:
        """GeoJSON text of every feature in one CRS, in its axis order; cached."""
        key = crs.space, crs.swapped
        with self._lock:
            if key not in self._fragments:
                shapes = self.shapes(crs.space)
                if crs.swapped:
                    shapes = shapely.transform(shapes, lambda xy: xy[:, ::-1])
                texts = shapely.to_geojson(shapes)
                encode = msgspec.json.Encoder().encode
                self._fragments[key] = [
                    b'{"type":"Feature","id":%b,"geometry":%b,"properties":%b}'
                    % (encode(name), b"null" if text is None else text.encode(), document)
                    for name, text, document in zip(self.ids, texts, self._documents, strict=True)
                ]
            return self._fragments[key]

    def subset(self, rows: Sequence[int], tag: str) -> FeatureTable:
        """A table of the given rows."""
        return FeatureTable(
            [self.ids[row] for row in rows],
            self.properties,
            {name: [values[row] for row in rows] for name, values in self.values.items()},
            self.geometry[list(rows)],
            self.native,
            f"{self.tag}-{tag}",
        )

    def item_tag(self, row: int) -> str:
        """Strong ETag of one feature, for editing; changes with the feature."""
        content = self._documents[row] + (shapely.to_wkb(self.geometry[row]) or b"")
        return f'"{hashlib.sha256(content).hexdigest()[:24]}"'

    def packed_rows(self, rows: Sequence[int], crs: Crs, end: bytes) -> bytes:
        """A document of the given rows as a gzip file; each feature is compressed once, and the results are concatenated."""
        fragments = self.fragments(crs)
        pieces = self._pieces.setdefault((crs.space, crs.swapped), [None] * len(self))
        for row in rows:
            if pieces[row] is None:
                pieces[row] = deflated(fragments[row])
        found = [piece for piece in [pieces[row] for row in rows] if piece is not None]
        body = HEAD + SEPARATOR.join([fragments[row] for row in rows])
        data = _PACKED_HEAD + _PACKED_SEPARATOR.join(found)
        return Packed(data, zlib.crc32(body), len(body), FIRST_LEVEL).closed_by(end)

    def packed(self, crs: Crs, level: int = FIRST_LEVEL) -> Packed:
        """All features, compressed with at least `level`; cached per CRS and level."""
        key = crs.space, crs.swapped
        # First without the lock, so that answers do not wait for a better compression.
        known = self._packed.get(key)
        if known is not None and known.level >= level:
            return known
        with self._lock:
            known = self._packed.get(key)
            if known is None or known.level < level:
                body = HEAD + SEPARATOR.join(self.fragments(crs))
                squeeze = zlib.compressobj(level, zlib.DEFLATED, -zlib.MAX_WBITS)
                data = squeeze.compress(body) + squeeze.flush(zlib.Z_FULL_FLUSH)
                known = self._packed[key] = Packed(data, zlib.crc32(body), len(body), level)
            return known

    @cached_property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """West, south, east and north of all features in degrees."""
        found = shapely.total_bounds(self.shapes(DEGREES))
        return None if np.isnan(found).any() else (float(found[0]), float(found[1]), float(found[2]), float(found[3]))
