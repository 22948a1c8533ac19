"""Records entered by people in the ledgers and briefs: typed texts, signatures, meetings and their decisions. All append-only."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Date, ForeignKey, Index, LargeBinary, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.database.models.base import Base, BigId, UtcDateTime


class TypedTextRow(Base):
    """A text typed into a ledger or brief. The last one of a place is valid; earlier ones are kept."""

    __tablename__ = "duty_typed_text"
    __table_args__ = (Index("ix_duty_typed_text_place", "street", "ledger", "key", "column"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"))
    ledger: Mapped[str]
    key: Mapped[str]
    column: Mapped[str]
    text: Mapped[str] = mapped_column(Text)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str]


class SignedLedgerRow(Base):
    """A signed ledger: its content as text, its printed form, and the hash of the content."""

    __tablename__ = "duty_signed_ledger"
    __table_args__ = (UniqueConstraint("street", "ledger", "scope", "start", name="uq_duty_signed_ledger_street"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"))
    ledger: Mapped[str]
    scope: Mapped[str]
    start: Mapped[date] = mapped_column(Date)
    content: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str]
    print: Mapped[bytes] = mapped_column(LargeBinary)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str]


class MeetingRow(Base):
    """A meeting."""

    __tablename__ = "duty_meeting"
    __table_args__ = (UniqueConstraint("street", "meeting_id", name="uq_duty_meeting_street"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"))
    meeting_id: Mapped[str]
    day: Mapped[date] = mapped_column(Date)
    place: Mapped[str]
    chair: Mapped[str]
    present: Mapped[list[str]] = mapped_column(JSON)
    absent: Mapped[list[str]] = mapped_column(JSON)
    items: Mapped[list[Any]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str]


class DecisionRow(Base):
    """A decision of a meeting that concerns no single case; a decision on a case is an event of the case."""

    __tablename__ = "duty_decision"
    __table_args__ = (UniqueConstraint("street", "decision_id", name="uq_duty_decision_street"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"))
    decision_id: Mapped[str]
    meeting_id: Mapped[str]
    case_id: Mapped[str]
    text: Mapped[str] = mapped_column(Text)
    owner: Mapped[str]
    due: Mapped[date] = mapped_column(Date)
    helpers: Mapped[list[str]] = mapped_column(JSON)
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str]


class DecisionDoneRow(Base):
    """A decision that was carried out."""

    __tablename__ = "duty_decision_done"
    __table_args__ = (UniqueConstraint("decision", name="uq_duty_decision_done_decision"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    decision: Mapped[int] = mapped_column(BigId, ForeignKey("duty_decision.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str]
