"""Marks repeated incident numbers and default points. No row is removed."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.incidents.columns import ADDRESS, DEFAULT_POINT, INCIDENT_ID, REPEAT

#: Tolerance for equal coordinates in degrees: 0.1 m, the last digit of geocoders.
SAME_DEG = 1e-6

_PAIR = 1_000_000_000

#: A default point has at least this number of incidents, and at least this share of all.
DEFAULT_INCIDENTS = 10
DEFAULT_SHARE = 0.005

#: At least three times the largest non-default point. In the incidents of two American cities the fullest street corners
#: have up to 2.0 times the number of the next one; the block of the police headquarters, used as default, 4.8 and 6.8 times.
DEFAULT_RATIO = 3.0


def mark_repeats(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Mark the second and later rows of one `incident_id` in the column `repeat`; rows without a number are never repeats."""
    number = frame[INCIDENT_ID]
    return frame.assign(**{REPEAT: (number.duplicated(keep="first") & number.notna()).to_numpy()})


def mark_default_points(frame: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, list[dict[str, Any]]]:
    """Mark incidents at the default points of geocoders in the column `default_point`.

    A geocoder that cannot find an address returns a fixed point, for example the centre of the street. Such a point has far
    more incidents than any real place: at least 10, at least 0.5 % of all, and three times as many as the next fullest
    coordinate. Several default points are found together if this gap lies below all of them.

    Parameters
    ----------
    frame
        Points in degrees.

    Returns
    -------
    (frame, default_points)
        Same rows and index with the mark, and one record per point, fullest first: `lon`, `lat`, `reports`, `share`, and
        `addresses`, the number of distinct addresses there, as evidence for a person to judge.

    Notes
    -----
    A real place with three times as many incidents as any other (a court, a market) is marked too; a default point with fewer
    than three times as many as the fullest real place is not found.
    """
    here = np.rint(shapely.get_coordinates(frame.geometry.array) / SAME_DEG).astype(np.int64)
    # One integer per pair: both are below 2 * 10**8, so nothing overflows, and sorting is ten times as fast.
    key, place, incidents = np.unique(here[:, 0] * _PAIR + here[:, 1], return_inverse=True, return_counts=True)
    lon = np.rint(key / _PAIR).astype(np.int64)
    places = np.column_stack([lon, key - lon * _PAIR])
    order = np.argsort(-incidents, kind="stable")
    sizes = np.r_[incidents[order], 1]  # the reference below a single place is one incident
    enough = sizes[:-1] >= max(DEFAULT_INCIDENTS, DEFAULT_SHARE * len(frame))
    gaps = np.flatnonzero(enough & (sizes[:-1] >= DEFAULT_RATIO * sizes[1:]))
    # If all incidents of a file are at one place, the usual number is unknown.
    found = order[: gaps[-1] + 1] if len(gaps) and len(order) > 1 else order[:0]
    marked = np.isin(place, found)
    records = [
        {
            "lon": float(places[p, 0] * SAME_DEG),
            "lat": float(places[p, 1] * SAME_DEG),
            "reports": int(incidents[p]),
            "share": float(incidents[p] / len(frame)),
            "addresses": int(_addresses(frame)[place == p].nunique()),
        }
        for p in found
    ]
    return frame.assign(**{DEFAULT_POINT: marked}), records


def _addresses(frame: gpd.GeoDataFrame) -> pd.Series[Any]:
    return frame[ADDRESS] if ADDRESS in frame else pd.Series(None, index=frame.index, dtype=object)
