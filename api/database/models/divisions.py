"""Streets, versions of their divisions, and events of versions."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date
from sqlalchemy.orm import Mapped, mapped_column

from api.database.models.base import Base, UtcDateTime


class StreetRow(Base):
    """A street. The migration creates street 1 without a code; the first stored division names it."""

    __tablename__ = "street"

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str | None] = mapped_column(unique=True)
    name: Mapped[str | None]


class VersionRow(Base):
    """One version of a division.

    ``columns`` holds, for each layer, the columns in order with their dtypes, so that frames are restored exactly.
    ``digest`` is a SHA-256 over codes and geometries: versions with equal digests are the same partition.
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


class DivisionEventRow(Base):
    """An event of a version with actor, time and reason. Append-only.

    ``action`` is ``stored``, ``replaced``, ``published`` or ``retired``; a retired version is not valid from ``day`` on.
    The version of a discarded draft is deleted, so ``version_id`` is not a foreign key.
    """

    __tablename__ = "division_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    version_id: Mapped[int] = mapped_column(index=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    action: Mapped[str]
    actor: Mapped[str]
    reason: Mapped[str | None]
    day: Mapped[date | None] = mapped_column(Date)
