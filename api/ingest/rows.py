"""Fixes as arrays, the form in which they are queued for the writer.

Arithmetic over columns costs a tenth of a loop over objects; a batch of 500 fixes is checked and converted in 0.1 ms.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from api.ingest.fix import DAY_US, FIRST_US, LARGEST, LAST_US, Fix

#: One row of the table ``fix``. Unknown accuracy and speed are NaN, unknown ``mock`` is -1.
ROW = np.dtype(
    [
        ("street", "i4"),
        ("device", "i4"),
        ("time_us", "i8"),
        ("lon_e7", "i4"),
        ("lat_e7", "i4"),
        ("accuracy_m", "f8"),
        ("speed_m_s", "f8"),
        ("mock", "i2"),
        ("future", "i2"),
        ("datum", "i2"),
        ("source", "i2"),
        ("received_us", "i8"),
    ]
)
#: Up to this number of rows a loop is faster than arithmetic over columns.
_FEW = 64
Rows = npt.NDArray[np.void]
Numbers = npt.NDArray[Any]


@dataclass(frozen=True)
class Arrival:
    """Properties shared by all fixes of a request: street, source, time of arrival, and the time after which a fix is future."""

    street: int
    source: int
    received_us: int
    future_from_us: int


@dataclass(frozen=True)
class Columns:
    """Fixes as columns of equal length; longitudes and latitudes are WGS-84 degrees, missing measures NaN, `mock` -1."""

    device: Numbers
    time_us: Numbers
    lon: Numbers
    lat: Numbers
    accuracy_m: Numbers
    speed_m_s: Numbers
    mock: Numbers
    datum: Numbers | int

    def rows(self, arrival: Arrival) -> Rows:
        """Rows to store; unusable fixes must be removed before (:func:`usable`)."""
        made = np.empty(len(self.device), dtype=ROW)
        made["street"] = arrival.street
        made["device"] = self.device
        made["time_us"] = self.time_us
        made["lon_e7"] = np.rint(self.lon * 1e7)
        made["lat_e7"] = np.rint(self.lat * 1e7)
        made["accuracy_m"] = _measures(self.accuracy_m)
        made["speed_m_s"] = _measures(self.speed_m_s)
        made["mock"] = self.mock
        made["future"] = self.time_us > arrival.future_from_us
        made["datum"] = self.datum
        made["source"] = arrival.source
        made["received_us"] = arrival.received_us
        return made

    def take(self, chosen: npt.NDArray[np.bool_]) -> Columns:
        """The chosen fixes."""
        datum = self.datum if isinstance(self.datum, int) else self.datum[chosen]
        return Columns(
            self.device[chosen],
            self.time_us[chosen],
            self.lon[chosen],
            self.lat[chosen],
            self.accuracy_m[chosen],
            self.speed_m_s[chosen],
            self.mock[chosen],
            datum,
        )


def usable(lon: Numbers, lat: Numbers, time_us: Numbers) -> npt.NDArray[np.bool_]:
    """Which fixes have a valid place and time; :func:`api.ingest.fix.fault` gives the reason for the others."""
    found: npt.NDArray[np.bool_] = (
        (lon >= -180.0) & (lon <= 180.0) & (lat >= -90.0) & (lat <= 90.0) & (time_us >= FIRST_US) & (time_us < LAST_US)
    )
    return found


def as_rows(fixes: Sequence[Fix]) -> Rows:
    """Rows of single fixes.

    >>> as_rows([Fix(1, 2, 3, 4, 5, None, 0.5, None, 0, 0, 0, 6)]).tolist()
    [(1, 2, 3, 4, 5, nan, 0.5, -1, 0, 0, 0, 6)]
    """
    return np.array(
        [
            (*fix[:5], *(math.nan if v is None else v for v in fix[5:7]), -1 if fix[7] is None else fix[7], *fix[8:])
            for fix in fixes
        ],
        dtype=ROW,
    )


def joined(batches: Sequence[Rows]) -> Rows:
    """All rows of some batches, read-only; ``np.concatenate`` would compare the columns of each batch, for 30 µs."""
    return np.frombuffer(b"".join([batch.data for batch in batches]), dtype=ROW)


def by_key(rows: Rows) -> Rows:
    """Rows in the order of their keys; rows of one key keep the order in which they came."""
    if len(rows) < 2:
        return rows
    return rows[np.lexsort((rows["time_us"], rows["device"], rows["street"]))]


def pending_days(rows: Rows) -> list[tuple[int, int, int]]:
    """Distinct street, device and UTC day of fixes, sorted."""
    if len(rows) <= _FEW:
        return sorted({(row[0], row[1], row[2] // DAY_US) for row in rows.tolist()})
    day = rows["time_us"] // DAY_US
    order = np.lexsort((day, rows["device"], rows["street"]))
    street, device, day = rows["street"][order], rows["device"][order], day[order]
    new = np.ones(len(rows), dtype=bool)
    new[1:] = (np.diff(street) != 0) | (np.diff(device) != 0) | (np.diff(day) != 0)
    return list(zip(street[new].tolist(), device[new].tolist(), day[new].tolist(), strict=True))


def _measures(values: Numbers) -> Numbers:
    """Measures converted like :func:`api.ingest.fix.not_negative`."""
    known = np.isfinite(values) & (values >= 0)
    return np.where(known, np.minimum(np.round(np.where(known, values, 0.0), 2), LARGEST), np.nan)
