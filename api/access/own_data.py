"""Data stored about an account and its person, for that person (PIPL article 45)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from api.database.fixes import track
from api.database.models import AccountRow, AuditRow, DeviceRow, GrantRow, HoldingRow, IncidentRow, PersonRow
from api.ingest.fix import microseconds

#: Maximum number of rows of each kind in one answer; a shorter period returns the rest.
MOST_ROWS = 100_000


def own_data(session: Session, street: int, account: int, start: datetime, end: datetime) -> dict[str, Any]:
    """All data about an account: account, roles, person and devices, and of ``[start, end)`` fixes, incidents and audit.

    Fixes are those of the devices while the person held them.
    """
    row = session.get_one(AccountRow, account)
    person = None if row.person_id is None else session.get(PersonRow, row.person_id)
    holdings = _holdings(session, person)
    devices = sorted({name for _, name, _, _ in holdings})
    return {
        "account": {"name": row.name, "created_at": row.created_at, "has_password": row.password is not None},
        "roles": [
            {"role": g.role, "scope": g.scope, "granted_at": g.granted_at, "revoked_at": g.revoked_at}
            for g in session.scalars(select(GrantRow).where(GrantRow.account_id == account).order_by(GrantRow.id))
        ],
        "person": None if person is None else {"name": person.name, "code": person.code, "phone": person.office_phone},
        "devices": [{"device": name, "from": since, "to": until} for _, name, since, until in holdings],
        "fixes": [
            {"device": name, **fix}
            for number, name, since, until in holdings
            for fix in track(
                session,
                street,
                number,
                microseconds(max(start, since)),
                microseconds(min(end, until or end)),
                limit=MOST_ROWS,
            )
        ],
        "incidents": [
            {"number": i.number, "reported_at": i.reported_at, "lon": i.lon, "lat": i.lat, "text": i.text}
            for i in session.scalars(
                select(IncidentRow)
                .where(IncidentRow.account_id == account)
                .where(IncidentRow.reported_at >= start, IncidentRow.reported_at < end)
                .order_by(IncidentRow.reported_at)
                .limit(MOST_ROWS)
            )
        ],
        "audit": [
            {"at": a.at, "actor": a.actor, "action": a.action, "subject": a.subject}
            for a in session.scalars(
                select(AuditRow)
                .where(AuditRow.street == street, AuditRow.at >= start, AuditRow.at < end)
                .where(
                    or_(
                        AuditRow.actor.in_([f"session:{row.name}", f"program:{row.name}"]),
                        AuditRow.subject.in_([row.name, *devices]),
                    )
                )
                .order_by(AuditRow.id)
                .limit(MOST_ROWS)
            )
        ],
    }


def _holdings(session: Session, person: PersonRow | None) -> list[tuple[int, str, datetime, datetime | None]]:
    """Devices that a person has held: number, name, from and to."""
    if person is None:
        return []
    query = (
        select(DeviceRow.id, DeviceRow.name, HoldingRow.valid_from, HoldingRow.valid_to)
        .join(HoldingRow, HoldingRow.device_id == DeviceRow.id)
        .where(HoldingRow.person_id == person.id)
        .order_by(HoldingRow.valid_from)
    )
    return [(r[0], r[1], r[2], r[3]) for r in session.execute(query)]
