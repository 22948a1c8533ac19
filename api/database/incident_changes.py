"""Incidents and corrections added since a state, for readers that cache all incidents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from api.database.models import CorrectionRow, IncidentRow

#: Fields of an incident that are shown, as received until corrections are applied.
SHOWN_FIELDS = (
    "id",
    "number",
    "reported_at",
    "received_at",
    "lon",
    "lat",
    "kind",
    "text",
    "address",
    "third",
    "second",
    "community",
)
#: A correction with this key withdraws an incident; the received record is kept.
WITHDRAWN = "withdrawn"


@dataclass(frozen=True)
class IncidentState:
    """Position of a reader: the last incident and correction, and the number of incidents. They never decrease."""

    last: int = 0
    correction: int = 0
    count: int = 0


def incident_state(session: Session, street: int) -> IncidentState:
    """State of the stored incidents."""
    last, count = session.execute(
        select(func.coalesce(func.max(IncidentRow.id), 0), func.count(IncidentRow.id)).where(
            IncidentRow.street == street
        )
    ).one()
    correction = session.scalar(
        select(func.coalesce(func.max(CorrectionRow.id), 0))
        .join(IncidentRow, IncidentRow.id == CorrectionRow.incident_id)
        .where(IncidentRow.street == street)
    )
    return IncidentState(int(last), int(correction or 0), int(count))


def incidents_since(
    session: Session, street: int, state: IncidentState
) -> tuple[list[dict[str, Any]], list[tuple[int, dict[str, Any]]]]:
    """Incidents as received and corrections (incident and changed fields) newer than a state, in order."""
    query = (
        select(*(getattr(IncidentRow, key) for key in SHOWN_FIELDS))
        .where(IncidentRow.street == street, IncidentRow.id > state.last)
        .order_by(IncidentRow.id)
    )
    rows = [dict(zip(SHOWN_FIELDS, row, strict=True)) for row in session.execute(query)]
    corrections = (
        select(CorrectionRow.incident_id, CorrectionRow.changes)
        .join(IncidentRow, IncidentRow.id == CorrectionRow.incident_id)
        .where(IncidentRow.street == street, CorrectionRow.id > state.correction)
        .order_by(CorrectionRow.id)
    )
    return rows, [(int(number), dict(changes)) for number, changes in session.execute(corrections)]


def apply_changes(row: dict[str, Any], changes: dict[str, Any]) -> None:
    """Apply a correction to a cached incident; times are parsed from text."""
    row.update(changes)
    if isinstance(row["reported_at"], str):
        row["reported_at"] = datetime.fromisoformat(row["reported_at"])
