"""Exports density rasters: GeoTIFF, and contours as lines."""

from __future__ import annotations

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely

from geo.errors import InputError
from geo.incidents.surface.kernel_density import Density

Floats = npt.NDArray[np.float64]

#: Value of pixels outside the outline.
NODATA = -9999.0


def geotiff(density: Density) -> bytes:
    """Write a density as GeoTIFF: one band of float32, incidents per km², north up, deflated, nodata outside the outline.

    Parameters
    ----------
    density
        From :func:`geo.incidents.density`.

    Returns
    -------
    bytes
        The file. The same density gives the same bytes under the same version of GDAL.

    Notes
    -----
    Written by rasterio, whose GDAL is separate from that of pyogrio: only bytes in memory are exchanged. rasterio is
    imported in the function, because importing it costs 0.2 s of CPU and few runs write a raster.
    """
    from rasterio.crs import CRS
    from rasterio.io import MemoryFile
    from rasterio.transform import Affine

    half = density.cell_m / 2.0
    image = np.where(density.inside, density.values, NODATA)[::-1].astype(np.float32)
    with MemoryFile() as memory:
        with memory.open(
            driver="GTiff",
            width=image.shape[1],
            height=image.shape[0],
            count=1,
            dtype="float32",
            crs=CRS.from_wkt(density.crs.to_wkt()),
            transform=Affine(density.cell_m, 0.0, density.x[0] - half, 0.0, -density.cell_m, density.y[-1] + half),
            nodata=NODATA,
            compress="deflate",
        ) as file:
            file.write(image, 1)
            file.set_band_description(1, "incidents per km2")
        return bytes(memory.read())


def contours(density: Density, levels: Sequence[float]) -> gpd.GeoDataFrame:
    """Compute lines of equal density.

    Parameters
    ----------
    density
        From :func:`geo.incidents.density`.
    levels
        Incidents per km², over 0.

    Returns
    -------
    GeoDataFrame
        One row per level that occurs, in the order given: `level`, `geometry` (MultiLineString in the CRS of the density).
        Lines run between the centres of the raster's cells with the higher side on their left, and close at the outline,
        beyond which the density is 0.

    Raises
    ------
    InputError
        If a level is not positive.

    Notes
    -----
    Marching squares of contourpy; at a saddle the mean of the four corners decides. Cost: O(nx · ny) per level.
    """
    from contourpy import LineType, contour_generator

    if any(not (np.isfinite(level) and level > 0) for level in levels):
        raise InputError(f"contour levels must be over 0, not {list(levels)}")
    step = density.cell_m
    # A margin of zeros closes lines that reach the edge of the raster.
    grid = np.pad(density.values, 1)
    x = np.r_[density.x[0] - step, density.x, density.x[-1] + step]
    y = np.r_[density.y[0] - step, density.y, density.y[-1] + step]
    generator = contour_generator(x, y, grid, name="serial", line_type=LineType.Separate)
    found = [float(level) for level in levels if grid.max() > level]
    lines = [shapely.MultiLineString([line for line in generator.lines(level) if len(line) > 1]) for level in found]
    return gpd.GeoDataFrame({"level": found}, geometry=lines, crs=density.crs)
