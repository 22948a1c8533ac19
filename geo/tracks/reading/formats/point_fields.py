"""Field names of points in all formats, and conversion of their values to metres, metres per second and degrees."""

from __future__ import annotations

import math
import re
from functools import lru_cache

from geo.tracks.columns import ACCURACY_M, DEVICE, MOCK, OFFICER, SPEED, TIME

#: Field names in lower case without punctuation, and our columns; the first field present is used for a column.
FIELDS: dict[str, str] = {
    "time": TIME,
    "speed": SPEED,
    "accuracyhorizontal": ACCURACY_M,
    "horizontalaccuracy": ACCURACY_M,
    "horaccur": ACCURACY_M,
    "accuracy": ACCURACY_M,
    "hacc": ACCURACY_M,
    "mock": MOCK,
    "ismock": MOCK,
    "device": DEVICE,
    "deviceid": DEVICE,
    "officer": OFFICER,
}

#: Speed units in metres per second.
_SPEEDS = {
    "m/s": 1.0,
    "mps": 1.0,
    "km/h": 1 / 3.6,
    "kmh": 1 / 3.6,
    "kph": 1 / 3.6,
    "kn": 1852 / 3600,
    "kt": 1852 / 3600,
    "kts": 1852 / 3600,
    "knots": 1852 / 3600,
    "mph": 1609.344 / 3600,
    "mi/h": 1609.344 / 3600,
}
KNOT_M_S = _SPEEDS["kn"]

#: Position error of a receiver per unit of dilution of precision, metres (68 %); usual for a phone outdoors.
METRES_PER_HDOP = 5.0

#: Receivers report values from here on if the dilution of precision is unknown.
_NO_HDOP = 50.0

_NUMBER = r"[-+]?(?:\d+(?:[.,]\d*)?|[.,]\d+)(?:[eE][-+]?\d+)?"
_QUANTITY = re.compile(rf"^\s*({_NUMBER})\s*([^\d\s]*)\s*$")
_ANGLE = re.compile(
    rf"^\s*(?P<first>[NSEWnsew])?\s*(?P<degrees>{_NUMBER})\s*[°º]?\s*"
    rf"(?:(?P<minutes>\d+(?:[.,]\d*)?)\s*['′]\s*)?(?:(?P<seconds>\d+(?:[.,]\d*)?)\s*(?:''|[\"″])\s*)?(?P<last>[NSEWnsew])?\s*$"
)


@lru_cache(maxsize=4096)
def column_of(field: str) -> str | None:
    """Our column for a field of a point, by its name in any spelling.

    >>> column_of("accuracy_horizontal")
    'accuracy_m'
    """
    return FIELDS.get(re.sub(r"[^a-z0-9]", "", field.lower()))


def measured(column: str, text: str | None) -> str | None:
    """Value of a field in the unit of its column: speeds in m/s and error radii in metres, unless it names another unit."""
    if column == SPEED:
        return speed_m_s(text)
    return accuracy_m(text) if column == ACCURACY_M else text


def speed_m_s(value: object, unit: str = "m/s") -> str | None:
    """A speed as text in metres per second; None if missing, negative (not measured), or in an unknown unit.

    >>> speed_m_s("7.2 km/h"), speed_m_s(10, "kn"), speed_m_s("-1")
    ('2.0', '5.144444444444445', None)
    """
    match = _quantity(value)
    if match is None:
        return None
    factor = _SPEEDS.get((match[2] or unit).lower())
    number = _number(match[1])
    if factor is None or not math.isfinite(number) or number < 0:
        return None
    return str(number * factor)


def accuracy_m(value: object, per_unit_m: float = 1.0) -> str | None:
    """An error radius as text in metres; None if missing, zero or negative (both mean unknown).

    >>> accuracy_m("4.9 m"), accuracy_m(1300, 0.001), accuracy_m(-1)
    ('4.9', '1.3', None)
    """
    match = _quantity(value)
    if match is None:
        return None
    factor = {"": per_unit_m, "m": 1.0, "ft": 0.3048}.get(match[2].lower())
    radius = 0.0 if factor is None else _number(match[1]) * factor
    return str(round(radius, 3)) if math.isfinite(radius) and radius > 0 else None


def accuracy_of_hdop(value: object) -> str | None:
    """Error radius in metres for a dilution of precision; None if the receiver did not know it.

    >>> accuracy_of_hdop("1.7"), accuracy_of_hdop("99.99")
    ('8.5', None)
    """
    match = _quantity(value)
    hdop = math.nan if match is None else _number(match[1])
    return str(round(METRES_PER_HDOP * hdop, 1)) if 0 < hdop < _NO_HDOP else None


def degrees(value: object) -> str | None:
    """An angle as text in degrees, from degrees with optional minutes and seconds, with a hemisphere letter or a sign.

    >>> degrees("32.1°"), degrees("118° 47.7' E"), degrees("33° 55' 30'' S")
    ('32.1', '118.795', '-33.925')
    """
    match = _ANGLE.match(str(value))
    if match is None:
        return None
    if match["minutes"] is None and match["seconds"] is None and not (match["first"] or match["last"]):
        return match["degrees"].replace(",", ".")
    whole = _number(match["degrees"])
    size = abs(whole) + _number(match["minutes"] or "0") / 60 + _number(match["seconds"] or "0") / 3600
    south = (match["first"] or match["last"] or "").upper() in ("S", "W")
    return str(round(-size if south or whole < 0 else size, 9))


def _quantity(value: object) -> re.Match[str] | None:
    return None if value is None or isinstance(value, bool) else _QUANTITY.match(str(value))


def _number(text: str) -> float:
    return float(text.replace(",", "."))
