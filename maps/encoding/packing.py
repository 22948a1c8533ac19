"""Integers as short text: seven bits per byte, as base64.

A border as differences of positions takes two bytes per number, half of its digits in JSON.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def pack(numbers: npt.ArrayLike) -> str:
    """Encode non-negative integers as seven bits per byte, least significant first, with the high bit set if more follow; as
    base64.

    >>> base64.b64decode(pack([0, 127, 128, 300])).hex()
    '007f8001ac02'
    """
    rest = np.asarray(numbers, dtype=np.int64)
    width = np.ones(len(rest), dtype=np.int64)
    for bits in range(7, 63, 7):
        width += rest >> bits > 0
    start = np.cumsum(width) - width
    written = np.zeros(int(width.sum()), dtype=np.uint8)
    for i in range(int(width.max(initial=0))):
        has = width > i
        more = (width[has] > i + 1) * 128
        written[start[has] + i] = (rest[has] >> (7 * i) & 127) + more
    return base64.b64encode(written.tobytes()).decode("ascii")


def zigzag(numbers: npt.ArrayLike) -> npt.NDArray[np.int64]:
    """Signed integers as non-negative ones, small magnitudes first.

    >>> zigzag([0, -1, 1, -2]).tolist()
    [0, 1, 2, 3]
    """
    signed = np.asarray(numbers, dtype=np.int64)
    return (signed << 1) ^ (signed >> 63)


def pack_shapes(shapes: Sequence[Sequence[Sequence[Sequence[int]]]]) -> str:
    """Encode shapes, lists of parts of rings of numbers, as one text.

    For each shape the number of its parts, for each part the number of its rings, for each ring the number of its values,
    followed by the values.
    """
    pieces: list[npt.NDArray[np.int64]] = []
    for parts in shapes:
        pieces.append(np.array([len(parts)], dtype=np.int64))
        for rings in parts:
            pieces.append(np.array([len(rings)], dtype=np.int64))
            for ring in rings:
                pieces += [np.array([len(ring)], dtype=np.int64), zigzag(ring)]
    return pack(np.concatenate(pieces) if pieces else [])
