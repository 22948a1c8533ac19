"""Incidents as received, corrections of them, and photos. All three are append-only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Double, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.database.models.base import Base, UtcDateTime


class IncidentRow(Base):
    """One reported problem at a point. ``number`` is assigned by the reporter and makes repeated requests harmless."""

    __tablename__ = "incident"
    __table_args__ = (
        UniqueConstraint("street", "number"),
        Index("ix_incident_reported_at", "street", "reported_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"))
    number: Mapped[str]
    reported_at: Mapped[datetime] = mapped_column(UtcDateTime)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    lon: Mapped[float] = mapped_column(Double)
    lat: Mapped[float] = mapped_column(Double)
    datum: Mapped[str]
    kind: Mapped[str | None]
    text: Mapped[str]
    address: Mapped[str | None]
    third: Mapped[str | None]
    second: Mapped[str | None]
    community: Mapped[str | None]
    version_id: Mapped[int | None] = mapped_column(ForeignKey("division_version.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))


class CorrectionRow(Base):
    """A correction of an incident: changed fields, actor, time and reason."""

    __tablename__ = "incident_correction"
    __table_args__ = (UniqueConstraint("incident_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incident.id"))
    number: Mapped[int]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str]
    reason: Mapped[str]
    changes: Mapped[dict[str, Any]] = mapped_column(JSON)


class PhotoRow(Base):
    """A photo of an incident, as received; its bytes are in the database, so that a backup contains them."""

    __tablename__ = "incident_photo"
    __table_args__ = (UniqueConstraint("incident_id", "sha256"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incident.id"))
    sha256: Mapped[str]
    media_type: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    content: Mapped[bytes] = mapped_column(LargeBinary)
