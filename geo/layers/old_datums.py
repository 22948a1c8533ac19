"""Conversions from and to Beijing 1954, Xi'an 1980 and New Beijing, with their accuracy reported.

These datums are shifted by 50 to 150 m against CGCS2000; official parameters are not public. PROJ has parameters to WGS-84
for some regions, and otherwise silently returns coordinates unchanged (a "ballpark" operation). Here a change of datum
reports its accuracy, or is refused. CGCS2000 and WGS-84 are treated as equal.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyproj
import shapely
from pyproj import CRS
from pyproj.aoi import AreaOfInterest
from pyproj.transformer import TransformerGroup

from geo.errors import CrsError
from geo.layers.transformers import to_crs, transformer
from geo.notices import notice

if TYPE_CHECKING:
    import geopandas as gpd

_OLD = ("Beijing 1954", "New Beijing", "Xian 1980")

_WGS84 = CRS.from_epsg(4326)


def old_datum(crs: object) -> str | None:
    """Name of the datum of a CRS if it is an old Chinese one.

    >>> old_datum("EPSG:2437"), old_datum("EPSG:4549")
    ('Beijing 1954', None)
    """
    if crs is None:
        return None
    base = CRS.from_user_input(crs).geodetic_crs
    name = "" if base is None else base.name + " " + (base.datum.name if base.datum is not None else "")
    plain = name.replace("_", " ").replace("'", "")
    return next((old for old in _OLD if old in plain), None)


def changes_old_datum(source: object, target: object) -> bool:
    """Whether a conversion changes from or to an old Chinese datum."""
    return old_datum(source) != old_datum(target)


def change_crs(shapes: gpd.GeoSeries, target: object) -> gpd.GeoSeries:
    """Convert geometries to another CRS, with a notice of the accuracy if an old datum changes.

    Parameters
    ----------
    shapes
        Geometries with a CRS.
    target
        CRS of the result.

    Raises
    ------
    CrsError
        If the datums differ, one of them is old, and no parameters are known for the place.
    """
    source, target = CRS.from_user_input(shapes.crs), CRS.from_user_input(target)
    if not changes_old_datum(source, target):
        return to_crs(shapes, target)
    place = _place(shapes)
    names = f"{_title(source)} → {_title(target)}"
    there, back = _operation(source, _WGS84, place, names), _operation(_WGS84, target, place, names)
    used = there if old_datum(source) else back
    notice(
        f"{names}: 坐标基准转换（{used.description}），精度约 {used.accuracy:g} 米。Converted with an accuracy of about "
        f"{used.accuracy:g} m; use official parameters where that is not enough"
    )

    def move(xy: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(back.transform(*there.transform(*xy.T)))

    return type(shapes)(shapely.transform(shapes.array, move), index=shapes.index, crs=target)


def _title(crs: CRS) -> str:
    code = crs.to_epsg()
    return f"EPSG:{code}" if code is not None else crs.name


def _place(shapes: gpd.GeoSeries) -> tuple[float, float, float, float]:
    """Bounds in degrees on the datum of the shapes, for which 100 m make no difference."""
    crs = CRS.from_user_input(shapes.crs)
    west, south, east, north = shapes.total_bounds
    if crs.geodetic_crs is not None and not crs.is_geographic:
        to = transformer(crs, crs.geodetic_crs)
        west, south, east, north = to.transform_bounds(west, south, east, north)
    return float(west), float(south), float(east), float(north)


def _operation(source: CRS, target: CRS, place: tuple[float, float, float, float], names: str) -> pyproj.Transformer:
    """The most accurate operation defined for a place; between new datums the default one."""
    if not changes_old_datum(source, target):
        return transformer(source, target)
    area: Any = AreaOfInterest(*place)
    known = TransformerGroup(source, target, always_xy=True, area_of_interest=area, allow_ballpark=False)
    x, y = (place[0] + place[2]) / 2, (place[1] + place[3]) / 2
    fitting = [
        one
        for one in known.transformers
        if one.accuracy > 0
        and (
            one.area_of_use is None
            or (
                one.area_of_use.west <= x <= one.area_of_use.east
                and one.area_of_use.south <= y <= one.area_of_use.north
            )
        )
    ]
    if not fitting:
        raise CrsError(
            f"{names}: no parameters are published between {old_datum(source) or old_datum(target)} and "
            f"CGCS2000 at ({x:.4g}, {y:.4g}), and without them the result would be off by 50 to 150 m; convert the file with the "
            "official parameters of the surveying authority first"
        )
    return min(fitting, key=lambda one: one.accuracy)
