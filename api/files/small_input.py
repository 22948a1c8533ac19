"""Input so small that loading compiled code would take longer than the work on it."""

from __future__ import annotations

from pathlib import Path

import geopandas as gpd
import shapely

from geo.layers import Division

#: Vertices up to which kernels run uncompiled. An index of 256 squares takes 0.2 s of CPU that way and milliseconds compiled,
#: but numba and the compiled kernels take 0.5 s and more to load.
MOST_VERTICES = 3_000

# A row of a table of points takes at least this many bytes.
_ROW_BYTES = 8


def few_vertices(*layers: Division | gpd.GeoDataFrame | None, points: int = 0) -> bool:
    """Tell whether layers hold few vertices in all; a division counts with its third level.

    Parameters
    ----------
    points
        Number of points that are to be looked up besides, each of which counts as a vertex.
    """
    frames = [layer.third if isinstance(layer, Division) else layer for layer in layers if layer is not None]
    total = sum(int(shapely.get_num_coordinates(frame.geometry.array).sum()) for frame in frames)
    return total + points <= MOST_VERTICES


def most_rows(path: Path) -> int:
    """Upper limit of the rows of a file, by its size; for a folder none is known, so it is large."""
    return path.stat().st_size // _ROW_BYTES if path.is_file() else 1 << 62
