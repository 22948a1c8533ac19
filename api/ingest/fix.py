"""A fix as stored."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import NamedTuple

from geo.texts import Text

#: Sources of fixes; their positions are stored, so new ones must be appended.
SOURCES = ("api", "osmand", "traccar", "owntracks", "upload", "import")
#: Names of :class:`geo.layers.Datum` in order; repeated here because that module imports geopandas (a test compares both).
DATUMS = ("WGS-84", "CGCS2000", "GCJ-02", "BD-09")

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
DAY_US = 86_400_000_000
#: Valid times: from 1990, before which phones had no GPS, to 2100.
FIRST_US, LAST_US = 631_152_000_000_000, 4_102_444_800_000_000
#: Maximum stored accuracy (m) and speed (m/s).
LARGEST = 99_999.0


class Fix(NamedTuple):
    """A row of the table ``fix``; see :class:`api.database.models.FixRow`."""

    street: int
    device: int
    time_us: int
    lon_e7: int
    lat_e7: int
    accuracy_m: float | None
    speed_m_s: float | None
    mock: int | None
    future: int
    datum: int
    source: int
    received_us: int


def datum_name(text: str) -> str:
    """Name of a datum in :data:`DATUMS`, from any usual spelling.

    Raises
    ------
    DatumError
        If the name is not known.

    >>> datum_name("WGS-84"), datum_name("gcj02")
    ('WGS-84', 'GCJ-02')
    """
    if text in DATUMS:
        return text
    from geo.layers import Datum

    return Datum.parse(str(text)).value


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970 of a timezone-aware time.

    >>> microseconds(datetime(1970, 1, 2, tzinfo=UTC))
    86400000000
    """
    past = moment - EPOCH
    return (past.days * 86_400 + past.seconds) * 1_000_000 + past.microseconds


def fault(lon: float, lat: float, time_us: int) -> Text | None:
    """Why a place or time is invalid; None if valid.

    >>> fault(118.8, 132.0, 1_772_400_000_000_000)
    Text(zh='纬度 132.0 不在-90至90之间', en='lat 132.0 is not from -90 to 90')
    """
    if not -180.0 <= lon <= 180.0:
        return Text(f"经度 {lon} 不在-180至180之间", f"lon {lon} is not from -180 to 180")
    if not -90.0 <= lat <= 90.0:
        return Text(f"纬度 {lat} 不在-90至90之间", f"lat {lat} is not from -90 to 90")
    if not FIRST_US <= time_us < LAST_US:
        return Text("时间不在1990年至2100年之间", "time is not from 1990 to 2100")
    return None


def not_negative(value: float | None) -> float | None:
    """A non-negative measure, rounded to two decimals; devices send -1 for unknown.

    Limited to 99,999, because both databases store seven digits equally (PostgreSQL has four bytes).

    >>> not_negative(5.128), not_negative(-1.0), not_negative(1e9)
    (5.13, None, 99999.0)
    """
    return None if value is None or not math.isfinite(value) or value < 0 else min(round(value, 2), LARGEST)
