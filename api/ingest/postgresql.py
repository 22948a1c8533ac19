"""Fixes into PostgreSQL: binary COPY into a temporary table, and one insert from it that leaves known keys alone."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import product
from typing import TYPE_CHECKING, Any

import psycopg
from sqlalchemy import Engine

from api.ingest.fix import DAY_US, Fix

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
_INSERT = f"INSERT INTO fix ({_COLUMNS}) SELECT {_COLUMNS} FROM incoming ON CONFLICT DO NOTHING"
# Rows that another transaction stored before: this one's have its number in xmin. The bounds let the server skip partitions.
_KNOWN = (
    "SELECT n, fix.lon_e7, fix.lat_e7 FROM incoming JOIN fix USING (street, device, time_us) "
    "WHERE fix.time_us BETWEEN %s AND %s AND fix.xmin <> pg_current_xact_id()::xid"
)
_PENDING = (
    "INSERT INTO pending_day (street, device, day, mark) VALUES (%s, %s, %s, %s) "
    "ON CONFLICT (street, device, day) DO UPDATE SET mark = excluded.mark"
)
_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_END = struct.pack(">h", -1)


def _row_format(accuracy: bool, speed: bool, mock: bool) -> struct.Struct:
    """Binary form of a row: number of columns, then length and value of each; NULL is length -1 without a value."""
    middle = "if" if accuracy else "i"
    middle += "if" if speed else "i"
    middle += "ih" if mock else "i"
    return struct.Struct(">h" + "ii" * 3 + "iq" + "ii" * 2 + middle + "ih" * 3 + "iq")


_FORMATS = {given: _row_format(*given) for given in product((False, True), repeat=3)}


class PostgresqlTable:
    """The table of fixes in PostgreSQL; used by the writer's thread only."""

    def __init__(self, engine: Engine) -> None:
        self._address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: psycopg.Connection[Any] | None = None
        self._days: set[int] = set()

    def write(self, batches: Sequence[Sequence[Fix]]) -> list[Outcome]:
        """Store batches in one commit.

        Raises
        ------
        psycopg.Error
            If nothing was stored.
        """
        try:
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

    def _write(self, batches: Sequence[Sequence[Fix]]) -> list[Outcome]:
        from api.ingest.writer import pending_days

        connection = self._opened()
        # Sorted by key, so that two workers take the rows' locks in one order.
        rows = sorted((fix[:3], b, k) for b, batch in enumerate(batches) for k, fix in enumerate(batch))
        first: dict[tuple[int, ...], int] = {}
        for n, (key, _, _) in enumerate(rows):
            first.setdefault(key, n)
        fixes = [batches[b][k] for _, b, k in rows]
        self._make_partitions(connection, {fix.time_us // DAY_US for fix in fixes})
        with connection.transaction(), connection.cursor() as cursor:
            with cursor.copy("COPY incoming FROM STDIN (FORMAT BINARY)") as copy:
                copy.write(binary((n, fixes[n]) for n in first.values()))
            cursor.execute(_INSERT)
            known: dict[int, tuple[int, int]] = {}
            if cursor.rowcount < len(first):
                times = [key[2] for key in first]
                cursor.execute(_KNOWN, (min(times), max(times)))
                known = {n: (lon, lat) for n, lon, lat in cursor}
            outcomes = _outcomes(batches, rows, first, known)
            new = [fix for batch, out in zip(batches, outcomes, strict=True) if out.stored for fix in batch]
            cursor.executemany(_PENDING, pending_days(new, time.monotonic_ns()))
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


def binary(rows: Iterable[tuple[int, Fix]]) -> bytes:
    """Numbered rows in the binary form of COPY."""
    parts = [_HEADER]
    for n, fix in rows:
        given = (fix[5] is not None, fix[6] is not None, fix[7] is not None)
        values: list[Any] = [13, 4, n, 4, fix[0], 4, fix[1], 8, fix[2], 4, fix[3], 4, fix[4]]
        for value, length in ((fix[5], 4), (fix[6], 4), (fix[7], 2)):
            values += (-1,) if value is None else (length, value)
        values += (2, fix[8], 2, fix[9], 2, fix[10], 8, fix[11])
        parts.append(_FORMATS[given].pack(*values))
    parts.append(_END)
    return b"".join(parts)


def _outcomes(
    batches: Sequence[Sequence[Fix]],
    rows: Sequence[tuple[tuple[int, ...], int, int]],
    first: dict[tuple[int, ...], int],
    known: dict[int, tuple[int, int]],
) -> list[Outcome]:
    """Count each batch: a fix is new if it is the first with its key in the group and the store had none."""
    from api.ingest.writer import Outcome

    counts = [[0, 0, 0] for _ in batches]
    for n, (key, b, k) in enumerate(rows):
        leader = first[key]
        _, other, position = rows[leader]
        there = known.get(leader) or batches[other][position][3:5]
        if n == leader and leader not in known:
            counts[b][0] += 1
        else:
            counts[b][1 if tuple(there) == batches[b][k][3:5] else 2] += 1
    return [Outcome(*count) for count in counts]
