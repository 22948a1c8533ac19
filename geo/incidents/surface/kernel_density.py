"""Density of incidents: a Gaussian kernel in metres, corrected at the outline."""

from __future__ import annotations

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS

from geo.errors import InputError
from geo.incidents.assignment import coordinates
from geo.incidents.columns import DEFAULT_POINT
from geo.layers import Area, Division, area_frame, to_metric
from geo.prepared import prepared_copy

Floats = npt.NDArray[np.float64]

#: Standard deviation of the kernel, metres: two minutes' walk, less than the side of a second-level grid (221 m on average)
#: and well above the errors of geocoding.
BANDWIDTH_M = 150.0

#: Side of a raster cell, metres.
CELL_M = 20.0

#: Bandwidths for comparison: block, neighbourhood, quarter.
BANDWIDTHS_M = (75.0, 150.0, 300.0)

# More incidents are first rounded to a lattice whose pitch is this share of the bandwidth (10 m for 150 m): rounding
# increases the variance of the kernel by pitch² / 12, 0.02 %, and the cost no longer depends on the number of incidents.
_MOST_INCIDENTS = 20_000
_LATTICE = 1 / 15

#: Maximum number of raster cells. Balancing the weights of a million takes seconds of CPU; a bandwidth of 1 m on a street
#: of 12 km² would need 65 million, 200 s and a gigabyte, although positions are not that accurate.
MOST_CELLS = 1_000_000

# Number of points whose kernels are summed at a time: limits the memory to about 100 MB for a street.
_CHUNK = 16_384


# Balancing stops if uniform incidents give a uniform density within this share, or after this many rounds.
_EVEN = 1e-3
_MOST_ROUNDS = 100


@dataclass(frozen=True)
class Density:
    """Density of incidents on a raster.

    Attributes
    ----------
    x, y
        Centres of the raster's columns (west to east) and rows (south to north), metres in `crs`; float64, (nx,) and (ny,).
    values
        Incidents per km², float64, (ny, nx); 0 outside the outline.
    inside
        Whether each raster cell is inside, bool, (ny, nx).
    crs
        Metric CRS of the raster.
    bandwidth_m, cell_m
        Standard deviation of the kernel and side of a raster cell, metres.
    used, outside, excluded
        Number of incidents in the raster, outside or without a position, and excluded because they are at a default point.
    """

    x: Floats
    y: Floats
    values: Floats
    inside: npt.NDArray[np.bool_]
    crs: CRS
    bandwidth_m: float
    cell_m: float
    used: int
    outside: int
    excluded: int

    def total(self) -> float:
        """Integral over the raster: the number of incidents used."""
        return float(self.values.sum()) * self.cell_m**2 / 1e6


def density(
    points: gpd.GeoDataFrame,
    *,
    outline: Division | Area,
    bandwidth_m: float = BANDWIDTH_M,
    cell_m: float = CELL_M,
    default_points: bool = False,
) -> Density:
    """Estimate the density of incidents per km².

    Each incident is distributed by a Gaussian kernel, truncated at the outline, weighted so that the density does not decrease
    towards the border, and normalised, so that the raster integrates to the number of incidents inside.

    Parameters
    ----------
    points
        Points in any declared CRS.
    outline
        Polygons that bound the area, or a division (its street is used).
    bandwidth_m
        Standard deviation of the kernel, metres.
    cell_m
        Side of a raster cell, metres; at most half of `bandwidth_m`. Raster lines are multiples of it, so rasters of equal side
        and CRS align.
    default_points
        Whether incidents marked `default_point` count. Their place is unknown, and would be the maximum of the density.

    Returns
    -------
    Density

    Raises
    ------
    CrsError, GeometryError
        If a CRS is missing, the points are not points or the outline not polygons.
    InputError
        If the bandwidth or the side is not positive, the side is too coarse for the bandwidth, or the raster would have
        more than :data:`MOST_CELLS` cells.

    Notes
    -----
    A raster cell is inside if its centre is, or an incident lies in it. The sum over raster cells times their area equals
    `used` up to rounding. Kernels are evaluated at the incidents without cut-off; more than 20,000 incidents are first
    rounded to a lattice of a fifteenth of the bandwidth.

    Division by the mass inside alone (Diggle's correction, per incident) preserves the number, but for uniform incidents the
    density is 31 % too low at a straight border and 52 % at a corner. Therefore each raster cell has a weight as well, such
    that the kernel sums to one both over the cells, for each incident, and over uniform incidents, for each cell: the symmetric
    scaling of Sinkhorn and Knopp (1967). Uniform incidents then give a uniform density up to the outline.

    The default bandwidth :data:`BANDWIDTH_M` is the same for every street and month, so that maps can be compared;
    :data:`BANDWIDTHS_M` are three to compare. A bandwidth fitted to the data would depend on the number of incidents.

    No library is used: gaussian_kde of SciPy has no correction at an outline and takes 62 times as long for 3,000 incidents
    (docs/incidents.md).

    Cost: O(n · nx · ny) multiplications up to 20,000 incidents, then O(n + nx · ny · (lines of the lattice)), and
    O(nx · ny · (nx + ny)) for each of about twenty rounds of the scaling.
    """
    area, crs = _area(outline, points.crs)
    _require_size(area.bounds, bandwidth_m, cell_m)
    px, py = coordinates(points, crs)
    apart = np.zeros(len(points), dtype=bool)
    if not default_points and DEFAULT_POINT in points:
        apart = points[DEFAULT_POINT].fillna(False).to_numpy(dtype=bool)
    within = shapely.intersects_xy(area, px, py)
    use = within & ~apart
    x, y, inside = _raster(area, cell_m, px[use], py[use])
    cells = _balance(x, y, inside, bandwidth_m)
    if int(use.sum()) > _MOST_INCIDENTS:
        spread = _on_lattice(px[use], py[use], x, y, cells, bandwidth_m)
    else:
        spread = _one_by_one(px[use], py[use], x, y, cells, bandwidth_m)
    values = spread * 1e6 / cell_m**2
    return Density(
        x,
        y,
        values,
        inside,
        crs,
        bandwidth_m,
        cell_m,
        used=int(use.sum()),
        outside=int((~within & ~apart).sum()),
        excluded=int(apart.sum()),
    )


def require_raster(
    outline: Division | gpd.GeoDataFrame | gpd.GeoSeries, *, bandwidth_m: float, cell_m: float | None = None
) -> None:
    """Raise if a density with this bandwidth cannot be computed for this area; see :func:`density`.

    Parameters
    ----------
    cell_m
        By default :data:`CELL_M`, or half of the bandwidth if that is smaller.

    Raises
    ------
    InputError
        If the lengths are invalid, or the raster would be too large; the message states the smallest possible bandwidth.
    """
    side = min(CELL_M, bandwidth_m / 2) if cell_m is None else cell_m
    _require_size(_area(outline)[0].bounds, bandwidth_m, side)


def _require_size(bounds: tuple[float, float, float, float], bandwidth_m: float, side: float) -> None:
    west, south, east, north = bounds
    if not (np.isfinite([bandwidth_m, side]).all() and bandwidth_m > 0 and side > 0):
        raise InputError(f"bandwidth and cell must be positive lengths in metres, not {bandwidth_m:g} and {side:g}")
    if side > bandwidth_m / 2:
        raise InputError(
            f"a raster cell of {side:g} m is too coarse for a bandwidth of {bandwidth_m:g} m: use at most half"
        )
    cells = (east - west) * (north - south) / side**2
    if cells > MOST_CELLS:
        least_m = np.ceil(2.0 * np.sqrt((east - west) * (north - south) / MOST_CELLS))
        raise InputError(
            f"a bandwidth of {bandwidth_m:g} m over {(east - west) / 1e3:.1f} × {(north - south) / 1e3:.1f} km needs "
            f"{cells / 1e6:,.1f} million raster cells of {side:g} m, more than {MOST_CELLS / 1e6:g} million; use at least "
            f"{least_m:g} m (incidents are rarely placed better than that)"
        )


def kernel_sum(points_m: Floats, x: Floats, y: Floats, bandwidth_m: float) -> Floats:
    """Sum of Gaussian kernels at the points of a lattice, without correction.

    Parameters
    ----------
    points_m
        Coordinates, metres, shape (n, 2).
    x, y
        Lines of the lattice, metres, shapes (nx,) and (ny,).
    bandwidth_m
        Standard deviation of the kernel, metres.

    Returns
    -------
    ndarray of float64, shape (ny, nx)
        Points per m²: integrates to n over the plane.
    """
    result = np.zeros((len(y), len(x)))
    for start in range(0, len(points_m), _CHUNK):
        part = points_m[start : start + _CHUNK]
        result += _gaussians(part[:, 1], y, bandwidth_m).T @ _gaussians(part[:, 0], x, bandwidth_m)
    return result / (2.0 * np.pi * bandwidth_m**2)


def _gaussians(at: Floats, lines: Floats, bandwidth_m: float) -> Floats:
    """Gaussian of each place (row) at each line (column), with maximum 1."""
    bells: Floats = np.exp(-0.5 * ((at[:, None] - lines[None, :]) / bandwidth_m) ** 2)
    return bells


def _one_by_one(px: Floats, py: Floats, x: Floats, y: Floats, cells: Floats, bandwidth_m: float) -> Floats:
    """Incidents per raster cell: each kernel, weighted by cell, divided by its sum, so that it sums to one.

    The kernel is a product of one in x and one in y, so both the sums and the raster are matrix products.
    """
    result = np.zeros(cells.shape)
    for start in range(0, len(px), _CHUNK):
        part = slice(start, start + _CHUNK)
        in_x, in_y = _gaussians(px[part], x, bandwidth_m), _gaussians(py[part], y, bandwidth_m)
        mass = np.einsum("ij,ij->i", in_y @ cells, in_x)
        result += (in_y / mass[:, None]).T @ in_x
    return np.asarray(result * cells)


def _on_lattice(px: Floats, py: Floats, x: Floats, y: Floats, cells: Floats, bandwidth_m: float) -> Floats:
    """Like `_one_by_one`, with incidents rounded to a lattice: the cost depends on its lines only."""
    pitch_m = bandwidth_m * _LATTICE
    column, row = np.rint(px / pitch_m).astype(np.int64), np.rint(py / pitch_m).astype(np.int64)
    west, south = column.min(), row.min()
    width, height = int(column.max() - west) + 1, int(row.max() - south) + 1
    place = (row - south) * width + (column - west)
    number = np.bincount(place, minlength=width * height).reshape(height, width)
    in_x = _gaussians((west + np.arange(width)) * pitch_m, x, bandwidth_m)
    in_y = _gaussians((south + np.arange(height)) * pitch_m, y, bandwidth_m)
    mass = in_y @ cells @ in_x.T
    share = np.divide(number, mass, out=np.zeros_like(mass), where=number > 0)
    return np.asarray((in_y.T @ share @ in_x) * cells)


def _balance(x: Floats, y: Floats, inside: npt.NDArray[np.bool_], bandwidth_m: float) -> Floats:
    """Weights of the raster cells for which the kernel between cells sums to one in rows and columns; 0 outside, (ny, nx)."""
    in_x, in_y = _gaussians(x, x, bandwidth_m), _gaussians(y, y, bandwidth_m)
    cells = inside.astype(float)
    for _ in range(_MOST_ROUNDS):
        sums = cells * (in_y @ cells @ in_x)
        if np.abs(sums[inside] - 1.0).max() < _EVEN:
            break
        cells[inside] /= np.sqrt(sums[inside])
    return cells


def _raster(
    area: shapely.Geometry, cell_m: float, px: Floats, py: Floats
) -> tuple[Floats, Floats, npt.NDArray[np.bool_]]:
    """Centres of columns and rows, and the inside cells: by their centre, or by an incident in them."""
    west, south, east, north = shapely.bounds(area)
    first_x, first_y = np.floor(west / cell_m), np.floor(south / cell_m)
    nx, ny = (int(np.floor(end / cell_m) - first) + 1 for end, first in ((east, first_x), (north, first_y)))
    x = (first_x + np.arange(nx) + 0.5) * cell_m
    y = (first_y + np.arange(ny) + 0.5) * cell_m
    inside = shapely.contains_xy(area, *np.meshgrid(x, y))
    column = (np.floor(px / cell_m) - first_x).astype(int)
    row = (np.floor(py / cell_m) - first_y).astype(int)
    inside[row, column] = True
    return x, y, inside


def _area(outline: Division | Area, points_crs: object = None) -> tuple[shapely.Geometry, CRS]:
    if isinstance(outline, Division):
        outline = outline.street
    if isinstance(outline, shapely.Geometry):
        outline = gpd.GeoSeries([outline], crs=points_crs)
    frame = to_metric(area_frame(outline, getattr(outline, "crs", None), "outline"))
    return prepared_copy(frame.geometry.iloc[0]), CRS.from_user_input(frame.crs)
