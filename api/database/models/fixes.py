"""Fixes as received, and days whose verdicts must be recomputed."""

from __future__ import annotations

from sqlalchemy import BigInteger, Integer, SmallInteger
from sqlalchemy.dialects.postgresql import REAL
from sqlalchemy.orm import Mapped, mapped_column

from api.database.models.base import Base

#: REAL on both databases: eight bytes in SQLite, four in PostgreSQL.
_Real: REAL[float] = REAL()


class FixRow(Base):
    """One position fix.

    ``time_us`` and ``received_us`` are microseconds since 1970 UTC, by the clock of the device and of the server; their
    difference is the offset of the device. ``lon_e7`` and ``lat_e7`` are WGS-84 degrees in units of 1e-7 (about 1 cm).
    ``datum`` is the position in :class:`geo.layers.Datum` of the declared datum, ``source`` the position in
    :data:`api.ingest.fix.SOURCES`. ``future`` marks a fix ahead of the server's clock, ``mock`` the phone's flag of a simulated
    position (NULL: unknown). PostgreSQL has a partition for each UTC day.

    No foreign keys: they would cost a lookup per fix, and the writer takes street and device from their tables.
    """

    __tablename__ = "fix"
    # The BRIN index on the time is created by the migration on PostgreSQL; partitions are created by the writer.
    __table_args__ = ({"sqlite_with_rowid": False, "postgresql_partition_by": "RANGE (time_us)"},)

    street: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    device: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    time_us: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    lon_e7: Mapped[int] = mapped_column(Integer)
    lat_e7: Mapped[int] = mapped_column(Integer)
    accuracy_m: Mapped[float | None] = mapped_column(_Real)
    speed_m_s: Mapped[float | None] = mapped_column(_Real)
    mock: Mapped[int | None] = mapped_column(SmallInteger)
    future: Mapped[int] = mapped_column(SmallInteger)
    datum: Mapped[int] = mapped_column(SmallInteger)
    source: Mapped[int] = mapped_column(SmallInteger)
    received_us: Mapped[int] = mapped_column(BigInteger)


class PendingDayRow(Base):
    """A device with new fixes on a UTC day; inserted in the transaction of the fixes, deleted in that of the new verdicts.

    ``day`` counts days since 1970-01-01, ``mark`` changes with every batch, so that fixes received while verdicts are computed
    are not lost.
    """

    __tablename__ = "pending_day"
    __table_args__ = ({"sqlite_with_rowid": False},)

    street: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    device: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    day: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    mark: Mapped[int] = mapped_column(BigInteger)
