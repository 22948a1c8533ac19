"""Rule sets, verdicts and their evidence. All three are append-only."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Date, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.database.models.base import Base, BigId, UtcDateTime


class RuleSetRow(Base):
    """One version of a rule set, as the text of its TOML file."""

    __tablename__ = "rule_set"
    __table_args__ = (UniqueConstraint("street", "name", "version"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"))
    name: Mapped[str]
    version: Mapped[str]
    holds_from: Mapped[date | None] = mapped_column(Date)
    text: Mapped[str]
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str]


class VerdictRow(Base):
    """A verdict for a cell and local day under one rule set and one version of the division.

    ``revision`` counts from 1; the highest one is valid. ``restated`` marks a change of an earlier verdict of a past day, caused
    by late data.
    """

    __tablename__ = "verdict"
    __table_args__ = (
        UniqueConstraint("street", "day", "code", "rules", "version_id", "revision"),
        Index("ix_verdict_made_at", "street", "made_at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"))
    day: Mapped[date] = mapped_column(Date)
    code: Mapped[str]
    rules: Mapped[str]
    version_id: Mapped[int] = mapped_column(ForeignKey("division_version.id"))
    revision: Mapped[int]
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[str]
    visits: Mapped[int]
    required: Mapped[int]
    restated: Mapped[bool] = mapped_column(Boolean)
    values: Mapped[dict[str, Any]] = mapped_column(JSON)


class EvidenceRow(Base):
    """The evidence of a verdict: the record and its SHA-256."""

    __tablename__ = "evidence"

    verdict_id: Mapped[int] = mapped_column(BigId, ForeignKey("verdict.id"), primary_key=True, autoincrement=False)
    sha256: Mapped[str]
    record: Mapped[dict[str, Any]] = mapped_column(JSON)
