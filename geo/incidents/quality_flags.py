"""Marks for repeated incident numbers and for default points. No row is removed."""

from __future__ import annotations

from typing import Any

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from geo.incidents.columns import ADDRESS, DEFAULT_POINT, INCIDENT_ID, REPEAT

#: Degrees to which coordinates are taken as one: 0.1 m, the last digit that geocoders give.
SAME_DEG = 1e-6

_PAIR = 1_000_000_000

#: A default point holds at least so many incidents, and at least this share of all.
DEFAULT_INCIDENTS = 10
DEFAULT_SHARE = 0.005

#: ... and at least this many times the number at the fullest other point. In the incidents of two American cities the fullest
#: street corners hold up to 2.0 times the next; the block of the police headquarters, where incidents are put, 4.8 and 6.8
#: times.
DEFAULT_RATIO = 3.0


def mark_repeats(frame: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Mark the second and later rows of one `incident_id` in the column `repeat`; rows without a number are never repeats."""
    number = frame[INCIDENT_ID]
    return frame.assign(**{REPEAT: (number.duplicated(keep="first") & number.notna()).to_numpy()})


def mark_default_points(frame: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, list[dict[str, Any]]]:
    """Mark incidents at the default points of geocoders in the column `default_point`.

    A geocoder that cannot find an address returns one point, the centre of the street, for example. Such a point
    holds far more incidents than any real place: at least 10, at least 0.5 % of all, and three times as many as the fullest
    coordinate below it. Several default points are found together if that gap lies below all of them.

    Parameters
    ----------
    frame
        Points in degrees.

    Returns
    -------
    (frame, default_points)
        Same rows and index with the mark, and one record per point, fullest first: `lon`, `lat`, `reports`, `share`, and
        `addresses`, the number of different addresses there, the evidence for a person to judge by.

    Notes
    -----
    A real place with three times as many incidents as any other (a court, a market) is marked too; a default point with fewer
    than three times as many as the fullest real place is not found.
    """
    here = np.rint(shapely.get_coordinates(frame.geometry.array) / SAME_DEG).astype(np.int64)
    # One number per pair: both are under 2 * 10**8, so nothing overflows, and numbers sort ten times as fast as pairs.
    key, place, incidents = np.unique(here[:, 0] * _PAIR + here[:, 1], return_inverse=True, return_counts=True)
    lon = np.rint(key / _PAIR).astype(np.int64)
    places = np.column_stack([lon, key - lon * _PAIR])
    order = np.argsort(-incidents, kind="stable")
    sizes = np.r_[incidents[order], 1]  # below a lone place stands a single incident
    enough = sizes[:-1] >= max(DEFAULT_INCIDENTS, DEFAULT_SHARE * len(frame))
    gaps = np.flatnonzero(enough & (sizes[:-1] >= DEFAULT_RATIO * sizes[1:]))
    # A file whose incidents all lie at one place says nothing about what is usual.
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
