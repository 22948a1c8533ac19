"""Fixes into PostgreSQL: binary COPY into a temporary table, and one insert from it that leaves known keys alone."""

from __future__ import annotations

import struct
import time
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
import psycopg
from sqlalchemy import Engine

from api.ingest.fix import DAY_US, Fix
from api.ingest.rows import ROW, Numbers, Rows, pending_days

if TYPE_CHECKING:
    from api.ingest.writer import Outcome

#: Days before today and after it that get a partition of their own; others go to ``fix_other``, or a device with a
#: broken clock would make a partition for each day of a century.
DAYS_BACK, DAYS_AHEAD = 400, 8
#: Days for which partitions are made before fixes come.
MADE_AHEAD = 7
STATEMENT_TIMEOUT_S = 60

_COLUMNS = ", ".join(Fix._fields)
_TEMPORARY = (
    "CREATE TEMPORARY TABLE IF NOT EXISTS incoming (n integer, street integer, device integer, time_us bigint, "
    "lon_e7 integer, lat_e7 integer, accuracy_m real, speed_m_s real, mock smallint, future smallint, datum smallint, "
    "source smallint, received_us bigint) ON COMMIT DELETE ROWS"
)
_KNOWN_OR_NULL = ", ".join(f"nullif({n}, -1)" if n in ("accuracy_m", "speed_m_s", "mock") else n for n in Fix._fields)
_INSERT = f"INSERT INTO fix ({_COLUMNS}) SELECT {_KNOWN_OR_NULL} FROM incoming ON CONFLICT DO NOTHING"
# Rows that another transaction stored before: this one's have its number in xmin. The bounds let the server skip partitions.
_KNOWN = (
    "SELECT n, fix.lon_e7, fix.lat_e7 FROM incoming JOIN fix USING (street, device, time_us) "
    "WHERE fix.time_us BETWEEN %s AND %s AND fix.xmin <> pg_current_xact_id()::xid"
)
_PENDING = (
    "INSERT INTO pending_day (street, device, day, mark) SELECT *, %s FROM unnest(%s::int[], %s::int[], %s::int[]) "
    "ON CONFLICT (street, device, day) DO UPDATE SET mark = excluded.mark"
)
_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_END = struct.pack(">h", -1)


# One row in PostgreSQL's binary form: number of columns, then length and value of each, all big-endian. Missing values are
# sent as -1, so that every row has the same length and numpy writes all of them at once; the insert makes them NULL.
_TYPES = {
    "n": ">i4",
    **{name: f">{ROW[name].str[1:]}" for name in ROW.names or ()},
    "accuracy_m": ">f4",
    "speed_m_s": ">f4",
}
_WIRE = np.dtype(
    [
        ("columns", ">i2"),
        *((field, kind) for name, code in _TYPES.items() for field, kind in ((f"{name}_length", ">i4"), (name, code))),
    ]
)


class PostgresqlTable:
    """The table of fixes in PostgreSQL; used by the writer's thread only."""

    def __init__(self, engine: Engine) -> None:
        self._address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: psycopg.Connection[Any] | None = None
        self._days: set[int] = set()

    def write(self, batches: Sequence[Rows]) -> list[Outcome]:
        """Store batches in one commit.

        Raises
        ------
        psycopg.Error
            If nothing was stored.
        """
        kept = self._connection is not None
        try:
            return self._write(batches)
        except psycopg.OperationalError:
            self.close()
            if not kept:
                raise
            # The server was restarted since the last write. Should it have stored the fixes, they are known the second time.
            return self._write(batches)
        except psycopg.Error:
            self.close()
            raise

    def close(self) -> None:
        """Close the connection; the next write opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._days.clear()

    def _write(self, batches: Sequence[Rows]) -> list[Outcome]:
        connection = self._opened()
        rows = np.concatenate(batches)
        number = np.repeat(np.arange(len(batches)), [len(batch) for batch in batches])
        # Sorted by key, so that two workers take the rows' locks in one order; the order of arrival is kept within a key.
        order = np.lexsort((rows["time_us"], rows["device"], rows["street"]))
        rows, number = rows[order], number[order]
        new = np.ones(len(rows), dtype=bool)
        new[1:] = (np.diff(rows["time_us"]) != 0) | (np.diff(rows["device"]) != 0) | (np.diff(rows["street"]) != 0)
        first = rows[new]
        self._make_partitions(connection, set(np.unique(first["time_us"] // DAY_US).tolist()))
        with connection.transaction(), connection.cursor() as cursor:
            with cursor.copy("COPY incoming FROM STDIN (FORMAT BINARY)") as copy:
                copy.write(binary(first))
            cursor.execute(_INSERT)
            stored, there = new, first
            if cursor.rowcount < len(first):
                cursor.execute(_KNOWN, (int(first["time_us"].min()), int(first["time_us"].max())))
                known = np.array(cursor.fetchall(), dtype=np.int64).reshape(-1, 3)
                stored, there = new.copy(), first.copy()
                stored[np.flatnonzero(new)[known[:, 0]]] = False
                there["lon_e7"][known[:, 0]], there["lat_e7"][known[:, 0]] = known[:, 1], known[:, 2]
            outcomes = _outcomes(rows, number, stored, there[np.cumsum(new) - 1], len(batches))
            if stored.any():
                days = list(zip(*pending_days(rows[stored]), strict=True))
                cursor.execute(_PENDING, (time.monotonic_ns(), *map(list, days)))
        return outcomes

    def _opened(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._days.clear()
            self._connection = psycopg.connect(self._address, autocommit=True, prepare_threshold=2)
            self._connection.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT_S}s'")
            self._connection.execute(_TEMPORARY)
        return self._connection

    def _make_partitions(self, connection: psycopg.Connection[Any], days: set[int]) -> None:
        """Make the partitions of days that have none, and those of the next week."""
        today = int(time.time()) // 86_400
        wanted = days | set(range(today, today + MADE_AHEAD + 1))
        if wanted <= self._days:
            return
        for day in sorted(wanted - self._days):
            if today - DAYS_BACK <= day <= today + DAYS_AHEAD:
                make_partition(connection, day)
        self._days |= wanted


def make_partition(connection: psycopg.Connection[Any], day: int) -> None:
    """Make the partition of a UTC day, if there is none; fixes of that day that are in ``fix_other`` stay there."""
    name = partition_name(day)
    with connection.transaction():
        connection.execute("SELECT pg_advisory_xact_lock(hashtext('partitions of fix'))")
        if connection.execute("SELECT to_regclass(%s)", (name,)).fetchone() != (None,):
            return
        bounds = f"FROM ({day * DAY_US}) TO ({(day + 1) * DAY_US})"
        try:
            with connection.transaction():
                connection.execute(f"CREATE TABLE {name} PARTITION OF fix FOR VALUES {bounds}")
        except psycopg.errors.CheckViolation:
            return


def partition_name(day: int) -> str:
    """Name of the partition of a UTC day.

    >>> partition_name(20_514)
    'fix_20260302'
    """
    return f"fix_{date(1970, 1, 1) + timedelta(days=day):%Y%m%d}"


def day_of_partition(name: str) -> datetime:
    """First moment of the UTC day of a partition."""
    return datetime.strptime(name, "fix_%Y%m%d").replace(tzinfo=UTC)


def binary(rows: Rows) -> bytes:
    """Rows, numbered from 0, in the binary form of COPY."""
    wire = np.empty(len(rows), dtype=_WIRE)
    wire["columns"] = len(_TYPES)
    for name, code in _TYPES.items():
        wire[f"{name}_length"] = np.dtype(code).itemsize
        wire[name] = np.arange(len(rows)) if name == "n" else rows[name]
    for name in ("accuracy_m", "speed_m_s"):
        wire[name][np.isnan(rows[name])] = -1.0
    return b"".join((_HEADER, wire.tobytes(), _END))


def _outcomes(rows: Rows, number: Numbers, stored: Numbers, there: Rows, batches: int) -> list[Outcome]:
    """Count each batch: `stored` tells which rows are new, `there` has the place that is stored under the key of each."""
    from api.ingest.writer import Outcome

    same = (rows["lon_e7"] == there["lon_e7"]) & (rows["lat_e7"] == there["lat_e7"])
    kinds = np.where(stored, 0, np.where(same, 1, 2))
    counts = np.bincount(number * 3 + kinds, minlength=batches * 3).reshape(batches, 3)
    return [Outcome(*count) for count in counts.tolist()]
