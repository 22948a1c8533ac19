"""Detects input that is too small for compiled kernels: loading them would take longer than the computation."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import shapely

from geo.layers import Division

#: Maximum number of vertices for which kernels run uncompiled. An index of 256 squares takes 0.2 s of CPU that way and
#: milliseconds compiled, but loading numba and the compiled kernels takes 0.5 s and more.
MOST_VERTICES = 3_000

# Minimum size of a row of a table of points, bytes.
_ROW_BYTES = 8


def few_vertices(*layers: Division | gpd.GeoDataFrame | None, points: int = 0) -> bool:
    """Whether layers have few vertices in total; of a division the third level counts.

    Parameters
    ----------
    points
        Number of points to be located, which count as vertices.
    """
    frames = [layer.third if isinstance(layer, Division) else layer for layer in layers if layer is not None]
    total = sum(int(shapely.get_num_coordinates(frame.geometry.array).sum()) for frame in frames)
    return total + points <= MOST_VERTICES


def most_rows(path: Path) -> int:
    """Upper bound of the number of rows of a file, from its size; very large for a folder."""
    return path.stat().st_size // _ROW_BYTES if path.is_file() else 1 << 62
