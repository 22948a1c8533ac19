"""Stores fixes in PostgreSQL: binary COPY into a temporary table, and one insert from it that skips known keys."""

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
from api.ingest.rows import ROW, Numbers, Rows, joined, pending_days

if TYPE_CHECKING:
    from api.ingest.writer import Outcome

#: Days before and after today that get a partition of their own; others go to ``fix_other``, because a device with a wrong
#: clock would create a partition for each day of a century.
DAYS_BACK, DAYS_AHEAD = 400, 8
#: Number of days for which partitions are created in advance.
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
# Rows stored by earlier transactions: rows of this one have its number in xmin. The bounds let the server skip partitions.
_KNOWN = (
    "SELECT n, fix.lon_e7, fix.lat_e7 FROM incoming JOIN fix USING (street, device, time_us) "
    "WHERE fix.time_us BETWEEN %s AND %s AND fix.xmin <> pg_current_xact_id()::xid"
)
_PENDING = (
    "INSERT INTO pending_day (street, device, day, mark) SELECT *, %s FROM unnest(%s::int[], %s::int[], %s::int[]) "
    "ON CONFLICT (street, device, day) DO UPDATE SET mark = excluded.mark"
)
# One statement, hence one round trip and one commit: fixes that phones send singly arrive in groups of a few rows. The days
# are inserted in order, so that two workers lock the rows in the same order.
_FEW = (
    f"WITH given AS (SELECT * FROM unnest(%s::int[], %s::int[], %s::bigint[], %s::int[], %s::int[], %s::real[], %s::real[], "
    f"%s::smallint[], %s::smallint[], %s::smallint[], %s::smallint[], %s::bigint[]) AS g({_COLUMNS})), "
    f"stored AS (INSERT INTO fix ({_COLUMNS}) SELECT {_KNOWN_OR_NULL} FROM given ON CONFLICT DO NOTHING "
    "RETURNING street, device, time_us), "
    f"noted AS (INSERT INTO pending_day (street, device, day, mark) SELECT street, device, time_us / {DAY_US}, %s FROM stored "
    "GROUP BY 1, 2, 3 ORDER BY 1, 2, 3 ON CONFLICT (street, device, day) DO UPDATE SET mark = excluded.mark) "
    "SELECT * FROM stored"
)
_PLACES = (
    "SELECT street, device, time_us, lon_e7, lat_e7 FROM unnest(%s::int[], %s::int[], %s::bigint[]) "
    "AS g(street, device, time_us) JOIN fix USING (street, device, time_us) WHERE fix.time_us BETWEEN %s AND %s"
)
_HEADER = b"PGCOPY\n\xff\r\n\0" + struct.pack(">ii", 0, 0)
_END = struct.pack(">h", -1)


#: Maximum number of rows of a group stored by one statement; above it COPY is faster.
MOST_FEW = 64
#: Number of groups stored by the slower path after one with a known key: senders that repeat fixes usually repeat more of
#: them.
CAREFUL_GROUPS = 20

# Columns in PostgreSQL's binary format, big-endian. The table ``incoming`` has a leading number and stores -1 for missing
# values, so that all rows have the same length; the insert converts them to NULL.
_TYPES = {name: f">{ROW[name].str[1:]}" for name in ROW.names or ()} | {"accuracy_m": ">f4", "speed_m_s": ">f4"}
_KEY = ["street", "device", "time_us"]
_OPTIONAL = ("accuracy_m", "speed_m_s", "mock")


class PostgresqlTable:
    """The table of fixes in PostgreSQL; used by the writer's thread only."""

    def __init__(self, engine: Engine) -> None:
        self._address = engine.url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._connection: psycopg.Connection[Any] | None = None
        self._days: set[int] = set()
        self._careful = 0

    def write(self, batches: Sequence[Rows]) -> list[Outcome]:
        """Store batches in one commit.

        Raises
        ------
        psycopg.Error
            If nothing was stored.
        """
        kept = self._connection
        try:
            return self._write(batches)
        except psycopg.Error:
            lost = kept is not None and kept.broken
            self.close()
            if not lost:
                raise
        # The server was restarted since the last write. Fixes stored before that are recognised as known.
        return self._write(batches)

    def close(self) -> None:
        """Close the connection; the next write opens another one."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None
            self._days.clear()

    def _write(self, batches: Sequence[Rows]) -> list[Outcome]:
        connection = self._opened()
        rows = joined(batches)
        number = np.repeat(np.arange(len(batches)), [len(batch) for batch in batches])
        # Sorted by key, so that two workers lock the rows in the same order; the order of arrival is kept within a key.
        order = np.lexsort((rows["time_us"], rows["device"], rows["street"]))
        rows, number = rows[order], number[order]
        new = np.ones(len(rows), dtype=bool)
        new[1:] = (np.diff(rows["time_us"]) != 0) | (np.diff(rows["device"]) != 0) | (np.diff(rows["street"]) != 0)
        first = rows[new]
        self._make_partitions(connection, set(np.unique(first["time_us"] // DAY_US).tolist()))
        if len(first) <= MOST_FEW:
            stored, there = self._store_few(connection, first, new)
            return _outcomes(rows, number, stored, there[np.cumsum(new) - 1], len(batches))
        if self._careful == 0 and self._store_new(connection, first):
            return _outcomes(rows, number, new, first[np.cumsum(new) - 1], len(batches))
        self._careful = max(0, self._careful - 1)
        with connection.transaction(), connection.cursor() as cursor:
            with cursor.copy("COPY incoming FROM STDIN (FORMAT BINARY)") as copy:
                copy.write(numbered(first))
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
                _note_days(cursor, rows[stored])
        return outcomes

    @staticmethod
    def _store_few(connection: psycopg.Connection[Any], first: Rows, new: Numbers) -> tuple[Numbers, Rows]:
        """Store a few rows with distinct keys; returns which are new, and the place stored under each key."""
        values = [_array(first[name]) for name in Fix._fields]
        done = set(connection.execute(_FEW, (*values, time.monotonic_ns())).fetchall())
        if len(done) == len(first):
            return new, first
        fresh = np.array([key in done for key in first[_KEY].tolist()])
        stored, there = new.copy(), first.copy()
        stored[np.flatnonzero(new)[~fresh]] = False
        known = first[~fresh]
        bounds = int(known["time_us"].min()), int(known["time_us"].max())
        # Stored fixes never change, so their places can be read after the commit.
        found = connection.execute(_PLACES, (*(_array(known[name]) for name in _KEY), *bounds)).fetchall()
        place = {row[:3]: row[3:] for row in found}
        for k in np.flatnonzero(~fresh).tolist():
            there["lon_e7"][k], there["lat_e7"][k] = place.get(
                first[_KEY][k].item(), first[["lon_e7", "lat_e7"]][k].item()
            )
        return stored, there

    def _store_new(self, connection: psycopg.Connection[Any], rows: Rows) -> bool:
        """Store rows in one commit if none of their keys is known; otherwise store nothing and return False.

        Without the temporary table this takes the server half the time, and most groups are new.
        """
        try:
            with connection.transaction(), connection.cursor() as cursor:
                with cursor.copy(f"COPY fix ({_COLUMNS}) FROM STDIN (FORMAT BINARY)") as copy:
                    copy.write(with_nulls(rows))
                _note_days(cursor, rows)
        except psycopg.errors.UniqueViolation:
            self._careful = CAREFUL_GROUPS
            return False
        return True

    def _opened(self) -> psycopg.Connection[Any]:
        if self._connection is None or self._connection.closed:
            self._days.clear()
            self._connection = psycopg.connect(self._address, autocommit=True, prepare_threshold=2)
            self._connection.execute(f"SET statement_timeout = '{STATEMENT_TIMEOUT_S}s'")
            self._connection.execute(_TEMPORARY)
        return self._connection

    def _make_partitions(self, connection: psycopg.Connection[Any], days: set[int]) -> None:
        """Create missing partitions for the given days and for the next week."""
        today = int(time.time()) // 86_400
        wanted = days | set(range(today, today + MADE_AHEAD + 1))
        if wanted <= self._days:
            return
        for day in sorted(wanted - self._days):
            if today - DAYS_BACK <= day <= today + DAYS_AHEAD:
                make_partition(connection, day)
        self._days |= wanted


def make_partition(connection: psycopg.Connection[Any], day: int) -> None:
    """Create the partition of a UTC day, if missing; fixes of that day already in ``fix_other`` stay there."""
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


def numbered(rows: Rows) -> bytes:
    """Rows with a leading number from 0, missing values as -1, in the binary format of COPY."""
    plain = rows.copy()
    for name in ("accuracy_m", "speed_m_s"):
        plain[name][np.isnan(rows[name])] = -1.0
    return b"".join((_HEADER, _wire(plain, {"n": ">i4", **_TYPES}, np.arange(len(rows))), _END))


def with_nulls(rows: Rows) -> bytes:
    """Rows in the binary format of COPY, missing values as NULL; rows with the same missing values are grouped."""
    missing = np.stack([np.isnan(rows["accuracy_m"]), np.isnan(rows["speed_m_s"]), rows["mock"] < 0], axis=1)
    kind = missing @ np.array([1, 2, 4])
    parts = [_HEADER]
    for number in np.unique(kind).tolist():
        null = {name for k, name in enumerate(_OPTIONAL) if number >> k & 1}
        types = {name: "" if name in null else code for name, code in _TYPES.items()}
        parts.append(_wire(rows[kind == number], types))
    return b"".join((*parts, _END))


def _wire(rows: Rows, types: dict[str, str], n: Numbers | None = None) -> bytes:
    """Rows in PostgreSQL's binary format: number of columns, then length and value of each; NULL has length -1 and no value."""
    fields = [("columns", ">i2")]
    for name, code in types.items():
        fields += [(f"{name}_length", ">i4"), *([(name, code)] if code else [])]
    wire = np.empty(len(rows), dtype=fields)
    wire["columns"] = len(types)
    for name, code in types.items():
        wire[f"{name}_length"] = np.dtype(code).itemsize if code else -1
        if code:
            wire[name] = n if name == "n" else rows[name]
    return wire.tobytes()


def _array(values: Numbers) -> str:
    """An array in PostgreSQL's text format, missing values as NULL; lists take the driver ten times as long.

    >>> _array(np.array([1.5, np.nan])), _array(np.array([0, 1], dtype="i2"))
    ('{1.5,NULL}', '{0,1}')
    """
    texts = ("NULL" if value != value else repr(value) for value in values.tolist())
    return f"{{{','.join(texts)}}}"


def _note_days(cursor: psycopg.Cursor[Any], rows: Rows) -> None:
    """Record that the days of some rows have new fixes."""
    days = list(zip(*pending_days(rows), strict=True))
    cursor.execute(_PENDING, (time.monotonic_ns(), *map(list, days)))


def _outcomes(rows: Rows, number: Numbers, stored: Numbers, there: Rows, batches: int) -> list[Outcome]:
    """Outcome of each batch: `stored` marks new rows, `there` is the place stored under each key."""
    from api.ingest.writer import Outcome

    same = (rows["lon_e7"] == there["lon_e7"]) & (rows["lat_e7"] == there["lat_e7"])
    kinds = np.where(stored, 0, np.where(same, 1, 2))
    counts = np.bincount(number * 3 + kinds, minlength=batches * 3).reshape(batches, 3)
    return [Outcome(*count) for count in counts.tolist()]
