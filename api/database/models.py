"""Rows of the store."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from geoalchemy2 import WKBElement
from sqlalchemy import JSON, Date, DateTime, Dialect, Double, ForeignKey, MetaData, TypeDecorator, UniqueConstraint
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from api.database.spatial import ExactGeometry

# Constraints need names of their own, or a later migration could not address them.
_NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_name)s",
    "uq": "uq_%(table_name)s_%(column_0_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """Aware time, kept as UTC; SQLite has no time zones, so what comes back is marked UTC here."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Bring an aware time to UTC."""
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        """Mark a time as UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """Base of all rows."""

    metadata = MetaData(naming_convention=_NAMING)


class VersionRow(Base):
    """One version of a division.

    ``columns`` keeps, for each layer, the columns in order with their dtypes, so that frames come back as they were.
    ``digest`` is a SHA-256 over codes and geometries: two versions of one digest are the same partition.
    """

    __tablename__ = "division_version"

    id: Mapped[int] = mapped_column(primary_key=True)
    street_code: Mapped[str]
    street_name: Mapped[str | None]
    valid_from: Mapped[date] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    srid: Mapped[int]
    communities: Mapped[int]
    seconds: Mapped[int]
    thirds: Mapped[int]
    digest: Mapped[str]
    note: Mapped[str | None]
    columns: Mapped[dict[str, Any]] = mapped_column(JSON)


class CellRow(Base):
    """One cell of one version; what a source brings beside the known columns is kept in ``extra``."""

    __tablename__ = "cell"
    __table_args__ = (UniqueConstraint("version_id", "level", "code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(ForeignKey("division_version.id"), index=True)
    level: Mapped[int]
    position: Mapped[int]
    code: Mapped[str]
    name: Mapped[str | None]
    parent: Mapped[str | None]
    area_m2: Mapped[float | None] = mapped_column(Double)
    population: Mapped[float | None] = mapped_column(Double)
    households: Mapped[float | None] = mapped_column(Double)
    units: Mapped[float | None] = mapped_column(Double)
    workload: Mapped[float | None] = mapped_column(Double)
    leader: Mapped[str | None]
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    extra: Mapped[dict[str, Any]] = mapped_column(JSON)
    # No SRID in the column type: streets lie in different 3-degree zones, and every value carries its own.
    geometry: Mapped[WKBElement] = mapped_column(ExactGeometry("GEOMETRY", srid=-1), nullable=False)
