"""Copy of a database to another one, from SQLite to PostGIS or back, without loss."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Any

import psycopg
from sqlalchemy import Connection, Engine, Table, bindparam, delete, func, insert, select, text, update

from api.database.migrate import require_schema
from api.database.models import Base
from api.ingest.fix import DAY_US
from geo.errors import FileError

#: Rows copied by one statement.
ROWS = 5_000


def move(source: Engine, target: Engine) -> dict[str, int]:
    """Copy every row of a database to a new one with the current schema, in one transaction, and compare both.

    Returns
    -------
    dict
        Number of rows by table.

    Raises
    ------
    FileError
        If the target has rows already, or a table differs after the copy.
    """
    require_schema(source)
    require_schema(target)
    counts = {}
    if target.dialect.name == "postgresql":
        _make_partitions(source, target)
    with source.connect() as reading, target.execution_options(write=True).begin() as writing:
        for table in Base.metadata.sorted_tables:
            if table.name != "street" and writing.execute(select(func.count()).select_from(table)).scalar():
                raise FileError(f"the target has rows in '{table.name}' already; move into a new store")
        writing.execute(delete(Base.metadata.tables["street"]))
        for table in Base.metadata.sorted_tables:
            counts[table.name] = _copy(table, reading, writing)
        _publish(reading, writing)
        for table in Base.metadata.sorted_tables:
            if digest(table, reading) != digest(table, writing):
                raise FileError(f"table '{table.name}' is not the same after the copy; nothing was moved")
        if target.dialect.name == "postgresql":
            _set_sequences(writing)
    return counts


def digest(table: Table, connection: Connection) -> str:
    """SHA-256 over all rows of a table in the order of their key, equal on both databases."""
    summed = hashlib.sha256()
    for row in _rows(table, connection):
        summed.update(repr([_plain(value) for value in row]).encode())
    return summed.hexdigest()


def _rows(table: Table, connection: Connection) -> Iterator[Any]:
    query = select(table).order_by(*table.primary_key.columns)
    with connection.execute(query, execution_options={"yield_per": ROWS}) as result:
        yield from result


def _copy(table: Table, reading: Connection, writing: Connection) -> int:
    """Copy a table; versions are copied as drafts, because cells cannot be added to a published one."""
    count = 0
    block: list[dict[str, Any]] = []
    for row in _rows(table, reading):
        values = dict(row._mapping)
        if table.name == "division_version":
            values["published_at"] = None
        block.append(values)
        count += 1
        if len(block) == ROWS:
            writing.execute(insert(table), block)
            block = []
    if block:
        writing.execute(insert(table), block)
    return count


def _publish(reading: Connection, writing: Connection) -> None:
    table = Base.metadata.tables["division_version"]
    rows = reading.execute(select(table.c.id, table.c.published_at).where(table.c.published_at.is_not(None))).all()
    change = update(table).where(table.c.id == bindparam("key")).values(published_at=bindparam("at"))
    if rows:
        writing.execute(change, [{"key": row.id, "at": row.published_at} for row in rows])


def _make_partitions(source: Engine, target: Engine) -> None:
    from api.ingest.postgresql import make_partition

    with source.connect() as reading:
        days = reading.execute(text(f"SELECT DISTINCT time_us / {DAY_US} FROM fix")).scalars().all()
    address = target.url.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
        for day in days[:5_000]:
            make_partition(connection, int(day))


def _set_sequences(writing: Connection) -> None:
    """Set PostgreSQL's sequences to continue after the copied rows."""
    for table in Base.metadata.sorted_tables:
        column = table.autoincrement_column
        if column is None or len(table.primary_key.columns) != 1:
            continue
        sequence = writing.execute(
            text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": table.name, "column": column.name}
        ).scalar()
        if sequence is not None:
            last = writing.execute(select(func.max(column))).scalar()
            words = {"sequence": sequence, "last": last or 1, "used": last is not None}
            writing.execute(text("SELECT setval(:sequence, :last, :used)"), words)


def _plain(value: Any) -> Any:
    data = getattr(value, "data", value)
    if hasattr(value, "srid"):
        # PostGIS returns geometries as hexadecimal text, SQLite as bytes.
        return data.lower() if isinstance(data, str) else bytes(data).hex()
    return bytes(value) if isinstance(value, memoryview) else value
