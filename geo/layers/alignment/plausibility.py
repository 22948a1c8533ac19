"""Checks whether coordinates fit their declared CRS, and suggests the CRS that they would fit.

In China the same place is written in many ways: as degrees; as eastings of six digits, or of eight with a zone prefix
(EPSG:4549 against 4528); and often with the northing first, as surveyors do. The values distinguish these, so a layer that
does not fit its declared CRS is refused with a suggestion, never silently reinterpreted.
"""

from __future__ import annotations

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from pyproj import CRS

from geo.errors import CrsError, GeometryError, first_labels
from geo.layers.crs import WGS84, centre_lon_lat, crs_name, in_china, metric_crs
from geo.layers.transformers import transformer
from geo.notices import notice
from geo.wording import counted, form

FloatArray = npt.NDArray[np.float64]

# Maximum distance of a coordinate from the false easting of a transverse Mercator zone, metres: 4.5 degrees at the equator.
# Less than the false easting itself, so that degrees are not accepted as metres.
_REACH_M = 499_000.0
# Largest northing on earth, metres, including false northings.
_POLE_M = 10_002_000.0
# Northings of China (3 to 54.5 N), and eastings without zone prefix, with a margin.
_NORTHINGS, _EASTINGS = (330_000.0, 6_100_000.0), (100_000.0, 900_000.0)
_WEB_MERCATOR = (8_100_000.0, 15_200_000.0)
# China in degrees: west, south, east, north.
_DEGREES = (73.0, 3.0, 136.0, 54.5)
# Latitude limit with rounding, and longitude limit of layers that continue beyond the date line, degrees.
_POLE_DEG, _ROUND_DEG = 90.000001, 360.0


class Reading(NamedTuple):
    """One interpretation of a pair of coordinates."""

    crs: str
    swapped: bool
    text: str


def readings(x: float, y: float, meridian: float | None = None) -> list[Reading]:
    """List what a pair of coordinates in China can be, in this order and in the reverse order.

    Parameters
    ----------
    x, y
        First and second ordinate.
    meridian
        Central meridian, degrees, if known from elsewhere; eastings of six digits do not determine it.

    >>> [(r.crs, r.swapped) for r in readings(40387929.8, 3553835.6)], readings(3553835.6, 387929.8)[0].swapped
    ([('EPSG:4528', False)], True)
    """
    return [*_readings_in_order(x, y, meridian, swapped=False), *_readings_in_order(y, x, meridian, swapped=True)]


def _readings_in_order(x: float, y: float, meridian: float | None, *, swapped: bool) -> list[Reading]:
    order = "northing first, easting second" if swapped else ""
    found: list[Reading] = []
    if _DEGREES[0] <= x <= _DEGREES[2] and _DEGREES[1] <= y <= _DEGREES[3]:
        order = "latitude first, longitude second" if swapped else ""
        return [Reading("EPSG:4490", swapped, _joined(order, "degrees, EPSG:4490 on CGCS2000 or EPSG:4326 on WGS-84"))]
    if not _NORTHINGS[0] <= y <= _NORTHINGS[1]:
        return []
    if _EASTINGS[0] <= x <= _EASTINGS[1]:
        text = "eastings of six digits in metres, without zone prefix: EPSG:4549 if the place lies between 118.5 and 121.5 E, "
        crs = "EPSG:4549"
        if meridian is not None and meridian % 3 == 0 and 75 <= meridian <= 135:
            crs = f"EPSG:{4534 + int(meridian - 75) // 3}"
            text = f"eastings without zone prefix: {crs} has the same central meridian {meridian:g}, "
        found.append(Reading(crs, swapped, _joined(order, f"{text}else its neighbours in EPSG:4534 to 4554")))
    zone, rest = divmod(x, 1e6)
    if _EASTINGS[0] <= rest <= _EASTINGS[1] and (13 <= zone <= 23 or 25 <= zone <= 45):
        width, first, low = (6, 4491, 13) if zone <= 23 else (3, 4513, 25)
        crs = f"EPSG:{first + int(zone) - low}"
        text = f"eastings of eight digits with the zone prefix {int(zone)} ({width}-degree zones): {crs} fits"
        found.append(Reading(crs, swapped, _joined(order, text)))
    if _WEB_MERCATOR[0] <= x <= _WEB_MERCATOR[1]:
        found.append(Reading("EPSG:3857", swapped, _joined(order, "metres of web maps: EPSG:3857 fits")))
    return found


def _joined(order: str, text: str) -> str:
    return f"{order}; {text}" if order else text


def advice(frame: gpd.GeoDataFrame | gpd.GeoSeries, meridian: float | None = None) -> str:
    """One clause that describes the coordinates of a frame and suggests a CRS; empty if there is no suggestion."""
    bounds = shapely.bounds(np.asarray(frame.geometry.array, dtype=object))
    bounds = bounds[np.isfinite(bounds).all(axis=1)]
    if len(bounds) == 0:
        return ""
    x, y = np.median(bounds[:, [0, 2]]), np.median(bounds[:, [1, 3]])
    found = readings(float(x), float(y), meridian)
    if not found:
        return ""
    best = found[0]
    options = f"wangge convert --crs {best.crs}" + (" --swap-xy" if best.swapped else "")
    more = "".join(f", or {other.text}" for other in found[1:] if other.swapped == best.swapped)
    return f"({x:.10g}, {y:.10g}) looks like {best.text}{more} ({options})"


# Distance of coordinates from the cells, degrees, up to which a CRS is taken to fit: neighbouring zones are 3 degrees apart.
_AT_PLACE_DEG = 1.0


def fitting_crs(x: float, y: float, cells: gpd.GeoDataFrame | gpd.GeoSeries) -> str | None:
    """Name of a projected CRS in which a point lies where the cells are: theirs, a zone of the place, or that of web maps.

    >>> cells = gpd.GeoSeries([shapely.Point(-71.41, 41.82)], crs=4326)
    >>> fitting_crs(299_900.0, 4_632_500.0, cells), fitting_crs(299_900.0, 3_500_000.0, cells)
    ('EPSG:32619', None)
    """
    lon, lat = centre_lon_lat(cells)
    codes = [CRS.from_user_input(cells.crs), metric_crs(lon, lat)]
    for step in (0, -1, 1):  # near the border of a zone, a layer may be in that of its neighbour
        zone = round(lon / 3) + step
        if in_china(lon, lat) and 25 <= zone <= 45:
            codes += [CRS.from_epsg(4534 + zone - 25), CRS.from_epsg(4513 + zone - 25)]
        codes.append(CRS.from_epsg(32600 + (100 if lat < 0 else 0) + (int((lon + 180) // 6) + step) % 60 + 1))
    for crs in (*codes, CRS.from_epsg(3857)):
        if crs.is_projected:
            east, north = transformer(crs, WGS84).transform(x, y)
            if abs(east - lon) <= _AT_PLACE_DEG and abs(north - lat) <= _AT_PLACE_DEG:
                return crs_name(crs)
    return None


def place_crs(cells: gpd.GeoDataFrame | gpd.GeoSeries) -> str:
    """Name of the projected CRS to advise for coordinates at the cells: theirs, or the zone of their place."""
    return crs_name(cells.crs if cells.crs.is_projected else metric_crs(*centre_lon_lat(cells)))


def require_plausible(frame: gpd.GeoDataFrame, name: str) -> npt.NDArray[np.intp]:
    """Refuse a layer whose coordinates cannot be in its CRS; return the rows that do not fit if they are few.

    Parameters
    ----------
    frame
        Geometries with a CRS; missing and empty ones are ignored here, because the check reports them.
    name
        Name of the layer in messages.

    Returns
    -------
    ndarray of intp
        Positions of rows that do not fit although most do, or are not finite.

    Raises
    ------
    CrsError
        If most rows do not fit. The message suggests a CRS, and says whether the ordinates are swapped.
    """
    crs = CRS.from_user_input(frame.crs)
    bounds = shapely.bounds(np.asarray(frame.geometry.array, dtype=object))
    finite = np.isfinite(bounds).all(axis=1)
    wrong = finite & ~_fits(bounds, crs)
    if 2 * wrong.sum() > finite.sum():
        first = bounds[np.flatnonzero(wrong)[0]]
        better = advice(frame[wrong], _parameter(crs, "longitude"))
        what = "are not degrees" if crs.is_geographic else "do not fit"
        raise CrsError(
            f"{name}: coordinates such as ({first[0]:.10g}, {first[1]:.10g}) {what}, but the file declares {crs_name(crs)}; "
            + (better or "name the CRS that they are in, or swap the ordinates (wangge convert --crs, --swap-xy)")
        )
    _suspect_swap(bounds[finite], crs, name)
    return np.flatnonzero(wrong | _not_finite(frame))


def require_plausible_rows(frame: gpd.GeoDataFrame, rows: npt.NDArray[np.intp], name: str) -> None:
    """Refuse a layer because of the rows that :func:`require_plausible` returned.

    Raises
    ------
    GeometryError
    """
    if len(rows):
        first = shapely.bounds(frame.geometry.iloc[rows[0]])
        if _not_finite(frame.iloc[rows]).any():
            raise GeometryError(
                f"{name}: {len(rows)} of {counted(len(frame), 'row')} {form(len(rows), 'has', 'have')} coordinates that are not "
                f"finite or out of range: row {first_labels(rows.tolist())}; correct them, or mark them as empty (wangge "
                "convert --mark-invalid)",
                ids=rows.tolist(),
            )
        raise GeometryError(
            f"{name}: {len(rows)} of {counted(len(frame), 'row')} {form(len(rows), 'has', 'have')} coordinates that "
            f"{crs_name(frame.crs)} does not cover, like ({first[2]:.6g}, {first[3]:.6g}): row "
            f"{first_labels(rows.tolist())}; correct them or leave them out",
            ids=rows.tolist(),
        )


def _not_finite(frame: gpd.GeoDataFrame) -> npt.NDArray[np.bool_]:
    """Whether each geometry has a coordinate that is NaN or infinite."""
    xy, row = shapely.get_coordinates(np.asarray(frame.geometry.array, dtype=object), return_index=True)
    endless = np.zeros(len(frame), dtype=bool)
    endless[row[~np.isfinite(xy).all(axis=1)]] = True
    return endless


def _fits(bounds: FloatArray, crs: CRS) -> npt.NDArray[np.bool_]:
    west, south, east, north = bounds.T
    if crs.is_geographic:
        return np.asarray((west >= -_ROUND_DEG) & (east <= _ROUND_DEG) & (south >= -_POLE_DEG) & (north <= _POLE_DEG))
    # The largest eastings are those of zone 45 with prefix. Degrees of China would otherwise pass as metres near (0, 0).
    degrees = (west >= _DEGREES[0]) & (east <= _DEGREES[2]) & (south >= _DEGREES[1]) & (north <= _DEGREES[3])
    extent = np.asarray((np.abs(bounds).max(axis=1) <= 6e7) & ~degrees)
    easting, northing = _parameter(crs, "False easting"), _parameter(crs, "False northing")
    if not _is_zone(crs) or easting is None or not crs.axis_info or crs.axis_info[0].unit_conversion_factor != 1.0:
        return extent
    near = (west >= easting - _REACH_M) & (east <= easting + _REACH_M)
    return np.asarray(near & (np.abs(bounds[:, [1, 3]] - (northing or 0.0)).max(axis=1) <= _POLE_M))


def _is_zone(crs: CRS) -> bool:
    operation = crs.coordinate_operation
    return operation is not None and operation.method_name == "Transverse Mercator" and _is_zoned(crs)


def _is_zoned(crs: CRS) -> bool:
    """Whether a CRS is a Gauss-Krüger or UTM zone, with the false easting of 500 km after the zone prefix."""
    easting = _parameter(crs, "False easting")
    return easting is not None and easting % 1e6 == 500_000.0


def _parameter(crs: CRS, name: str) -> float | None:
    operation = crs.coordinate_operation
    found = [] if operation is None else [p.value for p in operation.params if name.lower() in p.name.lower()]
    return float(found[0]) if found else None


def _suspect_swap(bounds: FloatArray, crs: CRS, name: str) -> None:
    """Give a notice if degrees could be western China with latitude first; they could also be in the far north."""
    if not crs.is_geographic or len(bounds) == 0:
        return
    x, y = float(np.median(bounds[:, 0])), float(np.median(bounds[:, 1]))
    if 18.0 <= x <= 54.0 and 73.0 <= y <= 90.0:
        notice(
            f"{name}: ({x:.6g}, {y:.6g}) lies in the Arctic; if latitude comes first, correct it with "
            "wangge convert --swap-xy"
        )
