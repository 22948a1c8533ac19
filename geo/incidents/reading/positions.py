"""Coordinates of the rows of a table: numbers, what is wrong with each, and the way to WGS-84."""

from __future__ import annotations

import contextlib
import re
import unicodedata
from collections.abc import Mapping
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from geo.errors import DatumError
from geo.incidents.columns import ADDRESS, DATUM, LAT, LAT_LON, LON, LON_LAT
from geo.layers import Datum, convert, lon_lat

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]

# What files call a datum by the maps that use it; formal names are known to Datum.parse.
_CALLED = {
    "百度": Datum.BD09,
    "高德": Datum.GCJ02,
    "腾讯": Datum.GCJ02,
    "火星": Datum.GCJ02,
    "国测局": Datum.GCJ02,
    "GPS": Datum.WGS84,
    "天地图": Datum.CGCS2000,
    "国家2000": Datum.CGCS2000,
    "大地2000": Datum.CGCS2000,
    "CGCS": Datum.CGCS2000,
}

# A position this far from the middle of the file that, with longitude and latitude exchanged, lies this near to it is swapped.
_FAR_DEG, _NEAR_DEG = 5.0, 2.0

# Signs as they are after full-width ones have been folded; hemispheres in front or behind.
_DEGREES = re.compile(
    r"^(东经|西经|北纬|南纬|[NSEW])?\s*([+-]?\d+(?:\.\d+)?)\s*[°º度]?\s*(?:(\d+(?:\.\d+)?)\s*(?:['′’]|分)\s*)?"
    r"(?:(\d+(?:\.\d+)?)\s*(?:[\"″”]|''|秒)\s*)?([NSEW])?$",
    re.IGNORECASE,
)
_NEGATIVE = ("西经", "南纬", "W", "S")

_CHUNK = 16_384


class Positions(NamedTuple):
    """Positions of rows.

    Attributes
    ----------
    lon, lat
        Degrees on WGS-84; NaN where there is no usable position.
    reason
        Why a row has none; '' where it has.
    swapped
        Rows whose longitude and latitude were exchanged, and turned back.
    datums
        Number of usable rows by datum (or CRS) that they were read in.
    """

    lon: Floats
    lat: Floats
    reason: npt.NDArray[np.object_]
    swapped: Bools
    datums: dict[str, int]


def positions(rows: pd.DataFrame, used: Mapping[str, str], datum: Datum | None, crs: object, name: str) -> Positions:
    """Read the coordinates of a table.

    Parameters
    ----------
    rows
        The table as text.
    used
        Which header holds what.
    datum
        Datum of rows that do not say theirs.
    crs
        CRS of the coordinates where they are not degrees.
    name
        File, for messages.

    Raises
    ------
    DatumError
        If neither `datum`, `crs` nor a column of the file says what the coordinates are.
    """
    if datum is None and crs is None and DATUM not in used:
        raise DatumError(
            f"{name}: the datum of its coordinates is not declared; say whether they are WGS-84, CGCS2000, GCJ-02 "
            "or BD-09 (--datum)"
        )
    x, y = _coordinates(rows, used)
    degrees = crs is None
    reason = _unusable(x, y, rows, used)
    swapped = np.zeros(len(x), dtype=bool)
    if degrees:
        swapped = (reason == "") & _exchanged(x, y, reason == "")
        x, y = np.where(swapped, y, x), np.where(swapped, x, y)
        outside = (np.abs(x) > 180) | (np.abs(y) > 90)
        reason[outside & (reason == "")] = "has coordinates that are not degrees"
    which = _datum_of_rows(rows, used, datum, reason) if degrees else np.full(len(x), str(crs), dtype=object)
    good = reason == ""
    lon, lat = np.full(len(x), np.nan), np.full(len(x), np.nan)
    if not degrees:
        placed = lon_lat(gpd.GeoSeries(gpd.points_from_xy(x[good], y[good]), crs=crs))
        lon[good], lat[good] = placed.x.to_numpy(), placed.y.to_numpy()
        if datum is not None:
            lon[good], lat[good] = to_wgs84(lon[good], lat[good], datum)
    datums = {}
    for kind in sorted({str(value) for value in pd.unique(which[good])}):
        mine = good & (which == kind)
        datums[kind] = int(mine.sum())
        if degrees:
            lon[mine], lat[mine] = to_wgs84(x[mine], y[mine], Datum.parse(kind))
    return Positions(lon, lat, reason, swapped & good, datums)


def to_wgs84(x: Floats, y: Floats, datum: Datum) -> tuple[Floats, Floats]:
    """Bring degrees from a datum to WGS-84, piece by piece: its many steps then stay in the cache, which halves the time."""
    parts = [
        convert(x[k : k + _CHUNK], y[k : k + _CHUNK], datum, Datum.WGS84) for k in range(0, max(len(x), 1), _CHUNK)
    ]
    return np.concatenate([lon for lon, _ in parts]), np.concatenate([lat for _, lat in parts])


def _datum_of_rows(
    rows: pd.DataFrame, used: Mapping[str, str], datum: Datum | None, reason: npt.NDArray[np.object_]
) -> npt.NDArray[np.object_]:
    """Name of each row's datum; rows that name none, or one that is not known, get a reason."""
    which = np.full(len(rows), None if datum is None else datum.value, dtype=object)
    if DATUM in used:
        codes, said = pd.factorize(rows[used[DATUM]].astype(object), use_na_sentinel=True)
        for code, text in enumerate(said):
            mine = codes == code
            try:
                which[mine] = _datum(_fold(text).strip()).value
            except DatumError:
                reason[mine & (reason == "")] = f"names a datum that is not known: '{str(text)[:40]}'"
    reason[pd.isna(which) & (reason == "")] = "names no datum, and none is declared for the file"
    return which


def _datum(text: str) -> Datum:
    called = next((datum for name, datum in _CALLED.items() if text.upper().startswith(name)), None)
    return called or Datum.parse(text)


def _coordinates(rows: pd.DataFrame, used: Mapping[str, str]) -> tuple[Floats, Floats]:
    joint = next((name for name in (LON_LAT, LAT_LON) if name in used), None)
    if joint is None:
        return _numbers(rows[used[LON]]), _numbers(rows[used[LAT]])
    header = used[joint]
    folded = (
        rows[header]
        .map(_fold, na_action="ignore")
        .astype("string")
        .str.replace(r"^\s*POINT", "", case=False, regex=True)
    )
    parts = folded.str.strip("()[] ").str.extract(r"^([^,;\s]+)[,;\s]+([^,;\s]+)$")
    x, y = _numbers(parts[0]), _numbers(parts[1])
    return (y, x) if joint == LAT_LON else (x, y)


def _numbers(values: pd.Series[Any]) -> Floats:
    """Read numbers, also full-width, and degrees with their signs, minutes and seconds; anything else is NaN."""
    if isinstance(values.dtype, pd.StringDtype):
        # All at once where all are numbers: a fifth of the time.
        with contextlib.suppress(pa.ArrowInvalid):
            texts = pa.array(values, from_pandas=True)
            return np.asarray(texts.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=float)
    plain = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan, copy=True)
    odd = np.isnan(plain) & values.notna().to_numpy()
    if odd.any():
        plain[odd] = [_degrees(_fold(value)) for value in values[odd]]
    return plain


def _degrees(text: str) -> float:
    """Read ``118.81°``, ``32.10°N``, ``118°48'45"``, ``东经118度48分45秒``; NaN if it is none of them.

    >>> _degrees("118°48′45″E"), _degrees("W 77.5°"), _degrees("118°75′")
    (118.8125, -77.5, nan)
    """
    found = _DEGREES.match(text.strip())
    if found is None:
        return float("nan")
    before, whole, minutes, seconds, after = found.groups()
    parts = [float(part or 0) for part in (minutes, seconds)]
    if max(parts) >= 60.0 or (before and after):
        return float("nan")
    value = abs(float(whole)) + parts[0] / 60.0 + parts[1] / 3600.0
    return -value if whole.startswith("-") or (before or after or "").upper() in _NEGATIVE else value


def _fold(value: object) -> str:
    return unicodedata.normalize("NFKC", str(value))


def _unusable(x: Floats, y: Floats, rows: pd.DataFrame, used: Mapping[str, str]) -> npt.NDArray[np.object_]:
    """Say why a pair of numbers is no position; '' where it may be one."""
    fields = [used[name] for name in (LON, LAT, LON_LAT, LAT_LON) if name in used]
    given = np.logical_or.reduce([rows[field].notna().to_numpy() for field in fields])
    reason = np.full(len(x), "", dtype=object)
    reason[~np.isfinite(x) | ~np.isfinite(y)] = "has a coordinate that is missing or not a number"
    reason[~given] = "has no coordinates"
    if ADDRESS in used:
        reason[~given & rows[used[ADDRESS]].notna().to_numpy()] = "has an address but no coordinates"
    reason[(x == 0) & (y == 0)] = "is at 0, 0, which stands for no position"
    return reason


def _exchanged(x: Floats, y: Floats, there: Bools) -> Bools:
    """Tell pairs that are latitude and longitude: the latitude is over 90, or all others lie where the exchanged pair does."""
    with np.errstate(invalid="ignore"):
        surely = (np.abs(x) <= 90) & (np.abs(y) > 90) & (np.abs(y) <= 180)
        sound = there & ~surely & (np.abs(x) <= 180) & (np.abs(y) <= 90)
        if not sound.any():
            return surely
        middle_x, middle_y = np.median(x[sound]), np.median(y[sound])
        far = np.maximum(np.abs(x - middle_x), np.abs(y - middle_y)) > _FAR_DEG
        near = np.maximum(np.abs(y - middle_x), np.abs(x - middle_y)) < _NEAR_DEG
    return surely | (sound & far & near)
