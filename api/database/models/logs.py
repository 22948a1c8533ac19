"""Audit, events for open pages, jobs, leases, and deletions by retention."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Boolean, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from api.database.models.base import Base, BigId, UtcDateTime


class AuditRow(Base):
    """A change or access with its actor. Append-only."""

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_at", "street", "at"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str]
    action: Mapped[str]
    subject: Mapped[str]
    detail: Mapped[dict[str, Any]] = mapped_column(JSON)


class EventRow(Base):
    """An event sent to open pages, which resume after the last id received. ``scope`` is the code of a cell."""

    __tablename__ = "event"
    __table_args__ = (Index("ix_event_street", "street", "id"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[str]
    scope: Mapped[str]
    data: Mapped[dict[str, Any]] = mapped_column(JSON)


class JobRow(Base):
    """A background job: ``waiting``, ``running``, ``done``, ``failed`` or ``cancelled``; leased by one worker at a time."""

    __tablename__ = "job"
    __table_args__ = (Index("ix_job_state", "state", "id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"))
    account_id: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    kind: Mapped[str]
    arguments: Mapped[dict[str, Any]] = mapped_column(JSON)
    state: Mapped[str]
    attempt: Mapped[int]
    worker: Mapped[str | None]
    lease_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancel: Mapped[bool] = mapped_column(Boolean)
    progress: Mapped[float]
    message: Mapped[str]
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class LeaseRow(Base):
    """A task that one process executes at a time, such as updating verdicts."""

    __tablename__ = "lease"

    name: Mapped[str] = mapped_column(primary_key=True)
    holder: Mapped[str]
    until_us: Mapped[int] = mapped_column(BigInteger)


class PurgeRow(Base):
    """A deletion by retention. While ``running`` the triggers allow rows of ``subject`` to be deleted. Kept as a record."""

    __tablename__ = "purge"

    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str]
    subject: Mapped[str]
    before: Mapped[datetime] = mapped_column(UtcDateTime)
    rows: Mapped[int] = mapped_column(BigInteger)
    running: Mapped[bool] = mapped_column(Boolean)
