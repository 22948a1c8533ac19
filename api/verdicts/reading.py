"""Reads the stored fixes of a local day as a frame for :mod:`geo.tracks`."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from contextlib import closing
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt
import pandas as pd
import psycopg
from sqlalchemy import Engine, text

from api.database import session
from api.database.people import holdings, list_devices
from api.ingest.fix import microseconds

#: Whole numbers and flags of a fix packed in two numbers: a driver's cost is that of the values it hands over.
_PACKED = (
    "time_us * 4 + coalesce(mock, -1) + 1",
    "lon_e7 * {two_to_32} + lat_e7 + {two_to_31}",
    "coalesce(accuracy_m, -1{real})",
    "coalesce(speed_m_s, -1{real})",
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
_PACKED_ROW = np.dtype([("time_mock", "i8"), ("place", "i8"), ("accuracy_m", "f4"), ("speed_m_s", "f4")])
#: Measures as hundredths, in which they are stored; 0 if missing. Above the largest code of the first one, the second begins.
_CODES = 10_000_000
_CODED = "ifnull(CAST({0} * 100.0 + 0.5 AS INTEGER) + 1, 0)"
_OTHER = "ifnull(sum({0} <> CAST({0} * 100.0 + 0.5 AS INTEGER) / 100.0), 0)"
#: Fixes of a device on SQLite as three texts of numbers, and the number of measures that are no hundredths. A text costs a third
#: of handing the values to Python one by one.
_TEXTS = (
    "SELECT group_concat((time_us - ?1) * 4 + coalesce(mock, -1) + 1), "
    f"group_concat(lon_e7 * {2**32} + lat_e7 + {2**31}), "
    f"group_concat({_CODED.format('speed_m_s')} * {_CODES} + {_CODED.format('accuracy_m')}), "
    f"{_OTHER.format('accuracy_m')} + {_OTHER.format('speed_m_s')} "
    "FROM fix WHERE street = ?3 AND device = ?4 AND time_us >= ?1 AND time_us < ?2"
)
#: Bytes before the elements of an array of one dimension in PostgreSQL's binary format; each element follows its length.
_ARRAY_HEAD_BYTES = 20


Rows = npt.NDArray[np.void]
Numbers = npt.NDArray[Any]


def span_of(day: date, zone: str) -> tuple[int, int]:
    """Start of a local day and of the next one, in microseconds since 1970.

    >>> span_of(date(2026, 3, 2), "Asia/Shanghai")
    (1772380800000000, 1772467200000000)
    """
    local = ZoneInfo(zone)
    first, after = (datetime.combine(d, time(), local) for d in (day, day + timedelta(days=1)))
    return microseconds(first), microseconds(after)


def read_rows(engine: Engine, street: int, span: tuple[int, int], devices: Sequence[int] | None = None) -> Rows:
    """Fixes in ``[start, end)`` by device and time, of all devices or of the given ones; dtype :data:`ROW`."""
    if engine.dialect.name == "sqlite":
        return _sqlite_rows(str(engine.url.database), street, span, devices)
    return _postgresql_rows(engine, street, span, devices)


def read_tracks_of(
    engine: Engine, street: int, day: date, zone: str, devices: Sequence[int] | None = None
) -> pd.DataFrame:
    """Fixes of a local day with the name of the device and the code of its holder at that time."""
    return as_tracks(engine, street, read_rows(engine, street, span_of(day, zone), devices))


def mark_of(engine: Engine, street: int, span: tuple[int, int]) -> tuple[Any, ...]:
    """A value that changes when fixes in ``[start, end)`` are added or deleted, or a device changes its holder.

    Cost: a tenth of reading the fixes.
    """
    number = text(
        "SELECT count(*), max(received_us) FROM fix WHERE street = :street AND device = :device "
        "AND time_us >= :start AND time_us < :end"
    )
    given = {"street": street, "start": span[0], "end": span[1]}
    with session(engine) as opened:
        devices = [(device.id, device.name) for device in list_devices(opened, street)]
        stored = [tuple(opened.execute(number, {**given, "device": device}).one()) for device, _ in devices]
        return tuple(devices), tuple(stored), tuple(holdings(opened, street))


def as_tracks(engine: Engine, street: int, rows: Rows) -> pd.DataFrame:
    """Rows by device and time, as :func:`read_rows` returns them, as a frame of :data:`geo.tracks.columns.TRACK_COLUMNS`, without
    geometry. Devices and officers are categories: a text for each of two million fixes costs a tenth of the verdicts.
    """
    with session(engine) as opened:
        names = {device.id: device.name for device in list_devices(opened, street)}
        held = holdings(opened, street)
    keys, first, count = np.unique(rows["device"], return_index=True, return_counts=True)
    number, called = pd.factorize(np.array([names.get(int(key), str(key)) for key in keys], dtype=object))
    officer = np.full(len(rows), -1, dtype=np.int32)
    persons: dict[str, int] = {}
    parts = {key: slice(k, k + n) for key, k, n in zip(keys.tolist(), first.tolist(), count.tolist(), strict=True)}
    for holder_of, person, since, until in held:
        if holder_of not in parts:
            continue
        times = rows["time_us"][parts[holder_of]]
        start = times.searchsorted(microseconds(since))
        end = len(times) if until is None else times.searchsorted(microseconds(until))
        officer[parts[holder_of]][start:end] = persons.setdefault(person, len(persons))
    accuracy = rows["accuracy_m"].astype(float)
    speed = rows["speed_m_s"].astype(float)
    mock = pd.array(np.where(rows["mock"] < 0, 0, rows["mock"]).astype(bool), dtype="boolean")
    mock[rows["mock"] < 0] = pd.NA
    return pd.DataFrame(
        {
            "device": _categories(np.repeat(number, count), called),
            "officer": _categories(officer, list(persons)),
            "time": pd.to_datetime(rows["time_us"], unit="us", utc=True),
            "lon": rows["lon_e7"] / 1e7,
            "lat": rows["lat_e7"] / 1e7,
            "accuracy_m": np.where(accuracy < 0, np.nan, accuracy),
            "speed": np.where(speed < 0, np.nan, speed),
            "mock": mock,
        }
    )


def _categories(number: Numbers, names: Any) -> pd.Categorical:
    return pd.Categorical.from_codes(number, categories=pd.Index(names, dtype=object))


def _sqlite_rows(path: str, street: int, span: tuple[int, int], devices: Sequence[int] | None) -> Rows:
    """Read per device along the key, which begins with street and device, to avoid a scan of the table."""
    with closing(sqlite3.connect(path)) as connection:
        if devices is None:
            found = connection.execute("SELECT id FROM device WHERE street = ? ORDER BY id", (street,))
            devices = [number for (number,) in found]
        parts = []
        for device in sorted(devices):
            *texts, other = connection.execute(_TEXTS, (*span, street, device)).fetchone()
            if other:
                parts.append(_row_by_row(connection, street, span, device))
            elif texts[0] is not None:
                parts.append(_of_texts(device, span[0], texts))
    return np.concatenate(parts) if parts else np.zeros(0, dtype=ROW)


def _of_texts(device: int, start: int, texts: Sequence[str]) -> Rows:
    """Fixes of one device from the texts of :data:`_TEXTS`."""
    time_mock, place, codes = (np.fromstring(text, dtype=np.int64, sep=",") for text in texts)
    speed, accuracy = np.divmod(codes, _CODES)
    measures = ((code - 1) / 100.0 for code in (accuracy, speed))
    accuracy_m, speed_m_s = (np.where(values < 0, -1.0, values) for values in measures)
    order = _by_time(time_mock)
    return _unpacked(device, *(column[order] for column in (time_mock + 4 * start, place, accuracy_m, speed_m_s)))


def _row_by_row(connection: sqlite3.Connection, street: int, span: tuple[int, int], device: int) -> Rows:
    """Fixes of one device whose measures are no hundredths, as other programs may store them."""
    query = (
        f"SELECT {', '.join(_columns(real='.0', whole=''))} FROM fix "
        "WHERE street = ? AND device = ? AND time_us >= ? AND time_us < ? ORDER BY time_us"
    )
    packed = np.fromiter(connection.execute(query, (street, device, *span)), dtype=_PACKED_ROW)
    return _unpacked(device, *(packed[name] for name in _PACKED_ROW.names or ()))


def _postgresql_rows(engine: Engine, street: int, span: tuple[int, int], devices: Sequence[int] | None) -> Rows:
    """Read the columns of each device as binary arrays, which NumPy reads directly; rows would cost the driver a call each.

    Each device is read along the key. Grouping would sort all fixes, on disk, a third of the cost.
    """
    address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
    arrays = ", ".join(f"array_agg({column})" for column in _columns(real="::real", whole="::bigint"))
    query = (
        f"SELECT d.id, f.* FROM device d, LATERAL (SELECT {arrays} FROM fix "
        "WHERE street = %s AND device = d.id AND time_us >= %s AND time_us < %s HAVING count(*) > 0) f "
        "WHERE d.street = %s AND (%s::integer[] IS NULL OR d.id = ANY(%s))"
    )
    chosen = None if devices is None else list(map(int, devices))
    with psycopg.connect(address) as connection, connection.cursor(binary=True) as cursor:
        cursor.execute(query, (street, *span, street, chosen, chosen))
        parts = [_of_one_device(cursor.pgresult, k) for k in range(cursor.rowcount)]
    parts.sort(key=lambda rows: int(rows["device"][0]))
    return np.concatenate(parts) if parts else np.zeros(0, dtype=ROW)


def _of_one_device(result: Any, row: int) -> Rows:
    """Fixes in one row of a result: number of the device, and an array of each packed column."""
    device, *arrays = (result.get_value(row, k) for k in range(1 + len(_PACKED)))
    columns = []
    for array, name in zip(arrays, _PACKED_ROW.names or (), strict=True):
        kind = _PACKED_ROW[name]
        element = np.dtype([("bytes", ">i4"), ("value", kind.newbyteorder(">"))])
        columns.append(np.frombuffer(array, dtype=element, offset=_ARRAY_HEAD_BYTES)["value"].astype(kind))
    order = _by_time(columns[0])
    return _unpacked(int.from_bytes(device, "big", signed=True), *(column[order] for column in columns))


def _by_time(time_mock: Numbers) -> Numbers | slice:
    """Order of fixes by time; they come in it as a rule."""
    return slice(None) if (np.diff(time_mock) >= 0).all() else np.argsort(time_mock, kind="stable")


def _columns(*, real: str, whole: str) -> list[str]:
    """The packed columns in SQL; suffixes make constants of the type of the column, and whole numbers of 64 bits."""
    words = {"two_to_32": f"{2**32}{whole}", "two_to_31": f"{2**31}{whole}", "real": real}
    return [column.format(**words) for column in _PACKED]


def _unpacked(device: int, time_mock: Numbers, place: Numbers, accuracy_m: Numbers, speed_m_s: Numbers) -> Rows:
    """Rows of one device from the packed columns."""
    rows = np.empty(len(time_mock), dtype=ROW)
    rows["device"] = device
    rows["time_us"], rows["mock"] = time_mock >> 2, (time_mock & 3) - 1
    rows["lon_e7"], rows["lat_e7"] = place >> 32, (place & (2**32 - 1)) - 2**31
    rows["accuracy_m"], rows["speed_m_s"] = accuracy_m, speed_m_s
    return rows
