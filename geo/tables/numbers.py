"""Parses numbers with separators, units, signs and full-width characters, and degrees with minutes and seconds.

The meaning of a comma depends on the quantity. In metres ``380,160`` is 380160, because no easting is 380 m; in degrees
``118,795`` has a decimal comma, because no longitude is over a hundred thousand.
"""

from __future__ import annotations

import contextlib
import re
import unicodedata
from typing import Any, Literal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from geo.arrays import Floats

#: Quantity of a number: degrees, metres of a projected coordinate, a length in metres, or a speed in m/s.
Kind = Literal["degrees", "metres", "length", "speed"]

# Kilometres per hour, knots and miles per hour in m/s.
_SPEEDS = {
    "km/h": 1 / 3.6,
    "kmh": 1 / 3.6,
    "kph": 1 / 3.6,
    "公里/小时": 1 / 3.6,
    "公里/时": 1 / 3.6,
    "千米/时": 1 / 3.6,
    "knots": 1852 / 3600,
}
_SPEEDS |= {
    "knot": 1852 / 3600,
    "kn": 1852 / 3600,
    "kt": 1852 / 3600,
    "节": 1852 / 3600,
    "mph": 0.44704,
    "m/s": 1.0,
    "米/秒": 1.0,
}
_LENGTHS = {"m": 1.0, "米": 1.0, "km": 1000.0, "公里": 1000.0, "千米": 1000.0, "ft": 0.3048}

#: Words for a missing value in a column of numbers, in lower case.
MISSING_WORDS = ("", "nan", "null", "none", "na", "n/a", "\\n", "-", "--")
_MISSING = pa.array(MISSING_WORDS)

_PRIMES = str.maketrans(
    {
        "′": "'",
        "ʹ": "'",
        "ˊ": "'",
        "‵": "'",
        "’": "'",
        "‘": "'",
        "´": "'",
        "`": "'",
        "＇": "'",
        "″": '"',
        "ʺ": '"',
        "〃": '"',
        "‶": '"',
        "”": '"',
        "“": '"',
        "＂": '"',
        "º": "°",
        "˚": "°",
    }
)
_SIDES = {
    "e": 1,
    "w": -1,
    "n": 1,
    "s": -1,
    "东经": 1,
    "西经": -1,
    "北纬": 1,
    "南纬": -1,
    "东": 1,
    "西": -1,
    "北": 1,
    "南": -1,
}
_SIDE = "|".join(_SIDES)
_N = r"\d+(?:[.,]\d+)?"
_DEGREES = re.compile(
    rf"(?P<before>{_SIDE})?\s*(?P<whole>[+-]?{_N})\s*[°度d]?\s*"
    rf"(?:(?<=[°度d\s])(?P<minutes>{_N})\s*(?:['m分]|(?=\s)|(?=$)|(?=[a-z]))\s*"
    rf"(?:(?P<seconds>{_N})\s*(?:\"|''|s|秒)?\s*)?)?(?P<after>{_SIDE})?",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"(?<=\d)[:-](?=\d)")

_GROUPED = re.compile(r"[+-]?\d{1,3}(?:([, '\u00a0\u202f])\d{3})(?:\1\d{3})*(?:\.\d+)?")
_EUROPEAN = re.compile(r"[+-]?\d{1,3}(?:\.\d{3}){2,}(?:,\d+)?|[+-]?\d{1,3}(?:\.\d{3})+,\d+")
_COMMA = re.compile(r"[+-]?\d+,\d+")


def read_numbers(values: pd.Series, kind: Kind, unit: float = 1.0) -> Floats:
    """Parse a column of numbers.

    Parameters
    ----------
    values
        Text or numbers.
    kind
        Quantity.
    unit
        Factor for numbers without their own unit, for instance from a header ``speed (km/h)``.

    Returns
    -------
    ndarray
        float64, shape (n,); NaN for missing values and for texts that are not numbers.
    """
    plain = _all_plain(values)
    if plain is not None:
        return plain * unit if unit != 1.0 else plain
    numbers = pd.to_numeric(values, errors="coerce").to_numpy(dtype=float, na_value=np.nan, copy=True) * unit
    odd = np.isnan(numbers) & values.notna().to_numpy(dtype=bool)
    if odd.any():
        codes, different = pd.factorize(values[odd].astype(object), use_na_sentinel=True)
        read = np.array([parse_numeric(str(value), kind, unit) for value in different])
        numbers[odd] = read[codes]
    numbers[~np.isfinite(numbers)] = np.nan
    return numbers


def _all_plain(values: pd.Series) -> Floats | None:
    """Parse all numbers at once if none has separators or units, five times as fast; otherwise None."""
    if pd.api.types.is_bool_dtype(values.dtype):
        return None
    with contextlib.suppress(pa.ArrowInvalid, pa.ArrowTypeError, pa.ArrowNotImplementedError):
        array = pa.array(values, from_pandas=True)
        if pa.types.is_string(array.type) or pa.types.is_large_string(array.type):
            array = pc.utf8_trim_whitespace(array.cast(pa.large_string()))
            empty = pc.is_in(pc.utf8_lower(array), value_set=_MISSING.cast(pa.large_string()))
            array = pc.if_else(empty, pa.scalar(None, pa.large_string()), array)
        numbers = np.array(array.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False), dtype=float)
        numbers[~np.isfinite(numbers)] = np.nan
        return numbers
    return None


def parse_numeric(text: str, kind: Kind, unit: float = 1.0) -> float:
    """Parse one number; NaN if it is not a number or ambiguous.

    >>> parse_numeric("380,160", "metres"), parse_numeric("118,795", "degrees"), parse_numeric("1.2 km/h", "speed")
    (380160.0, 118.795, 0.3333333333333333)
    >>> parse_numeric("118°48′45″E", "degrees"), parse_numeric("W 77.5°", "degrees"), parse_numeric("118°75′", "degrees")
    (118.8125, -77.5, nan)
    """
    folded = unicodedata.normalize("NFKC", text.translate(_PRIMES)).translate(_PRIMES).strip().removeprefix("'").strip()
    if kind == "degrees":
        return _degrees(folded.replace("''", '"'))
    body, factor = _without_unit(folded.lower(), {"speed": _SPEEDS, "length": _LENGTHS, "metres": _LENGTHS}[kind], unit)
    return _plain(body, kind) * factor


def _without_unit(text: str, units: dict[str, float], unit: float) -> tuple[str, float]:
    for name in sorted(units, key=len, reverse=True):
        if text.endswith(name) and re.search(rf"\d\.?\s*{re.escape(name)}$", text):
            return text.removesuffix(name).strip(), units[name]
    return text, unit


def _plain(text: str, kind: Kind) -> float:
    if _GROUPED.fullmatch(text):
        single = re.fullmatch(r"[+-]?\d{1,3},\d{3}", text) is not None
        # One group of three digits may follow a decimal comma, but eastings and northings are larger than a few hundred metres.
        if not single or kind == "metres":
            return float(re.sub(r"[, '\u00a0\u202f]", "", text))
    if _EUROPEAN.fullmatch(text):
        return float(text.replace(".", "").replace(",", "."))
    if _COMMA.fullmatch(text):
        return float(text.replace(",", "."))
    try:
        return float(text) if re.fullmatch(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", text) else float("nan")
    except ValueError:
        return float("nan")


def _degrees(text: str) -> float:
    """Degrees from ``118.81°``, ``32.10°N``, ``118°48'45"``, ``118:48:45``, ``东经118度48分45秒``."""
    if re.fullmatch(r"[+-]?\d+(\.\d+)?(e[+-]?0*\d\d?)?", text, re.IGNORECASE):
        return float(text)
    found = _DEGREES.fullmatch(_SPLIT.sub(" ", text))
    if found is None:
        return float("nan")
    whole, minutes, seconds = (float((found[key] or "0").replace(",", ".")) for key in ("whole", "minutes", "seconds"))
    if abs(whole) > 360.0 or minutes >= 60.0 or seconds >= 60.0 or (found["before"] and found["after"]):
        return float("nan")
    if (minutes and whole % 1) or (seconds and minutes % 1):  # only the last part may have a fraction
        return float("nan")
    value = abs(whole) + minutes / 60.0 + seconds / 3600.0
    side = _SIDES[(found["before"] or found["after"] or "e").lower()]
    return -value if str(found["whole"]).startswith("-") or side < 0 else value


def unit_of_header(header: object, kind: Kind) -> float:
    """Factor to m/s or metres for the unit named in a header, in brackets or at its end; 1 if none is named.

    >>> unit_of_header("速度(km/h)", "speed"), unit_of_header("speed_kn", "speed"), unit_of_header("speed", "speed")
    (0.2777777777777778, 0.5144444444444445, 1.0)
    """
    units = _SPEEDS if kind == "speed" else _LENGTHS
    text = unicodedata.normalize("NFKC", str(header)).lower()
    found = re.search(r"[(\[（【]\s*([^)\]）】]+?)\s*[)\]）】]\s*$|[_\s]([a-z/]+)$", text)
    return units.get((found[1] or found[2]).strip(), 1.0) if found else 1.0


def scaled_degrees(lon: Floats, lat: Floats) -> tuple[Floats, Floats, Any]:
    """Convert degrees stored as integers times ten million, as some devices and exports do.

    A row is converted only if nothing else is possible: both values are integers and too large for degrees, metres, and degrees
    times a million.

    Returns
    -------
    (ndarray, ndarray, ndarray)
        Longitude and latitude in degrees, and the rows that were scaled.
    """
    with np.errstate(invalid="ignore"):
        whole = (lon % 1 == 0) & (lat % 1 == 0) & (np.abs(lat) >= 1e7) & (np.abs(lon) >= 1e7)
        fits = (np.abs(lon) <= 1.8e9) & (np.abs(lat) <= 9e8) & ((np.abs(lon) > 1.8e8) | (np.abs(lat) > 9e7))
    scaled = whole & fits
    return np.where(scaled, lon / 1e7, lon), np.where(scaled, lat / 1e7, lat), scaled
