"""Choice of the metric CRS of a place, and areas on the ellipsoid.

This is the only module that chooses a CRS. In China it is the CGCS2000 3-degree Gauss-Krüger zone of the longitude,
without zone prefix (EPSG:4534 to 4554; 4549 for Nanjing); elsewhere the UTM zone on WGS-84. WGS-84 and CGCS2000 are treated
as equal: they differ by centimetres, and no transformation between them is published.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from pyproj import CRS

from geo.errors import CrsError, GeometryError, InputError
from geo.layers import trigonometry
from geo.layers.old_datums import old_datum
from geo.layers.transformers import to_crs, transformer
from geo.notices import notice

if TYPE_CHECKING:
    import geopandas as gpd

#: Lattice units per metre; one unit is 1 mm.
PER_METRE = 1000

#: Semi-major axis of the ellipsoids of CGCS2000 and WGS-84, and radius of the sphere of Web Mercator, metres.
EQUATOR_M = 6_378_137.0
#: Mean radius of the earth, metres (IUGG), for distances on the sphere.
EARTH_M = 6_371_008.8
#: Ellipsoid of CGCS2000; that of WGS-84 differs by 0.1 mm in the semi-minor axis.
GEOD = pyproj.Geod(a=EQUATOR_M, rf=298.257222101)

WGS84 = CRS.from_epsg(4326)

# Extent in which the 3-degree zones of CGCS2000 are defined (central meridians 75 to 135 E).
_CHINA = (73.5, 3.0, 136.5, 54.5)


def metric_crs(lon: float, lat: float) -> CRS:
    """Choose the projected CRS, in metres, for a place.

    Parameters
    ----------
    lon, lat
        Degrees, WGS-84 or CGCS2000.

    >>> metric_crs(118.81, 32.10).to_epsg(), metric_crs(-77.0, 38.9).to_epsg()
    (4549, 32618)
    """
    if not (-180.0 <= lon <= 180.0 and -90.0 <= lat <= 90.0):
        raise CrsError(f"({lon:g}, {lat:g}) is not a longitude and a latitude in degrees")
    if in_china(lon, lat):
        return CRS.from_epsg(4534 + int((lon - _CHINA[0]) // 3))
    zone = min(int((lon + 180) // 6) + 1, 60)
    return CRS.from_epsg((32600 if lat >= 0 else 32700) + zone)


def crs_name(crs: object) -> str:
    """Short name of a CRS for messages: its EPSG code, otherwise its name.

    >>> crs_name("EPSG:2263"), crs_name(CRS.from_epsg(4549).to_wkt())
    ('EPSG:2263', 'EPSG:4549')
    """
    known = CRS.from_user_input(crs)
    code = known.to_epsg()
    return f"EPSG:{code}" if code is not None else known.name


def in_china(lon: float, lat: float) -> bool:
    """Whether a place, in degrees, lies in the extent of the 3-degree zones of CGCS2000."""
    west, south, east, north = _CHINA
    return west <= lon < east and south <= lat <= north


def parse_crs(crs: object) -> CRS:
    """Parse a CRS given as ``EPSG:4549``, a number or WKT.

    Raises
    ------
    CrsError
        If it is not known.
    """
    try:
        return CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise CrsError(f"'{crs}' is not a known coordinate reference system; write it like EPSG:4549") from error


def is_projected(crs: object) -> bool:
    """Whether `crs` is projected, in whichever unit."""
    return crs is not None and bool(parse_crs(crs).is_projected)


def is_metric(crs: object) -> bool:
    """Whether `crs` is projected with both axes in metres."""
    if crs is None:
        return False
    known = parse_crs(crs)
    return bool(known.is_projected) and all(axis.unit_conversion_factor == 1.0 for axis in known.axis_info[:2])


def require_metric(frame: gpd.GeoDataFrame | gpd.GeoSeries, what: str) -> CRS:
    """Return the CRS of a frame, or raise if it is not projected in metres.

    Raises
    ------
    InputError
        If it is not a frame with geometries.
    CrsError
        If the CRS is missing, geographic or not in metres.
    """
    require_crs(frame, what)
    return require_metric_crs(frame.crs, what)


def require_metric_crs(crs: object, what: str) -> CRS:
    """Parse a CRS, or raise :class:`~geo.errors.CrsError` if it is not projected in metres."""
    known = parse_crs(crs)
    if not is_metric(known):
        raise CrsError(f"{what}: {known.to_string()} is not in metres; convert with geo.layers.to_metric first")
    return known


def require_frame(frame: object, what: str) -> None:
    """Refuse a Series of values, a bare geometry or a table without geometries where a layer is expected.

    Raises
    ------
    InputError
        If it is not a frame or a series with geometries.
    """
    if not (hasattr(frame, "crs") and hasattr(frame, "index")):
        raise InputError(
            f"{what}: a GeoDataFrame with a geometry column is expected, not a {type(frame).__name__} without one"
        )


def require_crs(frame: gpd.GeoDataFrame | gpd.GeoSeries, what: str) -> None:
    """Refuse what is no layer, and a layer without a CRS.

    Raises
    ------
    InputError
        If it is not a frame or a series with geometries.
    CrsError
        If it declares no CRS.
    """
    require_frame(frame, what)
    if frame.crs is None:
        raise CrsError(f"{what}: no coordinate reference system is declared; set the CRS that the coordinates are in")


def to_metric(frame: gpd.GeoDataFrame, crs: object = None) -> gpd.GeoDataFrame:
    """Convert a frame to `crs`, or to the metric CRS of its place.

    A frame already in metres on a CGCS2000 or UTM zone is returned unchanged if no `crs` is given.

    Raises
    ------
    InputError
        If it is not a frame with geometries.
    CrsError
        If the frame declares no CRS.
    """
    require_crs(frame, "the layer")
    own = frame.crs  # read once, because the lookup is slow
    if crs is None:
        lon, lat = centre_lon_lat(frame)
        crs = own if _suits(own, lon) else metric_crs(lon, lat)
    return frame if crs is own or CRS.from_user_input(crs) == own else to_crs(frame, crs)


def _suits(crs: CRS, lon: float) -> bool:
    """Whether a projected CRS in metres is a transverse Mercator with a central meridian near `lon`."""
    if not is_metric(crs) or crs.coordinate_operation is None:
        return False
    operation = crs.coordinate_operation
    meridian = next((p.value for p in operation.params if "longitude" in p.name.lower()), None)
    return "Transverse Mercator" in operation.method_name and meridian is not None and abs(float(meridian) - lon) <= 3.5


def centre_lon_lat(frame: gpd.GeoDataFrame | gpd.GeoSeries) -> tuple[float, float]:
    """Centre of the bounds of a frame, in degrees.

    Raises
    ------
    GeometryError
        If there are no coordinates, or they are out of range.
    """
    shapes = frame.geometry.array
    bounds, crs = np.asarray(shapes.total_bounds, dtype=float), shapes.crs
    if not np.isfinite(bounds).all():
        raise GeometryError("no coordinates: the layer is empty or all of its geometries are")
    x, y = (bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2
    if not crs.is_geographic:
        x, y = transformer(crs, WGS84).transform(x, y)
    if not (np.isfinite([x, y]).all() and abs(x) <= 180 and abs(y) <= 90):
        raise CrsError(
            f"the coordinates (centre {bounds[[0, 2]].mean():g}, {bounds[[1, 3]].mean():g}) do not fit the declared "
            f"CRS {crs.to_string()}: declare the one that they are in"
        )
    return float(x), float(y)


def lon_lat(geometries: gpd.GeoSeries) -> gpd.GeoSeries:
    """Convert geometries to degrees on WGS-84 (taken as equal to CGCS2000), axis order longitude, latitude.

    Geometries on an old Chinese datum are treated as if they were on CGCS2000, with a notice; use
    :func:`geo.layers.old_datums.change_crs` for results that are used further.
    """
    require_crs(geometries, "the layer")
    old = old_datum(geometries.crs)
    if old is not None:
        notice(
            f"{old}: 按 CGCS2000 显示，位置可有 50 至 150 米偏差。Coordinates on {old} are shown as if on CGCS2000, which may be "
            "50 to 150 m off"
        )
    return geometries if geometries.crs == WGS84 else to_crs(geometries, WGS84)


def area_m2(geometries: gpd.GeoSeries) -> npt.NDArray[np.float64]:
    """Ellipsoidal area of polygons.

    Parameters
    ----------
    geometries
        Polygons or multipolygons in any CRS; None and empty ones have area 0.

    Returns
    -------
    ndarray of float64, shape (n,)
        Square metres on the ellipsoid of CGCS2000. The planar area in EPSG:4549 is 0.031 % larger in Nanjing, in Web Mercator
        39 %. The areas of the parts of a divided polygon add up to its area.
    """
    require_frame(geometries, "the polygons")
    geometries = geometries.geometry
    polygons = np.asarray(geometries.array, dtype=object)
    parts, owner = shapely.get_parts(polygons, return_index=True)
    rings, part_of = shapely.get_rings(parts, return_index=True)
    if len(rings) == 0:
        return np.zeros(len(polygons))
    # The outer ring of each polygon comes first and counts positive, its holes negative.
    outer = np.r_[True, part_of[1:] != part_of[:-1]]
    xy, ring = shapely.get_coordinates(rings, return_index=True)
    if geometries.crs != WGS84:
        xy = np.column_stack(transformer(geometries.crs, WGS84).transform(*xy.T))
    areas = np.abs(_ring_areas_m2(xy, ring))
    return np.bincount(owner[part_of], weights=np.where(outer, areas, -areas), minlength=len(polygons)).astype(
        np.float64
    )


#: Coefficients of (e sin)² in atanh(e sin) / (e sin), to 1e-18.
_ATANH = [1.0 / (2 * k + 1) for k in range(8)]


def _ring_areas_m2(xy: npt.NDArray[np.float64], ring: npt.NDArray[np.intp]) -> npt.NDArray[np.float64]:
    """Signed area of closed rings of degrees.

    Vertices are projected to the authalic sphere; each edge adds the spherical excess between it and the equator. Compared
    with geodesics on the ellipsoid, an edge of 1 km is off by less than 0.1 m², one of 100 m by 0.0001 m².
    """
    lam, sine = np.radians(xy[:, 0]), trigonometry.sin(np.radians(xy[:, 1]))
    q, q_pole = _authalic_q(sine), _authalic_q(np.ones(1))[0]
    authalic = np.clip(q / q_pole, -1.0, 1.0)
    half = authalic / (1.0 + np.sqrt(1.0 - authalic * authalic))
    step = trigonometry.tan((lam[1:] - lam[:-1]) / 2.0)
    excess = 2.0 * trigonometry.atan(step * (half[1:] + half[:-1]) / (1.0 + half[1:] * half[:-1]))
    excess[ring[1:] != ring[:-1]] = 0.0  # link between two rings
    radius_squared = GEOD.a**2 * q_pole / 2.0
    return np.asarray(np.bincount(ring[:-1], weights=excess, minlength=int(ring[-1]) + 1) * radius_squared)


def _authalic_q(sine: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Snyder (1987), equation 3-12."""
    squared = sine * sine
    return np.asarray(
        (1.0 - GEOD.es) * sine * (1.0 / (1.0 - GEOD.es * squared) + trigonometry.series(_ATANH, GEOD.es * squared))
    )
