"""Values of fixes: positions in degrees, naive UTC times, durations in seconds, distances on the ground."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import shapely

from geo.arrays import Floats
from geo.errors import ColumnError, CrsError
from geo.layers import lon_lat
from geo.layers.crs import EARTH_M
from geo.tracks.columns import DEVICE, LAT, LON, TIME


def places(tracks: pd.DataFrame) -> tuple[Floats, Floats]:
    """WGS-84 longitude and latitude of the fixes, from their points or, without points, from the columns.

    Five million points need a gigabyte; the fixes of a city's day are processed without points.
    """
    if isinstance(tracks, gpd.GeoDataFrame):
        points = lon_lat(tracks.geometry).array
        return shapely.get_x(points), shapely.get_y(points)
    return tracks[LON].to_numpy(dtype=float), tracks[LAT].to_numpy(dtype=float)


def utc(times: pd.Series) -> npt.NDArray[np.datetime64]:
    """Aware times as numpy datetime64 in microseconds, UTC."""
    naive: npt.NDArray[np.datetime64] = times.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[us]")
    return naive


def seconds(span: npt.NDArray[np.timedelta64]) -> Floats:
    """Durations in seconds."""
    return span / np.timedelta64(1, "s")


def ground_m(lon0: Floats, lat0: Floats, lon1: Floats, lat1: Floats) -> Floats:
    """Distance on the sphere, metres; exact to 0.5 % at any length, also at one centimetre (haversine)."""
    p0, p1 = np.radians(lat0), np.radians(lat1)
    h = np.sin((p1 - p0) / 2) ** 2 + np.cos(p0) * np.cos(p1) * np.sin(np.radians(lon1 - lon0) / 2) ** 2
    metres: Floats = 2 * EARTH_M * np.arcsin(np.sqrt(np.minimum(h, 1.0)))
    return metres


def require_tracks(tracks: pd.DataFrame) -> None:
    """Raise if a frame is not a track; the message names all faults."""
    missing = [column for column in (DEVICE, TIME) if column not in tracks]
    if missing:
        raise ColumnError(f"tracks: no column {' and '.join(missing)}; read the file with read_tracks")
    if not isinstance(tracks[TIME].dtype, pd.DatetimeTZDtype):
        raise ColumnError("tracks: the times in column 'time' have no zone; localize them, then convert to UTC")
    if not isinstance(tracks, gpd.GeoDataFrame):
        missing = [column for column in (LON, LAT) if column not in tracks]
        if missing:
            raise ColumnError(
                f"tracks: neither points nor a column {' and '.join(missing)}; read the file with read_tracks"
            )
    elif tracks.crs is None:
        raise CrsError("tracks: no coordinate reference system is declared; fixes of phones are EPSG:4326")
