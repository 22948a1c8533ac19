"""Reports, cases with their events, rectification steps, the roster, shifts and notices."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Boolean, Date, Double, ForeignKey, Index, LargeBinary, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from api.database.models.base import Base, BigId, UtcDateTime


class ReportRow(Base):
    """A report as received. Append-only; name and contact of the reporter are in :class:`ReporterRow`."""

    __tablename__ = "duty_report"
    __table_args__ = (
        UniqueConstraint("street", "number"),
        UniqueConstraint("street", "client_id", name="uq_duty_report_client_id"),
        Index("ix_duty_report_received_at", "street", "received_at"),
        Index("ix_duty_report_case", "street", "case_number"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"))
    number: Mapped[str]
    case_number: Mapped[str]
    client_id: Mapped[str | None]
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    taken_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    channel: Mapped[str]
    external_no: Mapped[str]
    text: Mapped[str]
    standard_ref: Mapped[str]
    kind: Mapped[str]
    lon: Mapped[float | None] = mapped_column(Double)
    lat: Mapped[float | None] = mapped_column(Double)
    datum: Mapped[str]
    address: Mapped[str]
    third: Mapped[str]
    second: Mapped[str]
    community: Mapped[str]
    version_id: Mapped[int | None] = mapped_column(ForeignKey("division_version.id"))
    wants_reply: Mapped[bool] = mapped_column(Boolean)
    confidential: Mapped[bool] = mapped_column(Boolean)
    entered_by: Mapped[str]


class ReporterRow(Base):
    """Encrypted name and contact of a reporter; both are empty after an erasure required by law."""

    __tablename__ = "duty_reporter"

    report_id: Mapped[int] = mapped_column(BigId, ForeignKey("duty_report.id"), primary_key=True, autoincrement=False)
    sealed: Mapped[bytes | None] = mapped_column(LargeBinary)
    erased_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ReportPhotoRow(Base):
    """A photo of a report, as received. Append-only."""

    __tablename__ = "duty_report_photo"
    __table_args__ = (UniqueConstraint("report_id", "sha256"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    report_id: Mapped[int] = mapped_column(BigId, ForeignKey("duty_report.id"))
    sha256: Mapped[str]
    media_type: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class CaseEventRow(Base):
    """One step of a case. Append-only; `seq` is dense within the case."""

    __tablename__ = "duty_event"
    __table_args__ = (
        UniqueConstraint("street", "case_number", "seq"),
        Index("ix_duty_event_at", "street", "at"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"))
    case_number: Mapped[str]
    seq: Mapped[int]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str]
    role: Mapped[str]
    action: Mapped[str]
    reason: Mapped[str]
    payload: Mapped[dict[str, Any]] = mapped_column(JSON)
    client_id: Mapped[str | None]
    rules_version: Mapped[str]
    calendar_version: Mapped[str]
    prev_hash: Mapped[str]


class CaseRow(Base):
    """Current values of a case for lists, computed from its events and recomputable from them.

    ``head_hash`` is the hash of the last event, so that a modification of that event is detected, too.
    """

    __tablename__ = "duty_case"
    __table_args__ = (
        UniqueConstraint("street", "number"),
        Index("ix_duty_case_state", "street", "state", "step_due"),
        Index("ix_duty_case_second", "street", "second", "state"),
        Index("ix_duty_case_opened", "street", "opened_at"),
        Index("ix_duty_case_due", "street", "due"),
        Index("ix_duty_case_changed", "street", "changed_at", "round"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"))
    number: Mapped[str]
    seq: Mapped[int]
    state: Mapped[str]
    owner: Mapped[str | None]
    unit: Mapped[str | None]
    outcome: Mapped[str | None]
    due: Mapped[datetime | None] = mapped_column(UtcDateTime)
    step_due: Mapped[datetime | None] = mapped_column(UtcDateTime)
    late: Mapped[bool] = mapped_column(Boolean)
    round: Mapped[int]
    standard_ref: Mapped[str]
    kind: Mapped[str]
    service: Mapped[str]
    summary: Mapped[str]
    channel: Mapped[str]
    third: Mapped[str]
    second: Mapped[str]
    community: Mapped[str]
    merged_into: Mapped[str | None]
    reports: Mapped[int]
    opened_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    head_hash: Mapped[str]


class ItemStepRow(Base):
    """One step of a rectification item. Append-only."""

    __tablename__ = "duty_item_step"
    __table_args__ = (UniqueConstraint("street", "item", "seq"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"))
    item: Mapped[str]
    seq: Mapped[int]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    actor: Mapped[str]
    action: Mapped[str]
    text: Mapped[str]
    values: Mapped[dict[str, Any]] = mapped_column(JSON)


class ItemPhotoRow(Base):
    """A photo that belongs to one step of a rectification item: before at the finding, after at the self-check. Append-only."""

    __tablename__ = "duty_item_photo"
    __table_args__ = (UniqueConstraint("step_id", "sha256"),)

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    step_id: Mapped[int] = mapped_column(BigId, ForeignKey("duty_item_step.id"))
    sha256: Mapped[str]
    media_type: Mapped[str]
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    content: Mapped[bytes] = mapped_column(LargeBinary)


class DutyPersonRow(Base):
    """Published data of a person with a duty, besides name and office telephone."""

    __tablename__ = "duty_person"

    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), primary_key=True, autoincrement=False)
    kind: Mapped[str]
    post: Mapped[str]
    unit: Mapped[str]
    pledge: Mapped[str]


class AssignmentRow(Base):
    """A person's duty for a cell; first and last day are included. Rows are withdrawn, not deleted."""

    __tablename__ = "duty_assignment"
    __table_args__ = (Index("ix_duty_assignment_cell", "street", "cell"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"))
    cell: Mapped[str]
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    duty: Mapped[str]
    valid_from: Mapped[date] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)
    place: Mapped[str]
    basis: Mapped[str]
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_by: Mapped[str]
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class AbsenceRow(Base):
    """An absence of a person, with the deputy. Rows are withdrawn, not deleted."""

    __tablename__ = "duty_absence"

    id: Mapped[int] = mapped_column(primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    first: Mapped[date] = mapped_column(Date)
    last: Mapped[date] = mapped_column(Date)
    deputy_id: Mapped[int | None] = mapped_column(ForeignKey("person.id"))
    reason: Mapped[str]
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_by: Mapped[str]
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ShiftRow(Base):
    """A person's duty at a place in ``[start_at, end_at)``; a swap withdraws two rows and adds two."""

    __tablename__ = "duty_shift"
    __table_args__ = (Index("ix_duty_shift_start_at", "street", "start_at"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"))
    place: Mapped[str]
    start_at: Mapped[datetime] = mapped_column(UtcDateTime)
    end_at: Mapped[datetime] = mapped_column(UtcDateTime)
    person: Mapped[str]
    swapped_from: Mapped[str]
    reason: Mapped[str]
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_by: Mapped[str]
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class DutyPostRow(Base):
    """A place that must be staffed at given hours. Rows are withdrawn, not deleted."""

    __tablename__ = "duty_post"
    __table_args__ = (Index("ix_duty_post_place", "street", "place"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"))
    place: Mapped[str]
    cell: Mapped[str]
    hours: Mapped[str]
    days: Mapped[str]
    recorded_at: Mapped[datetime] = mapped_column(UtcDateTime)
    recorded_by: Mapped[str]
    withdrawn_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class NoticeRow(Base):
    """A notice to the holders of given duties in given cells. Append-only."""

    __tablename__ = "duty_notice"
    __table_args__ = (UniqueConstraint("street", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    street: Mapped[int] = mapped_column(ForeignKey("street.id"))
    number: Mapped[str]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    by: Mapped[str]
    title: Mapped[str]
    text: Mapped[str]
    cells: Mapped[list[str]] = mapped_column(JSON)
    duties: Mapped[list[str]] = mapped_column(JSON)
    levels: Mapped[list[int]] = mapped_column(JSON, server_default="[]")


class ReceiptRow(Base):
    """Receipt of a notice by a person. Append-only."""

    __tablename__ = "duty_receipt"
    __table_args__ = (UniqueConstraint("notice_id", "person"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    notice_id: Mapped[int] = mapped_column(ForeignKey("duty_notice.id"))
    person: Mapped[str]
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    way: Mapped[str]
    recorded_by: Mapped[str]
