"""Audit and events."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.database.connections import lock
from api.database.models import AuditRow, EventRow


@dataclass(frozen=True)
class Event:
    """An event sent to open pages."""

    id: int
    at: datetime
    kind: str
    scope: str
    data: dict[str, Any]


def audit(session: Session, street: int, actor: str, action: str, subject: str, *, at: datetime, **detail: Any) -> None:
    """Record an action or an access with its actor."""
    session.add(AuditRow(street=street, at=at, actor=actor, action=action, subject=subject, detail=detail))
    session.flush()


def read_audit(session: Session, street: int, *, before: int | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Entries of the audit, newest first; `before` is the number of the last entry already listed."""
    query = select(AuditRow).where(AuditRow.street == street).order_by(AuditRow.id.desc()).limit(limit)
    if before is not None:
        query = query.where(AuditRow.id < before)
    return [
        {"id": r.id, "at": r.at, "actor": r.actor, "action": r.action, "subject": r.subject, "detail": r.detail}
        for r in session.scalars(query)
    ]


def add_event(session: Session, street: int, kind: str, scope: str, data: dict[str, Any], *, at: datetime) -> None:
    """Store an event, which is sent to open pages after the commit.

    Events must be committed in the order of their numbers, so that a page that resumes after the last number misses none.
    """
    lock(session, "events")
    session.add(EventRow(street=street, at=at, kind=kind, scope=scope, data=data))


def events_after(session: Session, street: int, last: int, *, limit: int = 500) -> list[Event]:
    """Events with a greater number than `last`, oldest first."""
    query = select(EventRow).where(EventRow.street == street, EventRow.id > last).order_by(EventRow.id).limit(limit)
    return [Event(r.id, r.at, r.kind, r.scope, r.data) for r in session.scalars(query)]


def last_event(session: Session, street: int) -> int:
    """Number of the newest event, 0 if there is none."""
    return session.scalar(select(func.max(EventRow.id)).where(EventRow.street == street)) or 0
