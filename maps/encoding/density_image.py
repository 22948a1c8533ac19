"""A density in a metric CRS as an image aligned with a web map.

Grid north of a Gauss-Krüger zone is not true north (0.6 degrees off in Nanjing: 80 m across a street), so the values are
resampled to the projection of the web map, and not just stretched between four corners.
"""

from __future__ import annotations

import base64
import io
import math
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from PIL import Image

from geo.errors import GeometryError
from geo.layers import require_metric
from geo.layers.transformers import to_crs, transformer
from geo.prepared import prepared_copy
from maps import colours

Floats = npt.NDArray[np.float64]

_WEB = "EPSG:3857"
_LEVELS = 256

#: Share of the maximum below which nothing is drawn, and from which the colour is fully opaque.
CLEAR, FULL = 0.02, 0.30
OPACITY = 0.86


@dataclass(frozen=True)
class Picture:
    """An image for ``L.imageOverlay``.

    Attributes
    ----------
    png
        The image, rows even in Web Mercator.
    bounds
        ``[[south, west], [north, east]]`` in degrees, of the outer edges of the pixels.
    top
        Value that has the last colour of the ramp.
    """

    png: bytes
    bounds: list[list[float]]
    top: float

    @property
    def uri(self) -> str:
        """The image as a ``data:`` address."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode("ascii")


def density_picture(
    x: npt.ArrayLike, y: npt.ArrayLike, values: npt.ArrayLike, *, outline: gpd.GeoSeries, widest_px: int = 900
) -> Picture:
    """Paint a density given at the centres of a regular grid.

    Parameters
    ----------
    x, y
        Centres of columns and rows in the CRS of `outline`, metres, shapes (m,) and (n,), ascending or descending.
    values
        Density, shape (n, m); NaN counts as 0.
    outline
        The street, in a metric CRS; outside it nothing is painted.
    widest_px
        Maximum number of pixels along the longer side; a pixel is never finer than half a grid cell.

    Raises
    ------
    GeometryError
        If the shapes do not match.
    CrsError
        If the CRS of the outline is not in metres.
    """
    crs = require_metric(outline, "outline")
    x, y, grid = _rising(np.asarray(x, dtype=float), np.asarray(y, dtype=float), np.asarray(values, dtype=float))
    west, south, east, north = to_crs(outline, _WEB).total_bounds
    # Web Mercator stretches lengths by 1 / cos(latitude).
    stretch = math.cosh(math.pi * (south + north) / 2 / 20037508.342789244)
    pixel = max(abs(x[1] - x[0]) / 2 * stretch, max(east - west, north - south) / widest_px)
    columns, rows = math.ceil((east - west) / pixel), math.ceil((north - south) / pixel)
    web_x, web_y = np.meshgrid(west + (np.arange(columns) + 0.5) * pixel, north - (np.arange(rows) + 0.5) * pixel)
    at_x, at_y = transformer(_WEB, crs).transform(web_x, web_y)
    area = prepared_copy(shapely.union_all(np.asarray(outline.array)))
    inside = shapely.contains_xy(area, at_x, at_y)
    painted = np.where(inside, _bilinear(x, y, grid, at_x, at_y), 0.0)
    top = round_up(float(painted.max()))
    index = np.rint(painted / top * (_LEVELS - 1)).astype(np.uint8)
    corner = transformer(_WEB, "EPSG:4326")
    left, lower = corner.transform(west, north - rows * pixel)
    right, upper = corner.transform(west + columns * pixel, north)
    bounds = [[round(lower, 7), round(left, 7)], [round(upper, 7), round(right, 7)]]
    return Picture(_png(index, _palette()), bounds, top)


def round_up(value: float) -> float:
    """Round up to one significant digit, so that a legend ends on a round number; 1 for zero.

    >>> round_up(734.2), round_up(0.0)
    (800.0, 1.0)
    """
    if not value > 0:
        return 1.0
    unit = 10.0 ** math.floor(math.log10(value))
    return float(f"{math.ceil(value / unit * (1 - 1e-12)) * unit:.6g}")


def _png(index: npt.NDArray[np.uint8], palette: npt.NDArray[np.uint8]) -> bytes:
    """A PNG of palette colours with opacity.

    Parameters
    ----------
    index
        Palette position of each pixel, shape (rows, columns), first row on top.
    palette
        Red, green, blue, opacity, shape (n, 4), n at most 256.
    """
    image = Image.fromarray(index)
    image.putpalette(palette[:, :3].tobytes(), "RGB")
    written = io.BytesIO()
    # With `bits` the palette keeps its order, and `optimize` must not drop colours: positions are values of the density.
    image.save(written, format="PNG", bits=8, compress_level=9, transparency=palette[:, 3].tobytes())
    return written.getvalue()


def _palette() -> npt.NDArray[np.uint8]:
    share = np.linspace(0.0, 1.0, _LEVELS)
    opacity = np.clip((share - CLEAR) / (FULL - CLEAR), 0.0, 1.0) * OPACITY
    return np.rint(np.column_stack([colours.more_rgb(share), opacity]) * 255).astype(np.uint8)


def _rising(x: Floats, y: Floats, values: Floats) -> tuple[Floats, Floats, Floats]:
    """Turn a grid so that its columns run east and its rows north."""
    if x.ndim != 1 or y.ndim != 1 or values.shape != (len(y), len(x)) or min(len(x), len(y)) < 2:
        raise GeometryError(
            f"density: {values.shape} values do not fit {x.shape} columns and {y.shape} rows; values need the shape "
            "(rows, columns), at least 2 of each"
        )
    values = np.nan_to_num(values, nan=0.0)
    if x[0] > x[-1]:
        x, values = x[::-1], values[:, ::-1]
    if y[0] > y[-1]:
        y, values = y[::-1], values[::-1]
    return x, y, values


def _bilinear(x: Floats, y: Floats, values: Floats, at_x: Floats, at_y: Floats) -> Floats:
    """Bilinear interpolation between grid centres; beyond the outermost centres the nearest edge value is used."""
    u = np.clip((at_x - x[0]) / (x[1] - x[0]), 0.0, len(x) - 1.0)
    v = np.clip((at_y - y[0]) / (y[1] - y[0]), 0.0, len(y) - 1.0)
    i = np.minimum(u.astype(np.int64), len(x) - 2)
    j = np.minimum(v.astype(np.int64), len(y) - 2)
    s, t = u - i, v - j
    lower = values[j, i] * (1 - s) + values[j, i + 1] * s
    upper = values[j + 1, i] * (1 - s) + values[j + 1, i + 1] * s
    return np.asarray(lower * (1 - t) + upper * t)
