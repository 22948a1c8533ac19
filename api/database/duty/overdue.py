"""Cases whose handling was overdue at a given time, and places of reports."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from api.database.duty.cases import in_scopes, logs_of
from api.database.models import CaseRow, ReportRow
from geo.duty import Case, State, fold
from geo.duty.events import ENDED

#: States in which the handling of a case does not count as overdue.
_RESTING = [state.value for state in (*ENDED, State.SHELVED)]


def has_cases(session: Session, street: int) -> bool:
    """Whether the database has cases of a street."""
    return session.scalar(select(CaseRow.id).where(CaseRow.street == street).limit(1)) is not None


def overdue_cases(session: Session, street: int, at: datetime, scopes: Sequence[str] | None = None) -> list[Case]:
    """Cases in their state at a given time that were open, not shelved, and past their handling limit.

    Cost: linear in the cases that are overdue now or have changed since that time.

    Parameters
    ----------
    at
        Timezone-aware. Later events are ignored.
    scopes
        Codes of the cells in which the cases lie; None for the whole street.

    Returns
    -------
    list of Case
        Longest overdue first.
    """
    now = and_(CaseRow.state.not_in(_RESTING), or_(CaseRow.late, CaseRow.due < at))
    query = select(CaseRow.number).where(
        CaseRow.street == street, CaseRow.opened_at <= at, or_(now, CaseRow.changed_at > at)
    )
    if scopes is not None:
        query = query.where(in_scopes(scopes))
    found = []
    for _, log in logs_of(session, street, sorted(session.scalars(query))):
        known = [event for event in log if event.at <= at]
        case = fold(known) if known else None
        if case is not None and case.open and case.state is not State.SHELVED and case.overdue(at):
            found.append(case)
    return sorted(found, key=lambda case: (case.due or at, case.case_id))


def report_places(session: Session, street: int, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Time, kind and grids of the reports of ``[start, end)``, without text, position or names."""
    keys = ("received_at", "kind", "standard_ref", "third", "second", "community")
    query = select(*(getattr(ReportRow, key) for key in keys)).where(
        ReportRow.street == street, ReportRow.received_at >= start, ReportRow.received_at < end
    )
    rows = session.execute(query.order_by(ReportRow.received_at, ReportRow.id))
    return [{"reported_at": row[0], **dict(zip(keys, row, strict=True))} for row in rows]
