"""Make a picture that Chromium took smaller: 255 colours are enough for a map, and take a third of the space."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path

import numba
import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from maps.raster import png_bytes

Bytes = npt.NDArray[np.uint8]

_MOST_COLOURS = 255


def shrink(path: Path) -> None:
    """Rewrite a PNG of 8 bits a channel with a palette of the colours that occur most; the others take the nearest of them."""
    pixels = read_png(path)
    rows, columns, _ = pixels.shape
    flat = pixels[:, :, :3].reshape(-1, 3)
    colours, place, often = np.unique(flat, axis=0, return_inverse=True, return_counts=True)
    palette = _palette(colours, often)
    nearest = cKDTree(palette.astype(float)).query(colours.astype(float))[1].astype(np.uint8)
    index = nearest[place.ravel()].reshape(rows, columns)
    opaque = np.column_stack([palette, np.full(len(palette), 255)]).astype(np.uint8)
    path.write_bytes(png_bytes(index, opaque))


def _palette(colours: Bytes, often: npt.NDArray[np.int64]) -> Bytes:
    """The most frequent colours, but no two that eyes cannot tell apart."""
    order = np.argsort(-often, kind="stable")
    chosen: list[Bytes] = []
    for colour in colours[order][:6000]:
        if all(np.abs(colour.astype(int) - other.astype(int)).max() > 6 for other in chosen):
            chosen.append(colour)
            if len(chosen) == _MOST_COLOURS:
                break
    return np.array(chosen, dtype=np.uint8)


def read_png(path: Path) -> Bytes:
    """Pixels of a PNG with 8 bits a channel, RGB or RGBA, not interlaced: shape (rows, columns, channels).

    Raises
    ------
    ValueError
        If it is another kind of file.
    """
    data = path.read_bytes()
    body, place, head = b"", 8, (0, 0, 0, 0, 0, 0, 0)
    while place < len(data):
        size, name = struct.unpack(">I4s", data[place : place + 8])
        chunk = data[place + 8 : place + 8 + size]
        if name == b"IHDR":
            head = struct.unpack(">IIBBBBB", chunk)
        elif name == b"IDAT":
            body += chunk
        place += 12 + size
    columns, rows, depth, kind, _, _, interlaced = head
    if data[:4] != b"\x89PNG" or depth != 8 or kind not in (2, 6) or interlaced:
        raise ValueError(f"{path}: not a PNG of 8 bits a channel, RGB or RGBA")
    channels = 3 if kind == 2 else 4
    lines = np.frombuffer(zlib.decompress(body), dtype=np.uint8).reshape(rows, columns * channels + 1).copy()
    _unfilter(lines, channels)
    return lines[:, 1:].reshape(rows, columns, channels)


@numba.njit(cache=False)  # type: ignore[untyped-decorator]
def _unfilter(lines: Bytes, channels: int) -> None:
    """Undo the filters of the PNG specification, 9.2, in place."""
    rows, width = lines.shape
    for row in range(rows):
        kind = lines[row, 0]
        for k in range(1, width):
            left = np.int64(lines[row, k - channels]) if k > channels else 0
            up = np.int64(lines[row - 1, k]) if row else 0
            corner = np.int64(lines[row - 1, k - channels]) if row and k > channels else 0
            if kind == 1:
                guess = left
            elif kind == 2:
                guess = up
            elif kind == 3:
                guess = (left + up) // 2
            elif kind == 4:
                a, b, c = abs(up - corner), abs(left - corner), abs(left + up - 2 * corner)
                guess = left if a <= b and a <= c else (up if b <= c else corner)
            else:
                guess = 0
            lines[row, k] = (np.int64(lines[row, k]) + guess) & 255
