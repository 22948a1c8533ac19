"""A density as files that other programs read: GeoTIFF, and contours as lines."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geo.errors import CrsError, InputError
from geo.incidents.surface.kernel_density import Density

Floats = npt.NDArray[np.float64]

#: Value of pixels outside the outline.
NODATA = -9999.0

_ROWS_PER_STRIP = 64
# TIFF 6.0 field types, and how many bytes one value takes.
_SHORT, _LONG, _DOUBLE, _ASCII = 3, 4, 12, 2
_FORMATS = {_SHORT: "H", _LONG: "I", _DOUBLE: "d"}


def geotiff(density: Density) -> bytes:
    """Write a density as GeoTIFF: one band of float32, incidents per km², north up, deflated, nodata outside.

    Raises
    ------
    CrsError
        If the CRS of the density has no EPSG number.

    Notes
    -----
    TIFF 6.0 with the keys of OGC GeoTIFF 1.1; the same density gives the same bytes.
    """
    epsg = density.crs.to_epsg()
    if epsg is None:
        raise CrsError("the density's CRS has no EPSG number, so a GeoTIFF cannot name it; convert the outline first")
    image = np.where(density.inside, density.values, NODATA)[::-1].astype("<f4")
    strips = [zlib.compress(image[k : k + _ROWS_PER_STRIP].tobytes(), 6) for k in range(0, len(image), _ROWS_PER_STRIP)]
    half = density.cell_m / 2.0
    keys = [(1024, 1), (1025, 1), (3072, epsg)]  # projected CRS, pixels are areas, which CRS
    directory = [len(keys), *(n for key, value in keys for n in (key, 0, 1, value))]
    fields: list[tuple[int, int, Sequence[float] | bytes]] = [
        (256, _LONG, [image.shape[1]]),
        (257, _LONG, [image.shape[0]]),
        (258, _SHORT, [32]),
        (259, _SHORT, [8]),  # deflate
        (262, _SHORT, [1]),  # black is zero
        (273, _LONG, [0] * len(strips)),  # set below
        (277, _SHORT, [1]),
        (278, _LONG, [_ROWS_PER_STRIP]),
        (279, _LONG, [len(strip) for strip in strips]),
        (339, _SHORT, [3]),  # floating point
        (33550, _DOUBLE, [density.cell_m, density.cell_m, 0.0]),
        (33922, _DOUBLE, [0.0, 0.0, 0.0, float(density.x[0]) - half, float(density.y[-1]) + half, 0.0]),
        (34735, _SHORT, [1, 1, 1, *directory]),
        (42113, _ASCII, f"{NODATA:g}\0".encode()),
    ]
    return _tiff(fields, strips)


def _tiff(fields: list[tuple[int, int, Sequence[float] | bytes]], strips: list[bytes]) -> bytes:
    """Header, directory, long values, strips, in this order."""
    begin = 8 + 2 + 12 * len(fields) + 4
    packed = {tag: _packed(kind, values) for tag, kind, values in fields}
    spare = {tag: data for tag, data in packed.items() if len(data) > 4}
    at: dict[int, int] = {}
    for tag, data in spare.items():
        at[tag] = begin
        begin += len(data) + len(data) % 2
    offsets = [begin + sum(map(len, strips[:k])) for k in range(len(strips))]
    data = struct.pack(f"<{len(offsets)}I", *offsets)
    packed[273], spare = data, spare | ({273: data} if 273 in spare else {})
    entries = b"".join(
        struct.pack("<HHI", tag, kind, len(values))
        + (struct.pack("<I", at[tag]) if tag in at else packed[tag].ljust(4, b"\0"))
        for tag, kind, values in fields
    )
    tail = b"".join(data + b"\0" * (len(data) % 2) for data in spare.values())
    return struct.pack("<2sHIH", b"II", 42, 8, len(fields)) + entries + b"\0\0\0\0" + tail + b"".join(strips)


def _packed(kind: int, values: Sequence[float] | bytes) -> bytes:
    return values if isinstance(values, bytes) else struct.pack(f"<{len(values)}{_FORMATS[kind]}", *values)


def contours(density: Density, levels: Sequence[float]) -> gpd.GeoDataFrame:
    """Lines of equal density.

    Parameters
    ----------
    density
        From :func:`geo.incidents.density`.
    levels
        Reports per km², over 0.

    Returns
    -------
    GeoDataFrame
        One row per level that occurs, in the order given: `level`, `geometry` (MultiLineString in the CRS of the density).
        Lines run between the centres of the raster's cells, the higher side on the left, and close at the outline,
        beyond which the density is 0.

    Raises
    ------
    InputError
        If a level is not over 0.

    Notes
    -----
    Marching squares; at a saddle, the mean of the four corners decides. Cost: O(nx · ny) per level.
    """
    if any(not (np.isfinite(level) and level > 0) for level in levels):
        raise InputError(f"contour levels must be over 0, not {list(levels)}")
    step = density.cell_m
    grid = np.pad(density.values, 1)
    x = np.r_[density.x[0] - step, density.x, density.x[-1] + step]
    y = np.r_[density.y[0] - step, density.y, density.y[-1] + step]
    rows = [
        (level, shapely.line_merge(shapely.multilinestrings(_segments(grid, x, y, level)), directed=True))
        for level in levels
        if grid.max() > level
    ]
    lines = [shapely.multilinestrings([line]) if line.geom_type == "LineString" else line for _, line in rows]
    return gpd.GeoDataFrame({"level": [float(level) for level, _ in rows]}, geometry=lines, crs=density.crs)


# Corners of a square, counter-clockwise from the south-west, are bits 1, 2, 4, 8; sides are 0 south, 1 east, 2 north, 3 west.
# For each set of high corners, the sides that a line enters and leaves by, with the high ground on its left.
_CROSSED = {
    1: ((0, 3),),
    2: ((1, 0),),
    3: ((1, 3),),
    4: ((2, 1),),
    6: ((2, 0),),
    7: ((2, 3),),
    8: ((3, 2),),
    9: ((0, 2),),
    11: ((1, 2),),
    12: ((3, 1),),
    13: ((0, 1),),
    14: ((3, 0),),
}
# 5 and 10 are saddles: first where the middle is low, then where it is high.
_SADDLES = {5: (((0, 3), (2, 1)), ((0, 1), (2, 3))), 10: (((1, 0), (3, 2)), ((1, 2), (3, 0)))}


def _segments(grid: Floats, x: Floats, y: Floats, level: float) -> list[Floats]:
    """Pieces of the line, one or two in each square that it crosses."""
    high = grid >= level
    case = high[:-1, :-1] + 2 * high[:-1, 1:] + 4 * high[1:, 1:] + 8 * high[1:, :-1]
    middle = (grid[:-1, :-1] + grid[:-1, 1:] + grid[1:, 1:] + grid[1:, :-1]) / 4.0 >= level
    pieces = []
    for number in range(1, 15):
        for raised in (False, True) if number in _SADDLES else (None,):
            here = case == number if raised is None else (case == number) & (middle == raised)
            row, column = np.nonzero(here)
            crossed = _CROSSED[number] if raised is None else _SADDLES[number][int(raised)]
            for enters, leaves in crossed:
                ends = [_crossing(grid, x, y, level, row, column, side) for side in (enters, leaves)]
                pieces.append(np.stack(ends, axis=1))
    # A line through a corner gives pieces of no length.
    both = np.concatenate(pieces)
    return list(both[(both[:, 0] != both[:, 1]).any(axis=1)])


def _crossing(
    grid: Floats, x: Floats, y: Floats, level: float, row: npt.NDArray[np.intp], column: npt.NDArray[np.intp], side: int
) -> Floats:
    """Where the level crosses a side of each square; computed alike from both squares that share it."""
    r0, c0 = (row + (side == 2), column + (side == 1))
    r1, c1 = (r0, c0 + 1) if side in (0, 2) else (r0 + 1, c0)
    low, top = grid[r0, c0], grid[r1, c1]
    with np.errstate(divide="ignore", invalid="ignore"):
        share = np.where(top != low, (level - low) / (top - low), 0.5)
    return np.column_stack([x[c0] + share * (x[c1] - x[c0]), y[r0] + share * (y[r1] - y[r0])])
