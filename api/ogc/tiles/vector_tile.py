"""Layers of vector tiles (MVT 2.1): messages around the geometry commands of :mod:`~api.ogc.tiles.ring_encoding`."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from api.ogc.tiles.ring_encoding import EXTENT, pack_varints
from geo.arrays import Ints

_POLYGON = 3


def varint(number: int) -> bytes:
    """A number as varint.

    >>> varint(300).hex()
    'ac02'
    """
    out = bytearray()
    while number > 127:
        out.append(number & 127 | 128)
        number >>= 7
    out.append(number)
    return bytes(out)


def message(field: int, content: bytes) -> bytes:
    """A field that holds bytes."""
    return varint(field << 3 | 2) + varint(len(content)) + content


def value_message(value: Any) -> bytes:
    """A value of a layer's table."""
    if isinstance(value, bool):
        return message(4, b"\x38" + varint(int(value)))
    if isinstance(value, int):
        return message(4, b"\x30" + varint((value << 1) ^ (value >> 63)))
    if isinstance(value, float):
        return message(4, b"\x19" + struct.pack("<d", value))
    return message(4, message(1, str(value).encode()))


def layer_message(
    name: str, keys: Sequence[str], columns: Sequence[Sequence[Any]], geometry: tuple[Any, Any, Any]
) -> bytes:
    """One layer of a tile; empty if it has no features.

    Parameters
    ----------
    keys, columns
        Names of the properties and the values of each, one for each cell of the level; None is left out.
    geometry
        Command integers, where those of each feature end, and the cells, as
        :func:`~api.ogc.tiles.ring_encoding.encode_rings` gives them.
    """
    numbers, ends, cells = geometry
    if not len(cells):
        return b""
    packed, lengths = _packed(numbers, ends)
    values: dict[Any, int] = {}
    features, start = [], 0
    for cell, length in zip(cells.tolist(), lengths, strict=True):
        tags = bytearray()
        for key, column in enumerate(columns):
            value = column[cell]
            if value is not None:
                # The type belongs to the key: 1, 1.0 and True are equal to Python.
                number = values.setdefault((type(value), value), len(values))
                tags += varint(key) + varint(number)
        body = message(2, bytes(tags)) + b"\x18\x03" + message(4, packed[start : start + length])
        features.append(message(2, body))
        start += length
    content = [b"\x78\x02", message(1, name.encode()), *features]
    content += [message(3, key.encode()) for key in keys]
    content += [value_message(value) for _, value in values]
    content.append(b"\x28" + varint(EXTENT))
    return message(3, b"".join(content))


def _packed(numbers: Any, ends: Ints) -> tuple[bytes, list[int]]:
    """Command integers as varints, and the number of bytes of each feature."""
    buffer = np.empty(5 * len(numbers), dtype=np.uint8)
    size = pack_varints(numbers, buffer)
    widths = 1 + sum((numbers >= (1 << (7 * k))).astype(np.int64) for k in range(1, 5))
    upto = np.cumsum(widths)[ends - 1]
    return buffer[:size].tobytes(), np.diff(np.r_[0, upto]).tolist()
