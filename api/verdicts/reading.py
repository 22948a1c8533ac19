"""Reads the stored fixes of a local day as a frame for :mod:`geo.tracks`."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import psycopg
from sqlalchemy import Engine

from api.database import session
from api.database.people import holdings, list_devices
from api.ingest.fix import microseconds

_COLUMNS = (
    "device, time_us, lon_e7, lat_e7, coalesce(accuracy_m, -1) AS accuracy_m, coalesce(speed_m_s, -1) AS speed_m_s, "
    "coalesce(mock, -1) AS mock"
)
#: One row as a NumPy record.
ROW = np.dtype(
    [
        ("device", "i4"),
        ("time_us", "i8"),
        ("lon_e7", "i4"),
        ("lat_e7", "i4"),
        ("accuracy_m", "f4"),
        ("speed_m_s", "f4"),
        ("mock", "i2"),
    ]
)
# The same row in PostgreSQL's binary format: number of columns, then length and value of each, all big-endian.
_WIRE = np.dtype(
    [("columns", ">i2")]
    + [
        entry
        for name, kind in (
            ("device", ">i4"),
            ("time_us", ">i8"),
            ("lon_e7", ">i4"),
            ("lat_e7", ">i4"),
            ("accuracy_m", ">f4"),
            ("speed_m_s", ">f4"),
            ("mock", ">i2"),
        )
        for entry in ((f"{name}_length", ">i4"), (name, kind))
    ]
)
_HEADER_BYTES, _END_BYTES = 19, 2


def span_of(day: date, zone: str) -> tuple[int, int]:
    """Start of a local day and of the next one, in microseconds since 1970.

    >>> span_of(date(2026, 3, 2), "Asia/Shanghai")
    (1772380800000000, 1772467200000000)
    """
    local = ZoneInfo(zone)
    first, after = (datetime.combine(d, time(), local) for d in (day, day + timedelta(days=1)))
    return microseconds(first), microseconds(after)


def read_rows(
    engine: Engine, street: int, span: tuple[int, int], devices: Sequence[int] | None = None
) -> npt.NDArray[np.void]:
    """Fixes in ``[start, end)`` by device and time, of all devices or of the given ones; dtype :data:`ROW`."""
    if engine.dialect.name == "sqlite":
        return _sqlite_rows(str(engine.url.database), street, span, devices)
    return _postgresql_rows(engine, street, span, devices)


def read_tracks_of(
    engine: Engine, street: int, day: date, zone: str, devices: Sequence[int] | None = None
) -> pd.DataFrame:
    """Fixes of a local day with the name of the device and the code of its holder at that time."""
    return as_tracks(engine, street, read_rows(engine, street, span_of(day, zone), devices))


def as_tracks(engine: Engine, street: int, rows: npt.NDArray[np.void]) -> pd.DataFrame:
    """Rows as a frame of :data:`geo.tracks.columns.TRACK_COLUMNS`, without geometry."""
    with session(engine) as opened:
        names = {device.id: device.name for device in list_devices(opened, street)}
        held = holdings(opened, street)
    number = rows["device"]
    keys, position = np.unique(number, return_inverse=True)
    device = np.array([names.get(int(key), str(key)) for key in keys], dtype=object)[position]
    officer = np.full(len(rows), None, dtype=object)
    for holder_of, person, since, until in held:
        mine = (number == holder_of) & (rows["time_us"] >= microseconds(since))
        if until is not None:
            mine &= rows["time_us"] < microseconds(until)
        officer[mine] = person
    accuracy = rows["accuracy_m"].astype(float)
    speed = rows["speed_m_s"].astype(float)
    mock = pd.array(np.where(rows["mock"] < 0, 0, rows["mock"]).astype(bool), dtype="boolean")
    mock[rows["mock"] < 0] = pd.NA
    return pd.DataFrame(
        {
            "device": device,
            "officer": officer,
            "time": pd.to_datetime(rows["time_us"], unit="us", utc=True),
            "lon": rows["lon_e7"] / 1e7,
            "lat": rows["lat_e7"] / 1e7,
            "accuracy_m": np.where(accuracy < 0, np.nan, accuracy),
            "speed": np.where(speed < 0, np.nan, speed),
            "mock": mock,
        }
    )


def _sqlite_rows(path: str, street: int, span: tuple[int, int], devices: Sequence[int] | None) -> npt.NDArray[np.void]:
    """Read per device along the key, which begins with street and device, to avoid a scan of the table."""
    query = (
        f"SELECT {_COLUMNS} FROM fix WHERE street = ? AND device = ? AND time_us >= ? AND time_us < ? ORDER BY time_us"
    )
    with closing(sqlite3.connect(path)) as connection:
        if devices is None:
            found = connection.execute("SELECT id FROM device WHERE street = ? ORDER BY id", (street,))
            devices = [number for (number,) in found]
        parts = [
            np.fromiter(connection.execute(query, (street, device, *span)), dtype=ROW) for device in sorted(devices)
        ]
    return np.concatenate(parts) if parts else np.zeros(0, dtype=ROW)


def _postgresql_rows(
    engine: Engine, street: int, span: tuple[int, int], devices: Sequence[int] | None
) -> npt.NDArray[np.void]:
    """Binary COPY; with NULLs replaced, all rows have the same length, so NumPy reads the stream directly."""
    address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    limit = "" if devices is None else f"AND device = ANY(ARRAY[{', '.join(map(str, map(int, devices)))}]::integer[])"
    query = (
        f"COPY (SELECT {_COLUMNS.replace('-1)', '-1::real)', 2).replace('mock, -1)', 'mock, -1::smallint)')} FROM fix "
        f"WHERE street = {int(street)} AND time_us >= {int(span[0])} AND time_us < {int(span[1])} {limit}) "
        "TO STDOUT (FORMAT BINARY)"
    )
    with psycopg.connect(address) as connection, connection.cursor().copy(query) as copy:
        raw = b"".join(bytes(block) for block in copy)
    wire = np.frombuffer(
        raw, dtype=_WIRE, offset=_HEADER_BYTES, count=(len(raw) - _HEADER_BYTES - _END_BYTES) // _WIRE.itemsize
    )
    rows = np.empty(len(wire), dtype=ROW)
    for name in ROW.names or ():
        rows[name] = wire[name]
    return rows[np.lexsort((rows["time_us"], rows["device"]))]
