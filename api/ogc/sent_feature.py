"""GeoJSON features received from clients, and the comparison of their ETags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import shapely

from api.errors import StaleError
from api.ogc.coordinate_systems import Crs, transformer_between
from api.ogc.feature_table import FeatureTable
from api.ogc.properties import Property
from geo.errors import InputError


@dataclass(frozen=True)
class SentFeature:
    """A received feature: values by name, and the two-dimensional geometry in the received axis order."""

    properties: dict[str, Any]
    geometry: shapely.Geometry | None

    def geometry_in(self, crs: Crs, space: int) -> shapely.Geometry | None:
        """The geometry, transformed from its CRS to another space (see :class:`~api.ogc.coordinate_systems.Crs`), x first.

        Raises
        ------
        InputError
            If it lies outside the area of the space.
        """
        shape = self.geometry
        if shape is None:
            return None
        if crs.swapped:
            shape = shapely.transform(shape, lambda xy: xy[:, ::-1])
        if crs.space != space:
            transformer = transformer_between(crs.space, space)
            shape = shapely.transform(shape, lambda xy: np.column_stack(transformer.transform(xy[:, 0], xy[:, 1])))
        if not np.isfinite(shapely.get_coordinates(shape)).all():
            raise InputError(f"geometry: lies outside of {crs.uri}")
        return shape


def read_feature(body: bytes, known: tuple[Property, ...], *types: str) -> SentFeature:
    """Parse a GeoJSON feature or a merge patch; foreign members are ignored.

    Parameters
    ----------
    known
        The existing properties.
    types
        The accepted geometry types.

    Raises
    ------
    InputError
        If it is not a feature, has an unknown property, or its geometry is empty or of another type.
    """
    try:
        content = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise InputError(f"the body is no JSON ({error})") from error
    if not isinstance(content, dict) or content.get("type", "Feature") != "Feature":
        raise InputError("type: a GeoJSON Feature is expected")
    properties = content.get("properties")
    properties = {} if properties is None else properties
    if not isinstance(properties, dict):
        raise InputError("properties: an object is expected")
    names = {entry.name for entry in known}
    unknown = next((name for name in properties if name not in names), None)
    if unknown is not None:
        raise InputError(f"properties.{str(unknown)[:60]}: there is no such property")
    return SentFeature(properties, _geometry(content.get("geometry"), types))


def _geometry(content: Any, types: tuple[str, ...]) -> shapely.Geometry | None:
    if content is None:
        return None
    try:
        shape = shapely.force_2d(shapely.from_geojson(msgspec.json.encode(content)))
    except (shapely.errors.ShapelyError, ValueError) as error:
        raise InputError(f"geometry: cannot be read ({str(error)[:80]})") from error
    if shape is None or shape.geom_type not in types or shape.is_empty:
        raise InputError(f"geometry: {' or '.join(types)} is expected")
    return shape


def require_match(table: FeatureTable, row: int, expected: str | None) -> None:
    """Refuse a change if the feature has changed since the caller read it.

    Parameters
    ----------
    expected
        ``If-Match``: comma-separated ETags, or ``*``; None accepts any state.

    Raises
    ------
    StaleError
        If no ETag matches.
    """
    if expected is None or expected.strip() == "*":
        return
    if table.item_tag(row) not in (part.strip() for part in expected.split(",")):
        raise StaleError(f"feature {table.ids[row]} was changed since it was read; read it again")
