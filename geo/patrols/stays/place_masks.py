"""Counts, for each position, how many of the possible places around it are in each cell, and which: one bit each of a mask."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from geo.arrays import Ints
from geo.kernels import kernel

Masks = npt.NDArray[np.uint64]


@kernel(nogil=True)
def count_places(around: npt.NDArray[np.int32]) -> tuple[Ints, npt.NDArray[np.int32], Ints, Masks]:
    """Count the distinct values of each row: rows, values, counts and places, in order of row and first occurrence."""
    n, places = around.shape
    room = 4 * n + places
    row, value, number = np.empty(room, np.int64), np.empty(room, np.int32), np.empty(room, np.int64)
    bits = np.empty(room, np.uint64)
    m = 0
    for i in range(n):
        begin = m
        if m + places > room:
            room = 2 * room
            row, value, number, bits = _wider(row, room), _wider(value, room), _wider(number, room), _wider(bits, room)
        for k in range(places):
            v = around[i, k]
            j = begin
            while j < m and value[j] != v:
                j += 1
            if j == m:
                row[m], value[m], number[m] = i, v, 0
                bits[m] = np.uint64(0)
                m += 1
            number[j] += 1
            bits[j] |= np.uint64(1) << np.uint64(k)
    return row[:m], value[:m], number[:m], bits[:m]


@kernel(nogil=True)
def _wider(values: Ints, room: int) -> Ints:
    wide = np.empty(room, values.dtype)
    wide[: len(values)] = values
    return wide
