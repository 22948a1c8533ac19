"""Layers of vector tiles (MVT 2.1): protobuf messages around the geometry commands of :mod:`~api.ogc.tiles.ring_encoding`."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from api.ogc.tiles.ring_encoding import EXTENT, pack_varints
from geo.arrays import Ints


def _written(number: int) -> bytes:
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


#: Precomputed varints of small numbers, the great majority: the tiles of a street have 100,000 features and values.
_SMALL = tuple(_written(number) for number in range(1 << 14))


def varint(number: int) -> bytes:
    """A number as varint.

    >>> varint(300).hex(), varint(16384).hex()
    ('ac02', '808001')
    """
    return _SMALL[number] if number < len(_SMALL) else _written(number)


def message(field: int, content: bytes) -> bytes:
    """A length-delimited field."""
    return varint(field << 3 | 2) + varint(len(content)) + content


def value_message(value: Any) -> bytes:
    """A value of a layer's value table."""
    if isinstance(value, bool):
        return message(4, b"\x38" + varint(int(value)))
    if isinstance(value, int):
        return message(4, b"\x30" + varint((value << 1) ^ (value >> 63)))
    if isinstance(value, float):
        return message(4, b"\x19" + struct.pack("<d", value))
    return message(4, message(1, str(value).encode()))


@dataclass(frozen=True)
class PropertyTable:
    """Properties of the cells of a level, encoded once for all tiles.

    Attributes
    ----------
    keys
        Names of the properties.
    token
        Index in `messages` of the value of each cell and property; -1 if missing. Shape (cells, keys).
    messages
        The distinct values, encoded; distinguished by type, as 1, 1.0 and True are equal in Python.
    """

    keys: tuple[str, ...]
    token: Ints
    messages: tuple[bytes, ...]

    @classmethod
    def of(cls, columns: Mapping[str, Sequence[Any]]) -> PropertyTable:
        """Build the table from columns with one value per cell; None is omitted."""
        known: dict[Any, int] = {}
        tokens = [
            [-1 if value is None else known.setdefault((type(value), value), len(known)) for value in column]
            for column in columns.values()
        ]
        table = np.array(tokens, dtype=np.int64).T
        return cls(tuple(columns), table, tuple(value_message(value) for _, value in known))


def layer_message(name: str, properties: PropertyTable, geometry: tuple[Any, Any, Any]) -> bytes:
    """One layer of a tile; empty if it has no features.

    Parameters
    ----------
    geometry
        Command integers, end of those of each feature, and the cells, as returned by
        :func:`~api.ogc.tiles.ring_encoding.encode_rings`.
    """
    numbers, ends, cells = geometry
    if not len(cells):
        return b""
    packed, lengths = _packed(numbers, ends)
    tokens = properties.token[cells]
    used = np.unique(tokens[tokens >= 0])
    # Values are renumbered for each tile.
    own = np.searchsorted(used, tokens).tolist()
    there = (tokens >= 0).tolist()
    keys = [varint(key) for key in range(len(properties.keys))]
    features, start = [], 0
    for length, values, given in zip(lengths, own, there, strict=True):
        tags = b"".join(
            [key + varint(value) for key, value, is_there in zip(keys, values, given, strict=True) if is_there]
        )
        features.append(message(2, message(2, tags) + b"\x18\x03" + message(4, packed[start : start + length])))
        start += length
    content = [b"\x78\x02", message(1, name.encode()), *features]
    content += [message(3, key.encode()) for key in properties.keys]
    content += [properties.messages[value] for value in used.tolist()]
    content.append(b"\x28" + varint(EXTENT))
    return message(3, b"".join(content))


def _packed(numbers: Any, ends: Ints) -> tuple[bytes, list[int]]:
    """Command integers as varints, and the number of bytes of each feature."""
    buffer = np.empty(5 * len(numbers), dtype=np.uint8)
    size = pack_varints(numbers, buffer)
    widths = 1 + sum((numbers >= (1 << (7 * k))).astype(np.int64) for k in range(1, 5))
    upto = np.cumsum(widths)[ends - 1]
    return buffer[:size].tobytes(), np.diff(np.r_[0, upto]).tolist()
