"""Coordinate reference systems in which features are served, with their axis order (OGC API Features, part 2)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pyproj
import shapely

from api.errors import QueryError
from geo.arrays import Floats, Objects
from geo.layers.columns import GEOJSON_DECIMALS
from geo.layers.transformers import transformer

#: Space of all geographic CRS; a metric CRS is its own space.
DEGREES = 4326


@dataclass(frozen=True)
class Crs:
    """A CRS as named by clients.

    Attributes
    ----------
    uri
        Its URI in the OGC register.
    space
        EPSG code of the underlying coordinates: 4326 for all geographic CRS, otherwise its own.
    swapped
        Whether the first axis is latitude or northing.
    """

    uri: str
    space: int
    swapped: bool

    @property
    def metric(self) -> bool:
        """Whether coordinates are in metres."""
        return self.space != DEGREES

    @property
    def decimals(self) -> int:
        """Decimals of coordinates: 1 mm, or 0.1 mm in degrees."""
        return 3 if self.metric else GEOJSON_DECIMALS


CRS84 = Crs("http://www.opengis.net/def/crs/OGC/1.3/CRS84", DEGREES, swapped=False)
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
_FIXED = (CRS84, Crs(EPSG + "4326", DEGREES, swapped=True), Crs(EPSG + "4490", DEGREES, swapped=True))


@lru_cache(maxsize=8)
def served(native: int) -> tuple[Crs, ...]:
    """All CRS of a collection: CRS84, 4326, 4490, 4549, and the CRS of the division if it is another one.

    >>> [crs.uri[-4:] for crs in served(4549)], served(4549)[3].swapped
    (['RS84', '4326', '4490', '4549'], True)
    """
    numbers = dict.fromkeys((4549, native))
    return (*_FIXED, *(Crs(f"{EPSG}{number}", number, _north_first(number)) for number in numbers if number != DEGREES))


def storage(native: int) -> Crs:
    """The CRS in which a collection is stored."""
    return next(crs for crs in served(native) if crs.space == native)


def named(text: str, native: int, parameter: str) -> Crs:
    """The CRS named by a parameter.

    Raises
    ------
    QueryError
        If the collection is not served in it.
    """
    uri = text.strip().removeprefix("<").removesuffix(">")
    found = next((crs for crs in served(native) if crs.uri == uri), None)
    if found is None:
        names = ", ".join(crs.uri for crs in served(native))
        raise QueryError(f"{parameter}: '{text[:80]}' is not one of {names}", parameter=parameter)
    return found


def converted(geometries: Objects, native: int, space: int) -> Objects:
    """Transform geometries from one space to another, x first, rounded to the decimals of the target."""
    crs = Crs("", space, swapped=False)
    if native == space:
        return np.asarray(shapely.transform(geometries, lambda xy: np.round(xy, crs.decimals)), dtype=object)
    transformer = transformer_between(native, space)

    def move(xy: Floats) -> Floats:
        return np.round(np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])), crs.decimals)

    return np.asarray(shapely.transform(geometries, move), dtype=object)


@lru_cache(maxsize=32)
def transformer_between(one: int, other: int) -> pyproj.Transformer:
    """Cached transformer, x first; creation takes 50 ms, and it may be shared by threads."""
    return transformer(one, other)


def _north_first(number: int) -> bool:
    return pyproj.CRS.from_epsg(number).axis_info[0].direction == "north"
